//! Dates as offices write them.

use vigie_event::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp, parse_utc};

/// The day Excel's numbers count from: 1899-12-30.
const EXCEL_EPOCH_DAYS: i64 = -25_569;

/// A date that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dated {
    pub(super) at: Timestamp,
    /// Whether day and month could stand the other way round.
    pub(super) ambiguous: bool,
}

/// Reads `2021-03-02[ 14:30[:05]][Z]`, `02/03/2021[ 14:30]` (also with `-` or `.`), and Excel's numbers, `44257,604`.
pub(super) fn read(text: &str, day_first: bool) -> Option<Dated> {
    let text = text.trim();
    let sure = |at: Timestamp| Dated { at, ambiguous: false };
    if let Some(at) = parse_utc(text) {
        return Some(sure(at));
    }
    if let Some(at) = excel(text) {
        return Some(sure(at));
    }
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, ""),
    };
    let mut parts = date.split(['/', '-', '.']);
    let (one, two, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 4);
    if one.len() == 4 {
        return parse_utc(&format!(
            "{one}-{:02}-{:02}{}",
            number(two)?,
            number(year)?,
            clock(time)?
        ))
        .map(sure);
    }
    let (one, two, year) = (number(one)?, number(two)?, number(year)?);
    let year = if year < 100 { 2_000 + year } else { year };
    let (day, month) = match (one > 12, two > 12) {
        (true, false) => (one, two),
        (false, true) => (two, one),
        (false, false) if day_first => (one, two),
        (false, false) => (two, one),
        (true, true) => return None,
    };
    let at = parse_utc(&format!("{year:04}-{month:02}-{day:02}{}", clock(time)?))?;
    Some(Dated {
        at,
        ambiguous: one <= 12 && two <= 12 && one != two,
    })
}

/// `14:30`, `14h30`, `2:30 PM` as what follows an ISO date.
fn clock(time: &str) -> Option<String> {
    if time.is_empty() {
        return Some(String::new());
    }
    let lower = time.to_ascii_lowercase().replace('h', ":");
    let (digits, half) = match lower.strip_suffix("pm") {
        Some(digits) => (digits, Some(12)),
        None => match lower.strip_suffix("am") {
            Some(digits) => (digits, Some(0)),
            None => (lower.as_str(), None),
        },
    };
    let mut parts = digits.trim().split(':');
    let hour: u32 = parts.next()?.trim().parse().ok()?;
    let rest: Vec<&str> = parts.collect();
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    let minutes = rest
        .first()
        .copied()
        .filter(|text| !text.is_empty())
        .unwrap_or("00");
    let seconds = rest
        .get(1)
        .map(|seconds| format!(":{seconds}"))
        .unwrap_or_default();
    Some(format!("T{hour:02}:{minutes}{seconds}"))
}

/// Days since 1899-12-30 with a fraction, as a cell that lost its format shows them. Years 1980 to 2100.
fn excel(text: &str) -> Option<Timestamp> {
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
    {
        return None;
    }
    let days: f64 = text.replace(',', ".").parse().ok()?;
    if !(29_221.0..73_051.0).contains(&days) {
        return None;
    }
    let seconds = (days.fract() * 86_400.0).round() as i64;
    Some((days.trunc() as i64 + EXCEL_EPOCH_DAYS) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use vigie_event::format_utc;

    use super::*;

    #[test]
    fn dates_of_both_languages() {
        let told = |text: &str, day_first: bool| read(text, day_first).map(|dated| format_utc(dated.at));
        for (text, day_first, expected) in [
            ("2021-03-02", true, "2021-03-02T00:00:00Z"),
            ("2021-03-02 14:30", false, "2021-03-02T14:30:00Z"),
            ("2021-03-02T14:30:05+01:00", false, "2021-03-02T13:30:05Z"),
            ("02/03/2021", true, "2021-03-02T00:00:00Z"),
            ("02/03/2021", false, "2021-02-03T00:00:00Z"),
            ("2.3.2021 14:30", true, "2021-03-02T14:30:00Z"),
            ("02/03/21 14h30", true, "2021-03-02T14:30:00Z"),
            ("3/13/2021 2:05 PM", true, "2021-03-13T14:05:00Z"),
            ("13/03/2021", false, "2021-03-13T00:00:00Z"),
            ("2021/3/2", true, "2021-03-02T00:00:00Z"),
            ("44257", true, "2021-03-02T00:00:00Z"),
            ("44257,5", true, "2021-03-02T12:00:00Z"),
        ] {
            assert_eq!(told(text, day_first).as_deref(), Some(expected), "{text}");
        }
        for bad in [
            "",
            "soon",
            "32/01/2021",
            "13/13/2021",
            "02/03",
            "2021",
            "1/2/3/4",
            "02/03/2021 25:99",
        ] {
            assert_eq!(told(bad, true), None, "{bad}");
        }
        assert!(read("02/03/2021", true).is_some_and(|dated| dated.ambiguous));
        assert!(read("13/03/2021", true).is_some_and(|dated| !dated.ambiguous));
        assert!(read("03/03/2021", true).is_some_and(|dated| !dated.ambiguous));
    }
}
