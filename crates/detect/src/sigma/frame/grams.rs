//! Literals anywhere in a value, found by the rarest few bytes of each.
//!
//! For every literal neighbouring pieces of four bytes are chosen that values seldom have. A set of bits says for each
//! four bytes of a value whether a piece may be there: one load and one test, from a table that stays in the nearest
//! cache whatever the number of literals. Only where a bit is set, literals are compared. The longer the literals, the
//! more pieces of each there are, and the farther apart the places of a value that need be looked at. The few that are
//! too short for that are looked for by themselves ([`super::alone`]). An automaton looks at fewer bytes in theory, but
//! waits for memory at each: `cargo xtask bench literals` compares them.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::alone::{self, Alone};
use super::atom::commonness;

/// Pieces that more literals share than this say too little.
const CROWDED: usize = 64;
/// Places looked at together.
const TOGETHER: usize = 16;

/// Literals by pieces of them.
#[derive(Debug)]
pub(super) struct Grams {
    texts: Vec<Box<[u8]>>,
    /// Literals long enough for the stride.
    fours: Option<Table<4>>,
    /// Literals of two or three bytes, when there are many.
    twos: Option<Table<2>>,
    /// Short ones.
    alone: Alone,
}

impl Grams {
    /// A search for literals in lower case, and the positions of those it leaves out because too many others share
    /// every piece of them.
    pub(super) fn new<'a>(literals: impl Iterator<Item = &'a str>) -> (Grams, Vec<usize>) {
        let texts: Vec<Box<[u8]>> = literals.map(|text| text.as_bytes().into()).collect();
        let stride = stride(&texts);
        let few_twos = alone::cost(of_length(&texts, 2..4)) < 1.0;
        let (mut fours, mut twos) = (Pieces::<4>::new(stride), Pieces::<2>::new(1));
        let (mut alone, mut left_out) = (Vec::new(), Vec::new());
        for (number, text) in texts.iter().enumerate() {
            let literal = number as u32;
            let is_in = match text.len() {
                0 => false,
                2..=3 if !few_twos => twos.add(literal, text),
                length if length < stride + 3 => {
                    alone.push((literal, &**text));
                    true
                }
                _ => fours.add(literal, text),
            };
            if !is_in {
                left_out.push(number);
            }
        }
        let grams = Grams {
            fours: fours.table(),
            twos: twos.table(),
            alone: Alone::new(alone),
            texts,
        };
        (grams, left_out)
    }

    /// Gives the positions of the literals that are in a value and where they begin in it, some more than once.
    pub(super) fn scan(&self, value: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut check = |literal: u32, at: usize, offset: usize| {
            if let Some(start) = self.start(literal, at, offset, value) {
                found(literal as usize, start);
            }
        };
        let mut piece = |piece: &Piece, at: usize| check(piece.literal, at, usize::from(piece.offset));
        if let Some(fours) = &self.fours {
            fours.scan(value, &mut piece);
        }
        if let Some(twos) = &self.twos {
            twos.scan(value, &mut piece);
        }
        self.alone.scan(value, check);
    }

    /// The length of a literal.
    pub(super) fn length(&self, literal: usize) -> usize {
        self.texts.get(literal).map_or(0, |text| text.len())
    }

    /// Where a literal begins that stands in a value so that its byte number `offset` is at `at`.
    fn start(&self, literal: u32, at: usize, offset: usize, value: &[u8]) -> Option<usize> {
        let text = self.texts.get(literal as usize)?;
        let start = at.checked_sub(offset)?;
        let here = value.get(start..start + text.len())?;
        here.eq_ignore_ascii_case(text).then_some(start)
    }
}

/// How far apart places are looked at: the cheapest, with the literals too short for it looked for alone.
fn stride(texts: &[Box<[u8]>]) -> usize {
    let cost = |stride: usize| 1.0 / stride as f64 + alone::cost(of_length(texts, 4..stride + 3));
    [1, 2, 4]
        .into_iter()
        .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
        .unwrap_or(1)
}

