//! What decisions of people make of what the rules found.

use super::decisions::{DecisionKind, NameId};
use super::merging::{Found, MAX_WARNINGS, Merging};
use crate::{MergeRule, Origin, Said, Subject};

impl Merging<'_> {
    /// Which decisions speak of a subject. One that keeps apart two names of one row cannot be followed.
    pub(super) fn decided(&mut self, subject: &Subject, origin: &Origin) -> Vec<NameId> {
        let mut decided = self.decisions.about(subject, &origin.file);
        for id in &decided {
            self.seen[id.decision][id.name] = true;
        }
        let mut torn: Vec<usize> = decided
            .iter()
            .filter(|id| self.decisions.list[id.decision].kind == DecisionKind::Apart)
            .filter(|id| {
                let mut others = decided.iter();
                others.any(|other| other.decision == id.decision && other.name != id.name)
            })
            .map(|id| id.decision)
            .collect();
        torn.sort_unstable();
        torn.dedup();
        // Two names that are one text, once for a file and once for all, are no contradiction: the file's goes before.
        for decision in torn {
            let names = &self.decisions.list[decision].names;
            let narrow = |id: &NameId| names[id.name].file.is_some();
            let has_narrow = decided.iter().any(|id| id.decision == decision && narrow(id));
            decided.retain(|id| id.decision != decision || has_narrow && narrow(id));
            let left = decided.iter().filter(|id| id.decision == decision).count();
            if left != 1 {
                decided.retain(|id| id.decision != decision);
                let at = &self.decisions.list[decision].origin;
                let said = Said::new(
                    format!("{at}: {origin} says of one server that it has both names: it stays one"),
                    format!(
                        "{at} : {origin} donne les deux noms à un même serveur : il reste un seul serveur"
                    ),
                );
                if !self.warnings.contains(&said) && self.warnings.len() < MAX_WARNINGS {
                    self.warnings.push(said);
                }
            }
        }
        decided
    }

    /// Whether somebody decided that a subject is not a server.
    pub(super) fn is_apart(&self, server: usize, decided: &[NameId]) -> Option<usize> {
        let held = &self.drafts[server].decided;
        let apart = decided.iter().find(|id| {
            self.decisions.list[id.decision].kind == DecisionKind::Apart
                && held
                    .iter()
                    .any(|other| other.decision == id.decision && other.name != id.name)
        });
        apart.map(|id| id.decision)
    }

    /// What decisions make of what the rules found.
    pub(super) fn decide(
        &mut self,
        found: Found,
        decided: &[NameId],
        origin: &Origin,
    ) -> (Found, Option<usize>) {
        // The servers that decisions say it is, each once.
        let mut groups: Vec<(usize, usize)> = Vec::new();
        for id in decided {
            if self.decisions.list[id.decision].kind != DecisionKind::Same {
                continue;
            }
            let Some(group) = self.groups[id.decision].map(|server| self.root(server)) else {
                continue;
            };
            match self.is_apart(group, decided) {
                Some(apart) => self.contradict(id.decision, apart, origin),
                None if groups.iter().any(|(_, known)| *known == group) => {}
                None => groups.push((id.decision, group)),
            }
        }
        let Some((decision, group)) = groups.first().copied() else {
            return (found, None);
        };
        let mut others: Vec<(usize, MergeRule)> = groups[1..]
            .iter()
            .map(|(_, server)| (*server, MergeRule::Decision))
            .collect();
        match found {
            Found::One(server, rule, also) if server == group => {
                others.extend(also);
                (Found::One(server, rule, others), None)
            }
            found => {
                self.changed[decision] += 1;
                if let Found::One(server, _, also) = found {
                    others.push((server, MergeRule::Decision));
                    others.extend(also);
                }
                (Found::One(group, MergeRule::Decision, others), Some(decision))
            }
        }
    }

    fn contradict(&mut self, same: usize, apart: usize, origin: &Origin) {
        let (one, other) = (
            &self.decisions.list[same].origin,
            &self.decisions.list[apart].origin,
        );
        let said = Said::new(
            format!("{one} and {other} contradict each other ({origin}): what is kept apart stays apart"),
            format!("{one} et {other} se contredisent ({origin}) : ce qui est séparé le reste"),
        );
        if !self.warnings.contains(&said) && self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(said);
        }
    }

    /// Remembers the server of names that were decided to be one.
    pub(super) fn group(&mut self, server: usize, subject: &Subject, origin: &Origin) {
        for id in self.decisions.about(subject, &origin.file) {
            if self.decisions.list[id.decision].kind == DecisionKind::Same {
                self.groups[id.decision].get_or_insert(server);
            }
        }
    }

    /// A decision about names that no source says is out of date, or misspelt.
    pub(super) fn tell_decisions(&mut self) {
        for (decision, seen) in self.decisions.list.iter().zip(&self.seen) {
            let missing = decision.names.iter().zip(seen).filter(|(_, seen)| !**seen);
            let missing: Vec<String> = missing.map(|(name, _)| name.to_string()).collect();
            if missing.is_empty() {
                continue;
            }
            let (of, of_fr) = match &decision.tenant {
                Some(tenant) => (format!(" of {tenant}"), format!(" de {tenant}")),
                None => (" without a tenant".to_owned(), " sans client".to_owned()),
            };
            let (at, names) = (&decision.origin, missing.join(", "));
            self.warnings.push(Said::new(
                format!("{at}: no source names {names}{of}: the decision is out of date, or misspelt"),
                format!(
                    "{at} : aucune source ne nomme {names}{of_fr} : la décision est périmée, ou mal écrite"
                ),
            ));
        }
    }
}
