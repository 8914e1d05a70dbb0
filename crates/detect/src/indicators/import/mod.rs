//! Reading indicators: Vigie's own CSV and that of others, plain lists, STIX 2.1 and MISP JSON. `docs/indicators.md`
//! says what is taken from each.

mod csv;
mod json;
mod misp;
mod observable;
mod pattern;
mod plain;
mod score;
mod stix;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

pub use csv::parse_csv;
pub use plain::guess_kind;

use self::json::{Document, Lines, Part};
use super::{Confidence, Indicator, IndicatorList};

/// Problems of one file that are told one by one; the others are counted.
const TOLD_PROBLEMS: usize = 1_000;
/// Different reasons for setting something aside that are told apart.
const TOLD_REASONS: usize = 200;
/// Letters of a context that are kept.
const CONTEXT: usize = 400;

/// A line or object that holds no indicator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ImportProblem {
    /// 1-based line.
    pub line: u64,
    /// What is wrong, lower case, without full stop. In STIX and MISP it begins with the object's identifier.
    pub message: String,
}

/// How a file of indicators is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A header and cells.
    Csv,
    /// One value per line.
    List,
    /// A STIX 2 bundle, or its objects alone.
    Stix,
    /// MISP's JSON: events or attributes.
    Misp,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "CSV",
            Format::List => "list",
            Format::Stix => "STIX",
            Format::Misp => "MISP",
        })
    }
}

/// What one file held.
#[derive(Debug, Clone)]
pub struct Import {
    /// How it is written, guessed from its content; `None` for JSON that is neither STIX nor MISP.
    pub format: Option<Format>,
    /// What can be looked for.
    pub list: IndicatorList,
    /// What cannot, the first thousand.
    pub problems: Vec<ImportProblem>,
    /// How many problems there are beyond those.
    pub more_problems: u64,
    /// What is no indicator by the file's own word, and how often: objects of other types, attributes not for
    /// detection, what was revoked.
    pub set_aside: BTreeMap<String, u64>,
}

impl Import {
    /// How many entries were refused.
    pub fn refused(&self) -> u64 {
        self.problems.len() as u64 + self.more_problems
    }
}

/// Reads a file of indicators whatever its format. `name` stands for the source where the file names none.
pub fn import(bytes: &[u8], name: &str) -> Import {
    let text = text_of(bytes);
    let mut into = Intake::new(name);
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => import_json(text.as_bytes(), &mut into),
        _ => import_text(&text, &mut into),
    }
    into.import.list.shrink();
    into.import
}

/// UTF-8, or UTF-16 with a byte order mark; what is neither is replaced and refused where it matters.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let units = bytes
            .chunks_exact(2)
            .skip(1)
            .filter_map(|pair| pair.try_into().ok().map(read));
        char::decode_utf16(units)
            .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    match bytes {
        [0xff, 0xfe, ..] => Cow::Owned(wide(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Cow::Owned(wide(u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}

fn import_text(text: &str, into: &mut Intake<'_>) {
    let header = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .unwrap_or("");
    match csv::delimiter(header) {
        Some(delimiter) => {
            into.import.format = Some(Format::Csv);
            csv::import(text, delimiter, into);
        }
        None => {
            into.import.format = Some(Format::List);
            plain::import(text, into);
        }
    }
}

/// One JSON document, or one per line.
fn import_json(bytes: &[u8], into: &mut Intake<'_>) {
    let document = Document { bytes };
    let mut lines = Lines::of(bytes);
    let mut tops: Vec<Part> = Vec::new();
    let mut broken = None;
    for value in document.values() {
        match value {
            Ok(value) => tops.push(value),
            Err(place) => broken = Some(place),
        }
    }
    let format = tops.first().and_then(|&first| format_of(document, first));
    into.import.format = format;
    match format {
        Some(Format::Stix) => stix::import(document, &tops, into),
        Some(_) => misp::import(document, &tops, into),
        None => into.refuse(
            1,
            "JSON that is neither STIX (a bundle with \"objects\") nor MISP (\"Event\", \"Attribute\" or \"response\")",
        ),
    }
    if let Some(place) = broken {
        into.refuse(lines.at(place.at), "this is not JSON; what follows is not read");
    }
}

/// What the names in a value say it is.
fn format_of(document: Document<'_>, value: Part) -> Option<Format> {
    let value = match document.opens_with(value) {
        Some(b'[') => document.elements(value).next()?.ok()?,
        _ => value,
    };
    let mut has_type = false;
    for (key, part) in document.members(value).flatten() {
        match key {
            b"Event" | b"Attribute" | b"response" | b"to_ids" => return Some(Format::Misp),
            b"objects" | b"spec_version" | b"pattern" => return Some(Format::Stix),
            b"id" if memchr::memmem::find(document.text(part), b"--").is_some() => return Some(Format::Stix),
            b"type" => has_type = true,
            b"value" if has_type => return Some(Format::Misp),
            _ => {}
        }
    }
    None
}

/// Takes in what importers find.
struct Intake<'a> {
    name: &'a str,
    import: Import,
}

impl<'a> Intake<'a> {
    fn new(name: &'a str) -> Intake<'a> {
        Intake {
            name,
            import: Import {
                format: None,
                list: IndicatorList::new(),
                problems: Vec::new(),
                more_problems: 0,
                set_aside: BTreeMap::new(),
            },
        }
    }

    /// Keeps an indicator, or says why not. `id` names the object it comes from.
    fn take(&mut self, line: u64, id: &str, mut indicator: Indicator) {
        indicator.line = line;
        if indicator.source.is_empty() {
            indicator.source = self.name.to_owned();
        }
        if indicator.kind.is_weak() {
            indicator.confidence = Confidence::Weak;
        }
        shorten(&mut indicator.context);
        shorten(&mut indicator.context_fr);
        let taken = indicator.check().and_then(|()| {
            let full = || "the list is full: it takes 4 GiB of values".to_owned();
            self.import.list.push(&indicator).then_some(()).ok_or_else(full)
        });
        if let Err(reason) = taken {
            let value: String = indicator.value.chars().take(80).collect();
            let before = if id.is_empty() {
                String::new()
            } else {
                format!("{id}: ")
            };
            self.refuse(line, &format!("{before}{} {value:?}: {reason}", indicator.kind));
        }
    }

    /// Counts what cannot be used.
    fn refuse(&mut self, line: u64, message: &str) {
        if self.import.problems.len() < TOLD_PROBLEMS {
            self.import.problems.push(ImportProblem {
                line,
                message: message.to_owned(),
            });
        } else {
            self.import.more_problems += 1;
        }
    }

    /// Counts what is no indicator by the file's own word.
    fn set_aside(&mut self, what: &str, count: u64) {
        let reasons = &mut self.import.set_aside;
        let what = if reasons.len() < TOLD_REASONS || reasons.contains_key(what) {
            what
        } else {
            "other objects"
        };
        *reasons.entry(what.to_owned()).or_default() += count;
    }
}

/// Puts a text on one line and cuts it where it gets too long to be read in a finding.
fn shorten(text: &mut String) {
    if text.contains(['\n', '\r', '\t']) {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if let Some((at, _)) = text.char_indices().nth(CONTEXT) {
        text.truncate(at);
        text.push('…');
    }
}

#[cfg(test)]
mod tests;
