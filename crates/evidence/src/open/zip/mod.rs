//! Zip and zip64, healthy or damaged.
//!
//! An archive that comes from an incident may be cut short by a full disk, encrypted in part, made by a collector that
//! counts wrong, or built to hurt. So entries are listed by the central directory when it is whole, else recovered from
//! their local headers; a name that comes twice is read twice; nothing is held in memory but one entry's header at a
//! time (or, of a damaged archive, the list of what was recovered).
//!
//! Format: PKWARE's `APPNOTE.TXT` 6.3.10.

mod directory;
mod entry;
mod headers;
mod salvage;

use std::io;
use std::sync::Arc;

pub(crate) use entry::{Entry, Unpacked, method_name};

use super::bytes::Bytes;
use crate::message::Message;
use directory::Directory;
use salvage::{Recovered, salvage};

/// An archive and the way its entries are found.
pub(crate) struct Zip {
    bytes: Arc<Bytes>,
    listing: Listing,
}

enum Listing {
    /// The central directory is whole.
    Directory(Directory),
    /// It is not: these were found by their local headers.
    Recovered(Arc<Recovered>),
}

/// What the listing of an archive tells before anything is read.
pub(crate) struct Damage {
    /// What is wrong with the central directory.
    pub(crate) why: Message,
    /// Entries found without it.
    pub(crate) recovered: u64,
    /// Entries found beyond the cap and not kept.
    pub(crate) beyond: u64,
    /// The last entry is cut off by the end of the file.
    pub(crate) cut: bool,
}

impl Zip {
    /// Finds the entries. `most` caps how many of a damaged archive are recovered.
    pub(crate) fn open(bytes: Arc<Bytes>, most: u64) -> io::Result<(Zip, Option<Damage>)> {
        let why = match Directory::find(&bytes)? {
            Ok(directory) => match directory.check(&bytes)? {
                None => {
                    let listing = Listing::Directory(directory);
                    return Ok((Zip { bytes, listing }, None));
                }
                Some(why) => why,
            },
            Err(why) => why,
        };
        let recovered = salvage(&bytes, most)?;
        let damage = Damage {
            why,
            recovered: recovered.entries.len() as u64,
            beyond: recovered.beyond,
            cut: recovered.cut,
        };
        let listing = Listing::Recovered(Arc::new(recovered));
        Ok((Zip { bytes, listing }, Some(damage)))
    }

    /// All entries, in the order of the listing.
    pub(crate) fn entries(&self) -> Entries {
        match &self.listing {
            Listing::Directory(directory) => Entries::Directory(directory.entries(&self.bytes)),
            Listing::Recovered(recovered) => Entries::Recovered(Arc::clone(recovered), 0),
        }
    }

    /// What an entry holds, unpacked.
    pub(crate) fn unpack(&self, entry: &Entry) -> io::Result<Unpacked> {
        Unpacked::open(&self.bytes, entry)
    }

    /// An entry that is stored as it is, in place.
    pub(crate) fn in_place(&self, entry: &Entry) -> Option<Bytes> {
        let start = entry.stored_at(&self.bytes)?;
        Some(Bytes::Part {
            of: Arc::clone(&self.bytes),
            start,
            length: entry.packed,
        })
    }

    /// Entries the directory declares and how many it has, when they differ.
    pub(crate) fn miscounted(&self, found: u64) -> Option<u64> {
        match &self.listing {
            Listing::Directory(directory) => directory.miscounted(found),
            Listing::Recovered(_) => None,
        }
    }
}

/// Iterates over entries without holding more than one.
pub(crate) enum Entries {
    Directory(directory::Entries),
    Recovered(Arc<Recovered>, usize),
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        match self {
            Entries::Directory(entries) => entries.next(),
            Entries::Recovered(recovered, next) => {
                *next += 1;
                recovered.entries.get(*next - 1).cloned()
            }
        }
    }
}

#[cfg(test)]
mod tests;
