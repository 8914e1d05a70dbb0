//! What the values seen lately in a column were found to be.

use std::hash::BuildHasher;

/// Values remembered at most. A power of two.
const REMEMBERED: usize = 1_024;

/// A small memory of values, each in the one place its hash says.
#[derive(Debug)]
pub(super) struct Recent<'a> {
    state: foldhash::fast::RandomState,
    /// Values and what they are, as a part of `positions`.
    places: Vec<Option<(&'a str, u32, u32)>>,
    positions: Vec<u32>,
}

impl<'a> Recent<'a> {
    /// For a column of so many rows.
    pub(super) fn new(rows: usize) -> Recent<'a> {
        Recent {
            state: foldhash::fast::RandomState::default(),
            places: vec![None; rows.clamp(1, REMEMBERED).next_power_of_two()],
            positions: Vec::new(),
        }
    }

    /// What a value is: remembered, or asked for.
    pub(super) fn look_up(&mut self, value: &'a str, ask: impl FnOnce(&mut Vec<u32>)) -> &[u32] {
        let at = self.state.hash_one(value) as usize & (self.places.len() - 1);
        let known = self
            .places
            .get(at)
            .copied()
            .flatten()
            .filter(|place| place.0 == value);
        let (_, from, to) = known.unwrap_or_else(|| {
            let from = self.positions.len() as u32;
            ask(&mut self.positions);
            let place = (value, from, self.positions.len() as u32);
            if let Some(slot) = self.places.get_mut(at) {
                *slot = Some(place);
            }
            place
        });
        self.positions.get(from as usize..to as usize).unwrap_or_default()
    }
}
