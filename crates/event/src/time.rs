//! Instants: microseconds since the Unix epoch, always UTC.

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Timestamp = i64;

/// Microseconds in one second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in one day.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Parses `YYYY-MM-DD`, optionally followed by `T` or a space, `HH:MM[:SS[.fraction]]` and `Z` or `+HH:MM`.
/// Without an offset the time is taken as UTC. Written by hand because it runs once per log line.
pub fn parse_utc(text: &str) -> Option<Timestamp> {
    let bytes = text.trim().as_bytes();
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let days = days_from_civil(
        digits(&bytes[0..4])?,
        digits(&bytes[5..7])?,
        digits(&bytes[8..10])?,
    )?;
    let midnight = days * MICROS_PER_DAY;
    let rest = &bytes[10..];
    if rest.is_empty() {
        return Some(midnight);
    }
    if !matches!(rest[0], b'T' | b't' | b' ') {
        return None;
    }
    let (time_of_day, rest) = parse_time_of_day(&rest[1..])?;
    let offset = parse_offset(rest)?;
    Some(midnight + time_of_day - offset)
}

/// `HH:MM[:SS[.fraction]]` in microseconds, and what follows it.
fn parse_time_of_day(bytes: &[u8]) -> Option<(i64, &[u8])> {
    if bytes.len() < 5 || bytes[2] != b':' {
        return None;
    }
    let (hour, minute) = (digits(&bytes[0..2])?, digits(&bytes[3..5])?);
    let mut rest = &bytes[5..];
    let mut second = 0;
    let mut micros = 0;
    if rest.len() >= 3 && rest[0] == b':' {
        second = digits(&rest[1..3])?;
        rest = &rest[3..];
        if rest.len() >= 2 && matches!(rest[0], b'.' | b',') {
            let len = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            for place in 0..6 {
                let digit = if place < len {
                    i64::from(rest[1 + place] - b'0')
                } else {
                    0
                };
                micros = micros * 10 + digit;
            }
            rest = &rest[1 + len..];
        }
    }
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    Some((
        ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros,
        rest,
    ))
}

/// `Z`, nothing, ` UTC` or `[+-]HH[:]MM`, in microseconds east of UTC.
fn parse_offset(rest: &[u8]) -> Option<i64> {
    match rest {
        [] | [b'Z' | b'z'] | b" UTC" => Some(0),
        [sign @ (b'+' | b'-'), hours_and_minutes @ ..] => {
            let (hours, minutes) = match hours_and_minutes {
                [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
                _ => return None,
            };
            let micros = (hours * 60 + minutes) * 60 * MICROS_PER_SECOND;
            Some(if *sign == b'-' { -micros } else { micros })
        }
        _ => None,
    }
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0i64, |value, b| {
        b.is_ascii_digit().then(|| value * 10 + i64::from(b - b'0'))
    })
}

/// Days since 1970-01-01 of a proleptic Gregorian date, or `None` if there is no such day.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last_day = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if day < 1 || day > last_day {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// `2021-03-03T06:49:46.210Z`; the fraction is left out when it is zero, and has six digits when three do not do.
pub fn format_utc(time: Timestamp) -> String {
    let second_of_day = time.rem_euclid(MICROS_PER_DAY) / MICROS_PER_SECOND;
    let micros = time.rem_euclid(MICROS_PER_SECOND);
    let fraction = match micros {
        0 => String::new(),
        _ if micros % 1_000 == 0 => format!(".{:03}", micros / 1_000),
        _ => format!(".{micros:06}"),
    };
    format!(
        "{}T{:02}:{:02}:{:02}{fraction}Z",
        format_date(time),
        second_of_day / 3_600,
        second_of_day / 60 % 60,
        second_of_day % 60
    )
}

/// `2021-03-03`, the UTC day of an instant.
pub fn format_date(time: Timestamp) -> String {
    let (year, month, day) = civil_from_days(time.div_euclid(MICROS_PER_DAY));
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_forms_logs_use() {
        let expected = parse_utc("2021-03-03T06:49:46.210Z");
        assert_eq!(expected, Some(1_614_754_186_210_000));
        for same in [
            "2021-03-03 06:49:46.21",
            "2021-03-03T07:49:46.210+01:00",
            "2021-03-03T07:49:46.2100000+0100",
            "2021-03-03 06:49:46.210 UTC",
        ] {
            assert_eq!(parse_utc(same), expected, "{same}");
        }
        assert_eq!(parse_utc("1970-01-01"), Some(0));
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        for bad in [
            "",
            "2021-02-29",
            "2021-13-01",
            "2021-03-03T25:00",
            "03/03/2021",
            "2021-03-03T06:49:46 CEST",
            "-",
        ] {
            assert_eq!(parse_utc(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn formatting_then_parsing_is_the_identity(micros in -62_135_596_800_000_000i64..253_402_300_799_000_000) {
            prop_assert_eq!(parse_utc(&format_utc(micros)), Some(micros));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = parse_utc(&text);
        }
    }
}
