//! What an assessment says: the model behind every output, and Vigie's JSON contract (`docs/exposure.md`).

use std::sync::Arc;

use serde::{Serialize, Serializer};
use vigie_event::{Timestamp, format_utc};

use crate::said::{because, reason};
use crate::state::Answer;
use crate::{BuildSource, Decision, Path, Said, Status, Topology};

/// The version of the JSON contract. Minor: fields added. Major: fields changed or removed.
pub const SCHEMA_VERSION: &str = "1.1";

/// Who is concerned by the threats of one pack, how sure that is, and what is the way out.
#[derive(Debug, Clone, Serialize)]
pub struct Assessment {
    /// [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// The moment the answers are for; nothing observed later counts.
    #[serde(serialize_with = "time")]
    pub as_of: Timestamp,
    /// The pack.
    pub pack: PackInfo,
    /// The servers, most urgent first: that is the order of work.
    pub servers: Vec<ServerExposure>,
    /// Found from outside, unknown inside.
    pub unknown: Vec<Outsider>,
    /// How many servers stand how, per tenant and for all (`tenant` is `null`).
    pub summary: Vec<Summary>,
    /// What was known, and how it stood, over time.
    pub curve: Vec<Point>,
    /// The files it was made from, and what of them was not understood. Filled by whoever read them.
    pub inputs: Vec<Input>,
    /// What the reader must know before trusting the answer.
    #[serde(serialize_with = "english")]
    pub warnings: Vec<Said>,
}

/// The pack an assessment is about.
#[derive(Debug, Clone, Serialize)]
pub struct PackInfo {
    /// `hafnium-2021`.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// Its title.
    pub title: Said,
    /// First known exploitation.
    #[serde(serialize_with = "time")]
    pub exploited_from: Timestamp,
}

/// One server.
#[derive(Debug, Clone, Serialize)]
pub struct ServerExposure {
    /// Its name.
    pub server: String,
    /// Its name in DNS.
    pub fqdn: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// `Exchange Server 2016 CU19 Mar21SU`, as far as it is known.
    pub product: String,
    /// The build.
    pub build: BuildExposure,
    /// Whether TCP/443 is published.
    pub published: Answer,
    /// Who says so.
    pub published_by: Option<String>,
    /// What was said of it besides, and does not stand.
    pub published_conflicts: Vec<PublishedConflict>,
    /// How it works with Exchange Online.
    pub topology: Option<Topology>,
    /// What is in place that closes something for now, whatever it closes.
    pub mitigations: Vec<MitigationExposure>,
    /// The worst of its vulnerabilities' statuses.
    pub status: Status,
    /// Age of the newest observation of its build at `as_of`, days.
    pub age_days: Option<i64>,
    /// Whether that is too old to be relied on; so is a build without a date.
    pub stale: bool,
    /// The worst status over time, oldest first; each holds until the next one's `from`.
    pub history: Vec<Standing>,
    /// Which build ran when, oldest first, as far as anybody looked.
    pub builds: Vec<RanBuild>,
    /// One entry per vulnerability, in the pack's order.
    pub cves: Vec<CveExposure>,
    /// When it could be attacked; sets which part of its logs must be hunted. `null`: never, as far as is known.
    pub window: Option<WindowExposure>,
    /// What to do, and when.
    pub ssvc: Ssvc,
    /// The way out; empty where nothing is to be done.
    pub path: Path,
}

/// The build a server runs.
#[derive(Debug, Clone, Serialize)]
pub struct BuildExposure {
    /// `15.1.2176.2`; `null` when nobody knows, or sources contradict each other.
    pub value: Option<String>,
    /// How it was found out.
    pub source: Option<BuildSource>,
    /// When.
    #[serde(serialize_with = "time_or_null")]
    pub observed_at: Option<Timestamp>,
    /// Who says so.
    pub origin: Option<String>,
    /// How its source is known to mislead.
    pub trap: Option<Arc<Said>>,
    /// What is not certain about this build in the table of published ones.
    pub doubt: Option<Arc<Said>>,
    /// Observations that say something else.
    pub conflicts: Vec<Conflict>,
}

/// An observation of a build that says something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// What it says.
    pub value: String,
    /// How it was found out.
    pub source: BuildSource,
    /// When.
    #[serde(serialize_with = "time_or_null")]
    pub observed_at: Option<Timestamp>,
    /// Who says so.
    pub origin: String,
}

/// What somebody said of the publication of TCP/443.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedConflict {
    /// What it says.
    pub value: Answer,
    /// When.
    #[serde(serialize_with = "time_or_null")]
    pub observed_at: Option<Timestamp>,
    /// Who says so.
    pub origin: String,
}

