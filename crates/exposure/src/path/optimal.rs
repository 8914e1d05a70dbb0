//! The search against the rules written down a second time: on small made-up products every path is replayed step by
//! step, and no cheaper one exists among all that the rules allow.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use vigie_pack::{Build, BuildNumber, Confidence, Cve, FixedIn, Line, Update};

use super::graph::{Cost, Goal, Graph};
use super::node::StepId;
use super::render::Taken;
use super::*;
use crate::{BuildSource, Fact, Observation, Origin, ProductLine, Server, Subject, Topology, Version};

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// A made-up cumulative update: the revisions published for it, and which of them hold the fix.
#[derive(Debug, Clone)]
struct Cumulative {
    base: [u32; 3],
    revisions: Vec<u32>,
    /// The first revision with the fix; `None` where it never got one and is older than all that did.
    fixed_from: Option<u32>,
    superseded: bool,
    dotnet: Vec<u32>,
    prepared: u32,
}

/// What is searched, in words of its own.
#[derive(Debug)]
struct World {
    updates: Vec<Cumulative>,
    base: [u32; 3],
    revision: u32,
    dotnet: Option<u32>,
    published: bool,
    dag: bool,
    edge: bool,
    management_only: bool,
    can_mitigate: bool,
    mitigated: bool,
    /// Whether what was observed holds every fix.
    closed: bool,
    ended: bool,
    goal: Goal,
}

const RELEASES: [u32; 3] = [394_802, 461_808, 528_040];
const AS_OF: &str = "2021-12-31";

/// A situation, in words of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    base: [u32; 3],
    revision: u32,
    /// Whether it was changed from what was observed.
    changed: bool,
    dotnet: Option<u32>,
    mitigated: bool,
    isolated: bool,
    preserved: bool,
    maintenance: bool,
    verified: bool,
    hunted: bool,
    finished: bool,
}

/// A step with what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    Plain(StepId),
    DotNet(u32),
    Install([u32; 3], u32),
}

impl World {
    fn update(&self, base: [u32; 3]) -> Option<&Cumulative> {
        self.updates.iter().find(|update| update.base == base)
    }

    fn start(&self) -> At {
        let only = self
            .update(self.base)
            .and_then(|update| match update.dotnet.as_slice() {
                [only] => Some(*only),
                _ => None,
            });
        At {
            base: self.base,
            revision: self.revision,
            changed: false,
            dotnet: self.dotnet.or(only),
            mitigated: self.mitigated,
            isolated: false,
            preserved: false,
            maintenance: false,
            verified: false,
            hunted: false,
            finished: false,
        }
    }

    fn is_fixed(&self, at: &At) -> bool {
        if !at.changed {
            return self.closed;
        }
        let update = self.update(at.base);
        update.is_some_and(|update| update.fixed_from.is_some_and(|from| at.revision >= from))
    }

    fn is_exposed(&self, at: &At) -> bool {
        self.published && !self.edge && !at.mitigated && !at.isolated && !self.is_fixed(at)
    }

    fn updates(&self) -> bool {
        matches!(self.goal, Goal::Kept | Goal::Closed)
    }

    /// Nothing was left out between what was observed and the newest build of the same update.
    fn is_breathing_space(&self, at: &At) -> bool {
        let Some(update) = self.update(at.base) else {
            return false;
        };
        let newest = *update.revisions.last().unwrap();
        let between = update
            .revisions
            .iter()
            .filter(|one| **one > self.revision && **one < newest);
        at.base == self.base && at.revision == newest && between.count() == 0
    }

    /// Whether the change may end here.
    fn is_done(&self, at: &At) -> bool {
        match self.goal {
            Goal::Kept => {
                self.is_fixed(at)
                    && (!at.changed
                        || !self.update(at.base).unwrap().superseded
                        || self.is_breathing_space(at))
            }
            Goal::Closed => self.is_fixed(at),
            Goal::Leave | Goal::Retire => at.preserved && !self.is_exposed(at),
        }
    }

