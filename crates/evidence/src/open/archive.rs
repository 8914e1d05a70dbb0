//! Archives, entry by entry, with caps on what they may cost.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;

use super::bytes::Bytes;
use super::container::{Container, PEEK, recognise};
use super::file::Found;
use super::names;
use super::run::Run;
use super::survey::{Survey, survey};
use super::walk::Owners;
use super::zip::{Entries, Entry, Zip};
use crate::{Limits, UnitId};

/// An entry smaller than this may have any compression ratio.
const SMALL_ENTRY: u64 = 16 << 20;
/// A nested archive up to this size is kept in memory, a larger one in a temporary file.
const IN_MEMORY: u64 = 4 << 20;

/// What one archive of the evidence may still give, nested ones included, and how much of it is done.
pub(crate) struct Budget {
    left: AtomicU64,
    told: Arc<AtomicU64>,
    most: u64,
}

impl Budget {
    pub(crate) fn new(bytes: u64, told: Arc<AtomicU64>, most: u64) -> Budget {
        Budget {
            left: AtomicU64::new(bytes),
            told,
            most,
        }
    }

    /// Takes so many bytes, all or nothing.
    fn take(&self, bytes: u64) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .is_ok()
    }

    fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many of these bytes of the file may be told as done: in all no more than it has.
    pub(crate) fn tell(&self, bytes: u64) -> u64 {
        let before = self.told.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes).min(self.most) - before.min(self.most)
    }
}

/// An archive that workers take entries from.
pub(crate) struct OpenArchive {
    zip: Zip,
    shown: String,
    owners: Owners,
    depth: u32,
    budget: Arc<Budget>,
    survey: Survey,
    next: Mutex<Next>,
}

struct Next {
    entries: Entries,
    position: u64,
    /// The budget is used up.
    ended: bool,
}

/// An entry to be read, and what it may give.
struct Taken {
    entry: Entry,
    label: String,
    unit: UnitId,
    /// Bytes taken from the budget.
    reserved: u64,
}

