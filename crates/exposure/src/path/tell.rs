//! From moves to steps, with why each is taken here.

use vigie_pack::Build;

use super::graph::{Goal, Graph};
use super::node::{Level, Move, Node, StepId};
use super::render::{Need, Taken};

/// From this day on, setup asks about diagnostic data when its licence is accepted.
const DIAGNOSTIC_DATA_FROM: &str = "2021-09-28";

impl Graph<'_, '_> {
    /// The steps of a way that ends at `end`.
    pub(super) fn tell(&self, way: &[(Node, Move)], end: Node) -> Vec<Taken> {
        let mut steps: Vec<Taken> = way
            .iter()
            .flat_map(|(before, step)| self.taken(*before, *step))
            .collect();
        let observed = || self.situation.version.map(|version| version.to_string());
        let build = match self.build(end) {
            Some(build) => build.build.to_string(),
            None => observed().unwrap_or_default(),
        };
        for step in &mut steps {
            if step.step == StepId::Verify {
                step.values.push(("build", build.clone()));
            }
        }
        steps
    }

    /// What runs at a node, for people.
    fn name(&self, node: Node) -> String {
        if let Some(build) = self.build(node) {
            return build.name.clone();
        }
        let version = self.situation.version;
        let exact = node.at.and_then(|at| self.offer(at)).and_then(|offer| {
            let revision = version?.revision?;
            offer.builds.iter().find(|build| build.build.0[3] == revision)
        });
        match (exact, version) {
            (Some(build), _) => build.name.clone(),
            (None, Some(version)) => format!("{} ({version})", self.catalogue.title),
            (None, None) => self.catalogue.title.clone(),
        }
    }

    /// The step, or the two steps, of a move.
    fn taken(&self, node: Node, step: Move) -> Vec<Taken> {
        let Some(id) = self.id(node, step) else {
            return Vec::new();
        };
        let taken = Taken::new(id).with("from", self.name(node));
        let no_fix = |taken: Taken| taken.because("no_fix").with("line", self.catalogue.title.clone());
        let taken = match step {
            Move::Mitigate => {
                let taken = Taken::mitigate(&self.situation.mitigations);
                match node.level {
                    Level::First => taken.because("after_update"),
                    Level::Observed | Level::Newest => taken,
                }
            }
            Move::Isolate if !self.updates() => no_fix(taken),
            Move::Isolate => taken.because("no_mitigation"),
            Move::DotNet(index) => {
                let known = self.catalogue.remediation.dotnet.get(index);
                let version = known.map(|known| known.version.clone()).unwrap_or_default();
                let release = known.map(|known| known.release.to_string()).unwrap_or_default();
                taken.with("dotnet", version).with("release", release)
            }
            Move::Update(to) => return self.update(node, to, taken),
            Move::Security => {
                let next = Node {
                    level: Level::Newest,
                    ..node
                };
                let taken = taken.build(self.build(next));
                match self.superseded(next) && self.closed(next) {
                    true => taken.because("breathing_space"),
                    false => taken,
                }
            }
            Move::Hunt if self.goal == Goal::Leave => no_fix(taken),
            Move::Remove => {
                let mut taken = taken;
                taken.scripts.clone_from(&self.situation.active);
                taken.scripts.extend(self.situation.mitigations.iter().cloned());
                taken.scripts.dedup();
                taken
            }
            Move::Finish => {
                let mut taken = taken;
                taken.migrate = self.catalogue.line;
                taken
            }
            Move::Preserve | Move::Begin | Move::End | Move::Verify | Move::Hunt | Move::Reopen => taken,
        };
        vec![taken]
    }

    /// A cumulative update, after the preparation of Active Directory where it needs one.
    fn update(&self, node: Node, to: usize, taken: Taken) -> Vec<Taken> {
        let Some(offer) = self.offer(to) else {
            return Vec::new();
        };
        let mut taken = taken.build(Some(offer.first));
        if offer.first_closed {
            taken = taken.because("holds_fix");
        } else if offer.superseded {
            taken = taken.because("dotnet_hop");
        }
        if node.level == Level::Observed && !self.situation.closed {
            taken = self.why_not_its_own(node, taken);
        }
        for (index, one) in self.catalogue.remediation.prerequisites.iter().enumerate() {
            let from = one.released_from.as_ref();
            let due = from.is_none_or(|from| *from <= offer.first.release_date);
            if due && one.lines.contains(&offer.first.product) {
                taken.requires.push(Need::Prerequisite(index));
            }
        }
        taken.requires.extend(node.dotnet.map(Need::DotNet));
        let licence = if offer.first.release_date.as_str() < DIAGNOSTIC_DATA_FROM {
            "/IAcceptExchangeServerLicenseTerms"
        } else {
            "/IAcceptExchangeServerLicenseTerms_DiagnosticDataOFF"
        };
        let taken = taken.with("licence", licence.to_owned());
        let mut steps = Vec::new();
        if self.prepares(node, to)
            && let Some(needs) = offer.needs
        {
            let prepare = Taken::new(StepId::PrepareAd)
                .build(Some(offer.first))
                .with("licence", licence.to_owned())
                .with("schema", needs.schema.to_string())
                .with("domain", needs.domain.to_string())
                .with("configuration", needs.configuration.to_string());
            steps.push(prepare);
        }
        steps.push(taken);
        steps
    }

    /// Why the security update of the cumulative update that runs is not the way.
    fn why_not_its_own(&self, node: Node, taken: Taken) -> Taken {
        let own = node.at.and_then(|at| self.offer(at));
        let revision = self.situation.version.and_then(|version| version.revision);
        let newer = |newest: &&Build| revision.is_none_or(|revision| newest.build.0[3] > revision);
        let newest = own.and_then(|own| own.newest).filter(newer);
        match newest {
            None => taken.because("cannot_take"),
            Some(newest) if own.is_some_and(|own| !own.newest_closed) => {
                taken.with("newest", newest.name.clone()).because("not_enough")
            }
            Some(_) if !self.missed.is_empty() => taken
                .with("missed", self.missed.join(", "))
                .because("missed_updates"),
            Some(_) => taken,
        }
    }
}
