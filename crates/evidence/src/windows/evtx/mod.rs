//! Windows event log files: a 4096-byte header and chunks of 64 KiB, each readable by itself.
//!
//! Read as a stream, some chunks in memory at a time, which idle threads help with ([`slab`]). The structure of a record
//! (its template) is compiled once per chunk, and where its values go is worked out once ([`plan`]); they go from the
//! chunk straight to their columns, those that somebody asks for ([`planned`]). Templates whose columns depend on the
//! values are run step by step ([`record`]). Format: the EVTX file format as documented by the libevtx project, BinXML
//! by MS-EVEN6.
//!
//! Damage is survived: what cannot be read is counted with its chunk or record number and the rest is read.

mod cursor;
mod known;
mod plan;
pub(super) mod planned;
mod record;
mod slab;
mod template;
mod value;

use std::io::{self, Read};

use vigie_event::{EventBatch, Source};

use self::cursor::Cursor;
use self::record::Reader;
use super::collector::Collector;
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message};

/// `.evtx` files.
pub(super) static FORMAT: Format = Format {
    name: "evtx",
    source: Source::WindowsEvent,
    recognise,
    parse,
};

const FILE_HEADER_BYTES: usize = 4_096;
const CHUNK_BYTES: usize = 65_536;
const CHUNK_HEADER_BYTES: usize = 512;
const RECORD_HEADER_BYTES: usize = 24;
const RECORD_MAGIC: [u8; 4] = *b"\x2a\x2a\0\0";
const CHUNK_MAGIC: &[u8] = b"ElfChnk\0";

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let bytes = head.bytes;
    if bytes.starts_with(b"ElfFile\0") {
        return Some(Confidence::Certain);
    }
    // A log whose first page was lost is still worth reading.
    let chunk = bytes
        .get(FILE_HEADER_BYTES..)
        .is_some_and(|rest| rest.starts_with(CHUNK_MAGIC));
    (chunk && head.name.to_ascii_lowercase().ends_with(".evtx")).then_some(Confidence::Content)
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut outcome = Outcome::default();
    let mut header = vec![0; FILE_HEADER_BYTES];
    match fill(input, &mut header) {
        Ok(FILE_HEADER_BYTES) => {
            // The log was open when it was copied: checksums of the chunk being written do not hold.
            let dirty = header.get(120).is_some_and(|flags| flags & 1 != 0);
            return slab::read(input, dirty, context, sink);
        }
        Ok(len) => {
            outcome.skip(Code::LogTooShort, 0, len as u64, || "byte 0".to_owned());
        }
        Err(error) => outcome.input_failed(&error, || "byte 0".to_owned()),
    }
    outcome
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

struct Chunk<'a> {
    data: &'a [u8],
    number: u64,
    offset: u64,
    dirty: bool,
}

/// The part of a chunk's header that reading needs.
struct ChunkHeader {
    first_record: u64,
    last_record: u64,
    last_record_offset: usize,
    free_space: usize,
    records_checksum: u32,
    flags: u32,
    checksum: u32,
}

impl ChunkHeader {
    fn read(data: &[u8]) -> Option<ChunkHeader> {
        data.get(..CHUNK_HEADER_BYTES)?;
        let u32_at = |at| Cursor::new(data, at).u32("").unwrap_or_default();
        let u64_at = |at| Cursor::new(data, at).u64("").unwrap_or_default();
        Some(ChunkHeader {
            first_record: u64_at(24),
            last_record: u64_at(32),
            last_record_offset: u32_at(44) as usize,
            free_space: u32_at(48) as usize,
            records_checksum: u32_at(52),
            flags: u32_at(120),
            checksum: u32_at(124),
        })
    }

    /// What does not hold of the header's promises, if anything.
    fn broken_checksum(&self, data: &[u8]) -> Option<Code> {
        if self.flags & 4 != 0 {
            return None;
        }
        let (first, second) = (data.get(..120)?, data.get(128..CHUNK_HEADER_BYTES)?);
        let mut header = crc32fast::Hasher::new();
        header.update(first);
        header.update(second);
        if header.finalize() != self.checksum {
            return Some(Code::ChunkHeaderChecksum);
        }
        let records = data.get(CHUNK_HEADER_BYTES..self.free_space);
        if records.map(crc32fast::hash) != Some(self.records_checksum) {
            return Some(Code::ChunkRecordsChecksum);
        }
        None
    }
}

struct RecordHeader {
    size: usize,
    number: u64,
    time: u64,
}

