//! The time of a W3C row, also where the header has no `date`.

use vigie_event::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp, parse_utc};

const HOUR: i64 = 3_600 * MICROS_PER_SECOND;

/// Reads times, and keeps the date for rows that have none.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Midnight of the current day, from `#Date:` or the file's name.
    day: Option<Timestamp>,
    /// The time of day of the last row.
    last: i64,
    /// The day began inside the file.
    rolled: bool,
    /// The texts read last and what they meant: busy servers write many rows in one second.
    text: String,
    known: Option<Timestamp>,
}

impl Clock {
    pub(super) fn starting(day: Option<Timestamp>) -> Clock {
        Clock {
            day,
            ..Clock::default()
        }
    }

    /// A `#Date:` directive.
    pub(super) fn directive(&mut self, value: &str) {
        if let Some(time) = parse_utc(value) {
            self.last = time.rem_euclid(MICROS_PER_DAY);
            self.day = Some(time - self.last);
            self.rolled = false;
        }
    }

    /// The time of a row with these values in its `date` and `time` columns.
    pub(super) fn time(&mut self, date: Option<&str>, time: Option<&str>) -> Option<Timestamp> {
        match (date, time) {
            (Some(date), Some(time)) => self.full(date, time),
            (None, Some(time)) => self.of_day(time),
            // Rows of a header without `time` are known by their day at least.
            (Some(date), None) if date.len() == 10 => parse_utc(date),
            _ => None,
        }
    }

    fn full(&mut self, date: &str, time: &str) -> Option<Timestamp> {
        let same = self.text.len() == date.len() + 1 + time.len()
            && self.text.starts_with(date)
            && self.text.ends_with(time);
        if !same {
            self.text.clear();
            self.text.push_str(date);
            self.text.push(' ');
            self.text.push_str(time);
            self.known = if time.is_empty() {
                None
            } else {
                parse_utc(&self.text)
            };
        }
        self.known
    }

    /// Midnight is passed when the time goes back by more than an hour; rows written a little late are not.
    fn of_day(&mut self, time: &str) -> Option<Timestamp> {
        self.text.clear();
        self.text.push_str("1970-01-01 ");
        self.text.push_str(time);
        let time = parse_utc(&self.text)?;
        self.text.clear();
        let day = self.day?;
        if self.rolled && self.last < HOUR && time > 23 * HOUR {
            return Some(day - MICROS_PER_DAY + time);
        }
        let passed = time < self.last - HOUR;
        let day = if passed { day + MICROS_PER_DAY } else { day };
        self.rolled |= passed;
        self.day = Some(day);
        self.last = time;
        Some(day + time)
    }
}

/// The day in a log's file name, `u_ex210303.log` or `ex21030306.log`, after the prefix.
pub(super) fn date_in_name(name: &str, prefix: &str) -> Option<Timestamp> {
    let digits = name.split_once(prefix)?.1.get(..6)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (digits.get(..2)?, digits.get(2..4)?, digits.get(4..)?);
    parse_utc(&format!("20{year}-{month}-{day}"))
}

#[cfg(test)]
mod tests {
    use vigie_event::format_utc;

    use super::*;

    #[test]
    fn a_log_without_dates_rolls_over_midnight_and_bears_late_rows() {
        let mut clock = Clock::default();
        assert_eq!(clock.time(None, Some("10:00:00")), None);
        clock.directive(" 2013-07-30 21:00:00");
        let times = [
            "23:59:58", "00:00:01", "23:59:59", "00:00:02", "13:00:00", "12:59:00", "02:00:00",
        ];
        let read: Vec<_> = times
            .iter()
            .map(|time| clock.time(None, Some(time)).map(format_utc).unwrap())
            .collect();
        assert_eq!(
            read,
            [
                "2013-07-30T23:59:58Z",
                "2013-07-31T00:00:01Z",
                "2013-07-30T23:59:59Z",
                "2013-07-31T00:00:02Z",
                "2013-07-31T13:00:00Z",
                "2013-07-31T12:59:00Z",
                "2013-08-01T02:00:00Z",
            ]
        );
        assert_eq!(clock.time(None, Some("x")), None);
    }

    #[test]
    fn a_quiet_first_day_is_not_the_day_before() {
        let mut clock = Clock::default();
        clock.directive("2013-07-30 00:00:10");
        let time = clock.time(None, Some("23:30:00")).map(format_utc);
        assert_eq!(time.as_deref(), Some("2013-07-30T23:30:00Z"));
    }

    #[test]
    fn a_remembered_time_is_not_mistaken_for_another() {
        let mut clock = Clock::default();
        let first = clock.time(Some("2021-03-03"), Some("06:49:42"));
        assert_eq!(first, clock.time(Some("2021-03-03"), Some("06:49:42")));
        assert_ne!(first, clock.time(Some("2021-03-03"), Some("06:49:43")));
        assert_eq!(clock.time(Some("2021-03-0"), Some("06:49:42")), None);
        assert_eq!(clock.time(Some("2021-03-03"), Some("")), None);
    }

    #[test]
    fn file_names_tell_the_day() {
        assert_eq!(date_in_name("u_ex210303.log", "ex"), parse_utc("2021-03-03"));
        assert_eq!(
            date_in_name("u_ex21030306_x.log", "u_ex"),
            parse_utc("2021-03-03")
        );
        assert_eq!(date_in_name("extend1.log", "ex"), None);
        assert_eq!(date_in_name("u_ex219903.log", "ex"), None);
    }
}
