//! The graph and the search: Dijkstra over situations, from what was observed to safe.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use foldhash::fast::RandomState;
use vigie_pack::{Build, Remediation};

use super::catalogue::{Catalogue, Offer};
use super::render::Taken;
use super::situation::Situation;
use crate::Said;

/// Risk, minutes at P50, how many newer updates were left aside.
type Cost = (u32, u32, u32);

/// Nodes, what the way there costs, and its last move.
type Reached = HashMap<Node, (Cost, Option<(Node, Move)>), RandomState>;

/// Which build of an update runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Level {
    Observed,
    First,
    Newest,
}

/// What was done after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Done {
    Nothing,
    Verified,
    Hunted,
    Finished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Node {
    /// Index of the update; `None` when it is not on offer.
    at: Option<usize>,
    level: Level,
    /// Index of the .NET Framework; `None` when not known.
    dotnet: Option<usize>,
    mitigated: bool,
    isolated: bool,
    preserved: bool,
    maintenance: bool,
    done: Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    Mitigate,
    Isolate,
    Preserve,
    Begin,
    DotNet(usize),
    Update(usize),
    Security,
    End,
    Verify,
    Hunt,
    Remove,
    Reopen,
    Finish,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// All holes closed, on an update that still gets fixes, or with a breathing space.
    Kept,
    /// All holes closed.
    Closed,
    /// No update closes them: cut off, hunted, and left.
    Leave,
    /// The last hybrid server, replaced by tools.
    Retire,
}

struct Graph<'a, 'p> {
    catalogue: &'a Catalogue<'p>,
    situation: &'a Situation,
    start: Option<usize>,
    goal: Goal,
}

/// The steps to a safe server.
pub(crate) fn search(catalogue: &Catalogue<'_>, situation: &Situation) -> Vec<Taken> {
    let solve = |goal| Graph::new(catalogue, situation, goal).solve();
    let updated = solve(Goal::Kept).or_else(|| solve(Goal::Closed));
    let retired = (situation.management_only && catalogue.tools && !situation.closed)
        .then(|| solve(Goal::Retire))
        .flatten();
    let best = [updated, retired]
        .into_iter()
        .flatten()
        .min_by_key(|(cost, _)| *cost);
    best.or_else(|| solve(Goal::Leave))
        .map(|(_, steps)| steps)
        .unwrap_or_default()
}

/// The steps where the build must be found out first.
pub(crate) fn ask(
    catalogue: Option<&Catalogue<'_>>,
    remediation: &Remediation,
    situation: &Situation,
) -> Vec<Taken> {
    let mut steps = vec![Taken::new("identify")];
    let mitigable = catalogue.is_none_or(|known| known.remedy.is_none_or(|remedy| remedy.mitigated));
    if situation.published && !situation.edge && !situation.mitigated {
        if !situation.mitigations.is_empty() && mitigable && !situation.management_only {
            steps.push(mitigate(situation));
        } else {
            let why = remediation.reasons.get("no_mitigation");
            steps.push(Taken::new("isolate").because_text(why));
        }
    }
    steps.push(Taken::new("assess_again"));
    steps
}

fn mitigate(situation: &Situation) -> Taken {
    let mut taken = Taken::new("mitigate").with("mitigations", situation.mitigations.join(", "));
    taken.scripts.clone_from(&situation.mitigations);
    taken
}

impl<'a, 'p> Graph<'a, 'p> {
    fn new(catalogue: &'a Catalogue<'p>, situation: &'a Situation, goal: Goal) -> Graph<'a, 'p> {
        let base = situation.version.map(|version| version.base);
        let start = catalogue.offers.iter().position(|offer| Some(offer.base) == base);
        Graph {
            catalogue,
            situation,
            start,
            goal,
        }
    }

    fn solve(&self) -> Option<(Cost, Vec<Taken>)> {
        let start = self.first();
        let mut best: Reached = HashMap::default();
        let mut queue = BinaryHeap::from([Reverse(((0, 0, 0), start))]);
        best.insert(start, ((0, 0, 0), None));
        while let Some(Reverse((cost, node))) = queue.pop() {
            if best.get(&node).is_some_and(|(known, _)| *known < cost) {
                continue;
            }
            if self.is_goal(node) {
                return Some((cost, self.walk(&best, node)));
            }
            for (next, step) in self.moves(node) {
                let added = self.cost(node, step);
                let sum = (cost.0 + added.0, cost.1 + added.1, cost.2 + added.2);
                if best.get(&next).is_none_or(|(known, _)| sum < *known) {
                    best.insert(next, (sum, Some((node, step))));
                    queue.push(Reverse((sum, next)));
                }
            }
        }
        None
    }

