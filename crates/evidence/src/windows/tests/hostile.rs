//! Damaged and hostile input: nothing panics, nothing is lost without being counted, memory stays bounded.

use proptest::prelude::*;
use vigie_event::EventBatch;

use super::evtx_builder::{self, CHUNK, Chunk, Given, HEADER, Part, element};
use super::{parse, parse_with, recognise};
use crate::Limits;
use crate::format::{Context, Outcome};
use crate::windows::{FORMATS, csv, evtx, json, xml};

fn whys(outcome: &Outcome) -> Vec<&str> {
    outcome.skipped.iter().map(|skip| skip.why.as_str()).collect()
}

#[test]
fn a_chunk_without_its_signature_costs_only_itself() {
    let mut bytes = evtx_builder::log();
    let whole = parse(&evtx::FORMAT, &bytes).outcome.records;
    let alone = parse(
        &evtx::FORMAT,
        &[&bytes[..HEADER], &bytes[HEADER + CHUNK..HEADER + 2 * CHUNK]].concat(),
    );
    bytes[HEADER + CHUNK] = b'X';
    let damaged = parse(&evtx::FORMAT, &bytes);
    assert_eq!(damaged.outcome.records, whole - alone.outcome.records);
    let skip = &damaged.outcome.skipped[0];
    assert_eq!(
        (skip.why.as_str(), skip.bytes),
        ("chunk without its signature", CHUNK as u64)
    );
    assert_eq!(skip.first_at.as_deref(), Some("chunk 1"));
}

#[test]
fn a_wrong_checksum_is_told_and_the_records_read() {
    let mut bytes = evtx_builder::log();
    bytes.truncate(HEADER + CHUNK);
    bytes[120] &= !1;
    let whole = parse(&evtx::FORMAT, &bytes);
    assert_eq!(whole.outcome.skipped, []);
    bytes[HEADER + 52] ^= 1;
    let damaged = parse(&evtx::FORMAT, &bytes);
    assert_eq!(damaged.outcome.records, whole.outcome.records);
    assert!(whys(&damaged.outcome)[0].contains("chunk header's checksum"));
    bytes[HEADER + 52] ^= 1;
    bytes[HEADER + 600] ^= 1;
    let damaged = parse(&evtx::FORMAT, &bytes);
    assert!(whys(&damaged.outcome)[0].contains("checksum of a chunk's records"));
    // A log that was open when it was copied has such chunks by right.
    bytes[120] |= 1;
    assert_eq!(parse(&evtx::FORMAT, &bytes).outcome.skipped, []);
}

