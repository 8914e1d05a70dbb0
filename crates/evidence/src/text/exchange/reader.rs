//! The CSV reader of all Exchange logs.
//!
//! A header is a bare CSV line, a `#Fields:` directive, or both; it may repeat and change inside a file (after a
//! process recycle, after an update). The last one counts, and columns are found by name. Every other line that
//! starts with `#` is a directive. Times are ISO 8601, UTC.

use std::io::Read;

use vigie_event::{EventBatch, Source, Timestamp, parse_utc};

use super::dialect;
use crate::format::{Context, Outcome};
use crate::text::csv::{Fields, Row};
use crate::text::ledger::{Ledger, Reason};
use crate::text::lines::{Line, Lines};
use crate::text::table::{self, Columns, MAX_COLUMNS, Table, nameless};
use crate::text::whole::Layout;

/// What one log has of its own.
pub(super) struct Dialect {
    /// The column that names the machine that wrote the row.
    pub(super) host: Option<&'static str>,
    /// The layout of a row that has no header, when its shape tells.
    pub(super) layout: fn(&Row<'_>) -> Option<Guess>,
    /// Lines that are no rows are text to keep, in `Message`.
    pub(super) free_text: bool,
    /// Columns taken out of values.
    pub(super) extra: Box<dyn Extra>,
}

/// A layout told by the shape of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guess {
    /// The columns' names.
    pub(super) names: &'static [&'static str],
    /// More fields than names are expected.
    pub(super) open: bool,
}

/// Takes more out of the values of a row.
pub(super) trait Extra {
    /// Whether what it takes out is a piece of the line as it stands, and found without the columns.
    fn is_in_the_line(&self) -> bool {
        false
    }
    /// The value of `#Log-type:`.
    fn log_type(&mut self, value: &str) {
        let _ = value;
    }
    /// The columns' names from here on.
    fn header(&mut self, names: &[String]);
    /// A row was begun and its fields are set.
    fn row(&mut self, row: &Row<'_>, line: &Line<'_>, table: &mut Table<'_>);
}

/// For logs whose fields say it all.
pub(super) struct Nothing;

impl Extra for Nothing {
    fn is_in_the_line(&self) -> bool {
        true
    }
    fn header(&mut self, _: &[String]) {}
    fn row(&mut self, _: &Row<'_>, _: &Line<'_>, _: &mut Table<'_>) {}
}

/// The header in force.
struct Header {
    names: Vec<String>,
    columns: Columns,
    time: usize,
    host: Option<usize>,
    /// It was told by the shape of a row, and the next row may have another.
    guess: Option<Guess>,
}

struct Reader<'a> {
    table: Table<'a>,
    dialect: Dialect,
    header: Option<Header>,
    header_fields: Fields,
    /// A `#Version:` that waits for its time: value and line.
    version: Option<(String, u64)>,
}

/// The names a time column has in these logs.
const TIMES: [&str; 3] = ["DateTime", "TimeStamp", "date-time"];

/// Reads a whole log.
pub(in crate::text) fn read<'a>(
    source: Source,
    input: &mut dyn Read,
    context: &'a Context<'a>,
    emit: &'a mut dyn FnMut(EventBatch),
) -> (Outcome, Ledger) {
    let mut reader = Reader {
        table: Table::new(source, context, emit),
        dialect: dialect(source),
        header: None,
        header_fields: Fields::default(),
        version: None,
    };
    let mut lines = Lines::new(input, context.limits.line_bytes).quoted();
    let (mut fields, mut decoded) = (Fields::default(), String::new());
    while let Some(line) = lines.next(&mut reader.table.ledger) {
        let text = table::text(&line, &mut decoded, &mut reader.table.ledger);
        if let Some(directive) = text.strip_prefix('#') {
            reader.directive(directive, &line);
        } else if is_header(text) {
            reader.table.ledger.directives += 1;
            reader.header(text, &line);
        } else {
            reader.row(&fields.split_csv(text), &line);
        }
    }
    reader.observe_version(None);
    reader.table.finish(lines)
}

/// Whether the line is a bare header: its first field is the name of a time column.
pub(super) fn is_header(line: &str) -> bool {
    let first = line.split(',').next().unwrap_or_default().trim_matches('"');
    first.len() < line.len() && TIMES.iter().any(|name| name.eq_ignore_ascii_case(first))
}

/// A whole time; a time that was cut off is none.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    (text.len() >= "2021-03-03T06:49".len())
        .then(|| parse_utc(text))
        .flatten()
}

