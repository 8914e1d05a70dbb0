//! The outputs for terminals and machines.

#![allow(clippy::unwrap_used)]

use vigie_hunt::message::{Code, Parameter};
use vigie_hunt::{Message, SkipEntry};
use vigie_report::{Lang, csv, html, json, jsonl, table};

mod sample;

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn table_in_english() {
    insta::assert_snapshot!(table(&sample::sample(), Lang::En, 100, false));
}

#[test]
fn table_in_french() {
    insta::assert_snapshot!(table(&sample::sample(), Lang::Fr, 100, false));
}

#[test]
fn csv_in_english() {
    insta::assert_snapshot!(written(|out| csv(&sample::sample(), Lang::En, out)));
}

#[test]
fn csv_in_french_translates_statements_only() {
    let result = sample::sample();
    let en = written(|out| csv(&result, Lang::En, out));
    let fr = written(|out| csv(&result, Lang::Fr, out));
    assert_eq!(en.lines().next(), fr.lines().next());
    assert_eq!(en.lines().count(), fr.lines().count());
    assert!(fr.contains("Le serveur a été sondé 212 fois"));
    assert!(fr.contains("compromised"));
}

#[test]
fn jsonl_lines() {
    insta::assert_snapshot!(written(|out| jsonl(&sample::sample(), out)));
}

#[test]
fn every_json_line_says_what_it_is() {
    let result = sample::busy(100);
    let lines = written(|out| jsonl(&result, out));
    let mut findings = 0;
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = value["type"].as_str().unwrap();
        assert!(
            [
                "meta",
                "host",
                "finding",
                "storyline",
                "suppression",
                "file",
                "warning",
            ]
            .contains(&kind)
        );
        findings += u32::from(kind == "finding");
    }
    assert_eq!(findings, 100);
}

#[test]
fn json_is_the_model_itself() {
    let result = sample::hostile();
    let read: serde_json::Value = serde_json::from_str(&written(|out| json(&result, out))).unwrap();
    assert_eq!(
        read["hosts"][0]["findings"][0]["excerpt"],
        serde_json::Value::Null
    );
    assert_eq!(
        read["hosts"][0]["findings"][0]["evidence"][0]["excerpt"]
            .as_str()
            .unwrap()
            .len(),
        200_000 + sample::HOSTILE.len()
    );
    assert_eq!(read["schema_version"], vigie_hunt::SCHEMA_VERSION);
}

#[test]
fn csv_has_one_row_per_finding_and_one_for_each_server_without() {
    let rows = written(|out| csv(&sample::sample(), Lang::En, out));
    // The last one is a suppression.
    assert_eq!(rows.lines().count(), 1 + 6 + 1 + 3 + 1 + 1 + 1);
    assert_eq!(
        written(|out| csv(&sample::empty(), Lang::En, out))
            .lines()
            .count(),
        1
    );
}

#[test]
fn hostile_text_stays_in_its_cell_and_runs_nowhere() {
    let rows = written(|out| csv(&sample::hostile(), Lang::Fr, out));
    assert_eq!(rows.lines().count(), 14, "no cell breaks its line");
    assert!(!rows.contains(['\u{1b}', '\u{202e}', '\0']));
    for colour in [false, true] {
        let shown = table(&sample::hostile(), Lang::En, 80, colour);
        assert!(!shown.contains(['\u{202e}', '\0', '\r']));
        assert_eq!(shown.contains('\u{1b}'), colour);
        assert!(!shown.contains("\u{1b}[31m"), "no colour an intruder chose");
        assert!(shown.len() < 200_000, "{} bytes", shown.len());
    }
}

#[test]
fn table_keeps_to_its_width() {
    for result in [
        sample::sample(),
        sample::hostile(),
        sample::busy(500),
        sample::empty(),
    ] {
        for columns in [40, 72, 200] {
            for lang in [Lang::En, Lang::Fr] {
                for line in table(&result, lang, columns, false).lines() {
                    assert!(line.chars().count() <= columns, "{columns}: {line}");
                }
            }
        }
    }
}

#[test]
fn table_ends_with_what_to_do() {
    let last = |result, lang| {
        table(&result, lang, 2_000, false)
            .lines()
            .last()
            .map(str::to_owned)
            .unwrap()
    };
    assert!(
        last(sample::sample(), Lang::En)
            .starts_with("Next, compromised (Acme Health / EX01): Treat as an incident")
    );
    assert!(last(sample::empty(), Lang::En).starts_with("Next: give Vigie evidence"));
    assert!(last(sample::sample(), Lang::Fr).starts_with("Ensuite, compromis (Acme Health / EX01)"));
}

#[test]
fn table_tells_of_an_interrupted_run_and_of_what_it_leaves_out() {
    let mut result = sample::busy(5_000);
    result.stats.interrupted = true;
    let shown = table(&result, Lang::En, 120, false);
    assert!(shown.contains("stopped before its end"));
    assert!(shown.contains("4,984 more findings in the JSON output"));
}

