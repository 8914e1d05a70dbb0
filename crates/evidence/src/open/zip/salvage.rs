//! Entries of an archive whose central directory is lost, found by their local headers.

use std::io;
use std::sync::Arc;

use super::entry::Entry;
use super::headers::{CENTRAL, DESCRIPTOR, END, LOCAL, LOCAL_LENGTH, extra, u16_at, u32_at, u64_at};
use crate::open::bytes::{At, Bytes};

/// Bytes of names that are kept; the rest is counted as beyond the cap.
const NAMES: usize = 64 << 20;
/// How much is searched at once.
const WINDOW: usize = 256 << 10;
/// Passes over the whole archive for descriptors that are not there.
const MOST_IN_VAIN: u32 = 16;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(super) entries: Vec<Entry>,
    pub(super) beyond: u64,
    pub(super) cut: bool,
}

/// Looks for local headers from the beginning to the end, jumping over the data of entries that tell their size.
pub(super) fn salvage(bytes: &Arc<Bytes>, most: u64) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    let mut names = 0;
    let mut search = Search::new(bytes);
    while let Some((at, kind)) = search.next_signature()? {
        if kind != LOCAL {
            continue;
        }
        let Some(local) = Local::read(bytes, at)? else {
            continue;
        };
        let length = bytes.length();
        let mut entry = local.entry;
        if local.descriptor {
            match search.end_of(bytes, local.data)? {
                End::Descriptor(found) => {
                    entry.crc = Some(found.crc);
                    entry.packed = found.packed;
                    entry.size = Some(found.size);
                    search.go_to(found.end);
                }
                // Something is missing in between: what there is ends where the next entry begins, or the archive.
                End::NextEntry(end) | End::Archive(end) => {
                    recovered.cut |= end == length;
                    entry.packed = end - local.data;
                    entry.crc = None;
                    entry.size = None;
                    search.go_to(end);
                }
            }
        } else {
            let end = local.data.saturating_add(entry.packed);
            if end > length {
                recovered.cut = true;
                entry.packed = length - local.data;
                entry.crc = None;
            }
            search.go_to(end.min(length));
        }
        names += entry.name.len();
        if recovered.entries.len() as u64 >= most || names > NAMES {
            recovered.beyond += 1;
        } else {
            recovered.entries.push(entry);
        }
    }
    Ok(recovered)
}

struct Local {
    entry: Entry,
    data: u64,
    /// Sizes and checksum follow the data.
    descriptor: bool,
}

impl Local {
    /// Reads the local header at `at`, if it is one: compressed data holds its four bytes by chance too.
    fn read(bytes: &Bytes, at: u64) -> io::Result<Option<Local>> {
        let mut fixed = [0; LOCAL_LENGTH];
        if bytes.fill_at(at, &mut fixed)? < fixed.len() {
            return Ok(None);
        }
        let (flags, method) = (u16_at(&fixed, 6), u16_at(&fixed, 8));
        let name_length = usize::from(u16_at(&fixed, 26));
        let extra_length = usize::from(u16_at(&fixed, 28));
        let known = matches!(method, 0..=20 | 93..=99);
        if fixed[4] > 63 || !known || flags & 0xc000 != 0 || name_length == 0 || name_length > 4_096 {
            return Ok(None);
        }
        let mut names = vec![0; name_length + extra_length];
        if bytes.fill_at(at + LOCAL_LENGTH as u64, &mut names)? < names.len() {
            return Ok(None);
        }
        let fields = names.split_off(name_length);
        if names.contains(&0) {
            return Ok(None);
        }
        let mut size = u64::from(u32_at(&fixed, 22));
        let mut packed = u64::from(u32_at(&fixed, 18));
        let times = extra(&fields, &mut [&mut size, &mut packed]);
        let entry = Entry {
            name: names,
            method,
            encrypted: flags & 1 != 0,
            link: false,
            crc: Some(u32_at(&fixed, 14)),
            packed,
            size: Some(size),
            header: at,
            modified: times.modified,
            created: times.created,
        };
        Ok(Some(Local {
            data: at + (LOCAL_LENGTH + name_length + extra_length) as u64,
            // Some writers set the flag and fill in the sizes all the same.
            descriptor: flags & 8 != 0 && packed == 0,
            entry,
        }))
    }
}

/// A data descriptor.
struct Found {
    crc: u32,
    packed: u64,
    size: u64,
    end: u64,
}

impl Found {
    fn read(bytes: &Bytes, at: u64, wide: bool) -> io::Result<Option<Found>> {
        let mut record = [0; 20];
        let length = if wide { 20 } else { 12 };
        if bytes.fill_at(at, &mut record[..length])? < length {
            return Ok(None);
        }
        let (packed, size) = if wide {
            (u64_at(&record, 4), u64_at(&record, 12))
        } else {
            (u64::from(u32_at(&record, 4)), u64::from(u32_at(&record, 8)))
        };
        Ok(Some(Found {
            crc: u32_at(&record, 0),
            packed,
            size,
            end: at + length as u64,
        }))
    }
}

