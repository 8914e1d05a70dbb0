//! One file at a time: recognise, parse while hashing, note what happened.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use vigie_event::{BatchBuilder, EventBatch, FileId, Source, Timestamp};
use zip::ZipArchive;

use super::walk::{Job, Plan};
use crate::files::Entry;
use crate::format::{Context, Format, Head, Outcome};
use crate::{FileEntry, FileRef, Manifest, Options, Sink, UnitId};

/// Bytes recognition may look at.
const HEAD: usize = 64 << 10;
/// An entry smaller than this may have any compression ratio.
const SMALL_ENTRY: u64 = 16 << 20;

/// A run in progress, shared by its workers.
pub(crate) struct Run<'a> {
    options: &'a Options,
    sink: &'a dyn Sink,
    plan: &'a Plan,
    next: AtomicUsize,
    ids: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: Vec<FileEntry>,
    warnings: Vec<String>,
    /// Per unit: names its rows give the machine, by field and count.
    names: BTreeMap<UnitId, BTreeMap<String, (u64, &'static str)>>,
    bytes: u64,
    records: u64,
}

/// Where bytes come from and what is known of them.
struct Input<'a> {
    reader: &'a mut dyn Read,
    shown: String,
    unit: UnitId,
    size: Option<u64>,
    modified: Option<Timestamp>,
    created: Option<Timestamp>,
    depth: u32,
}

