//! Which rules run: by severity, status, identifier, tag and log source.

use std::str::FromStr;

use vigie_detect::sigma::Rule;

use crate::Severity;
use crate::glob;

/// What the user asks of rules. Without anything asked, all run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleSelection {
    /// The least severity. Rules of packs run whatever theirs: the verdict stands on them.
    pub level: Option<Severity>,
    /// The maturity wanted; again not asked of rules of packs.
    pub status: Option<StatusFilter>,
    /// Rules of which one of these is true run; when empty, all do.
    pub include: Vec<RulePick>,
    /// Rules of which one of these is true do not run.
    pub exclude: Vec<RulePick>,
}

impl RuleSelection {
    /// Whether every rule runs.
    pub fn is_all(&self) -> bool {
        *self == RuleSelection::default()
    }

    /// Whether a rule runs.
    pub fn wants(&self, rule: &Rule) -> bool {
        let picked = |picks: &[RulePick]| picks.iter().any(|pick| pick.takes(rule));
        let mature = || {
            let severity = Severity::from_id(rule.level.as_str()).unwrap_or(Severity::Informational);
            self.level.is_none_or(|least| severity >= least)
                && self.status.as_ref().is_none_or(|wanted| {
                    let status = rule.status.as_deref().and_then(RuleStatus::from_id);
                    wanted.takes(status.unwrap_or(RuleStatus::UNSAID))
                })
        };
        (rule.pack.is_some() || mature())
            && (self.include.is_empty() || picked(&self.include))
            && !picked(&self.exclude)
    }

    /// The picks that are true of no rule at all: probably mistyped.
    pub fn idle<'a>(&'a self, rules: &[&Rule]) -> Vec<&'a RulePick> {
        self.include
            .iter()
            .chain(&self.exclude)
            .filter(|pick| !rules.iter().any(|rule| pick.takes(rule)))
            .collect()
    }
}

/// The maturity of a rule, Sigma's `status`, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleStatus {
    /// Cannot be used as it is.
    Unsupported,
    /// Replaced by another.
    Deprecated,
    /// Could give false positives.
    Experimental,
    /// Needs little tuning.
    Test,
    /// For production.
    Stable,
}

impl RuleStatus {
    /// All, least first, as Sigma writes them.
    const ALL: [(RuleStatus, &str); 5] = [
        (RuleStatus::Unsupported, "unsupported"),
        (RuleStatus::Deprecated, "deprecated"),
        (RuleStatus::Experimental, "experimental"),
        (RuleStatus::Test, "test"),
        (RuleStatus::Stable, "stable"),
    ];
    /// What a rule that does not say is taken for.
    const UNSAID: RuleStatus = RuleStatus::Experimental;

    /// The status with this name.
    pub fn from_id(id: &str) -> Option<RuleStatus> {
        let known = RuleStatus::ALL.iter();
        known
            .copied()
            .find(|(_, name)| name.eq_ignore_ascii_case(id))
            .map(|(status, _)| status)
    }
}

/// One status is the least that will do; several, separated by commas, are those wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusFilter {
    /// This one or a more mature one.
    AtLeast(RuleStatus),
    /// One of these.
    OneOf(Vec<RuleStatus>),
}

impl StatusFilter {
    fn takes(&self, status: RuleStatus) -> bool {
        match self {
            StatusFilter::AtLeast(least) => status >= *least,
            StatusFilter::OneOf(wanted) => wanted.contains(&status),
        }
    }
}

impl FromStr for StatusFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<StatusFilter, String> {
        let known = || RuleStatus::ALL.map(|(_, name)| name).join(", ");
        let statuses: Vec<RuleStatus> = text
            .split(',')
            .map(|name| RuleStatus::from_id(name.trim()).ok_or_else(|| format!("one of {}", known())))
            .collect::<Result<_, _>>()?;
        Ok(match statuses[..] {
            [least] => StatusFilter::AtLeast(least),
            _ => StatusFilter::OneOf(statuses),
        })
    }
}

/// What picks rules: an identifier or a tag, with wildcards, or parts of the log source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePick {
    text: String,
    parts: Vec<(Part, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    IdOrTag,
    Id,
    Tag,
    Product,
    Category,
    Service,
}

impl RulePick {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn takes(&self, rule: &Rule) -> bool {
        let said = |value: &Option<String>, pattern: &str| {
            value.as_ref().is_some_and(|value| glob::matches(pattern, value))
        };
        self.parts.iter().all(|(part, pattern)| {
            let id = || glob::matches(pattern, &rule.id);
            let tag = || rule.tags.iter().any(|tag| glob::matches(pattern, tag));
            match part {
                Part::IdOrTag => id() || tag(),
                Part::Id => id(),
                Part::Tag => tag(),
                Part::Product => said(&rule.logsource.product, pattern),
                Part::Category => said(&rule.logsource.category, pattern),
                Part::Service => said(&rule.logsource.service, pattern),
            }
        })
    }
}

