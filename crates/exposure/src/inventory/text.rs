//! Bytes to text: the encodings that offices use.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text of a file: by its byte order mark, else UTF-8 if it is, UTF-16 if every other byte is zero, else
/// Windows-1252. `None` when it holds what no text does.
pub(super) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, bytes.get(length..).unwrap_or_default()),
        None => (guess(bytes), bytes),
    };
    let (text, _) = encoding.decode_without_bom_handling(rest);
    let is_binary = text
        .chars()
        .take(4_096)
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'));
    (!is_binary).then_some(text)
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
