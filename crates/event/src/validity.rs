//! Which rows of a column have a value. Costs nothing as long as all have.

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

/// One bit a row once there is a null.
#[derive(Debug, Default)]
pub(crate) struct Validity {
    bits: Vec<u64>,
    nulls: bool,
}

impl Validity {
    /// Rows from `row` on, the next one to be told, are null until [`Validity::value_at`] says otherwise.
    pub(crate) fn nulls_from(&mut self, row: usize) {
        if !self.nulls {
            self.nulls = true;
            self.bits.clear();
            self.bits.resize(row / 64, u64::MAX);
            self.bits.push((1 << (row % 64)) - 1);
        }
    }

    /// The row has a value.
    #[inline]
    pub(crate) fn value_at(&mut self, row: usize) {
        if self.nulls {
            let word = row / 64;
            if self.bits.len() <= word {
                self.bits.resize(word + 1, 0);
            }
            self.bits[word] |= 1 << (row % 64);
        }
    }

    /// Whether a row that was told has a value.
    pub(crate) fn is_value(&self, row: usize) -> bool {
        let word = self.bits.get(row / 64).copied().unwrap_or_default();
        !self.nulls || word >> (row % 64) & 1 == 1
    }

    /// The bits of so many rows, when there is a null; starts over.
    pub(crate) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        if !std::mem::take(&mut self.nulls) {
            return None;
        }
        let mut bits = std::mem::take(&mut self.bits);
        bits.resize(rows.div_ceil(64), 0);
        Some(NullBuffer::new(BooleanBuffer::new(
            Buffer::from_vec(bits),
            0,
            rows,
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_begin_with_the_first_null() {
        for first in [0, 1, 63, 64, 65, 200] {
            let mut valid = Validity::default();
            (0..first).for_each(|row| valid.value_at(row));
            valid.nulls_from(first);
            valid.value_at(first + 70);
            let bits = valid.finish(first + 72).unwrap();
            let has = |row: usize| row < first || row == first + 70;
            assert!(
                (0..first + 72).all(|row| bits.is_valid(row) == has(row)),
                "{first}"
            );
            assert!(valid.finish(5).is_none());
        }
    }
}
