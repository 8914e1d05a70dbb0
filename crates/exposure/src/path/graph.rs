//! The graph: which steps exist at a situation, what they lead to and what they cost. What `docs/path.md` says in words.

use vigie_pack::Build;

use super::catalogue::{Catalogue, Offer};
use super::node::{Done, Level, Move, Node, StepId};
use super::situation::Situation;

/// Risk, minutes at P50, how many newer updates were left aside.
pub(super) type Cost = (u32, u32, u32);

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// All holes closed, on an update that still gets fixes, or with a breathing space.
    Kept,
    /// All holes closed.
    Closed,
    /// No update closes them: cut off, hunted, and left.
    Leave,
    /// The last hybrid server, replaced by tools.
    Retire,
}

pub(super) struct Graph<'a, 'p> {
    pub(super) catalogue: &'a Catalogue<'p>,
    pub(super) situation: &'a Situation,
    pub(super) goal: Goal,
    /// Names of the security updates between the observed build and the newest one for the same update.
    pub(super) missed: Vec<&'p str>,
    start: Node,
}

impl<'a, 'p> Graph<'a, 'p> {
    pub(super) fn new(catalogue: &'a Catalogue<'p>, situation: &'a Situation, goal: Goal) -> Graph<'a, 'p> {
        let base = situation.version.map(|version| version.base);
        let at = catalogue.offers.iter().position(|offer| Some(offer.base) == base);
        let observed = situation.dotnet.and_then(|release| {
            let known = &catalogue.remediation.dotnet;
            known.iter().rposition(|version| version.release <= release)
        });
        // Where an update runs on one version of .NET only, that one is there.
        let only = at.and_then(|at| match catalogue.offers[at].supported.as_slice() {
            [only] => Some(*only),
            _ => None,
        });
        let start = Node {
            at,
            level: Level::Observed,
            dotnet: observed.or(only),
            mitigated: situation.mitigated,
            isolated: false,
            preserved: false,
            maintenance: false,
            done: Done::Nothing,
        };
        Graph {
            catalogue,
            situation,
            goal,
            missed: at
                .map(|at| missed(&catalogue.offers[at], situation))
                .unwrap_or_default(),
            start,
        }
    }

    /// What was observed.
    pub(super) fn start(&self) -> Node {
        self.start
    }

    /// Whether any build at all could be the end of the change: where none can, nobody need search.
    pub(super) fn is_possible(&self) -> bool {
        if !self.updates() || self.situation.closed {
            return true;
        }
        let ends = |(at, offer): (usize, &Offer<'_>)| {
            let kept = |level| {
                self.goal == Goal::Closed || !offer.superseded || self.breathing_space(Some(at), level)
            };
            offer.first_closed && kept(Level::First) || offer.newest_closed && kept(Level::Newest)
        };
        self.catalogue.offers.iter().enumerate().any(ends)
    }

