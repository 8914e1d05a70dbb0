//! Two clocks in one file: shippers that stamp local time as if it were UTC.
//!
//! Rows often carry an envelope time (`EventTime`, `TimeCreated`, `@timestamp`) beside a time that is surely UTC
//! (Sysmon's `UtcTime`). When most of the recent rows that have both agree on a difference, a multiple of a quarter of
//! an hour, it is added to the envelope time of all rows. Delivery latency of seconds is no offset.

use std::collections::VecDeque;

use vigie_event::{MICROS_PER_SECOND, Timestamp};

use crate::format::Outcome;
use crate::{ClockOffset, Observation};

const QUARTER: i64 = 15 * 60 * MICROS_PER_SECOND;
/// Time zones reach 14 hours; a clock written with twelve hours and no AM or PM adds twelve.
const MAX_OFFSET: i64 = 26 * 3_600 * MICROS_PER_SECOND;
/// How far a difference may be from a whole quarter when the other time is the event's own.
const OWN_SLACK: i64 = 2 * 60 * MICROS_PER_SECOND;
/// The same when it is the time of arrival.
const ARRIVAL_SLACK: i64 = 5 * 60 * MICROS_PER_SECOND;
/// Rows the majority is taken over: enough to be stable, few enough to follow a change of offset.
const WINDOW: usize = 64;
const MIN_OWN_ROWS: usize = 2;
const MIN_ARRIVAL_ROWS: usize = 3;

