//! Bytes that can be read at any position, by several workers at once: a file, memory, or a part of either.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// Where an archive's bytes are. Read-only, whatever it is.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// A file of the evidence or a spooled one, as long as it was when it was opened.
    File {
        /// The open file.
        file: File,
        /// Its length then.
        length: u64,
    },
    /// A small nested archive.
    Memory(Vec<u8>),
    /// An entry that is stored as it is.
    Part {
        /// What holds it.
        of: Arc<Bytes>,
        /// Where it begins there.
        start: u64,
        /// How long it is.
        length: u64,
    },
}

impl Bytes {
    /// A file with its present length: what is appended later is not read.
    pub(crate) fn file(file: File) -> io::Result<Bytes> {
        let length = file.metadata()?.len();
        Ok(Bytes::File { file, length })
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Bytes::File { length, .. } | Bytes::Part { length, .. } => *length,
            Bytes::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Reads some bytes at `offset`; 0 only at the end.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length().saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let buffer = &mut buffer[..most];
        if buffer.is_empty() {
            return Ok(0);
        }
        match self {
            Bytes::File { file, .. } => file_at(file, offset, buffer),
            Bytes::Part { of, start, .. } => of.read_at(start.saturating_add(offset), buffer),
            Bytes::Memory(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let there = bytes.get(from..from.saturating_add(most)).unwrap_or_default();
                buffer[..there.len()].copy_from_slice(there);
                Ok(there.len())
            }
        }
    }

    /// Fills `buffer` from `offset` on as far as there are bytes, and says how many there were.
    pub(crate) fn fill_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read_at(offset.saturating_add(filled as u64), &mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// A reader over `start..end`.
    pub(crate) fn reader(self: &Arc<Bytes>, start: u64, end: u64) -> At {
        At {
            bytes: Arc::clone(self),
            at: start,
            end: end.min(self.length()),
        }
    }
}

#[cfg(unix)]
fn file_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn file_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// Reads a stretch of [`Bytes`] from its beginning to its end.
#[derive(Debug)]
pub(crate) struct At {
    bytes: Arc<Bytes>,
    at: u64,
    end: u64,
}

impl At {
    /// The position in the whole.
    pub(crate) fn position(&self) -> u64 {
        self.at
    }

    /// What is read.
    pub(crate) fn bytes(&self) -> &Arc<Bytes> {
        &self.bytes
    }

    /// Goes on at another position.
    pub(crate) fn seek(&mut self, to: u64) {
        self.at = to;
    }
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let read = self.bytes.read_at(self.at, &mut buffer[..most])?;
        self.at += read as u64;
        Ok(read)
    }
}
