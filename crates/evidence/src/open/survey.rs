//! What the listing of an archive tells before anything of it is read.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};

use super::zip::{Zip, method_name};

/// Entries that need a word, and those that are not read.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// All entries.
    pub(crate) entries: u64,
    /// Of an entry whose name was there before: the how many-th it is, by position.
    pub(crate) repeated: BTreeMap<u64, u32>,
    /// Positions of entries whose bytes belong to another one.
    pub(crate) overlapping: HashSet<u64>,
    /// Sentences about the archive as a whole.
    pub(crate) notes: Vec<String>,
}

/// Goes through the first `most` entries.
pub(crate) fn survey(zip: &Zip, most: u64) -> Survey {
    let mut survey = Survey::default();
    let mut names: Vec<(u64, u64)> = Vec::new();
    let mut spans: Vec<(u64, u64, u64)> = Vec::new();
    let mut encrypted = Some((0, String::new()));
    let mut unsupported: BTreeMap<u16, (u64, String)> = BTreeMap::new();
    for (position, entry) in (0..).zip(zip.entries()) {
        survey.entries += 1;
        if position >= most {
            continue;
        }
        let mut hasher = DefaultHasher::new();
        entry.name.hash(&mut hasher);
        names.push((hasher.finish(), position));
        let (start, end) = entry.span();
        spans.push((start, end, position));
        if entry.encrypted {
            let (count, first) = encrypted.get_or_insert_default();
            if *count == 0 {
                *first = entry.text();
            }
            *count += 1;
        } else if !entry.readable() {
            let (count, _) = unsupported
                .entry(entry.method)
                .or_insert_with(|| (0, entry.text()));
            *count += 1;
        }
    }
    survey.repeats(names);
    survey.overlaps(spans);
    let read = survey.entries.min(most);
    if survey.entries > most {
        let left = survey.entries - most;
        survey
            .notes
            .push(format!("{left} entries beyond the cap of {most} were not read"));
    }
    if let Some(declared) = zip.miscounted(survey.entries) {
        survey.notes.push(format!(
            "its end record declares {declared} entries, its directory lists {}; those listed were read",
            survey.entries
        ));
    }
    if let Some((count, first)) = encrypted.filter(|(count, _)| *count > 0) {
        survey.notes.push(format!(
            "{count} of {read} entries are encrypted and were not read (the first is {first}); \
             unpack them with their password and give the unpacked files"
        ));
    }
    for (method, (count, first)) in unsupported {
        survey.notes.push(format!(
            "{count} of {read} entries are packed with {} and were not read (the first is {first}); {}",
            method_name(method),
            "unpack them and give the unpacked files"
        ));
    }
    survey
}

impl Survey {
    fn repeats(&mut self, mut names: Vec<(u64, u64)>) {
        names.sort_unstable();
        for same in names.chunk_by(|a, b| a.0 == b.0) {
            for (nth, (_, position)) in (1..).zip(same).skip(1) {
                self.repeated.insert(*position, nth);
            }
        }
        if !self.repeated.is_empty() {
            let count = self.repeated.len();
            self.notes.push(format!(
                "{count} entries have a name that another one has; each was read under a label of its own"
            ));
        }
    }

    fn overlaps(&mut self, mut spans: Vec<(u64, u64, u64)>) {
        spans.sort_unstable_by_key(|&(start, _, position)| (start, position));
        let mut taken = 0;
        for (start, end, position) in spans {
            if start < taken {
                self.overlapping.insert(position);
            } else {
                taken = end;
            }
        }
        if !self.overlapping.is_empty() {
            let count = self.overlapping.len();
            self.notes.push(format!(
                "{count} entries overlap others and were not read: such an archive is built to be larger unpacked than \
                 it can be"
            ));
        }
    }
}
