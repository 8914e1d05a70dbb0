//! One small sample of each shape, against what should come out of it.

use std::fmt::Write;
use std::path::Path;

use vigie_event::format_utc;

use super::{Parsed, parse, recognise};

fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples/windows")
        .join(name);
    std::fs::read(path).unwrap()
}

/// The format, every row in the order of the file, and what was said about the file.
fn golden(format: &str, parsed: &Parsed) -> String {
    let mut text = format!("format {format}\n");
    for row in parsed.rows() {
        let batch = row.batch();
        let _ = write!(
            text,
            "\n{} {} {}:{}",
            row.time().map_or_else(|| "-".to_owned(), format_utc),
            batch.table(),
            row.record(),
            batch.offset(row.index()),
        );
        if let Some(event) = batch.event_type() {
            let _ = write!(
                text,
                " [{} / {} / {}]",
                event.channel, event.provider, event.event_id
            );
        }
        text.push('\n');
        for (name, value) in row.fields() {
            let _ = writeln!(text, "  {name} = {value:?}");
        }
    }
    text.push('\n');
    let outcome = &parsed.outcome;
    let hosts: Vec<_> = outcome
        .hosts
        .iter()
        .map(|(host, rows, field)| format!("{host} x{rows} ({field})"))
        .collect();
    let _ = writeln!(text, "hosts {}", hosts.join(", "));
    for skip in &outcome.skipped {
        let at = skip.first_at.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "skipped {} records, {} bytes at {at}: {}",
            skip.records, skip.bytes, skip.why
        );
    }
    for observation in &outcome.observations {
        let _ = writeln!(text, "{}: {}", observation.kind, observation.value);
    }
    for clock in &outcome.clock {
        let _ = writeln!(
            text,
            "clock {} min, {} rows, {}",
            clock.applied_micros / 60_000_000,
            clock.rows,
            clock.between
        );
    }
    text
}

#[test]
fn samples_read_as_their_golden_files_say() {
    for name in [
        "evtx_dump.jsonl",
        "evtx_dump_records.txt",
        "xml_to_json.json",
        "nxlog.json",
        "winlogbeat.ndjson",
        "evtxecmd.json",
        "evtxecmd.csv",
        "velociraptor.json",
        "powershell.json",
        "get_winevent.csv",
        "splunk_wineventlog.txt",
        "sentinel.json",
        "advanced_hunting.json",
        "advanced_hunting.csv",
        "w3ciislog.json",
        "w3ciislog.csv",
        "http_proxy.json",
        "events.xml",
    ] {
        let bytes = sample(name);
        let format = recognise(name, &bytes).unwrap_or_else(|| panic!("{name} is not recognised"));
        let parsed = parse(format, &bytes);
        for batch in &parsed.batches {
            assert_eq!(batch.file(), vigie_event::FileId(7));
        }
        insta::assert_snapshot!(name, golden(format.name, &parsed));
    }
}

#[test]
fn an_event_log_reads_as_its_golden_file_says() {
    let mut bytes = super::evtx_builder::log();
    bytes.truncate(super::evtx_builder::HEADER + super::evtx_builder::CHUNK);
    let format = recognise("Security.evtx", &bytes).unwrap();
    let limits = crate::Limits {
        batch_rows: 5,
        ..crate::Limits::default()
    };
    let parsed = super::parse_with(format, &bytes, &limits);
    assert!(parsed.batches.iter().all(|batch| batch.rows() <= 5));
    // The first of each kind; the others only have other numbers.
    let text = golden(format.name, &parsed);
    let first: Vec<_> = text.split("\n\n").take(6).collect();
    insta::assert_snapshot!("evtx", first.join("\n\n"));
}

#[test]
fn what_is_no_event_is_left_to_other_formats() {
    for (name, text) in [
        (
            "HealthChecker-EX01.json",
            r#"{"Results":[{"Name":"Exchange","Value":1}]}"#,
        ),
        (
            "advisory.json",
            r#"{"document":{"category":"csaf_vex","title":"x"}}"#,
        ),
        ("package.json", r#"{"name":"x","version":"1.0.0"}"#),
        ("list.json", r#"["EventID","Channel"]"#),
        ("empty.json", ""),
        (
            "HttpProxy_2021030306-1.LOG",
            "DateTime,RequestId,UrlStem,AnchorMailbox\n#Software: x\n",
        ),
        ("names.csv", "EventID,b,c,d\n1,2,3,4\n"),
        ("web.config", "<configuration><Event/></configuration>"),
    ] {
        assert_eq!(
            recognise(name, text.as_bytes()).map(|format| format.name),
            None,
            "{name}"
        );
    }
}

#[test]
fn real_files_of_other_kinds_are_left_to_other_formats() {
    let Some(root) = super::corpora() else { return };
    let ours = [
        "iis-xml-logs",
        "evtx-",
        "otrf-",
        "sigma/",
        "windows-logs",
        "windows-bf",
    ];
    for extension in ["json", "csv", "log", "xml", "txt", "yml", "md", "config"] {
        for path in super::files(&root, extension) {
            let shown = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if ours.iter().any(|known| shown.contains(known)) {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(
                recognise(&shown, &bytes).map(|format| format.name),
                None,
                "{shown}"
            );
        }
    }
}

/// Prints how fast JSON lines are read on one thread. Run it in release mode with the path of a log in
/// `VIGIE_BIG_JSON`.
#[test]
#[ignore = "a measurement"]
fn throughput() {
    let Some(path) = std::env::var_os("VIGIE_BIG_JSON") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let format = recognise("big.json", &bytes).unwrap();
    let start = std::time::Instant::now();
    let parsed = parse(format, &bytes);
    let seconds = start.elapsed().as_secs_f64();
    let rate = bytes.len() as f64 / 1e6 / seconds;
    println!(
        "{}: {} records, {rate:.0} MB/s",
        format.name, parsed.outcome.records
    );
}