    fn last(&self, at: &At) -> Option<StepId> {
        if self.goal == Goal::Retire {
            return Some(StepId::Retire);
        }
        if self.ended {
            return Some(StepId::Migrate);
        }
        let superseded = self.update(at.base).is_some_and(|update| update.superseded);
        (self.goal != Goal::Leave && superseded).then_some(StepId::PlanUpdate)
    }

    fn reopens(&self) -> bool {
        self.updates() && !self.ended && !self.management_only
    }

    /// Nothing is left of what was put up for the time of the change.
    fn is_tidy(&self, at: &At) -> bool {
        let mitigated = self.updates() && at.mitigated;
        let isolated = self.reopens() && at.isolated;
        !mitigated && !isolated
    }

    fn is_end(&self, at: &At) -> bool {
        if at.finished {
            return true;
        }
        at.hunted && self.is_tidy(at) && self.last(at).is_none()
    }

    /// Where a step leads from here; `None` where it may not be taken. Straight from `docs/path.md`.
    fn after(&self, at: &At, act: &Act) -> Option<At> {
        let mut next = at.clone();
        let exposed = self.is_exposed(at);
        let working = !at.verified && !at.hunted;
        let may_change =
            working && self.updates() && at.preserved && !exposed && (!self.dag || at.maintenance);
        let allowed = match act {
            Act::Plain(StepId::Mitigate) => {
                next.mitigated = true;
                let for_good = self.goal == Goal::Leave && self.ended;
                working && exposed && self.can_mitigate && !self.management_only && !for_good
            }
            Act::Plain(StepId::Isolate) => {
                next.isolated = true;
                let for_good = self.goal == Goal::Leave && self.ended && self.published;
                working && !at.isolated && (exposed || for_good)
            }
            Act::Plain(StepId::Preserve) => {
                next.preserved = true;
                working && !at.preserved && !exposed
            }
            Act::Plain(StepId::BeginMaintenance) => {
                next.maintenance = true;
                let ready = working && self.updates() && at.preserved && !exposed;
                ready && self.dag && !at.maintenance && !self.is_done(at)
            }
            Act::Plain(StepId::EndMaintenance) => {
                next.maintenance = false;
                may_change && at.maintenance && self.is_done(at)
            }
            Act::DotNet(release) => {
                next.dotnet = Some(*release);
                let runs = self
                    .update(at.base)
                    .map(|update| update.dotnet.as_slice())
                    .unwrap_or_default();
                may_change
                    && at.dotnet.is_none_or(|held| *release > held)
                    && (runs.is_empty() || runs.contains(release))
            }
            Act::Install(base, revision) if *base != at.base => {
                (next.base, next.revision, next.changed) = (*base, *revision, true);
                // A cumulative update wipes the mitigation.
                next.mitigated = false;
                let update = self.update(*base)?;
                let supported = &update.dotnet;
                let runs = at.dotnet.is_some_and(|held| {
                    let newer_than_all = supported.iter().all(|one| *one < held);
                    supported.contains(&held) || newer_than_all && self.start().dotnet == Some(held)
                });
                may_change
                    && *base > at.base
                    && update.revisions.first() == Some(revision)
                    && (supported.is_empty() || runs)
            }
            Act::Install(base, revision) => {
                (next.revision, next.changed) = (*revision, true);
                let update = self.update(*base)?;
                may_change && update.revisions.last() == Some(revision) && *revision > at.revision
            }
            Act::Plain(StepId::Verify) => {
                next.verified = true;
                working && self.updates() && !at.maintenance && self.is_done(at)
            }
            Act::Plain(StepId::Hunt) => {
                next.hunted = true;
                let unchanged = !self.updates() && working && !at.maintenance && self.is_done(at);
                !at.hunted && (at.verified || unchanged)
            }
            Act::Plain(StepId::RemoveMitigation) => {
                next.mitigated = false;
                at.hunted && self.updates() && at.mitigated
            }
            Act::Plain(StepId::Reopen) => {
                next.isolated = false;
                at.hunted && self.reopens() && at.isolated && !(self.updates() && at.mitigated)
            }
            Act::Plain(StepId::PlanUpdate | StepId::Retire | StepId::Migrate) => {
                next.finished = true;
                at.hunted && self.is_tidy(at) && !at.finished && *act == Act::Plain(self.last(at)?)
            }
            Act::Plain(_) => false,
        };
        allowed.then_some(next)
    }