impl Run<'_> {
    /// A file that can be read anywhere: what is in it, if it holds files, and the file itself.
    pub(super) fn whole(
        &self,
        bytes: &Arc<Bytes>,
        found: Found,
        owners: &Owners,
        budget: &Arc<Budget>,
        depth: u32,
    ) {
        let mut head = vec![0; PEEK];
        let filled = bytes.fill_at(0, &mut head).unwrap_or(0);
        head.truncate(filled);
        let container = recognise(&head);
        let deep = self.too_deep(container, &found.shown, depth);
        match container {
            _ if deep => {}
            Some(Container::Zip) => self.zip(bytes, &found.shown, owners, budget, depth),
            Some(Container::Gzip) => {
                let mut reader = MultiGzDecoder::new(bytes.reader(0, bytes.length()));
                self.gzip(&mut reader, &found, bytes.length(), budget, depth);
            }
            Some(Container::Tar) => {
                let mut reader = bytes.reader(0, bytes.length());
                self.tar(&mut reader, &found.shown, owners.whole, budget, depth);
            }
            Some(Container::Other(what, advice)) => {
                self.warn(format!("{}: a {what} is not read; {advice}", found.shown))
            }
            None => {}
        }
        let holds_files = matches!(container, Some(Container::Zip | Container::Gzip | Container::Tar));
        let mut reader = Told {
            inner: bytes.reader(0, bytes.length()),
            // The entries of an archive are what its progress is told by.
            tell: (depth == 1 && !holds_files).then_some((self, &**budget)),
        };
        self.file(&mut reader, found, holds_files && !deep);
    }

    fn too_deep(&self, container: Option<Container>, shown: &str, depth: u32) -> bool {
        let limit = self.options.limits.archive_depth;
        let opens = matches!(container, Some(Container::Zip | Container::Gzip | Container::Tar));
        if opens && depth > limit {
            self.warn(format!(
                "{shown}: archives nested deeper than {limit} are not read"
            ));
        }
        opens && depth > limit
    }

    fn zip(&self, bytes: &Arc<Bytes>, shown: &str, owners: &Owners, budget: &Arc<Budget>, depth: u32) {
        let most = self.options.limits.archive_entries;
        let (zip, damage) = match Zip::open(Arc::clone(bytes), most) {
            Ok(opened) => opened,
            Err(error) => return self.warn(format!("{shown}: cannot be read: {error}")),
        };
        if let Some(damage) = damage {
            let cut = if damage.cut {
                "; the last one is cut off"
            } else {
                ""
            };
            self.warn(format!(
                "{shown}: the archive is damaged or cut short ({}); {} entries were recovered without it{cut}",
                damage.why, damage.recovered
            ));
            if damage.beyond > 0 {
                self.warn(format!(
                    "{shown}: {} entries beyond the cap of {most} were not read",
                    damage.beyond
                ));
            }
        }
        let survey = survey(&zip, most);
        for note in &survey.notes {
            self.warn(format!("{shown}: {note}"));
        }
        let archive = Arc::new(OpenArchive {
            next: Mutex::new(Next {
                entries: zip.entries(),
                position: 0,
                ended: false,
            }),
            zip,
            shown: shown.to_owned(),
            owners: owners.clone(),
            depth,
            budget: Arc::clone(budget),
            survey,
        });
        self.together(&archive);
    }

    /// Reads entries of an archive until none is left; whether there was one.
    pub(super) fn entries(&self, archive: &OpenArchive) -> bool {
        let mut any = false;
        while let Some(taken) = self.take(archive) {
            any = true;
            self.read_entry(archive, taken);
            if self.stopped() {
                break;
            }
        }
        any
    }

    /// The next entry that can be read. Entries are taken in the order of the listing, whoever reads them.
    fn take(&self, archive: &OpenArchive) -> Option<Taken> {
        let limits = &self.options.limits;
        let mut next = archive.next.lock().unwrap_or_else(PoisonError::into_inner);
        while !next.ended && next.position < limits.archive_entries {
            let entry = next.entries.next()?;
            let position = next.position;
            next.position += 1;
            if archive.depth == 1 {
                self.advance(archive.budget.tell(entry.packed));
            }
            if entry.is_folder() || archive.survey.overlapping.contains(&position) {
                continue;
            }
            let (path, label) = self.label(&archive.shown, &entry.text());
            let label = match archive.survey.repeated.get(&position) {
                Some(nth) => format!("{label} ({nth})"),
                None => label,
            };
            let unit = archive.owners.of(&path);
            if let Some(why) = refusal(&entry) {
                self.not_read(found(&entry, label, unit), &why);
                continue;
            }
            let reserved = match claim(&entry, limits) {
                Ok(reserved) => reserved,
                Err(why) => {
                    self.warn(format!("{label}: {why}"));
                    self.not_read(found(&entry, label, unit), &why);
                    continue;
                }
            };
            if !archive.budget.take(reserved) {
                next.ended = true;
                let cap = limits.archive_bytes;
                self.warn(format!(
                    "{label}: not read, and what follows: the archive holds more than {cap} bytes"
                ));
                return None;
            }
            return Some(Taken {
                entry,
                label,
                unit,
                reserved,
            });
        }
        None
    }

    fn read_entry(&self, archive: &OpenArchive, taken: Taken) {
        let Taken {
            entry,
            label,
            unit,
            reserved,
        } = taken;
        let mut unpacked = match archive.zip.unpack(&entry) {
            Ok(unpacked) => unpacked,
            Err(error) => {
                self.warn(format!("{label}: cannot be unpacked: {error}"));
                return self.not_read(
                    found(&entry, label, unit),
                    &format!("cannot be unpacked: {error}"),
                );
            }
        };
        let allowed = allowance(&entry, &self.options.limits);
        let mut bounded = Bounded {
            inner: &mut unpacked,
            given: 0,
            reserved,
            budget: &archive.budget,
            left: allowed,
            over: false,
        };
        let claimed = entry.size;
        let in_place = || archive.zip.in_place(&entry);
        self.stream(
            &mut bounded,
            found(&entry, label.clone(), unit),
            &in_place,
            &archive.budget,
            archive.depth,
        );
        let (given, over) = (bounded.given, bounded.over);
        drop(bounded);
        if over {
            self.warn(format!(
                "{label}: cut at {given} bytes, more than the caps on archives allow"
            ));
        } else if claimed.is_some_and(|claimed| given > claimed) {
            self.warn(format!(
                "{label}: gives {given} bytes, the archive claims {}",
                claimed.unwrap_or_default()
            ));
        }
        if unpacked.corrupt {
            self.warn(format!(
                "{label}: its checksum is not the one the archive names; what there is was read"
            ));
        }
        if entry.link {
            self.warn(format!("{label}: a link, not followed"));
        }
    }

    /// Something that can be read only once, from its beginning: a file, or what holds files.
    fn stream(
        &self,
        reader: &mut dyn Read,
        found: Found,
        in_place: &dyn Fn() -> Option<Bytes>,
        budget: &Arc<Budget>,
        depth: u32,
    ) {
        let mut head = Vec::with_capacity(PEEK);
        let failed = (&mut *reader).take(PEEK as u64).read_to_end(&mut head).err();
        let container = recognise(&head);
        let mut rest = Failed(failed);
        let mut all = io::Cursor::new(head).chain(&mut rest).chain(reader);
        match container {
            Some(Container::Tar) if !self.too_deep(container, &found.shown, depth + 1) => {
                self.tar(&mut all, &found.shown, found.unit, budget, depth + 1);
            }
            Some(Container::Zip | Container::Gzip) if !self.too_deep(container, &found.shown, depth + 1) => {
                let spooled = in_place().map_or_else(|| self.spool(&mut all, &found), Ok);
                match spooled {
                    Ok(bytes) => {
                        let owners = Owners::one(found.unit);
                        self.whole(&Arc::new(bytes), found, &owners, budget, depth + 1);
                    }
                    Err(error) => {
                        self.warn(format!("{}: cannot be unpacked: {error}", found.shown));
                        self.not_read(found, &format!("cannot be unpacked: {error}"));
                    }
                }
            }
            Some(Container::Other(what, advice)) => {
                self.warn(format!("{}: a {what} is not read; {advice}", found.shown));
                self.file(&mut all, found, false);
            }
            _ => self.file(&mut all, found, false),
        }
    }

    /// Keeps a nested archive where it can be read anywhere: in memory when small, else in a temporary file that has
    /// no name and is gone with the run. One that is damaged is kept as far as it goes.
    fn spool(&self, reader: &mut dyn Read, found: &Found) -> io::Result<Bytes> {
        let mut small = Vec::new();
        let failed = (&mut *reader).take(IN_MEMORY + 1).read_to_end(&mut small).err();
        if let Some(error) = &failed {
            self.warn(format!(
                "{}: only {} bytes of it could be unpacked: {error}",
                found.shown,
                small.len()
            ));
        }
        if small.len() as u64 <= IN_MEMORY {
            return Ok(Bytes::Memory(small));
        }
        let cap = self.options.limits.spool_bytes;
        let mut file = tempfile::tempfile()?;
        let mut spooled = 0;
        let mut whole = io::Cursor::new(small).chain(reader).take(cap + 1);
        let copied = io::copy(&mut whole, &mut Counted(&mut file, &mut spooled));
        if let Err(error) = copied {
            self.warn(format!(
                "{}: only {spooled} bytes of it could be unpacked to a temporary file: {error}",
                found.shown
            ));
        }
        if spooled > cap {
            return Err(io::Error::other(format!(
                "a nested archive of more than {cap} bytes; unpack it and give the folder"
            )));
        }
        Bytes::file(file)
    }

    /// One packed file.
    fn gzip(&self, reader: &mut dyn Read, found: &Found, packed: u64, budget: &Arc<Budget>, depth: u32) {
        let name = found.shown.rsplit('/').next().unwrap_or_default();
        let inner = match name.to_ascii_lowercase().strip_suffix(".tgz") {
            Some(stem) => format!("{}.tar", &name[..stem.len()]),
            None => names::stem(name).to_owned(),
        };
        let label = format!("{}!/{inner}", found.shown);
        let limits = &self.options.limits;
        let mut bounded = Bounded {
            inner: reader,
            given: 0,
            reserved: 0,
            budget,
            left: SMALL_ENTRY.max(packed.saturating_mul(limits.archive_ratio)),
            over: false,
        };
        let inner = Found {
            shown: label.clone(),
            unit: found.unit,
            size: None,
            modified: None,
            created: None,
        };
        self.stream(&mut bounded, inner, &|| None, budget, depth);
        if bounded.over {
            let given = bounded.given;
            self.warn(format!(
                "{label}: cut at {given} bytes, more than the caps on archives allow"
            ));
        }
    }

    fn tar(&self, reader: &mut dyn Read, shown: &str, unit: UnitId, budget: &Arc<Budget>, depth: u32) {
        let limits = &self.options.limits;
        let mut archive = tar::Archive::new(reader);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.warn(format!("{shown}: cannot be read: {error}")),
        };
        for (position, entry) in (0..).zip(entries) {
            if self.stopped() {
                return;
            }
            if position >= limits.archive_entries {
                return self.warn(format!(
                    "{shown}: entries beyond the cap of {position} were not read"
                ));
            }
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    return self.warn(format!(
                        "{shown}: the archive is damaged or cut short after {position} entries ({error})"
                    ));
                }
            };
            let kind = entry.header().entry_type();
            if kind.is_dir() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let (_, label) = self.label(shown, &name);
            if !kind.is_file() {
                self.warn(format!("{label}: not a regular file, not read"));
                continue;
            }
            let size = entry.size();
            let seconds = entry
                .header()
                .mtime()
                .ok()
                .and_then(|time| i64::try_from(time).ok());
            let found = Found {
                shown: label.clone(),
                unit,
                size: Some(size),
                modified: seconds.and_then(|time| time.checked_mul(vigie_event::MICROS_PER_SECOND)),
                created: None,
            };
            if !budget.take(size) {
                let cap = limits.archive_bytes;
                return self.warn(format!(
                    "{label}: not read, and what follows: the archive holds more than {cap} bytes"
                ));
            }
            self.stream(&mut entry, found, &|| None, budget, depth);
        }
    }

    /// An entry's clean path, and the path shown for it. What is wrong with the name is said.
    fn label(&self, shown: &str, name: &str) -> (String, String) {
        let (path, concern) = names::clean(name, self.options.limits.name_bytes);
        let label = format!("{shown}!/{path}");
        if let Some(concern) = concern {
            self.warn(format!(
                "{label}: {}; read under this label only",
                concern.describe()
            ));
        }
        (path, label)
    }
}