fn of_length(texts: &[Box<[u8]>], lengths: Range<usize>) -> impl Iterator<Item = &[u8]> {
    let texts = texts.iter().map(|text| &**text);
    texts.filter(move |text| lengths.contains(&text.len()))
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

/// Which pieces there are.
#[derive(Debug)]
struct Table<const N: usize> {
    /// How far apart the places are that are looked at.
    stride: usize,
    /// A bit per hash.
    bits: Bits,
    /// By hash, as many bits as there are for it: where its pieces begin; one more at the end.
    begins: Box<[u32]>,
    /// How far a hash is shifted to be a place in `begins`.
    shift: u32,
    pieces: Box<[Piece]>,
}

/// Bits in as many words as pieces take: of fixed number, so that no place need be checked.
#[derive(Debug)]
enum Bits {
    Few(Box<[u64; 1 << 5]>),
    Some(Box<[u64; 1 << 10]>),
    Many(Box<[u64; 1 << 14]>),
}

impl Bits {
    /// Room for so many pieces, a bit of sixteen or fewer set by chance.
    fn room_for(pieces: usize) -> Bits {
        match pieces {
            ..=64 => Bits::Few(Box::new([0; 1 << 5])),
            65..=4096 => Bits::Some(Box::new([0; 1 << 10])),
            _ => Bits::Many(Box::new([0; 1 << 14])),
        }
    }

    fn set(&mut self, hash: u32) {
        match self {
            Bits::Few(words) => set(words, hash),
            Bits::Some(words) => set(words, hash),
            Bits::Many(words) => set(words, hash),
        }
    }
}

/// The word of a hash is told by its highest bits, the bit in it by the next six.
fn place<const WORDS: usize>(hash: u32) -> (usize, u32) {
    let word = hash >> (32 - WORDS.ilog2());
    (word as usize % WORDS, hash >> (26 - WORDS.ilog2()) & 63)
}

fn set<const WORDS: usize>(words: &mut [u64; WORDS], hash: u32) {
    let (word, bit) = place::<WORDS>(hash);
    words[word] |= 1 << bit;
}

#[inline(always)]
fn bit<const WORDS: usize>(words: &[u64; WORDS], hash: u32) -> u64 {
    let (word, bit) = place::<WORDS>(hash);
    words[word] >> bit & 1
}

fn hash(key: u32) -> u32 {
    key.wrapping_mul(0x9E37_79B1)
}

impl<const N: usize> Table<N> {
    fn new(mut pieces: Vec<Piece>, stride: usize) -> Table<N> {
        let buckets = pieces.len().next_power_of_two().clamp(16, 1 << 16).ilog2();
        let mut table = Table {
            stride,
            bits: Bits::room_for(pieces.len()),
            begins: vec![0; (1 << buckets) + 1].into(),
            shift: 32 - buckets,
            pieces: Box::default(),
        };
        pieces.sort_by_key(|piece| hash(piece.key));
        for piece in &pieces {
            let hash = hash(piece.key);
            table.bits.set(hash);
            table.begins[(hash >> table.shift) as usize + 1] += 1;
        }
        let mut total = 0;
        for begin in &mut table.begins {
            total += *begin;
            *begin = total;
        }
        table.pieces = pieces.into();
        table
    }

    fn scan(&self, value: &[u8], check: &mut impl FnMut(&Piece, usize)) {
        match &self.bits {
            Bits::Few(words) => self.scan_with(words, value, check),
            Bits::Some(words) => self.scan_with(words, value, check),
            Bits::Many(words) => self.scan_with(words, value, check),
        }
    }

    fn scan_with<const WORDS: usize>(
        &self,
        words: &[u64; WORDS],
        value: &[u8],
        check: &mut impl FnMut(&Piece, usize),
    ) {
        match self.stride {
            1 => self.scan_every::<1, WORDS>(words, value, check),
            2 => self.scan_every::<2, WORDS>(words, value, check),
            _ => self.scan_every::<4, WORDS>(words, value, check),
        }
    }

    fn scan_every<const STRIDE: usize, const WORDS: usize>(
        &self,
        words: &[u64; WORDS],
        value: &[u8],
        check: &mut impl FnMut(&Piece, usize),
    ) {
        let mut at = 0;
        // Many places at once, and each of them only where one of them may have a piece.
        while let Some(part) = value.get(at..).and_then(<[u8]>::first_chunk::<{ TOGETHER + 3 }>) {
            let mut any = 0;
            for offset in (0..TOGETHER).step_by(STRIDE) {
                any |= bit(words, hash(key_at::<N>(part, offset)));
            }
            if any != 0 {
                for offset in (0..TOGETHER).step_by(STRIDE) {
                    let key = key_at::<N>(part, offset);
                    if bit(words, hash(key)) != 0 {
                        self.look(key, at + offset, check);
                    }
                }
            }
            at += TOGETHER;
        }
        let rest = value.get(at..).unwrap_or_default();
        for (offset, window) in rest.array_windows::<N>().enumerate().step_by(STRIDE) {
            let key = key(*window);
            if bit(words, hash(key)) != 0 {
                self.look(key, at + offset, check);
            }
        }
    }

    #[cold]
    fn look(&self, key: u32, at: usize, check: &mut impl FnMut(&Piece, usize)) {
        let bucket = (hash(key) >> self.shift) as usize;
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

/// The piece at a place among places looked at together.
#[inline(always)]
fn key_at<const N: usize>(part: &[u8; TOGETHER + 3], offset: usize) -> u32 {
    let mut window = [0; N];
    window.copy_from_slice(&part[offset..offset + N]);
    key(window)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(literals: &[&str], value: &str) -> Vec<usize> {
        let (grams, left_out) = Grams::new(literals.iter().copied());
        assert!(left_out.is_empty());
        let mut found = Vec::new();
        grams.scan(value.as_bytes(), |literal, start| {
            assert!(value[start..].to_ascii_lowercase().starts_with(literals[literal]));
            found.push(literal);
        });
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
        let (grams, left_out) = Grams::new(crowd.iter().map(String::as_str));
        assert!(left_out.len() > crowd.len() / 2, "{} left out", left_out.len());
        let mut found = left_out;
        grams.scan("A".repeat(200).as_bytes(), |literal, _| found.push(literal));
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, (0..crowd.len()).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn nothing_is_missed_and_nothing_invented(
            literals in prop_oneof![
                prop::collection::vec("[a-c :é]{1,6}", 1..40),
                prop::collection::vec("[a-c :é]{1,3}|[abc]{7}", 1..9),
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
