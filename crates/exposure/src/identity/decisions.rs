//! What people decided about names: these are one server, those are not. `docs/inventory.md` describes the file.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::RandomState;
use serde::Deserialize;
use serde::de::Deserializer;
use vigie_event::parse_utc;

use super::names::lower;
use crate::observation::identifiers;
use crate::{FileError, Said, Subject, yaml};

/// Decisions one file may hold.
const MAX_DECISIONS: usize = 10_000;
/// Names one decision may be about.
const MAX_NAMES: usize = 1_000;

identifiers!(
    /// What was decided.
    DecisionKind {
        /// They are kept apart, whatever rules say.
        Apart = "apart",
        /// They are one server.
        Same = "same",
    }
);

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Where it is written: `decisions.yaml:3`.
    pub origin: String,
    /// What was decided.
    pub kind: DecisionKind,
    /// About which names.
    pub names: Vec<NameRef>,
    /// Whose they are; without it, names in sources that name no tenant.
    pub tenant: Option<String>,
    /// Who decided it.
    pub who: String,
    /// The day, as written.
    pub when: String,
    /// Why.
    pub why: String,
}

/// A name, as sources write it: short, in DNS, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRef {
    /// The name.
    pub name: String,
    /// Only where this file says it: its name, or the end of its path.
    pub file: Option<String>,
}

impl fmt::Display for NameRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.file {
            Some(file) => write!(f, " ({file})"),
            None => Ok(()),
        }
    }
}

/// A decision, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionUse {
    /// The decision.
    pub decision: Decision,
    /// How often it changed what the rules would have made of a name.
    pub changed: u64,
    /// Its names that no source says.
    pub unmatched: Vec<NameRef>,
}

/// What people decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    pub(super) list: Vec<Decision>,
    /// By name in lower case: which decisions speak of it.
    index: HashMap<String, Vec<NameId>, RandomState>,
}

/// A name of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameId {
    pub(super) decision: usize,
    pub(super) name: usize,
}

impl Decisions {
    /// Reads a file of decisions. `path` is for messages.
    ///
    /// # Errors
    /// When it is not YAML, or an entry lacks what a decision needs.
    pub fn read(path: &str, text: &str) -> Result<Decisions, FileError> {
        let written: Option<Vec<Written>> = yaml::read(path, text)?;
        let lines = yaml::item_lines(text, None);
        let mut list = Vec::new();
        for (index, Written(mut decision)) in written.unwrap_or_default().into_iter().enumerate() {
            decision.origin = match lines.get(index) {
                Some(line) => format!("{path}:{line}"),
                None => path.to_owned(),
            };
            list.push(decision);
        }
        if list.len() > MAX_DECISIONS {
            let why = Said::new(
                format!("it has more than {MAX_DECISIONS} decisions"),
                format!("il a plus de {MAX_DECISIONS} décisions"),
            );
            return Err(FileError {
                path: path.to_owned(),
                line: None,
                why,
            });
        }
        let mut decisions = Decisions::default();
        decisions.extend(list);
        Ok(decisions)
    }

    /// Adds those of another file.
    pub fn add(&mut self, other: Decisions) {
        self.extend(other.list);
    }

    fn extend(&mut self, list: Vec<Decision>) {
        for decision in list {
            for (name, known) in decision.names.iter().enumerate() {
                let id = NameId {
                    decision: self.list.len(),
                    name,
                };
                self.index.entry(lower(&known.name)).or_default().push(id);
            }
            self.list.push(decision);
        }
    }

    /// Which decisions speak of a subject, by which of its names.
    pub(super) fn about(&self, subject: &Subject, file: &str) -> Vec<NameId> {
        if self.list.is_empty() {
            return Vec::new();
        }
        let names = subject.name.iter().chain(&subject.fqdn).chain(&subject.aliases);
        let names = names.map(|name| lower(name));
        let addresses = subject.addresses.iter().map(ToString::to_string);
        let mut found: Vec<NameId> = Vec::new();
        for name in names.chain(addresses) {
            for id in self.index.get(&name).into_iter().flatten() {
                if self.fits(*id, subject, file) && !found.contains(id) {
                    found.push(*id);
                }
            }
        }
        found
    }

    fn fits(&self, id: NameId, subject: &Subject, file: &str) -> bool {
        let decision = &self.list[id.decision];
        let tenant = match (&decision.tenant, &subject.tenant) {
            (Some(one), Some(other)) => lower(one) == lower(other),
            (_, None) => true,
            (None, Some(_)) => false,
        };
        let wanted = decision.names[id.name].file.as_ref();
        tenant && wanted.is_none_or(|wanted| ends_in(file, wanted))
    }
}

