//! One file at a time: recognise, parse while hashing, note what happened.

use std::io::{self, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use vigie_event::{BatchBuilder, EventBatch, Source, Timestamp};

use super::run::Run;
use super::{collection, names};
use crate::files::Entry;
use crate::format::{Confidence, Context, Crew, Format, Head, Outcome};
use crate::message::{Code, Message, Parameter};
use crate::{FileEntry, FileRef, UnitId};

/// Bytes recognition may look at.
const HEAD: usize = 64 << 10;

/// A file as it was come upon: everything but its bytes.
pub(crate) struct Found {
    pub(crate) shown: String,
    pub(crate) unit: UnitId,
    pub(crate) size: Option<u64>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) created: Option<Timestamp>,
}

impl Run<'_> {
    /// Reads a file to its end. `holder` says that the files in it are read by themselves.
    pub(super) fn file(&self, reader: &mut dyn Read, found: Found, holder: bool) {
        let mut hashed = Hashed::new(reader);
        let mut head = Vec::with_capacity(HEAD);
        // An error is kept and told at the end.
        let _ = (&mut hashed).take(HEAD as u64).read_to_end(&mut head);
        let name = found.shown.rsplit('/').next().unwrap_or(&found.shown);
        if let Some(host) = collection::host(name, &head) {
            self.collected(&found, host);
        }
        let format = recognise(&head, name, &found.shown);
        let file = self.reference(found, format);
        let mut whole = Cursor::new(head).chain(&mut hashed);
        let mut outcome = self.take_in(&file, format, &mut whole, holder);
        let stopped = self.stopped();
        if !stopped {
            // A parser that stopped early must not leave the hash short.
            let left = io::copy(&mut whole, &mut io::sink()).unwrap_or(0);
            if left > 0 && format.is_some() {
                outcome.skip(Code::BytesAfterEnd, 0, left, || "end".to_owned());
            }
        }
        let complete = !stopped && hashed.complete(&file, &mut outcome);
        let (bytes, sha256) = (hashed.bytes, if complete { hashed.hex() } else { String::new() });
        if format.is_none() {
            self.inventory(&file, bytes, &sha256);
        }
        if !holder {
            self.state().bytes += bytes;
        }
        self.done(&file, format, outcome, bytes, sha256);
    }

    /// Hands over what a file holds, as what it is.
    fn take_in(
        &self,
        file: &FileRef,
        format: Option<&Format>,
        reader: &mut dyn Read,
        holder: bool,
    ) -> Outcome {
        match format {
            // What a configuration says is parsed, and what is hidden in it is looked for.
            Some(format) if format.source == Source::IisConfig => {
                let (content, mut outcome) = self.content(file, reader, holder);
                let parsed = self.parse(format, file, &mut Cursor::new(content).chain(reader));
                outcome.skipped.extend(parsed.skipped);
                Outcome {
                    skipped: outcome.skipped,
                    ..parsed
                }
            }
            Some(format) => self.parse(format, file, reader),
            None => self.content(file, reader, holder).1,
        }
    }

    /// Notes a file that is there and cannot be read.
    pub(super) fn not_read(&self, found: Found, why: impl Into<Message>) {
        let file = self.reference(found, None);
        let size = file.size.unwrap_or(0);
        let mut outcome = Outcome::default();
        outcome.skip(why, 0, size, || "its beginning".to_owned());
        self.inventory(&file, size, "");
        self.done(&file, None, outcome, size, String::new());
    }

    fn reference(&self, found: Found, format: Option<&Format>) -> FileRef {
        FileRef {
            id: self.number(),
            unit: found.unit,
            original_path: names::original_path(&found.shown),
            path: found.shown,
            size: found.size,
            modified: found.modified,
            created: found.created,
            source: format.map(|format| format.source),
        }
    }

    /// The name a collector gives the machine; of several, the one whose file comes first by path.
    fn collected(&self, found: &Found, host: String) {
        let mut state = self.state();
        let known = state.collected.get(&found.unit);
        if known.is_none_or(|(path, _)| found.shown < *path) {
            state.collected.insert(found.unit, (found.shown.clone(), host));
        }
    }

    fn parse(&self, format: &Format, file: &FileRef, reader: &mut dyn Read) -> Outcome {
        let rows = AtomicU64::new(0);
        let take = |batch: EventBatch| {
            rows.fetch_add(batch.rows() as u64, Ordering::Relaxed);
            self.sink.batch(file, batch.with_file(file.id));
        };
        let crew = Crew {
            sink: &take,
            spare: &self.spare,
        };
        let context = Context {
            projection: self.sink.projection(),
            crew: Some(&crew),
            ..Context::new(file, &self.options.limits)
        };
        let cancel: &AtomicBool = &self.options.cancel;
        let mut reader = Cancellable {
            inner: reader,
            cancel,
        };
        let parsed = guarded(|| (format.parse)(&mut reader, &context, &mut |batch| take(batch)));
        let rows = rows.load(Ordering::Relaxed);
        parsed.unwrap_or_else(|why| {
            let mut outcome = Outcome {
                records: rows,
                ..Outcome::default()
            };
            outcome.skip(why, 0, 0, || format!("after {rows} records"));
            outcome
        })
    }

    /// A file no format takes is evidence by itself. Gives back what was read of it.
    fn content(&self, file: &FileRef, reader: &mut dyn Read, holder: bool) -> (Vec<u8>, Outcome) {
        let mut outcome = Outcome::default();
        let cap = self.options.limits.content_bytes;
        let mut bytes = Vec::new();
        let mut content = (&mut *reader).take(cap.saturating_add(1));
        let read = content.read_to_end(&mut bytes);
        if read.is_ok() && bytes.len() as u64 <= cap {
            if let Err(why) = guarded(|| self.sink.content(file, &bytes)) {
                outcome.skip(why, 0, 0, || "its content".to_owned());
            }
        } else if read.is_ok() && !holder {
            outcome.skip(Code::ContentTooLarge, 0, 0, || format!("{cap} bytes"));
        }
        (bytes, outcome)
    }

    /// The row of the file inventory.
    fn inventory(&self, file: &FileRef, bytes: u64, sha256: &str) {
        let entry = Entry {
            path: file.original_path.as_deref().unwrap_or(&file.path),
            size: Some(bytes),
            created: file.created,
            modified: file.modified,
            sha256,
            ..Entry::default()
        };
        let mut builder = BatchBuilder::new(Source::FileInventory).file(file.id);
        builder.begin_row(file.modified, 1, 0);
        for (column, value) in entry.columns() {
            if !value.is_empty() {
                let column = builder.column(column);
                builder.set(column, &value);
            }
        }
        builder.end_row();
        if let Ok(batch) = builder.finish() {
            self.sink.batch(file, batch);
        }
    }

    fn done(&self, file: &FileRef, format: Option<&Format>, outcome: Outcome, bytes: u64, sha256: String) {
        let mut state = self.state();
        state.records += outcome.records;
        let names = state.names.entry(file.unit).or_default();
        for (name, count, field) in &outcome.hosts {
            *names.entry(name.clone()).or_default().entry(field).or_default() += count;
        }
        state.files.push(FileEntry {
            id: file.id,
            unit: file.unit,
            path: file.path.clone(),
            original_path: file.original_path.clone(),
            size: bytes,
            sha256,
            source: format.map(|format| format.source.id()),
            format: format.map(|format| format.name),
            records: outcome.records,
            first: outcome.first,
            last: outcome.last,
            skipped: outcome.skipped,
            clock: outcome.clock,
            observations: outcome.observations,
        });
    }
}

