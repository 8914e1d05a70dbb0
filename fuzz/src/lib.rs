//! What the fuzz targets share: running one parser over bytes and checking what must hold whatever the bytes are.

pub mod seeds;

use std::path::{Path, PathBuf};

use vigie_event::EventBatch;
use vigie_evidence::Limits;

/// Exchange's text logs, in the order in which the first byte of an `exchange` input chooses one.
pub const EXCHANGE: [&str; 11] = [
    "httpproxy",
    "ecp_server",
    "ecp_activity",
    "oab_generator",
    "cmdlet_infra",
    "ews",
    "mapi_http",
    "message_tracking",
    "smtp_protocol",
    "agent_log",
    "admin_audit",
];

/// The formats that no other target has: configuration, compiled pages, listings, output of checks, rendered events.
/// The first byte of a `documents` input chooses one.
pub fn documents() -> Vec<&'static str> {
    let shared = |name: &str| name.ends_with("_json") || name.ends_with("_csv");
    vigie_evidence::fuzzing::formats()
        .into_iter()
        .filter(|name| !EXCHANGE.contains(name) && !OTHERS.contains(name))
        .filter(|name| !shared(name) || name.starts_with("file_listing"))
        .collect()
}

/// Formats with a target of their own; those named `..._json` and `..._csv` share one parser each.
const OTHERS: [&str; 5] = ["evtx", "w3c", "httperr", "event_xml", "winlogbeat"];

/// Files of a pack, in the order in which the first byte of a `pack` input chooses one.
pub const PACK_FILES: [&str; 6] = [
    "pack.yaml",
    "builds.csv",
    "cves.yaml",
    "indicators.csv",
    "runbook.yaml",
    "product.yaml",
];

/// The file of this name of a pack that has all of [`PACK_FILES`], its product's included.
pub fn pack_file(name: &str) -> PathBuf {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packs");
    let own = packs.join("hafnium-2021").join(name);
    if own.is_file() {
        own
    } else {
        packs.join("products/exchange").join(name)
    }
}

/// Parses bytes as one format and checks the promises every parser makes.
pub fn parse(format: &str, bytes: &[u8]) {
    let limits = Limits::default();
    let mut rows = 0;
    let outcome = vigie_evidence::fuzzing::parse(format, bytes, &mut |batch| {
        assert!(
            batch.rows() <= limits.batch_rows,
            "a batch is larger than the cap"
        );
        rows += batch.rows() as u64;
        touch(&batch);
    });
    let outcome = outcome.unwrap_or_else(|| panic!("no format is called {format}"));
    assert_eq!(rows, outcome.records, "every row counted is handed over");
    assert!(outcome.first <= outcome.last, "times are in order");
    assert_eq!(outcome.first.is_some(), outcome.last.is_some());
    for skip in &outcome.skipped {
        assert!(!skip.why.is_empty(), "whatever is skipped has a reason");
    }
}

/// Looks at every value of a batch.
pub fn touch(batch: &EventBatch) {
    let mut bytes = 0;
    for row in 0..batch.rows() {
        let row = batch.row(row);
        bytes += row
            .fields()
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>();
        if let Some(time) = row.time() {
            bytes += vigie_event::format_utc(time).len();
        }
    }
    std::hint::black_box(bytes);
}