    /// The steps from the start to `node`.
    fn walk(&self, best: &Reached, node: Node) -> Vec<Taken> {
        let mut moves = Vec::new();
        let mut at = node;
        while let Some((_, Some((before, step)))) = best.get(&at) {
            moves.push((*before, *step));
            at = *before;
        }
        moves.reverse();
        let target = self.build(node);
        let mut steps: Vec<Taken> = moves
            .iter()
            .flat_map(|(before, step)| self.taken(*before, *step))
            .collect();
        for step in &mut steps {
            if step.step == "verify" {
                let build = target.map_or_else(
                    || {
                        self.situation
                            .version
                            .map(|version| version.to_string())
                            .unwrap_or_default()
                    },
                    |build| build.build.to_string(),
                );
                step.values.push(("build", build));
            }
        }
        steps
    }

    fn first(&self) -> Node {
        let observed = self.situation.dotnet.and_then(|release| {
            let known = &self.catalogue.remediation.dotnet;
            known.iter().rposition(|version| version.release <= release)
        });
        let only = || match self.start.map(|at| self.supported(at)).as_deref() {
            Some([only]) => Some(*only),
            _ => None,
        };
        Node {
            at: self.start,
            level: Level::Observed,
            dotnet: observed.or_else(only),
            mitigated: self.situation.mitigated,
            isolated: false,
            preserved: false,
            maintenance: false,
            done: Done::Nothing,
        }
    }

