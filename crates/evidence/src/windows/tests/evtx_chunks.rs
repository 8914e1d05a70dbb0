//! What a chunk says does not depend on the chunks before it, whatever is remembered of their templates; nor on whether a
//! record's template could be planned.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::evtx_builder::{self, CHUNK, Chunk, Given, HEADER, Part, data, element, leaf, null, text};
use super::{Parsed, corpora, files, parse};
use crate::windows::evtx::FORMAT;
use crate::windows::evtx::planned::STEP_BY_STEP;

type Rows = Vec<(u64, BTreeMap<String, String>)>;

/// By number of the record: its columns.
fn rows(parsed: &Parsed) -> Rows {
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
fn whole_and_apart(log: &[u8]) -> [Rows; 2] {
    let (header, chunks) = log.split_at(HEADER);
    let apart = chunks.chunks(CHUNK).flat_map(|chunk| {
        let alone = [header, chunk].concat();
        rows(&parse(&FORMAT, &alone))
    });
    [rows(&parse(&FORMAT, log)), apart.collect()]
}

/// An event of a channel, with the rest of it.
fn event_of(channel: &'static str, rest: Part) -> Part {
    let system = element(
        "System",
        vec![],
        vec![
            element("Provider", vec![("Name", Part::Text("Test"))], vec![]),
            element("EventID", vec![], vec![Part::Slot(0, false)]),
            element("Channel", vec![], vec![Part::Text(channel)]),
        ],
    );
    element("Event", vec![], vec![system, rest])
}

/// An event whose data has one name, of one of two channels of the same length.
fn event(channel: &'static str, name: &'static str) -> Part {
    event_of(channel, element("EventData", vec![], vec![data(name, 1)]))
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

/// The rows of a log by its plans, and step by step.
fn planned_and_step_by_step(log: &[u8]) -> [Rows; 2] {
    let planned = rows(&parse(&FORMAT, log));
    STEP_BY_STEP.set(true);
    let run = rows(&parse(&FORMAT, log));
    STEP_BY_STEP.set(false);
    [planned, run]
}

#[test]
fn every_real_log_reads_like_its_chunks_and_step_by_step() {
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
        let [planned, run] = planned_and_step_by_step(&log);
        assert!(planned == run, "{}", path.display());
        compared += whole.len();
    }
    assert!(compared > 1_000, "{compared} records compared");
}

/// Values that a record may give, of which the first are those of the system section.
fn given() -> impl Strategy<Value = Given> {
    let strings = |items: Vec<&'static str>| {
        let units = items
            .into_iter()
            .flat_map(|item| format!("{item}\0").encode_utf16().collect::<Vec<_>>());
        Given::Raw(0x81, units.flat_map(u16::to_le_bytes).collect())
    };
    prop_oneof![
        prop::sample::select(vec!["", "a", "é b", " ", "two\nlines"]).prop_map(text),
        Just(null()),
        prop::collection::vec(prop::sample::select(vec!["", "x", "yz"]), 0..4).prop_map(strings),
        (60..70usize).prop_map(move |count| strings(vec!["n"; count])),
        prop::collection::vec(any::<u32>(), 0..3)
            .prop_map(|items| Given::Raw(0x88, items.into_iter().flat_map(u32::to_le_bytes).collect())),
        any::<u16>().prop_map(|number| Given::Raw(0x06, number.to_le_bytes().to_vec())),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(|bytes| Given::Raw(0x0e, bytes)),
    ]
}

const FIRST: u16 = 2;

/// What may stand in `EventData`.
fn child() -> impl Strategy<Value = Part> {
    let slot = FIRST..FIRST + 4;
    let name = prop::sample::select(vec!["Path", "Data", "Data_1", "Channel", "path", "Level"]);
    prop_oneof![
        4 => (slot.clone(), any::<bool>()).prop_map(|(slot, optional)| element("Data", vec![], vec![Part::Slot(slot, optional)])),
        1 => Just(element("Data", vec![], vec![])),
        1 => Just(element("Data", vec![], vec![Part::Text("literal")])),
        2 => (name.clone(), slot.clone()).prop_map(|(name, slot)| data(name, slot)),
        2 => (name, slot.clone()).prop_map(|(name, slot)| leaf(name, slot)),
        1 => slot.prop_map(|slot| element("Data", vec![("Kind", Part::Slot(slot, true))], vec![Part::Slot(slot, false)])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn plans_say_what_steps_say(
        children in prop::collection::vec(child(), 0..6),
        is_nested in any::<bool>(),
        records in prop::collection::vec(prop::collection::vec(given(), 4), 1..4),
    ) {
        let own = element("EventData", vec![], children);
        let id = Given::Raw(0x06, 7u16.to_le_bytes().to_vec());
        let templates = match is_nested {
            true => vec![event_of("Test", Part::Slot(1, true)), own],
            false => vec![event_of("Test", own)],
        };
        let mut chunk = Chunk::new(&templates);
        for (number, values) in (1..).zip(records) {
            let padded = [vec![null(); usize::from(FIRST)], values].concat();
            let given = match is_nested {
                true => vec![id.clone(), Given::Nested(1, padded)],
                false => [vec![id.clone()], padded[1..].to_vec()].concat(),
            };
            chunk.record(number, 1, 0, &given);
        }
        let log = evtx_builder::file(&[chunk.finish()]);
        let [planned, run] = planned_and_step_by_step(&log);
        prop_assert_eq!(planned, run);
        // A column without a value would be taken for one that there is.
        for batch in parse(&FORMAT, &log).batches {
            let mut columns = batch.text_columns().map(|(_, column)| column);
            prop_assert!(columns.all(|column| column.iter().flatten().next().is_some()), "{:?}", batch);
        }
    }
}
