//! Bytes to text: the encodings that offices use.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::read::ZlibDecoder;

use super::{InventoryError, MAX_BYTES};

/// A file's text, and how it was encoded.
pub(super) struct Decoded<'b> {
    pub(super) text: Cow<'b, str>,
    pub(super) encoding: &'static str,
}

/// The text of a file: by its byte order mark, else UTF-8 if it is, UTF-16 if every other byte is zero, else
/// Windows-1252. `None` when it holds what no text does.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded<'_>> {
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, bytes.get(length..).unwrap_or_default()),
        None => (guess(bytes), bytes),
    };
    let (text, _) = encoding.decode_without_bom_handling(rest);
    let is_binary = text
        .chars()
        .take(4_096)
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'));
    let encoding = match encoding.name() {
        "windows-1252" => "Windows-1252",
        other => other,
    };
    (!is_binary).then_some(Decoded { text, encoding })
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let head = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    let zeros = |odd: usize| {
        head.iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let half = head.len() / 2;
    match () {
        () if half > 4 && zeros(1) * 10 > half * 8 => UTF_16LE,
        () if half > 4 && zeros(0) * 10 > half * 8 => UTF_16BE,
        () if std::str::from_utf8(bytes).is_ok() => UTF_8,
        () => WINDOWS_1252,
    }
}

/// What is in a file that was compressed with zlib, as agents of OCS Inventory write their `.ocs`. `None` when it was not.
pub(super) fn unpack(bytes: &[u8]) -> Result<Option<Vec<u8>>, InventoryError> {
    // The first two bytes of zlib: the method, and a number of which the two are a multiple of 31.
    let &[method @ 0x78, check, ..] = bytes else {
        return Ok(None);
    };
    if !(u16::from(method) * 256 + u16::from(check)).is_multiple_of(31) {
        return Ok(None);
    }
    let mut unpacked = Vec::new();
    let read = ZlibDecoder::new(bytes)
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut unpacked);
    match read {
        Ok(_) if unpacked.len() > MAX_BYTES => Err(InventoryError::Unpacked),
        Ok(_) => Ok(Some(unpacked)),
        // `x` and a check that fits may begin a text, too.
        Err(_) => Ok(None),
    }
}