    fn offer(&self, at: usize) -> Option<&Offer<'p>> {
        self.catalogue.offers.get(at)
    }

    /// Indices of the supported versions of the .NET Framework; empty when not known.
    fn supported(&self, at: usize) -> Vec<usize> {
        let releases = self
            .offer(at)
            .and_then(|offer| offer.needs)
            .map(|needs| &needs.dotnet);
        let known = &self.catalogue.remediation.dotnet;
        let index = |release: &u32| known.iter().position(|version| version.release == *release);
        releases.into_iter().flatten().filter_map(index).collect()
    }

    /// The build that runs at a node; `None` for the observed one.
    fn build(&self, node: Node) -> Option<&'p Build> {
        let offer = self.offer(node.at?)?;
        match node.level {
            Level::Observed => None,
            Level::First => Some(offer.first),
            Level::Newest => offer.newest,
        }
    }

    fn closed(&self, node: Node) -> bool {
        let offer = node.at.and_then(|at| self.offer(at));
        match (node.level, offer) {
            (Level::Observed, _) | (_, None) => self.situation.closed,
            (Level::First, Some(offer)) => offer.first_closed,
            (Level::Newest, Some(offer)) => offer.newest_closed,
        }
    }

    fn superseded(&self, node: Node) -> bool {
        node.at
            .and_then(|at| self.offer(at))
            .is_some_and(|offer| offer.superseded)
    }

    /// Names of the security updates between the observed build and the newest one for the same update.
    fn missed(&self) -> Vec<&'p str> {
        let Some(offer) = self.start.and_then(|at| self.offer(at)) else {
            return Vec::new();
        };
        let revision = self.situation.version.and_then(|version| version.revision);
        let revision = revision.unwrap_or(offer.first.build.0[3]);
        let last = offer.newest.and_then(|newest| newest.security_update.as_deref());
        let mut names: Vec<&str> = offer
            .builds
            .iter()
            .filter(|build| build.build.0[3] > revision)
            .filter_map(|build| build.security_update.as_deref())
            .filter(|name| Some(*name) != last)
            .collect();
        names.dedup();
        names
    }

    fn breathing_space(&self, node: Node) -> bool {
        node.at == self.start && node.level == Level::Newest && self.missed().is_empty()
    }

    fn shielded(&self, node: Node) -> bool {
        !self.situation.published
            || self.situation.edge
            || node.mitigated
            || node.isolated
            || self.closed(node)
    }

    fn updates(&self) -> bool {
        matches!(self.goal, Goal::Kept | Goal::Closed)
    }

    /// Whether the change may end here.
    fn accepts(&self, node: Node) -> bool {
        match self.goal {
            Goal::Kept => {
                self.closed(node)
                    && (node.level == Level::Observed || !self.superseded(node) || self.breathing_space(node))
            }
            Goal::Closed => self.closed(node),
            Goal::Leave | Goal::Retire => node.preserved && self.shielded(node),
        }
    }

    /// What is left to be done for good, after the hunt.
    fn finish(&self, node: Node) -> Option<&'static str> {
        match self.goal {
            Goal::Retire => Some("retire"),
            _ if self.catalogue.ended => Some("migrate"),
            Goal::Leave => None,
            _ => self.superseded(node).then_some("plan_update"),
        }
    }

    /// Whether mitigation and isolation are to be taken back.
    fn reopens(&self) -> bool {
        self.updates() && !self.catalogue.ended && !self.situation.management_only
    }

    fn is_goal(&self, node: Node) -> bool {
        match node.done {
            Done::Finished => true,
            Done::Hunted => self.tidy(node) && self.finish(node).is_none(),
            _ => false,
        }
    }

    /// Nothing stands in the way any more that was put there for the time of the change.
    fn tidy(&self, node: Node) -> bool {
        let mitigated = self.updates() && node.mitigated;
        let isolated = self.reopens() && node.isolated;
        !mitigated && !isolated
    }

    /// All steps whose conditions hold.
    fn moves(&self, node: Node) -> Vec<(Node, Move)> {
        let mut moves = Vec::new();
        if node.done == Done::Nothing {
            self.protect(node, &mut moves);
            self.change(node, &mut moves);
        }
        match node.done {
            Done::Nothing if self.accepts(node) && !node.maintenance => {
                if self.updates() {
                    moves.push((
                        Node {
                            done: Done::Verified,
                            ..node
                        },
                        Move::Verify,
                    ));
                } else {
                    moves.push((
                        Node {
                            done: Done::Hunted,
                            ..node
                        },
                        Move::Hunt,
                    ));
                }
            }
            Done::Verified => moves.push((
                Node {
                    done: Done::Hunted,
                    ..node
                },
                Move::Hunt,
            )),
            Done::Hunted if self.updates() && node.mitigated => {
                moves.push((
                    Node {
                        mitigated: false,
                        ..node
                    },
                    Move::Remove,
                ));
            }
            Done::Hunted if self.reopens() && node.isolated => {
                moves.push((
                    Node {
                        isolated: false,
                        ..node
                    },
                    Move::Reopen,
                ));
            }
            Done::Hunted if self.finish(node).is_some() => {
                moves.push((
                    Node {
                        done: Done::Finished,
                        ..node
                    },
                    Move::Finish,
                ));
            }
            _ => {}
        }
        moves
    }

    fn can_mitigate(&self) -> bool {
        // An end of life without a fix is no matter of hours.
        let for_good = self.goal == Goal::Leave && self.catalogue.ended;
        let works = self.catalogue.remedy.is_none_or(|remedy| remedy.mitigated);
        works && !for_good && !self.situation.management_only && !self.situation.mitigations.is_empty()
    }

    fn protect(&self, node: Node, moves: &mut Vec<(Node, Move)>) {
        if !self.shielded(node) {
            if self.can_mitigate() {
                moves.push((
                    Node {
                        mitigated: true,
                        ..node
                    },
                    Move::Mitigate,
                ));
            }
            moves.push((
                Node {
                    isolated: true,
                    ..node
                },
                Move::Isolate,
            ));
            return;
        }
        if self.goal == Goal::Leave && self.catalogue.ended && !node.isolated && self.situation.published {
            moves.push((
                Node {
                    isolated: true,
                    ..node
                },
                Move::Isolate,
            ));
        }
        if !node.preserved {
            moves.push((
                Node {
                    preserved: true,
                    ..node
                },
                Move::Preserve,
            ));
        }
    }

    fn change(&self, node: Node, moves: &mut Vec<(Node, Move)>) {
        let ready = self.updates() && node.preserved && self.shielded(node);
        if !ready {
            return;
        }
        if self.situation.dag && !node.maintenance {
            if !self.accepts(node) {
                moves.push((
                    Node {
                        maintenance: true,
                        ..node
                    },
                    Move::Begin,
                ));
            }
            return;
        }
        if node.maintenance && self.accepts(node) {
            moves.push((
                Node {
                    maintenance: false,
                    ..node
                },
                Move::End,
            ));
        }
        let supported = node.at.map(|at| self.supported(at)).unwrap_or_default();
        for index in 0..self.catalogue.remediation.dotnet.len() {
            let newer = node.dotnet.is_none_or(|runs| index > runs);
            if newer && (supported.is_empty() || supported.contains(&index)) {
                moves.push((
                    Node {
                        dotnet: Some(index),
                        ..node
                    },
                    Move::DotNet(index),
                ));
            }
        }
        for to in 0..self.catalogue.offers.len() {
            if self.takes(node, to) {
                let next = Node {
                    at: Some(to),
                    level: Level::First,
                    mitigated: false,
                    ..node
                };
                moves.push((next, Move::Update(to)));
            }
        }
        let newest = node
            .at
            .and_then(|at| self.offer(at))
            .and_then(|offer| offer.newest);
        let runs = match node.level {
            Level::Observed => self.situation.version.and_then(|version| version.revision),
            Level::First => Some(0),
            Level::Newest => None,
        };
        let above = |newest: &Build| runs.is_none_or(|revision| newest.build.0[3] > revision);
        if node.level != Level::Newest && newest.is_some_and(above) {
            moves.push((
                Node {
                    level: Level::Newest,
                    ..node
                },
                Move::Security,
            ));
        }
    }

    /// Whether setup of this update runs on what is there.
    fn takes(&self, node: Node, to: usize) -> bool {
        let Some(target) = self.offer(to) else {
            return false;
        };
        let base = match node.level {
            Level::Observed => self.situation.version.map(|version| version.base),
            _ => node.at.and_then(|at| self.offer(at)).map(|offer| offer.base),
        };
        let Some(base) = base else { return false };
        if target.base <= base || target.rollup && target.base[..2] != base[..2] {
            return false;
        }
        let supported = self.supported(to);
        let too_new =
            |runs: usize| Some(runs) == self.first().dotnet && supported.iter().all(|index| *index < runs);
        supported.is_empty()
            || node
                .dotnet
                .is_some_and(|runs| supported.contains(&runs) || too_new(runs))
    }

    /// Whether Active Directory must be prepared for an update.
    fn prepares(&self, node: Node, to: usize) -> bool {
        if self.situation.edge {
            return false;
        }
        let row = |at: usize| {
            let needs = self.offer(at)?.needs?;
            Some([needs.schema, needs.domain, needs.configuration])
        };
        let Some(wanted) = row(to) else { return false };
        let enough = |have: [u32; 3]| have.iter().zip(wanted).all(|(have, wanted)| *have >= wanted);
        !self.situation.directory.is_some_and(enough) && !node.at.and_then(row).is_some_and(enough)
    }

    fn cost(&self, node: Node, step: Move) -> Cost {
        let of = |id: &str| {
            let text = self.catalogue.remediation.steps.get(id);
            text.map_or((0, 0, 0), |text| (text.risk, text.p50_h.0, 0))
        };
        match step {
            Move::Isolate if self.situation.management_only => (0, of("isolate").1, 0),
            Move::Update(to) => {
                let (risk, minutes, _) = of(self.update_step(to));
                let prepare = if self.prepares(node, to) {
                    of("prepare_ad")
                } else {
                    (0, 0, 0)
                };
                let newer = u32::try_from(self.catalogue.offers.len() - to).unwrap_or(u32::MAX);
                (risk + prepare.0, minutes + prepare.1, newer)
            }
            Move::Finish => of(self.finish(node).unwrap_or_default()),
            other => of(self.id(other)),
        }
    }

    fn update_step(&self, to: usize) -> &'static str {
        if self.offer(to).is_some_and(|offer| offer.rollup) {
            "rollup"
        } else {
            "cumulative_update"
        }
    }

    fn id(&self, step: Move) -> &'static str {
        match step {
            Move::Mitigate => "mitigate",
            Move::Isolate => "isolate",
            Move::Preserve => "preserve",
            Move::Begin => "begin_maintenance",
            Move::DotNet(_) => "dotnet",
            Move::Update(to) => self.update_step(to),
            Move::Security => "security_update",
            Move::End => "end_maintenance",
            Move::Verify => "verify",
            Move::Hunt => "hunt",
            Move::Remove => "remove_mitigation",
            Move::Reopen => "reopen",
            Move::Finish => "",
        }
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
        let reason = |name: &str| self.catalogue.remediation.reasons.get(name);
        let from = self.name(node);
        let taken = Taken::new(self.id(step)).with("from", from.clone());
        match step {
            Move::Mitigate => {
                let again = (node.level == Level::First)
                    .then(|| reason("after_update"))
                    .flatten();
                vec![mitigate(self.situation).because_text(again)]
            }
            Move::Isolate if !self.updates() => {
                vec![
                    taken
                        .because_text(reason("no_fix"))
                        .with("line", self.catalogue.title.clone()),
                ]
            }
            Move::Isolate => vec![taken.because_text(reason("no_mitigation"))],
            Move::DotNet(index) => {
                let known = self.catalogue.remediation.dotnet.get(index);
                let version = known.map(|known| known.version.clone()).unwrap_or_default();
                let release = known.map(|known| known.release.to_string()).unwrap_or_default();
                vec![taken.with("dotnet", version).with("release", release)]
            }
            Move::Update(to) => self.update(node, to, taken),
            Move::Security => {
                let next = Node {
                    level: Level::Newest,
                    ..node
                };
                let mut taken = taken.build(self.build(next));
                if self.superseded(next) && self.closed(next) {
                    taken = taken.because_text(reason("breathing_space"));
                }
                vec![taken]
            }
            Move::Hunt if self.goal == Goal::Leave => {
                let why = reason("no_fix");
                vec![taken.because_text(why).with("line", self.catalogue.title.clone())]
            }
            Move::Remove => {
                let mut taken = taken;
                taken.scripts.clone_from(&self.situation.active);
                taken.scripts.extend(self.situation.mitigations.iter().cloned());
                taken.scripts.dedup();
                vec![taken]
            }
            Move::Finish => {
                let migrate = self.catalogue.remedy.and_then(|remedy| remedy.migrate.as_ref());
                let migrate = migrate.map(|text| Said::new(text.en.clone(), text.fr.clone()));
                let mut taken = Taken::new(self.finish(node).unwrap_or_default()).with("from", from);
                taken.migrate = migrate;
                vec![taken]
            }
            _ => vec![taken],
        }
    }

    fn update(&self, node: Node, to: usize, taken: Taken) -> Vec<Taken> {
        let Some(offer) = self.offer(to) else {
            return Vec::new();
        };
        let reason = |name: &str| self.catalogue.remediation.reasons.get(name);
        let mut taken = taken.build(Some(offer.first));
        if offer.first_closed {
            taken = taken.because_text(reason("holds_fix"));
        } else if offer.superseded {
            taken = taken.because_text(reason("dotnet_hop"));
        }
        if node.level == Level::Observed && !self.situation.closed {
            let own = node.at.and_then(|at| self.offer(at));
            let missed = self.missed();
            let revision = self.situation.version.and_then(|version| version.revision);
            let newer = |newest: &&Build| revision.is_none_or(|revision| newest.build.0[3] > revision);
            let newest = own.and_then(|own| own.newest).filter(newer);
            if let Some(newest) = newest
                && own.is_some_and(|own| !own.newest_closed)
            {
                taken = taken.with("newest", newest.name.clone());
                taken = taken.because_text(reason("not_enough"));
            } else if newest.is_none() {
                taken = taken.because_text(reason("cannot_take"));
            } else if !missed.is_empty() {
                taken = taken.with("missed", missed.join(", "));
                taken = taken.because_text(reason("missed_updates"));
            }
        }
        let line = &offer.first.product;
        for one in &self.catalogue.remediation.prerequisites {
            let due = one
                .released_from
                .as_ref()
                .is_none_or(|from| *from <= offer.first.release_date);
            if due && one.lines.contains(line) {
                taken
                    .requires
                    .push(Said::new(one.text.en.clone(), one.text.fr.clone()));
            }
        }
        if let Some(version) = node
            .dotnet
            .and_then(|index| self.catalogue.remediation.dotnet.get(index))
        {
            let text = format!(".NET Framework {} (Release {})", version.version, version.release);
            taken.requires.push(Said::new(text.clone(), text));
        }
        let licence = if offer.first.release_date.as_str() < "2021-09-28" {
            "/IAcceptExchangeServerLicenseTerms"
        } else {
            "/IAcceptExchangeServerLicenseTerms_DiagnosticDataOFF"
        };
        taken = taken.with("licence", licence.to_owned());
        let mut steps = Vec::new();
        if self.prepares(node, to)
            && let Some(needs) = offer.needs
        {
            let prepare = Taken::new("prepare_ad")
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
}
