//! Worlds to look at, and reading what is in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use evtx::{EvtxParser, ParserSettings};
use serde_json::Value as Json;
use tempfile::TempDir;
use vigie_event::{MICROS_PER_SECOND, parse_utc};
use vigie_simulate::{Plan, Truth, demo_plan, simulate};

pub(crate) const HOUR: i64 = 3_600 * MICROS_PER_SECOND;

pub(crate) struct World {
    folder: TempDir,
    pub(crate) truth: Truth,
}

impl World {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

pub(crate) fn world(plan: &Plan) -> World {
    let folder = TempDir::new().unwrap();
    let truth = simulate(folder.path(), plan).unwrap();
    World { folder, truth }
}

/// The demo, made once for all tests.
pub(crate) fn demo() -> &'static World {
    static DEMO: OnceLock<World> = OnceLock::new();
    DEMO.get_or_init(|| world(&demo_plan(7)))
}

/// Two weeks around the attack, two servers.
pub(crate) fn small(seed: u64) -> Plan {
    Plan {
        seed,
        tenants: 1,
        days: 14,
        size: None,
        start: parse_utc("2021-02-24").unwrap(),
    }
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub(crate) fn with_extension(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = files(folder);
    found.retain(|path| {
        path.extension()
            .is_some_and(|e| e.to_string_lossy().eq_ignore_ascii_case(extension))
    });
    found
}

pub(crate) fn records(path: &Path) -> Vec<Json> {
    let settings = ParserSettings::new().num_threads(1).validate_checksums(true);
    let mut parser = EvtxParser::from_path(path).unwrap().with_configuration(settings);
    parser
        .records_json_value()
        .map(|record| record.unwrap().data)
        .collect()
}

/// The cells of a CSV line, quotes respected.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut bytes = line.chars().peekable();
    while let Some(c) = bytes.next() {
        match c {
            '"' if quoted && bytes.peek() == Some(&'"') => {
                bytes.next();
                cells.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    assert!(!quoted, "{line}");
    cells
}
