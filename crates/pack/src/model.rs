//! What a pack holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use vigie_detect::indicators::Indicator;
use vigie_event::Timestamp;

use crate::Product;

/// A sentence in the languages Vigie speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

impl Text {
    /// The sentence in `lang` (`fr`, otherwise English).
    pub fn get(&self, lang: &str) -> &str {
        if lang == "fr" { &self.fr } else { &self.en }
    }
}

/// Everything Vigie knows about one threat.
#[derive(Debug, Clone)]
pub struct Pack {
    /// `hafnium-2021`: lower-case letters, digits and dashes, the name of its folder.
    pub name: String,
    /// The pack's own version, `1.0.0`.
    pub version: String,
    /// Its title.
    pub title: Text,
    /// What the threat is, one paragraph.
    pub summary: Text,
    /// Public pages.
    pub references: Vec<String>,
    /// Those of its vulnerabilities that a campaign is about, by `CVE-…`; none: all. The others are known besides.
    pub about: Vec<String>,
    /// How fast the world closed the door, as published; for a campaign to stand beside.
    pub published_curve: Option<PublishedCurve>,
    /// When the threat was exploited.
    pub window: Window,
    /// The attack chain in order.
    pub stages: Vec<Stage>,
    /// The logs coverage is measured against.
    pub log_sources: Vec<LogSource>,
    /// Stage by ATT&CK tactic (`initial_access`), for rules that name no stage.
    pub sigma_tactics: BTreeMap<String, String>,
    /// The vulnerabilities.
    pub cves: Vec<Cve>,
    /// The product it is about, with its builds; without a name when the pack is about none.
    pub product: Product,
    /// The indicators.
    pub indicators: Vec<Indicator>,
    /// Sigma rules, by path.
    pub rules: Vec<RuleText>,
    /// YARA rules, by path.
    pub yara: Vec<RuleText>,
    /// Events that rules must and must not match.
    pub fixtures: Vec<Fixture>,
    /// The steps of the response.
    pub runbook: Runbook,
    /// What tenants are told.
    pub messages: Messages,
    /// Files that belong to no part of a pack, for [`crate::check()`] to name.
    pub unused: Vec<String>,
    /// The folder's name, for [`crate::check()`] to compare with `name`.
    pub folder: String,
}

impl Pack {
    /// Whether a campaign is about a vulnerability.
    pub fn is_about(&self, cve: &str) -> bool {
        self.about.is_empty() || self.about.iter().any(|about| about == cve)
    }

    /// The position of a stage in the attack chain.
    pub fn stage_index(&self, id: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.id == id)
    }

    /// The stage for an ATT&CK tactic written as in Sigma tags, `attack.initial-access` or `initial_access`.
    pub fn stage_of_tactic(&self, tactic: &str) -> Option<&str> {
        let tactic = tactic.strip_prefix("attack.").unwrap_or(tactic).replace('-', "_");
        self.sigma_tactics.get(&tactic).map(String::as_str)
    }

    /// The text of a message in a language (`fr`, otherwise English).
    pub fn message(&self, lang: &str, name: &str) -> Option<&str> {
        let lang = if lang == "fr" { "fr" } else { "en" };
        self.messages.get(lang)?.get(name).map(String::as_str)
    }
}

/// Messages by language, then name without `.md`.
pub type Messages = BTreeMap<String, BTreeMap<String, String>>;

/// When the threat was exploited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First known exploitation.
    pub from: Timestamp,
    /// End; `None` as long as it goes on.
    pub to: Option<Timestamp>,
}

/// How many servers of the world were still open when, as somebody published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedCurve {
    /// What was counted.
    pub title: Text,
    /// How many there were in all: what `open` is a number of.
    pub of: u64,
    /// The figures, oldest first; the first is day 0.
    pub points: Vec<PublishedPoint>,
}

/// One published figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPoint {
    /// Of which day.
    pub at: Timestamp,
    /// How many were still open.
    pub open: u64,
    /// Who said so, when, and in which words.
    pub source: Text,
    /// The page it stands on.
    pub url: String,
}

/// A stage of the attack chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// `web_shell`.
    pub id: String,
    /// What people call it.
    pub title: Text,
}

/// A log that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// A source identifier, `httpproxy`; Windows channels as `windows_event/Security`, advanced-hunting tables as
    /// `advanced_hunting/DeviceProcessEvents`.
    pub source: String,
    /// What people call it.
    pub title: Text,
    /// Whether the verdict needs it.
    pub required: bool,
    /// Sources that can stand in for each other share a group.
    pub one_of: Option<String>,
    /// Microseconds without a record that are still ordinary; `None` when silence means nothing.
    pub silence: Option<i64>,
    /// Stages it can show.
    pub stages: Vec<String>,
}