    /// Everything that could be tried anywhere.
    fn acts(&self) -> Vec<Act> {
        let mut acts: Vec<Act> = StepId::ALL.iter().map(|step| Act::Plain(*step)).collect();
        acts.extend(RELEASES.map(Act::DotNet));
        for update in &self.updates {
            let (first, last) = (update.revisions[0], *update.revisions.last().unwrap());
            acts.extend([Act::Install(update.base, first), Act::Install(update.base, last)]);
        }
        acts
    }

    fn cost(&self, at: &At, act: &Act, known: &Remediation) -> Cost {
        let of = |id: &str| (known.steps[id].risk, known.steps[id].p50_h.0, 0);
        let plus = |one: Cost, other: Cost| (one.0 + other.0, one.1 + other.1, one.2 + other.2);
        match act {
            Act::Plain(StepId::Isolate) if self.management_only => (0, of("isolate").1, 0),
            Act::Plain(step) => of(step.id()),
            Act::DotNet(_) => of("dotnet"),
            Act::Install(base, _) if *base == at.base => of("security_update"),
            Act::Install(base, _) => {
                let newer = self.updates.iter().filter(|update| update.base >= *base).count();
                let prepared = self.update(at.base).map(|update| update.prepared);
                let needed = self.update(*base).unwrap().prepared;
                let prepares = !self.edge && prepared.is_none_or(|prepared| prepared < needed);
                let prepare = if prepares { of("prepare_ad") } else { (0, 0, 0) };
                let newer = (0, 0, u32::try_from(newer).unwrap());
                plus(plus(of("cumulative_update"), prepare), newer)
            }
        }
    }

    /// The cost of the cheapest of all ways, found without any order: costs are lowered until none can be.
    fn cheapest(&self, known: &Remediation) -> Option<Cost> {
        let acts = self.acts();
        let mut best: BTreeMap<At, Cost> = BTreeMap::from([(self.start(), (0, 0, 0))]);
        let mut changed: BTreeSet<At> = BTreeSet::from([self.start()]);
        while let Some(at) = changed.pop_first() {
            let so_far = best[&at];
            if self.is_end(&at) {
                continue;
            }
            for act in &acts {
                let Some(next) = self.after(&at, act) else {
                    continue;
                };
                let step = self.cost(&at, act, known);
                let sum = (so_far.0 + step.0, so_far.1 + step.1, so_far.2 + step.2);
                if best.get(&next).is_none_or(|held| sum < *held) {
                    best.insert(next.clone(), sum);
                    changed.insert(next);
                }
            }
        }
        let ends = best.iter().filter(|(at, _)| self.is_end(at));
        ends.map(|(_, cost)| *cost).min()
    }

    /// Takes the steps one after another. Panics where the rules forbid one.
    fn replay(&self, steps: &[Taken], known: &Remediation) -> Cost {
        let mut at = self.start();
        let mut sum = (0, 0, 0);
        for taken in steps {
            let value = |name: &str| {
                taken
                    .values
                    .iter()
                    .find(|(known, _)| *known == name)
                    .unwrap()
                    .1
                    .clone()
            };
            let act = match taken.step {
                // Part of the update that follows.
                StepId::PrepareAd => continue,
                StepId::DotNet => Act::DotNet(value("release").parse().unwrap()),
                StepId::CumulativeUpdate | StepId::SecurityUpdate => {
                    let BuildNumber([major, minor, build, revision]) = value("build").parse().unwrap();
                    Act::Install([major, minor, build], revision)
                }
                step => Act::Plain(step),
            };
            let next = self.after(&at, &act);
            let step = self.cost(&at, &act, known);
            at = next.unwrap_or_else(|| panic!("{act:?} is forbidden at {at:?} in {self:#?}"));
            sum = (sum.0 + step.0, sum.1 + step.1, sum.2 + step.2);
        }
        assert!(self.is_end(&at), "not an end: {at:?} in {self:#?}");
        sum
    }
}

