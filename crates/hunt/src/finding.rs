//! Detections become findings: one statement per rule and identity, with a handful of evidence lines and a count.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;
use vigie_event::{MICROS_PER_DAY, Timestamp};

use crate::detector::Detector;
use crate::links::Link;

/// Evidence lines kept per finding; `count` says how many there were.
const KEPT_EVENTS: usize = 10;
/// Different identities (addresses, files) kept apart per host and rule; further ones share one finding.
const KEPT_IDENTITIES: usize = 500;
/// Links kept per finding.
const KEPT_LINKS: usize = 64;

/// Whose machine an event happened on, before names are resolved.
pub(crate) type HostIndex = u32;

/// One event worth showing.
#[derive(Debug, Clone)]
pub(crate) struct KeptEvent {
    pub(crate) time: Option<Timestamp>,
    /// The file it stands in. Not its number, which depends on who came to the file first.
    pub(crate) path: String,
    pub(crate) record: u64,
    /// What tells its record from others, see [`vigie_event::EventBatch::row_identity`].
    pub(crate) identity: Option<u64>,
    pub(crate) numbered_by: Numbering,
    pub(crate) fields: BTreeMap<String, String>,
    /// Names of the fields the rule looked at, in its order.
    pub(crate) matched: Vec<String>,
}

/// What `record` of an event counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbering {
    Records,
    Lines,
    /// The file itself is the evidence.
    Whole,
}

/// One statement in the making.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) detector: u32,
    pub(crate) host: HostIndex,
    pub(crate) count: u64,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    pub(crate) events: Vec<KeptEvent>,
    pub(crate) links: BTreeSet<Link>,
    /// The sources its events come from: two sources are worth more than one.
    pub(crate) sources: BTreeSet<String>,
    /// What kept it apart from others of the same rule: an address, a file, or nothing.
    pub(crate) identity: String,
}

/// What keeps statements apart while events stream by: machine, detector, identity, and the day when no address
/// says who it was. Days of one story become one statement again, see [`merge_within`].
type Key = (HostIndex, u32, String, Option<i64>);

/// All statements of a run.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    by_key: HashMap<Key, Statement, RandomState>,
    identities: HashMap<(HostIndex, u32), usize, RandomState>,
}

/// Where the event of a detection stands.
pub(crate) struct Origin<'a> {
    pub(crate) path: &'a str,
    pub(crate) record: u64,
    /// What tells its record from others.
    pub(crate) identity: &'a dyn Fn() -> Option<u64>,
}

/// One detection about to be counted.
pub(crate) struct Detection<'a> {
    pub(crate) detector: u32,
    pub(crate) host: HostIndex,
    pub(crate) time: Option<Timestamp>,
    pub(crate) links: BTreeSet<Link>,
    pub(crate) source: &'a str,
    pub(crate) count: u64,
    pub(crate) until: Option<Timestamp>,
}

impl Statements {
    /// Counts a detection; `event` is asked for only when it is worth keeping.
    pub(crate) fn add(
        &mut self,
        detection: Detection<'_>,
        origin: &Origin<'_>,
        event: impl FnOnce() -> KeptEvent,
    ) {
        let key = key_of(&detection);
        let (host, detector) = (detection.host, detection.detector);
        let new = |identity: &str| Statement {
            detector,
            host,
            count: 0,
            first: None,
            last: None,
            events: Vec::new(),
            links: BTreeSet::new(),
            sources: BTreeSet::new(),
            identity: identity.to_owned(),
        };
        let count = |statement: &mut Statement| statement.count_in(detection, origin, event);
        match self.by_key.entry(key) {
            Entry::Occupied(mut known) => return count(known.get_mut()),
            Entry::Vacant(place) => {
                let identities = self.identities.entry((host, detector)).or_default();
                if *identities < KEPT_IDENTITIES {
                    *identities += 1;
                    let statement = new(&place.key().2);
                    return count(place.insert(statement));
                }
            }
        }
        let others = (host, detector, OTHERS.to_owned(), None);
        count(self.by_key.entry(others).or_insert_with(|| new(OTHERS)));
    }

