//! Literals too short to be told by pieces: found by the rarest byte of each, several bytes in one pass; in long texts
//! by the rarest few bytes of each, all in one pass.

use aho_corasick::Span;
use aho_corasick::packed::Searcher;
use memchr::{memchr_iter, memchr2_iter, memchr3_iter};

use super::atom::commonness;

/// Bytes that one pass can stop at.
const TOGETHER: usize = 3;
/// What a pass for one byte costs, beside looking at every place of a text.
const PASS: f64 = 0.07;
/// A text so long is worth the one pass for all.
const LONG: usize = 40;
/// Bytes of a literal that the one pass looks for, at most.
const PIECE: usize = 3;
/// Spellings that it can look for.
const MOST_SPELLINGS: usize = 64;

/// Literals that are looked for by one of their bytes.
#[derive(Debug, Default)]
pub(super) struct Alone {
    passes: Vec<Pass>,
    teddy: Option<Teddy>,
}

#[derive(Debug, Default)]
struct Pass {
    /// One to three; of a letter both cases.
    bytes: Vec<u8>,
    literals: Vec<Short>,
}

#[derive(Debug)]
struct Short {
    literal: u32,
    /// In lower case.
    byte: u8,
    /// Where in the literal the byte stands.
    offset: usize,
}

impl Alone {
    /// A search for literals in lower case, given with their numbers; empty ones are nowhere.
    pub(super) fn new(mut literals: Vec<(u32, &[u8])>) -> Alone {
        let teddy = Teddy::new(&literals);
        literals.sort_by_key(|(_, text)| rarest(text).map(|(_, byte)| byte));
        let mut passes: Vec<Pass> = Vec::new();
        for (literal, text) in literals {
            let Some((offset, byte)) = rarest(text) else {
                continue;
            };
            let short = Short {
                literal,
                byte,
                offset,
            };
            match passes.iter_mut().find(|pass| pass.has_room_for(byte)) {
                Some(pass) => pass.add(short),
                None => {
                    let mut pass = Pass::default();
                    pass.add(short);
                    passes.push(pass);
                }
            }
        }
        Alone { passes, teddy }
    }

    /// Gives the literals whose rarest bytes stand in a text: the literal, where the bytes are, and where in the
    /// literal.
    pub(super) fn scan(&self, text: &[u8], mut check: impl FnMut(u32, usize, usize)) {
        if let Some(teddy) = self.teddy.as_ref().filter(|_| text.len() >= LONG) {
            return teddy.scan(text, check);
        }
        for pass in &self.passes {
            let mut stop = |at: usize| {
                let byte = text.get(at).map(u8::to_ascii_lowercase);
                for short in pass.literals.iter().filter(|short| Some(short.byte) == byte) {
                    check(short.literal, at, short.offset);
                }
            };
            match *pass.bytes {
                [one] => memchr_iter(one, text).for_each(&mut stop),
                [one, two] => memchr2_iter(one, two, text).for_each(&mut stop),
                [one, two, three] => memchr3_iter(one, two, three, text).for_each(&mut stop),
                _ => {}
            }
        }
    }
}

impl Pass {
    fn has_room_for(&self, byte: u8) -> bool {
        self.bytes.contains(&byte) || self.bytes.len() + cases(byte).len() <= TOGETHER
    }

    fn add(&mut self, short: Short) {
        if !self.bytes.contains(&short.byte) {
            self.bytes.extend(cases(short.byte));
        }
        self.literals.push(short);
    }
}

/// One pass for a few bytes of each literal, by the algorithm of that name.
#[derive(Debug)]
struct Teddy {
    searcher: Searcher,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    literal: u32,
    /// In lower case.
    bytes: Box<[u8]>,
    /// Where in the literal they stand.
    offset: usize,
}

