//! Exposure over time: what was the case for one server and one vulnerability, and since when.

use std::sync::Arc;

use vigie_event::{Timestamp, parse_utc};
use vigie_pack::{Cve, Setting};

use crate::knowledge::{Answer, Knowledge};
use crate::publication::{Publication, publication};
use crate::state::{build_history, mitigations};
use crate::{BuildAnswer, Fact, Observation, Said, Server, Status, Topology};

/// A stretch of time in which one answer holds. It ends where the next begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// From when on; `None` when nobody knows.
    pub from: Option<Timestamp>,
    /// What was the case.
    pub status: Status,
    /// Why.
    pub why: Arc<Said>,
}

/// Everything about one server that answers need, worked out once for all vulnerabilities.
pub(crate) struct History<'a> {
    pub(crate) seen: Vec<&'a Observation>,
    pub(crate) builds: Vec<BuildAnswer<'a>>,
    pub(crate) published: Vec<Publication<'a>>,
    /// The moments at which something may change, in order; `None` first.
    moments: Vec<Option<Timestamp>>,
    /// The answers for all vulnerabilities: before any build was known, then per build of `builds`.
    answers: Vec<Answers>,
    /// Whether anybody ever saw a mitigation.
    mitigated: bool,
}

/// What is known while a build runs.
enum Answers {
    /// One answer per vulnerability.
    Each(Arc<[Answer]>),
    /// The same for all: equally good sources contradict each other.
    Torn(Arc<Said>),
}

impl Answers {
    fn of(&self, index: usize) -> Answer {
        match self {
            Answers::Each(answers) => answers[index].clone(),
            Answers::Torn(why) => (Status::Unknown, Arc::clone(why)),
        }
    }
}

/// The phases of all vulnerabilities, those of one after those of another.
pub(crate) struct Phases {
    all: Vec<Phase>,
    /// Per vulnerability: where its phases end.
    ends: Vec<usize>,
}

impl Phases {
    /// How many vulnerabilities there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The phases of the vulnerability at `index`, oldest first; there is at least one.
    pub(crate) fn of(&self, index: usize) -> &[Phase] {
        let from = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[from..self.ends[index]]
    }

    /// Of each vulnerability its phases.
    pub(crate) fn each(&self) -> impl Iterator<Item = &[Phase]> {
        (0..self.len()).map(|index| self.of(index))
    }

    /// The worst status, and since when it is the worst, oldest first; neighbours differ.
    pub(crate) fn worst(&self) -> Vec<(Option<Timestamp>, Status)> {
        let mut moments: Vec<Option<Timestamp>> = self.all.iter().map(|phase| phase.from).collect();
        moments.sort_unstable();
        moments.dedup();
        let mut worst: Vec<(Option<Timestamp>, Status)> = Vec::with_capacity(moments.len());
        for moment in moments {
            let at = |phases: &[Phase]| {
                let until = phases.partition_point(|phase| phase.from <= moment);
                // Before anybody looked, nobody knew.
                until
                    .checked_sub(1)
                    .map_or(Status::Unknown, |last| phases[last].status)
            };
            let status = Status::worst(self.each().map(at));
            if worst.last().is_none_or(|(_, last)| *last != status) {
                worst.push((moment, status));
            }
        }
        worst
    }
}