fn found(entry: &Entry, label: String, unit: UnitId) -> Found {
    Found {
        shown: label,
        unit,
        size: entry.size,
        modified: entry.modified,
        created: entry.created,
    }
}

/// Why an entry cannot be read at all.
fn refusal(entry: &Entry) -> Option<String> {
    if entry.encrypted {
        return Some("encrypted; give the unpacked files".to_owned());
    }
    (!entry.readable()).then(|| {
        let method = super::zip::method_name(entry.method);
        format!("packed with {method}; give the unpacked files")
    })
}

/// The bytes an entry claims, if they are within the cap on the compression ratio.
fn claim(entry: &Entry, limits: &Limits) -> Result<u64, String> {
    let size = entry.size.unwrap_or(0);
    if size <= allowance(entry, limits) {
        return Ok(size);
    }
    let (packed, cap) = (entry.packed, limits.archive_ratio);
    Err(format!(
        "not read, {size} bytes out of {packed} are more than {cap} to 1"
    ))
}

/// The most an entry may give, whatever it claims.
fn allowance(entry: &Entry, limits: &Limits) -> u64 {
    SMALL_ENTRY.max(entry.packed.saturating_mul(limits.archive_ratio))
}

/// Tells progress as a file is read.
struct Told<'r, R> {
    inner: R,
    tell: Option<(&'r Run<'r>, &'r Budget)>,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some((run, budget)) = self.tell {
            run.advance(budget.tell(read as u64));
        }
        Ok(read)
    }
}