#[test]
fn unused_chunks_are_no_damage_and_a_cut_is_told() {
    let bytes = evtx_builder::log();
    let whole = parse(&evtx::FORMAT, &bytes);
    let padded = parse(&evtx::FORMAT, &[bytes.as_slice(), &[0; 2 * CHUNK]].concat());
    assert_eq!(
        (padded.outcome.records, padded.outcome.skipped.len()),
        (whole.outcome.records, 0)
    );

    let cut = parse(&evtx::FORMAT, &bytes[..HEADER + CHUNK + CHUNK / 2]);
    assert!(cut.outcome.records > 0 && cut.outcome.records < whole.outcome.records);
    assert_eq!(whys(&cut.outcome)[0], "the file ends in the middle of a chunk");
    assert_eq!(cut.outcome.skipped[0].first_at.as_deref(), Some("chunk 1"));
    let header = parse(&evtx::FORMAT, &bytes[..100]);
    assert_eq!(whys(&header.outcome), ["file shorter than an event log's header"]);
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_the_next_one_found() {
    let mut bytes = evtx_builder::log();
    let whole = parse(&evtx::FORMAT, &bytes).outcome.records;
    // The second record of the first chunk: its size becomes zero.
    let first = HEADER + 512;
    let size = u32::from_le_bytes(bytes[first + 4..first + 8].try_into().unwrap()) as usize;
    bytes[first + size + 4..first + size + 8].fill(0);
    let damaged = parse(&evtx::FORMAT, &bytes);
    assert_eq!(damaged.outcome.records, whole - 1);
    let at = damaged
        .outcome
        .skipped
        .iter()
        .find(|skip| skip.why.contains("between records"));
    assert_eq!(
        at.and_then(|skip| skip.first_at.clone()),
        Some(format!("chunk 0, byte {}", first + size))
    );
    // The first record's template token becomes one that is unknown.
    let mut bytes = evtx_builder::log();
    bytes[first + 24 + 4] = 0x7f;
    let damaged = parse(&evtx::FORMAT, &bytes);
    let skip = damaged
        .outcome
        .skipped
        .iter()
        .find(|skip| skip.records > 0)
        .unwrap();
    assert!(skip.why.starts_with("record that cannot be read"));
    assert!(skip.first_at.as_deref().unwrap().starts_with("record "));
    assert_eq!(damaged.outcome.records + skip.records, whole);
}

#[test]
fn lines_that_are_no_json_are_counted_with_their_number() {
    let event = r#"{"EventID":1,"Channel":"System","TimeCreated":"2021-03-03T06:49:46Z","X":"#;
    let mut text = String::new();
    for _ in 0..3 {
        text.push_str(&format!("{event}1}}\n"));
    }
    text.push_str("garbage\n{\"EventID\":}\n\n{\"a\":1}\n");
    text.push_str(&format!("{event}\"{}\"}}\n", "x".repeat(500)));
    text.push_str(&format!("{event}2}}\n{event}"));
    let limits = Limits {
        line_bytes: 300,
        ..Limits::default()
    };
    let parsed = parse_with(&json::FLAT, text.as_bytes(), &limits);
    assert_eq!(parsed.outcome.records, 4);
    let skipped: Vec<_> = parsed
        .outcome
        .skipped
        .iter()
        .map(|skip| (skip.why.as_str(), skip.records, skip.first_at.as_deref().unwrap()))
        .collect();
    assert_eq!(
        skipped,
        [
            ("line longer than 300 bytes", 1, "line 8"),
            ("line that is not a JSON object", 2, "line 4"),
            ("JSON object that is not an event", 1, "line 7"),
            ("JSON object that does not end", 1, "line 10"),
        ]
    );
}

/// Parses and says how many rows and columns the largest batch had.
fn sizes(format: &crate::format::Format, mut bytes: &[u8]) -> (Outcome, usize) {
    let (file, limits) = (super::file("x"), Limits::default());
    let context = Context::new(&file, &limits);
    let mut largest = 0;
    let outcome = (format.parse)(&mut bytes, &context, &mut |batch: EventBatch| {
        largest = largest.max(batch.rows() * batch.records().num_columns());
    });
    (outcome, largest)
}

#[test]
fn columns_without_end_do_not_multiply() {
    let mut text = String::new();
    for row in 0..3_000 {
        text.push_str(r#"{"EventID":1,"Channel":"System","TimeCreated":"2021-03-03T06:49:46Z""#);
        for column in 0..10 {
            text.push_str(&format!(",\"Name{row}x{column}\":\"{column}\""));
        }
        text.push_str("}\n");
    }
    let (outcome, largest) = sizes(&json::FLAT, text.as_bytes());
    assert_eq!(outcome.records, 3_000);
    assert!(largest < 600_000, "{largest} cells in one batch");
    assert!(whys(&outcome).iter().any(|why| why.contains("column _More")));
}

#[test]
fn event_types_without_end_do_not_pile_up() {
    let mut text = String::new();
    for row in 0..5_000 {
        text.push_str(&format!(
            "{{\"EventID\":{row},\"Channel\":\"System\",\"TimeCreated\":\"2021-03-03T06:49:46Z\"}}\n"
        ));
    }
    let parsed = parse(&json::FLAT, text.as_bytes());
    assert_eq!((parsed.outcome.records, parsed.batches.len()), (5_000, 5_000));
}

#[test]
fn a_quote_that_never_closes_ends_the_reading_and_is_told() {
    let mut text = String::from("TimeCreated,Id,ProviderName,LogName,MachineName,Message\n");
    text.push_str("2021-03-03T06:49:46Z,1,a,System,EX01,ok\n");
    text.push_str("2021-03-03T06:49:46Z,1,a,System,EX01,\"");
    text.push_str(&"x\n".repeat(2 << 20));
    let format = recognise("x.csv", text.as_bytes()).unwrap();
    let parsed = parse(format, text.as_bytes());
    assert_eq!(parsed.outcome.records, 1);
    assert!(whys(&parsed.outcome)[0].contains("a closing quote may be missing"));
}

#[test]
fn xml_that_is_damaged_costs_only_its_event() {
    let event = |id: &str| {
        format!(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>{id}</EventID>\
             <TimeCreated SystemTime='2021-03-03T06:50:01Z'/><Channel>System</Channel></System></Event>\n"
        )
    };
    let text = format!("{}{}{}<Event xmlns='", event("1"), event("<<2"), event("3"));
    let parsed = parse(&xml::FORMAT, text.as_bytes());
    assert_eq!(parsed.outcome.records, 2);
    let whys = whys(&parsed.outcome);
    assert!(whys[0].starts_with("event that is not well-formed XML"));
    assert_eq!(whys[1], "event cut off at the end of the file");
    assert_eq!(parsed.outcome.skipped[0].first_at.as_deref(), Some("line 2"));
}

#[test]
fn values_that_multiply_are_stopped() {
    // Each template places the next one's value eight times.
    let many = || (0..8).map(|_| Part::Slot(0, false)).collect();
    let templates: Vec<_> = (0..10).map(|_| element("Event", vec![], many())).collect();
    let mut value = evtx_builder::text("a value that would be written a thousand million times");
    for template in (1..10).rev() {
        value = Given::Nested(template, vec![value]);
    }
    let mut chunk = Chunk::new(&templates);
    for number in 1..20 {
        chunk.record(number, 1, 0, &[value.clone()]);
    }
    let parsed = parse(&evtx::FORMAT, &evtx_builder::file(&[chunk.finish()]));
    assert_eq!(parsed.outcome.records, 0);
    assert_eq!(
        parsed
            .outcome
            .skipped
            .iter()
            .map(|skip| skip.records)
            .sum::<u64>(),
        19
    );
    assert!(
        whys(&parsed.outcome)
            .iter()
            .all(|why| why.contains("more values than one"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_changed_log_panics(changes in proptest::collection::vec((0..12_000usize, any::<u8>()), 1..40)) {
        static LOG: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut bytes = LOG.get_or_init(evtx_builder::log)[..HEADER + CHUNK].to_vec();
        for (at, value) in changes {
            bytes[HEADER + at] = value;
        }
        parse(&evtx::FORMAT, &bytes);
    }

    #[test]
    fn no_text_panics(text in "[{}\\[\\]\",:a-zA-Z0-9.#@<>/&; \n\\\\-]{0,300}") {
        for format in FORMATS {
            parse(format, text.as_bytes());
        }
        recognise("x.json", text.as_bytes());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), mark in 0..4usize) {
        let mark: &[u8] = [&b""[..], b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"][mark];
        let bytes = [mark, &bytes].concat();
        for format in [&json::FLAT, &csv::FLAT, &xml::FORMAT, &evtx::FORMAT] {
            parse(format, &bytes);
        }
    }

    #[test]
    fn no_event_like_object_panics(
        keys in proptest::collection::vec(
            "(Event\\.|winlog\\.)?(System|EventData|UserData|event_data)\\.(Data\\[0\\]\\.)?[@#]?[A-Za-z.]{0,12}|EventID|Channel|Payload|TimeCreated|UtcTime",
            1..12,
        ),
        value in "\\PC{0,30}",
    ) {
        let object: serde_json::Map<_, _> = keys.into_iter().map(|key| (key, value.clone().into())).collect();
        let text = serde_json::Value::Object(object).to_string();
        parse(&json::FLAT, text.as_bytes());
    }
}