/// Whether a path is, or ends in, another one.
fn ends_in(path: &str, end: &str) -> bool {
    let path = path.replace('\\', "/");
    let end = end.replace('\\', "/");
    let before = path.strip_suffix(end.as_str());
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// An entry of the file.
struct Written(Decision);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename = "decision")]
        struct Fields {
            apart: Option<Vec<WrittenName>>,
            same: Option<Vec<WrittenName>>,
            tenant: Option<String>,
            who: String,
            when: String,
            why: String,
        }
        let fields = Fields::deserialize(deserializer)?;
        let wrong = |en: &str, fr: &str| yaml::error(&Said::new(en, fr));
        let (kind, names) = match (fields.apart, fields.same) {
            (Some(names), None) => (DecisionKind::Apart, names),
            (None, Some(names)) => (DecisionKind::Same, names),
            _ => {
                return Err(wrong(
                    "a decision has one of apart and same",
                    "une décision a soit apart, soit same",
                ));
            }
        };
        let names: Vec<NameRef> = names.into_iter().map(|WrittenName(name)| name).collect();
        let mut several = names.iter().enumerate();
        let is_double = several.any(|(index, name)| names[..index].contains(name));
        if names.len() < 2 || names.len() > MAX_NAMES || is_double {
            return Err(wrong(
                "a decision is about two different names or more",
                "une décision porte sur deux noms différents ou plus",
            ));
        }
        for text in [&fields.who, &fields.why] {
            if text.trim().is_empty() {
                return Err(wrong("who and why are empty", "who et why sont vides"));
            }
        }
        if parse_utc(fields.when.trim()).is_none() {
            return Err(wrong(
                "when is a day such as 2021-03-04",
                "when est un jour comme 2021-03-04",
            ));
        }
        Ok(Written(Decision {
            origin: String::new(),
            kind,
            names,
            tenant: fields.tenant,
            who: fields.who,
            when: fields.when,
            why: fields.why,
        }))
    }
}

struct WrittenName(NameRef);

impl<'de> Deserialize<'de> for WrittenName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WrittenName, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            name: String,
            r#in: Option<String>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Plain(String),
            In(Fields),
        }
        let wrong = || {
            yaml::error(&Said::new(
                "a name is a text, or {name: EX01, in: FILE}",
                "un nom est un texte, ou {name: EX01, in: FICHIER}",
            ))
        };
        let (name, file) = match Either::deserialize(deserializer).map_err(|_| wrong())? {
            Either::Plain(name) => (name, None),
            Either::In(Fields { name, r#in }) => (name, r#in),
        };
        if name.trim().is_empty() {
            return Err(wrong());
        }
        Ok(WrittenName(NameRef {
            name: name.trim().to_owned(),
            file,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: &str = "  who: N. Martin\n  when: 2021-03-04\n  why: two machines\n";

    #[test]
    fn a_file_is_read_and_what_is_wrong_has_its_line() {
        let text = format!(
            "# ours\n- apart: [EX01, {{name: ex01, in: sud.csv}}]\n  tenant: X\n{WHO}- same: [a, b]\n{WHO}"
        );
        let decisions = Decisions::read("d.yaml", &text).unwrap();
        assert_eq!(decisions.list[1].origin, "d.yaml:7");
        assert_eq!(decisions.list[0].names[1].to_string(), "ex01 (sud.csv)");
        assert_eq!(Decisions::read("d.yaml", "").unwrap(), Decisions::default());
        for (text, expected) in [
            (format!("- apart: [EX01]\n{WHO}"), "two different names"),
            (format!("- apart: [EX01, EX01]\n{WHO}"), "two different names"),
            (format!("- tenant: X\n{WHO}"), "one of apart and same"),
            (
                format!("- same: [a, b]\n  because: x\n{WHO}"),
                "unknown field `because`",
            ),
            (
                "- same: [a, b]\n  who: x\n  why: y\n".to_owned(),
                "missing field `when`",
            ),
            (format!("- same: [a, [b]]\n{WHO}"), "a name is a text"),
            (
                "- same: [a, b]\n  who: x\n  why: y\n  when: soon\n".to_owned(),
                "a day such as",
            ),
            ("same: [a, b]\n".to_owned(), "d.yaml:1: "),
        ] {
            let error = Decisions::read("d.yaml", &text).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert!(error.line.is_some(), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_may_stand_for_one_file_alone() {
        assert!(ends_in("/case/nord.csv", "nord.csv") && ends_in("nord.csv", "nord.csv"));
        assert!(ends_in("C:\\case\\nord.csv", "case/nord.csv") && !ends_in("/case/annord.csv", "nord.csv"));
    }
}