/// Where the data of an entry ends that does not say its size in front.
enum End {
    Descriptor(Found),
    NextEntry(u64),
    Archive(u64),
}

/// Goes through the bytes from one signature to the next.
struct Search {
    input: At,
    /// Looks for a descriptor that went to the end of the archive in vain. Each costs a pass over all of it.
    in_vain: u32,
    window: Vec<u8>,
    /// Where the window begins in the archive, and how much of it is searched.
    start: u64,
    next: usize,
}

impl Search {
    fn new(bytes: &Arc<Bytes>) -> Search {
        Search {
            input: bytes.reader(0, bytes.length()),
            in_vain: 0,
            window: Vec::new(),
            start: 0,
            next: 0,
        }
    }

    /// Searches on from here.
    fn go_to(&mut self, at: u64) {
        let within = at
            .checked_sub(self.start)
            .and_then(|by| usize::try_from(by).ok())
            .filter(|&by| by <= self.window.len());
        if let Some(next) = within {
            self.next = next;
        } else {
            self.window.clear();
            self.start = at;
            self.next = 0;
            self.input.seek(at);
        }
    }

    /// The next `PK` signature of a header, and which.
    fn next_signature(&mut self) -> io::Result<Option<(u64, [u8; 4])>> {
        loop {
            let here = self.window.get(self.next..).unwrap_or_default();
            match memchr::memmem::find(here, b"PK") {
                Some(by) if by + 4 <= here.len() => {
                    let at = self.next + by;
                    let kind = [b'P', b'K', here[by + 2], here[by + 3]];
                    self.next = at + 2;
                    if [LOCAL, CENTRAL, END, DESCRIPTOR].contains(&kind) {
                        return Ok(Some((self.start + at as u64, kind)));
                    }
                }
                found => {
                    let keep = found.unwrap_or(here.len().saturating_sub(1));
                    self.next += keep;
                    if !self.more()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Reads the next window, keeping what is not searched yet.
    fn more(&mut self) -> io::Result<bool> {
        use io::Read;
        self.window.drain(..self.next);
        self.start += self.next as u64;
        self.next = 0;
        let before = self.window.len();
        debug_assert_eq!(self.start + before as u64, self.input.position());
        (&mut self.input)
            .take(WINDOW as u64)
            .read_to_end(&mut self.window)?;
        Ok(self.window.len() > before)
    }

    /// Where the data that begins at `data` ends.
    fn end_of(&mut self, bytes: &Bytes, data: u64) -> io::Result<End> {
        self.go_to(data);
        let anywhere = self.in_vain < MOST_IN_VAIN;
        if let Some(found) = self.descriptor(data, anywhere)? {
            return Ok(End::Descriptor(found));
        }
        self.in_vain += u32::from(anywhere);
        self.go_to(data);
        while let Some((at, kind)) = self.next_signature()? {
            if kind == LOCAL && Local::read(bytes, at)?.is_some() {
                return Ok(End::NextEntry(at));
            }
        }
        Ok(End::Archive(bytes.length()))
    }

    /// The data descriptor that ends the data that begins at `data`: the one whose packed size is the distance.
    /// `anywhere` looks beyond the next entry's header, which may be one of an archive that is stored in this one.
    fn descriptor(&mut self, data: u64, anywhere: bool) -> io::Result<Option<Found>> {
        let bytes = Arc::clone(self.input.bytes());
        while let Some((at, kind)) = self.next_signature()? {
            // With a signature of its own, or without one right before the next header; narrow or zip64.
            let candidates = if kind == DESCRIPTOR {
                [(Some(at), 4, false), (Some(at), 4, true)]
            } else {
                [(at.checked_sub(12), 0, false), (at.checked_sub(20), 0, true)]
            };
            let mut fitting = None;
            for (end, signature, wide) in candidates {
                let Some(packed) = end.and_then(|end| end.checked_sub(data)) else {
                    continue;
                };
                let found = Found::read(&bytes, data + packed + signature, wide)?;
                let Some(found) = found.filter(|found| found.packed == packed) else {
                    continue;
                };
                // The lower half of a wide size looks like a narrow one; what follows tells.
                let mut after = [0; 2];
                let filled = bytes.fill_at(found.end, &mut after)?;
                if filled == 0 || after == *b"PK" {
                    return Ok(Some(found));
                }
                fitting.get_or_insert(found);
            }
            let next_entry = !anywhere && kind == LOCAL && Local::read(&bytes, at)?.is_some();
            if fitting.is_some() || next_entry {
                return Ok(fitting);
            }
        }
        Ok(None)
    }
}