/// A mitigation that is in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MitigationExposure {
    /// As it was observed: `EOMT`.
    pub id: String,
    /// First seen.
    #[serde(serialize_with = "time_or_null")]
    pub since: Option<Timestamp>,
    /// Last seen.
    #[serde(serialize_with = "time_or_null")]
    pub observed_at: Option<Timestamp>,
    /// Who says so.
    pub origin: String,
}

/// A build that ran from one moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RanBuild {
    /// First seen; `null` where its source has no date.
    #[serde(serialize_with = "time_or_null")]
    pub from: Option<Timestamp>,
    /// The build; `null` while sources contradict each other.
    pub value: Option<String>,
    /// How it was found out.
    pub source: BuildSource,
    /// Who says so.
    pub origin: String,
}

/// A file an assessment was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Its name.
    pub file: String,
    /// What recognised it: `csv`, `healthchecker`, `hunt`, ...
    pub format: String,
    /// Rows with something in them; `null` where the page is for one of several tenants.
    pub rows: Option<u64>,
    /// What was decided for the file as a whole.
    #[serde(serialize_with = "english")]
    pub notes: Vec<Said>,
    /// What was not understood.
    pub problems: Vec<InputProblem>,
    /// How many more problems there were.
    pub more_problems: u64,
}

/// Something in a file that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputProblem {
    /// Where.
    pub place: Said,
    /// What it is and what to do.
    pub why: Said,
}

/// The worst status from one moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// From when on, as far as anybody looked; `null` when nobody knows.
    #[serde(serialize_with = "time_or_null")]
    pub from: Option<Timestamp>,
    /// How it stood.
    pub status: Status,
}

/// How a server stands to one vulnerability.
#[derive(Debug, Clone, Serialize)]
pub struct CveExposure {
    /// `CVE-2021-26855`.
    pub cve: Arc<str>,
    /// How it stands.
    pub status: Status,
    /// Since when, as far as anybody looked.
    #[serde(serialize_with = "time_or_null")]
    pub since: Option<Timestamp>,
    /// Why.
    #[serde(flatten, serialize_with = "reason::serialize")]
    pub reason: Arc<Said>,
}

/// When a server could be attacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WindowExposure {
    /// The first moment.
    #[serde(serialize_with = "time")]
    pub from: Timestamp,
    /// The first moment at which it is known to be over; `null` while it is not.
    #[serde(serialize_with = "time_or_null")]
    pub to: Option<Timestamp>,
    /// The earliest moment at which it can have been over.
    #[serde(serialize_with = "time_or_null")]
    pub to_earliest: Option<Timestamp>,
}

/// What to do, and when.
#[derive(Debug, Clone, Serialize)]
pub struct Ssvc {
    /// The decision.
    pub decision: Decision,
    /// The vulnerability that decides.
    pub cve: Option<Arc<str>>,
    /// One sentence.
    #[serde(flatten, serialize_with = "because::serialize")]
    pub because: Arc<Said>,
}

/// A server that nobody's inventory names.
#[derive(Debug, Clone, Serialize)]
pub struct Outsider {
    /// Its best name.
    pub server: String,
    /// Its name in DNS.
    pub fqdn: Option<String>,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// The build that was seen.
    pub build: BuildExposure,
    /// The worst of its vulnerabilities' statuses.
    pub status: Status,
    /// What was seen, and by whom.
    pub origins: Vec<String>,
}

/// How many servers stand how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Whose; `null` for all together.
    pub tenant: Option<String>,
    /// Servers.
    pub servers: usize,
    /// Nobody can tell.
    pub unknown: usize,
    /// Open.
    pub vulnerable: usize,
    /// Open and published, as far as is known.
    pub vulnerable_published: usize,
    /// Closed for now.
    pub mitigated: usize,
    /// Never open.
    pub not_affected: usize,
    /// Updated.
    pub fixed: usize,
    /// Whose build was last looked at too long ago.
    pub stale: usize,
}

/// What was known at one moment, and how it stood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Point {
    /// When.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// Servers whose build was known, and looked at not too long ago.
    pub known: usize,
    /// Servers whose build was known from too long ago.
    pub stale: usize,
    /// Servers whose build nobody knew.
    pub unknown_build: usize,
    /// By status; together all servers.
    pub unknown: usize,
    /// Open.
    pub vulnerable: usize,
    /// Closed for now.
    pub mitigated: usize,
    /// Never open.
    pub not_affected: usize,
    /// Updated.
    pub fixed: usize,
}

fn time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_utc(*time))
}

fn time_or_null<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(known) => serializer.serialize_some(&format_utc(*known)),
        None => serializer.serialize_none(),
    }
}

fn english<S: Serializer>(list: &[Said], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(|said| &said.en))
}
