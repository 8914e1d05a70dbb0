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

    pub(super) fn too_deep(&self, container: Option<Container>, shown: &str, depth: u32) -> bool {
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
        let survey = survey(&zip, most, self.options.limits.name_bytes);
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
            let (path, _) = names::clean(&entry.text(), limits.name_bytes);
            let label = format!("{}!/{path}", archive.shown);
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