/// A pack about a product of one line with one to four updates, and a server of it.
fn made_up(dice: &mut Dice) -> (Pack, Server) {
    let mut pack = Pack::load_embedded("hafnium-2021").unwrap();
    // Two vulnerabilities: updates that close one need not close the other.
    let mut fixed = [Vec::new(), Vec::new()];
    let mut builds = Vec::new();
    let mut updates = Vec::new();
    let count = 1 + dice.below(4);
    let mut prepared = 1;
    for number in 0..count {
        let (name, base) = (
            format!("CU{number}"),
            1_000 + 100 * u32::try_from(number).unwrap(),
        );
        let revisions: Vec<u32> = (0..=dice.below(3))
            .map(|index| 2 + 3 * u32::try_from(index).unwrap())
            .collect();
        // Of the same months for some updates, of others for others: that decides what is superseded.
        let start = dice.below(5);
        for (index, revision) in revisions.iter().enumerate() {
            let update = (index > 0).then(|| format!("SU{}", (start + index) % 5));
            builds.push(Build {
                product: "2016".into(),
                name: format!("Made-up {name} {}", update.as_deref().unwrap_or_default()),
                cumulative_update: name.clone(),
                security_update: update,
                release_date: format!("2021-0{}-1{index}", 1 + number),
                build: BuildNumber([15, 1, base, *revision]),
                kb: None,
                note: None,
                confidence: Confidence::Published,
            });
        }
        let last = *revisions.last().unwrap();
        for fixed in &mut fixed {
            if dice.one_in(2) {
                fixed.push(FixedIn {
                    product: "2016".into(),
                    cumulative_update: name.clone(),
                    build: BuildNumber([15, 1, base, last]),
                });
            }
        }
        prepared += u32::from(dice.one_in(2));
        updates.push(Update {
            line: "2016".into(),
            update: name,
            build: format!("15.1.{base}"),
            dotnet: RELEASES.into_iter().filter(|_| dice.one_in(2)).collect(),
            schema: prepared,
            domain: 1,
            configuration: 1,
        });
    }
    let cve = pack.cves[0].clone();
    let of = |(number, fixed)| Cve {
        id: format!("CVE-2021-000{number}"),
        fixed,
        published: Some("2021-01-01".into()),
        ..cve.clone()
    };
    pack.cves = fixed.into_iter().enumerate().map(of).collect();
    pack.product.builds = builds;
    pack.product.lines = vec![Line {
        line: "2016".into(),
        title: "Made-up 2016".into(),
        released: Some("2015-10-01".into()),
        // After this day only those who pay get updates, and none is offered.
        end_of_support: dice.one_in(2).then(|| format!("2021-0{}-28", 1 + dice.below(5))),
        extended_until: None,
    }];
    let remediation = pack.product.remediation.as_mut().unwrap();
    remediation.updates = updates;
    remediation
        .dotnet
        .retain(|version| RELEASES.contains(&version.release));
    if dice.one_in(6) {
        remediation
            .lines
            .iter_mut()
            .for_each(|line| line.mitigated = false);
    }
    let server = server(dice, &pack);
    (pack, server)
}

fn server(dice: &mut Dice, pack: &Pack) -> Server {
    let builds = &pack.product.builds;
    let runs = builds[dice.below(builds.len())].build;
    let line = ProductLine {
        product: "exchange".into(),
        line: Some("2016".into()),
    };
    let mut facts = vec![
        Fact::Product(line),
        Fact::Build {
            version: Version::from(runs),
            source: BuildSource::ExSetup,
        },
        Fact::Published(!dice.one_in(3)),
    ];
    if dice.one_in(2) {
        facts.push(Fact::DotNet(RELEASES[dice.below(3)]));
    }
    if dice.one_in(3) {
        facts.push(Fact::Dag("DAG1".into()));
    }
    if dice.one_in(8) {
        facts.push(Fact::Role("Edge".into()));
    }
    if dice.one_in(5) {
        facts.push(Fact::Topology(Topology::HybridManagementOnly));
    }
    if dice.one_in(4) {
        let (id, cves) = ("EOMT".to_owned(), Vec::new());
        facts.push(Fact::Mitigation {
            id,
            cves,
            active: true,
        });
    }
    let observations = facts.into_iter().map(|fact| Observation {
        subject: Arc::new(Subject::default()),
        fact,
        at: vigie_event::parse_utc("2021-12-01"),
        origin: Origin {
            reader: "csv",
            file: "f".into(),
            place: None,
        },
    });
    Server {
        name: "EX01".into(),
        observations: observations.collect(),
        ..Server::default()
    }
}

