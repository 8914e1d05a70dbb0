//! CSAF 2.0 documents: reading them and testing them.
//!
//! [`check`] compares a document with the shape the specification gives (section 3) and runs its tests (section 6):
//! mandatory ones (6.1) decide whether the document is valid, optional ones (6.2) are warnings, informative ones (6.3)
//! are notes. Source: OASIS Common Security Advisory Framework Version 2.0.

mod informative;
mod language;
mod mandatory;
mod optional;
mod profile;
mod revision;
mod schema;
mod scores;
pub(crate) mod syntax;
mod tree;

use std::collections::BTreeMap;
use std::fmt;

pub use optional::file_name;
use serde::Serialize;

use crate::json::{Json, JsonError, Node};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document is not valid.
    Error,
    /// An optional test (6.2) fails.
    Warning,
    /// An informative test (6.3) fails.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

/// A test that failed, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The test's number in the specification, `6.1.27.9`; `schema` for the document's shape.
    pub test: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// Where, as a JSON pointer; empty for the document as a whole.
    pub path: String,
    /// What is wrong, lower case, without full stop.
    pub message: String,
}

impl Finding {
    fn new(test: &'static str, severity: Severity, path: &str, message: String) -> Finding {
        Finding {
            test,
            severity,
            path: path.to_owned(),
            message,
        }
    }

    fn error(test: &'static str, path: &str, message: String) -> Finding {
        Finding::new(test, Severity::Error, path, message)
    }

    fn warning(test: &'static str, path: &str, message: String) -> Finding {
        Finding::new(test, Severity::Warning, path, message)
    }

    fn note(test: &'static str, path: &str, message: String) -> Finding {
        Finding::new(test, Severity::Note, path, message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        write!(f, "{} [{}] {path}: {}", self.severity, self.test, self.message)
    }
}

/// Findings of one test that are kept; more are counted.
const KEPT: usize = 100;

/// Tests that need a network, or dictionaries, and are therefore not run.
pub const NOT_RUN: [(&str, &str); 3] = [
    (
        "6.3.6",
        "whether addresses in references can be reached needs a network",
    ),
    (
        "6.3.7",
        "whether the document's own addresses can be reached needs a network",
    ),
    ("6.3.8", "spelling needs a dictionary of the document's language"),
];

/// What the tests say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What failed, errors first, then by test.
    pub findings: Vec<Finding>,
    /// Findings beyond the first hundred of a test, by test.
    pub more: BTreeMap<&'static str, u64>,
    #[serde(skip)]
    kept: BTreeMap<&'static str, usize>,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        let kept = self.kept.entry(finding.test).or_default();
        if *kept < KEPT {
            *kept += 1;
            self.findings.push(finding);
        } else {
            *self.more.entry(finding.test).or_default() += 1;
        }
    }

    /// Whether the document is valid: its shape and all mandatory tests.
    pub fn is_valid(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity != Severity::Error)
    }

    /// Findings of this weight, with those that were only counted left out.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// Whether this test failed.
    pub fn failed(&self, test: &str) -> bool {
        self.findings.iter().any(|finding| finding.test == test)
    }
}

/// Reads a document and tests it.
///
/// # Errors
/// When the bytes are no JSON, too large, or nested too deep.
pub fn check(bytes: &[u8]) -> Result<Report, JsonError> {
    Ok(check_json(&Json::parse(bytes)?))
}

/// Tests a document that was read.
pub fn check_json(document: &Json) -> Report {
    let mut report = Report::default();
    schema::check(document, &mut report);
    let root = Node::root(document);
    let document = tree::Document::of(&root);
    mandatory::check(&document, &mut report);
    profile::check(&document, &mut report);
    language::check(&document, &mut report);
    revision::check(&document, &mut report);
    scores::check(&document, &mut report);
    optional::check(&document, &mut report);
    informative::check(&document, &mut report);
    report.findings.sort_by(|left, right| {
        (left.severity, order(left.test), &left.path).cmp(&(right.severity, order(right.test), &right.path))
    });
    report
}

/// Numbers of a test's name, to sort by; `schema` first.
fn order(test: &str) -> Vec<u32> {
    test.split('.').filter_map(|part| part.parse().ok()).collect()
}
