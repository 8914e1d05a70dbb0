//! What the listing of an archive tells before anything of it is read.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};

use super::names::{Concern, clean};
use super::zip::{Zip, method_name};
use crate::message::{Code, Message};

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
    pub(crate) notes: Vec<Message>,
}

/// How many, and the first of them.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    first: String,
}

impl Tally {
    fn add(&mut self, name: &str) {
        if self.count == 0 {
            name.clone_into(&mut self.first);
        }
        self.count += 1;
    }
}

/// What is wrong with the names in an archive, each kind counted.
#[derive(Debug, Default)]
pub(crate) struct Concerns(BTreeMap<Concern, Tally>);

impl Concerns {
    pub(crate) fn add(&mut self, concern: Option<Concern>, name: &str) {
        if let Some(concern) = concern {
            self.0.entry(concern).or_default().add(name);
        }
    }

    pub(crate) fn notes(&self) -> impl Iterator<Item = Message> {
        self.0.iter().map(|(concern, Tally { count, first })| {
            let parameters = [
                ("count", (*count).into()),
                ("what", concern.describe().into()),
                ("path", first.into()),
            ];
            Message::new(Code::EntriesNamed, parameters)
        })
    }
}

/// Goes through the first `most` entries; names are shown with `longest` bytes at most.
pub(crate) fn survey(zip: &Zip, most: u64, longest: usize) -> Survey {
    let mut survey = Survey::default();
    let mut names: Vec<(u64, u64)> = Vec::new();
    let mut spans: Vec<(u64, u64, u64)> = Vec::new();
    let mut concerns = Concerns::default();
    let mut encrypted = Tally::default();
    let mut unsupported: BTreeMap<u16, Tally> = BTreeMap::new();
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
        let (name, concern) = clean(&entry.text(), longest);
        concerns.add(concern, &name);
        if entry.encrypted {
            encrypted.add(&name);
        } else if !entry.readable() {
            unsupported.entry(entry.method).or_default().add(&name);
        }
    }
    survey.repeats(names);
    survey.overlaps(spans);
    survey.notes.extend(concerns.notes());
    let read = survey.entries.min(most);
    if survey.entries > most {
        let left = survey.entries - most;
        let parameters = [("count", left.into()), ("most", most.into())];
        survey
            .notes
            .push(Message::new(Code::EntriesBeyondCap, parameters));
    }
    if let Some(declared) = zip.miscounted(survey.entries) {
        let parameters = [("declared", declared.into()), ("count", survey.entries.into())];
        survey
            .notes
            .push(Message::new(Code::EntriesMiscounted, parameters));
    }
    if encrypted.count > 0 {
        let parameters = [
            ("count", encrypted.count.into()),
            ("of", read.into()),
            ("path", encrypted.first.into()),
        ];
        survey
            .notes
            .push(Message::new(Code::EntriesEncrypted, parameters));
    }
    for (method, Tally { count, first }) in unsupported {
        let parameters = [
            ("count", count.into()),
            ("of", read.into()),
            ("method", method_name(method).into()),
            ("path", first.into()),
        ];
        survey.notes.push(Message::new(Code::EntriesPacked, parameters));
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
            let said = Message::new(Code::EntriesRepeated, [("count", count.into())]);
            self.notes.push(said);
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
            let said = Message::new(Code::EntriesOverlap, [("count", count.into())]);
            self.notes.push(said);
        }
    }
}
