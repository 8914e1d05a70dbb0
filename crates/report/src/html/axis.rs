//! A stretch of time laid out along a line, with its ticks.

use vigie_event::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp, format_date, parse_utc};

use crate::lang::{Lang, clock};

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// Distances between ticks, in seconds; beyond them ticks stand at the start of months, so many months apart.
const STEPS: [i64; 22] = [
    1,
    2,
    5,
    10,
    15,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    3 * DAY,
    7 * DAY,
    14 * DAY,
];
const MONTH_STEPS: [i64; 12] = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 2_400];

/// A scale from instants to horizontal positions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    left: f64,
    width: f64,
}

/// A mark on the axis.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) label: String,
    /// The day, on the first tick of each day when labels are times of day.
    pub(super) day: Option<String>,
}

impl Axis {
    /// An axis over `from` to `to`; an instant or a reversed stretch becomes a minute around it.
    pub(super) fn new(from: Timestamp, to: Timestamp, left: f64, width: f64) -> Axis {
        let (from, to) = if to > from {
            (from, to)
        } else {
            let half = i64::from(30u8) * MICROS_PER_SECOND;
            (from.saturating_sub(half), from.saturating_add(half))
        };
        Axis {
            from,
            to,
            left,
            width,
        }
    }

    fn span(&self) -> f64 {
        (self.to as f64 - self.from as f64).max(1.0)
    }

    /// The position of an instant, kept within the axis.
    pub(super) fn x(&self, time: Timestamp) -> f64 {
        let part = (time as f64 - self.from as f64) / self.span();
        self.left + self.width * part.clamp(0.0, 1.0)
    }

    /// Ticks at round times, at most about `most` of them.
    pub(super) fn ticks(&self, lang: Lang, most: usize) -> Vec<Tick> {
        let seconds = self.span() / MICROS_PER_SECOND as f64;
        let wanted = seconds / most.max(1) as f64;
        match STEPS.into_iter().find(|step| *step as f64 >= wanted) {
            Some(step) => self.even_ticks(lang, step),
            None => self.month_ticks(lang, wanted / (30.4 * DAY as f64)),
        }
    }

    fn even_ticks(&self, lang: Lang, step: i64) -> Vec<Tick> {
        let step_micros = step.saturating_mul(MICROS_PER_SECOND);
        let mut ticks = Vec::new();
        let mut time = self.from.div_euclid(step_micros).saturating_mul(step_micros);
        let mut last_day = None;
        while time <= self.to && ticks.len() < 100 {
            if time >= self.from {
                let day = time.div_euclid(MICROS_PER_DAY);
                let new_day = last_day != Some(day);
                last_day = Some(day);
                ticks.push(self.tick(time, step, new_day, lang));
            }
            let Some(next) = time.checked_add(step_micros) else {
                break;
            };
            time = next;
        }
        ticks
    }

    fn tick(&self, time: Timestamp, step: i64, new_day: bool, lang: Lang) -> Tick {
        let x = self.x(time);
        if step >= DAY {
            return Tick {
                x,
                label: lang.short_date(time),
                day: None,
            };
        }
        let mut label = clock(time);
        if step >= MINUTE {
            label.truncate(5);
        }
        Tick {
            x,
            label,
            day: new_day.then(|| lang.short_date(time)),
        }
    }

    fn month_ticks(&self, lang: Lang, wanted: f64) -> Vec<Tick> {
        let step = MONTH_STEPS
            .into_iter()
            .find(|step| *step as f64 >= wanted)
            .unwrap_or(12_000);
        let first = format_date(self.from);
        let mut parts = first
            .splitn(2, '-')
            .map(|part| part.split('-').next().unwrap_or_default());
        let year = parts
            .next()
            .and_then(|part| part.parse::<i64>().ok())
            .unwrap_or(1970);
        let month = parts
            .next()
            .and_then(|part| part.parse::<i64>().ok())
            .unwrap_or(1);
        let mut months = (year * 12 + month - 1).div_euclid(step) * step;
        let mut ticks = Vec::new();
        while ticks.len() < 100 {
            let start = format!("{:04}-{:02}-01", months.div_euclid(12), months.rem_euclid(12) + 1);
            let Some(time) = parse_utc(&start) else { break };
            if time > self.to {
                break;
            }
            if time >= self.from {
                ticks.push(Tick {
                    x: self.x(time),
                    label: lang.short_month(time),
                    day: None,
                });
            }
            months += step;
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(from: &str, to: &str) -> Vec<(String, Option<String>)> {
        let axis = Axis::new(parse_utc(from).unwrap(), parse_utc(to).unwrap(), 0.0, 100.0);
        axis.ticks(Lang::En, 6)
            .into_iter()
            .map(|tick| (tick.label, tick.day))
            .collect()
    }

    #[test]
    fn ticks_stand_at_round_times() {
        let hours = labels("2021-02-28T21:10:00Z", "2021-03-01T02:40:00Z");
        assert_eq!(hours.first(), Some(&("22:00".into(), Some("28 Feb 2021".into()))));
        assert!(hours.contains(&("00:00".into(), Some("1 Mar 2021".into()))));
        assert!(hours.contains(&("01:00".into(), None)));
        let months = labels("2021-01-03T00:00:00Z", "2021-12-12T00:00:00Z");
        assert_eq!(months.first().map(|tick| tick.0.as_str()), Some("Mar 2021"));
        let seconds = labels("2021-02-28T09:12:05Z", "2021-02-28T09:12:35Z");
        assert_eq!(seconds.first().map(|tick| tick.0.as_str()), Some("09:12:05"));
    }

    #[test]
    fn an_instant_gets_room_around_it() {
        let axis = Axis::new(1_000, 1_000, 10.0, 100.0);
        assert!((axis.x(1_000) - 60.0).abs() < 1e-6);
        assert!(!axis.ticks(Lang::Fr, 6).is_empty());
    }

    proptest! {
        #[test]
        fn any_stretch_has_few_ticks_inside(
            from in -62_135_596_800_000_000i64..253_402_300_799_000_000,
            span in 0i64..400_000_000_000_000_000,
        ) {
            let axis = Axis::new(from, from.saturating_add(span), 5.0, 90.0);
            let ticks = axis.ticks(Lang::Fr, 7);
            prop_assert!(ticks.len() <= 12, "{}", ticks.len());
            prop_assert!(ticks.iter().all(|tick| (5.0..=95.0).contains(&tick.x)));
        }
    }
}