/// The surest format, unless it is no log whatever it looks like.
fn recognise(bytes: &[u8], name: &str, path: &str) -> Option<&'static Format> {
    if is_program(name) {
        return None;
    }
    let head = Head { bytes, name, path };
    let logs = crate::text::claims(&head);
    // A log that says itself what it is needs no other opinion.
    if let Some((_, format)) = logs
        .iter()
        .rfind(|(confidence, _)| *confidence == Confidence::Certain)
    {
        return Some(format);
    }
    let others = crate::windows::FORMATS.iter().chain(crate::files::FORMATS);
    logs.into_iter()
        .chain(others.filter_map(|format| Some(((format.recognise)(&head)?, *format))))
        .max_by_key(|(confidence, _)| *confidence)
        .map(|(_, format)| format)
}

/// An error in a reader or a rule must not cost the answer about all other files.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Message> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Message::new(Code::OwnError, [("cause", said.into())])
    })
}

/// Pages, scripts and programs: whatever their first lines look like, they are no logs. Else a first line that looks
/// like one would hide a web shell.
fn is_program(name: &str) -> bool {
    const EXTENSIONS: [&str; 22] = [
        "asa", "asax", "ascx", "ashx", "asmx", "asp", "aspx", "bat", "cer", "cmd", "cshtml", "dll", "exe",
        "hta", "js", "jsp", "jspx", "php", "ps1", "psm1", "vbs", "wsf",
    ];
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

/// Hashes and counts what passes through, and remembers why it stopped.
struct Hashed<'a> {
    inner: &'a mut dyn Read,
    digest: Sha256,
    bytes: u64,
    failed: Option<io::Error>,
}

impl<'a> Hashed<'a> {
    fn new(inner: &'a mut dyn Read) -> Hashed<'a> {
        Hashed {
            inner,
            digest: Sha256::new(),
            bytes: 0,
            failed: None,
        }
    }

    /// Whether all of the file was there; what was not is noted.
    fn complete(&self, file: &FileRef, outcome: &mut Outcome) -> bool {
        let missing = file.size.unwrap_or(0).saturating_sub(self.bytes);
        let cause = match &self.failed {
            Some(error) => Parameter::from(error),
            None if missing > 0 => Message::from(Code::EndsBeforeSize).into(),
            None => return true,
        };
        let at = || format!("byte {}", self.bytes);
        let why = Message::new(Code::RestUnread, [("cause", cause)]);
        outcome.skip(why, 0, missing, at);
        false
    }

    fn hex(self) -> String {
        let digest = self.digest.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Ok(0);
        }
        match self.inner.read(buffer) {
            Ok(read) => {
                self.digest.update(&buffer[..read]);
                self.bytes += read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failed = Some(error);
                Ok(0)
            }
        }
    }
}

/// Ends the input when the user stops the run.
struct Cancellable<'a> {
    inner: &'a mut dyn Read,
    cancel: &'a AtomicBool,
}

impl Read for Cancellable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.load(Ordering::Relaxed) {
            Ok(0)
        } else {
            self.inner.read(buffer)
        }
    }
}
