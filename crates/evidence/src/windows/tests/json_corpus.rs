//! JSON and XML logs of the corpora.

use std::collections::BTreeSet;

use vigie_event::{MICROS_PER_SECOND, RowRef, parse_utc};

use super::{corpora, files, parse, recognise};
use crate::windows::evtx;

const HOUR: i64 = 3_600 * MICROS_PER_SECOND;

#[test]
fn every_line_of_the_otrf_logs_is_a_row_at_its_true_time() {
    let Some(root) = corpora() else { return };
    for path in files(&root.join("otrf-json"), "json") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let format = recognise(&name, &bytes).unwrap();
        assert_eq!(format.name, "windows_json", "{name}");
        let parsed = parse(format, &bytes);
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty());
        assert_eq!(parsed.outcome.records, lines.count() as u64, "{name}");
        assert_eq!(parsed.outcome.skipped, [], "{name}");
        assert!(!parsed.outcome.hosts.is_empty(), "{name}");

        let rows = parsed.rows();
        let own = |row: &RowRef<'_>| row.get("UtcTime").and_then(parse_utc);
        let sysmon: Vec<_> = rows
            .iter()
            .filter_map(|row| Some((row.time()?, own(row)?)))
            .collect();
        assert!(sysmon.len() > 10, "{name}");
        for (time, own) in &sysmon {
            assert!(
                (time - own).abs() < 10 * MICROS_PER_SECOND,
                "{name}: {time} against {own}"
            );
        }
        let first = sysmon.iter().map(|(_, own)| *own).min().unwrap();
        let last = sysmon.iter().map(|(_, own)| *own).max().unwrap();
        for row in &rows {
            let time = row.time().unwrap();
            assert!(
                (first - HOUR / 4..=last + HOUR / 4).contains(&time),
                "{name} line {}",
                row.record()
            );
        }
        let offsets: Vec<_> = parsed
            .outcome
            .clock
            .iter()
            .map(|clock| clock.applied_micros / HOUR)
            .collect();
        let between: Vec<_> = parsed
            .outcome
            .clock
            .iter()
            .map(|clock| clock.between.as_str())
            .collect();
        println!("{name}: {offsets:?} {between:?}");
        assert!(!offsets.is_empty() && !offsets.contains(&0), "{name}");
    }
}

/// Column names without case.
fn names(row: &RowRef<'_>) -> BTreeSet<String> {
    row.fields()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect()
}

#[test]
fn the_json_twins_of_the_sigma_logs_have_the_columns_of_their_evtx() {
    let Some(root) = corpora() else { return };
    let mut compared = 0;
    for path in files(&root.join("sigma/regression"), "json") {
        let json = std::fs::read(&path).unwrap();
        let format = recognise("event.json", &json).unwrap();
        assert_eq!(format.name, "evtx_dump_json", "{}", path.display());
        let ours = parse(format, &json);
        assert_eq!(ours.outcome.skipped, [], "{}", path.display());
        let Ok(evtx) = std::fs::read(path.with_extension("evtx")) else {
            continue;
        };
        let theirs = parse(&evtx::FORMAT, &evtx);
        let (ours, theirs) = (ours.rows(), theirs.rows());
        if ours.len() != theirs.len() {
            continue;
        }
        for (ours, theirs) in ours.iter().zip(&theirs) {
            compared += 1;
            assert_eq!(names(ours), names(theirs), "{}", path.display());
            let micros = |row: &RowRef<'_>| row.time().unwrap() / 1_000;
            assert_eq!(micros(ours), micros(theirs));
            assert_eq!(
                ours.batch().event_type(),
                theirs.batch().event_type(),
                "{}",
                path.display()
            );
            for field in [
                "Image",
                "CommandLine",
                "TargetFilename",
                "Computer",
                "EventRecordID",
                "Keywords",
                "Level",
            ] {
                // Whoever wrote the twins took blanks off the end of some values.
                let (ours, theirs) = (ours.get(field).map(str::trim), theirs.get(field).map(str::trim));
                assert_eq!(ours, theirs, "{field} of {}", path.display());
            }
        }
    }
    assert!(compared > 80, "{compared}");
}

#[test]
fn xml_one_event_a_line_is_read() {
    let Some(root) = corpora() else { return };
    for folder in ["windows-logs", "windows-bf"] {
        let path = root.join(format!("crowdsec-hub-tests/.tests/{folder}/{folder}.log"));
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let format = recognise("windows.log", &bytes).unwrap();
        assert_eq!(format.name, "event_xml");
        let parsed = parse(format, &bytes);
        let events = bytes.windows(8).filter(|part| part == b"</Event>").count();
        assert_eq!(parsed.outcome.records, events as u64);
        assert_eq!(parsed.outcome.skipped, []);
        let rows = parsed.rows();
        assert_eq!(rows[0].batch().table(), "SecurityEvent");
        assert_eq!(rows[0].get("EventID"), Some("4625"));
        assert!(rows[0].get("IpAddress").is_some() && rows[0].time().is_some());
        assert_eq!(parsed.outcome.hosts[0].0, "exchange-1.mydomain.test");
    }
}