/// The same in the words of the rules above; what the catalogue worked out of dates and advisories is taken over.
fn world(catalogue: &Catalogue<'_>, situation: &Situation, goal: Goal) -> World {
    let version = situation.version.unwrap();
    let updates = catalogue.offers.iter().map(|offer| {
        let revisions: Vec<u32> = offer.builds.iter().map(|build| build.build.0[3]).collect();
        let fixed_from = match (offer.first_closed, offer.newest_closed) {
            (true, _) => Some(revisions[0]),
            (false, true) => revisions.last().copied(),
            (false, false) => None,
        };
        Cumulative {
            base: offer.base,
            fixed_from,
            superseded: offer.superseded,
            dotnet: offer.needs.map(|needs| needs.dotnet.clone()).unwrap_or_default(),
            prepared: offer.needs.map_or(0, |needs| needs.schema),
            revisions,
        }
    });
    World {
        updates: updates.collect(),
        base: version.base,
        revision: version.revision.unwrap(),
        dotnet: situation.dotnet,
        published: situation.published,
        dag: situation.dag,
        edge: situation.edge,
        management_only: situation.management_only,
        can_mitigate: !situation.mitigations.is_empty()
            && catalogue.remedy().is_none_or(|remedy| remedy.mitigated),
        mitigated: situation.mitigated,
        closed: situation.closed,
        ended: catalogue.ended,
        goal,
    }
}

#[test]
fn every_path_keeps_the_rules_and_none_that_keeps_them_is_cheaper() {
    let as_of = vigie_event::parse_utc(AS_OF).unwrap();
    let (mut found, mut impossible, mut steps_seen) = (0, 0, BTreeSet::new());
    for seed in 0..400 {
        let (pack, server) = made_up(&mut Dice(seed * 7_919 + 1));
        let knowledge = Knowledge::new(&pack, &[], i64::MAX);
        let known = pack.product.remediation.as_ref().unwrap();
        let public = public(&knowledge, as_of);
        let state = server.state(as_of);
        let Some(situation) = Situation::of(&state, &knowledge, &public) else {
            continue;
        };
        if situation.ask {
            continue;
        }
        let catalogue = Catalogue::new(&knowledge, &public, known, "2016", as_of);
        for goal in [Goal::Kept, Goal::Closed, Goal::Leave, Goal::Retire] {
            let world = world(&catalogue, &situation, goal);
            let graph = Graph::new(&catalogue, &situation, goal);
            let cheapest = world.cheapest(known);
            match search::solve(&graph) {
                Some((cost, steps)) => {
                    assert_eq!(world.replay(&steps, known), cost, "seed {seed} {goal:?}");
                    assert_eq!(Some(cost), cheapest, "seed {seed} {goal:?} {world:#?}");
                    steps_seen.extend(steps.iter().map(|step| step.step.id()));
                    found += 1;
                }
                None => {
                    assert_eq!(cheapest, None, "seed {seed} {goal:?} {world:#?}");
                    impossible += 1;
                }
            }
        }
    }
    assert!(found > 1_000 && impossible > 40, "{found} {impossible}");
    // All steps but those of other lines and of questions were taken somewhere.
    let never = ["identify", "assess_again", "rollup"];
    for step in StepId::ALL
        .iter()
        .map(|step| step.id())
        .filter(|step| !never.contains(step))
    {
        assert!(steps_seen.contains(step), "{step} was never taken");
    }
}
