//! What a hunt says: the model behind every output format, and Vigie's JSON contract (`docs/hunt.schema.json`).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use crate::detector::Confidence;
use vigie_evidence::message::{self, Message};

/// The version of the JSON contract. Minor: fields added. Major: fields changed or removed.
pub const SCHEMA_VERSION: &str = "1.2";

/// A sentence in the languages Vigie speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Text {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

impl Text {
    /// The sentence in `lang` (`fr`, otherwise English).
    pub fn get(&self, lang: &str) -> &str {
        if lang == "fr" && !self.fr.is_empty() {
            &self.fr
        } else {
            &self.en
        }
    }
}

/// The whole answer of one run.
#[derive(Debug, Clone, Serialize)]
pub struct HuntResult {
    /// [`SCHEMA_VERSION`].
    pub schema_version: String,
    /// The packs that ran.
    pub pack: Vec<PackInfo>,
    /// Counts.
    pub stats: Stats,
    /// One entry per machine, worst verdict first, then by tenant and name.
    pub hosts: Vec<HostResult>,
    /// Every suppression, with what it hid.
    pub suppressions: Vec<SuppressionEntry>,
    /// Every file read.
    pub manifest: Vec<ManifestEntry>,
    /// SHA-256 over the manifest's paths, sizes and hashes: names the evidence this answer is about.
    pub manifest_sha256: String,
    /// What the reader must know before trusting the answer. In JSON `warnings`, the sentences in English, and
    /// `warning_codes`, the same for programs, at the same positions.
    #[serde(flatten, serialize_with = "in_both_ways")]
    pub warnings: Vec<Message>,
}

fn in_both_ways<S: Serializer>(warnings: &[Message], serializer: S) -> Result<S::Ok, S::Error> {
    message::warnings(warnings, serializer)
}

/// A pack that ran.
#[derive(Debug, Clone, Serialize)]
pub struct PackInfo {
    /// `hafnium-2021`.
    pub name: String,
    /// The pack's own version.
    pub version: String,
    /// Its title.
    pub title: Text,
    /// The threat's window that coverage is measured against, RFC 3339 UTC.
    pub from: String,
    /// End of the window: what `--until` says, the pack says, or the newest event of the evidence.
    pub to: String,
    /// The stages of the attack chain in order.
    pub stages: Vec<StageInfo>,
}

/// A stage of the attack chain.
#[derive(Debug, Clone, Serialize)]
pub struct StageInfo {
    /// `web_shell`.
    pub id: String,
    /// What people call it.
    pub title: Text,
}

/// Counts of one run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stats {
    /// Bytes read, after unpacking.
    pub bytes: u64,
    /// Rows evaluated.
    pub events: u64,
    /// Files seen.
    pub files: u64,
    /// Files, records or spans skipped; each is explained in the manifest.
    pub skipped: u64,
    /// Wall time, seconds.
    pub elapsed_s: f64,
    /// Rules that ran.
    pub rules: u64,
    /// Rules that did not run because the user chose among them.
    pub rules_left_out: u64,
    /// Rules, indicators and suppressions that were refused; each is a warning.
    pub refused: u64,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}

/// How bad it is. Never "clean": [`Verdict::NoEvidence`] holds for a window only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Looked, with logs over the whole window, and found nothing.
    NoEvidence,
    /// Cannot tell: the logs that matter do not cover the window.
    Unknown,
    /// Somebody tried; nothing says it worked.
    Attempted,
    /// Signs that it worked, none of them conclusive.
    Suspected,
    /// It worked.
    Compromised,
}

impl Verdict {
    /// The identifier used in JSON and for `--fail-on`.
    pub fn id(self) -> &'static str {
        match self {
            Verdict::NoEvidence => "no_evidence",
            Verdict::Unknown => "unknown",
            Verdict::Attempted => "attempted",
            Verdict::Suspected => "suspected",
            Verdict::Compromised => "compromised",
        }
    }

    /// The verdict with this identifier.
    pub fn from_id(id: &str) -> Option<Verdict> {
        [
            Verdict::NoEvidence,
            Verdict::Unknown,
            Verdict::Attempted,
            Verdict::Suspected,
            Verdict::Compromised,
        ]
        .into_iter()
        .find(|verdict| verdict.id() == id)
    }
}

/// What one detection shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody knocked on the door, possibly with good intent.
    Scan,
    /// An attack that nothing says worked.
    Attempt,
    /// A step that worked.
    Success,
    /// What an intruder does once in.
    PostExploitation,
}

