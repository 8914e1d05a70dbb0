//! Tables for people.

use std::io::{self, Write};

use serde_json::Value;
use vigie_report::{Lang, visible};

use super::session::Session;
use super::words::{Words, word};
use crate::numbers::bytes;
use crate::tell;

/// One column of a table, or one line about one thing.
pub(crate) struct Column {
    english: &'static str,
    french: &'static str,
    /// Where the value is (RFC 6901), in either language.
    at: [&'static str; 2],
    shown: Shown,
}

/// How a value is shown.
#[derive(Clone, Copy)]
pub(crate) enum Shown {
    /// As it is.
    Text,
    /// A word of the desk.
    Word(Words),
    /// A moment, to the minute, UTC.
    Time,
    /// A number of bytes.
    Bytes,
    /// Yes or no.
    YesNo,
    /// The name of what has this identifier; what it is among, such as `/servers`.
    Name(&'static str),
    /// An object, as JSON.
    Json,
}

/// A column.
pub(crate) const fn column(
    english: &'static str,
    french: &'static str,
    at: &'static str,
    shown: Shown,
) -> Column {
    Column {
        english,
        french,
        at: [at; 2],
        shown,
    }
}

/// A column of text that the server has in English and in French.
pub(crate) const fn told(
    english: &'static str,
    french: &'static str,
    in_english: &'static str,
    in_french: &'static str,
) -> Column {
    Column {
        english,
        french,
        at: [in_english, in_french],
        shown: Shown::Text,
    }
}

impl Column {
    fn title(&self, lang: Lang) -> &'static str {
        tell(lang, self.english, self.french)
    }

    fn cell(&self, session: &Session, item: &Value) -> String {
        let lang = session.lang;
        let value = item
            .pointer(tell(lang, self.at[0], self.at[1]))
            .unwrap_or(&Value::Null);
        let text = match (self.shown, value) {
            (_, Value::Null) => String::new(),
            (Shown::YesNo, Value::Bool(true)) => tell(lang, "yes", "oui").into(),
            (Shown::YesNo, Value::Bool(false)) => tell(lang, "no", "non").into(),
            (Shown::Bytes, Value::Number(count)) => bytes(count.as_u64().unwrap_or(0), lang),
            (Shown::Time, Value::String(time)) => minute(time),
            (Shown::Word(words), Value::String(text)) => word(words, text, lang).to_owned(),
            (Shown::Name(among), Value::String(id)) => session.name_of(among, id),
            (Shown::Json, value) => value.to_string(),
            (_, Value::String(text)) => text.clone(),
            (_, Value::Array(all)) => {
                let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                all.join(", ")
            }
            (_, other) => other.to_string(),
        };
        visible(&text).into_owned()
    }
}

/// `2021-03-03 06:49` out of `2021-03-03T06:49:46.123456Z`.
fn minute(time: &str) -> String {
    match time.get(..16) {
        Some(minute) => minute.replace('T', " "),
        None => time.to_owned(),
    }
}

/// Rows under their titles. Nothing is cut off: identifiers and names are there to be used again.
pub(super) fn table(
    session: &Session,
    items: &[Value],
    columns: &[Column],
    out: &mut dyn Write,
) -> io::Result<()> {
    if items.is_empty() {
        return writeln!(out, "{}", tell(session.lang, "none", "aucun résultat"));
    }
    let titles = columns
        .iter()
        .map(|column| column.title(session.lang).to_uppercase());
    let mut rows: Vec<Vec<String>> = vec![titles.collect()];
    rows.extend(
        items
            .iter()
            .map(|item| columns.iter().map(|column| column.cell(session, item)).collect()),
    );
    write_rows(&rows, out)
}

/// Rows in columns as wide as need be.
pub(super) fn write_rows(rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// One thing, a line for each value it has.
pub(super) fn one(
    session: &Session,
    item: &Value,
    columns: &[Column],
    out: &mut dyn Write,
) -> io::Result<()> {
    let width = columns
        .iter()
        .map(|column| column.title(session.lang).chars().count())
        .max()
        .unwrap_or(0);
    for column in columns {
        let cell = column.cell(session, item);
        if !cell.is_empty() {
            let title = column.title(session.lang);
            let space = width - title.chars().count() + 2;
            writeln!(out, "{title}{:space$}{cell}", "")?;
        }
    }
    Ok(())
}
