//! `%SystemRoot%\debug\msert.log` of the Microsoft Safety Scanner. One file holds every run; times are local.

use std::io::Read;

use vigie_event::{EventBatch, Source};

use crate::files::paths::virtual_path_or_empty;
use crate::files::rows::Rows;
use crate::files::text::{Line, Text, head_text};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message};

/// The scanner's log.
pub(crate) static FORMAT: Format = Format {
    name: "msert",
    source: Source::CheckResult,
    recognise,
    parse,
};

const CHECK: &str = "Microsoft Safety Scanner";

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let is_mine = text
        .lines()
        .take(64)
        .any(|line| line.trim_start().starts_with("Microsoft Safety Scanner v"));
    is_mine.then_some(Confidence::Certain)
}

/// One run of the scanner.
#[derive(Default)]
struct Run {
    version: String,
    started: String,
    threat: String,
    action: String,
    threats: u64,
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::CheckResult, context, sink);
    rows.layout(&[
        "Check",
        "Result",
        "Threat",
        "TargetFilename",
        "Action",
        "StartedLocal",
    ]);
    let mut text = Text::new(input, context.limits.line_bytes);
    let (mut line, mut run) = (String::new(), Run::default());
    loop {
        match text.next_line(&mut line) {
            Ok(Line::Text(number, offset)) => run.line(line.trim(), number, offset, &mut rows),
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

impl Run {
    fn line(&mut self, line: &str, number: u64, offset: u64, rows: &mut Rows<'_>) {
        if let Some(version) = line.strip_prefix("Microsoft Safety Scanner v") {
            *self = Run {
                version: version.to_owned(),
                ..Run::default()
            };
        } else if let Some(started) = line.strip_prefix("Started On ") {
            started.clone_into(&mut self.started);
            let value = format!("{CHECK} {} started {started} (local time)", self.version);
            rows.observe("check_run", &value, None, number);
            self.emit("run", "", line, number, offset, rows);
        } else if let Some(found) = after(line, "threat detected: ") {
            // `NAME, not removed.` in newer versions; the name alone in older ones.
            let (threat, action) = found.split_once(", ").unwrap_or((found, ""));
            threat.trim_end_matches('.').clone_into(&mut self.threat);
            action.trim_end_matches('.').clone_into(&mut self.action);
            self.threats += 1;
            rows.observe("check_result", &format!("{CHECK}: {}", self.threat), None, number);
        } else if let Some(path) = ["file://", "containerfile://", "process://"]
            .iter()
            .find_map(|scheme| line.strip_prefix(scheme))
        {
            if !self.threat.is_empty() {
                self.emit("threat", path, line, number, offset, rows);
            }
        } else if line.starts_with("Results Summary") {
            // What follows repeats the threats without their files.
            self.threat.clear();
        } else if after(line, "no infection found").is_some() {
            self.emit("info", "", line, number, offset, rows);
            rows.observe(
                "check_result",
                &format!("{CHECK}: no infection found"),
                None,
                number,
            );
        } else if line.starts_with("Return code") {
            self.emit("info", "", line, number, offset, rows);
        }
    }

    fn emit(&self, result: &str, path: &str, line: &str, number: u64, offset: u64, rows: &mut Rows<'_>) {
        // `archive->member->member`: the archive is what lies on the disk.
        let file = path.split("->").next().unwrap_or(path);
        let address = virtual_path_or_empty(file);
        let is_threat = result == "threat";
        let of_threat = |value| if is_threat { value } else { "" };
        let values = [
            ("Check", CHECK),
            ("Result", result),
            ("Threat", of_threat(self.threat.as_str())),
            ("TargetFilename", file),
            ("Action", of_threat(self.action.as_str())),
            ("StartedLocal", self.started.as_str()),
            ("VirtualPath", address.as_str()),
            ("Message", line),
        ];
        rows.row(None, number, offset, values);
    }
}

/// What follows a phrase at the beginning of a line, whatever its case.
fn after<'a>(line: &'a str, phrase: &str) -> Option<&'a str> {
    let start = line.get(..phrase.len())?;
    start
        .eq_ignore_ascii_case(phrase)
        .then(|| line.get(phrase.len()..))?
}
