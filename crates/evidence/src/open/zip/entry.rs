//! One entry: its header, and its bytes unpacked and checked.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use deflate64::Deflate64Decoder;
use flate2::bufread::DeflateDecoder;
use vigie_event::Timestamp;

use super::headers::{LOCAL, LOCAL_LENGTH, u16_at};
use crate::message::{Code, Message};
use crate::open::bytes::{At, Bytes};

/// What is known of an entry before it is read.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The name as it stands: not checked, not always UTF-8.
    pub(crate) name: Vec<u8>,
    /// How it is packed: 0 stored, 8 deflate, 9 deflate64, ...
    pub(crate) method: u16,
    pub(crate) encrypted: bool,
    /// A symbolic link: its bytes are the target's path.
    pub(crate) link: bool,
    pub(crate) crc: Option<u32>,
    pub(crate) packed: u64,
    /// What the archive claims; unknown of some recovered entries.
    pub(crate) size: Option<u64>,
    /// Where its local header is.
    pub(crate) header: u64,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) created: Option<Timestamp>,
}

/// The upper half of code page 437.
const CODE_PAGE_437: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const DEFLATED_64: u16 = 9;

impl Entry {
    /// Whether this is a folder and nothing else.
    pub(crate) fn is_folder(&self) -> bool {
        matches!(self.name.last(), Some(b'/' | b'\\')) && self.size.unwrap_or(self.packed) == 0
    }

    /// The name as text: UTF-8, or what it means in the format's old code page 437.
    pub(crate) fn text(&self) -> String {
        if let Ok(text) = std::str::from_utf8(&self.name) {
            return text.to_owned();
        }
        let letter = |byte: &u8| match byte.checked_sub(0x80) {
            None => Some(char::from(*byte)),
            Some(high) => CODE_PAGE_437.chars().nth(usize::from(high)),
        };
        self.name.iter().filter_map(letter).collect()
    }

    /// Whether the way it is packed is one we can unpack.
    pub(crate) fn readable(&self) -> bool {
        matches!(self.method, STORED | DEFLATED | DEFLATED_64)
    }

    /// A span of the archive that only this entry may use.
    pub(crate) fn span(&self) -> (u64, u64) {
        let start = self.header;
        let length = (LOCAL_LENGTH + self.name.len()) as u64;
        (start, start.saturating_add(length).saturating_add(self.packed))
    }

    /// Where its bytes are, if they are stored as they are and all there.
    pub(super) fn stored_at(&self, bytes: &Bytes) -> Option<u64> {
        if self.method != STORED || self.encrypted || self.size.is_some_and(|size| size != self.packed) {
            return None;
        }
        let start = self.data(bytes).ok()?;
        (start.checked_add(self.packed)? <= bytes.length()).then_some(start)
    }

    fn data(&self, bytes: &Bytes) -> io::Result<u64> {
        let mut fixed = [0; LOCAL_LENGTH];
        let filled = bytes.fill_at(self.header, &mut fixed)?;
        if filled < fixed.len() || fixed[..4] != LOCAL {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                Message::from(Code::EntryNowhere),
            ));
        }
        let names = u64::from(u16_at(&fixed, 26)) + u64::from(u16_at(&fixed, 28));
        Ok(self.header + LOCAL_LENGTH as u64 + names)
    }
}

/// The name of a compression method.
pub(crate) fn method_name(method: u16) -> String {
    let name = match method {
        1 => "shrink",
        2..=5 => "reduce",
        6 => "implode",
        12 => "bzip2",
        14 => "LZMA",
        20 | 93 => "zstd",
        94 => "MP3",
        95 => "xz",
        96 => "JPEG",
        97 => "WavPack",
        98 => "PPMd",
        99 => "AES",
        _ => return format!("method {method}"),
    };
    name.to_owned()
}

/// The bytes of an entry.
pub(crate) struct Unpacked {
    input: Input,
    crc: crc32fast::Hasher,
    expected: Option<u32>,
    /// The checksum is not that of the bytes.
    pub(crate) corrupt: bool,
    ended: bool,
}

enum Input {
    Stored(At),
    Deflated(Box<DeflateDecoder<BufReader<At>>>),
    Deflated64(Box<Deflate64Decoder<BufReader<At>>>),
}

impl Unpacked {
    pub(super) fn open(bytes: &Arc<Bytes>, entry: &Entry) -> io::Result<Unpacked> {
        let start = entry.data(bytes)?;
        let packed = bytes.reader(start, start.saturating_add(entry.packed));
        let buffered = |packed| BufReader::with_capacity(32 << 10, packed);
        let input = match entry.method {
            STORED => Input::Stored(packed),
            DEFLATED => Input::Deflated(Box::new(DeflateDecoder::new(buffered(packed)))),
            DEFLATED_64 => Input::Deflated64(Box::new(Deflate64Decoder::with_buffer(buffered(packed)))),
            other => {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    Message::new(Code::EntryUnsupported, [("method", method_name(other).into())]),
                ));
            }
        };
        Ok(Unpacked {
            input,
            crc: crc32fast::Hasher::new(),
            expected: entry.crc,
            corrupt: false,
            ended: false,
        })
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.input {
            Input::Stored(input) => input.read(buffer),
            Input::Deflated(input) => input.read(buffer),
            Input::Deflated64(input) => input.read(buffer),
        }?;
        if read == 0 {
            self.ended = true;
            let crc = self.crc.clone().finalize();
            self.corrupt = self.expected.is_some_and(|expected| expected != crc);
        }
        self.crc.update(&buffer[..read]);
        Ok(read)
    }
}
