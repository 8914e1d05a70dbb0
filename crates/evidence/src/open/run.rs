//! A run in progress: workers, what they share, and the manifest in the end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vigie_event::FileId;

use super::archive::OpenArchive;
use super::budget::Budget;
use super::bytes::Bytes;
use super::file::Found;
use super::walk::{Job, Plan};
use super::warnings::Warnings;
use crate::format::Spare;
use crate::message::{Code, Message, at};
use crate::{FileEntry, Manifest, Options, Sink, UnitId};

/// How long an idle worker sleeps before it looks for an archive to help with.
const NAP: Duration = Duration::from_millis(20);

/// A run in progress, shared by its workers.
pub(crate) struct Run<'a> {
    pub(super) options: &'a Options,
    pub(super) sink: &'a dyn Sink,
    plan: &'a Plan,
    next: AtomicUsize,
    ids: AtomicU64,
    state: Mutex<State>,
    hands: Mutex<Hands>,
    changed: Condvar,
    /// Threads with nothing to do, whom a parser of a large file may put to work.
    pub(super) spare: Spare,
}

/// What was seen so far.
#[derive(Default)]
pub(super) struct State {
    pub(super) files: Vec<FileEntry>,
    pub(super) warnings: Warnings,
    /// Per unit: names its rows give the machine, and how many in which field.
    pub(super) names: BTreeMap<UnitId, Names>,
    /// Per unit: the name its collector gives the machine, from the first file by path.
    pub(super) collected: BTreeMap<UnitId, (String, String)>,
    pub(super) bytes: u64,
    pub(super) records: u64,
}

/// Names of a machine, each with the fields that give it and in how many rows.
pub(super) type Names = BTreeMap<String, BTreeMap<&'static str, u64>>;

/// Who is at work, and on which archives others may help.
#[derive(Default)]
struct Hands {
    busy: usize,
    archives: Vec<Arc<OpenArchive>>,
}

/// A worker at work, until it is dropped: should it fail, nobody waits for it.
struct Busy<'r, 'a>(&'r Run<'a>);

impl<'r, 'a> Busy<'r, 'a> {
    fn new(run: &'r Run<'a>) -> Busy<'r, 'a> {
        run.hands().busy += 1;
        Busy(run)
    }
}

impl Drop for Busy<'_, '_> {
    fn drop(&mut self) {
        self.0.hands().busy -= 1;
        self.0.changed.notify_all();
    }
}