impl Teddy {
    /// `None` when there is nothing to look for, when one byte is all there is of a literal, or when there are too many.
    fn new(literals: &[(u32, &[u8])]) -> Option<Teddy> {
        let mut pieces = Vec::new();
        for (literal, text) in literals.iter().filter(|(_, text)| !text.is_empty()) {
            let windows = text.windows(PIECE.min(text.len())).enumerate();
            let common = |window: &[u8]| window.iter().map(|byte| commonness(*byte)).sum::<u32>();
            let (offset, bytes) = windows.min_by_key(|(_, window)| common(window))?;
            if bytes.len() < 2 {
                return None;
            }
            pieces.push(Piece {
                literal: *literal,
                bytes: bytes.into(),
                offset,
            });
        }
        let mut spellings: Vec<Vec<u8>> = pieces.iter().flat_map(|piece| spellings(&piece.bytes)).collect();
        spellings.sort_unstable();
        spellings.dedup();
        if spellings.len() > MOST_SPELLINGS {
            return None;
        }
        let searcher = Searcher::new(spellings)?;
        Some(Teddy { searcher, pieces })
    }

    fn scan(&self, text: &[u8], mut check: impl FnMut(u32, usize, usize)) {
        let mut rest = Span::from(0..text.len());
        while let Some(found) = self.searcher.find_in(text, rest) {
            let at = found.start();
            let here = text.get(at..).unwrap_or_default();
            for piece in &self.pieces {
                let here = here.get(..piece.bytes.len());
                if here.is_some_and(|here| here.eq_ignore_ascii_case(&piece.bytes)) {
                    check(piece.literal, at, piece.offset);
                }
            }
            rest.start = at + 1;
        }
    }
}

/// All spellings of a few bytes.
fn spellings(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.iter().fold(vec![Vec::new()], |spellings, byte| {
        let longer = |spelling: &Vec<u8>| {
            let of = |case: u8| [spelling.as_slice(), &[case]].concat();
            cases(*byte).into_iter().map(of).collect::<Vec<_>>()
        };
        spellings.iter().flat_map(longer).collect()
    })
}

/// What it costs to look for literals so in texts that are not long, beside looking at every place of them.
pub(super) fn cost<'a>(texts: impl Iterator<Item = &'a [u8]>) -> f64 {
    let mut bytes: Vec<u8> = texts.filter_map(rarest).map(|(_, byte)| byte).collect();
    bytes.sort_unstable();
    bytes.dedup();
    let of = |byte: u8| {
        // To stop takes as long as looking at some five places.
        let stops = match commonness(byte) {
            9.. => 0.2,
            6..=8 => 0.1,
            2..=5 => 0.04,
            _ => 0.01,
        };
        PASS * cases(byte).len() as f64 + stops
    };
    bytes.into_iter().map(of).sum()
}

fn rarest(text: &[u8]) -> Option<(usize, u8)> {
    let rarest = text.iter().enumerate().min_by_key(|(_, byte)| commonness(**byte));
    rarest.map(|(offset, byte)| (offset, *byte))
}

/// A byte in both cases.
fn cases(byte: u8) -> Vec<u8> {
    let upper = byte.to_ascii_uppercase();
    if upper == byte {
        vec![byte]
    } else {
        vec![byte, upper]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_stops_at_several_bytes() {
        let literals = ["={{", "=${", "=@(", "/${#", "q", ""];
        let numbered = literals
            .iter()
            .zip(0..)
            .map(|(text, number)| (number, text.as_bytes()));
        let alone = Alone::new(numbered.collect());
        assert_eq!(alone.passes.len(), 2, "{alone:?}");
        let mut found = Vec::new();
        alone.scan(b"/${# ( Q", |literal, at, offset| {
            found.push((literal, at, offset))
        });
        found.sort_unstable();
        // Whether the literal is there is for the caller to see.
        assert_eq!(found, [(0, 2, 1), (1, 1, 1), (2, 5, 2), (3, 1, 1), (4, 7, 0)]);
    }

    #[test]
    fn long_texts_are_gone_over_once_for_all() {
        let literals = ["ab", "abc", "bca", "=x"];
        let numbered = (0..)
            .zip(literals)
            .map(|(number, text)| (number, text.as_bytes()));
        let alone = Alone::new(numbered.collect());
        assert!(alone.teddy.is_some());
        let text = format!("ABCa{}=X", "-".repeat(LONG));
        let mut found = Vec::new();
        alone.scan(text.as_bytes(), |literal, at, offset| {
            found.push((literal, at - offset))
        });
        found.sort_unstable();
        assert_eq!(found, [(0, 0), (1, 0), (2, 1), (3, text.len() - 2)]);
    }
}
