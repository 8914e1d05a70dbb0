//! Everything that can detect, behind one description: Sigma rules, indicators and YARA rules.

use std::sync::{Arc, LazyLock};

use vigie_detect::indicators::{Indicator, IndicatorKind};
use vigie_detect::sigma::Rule;
use vigie_detect::yara::YaraRule;
use vigie_pack::Pack;

use crate::{Outcome, Severity, Text};

/// How much one detection proves by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Never raises the verdict alone.
    Weak,
    /// Alone it makes a suspicion.
    Strong,
    /// Alone it settles the matter.
    Conclusive,
}

impl Confidence {
    /// The word for it.
    pub fn id(self) -> &'static str {
        match self {
            Confidence::Weak => "weak",
            Confidence::Strong => "strong",
            Confidence::Conclusive => "conclusive",
        }
    }

    /// The confidence with this word.
    pub fn from_id(id: &str) -> Option<Confidence> {
        [Confidence::Weak, Confidence::Strong, Confidence::Conclusive]
            .into_iter()
            .find(|confidence| confidence.id() == id)
    }
}

/// What a finding needs to know of whatever detected it.
#[derive(Debug, Clone)]
pub(crate) struct Detector {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) stage: String,
    pub(crate) outcome: Outcome,
    pub(crate) confidence: Confidence,
    pub(crate) attack: Vec<String>,
    pub(crate) statement: Text,
    pub(crate) join: Arc<[String]>,
    pub(crate) pack: Option<String>,
}

impl Detector {
    /// Describes a Sigma rule. Rules that carry no `vigie` mapping (public rules) take their stage from their
    /// ATT&CK tactic and prove little by themselves: their authors did not write them for verdicts.
    pub(crate) fn of_rule(rule: &Rule, packs: &[Pack]) -> Detector {
        let severity = severity(rule.level.as_str());
        let base = Detector {
            id: rule.id.clone(),
            title: rule.title.clone(),
            severity,
            stage: stage_of_tactics(&rule.tactics, packs),
            outcome: outcome_of_tactics(&rule.tactics),
            confidence: if severity == Severity::Critical {
                Confidence::Strong
            } else {
                Confidence::Weak
            },
            attack: rule.attack.clone(),
            statement: Text {
                en: rule.title.clone(),
                fr: format!("Règle Sigma « {} »", rule.title),
            },
            join: default_join(),
            pack: rule.pack.clone(),
        };
        let Some(meta) = &rule.vigie else { return base };
        Detector {
            stage: meta.stage.clone(),
            outcome: outcome(&meta.outcome).unwrap_or(base.outcome),
            confidence: confidence(&meta.confidence),
            statement: Text {
                en: meta.statement_en.clone(),
                fr: meta.statement_fr.clone(),
            },
            join: if meta.join.is_empty() {
                base.join
            } else {
                meta.join.iter().cloned().collect()
            },
            ..base
        }
    }

    /// Describes an indicator.
    pub(crate) fn of_indicator(indicator: &Indicator) -> Detector {
        let kind = indicator.kind.id();
        let stage = match indicator.kind {
            IndicatorKind::Domain | IndicatorKind::Url => "command_and_control",
            IndicatorKind::UrlPath => "ssrf",
            IndicatorKind::Ip | IndicatorKind::Cidr | IndicatorKind::UserAgent => "scan",
            _ => "web_shell",
        };
        let why = |before: &str, context: &str| {
            if context.is_empty() {
                String::new()
            } else {
                format!("{before}{context}")
            }
        };
        // A pack says who knows; of a list the reader wants to know which.
        let by = |before: &str| match (&indicator.pack, indicator.source.as_str()) {
            (Some(_), _) | (None, "") => String::new(),
            (None, source) => format!("{before}{source}"),
        };
        let french = match indicator.context_fr.as_str() {
            "" => &indicator.context,
            translated => translated,
        };
        Detector {
            id: format!("indicator:{kind}:{}", indicator.value),
            title: format!("Known {}: {}", kind.replace('_', " "), indicator.value),
            severity: severity(indicator.severity.id()),
            stage: indicator
                .stage
                .as_deref()
                .map_or(stage, |said| stage_of_tactic(said).unwrap_or(said))
                .to_owned(),
            outcome: outcome(indicator.outcome.id()).unwrap_or(Outcome::Attempt),
            confidence: confidence(indicator.confidence.id()),
            attack: Vec::new(),
            statement: Text {
                en: format!(
                    "{} is on the list of known indicators{}{}.",
                    indicator.value,
                    by(" of "),
                    why(": ", &indicator.context)
                ),
                fr: format!(
                    "{} figure dans la liste des indicateurs connus{}{}.",
                    indicator.value,
                    by(" de "),
                    why(" : ", french)
                ),
            },
            join: default_join(),
            pack: indicator.pack.clone(),
        }
    }

