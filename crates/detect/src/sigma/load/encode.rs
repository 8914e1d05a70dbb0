//! The encodings rules look for: base64, UTF-16, and the dashes of command lines.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::sigma::text::{DASHES, Part};

/// With more dashes than this, one pattern is used instead of a literal for each way to write them.
const SPELLED_OUT_DASHES: usize = 2;

/// Which bytes stand for a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Utf16 {
    Little,
    Big,
    /// Little-endian after a byte order mark.
    Marked,
}

pub(super) fn utf16(text: &[u8], form: Utf16) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mark: &[u8] = if form == Utf16::Marked { &[0xff, 0xfe] } else { &[] };
    let units = text.encode_utf16().flat_map(|unit| match form {
        Utf16::Big => unit.to_be_bytes(),
        Utf16::Little | Utf16::Marked => unit.to_le_bytes(),
    });
    mark.iter().copied().chain(units).collect()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The three forms bytes take inside base64, without the characters their neighbours change.
pub(super) fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    const FIRST: [usize; 3] = [0, 2, 3];
    (0..3usize)
        .filter_map(|offset| {
            let mut padded = vec![b' '; offset];
            padded.extend_from_slice(bytes);
            let code = STANDARD.encode(&padded);
            let end = match padded.len() % 3 {
                0 => code.len(),
                1 => code.len() - 3,
                _ => code.len() - 2,
            };
            code.get(FIRST[offset]..end)
                .filter(|code| !code.is_empty())
                .map(str::to_owned)
        })
        .collect()
}

/// A text in every way its dashes may be written. A dash is one that begins a word: `-enc`, `/c`, not `a-b`.
pub(super) fn dash_forms(parts: &[Part]) -> Vec<Vec<Part>> {
    let mut split = Vec::new();
    for part in parts {
        match part {
            Part::Literal(text) => split_at_dashes(text, split.is_empty(), &mut split),
            part => split.push(part.clone()),
        }
    }
    let count = split.iter().filter(|part| **part == Part::Dash).count();
    if count > SPELLED_OUT_DASHES {
        return vec![split];
    }
    let mut forms: Vec<Vec<Part>> = vec![Vec::new()];
    for part in split {
        if part != Part::Dash {
            forms.iter_mut().for_each(|form| form.push(part.clone()));
            continue;
        }
        forms = DASHES
            .iter()
            .flat_map(|dash| {
                forms.iter().map(move |form| {
                    let mut form = form.clone();
                    form.push(Part::Literal(dash.to_string().into()));
                    form
                })
            })
            .collect();
    }
    forms
}

fn split_at_dashes(text: &str, at_start: bool, out: &mut Vec<Part>) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut before_is_word = !at_start && text.starts_with(is_word);
    let mut from = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let begins_word = chars.peek().is_some_and(|(_, next)| is_word(*next));
        if DASHES.contains(&c) && !before_is_word && begins_word {
            out.push(Part::Literal(text[from..at].into()));
            out.push(Part::Dash);
            from = at + c.len_utf8();
        }
        before_is_word = is_word(c);
    }
    out.push(Part::Literal(text[from..].into()));
}
