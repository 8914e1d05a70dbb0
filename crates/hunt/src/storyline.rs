//! Findings that belong together: the same client, session token, file, process, log-on or account, or one intruder's
//! hands on one machine within days.

use std::collections::{BTreeMap, BTreeSet};

use vigie_event::{MICROS_PER_SECOND, Timestamp};

use crate::detector::{Confidence, Detector};
use crate::finding::{HostIndex, Statement};
use crate::links::Link;
use crate::{Outcome, Severity};

const HOUR: i64 = 3_600 * MICROS_PER_SECOND;
/// Steps inside one machine that follow each other this closely are taken for the same intruder's: those who broke in
/// in March 2021 came back within two weeks or not at all.
const HANDS_ON_GAP: i64 = 14 * 24 * HOUR;
/// A hint belongs to the story of its machine when it happened this close to a step that is sure.
const HINT_GAP: i64 = 6 * HOUR;
/// Lateral movement joins the stories of two machines of one tenant when it happens this close to both.
const LATERAL_GAP: i64 = 24 * HOUR;
/// An address from inside the network may be a proxy everybody comes through: it ties together for this long only.
const PRIVATE_ADDRESS_GAP: i64 = HOUR;
/// A value seen with more statements than this says nothing about who it was.
const COMMON_VALUE: usize = 400;

/// What linking needs to know of one machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Stories never cross tenants.
    pub(crate) tenant: Option<String>,
    pub(crate) name: String,
    pub(crate) addresses: BTreeSet<String>,
}

/// Indexes of the statements of each storyline, in no particular order. Statements that are mere context are left out
/// when no story gives them a meaning.
pub(crate) fn link(
    statements: &[Statement],
    detectors: &[Detector],
    machines: &BTreeMap<HostIndex, Machine>,
) -> Vec<Vec<usize>> {
    let mut groups = Groups::new(statements.len());
    link_by_values(statements, machines, &mut groups);
    link_hands_on(statements, detectors, &mut groups);
    link_lateral(statements, detectors, machines, &mut groups);
    link_hints(statements, detectors, &mut groups);
    let mattering = groups.roots_of(|index| matters(&statements[index], detectors));
    link_repeats(statements, &mattering, &mut groups);
    groups
        .into_vec()
        .into_iter()
        .filter(|members| {
            members.iter().any(|&index| {
                matters(&statements[index], detectors) || !is_context(&statements[index], detectors)
            })
        })
        .collect()
}

/// A value statements may share: within a tenant, on one machine unless it means the same on all, and what it is.
type Shared<'a> = (Option<&'a str>, Option<HostIndex>, &'a Link);

fn link_by_values(statements: &[Statement], machines: &BTreeMap<HostIndex, Machine>, groups: &mut Groups) {
    let mut by_value: BTreeMap<Shared<'_>, Vec<usize>> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        let Some(machine) = machines.get(&statement.host) else {
            continue;
        };
        for link in &statement.links {
            if let Link::Address(address, _) = link
                && machine.addresses.contains(address)
            {
                continue;
            }
            let host = (!link.crosses_hosts()).then_some(statement.host);
            by_value
                .entry((machine.tenant.as_deref(), host, link))
                .or_default()
                .push(index);
        }
    }
    for ((_, _, link), mut members) in by_value {
        if members.len() > COMMON_VALUE {
            continue;
        }
        members.sort_by_key(|&index| statements[index].first);
        for pair in members.windows(2) {
            let close = match link {
                Link::Address(_, false) => {
                    gap(&statements[pair[0]], &statements[pair[1]]) <= PRIVATE_ADDRESS_GAP
                }
                _ => true,
            };
            if close {
                groups.join(pair[0], pair[1]);
            }
        }
    }
}

/// On one machine, steps that worked and follow each other closely are one story, even when no value ties them:
/// a web shell leaves an address in one log and a process in another.
fn link_hands_on(statements: &[Statement], detectors: &[Detector], groups: &mut Groups) {
    let mut by_host: BTreeMap<HostIndex, Vec<usize>> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        if matters(statement, detectors) && statement.first.is_some() {
            by_host.entry(statement.host).or_default().push(index);
        }
    }
    for members in by_host.values_mut() {
        members.sort_by_key(|&index| statements[index].first);
        let mut until: Option<Timestamp> = None;
        let mut previous = None;
        for &index in members.iter() {
            let statement = &statements[index];
            if let (Some(previous), Some(until), Some(first)) = (previous, until, statement.first)
                && first - until <= HANDS_ON_GAP
            {
                groups.join(previous, index);
            }
            until = until.max(statement.last);
            previous = Some(index);
        }
    }
    link_undated(statements, detectors, by_host, groups);
}

