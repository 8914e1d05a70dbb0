//! A file of suppressions: a YAML list, described in `docs/suppressions.md`.

use vigie_event::{MICROS_PER_DAY, Timestamp, parse_utc};
use yaml_serde::{Mapping, Value};

use super::Suppression;
use vigie_evidence::message::{Code, Message};

/// Entries one file may have.
const MAX_ENTRIES: usize = 10_000;
/// The keys of an entry.
const KEYS: [&str; 7] = ["rule", "host", "tenant", "fields", "reason", "author", "expires"];

/// A file of suppressions, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionFile {
    /// Where it comes from, for messages.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// An entry, or a whole file, that is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {why}", .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct RefusedSuppression {
    /// The file.
    pub path: String,
    /// 1-based line, when it is known.
    pub line: Option<usize>,
    /// Why, and what to write instead.
    pub why: Message,
}

impl RefusedSuppression {
    /// What the reader of an answer is told of it.
    pub fn message(&self) -> Message {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let parameters = [
            ("path", format!("{}{line}", self.path).into()),
            ("cause", self.why.clone().into()),
        ];
        Message::new(Code::SuppressionRefused, parameters)
    }
}

/// An entry as it was read, its field values not yet compiled.
pub(super) struct Read {
    pub(super) entry: Suppression,
    /// A Sigma rule whose detection is the entry's field values.
    pub(super) detection: Option<String>,
    pub(super) fields_line: usize,
}

/// The entries of a file.
pub(super) fn entries(file: &SuppressionFile, refused: &mut Vec<RefusedSuppression>) -> Vec<Read> {
    let mut refuse = |line: Option<usize>, why: Message| {
        refused.push(RefusedSuppression {
            path: file.path.clone(),
            line,
            why,
        });
    };
    let value: Value = match yaml_serde::from_str(&file.text) {
        Ok(value) => value,
        Err(error) => {
            let line = error.location().map(|place| place.line());
            let cause = error.to_string().into();
            refuse(line, Message::new(Code::NotYaml, [("cause", cause)]));
            return Vec::new();
        }
    };
    let items = match value {
        Value::Sequence(items) => items,
        Value::Null => Vec::new(),
        _ => {
            refuse(Some(1), Code::SuppressionsNoList.into());
            return Vec::new();
        }
    };
    if items.len() > MAX_ENTRIES {
        refuse(
            None,
            Message::new(
                Code::SuppressionsTooMany,
                [("count", items.len().into()), ("most", MAX_ENTRIES.into())],
            ),
        );
        return Vec::new();
    }
    let places = Places::of(&file.text, items.len());
    let mut read = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match entry(item, file, &places, index) {
            Ok(entry) => read.push(entry),
            Err((key, why)) => refuse(places.line_of(index, key), why),
        }
    }
    read
}

/// What is wrong with an entry: the key to blame, and why.
type Wrong = (&'static str, Message);

fn entry(item: &Value, file: &SuppressionFile, places: &Places<'_>, index: usize) -> Result<Read, Wrong> {
    let Some(item) = item.as_mapping() else {
        return Err(("", Code::SuppressionNoMapping.into()));
    };
    for key in item.keys() {
        let key = key.as_str().unwrap_or_default();
        if !KEYS.contains(&key) {
            let parameters = [("key", key.into()), ("keys", KEYS.join(", ").into())];
            return Err(("", Message::new(Code::SuppressionUnknownKey, parameters)));
        }
    }
    let expires = needed(item, "expires")?;
    let entry = Suppression {
        path: file.path.clone(),
        line: places.line_of(index, ""),
        rule: needed(item, "rule")?,
        host: text(item, "host")?,
        tenant: text(item, "tenant")?,
        fields: shown_fields(item)?,
        reason: needed(item, "reason")?,
        author: needed(item, "author")?,
        ends: end(&expires)?,
        expires,
    };
    let is_open = |pattern: &Option<String>| pattern.as_deref().is_none_or(is_anything);
    if is_anything(&entry.rule) && is_open(&entry.host) && is_open(&entry.tenant) && entry.fields.is_empty() {
        return Err(("rule", Code::SuppressionHidesAll.into()));
    }
    Ok(Read {
        entry,
        detection: item.get("fields").map(detection).transpose()?,
        fields_line: places.line_of(index, "fields").unwrap_or(1),
    })
}

fn is_anything(pattern: &str) -> bool {
    pattern.chars().all(|c| matches!(c, '*' | '?'))
}

fn text(item: &Mapping, key: &'static str) -> Result<Option<String>, Wrong> {
    match item.get(key) {
        None => Ok(None),
        Some(value) => match scalar(value).filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(Some(text)),
            None => Err((key, Message::new(Code::KeyNoText, [("key", key.into())]))),
        },
    }
}

