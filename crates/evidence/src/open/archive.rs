//! Archives, entry by entry, with caps on what they may cost.

use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;

use super::budget::Budget;
use super::bytes::Bytes;
use super::container::{Container, PEEK, recognise};
use super::file::Found;
use super::names;
use super::readers::{Bounded, Told};
use super::run::Run;
use super::survey::{Survey, survey};
use super::walk::Owners;
use super::zip::{Entries, Entry, Zip};
use crate::message::{Code, Message};
use crate::{Limits, UnitId};

/// An entry smaller than this may have any compression ratio.
pub(super) const SMALL_ENTRY: u64 = 16 << 20;

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
                self.warn_at(&found.shown, super::container::unread(what, advice))
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

    pub(super) fn too_deep(&self, container: Option<Container>, shown: &str, depth: u32) -> bool {
        let limit = self.options.limits.archive_depth;
        let opens = matches!(container, Some(Container::Zip | Container::Gzip | Container::Tar));
        if opens && depth > limit {
            let said = Message::new(Code::ArchivesTooDeep, [("most", limit.into())]);
            self.warn_at(shown, said);
        }
        opens && depth > limit
    }

    fn zip(&self, bytes: &Arc<Bytes>, shown: &str, owners: &Owners, budget: &Arc<Budget>, depth: u32) {
        let most = self.options.limits.archive_entries;
        let (zip, damage) = match Zip::open(Arc::clone(bytes), most) {
            Ok(opened) => opened,
            Err(error) => {
                let said = Message::new(Code::Unread, [("cause", (&error).into())]);
                return self.warn_at(shown, said);
            }
        };
        if let Some(damage) = damage {
            let code = match damage.cut {
                true => Code::ArchiveDamagedCut,
                false => Code::ArchiveDamaged,
            };
            let parameters = [("damage", damage.why.into()), ("count", damage.recovered.into())];
            self.warn_at(shown, Message::new(code, parameters));
            if damage.beyond > 0 {
                let parameters = [("count", damage.beyond.into()), ("most", most.into())];
                self.warn_at(shown, Message::new(Code::EntriesBeyondCap, parameters));
            }
        }
        let survey = survey(&zip, most, self.options.limits.name_bytes);
        for note in &survey.notes {
            self.warn_at(shown, note.clone());
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
            let (path, _) = names::clean(&entry.text(), limits.name_bytes);
            let label = format!("{}!/{path}", archive.shown);
            let label = match archive.survey.repeated.get(&position) {
                Some(nth) => format!("{label} ({nth})"),
                None => label,
            };
            let unit = archive.owners.of(&path);
            if let Some(why) = refusal(&entry) {
                self.not_read(found(&entry, label, unit), why);
                continue;
            }
            let reserved = match claim(&entry, limits) {
                Ok(reserved) => reserved,
                Err(why) => {
                    self.warn_at(&label, why.clone());
                    self.not_read(found(&entry, label, unit), why);
                    continue;
                }
            };
            if !archive.budget.take(reserved) {
                next.ended = true;
                let cap = limits.archive_bytes;
                self.warn_at(&label, Message::new(Code::ArchiveFull, [("most", cap.into())]));
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
                let why = Message::new(Code::EntryUnpacked, [("cause", (&error).into())]);
                self.warn_at(&label, why.clone());
                return self.not_read(found(&entry, label, unit), why);
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
            self.warn_at(&label, Message::new(Code::EntryCut, [("bytes", given.into())]));
        } else if claimed.is_some_and(|claimed| given > claimed) {
            let parameters = [
                ("bytes", given.into()),
                ("claimed", claimed.unwrap_or_default().into()),
            ];
            self.warn_at(&label, Message::new(Code::EntryGivesMore, parameters));
        }
        if unpacked.corrupt {
            self.warn_at(&label, Code::EntryChecksum);
        }
        if entry.link {
            self.warn_at(&label, Code::LinkNotFollowed);
        }
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
fn refusal(entry: &Entry) -> Option<Message> {
    if entry.encrypted {
        return Some(Code::EntryEncrypted.into());
    }
    (!entry.readable()).then(|| {
        let method = super::zip::method_name(entry.method);
        Message::new(Code::EntryPacked, [("method", method.into())])
    })
}

/// The bytes an entry claims, if they are within the cap on the compression ratio.
fn claim(entry: &Entry, limits: &Limits) -> Result<u64, Message> {
    let size = entry.size.unwrap_or(0);
    if size <= allowance(entry, limits) {
        return Ok(size);
    }
    let (packed, cap) = (entry.packed, limits.archive_ratio);
    Err(Message::new(
        Code::EntryOverRatio,
        [
            ("size", size.into()),
            ("packed", packed.into()),
            ("most", cap.into()),
        ],
    ))
}

/// The most an entry may give, whatever it claims.
fn allowance(entry: &Entry, limits: &Limits) -> u64 {
    SMALL_ENTRY.max(entry.packed.saturating_mul(limits.archive_ratio))
}
