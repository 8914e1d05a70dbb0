//! The central directory: found from the end of the archive, read as a stream.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use super::entry::Entry;
use super::headers::{CENTRAL, CENTRAL_LENGTH, END, END64, LOCAL, LOCATOR64, extra, u16_at, u32_at, u64_at};
use crate::message::{Code, Message};
use crate::open::bytes::{At, Bytes};

/// The end record and the longest comment after it.
const TAIL: u64 = 22 + 65_535;

/// Where the central directory is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory {
    start: u64,
    end: u64,
    declared: u64,
    /// Bytes before the archive proper, such as those of a self-extracting program.
    shift: u64,
}

impl Directory {
    /// Looks for the end record and follows it. The inner error says what is wrong with the directory.
    pub(super) fn find(bytes: &Bytes) -> io::Result<Result<Directory, Message>> {
        let length = bytes.length();
        let tail_at = length.saturating_sub(TAIL);
        let mut tail = vec![0; usize::try_from(length - tail_at).unwrap_or(0)];
        let filled = bytes.fill_at(tail_at, &mut tail)?;
        tail.truncate(filled);
        let mut upto = tail.len();
        while let Some(at) = memchr::memmem::rfind(&tail[..upto], &END) {
            if let Some(directory) = Directory::at_end_record(bytes, &tail[at..], tail_at + at as u64)? {
                return Ok(Ok(directory));
            }
            upto = at + 3;
        }
        Ok(Err(Code::NoDirectory.into()))
    }

    fn at_end_record(bytes: &Bytes, record: &[u8], at: u64) -> io::Result<Option<Directory>> {
        if record.len() < 22 {
            return Ok(None);
        }
        let mut declared = u64::from(u16_at(record, 10));
        let mut size = u64::from(u32_at(record, 12));
        let mut offset = u64::from(u32_at(record, 16));
        let mut end = at;
        if let Some((position, record)) = wide_end_record(bytes, at)? {
            declared = u64_at(&record, 32);
            size = u64_at(&record, 40);
            offset = u64_at(&record, 48);
            end = position;
        }
        let Some(start) = end.checked_sub(size) else {
            return Ok(None);
        };
        let Some(shift) = start.checked_sub(offset) else {
            return Ok(None);
        };
        let directory = Directory {
            start,
            end,
            declared,
            shift,
        };
        let mut magic = [0; 4];
        let plausible = size == 0 || (bytes.fill_at(start, &mut magic)? == 4 && magic == CENTRAL);
        Ok(plausible.then_some(directory))
    }

    /// What is wrong with the directory as a whole: it must be a chain of headers up to its end, and the first entry
    /// must be where it says.
    pub(super) fn check(&self, bytes: &Arc<Bytes>) -> io::Result<Option<Message>> {
        let mut entries = self.entries(bytes);
        let first = entries.next();
        let mut last = first.is_some();
        while last {
            last = entries.next().is_some();
        }
        if let Some(broken) = entries.broken {
            return Ok(Some(Message::new(
                Code::DirectoryDamaged,
                [("count", broken.into())],
            )));
        }
        let mut magic = [0; 4];
        if let Some(first) = first
            && (bytes.fill_at(first.header, &mut magic)? < 4 || magic != LOCAL)
        {
            return Ok(Some(Code::DirectoryElsewhere.into()));
        }
        if self.end == self.start && bytes.length() > 64 {
            return Ok(Some(Code::DirectoryEmpty.into()));
        }
        Ok(None)
    }

    pub(super) fn entries(&self, bytes: &Arc<Bytes>) -> Entries {
        Entries {
            input: BufReader::with_capacity(64 << 10, bytes.reader(self.start, self.end)),
            shift: self.shift,
            seen: 0,
            broken: None,
        }
    }

    /// The count of the end record, when it is not `found`. Writers without zip64 let it wrap at 65,536.
    pub(super) fn miscounted(&self, found: u64) -> Option<u64> {
        (self.declared != found && self.declared != found % 65_536).then_some(self.declared)
    }
}

/// The zip64 end record and its position, when there is one before the end record at `at`.
fn wide_end_record(bytes: &Bytes, at: u64) -> io::Result<Option<(u64, [u8; 56])>> {
    let Some(locator_at) = at.checked_sub(20) else {
        return Ok(None);
    };
    let mut locator = [0; 20];
    if bytes.fill_at(locator_at, &mut locator)? < 20 || locator[..4] != LOCATOR64 {
        return Ok(None);
    }
    // Where the locator says, or right before it when something was put before the archive.
    for position in [Some(u64_at(&locator, 8)), locator_at.checked_sub(56)]
        .into_iter()
        .flatten()
    {
        let mut record = [0; 56];
        if position < locator_at
            && bytes.fill_at(position, &mut record)? == record.len()
            && record[..4] == END64
        {
            return Ok(Some((position, record)));
        }
    }
    Ok(None)
}

/// Reads the directory header by header.
pub(crate) struct Entries {
    input: BufReader<At>,
    shift: u64,
    seen: u64,
    /// After how many entries the chain broke.
    pub(super) broken: Option<u64>,
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if self.broken.is_some() {
            return None;
        }
        match self.header() {
            Ok(Some(entry)) => {
                self.seen += 1;
                Some(entry)
            }
            Ok(None) => None,
            Err(_) => {
                self.broken = Some(self.seen);
                None
            }
        }
    }
}

impl Entries {
    fn header(&mut self) -> io::Result<Option<Entry>> {
        let mut fixed = [0; CENTRAL_LENGTH];
        let mut filled = 0;
        while filled < fixed.len() {
            match self.input.read(&mut fixed[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        if filled == 0 || fixed.starts_with(b"PK\x05\x05") {
            // The end, or the archive's digital signature, which stands last.
            return Ok(None);
        }
        if filled < fixed.len() || fixed[..4] != CENTRAL {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut name = vec![0; usize::from(u16_at(&fixed, 28))];
        self.input.read_exact(&mut name)?;
        let mut fields = vec![0; usize::from(u16_at(&fixed, 30))];
        self.input.read_exact(&mut fields)?;
        let comment = u64::from(u16_at(&fixed, 32));
        if io::copy(&mut (&mut self.input).take(comment), &mut io::sink())? < comment {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut size = u64::from(u32_at(&fixed, 24));
        let mut packed = u64::from(u32_at(&fixed, 20));
        let mut header = u64::from(u32_at(&fixed, 42));
        let times = extra(&fields, &mut [&mut size, &mut packed, &mut header]);
        let flags = u16_at(&fixed, 8);
        // Upper half of the attributes: Unix mode, when a Unix made it.
        let unix = fixed[5] == 3;
        let mode = u32_at(&fixed, 38) >> 16;
        Ok(Some(Entry {
            name,
            method: u16_at(&fixed, 10),
            encrypted: flags & 1 != 0,
            link: unix && mode & 0o170_000 == 0o120_000,
            crc: Some(u32_at(&fixed, 16)),
            packed,
            size: Some(size),
            header: header.saturating_add(self.shift),
            modified: times.modified,
            created: times.created,
        }))
    }
}
