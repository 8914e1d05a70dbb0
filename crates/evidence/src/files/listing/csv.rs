//! Lists as CSV: MFTECmd's output for `$MFT` and for the change journal `$J`, Velociraptor's
//! `Windows.Search.FileFinder` and `Windows.NTFS.MFT`, `Get-ChildItem` and `Get-FileHash` with `Export-Csv`.

use std::io::Read;

use vigie_event::{EventBatch, Source};

use super::{Listed, absolute, utc};
use crate::files::rows::Rows;
use crate::files::table::{self, Table};
use crate::format::{Confidence, Context, Format, Outcome};

/// Lists of files as CSV.
pub(crate) static FORMAT: Format = Format {
    name: "file_listing_csv",
    source: Source::FileInventory,
    recognise: |head| by_columns(&table::header_of(head)?).map(|(_, confidence)| confidence),
    parse,
};

/// The list of changes the file system keeps: names of files that are gone.
const JOURNAL: &str = "MFTECmd $J";

/// Who wrote a list with these columns.
fn by_columns(header: &[String]) -> Option<(&'static str, Confidence)> {
    let has = |columns: &[&str]| table::has(header, columns);
    if has(&["EntryNumber", "ParentPath", "FileName", "Created0x10"]) {
        Some(("MFTECmd", Confidence::Certain))
    } else if has(&["Name", "ParentPath", "UpdateTimestamp", "UpdateReasons"]) {
        Some((JOURNAL, Confidence::Certain))
    } else if has(&["OSPath", "Created0x10"]) || has(&["FullPath", "Created0x10", "InUse"]) {
        Some(("Velociraptor Windows.NTFS.MFT", Confidence::Certain))
    } else if (has(&["OSPath"]) || has(&["FullPath"])) && has(&["Size", "MTime"]) {
        Some(("Velociraptor", Confidence::Content))
    } else if has(&["FullName", "Length"])
        && (has(&["LastWriteTimeUtc"]) || has(&["LastWriteTime"]) || has(&["CreationTimeUtc"]))
    {
        Some(("Get-ChildItem", Confidence::Content))
    } else if header.len() <= 5 && has(&["Algorithm", "Hash", "Path"]) {
        Some(("Get-FileHash", Confidence::Content))
    } else {
        None
    }
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::FileInventory, context, sink);
    let mut table = Table::open(input, context.limits.line_bytes, &mut rows.outcome);
    let by = by_columns(table.header()).map_or("list of files", |(by, _)| by);
    while let Some(place) = table.next(&mut rows.outcome) {
        if !table.get("PSComputerName").is_empty() {
            rows.outcome.host(table.get("PSComputerName"), "PSComputerName");
        }
        if by == JOURNAL {
            change(&table).emit(by, place, &mut rows);
            continue;
        }
        let hashes = Hashes::of(&table);
        let Some(listed) = Listed::from_columns(|name| hashes.get(name).unwrap_or_else(|| table.get(name)))
        else {
            continue;
        };
        listed.emit(by, place, &mut rows);
    }
    rows.decoded(table.text());
    rows.finish()
}

/// One change of one file: its time is the change's, not the file's.
fn change(table: &Table<'_>) -> Listed {
    let reasons = table.get("UpdateReasons");
    let is_deleted = reasons.contains("FileDelete");
    Listed {
        path: absolute(&format!("{}\\{}", table.get("ParentPath"), table.get("Name"))),
        changed: utc(table.get("UpdateTimestamp")),
        in_use: if is_deleted { "false" } else { "" }.to_owned(),
        reasons: reasons.to_owned(),
        ..Listed::default()
    }
}

/// Hashes that stand in one column: Velociraptor's `Hash` as JSON, and `Get-FileHash` with its algorithm beside.
#[derive(Default)]
struct Hashes {
    values: Vec<(String, String)>,
}

impl Hashes {
    fn of(table: &Table<'_>) -> Hashes {
        let (algorithm, hash) = (table.get("Algorithm"), table.get("Hash"));
        if !algorithm.is_empty() {
            return Hashes {
                values: vec![(algorithm.to_owned(), hash.to_owned())],
            };
        }
        if !hash.starts_with('{') {
            return Hashes::default();
        }
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(hash).unwrap_or_default();
        let values = object
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
            .collect();
        Hashes { values }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .values
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}