    /// Gives every detector another number; different ones stay different.
    pub(crate) fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        self.by_key = std::mem::take(&mut self.by_key)
            .into_iter()
            .map(|((host, detector, identity, day), mut statement)| {
                statement.detector = number(detector);
                ((host, statement.detector, identity, day), statement)
            })
            .collect();
        self.identities = std::mem::take(&mut self.identities)
            .into_iter()
            .map(|((host, detector), count)| ((host, number(detector)), count))
            .collect();
    }

    /// Adds statements that were kept apart.
    pub(crate) fn absorb(&mut self, other: Statements) {
        for (key, statement) in other.by_key {
            match self.by_key.get_mut(&key) {
                Some(known) => known.merge(statement),
                None => {
                    self.by_key.insert(key, statement);
                }
            }
        }
    }

    /// The statements of the machines that are `taken`, and the others.
    pub(crate) fn split(self, taken: impl Fn(HostIndex) -> bool) -> (Statements, Statements) {
        let (inside, outside) = self.by_key.into_iter().partition(|((host, ..), _)| taken(*host));
        let with = |by_key| Statements {
            by_key,
            identities: HashMap::default(),
        };
        (with(inside), with(outside))
    }

    /// The indexes under which anything was found.
    pub(crate) fn hosts(&self) -> BTreeSet<HostIndex> {
        self.by_key.keys().map(|(host, ..)| *host).collect()
    }

    /// The statements under their final hosts: indexes that turned out to be one machine are merged.
    pub(crate) fn resolve(self, final_host: impl Fn(HostIndex) -> HostIndex) -> Vec<Statement> {
        let mut resolved: BTreeMap<Key, Statement> = BTreeMap::new();
        let mut all: Vec<(Key, Statement)> = self.by_key.into_iter().collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        for ((.., day), mut statement) in all {
            statement.host = final_host(statement.host);
            let key = (
                statement.host,
                statement.detector,
                statement.identity.clone(),
                day,
            );
            match resolved.get_mut(&key) {
                Some(known) => known.merge(statement),
                None => {
                    resolved.insert(key, statement);
                }
            }
        }
        resolved.into_values().collect()
    }
}

/// What keeps two detections of one rule apart: the client's address if there is one, else the file, and the day.
/// What an administrator does every week and what an intruder did last Friday are not one statement.
fn key_of(detection: &Detection<'_>) -> Key {
    let address = detection.links.iter().find_map(|link| match link {
        Link::Address(value, _) => Some(value.clone()),
        _ => None,
    });
    let file = || {
        detection.links.iter().find_map(|link| match link {
            Link::File(value) => Some(value.clone()),
            _ => None,
        })
    };
    let day = match address {
        Some(_) => None,
        None => detection.time.map(|time| time.div_euclid(MICROS_PER_DAY)),
    };
    let identity = address.or_else(file).unwrap_or_default();
    (detection.host, detection.detector, identity, day)
}

/// Makes one statement of what one detector said about one identity in one story. Gives the statements and, for each
/// story, their indexes.
pub(crate) fn merge_within(
    statements: Vec<Statement>,
    groups: Vec<Vec<usize>>,
) -> (Vec<Statement>, Vec<Vec<usize>>) {
    let mut left: Vec<Option<Statement>> = statements.into_iter().map(Some).collect();
    let mut merged: Vec<Statement> = Vec::new();
    let mut told = Vec::new();
    for members in groups {
        let mut known: BTreeMap<(HostIndex, u32, String), usize> = BTreeMap::new();
        let mut group = Vec::new();
        for member in members {
            let Some(statement) = left.get_mut(member).and_then(Option::take) else {
                continue;
            };
            let key = (statement.host, statement.detector, statement.identity.clone());
            if let Some(one) = known.get(&key).and_then(|&index| merged.get_mut(index)) {
                one.merge(statement);
                continue;
            }
            known.insert(key, merged.len());
            group.push(merged.len());
            merged.push(statement);
        }
        told.push(group);
    }
    (merged, told)
}

/// The identity that stands for all beyond [`KEPT_IDENTITIES`].
const OTHERS: &str = "*";

impl Statement {
    fn count_in(&mut self, detection: Detection<'_>, origin: &Origin<'_>, event: impl FnOnce() -> KeptEvent) {
        self.count += detection.count;
        self.first = [self.first, detection.time].into_iter().flatten().min();
        self.last = [self.last, detection.time, detection.until]
            .into_iter()
            .flatten()
            .max();
        if !self.sources.contains(detection.source) {
            self.sources.insert(detection.source.to_owned());
        }
        self.links.extend(detection.links);
        while self.links.len() > KEPT_LINKS {
            self.links.pop_last();
        }
        self.meet(detection.time, origin, event);
    }

    fn merge(&mut self, other: Statement) {
        self.count += other.count;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
        self.links.extend(other.links);
        self.sources.extend(other.sources);
        for event in other.events {
            if !self.is_full_before(event.time) {
                self.keep(event);
            }
        }
    }

    /// Whether all the events to be kept come before this time.
    fn is_full_before(&self, time: Option<Timestamp>) -> bool {
        let last = self.events.last().filter(|_| self.events.len() >= KEPT_EVENTS);
        last.is_some_and(|last| last.time < time)
    }

    /// Keeps an event that is worth it. Of a record that is known already nothing more is read.
    fn meet(&mut self, time: Option<Timestamp>, origin: &Origin<'_>, event: impl FnOnce() -> KeptEvent) {
        if self.is_full_before(time) {
            return;
        }
        let identity = match self.events.iter().any(|kept| kept.time == time) {
            true => (origin.identity)(),
            false => None,
        };
        let is_it = |kept: &KeptEvent| kept.time == time && kept.identity == identity;
        let Some(at) = identity.and_then(|_| self.events.iter().position(is_it)) else {
            return self.keep(event());
        };
        if (time, origin.path, origin.record) < self.events[at].order() {
            let mut first = self.events.remove(at);
            origin.path.clone_into(&mut first.path);
            first.record = origin.record;
            self.keep(first);
        }
    }