/// A file found at rest often has no trustworthy time: it goes with the machine's story when there is one.
fn link_undated(
    statements: &[Statement],
    detectors: &[Detector],
    by_host: BTreeMap<HostIndex, Vec<usize>>,
    groups: &mut Groups,
) {
    for (index, statement) in statements.iter().enumerate() {
        if statement.first.is_none()
            && matters(statement, detectors)
            && let Some(&other) = by_host.get(&statement.host).and_then(|members| members.first())
        {
            groups.join(index, other);
        }
    }
}

/// A story goes on where lateral movement leads: the log of one machine names the other one, or both show hands-on
/// steps at the time of the movement. A log-on that is mere context needs the name.
fn link_lateral(
    statements: &[Statement],
    detectors: &[Detector],
    machines: &BTreeMap<HostIndex, Machine>,
    groups: &mut Groups,
) {
    for (movement, moved) in statements.iter().enumerate() {
        if stage(moved, detectors) != "lateral_movement" || !worked(moved, detectors) {
            continue;
        }
        let Some(here) = machines.get(&moved.host) else {
            continue;
        };
        let context = is_context(moved, detectors);
        for (index, other) in statements.iter().enumerate() {
            if other.host == moved.host || moved.first.is_none() || !matters(other, detectors) {
                continue;
            }
            let Some(there) = machines.get(&other.host) else {
                continue;
            };
            let apart = gap(moved, other);
            let near = (apart <= HOUR && !context) || (apart <= LATERAL_GAP && names(moved, there));
            if here.tenant == there.tenant && near {
                groups.join(movement, index);
            }
        }
    }
}

/// Hints of something that worked, and attempts nobody's address explains, belong to the story of their machine when
/// they happened close to one of its sure steps.
fn link_hints(statements: &[Statement], detectors: &[Detector], groups: &mut Groups) {
    let mut sure: BTreeMap<HostIndex, Vec<usize>> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        if matters(statement, detectors) && statement.first.is_some() {
            sure.entry(statement.host).or_default().push(index);
        }
    }
    for (index, hint) in statements.iter().enumerate() {
        let attempt = outcome(hint, detectors) == Some(Outcome::Attempt);
        let anonymous = !hint.links.iter().any(|link| matches!(link, Link::Address(..)));
        let wanted = !is_context(hint, detectors)
            && (worked(hint, detectors) || (attempt && anonymous))
            && !matters(hint, detectors);
        if !wanted || hint.first.is_none() {
            continue;
        }
        let nearest = sure
            .get(&hint.host)
            .and_then(|steps| steps.iter().min_by_key(|&&step| gap(hint, &statements[step])));
        if let Some(&step) = nearest
            && gap(hint, &statements[step]) <= HINT_GAP
        {
            groups.join(index, step);
        }
    }
}

/// What one detector says of one machine day after day, outside any story that matters, is one observation.
fn link_repeats(statements: &[Statement], mattering: &BTreeSet<usize>, groups: &mut Groups) {
    let mut known: BTreeMap<(HostIndex, u32, &str), usize> = BTreeMap::new();
    for (index, statement) in statements.iter().enumerate() {
        if mattering.contains(&groups.find(index)) {
            continue;
        }
        let key = (statement.host, statement.detector, statement.identity.as_str());
        match known.get(&key) {
            Some(&other) => groups.join(other, index),
            None => {
                known.insert(key, index);
            }
        }
    }
}

/// Whether an event of the statement names the machine, by name or address.
fn names(statement: &Statement, machine: &Machine) -> bool {
    statement.events.iter().any(|event| {
        event
            .fields
            .values()
            .any(|value| machine.addresses.contains(value) || mentions(value, &machine.name))
    })
}

/// Whether the text holds the name as a word of its own: `DC1` is not in `DC10`.
fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !name.is_empty()
        && text
            .split(|c: char| !is_part(c))
            .any(|word| word.eq_ignore_ascii_case(name))
}

/// What says nothing by itself and is only shown where a story gives it a meaning: everyday events that an intruder
/// causes as well.
fn is_context(statement: &Statement, detectors: &[Detector]) -> bool {
    detectors
        .get(statement.detector as usize)
        .is_some_and(|detector| {
            detector.outcome >= Outcome::Success
                && detector.confidence == Confidence::Weak
                && detector.severity == Severity::Informational
        })
}

