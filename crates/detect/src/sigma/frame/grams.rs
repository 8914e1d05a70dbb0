//! Literals anywhere in a value, found by the rarest few bytes of each.
//!
//! For every literal one piece of it is chosen, four bytes or two, that values seldom have. A set of bits says for each
//! four (two) neighbouring bytes of a value whether a piece may be there: one load and one test a byte, from a table that
//! stays in the nearest cache whatever the number of literals. Only where a bit is set, literals are compared. Where all
//! literals are long, several neighbouring pieces of each are chosen, so that only every second or fourth place of a value
//! need be looked at. An
//! automaton looks at fewer bytes in theory, but waits for memory at each: `cargo xtask bench literals` compares them.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use memchr::memchr2;

/// Pieces that more literals share than this say too little.
const CROWDED: usize = 64;

/// Literals by pieces of them.
#[derive(Debug)]
pub(super) struct Grams {
    texts: Vec<Box<[u8]>>,
    /// Literals of at least four bytes.
    fours: Option<Table<4>>,
    /// Shorter ones.
    twos: Option<Table<2>>,
    /// Single bytes, in lower case.
    ones: Vec<(u8, u32)>,
}

impl Grams {
    /// A search for literals in lower case, and the positions of those it leaves out because too many others share
    /// every piece of them.
    pub(super) fn new<'a>(literals: impl Iterator<Item = &'a str>) -> (Grams, Vec<usize>) {
        let texts: Vec<Box<[u8]>> = literals.map(|text| text.as_bytes().into()).collect();
        let shortest = texts
            .iter()
            .map(|text| text.len())
            .filter(|length| *length >= 4)
            .min();
        let stride = match shortest {
            None | Some(..=4) => 1,
            Some(5..=6) => 2,
            Some(7..) => 4,
        };
        let (mut fours, mut twos) = (Pieces::<4>::new(stride), Pieces::<2>::new(1));
        let (mut ones, mut left_out) = (Vec::new(), Vec::new());
        for (number, text) in texts.iter().enumerate() {
            let literal = number as u32;
            let is_in = match **text {
                [] => false,
                [byte] => {
                    ones.push((byte, literal));
                    true
                }
                [_, _] | [_, _, _] => twos.add(literal, text),
                _ => fours.add(literal, text),
            };
            if !is_in {
                left_out.push(number);
            }
        }
        let grams = Grams {
            fours: fours.table(),
            twos: twos.table(),
            ones,
            texts,
        };
        (grams, left_out)
    }

    /// Gives the positions of the literals that are in a value, some more than once.
    pub(super) fn scan(&self, value: &[u8], mut found: impl FnMut(usize)) {
        let mut check = |piece: &Piece, at: usize| {
            let Some(text) = self.texts.get(piece.literal as usize) else {
                return;
            };
            let here = at
                .checked_sub(usize::from(piece.offset))
                .and_then(|start| value.get(start..start + text.len()));
            if here.is_some_and(|here| here.eq_ignore_ascii_case(text)) {
                found(piece.literal as usize);
            }
        };
        if let Some(fours) = &self.fours {
            fours.scan(value, &mut check);
        }
        if let Some(twos) = &self.twos {
            twos.scan(value, &mut check);
        }
        for (byte, literal) in &self.ones {
            if memchr2(*byte, byte.to_ascii_uppercase(), value).is_some() {
                found(*literal as usize);
            }
        }
    }
}

/// A piece of a literal.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Its bytes, as [`key`] has them.
    key: u32,
    literal: u32,
    /// Where in the literal it stands.
    offset: u16,
}

/// The bytes of a piece with ASCII case set aside. A few other bytes fall together too, which costs a comparison.
fn key<const N: usize>(bytes: [u8; N]) -> u32 {
    let mut four = [0; 4];
    four[..N].copy_from_slice(&bytes);
    u32::from_le_bytes(four) | 0x2020_2020
}

/// Pieces being chosen.
struct Pieces<const N: usize> {
    /// How many neighbouring pieces of each literal, and so how far apart the places are that are looked at.
    stride: usize,
    chosen: Vec<Piece>,
    shared: HashMap<u32, usize, RandomState>,
}

impl<const N: usize> Pieces<N> {
    fn new(stride: usize) -> Pieces<N> {
        Pieces {
            stride,
            chosen: Vec::new(),
            shared: HashMap::default(),
        }
    }

    /// Chooses the pieces of a literal that values have least, as far as their bytes tell, and fewest literals share;
    /// `false` when even these are shared by too many.
    fn add(&mut self, literal: u32, text: &[u8]) -> bool {
        let keys: Vec<(u32, u32)> = text
            .array_windows::<N>()
            .take(usize::from(u16::MAX))
            .map(|window| (key(*window), window.iter().map(|byte| commonness(*byte)).sum()))
            .collect();
        let shared = |key: u32| self.shared.get(&key).copied().unwrap_or(0);
        let cost = |pieces: &[(u32, u32)]| {
            let of = |(key, common): &(u32, u32)| common + 4 * shared(*key) as u32;
            pieces.iter().map(of).sum::<u32>()
        };
        let runs = keys.windows(self.stride).enumerate();
        let Some((offset, pieces)) = runs.min_by_key(|(_, pieces)| cost(pieces)) else {
            return false;
        };
        if pieces.iter().any(|(key, _)| shared(*key) >= CROWDED) {
            return false;
        }
        for (offset, (key, _)) in (offset as u16..).zip(pieces) {
            *self.shared.entry(*key).or_default() += 1;
            self.chosen.push(Piece {
                key: *key,
                literal,
                offset,
            });
        }
        true
    }

    fn table(self) -> Option<Table<N>> {
        (!self.chosen.is_empty()).then(|| Table::new(self.chosen, self.stride))
    }
}

