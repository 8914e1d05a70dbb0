//! HealthChecker.ps1: `HealthChecker-<server>-<time>.xml` (CLIXML of the analysed results) and the `.txt` beside it.
//!
//! Source: microsoft/CSS-Exchange, `Diagnostics/HealthChecker`; CLIXML is described in MS-PSRP, section 2.2.5. Results come
//! twice in the XML (for the screen and for the HTML report): as objects with `Name`, a value and a colour. Only what
//! says which server it was, its build and its open vulnerabilities is kept.

use std::collections::BTreeSet;
use std::io::Read;

use vigie_event::{EventBatch, Source};

use super::{cves, is_host};
use crate::files::rows::Rows;
use crate::files::text::{Line, Text, head_text};
use crate::files::xml::{self, Document, Node};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message};

/// The analysed results as CLIXML.
pub(crate) static XML: Format = Format {
    name: "health_checker_xml",
    source: Source::CheckResult,
    recognise: recognise_xml,
    parse: parse_xml,
};

/// What was on the screen.
pub(crate) static TEXT: Format = Format {
    name: "health_checker_text",
    source: Source::CheckResult,
    recognise: recognise_text,
    parse: parse_text,
};

const CHECK: &str = "HealthChecker";
/// Results kept of one file.
const MAX_RESULTS: usize = 10_000;
/// Bytes of one value kept.
const MAX_VALUE: usize = 8 << 10;
/// Results of interest beside those that name a CVE.
const NAMES: [&str; 7] = [
    "Name",
    "Version",
    "Build Number",
    "Exchange Health Checker Version",
    "Generation Time",
    "Exchange IU or Security Hotfix Detected",
    "Exchange Emergency Mitigation Service",
];

fn recognise_xml(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let is_clixml = xml::root(&text)? == "Objs";
    let is_mine = text.contains("HealthChecker.") || text.contains("HealthCheckerExchangeServer");
    (is_clixml && is_mine).then_some(Confidence::Certain)
}

fn recognise_text(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let is_mine = text
        .lines()
        .take(64)
        .any(|line| after_banner(line.trim()).is_some());
    is_mine.then_some(Confidence::Certain)
}

/// The version in the first line of the report.
fn after_banner(line: &str) -> Option<&str> {
    const BANNER: &str = "Exchange Health Checker version";
    let start = line.get(..BANNER.len())?;
    let rest = line.get(BANNER.len()..)?.trim_start_matches(':').trim();
    let version = rest.split(' ').next().unwrap_or_default();
    (start.eq_ignore_ascii_case(BANNER) && version.starts_with(|c: char| c.is_ascii_digit()))
        .then_some(version)
}

/// Results on their way into rows, each once.
struct Results<'a> {
    rows: Rows<'a>,
    seen: BTreeSet<(String, String)>,
    host: String,
    version: String,
    is_cut: bool,
}

