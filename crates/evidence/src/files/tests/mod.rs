//! All document formats, from bytes to rows.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod corpora;
mod golden;
mod hostile;
mod inventory;
mod recognition;
mod speed;

use std::fmt::Write;
use std::path::PathBuf;

use vigie_event::{EventBatch, FileId, format_utc, parse_utc};

use super::FORMATS;
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::{FileRef, Limits, UnitId};

/// What reading a file gave.
struct Reading {
    batches: Vec<EventBatch>,
    outcome: Outcome,
}

/// The format of this room that recognises a file best; two must not claim it alike.
fn recognise(path: &str, bytes: &[u8]) -> Option<(&'static Format, Confidence)> {
    let head = Head {
        bytes: &bytes[..bytes.len().min(64 << 10)],
        name: path.rsplit(['/', '\\']).next().unwrap(),
        path,
    };
    let mut claims: Vec<_> = FORMATS
        .iter()
        .filter_map(|format| Some((*format, (format.recognise)(&head)?)))
        .collect();
    claims.sort_by_key(|(_, confidence)| std::cmp::Reverse(*confidence));
    if let [first, second, ..] = claims.as_slice() {
        assert!(
            first.1 > second.1,
            "{path}: {} or {}",
            first.0.name,
            second.0.name
        );
    }
    claims.into_iter().next()
}

fn file(path: &str, size: usize) -> FileRef {
    FileRef {
        id: FileId(7),
        unit: UnitId(0),
        path: path.to_owned(),
        original_path: Some(format!(r"C:\{}", path.replace('/', r"\"))),
        size: Some(size as u64),
        modified: parse_utc("2021-03-03T07:01:02Z"),
        created: parse_utc("2021-03-03T07:01:01Z"),
        source: None,
    }
}

fn read_with(format: &Format, path: &str, mut bytes: &[u8], limits: &Limits) -> Reading {
    let file = file(path, bytes.len());
    let context = Context::new(&file, limits);
    let mut batches = Vec::new();
    let outcome = (format.parse)(&mut bytes, &context, &mut |batch| batches.push(batch));
    Reading { batches, outcome }
}

fn read(path: &str, bytes: &[u8]) -> Reading {
    let (format, _) = recognise(path, bytes).unwrap_or_else(|| panic!("{path} is not recognised"));
    read_with(format, path, bytes, &Limits::default())
}

/// The values of one column, of the rows that have it.
fn column(reading: &Reading, name: &str) -> Vec<String> {
    let rows = reading
        .batches
        .iter()
        .flat_map(|batch| (0..batch.rows()).map(|row| batch.row(row)));
    rows.filter_map(|row| row.get(name).map(str::to_owned)).collect()
}

/// Everything a reading gave, as people read it.
fn render(reading: &Reading) -> String {
    let time = |time: Option<i64>| time.map_or("-".to_owned(), format_utc);
    let outcome = &reading.outcome;
    let (first, last) = (time(outcome.first), time(outcome.last));
    let mut text = format!("{} records from {first} to {last}\n", outcome.records);
    for skip in &outcome.skipped {
        let at = skip.first_at.as_deref().unwrap_or("-");
        writeln!(
            text,
            "skipped: {} ({} records, {} bytes, {at})",
            skip.why, skip.records, skip.bytes
        )
        .unwrap();
    }
    for (name, rows, field) in &outcome.hosts {
        writeln!(text, "host: {name} in {rows} rows by {field}").unwrap();
    }
    for fact in &outcome.observations {
        let at = fact.at.as_deref().unwrap_or("-");
        writeln!(
            text,
            "observed: {} {} at {} ({at})",
            fact.kind,
            fact.value,
            time(fact.time)
        )
        .unwrap();
    }
    for batch in &reading.batches {
        for index in 0..batch.rows() {
            let row = batch.row(index);
            let (line, offset) = (row.record(), batch.offset(index));
            writeln!(text, "\nline {line} @{offset} {}", time(row.time())).unwrap();
            for (name, value) in row.fields() {
                writeln!(
                    text,
                    "  {name} = {}",
                    value.replace('\r', "\\r").replace('\n', "\\n")
                )
                .unwrap();
            }
        }
    }
    text
}

/// Text as Windows PowerShell writes it by default.
fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples/files")
}
