//! A small writer of Windows event logs (EVTX 3.1): file header, 64 KiB chunks with name and template tables,
//! CRC32s, and records as binary XML whose templates are defined once per chunk and referred to by offset.
//!
//! Layout as in Microsoft's \[MS-EVEN6\] (binary XML) and the libevtx documentation (file, chunks, records). The
//! templates are built like those of real logs: one for `Event` and `System`, one nested for `EventData`.

mod chunk;
mod template;
mod value;

use std::io::{self, Seek, SeekFrom, Write};

use chunk::{CHUNK_SIZE, Chunk};
use vigie_event::Timestamp;

pub use value::{Guid, Sid, Value};

/// The file header's block.
const HEADER_BLOCK: usize = 4096;

/// What the event's provider says about all its events of one kind: most of `System`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The provider's name, `Microsoft-Windows-Security-Auditing`.
    pub provider: &'static str,
    /// The provider's identifier; classic event sources have none.
    pub guid: Option<Guid>,
    /// The event identifier.
    pub event_id: u16,
    /// The upper half of a classic event's identifier.
    pub qualifiers: Option<u16>,
    /// The version of the event's template.
    pub version: u8,
    /// 0 always, 2 error, 3 warning, 4 information.
    pub level: u8,
    /// The task.
    pub task: u16,
    /// The operation code.
    pub opcode: u8,
    /// The keyword bits.
    pub keywords: u64,
}

/// The event's own data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Data<'a> {
    /// `<Data Name="...">value</Data>`, as manifest-based providers write.
    Named(&'a [(&'static str, Value<'a>)]),
    /// `<Data>value</Data>` without names, as classic event sources write.
    Unnamed(&'a [&'a str]),
}

/// One event to write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event<'a> {
    /// When it was logged, UTC.
    pub time: Timestamp,
    /// What kind of event it is.
    pub kind: &'a Kind,
    /// The process that logged it.
    pub process_id: u32,
    /// The thread that logged it.
    pub thread_id: u32,
    /// The account it was logged under, where the log records one.
    pub user: Option<Sid>,
    /// Its data.
    pub data: Data<'a>,
}

/// Writes one event log file.
///
/// ```
/// use vigie_simulate::evtx::{Data, Event, EvtxWriter, Kind, Value};
///
/// let kind = Kind {
///     provider: "Service Control Manager", guid: None, event_id: 7045, qualifiers: Some(16384), version: 0,
///     level: 4, task: 0, opcode: 0, keywords: 0x8080_0000_0000_0000,
/// };
/// let mut log = EvtxWriter::new(std::io::Cursor::new(Vec::new()), "System", "EX01.example.org")?;
/// let data = [("ServiceName", Value::Text("PSEXESVC"))];
/// log.write(&Event { time: 0, kind: &kind, process_id: 4, thread_id: 8, user: None, data: Data::Named(&data) })?;
/// let bytes = log.finish()?.into_inner();
/// assert_eq!(bytes.len(), 4096 + 65536);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct EvtxWriter<W: Write + Seek> {
    out: W,
    channel: String,
    computer: String,
    chunk: Chunk,
    chunks: u64,
    next_record: u64,
}

impl<W: Write + Seek> EvtxWriter<W> {
    /// Starts a log at the current position of `out`, which must be the beginning of a file.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(mut out: W, channel: &str, computer: &str) -> io::Result<EvtxWriter<W>> {
        out.write_all(&[0; HEADER_BLOCK])?;
        Ok(EvtxWriter {
            out,
            channel: channel.to_owned(),
            computer: computer.to_owned(),
            chunk: Chunk::new(1),
            chunks: 0,
            next_record: 1,
        })
    }

    /// Writes one event and returns its record number, counted from 1.
    ///
    /// # Errors
    /// When the file cannot be written, or `InvalidInput` when the event is larger than a chunk.
    pub fn write(&mut self, event: &Event<'_>) -> io::Result<u64> {
        let id = self.next_record;
        if !self.chunk.append(id, event, &self.channel, &self.computer) {
            if self.chunk.is_empty() {
                return Err(too_large(event));
            }
            self.flush_chunk()?;
            if !self.chunk.append(id, event, &self.channel, &self.computer) {
                return Err(too_large(event));
            }
        }
        self.next_record += 1;
        Ok(id)
    }

    /// How many bytes the file has so far, counting the chunk being filled as whole.
    pub fn len(&self) -> u64 {
        HEADER_BLOCK as u64 + (self.chunks + 1) * CHUNK_SIZE as u64
    }

    /// Whether no event was written yet.
    pub fn is_empty(&self) -> bool {
        self.next_record == 1
    }

    /// Writes what is pending and the file header, and hands back the output.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.chunk.is_empty() || self.chunks == 0 {
            self.flush_chunk()?;
        }
        let header = self.header();
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush_chunk(&mut self) -> io::Result<()> {
        self.out.write_all(self.chunk.close())?;
        self.chunks += 1;
        self.chunk.restart(self.next_record);
        Ok(())
    }

    fn header(&self) -> [u8; 128] {
        let mut header = [0; 128];
        header[..8].copy_from_slice(b"ElfFile\0");
        header[16..24].copy_from_slice(&(self.chunks - 1).to_le_bytes());
        header[24..32].copy_from_slice(&self.next_record.to_le_bytes());
        header[32..36].copy_from_slice(&128u32.to_le_bytes());
        header[36..38].copy_from_slice(&1u16.to_le_bytes());
        header[38..40].copy_from_slice(&3u16.to_le_bytes());
        header[40..42].copy_from_slice(&(HEADER_BLOCK as u16).to_le_bytes());
        // The count has 16 bits; logs past 4 GiB do not exist on Windows either.
        header[42..44].copy_from_slice(&(self.chunks.min(u64::from(u16::MAX)) as u16).to_le_bytes());
        let checksum = crc32fast::hash(&header[..120]);
        header[124..].copy_from_slice(&checksum.to_le_bytes());
        header
    }
}

fn too_large(event: &Event<'_>) -> io::Error {
    let id = event.kind.event_id;
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("event {id} is larger than a 64 KiB chunk of an event log; shorten its data"),
    )
}

#[cfg(test)]
mod tests;
