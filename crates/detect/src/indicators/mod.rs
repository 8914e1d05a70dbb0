//! Indicators of compromise over columns: hashes, addresses, domains, URLs, user agents, paths.
//!
//! An [`IndicatorSet`] is compiled once and evaluated on every [`vigie_event::EventBatch`]. Which columns are looked at,
//! and as what, depends on the batch's source (see `columns.rs`); the choice is made once per schema. Values are
//! normalised on both sides, so that `203[.]0[.]113[.]7`, `::ffff:203.0.113.7` and `203.0.113.7:51022` are one
//! address and `C:\inetpub\wwwroot\aspnet_client\a.aspx` is found in `D:/inetpub/wwwroot/aspnet_client/A.aspx`.
//!
//! An indicator says what somebody else saw. A hash names one file and may be conclusive; an address or a user agent
//! is shared by many and never more than weak evidence: [`IndicatorSet::compile`] refuses to be told otherwise.

mod columns;
mod grade;
mod import;
mod index;
mod keys;
mod list;
mod networks;
mod normal;
mod paths;
mod recent;
mod set;
mod table;

use std::fmt;

use vigie_event::Timestamp;

pub use grade::{Confidence, Outcome, Severity};
pub use import::{Format, Import, ImportProblem, guess_kind, import, parse_csv};
pub use list::IndicatorList;
pub use set::{IndicatorHit, IndicatorSet, RefusedIndicator};

/// What an indicator's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndicatorKind {
    /// SHA-256 of a file, hexadecimal.
    Sha256,
    /// SHA-1 of a file, hexadecimal.
    Sha1,
    /// MD5 of a file, hexadecimal.
    Md5,
    /// One IPv4 or IPv6 address.
    Ip,
    /// A network in CIDR notation.
    Cidr,
    /// A DNS name; its sub-domains match too.
    Domain,
    /// A URL, compared without scheme, fragment and trailing slash.
    Url,
    /// The path of a request, compared without query.
    UrlPath,
    /// A user agent, whole; a `*` at the end makes it a prefix. Case matters: forged crawlers often differ from real
    /// ones by case alone.
    UserAgent,
    /// A file. `C:\a\b.exe` is that path on any drive; `\b\c.exe` is every path that ends so.
    FilePath,
    /// A regular expression searched for in a path written with backslashes, whatever the case.
    FilePathRegex,
    /// The last part of a path.
    FileName,
    /// Everything below a folder. `C:\a\b\` is that folder on any drive; `\b\c\` is every folder of that name.
    Folder,
}

/// Every kind, in the order pages list them.
pub const ALL_KINDS: [IndicatorKind; 13] = [
    IndicatorKind::Sha256,
    IndicatorKind::Sha1,
    IndicatorKind::Md5,
    IndicatorKind::Ip,
    IndicatorKind::Cidr,
    IndicatorKind::Domain,
    IndicatorKind::Url,
    IndicatorKind::UrlPath,
    IndicatorKind::UserAgent,
    IndicatorKind::FilePath,
    IndicatorKind::FilePathRegex,
    IndicatorKind::FileName,
    IndicatorKind::Folder,
];