fn outcome(statement: &Statement, detectors: &[Detector]) -> Option<Outcome> {
    detectors
        .get(statement.detector as usize)
        .map(|detector| detector.outcome)
}

fn worked(statement: &Statement, detectors: &[Detector]) -> bool {
    outcome(statement, detectors) >= Some(Outcome::Success)
}

/// Something that worked, and is not just a hint.
pub(crate) fn matters(statement: &Statement, detectors: &[Detector]) -> bool {
    detectors
        .get(statement.detector as usize)
        .is_some_and(|detector| {
            detector.outcome >= Outcome::Success
                && (detector.confidence >= Confidence::Strong || detector.severity >= Severity::High)
        })
}

fn stage<'a>(statement: &Statement, detectors: &'a [Detector]) -> &'a str {
    detectors
        .get(statement.detector as usize)
        .map_or("", |detector| &detector.stage)
}

/// Time between two statements; nothing when they overlap.
fn gap(a: &Statement, b: &Statement) -> i64 {
    let (Some(a_first), Some(a_last), Some(b_first), Some(b_last)) = (a.first, a.last, b.first, b.last)
    else {
        return 0;
    };
    (b_first - a_last).max(a_first - b_last).max(0)
}

/// Disjoint sets.
struct Groups {
    parent: Vec<usize>,
}

impl Groups {
    fn new(len: usize) -> Groups {
        Groups {
            parent: (0..len).collect(),
        }
    }

    fn find(&mut self, mut index: usize) -> usize {
        while self.parent[index] != index {
            self.parent[index] = self.parent[self.parent[index]];
            index = self.parent[index];
        }
        index
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.parent[a.max(b)] = a.min(b);
    }

    /// The groups that have such a member, by the index that stands for each.
    fn roots_of(&mut self, wanted: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        (0..self.parent.len())
            .filter(|&index| wanted(index))
            .map(|index| self.find(index))
            .collect()
    }

