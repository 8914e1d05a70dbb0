//! The way out: the shortest safe path from what a server is to safe.
//!
//! A server's situation is a node of a graph: its update, its .NET Framework, what shields it, whether evidence was
//! preserved, whether it is in maintenance, what was done after the update. Steps are the edges, and only those exist
//! whose conditions hold at their node, so that a path cannot hold a step before what it needs. The cheapest path is
//! taken: the smallest sum of risk first, then of P50, then the newest update. `docs/path.md` says it for people.

mod catalogue;
mod graph;
mod node;
mod render;
mod search;
mod situation;
mod tell;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use vigie_event::Timestamp;
use vigie_pack::{Hours, Pack, Remediation};

use crate::knowledge::Knowledge;
use crate::{Said, ServerState};
use catalogue::Catalogue;
use render::Renderer;
use situation::Situation;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `mitigate`, `cumulative_update`, ... as in the product's `remediation.yaml`.
    pub step: String,
    /// What to do.
    pub title: Said,
    /// Why.
    pub why: Said,
    /// What must be there before.
    pub requires: Vec<Said>,
    /// What to type.
    pub commands: Vec<String>,
    /// What must be seen before the next step.
    pub gate: Said,
    /// When to stop.
    pub stop_conditions: Vec<Said>,
    /// The way back.
    pub rollback: Said,
    /// Whose rights it takes.
    pub rights: Said,
    /// Half of the times it takes no longer.
    pub p50: Hours,
    /// Nine times out of ten it takes no longer.
    pub p90: Hours,
    /// Whether these times are the provider's own; otherwise they are estimates.
    pub own_times: bool,
}

impl Serialize for Step {
    /// `why`, `title`, ... are English; `why_fr`, `title_fr`, ... French; `p50_h` and `p90_h` hours.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut step = serializer.serialize_struct("Step", 19)?;
        step.serialize_field("step", &self.step)?;
        step.serialize_field("title", &self.title.en)?;
        step.serialize_field("title_fr", &self.title.fr)?;
        step.serialize_field("why", &self.why.en)?;
        step.serialize_field("why_fr", &self.why.fr)?;
        step.serialize_field("requires", &Each(&self.requires, "en"))?;
        step.serialize_field("requires_fr", &Each(&self.requires, "fr"))?;
        step.serialize_field("commands", &self.commands)?;
        step.serialize_field("gate", &self.gate.en)?;
        step.serialize_field("gate_fr", &self.gate.fr)?;
        step.serialize_field("stop_conditions", &Each(&self.stop_conditions, "en"))?;
        step.serialize_field("stop_conditions_fr", &Each(&self.stop_conditions, "fr"))?;
        step.serialize_field("rollback", &self.rollback.en)?;
        step.serialize_field("rollback_fr", &self.rollback.fr)?;
        step.serialize_field("rights", &self.rights.en)?;
        step.serialize_field("rights_fr", &self.rights.fr)?;
        step.serialize_field("p50_h", &self.p50.hours())?;
        step.serialize_field("p90_h", &self.p90.hours())?;
        step.serialize_field("own_times", &self.own_times)?;
        step.end()
    }
}

/// Sentences in one language.
struct Each<'a>(&'a [Said], &'static str);

impl Serialize for Each<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|said| said.get(self.1)))
    }
}

/// Steps in their order. Servers with the same path share it.
pub type Path = Arc<[Arc<Step>]>;

/// Finds paths; each situation is worked out once.
pub(crate) struct Paths<'k, 'p> {
    knowledge: &'k Knowledge<'p>,
    as_of: Timestamp,
    /// Indices of the vulnerabilities that were public on the day.
    public: Vec<usize>,
    /// `None` where nobody wrote down how the product is made safe.
    remedy: Option<(&'p Remediation, Renderer<'p>)>,
    catalogues: RefCell<HashMap<String, Arc<Catalogue<'p>>, RandomState>>,
    found: RefCell<HashMap<Situation, Path, RandomState>>,
    none: Path,
}

impl<'k, 'p> Paths<'k, 'p> {
    pub(crate) fn new(knowledge: &'k Knowledge<'p>, as_of: Timestamp) -> Paths<'k, 'p> {
        let remediation = knowledge.product().remediation.as_ref();
        let remedy = remediation.map(|known| (known, Renderer::new(known, &knowledge.pack.name)));
        Paths {
            knowledge,
            as_of,
            public: public(knowledge, as_of),
            remedy,
            catalogues: RefCell::default(),
            found: RefCell::default(),
            none: Arc::from([]),
        }
    }

    /// The path of a server. Empty where nothing is to be done, or nobody wrote down how the product is made safe.
    /// Servers with the same path share it.
    pub(crate) fn path(&self, state: &ServerState<'_>) -> Path {
        let Some((remediation, renderer)) = &self.remedy else {
            return Arc::clone(&self.none);
        };
        let Some(situation) = Situation::of(state, self.knowledge, &self.public) else {
            return Arc::clone(&self.none);
        };
        if let Some(known) = self.found.borrow().get(&situation) {
            return Arc::clone(known);
        }
        let line = situation.line.as_deref();
        let catalogue = line.map(|line| self.catalogue(remediation, line));
        let taken = match catalogue {
            Some(catalogue) if !situation.ask => search::search(&catalogue, &situation),
            catalogue => search::ask(catalogue.as_deref(), &situation),
        };
        let steps = renderer.path(taken);
        self.found.borrow_mut().insert(situation, Arc::clone(&steps));
        steps
    }

    fn catalogue(&self, remediation: &'p Remediation, line: &str) -> Arc<Catalogue<'p>> {
        if let Some(known) = self.catalogues.borrow().get(line) {
            return Arc::clone(known);
        }
        let made = Catalogue::new(self.knowledge, &self.public, remediation, line, self.as_of);
        let made = Arc::new(made);
        self.catalogues
            .borrow_mut()
            .insert(line.to_owned(), Arc::clone(&made));
        made
    }
}

/// What was public on a day; where nothing was, what became public first: those who ask know of it.
fn public(knowledge: &Knowledge<'_>, as_of: Timestamp) -> Vec<usize> {
    let first = knowledge.cves.iter().filter_map(|judged| judged.published).min();
    let until = first.map_or(as_of, |first| first.max(as_of));
    let known = |index: &usize| knowledge.cves[*index].published.is_none_or(|at| at <= until);
    (0..knowledge.cves.len()).filter(known).collect()
}

/// The path of one server. For many servers [`crate::assess`] works out each situation only once.
pub fn path(state: &ServerState<'_>, pack: &Pack, as_of: Timestamp) -> Path {
    let knowledge = Knowledge::new(pack, &[], as_of);
    Paths::new(&knowledge, as_of).path(state)
}

#[cfg(test)]
mod optimal;
#[cfg(test)]
mod tests;
