//! Correlations: events of several rules, counted or ordered within a span of time. A correlation that is satisfied
//! is an event for the correlations that name it.

mod rule;
mod window;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use vigie_event::{FileId, RowRef, Timestamp};

pub(super) use rule::Correlation;

use self::window::Window;
use super::fields::{resolve, value};
use super::test::FieldName;
use super::{Hit, RuleSet};

/// Events kept per group, unless the rule counts further.
const KEPT_EVENTS: usize = 10_000;
const MOST_KEPT_EVENTS: usize = 1_000_000;
/// Groups kept over all correlations.
const KEPT_GROUPS: usize = 50_000;
/// Members shown.
const SHOWN: usize = 100;
/// Groups of another correlation that one satisfied correlation can be an event of.
const MOST_GROUPS_FED: usize = 100;

/// A correlation that was satisfied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrelationHit {
    /// Index into [`RuleSet::rules`].
    pub rule: u32,
    /// The host given to [`Correlator::observe`].
    pub host: String,
    /// First event.
    pub from: Timestamp,
    /// Last event.
    pub to: Timestamp,
    /// Events in the span.
    pub count: u64,
    /// Fields and values the events share.
    pub group: Vec<(String, String)>,
    /// The first events.
    pub members: Vec<Member>,
}

/// One event of a correlation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The rule that matched it.
    pub rule: u32,
    /// When.
    pub time: Timestamp,
    /// The file.
    pub file: FileId,
    /// Record or line.
    pub record: u64,
}

/// One event of one group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    time: Timestamp,
    /// Position among the correlation's members.
    member: u32,
    file: FileId,
    record: u64,
    /// What is counted or added up; `None` when the event does not have it.
    value: Option<String>,
    /// The values other correlations ask this one's events for.
    carried: Vec<Option<String>>,
}

/// Correlation, host, values of the group.
type Key = (usize, String, Vec<String>);

/// Collects the hits correlations need. Events may arrive in any order of time.
#[derive(Debug)]
pub struct Correlator {
    correlations: Vec<Correlation>,
    /// By rule: the correlations it is a member of, and as which member.
    takers: HashMap<u32, Vec<(usize, u32)>>,
    /// By correlation: the fields of its events that other correlations ask for.
    carried: Vec<Vec<String>>,
    groups: BTreeMap<Key, Vec<Entry>>,
    dropped: u64,
}

impl Correlator {
    pub(super) fn new(correlations: &[Correlation]) -> Correlator {
        let mut takers: HashMap<u32, Vec<(usize, u32)>> = HashMap::new();
        for (index, correlation) in correlations.iter().enumerate() {
            for (member, rule) in correlation.members.iter().enumerate() {
                takers.entry(*rule).or_default().push((index, member as u32));
            }
        }
        Correlator {
            carried: carried(correlations),
            correlations: correlations.to_vec(),
            takers,
            groups: BTreeMap::new(),
            dropped: 0,
        }
    }

    /// Takes note of a hit.
    pub fn observe(&mut self, _rules: &RuleSet, hit: &Hit, host: &str, row: RowRef<'_>) {
        let Some(takers) = self.takers.get(&hit.rule) else {
            return;
        };
        let Some(time) = row.time() else { return };
        for (index, member) in takers.clone() {
            let Some(correlation) = self.correlations.get(index) else {
                continue;
            };
            let look_up = |name: &str| {
                let field = FieldName::Named(correlation.field_of(name, hit.rule).into());
                let field = resolve(row.batch(), &field);
                value(row.batch(), field, row.index()).map(std::borrow::Cow::into_owned)
            };
            let Some(group) = all(correlation.group_by.iter().map(|name| look_up(name))) else {
                continue;
            };
            let entry = Entry {
                time,
                member,
                file: row.batch().file(),
                record: row.record(),
                value: joined(correlation.fields.iter().map(|name| look_up(name))),
                carried: self
                    .carried
                    .get(index)
                    .map(|names| names.iter().map(|name| look_up(name)).collect())
                    .unwrap_or_default(),
            };
            self.keep((index, host.to_owned(), group), entry);
        }
    }

    fn keep(&mut self, key: Key, entry: Entry) {
        let most = self
            .correlations
            .get(key.0)
            .map_or(0, Correlation::most_events)
            .clamp(KEPT_EVENTS, MOST_KEPT_EVENTS);
        if self.groups.len() >= KEPT_GROUPS && !self.groups.contains_key(&key) {
            self.dropped += 1;
            return;
        }
        let entries = self.groups.entry(key).or_default();
        if entries.len() < most {
            entries.push(entry);
        } else {
            self.dropped += 1;
        }
    }

    /// Events that were not kept, because a group had 10,000 already (more for a rule that counts further) or there
    /// were 50,000 groups. What was found stands; more might have been found.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The correlations that were satisfied, one per group and stretch of time.
    pub fn finish(mut self, _rules: &RuleSet) -> Vec<CorrelationHit> {
        let mut hits = Vec::new();
        for index in 0..self.correlations.len() {
            let later = self.groups.split_off(&(index + 1, String::new(), Vec::new()));
            let groups = std::mem::replace(&mut self.groups, later);
            for ((_, host, values), mut entries) in groups {
                entries.sort();
                for (start, length) in self.stretches(index, &entries) {
                    let window = &entries[start..start + length];
                    hits.extend(self.hit(index, &host, &values, window));
                    self.feed(index, &host, &values, window);
                }
            }
        }
        hits
    }