/// Gives the error that stopped a look at the first bytes where it happened.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Counts what was written.
struct Counted<'a, W>(&'a mut W, &'a mut u64);

impl<W: io::Write> io::Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        *self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Gives no more than is allowed, and takes what goes beyond the reserved bytes from the budget.
struct Bounded<'a> {
    inner: &'a mut dyn Read,
    given: u64,
    reserved: u64,
    budget: &'a Budget,
    left: u64,
    over: bool,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.over || buffer.is_empty() {
            return Ok(0);
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            self.over = self.inner.read(&mut [0; 1])? > 0;
            return if self.over { Err(too_much()) } else { Ok(0) };
        }
        let read = self.inner.read(&mut buffer[..most])? as u64;
        let beyond = (self.given + read).saturating_sub(self.reserved.max(self.given));
        if beyond > 0 && !self.budget.take(beyond) {
            self.over = true;
            return Err(too_much());
        }
        self.given += read;
        self.left -= read;
        usize::try_from(read).map_err(io::Error::other)
    }
}

fn too_much() -> io::Error {
    io::Error::other("it gives more than the caps on archives allow")
}

impl Drop for Bounded<'_> {
    /// What an entry claimed and did not give is there for others.
    fn drop(&mut self) {
        self.budget.give_back(self.reserved.saturating_sub(self.given));
    }
}