impl<'a> History<'a> {
    pub(crate) fn new(server: &'a Server, knowledge: &Knowledge<'_>, as_of: Timestamp) -> History<'a> {
        let seen = server.until(as_of);
        let builds = build_history(&seen);
        let published = publication(&seen);
        let declared = seen.iter().rev().find_map(|by| match &by.fact {
            Fact::Product(product) if product.product == knowledge.product().id => product.line.as_deref(),
            _ => None,
        });
        let mut moments: Vec<Option<Timestamp>> = builds.iter().map(|build| build.since).collect();
        let mut mitigated = false;
        for by in &seen {
            mitigated |= matches!(by.fact, Fact::Mitigation { .. });
            if matches!(
                by.fact,
                Fact::Mitigation { .. } | Fact::Setting { .. } | Fact::Topology(_)
            ) {
                moments.push(by.at);
            }
        }
        moments.sort_unstable();
        moments.dedup();
        let of_build = |build: &BuildAnswer<'_>| match build.version {
            Some(version) => Answers::Each(knowledge.answers(declared, version, build.source)),
            None => Answers::Torn(torn(build)),
        };
        let before = Answers::Each(knowledge.without_build(declared));
        let answers = std::iter::once(before)
            .chain(builds.iter().map(of_build))
            .collect();
        History {
            seen,
            builds,
            published,
            moments,
            answers,
            mitigated,
        }
    }

    /// The phases of all vulnerabilities. Neighbours differ.
    pub(crate) fn phases(&self, knowledge: &Knowledge<'_>) -> Phases {
        let mut phases = Phases {
            all: Vec::with_capacity(knowledge.cves.len() * self.moments.len().max(1)),
            ends: Vec::with_capacity(knowledge.cves.len()),
        };
        for index in 0..knowledge.cves.len() {
            let first = phases.all.len();
            let moments = if self.moments.is_empty() {
                &[None][..]
            } else {
                &self.moments
            };
            for &moment in moments {
                let (status, why) = self.at(knowledge, index, moment);
                match phases.all[first..].last() {
                    Some(last) if last.status == status && last.why == why => {}
                    _ => phases.all.push(Phase {
                        from: moment,
                        status,
                        why,
                    }),
                }
            }
            phases.ends.push(phases.all.len());
        }
        phases
    }

    /// The answer at one moment, from what was observed until then.
    fn at(&self, knowledge: &Knowledge<'_>, index: usize, moment: Option<Timestamp>) -> Answer {
        let cve = knowledge.cves[index].cve;
        if let Some(why) = self.elsewhere(cve, moment) {
            return (Status::NotAffected, knowledge.share(why));
        }
        let until = self.builds.partition_point(|build| build.since <= moment);
        let answer = self.answers[until].of(index);
        let changed = match answer.0 {
            Status::Vulnerable | Status::Unknown => self
                .mitigated(cve, moment, until)
                .map(|why| (Status::Mitigated, why)),
            Status::Fixed if !cve.settings.is_empty() => {
                self.settings(&cve.settings, &self.builds[until - 1], moment)
            }
            _ => None,
        };
        match changed {
            Some((status, why)) => (status, knowledge.share(why)),
            None => answer,
        }
    }

    /// What a vulnerability of other topologies says of this server, where its topology is known.
    fn elsewhere(&self, cve: &Cve, moment: Option<Timestamp>) -> Option<Said> {
        if cve.topologies.is_empty() {
            return None;
        }
        let until = self.seen.partition_point(|by| by.at <= moment);
        let known = self.seen[..until].iter().rev().find_map(|by| match by.fact {
            Fact::Topology(topology) => Some(topology),
            _ => None,
        })?;
        if cve.topologies.iter().any(|id| id == known.id()) {
            return None;
        }
        let list = |french: bool| {
            let each = cve.topologies.iter().filter_map(|id| Topology::from_id(id));
            each.map(|one| word(one, french)).collect::<Vec<_>>().join(", ")
        };
        let (own, own_fr) = (word(known, false), word(known, true));
        Some(Said::new(
            format!("concerned are only: {}; this one is {own}", list(false)),
            format!("ne sont concernés que : {} ; celui-ci est {own_fr}", list(true)),
        ))
    }

    /// What a mitigation in place says, if there is one for this vulnerability.
    fn mitigated(&self, cve: &Cve, moment: Option<Timestamp>, until: usize) -> Option<Said> {
        if !self.mitigated {
            return None;
        }
        let seen = &self.seen[..self.seen.partition_point(|by| by.at <= moment)];
        let closes = |id: &str, cves: &[String]| {
            cves.iter().any(|known| known.eq_ignore_ascii_case(&cve.id))
                || cve
                    .mitigated_by
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(id))
        };
        let held = mitigations(seen, &self.builds[..until]);
        let found = held.iter().find(|held| closes(held.id, held.cves))?;
        Some(Said::new(
            format!("{} is in place; the next cumulative update removes it", found.id),
            format!(
                "{} est en place ; la prochaine mise à jour cumulative l’efface",
                found.id
            ),
        ))
    }

    /// What the settings that belong to a fix say, unless all are as they must be.
    fn settings(
        &self,
        settings: &[Setting],
        build: &BuildAnswer<'_>,
        moment: Option<Timestamp>,
    ) -> Option<(Status, Said)> {
        let mut open: Option<(Status, Said)> = None;
        for setting in settings {
            let word = self
                .seen
                .iter()
                .rev()
                .filter(|by| by.at <= moment)
                .find_map(|by| match &by.fact {
                    Fact::Setting { id, on } if *id == setting.id => Some(*on),
                    _ => None,
                });
            let by_setup = build
                .version
                .and_then(crate::Version::full)
                .is_some_and(|version| set_by_setup(setting, version));
            let title = &setting.title;
            match word {
                Some(true) => {}
                Some(false) => {
                    let said = Said::new(
                        format!("the update is there, {} is not set", title.en),
                        format!("la mise à jour est là, mais pas le réglage : {}", title.fr),
                    );
                    return Some((Status::Vulnerable, said));
                }
                None if by_setup => {}
                None => {
                    let said = Said::new(
                        format!("the update is there; whether {} is set, nobody looked", title.en),
                        format!(
                            "la mise à jour est là ; personne n’a vérifié le réglage : {}",
                            title.fr
                        ),
                    );
                    open = Some((Status::Unknown, said));
                }
            }
        }
        open
    }
}

