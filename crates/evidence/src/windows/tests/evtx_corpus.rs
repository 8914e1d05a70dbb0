//! The EVTX parser against the `evtx` crate's JSON, on a log made up for it and on every real one there is.

use std::collections::BTreeMap;

use evtx::EvtxParser;
use serde_json::Value;

use super::{corpora, evtx_builder, files, parse};
use crate::windows::evtx::FORMAT;

/// Column names and values, names in lower case.
type Columns = BTreeMap<String, String>;

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The columns a record should have, from its JSON.
fn expected(record: &Value) -> Columns {
    let mut system = Vec::new();
    let mut data = Vec::new();
    let mut unnamed = Vec::new();
    let event = record["Event"].as_object().expect("an Event");
    for (name, section) in event {
        match name.as_str() {
            "#attributes" => {}
            "System" => system_columns(section, &mut system),
            "RenderingInfo" => {}
            _ => leaves(name, section, true, &mut data, &mut unnamed),
        }
    }
    let mut columns = Columns::new();
    if !unnamed.is_empty() {
        columns.insert("data".to_owned(), unnamed.join("\n"));
        for (index, value) in unnamed
            .iter()
            .enumerate()
            .take(64)
            .filter(|(_, value)| !value.is_empty())
        {
            columns.insert(format!("data_{}", index + 1), value.clone());
        }
    }
    for (name, value) in data {
        let mut free = name.to_ascii_lowercase();
        let mut number = 0;
        while columns.contains_key(&free) {
            number += 1;
            free = format!("{}_{number}", name.to_ascii_lowercase());
        }
        columns.insert(free, value);
    }
    for (name, value) in system {
        let name = name.to_ascii_lowercase();
        if columns.contains_key(&name) {
            columns.insert(format!("system_{name}"), value);
        } else {
            columns.insert(name, value);
        }
    }
    columns
}

fn system_columns(section: &Value, columns: &mut Vec<(String, String)>) {
    for (element, value) in section.as_object().expect("System is an object") {
        if let Some(attributes) = value.get("#attributes").and_then(Value::as_object) {
            for (attribute, value) in attributes {
                let name = match (element.as_str(), attribute.as_str()) {
                    ("TimeCreated", "SystemTime") => continue,
                    ("Provider", "EventSourceName") => "EventSourceName".to_owned(),
                    ("EventID", "Qualifiers") => "Qualifiers".to_owned(),
                    ("Security", "UserID") => "UserID".to_owned(),
                    _ => format!("{element}_{attribute}"),
                };
                if let Some(value) = text(value).filter(|value| !value.is_empty()) {
                    columns.push((name, value));
                }
            }
        }
        let value = if value.is_object() { &value["#text"] } else { value };
        if let Some(value) = text(value).filter(|value| !value.is_empty()) {
            columns.push((element.clone(), value));
        }
    }
}

fn leaves(
    name: &str,
    value: &Value,
    is_container: bool,
    columns: &mut Vec<(String, String)>,
    unnamed: &mut Vec<String>,
) {
    match value {
        Value::Object(children) => {
            for (child, value) in children {
                match child.as_str() {
                    "#attributes" => {
                        for (attribute, value) in value.as_object().expect("attributes") {
                            if attribute != "xmlns"
                                && let Some(value) = text(value).filter(|value| !value.is_empty())
                            {
                                columns.push((format!("{name}_{attribute}"), value));
                            }
                        }
                    }
                    "#text" => leaves(name, value, false, columns, unnamed),
                    _ => leaves(child, value, false, columns, unnamed),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                leaves(name, item, false, columns, unnamed);
            }
        }
        value if name == "Data" => unnamed.push(text(value).unwrap_or_default()),
        value if !is_container => {
            if let Some(value) = text(value) {
                columns.push((name.to_owned(), value));
            }
        }
        _ => {}
    }
}

/// Compares all records of a log; gives back how many there were, and what differs.
fn compare(name: &str, bytes: &[u8], differences: &mut Vec<String>) -> usize {
    let parsed = parse(&FORMAT, bytes);
    let mut rows = parsed.rows();
    rows.sort_by_key(|row| row.record());
    let mut theirs = EvtxParser::from_buffer(bytes.to_vec()).unwrap();
    let mut theirs: Vec<_> = theirs.records_json_value().filter_map(Result::ok).collect();
    theirs.sort_by_key(|record| record.event_record_id);
    assert_eq!(rows.len(), theirs.len(), "{name}");
    for (row, record) in rows.iter().zip(&theirs) {
        assert_eq!(row.record(), record.event_record_id);
        let columns: Columns = row
            .fields()
            .filter(|(name, _)| !name.starts_with("RenderingInfo_"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let expected = expected(&record.data);
        let time = &record.data["Event"]["System"]["TimeCreated"]["#attributes"]["SystemTime"];
        // A record that does not say its time has the one in its header.
        let time = time.as_str().and_then(vigie_event::parse_utc);
        assert_eq!(row.time(), time.or(Some(record.timestamp.as_microsecond())));
        if columns != expected && differences.len() < 20 {
            let mine: Vec<_> = columns
                .iter()
                .filter(|(k, v)| expected.get(*k) != Some(v))
                .collect();
            let their: Vec<_> = expected
                .iter()
                .filter(|(k, v)| columns.get(*k) != Some(v))
                .collect();
            differences.push(format!("{name} {}: {mine:?} against {their:?}", row.record()));
        }
    }
    rows.len()
}

#[test]
fn a_made_up_log_reads_like_evtx_dump() {
    let mut differences = Vec::new();
    assert_eq!(compare("made up", &evtx_builder::log(), &mut differences), 60);
    // A list under one name is one value here, one item a line; `evtx_dump` numbers the items.
    let list = r#"[("addresses", "1\n2")] against [("addresses", "1"), ("addresses_1", "2")]"#;
    assert_eq!(differences.len(), 12);
    for difference in differences {
        assert!(difference.ends_with(list), "{difference}");
    }
}

#[test]
fn every_real_log_reads_like_evtx_dump() {
    let Some(root) = corpora() else { return };
    let (mut records, mut differences) = (0, Vec::new());
    for path in files(&root, "evtx") {
        let bytes = std::fs::read(&path).unwrap();
        records += compare(&path.to_string_lossy(), &bytes, &mut differences);
    }
    println!("{records} records compared");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Prints how fast a large log is read, all columns, on one thread. Run it in release mode with the path of a log in
/// `VIGIE_BIG_EVTX`.
#[test]
#[ignore = "a measurement"]
fn throughput() {
    let Some(path) = std::env::var_os("VIGIE_BIG_EVTX") else {
        return;
    };
    let mut file = std::fs::File::open(path).unwrap();
    let bytes = file.metadata().unwrap().len();
    let (of, limits) = (super::file("big"), crate::Limits::default());
    let context = crate::format::Context::new(&of, &limits);
    let start = std::time::Instant::now();
    let outcome = (FORMAT.parse)(&mut file, &context, &mut |_| {});
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} records, {:.0} MB/s, {:.0} records/s",
        outcome.records,
        bytes as f64 / 1e6 / seconds,
        outcome.records as f64 / seconds
    );
}
