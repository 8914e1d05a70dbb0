//! Rows whose fields are not as many as their header's, aligned by the shape of the values.

use super::Row;

/// What the values of a column look like. `-` fits all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Date,
    Time,
    Address,
    Number,
    Status,
    Method,
    /// Begins with a slash.
    Path,
    /// Free text that clients choose; the number is the order in which stray spaces are looked for.
    Free(u8),
    Other,
}

impl Kind {
    /// The kind of a column, by its name.
    pub(super) fn of(name: &str) -> Kind {
        match name.to_ascii_lowercase().as_str() {
            "date" => Kind::Date,
            "time" => Kind::Time,
            "s-ip" | "c-ip" => Kind::Address,
            "s-port" | "c-port" | "sc-substatus" | "sc-win32-status" | "sc-bytes" | "cs-bytes"
            | "time-taken" => Kind::Number,
            "sc-status" => Kind::Status,
            "cs-method" => Kind::Method,
            "cs-uri-stem" => Kind::Path,
            "cs-username" => Kind::Free(0),
            "cs-uri-query" => Kind::Free(1),
            "cs(user-agent)" => Kind::Free(2),
            "cs(cookie)" => Kind::Free(3),
            "cs(referer)" => Kind::Free(4),
            _ => Kind::Other,
        }
    }

    /// Whether values of this kind have a shape of their own.
    fn shaped(self) -> bool {
        !matches!(self, Kind::Free(_) | Kind::Other)
    }

    /// Whether the value looks like one of this kind.
    pub(super) fn holds(self, value: &str) -> bool {
        if value == "-" {
            return true;
        }
        let all = |test: fn(&u8) -> bool| !value.is_empty() && value.as_bytes().iter().all(test);
        match self {
            Kind::Date => value.len() == 10 && all(|byte| byte.is_ascii_digit() || *byte == b'-'),
            Kind::Time => {
                value.len() >= 8 && all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'))
            }
            Kind::Address => {
                // A link-local address keeps its zone: fe80::1%3.
                let address = value.split('%').next().unwrap_or_default();
                let part = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':');
                address.contains(['.', ':']) && address.bytes().all(part)
            }
            Kind::Number => all(u8::is_ascii_digit),
            Kind::Status => value.len() <= 3 && all(u8::is_ascii_digit),
            Kind::Method => {
                value.len() <= 32 && all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'))
            }
            Kind::Path => value.starts_with(['/', '*']),
            Kind::Free(_) | Kind::Other => true,
        }
    }
}

/// The values of a row by the header's positions; fewer of them when the row was cut off. `None` when the row cannot
/// be aligned.
pub(super) fn align<'a>(row: &Row<'a>, kinds: &[Kind]) -> Option<Vec<&'a str>> {
    if row.len() < kinds.len() {
        let values: Vec<&str> = row.iter().collect();
        // The last value may be cut.
        let (_, whole) = values.split_last()?;
        let shaped = whole
            .iter()
            .zip(kinds)
            .all(|(value, kind)| kind.holds(value) || value.is_empty());
        return shaped.then_some(values);
    }
    // A doubled separator: the field between is no field.
    let mut places = Vec::with_capacity(row.len());
    let mut at = 0;
    for value in row.iter() {
        if !value.is_empty() {
            places.push((at, at + value.len()));
        }
        at += value.len() + 1;
    }
    let pieces = Pieces {
        line: row.line,
        places,
    };
    let extra = pieces.places.len().checked_sub(kinds.len())?;
    if extra == 0 {
        return pieces.spread(kinds, 0, 0);
    }
    // Spaces inside one value: the one for which all others keep their shapes.
    let mut best: Option<((usize, u8), Vec<&str>)> = None;
    for (wide, kind) in kinds.iter().enumerate() {
        let order = match kind {
            Kind::Free(order) => *order,
            Kind::Path => 5,
            Kind::Other => 6,
            _ => continue,
        };
        if let Some(values) = pieces.spread(kinds, wide, extra) {
            let rank = (pieces.dashes(kinds, wide, extra, &values), order);
            if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                best = Some((rank, values));
            }
        }
    }
    best.map(|(_, values)| values)
}

/// The texts between the spaces of a line.
struct Pieces<'a> {
    line: &'a str,
    places: Vec<(usize, usize)>,
}

impl<'a> Pieces<'a> {
    fn text(&self, start: usize, end: usize) -> &'a str {
        self.line.get(start..end).unwrap_or_default()
    }

    /// One value a column, and `extra` more pieces in the one that is `wide`; `None` when a value has not the shape
    /// of its column.
    fn spread(&self, kinds: &[Kind], wide: usize, extra: usize) -> Option<Vec<&'a str>> {
        let mut values = Vec::new();
        for (position, kind) in kinds.iter().enumerate() {
            let first = position + if position > wide { extra } else { 0 };
            let last = position + if position >= wide { extra } else { 0 };
            let value = self.text(self.places.get(first)?.0, self.places.get(last)?.1);
            if !kind.holds(value) {
                return None;
            }
            values.push(value);
        }
        Some(values)
    }

    /// A lone `-` is an empty field of its own rather than a piece of a value with spaces, and rarely a port: the
    /// fewer there are, the likelier the values.
    fn dashes(&self, kinds: &[Kind], wide: usize, extra: usize, values: &[&str]) -> usize {
        let pieces = self.places.get(wide..=wide + extra).unwrap_or_default();
        let inside = pieces
            .iter()
            .filter(|&&(start, end)| self.text(start, end) == "-")
            .count();
        let shaped = |(value, kind): &(&&str, &Kind)| **value == "-" && kind.shaped();
        inside + values.iter().zip(kinds).filter(shaped).count()
    }
}
