//! The outputs other tools take: golden files, and the keys their formats require.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;
use vigie_event::parse_utc;
use vigie_hunt::HuntResult;
use vigie_report::{LAYER_VERSION, Lang, OCSF_VERSION, navigator, ocsf, timesketch};

mod sample;

type Writer = fn(&HuntResult, Lang, &mut dyn io::Write) -> io::Result<()>;

fn written(writer: Writer, result: &HuntResult, lang: Lang) -> String {
    let mut out = Vec::new();
    writer(result, lang, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn lines(writer: Writer, result: &HuntResult) -> Vec<Value> {
    let text = written(writer, result, Lang::En);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Keys in alphabetical order. Other crates of a build may make `serde_json` keep them in the order of writing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<&String, Value> = map.iter().map(|(key, value)| (key, sorted(value))).collect();
            map.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn findings(result: &HuntResult) -> usize {
    result.hosts.iter().map(|host| host.findings.len()).sum()
}

#[test]
fn timesketch_lines() {
    insta::assert_snapshot!(written(timesketch, &sample::sample(), Lang::En));
}

#[test]
fn ocsf_lines() {
    let lines = lines(ocsf, &sample::sample());
    insta::assert_snapshot!(serde_json::to_string_pretty(&sorted(&lines[0])).unwrap());
}

#[test]
fn navigator_layer_in_french() {
    let layer = serde_json::from_str(&written(navigator, &sample::sample(), Lang::Fr)).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&sorted(&layer)).unwrap());
}

#[test]
fn every_evidence_line_is_an_event_that_timesketch_takes() {
    let result = sample::sample();
    let lines = lines(timesketch, &result);
    let evidence = result.hosts.iter().flat_map(|host| &host.findings);
    assert_eq!(
        lines.len(),
        evidence.map(|finding| finding.evidence.len()).sum::<usize>()
    );
    for line in lines {
        let datetime = line["datetime"].as_str().unwrap();
        assert_eq!(
            datetime.len(),
            "2021-03-03T06:49:46.000001+00:00".len(),
            "{datetime}"
        );
        assert!(datetime.ends_with("+00:00"));
        assert_eq!(parse_utc(datetime), line["timestamp"].as_i64());
        for key in [
            "message",
            "timestamp_desc",
            "host",
            "rule_id",
            "severity",
            "stage",
        ] {
            assert!(!line[key].as_str().unwrap().is_empty(), "{key}");
        }
        assert!(line["attack"].is_array() && line["tag"].is_array());
    }
}

#[test]
fn an_event_without_a_time_is_not_lost() {
    let mut result = sample::sample();
    result.hosts[0].findings[0].evidence[0].time = None;
    let first = &lines(timesketch, &result)[0];
    assert_eq!(first["timestamp"], 0);
    assert_eq!(first["timestamp_desc"], "Not a time");
    assert_eq!(first["datetime"], "1970-01-01T00:00:00.000000+00:00");
}

/// The attributes OCSF 1.5.0 requires of the class, and of the objects that are used.
#[test]
fn every_finding_is_a_detection_finding() {
    let mut result = sample::sample();
    result.hosts[0].findings[0].time = None;
    let lines = lines(ocsf, &result);
    assert_eq!(lines.len(), findings(&result));
    for line in &lines {
        let number = |key: &str| line[key].as_i64().unwrap_or_else(|| panic!("{key}"));
        assert_eq!((number("category_uid"), number("class_uid")), (2, 2004));
        assert_eq!(
            number("type_uid"),
            number("class_uid") * 100 + number("activity_id")
        );
        assert!((1..=5).contains(&number("severity_id")));
        assert!(number("time") > 1_600_000_000_000 && number("time") < 1_700_000_000_000);
        assert_eq!(line["metadata"]["version"], OCSF_VERSION);
        assert!(line["metadata"]["product"]["vendor_name"].is_string());
        assert!(line["device"]["type_id"].is_u64() && line["device"]["hostname"].is_string());
        assert!(line["finding_info"]["uid"].is_string() && line["finding_info"]["title"].is_string());
        assert!(line["finding_info"]["analytic"]["type_id"].is_u64());
        for attack in line["finding_info"]["attacks"].as_array().unwrap() {
            assert!(attack["technique"]["uid"].as_str().unwrap().starts_with('T'));
        }
        for evidence in line["evidences"].as_array().unwrap() {
            assert!(evidence["data"].is_object());
        }
        no_nulls(line);
    }
    let uids: std::collections::BTreeSet<&str> = lines
        .iter()
        .map(|line| line["finding_info"]["uid"].as_str().unwrap())
        .collect();
    assert_eq!(
        uids.len(),
        lines.len(),
        "every finding has an identifier of its own"
    );
}

/// An attribute that is not known is left out.
fn no_nulls(line: &Value) {
    for (key, value) in line.as_object().unwrap() {
        assert!(!value.is_null(), "{key}");
        if let Some(object) = value.as_object() {
            for (inner, value) in object {
                assert!(!value.is_null(), "{key}.{inner}");
            }
        }
    }
}

#[test]
fn a_layer_has_what_the_navigator_requires() {
    for result in [sample::sample(), sample::empty(), sample::hostile()] {
        let layer: Value = serde_json::from_str(&written(navigator, &result, Lang::En)).unwrap();
        assert_eq!(layer["versions"]["layer"], LAYER_VERSION);
        assert!(layer["versions"]["navigator"].as_str().unwrap() >= "4.9.0");
        assert_eq!(layer["domain"], "enterprise-attack");
        assert!(!layer["name"].as_str().unwrap().is_empty());
        let gradient = &layer["gradient"];
        assert!(gradient["colors"].as_array().unwrap().len() >= 2);
        assert!(gradient["maxValue"].as_i64() > gradient["minValue"].as_i64());
        let techniques = layer["techniques"].as_array().unwrap();
        let seen: std::collections::BTreeSet<&String> = result
            .hosts
            .iter()
            .flat_map(|host| &host.findings)
            .flat_map(|finding| &finding.attack)
            // The hostile one carries text that is no technique.
            .filter(|id| id.len() < 10)
            .collect();
        assert_eq!(techniques.len(), seen.len());
        for technique in techniques {
            assert!(technique["techniqueID"].as_str().unwrap().starts_with('T'));
            assert!((0..=100).contains(&technique["score"].as_i64().unwrap()));
            let comment = technique["comment"].as_str().unwrap();
            assert!(
                comment.contains("finding") && !comment.contains('\u{202e}'),
                "{comment}"
            );
        }
    }
}

#[test]
fn statements_follow_the_language_and_nothing_else_does() {
    let result = sample::sample();
    for writer in [timesketch as Writer, ocsf] {
        let (en, fr) = (
            written(writer, &result, Lang::En),
            written(writer, &result, Lang::Fr),
        );
        assert_eq!(en.lines().count(), fr.lines().count());
        assert!(fr.contains("Le serveur a été sondé 212 fois"));
        assert!(en.contains("\"severity\":") && fr.contains("\"severity\":"));
    }
}
