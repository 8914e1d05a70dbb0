//! What a log format is to the reader: a way to recognise it and a way to parse it.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use vigie_event::{EventBatch, Projection, Source, Timestamp};

use crate::message::{Code, Message};
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
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The file being parsed.
    pub file: &'a FileRef,
    /// Caps.
    pub limits: &'a Limits,
    /// Which columns are asked for; without it all. Only a parser that can give back whole rows may leave any out.
    pub projection: Option<&'a dyn Projection>,
    /// Who may help with a large file.
    pub crew: Option<&'a Crew<'a>>,
}

impl<'a> Context<'a> {
    /// A parser by itself, asked for everything.
    pub fn new(file: &'a FileRef, limits: &'a Limits) -> Context<'a> {
        Context {
            file,
            limits,
            projection: None,
            crew: None,
        }
    }
}

/// Threads that have nothing else to do, and where their batches go.
pub struct Crew<'a> {
    /// Where batches go that other threads make.
    pub sink: &'a (dyn Fn(EventBatch) + Sync),
    /// How many threads may be started.
    pub spare: &'a Spare,
}

/// How many more threads may be at work.
#[derive(Debug, Default)]
pub struct Spare(AtomicUsize);

impl Spare {
    /// So many to begin with.
    pub fn new(threads: usize) -> Spare {
        Spare(AtomicUsize::new(threads))
    }

    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// One, if there is any, until it is dropped.
    pub fn take(&self) -> Option<Hand<'_>> {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |spare| spare.checked_sub(1))
            .is_ok()
            .then(|| Hand(self))
    }
}

/// The right to have one more thread at work.
#[derive(Debug)]
pub struct Hand<'s>(&'s Spare);

impl Hand<'_> {
    /// Keeps it for good.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.0.add();
    }
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
    pub fn skip(&mut self, why: impl Into<Message>, records: u64, bytes: u64, at: impl FnOnce() -> String) {
        let why = why.into();
        if let Some(skip) = self.skipped.iter_mut().find(|skip| skip.why == why) {
            skip.records += records;
            skip.bytes += bytes;
            return;
        }
        self.skipped.push(Skip {
            why,
            records,
            bytes,
            first_at: Some(at()),
        });
    }

    /// Counts a row that names its machine.
    pub fn host(&mut self, name: &str, field: &'static str) {
        self.hosts_seen(name, 1, field);
    }

    /// Counts rows that name their machine.
    pub fn hosts_seen(&mut self, name: &str, rows: u64, field: &'static str) {
        if let Some(entry) = self
            .hosts
            .iter_mut()
            .find(|entry| entry.0 == name && entry.2 == field)
        {
            entry.1 += rows;
        } else if rows > 0 && self.hosts.len() < 1_000 {
            self.hosts.push((name.to_owned(), rows, field));
        }
    }

    /// Adds how it went with a later part of the same file.
    pub fn add(&mut self, later: Outcome) {
        self.records += later.records;
        self.first = [self.first, later.first].into_iter().flatten().min();
        self.last = [self.last, later.last].into_iter().flatten().max();
        for skip in later.skipped {
            match self.skipped.iter_mut().find(|known| known.why == skip.why) {
                Some(known) => {
                    known.records += skip.records;
                    known.bytes += skip.bytes;
                }
                None => self.skipped.push(skip),
            }
        }
        self.clock.extend(later.clock);
        self.observations.extend(later.observations);
        for (name, rows, field) in later.hosts {
            self.hosts_seen(&name, rows, field);
        }
    }

    /// Notes that reading stopped early because the input failed.
    pub fn input_failed(&mut self, error: &io::Error, at: impl FnOnce() -> String) {
        let why = Message::new(Code::RestUnread, [("cause", error.into())]);
        self.skip(why, 0, 0, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_hands_are_given_than_there_are() {
        let spare = Spare::new(1);
        let hand = spare.take();
        assert!(hand.is_some());
        assert!(spare.take().is_none());
        assert!(spare.take().is_none());
        drop(hand);
        let again = spare.take();
        assert!(again.is_some());
        if let Some(hand) = again {
            hand.keep();
        }
        assert!(spare.take().is_none());
    }
}
