//! BinXML values as text, the way Windows and `evtx_dump` write them.
//!
//! Types and layouts: MS-EVEN6 section 2.2.12 and 2.2.13. Integers are decimal, `HexInt32` and `HexInt64` are `0x`
//! and lower-case digits, GUIDs are lower case in braces, SIDs `S-1-...`, FILETIME and SYSTEMTIME ISO 8601 with
//! seven digits and `Z`, binary is upper-case hexadecimal, booleans `true` and `false`. The items of an array are
//! joined by newlines.

use std::fmt::Write;

use vigie_event::{MICROS_PER_DAY, TextBuilder, Timestamp, format_date, push_ascii_units};

/// The wire numbers of the value types this module treats by name.
pub(super) mod kind {
    pub(in super::super) const NULL: u8 = 0x00;
    pub(in super::super) const STRING: u8 = 0x01;
    pub(in super::super) const FILETIME: u8 = 0x11;
    pub(in super::super) const SYSTEMTIME: u8 = 0x12;
    pub(in super::super) const BINXML: u8 = 0x21;
    pub(in super::super) const ARRAY: u8 = 0x80;
}

/// A typed value: where its bytes are in the chunk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value {
    pub(super) kind: u8,
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Value {
    pub(super) fn bytes<'a>(&self, chunk: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        chunk.get(start..start + self.len as usize).unwrap_or_default()
    }

    /// The same value in a chunk in which it stands so many bytes further on.
    pub(super) fn moved(self, by: i64) -> Value {
        let start = i64::from(self.start) + by;
        Value {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            ..self
        }
    }

    /// Whether an optional substitution leaves this value out.
    pub(super) fn is_empty(&self) -> bool {
        self.kind == kind::NULL || (self.len == 0 && matches!(self.kind, 0x01 | 0x02 | 0x0e | 0x21 | 0x81..))
    }

    /// Whether the text may be any words; numbers, identifiers, times and bytes have letters of a few kinds only.
    pub(super) fn is_free_text(&self) -> bool {
        matches!(self.kind & !kind::ARRAY, 0x01 | 0x02)
    }
}

/// Ticks of 100 ns between 1601-01-01 and 1970-01-01.
const EPOCH_TICKS: i64 = 116_444_736_000_000_000;
const TICKS_PER_DAY: u64 = 864_000_000_000;

/// A FILETIME as microseconds since 1970, `None` before 1601 or beyond what can be written as a date.
pub(super) fn filetime_micros(ticks: u64) -> Option<Timestamp> {
    let ticks = i64::try_from(ticks).ok()?;
    // Zero means "not set", not 1601.
    (ticks > 0).then(|| (ticks - EPOCH_TICKS).div_euclid(10))
}

/// The instant a FILETIME or SYSTEMTIME value stands for.
pub(super) fn instant(kind: u8, bytes: &[u8]) -> Option<Timestamp> {
    match kind {
        kind::FILETIME => filetime_micros(u64::from_le_bytes(bytes.try_into().ok()?)),
        kind::SYSTEMTIME => {
            let mut text = String::new();
            write_systemtime(bytes, &mut text);
            vigie_event::parse_utc(&text)
        }
        _ => None,
    }
}

/// What values are written to.
pub(super) trait Out: Write {
    /// Appends the UTF-16LE code units before the first that is no ASCII character, or NUL, and says how many there
    /// were.
    fn push_ascii_units(&mut self, units: &[[u8; 2]]) -> usize;
}

impl Out for TextBuilder {
    #[inline]
    fn push_ascii_units(&mut self, units: &[[u8; 2]]) -> usize {
        TextBuilder::push_ascii_units(self, units)
    }
}

impl Out for String {
    #[inline]
    fn push_ascii_units(&mut self, units: &[[u8; 2]]) -> usize {
        push_ascii_units(self, units)
    }
}

/// Appends a value's text. A value whose bytes do not fit its type is written as hexadecimal: kept, never guessed.
pub(super) fn write(kind: u8, bytes: &[u8], out: &mut impl Out) {
    if kind & kind::ARRAY != 0 {
        let mut first = true;
        each_item(kind, bytes, |kind, item| {
            if !first {
                put(out, "\n");
            }
            first = false;
            write(kind, item, out);
        });
        return;
    }
    if write_scalar(kind, bytes, out).is_none() {
        write_hex(bytes, out);
    }
}

