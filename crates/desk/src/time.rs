//! Instants.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vigie_event::{format_utc, parse_utc};

use crate::db::{FromValue, Mismatch, Value};

/// Microseconds since 1970, UTC. In JSON it is RFC 3339.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
pub struct Time(pub i64);

impl Time {
    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// So many seconds later; before, when negative. Stops at the ends of time.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Time {
        Time(
            self.0
                .saturating_add(seconds.saturating_mul(vigie_event::MICROS_PER_SECOND)),
        )
    }

    /// So many hours later.
    #[must_use]
    pub fn plus_hours(self, hours: i64) -> Time {
        self.plus_seconds(hours.saturating_mul(3_600))
    }

    /// So many days later.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Time {
        self.plus_hours(days.saturating_mul(24))
    }

    /// Seconds from an earlier instant to this one, rounded down.
    pub fn seconds_since(self, earlier: Time) -> i64 {
        self.0
            .saturating_sub(earlier.0)
            .div_euclid(vigie_event::MICROS_PER_SECOND)
    }

    /// Reads RFC 3339, or a date.
    pub fn parse(text: &str) -> Option<Time> {
        parse_utc(text).map(Time)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_utc(self.0))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is not an instant such as 2021-03-03T08:00:00Z"))
        })
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Value {
        Value::Int(time.0)
    }
}

impl FromValue for Time {
    fn from_value(value: Value) -> Result<Time, Mismatch> {
        i64::from_value(value).map(Time)
    }
}
