//! What a chunk says does not depend on the chunks before it, whatever is remembered of their templates.

use std::collections::BTreeMap;

use super::evtx_builder::{self, CHUNK, Chunk, Given, HEADER, Part, data, element, text};
use super::{Parsed, corpora, files, parse};
use crate::windows::evtx::FORMAT;

/// By number of the record: its columns.
fn rows(parsed: &Parsed) -> Vec<(u64, BTreeMap<String, String>)> {
    let columns = |row: &vigie_event::RowRef<'_>| {
        let fields = row.fields();
        let fields = fields.filter(|(name, _)| *name != "_Offset");
        fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    parsed
        .rows()
        .iter()
        .map(|row| (row.record(), columns(row)))
        .collect()
}

/// The rows of a log, and those of its chunks, each a log of its own.
fn whole_and_apart(log: &[u8]) -> [Vec<(u64, BTreeMap<String, String>)>; 2] {
    let (header, chunks) = log.split_at(HEADER);
    let apart = chunks.chunks(CHUNK).flat_map(|chunk| {
        let alone = [header, chunk].concat();
        rows(&parse(&FORMAT, &alone))
    });
    [rows(&parse(&FORMAT, log)), apart.collect()]
}

/// An event whose data has one name, of one of two channels of the same length.
fn event(channel: &'static str, name: &'static str) -> Part {
    let system = element(
        "System",
        vec![],
        vec![
            element("Provider", vec![("Name", Part::Text("Test"))], vec![]),
            element("EventID", vec![], vec![Part::Slot(0, false)]),
            element("Channel", vec![], vec![Part::Text(channel)]),
        ],
    );
    element(
        "Event",
        vec![],
        vec![system, element("EventData", vec![], vec![data(name, 1)])],
    )
}

#[test]
fn a_template_with_the_identifier_of_another_is_not_taken_for_it() {
    let values = |value: &str| [Given::Raw(0x06, 7u16.to_le_bytes().to_vec()), text(value)];
    // The same identifier and size each time; in the second chunk it is elsewhere, in the others it says something else.
    let kinds = [
        (event("Left", "Path"), false),
        (event("Left", "Path"), true),
        (event("Left", "Name"), false),
        (event("Last", "Path"), true),
        (event("Left", "Path"), false),
    ];
    let mut number = 0;
    let chunks: Vec<_> = kinds
        .into_iter()
        .map(|(template, is_moved)| {
            let templates = [template, event("Else", "Moved")];
            let mut chunk = Chunk::new(&templates);
            if is_moved {
                number += 1;
                chunk.record(number, 1, 1, &values("moves what comes after it"));
            }
            for value in ["one", "two"] {
                number += 1;
                chunk.record(number, 1, 0, &values(value));
            }
            chunk.finish()
        })
        .collect();
    let [whole, apart] = whole_and_apart(&evtx_builder::file(&chunks));
    assert_eq!(whole, apart);
    assert_eq!(whole.len(), 12);
    let named = |name: &str, value: &str| {
        whole
            .iter()
            .filter(|(_, row)| row.get(name).is_some_and(|is| is == value))
            .count()
    };
    assert_eq!(
        (
            named("Channel", "Last"),
            named("Name", "one"),
            named("Path", "two")
        ),
        (2, 1, 4)
    );
}

#[test]
fn every_real_log_reads_like_its_chunks() {
    let Some(corpora) = corpora() else { return };
    let mut compared = 0;
    for path in files(&corpora, "evtx") {
        let log = std::fs::read(&path).unwrap();
        // A log of one chunk has nothing to remember; the largest ones only take long.
        if !(HEADER + 2 * CHUNK..4 << 20).contains(&log.len()) {
            continue;
        }
        let [whole, apart] = whole_and_apart(&log);
        assert!(whole == apart, "{}", path.display());
        compared += whole.len();
    }
    assert!(compared > 1_000, "{compared} records compared");
}