    pub(super) fn offer(&self, at: usize) -> Option<&Offer<'p>> {
        self.catalogue.offers.get(at)
    }

    /// The build that runs at a node; `None` for the observed one.
    pub(super) fn build(&self, node: Node) -> Option<&'p Build> {
        let offer = self.offer(node.at?)?;
        match node.level {
            Level::Observed => None,
            Level::First => Some(offer.first),
            Level::Newest => offer.newest,
        }
    }

    pub(super) fn closed(&self, node: Node) -> bool {
        let offer = node.at.and_then(|at| self.offer(at));
        match (node.level, offer) {
            (Level::Observed, _) | (_, None) => self.situation.closed,
            (Level::First, Some(offer)) => offer.first_closed,
            (Level::Newest, Some(offer)) => offer.newest_closed,
        }
    }

    pub(super) fn superseded(&self, node: Node) -> bool {
        node.at
            .and_then(|at| self.offer(at))
            .is_some_and(|offer| offer.superseded)
    }

    /// An update of the cumulative update that runs, with nothing left out in between: it will do for a while.
    fn breathing_space(&self, at: Option<usize>, level: Level) -> bool {
        at == self.start.at && level == Level::Newest && self.missed.is_empty()
    }

    fn shielded(&self, node: Node) -> bool {
        !self.situation.published
            || self.situation.edge
            || node.mitigated
            || node.isolated
            || self.closed(node)
    }

    pub(super) fn updates(&self) -> bool {
        matches!(self.goal, Goal::Kept | Goal::Closed)
    }

    /// Whether the change may end here.
    fn accepts(&self, node: Node) -> bool {
        match self.goal {
            Goal::Kept => {
                self.closed(node)
                    && (node.level == Level::Observed
                        || !self.superseded(node)
                        || self.breathing_space(node.at, node.level))
            }
            Goal::Closed => self.closed(node),
            Goal::Leave | Goal::Retire => node.preserved && self.shielded(node),
        }
    }

    /// What is left to be done for good, after the hunt.
    pub(super) fn finish(&self, node: Node) -> Option<StepId> {
        match self.goal {
            Goal::Retire => Some(StepId::Retire),
            _ if self.catalogue.ended => Some(StepId::Migrate),
            Goal::Leave => None,
            _ => self.superseded(node).then_some(StepId::PlanUpdate),
        }
    }

    /// Whether mitigation and isolation are to be taken back.
    fn reopens(&self) -> bool {
        self.updates() && !self.catalogue.ended && !self.situation.management_only
    }

    pub(super) fn is_goal(&self, node: Node) -> bool {
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
    pub(super) fn moves(&self, node: Node, moves: &mut Vec<(Node, Move)>) {
        match node.done {
            Done::Nothing => {
                self.protect(node, moves);
                self.change(node, moves);
                self.close(node, moves);
            }
            Done::Verified => moves.push((
                Node {
                    done: Done::Hunted,
                    ..node
                },
                Move::Hunt,
            )),
            Done::Hunted if self.updates() && node.mitigated => moves.push((
                Node {
                    mitigated: false,
                    ..node
                },
                Move::Remove,
            )),
            Done::Hunted if self.reopens() && node.isolated => moves.push((
                Node {
                    isolated: false,
                    ..node
                },
                Move::Reopen,
            )),
            Done::Hunted if self.finish(node).is_some() => moves.push((
                Node {
                    done: Done::Finished,
                    ..node
                },
                Move::Finish,
            )),
            Done::Hunted | Done::Finished => {}
        }
    }

    /// The end of the change: what was done is verified, or, where nothing was changed, hunted at once.
    fn close(&self, node: Node, moves: &mut Vec<(Node, Move)>) {
        if node.maintenance || !self.accepts(node) {
            return;
        }
        let (done, step) = match self.updates() {
            true => (Done::Verified, Move::Verify),
            false => (Done::Hunted, Move::Hunt),
        };
        moves.push((Node { done, ..node }, step));
    }

    fn can_mitigate(&self) -> bool {
        // An end of life without a fix is no matter of hours.
        let for_good = self.goal == Goal::Leave && self.catalogue.ended;
        let works = self.catalogue.remedy().is_none_or(|remedy| remedy.mitigated);
        works && !for_good && !self.situation.management_only && !self.situation.mitigations.is_empty()
    }

    fn protect(&self, node: Node, moves: &mut Vec<(Node, Move)>) {
        let isolated = Node {
            isolated: true,
            ..node
        };
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
            moves.push((isolated, Move::Isolate));
            return;
        }
        if self.goal == Goal::Leave && self.catalogue.ended && !node.isolated && self.situation.published {
            moves.push((isolated, Move::Isolate));
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
        self.install(node, moves);
    }

    /// What can be installed on what is there.
    fn install(&self, node: Node, moves: &mut Vec<(Node, Move)>) {
        let offer = node.at.and_then(|at| self.offer(at));
        let supported = offer.map_or(&[][..], |offer| &offer.supported);
        for index in 0..self.catalogue.remediation.dotnet.len() {
            let newer = node.dotnet.is_none_or(|runs| index > runs);
            if newer && (supported.is_empty() || supported.contains(&index)) {
                let next = Node {
                    dotnet: Some(index),
                    ..node
                };
                moves.push((next, Move::DotNet(index)));
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
        let runs = match node.level {
            Level::Observed => self.situation.version.and_then(|version| version.revision),
            Level::First => Some(0),
            Level::Newest => return,
        };
        let above = |newest: &Build| runs.is_none_or(|revision| newest.build.0[3] > revision);
        if offer.and_then(|offer| offer.newest).is_some_and(above) {
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
        let too_new = |runs: usize| {
            Some(runs) == self.start.dotnet && target.supported.iter().all(|index| *index < runs)
        };
        target.supported.is_empty()
            || node
                .dotnet
                .is_some_and(|runs| target.supported.contains(&runs) || too_new(runs))
    }

    /// Whether Active Directory must be prepared for an update.
    pub(super) fn prepares(&self, node: Node, to: usize) -> bool {
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

    pub(super) fn cost(&self, node: Node, step: Move) -> Cost {
        let of = |id: StepId| {
            let (risk, minutes) = self.catalogue.cost(id);
            (risk, minutes, 0)
        };
        match step {
            Move::Isolate if self.situation.management_only => (0, of(StepId::Isolate).1, 0),
            Move::Update(to) => {
                let (risk, minutes, _) = of(self.update_step(to));
                let prepare = if self.prepares(node, to) {
                    of(StepId::PrepareAd)
                } else {
                    (0, 0, 0)
                };
                let newer = u32::try_from(self.catalogue.offers.len() - to).unwrap_or(u32::MAX);
                (risk + prepare.0, minutes + prepare.1, newer)
            }
            other => self.id(node, other).map_or((0, 0, 0), of),
        }
    }

    fn update_step(&self, to: usize) -> StepId {
        if self.offer(to).is_some_and(|offer| offer.rollup) {
            StepId::Rollup
        } else {
            StepId::CumulativeUpdate
        }
    }

    /// What a move at a node is called; `None` for the end where nothing is left to be done.
    pub(super) fn id(&self, node: Node, step: Move) -> Option<StepId> {
        Some(match step {
            Move::Mitigate => StepId::Mitigate,
            Move::Isolate => StepId::Isolate,
            Move::Preserve => StepId::Preserve,
            Move::Begin => StepId::BeginMaintenance,
            Move::DotNet(_) => StepId::DotNet,
            Move::Update(to) => self.update_step(to),
            Move::Security => StepId::SecurityUpdate,
            Move::End => StepId::EndMaintenance,
            Move::Verify => StepId::Verify,
            Move::Hunt => StepId::Hunt,
            Move::Remove => StepId::RemoveMitigation,
            Move::Reopen => StepId::Reopen,
            Move::Finish => self.finish(node)?,
        })
    }
}

fn missed<'p>(offer: &Offer<'p>, situation: &Situation) -> Vec<&'p str> {
    let revision = situation.version.and_then(|version| version.revision);
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