impl IndicatorKind {
    /// The identifier used in `indicators.csv` and JSON.
    pub fn id(self) -> &'static str {
        match self {
            IndicatorKind::Sha256 => "sha256",
            IndicatorKind::Sha1 => "sha1",
            IndicatorKind::Md5 => "md5",
            IndicatorKind::Ip => "ip",
            IndicatorKind::Cidr => "cidr",
            IndicatorKind::Domain => "domain",
            IndicatorKind::Url => "url",
            IndicatorKind::UrlPath => "url_path",
            IndicatorKind::UserAgent => "user_agent",
            IndicatorKind::FilePath => "file_path",
            IndicatorKind::FilePathRegex => "file_path_regex",
            IndicatorKind::FileName => "file_name",
            IndicatorKind::Folder => "folder",
        }
    }

    /// The kind with this identifier.
    pub fn from_id(id: &str) -> Option<IndicatorKind> {
        ALL_KINDS.into_iter().find(|kind| kind.id() == id)
    }

    /// How bad a hit is when the indicator does not say.
    pub fn default_severity(self) -> Severity {
        match self {
            IndicatorKind::Sha256 | IndicatorKind::Sha1 | IndicatorKind::Md5 => Severity::Critical,
            IndicatorKind::Domain | IndicatorKind::Url => Severity::High,
            IndicatorKind::FilePath | IndicatorKind::FilePathRegex => Severity::High,
            IndicatorKind::Ip | IndicatorKind::Cidr | IndicatorKind::UrlPath => Severity::Medium,
            IndicatorKind::FileName | IndicatorKind::Folder => Severity::Medium,
            IndicatorKind::UserAgent => Severity::Low,
        }
    }

    /// How much a hit proves when the indicator does not say.
    pub fn default_confidence(self) -> Confidence {
        match self {
            IndicatorKind::Sha256 | IndicatorKind::Sha1 | IndicatorKind::Md5 => Confidence::Conclusive,
            IndicatorKind::Domain | IndicatorKind::Url => Confidence::Strong,
            IndicatorKind::FilePath | IndicatorKind::FilePathRegex => Confidence::Strong,
            _ => Confidence::Weak,
        }
    }

    /// What a hit shows when the indicator does not say: a file at rest means a step that worked, a name looked up
    /// means somebody already in, a request only means somebody knocked.
    pub fn default_outcome(self) -> Outcome {
        match self {
            IndicatorKind::Ip | IndicatorKind::Cidr | IndicatorKind::UrlPath | IndicatorKind::UserAgent => {
                Outcome::Attempt
            }
            IndicatorKind::Domain | IndicatorKind::Url => Outcome::PostExploitation,
            _ => Outcome::Success,
        }
    }

    /// Whether a hit of this kind can never be more than weak evidence.
    pub fn is_weak(self) -> bool {
        matches!(
            self,
            IndicatorKind::Ip | IndicatorKind::Cidr | IndicatorKind::UserAgent
        )
    }
}

impl fmt::Display for IndicatorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// One indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// What the value is.
    pub kind: IndicatorKind,
    /// The value, refanged but otherwise as it was given.
    pub value: String,
    /// How bad a hit is.
    pub severity: Severity,
    /// How much a hit proves alone.
    pub confidence: Confidence,
    /// What a hit shows.
    pub outcome: Outcome,
    /// The stage of the attack chain a hit belongs to.
    pub stage: Option<String>,
    /// What is known about it, one sentence in English.
    pub context: String,
    /// The same in French; empty when nobody translated it.
    pub context_fr: String,
    /// Who published it.
    pub source: String,
    /// The pack it comes from; `None` for a list the user gave.
    pub pack: Option<String>,
    /// Events before this instant (UTC) are not judged by it; `None` when nobody says.
    pub valid_from: Option<Timestamp>,
    /// Events from this instant (UTC) on are not judged by it; `None` when nobody says.
    pub valid_until: Option<Timestamp>,
    /// 1-based line in the file it was read from, 0 when there is none.
    pub line: u64,
}

impl Indicator {
    /// An indicator with the grades its kind has by default. Defanged forms (`hxxp`, `[.]`) are undone.
    pub fn new(kind: IndicatorKind, value: &str) -> Indicator {
        Indicator {
            kind,
            value: normal::refang(kind, value),
            severity: kind.default_severity(),
            confidence: kind.default_confidence(),
            outcome: kind.default_outcome(),
            stage: None,
            context: String::new(),
            context_fr: String::new(),
            source: String::new(),
            pack: None,
            valid_from: None,
            valid_until: None,
            line: 0,
        }
    }
}

#[cfg(test)]
mod tests;