impl FromStr for RulePick {
    type Err = String;

    /// Parts separated by commas must all be true: `product=windows,category=process_creation`.
    fn from_str(text: &str) -> Result<RulePick, String> {
        let part = |part: &str| {
            let (name, pattern) = match part.split_once('=') {
                Some((name, pattern)) => (name.trim(), pattern.trim()),
                None => ("", part.trim()),
            };
            let kind = match name {
                "" => Part::IdOrTag,
                "id" => Part::Id,
                "tag" => Part::Tag,
                "product" => Part::Product,
                "category" => Part::Category,
                "service" => Part::Service,
                other => {
                    return Err(format!(
                        "rules are not picked by {other}, but by id, tag, product, category or service"
                    ));
                }
            };
            if pattern.is_empty() {
                return Err(
                    "write an identifier, a tag, or a log source such as category=webserver".to_owned(),
                );
            }
            Ok((kind, pattern.to_owned()))
        };
        Ok(RulePick {
            text: text.to_owned(),
            parts: text.split(',').map(part).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigie_detect::sigma::{RuleSet, RuleSource};

    fn rule(head: &str, pack: Option<&str>) -> Rule {
        let loaded = RuleSet::compile(&[RuleSource {
            path: "r.yml".into(),
            text: format!("title: t\n{head}\ndetection: {{ s: {{ a: b }}, condition: s }}\n"),
            pack: pack.map(str::to_owned),
        }]);
        loaded.rules.rules()[0].clone()
    }

    fn wants(selection: &RuleSelection, head: &str) -> bool {
        selection.wants(&rule(head, None))
    }

    const WEB: &str = "logsource: { category: webserver }";

    #[test]
    fn severity_and_status_are_least_ones_and_packs_are_whole() {
        let selection = RuleSelection {
            level: Some(Severity::High),
            status: Some("test".parse().unwrap()),
            ..RuleSelection::default()
        };
        let head = |level: &str, status: &str| format!("{WEB}\nlevel: {level}\nstatus: {status}");
        assert!(wants(&selection, &head("high", "test")));
        assert!(wants(&selection, &head("critical", "stable")));
        assert!(!wants(&selection, &head("medium", "stable")));
        assert!(!wants(&selection, &head("high", "experimental")));
        assert!(!wants(&selection, &format!("{WEB}\nlevel: high")));
        assert!(selection.wants(&rule(&head("low", "test"), Some("p"))));
        let listed = RuleSelection {
            status: Some("deprecated, stable".parse().unwrap()),
            ..RuleSelection::default()
        };
        assert!(wants(&listed, &head("low", "deprecated")) && wants(&listed, &head("low", "stable")));
        assert!(!wants(&listed, &head("low", "test")));
        assert!("ripe".parse::<StatusFilter>().unwrap_err().contains("stable"));
    }

    #[test]
    fn rules_are_picked_by_identifier_tag_and_log_source() {
        let head = "id: 929a690e-bef0-4204-a928-ef5e620d6fcc\ntags: [attack.t1505.003, attack.persistence]\n\
            logsource: { product: windows, category: process_creation }";
        for (pick, taken) in [
            ("929a690e-bef0-4204-a928-ef5e620d6fcc", true),
            ("929A690E-*", true),
            ("id=attack.*", false),
            ("attack.t1505.003", true),
            ("attack.t1505", false),
            ("tag=attack.t1505*", true),
            ("product=windows", true),
            ("product=windows,category=process_creation", true),
            ("product=windows,category=registry_set", false),
            ("service=security", false),
        ] {
            let pick: RulePick = pick.parse().unwrap();
            let included = RuleSelection {
                include: vec![pick.clone()],
                ..RuleSelection::default()
            };
            let excluded = RuleSelection {
                exclude: vec![pick.clone()],
                ..RuleSelection::default()
            };
            assert_eq!(wants(&included, head), taken, "{}", pick.text());
            assert_eq!(wants(&excluded, head), !taken, "{}", pick.text());
            assert_eq!(included.idle(&[&rule(head, None)]).is_empty(), taken);
        }
        for wrong in ["", "colour=red", "product=", "a,,b"] {
            assert!(wrong.parse::<RulePick>().is_err(), "{wrong}");
        }
    }
}
