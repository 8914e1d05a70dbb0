//! What the first bytes of a text file say.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE};
use memchr::memchr_iter;

use crate::format::Head;

/// How far recognition looks for a header or a row.
const LINES: usize = 64;

/// The first lines of a text file, sorted by what they are.
#[derive(Debug, Default)]
pub(super) struct Preamble<'a> {
    /// The value of `#Log-type:`.
    pub(super) log_type: Option<&'a str>,
    /// The value of `#Software:`.
    pub(super) software: Option<&'a str>,
    /// The value of the first `#Fields:`.
    pub(super) fields: Option<&'a str>,
    /// The first line that is no directive: a bare header, or a row.
    pub(super) first: Option<&'a str>,
    /// The line after it.
    pub(super) second: Option<&'a str>,
}

/// The first lines of the head as text, when it is text. UTF-16 needs its byte-order mark; NUL bytes are text only when nothing else is
/// there.
pub(super) fn text<'a>(head: &Head<'a>) -> Option<Cow<'a, str>> {
    match head.bytes {
        [0xFF, 0xFE, rest @ ..] => Some(UTF_16LE.decode_without_bom_handling(rest).0),
        [0xFE, 0xFF, rest @ ..] => Some(UTF_16BE.decode_without_bom_handling(rest).0),
        bytes => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            // NULs at the end are the padding of a log that was open when its machine stopped.
            let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
            let text = bytes.get(..end.min(512)).unwrap_or_default();
            let lines = memchr_iter(b'\n', bytes).nth(LINES).unwrap_or(bytes.len());
            let bytes = bytes.get(..lines).unwrap_or_default();
            (!text.contains(&0)).then(|| match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(bytes),
            })
        }
    }
}

impl<'a> Preamble<'a> {
    /// Reads the first lines.
    pub(super) fn of(text: &'a str) -> Preamble<'a> {
        let mut preamble = Preamble::default();
        for line in text.lines().take(LINES) {
            let line = line.trim_matches(['\0', '\u{feff}']).trim_end();
            if line.is_empty() {
                continue;
            }
            if let Some(directive) = line.strip_prefix('#') {
                preamble.directive(directive);
            } else if preamble.first.is_none() {
                preamble.first = Some(line);
            } else if preamble.second.is_none() {
                preamble.second = Some(line);
            }
        }
        preamble
    }

    /// The first rows of a file without a header. The very first one may be cut off at its beginning.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'a str> {
        self.first.into_iter().chain(self.second)
    }

    fn directive(&mut self, text: &'a str) {
        let Some((name, value)) = text.split_once(':') else {
            return;
        };
        let place = match name.trim().to_ascii_lowercase().as_str() {
            "log-type" => &mut self.log_type,
            "software" => &mut self.software,
            "fields" => &mut self.fields,
            _ => return,
        };
        place.get_or_insert(value.trim());
    }
}

/// The path in lower case with `/` between folders, and a `/` in front.
pub(super) fn normal_path(head: &Head<'_>) -> String {
    format!("/{}", head.path.replace('\\', "/").to_ascii_lowercase())
}

/// The file name in lower case, when it ends like that of a text log.
pub(super) fn log_name(head: &Head<'_>) -> Option<String> {
    let name = head.name.to_ascii_lowercase();
    let text = [".log", ".txt", ".csv"].iter().any(|end| name.ends_with(end));
    text.then_some(name)
}
