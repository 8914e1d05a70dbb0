//! What the tests of all Windows event formats share.

mod evtx_builder;
mod evtx_chunks;
mod evtx_corpus;
mod hostile;
mod json_corpus;
mod samples;

use std::path::{Path, PathBuf};

use vigie_event::{EventBatch, FileId, RowRef};

use crate::format::{Context, Format, Head, Outcome};
use crate::{FileRef, Limits, UnitId};

/// Everything a parser said about some bytes.
pub(super) struct Parsed {
    pub(super) batches: Vec<EventBatch>,
    pub(super) outcome: Outcome,
}

impl Parsed {
    /// All rows in the order they have in the file.
    pub(super) fn rows(&self) -> Vec<RowRef<'_>> {
        let mut rows: Vec<_> = self
            .batches
            .iter()
            .flat_map(|batch| (0..batch.rows()).map(|row| batch.row(row)))
            .collect();
        rows.sort_by_key(|row| row.batch().offset(row.index()));
        rows
    }
}

pub(super) fn file(name: &str) -> FileRef {
    FileRef {
        id: FileId(7),
        unit: UnitId(0),
        path: name.to_owned(),
        original_path: None,
        size: None,
        modified: None,
        created: None,
        source: None,
    }
}

pub(super) fn parse_with(format: &Format, mut bytes: &[u8], limits: &Limits) -> Parsed {
    let file = file("test");
    let context = Context::new(&file, limits);
    let mut batches = Vec::new();
    let outcome = (format.parse)(&mut bytes, &context, &mut |batch| batches.push(batch));
    let rows: usize = batches.iter().map(EventBatch::rows).sum();
    assert_eq!(rows as u64, outcome.records, "every row counted is handed over");
    Parsed { batches, outcome }
}

pub(super) fn parse(format: &Format, bytes: &[u8]) -> Parsed {
    parse_with(format, bytes, &Limits::default())
}

/// The format that is surest of a file.
pub(super) fn recognise(name: &str, bytes: &[u8]) -> Option<&'static Format> {
    let head = Head {
        bytes: &bytes[..bytes.len().min(64 << 10)],
        name: name.rsplit('/').next().unwrap_or(name),
        path: name,
    };
    super::FORMATS
        .iter()
        .filter_map(|format| Some(((format.recognise)(&head)?, *format)))
        .max_by_key(|(confidence, _)| *confidence)
        .map(|(_, format)| format)
}

/// The real logs, when they are there.
pub(super) fn corpora() -> Option<PathBuf> {
    let path = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    if path.is_dir() {
        return Some(path);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/corpora");
    if beside.is_dir() {
        return Some(beside);
    }
    println!("skipped: no corpora at {} (set VIGIE_CORPORA)", path.display());
    None
}

/// All files below a folder with this extension.
pub(super) fn files(root: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|found| found.eq_ignore_ascii_case(extension))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