#[test]
fn worst_comes_first_whatever_the_order_given() {
    let mut result = sample::sample();
    result.hosts.reverse();
    let shown = table(&result, Lang::En, 100, false);
    let at = |word: &str| shown.find(word).unwrap();
    assert!(at("COMPROMISED  ") < at("SUSPECTED  "));
    assert!(at("ATTEMPTED  ") < at("UNKNOWN  "));
    assert!(at("UNKNOWN  ") < at("NO EVIDENCE FOUND  "));
}

/// What a reader of French sees of each thing that can be said: none of it is a sentence in English.
#[test]
fn every_warning_and_every_reason_in_a_french_report() {
    let every = || {
        Code::ALL.iter().map(|&code| {
            let inner = Message::from(Code::DirectoryEmpty);
            Message::new(
                code,
                [
                    ("text", "as somebody said".into()),
                    ("cause", "as the system says".into()),
                    ("what", "a token".into()),
                    ("advice", "unpack it and give the folder".into()),
                    ("path", "EX01/u_ex210302.log".into()),
                    ("said", inner.clone().into()),
                    ("damage", inner.into()),
                    ("count", 2_u64.into()),
                    ("of", 9_u64.into()),
                    ("most", 5_000_u64.into()),
                    ("bytes", 65_536_u64.into()),
                    ("claimed", 12_u64.into()),
                    ("declared", 3_u64.into()),
                    ("size", 100_000_u64.into()),
                    ("packed", 10_u64.into()),
                    ("before", 1_u64.into()),
                    ("after", 2_u64.into()),
                    ("rows", 7_u64.into()),
                    ("used", 4_u64.into()),
                    ("refused", 1_u64.into()),
                    ("packs", 2_u64.into()),
                    ("hours", Parameter::Hours(1.0)),
                    ("between", "EventTime against UtcTime".into()),
                    ("method", "LZMA".into()),
                    ("entry", "logs/a.log".into()),
                    ("kind", "ipv4".into()),
                    ("value", "999.1.1.1".into()),
                    ("pick", "product=mac".into()),
                    ("rule", "Web shell".into()),
                    ("until", "2021-06-30".into()),
                    ("key", "expires".into()),
                    ("keys", "rule, reason".into()),
                    ("stray", "WIN-7A".into()),
                    ("host", "EX01".into()),
                ],
            )
        })
    };
    let all: Vec<Message> = every().collect();
    let (mut tables, mut pages) = (String::new(), String::new());
    // An output shows the first few and counts the rest.
    for some in all.chunks(10) {
        let mut result = sample::sample();
        result.warnings = some.to_vec();
        result.manifest.truncate(1);
        let skips = some.iter().map(|why| SkipEntry {
            why: why.clone(),
            records: 1,
            bytes: 10,
            first_at: Some("record 12 (chunk 3, byte 4096)".into()),
        });
        result.manifest[0].skipped = skips.collect();
        let shown = table(&result, Lang::Fr, 160, false);
        let notes = shown
            .lines()
            .skip_while(|line| *line != "Ce qui n’a pas pu être vu");
        tables += &notes
            .take_while(|line| !line.starts_with("À faire"))
            .map(|line| format!("{line}\n"))
            .collect::<String>();
        pages += &written(|out| html(&result, Lang::Fr, out));
    }
    for message in &all {
        let french = message.french();
        let ours = french
            .replace("as somebody said", "")
            .replace("as the system says", "");
        let words = [" the ", " that ", " were ", " read", " which ", " not "];
        assert!(!words.iter().any(|word| ours.contains(word)), "{french}");
        assert!(
            !pages.contains(&format!("<li>{message}")) || message.code() == Code::Other,
            "{message}"
        );
    }
    assert!(pages.contains("ligne de plus de 65\u{202f}536 octets"));
    assert!(pages.contains("enregistrement 12 (bloc 3, octet 4096)"));
    insta::assert_snapshot!("every_message_in_a_french_table", tables);
}

#[test]
fn json_says_what_was_skipped_and_warned_of_by_code_too() {
    let result = sample::sample();
    let whole: serde_json::Value = serde_json::from_str(&written(|out| json(&result, out))).unwrap();
    let sentences = whole["warnings"].as_array().unwrap();
    let codes = whole["warning_codes"].as_array().unwrap();
    assert_eq!(sentences.len(), codes.len());
    assert_eq!(codes[0]["code"], "at");
    assert_eq!(codes[0]["parameters"]["said"]["code"], "archives_too_deep");
    let files = whole["manifest"].as_array().unwrap();
    let skip = files
        .iter()
        .flat_map(|file| file["skipped"].as_array().unwrap())
        .next()
        .unwrap();
    assert_eq!(skip["why"], "line longer than 1048576 bytes");
    assert_eq!(skip["code"], "line_too_long");
    assert_eq!(skip["parameters"]["bytes"], 1_048_576);
}
