//! Values seen before in a column, with the literals found in them: most columns of a log hold few different values.

use arrow_array::StringViewArray;

/// How many values of a column are remembered.
const SLOTS: usize = 256;
/// After so many values it is known whether remembering pays.
const TRIAL: u32 = 256;
/// Texts that a view holds itself.
pub(super) const INLINE: u32 = 12;

/// The values of one column of one batch.
#[derive(Debug, Default)]
pub(super) struct Memo {
    slots: Vec<Slot>,
    /// Slots of an older batch are empty.
    batch: u32,
    /// The literals of all values remembered, one after the other.
    atoms: Vec<u32>,
    looked: u32,
    known: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    batch: u32,
    /// A row that has the value.
    row: u32,
    /// Which of the literals.
    from: u32,
    to: u32,
}

impl Memo {
    /// Forgets the values of the batch before.
    pub(super) fn start(&mut self) {
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, Slot::default());
        }
        self.batch = self.batch.wrapping_add(1);
        if self.batch == 0 {
            self.slots.fill(Slot::default());
            self.batch = 1;
        }
        self.atoms.clear();
        (self.looked, self.known) = (0, 0);
    }

    /// Whether values come back so often that it is worth looking.
    pub(super) fn pays(&self) -> bool {
        self.looked < TRIAL || self.known > self.looked / 2
    }

    /// The literals of a row's value, found by `find` unless they are known.
    pub(super) fn atoms(
        &mut self,
        column: &StringViewArray,
        row: usize,
        find: impl FnOnce(&str, &mut Vec<u32>),
    ) -> &[u32] {
        let Some(view) = column.views().get(row).copied() else {
            return &[];
        };
        self.looked += 1;
        let at = hash(column, row, view);
        let slot = self.slots.get(at).copied().unwrap_or_default();
        if slot.batch == self.batch && is_same(column, view, row, slot.row as usize) {
            self.known += 1;
            return self
                .atoms
                .get(slot.from as usize..slot.to as usize)
                .unwrap_or_default();
        }
        let from = self.atoms.len();
        find(column.value(row), &mut self.atoms);
        let new = Slot {
            batch: self.batch,
            row: row as u32,
            from: from as u32,
            to: self.atoms.len() as u32,
        };
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = new;
        }
        self.atoms.get(from..).unwrap_or_default()
    }
}

fn length(view: u128) -> u32 {
    view as u32
}

/// The slot of a value. A few of its bytes tell most values apart, and others only take turns.
fn hash(column: &StringViewArray, row: usize, view: u128) -> usize {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let start = view as u64;
    let rest = if length(view) <= INLINE {
        (view >> 64) as u64
    } else {
        let bytes = column.value(row).as_bytes();
        let end = bytes.last_chunk::<8>().map_or(0, |end| u64::from_le_bytes(*end));
        let middle = bytes
            .get(bytes.len() / 2 - 4..)
            .and_then(<[u8]>::first_chunk::<8>);
        end ^ middle
            .map_or(0, |middle| u64::from_le_bytes(*middle))
            .rotate_left(23)
    };
    let mixed = (start.wrapping_mul(ODD) ^ rest).wrapping_mul(ODD);
    (mixed >> (64 - SLOTS.ilog2())) as usize
}

fn is_same(column: &StringViewArray, view: u128, row: usize, other: usize) -> bool {
    let other_view = column.views().get(other).copied().unwrap_or_default();
    // The length and the first four bytes come first in a view.
    view == other_view
        || (length(view) > INLINE
            && view as u64 == other_view as u64
            && column.value(row) == column.value(other))
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    #[test]
    fn a_value_that_came_before_is_not_looked_at_again() {
        let values = [
            "one",
            "a text of more than twelve bytes",
            "one",
            "a text of more than twelve bytes!",
        ];
        let column = StringViewArray::from_iter_values(values.iter().chain(&values).copied());
        let mut memo = Memo::default();
        for batch in 0..2 {
            memo.start();
            let mut looked = Vec::new();
            for row in 0..column.len() {
                let atoms = memo.atoms(&column, row, |value, atoms| {
                    looked.push(value.to_owned());
                    atoms.extend(value.bytes().map(u32::from));
                });
                let expected: Vec<u32> = column.value(row).bytes().map(u32::from).collect();
                assert_eq!(atoms, expected, "batch {batch}, row {row}");
            }
            assert_eq!(looked, ["one", values[1], values[3]]);
        }
    }

    #[test]
    fn values_that_never_come_back_do_not_pay() {
        let column =
            StringViewArray::from_iter_values((0..2_000).map(|number| format!("value number {number}")));
        let mut memo = Memo::default();
        memo.start();
        for row in 0..column.len() {
            memo.atoms(&column, row, |_, _| {});
        }
        assert!(!memo.pays());
        memo.start();
        assert!(memo.pays());
    }
}