/// The severity of a finding, Sigma's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    Informational,
    /// Rarely worth a look.
    Low,
    /// Worth a look.
    Medium,
    /// Look now.
    High,
    /// Wake somebody up.
    Critical,
}

impl Severity {
    /// The severity with this identifier.
    pub fn from_id(id: &str) -> Option<Severity> {
        match id {
            "critical" => Some(Severity::Critical),
            "high" => Some(Severity::High),
            "medium" => Some(Severity::Medium),
            "low" => Some(Severity::Low),
            "informational" => Some(Severity::Informational),
            _ => None,
        }
    }
}

/// The answer for one machine.
#[derive(Debug, Clone, Serialize)]
pub struct HostResult {
    /// The machine's name.
    pub host: String,
    /// Where the name comes from.
    pub host_source: Option<String>,
    /// Whose it is.
    pub tenant: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// For `no_evidence` (and as information otherwise): the span that was really looked at, RFC 3339 UTC.
    pub window: Option<Span>,
    /// Whether finding nothing would say something: all logs that matter cover the window, all rules ran. Not part of the
    /// contract.
    #[serde(skip)]
    pub sees_all: bool,
    /// Why, most important first.
    pub reasons: Vec<Text>,
    /// Per log source that matters: what the evidence covers.
    pub coverage: Vec<Coverage>,
    /// What happened, told as stories; worst first.
    pub storylines: Vec<Storyline>,
    /// All findings, by time.
    pub findings: Vec<Finding>,
    /// Events of this machine that suppressions hid; they are not in `findings`.
    pub suppressed: u64,
    /// Facts the evidence told about the machine: builds, checks that were run and what they said.
    pub observations: Vec<ObservationEntry>,
    /// Events of this machine, by source.
    pub events: BTreeMap<String, u64>,
}

/// A stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// RFC 3339 UTC.
    pub from: String,
    /// RFC 3339 UTC.
    pub to: String,
}

/// What the evidence covers of one log source.
#[derive(Debug, Clone, Serialize)]
pub struct Coverage {
    /// The source's identifier, `httpproxy`, or `windows_event/Security`.
    pub source: String,
    /// Its name for people.
    pub title: Text,
    /// Whether the verdict needs it.
    pub required: bool,
    /// Oldest event, RFC 3339 UTC; `null` when there is none.
    pub from: Option<String>,
    /// Newest event.
    pub to: Option<String>,
    /// Part of the threat's window that is covered, 0 to 1.
    pub ratio: f64,
    /// Intervals really covered inside the window.
    pub covered: Vec<Span>,
    /// Stretches inside the window without a single record, longer than the source's usual silence.
    pub gaps: Vec<Gap>,
    /// Records counted.
    pub records: u64,
}

/// A stretch without records.
#[derive(Debug, Clone, Serialize)]
pub struct Gap {
    /// RFC 3339 UTC.
    pub from: String,
    /// RFC 3339 UTC.
    pub to: String,
    /// `before_first_record` (rolled or never collected), `inside`, `after_last_record`.
    pub kind: String,
    /// What that means.
    pub why: Text,
}

/// Findings that belong together: one intruder, one tool, one session.
#[derive(Debug, Clone, Serialize)]
pub struct Storyline {
    /// `S1`, unique within the host.
    pub id: String,
    /// The story in one sentence a client understands.
    pub title: Text,
    /// The worst outcome in it.
    pub outcome: Outcome,
    /// The highest severity in it.
    pub severity: Severity,
    /// First event.
    pub from: String,
    /// Last event.
    pub to: String,
    /// Stages reached, in the order in which they were first reached.
    pub stages: Vec<String>,
    /// ATT&CK techniques seen.
    pub attack: Vec<String>,
    /// What holds it together: `address 203.0.113.45`, `canary ...`, `process tree ...`.
    pub links: Vec<String>,
    /// Identifiers of its findings, by stage in that order, then time.
    pub findings: Vec<String>,
    /// Other machines on which the same story goes on.
    pub hosts: Vec<String>,
}

