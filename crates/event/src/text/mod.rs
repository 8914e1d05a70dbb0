//! Text that columns point into instead of copying it.
//!
//! Arrow's string views are 16 bytes each: the text itself when it has at most 12 bytes, else its length, its first four
//! bytes and where it is in one of several buffers. Arrow's safe constructor checks every view of every column again,
//! and that all of them are UTF-8: on a log of 70 columns that costs more than parsing it. Here views cannot be wrong
//! by the way they are made, so the check is left out. This module holds all the unsafe code of the workspace, and its
//! reasoning rests on nothing outside of it:
//!
//! - a [`Text`] is UTF-8: it is made from a `String`, or checked once as a whole; its bytes never change;
//! - a [`TextBuilder`] only grows, so what was a piece of it stays one, and becomes the same piece of its [`Text`]; what
//!   is written to it, or to a `String`, without being a `&str` before is ASCII;
//! - a view is made only from a `&str` and the place where that very `&str` is in a text;
//! - texts are told apart by numbers never given twice, and a batch is made only when the text with the number that a
//!   view was made for is there.

mod columns;
mod narrow;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::str::Utf8Error;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_buffer::Buffer;

pub(crate) use self::columns::TextColumns;

/// Text up to this length is in the view itself.
const INLINE: usize = 12;
/// Texts are no longer, so that a place in one fits a view as every reader of Arrow takes it.
const LONGEST: usize = i32::MAX as usize;

/// Tells texts apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TextId(u64);

impl TextId {
    fn new() -> TextId {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        TextId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Text that does not change any more, shared by the batches whose values are pieces of it.
///
/// It lives as long as the last of them; a batch that is kept keeps the whole text.
#[derive(Debug, Clone)]
pub struct Text {
    id: TextId,
    /// UTF-8.
    buffer: Buffer,
}

impl Text {
    /// The bytes as text, checked once, not copied.
    ///
    /// # Errors
    /// The bytes are not UTF-8.
    pub fn from_utf8(bytes: Buffer) -> Result<Text, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Text {
            id: TextId::new(),
            buffer: bytes,
        })
    }

    /// The text.
    #[allow(unsafe_code)]
    pub fn as_str(&self) -> &str {
        // SAFETY: both ways to make a `Text` start from UTF-8, and nobody can change the bytes of a shared buffer.
        unsafe { std::str::from_utf8_unchecked(&self.buffer) }
    }

    /// Whether both are the same text in the same place.
    pub fn is(&self, other: &Text) -> bool {
        self.id == other.id
    }

    /// A piece of the text; `None` when there is no such piece or the text is too long to point into.
    pub fn span(&self, range: Range<usize>) -> Option<TextSpan> {
        span_of(self.id, self.as_str(), range)
    }

    /// Where a piece of this very text begins; `None` for any other text, though it may read the same.
    #[inline]
    fn place_of(&self, piece: &str) -> Option<usize> {
        let length = self.buffer.len();
        let place = piece.as_ptr().addr().wrapping_sub(self.buffer.as_ptr().addr());
        // Both are borrowed, so no other text can be where this one is.
        (place < length && piece.len() <= length - place && length <= LONGEST).then_some(place)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text {
            id: TextId::new(),
            buffer: Buffer::from_vec(text.into_bytes()),
        }
    }
}

/// Text that is still being written. It only grows, so that pieces of it can be pointed at already.
///
/// ```
/// use vigie_event::{BatchBuilder, Source, TextBuilder};
///
/// let mut text = TextBuilder::default();
/// let command = text.push_str("powershell.exe -nop -w hidden").expect("there is room");
/// let mut builder = BatchBuilder::new(Source::WindowsEvent);
/// let column = builder.column("CommandLine");
/// builder.begin_row(None, 1, 0);
/// builder.set_span(column, command);
/// builder.end_row();
/// let batch = builder.finish_with(&[text.finish()]).expect("all texts are there");
/// assert_eq!(batch.row(0).get("CommandLine"), Some("powershell.exe -nop -w hidden"));
/// ```
#[derive(Debug)]
pub struct TextBuilder {
    id: TextId,
    text: String,
}

impl Default for TextBuilder {
    fn default() -> TextBuilder {
        TextBuilder::with_capacity(0)
    }
}