impl LogSource {
    /// The channel or table after the slash.
    pub fn channel(&self) -> Option<&str> {
        self.source.split_once('/').map(|(_, channel)| channel)
    }

    /// The source identifier before the slash.
    pub fn source_id(&self) -> &str {
        self.source.split('/').next().unwrap_or("")
    }
}

/// How far a vulnerability was exploited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exploited {
    /// No exploitation is known.
    NoneKnown,
    /// Against few.
    Limited,
    /// Against everybody.
    Mass,
}

/// A vulnerability.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cve {
    /// `CVE-2021-26855`.
    pub id: String,
    /// The name people use, `ProxyLogon`.
    pub alias: Option<String>,
    /// What it is.
    pub title: Text,
    /// What it allows an attacker to do.
    pub allows: Text,
    /// Whether no account is needed.
    pub without_account: bool,
    /// Whether attacks can be automated; `None`: they can when no account is needed.
    pub automatable: Option<bool>,
    /// Whether how to exploit it is public.
    #[serde(default)]
    pub public_poc: bool,
    /// Base score.
    pub cvss: Option<f64>,
    /// How far it was exploited.
    pub exploited: Exploited,
    /// The day it was made public, where that is not the day its first fix came out: `2021-07-13`.
    pub published: Option<String>,
    /// First known exploitation, `2021-01-03`.
    pub exploited_from: Option<String>,
    /// What somebody deciding must know besides.
    pub note: Option<Text>,
    /// The first fixed build of each product and update that got a fix.
    #[serde(default)]
    pub fixed: Vec<FixedIn>,
    /// The oldest affected update of a line, where older ones are known not to be affected.
    #[serde(default)]
    pub affected_from: Vec<FixedIn>,
    /// Lines that the advisory declares not to be affected, and why.
    #[serde(default)]
    pub not_affected: Vec<NotAffected>,
    /// What must be set besides the update: a build alone cannot prove the fix.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// Mitigations that close it for the time being, as observations name them (`EOMT`, `EEMS M1.1`).
    #[serde(default)]
    pub mitigated_by: Vec<String>,
    /// The only topologies that are concerned, as observations name them (`hybrid`); empty for all.
    #[serde(default, deserialize_with = "topologies")]
    pub topologies: Vec<String>,
}

/// How servers of a product can work with its cloud.
const TOPOLOGIES: [&str; 4] = ["on_prem", "hybrid", "hybrid_management_only", "online"];

fn topologies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let given = Vec::<String>::deserialize(deserializer)?;
    match given.iter().find(|id| !TOPOLOGIES.contains(&id.as_str())) {
        Some(id) => {
            let why = format!("{id:?} is no topology; known are: {}", TOPOLOGIES.join(", "));
            Err(serde::de::Error::custom(why))
        }
        None => Ok(given),
    }
}

impl Cve {
    /// Whether attacks can be automated, in the sense of SSVC: against anybody, without a person in between.
    pub fn automatable(&self) -> bool {
        self.automatable.unwrap_or(self.without_account)
    }

    /// Whether it is known to have been exploited.
    pub fn is_exploited(&self) -> bool {
        self.exploited != Exploited::NoneKnown
    }
}

/// A line of the product that is not affected.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotAffected {
    /// As in `builds.csv`.
    pub product: String,
    /// Why.
    pub why: Text,
}

/// A setting that belongs to a fix.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// As observations name it: `extended_protection`.
    pub id: String,
    /// What it is, in a few words.
    pub title: Text,
    /// The lines for which the update sets it by itself from this build on.
    #[serde(default)]
    pub set_from: Vec<FixedIn>,
}

/// The first build that holds a fix.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedIn {
    /// As in `builds.csv`.
    pub product: String,
    /// As in `builds.csv`.
    pub cumulative_update: String,
    /// The build.
    pub build: crate::BuildNumber,
}

/// A rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// Path inside the pack.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What one rule must and must not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    /// The rule's identifier.
    pub rule: String,
    /// Events that must match, by field.
    pub match_: Vec<BTreeMap<String, String>>,
    /// Events that must not match.
    pub no_match: Vec<BTreeMap<String, String>>,
    /// The file it stands in.
    pub path: String,
}

/// The steps of the response, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// In order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `isolate`.
    pub id: String,
    /// What it is called.
    pub title: Text,
    /// What to do.
    #[serde(rename = "do")]
    pub do_: Text,
    /// What must be true before the next step.
    pub gate: Text,
    /// The mistake people make here.
    pub avoid: Option<Text>,
}
