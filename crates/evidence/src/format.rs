//! What a log format is to the reader: a way to recognise it and a way to parse it.

use std::io::{self, Read};

use vigie_event::{EventBatch, Source, Timestamp};

use crate::{ClockOffset, FileRef, Limits, Observation, Skip};

/// The first bytes of a file and its name: what recognition may look at.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// Up to the first 64 KiB.
    pub bytes: &'a [u8],
    /// The file name, without folders.
    pub name: &'a str,
    /// The path as shown to people.
    pub path: &'a str,
}

/// How sure a format is that a file is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// The name says so; the content does not contradict it.
    Name,
    /// The content looks like it.
    Content,
    /// The content says so itself: a magic number, `#Log-type:`.
    Certain,
}

/// One format of one source.
pub struct Format {
    /// `evtx`, `w3c`, `httpproxy`...: shown in the manifest.
    pub name: &'static str,
    /// The source its rows belong to.
    pub source: Source,
    /// Is this file mine?
    pub recognise: fn(&Head<'_>) -> Option<Confidence>,
    /// Reads the file to its end, handing over batches of bounded size.
    pub parse: fn(&mut dyn Read, &Context<'_>, &mut dyn FnMut(EventBatch)) -> Outcome,
}

/// What a parser is told.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The file being parsed.
    pub file: &'a FileRef,
    /// Caps.
    pub limits: &'a Limits,
}

/// What a parser says when it is done. It never fails as a whole: what it could not read is in `skipped`.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Rows handed over.
    pub records: u64,
    /// Earliest and latest time among them.
    pub first: Option<Timestamp>,
    /// Latest time among them.
    pub last: Option<Timestamp>,
    /// What was not turned into rows.
    pub skipped: Vec<Skip>,
    /// Clock corrections applied.
    pub clock: Vec<ClockOffset>,
    /// Facts about the server.
    pub observations: Vec<Observation>,
    /// Names the file's rows give their machine, with how many rows said so and the field that did:
    /// (`EX01`, 512, `ServerHostName`). Used to name the unit.
    pub hosts: Vec<(String, u64, &'static str)>,
}

impl Outcome {
    /// Counts one row and its time.
    pub fn saw(&mut self, time: Option<Timestamp>) {
        self.records += 1;
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
    }

    /// Counts something skipped; the same reason is counted in one place.
    pub fn skip(&mut self, why: &str, records: u64, bytes: u64, at: impl FnOnce() -> String) {
        if let Some(skip) = self.skipped.iter_mut().find(|skip| skip.why == why) {
            skip.records += records;
            skip.bytes += bytes;
            return;
        }
        self.skipped.push(Skip {
            why: why.to_owned(),
            records,
            bytes,
            first_at: Some(at()),
        });
    }

    /// Counts a row that names its machine.
    pub fn host(&mut self, name: &str, field: &'static str) {
        if let Some(entry) = self
            .hosts
            .iter_mut()
            .find(|entry| entry.0 == name && entry.2 == field)
        {
            entry.1 += 1;
        } else if self.hosts.len() < 1_000 {
            self.hosts.push((name.to_owned(), 1, field));
        }
    }

    /// Notes that reading stopped early because the input failed.
    pub fn input_failed(&mut self, error: &io::Error, at: impl FnOnce() -> String) {
        self.skip(&format!("the rest could not be read: {error}"), 0, 0, at);
    }
}