fn write_scalar(kind: u8, bytes: &[u8], out: &mut impl Out) -> Option<()> {
    macro_rules! number {
        ($type:ty) => {
            out.write_str(itoa::Buffer::new().format(<$type>::from_le_bytes(*bytes.first_chunk()?)))
                .ok()
        };
    }
    match kind {
        kind::NULL => Some(()),
        kind::STRING => {
            write_string(bytes, out);
            Some(())
        }
        0x02 => {
            let text: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            put(
                out,
                &encoding_rs::WINDOWS_1252.decode_without_bom_handling(&text).0,
            );
            Some(())
        }
        0x03 => number!(i8),
        0x04 => number!(u8),
        0x05 => number!(i16),
        0x06 => number!(u16),
        0x07 => number!(i32),
        0x08 => number!(u32),
        0x09 => number!(i64),
        0x0a => number!(u64),
        0x0b => write!(out, "{:?}", f32::from_le_bytes(*bytes.first_chunk()?)).ok(),
        0x0c => write!(out, "{:?}", f64::from_le_bytes(*bytes.first_chunk()?)).ok(),
        0x0d => match i32::from_le_bytes(*bytes.first_chunk()?) {
            0 => out.write_str("false").ok(),
            1 => out.write_str("true").ok(),
            // Windows keeps bit masks in some boolean fields.
            other => write!(out, "{other}").ok(),
        },
        0x0e => None,
        0x0f => write_guid(bytes, out),
        0x10 if bytes.len() == 4 => write_prefixed(u64::from(u32::from_le_bytes(*bytes.first_chunk()?)), out),
        0x10 | 0x15 => write_prefixed(u64::from_le_bytes(*bytes.first_chunk()?), out),
        kind::FILETIME => {
            write_filetime(u64::from_le_bytes(*bytes.first_chunk()?), out);
            Some(())
        }
        kind::SYSTEMTIME => {
            write_systemtime(bytes, out);
            Some(())
        }
        0x13 => write_sid(bytes, out),
        0x14 => write_prefixed(u64::from(u32::from_le_bytes(*bytes.first_chunk()?)), out),
        _ => None,
    }
}

/// Calls `item` with the scalar type and bytes of each item of an array.
pub(super) fn each_item(kind: u8, bytes: &[u8], mut item: impl FnMut(u8, &[u8])) {
    let scalar = kind & !kind::ARRAY;
    let size = match scalar {
        kind::STRING => {
            let mut rest = bytes;
            while !rest.is_empty() {
                let text = until_nul(rest);
                item(kind::STRING, text);
                rest = rest.get(text.len() + 2..).unwrap_or_default();
            }
            return;
        }
        0x02 => {
            let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
            if !bytes.is_empty() {
                text.split(|byte| *byte == 0).for_each(|text| item(0x02, text));
            }
            return;
        }
        0x13 => {
            let mut rest = bytes;
            while let Some(count) = rest.get(1) {
                let len = (8 + 4 * usize::from(*count)).min(rest.len());
                let (sid, after) = rest.split_at(len);
                item(0x13, sid);
                rest = after;
            }
            return;
        }
        0x03 | 0x04 => 1,
        0x05 | 0x06 => 2,
        0x07 | 0x08 | 0x0b | 0x0d | 0x14 => 4,
        0x09 | 0x0a | 0x0c | 0x11 | 0x15 => 8,
        0x0f | 0x12 => 16,
        // Arrays of other types have no known layout.
        _ => return item(0x0e, bytes),
    };
    bytes.chunks_exact(size).for_each(|bytes| item(scalar, bytes));
}

/// The UTF-16 code units before the first NUL, as bytes.
fn until_nul(bytes: &[u8]) -> &[u8] {
    let units = bytes.as_chunks::<2>().0;
    let len = units
        .iter()
        .position(|unit| *unit == [0, 0])
        .unwrap_or(units.len());
    bytes.get(..len * 2).unwrap_or_default()
}

