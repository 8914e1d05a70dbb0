//! Documents as UTF-8, whatever PowerShell or an editor saved them as, with exact line numbers.
//!
//! UTF-16 is told by its byte-order mark, or by the NULs of a UTF-16 file without one (`>>` of Windows PowerShell);
//! everything else is UTF-8, with a replacement character where it is not.

use std::io::{self, BufRead, ErrorKind, Read};

use crate::message::{Code, Message};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use memchr::{memchr, memchr_iter};

/// How much is asked of the input at once.
const CHUNK: usize = 32 << 10;

/// Decoded text, read piece by piece. No piece (line, element) may be longer than a cap.
pub(super) struct Text<'a> {
    input: &'a mut dyn Read,
    decoder: Option<Decoder>,
    is_wide: bool,
    raw: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    line: u64,
    offset: u64,
    /// Bytes handed out since the last [`Text::begin_piece`].
    piece: usize,
    cap: usize,
    replaced: bool,
}

/// What [`Text::next_line`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line is in the buffer; its number from 1, and where it begins in the file.
    Text(u64, u64),
    /// A line of more than the cap was passed over: its number and length.
    TooLong(u64, u64),
    /// There are no more.
    End,
}

impl<'a> Text<'a> {
    /// Text whose pieces have at most about `cap` bytes.
    pub(super) fn new(input: &'a mut dyn Read, cap: usize) -> Text<'a> {
        Text {
            input,
            decoder: None,
            is_wide: false,
            raw: Vec::new(),
            text: Vec::new(),
            at: 0,
            line: 1,
            offset: 0,
            piece: 0,
            cap,
            replaced: false,
        }
    }

    /// The line the next byte is on, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Where the next byte is in the file; exact as long as nothing was replaced.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether some bytes were no text in the file's encoding.
    pub(super) fn replaced(&self) -> bool {
        self.replaced
    }

    /// Says that a new piece begins here.
    pub(super) fn begin_piece(&mut self) {
        self.piece = 0;
    }

    /// Puts the next line, without its end, into `line`.
    pub(super) fn next_line(&mut self, line: &mut String) -> io::Result<Line> {
        line.clear();
        self.begin_piece();
        // The very first look at the input passes over its mark.
        self.fill_buf()?;
        let (number, offset) = (self.line, self.offset);
        let (mut bytes, mut length) = (Vec::new(), 0u64);
        let found = loop {
            self.begin_piece();
            let cap = self.cap;
            let available = self.fill_buf()?;
            if available.is_empty() {
                break length > 0;
            }
            let end = memchr(b'\n', available);
            let piece = available
                .get(..end.unwrap_or(available.len()))
                .unwrap_or_default();
            if bytes.len() + piece.len() <= cap {
                bytes.extend_from_slice(piece);
            }
            let consumed = piece.len() + usize::from(end.is_some());
            length += consumed as u64;
            self.consume(consumed);
            if end.is_some() {
                break true;
            }
        };
        if !found {
            return Ok(Line::End);
        }
        if length > bytes.len() as u64 + 1 {
            return Ok(Line::TooLong(number, length));
        }
        line.push_str(String::from_utf8_lossy(&bytes).trim_end_matches('\r'));
        Ok(Line::Text(number, offset))
    }

    /// Decodes more; nothing new is in the buffer at the end of the input.
    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.at = 0;
        self.raw.resize(CHUNK, 0);
        while self.text.is_empty() {
            let read = match self.read_raw() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            };
            let start = if self.decoder.is_none() {
                self.sniff(read)
            } else {
                0
            };
            let Some(decoder) = &mut self.decoder else {
                return Ok(());
            };
            let bytes = self.raw.get(start..read).unwrap_or_default();
            let room = decoder.max_utf8_buffer_length(bytes.len());
            self.text.resize(room.unwrap_or(4 * CHUNK), 0);
            let (_, _, written, replaced) = decoder.decode_to_utf8(bytes, &mut self.text, read == 0);
            self.replaced |= replaced;
            self.text.truncate(written);
            if read == 0 {
                // A decoder that has said its last word must not be asked again.
                self.decoder = Some(UTF_8.new_decoder_without_bom_handling());
                return Ok(());
            }
        }
        Ok(())
    }

    /// Reads some bytes; the very first time enough of them to see the encoding.
    fn read_raw(&mut self) -> io::Result<usize> {
        if self.decoder.is_some() {
            return self.input.read(&mut self.raw);
        }
        let mut head = Vec::new();
        (&mut *self.input).take(CHUNK as u64).read_to_end(&mut head)?;
        let length = head.len().min(self.raw.len());
        if let (Some(into), Some(from)) = (self.raw.get_mut(..length), head.get(..length)) {
            into.copy_from_slice(from);
        }
        Ok(length)
    }

    /// Looks at the first bytes; how many of them are a mark.
    fn sniff(&mut self, read: usize) -> usize {
        let head = self.raw.get(..read).unwrap_or_default();
        let (encoding, mark) = encoding_of(head);
        self.is_wide = encoding == UTF_16LE || encoding == UTF_16BE;
        self.decoder = Some(encoding.new_decoder_without_bom_handling());
        self.offset = mark as u64;
        mark
    }
}

/// The encoding of a document by its first bytes, and the length of its mark.
fn encoding_of(head: &[u8]) -> (&'static Encoding, usize) {
    if let Some(found) = Encoding::for_bom(head) {
        return found;
    }
    let pairs = head.get(..head.len().min(64)).unwrap_or_default();
    let wide = pairs.len() >= 4 && pairs.chunks_exact(2).all(|pair| matches!(pair, [1..=0x7f, 0]));
    (if wide { UTF_16LE } else { UTF_8 }, 0)
}

/// A head's bytes as text, for recognition.
pub(super) fn head_text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    let (encoding, mark) = encoding_of(bytes);
    encoding
        .decode_without_bom_handling(bytes.get(mark..).unwrap_or_default())
        .0
}

impl BufRead for Text<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece > self.cap {
            return Err(io::Error::other(Message::new(
                Code::PieceTooLong,
                [("bytes", self.cap.into())],
            )));
        }
        if self.at >= self.text.len() {
            self.fill()?;
        }
        Ok(self.text.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let end = (self.at + amount).min(self.text.len());
        let passed = self.text.get(self.at..end).unwrap_or_default();
        self.line += memchr_iter(b'\n', passed).count() as u64;
        self.offset += if self.is_wide {
            passed.iter().map(|&byte| utf16_bytes(byte)).sum()
        } else {
            passed.len() as u64
        };
        self.piece += passed.len();
        self.at = end;
    }
}

/// How many bytes of UTF-16 the character took that this byte of UTF-8 begins.
fn utf16_bytes(byte: u8) -> u64 {
    match byte {
        0x80..=0xbf => 0,
        0xf0.. => 4,
        _ => 2,
    }
}

impl Read for Text<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        if let (Some(into), Some(from)) = (buffer.get_mut(..length), available.get(..length)) {
            into.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}
