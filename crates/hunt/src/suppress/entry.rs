//! One entry of the benign catalogue.

use vigie_event::Timestamp;

use crate::collect::short_name;
use crate::detector::Detector;
use crate::glob;

/// One entry: a rule, where and with which values its events are harmless, why, who says so and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The file it stands in.
    pub path: String,
    /// 1-based line on which it begins.
    pub line: Option<usize>,
    /// Identifier or title of the rule, with wildcards.
    pub rule: String,
    /// Name of the machine, with wildcards; any when not given.
    pub host: Option<String>,
    /// Name of the tenant, with wildcards; any when not given.
    pub tenant: Option<String>,
    /// What the event's fields must be: the field with Sigma's modifiers, and its values as written.
    pub fields: Vec<(String, String)>,
    /// Why it is harmless.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// The last day it holds, or the instant at which it ends, as written.
    pub expires: String,
    /// The instant (UTC) from which on it does not hold.
    pub ends: Timestamp,
}

impl Suppression {
    /// File and line.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.path),
            None => self.path.clone(),
        }
    }

    /// Whether it is about what a detector finds.
    pub(crate) fn names(&self, detector: &Detector) -> bool {
        glob::matches(&self.rule, &detector.id) || glob::matches(&self.rule, &detector.title)
    }

    /// Whether it is about a machine: by its full name or the part before the first dot.
    pub(crate) fn is_on(&self, host: &str, tenant: Option<&str>) -> bool {
        let named =
            |pattern: &String| glob::matches(pattern, host) || glob::matches(pattern, &short_name(host));
        let owned = |pattern: &String| tenant.is_some_and(|tenant| glob::matches(pattern, tenant));
        self.host.as_ref().is_none_or(named) && self.tenant.as_ref().is_none_or(owned)
    }
}
