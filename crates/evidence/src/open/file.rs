//! One file at a time: recognise, parse while hashing, note what happened.

use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};
use vigie_event::{BatchBuilder, EventBatch, Source, Timestamp};

use super::run::Run;
use super::{collection, names};
use crate::files::Entry;
use crate::format::{Context, Format, Head, Outcome};
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
        let mut hashed = Hashed {
            inner: reader,
            digest: Sha256::new(),
            bytes: 0,
            failed: None,
        };
        let mut head = Vec::with_capacity(HEAD);
        let _ = (&mut hashed).take(HEAD as u64).read_to_end(&mut head);
        let name = found.shown.rsplit('/').next().unwrap_or(&found.shown);
        let format = recognise(&Head {
            bytes: &head,
            name,
            path: &found.shown,
        });
        if let Some(host) = collection::host(name, &head) {
            self.collected(&found, host);
        }
        let file = self.reference(found, format);
        let mut whole = Cursor::new(head).chain(&mut hashed);
        let mut outcome = match format {
            Some(format) => self.parse(format, &file, &mut whole),
            None => self.content(&file, &mut whole, holder),
        };
        // A parser that stopped early must not leave the hash short.
        let stopped = self.stopped();
        let left = if stopped {
            0
        } else {
            io::copy(&mut whole, &mut io::sink()).unwrap_or(0)
        };
        if left > 0 && format.is_some() {
            outcome.skip("bytes after the end of the format", 0, left, || "end".to_owned());
        }
        let failed = hashed.failed.take();
        if let Some(error) = &failed {
            outcome.skip(&format!("the rest could not be read: {error}"), 0, 0, || {
                "end".to_owned()
            });
        }
        let missing = file.size.unwrap_or(0).saturating_sub(hashed.bytes);
        let short = failed.is_none() && !stopped && missing > 0;
        if short {
            outcome.skip(
                "the rest could not be read: it ends before its size",
                0,
                missing,
                || format!("byte {}", hashed.bytes),
            );
        }
        let sha256 = if failed.is_some() || short || stopped {
            String::new()
        } else {
            hex(&hashed.digest.finalize_reset())
        };
        let bytes = hashed.bytes;
        if format.is_none() {
            self.inventory(&file, bytes, &sha256);
        }
        if !holder {
            self.state().bytes += bytes;
        }
        self.done(&file, format, outcome, bytes, sha256);
    }

    /// Notes a file that is there and cannot be read.
    pub(super) fn not_read(&self, found: Found, why: &str) {
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
        let context = Context {
            file,
            limits: &self.options.limits,
        };
        let cancel: &AtomicBool = &self.options.cancel;
        let mut reader = Cancellable {
            inner: reader,
            cancel,
        };
        (format.parse)(&mut reader, &context, &mut |batch: EventBatch| {
            self.sink.batch(file, batch.with_file(file.id));
        })
    }

    /// A file no format takes is evidence by itself.
    fn content(&self, file: &FileRef, reader: &mut dyn Read, holder: bool) -> Outcome {
        let mut outcome = Outcome::default();
        let cap = self.options.limits.content_bytes;
        let mut bytes = Vec::new();
        let mut content = (&mut *reader).take(cap.saturating_add(1));
        let read = content.read_to_end(&mut bytes);
        if read.is_ok() && bytes.len() as u64 <= cap {
            self.sink.content(file, &bytes);
        } else if read.is_ok() && !holder {
            outcome.skip("content not scanned: the file is too large", 0, 0, || {
                format!("{cap} bytes")
            });
        }
        outcome
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
            let known = names.entry(name.clone()).or_insert((0, field));
            *known = (known.0 + count, known.1.min(field));
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

fn recognise(head: &Head<'_>) -> Option<&'static Format> {
    crate::text::FORMATS
        .iter()
        .chain(crate::windows::FORMATS)
        .chain(crate::files::FORMATS)
        .filter_map(|format| Some(((format.recognise)(head)?, *format)))
        .max_by_key(|(confidence, _)| *confidence)
        .map(|(_, format)| format)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes and counts what passes through, and remembers why it stopped.
struct Hashed<'a> {
    inner: &'a mut dyn Read,
    digest: Sha256,
    bytes: u64,
    failed: Option<io::Error>,
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