/// A topology for people.
fn word(topology: Topology, french: bool) -> &'static str {
    match (topology, french) {
        (Topology::OnPrem, false) => "on premises",
        (Topology::OnPrem, true) => "sur site",
        (Topology::Hybrid, false) => "hybrid",
        (Topology::Hybrid, true) => "hybride",
        (Topology::HybridManagementOnly, false) => "hybrid for managing recipients",
        (Topology::HybridManagementOnly, true) => "hybride pour gérer les destinataires",
        (Topology::Online, false) => "online",
        (Topology::Online, true) => "en ligne",
    }
}

/// Equally good sources contradict each other.
fn torn(build: &BuildAnswer<'_>) -> Arc<Said> {
    let list = |word: &str| {
        let each = build.conflicts.iter().filter_map(|by| match &by.fact {
            Fact::Build { version, source } => Some(format!("{version} ({source}, {})", by.origin)),
            _ => None,
        });
        each.collect::<Vec<_>>().join(word)
    };
    let said = Said::new(
        format!("equally good sources contradict each other: {}", list(" and ")),
        format!("des sources de même valeur se contredisent : {}", list(" et ")),
    );
    Arc::new(said)
}

/// When a server could be attacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first moment; never before the first known exploitation.
    pub from: Timestamp,
    /// The first moment at which it is known to be over; `None` while it is not.
    pub to: Option<Timestamp>,
    /// The earliest moment at which it can have been over: the fix came out, or the last look found it open.
    pub to_earliest: Option<Timestamp>,
}

