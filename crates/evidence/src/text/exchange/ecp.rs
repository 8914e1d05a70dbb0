//! The ECP logs: `EventData`, a list of typed values, taken apart.
//!
//! `S:TIME=31;S:CMD=Get-OabVirtualDirectory.Identity=$null;S:URL=/ecp/DDI/...;Dbl:WLM.TS=16`: type, key, value. Values
//! are not escaped and may hold semicolons, so a value ends only where a semicolon is followed by a type and a key, and
//! the command only outside of its quotes.

use std::collections::HashMap;

use memchr::memmem::Finder;
use memchr::{memchr_iter, memchr2_iter};

use super::reader::Extra;
use crate::text::csv::{self, Row};
use crate::text::ledger::Reason;
use crate::text::lines::Line;
use crate::text::table::Table;
use crate::text::w3c::ends_canary;

/// The longest key that becomes a column.
const KEY: usize = 64;
/// The types a value may have.
const TYPES: [&str; 9] = ["S", "I32", "I64", "Dbl", "F", "B", "Dt", "D", "G"];

/// Takes the text values (`S:`) out of `EventData`; the column itself stays whole.
pub(super) struct EventData {
    data: Option<usize>,
    columns: HashMap<String, usize>,
    canary: Finder<'static>,
}

impl Default for EventData {
    fn default() -> EventData {
        EventData {
            data: None,
            columns: HashMap::new(),
            canary: Finder::new("msExchEcpCanary="),
        }
    }
}

impl Extra for EventData {
    fn header(&mut self, names: &[String]) {
        self.data = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case("EventData"));
        self.columns.clear();
    }

    fn row(&mut self, row: &Row<'_>, line: &Line<'_>, table: &mut Table<'_>) {
        let Some(position) = self.data else {
            return;
        };
        let data = row.get(position);
        let mut left_out = false;
        each_text(data, |key, value| {
            match table.key_column(key, &mut self.columns) {
                Some(column) => table.builder.set(column, value),
                None => left_out = true,
            }
        });
        if left_out {
            table
                .ledger
                .count(Reason::ManyKeys, line.number, line.bytes.len() as u64);
        }
        if let Some(canary) = csv::after(data, &self.canary, ends_canary) {
            let column = table.builder.column("msExchEcpCanary");
            table.builder.set(column, canary);
        }
    }
}

/// Calls back for each text value that is not empty.
fn each_text(data: &str, mut found: impl FnMut(&str, &str)) {
    let mut next = key_at(data, 0).or_else(|| Some(next_key(data, 0, false)?.1));
    let mut command_seen = false;
    while let Some(key) = next {
        let name = data.get(key.start..key.end).unwrap_or_default();
        let is_command = name == "CMD" && !command_seen;
        command_seen |= is_command;
        let start = key.end + 1;
        let following = if is_command {
            after_command(data, start)
        } else {
            next_key(data, start, false)
        };
        let end = following.map_or(data.strip_suffix(';').unwrap_or(data).len(), |(end, _)| end);
        let value = data.get(start..end).unwrap_or_default();
        if key.text && !value.is_empty() {
            found(name, value);
        }
        next = following.map(|(_, key)| key);
    }
}

/// The key after a command. The command's own values are quoted, with quotes in them doubled: what looks like a key
/// inside of quotes was put there by whoever chose the value, and must not hide the rest of it.
fn after_command(data: &str, start: usize) -> Option<(usize, Key)> {
    next_key(data, start, true).or_else(|| {
        let rest = data.as_bytes().get(start..).unwrap_or_default();
        let balanced = memchr_iter(b'\'', rest).count().is_multiple_of(2);
        if balanced {
            None
        } else {
            next_key(data, start, false)
        }
    })
}

/// The next key and the semicolon before it; outside of single quotes, when asked.
fn next_key(data: &str, from: usize, unquoted: bool) -> Option<(usize, Key)> {
    let rest = data.as_bytes().get(from..)?;
    let mut quoted = false;
    for place in memchr2_iter(b';', b'\'', rest) {
        if rest.get(place) == Some(&b'\'') {
            quoted = unquoted && !quoted;
        } else if !quoted && let Some(key) = key_at(data, from + place + 1) {
            return Some((from + place, key));
        }
    }
    None
}

/// Where a key is, and whether its value is text.
#[derive(Debug, Clone, Copy)]
struct Key {
    start: usize,
    end: usize,
    text: bool,
}

/// The type and key at this place.
fn key_at(data: &str, at: usize) -> Option<Key> {
    let rest = data.get(at..)?;
    let kind = TYPES
        .into_iter()
        .find(|kind| rest.strip_prefix(kind).is_some_and(|rest| rest.starts_with(':')))?;
    let start = at + kind.len() + 1;
    let length = data
        .as_bytes()
        .get(start..)?
        .iter()
        .take(4 * KEY)
        .position(|&byte| byte == b'=')?;
    let key = data.get(start..start + length)?;
    let text = kind == "S" && length <= KEY;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    // Keys of numbers name what was measured, in brackets: any printable text.
    let fits = if kind == "S" {
        key.bytes().all(allowed)
    } else {
        !key.contains([';', '\''])
    };
    (!key.is_empty() && fits).then_some(Key {
        start,
        end: start + length,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(data: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        each_text(data, |key, value| pairs.push((key.to_owned(), value.to_owned())));
        pairs
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn text_values_are_taken_and_numbers_end_them() {
        assert_eq!(
            pairs("S:TIME=31;S:SID=;S:CMD=Get-X.A=$true;Dbl:MAPI.T[EX01.a b]=3;S:EX=;S:BLD=15.1.2106.2;"),
            [
                pair("TIME", "31"),
                pair("CMD", "Get-X.A=$true"),
                pair("BLD", "15.1.2106.2")
            ]
        );
        assert_eq!(pairs(""), []);
        assert_eq!(pairs("free text; no keys"), []);
    }

    #[test]
    fn semicolons_inside_a_value_do_not_end_it() {
        assert_eq!(
            pairs("S:CMD=Set-X.ExternalUrl='http://f/;x=1;S :y';S:URL=/ecp/?a=1;b=2;S:EX="),
            [
                pair("CMD", "Set-X.ExternalUrl='http://f/;x=1;S :y'"),
                pair("URL", "/ecp/?a=1;b=2")
            ]
        );
    }

    #[test]
    fn a_key_inside_the_quotes_of_a_command_hides_nothing() {
        let command = "Set-X.ExternalUrl='http://f/;S:A=1;it''s'.Identity='b'";
        assert_eq!(
            pairs(&format!("S:CMD={command};S:URL=/ecp/")),
            [pair("CMD", command), pair("URL", "/ecp/")]
        );
        assert_eq!(pairs(&format!("S:CMD={command};")), [pair("CMD", command)]);
        // A quote that is never closed does not swallow the keys after it.
        assert_eq!(
            pairs("S:CMD=Set-X.A='cut;S:URL=/ecp/"),
            [pair("CMD", "Set-X.A='cut"), pair("URL", "/ecp/")]
        );
        assert_eq!(
            pairs("S:EX=can't;S:URL=/ecp/"),
            [pair("EX", "can't"), pair("URL", "/ecp/")]
        );
    }
}
