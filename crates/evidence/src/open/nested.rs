//! What can be read only once, from its beginning: entries, and the archives among them.

use std::io::{self, Read};
use std::sync::Arc;

use super::archive::SMALL_ENTRY;
use super::budget::Budget;
use super::bytes::Bytes;
use super::container::{Container, PEEK, recognise};
use super::file::Found;
use super::names;
use super::readers::{Bounded, Counted, Failed};
use super::run::Run;
use super::walk::Owners;
use crate::UnitId;

/// A nested archive up to this size is kept in memory, a larger one in a temporary file.
const IN_MEMORY: u64 = 4 << 20;

impl Run<'_> {
    /// Something that can be read only once, from its beginning: a file, or what holds files.
    pub(super) fn stream(
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
    pub(super) fn gzip(
        &self,
        reader: &mut dyn Read,
        found: &Found,
        packed: u64,
        budget: &Arc<Budget>,
        depth: u32,
    ) {
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

    pub(super) fn tar(
        &self,
        reader: &mut dyn Read,
        shown: &str,
        unit: UnitId,
        budget: &Arc<Budget>,
        depth: u32,
    ) {
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
}
