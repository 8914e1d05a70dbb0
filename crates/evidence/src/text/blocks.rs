//! Bytes in large blocks of whole lines, which the columns of batches can point into.
//!
//! A block is never written to again once lines were taken from it: batches may hold it as long as they like. What is
//! no whole line yet at its end begins the next block. Blocks that nobody holds any more are used again.

use std::io::{self, ErrorKind, Read};

use arrow_buffer::Buffer;
use encoding_rs::{CoderResult, Decoder, Encoding};
use memchr::memrchr2;
use vigie_event::Text;

/// How much is read at once: few calls, and it stays in a core's cache until its rows were judged.
const BLOCK: usize = 256 << 10;
/// The first block of a file: many files are no larger.
const FIRST: usize = 64 << 10;
/// A block with less room left is full: a decoder needs room for a character.
const FULL: usize = 64;
/// Old blocks kept to be used again.
const SPARE: usize = 8;

/// Reads blocks.
pub(super) struct Blocks<'r> {
    input: &'r mut dyn Read,
    utf16: Option<Utf16>,
    /// The block: whole lines, and behind them what belongs to the next one.
    whole: Buffer,
    /// Where its whole lines end.
    end: usize,
    /// Its whole lines, when they are UTF-8.
    text: Option<Text>,
    /// A line without end fills no more than this.
    longest: usize,
    done: bool,
    failure: Option<io::Error>,
    spare: Vec<Buffer>,
}

/// A decoder and the bytes it has not seen yet.
struct Utf16 {
    decoder: Decoder,
    raw: Vec<u8>,
    /// Where the bytes begin that it has not seen.
    seen: usize,
    /// The input is at its end.
    ended: bool,
    /// The decoder has said its last word and must not be asked again.
    finished: bool,
    malformed: bool,
}

impl<'r> Blocks<'r> {
    /// Blocks in which a line of at most `longest` bytes is whole.
    pub(super) fn new(input: &'r mut dyn Read, longest: usize) -> Blocks<'r> {
        Blocks {
            input,
            utf16: None,
            whole: Buffer::from_vec(Vec::<u8>::new()),
            end: 0,
            text: None,
            longest,
            done: false,
            failure: None,
            spare: Vec::new(),
        }
    }

    /// The whole lines of the block.
    pub(super) fn bytes(&self) -> &[u8] {
        self.whole.get(..self.end).unwrap_or_default()
    }

    /// The same as text, unless some of it is no UTF-8.
    pub(super) fn text(&self) -> Option<&Text> {
        self.text.as_ref()
    }

    /// Whether the block was decoded from UTF-16.
    pub(super) fn is_utf16(&self) -> bool {
        self.utf16.is_some()
    }

    /// Whether some UTF-16 was not valid.
    pub(super) fn is_malformed(&self) -> bool {
        self.utf16.as_ref().is_some_and(|utf16| utf16.malformed)
    }

    /// Why the input ended early.
    pub(super) fn failure(self) -> Option<io::Error> {
        self.failure
    }

    /// Takes what was read so far for UTF-16, after `mark` bytes that say so.
    pub(super) fn decode(&mut self, encoding: &'static Encoding, mark: usize) {
        self.utf16 = Some(Utf16 {
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: self.whole.to_vec(),
            seen: mark,
            ended: self.done,
            finished: false,
            malformed: false,
        });
        self.whole = Buffer::from_vec(Vec::<u8>::new());
        (self.end, self.text, self.done) = (0, None, false);
    }

    /// Goes on with a block that begins with what is in this one from `start` on, which is its beginning then; `false`
    /// when there is no more.
    pub(super) fn fill(&mut self, start: &mut usize) -> bool {
        if self.done {
            return false;
        }
        let first = self.whole.is_empty();
        self.text = None;
        let kept = self.whole.get(*start..).unwrap_or_default();
        let pending = self.end.saturating_sub(*start);
        *start = 0;
        let wanted = if first {
            FIRST
        } else {
            BLOCK.max(2 * kept.len().next_power_of_two())
        };
        let mut block = room(&mut self.spare, wanted);
        block[..kept.len()].copy_from_slice(kept);
        let mut filled = kept.len();
        let mut searched = pending;
        self.end = loop {
            let length = self.read(&mut block[filled..]);
            filled += length;
            if length == 0 {
                self.done = true;
                break filled;
            }
            if block.len() - filled >= FULL {
                continue;
            }
            // Bytes that were there before as whole lines do not count: there must be more than those.
            if let Some(at) = memrchr2(b'\n', 0, &block[searched..filled]) {
                break searched + at + 1;
            }
            if filled - pending > self.longest {
                break filled;
            }
            searched = filled;
            let longer = block.len() + BLOCK;
            block.resize(longer, 0);
        };
        block.truncate(filled);
        let old = std::mem::replace(&mut self.whole, Buffer::from_vec(block));
        if !old.is_empty() && self.spare.len() < SPARE {
            self.spare.push(old);
        }
        self.text = Text::from_utf8(self.whole.slice_with_length(0, self.end)).ok();
        self.end > pending
    }

    /// Reads some bytes; 0 at the end of the input, or when it fails.
    fn read(&mut self, room: &mut [u8]) -> usize {
        let read = match &mut self.utf16 {
            None => read(self.input, room),
            Some(utf16) => utf16.decode(self.input, room),
        };
        read.unwrap_or_else(|error| {
            self.failure = Some(error);
            0
        })
    }
}

/// An old block that nobody holds any more, or a new one.
fn room(spare: &mut Vec<Buffer>, wanted: usize) -> Vec<u8> {
    for index in 0..spare.len() {
        let old = spare.swap_remove(index);
        match old.into_vec::<u8>() {
            Ok(mut free) => {
                free.resize(wanted, 0);
                return free;
            }
            Err(held) => spare.insert(index, held),
        }
    }
    vec![0; wanted]
}

impl Utf16 {
    /// Decodes some text; 0 at the end of the input.
    fn decode(&mut self, input: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
        if self.finished {
            return Ok(0);
        }
        loop {
            if self.seen == self.raw.len() && !self.ended {
                self.seen = 0;
                self.raw.resize(FIRST, 0);
                let length = read(input, &mut self.raw).inspect_err(|_| self.raw.clear())?;
                self.raw.truncate(length);
                self.ended = length == 0;
            }
            let raw = self.raw.get(self.seen..).unwrap_or_default();
            let (result, taken, written, malformed) = self.decoder.decode_to_utf8(raw, room, self.ended);
            self.seen += taken;
            self.malformed |= malformed;
            if written > 0 || (self.ended && result == CoderResult::InputEmpty) {
                self.finished = self.ended && result == CoderResult::InputEmpty;
                return Ok(written);
            }
        }
    }
}

fn read(input: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(room) {
            // A reader that claims more than it was given room for is not believed.
            Ok(length) => return Ok(length.min(room.len())),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
