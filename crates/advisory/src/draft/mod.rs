//! From an advisory to the draft of a pack: files that load, and a list of what a human must fill in.

mod facts;
mod write;

use std::collections::BTreeMap;

use crate::cve::CveRecord;
use crate::epss::Epss;
use crate::json::Json;
use crate::kev::Kev;

pub use facts::version_parts;

/// What a draft is made from.
#[derive(Default)]
pub struct Sources<'a> {
    /// The pack's name, `[a-z0-9-]`.
    pub name: &'a str,
    /// A CSAF advisory.
    pub advisory: Option<&'a Json>,
    /// CISA's catalogue.
    pub kev: Option<&'a Kev>,
    /// EPSS scores.
    pub epss: Option<&'a Epss>,
    /// CVE records.
    pub records: &'a [CveRecord],
    /// Products that Vigie knows already.
    pub products: &'a [KnownProduct],
}

/// A product that Vigie knows already.
#[derive(Debug, Clone, Default)]
pub struct KnownProduct {
    /// `exchange`
    pub id: String,
    /// Lines: identifier and full name, `2016` and `Exchange Server 2016`.
    pub lines: Vec<(String, String)>,
    /// Published builds: line, cumulative update, build.
    pub builds: Vec<(String, String, [u32; 4])>,
}

/// A drafted pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Files by their path inside the pack.
    pub files: BTreeMap<String, String>,
    /// What a human must fill in, most important first: English and French.
    pub to_fill: Vec<(String, String)>,
    /// How many vulnerabilities it has.
    pub vulnerabilities: usize,
}

/// Why there is no draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A name packs cannot have.
    #[error("{0:?} is no name of a pack: use lower-case letters, digits and dashes")]
    Name(String),
    /// Nothing to make a pack of.
    #[error("neither the advisory nor the CVE records name a vulnerability with a CVE identifier")]
    Empty,
}

/// Drafts a pack.
///
/// # Errors
/// When the name is none, or no vulnerability with a CVE identifier is named.
pub fn draft(sources: &Sources<'_>) -> Result<Draft, DraftError> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if sources.name.is_empty() || sources.name.len() > 80 || !sources.name.bytes().all(good) {
        return Err(DraftError::Name(sources.name.chars().take(80).collect()));
    }
    let facts = facts::gather(sources);
    if facts.vulnerabilities.is_empty() {
        return Err(DraftError::Empty);
    }
    Ok(write::pack(sources, &facts))
}
