//! Correlations: events of several rules, counted or ordered within a span of time.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_parser::{ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType};
use vigie_event::{FileId, MICROS_PER_SECOND, RowRef, Timestamp};

use super::{Hit, RuleSet};

/// Events kept per group; more are counted as one more group's worth and do not change the answer.
const KEPT_EVENTS: usize = 10_000;
/// Groups kept per correlation.
const KEPT_GROUPS: usize = 50_000;
/// Members shown.
const SHOWN: usize = 100;

/// A compiled correlation.
#[derive(Debug, Clone)]
pub(super) struct Correlation {
    rule: u32,
    kind: CorrelationType,
    members: Vec<u32>,
    group_by: Vec<String>,
    aliases: BTreeMap<String, BTreeMap<u32, String>>,
    span: i64,
    predicates: Vec<(ConditionOperator, u64)>,
    field: Option<String>,
}

impl Correlation {
    pub(super) fn new(rule: &CorrelationRule, index: u32, members: Vec<u32>) -> Result<Correlation, String> {
        use CorrelationType::{EventCount, Temporal, TemporalOrdered, ValueCount};
        if !matches!(
            rule.correlation_type,
            EventCount | ValueCount | Temporal | TemporalOrdered
        ) {
            return Err(format!(
                "the correlation type {} is not supported",
                rule.correlation_type.as_str()
            ));
        }
        let (predicates, field) = match &rule.condition {
            CorrelationCondition::Threshold {
                predicates, field, ..
            } => (
                predicates.clone(),
                field.as_ref().and_then(|fields| fields.first().cloned()),
            ),
            CorrelationCondition::Extended(_) => {
                return Err("extended conditions are not supported".to_owned());
            }
        };
        let mut aliases = BTreeMap::new();
        for alias in &rule.aliases {
            let by_member = rule
                .rules
                .iter()
                .zip(&members)
                .filter_map(|(name, member)| Some((*member, alias.mapping.get(name)?.clone())))
                .collect();
            aliases.insert(alias.alias.clone(), by_member);
        }
        let span =
            i64::try_from(rule.timespan.seconds).unwrap_or(i64::MAX / MICROS_PER_SECOND) * MICROS_PER_SECOND;
        Ok(Correlation {
            rule: index,
            kind: rule.correlation_type,
            members,
            group_by: rule.group_by.clone(),
            aliases,
            span,
            predicates,
            field,
        })
    }

    fn value<'a>(&self, name: &str, member: u32, row: RowRef<'a>) -> Option<&'a str> {
        let column = self
            .aliases
            .get(name)
            .and_then(|by_member| by_member.get(&member))
            .map_or(name, String::as_str);
        row.get(column)
    }

    fn reached(&self, count: u64) -> bool {
        let default = [(ConditionOperator::Gte, self.members.len() as u64)];
        let predicates = if self.predicates.is_empty() {
            &default[..]
        } else {
            &self.predicates[..]
        };
        predicates.iter().all(|(operator, number)| match operator {
            ConditionOperator::Lt => count < *number,
            ConditionOperator::Lte => count <= *number,
            ConditionOperator::Gt => count > *number,
            ConditionOperator::Gte => count >= *number,
            ConditionOperator::Eq => count == *number,
            ConditionOperator::Neq => count != *number,
        })
    }

    /// Whether events within one span satisfy the correlation.
    fn satisfied(&self, window: &[Entry]) -> bool {
        match self.kind {
            CorrelationType::EventCount => self.reached(window.len() as u64),
            CorrelationType::ValueCount => self.reached(
                window
                    .iter()
                    .map(|entry| &entry.value)
                    .collect::<BTreeSet<_>>()
                    .len() as u64,
            ),
            CorrelationType::Temporal => {
                let seen: BTreeSet<u32> = window.iter().map(|entry| entry.rule).collect();
                self.members.iter().all(|member| seen.contains(member))
            }
            _ => {
                let mut wanted = self.members.iter();
                let mut next = wanted.next();
                for entry in window {
                    if Some(&entry.rule) == next {
                        next = wanted.next();
                    }
                }
                next.is_none()
            }
        }
    }
}

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

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    time: Timestamp,
    rule: u32,
    file: FileId,
    record: u64,
    value: String,
}

type Key = (usize, String, Vec<String>);

/// Collects the hits correlations need. Events may arrive in any order of time.
#[derive(Debug)]
pub struct Correlator {
    correlations: Vec<Correlation>,
    groups: BTreeMap<Key, Vec<Entry>>,
}

impl Correlator {
    pub(super) fn new(correlations: &[Correlation]) -> Correlator {
        Correlator {
            correlations: correlations.to_vec(),
            groups: BTreeMap::new(),
        }
    }

    /// Takes note of a hit.
    pub fn observe(&mut self, rules: &RuleSet, hit: &Hit, host: &str, row: RowRef<'_>) {
        let _ = rules;
        let Some(time) = row.time() else { return };
        for (index, correlation) in self.correlations.iter().enumerate() {
            if !correlation.members.contains(&hit.rule) {
                continue;
            }
            let values: Option<Vec<String>> = correlation
                .group_by
                .iter()
                .map(|name| correlation.value(name, hit.rule, row).map(str::to_owned))
                .collect();
            let Some(values) = values else { continue };
            let value = correlation
                .field
                .as_ref()
                .and_then(|field| correlation.value(field, hit.rule, row))
                .unwrap_or_default()
                .to_owned();
            let key = (index, host.to_owned(), values);
            if self.groups.len() >= KEPT_GROUPS && !self.groups.contains_key(&key) {
                continue;
            }
            let entries = self.groups.entry(key).or_default();
            if entries.len() < KEPT_EVENTS {
                let (file, record) = (row.batch().file(), row.record());
                entries.push(Entry {
                    time,
                    rule: hit.rule,
                    file,
                    record,
                    value,
                });
            }
        }
    }

    /// The correlations that were satisfied, one per group and stretch of time.
    pub fn finish(self, rules: &RuleSet) -> Vec<CorrelationHit> {
        let _ = rules;
        let mut hits = Vec::new();
        for ((index, host, values), mut entries) in self.groups {
            let Some(correlation) = self.correlations.get(index) else {
                continue;
            };
            entries.sort();
            let mut start = 0;
            while let Some(first) = entries.get(start) {
                let length = entries[start..]
                    .iter()
                    .take_while(|entry| entry.time - first.time <= correlation.span)
                    .count();
                let window = &entries[start..start + length];
                if !correlation.satisfied(window) {
                    start += 1;
                    continue;
                }
                hits.push(CorrelationHit {
                    rule: correlation.rule,
                    host: host.clone(),
                    from: first.time,
                    to: window.last().map_or(first.time, |last| last.time),
                    count: length as u64,
                    group: correlation
                        .group_by
                        .iter()
                        .cloned()
                        .zip(values.iter().cloned())
                        .collect(),
                    members: window
                        .iter()
                        .take(SHOWN)
                        .map(|entry| Member {
                            rule: entry.rule,
                            time: entry.time,
                            file: entry.file,
                            record: entry.record,
                        })
                        .collect(),
                });
                start += length;
            }
        }
        hits
    }
}