    /// Where the events satisfy the correlation: first event and number of events. Stretches do not overlap.
    fn stretches(&self, index: usize, entries: &[Entry]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let Some(correlation) = self.correlations.get(index) else {
            return found;
        };
        let mut window = Window::new(correlation);
        let (mut start, mut end) = (0, 0);
        while let Some(first) = entries.get(start) {
            while let Some(entry) = entries
                .get(end)
                .filter(|entry| entry.time.saturating_sub(first.time) <= correlation.span)
            {
                window.add(entry);
                end += 1;
            }
            if window.is_satisfied(&entries[start..end]) {
                found.push((start, end - start));
                window = Window::new(correlation);
                start = end;
            } else {
                window.remove(first);
                start += 1;
            }
        }
        found
    }

    fn hit(&self, index: usize, host: &str, values: &[String], window: &[Entry]) -> Option<CorrelationHit> {
        let correlation = self.correlations.get(index)?;
        let names = correlation.group_by.iter().cloned();
        let member = |entry: &Entry| {
            Some(Member {
                rule: *correlation.members.get(entry.member as usize)?,
                time: entry.time,
                file: entry.file,
                record: entry.record,
            })
        };
        Some(CorrelationHit {
            rule: correlation.rule,
            host: host.to_owned(),
            from: window.first()?.time,
            to: window.last()?.time,
            count: window.len() as u64,
            group: names.zip(values.iter().cloned()).collect(),
            members: window.iter().take(SHOWN).filter_map(member).collect(),
        })
    }

    /// Hands a satisfied correlation on to those that take it as an event: at the time of its last event, with the
    /// values of its group and, for other fields, each combination of values its events had.
    fn feed(&mut self, index: usize, host: &str, values: &[String], window: &[Entry]) {
        let Some(inner) = self.correlations.get(index) else {
            return;
        };
        let Some(last) = window.last() else { return };
        let names = self.carried.get(index).cloned().unwrap_or_default();
        let mut fed: Vec<(Key, Entry)> = Vec::new();
        for (taker, member) in self.takers.get(&inner.rule).cloned().unwrap_or_default() {
            let Some(outer) = self.correlations.get(taker) else {
                continue;
            };
            let mut known = BTreeSet::new();
            for entry in window {
                let look_up = |name: &str| {
                    let name = outer.field_of(name, inner.rule);
                    let grouped = inner.group_by.iter().position(|known| known == name);
                    let carried = || names.iter().position(|known| known == name);
                    match grouped {
                        Some(place) => values.get(place).cloned(),
                        None => entry.carried.get(carried()?).cloned().flatten(),
                    }
                };
                let Some(group) = all(outer.group_by.iter().map(|name| look_up(name))) else {
                    continue;
                };
                if known.len() >= MOST_GROUPS_FED || !known.insert(group.clone()) {
                    continue;
                }
                let asked = self.carried.get(taker).cloned().unwrap_or_default();
                let entry = Entry {
                    time: last.time,
                    member,
                    file: last.file,
                    record: last.record,
                    value: joined(outer.fields.iter().map(|name| look_up(name))),
                    carried: asked.iter().map(|name| look_up(name)).collect(),
                };
                fed.push(((taker, host.to_owned(), group), entry));
            }
        }
        for (key, entry) in fed {
            self.keep(key, entry);
        }
    }
}

/// For each correlation, the fields of its events that the correlations naming it ask for, directly or through
/// others. Correlations come after those they name.
fn carried(correlations: &[Correlation]) -> Vec<Vec<String>> {
    let mut carried: Vec<BTreeSet<String>> = vec![BTreeSet::new(); correlations.len()];
    for (index, outer) in correlations.iter().enumerate().rev() {
        let passed_on = carried.get(index).cloned().unwrap_or_default();
        for (inner_index, inner) in correlations.iter().enumerate().take(index) {
            if !outer.members.contains(&inner.rule) {
                continue;
            }
            let asked = outer.asked().chain(&passed_on);
            let names: Vec<String> = asked
                .map(|name| outer.field_of(name, inner.rule).to_owned())
                .collect();
            if let Some(slot) = carried.get_mut(inner_index) {
                slot.extend(names);
            }
        }
    }
    carried
        .into_iter()
        .map(|names| names.into_iter().collect())
        .collect()
}

fn all(values: impl Iterator<Item = Option<String>>) -> Option<Vec<String>> {
    values.collect()
}

/// Several values as one; `None` when one is missing or none is asked for.
fn joined(values: impl Iterator<Item = Option<String>>) -> Option<String> {
    let values = all(values)?;
    (!values.is_empty()).then(|| values.join("\u{1f}"))
}