/// Appends text, nearly all of which is ASCII, up to its first NUL.
fn write_string(bytes: &[u8], out: &mut impl Out) {
    let plain = out.push_ascii_units(bytes.as_chunks::<2>().0);
    let rest = bytes.get(plain * 2..).unwrap_or_default();
    if !matches!(rest, [] | [_] | [0, 0]) {
        write_utf16(until_nul(rest), out);
    }
}

/// Appends UTF-16LE as UTF-8; a lone surrogate becomes U+FFFD.
pub(super) fn write_utf16(bytes: &[u8], out: &mut impl Out) {
    let mut units = bytes.as_chunks::<2>().0;
    while !units.is_empty() {
        let plain = out.push_ascii_units(units);
        units = units.get(plain..).unwrap_or_default();
        units = write_beyond_ascii(units, out);
    }
}

/// Appends characters up to the next that is plain ASCII and gives back what is left.
fn write_beyond_ascii<'a>(units: &'a [[u8; 2]], out: &mut impl Out) -> &'a [[u8; 2]] {
    let len = units
        .iter()
        .position(|unit| matches!(unit, [1..=0x7f, 0]))
        .unwrap_or(units.len());
    let (text, rest) = units.split_at(len);
    for character in char::decode_utf16(text.iter().map(|unit| u16::from_le_bytes(*unit))) {
        let _ = out.write_char(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    rest
}

fn put(out: &mut impl Out, text: &str) {
    let _ = out.write_str(text);
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn digits_of(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|half| digits[usize::from(half)])
}

/// Upper-case digits, of sixteen bytes at a time.
fn write_hex(bytes: &[u8], out: &mut impl Out) {
    for some in bytes.chunks(16) {
        let mut text = [0; 32];
        for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(some) {
            *pair = digits_of(*byte, UPPER);
        }
        let text = text.get(..some.len() * 2).unwrap_or_default();
        put(out, std::str::from_utf8(text).unwrap_or_default());
    }
}

/// `0x` and as many lower-case digits as the number needs.
fn write_prefixed(number: u64, out: &mut impl Out) -> Option<()> {
    let mut text = *b"0x0000000000000000";
    let digits = (16 - number.leading_zeros() as usize / 4).max(1);
    for (index, place) in text.iter_mut().skip(2).take(digits).enumerate() {
        let half = number >> (4 * (digits - 1 - index)) & 15;
        *place = LOWER.get(half as usize).copied().unwrap_or(b'0');
    }
    out.write_str(std::str::from_utf8(text.get(..2 + digits)?).ok()?)
        .ok()
}

fn write_guid(bytes: &[u8], out: &mut impl Out) -> Option<()> {
    let bytes = bytes.first_chunk::<16>()?;
    let mut text = *b"{00000000-0000-0000-0000-000000000000}";
    // By byte: where its digits stand.
    const PLACES: [usize; 16] = [7, 5, 3, 1, 12, 10, 17, 15, 20, 22, 25, 27, 29, 31, 33, 35];
    for (byte, at) in bytes.iter().zip(PLACES) {
        if let Some(pair) = text.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *pair = digits_of(*byte, LOWER);
        }
    }
    put(out, std::str::from_utf8(&text).ok()?);
    Some(())
}

fn write_sid(bytes: &[u8], out: &mut impl Out) -> Option<()> {
    let [revision, count, a0, a1, a2, a3, a4, a5, subs @ ..] = bytes else {
        return None;
    };
    let mut number = itoa::Buffer::new();
    put(out, "S-");
    put(out, number.format(*revision));
    put(out, "-");
    put(
        out,
        number.format(u64::from_be_bytes([0, 0, *a0, *a1, *a2, *a3, *a4, *a5])),
    );
    for sub in subs.as_chunks::<4>().0.iter().take(usize::from(*count)) {
        put(out, "-");
        put(out, number.format(u32::from_le_bytes(*sub)));
    }
    Some(())
}

