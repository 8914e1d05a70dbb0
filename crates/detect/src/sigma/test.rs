//! What a rule asks of one field's value.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use jiff::civil::DateTime;
use regex::Regex;

use super::text::TextTest;

/// A field as a rule names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum FieldName {
    /// A field, spelled as in the rule that named it first.
    Named(Box<str>),
    /// The query of a request in a rule not written for Vigie: looked for in path and query together, because such
    /// rules test the path in `cs-uri-query`, where IIS never puts it.
    WebQuery,
    /// Every field: keywords.
    Any,
}

/// One test of one value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Test {
    Text(TextTest),
    Regex(Pattern),
    Cidr(IpAddr, u8),
    Compare(Order, Number),
    Date(DatePart, Order, i64),
    /// The field is there.
    Present,
    /// The field is not there.
    Absent,
    /// Empty or not there: Vigie's tables do not tell the two apart, because most logs do not.
    Empty,
    /// Compared with another field's value.
    Field(FieldName, Relation, bool),
}

/// How two values are compared as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Order {
    pub(super) fn holds<T: PartialOrd>(self, value: &T, bound: &T) -> bool {
        match self {
            Order::Less => value < bound,
            Order::LessOrEqual => value <= bound,
            Order::Equal => value == bound,
            Order::GreaterOrEqual => value >= bound,
            Order::Greater => value > bound,
        }
    }
}

/// A finite number that can be a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(pub(super) f64);

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// How the value relates to another field's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Relation {
    Same,
    StartsWith,
    EndsWith,
    Contains,
}

/// A part of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum DatePart {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// A regular expression, known by its text and flags.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// With its flags, as given to [`Regex`].
    pub(super) text: Box<str>,
    pub(super) regex: Regex,
    /// Literals in lower case one of which every match has; none when there are no such literals.
    pub(super) needed: Box<[Box<str>]>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Test {
    /// Whether a value passes; `other` gives the value of another field of the same event.
    pub(super) fn holds<'v>(
        &self,
        value: Option<&str>,
        other: impl FnOnce(&FieldName) -> Option<std::borrow::Cow<'v, str>>,
    ) -> bool {
        let Some(value) = value else {
            return matches!(self, Test::Absent | Test::Empty);
        };
        match self {
            Test::Present => true,
            Test::Absent => false,
            Test::Empty => value.is_empty(),
            Test::Text(test) => test.matches(value),
            Test::Regex(pattern) => pattern.regex.is_match(value),
            Test::Cidr(network, bits) => in_network(value, *network, *bits),
            Test::Compare(order, bound) => {
                number_of(value).is_some_and(|value| order.holds(&value, &bound.0))
            }
            Test::Date(part, order, bound) => {
                date_part(value, *part).is_some_and(|value| order.holds(&value, bound))
            }
            Test::Field(field, relation, cased) => {
                other(field).is_some_and(|other| relation.holds(value, &other, *cased))
            }
        }
    }
}

impl Relation {
    fn holds(self, value: &str, other: &str, cased: bool) -> bool {
        use super::text::{Open, Part};
        if self == Relation::Same && !cased {
            return super::text::same_text(value, other);
        }
        let open = Open {
            start: matches!(self, Relation::EndsWith | Relation::Contains),
            end: matches!(self, Relation::StartsWith | Relation::Contains),
        };
        TextTest::new(vec![Part::Literal(other.into())], open, cased).matches(value)
    }
}

/// Decimal, or hexadecimal with `0x` as Windows writes identifiers.
fn number_of(value: &str) -> Option<f64> {
    let value = value.trim();
    if let Some(digits) = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok().map(|number| number as f64);
    }
    value.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A part of an ISO 8601 date and time, as written: no time zone is applied.
fn date_part(value: &str, part: DatePart) -> Option<i64> {
    let value = value.trim();
    let end = value
        .char_indices()
        .skip(10)
        .find(|(_, c)| !(c.is_ascii_digit() || matches!(c, 'T' | 't' | ' ' | ':' | '.')))
        .map_or(value.len(), |(at, _)| at);
    let time: DateTime = value.get(..end)?.trim().replace('/', "-").parse().ok()?;
    Some(match part {
        DatePart::Minute => i64::from(time.minute()),
        DatePart::Hour => i64::from(time.hour()),
        DatePart::Day => i64::from(time.day()),
        DatePart::Week => i64::from(time.date().iso_week_date().week()),
        DatePart::Month => i64::from(time.month()),
        DatePart::Year => i64::from(time.year()),
    })
}

fn in_network(value: &str, network: IpAddr, bits: u8) -> bool {
    let text = value.trim().trim_start_matches('[');
    let text = text.split(['%', ']']).next().unwrap_or(text);
    let Ok(address) = text.parse::<IpAddr>() else {
        return false;
    };
    let address = match address {
        IpAddr::V6(v6) if network.is_ipv4() => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        _ => address,
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            let shift = 32u32.saturating_sub(u32::from(bits));
            a.to_bits().checked_shr(shift).unwrap_or(0) == n.to_bits().checked_shr(shift).unwrap_or(0)
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            let shift = 128u32.saturating_sub(u32::from(bits));
            a.to_bits().checked_shr(shift).unwrap_or(0) == n.to_bits().checked_shr(shift).unwrap_or(0)
        }
        _ => false,
    }
}