impl TextBuilder {
    /// With room for so many bytes.
    pub fn with_capacity(bytes: usize) -> TextBuilder {
        TextBuilder {
            id: TextId::new(),
            text: String::with_capacity(bytes),
        }
    }

    /// The text so far.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many bytes there are so far.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is no text yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Appends text and tells which piece it is; `None` (and nothing is appended) when there would be more than
    /// 2 GiB: then it is time to go on with another builder.
    #[inline]
    pub fn push_str(&mut self, text: &str) -> Option<TextSpan> {
        let start = self.text.len();
        if text.len() > LONGEST - start.min(LONGEST) {
            return None;
        }
        self.text.push_str(text);
        Some(TextSpan {
            text: self.id,
            view: view_of(text.as_bytes(), start),
        })
    }

    /// Appends one character, for text that comes piece by piece; see [`TextBuilder::span`].
    #[inline]
    pub fn push(&mut self, character: char) {
        self.text.push(character);
    }

    /// Appends the UTF-16LE code units before the first that is no ASCII character, or NUL, and says how many there were.
    #[inline]
    pub fn push_ascii_units(&mut self, units: &[[u8; 2]]) -> usize {
        push_ascii_units(&mut self.text, units)
    }

    /// A piece of the text so far; `None` when there is no such piece or it is beyond 2 GiB.
    #[inline]
    pub fn span(&self, range: Range<usize>) -> Option<TextSpan> {
        span_of(self.id, &self.text, range)
    }

    /// The text, to be shared.
    pub fn finish(self) -> Text {
        Text {
            id: self.id,
            buffer: Buffer::from_vec(self.text.into_bytes()),
        }
    }
}

/// Appends the UTF-16LE code units before the first that is no ASCII character, or NUL, and says how many there were.
#[inline]
#[allow(unsafe_code)]
pub fn push_ascii_units(text: &mut String, units: &[[u8; 2]]) -> usize {
    // SAFETY: nothing is changed of the bytes that are there, and those appended are ASCII: see `narrow::append`.
    narrow::append(units, unsafe { text.as_mut_vec() })
}

impl std::fmt::Write for TextBuilder {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.text.push_str(text);
        Ok(())
    }
}

/// A piece of a [`Text`] or [`TextBuilder`], for [`crate::BatchBuilder::set_span`].
#[derive(Debug, Clone, Copy)]
pub struct TextSpan {
    text: TextId,
    /// Its view, with buffer 0.
    view: u128,
}

impl TextSpan {
    /// How many bytes it has.
    pub fn len(&self) -> usize {
        length_of(self.view)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[inline]
fn span_of(id: TextId, text: &str, range: Range<usize>) -> Option<TextSpan> {
    let piece = text.get(range.clone())?;
    (range.end <= LONGEST).then(|| TextSpan {
        text: id,
        view: view_near(text.as_bytes(), range.start, piece.len()),
    })
}

#[inline]
fn length_of(view: u128) -> usize {
    view as u32 as usize
}

/// The view of some text that is at `place` of buffer 0. It is less than 2 GiB long.
#[inline]
fn view_of(text: &[u8], place: usize) -> u128 {
    let (length, shown) = (text.len(), text.len().min(INLINE));
    let mut bytes = [0; 16];
    bytes[..shown].copy_from_slice(&text[..shown]);
    view_from(u128::from_le_bytes(bytes), length, place)
}

/// The same for a piece of a text: most pieces have 16 bytes from their start on, which one load fetches.
#[inline]
fn view_near(text: &[u8], place: usize, length: usize) -> u128 {
    match text.get(place..).and_then(<[u8]>::first_chunk::<16>) {
        Some(bytes) => view_from(u128::from_le_bytes(*bytes), length, place),
        None => view_of(&text[place..place + length], place),
    }
}

/// A view from the first bytes of its text (what is beyond its length does not matter).
#[inline]
fn view_from(first: u128, length: usize, place: usize) -> u128 {
    if length > INLINE {
        let prefix = (first as u32 as u128) << 32;
        (place as u128) << 96 | prefix | length as u128
    } else {
        // Shifted in two steps, because for the empty text it is by all 128 bits.
        let kept = first & (u128::MAX >> 8 >> (8 * (15 - length)));
        kept << 32 | length as u128
    }
}