    fn into_vec(mut self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for index in 0..self.parent.len() {
            let root = self.find(index);
            groups.entry(root).or_default().push(index);
        }
        groups.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Text;
    use crate::finding::{KeptEvent, Numbering};

    fn detector(stage: &str, outcome: Outcome) -> Detector {
        Detector {
            id: stage.to_owned(),
            title: String::new(),
            severity: Severity::High,
            stage: stage.to_owned(),
            outcome,
            confidence: Confidence::Strong,
            attack: Vec::new(),
            statement: Text::default(),
            join: [].into(),
            pack: None,
        }
    }

    fn statement(detector: u32, host: HostIndex, hour: i64, links: &[Link]) -> Statement {
        Statement {
            detector,
            host,
            count: 1,
            first: Some(hour * HOUR),
            last: Some(hour * HOUR),
            events: Vec::new(),
            links: links.iter().cloned().collect(),
            sources: BTreeSet::new(),
            identity: String::new(),
        }
    }

    fn machine(tenant: &str, name: &str) -> Machine {
        Machine {
            tenant: Some(tenant.to_owned()),
            name: name.to_owned(),
            addresses: BTreeSet::new(),
        }
    }

    fn address(value: &str) -> Link {
        Link::Address(value.to_owned(), true)
    }

    #[test]
    fn an_address_joins_machines_of_one_tenant_only() {
        let detectors = [detector("ssrf", Outcome::Attempt)];
        let statements: Vec<Statement> = (0..3)
            .map(|host| statement(0, host, 0, &[address("203.0.113.45")]))
            .collect();
        let machines = BTreeMap::from([
            (0, machine("acme", "ex01")),
            (1, machine("acme", "ex02")),
            (2, machine("other", "ex01")),
        ]);
        assert_eq!(link(&statements, &detectors, &machines), [vec![0, 1], vec![2]]);
    }

    #[test]
    fn hands_on_steps_follow_the_break_in_and_later_ones_do_not() {
        let detectors = [
            detector("ssrf", Outcome::Success),
            detector("execution", Outcome::PostExploitation),
        ];
        let statements = [
            statement(0, 0, 0, &[address("203.0.113.45")]),
            statement(1, 0, 5, &[]),
            statement(1, 0, 5 + 24 * 30, &[]),
        ];
        let machines = BTreeMap::from([(0, machine("acme", "ex01"))]);
        assert_eq!(link(&statements, &detectors, &machines), [vec![0, 1], vec![2]]);
    }

    #[test]
    fn the_servers_own_address_ties_nothing() {
        let detectors = [detector("ssrf", Outcome::Attempt)];
        let statements: Vec<Statement> = (0..2)
            .map(|hour| Statement {
                identity: hour.to_string(),
                ..statement(0, 0, hour, &[address("198.51.100.9")])
            })
            .collect();
        let mut front_end = machine("acme", "ex01");
        front_end.addresses.insert("198.51.100.9".to_owned());
        assert_eq!(
            link(&statements, &detectors, &BTreeMap::from([(0, front_end)])).len(),
            2
        );
    }

    #[test]
    fn lateral_movement_that_names_the_first_machine_carries_the_story_on() {
        let detectors = [
            detector("execution", Outcome::PostExploitation),
            detector("lateral_movement", Outcome::PostExploitation),
        ];
        let mut movement = statement(1, 1, 20, &[]);
        movement.events.push(KeptEvent {
            time: Some(20 * HOUR),
            path: "Security.evtx".to_owned(),
            record: 1,
            identity: None,
            numbered_by: Numbering::Records,
            fields: BTreeMap::from([("WorkstationName".to_owned(), "EX01".to_owned())]),
            matched: Vec::new(),
        });
        let statements = [statement(0, 0, 10, &[]), movement];
        let machines = BTreeMap::from([(0, machine("acme", "ex01")), (1, machine("acme", "dc01"))]);
        assert_eq!(link(&statements, &detectors, &machines).len(), 1);
        let apart = BTreeMap::from([(0, machine("acme", "ex01")), (1, machine("other", "dc01"))]);
        assert_eq!(link(&statements, &detectors, &apart).len(), 2);
    }

    fn hint(stage: &str, severity: Severity) -> Detector {
        Detector {
            severity,
            confidence: Confidence::Weak,
            ..detector(stage, Outcome::PostExploitation)
        }
    }

    #[test]
    fn hints_join_the_story_they_happen_in_and_no_other() {
        let detectors = [
            detector("execution", Outcome::PostExploitation),
            hint("command_and_control", Severity::Low),
            detector("ssrf", Outcome::Attempt),
        ];
        let machines = BTreeMap::from([(0, machine("acme", "ex01"))]);
        let statements = [
            statement(0, 0, 10, &[]),
            statement(1, 0, 13, &[]),
            statement(1, 0, 100, &[]),
            statement(2, 0, 9, &[]),
            statement(2, 0, 9, &[address("203.0.113.9")]),
        ];
        assert_eq!(
            link(&statements, &detectors, &machines),
            [vec![0, 1, 3], vec![2], vec![4]]
        );
    }

    #[test]
    fn repeated_hints_outside_a_story_are_one_observation() {
        let detectors = [hint("execution", Severity::Low)];
        let machines = BTreeMap::from([(0, machine("acme", "ex01"))]);
        let statements: Vec<Statement> = (0..5).map(|day| statement(0, 0, day * 24, &[])).collect();
        assert_eq!(link(&statements, &detectors, &machines), [vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn context_is_told_only_in_a_story() {
        let detectors = [
            detector("execution", Outcome::PostExploitation),
            hint("lateral_movement", Severity::Informational),
        ];
        let mut here = machine("acme", "ex01");
        here.addresses.insert("10.0.0.21".to_owned());
        let machines = BTreeMap::from([(0, here), (1, machine("acme", "dc01"))]);
        let logon = |hour: i64, from: &str| {
            let mut logon = statement(1, 1, hour, &[]);
            logon.events.push(KeptEvent {
                time: Some(hour * HOUR),
                path: String::new(),
                record: 1,
                identity: None,
                numbered_by: Numbering::Records,
                fields: BTreeMap::from([("IpAddress".to_owned(), from.to_owned())]),
                matched: Vec::new(),
            });
            logon
        };
        let statements = [
            statement(0, 0, 10, &[]),
            logon(11, "10.0.0.21"),
            logon(11, "10.0.0.99"),
            logon(200, "10.0.0.21"),
        ];
        assert_eq!(link(&statements, &detectors, &machines), [vec![0, 1]]);
    }

    #[test]
    fn a_name_is_a_word_of_its_own() {
        assert!(mentions(r"PsExec64.exe \DC01 -s cmd.exe", "dc01"));
        assert!(mentions("EX01.corp.example", "ex01"));
        assert!(!mentions(r"\DC010\c$", "dc01"));
        assert!(!mentions("anything", ""));
    }
}