impl<'a> Run<'a> {
    pub(crate) fn new(options: &'a Options, sink: &'a dyn Sink, plan: &'a Plan) -> Run<'a> {
        Run {
            options,
            sink,
            plan,
            next: AtomicUsize::new(0),
            ids: AtomicU64::new(0),
            state: Mutex::new(State::default()),
        }
    }

    /// Takes files until there are none left.
    pub(crate) fn work(&self) {
        while !self.options.cancel.load(Ordering::Relaxed) {
            let Some(job) = self.plan.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            self.job(job);
            if let Some(progress) = &self.options.progress {
                progress.advance(job.bytes);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warn(&self, warning: String) {
        self.lock().warnings.push(warning);
    }

    fn job(&self, job: &Job) {
        match open_archive(job) {
            None => {}
            Some(Ok(mut archive)) => self.archive(&mut archive, &job.shown, job.unit, 1),
            Some(Err(error)) => self.warn(format!(
                "{}: the archive is damaged or cut short ({error}); nothing in it was read",
                job.shown
            )),
        }
        match File::open(&job.path) {
            Ok(mut file) => self.file(Input {
                reader: &mut file,
                shown: job.shown.clone(),
                unit: job.unit,
                size: Some(job.bytes),
                modified: job.modified,
                created: job.created,
                depth: 0,
            }),
            Err(error) => self.warn(format!("{}: cannot be read: {error}", job.shown)),
        }
    }

    /// Reads every entry of an archive. Entry names are labels: nothing is written anywhere.
    fn archive<R: Read + io::Seek>(
        &self,
        archive: &mut ZipArchive<R>,
        shown: &str,
        unit: UnitId,
        depth: u32,
    ) {
        let limits = &self.options.limits;
        let mut total = 0u64;
        for index in 0..archive.len() {
            if self.options.cancel.load(Ordering::Relaxed) {
                return;
            }
            if index as u64 >= limits.archive_entries {
                let left = archive.len() - index;
                return self.warn(format!(
                    "{shown}: {left} entries beyond the cap of {index} were not read"
                ));
            }
            let mut entry = match archive.by_index(index) {
                Ok(entry) => entry,
                Err(error) => {
                    self.warn(format!("{shown}: entry {index} cannot be read: {error}"));
                    continue;
                }
            };
            if entry.is_dir() {
                continue;
            }
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let label = self.label(shown, &name);
            let (packed, size) = (entry.compressed_size().max(1), entry.size());
            if size > SMALL_ENTRY && size / packed > limits.archive_ratio {
                let cap = limits.archive_ratio;
                self.warn(format!(
                    "{label}: not read, {size} bytes out of {packed} are more than {cap} to 1"
                ));
                continue;
            }
            if total.saturating_add(size) > limits.archive_bytes {
                let cap = limits.archive_bytes;
                return self.warn(format!(
                    "{label}: not read, and what follows: the archive holds more than {cap} bytes"
                ));
            }
            total += size;
            // What an entry says of its size is a claim; the cap holds what it really gives.
            let mut bounded = Bounded {
                inner: &mut entry,
                left: size.saturating_add(1),
                over: false,
            };
            if super::walk::is_archive(&name) {
                self.nested(&mut bounded, &label, unit, size, depth);
                continue;
            }
            self.file(Input {
                reader: &mut bounded,
                shown: label.clone(),
                unit,
                size: Some(size),
                modified: None,
                created: None,
                depth,
            });
            if bounded.over {
                self.warn(format!("{label}: gives more bytes than it claims; cut at {size}"));
            }
        }
    }

    fn nested(&self, reader: &mut dyn Read, label: &str, unit: UnitId, size: u64, depth: u32) {
        let limits = &self.options.limits;
        if depth >= limits.archive_depth {
            return self.warn(format!(
                "{label}: archives nested deeper than {} are not read",
                limits.archive_depth
            ));
        }
        if size > limits.document_bytes {
            let cap = limits.document_bytes;
            return self.warn(format!(
                "{label}: not read, a nested archive of more than {cap} bytes; unpack it first"
            ));
        }
        let mut bytes = Vec::new();
        if let Err(error) = reader.read_to_end(&mut bytes) {
            return self.warn(format!("{label}: cannot be unpacked: {error}"));
        }
        match ZipArchive::new(Cursor::new(bytes.as_slice())) {
            Ok(mut archive) => self.archive(&mut archive, label, unit, depth + 1),
            Err(error) => self.warn(format!("{label}: the archive is damaged or cut short ({error})")),
        }
    }

    /// The path shown for an entry; names that would leave a folder or mean a device are said to do so.
    fn label(&self, shown: &str, name: &str) -> String {
        let name = name.replace('\\', "/");
        let clean: String = name
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        let label = format!("{shown}!/{}", clean.trim_start_matches('/'));
        let parts = || clean.split('/');
        let device = |part: &str| {
            let stem = part.split('.').next().unwrap_or(part).to_ascii_uppercase();
            matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "COM1" | "LPT1")
        };
        if parts().any(|part| part == "..") {
            self.warn(format!(
                "{label}: the name climbs out of the archive; read under this label only"
            ));
        } else if clean.starts_with('/') || clean.as_bytes().get(1) == Some(&b':') {
            self.warn(format!(
                "{label}: the name is absolute; read under this label only"
            ));
        } else if parts().any(device) {
            self.warn(format!(
                "{label}: the name is a device's; read under this label only"
            ));
        }
        label
    }

    fn file(&self, input: Input<'_>) {
        let id = FileId(u32::try_from(self.ids.fetch_add(1, Ordering::Relaxed)).unwrap_or(u32::MAX));
        let mut hashed = Hashed {
            inner: input.reader,
            digest: Sha256::new(),
            bytes: 0,
            failed: None,
        };
        let mut head = Vec::with_capacity(HEAD);
        let _ = (&mut hashed).take(HEAD as u64).read_to_end(&mut head);
        let name = input.shown.rsplit('/').next().unwrap_or(&input.shown);
        let format = recognise(&Head {
            bytes: &head,
            name,
            path: &input.shown,
        });
        let file = FileRef {
            id,
            unit: input.unit,
            path: input.shown.clone(),
            original_path: original_path(&input.shown),
            size: input.size,
            modified: input.modified,
            created: input.created,
            source: format.map(|format| format.source),
        };
        let mut whole = Cursor::new(head).chain(&mut hashed);
        let mut outcome = match format {
            Some(format) => self.parse(format, &file, &mut whole),
            None => self.content(&file, &mut whole),
        };
        // A parser that stopped early must not leave the hash short.
        let stopped = self.options.cancel.load(Ordering::Relaxed);
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
        let sha256 = if failed.is_some() || stopped {
            String::new()
        } else {
            hex(&hashed.digest.finalize_reset())
        };
        let bytes = hashed.bytes;
        if format.is_none() {
            self.inventory(&file, bytes, &sha256);
        }
        self.done(&file, format, outcome, bytes, sha256, input.depth);
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
    fn content(&self, file: &FileRef, reader: &mut dyn Read) -> Outcome {
        let mut outcome = Outcome::default();
        let cap = self.options.limits.content_bytes;
        let mut bytes = Vec::new();
        if file.size.is_some_and(|size| size > cap) {
            outcome.skip("content not scanned: the file is too large", 0, 0, || {
                format!("{cap} bytes")
            });
            return outcome;
        }
        if reader.take(cap).read_to_end(&mut bytes).is_ok() {
            self.sink.content(file, &bytes);
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

    fn done(
        &self,
        file: &FileRef,
        format: Option<&Format>,
        outcome: Outcome,
        bytes: u64,
        sha256: String,
        depth: u32,
    ) {
        let mut state = self.lock();
        if depth == 0 || format.is_some() {
            state.bytes += bytes;
        }
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

    /// What was read, once all workers are done. Files stand at the position of their number.
    pub(crate) fn finish(self) -> Manifest {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.files.sort_by_key(|file| file.id);
        state.warnings.sort();
        let mut units = self.plan.units.clone();
        for unit in &mut units {
            let best = state
                .names
                .get(&unit.id)
                .and_then(|names| names.iter().max_by_key(|(_, (count, _))| *count));
            if let Some((name, (_, field))) = best {
                unit.host = Some(name.clone());
                unit.host_source = Some((*field).to_owned());
            }
        }
        let mut warnings = self.plan.warnings.clone();
        warnings.extend(state.warnings);
        Manifest {
            units,
            files: state.files,
            warnings,
            bytes: state.bytes,
            records: state.records,
            interrupted: self.options.cancel.load(Ordering::Relaxed),
        }
    }
}

/// The archive a file is, if it says so by its first bytes.
fn open_archive(job: &Job) -> Option<zip::result::ZipResult<ZipArchive<File>>> {
    let mut magic = [0u8; 4];
    File::open(&job.path).ok()?.read_exact(&mut magic).ok()?;
    let is_zip = magic == *b"PK\x03\x04" || magic == *b"PK\x05\x06";
    is_zip.then(|| ZipArchive::new(File::open(&job.path)?))
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

/// Folder names below which a path is the machine's own, and the drive they stand for.
const ANCHORS: [&str; 6] = [
    "inetpub",
    "windows",
    "program files",
    "programdata",
    "users",
    "exchangesetuplogs",
];

/// The path on the machine it was collected from: from a drive folder (`C/`, `C%3A/`) or a well-known one.
pub(crate) fn original_path(shown: &str) -> Option<String> {
    let parts: Vec<&str> = shown.split('/').collect();
    for (index, part) in parts.iter().enumerate().take(parts.len().saturating_sub(1)) {
        let lower = part.to_ascii_lowercase();
        let letter = lower.chars().next().filter(char::is_ascii_alphabetic);
        let drive = matches!(lower.get(1..), Some("" | ":" | "%3a" | "_" | "_drive"));
        if let Some(letter) = letter.filter(|_| drive) {
            return Some(format!(
                "{}:\\{}",
                letter.to_ascii_uppercase(),
                parts[index + 1..].join("\\")
            ));
        }
        if ANCHORS.contains(&lower.as_str()) {
            return Some(format!("C:\\{}", parts[index..].join("\\")));
        }
    }
    None
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

/// Gives no more bytes than an entry claims to have.
struct Bounded<'a> {
    inner: &'a mut dyn Read,
    left: u64,
    over: bool,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left <= 1 {
            self.over = self.inner.read(&mut [0u8; 1])? > 0 || self.over;
            return Ok(0);
        }
        let most = buffer
            .len()
            .min(usize::try_from(self.left - 1).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}
