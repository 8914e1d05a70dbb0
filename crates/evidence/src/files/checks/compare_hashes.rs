//! CompareExchangeHashes.ps1: `<version>_result.csv`, the files of web folders that no baseline knows.
//!
//! Source: microsoft/CSS-Exchange, release v21.04.15.1409. `Error` is `KnownBadHash`, `NoHashMatch`, `Suspicious` or
//! `ReadError`. A missing baseline makes every file a `NoHashMatch`, so that alone means nothing.

use std::io::Read;

use vigie_event::{EventBatch, Source, parse_utc};

use crate::files::inventory::Entry;
use crate::files::rows::Rows;
use crate::files::table::{self, Table};
use crate::format::{Confidence, Context, Format, Head, Outcome};

/// The result of CompareExchangeHashes.
pub(crate) static FORMAT: Format = Format {
    name: "compare_exchange_hashes",
    source: Source::CheckResult,
    recognise,
    parse,
};

const CHECK: &str = "CompareExchangeHashes";

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let header = table::header_of(head)?;
    let columns = ["FileName", "VDir", "Error", "FilePath", "FileHash"];
    table::has(&header, &columns).then_some(Confidence::Certain)
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::CheckResult, context, sink);
    let mut table = Table::open(input, context.limits.line_bytes, &mut rows.outcome);
    let mut counts: [(&str, u64); 4] = [
        ("KnownBadHash", 0),
        ("Suspicious", 0),
        ("NoHashMatch", 0),
        ("ReadError", 0),
    ];
    while let Some(place) = table.next(&mut rows.outcome) {
        let verdict = table.get("Error");
        if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == verdict) {
            *count += 1;
        }
        let result = match verdict {
            "KnownBadHash" | "Suspicious" => "hit",
            _ => "info",
        };
        let hash = table.get("FileHash");
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let entry = Entry {
            path: table.get("FilePath"),
            created: parse_utc(table.get("CreationTimeUtc")),
            modified: parse_utc(table.get("LastWriteTimeUtc")),
            sha256: if is_hash { hash } else { "" },
            ..Entry::default()
        };
        let columns = entry.columns();
        let columns = || columns.iter().map(|(name, value)| (*name, value.as_str()));
        let own = [
            ("Check", CHECK),
            ("Result", result),
            ("Verdict", verdict),
            ("VDir", table.get("VDir")),
        ];
        let time = entry.modified;
        rows.row(time, place.line, place.offset, own.into_iter().chain(columns()));
        let origin = [("ListedBy", CHECK)];
        rows.row_of(
            Source::FileInventory,
            time,
            place.line,
            place.offset,
            columns().chain(origin),
        );
    }
    rows.decoded(table.text());
    let time = context.file.modified;
    rows.observe("check_run", CHECK, time, 1);
    for (verdict, count) in counts.iter().filter(|(_, count)| *count > 0) {
        rows.observe("check_result", &format!("{CHECK}: {count} {verdict}"), time, 1);
    }
    rows.finish()
}
