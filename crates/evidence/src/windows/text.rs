//! Text files as UTF-8, whatever byte order mark they begin with.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, UTF_16BE, UTF_16LE};

const READ_BYTES: usize = 64 << 10;

/// Reads a file's bytes as UTF-8. UTF-16 is decoded when its byte order mark says so; anything else passes as it is.
pub(super) struct Utf8<'a> {
    input: &'a mut dyn Read,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    /// Bytes read while looking for the mark.
    start: Vec<u8>,
    mark_bytes: u64,
    is_wide: bool,
}

impl<'a> Utf8<'a> {
    pub(super) fn open(input: &'a mut dyn Read) -> io::Result<Utf8<'a>> {
        let mut start = Vec::new();
        (&mut *input).take(3).read_to_end(&mut start)?;
        let found = Encoding::for_bom(&start);
        let mark = found.map_or(0, |(_, mark)| mark);
        let decoder = found
            .map(|(encoding, _)| encoding)
            .filter(|encoding| *encoding == UTF_16LE || *encoding == UTF_16BE)
            .map(Encoding::new_decoder_without_bom_handling);
        start.drain(..mark);
        Ok(Utf8 {
            input,
            is_wide: decoder.is_some(),
            decoder,
            raw: vec![0; READ_BYTES],
            start,
            mark_bytes: mark as u64,
        })
    }

    /// Bytes of the byte order mark.
    pub(super) fn mark_bytes(&self) -> u64 {
        self.mark_bytes
    }

    /// How many bytes of the file some decoded text took.
    pub(super) fn file_bytes(&self, text: &[u8]) -> u64 {
        if !self.is_wide {
            return text.len() as u64;
        }
        text.iter()
            .map(|byte| match byte {
                0x80..=0xbf => 0,
                0xf0.. => 4,
                _ => 2,
            })
            .sum()
    }

    /// Appends more text; `false` at the end.
    pub(super) fn read_more(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            let start = std::mem::take(&mut self.start);
            let read = if start.is_empty() {
                match self.input.read(&mut self.raw) {
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                }
            } else {
                start.len()
            };
            let raw = if start.is_empty() {
                self.raw.get(..read)
            } else {
                Some(start.as_slice())
            };
            let raw = raw.unwrap_or_default();
            let Some(decoder) = &mut self.decoder else {
                out.extend_from_slice(raw);
                return Ok(read > 0);
            };
            let before = out.len();
            let room = decoder
                .max_utf8_buffer_length(raw.len())
                .unwrap_or(3 * raw.len() + 16);
            out.resize(before + room, 0);
            let into = out.get_mut(before..).unwrap_or_default();
            let (_, _, written, _) = decoder.decode_to_utf8(raw, into, read == 0);
            out.truncate(before + written);
            if read == 0 {
                self.decoder = None;
                return Ok(written > 0);
            }
            if written > 0 {
                return Ok(true);
            }
        }
    }
}

impl Read for Utf8<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.decoder.is_none() && self.start.is_empty() {
            return self.input.read(buffer);
        }
        let mut text = Vec::new();
        self.read_small(buffer.len(), &mut text)?;
        let len = text.len().min(buffer.len());
        if let (Some(into), Some(from)) = (buffer.get_mut(..len), text.get(..len)) {
            into.copy_from_slice(from);
        }
        Ok(len)
    }
}

impl Utf8<'_> {
    /// Like `read_more`, but no more than `room` bytes come out.
    fn read_small(&mut self, room: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let whole = self.raw.len();
        // One UTF-16 unit becomes at most three bytes.
        self.raw.truncate((room / 3).clamp(2, whole));
        let result = self.read_more(out);
        self.raw.resize(whole, 0);
        result.map(|_| ())
    }
}

/// A head's first bytes as UTF-8, for recognition.
pub(super) fn head_text(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => {
            let rest = bytes.get(mark..).unwrap_or_default();
            if encoding == UTF_16LE || encoding == UTF_16BE {
                let text = encoding.decode_without_bom_handling(rest).0.into_owned();
                std::borrow::Cow::Owned(text.into_bytes())
            } else {
                std::borrow::Cow::Borrowed(rest)
            }
        }
        None => std::borrow::Cow::Borrowed(bytes),
    }
}
