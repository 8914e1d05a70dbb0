//! Tables as CSV, as `Export-Csv`, MFTECmd and Velociraptor write them.
//!
//! In a UTF-16 file offsets count the decoded text.

use std::collections::HashMap;
use std::io::Read;

use ::csv::{self, ReaderBuilder, StringRecord, Terminator};

use super::text::{Text, head_text};
use crate::format::{Head, Outcome};
use crate::message::{Code, Message};

/// Columns one table may have.
const MAX_COLUMNS: usize = 1_024;

/// A table whose columns are known by their header.
pub(super) struct Table<'a> {
    reader: csv::Reader<Text<'a>>,
    header: Vec<String>,
    /// Positions of columns by their name, as it is spelled and in lower case.
    columns: HashMap<String, usize>,
    record: StringRecord,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) offset: u64,
}

impl<'a> Table<'a> {
    /// Reads up to the header. Records have at most `cap` bytes.
    pub(super) fn open(input: &'a mut dyn Read, cap: usize, outcome: &mut Outcome) -> Table<'a> {
        let mut table = Table {
            reader: reader(Text::new(input, cap)),
            header: Vec::new(),
            columns: HashMap::new(),
            record: StringRecord::new(),
        };
        while table.next(outcome).is_some() {
            if !is_remark(&table.record) {
                table.header = header(&table.record);
                for (index, name) in table.header.iter().enumerate() {
                    for spelling in [name.clone(), name.to_ascii_lowercase()] {
                        table.columns.entry(spelling).or_insert(index);
                    }
                }
                break;
            }
        }
        table
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The decoder below.
    pub(super) fn text(&self) -> &Text<'a> {
        self.reader.get_ref()
    }

    /// Goes to the next row. One that cannot be read ends the table and is counted.
    pub(super) fn next(&mut self, outcome: &mut Outcome) -> Option<Place> {
        loop {
            self.reader.get_mut().begin_piece();
            let before = self.reader.position().line();
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    let why = Message::new(Code::RestUnread, [("cause", error.to_string().into())]);
                    outcome.skip(why, 0, 0, || format!("line {before}"));
                    return None;
                }
            }
            let place = self.record.position();
            let place = Place {
                line: place.map_or(before, csv::Position::line).max(1),
                offset: place.map_or(0, csv::Position::byte),
            };
            // Files put together repeat their header.
            if !self.header.is_empty() && header(&self.record) == self.header {
                continue;
            }
            let is_blank = self.record.iter().all(|value| value.trim().is_empty());
            if is_blank {
                continue;
            }
            if !self.header.is_empty() && self.record.len() != self.header.len() {
                let why = Code::RowOtherColumns;
                outcome.skip(why, 0, 0, || format!("line {}", place.line));
            }
            return Some(place);
        }
    }

    /// A value of the row gone to last, empty when it has none.
    pub(super) fn get(&self, name: &str) -> &str {
        let column = self.columns.get(name).copied().or_else(|| {
            let lower = name.to_ascii_lowercase();
            self.columns.get(&lower).copied()
        });
        column.map_or("", |column| clean(self.record.get(column).unwrap_or_default()))
    }
}

/// Without the carriage return the reader leaves at the end of a row.
fn clean(value: &str) -> &str {
    value.trim_matches(['\r', '\0']).trim()
}

fn header(record: &StringRecord) -> Vec<String> {
    record
        .iter()
        .take(MAX_COLUMNS)
        .map(|name| clean(name).to_owned())
        .collect()
}

fn is_remark(record: &StringRecord) -> bool {
    record.get(0).is_some_and(|first| first.starts_with("#TYPE"))
}

fn reader<R: Read>(input: R) -> csv::Reader<R> {
    // With lines ending in CR LF the reader's own terminator puts each record's position before the LF.
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .from_reader(input)
}

/// The column names of a file that may be a table.
pub(super) fn header_of(head: &Head<'_>) -> Option<Vec<String>> {
    let text = head_text(head.bytes);
    let start = text.trim_start();
    if start.starts_with(['{', '[', '<']) || start.contains('\0') {
        return None;
    }
    let mut reader = reader(start.as_bytes());
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).unwrap_or(false) {
        if !is_remark(&record) {
            return Some(header(&record));
        }
    }
    None
}

/// Whether a header has all these columns, whatever their case.
pub(super) fn has(header: &[String], columns: &[&str]) -> bool {
    columns
        .iter()
        .all(|wanted| header.iter().any(|column| column.eq_ignore_ascii_case(wanted)))
}