fn needed(item: &Mapping, key: &'static str) -> Result<String, Wrong> {
    let missing = match key {
        "reason" => Code::ReasonMissing,
        "author" => Code::AuthorMissing,
        "expires" => Code::ExpiresMissing,
        _ => Code::RuleMissing,
    };
    text(item, key)?.ok_or_else(|| (key, missing.into()))
}

/// A day counts to its end, an instant as it is; UTC.
fn end(expires: &str) -> Result<Timestamp, Wrong> {
    let wrong = || {
        let said = Message::new(Code::ExpiresNoDate, [("text", expires.into())]);
        ("expires", said)
    };
    let instant = parse_utc(expires).ok_or_else(wrong)?;
    Ok(if expires.trim().len() == "2021-06-30".len() {
        instant.saturating_add(MICROS_PER_DAY)
    } else {
        instant
    })
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Fields and values as people read them.
fn shown_fields(item: &Mapping) -> Result<Vec<(String, String)>, Wrong> {
    let Some(fields) = item.get("fields") else {
        return Ok(Vec::new());
    };
    let wrong = |why: Message| ("fields", why);
    let fields = fields
        .as_mapping()
        .filter(|fields| !fields.is_empty())
        .ok_or_else(|| wrong(Code::FieldsNoMapping.into()))?;
    fields
        .iter()
        .map(|(name, value)| {
            let name = name
                .as_str()
                .filter(|name| !name.is_empty())
                .ok_or_else(|| wrong(Code::FieldNameNoText.into()))?;
            let shown = match value {
                Value::Null => Some("null".to_owned()),
                Value::Sequence(values) => {
                    let values: Option<Vec<String>> = values.iter().map(scalar).collect();
                    values
                        .filter(|values| !values.is_empty())
                        .map(|values| values.join(", "))
                }
                one => scalar(one),
            };
            let shown =
                shown.ok_or_else(|| wrong(Message::new(Code::FieldNoValue, [("key", name.into())])))?;
            Ok((name.to_owned(), shown))
        })
        .collect()
}

/// The field values as a Sigma rule, so that they mean what they mean in rules.
fn detection(fields: &Value) -> Result<String, Wrong> {
    let pair = |key: &str, value: Value| (Value::from(key), value);
    let detection: Mapping = [
        pair("fields", fields.clone()),
        pair("condition", Value::from("fields")),
    ]
    .into_iter()
    .collect();
    let source: Mapping = [pair("category", Value::from("any"))].into_iter().collect();
    let rule: Mapping = [
        pair("title", Value::from("suppression")),
        pair("logsource", Value::Mapping(source)),
        pair("detection", Value::Mapping(detection)),
    ]
    .into_iter()
    .collect();
    yaml_serde::to_string(&rule).map_err(|error| ("fields", Message::other(error.to_string())))
}

/// On which lines of the file its entries stand.
struct Places<'a> {
    lines: Vec<&'a str>,
    /// By entry: the index of its first line. Empty when the file is not written as a list of lines.
    begins: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str, entries: usize) -> Places<'a> {
        let lines: Vec<&str> = text.lines().collect();
        let indent = |line: &str| line.len() - line.trim_start().len();
        let is_item = |line: &str| {
            let line = line.trim();
            line == "-" || line.starts_with("- ")
        };
        let depth = lines.iter().find(|line| is_item(line)).map(|line| indent(line));
        let begins: Vec<usize> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| is_item(line) && Some(indent(line)) == depth)
            .map(|(index, _)| index)
            .collect();
        let begins = if begins.len() == entries {
            begins
        } else {
            Vec::new()
        };
        Places { lines, begins }
    }

    /// The 1-based line of a key of an entry, or that on which the entry begins.
    fn line_of(&self, entry: usize, key: &str) -> Option<usize> {
        let begin = *self.begins.get(entry)?;
        let end = self.begins.get(entry + 1).copied().unwrap_or(self.lines.len());
        let lines = self.lines.get(begin..end)?;
        let key = format!("{key}:");
        let at = lines
            .iter()
            .position(|line| line.trim_start_matches([' ', '-']).starts_with(&key));
        Some(begin + at.unwrap_or(0) + 1)
    }
}