    /// Keeps the earliest events, and among them different ones: ten times the same line proves nothing more.
    fn keep(&mut self, event: KeptEvent) {
        // Of two that say the same the first in order stands, whichever came first.
        match self.events.iter().position(|kept| kept.same_as(&event)) {
            Some(at) if self.events[at].order() <= event.order() => return,
            Some(at) => drop(self.events.remove(at)),
            None => {}
        }
        let at = self.events.partition_point(|kept| kept.order() <= event.order());
        self.events.insert(at, event);
        self.events.truncate(KEPT_EVENTS);
    }
}

impl KeptEvent {
    fn order(&self) -> (Option<Timestamp>, &str, u64) {
        (self.time, &self.path, self.record)
    }

    /// The same evidence read twice (a log collected in two copies): same time, same fields.
    fn same_as(&self, other: &KeptEvent) -> bool {
        self.time == other.time && self.fields == other.fields
    }

    /// The fields that matter, `name=value`, bounded.
    pub(crate) fn excerpt(&self, detector: &Detector) -> String {
        let mut shown: Vec<&str> = Vec::new();
        let mut parts: Vec<String> = Vec::new();
        let wanted = self.matched.iter().chain(detector.join.iter());
        for name in wanted {
            let found = self
                .fields
                .iter()
                .find(|(field, _)| field.eq_ignore_ascii_case(name));
            if let Some((field, value)) = found
                && !shown.contains(&field.as_str())
            {
                shown.push(field);
                parts.push(format!("{field}={}", crate::links::shorten(value, 300)));
            }
        }
        if parts.is_empty() {
            parts = self
                .fields
                .iter()
                .take(8)
                .map(|(field, value)| format!("{field}={}", crate::links::shorten(value, 200)))
                .collect();
        }
        crate::links::shorten(&parts.join(" "), 1_200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: i64, value: &str) -> KeptEvent {
        KeptEvent {
            time: Some(time),
            path: "a.log".to_owned(),
            record: 1,
            identity: None,
            numbered_by: Numbering::Lines,
            fields: BTreeMap::from([("a".to_owned(), value.to_owned())]),
            matched: Vec::new(),
        }
    }

    const ORIGIN: Origin<'static> = Origin {
        path: "a.log",
        record: 1,
        identity: &|| None,
    };

    fn detection(time: i64, address: &str) -> Detection<'static> {
        Detection {
            detector: 0,
            host: 0,
            time: Some(time),
            links: BTreeSet::from([Link::Address(address.to_owned(), true)]),
            source: "iis",
            count: 1,
            until: None,
        }
    }

    #[test]
    fn one_statement_per_address_with_the_earliest_different_events() {
        let mut statements = Statements::default();
        for time in (0..50).rev() {
            statements.add(detection(time, "203.0.113.1"), &ORIGIN, || event(time, "x"));
            statements.add(detection(time, "203.0.113.1"), &ORIGIN, || event(time, "x"));
        }
        statements.add(detection(7, "203.0.113.2"), &ORIGIN, || event(7, "x"));
        let mut all = statements.resolve(|host| host);
        all.sort_by_key(|statement| statement.count);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].count, 100);
        assert_eq!((all[1].first, all[1].last), (Some(0), Some(49)));
        let times: Vec<_> = all[1].events.iter().map(|event| event.time.unwrap()).collect();
        assert_eq!(times, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn two_indexes_of_one_machine_become_one_statement() {
        let mut statements = Statements::default();
        statements.add(detection(1, "203.0.113.1"), &ORIGIN, || event(1, "x"));
        statements.add(
            Detection {
                host: 1,
                ..detection(2, "203.0.113.1")
            },
            &ORIGIN,
            || event(2, "x"),
        );
        let all = statements.resolve(|_| 7);
        assert_eq!(
            (all.len(), all[0].host, all[0].count, all[0].events.len()),
            (1, 7, 2, 2)
        );
    }

    #[test]
    fn identities_beyond_the_cap_share_one_statement_and_none_is_lost() {
        let mut statements = Statements::default();
        for n in 0..700 {
            let address = format!("10.0.{}.{}", n / 250, n % 250);
            statements.add(detection(n, &address), &ORIGIN, || event(n, "x"));
        }
        let all = statements.resolve(|host| host);
        assert_eq!(all.len(), KEPT_IDENTITIES + 1);
        assert_eq!(all.iter().map(|statement| statement.count).sum::<u64>(), 700);
    }
    #[test]
    fn a_record_that_is_known_is_not_read_again_and_stands_where_it_stands_first() {
        let mut statements = Statements::default();
        for record in [7, 9, 3] {
            let origin = Origin {
                record,
                identity: &|| Some(5),
                ..ORIGIN
            };
            statements.add(detection(1, "203.0.113.1"), &origin, || {
                assert_eq!(record, 7, "only the first is read");
                KeptEvent {
                    record,
                    identity: Some(5),
                    ..event(1, "x")
                }
            });
        }
        let all = statements.resolve(|host| host);
        assert_eq!((all[0].count, all[0].events.len()), (3, 1));
        assert_eq!(all[0].events[0].record, 3);
    }
}