/// The times one row gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    /// The time the envelope gives the event, the name of its field, and whether it names its zone.
    pub(super) envelope: Option<(Timestamp, &'static str, bool)>,
    /// When the event arrived somewhere, with a zone, and the name of that field.
    pub(super) arrival: Option<(Timestamp, &'static str)>,
    /// The event's own UTC time.
    pub(super) own: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Votes {
    recent: VecDeque<i64>,
    /// How many rows in a row said what the last one did.
    agreeing: usize,
}

impl Votes {
    fn add(&mut self, offset: i64) {
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.agreeing = match self.recent.back() {
            Some(last) if *last == offset => self.agreeing + 1,
            _ => 1,
        };
        self.recent.push_back(offset);
    }

    /// What more than half of the recent rows say.
    fn majority(&self, min_rows: usize) -> Option<i64> {
        if self.recent.len() < min_rows {
            return None;
        }
        let half = self.recent.len() / 2;
        if self.agreeing > half {
            return self.recent.back().copied();
        }
        self.recent
            .iter()
            .find(|offset| self.recent.iter().filter(|other| other == offset).count() > half)
            .copied()
    }
}

/// The clock of one envelope field.
#[derive(Debug)]
struct FieldClock {
    field: &'static str,
    own: Votes,
    arrival: Votes,
    current: i64,
    /// Rows whose time names no zone.
    without_zone: u64,
}

/// All clocks of one file.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    fields: Vec<FieldClock>,
    found: Vec<ClockOffset>,
}

impl Clocks {
    /// Learns from a row.
    pub(super) fn learn(&mut self, stamps: &Stamps) {
        let Some((envelope, field, has_zone)) = stamps.envelope else {
            return;
        };
        let own = stamps.own.and_then(|own| quarter(own, envelope, OWN_SLACK));
        let arrival = stamps
            .arrival
            .filter(|_| !has_zone)
            .and_then(|(arrival, name)| Some((quarter(arrival, envelope, ARRIVAL_SLACK)?, name)));
        let index = self.clock_index(field);
        let Some(clock) = self.fields.get_mut(index) else {
            return;
        };
        clock.without_zone += u64::from(!has_zone);
        if let Some(offset) = own {
            clock.own.add(offset);
        }
        if let Some((offset, _)) = arrival {
            clock.arrival.add(offset);
        }
        let (best, against) = match clock.own.majority(MIN_OWN_ROWS) {
            Some(offset) => (Some(offset), "UtcTime"),
            None => (
                clock.arrival.majority(MIN_ARRIVAL_ROWS),
                arrival.map_or("arrival", |(_, name)| name),
            ),
        };
        if let Some(best) = best {
            clock.current = best;
            let agrees =
                own == Some(best) || (own.is_none() && arrival.is_some_and(|(offset, _)| offset == best));
            if best != 0 && agrees {
                self.count(best, format!("{field} against {against}"));
            }
        }
    }

    fn clock_index(&mut self, field: &'static str) -> usize {
        let index = self.fields.iter().position(|clock| clock.field == field);
        index.unwrap_or_else(|| {
            self.fields.push(FieldClock {
                field,
                own: Votes::default(),
                arrival: Votes::default(),
                current: 0,
                without_zone: 0,
            });
            self.fields.len() - 1
        })
    }

    fn count(&mut self, applied_micros: i64, between: String) {
        let known = self
            .found
            .iter_mut()
            .find(|found| found.applied_micros == applied_micros && found.between == between);
        match known {
            Some(found) => found.rows += 1,
            None => self.found.push(ClockOffset {
                applied_micros,
                rows: 1,
                between,
            }),
        }
    }

    /// The true time of a row. A row with a UTC time of its own far from its envelope's uses its own.
    pub(super) fn time(&self, stamps: &Stamps) -> Option<Timestamp> {
        let Some((envelope, field, _)) = stamps.envelope else {
            return stamps.own.or(stamps.arrival.map(|(time, _)| time));
        };
        if let Some(own) = stamps.own
            && quarter(own, envelope, OWN_SLACK).is_some_and(|offset| offset != 0)
        {
            return Some(own);
        }
        let clock = self.fields.iter().find(|clock| clock.field == field);
        Some(envelope.saturating_add(clock.map_or(0, |clock| clock.current)))
    }

    /// Forgets how many rows agreed, but not what they agreed on: for rows that will be seen again.
    pub(super) fn forget_counts(&mut self) {
        self.found.clear();
        for clock in &mut self.fields {
            clock.without_zone = 0;
        }
    }

    /// Says which offsets were applied, and which times had to be taken for UTC because nothing told their zone.
    pub(super) fn report(self, outcome: &mut Outcome) {
        outcome.clock.extend(self.found);
        for clock in self.fields {
            if clock.without_zone > 0 && clock.own.recent.is_empty() && clock.arrival.recent.is_empty() {
                outcome.observations.push(Observation {
                    kind: "time_zone_assumed".to_owned(),
                    value: format!(
                        "{} names no zone; {} rows read as UTC",
                        clock.field, clock.without_zone
                    ),
                    time: None,
                    at: None,
                });
            }
        }
    }
}

/// The difference as a whole number of quarters, if it is near one.
fn quarter(truth: Timestamp, envelope: Timestamp, slack: i64) -> Option<i64> {
    let difference = truth.checked_sub(envelope)?;
    if difference.checked_abs()? > MAX_OFFSET + slack {
        return None;
    }
    let offset = (difference + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    ((difference - offset).abs() <= slack).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600 * MICROS_PER_SECOND;

    fn row(envelope: i64, own: Option<i64>) -> Stamps {
        Stamps {
            envelope: Some((envelope, "TimeCreated", true)),
            arrival: None,
            own,
        }
    }

    #[test]
    fn an_offset_the_rows_agree_on_is_applied_to_all() {
        let mut clocks = Clocks::default();
        for n in 0..10 {
            clocks.learn(&row(
                n * MICROS_PER_SECOND,
                Some(n * MICROS_PER_SECOND + 4 * HOUR - 900),
            ));
        }
        assert_eq!(clocks.time(&row(5, None)), Some(5 + 4 * HOUR));
        assert_eq!(clocks.time(&row(5, Some(4 * HOUR + 2))), Some(4 * HOUR + 2));
        let mut outcome = Outcome::default();
        clocks.report(&mut outcome);
        assert_eq!(outcome.clock.len(), 1);
        assert_eq!(
            (outcome.clock[0].applied_micros, outcome.clock[0].rows),
            (4 * HOUR, 9)
        );
        assert_eq!(outcome.clock[0].between, "TimeCreated against UtcTime");
    }

    #[test]
    fn latency_and_chance_are_no_offset() {
        let mut clocks = Clocks::default();
        for n in 0..100 {
            clocks.learn(&row(0, Some(-3 * MICROS_PER_SECOND)));
            clocks.learn(&row(0, Some(n * 7 * 60 * MICROS_PER_SECOND)));
        }
        assert_eq!(clocks.time(&row(5, None)), Some(5));
        let mut outcome = Outcome::default();
        clocks.report(&mut outcome);
        assert_eq!(outcome.clock, []);
    }

    #[test]
    fn a_change_of_offset_is_followed() {
        let mut clocks = Clocks::default();
        for _ in 0..200 {
            clocks.learn(&row(0, Some(HOUR)));
        }
        for _ in 0..200 {
            clocks.learn(&row(0, Some(2 * HOUR)));
        }
        assert_eq!(clocks.time(&row(0, None)), Some(2 * HOUR));
        let mut outcome = Outcome::default();
        clocks.report(&mut outcome);
        let offsets: Vec<_> = outcome.clock.iter().map(|found| found.applied_micros).collect();
        assert_eq!(offsets, [HOUR, 2 * HOUR]);
    }

    #[test]
    fn a_zone_that_nothing_tells_is_said_to_be_assumed() {
        let stamps = Stamps {
            envelope: Some((0, "EventTime", false)),
            ..Stamps::default()
        };
        let mut clocks = Clocks::default();
        clocks.learn(&stamps);
        let mut outcome = Outcome::default();
        clocks.report(&mut outcome);
        assert_eq!(
            outcome.observations[0].value,
            "EventTime names no zone; 1 rows read as UTC"
        );
    }

    #[test]
    fn local_time_is_corrected_by_the_time_of_arrival() {
        let stamps = |n: i64, late: i64| Stamps {
            envelope: Some((n * MICROS_PER_SECOND, "EventTime", false)),
            arrival: Some(((n + late) * MICROS_PER_SECOND + 4 * HOUR, "@timestamp")),
            own: None,
        };
        let mut clocks = Clocks::default();
        for n in 0..5 {
            clocks.learn(&stamps(n, 3));
        }
        assert_eq!(clocks.time(&stamps(9, 3)), Some(9 * MICROS_PER_SECOND + 4 * HOUR));
        // An event time that says its zone is believed.
        let mut zoned = stamps(9, 3);
        zoned.envelope = Some((9 * MICROS_PER_SECOND, "TimeCreated", true));
        assert_eq!(clocks.time(&zoned), Some(9 * MICROS_PER_SECOND));
    }
}
