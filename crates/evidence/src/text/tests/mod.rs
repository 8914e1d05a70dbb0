//! All text formats, from bytes to batches.

mod corpora;
mod exchange_rows;
mod golden;
mod properties;
mod recognition;
mod speed;
mod w3c_rows;

use std::fmt::Write;
use std::path::PathBuf;

use vigie_event::{EventBatch, FileId, Source, format_utc};

use super::ledger::Ledger;
use super::{FORMATS, exchange, w3c};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::{FileRef, Limits, UnitId};

/// What reading a file gave.
struct Reading {
    batches: Vec<EventBatch>,
    outcome: Outcome,
    ledger: Ledger,
}

/// The format that recognises a file best.
fn recognise(path: &str, bytes: &[u8]) -> Option<(&'static Format, Confidence)> {
    let head = Head {
        bytes: &bytes[..bytes.len().min(64 << 10)],
        name: path.rsplit(['/', '\\']).next().unwrap(),
        path,
    };
    let claims = FORMATS
        .iter()
        .filter_map(|format| Some((*format, (format.recognise)(&head)?)));
    let mut claims: Vec<_> = claims.collect();
    let together = super::claims(&head).into_iter();
    let name = |format: &Format| format.name;
    assert_eq!(
        together
            .map(|(sure, format)| (name(format), sure))
            .collect::<Vec<_>>(),
        claims
            .iter()
            .map(|(format, sure)| (name(format), *sure))
            .collect::<Vec<_>>(),
        "{path}"
    );
    claims.sort_by_key(|(_, confidence)| std::cmp::Reverse(*confidence));
    if let [first, second, ..] = claims.as_slice() {
        assert!(
            first.1 > second.1,
            "{path} is claimed alike by {} and {}",
            first.0.name,
            second.0.name
        );
    }
    claims.into_iter().next()
}

/// Reads a file as a log of one source.
fn read(source: Source, path: &str, mut bytes: &[u8], limits: &Limits) -> Reading {
    let file = FileRef {
        id: FileId(7),
        unit: UnitId(0),
        path: path.to_owned(),
        original_path: None,
        size: None,
        modified: None,
        created: None,
        source: Some(source),
    };
    let context = Context::new(&file, limits);
    let mut batches = Vec::new();
    let mut emit = |batch| batches.push(batch);
    let (outcome, ledger) = match source {
        Source::Iis | Source::HttpErr => w3c::read(source, &mut bytes, &context, &mut emit),
        _ => exchange::read(source, &mut bytes, &context, &mut emit),
    };
    Reading {
        batches,
        outcome,
        ledger,
    }
}

fn read_default(source: Source, text: &str) -> Reading {
    read(source, "sample.log", text.as_bytes(), &Limits::default())
}

/// The values of one column over all batches.
fn column(reading: &Reading, name: &str) -> Vec<Option<String>> {
    let rows = reading
        .batches
        .iter()
        .flat_map(|batch| (0..batch.rows()).map(|row| batch.row(row)));
    rows.map(|row| row.get(name).map(str::to_owned)).collect()
}

/// Everything a reading gave, as people read it.
fn render(reading: &Reading) -> String {
    let mut text = String::new();
    let Outcome {
        records,
        first,
        last,
        skipped,
        hosts,
        observations,
        ..
    } = &reading.outcome;
    let time = |time: Option<i64>| time.map_or("-".to_owned(), format_utc);
    writeln!(text, "{records} records from {} to {}", time(*first), time(*last)).unwrap();
    for skip in skipped {
        let at = skip.first_at.as_deref().unwrap_or("-");
        writeln!(
            text,
            "skipped: {} ({} records, {} bytes, {at})",
            skip.why, skip.records, skip.bytes
        )
        .unwrap();
    }
    for (name, rows, field) in hosts {
        writeln!(text, "host: {name} in {rows} rows by {field}").unwrap();
    }
    for fact in observations {
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
            writeln!(
                text,
                "\nline {} @{} {}",
                row.record(),
                batch.offset(index),
                time(row.time())
            )
            .unwrap();
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

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples/text")
}

/// Real logs, when they are there.
fn corpora(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if !folder.is_dir() {
        println!("skipped: no corpus {name}; set VIGIE_CORPORA");
        return None;
    }
    Some(folder)
}