/// How often a byte stands in command lines, paths and the like: a rough order is enough.
fn commonness(byte: u8) -> u32 {
    match byte.to_ascii_lowercase() {
        b' ' | b'e' | b'\\' => 12,
        b's' | b't' | b'i' | b'n' | b'o' | b'r' | b'a' => 10,
        b'c' | b'd' | b'l' | b'm' | b'p' | b'w' | b'.' | b'0' => 8,
        b'u' | b'y' | b'f' | b'g' | b'h' | b'b' | b'x' | b'v' | b'1' | b'2' | b'-' | b'/' | b':' => 5,
        b'0'..=b'9' | b'k' | b'_' | b'=' | b'"' => 4,
        _ => 1,
    }
}

/// Which pieces there are.
#[derive(Debug)]
struct Table<const N: usize> {
    /// How far apart the places are that are looked at.
    stride: usize,
    /// A bit per hash.
    bits: Box<[u64]>,
    /// How far a hash is shifted to be the number of a bit.
    shift: u32,
    /// By hash, shifted further: where its pieces begin; one more at the end.
    begins: Box<[u32]>,
    /// How much further.
    coarser: u32,
    pieces: Box<[Piece]>,
}

impl<const N: usize> Table<N> {
    fn new(mut pieces: Vec<Piece>, stride: usize) -> Table<N> {
        // Thirty-two bits for each piece: a bit set by chance in three of a hundred places.
        let bits = (pieces.len() * 32)
            .next_power_of_two()
            .clamp(1 << 9, 1 << 20)
            .ilog2();
        let buckets = pieces
            .len()
            .next_power_of_two()
            .clamp(16, 1 << 16)
            .ilog2()
            .min(bits);
        let mut table = Table {
            stride,
            bits: vec![0; 1 << (bits - 6)].into(),
            shift: 32 - bits,
            begins: vec![0; (1 << buckets) + 1].into(),
            coarser: bits - buckets,
            pieces: Box::default(),
        };
        pieces.sort_by_key(|piece| table.hash(piece.key));
        for piece in &pieces {
            let hash = table.hash(piece.key);
            table.bits[hash as usize >> 6] |= 1 << (hash & 63);
            table.begins[(hash >> table.coarser) as usize + 1] += 1;
        }
        let mut total = 0;
        for begin in &mut table.begins {
            total += *begin;
            *begin = total;
        }
        table.pieces = pieces.into();
        table
    }

    fn hash(&self, key: u32) -> u32 {
        key.wrapping_mul(0x9E37_79B1) >> self.shift
    }

    fn scan(&self, value: &[u8], check: &mut impl FnMut(&Piece, usize)) {
        match self.stride {
            1 => self.scan_every::<1>(value, check),
            2 => self.scan_every::<2>(value, check),
            _ => self.scan_every::<4>(value, check),
        }
    }

    fn scan_every<const STRIDE: usize>(&self, value: &[u8], check: &mut impl FnMut(&Piece, usize)) {
        for (at, window) in value.array_windows::<N>().enumerate().step_by(STRIDE) {
            let key = key(*window);
            let hash = self.hash(key);
            let word = self.bits.get(hash as usize >> 6).copied().unwrap_or(0);
            if word >> (hash & 63) & 1 != 0 {
                self.look(hash, key, at, check);
            }
        }
    }

    #[cold]
    fn look(&self, hash: u32, key: u32, at: usize, check: &mut impl FnMut(&Piece, usize)) {
        let bucket = (hash >> self.coarser) as usize;
        let (Some(begin), Some(end)) = (self.begins.get(bucket), self.begins.get(bucket + 1)) else {
            return;
        };
        let pieces = self
            .pieces
            .get(*begin as usize..*end as usize)
            .unwrap_or_default();
        for piece in pieces.iter().filter(|piece| piece.key == key) {
            check(piece, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(literals: &[&str], value: &str) -> Vec<usize> {
        let (grams, left_out) = Grams::new(literals.iter().copied());
        assert!(left_out.is_empty());
        let mut found = Vec::new();
        grams.scan(value.as_bytes(), |literal| found.push(literal));
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn literals_are_found_wherever_they_stand_whatever_their_case() {
        let literals = ["mimikatz", " -e", "::", "lsass", "日本"];
        assert_eq!(found(&literals, "x MimiKatz.exe -E sekurlsa::logon"), [0, 1, 2]);
        assert_eq!(found(&literals, "LSASS"), [3]);
        assert_eq!(found(&literals, "日本"), [4]);
        assert!(found(&literals, "mimikat").is_empty());
        assert!(found(&literals, "").is_empty());
        // What differs in the bit that tells cases apart is not the same for that.
        assert!(found(&["a[bc"], "A{BC").is_empty());
    }

    #[test]
    fn a_crowd_is_for_somebody_else() {
        let crowd: Vec<String> = (4..200).map(|length| "a".repeat(length)).collect();
        let (_, left_out) = Grams::new(crowd.iter().map(String::as_str));
        assert_eq!(left_out, (CROWDED..196).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn nothing_is_missed_and_nothing_invented(
            literals in prop_oneof![
                prop::collection::vec("[a-c :é]{1,6}", 1..40),
                prop::collection::vec("[a-b]{5,8}", 1..9),
                prop::collection::vec("[a-b]{7,9}", 1..9),
            ],
            value in "[A-Ca-c :é]{0,60}|[ab]{0,60}",
        ) {
            let texts: Vec<&str> = literals.iter().map(String::as_str).collect();
            let lower = value.to_ascii_lowercase();
            let expected: Vec<usize> =
                (0..texts.len()).filter(|index| lower.contains(texts[*index])).collect();
            prop_assert_eq!(found(&texts, &value), expected);
        }
    }
}
