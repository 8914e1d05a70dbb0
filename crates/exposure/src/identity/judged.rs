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
        let same = decided
            .iter()
            .find(|id| self.decisions.list[id.decision].kind == DecisionKind::Same);
        let Some((decision, group)) = same.and_then(|id| Some((id.decision, self.groups[id.decision]?)))
        else {
            return (found, None);
        };
        let group = self.root(group);
        if let Some(apart) = self.is_apart(group, decided) {
            let (one, other) = (
                &self.decisions.list[decision].origin,
                &self.decisions.list[apart].origin,
            );
            let said = Said::new(
                format!("{one} and {other} contradict each other ({origin}): what is kept apart stays apart"),
                format!("{one} et {other} se contredisent ({origin}) : ce qui est séparé le reste"),
            );
            if !self.warnings.contains(&said) && self.warnings.len() < MAX_WARNINGS {
                self.warnings.push(said);
            }
            return (found, None);
        }
        match found {
            Found::One(server, rule, others) if server == group => (Found::One(server, rule, others), None),
            Found::One(server, _, mut others) => {
                self.changed[decision] += 1;
                others.insert(0, (server, MergeRule::Decision));
                (Found::One(group, MergeRule::Decision, others), Some(decision))
            }
            Found::Several(_) | Found::None => {
                self.changed[decision] += 1;
                (Found::One(group, MergeRule::Decision, Vec::new()), Some(decision))
            }
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