/// Detections of one rule that say one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// `F1`, unique within the host.
    pub id: String,
    /// The rule's identifier.
    pub rule_id: String,
    /// The rule's title, in English as its author wrote it.
    pub title: String,
    /// The statement, with values filled in, for a client to understand.
    pub statement: Text,
    /// Severity.
    pub severity: Severity,
    /// First event, RFC 3339 UTC; `null` when the event has no time.
    pub time: Option<String>,
    /// Last event.
    pub end_time: Option<String>,
    /// Events behind it (all, not only those shown).
    pub count: u64,
    /// ATT&CK technique identifiers, `T1505.003`.
    pub attack: Vec<String>,
    /// Stage of the attack chain.
    pub stage: String,
    /// What it shows.
    pub outcome: Outcome,
    /// The pack it comes from; `null` for rules given by `--rules`.
    pub pack: Option<String>,
    /// The storyline it belongs to.
    pub storyline: Option<String>,
    /// How much it proves; not part of the contract.
    #[serde(skip)]
    pub confidence: Confidence,
    /// The sources its events come from; not part of the contract.
    #[serde(skip)]
    pub sources: BTreeSet<String>,
    /// Evidence lines: the first ones, at most a handful; `count` says how many there are.
    pub evidence: Vec<EvidenceLine>,
}

/// One line of proof.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceLine {
    /// The file, as in the manifest.
    pub path: String,
    /// EVTX record number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// 1-based line of a text log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// When, RFC 3339 UTC.
    pub time: Option<String>,
    /// The fields that matter, `name=value` joined by spaces, bounded.
    pub excerpt: String,
    /// All fields of the event.
    pub fields: BTreeMap<String, String>,
}

/// One entry of the benign catalogue, and what it did.
#[derive(Debug, Clone, Serialize)]
pub struct SuppressionEntry {
    /// The file it stands in.
    pub path: String,
    /// 1-based line; `null` when it is not known.
    pub line: Option<u64>,
    /// Identifier or title of the rule, with wildcards.
    pub rule: String,
    /// Name of the machine, with wildcards; `null` for all.
    pub host: Option<String>,
    /// Name of the tenant, with wildcards; `null` for all.
    pub tenant: Option<String>,
    /// What the event's fields must be: field with modifiers, values.
    pub fields: BTreeMap<String, String>,
    /// Why it is harmless.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// Until when, as written.
    pub expires: String,
    /// What became of it.
    pub state: SuppressionState,
    /// Events it hid. An event that two entries hide counts for both.
    pub events: u64,
    /// Findings it hid in whole or in part.
    pub findings: u64,
    /// Where.
    pub hosts: Vec<SuppressedOn>,
}

/// What became of a suppression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionState {
    /// It hid something.
    Applied,
    /// There was nothing to hide.
    Idle,
    /// It holds no longer, and hid nothing.
    Expired,
}

/// What a suppression hid on one machine.
#[derive(Debug, Clone, Serialize)]
pub struct SuppressedOn {
    /// The machine.
    pub host: String,
    /// Whose it is.
    pub tenant: Option<String>,
    /// Events.
    pub events: u64,
    /// Findings, in whole or in part.
    pub findings: u64,
    /// First event, RFC 3339 UTC.
    pub from: Option<String>,
    /// Last event.
    pub to: Option<String>,
}

/// A fact about the machine.
#[derive(Debug, Clone, Serialize)]
pub struct ObservationEntry {
    /// `exchange_build`, `check_run`, ...
    pub kind: String,
    /// The value.
    pub value: String,
    /// First time it was seen to be true.
    pub from: Option<String>,
    /// Last time.
    pub to: Option<String>,
    /// The file that told it.
    pub path: String,
}

/// One file of the evidence.
#[derive(Debug, Clone, Serialize)]
pub struct ManifestEntry {
    /// Path as shown to people.
    pub path: String,
    /// The machine it was attributed to.
    pub host: Option<String>,
    /// Its path on its machine, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_path: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Source identifier; `null` when nothing recognised it.
    pub source: Option<String>,
    /// Format name.
    pub format: Option<String>,
    /// Records read.
    pub records: u64,
    /// First event.
    pub first: Option<String>,
    /// Last event.
    pub last: Option<String>,
    /// What was skipped and why.
    pub skipped: Vec<SkipEntry>,
    /// Clock correction in seconds, when one was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_offset_s: Option<f64>,
}

/// What was not read.
#[derive(Debug, Clone, Serialize)]
pub struct SkipEntry {
    /// The reason. In JSON `why`, the sentence in English, with `code` and `parameters`.
    #[serde(flatten, serialize_with = "message::why")]
    pub why: Message,
    /// Records or lines.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
    /// Where first.
    pub first_at: Option<String>,
}
