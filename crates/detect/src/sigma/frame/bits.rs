//! Sets of rows.

/// Rows judged together.
pub(super) const ROWS: usize = WORDS * 64;
const WORDS: usize = 4;

/// A set of the rows of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bits([u64; WORDS]);

impl Bits {
    /// The first `count` rows.
    pub(super) fn first(count: usize) -> Bits {
        let mut bits = Bits::default();
        for (index, word) in bits.0.iter_mut().enumerate() {
            *word = match count.saturating_sub(index * 64) {
                0 => 0,
                rest @ 1..=63 => (1 << rest) - 1,
                _ => u64::MAX,
            };
        }
        bits
    }

    pub(super) fn insert(&mut self, row: usize) {
        if let Some(word) = self.0.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == [0; WORDS]
    }

    pub(super) fn count(self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(super) fn and(self, other: Bits) -> Bits {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn or(self, other: Bits) -> Bits {
        self.zip(other, |a, b| a | b)
    }

    pub(super) fn without(self, other: Bits) -> Bits {
        self.zip(other, |a, b| a & !b)
    }

    fn zip(self, other: Bits, combine: impl Fn(u64, u64) -> u64) -> Bits {
        let mut out = self;
        for (word, other) in out.0.iter_mut().zip(other.0) {
            *word = combine(*word, other);
        }
        out
    }

    /// The rows, in order.
    pub(super) fn rows(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(index, word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let row = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                Some(index * 64 + row)
            })
        })
    }

    /// The rows that pass.
    pub(super) fn filter(self, mut passes: impl FnMut(usize) -> bool) -> Bits {
        let mut kept = Bits::default();
        for row in self.rows() {
            if passes(row) {
                kept.insert(row);
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_rows() {
        for count in [0, 1, 63, 64, 65, 200, ROWS] {
            let rows: Vec<usize> = Bits::first(count).rows().collect();
            assert_eq!(rows, (0..count).collect::<Vec<_>>());
        }
        let even = Bits::first(100).filter(|row| row % 2 == 0);
        let odd = Bits::first(100).without(even);
        assert!(even.and(odd).is_empty() && even.or(odd) == Bits::first(100));
        assert_eq!((odd.rows().count(), odd.count()), (50, 50));
    }
}
