//! YARA rules on file contents, with boreal.
//!
//! Rules carry what Vigie says about a match in their `meta` section:
//!
//! ```yara
//! rule example {
//!     meta:
//!         title = "What was found"
//!         severity = "critical"          // as in Sigma
//!         stage = "web_shell"
//!         outcome = "success"            // scan | attempt | success | post_exploitation
//!         confidence = "strong"          // weak | strong | conclusive
//!         attack = "T1505.003"           // identifiers, between commas
//!         statement_en = "..."
//!         statement_fr = "..."
//!     strings:
//!         $a = "marker"
//!     condition:
//!         $a
//! }
//! ```
//!
//! Rules written elsewhere have none of these and still work; [`YaraRule::gaps`] says what is missing. `include` is
//! refused, no process is ever looked at, and a scan stops after [`YaraSet::time_limit`].

mod compile;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use boreal::scanner::{EvaluatedRule, ScanError, ScanParams, ScanResult};

use crate::indicators::{Confidence, Outcome, Severity};

/// How long one file may take unless [`YaraSet::set_time_limit`] says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Occurrences told per match; a file may hold millions.
const SHOWN_STRINGS: usize = 8;
/// Bytes of an occurrence that are shown.
const EXCERPT_BYTES: usize = 64;

/// Compiled YARA rules.
#[derive(Debug)]
pub struct YaraSet {
    scanner: boreal::Scanner,
    rules: HashMap<(Arc<str>, Arc<str>), Arc<YaraRule>>,
    time_limit: Duration,
}

/// One rule and what it says about a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YaraRule {
    /// The rule's own name.
    pub name: Arc<str>,
    /// The file it stands in.
    pub path: Arc<str>,
    /// `meta.title`, or the name.
    pub title: String,
    /// `meta.severity`, or high.
    pub severity: Severity,
    /// `meta.stage`.
    pub stage: Option<String>,
    /// `meta.outcome`, or success: the file is there.
    pub outcome: Outcome,
    /// `meta.confidence`, or weak: nobody vouched for the rule.
    pub confidence: Confidence,
    /// ATT&CK technique identifiers from `meta.attack`.
    pub attack: Vec<String>,
    /// `meta.statement_en`, or the title.
    pub statement_en: String,
    /// `meta.statement_fr`, or the title.
    pub statement_fr: String,
    /// Keys of `meta` that are missing or hold an unknown value.
    pub gaps: Vec<String>,
}

/// A rule file that does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedYara {
    /// The file.
    pub path: String,
    /// 1-based line, when it is known.
    pub line: Option<u64>,
    /// Why, lower case, without full stop.
    pub reason: String,
}

/// What was found in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct YaraScan {
    /// The rules that matched, by file and name.
    pub matches: Vec<YaraMatch>,
    /// Whether the time limit cut the scan short: rules that did not match may have.
    pub timed_out: bool,
}

/// One rule that matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YaraMatch {
    /// The rule.
    pub rule: Arc<YaraRule>,
    /// Where its strings are: the first few, by offset.
    pub strings: Vec<YaraString>,
}

/// One occurrence of a string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct YaraString {
    /// Byte offset in the file.
    pub offset: u64,
    /// The string's name without `$`.
    pub name: String,
    /// Printable ASCII; other bytes as `\x00`; cut after 64 bytes with `...`.
    pub excerpt: String,
}

impl YaraSet {
    /// Compiles rule files given as path and text. A file with an error is refused as a whole; the others work. Two
    /// files may use the same rule name; a global rule holds for its own file only.
    pub fn compile(files: &[(&str, &str)]) -> (YaraSet, Vec<RefusedYara>) {
        let (scanner, refused) = compile::scanner(files);
        let rules = scanner
            .rules()
            .map(|rule| compile::rule(&scanner, &rule))
            .map(|rule| ((Arc::clone(&rule.path), Arc::clone(&rule.name)), Arc::new(rule)))
            .collect();
        let mut set = YaraSet {
            scanner,
            rules,
            time_limit: TIME_LIMIT,
        };
        set.set_time_limit(TIME_LIMIT);
        (set, refused)
    }

    /// The rules, by file and name.
    pub fn rules(&self) -> Vec<&YaraRule> {
        let mut rules: Vec<&YaraRule> = self.rules.values().map(AsRef::as_ref).collect();
        rules.sort_by(|a, b| (&a.path, &a.name).cmp(&(&b.path, &b.name)));
        rules
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How long one file may take.
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// Changes how long one file may take.
    pub fn set_time_limit(&mut self, limit: Duration) {
        self.time_limit = limit;
        self.scanner.set_scan_params(
            ScanParams::default()
                .timeout_duration(Some(limit))
                .compute_full_matches(true)
                .match_max_length(EXCERPT_BYTES + 1),
        );
    }

    /// Looks for all rules in a file's bytes.
    pub fn scan(&self, bytes: &[u8]) -> YaraScan {
        if self.rules.is_empty() {
            return YaraScan::default();
        }
        let (result, timed_out) = match self.scanner.scan_mem(bytes) {
            Ok(result) => (result, false),
            Err((error, result)) => (result, matches!(error, ScanError::Timeout)),
        };
        YaraScan {
            matches: self.matches(&result),
            timed_out,
        }
    }

    fn matches(&self, result: &ScanResult<'_>) -> Vec<YaraMatch> {
        let mut matches: Vec<YaraMatch> = result
            .rules
            .iter()
            .filter_map(|found| {
                let key = (Arc::from(found.namespace), Arc::from(found.name));
                let rule = self.rules.get(&key)?;
                Some(YaraMatch {
                    rule: Arc::clone(rule),
                    strings: strings(found),
                })
            })
            .collect();
        matches.sort_by(|a, b| (&a.rule.path, &a.rule.name).cmp(&(&b.rule.path, &b.rule.name)));
        matches
    }
}

/// The first occurrences of a rule's strings.
fn strings(found: &EvaluatedRule<'_>) -> Vec<YaraString> {
    let mut strings: Vec<YaraString> = found
        .matches
        .iter()
        .flat_map(|string| {
            string
                .matches
                .iter()
                .take(SHOWN_STRINGS)
                .map(|occurrence| YaraString {
                    offset: occurrence.offset as u64,
                    name: string.name.to_owned(),
                    excerpt: excerpt(&occurrence.data),
                })
        })
        .collect();
    strings.sort();
    strings.truncate(SHOWN_STRINGS);
    strings
}

fn excerpt(bytes: &[u8]) -> String {
    let shown = bytes.get(..EXCERPT_BYTES).unwrap_or(bytes);
    let mut text = shown.escape_ascii().to_string();
    if shown.len() < bytes.len() {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests;
