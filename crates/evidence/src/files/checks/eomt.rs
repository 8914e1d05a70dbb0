//! EOMT.ps1, the on-premises mitigation tool: `%TEMP%\msert\EOMT.log` and `%SystemDrive%\EOMTSummary.txt`.
//!
//! Source: microsoft/CSS-Exchange, `Security/src/EOMT.ps1`. Times in the log are local. The summary's text is the same
//! whatever happened, so it only says that the tool ran, and whether it came to its end.

use std::io::Read;

use vigie_event::{EventBatch, Source, parse_utc};

use super::{cves, is_host};
use crate::files::rows::Rows;
use crate::files::text::{Line, Text, head_text};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message};

/// The tool's log and summary.
pub(crate) static FORMAT: Format = Format {
    name: "eomt",
    source: Source::CheckResult,
    recognise,
    parse,
};

const CHECK: &str = "EOMT";
const SUMMARY: &str = "Microsoft Safety Scanner and CVE-2021-26855 mitigation summary";

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    if text.trim_start().starts_with(SUMMARY) {
        return Some(Confidence::Certain);
    }
    let is_log = text.contains("Starting EOMT.ps1 version") || text.contains("Starting EOMTv2.ps1 version");
    let is_named = head.name.to_ascii_lowercase().starts_with("eomt");
    if is_log && head.name.to_ascii_lowercase().ends_with(".log") {
        Some(Confidence::Certain)
    } else if is_named && text.contains("EOMT") {
        Some(Confidence::Name)
    } else {
        None
    }
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::CheckResult, context, sink);
    rows.layout(&["Check", "Cve", "Result", "Host", "Message"]);
    let mut text = Text::new(input, context.limits.line_bytes);
    let mut line = String::new();
    loop {
        match text.next_line(&mut line) {
            Ok(Line::Text(number, offset)) => message(line.trim(), number, offset, &mut rows),
            Ok(Line::TooLong(number, bytes)) => {
                let why = Message::new(Code::LineTooLong, [("bytes", context.limits.line_bytes.into())]);
                rows.outcome.skip(why, 1, bytes, || format!("line {number}"));
            }
            Ok(Line::End) => break,
            Err(error) => {
                rows.outcome
                    .input_failed(&error, || format!("line {}", text.line()));
                break;
            }
        }
    }
    rows.decoded(&text);
    rows.finish()
}

/// What one message says: the row's `Result`, the kind of fact, the fact.
fn meaning(message: &str) -> Option<(&'static str, &'static str, String)> {
    let has = |text: &str| message.contains(text);
    Some(if has(SUMMARY) {
        ("run", "check_run", CHECK.to_owned())
    } else if has("Starting EOMT") {
        ("run", "check_run", from(message, "EOMT").to_owned())
    } else if has("This attempt was unsuccessful.") || has("failed to complete") {
        (
            "failed",
            "check_result",
            format!("{CHECK}: did not come to its end"),
        )
    } else if has(".ps1 complete on") {
        ("info", "check_result", format!("{CHECK}: came to its end"))
    } else if has("is not vulnerable") {
        (
            "not_vulnerable",
            "check_result",
            format!("{CHECK}: not vulnerable"),
        )
    } else if has("is vulnerable") {
        ("vulnerable", "check_result", format!("{CHECK}: vulnerable"))
    } else if has("ollback") && has("complete") {
        ("info", "check_result", format!("{CHECK}: mitigation rolled back"))
    } else if has("Mitigation complete") {
        let value = format!("CVE-2021-26855: {CHECK} reports its mitigation complete");
        ("mitigated", "mitigation", value)
    } else if has("Mitigation failed") {
        ("failed", "check_result", format!("{CHECK}: mitigation failed"))
    } else if has("Threats detected!") {
        (
            "threat",
            "check_result",
            format!("{CHECK}: the Safety Scanner found threats"),
        )
    } else if has("No known threats detected") {
        (
            "info",
            "check_result",
            format!("{CHECK}: the Safety Scanner found nothing it knows"),
        )
    } else {
        return None;
    })
}

/// One line: `yyyy-MM-dd HH:mm:ss Level: message` in the log, the message alone in the summary. Those without meaning
/// for the state of the server are passed over.
fn message(line: &str, number: u64, offset: u64, rows: &mut Rows<'_>) {
    let (local_time, rest) = match line.split_at_checked(19) {
        Some((time, rest)) if parse_utc(time).is_some() => (time, rest.trim_start()),
        _ => ("", line),
    };
    let level = ["Info", "Notice", "Error"].into_iter().find(|level| {
        rest.strip_prefix(level)
            .is_some_and(|rest| rest.starts_with(": "))
    });
    let message = level.map_or(rest, |level| rest.get(level.len() + 2..).unwrap_or_default());
    let Some((result, kind, value)) = meaning(message) else {
        return;
    };
    // `complete on SERVER :: SITE`; other words after `on` may be anything.
    let names_host = ["Starting EOMT", ".ps1 complete on", " :: "]
        .iter()
        .any(|phrase| message.contains(phrase));
    let host = message
        .split_whitespace()
        .skip_while(|word| *word != "on")
        .nth(1)
        .map(|word| word.trim_end_matches([',', '.']))
        .filter(|word| names_host && is_host(word))
        .unwrap_or_default();
    if !host.is_empty() {
        rows.outcome.host(host, "EOMT log");
    }
    let time = rows.context.file.modified;
    rows.observe(kind, &value, time, number);
    let found = cves(message);
    let cve = match found.first() {
        Some(cve) => cve,
        None if kind == "mitigation" => "CVE-2021-26855",
        None => "",
    };
    let values = [
        ("Check", CHECK),
        ("Cve", cve),
        ("Result", result),
        ("Host", host),
        ("Message", message),
        ("Level", level.unwrap_or_default()),
        ("LocalTime", local_time),
    ];
    rows.row(None, number, offset, values);
}

/// The line from a phrase on.
fn from<'a>(line: &'a str, phrase: &str) -> &'a str {
    line.find(phrase).and_then(|at| line.get(at..)).unwrap_or(line)
}