    /// Describes a YARA rule.
    pub(crate) fn of_yara(rule: &YaraRule) -> Detector {
        Detector {
            id: format!("yara:{}", rule.name),
            title: rule.title.clone(),
            severity: severity(rule.severity.id()),
            stage: rule.stage.clone().unwrap_or_else(|| "web_shell".to_owned()),
            outcome: outcome(rule.outcome.id()).unwrap_or(Outcome::Success),
            confidence: confidence(rule.confidence.id()),
            attack: rule.attack.clone(),
            statement: Text {
                en: rule.statement_en.clone(),
                fr: rule.statement_fr.clone(),
            },
            join: ["TargetFilename", "FileName"].map(str::to_owned).into(),
            pack: None,
        }
    }
}

/// The fields that tie events together when a rule does not say.
pub(crate) const DEFAULT_JOIN: [&str; 14] = [
    "c-ip",
    "ClientIpAddress",
    "msExchEcpCanary",
    "cs-uri-stem",
    "TargetFilename",
    "FileName",
    "ProcessGuid",
    "ParentProcessGuid",
    "LogonGuid",
    "SubjectLogonId",
    "LogonId",
    "IpAddress",
    "SourceIp",
    "DestinationIp",
];

/// The same, shared by all whom it concerns.
fn default_join() -> Arc<[String]> {
    static JOIN: LazyLock<Arc<[String]>> = LazyLock::new(|| DEFAULT_JOIN.map(str::to_owned).into());
    Arc::clone(&JOIN)
}

fn severity(level: &str) -> Severity {
    Severity::from_id(level).unwrap_or(Severity::Informational)
}

pub(crate) fn outcome(id: &str) -> Option<Outcome> {
    match id {
        "scan" => Some(Outcome::Scan),
        "attempt" => Some(Outcome::Attempt),
        "success" => Some(Outcome::Success),
        "post_exploitation" => Some(Outcome::PostExploitation),
        _ => None,
    }
}

pub(crate) fn confidence(id: &str) -> Confidence {
    match id {
        "conclusive" => Confidence::Conclusive,
        "strong" => Confidence::Strong,
        _ => Confidence::Weak,
    }
}

/// ATT&CK tactic to stage, where no pack says otherwise.
const TACTIC_STAGES: [(&str, &str); 16] = [
    ("reconnaissance", "scan"),
    ("resource_development", "scan"),
    ("initial_access", "ssrf"),
    ("execution", "execution"),
    ("persistence", "persistence"),
    ("privilege_escalation", "persistence"),
    ("defense_evasion", "defense_evasion"),
    ("stealth", "defense_evasion"),
    ("defense_impairment", "defense_evasion"),
    ("credential_access", "credential_access"),
    ("discovery", "discovery"),
    ("lateral_movement", "lateral_movement"),
    ("collection", "collection"),
    ("command_and_control", "command_and_control"),
    ("exfiltration", "exfiltration"),
    ("impact", "impact"),
];

fn stage_of_tactic(tactic: &str) -> Option<&'static str> {
    let known = TACTIC_STAGES.iter().find(|(name, _)| *name == tactic);
    known.map(|(_, stage)| *stage)
}

fn stage_of_tactics(tactics: &[String], packs: &[Pack]) -> String {
    let from_packs = tactics.iter().find_map(|tactic| {
        packs
            .iter()
            .find_map(|pack| pack.sigma_tactics.get(tactic))
            .cloned()
    });
    let known = || {
        tactics
            .iter()
            .find_map(|tactic| stage_of_tactic(tactic).map(str::to_owned))
    };
    from_packs
        .or_else(known)
        .unwrap_or_else(|| "execution".to_owned())
}

fn outcome_of_tactics(tactics: &[String]) -> Outcome {
    let first_steps = ["initial_access", "reconnaissance", "resource_development"];
    match tactics.first() {
        Some(tactic) if first_steps.contains(&tactic.as_str()) => Outcome::Attempt,
        _ => Outcome::PostExploitation,
    }
}