fn write_filetime(ticks: u64, out: &mut impl Out) {
    if ticks > i64::MAX as u64 {
        put(out, "0000-00-00T00:00:00.0000000Z");
        return;
    }
    let (days, of_day) = (ticks / TICKS_PER_DAY, ticks % TICKS_PER_DAY);
    let days = i64::try_from(days).unwrap_or(0) - EPOCH_TICKS / 864_000_000_000;
    let seconds = of_day / 10_000_000;
    let date = format_date(days.saturating_mul(MICROS_PER_DAY));
    let _ = write!(
        out,
        "{}T{:02}:{:02}:{:02}.{:07}Z",
        // Years past 9999 keep their last four digits, as Windows writes them.
        date.get(date.len().saturating_sub(10)..).unwrap_or_default(),
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        of_day % 10_000_000,
    );
}

fn write_systemtime(bytes: &[u8], out: &mut impl Out) {
    let field = |index: usize| {
        bytes
            .as_chunks::<2>()
            .0
            .get(index)
            .map_or(0, |pair| u16::from_le_bytes(*pair))
    };
    let (year, month, day) = (field(0), field(1), field(3));
    let (hour, minute, second, milli) = (field(4), field(5), field(6), field(7));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u16::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    let valid = (1601..=30827).contains(&year)
        && (1..=days).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && milli < 1_000;
    if !valid {
        put(out, "1601-01-01T00:00:00.0000000Z");
        return;
    }
    let year = year % 10_000;
    let _ = write!(
        out,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}0000Z"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: u8, bytes: &[u8]) -> String {
        let mut out = String::new();
        write(kind, bytes, &mut out);
        out
    }

    #[test]
    fn values_read_as_windows_writes_them() {
        assert_eq!(text(0x01, b"a\0b\0\0\0c\0"), "ab");
        assert_eq!(
            text(0x01, &[0xe9, 0, 0x3d, 0xd8, 0, 0xde, 0, 0xd8]),
            "\u{e9}\u{1f600}\u{fffd}"
        );
        assert_eq!(text(0x02, b"caf\xe9\0"), "café");
        assert_eq!(text(0x07, &(-2i32).to_le_bytes()), "-2");
        assert_eq!(text(0x0d, &1i32.to_le_bytes()), "true");
        assert_eq!(text(0x0d, &16i32.to_le_bytes()), "16");
        assert_eq!(text(0x0e, &[0xab, 1]), "AB01");
        assert_eq!(text(0x14, &0x3e7u32.to_le_bytes()), "0x3e7");
        assert_eq!(text(0x10, &0u64.to_le_bytes()), "0x0");
        assert_eq!(text(0x13, &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]), "S-1-5-18");
        assert_eq!(
            text(
                0x0f,
                &[
                    0x85, 0xd9, 0x70, 0x57, 0x2a, 0xc2, 0x3e, 0x43, 0xbf, 0x4c, 6, 0xf5, 0x69, 0x8f, 0xfb,
                    0xd9
                ]
            ),
            "{5770d985-c22a-433e-bf4c-06f5698ffbd9}"
        );
        assert_eq!(
            text(0x11, &132_592_277_862_100_001u64.to_le_bytes()),
            "2021-03-03T06:49:46.2100001Z"
        );
        assert_eq!(
            text(0x11, &u64::MAX.to_le_bytes()),
            "0000-00-00T00:00:00.0000000Z"
        );
        assert_eq!(text(0x12, &[0; 16]), "1601-01-01T00:00:00.0000000Z");
        assert_eq!(text(0x81, b"a\0\0\0\0\0b\0\0\0"), "a\n\nb");
        assert_eq!(text(0x88, &[1, 0, 0, 0, 2, 0, 0, 0]), "1\n2");
        // Too few bytes for the type: kept as they are.
        assert_eq!(text(0x0a, &[1, 2]), "0102");
    }

    #[test]
    fn instants_are_microseconds_since_1970() {
        let bytes = 132_592_277_862_100_001u64.to_le_bytes();
        assert_eq!(instant(kind::FILETIME, &bytes), Some(1_614_754_186_210_000));
        assert_eq!(instant(kind::FILETIME, &[0; 8]), None);
        let time = [2021u16, 3, 3, 3, 6, 49, 46, 210].map(u16::to_le_bytes).concat();
        assert_eq!(instant(kind::SYSTEMTIME, &time), Some(1_614_754_186_210_000));
    }
}
