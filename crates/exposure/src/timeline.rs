//! Exposure over time: what was the case for one server and one vulnerability, and since when.

use std::sync::Arc;

use vigie_event::{Timestamp, parse_utc};
use vigie_pack::Setting;

use crate::knowledge::{Answer, Knowledge};
use crate::state::{build_history, mitigations};
use crate::{BuildAnswer, Fact, Observation, Said, Server, Status};

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
    seen: Vec<&'a Observation>,
    pub(crate) builds: Vec<BuildAnswer<'a>>,
    /// The line an inventory names.
    declared: Option<String>,
    /// The moments at which something may change, in order; `None` first.
    moments: Vec<Option<Timestamp>>,
    /// Per build of `builds`: the answers for all vulnerabilities.
    answers: Vec<Option<Arc<[Answer]>>>,
}

impl<'a> History<'a> {
    pub(crate) fn new(server: &'a Server, knowledge: &Knowledge<'_>, as_of: Timestamp) -> History<'a> {
        let mut seen: Vec<&Observation> = server.observations.iter().collect();
        seen.retain(|observation| observation.at.is_none_or(|at| at <= as_of));
        seen.sort_by_key(|observation| observation.at);
        let builds = build_history(&seen);
        let declared = seen.iter().rev().find_map(|by| match &by.fact {
            Fact::Product(product) if product.product == knowledge.product().id => product.line.clone(),
            _ => None,
        });
        let mut moments: Vec<Option<Timestamp>> = builds.iter().map(|build| build.since).collect();
        let changes = seen
            .iter()
            .filter(|by| matches!(by.fact, Fact::Mitigation { .. } | Fact::Setting { .. }));
        moments.extend(changes.map(|by| by.at));
        moments.sort();
        moments.dedup();
        let answers = builds
            .iter()
            .map(|build| Some(knowledge.answers(declared.as_deref(), build.version?, build.source)))
            .collect();
        History {
            seen,
            builds,
            declared,
            moments,
            answers,
        }
    }

    /// The phases of the vulnerability at `index`, oldest first; neighbours differ.
    pub(crate) fn phases(&self, knowledge: &Knowledge<'_>, index: usize) -> Vec<Phase> {
        let mut phases: Vec<Phase> = Vec::new();
        for &moment in &self.moments {
            let (status, why) = self.at(knowledge, index, moment);
            match phases.last() {
                Some(last) if last.status == status && last.why == why => {}
                _ => phases.push(Phase {
                    from: moment,
                    status,
                    why,
                }),
            }
        }
        if phases.is_empty() {
            let (status, why) = self.without_build(knowledge, index);
            phases.push(Phase {
                from: None,
                status,
                why,
            });
        }
        phases
    }

    /// The answer at one moment, from what was observed until then.
    fn at(&self, knowledge: &Knowledge<'_>, index: usize, moment: Option<Timestamp>) -> Answer {
        let until = self.builds.partition_point(|build| build.since <= moment);
        let answer = match until.checked_sub(1) {
            None => self.without_build(knowledge, index),
            Some(last) => match &self.answers[last] {
                Some(answers) => answers[index].clone(),
                None => torn(&self.builds[last]),
            },
        };
        let cve = knowledge.cves[index].cve;
        match answer.0 {
            Status::Vulnerable | Status::Unknown => self
                .mitigated(cve, moment, until)
                .map_or(answer, |why| (Status::Mitigated, why)),
            Status::Fixed if !cve.settings.is_empty() => {
                let build = &self.builds[until - 1];
                self.settings(&cve.settings, build, moment).unwrap_or(answer)
            }
            _ => answer,
        }
    }

    /// What a mitigation in place says, if there is one for this vulnerability.
    fn mitigated(&self, cve: &vigie_pack::Cve, moment: Option<Timestamp>, until: usize) -> Option<Arc<Said>> {
        let seen = &self.seen[..self.seen.partition_point(|by| by.at <= moment)];
        if !seen.iter().any(|by| matches!(by.fact, Fact::Mitigation { .. })) {
            return None;
        }
        let closes = |id: &str, cves: &[String]| {
            cves.iter().any(|known| known.eq_ignore_ascii_case(&cve.id))
                || cve
                    .mitigated_by
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(id))
        };
        let held = mitigations(seen, &self.builds[..until]);
        let found = held.iter().find(|held| closes(held.id, held.cves))?;
        Some(Arc::new(Said::new(
            format!("{} is in place; the next cumulative update removes it", found.id),
            format!(
                "{} est en place ; la prochaine mise à jour cumulative l’efface",
                found.id
            ),
        )))
    }

    /// What the settings that belong to a fix say, unless all are as they must be.
    fn settings(
        &self,
        settings: &[Setting],
        build: &BuildAnswer<'_>,
        moment: Option<Timestamp>,
    ) -> Option<Answer> {
        let mut open: Option<Answer> = None;
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
                    return Some((Status::Vulnerable, Arc::new(said)));
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
                    open = Some((Status::Unknown, Arc::new(said)));
                }
            }
        }
        open
    }

    /// Nobody knows the build: what the line alone says.
    fn without_build(&self, knowledge: &Knowledge<'_>, index: usize) -> Answer {
        let judged = &knowledge.cves[index];
        if let Some(line) = &self.declared
            && !judged.cve.fixed.iter().any(|fixed| fixed.product == *line)
        {
            let (status, said) = judged.of_line(&knowledge.builds, line);
            return (status, Arc::new(said));
        }
        let said = Said::new(
            "nobody knows the build: read the version of ExSetup.exe",
            "build inconnu : lire la version d’ExSetup.exe",
        );
        (Status::Unknown, Arc::new(said))
    }
}

/// Equally good sources contradict each other.
fn torn(build: &BuildAnswer<'_>) -> Answer {
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
    (Status::Unknown, Arc::new(said))
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

/// When TCP/443 is known not to have been published. A server that nobody ever called published was not before either,
/// if somebody says so who may know: a scan that finds the port closed knows nothing of the day before.
pub(crate) fn closed_times(
    seen: &[Observation],
    as_of: Timestamp,
) -> Vec<(Option<Timestamp>, Option<Timestamp>)> {
    let mut words: Vec<(Option<Timestamp>, bool)> = seen
        .iter()
        .filter(|by| by.at.is_none_or(|at| at <= as_of))
        .filter_map(|by| match by.fact {
            Fact::Published(published) => Some((by.at, published)),
            _ => None,
        })
        .collect();
    words.sort();
    if words.is_empty() {
        return Vec::new();
    }
    if words.iter().all(|(_, published)| !published) {
        let said = |by: &Observation| matches!(by.fact, Fact::Published(_)) && !by.origin.is_measured();
        if seen.iter().any(said) {
            return vec![(None, None)];
        }
    }
    let mut closed = Vec::new();
    let mut shut: Option<Option<Timestamp>> = None;
    for (at, published) in words {
        match (shut, published) {
            (None, false) if at.is_some() => shut = Some(at),
            (Some(from), true) => {
                closed.push((from, at));
                shut = None;
            }
            _ => {}
        }
    }
    if let Some(from) = shut {
        closed.push((from, None));
    }
    closed
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
