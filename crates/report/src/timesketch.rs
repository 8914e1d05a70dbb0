//! Events on a timeline, for Timesketch.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use vigie_event::{MICROS_PER_SECOND, Timestamp, format_utc, parse_utc};
use vigie_hunt::{EvidenceLine, Finding, HostResult, HuntResult, Outcome, Severity};

use crate::i18n::fill;
use crate::lang::Lang;
use crate::text::{clip, visible};

/// Characters of a message.
const MESSAGE: usize = 2_000;

/// One event. The first four fields are those Timesketch needs.
#[derive(Serialize)]
struct Event<'a> {
    message: String,
    datetime: String,
    timestamp: Timestamp,
    timestamp_desc: &'a str,
    tag: Vec<String>,
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    verdict: &'a str,
    rule_id: &'a str,
    rule_title: &'a str,
    severity: Severity,
    outcome: Outcome,
    stage: &'a str,
    attack: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<&'a str>,
    finding: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    storyline: Option<&'a str>,
    finding_events: u64,
    source_file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_record: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_line: Option<u64>,
    /// What the log says, under the names it uses.
    #[serde(flatten)]
    fields: BTreeMap<String, &'a str>,
}

/// Names of [`Event`], and those OpenSearch keeps for itself.
const TAKEN: [&str; 23] = [
    "message",
    "datetime",
    "timestamp",
    "timestamp_desc",
    "tag",
    "host",
    "tenant",
    "verdict",
    "rule_id",
    "rule_title",
    "severity",
    "outcome",
    "stage",
    "attack",
    "pack",
    "finding",
    "storyline",
    "finding_events",
    "source_file",
    "source_record",
    "source_line",
    "label",
    "comment",
];

/// Writes one JSON object per line and evidence line, in the form Timesketch imports ("Import from JSON or CSV" in its
/// documentation): `message`, `datetime` (ISO 8601, microseconds, `+00:00`), `timestamp` (microseconds since 1970) and
/// `timestamp_desc`, then what Vigie says of the event, then its own fields.
///
/// A finding keeps its first different events only; `finding_events` says how many there were. An event without a time
/// stands at 1970 with the description `Not a time`, as Plaso has it. A field that has the name of one of Vigie's is
/// prefixed `event_`. Only the message and the description of the time follow `lang`.
///
/// # Errors
/// Only those of `out`.
pub fn timesketch(result: &HuntResult, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    for host in &result.hosts {
        for finding in &host.findings {
            for line in &finding.evidence {
                serde_json::to_writer(&mut *out, &event(host, finding, line, lang))?;
                out.write_all(b"\n")?;
            }
        }
    }
    Ok(())
}

fn event<'a>(host: &'a HostResult, finding: &'a Finding, line: &'a EvidenceLine, lang: Lang) -> Event<'a> {
    let t = lang.texts();
    let time = line.time.as_deref().and_then(parse_utc);
    let mut tag = vec!["vigie".to_owned(), finding.stage.clone()];
    let techniques = finding.attack.iter();
    tag.extend(techniques.map(|technique| format!("attack.{}", technique.to_lowercase())));
    Event {
        message: message(finding, line, lang),
        datetime: datetime(time.unwrap_or(0)),
        timestamp: time.unwrap_or(0),
        timestamp_desc: match time {
            Some(_) => t.event_time,
            None => "Not a time",
        },
        tag,
        host: &host.host,
        tenant: host.tenant.as_deref(),
        verdict: host.verdict.id(),
        rule_id: &finding.rule_id,
        rule_title: &finding.title,
        severity: finding.severity,
        outcome: finding.outcome,
        stage: &finding.stage,
        attack: &finding.attack,
        pack: finding.pack.as_deref(),
        finding: &finding.id,
        storyline: finding.storyline.as_deref(),
        finding_events: finding.count,
        source_file: &line.path,
        source_record: line.record,
        source_line: line.line,
        fields: fields(line),
    }
}

/// The statement, then the fields that matter.
fn message(finding: &Finding, line: &EvidenceLine, lang: Lang) -> String {
    let statement = finding.statement.get(lang.code());
    let said = match line.excerpt.as_str() {
        "" => statement.to_owned(),
        excerpt => fill(
            lang.texts().event_message,
            &[("statement", statement), ("excerpt", excerpt)],
        ),
    };
    let said = visible(&said);
    match clip(&said, MESSAGE) {
        (shown, 0) => shown.to_owned(),
        (shown, _) => format!("{shown}…"),
    }
}

fn fields(line: &EvidenceLine) -> BTreeMap<String, &str> {
    let name = |name: &str| {
        if TAKEN.contains(&name) || name.starts_with('_') {
            format!("event_{}", name.trim_start_matches('_'))
        } else {
            name.to_owned()
        }
    };
    let fields = line.fields.iter();
    fields
        .map(|(field, value)| (name(field), value.as_str()))
        .collect()
}

/// `2021-03-03T06:49:46.000001+00:00`.
fn datetime(time: Timestamp) -> String {
    let micros = time.rem_euclid(MICROS_PER_SECOND);
    let whole = format_utc(time - micros);
    format!("{}.{micros:06}+00:00", whole.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_decimals_and_an_offset() {
        let time = parse_utc("2021-03-03T06:49:46.000001Z").unwrap();
        assert_eq!(datetime(time), "2021-03-03T06:49:46.000001+00:00");
        assert_eq!(datetime(-1), "1969-12-31T23:59:59.999999+00:00");
    }

    #[test]
    fn a_field_never_replaces_what_vigie_says() {
        let line = EvidenceLine {
            path: String::new(),
            record: None,
            line: None,
            time: None,
            excerpt: String::new(),
            fields: ["timestamp", "_id", "c-ip"]
                .map(|name| (name.to_owned(), "x".to_owned()))
                .into(),
        };
        let names: Vec<String> = fields(&line).into_keys().collect();
        assert_eq!(names, ["c-ip", "event_id", "event_timestamp"]);
    }
}
