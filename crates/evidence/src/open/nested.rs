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
use super::survey::Concerns;
use super::walk::Owners;
use crate::UnitId;
use crate::message::{Code, Message};

/// A nested archive up to this size is kept in memory, a larger one in a temporary file.
const IN_MEMORY: u64 = 4 << 20;
/// Bytes of a tar's record that holds a long name.
const LONG_NAME: u64 = 64 << 10;

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
                        let why = Message::new(Code::EntryUnpacked, [("cause", (&error).into())]);
                        self.warn_at(&found.shown, why.clone());
                        self.not_read(found, why);
                    }
                }
            }
            Some(Container::Other(what, advice)) => {
                self.warn_at(&found.shown, super::container::unread(what, advice));
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
            let parameters = [("bytes", small.len().into()), ("cause", error.into())];
            self.warn_at(&found.shown, Message::new(Code::PartUnpacked, parameters));
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
            let parameters = [("bytes", spooled.into()), ("cause", (&error).into())];
            self.warn_at(&found.shown, Message::new(Code::PartSpooled, parameters));
        }
        if spooled > cap {
            return Err(io::Error::other(Message::new(
                Code::NestedTooLarge,
                [("most", cap.into())],
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
            self.warn_at(&label, Message::new(Code::EntryCut, [("bytes", given.into())]));
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
        let mut concerns = Concerns::default();
        if let Err(why) = self.tar_entries(reader, shown, unit, budget, depth, &mut concerns) {
            self.warn_at(shown, why);
        }
        for note in concerns.notes() {
            self.warn_at(shown, note);
        }
    }

    fn tar_entries(
        &self,
        reader: &mut dyn Read,
        shown: &str,
        unit: UnitId,
        budget: &Arc<Budget>,
        depth: u32,
        concerns: &mut Concerns,
    ) -> Result<(), Message> {
        let limits = &self.options.limits;
        let mut archive = tar::Archive::new(reader);
        let damaged = |position: u64, error: io::Error| {
            let parameters = [("count", position.into()), ("cause", (&error).into())];
            Message::new(Code::ArchiveCutAfter, parameters)
        };
        // The library would hold a name of any length in memory; so long names are read here.
        let entries = archive.entries().map_err(|error| damaged(0, error))?.raw(true);
        let mut long_name = None;
        for (position, entry) in (0..).zip(entries) {
            if self.stopped() {
                return Ok(());
            }
            if position >= limits.archive_entries {
                return Err(Message::new(Code::EntriesCapReached, [("most", position.into())]));
            }
            let mut entry = entry.map_err(|error| damaged(position, error))?;
            let kind = entry.header().entry_type();
            if kind.is_dir() || kind.is_pax_global_extensions() {
                continue;
            }
            if kind.is_gnu_longname() || kind.is_pax_local_extensions() {
                long_name = long_name_in(&mut entry, kind.is_gnu_longname()).or(long_name);
                continue;
            }
            let name = long_name
                .take()
                .unwrap_or_else(|| entry.path_bytes().into_owned());
            let (path, concern) = names::clean(&String::from_utf8_lossy(&name), limits.name_bytes);
            concerns.add(concern, &path);
            let label = format!("{shown}!/{path}");
            if !kind.is_file() {
                self.warn_at(&label, Code::NotRegular);
                continue;
            }
            let size = entry.size();
            if !budget.take(size) {
                let cap = limits.archive_bytes;
                let parameters = [("entry", path.into()), ("most", cap.into())];
                return Err(Message::new(Code::ArchiveFullAt, parameters));
            }
            let seconds = entry.header().mtime().ok();
            let seconds = seconds.and_then(|time| i64::try_from(time).ok());
            let found = Found {
                shown: label,
                unit,
                size: Some(size),
                modified: seconds.and_then(|time| time.checked_mul(vigie_event::MICROS_PER_SECOND)),
                created: None,
            };
            self.stream(&mut entry, found, &|| None, budget, depth);
        }
        Ok(())
    }
}

/// The name of the next entry, when it is too long for its header: GNU's way or POSIX's.
fn long_name_in(entry: &mut dyn Read, gnu: bool) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(LONG_NAME).read_to_end(&mut bytes).ok()?;
    if gnu {
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        bytes.truncate(end);
        return Some(bytes);
    }
    tar::PaxExtensions::new(&bytes)
        .filter_map(Result::ok)
        .find(|record| record.key_bytes() == b"path")
        .map(|record| record.value_bytes().to_vec())
}