impl<'a> Results<'a> {
    fn new(mut rows: Rows<'a>) -> Results<'a> {
        rows.layout(&["Check", "Cve", "Result", "Host", "Name", "Message", "Level"]);
        Results {
            rows,
            seen: BTreeSet::new(),
            host: String::new(),
            version: String::new(),
            is_cut: false,
        }
    }

    fn server(&mut self, name: &str) {
        if self.host.is_empty() && is_host(name) {
            name.clone_into(&mut self.host);
            self.rows.outcome.host(name, "HealthChecker ServerName");
        }
    }

    /// One result: its name, its value, and the colour it is shown in.
    fn result(&mut self, name: &str, value: &str, level: &str, line: u64, offset: u64) {
        let (name, value) = (name.trim().trim_end_matches(':'), value.trim());
        let found = cves(value);
        let is_vulnerable = name == "Security Vulnerability" || (!found.is_empty() && level == "Red");
        if value.is_empty() || !(is_vulnerable || NAMES.contains(&name)) {
            return;
        }
        if self.seen.len() >= MAX_RESULTS {
            self.is_cut = true;
            return;
        }
        if !self.seen.insert((name.to_owned(), value.to_owned())) {
            return;
        }
        let time = self.rows.context.file.modified;
        match name {
            "Name" => self.server(value),
            "Exchange Health Checker Version" => value.clone_into(&mut self.version),
            "Build Number" => self.rows.observe("exchange_build", value, time, line),
            "Exchange IU or Security Hotfix Detected" => {
                let value = format!("{CHECK}: {value} installed");
                self.rows.observe("check_result", &value, time, line);
            }
            _ => {}
        }
        let result = if is_vulnerable { "vulnerable" } else { "info" };
        let each = if found.is_empty() { vec![""] } else { found };
        for cve in each {
            if is_vulnerable {
                let what = if cve.is_empty() { value } else { cve };
                self.rows.observe(
                    "check_result",
                    &format!("{CHECK}: vulnerable, {what}"),
                    time,
                    line,
                );
            }
            let values = [
                ("Check", CHECK),
                ("Cve", cve),
                ("Result", result),
                ("Host", self.host.as_str()),
                ("Name", name),
                ("Message", value),
                ("Level", level),
            ];
            self.rows.row(None, line, offset, values);
        }
    }

    fn finish(mut self) -> Outcome {
        let time = self.rows.context.file.modified;
        let mut run = CHECK.to_owned();
        for (word, value) in [("", &self.version), ("on ", &self.host)] {
            if !value.is_empty() {
                run.push_str(&format!(" {word}{value}"));
            }
        }
        self.rows.observe("check_run", &run, time, 1);
        if self.is_cut {
            let why = Message::new(Code::ResultsBeyondCap, [("most", MAX_RESULTS.into())]);
            self.rows.outcome.skip(why, 0, 0, || "end".to_owned());
        }
        self.rows.finish()
    }
}

/// One object being read, or one property of it.
#[derive(Default)]
struct Open {
    /// `<MS>` or `<Props>`, which hold the properties of the object around them.
    is_bag: bool,
    property: String,
    text: String,
    name: String,
    value: String,
    level: String,
    line: u64,
    offset: u64,
}

fn parse_xml(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut results = Results::new(Rows::new(Source::CheckResult, context, sink));
    let mut document = Document::new(input, context.limits.line_bytes);
    let mut open: Vec<Open> = Vec::new();
    loop {
        match document.next() {
            Ok(Some(Node::Start(element))) => open.push(Open {
                is_bag: matches!(element.name.as_str(), "MS" | "Props"),
                property: element.get("N").to_owned(),
                line: element.line,
                offset: element.offset,
                ..Open::default()
            }),
            Ok(Some(Node::Text(text))) => {
                if let Some(last) = open.last_mut()
                    && !last.property.is_empty()
                    && last.text.len() + text.len() <= MAX_VALUE
                {
                    last.text.push_str(&text);
                }
            }
            Ok(Some(Node::End)) => close(&mut open, &mut results),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(why) => {
                let line = document.text().line();
                results.rows.outcome.skip(why, 0, 0, || format!("line {line}"));
                break;
            }
        }
    }
    results.rows.decoded(document.text());
    results.finish()
}

/// Hands a property to the object it belongs to, and an object that is a result to the rows.
fn close(open: &mut Vec<Open>, results: &mut Results<'_>) {
    let Some(done) = open.pop() else { return };
    if !done.is_bag && !done.name.is_empty() && !done.value.is_empty() {
        results.result(&done.name, &done.value, &done.level, done.line, done.offset);
    }
    if done.property == "ServerName" {
        results.server(done.text.trim());
    }
    let Some(around) = open.last_mut() else { return };
    let mut set = |into: fn(&mut Open) -> &mut String, value: String| {
        if !value.is_empty() {
            *into(around) = value;
        }
    };
    match done.property.as_str() {
        "Name" => set(|open| &mut open.name, done.text),
        "DetailValue" | "DisplayValue" => set(|open| &mut open.value, done.text),
        "Class" | "WriteType" => set(|open| &mut open.level, done.text),
        "" if done.is_bag => {
            set(|open| &mut open.name, done.name);
            set(|open| &mut open.value, done.value);
            set(|open| &mut open.level, done.level);
        }
        _ => {}
    }
}

fn parse_text(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut results = Results::new(Rows::new(Source::CheckResult, context, sink));
    let mut text = Text::new(input, context.limits.line_bytes);
    let mut line = String::new();
    loop {
        match text.next_line(&mut line) {
            Ok(Line::Text(number, offset)) => {
                if let Some(version) = after_banner(line.trim()) {
                    results.result("Exchange Health Checker Version", version, "", number, offset);
                } else if let Some((name, value)) = line.split_once(": ") {
                    results.result(name, value, "", number, offset);
                }
            }
            Ok(Line::TooLong(number, bytes)) => {
                let why = Message::new(Code::LineTooLong, [("bytes", context.limits.line_bytes.into())]);
                results
                    .rows
                    .outcome
                    .skip(why, 1, bytes, || format!("line {number}"));
            }
            Ok(Line::End) => break,
            Err(error) => {
                let at = text.line();
                results.rows.outcome.input_failed(&error, || format!("line {at}"));
                break;
            }
        }
    }
    results.rows.decoded(&text);
    results.finish()
}