impl Reader<'_> {
    fn directive(&mut self, directive: &str, line: &Line<'_>) {
        self.table.ledger.directives += 1;
        let Some((name, value)) = directive.split_once(':') else {
            return;
        };
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("Fields") {
            self.header(value, line);
        } else if name.eq_ignore_ascii_case("Date") {
            self.observe_version(parse_utc(value));
        } else if name.eq_ignore_ascii_case("Log-type") {
            self.dialect.extra.log_type(value);
        } else if name.eq_ignore_ascii_case("Version") && is_build(value) {
            self.version = Some((value.to_owned(), line.number));
        }
    }

    fn observe_version(&mut self, time: Option<Timestamp>) {
        if let Some((version, line)) = self.version.take() {
            self.table.observe("exchange_build", &version, time, line);
        }
    }

    fn header(&mut self, text: &str, line: &Line<'_>) {
        let fields = std::mem::take(&mut self.header_fields);
        let mut fields = fields;
        let row = fields.split_csv(text);
        if row.len() > MAX_COLUMNS || text.is_empty() {
            self.table.ledger.directives -= 1;
            let bytes = line.bytes.len() as u64;
            self.table.ledger.count(Reason::WideHeader, line.number, bytes);
            self.header = None;
        } else {
            self.set_header(row.iter(), None);
        }
        self.header_fields = fields;
    }

    fn set_header<'n>(&mut self, names: impl Iterator<Item = &'n str> + Clone, guess: Option<Guess>) {
        if let Some(header) = &mut self.header
            && header
                .names
                .iter()
                .map(String::as_str)
                .eq(names.clone().map(str::trim))
        {
            header.guess = guess;
            return;
        }
        let names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
        let position = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        self.dialect.extra.header(&names);
        self.header = Some(Header {
            columns: self.table.columns(
                names.iter().map(String::as_str),
                Layout::Csv,
                guess.is_none() && self.dialect.extra.is_in_the_line(),
            ),
            time: TIMES.into_iter().find_map(position).unwrap_or(0),
            host: self.dialect.host.and_then(position),
            guess,
            names,
        });
    }

    fn row(&mut self, row: &Row<'_>, line: &Line<'_>) {
        if self.header.as_ref().is_none_or(|header| header.guess.is_some()) {
            match (self.dialect.layout)(row) {
                Some(guess) => self.set_header(guess.names.iter().copied(), Some(guess)),
                None => return self.not_a_row(Reason::NoHeader, row, line),
            }
        }
        let Some(header) = &self.header else {
            return;
        };
        let (time, wanted) = (time(row.get(header.time)), header.columns.len());
        if time.is_none() && (row.len() != wanted || self.dialect.free_text) {
            return self.not_a_row(Reason::NotARow, row, line);
        }
        self.table.begin_row(time, line);
        if row.len() < wanted || row.open() {
            let reason = if row.open() {
                Reason::OpenQuote
            } else {
                Reason::Short
            };
            self.table
                .ledger
                .count(reason, line.number, line.bytes.len() as u64);
        }
        self.table.set_row(&header.columns, row, line);
        if row.len() > wanted {
            let expected = header.guess.is_some_and(|guess| guess.open);
            overflow(&mut self.table, row, wanted, expected, line);
        }
        if let (Some(position), Some(field)) = (header.host, self.dialect.host) {
            self.table.host(row.get(position), field);
        }
        self.dialect.extra.row(row, line, &mut self.table);
        self.table.end_row();
        if self.version.is_some() && time.is_some() {
            self.observe_version(time);
        }
    }

    /// A line that has neither a readable time nor the fields of the header.
    fn not_a_row(&mut self, reason: Reason, row: &Row<'_>, line: &Line<'_>) {
        if !self.dialect.free_text {
            self.table
                .ledger
                .count(reason, line.number, line.bytes.len() as u64);
            return;
        }
        self.table.begin_row(None, line);
        let column = self.table.builder.column("Message");
        self.table.builder.set(column, row.line);
        self.dialect.extra.row(row, line, &mut self.table);
        self.table.end_row();
    }
}

/// Keeps the fields beyond those of the header, under their positions.
fn overflow(table: &mut Table<'_>, row: &Row<'_>, wanted: usize, expected: bool, line: &Line<'_>) {
    let mut values = (wanted..)
        .zip(row.iter().skip(wanted))
        .filter(|(_, value)| !value.is_empty());
    let mut any = false;
    for (position, value) in values
        .by_ref()
        .take_while(|&(position, _)| position < MAX_COLUMNS)
    {
        any = true;
        let column = table.builder.column(&nameless(position));
        table.builder.set(column, value);
    }
    if row.len() > MAX_COLUMNS {
        any = true;
        let column = table.builder.column("_Line");
        table.builder.set(column, row.line);
    }
    if any && !expected {
        table
            .ledger
            .count(Reason::Long, line.number, line.bytes.len() as u64);
    }
}

/// Whether a version is a build of Exchange and not the version of the log format: `15.01.2106.002`, not `15.0.0.0`.
fn is_build(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    matches!(
        (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next()
        ),
        (Some(Ok(_)), Some(Ok(_)), Some(Ok(1..)), Some(Ok(_)), None)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_told_from_format_versions() {
        assert!(is_build("15.01.2106.002"));
        assert!(!is_build("15.0.0.0"));
        assert!(!is_build("1.0"));
        assert!(!is_build("15.01.2106.002.1"));
    }

    #[test]
    fn headers_are_told_from_rows() {
        assert!(is_header("DateTime,RequestId"));
        assert!(is_header("\"TimeStamp\",\"ServerName\""));
        assert!(is_header("date-time,client-ip"));
        assert!(!is_header("DateTime"));
        assert!(!is_header("2021-03-03T06:49:46.210Z,x"));
    }

    #[test]
    fn a_time_that_was_cut_off_is_none() {
        assert!(time("2021-03-03T06:49:46.210Z").is_some());
        assert_eq!(time("2021-03-03"), None);
        assert_eq!(time("2021-03-03T06:4"), None);
    }
}