impl Chunk<'_> {
    fn read(&self, reader: &mut Reader, collector: &mut Collector<'_>) {
        let at = || format!("chunk {}", self.number);
        let bytes = self.data.len() as u64;
        if !self.data.starts_with(CHUNK_MAGIC) {
            collector.outcome.skip(Code::ChunkNoSignature, 0, bytes, at);
            return;
        }
        let Some(header) = ChunkHeader::read(self.data) else {
            collector.outcome.skip(Code::ChunkTooShort, 0, bytes, at);
            return;
        };
        if !self.dirty
            && let Some(why) = header.broken_checksum(self.data)
        {
            collector.outcome.skip(why, 0, 0, at);
        }
        reader.start_chunk();
        self.read_records(&header, reader, collector);
    }

    /// Walks from record to record up to the free space or the chunk's last record; past one that cannot be read it
    /// looks for the next.
    fn read_records(&self, header: &ChunkHeader, reader: &mut Reader, collector: &mut Collector<'_>) {
        let end = header.free_space.min(self.data.len());
        let mut at = CHUNK_HEADER_BYTES;
        while at < end {
            if let Some(record) = self.record_header(at) {
                self.read_record(at, &record, reader, collector);
                if record.number == header.last_record {
                    return;
                }
                at += record.size;
                continue;
            }
            let next = self.next_record(header, at + 1, end);
            let blank = self.data.get(at..at + 4).is_none_or(|magic| magic == [0; 4]);
            // Zeros up to the end are free space, whatever the header says.
            if !(blank && next.is_none()) {
                let lost = (next.unwrap_or(end) - at) as u64;
                let place = self.offset + at as u64;
                collector.outcome.skip(Code::BytesBetweenRecords, 0, lost, || {
                    format!("chunk {}, byte {place}", self.number)
                });
            }
            let Some(next) = next else {
                return;
            };
            at = next;
        }
    }

    fn record_header(&self, at: usize) -> Option<RecordHeader> {
        let bytes = self.data.get(at..at.checked_add(RECORD_HEADER_BYTES)?)?;
        if !bytes.starts_with(&RECORD_MAGIC) {
            return None;
        }
        let mut cursor = Cursor::new(self.data, at + RECORD_MAGIC.len());
        let size = cursor.u32("").ok()? as usize;
        let number = cursor.u64("").ok()?;
        let time = cursor.u64("").ok()?;
        let fits = size >= RECORD_HEADER_BYTES + 4 && at + size - 4 <= self.data.len();
        fits.then_some(RecordHeader { size, number, time })
    }

    /// The next place that is surely a record: its size is repeated at its end and its number is one of this chunk's.
    fn next_record(&self, header: &ChunkHeader, from: usize, end: usize) -> Option<usize> {
        let last = end.min(header.last_record_offset.saturating_add(RECORD_MAGIC.len()));
        let mut from = from;
        loop {
            let place = from + memchr::memmem::find(self.data.get(from..last)?, &RECORD_MAGIC)?;
            if let Some(record) = self.record_header(place) {
                let mut tail = Cursor::new(self.data, place + record.size - 4);
                let copy = tail.u32("").ok().map(|size| size as usize);
                let known = (header.first_record..=header.last_record).contains(&record.number);
                if copy == Some(record.size) && known && place + record.size <= end {
                    return Some(place);
                }
            }
            from = place + 1;
        }
    }

    fn read_record(
        &self,
        at: usize,
        record: &RecordHeader,
        reader: &mut Reader,
        collector: &mut Collector<'_>,
    ) {
        let range = at + RECORD_HEADER_BYTES..at + record.size - 4;
        let place = planned::Place {
            record: record.number,
            offset: self.offset + at as u64,
            written: value::filetime_micros(record.time),
        };
        if planned::read(reader, self.data, range.clone(), &place, collector).is_some() {
            return;
        }
        let Collector { row, fields, .. } = collector;
        row.start(place.record, place.offset);
        match reader.read(self.data, range, row, fields) {
            Ok(()) => {
                collector.row.time = collector.row.time.or(place.written);
                collector.commit();
            }
            Err(damage) => {
                let why = Message::new(Code::RecordUnread, [("what", damage.what.into())]);
                let place = self.offset + damage.at as u64;
                collector.outcome.skip(why, 1, record.size as u64, || {
                    format!("record {} (chunk {}, byte {place})", record.number, self.number)
                });
            }
        }
    }
}