impl Window {
    /// The window of one vulnerability. `closed` says when TCP/443 is known not to have been published: `(from, to)`.
    pub(crate) fn of(
        phases: &[Phase],
        exploited_from: Timestamp,
        as_of: Timestamp,
        closed: &[(Option<Timestamp>, Option<Timestamp>)],
        earliest_fix: impl Fn(&Phase) -> Option<Timestamp>,
    ) -> Option<Window> {
        let mut window: Option<Window> = None;
        // Before anybody looked, a server was what it was found to be, or worse: open, unless it cannot be affected.
        let first = phases.first()?;
        let mut spans: Vec<(Timestamp, Option<Timestamp>, Option<Timestamp>)> = Vec::new();
        if first.status != Status::NotAffected && (first.from.is_some() || is_over(first.status)) {
            let found = first.from.unwrap_or(as_of);
            let over = is_over(first.status).then(|| earliest_fix(first)).flatten();
            spans.push((Timestamp::MIN, Some(found), over.or(Some(found))));
        }
        for (index, phase) in phases.iter().enumerate() {
            if !is_over(phase.status) {
                let next = phases.get(index + 1);
                let to = next.map(|next| next.from.unwrap_or(as_of));
                let earliest = next.and_then(&earliest_fix).max(phase.from);
                spans.push((phase.from.unwrap_or(Timestamp::MIN), to, earliest));
            }
        }
        for (from, to, earliest) in spans {
            let from = from.max(exploited_from);
            if from > as_of || to.is_some_and(|to| from >= to) {
                continue;
            }
            for (from, to) in outside(from, to, closed) {
                let joined = window.get_or_insert(Window {
                    from,
                    to,
                    to_earliest: earliest,
                });
                joined.from = joined.from.min(from);
                joined.to = to;
                joined.to_earliest = to.map(|to| earliest.unwrap_or(to).clamp(joined.from, to));
            }
        }
        window
    }

    /// From the first to the last of two.
    #[must_use]
    pub(crate) fn with(self, other: Window) -> Window {
        let open = self.to.is_none() || other.to.is_none();
        Window {
            from: self.from.min(other.from),
            to: if open { None } else { self.to.max(other.to) },
            to_earliest: if open {
                None
            } else {
                self.to_earliest.max(other.to_earliest)
            },
        }
    }
}

fn is_over(status: Status) -> bool {
    matches!(status, Status::Fixed | Status::NotAffected | Status::Mitigated)
}

/// The parts of a span that are in none of `closed`.
fn outside(
    from: Timestamp,
    to: Option<Timestamp>,
    closed: &[(Option<Timestamp>, Option<Timestamp>)],
) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut left = vec![(from, to)];
    for (shut, reopened) in closed {
        let shut = shut.unwrap_or(Timestamp::MIN);
        left = left
            .into_iter()
            .flat_map(|(from, to)| {
                let before = (from < shut).then(|| (from, Some(to.map_or(shut, |to| to.min(shut)))));
                let after = reopened
                    .filter(|reopened| to.is_none_or(|to| *reopened < to))
                    .map(|reopened| (from.max(reopened), to));
                [before, after].into_iter().flatten()
            })
            .filter(|(from, to)| to.is_none_or(|to| *from < to))
            .collect();
    }
    left
}

/// The first day of exploitation that counts for a vulnerability: its own, else the pack's.
pub(crate) fn exploited_from(knowledge: &Knowledge<'_>, index: usize) -> Timestamp {
    let own = knowledge.cves[index]
        .cve
        .exploited_from
        .as_deref()
        .and_then(parse_utc);
    own.unwrap_or(knowledge.pack.window.from)
}

/// Whether the setup of this build sets it. A build of the same update decides where there is one: Windows Server 2019 as
/// of August 2020 has a higher number than the build of 2016 that sets it, and does not set it.
fn set_by_setup(setting: &Setting, version: vigie_pack::BuildNumber) -> bool {
    let [major, minor, build, _] = version.0;
    let builds = || setting.set_from.iter().map(|from| from.build);
    let mut same = builds()
        .filter(|from| from.0[..3] == [major, minor, build])
        .peekable();
    match same.peek() {
        Some(_) => same.any(|from| version >= from),
        None => builds().any(|from| version >= from && from.0[..2] == [major, minor]),
    }
}