impl<'a> Run<'a> {
    /// A run with so many threads more than workers.
    pub(crate) fn new(options: &'a Options, sink: &'a dyn Sink, plan: &'a Plan, spare: usize) -> Run<'a> {
        Run {
            spare: Spare::new(spare),
            options,
            sink,
            plan,
            next: AtomicUsize::new(0),
            ids: AtomicU64::new(0),
            state: Mutex::new(State {
                warnings: plan.warnings.clone(),
                ..State::default()
            }),
            hands: Mutex::new(Hands::default()),
            changed: Condvar::new(),
        }
    }

    /// Takes files until there are none left, then helps with archives that others have open.
    pub(crate) fn work(&self) {
        while !self.stopped() {
            let busy = Busy::new(self);
            let job = self.plan.jobs.get(self.next.fetch_add(1, Ordering::Relaxed));
            let found = match job {
                Some(job) => {
                    self.job(job);
                    true
                }
                None => self.help(),
            };
            drop(busy);
            let hands = self.hands();
            if !found && hands.busy == 0 {
                return;
            }
            if !found {
                drop(hands);
                self.rest();
            }
        }
    }

    /// Sleeps a little. Meanwhile another thread may be put to work in its place.
    fn rest(&self) {
        self.spare.add();
        loop {
            let waited = self.changed.wait_timeout(self.hands(), NAP);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            if let Some(hand) = self.spare.take() {
                return hand.keep();
            }
        }
    }

    /// Works on an archive another worker opened; `false` when there is none with entries left.
    fn help(&self) -> bool {
        let archives = self.hands().archives.clone();
        let mut helped = false;
        for archive in archives {
            helped |= self.entries(&archive);
        }
        helped
    }

    /// Lets others help with an archive while it is read.
    pub(super) fn together(&self, archive: &Arc<OpenArchive>) {
        self.hands().archives.push(Arc::clone(archive));
        self.changed.notify_all();
        self.entries(archive);
        self.hands().archives.retain(|open| !Arc::ptr_eq(open, archive));
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stopped(&self) -> bool {
        self.options.cancel.load(Ordering::Relaxed)
    }

    pub(super) fn warn(&self, warning: Message) {
        self.state().warnings.add(warning);
    }

    pub(super) fn advance(&self, bytes: u64) {
        if let Some(progress) = &self.options.progress {
            progress.advance(bytes);
        }
    }

    /// Warns of something at a path.
    pub(super) fn warn_at(&self, path: &str, said: impl Into<Message>) {
        self.warn(at(path, said));
    }

    pub(super) fn number(&self) -> FileId {
        FileId(u32::try_from(self.ids.fetch_add(1, Ordering::Relaxed)).unwrap_or(u32::MAX))
    }

    fn job(&self, job: &Job) {
        let told = Arc::new(AtomicU64::new(0));
        match File::open(&job.path).and_then(Bytes::file) {
            Ok(bytes) => self.opened(job, Arc::new(bytes), &told),
            Err(error) => self.warn_at(
                &job.shown,
                Message::new(Code::Unread, [("cause", (&error).into())]),
            ),
        }
        self.advance(job.bytes.saturating_sub(told.load(Ordering::Relaxed)));
    }

    fn opened(&self, job: &Job, bytes: Arc<Bytes>, told: &Arc<AtomicU64>) {
        let opened = bytes.length();
        let found = Found {
            shown: job.shown.clone(),
            unit: job.owners.whole,
            size: Some(opened),
            modified: job.modified,
            created: job.created,
        };
        let budget = Arc::new(Budget::new(
            self.options.limits.archive_bytes,
            Arc::clone(told),
            job.bytes,
        ));
        self.whole(&bytes, found, &job.owners, &budget, 1);
        let now = fs::metadata(&job.path).map_or(0, |data| data.len());
        if now != opened && !self.stopped() {
            let parameters = [("before", opened.into()), ("after", now.into())];
            self.warn_at(&job.shown, Message::new(Code::ChangedWhileRead, parameters));
        }
    }

    /// What was read, once all workers are done. Files stand at the position of their number.
    pub(crate) fn finish(self) -> Manifest {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.files.sort_by_key(|file| file.id);
        let mut units = self.plan.units.clone();
        for unit in &mut units {
            if let Some((_, name)) = state.collected.get(&unit.id) {
                unit.host = Some(name.clone());
                unit.host_source = Some("collection info".to_owned());
            }
            let folder = self
                .plan
                .units
                .get(unit.id.0 as usize)
                .and_then(|unit| unit.host.clone());
            let guesses = [unit.host.clone(), folder];
            if let Some(names) = state.names.get(&unit.id)
                && let Some((name, field)) = own_name(names, &guesses)
            {
                unit.host = Some(name);
                unit.host_source = Some(field.to_owned());
            }
        }
        Manifest {
            units,
            files: state.files,
            warnings: state.warnings.finish(),
            bytes: state.bytes,
            records: state.records,
            interrupted: self.options.cancel.load(Ordering::Relaxed),
        }
    }
}

/// Fields of events. Events of other machines are collected and forwarded; the logs of a server are its own.
const EVENT_FIELDS: [&str; 2] = ["Computer", "DeviceName"];

/// The name rows give a machine. A collection may hold more rows of others, forwarded or handed over together, than
/// of the machine itself: a name that the collector or the folder gives too wins over the one a server's own logs
/// give most, and that over the one events give most.
fn own_name(names: &Names, guesses: &[Option<String>]) -> Option<(String, &'static str)> {
    let short = |name: &str| name.split('.').next().unwrap_or(name).to_lowercase();
    let most = |fits: &dyn Fn(&str, &str) -> bool| {
        names
            .iter()
            .filter_map(|(name, fields)| {
                let fitting = || fields.iter().filter(|(field, _)| fits(name, field));
                let count: u64 = fitting().map(|(_, count)| count).sum();
                let (field, _) = fitting().max_by_key(|(_, count)| **count)?;
                Some((count, name, *field))
            })
            .max_by_key(|(count, _, _)| *count)
            .map(|(_, name, field)| (name.clone(), field))
    };
    guesses
        .iter()
        .flatten()
        .find_map(|guess| most(&|name, _| short(name) == short(guess)))
        .or_else(|| most(&|_, field| !EVENT_FIELDS.contains(&field)))
        .or_else(|| most(&|_, _| true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_name_is_the_machines_own() {
        let names: Names = [
            ("DC01.acme.local", vec![("Computer", 5_000)]),
            (
                "EX01.acme.local",
                vec![("Computer", 40), ("ServerName", 2), ("ServerHostName", 9)],
            ),
            ("EX02", vec![("X-FEServer", 3)]),
        ]
        .map(|(name, fields)| (name.to_owned(), fields.into_iter().collect()))
        .into();
        let named = |guesses: &[&str]| {
            let guesses: Vec<_> = guesses.iter().map(|guess| Some((*guess).to_owned())).collect();
            own_name(&names, &guesses)
        };
        let own = |name: &str, field| Some((name.to_owned(), field));
        assert_eq!(named(&[]), own("EX01.acme.local", "ServerHostName"));
        assert_eq!(named(&["monday", "dc01"]), own("DC01.acme.local", "Computer"));
        assert_eq!(named(&["ex02.acme.local"]), own("EX02", "X-FEServer"));
        assert_eq!(own_name(&Names::new(), &[]), None);
    }
}
