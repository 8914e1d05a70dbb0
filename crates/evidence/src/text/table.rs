//! Rows on their way into batches, with what is told about them.

use std::collections::HashSet;
use std::sync::Arc;

use encoding_rs::WINDOWS_1252;
use vigie_event::{BatchBuilder, EventBatch, Source, Timestamp, Want, WholeRows};

use super::csv::Row;
use super::ledger::{Ledger, Reason};
use super::lines::Line;
use super::whole::{Layout, Split};
use crate::Observation;
use crate::format::{Context, Outcome};
use crate::message::{Code, Message};

/// Columns a table may have. The widest Exchange log has 92.
pub(super) const MAX_COLUMNS: usize = 1_024;
/// Columns that keys inside a value may add.
pub(super) const MAX_KEY_COLUMNS: usize = 64;
/// Facts one file may tell.
const MAX_OBSERVATIONS: usize = 1_000;

/// Collects the rows of one file and hands over batches of bounded size.
pub(super) struct Table<'a> {
    context: &'a Context<'a>,
    emit: &'a mut dyn FnMut(EventBatch),
    source: Source,
    /// The rows being collected.
    pub(super) builder: BatchBuilder,
    /// What will be told about the file.
    pub(super) outcome: Outcome,
    /// Where the lines went.
    pub(super) ledger: Ledger,
    host: Host,
    key_columns: usize,
    /// Where whole rows are to be had, while columns are left out.
    whole: Option<Arc<Split>>,
}

/// The columns of a header.
#[derive(Debug)]
pub(super) struct Columns {
    layout: Layout,
    /// By position in a row.
    names: Arc<[String]>,
    /// Positions in a row and columns of the batch: of all, or of those somebody asks for.
    wanted: Vec<(usize, usize)>,
    /// Columns that nobody asks for are left out.
    sparing: bool,
}

impl Columns {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }
}

/// The machine's name that the last rows gave, counted here so that not every row searches the list.
#[derive(Default)]
struct Host {
    name: String,
    rows: u64,
    field: &'static str,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        source: Source,
        context: &'a Context<'a>,
        emit: &'a mut dyn FnMut(EventBatch),
    ) -> Table<'a> {
        Table {
            context,
            emit,
            source,
            builder: BatchBuilder::new(source).file(context.file.id),
            outcome: Outcome::default(),
            ledger: Ledger::default(),
            host: Host::default(),
            key_columns: 0,
            whole: None,
        }
    }

    /// Starts over with columns of these names, in this order. The rows collected so far are handed over with their
    /// own columns. Columns that nobody asks for are left out, where `sparing` allows it.
    pub(super) fn columns<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str>,
        layout: Layout,
        sparing: bool,
    ) -> Columns {
        self.flush();
        self.builder = BatchBuilder::new(self.source).file(self.context.file.id);
        self.key_columns = 0;
        let mut seen = HashSet::new();
        let names: Arc<[String]> = names
            .enumerate()
            .map(|(position, name)| {
                let name = name.trim();
                if usable(name) && seen.insert(name.to_ascii_lowercase()) {
                    name.to_owned()
                } else {
                    nameless(position)
                }
            })
            .collect();
        let projection = self.context.projection.filter(|_| sparing);
        let table = self.source.default_table();
        let wants = |name: &str| {
            projection.is_none_or(|projection| projection.wants(self.source, table, None, name) == Want::Yes)
        };
        let mut wanted = Vec::new();
        for (position, name) in names.iter().enumerate() {
            if wants(name) {
                wanted.push((position, self.builder.column(name)));
            }
        }
        let sparing = projection.is_some();
        self.whole = sparing.then(|| {
            Arc::new(Split {
                layout,
                names: Arc::clone(&names),
            })
        });
        Columns {
            layout,
            names,
            wanted,
            sparing,
        }
    }

    /// Sets the values of the row begun last: all, unless they can be had again out of the line.
    pub(super) fn set_row(&mut self, columns: &Columns, row: &Row<'_>, line: &Line<'_>) {
        let layout = columns.layout;
        let is_whole =
            !columns.sparing || line.text.is_none() || !row.is_plain() || row.len() > columns.len();
        if !is_whole {
            self.builder.set_line(row.line);
        }
        if !is_whole || columns.wanted.len() == columns.len() {
            for &(position, column) in &columns.wanted {
                let value = row.get(position);
                if !layout.is_none(value) {
                    self.builder.set(column, value);
                }
            }
            return;
        }
        self.set_all(columns, row.iter());
    }

    /// Sets all values of the row begun last.
    pub(super) fn set_all<'v>(&mut self, columns: &Columns, values: impl Iterator<Item = &'v str>) {
        for (value, name) in values.zip(&*columns.names) {
            if !columns.layout.is_none(value) {
                let column = self.builder.column(name);
                self.builder.set(column, value);
            }
        }
    }

    /// The column for a key found inside a value; `None` when the name is taken by the table itself or there are
    /// too many keys already.
    pub(super) fn key_column(
        &mut self,
        key: &str,
        known: &mut std::collections::HashMap<String, usize>,
    ) -> Option<usize> {
        if let Some(&column) = known.get(key) {
            return Some(column);
        }
        if !usable(key) || self.key_columns >= MAX_KEY_COLUMNS {
            return None;
        }
        self.key_columns += 1;
        let column = self.builder.column(key);
        known.insert(key.to_owned(), column);
        Some(column)
    }

    /// Starts a row.
    pub(super) fn begin_row(&mut self, time: Option<Timestamp>, line: &Line<'_>) {
        if let Some((_, block)) = line.text {
            self.builder.share(block);
        }
        self.builder.begin_row(time, line.number, line.offset);
        self.outcome.saw(time);
        if time.is_none() {
            self.ledger
                .count(Reason::NoTime, line.number, line.bytes.len() as u64);
        }
    }

    /// Ends the row, and the batch when it is large enough.
    pub(super) fn end_row(&mut self) {
        self.builder.end_row();
        let limits = self.context.limits;
        if self.builder.rows() >= limits.batch_rows || self.builder.bytes() >= limits.batch_bytes {
            self.flush();
        }
    }

    /// Hands over what was collected.
    fn flush(&mut self) {
        let rows = self.builder.rows() as u64;
        if rows == 0 {
            return;
        }
        match self.builder.finish() {
            Ok(batch) => (self.emit)(match &self.whole {
                Some(whole) => batch.with_whole_rows(Arc::clone(whole) as Arc<dyn WholeRows>),
                None => batch,
            }),
            Err(error) => {
                let why = Message::new(Code::RowsNoBatch, [("cause", error.to_string().into())]);
                self.outcome.skip(why, rows, 0, || "a whole batch".to_owned());
            }
        }
    }

    /// Counts a row that names its machine.
    pub(super) fn host(&mut self, name: &str, field: &'static str) {
        if name.is_empty() {
            return;
        }
        if self.host.name != name || self.host.field != field {
            self.count_host();
            name.clone_into(&mut self.host.name);
            self.host.field = field;
        }
        self.host.rows += 1;
    }

    fn count_host(&mut self) {
        let Host { name, rows, field } = std::mem::take(&mut self.host);
        if rows == 0 {
            return;
        }
        self.outcome.host(&name, field);
        if rows > 1 {
            let known = &mut self.outcome.hosts;
            if let Some(entry) = known.iter_mut().find(|entry| entry.0 == name && entry.2 == field) {
                entry.1 += rows - 1;
            }
        }
    }

    /// Notes a fact, once per value.
    pub(super) fn observe(&mut self, kind: &str, value: &str, time: Option<Timestamp>, line: u64) {
        let known = &mut self.outcome.observations;
        if known.len() < MAX_OBSERVATIONS
            && !known.iter().any(|fact| fact.kind == kind && fact.value == value)
        {
            known.push(Observation {
                kind: kind.to_owned(),
                value: value.to_owned(),
                time,
                at: Some(format!("line {line}")),
            });
        }
    }

    /// Hands over the last rows and tells about the file.
    pub(super) fn finish(mut self, lines: super::lines::Lines<'_>) -> (Outcome, Ledger) {
        self.flush();
        self.count_host();
        lines.report(&mut self.outcome, &mut self.ledger);
        self.ledger
            .report(&mut self.outcome, self.context.limits.line_bytes);
        (self.outcome, self.ledger)
    }
}

/// The name of a column that has none: `_Column27` for the 27th.
pub(super) fn nameless(position: usize) -> String {
    format!("_Column{}", position + 1)
}

/// Whether a column may have this name: the first columns of every batch, and ours, keep theirs.
fn usable(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('_') && !name.eq_ignore_ascii_case("TimeGenerated")
}

/// The line as text. What is not UTF-8 is read as Windows-1252, the encoding of western ANSI logs, and counted.
pub(super) fn text<'l>(line: &Line<'l>, decoded: &'l mut String, ledger: &mut Ledger) -> &'l str {
    if let Some((text, _)) = line.text {
        return text;
    }
    match std::str::from_utf8(line.bytes) {
        Ok(text) => text,
        Err(_) => {
            ledger.count(Reason::Windows1252, line.number, line.bytes.len() as u64);
            decoded.clear();
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(line.bytes);
            decoded.push_str(&text);
            decoded
        }
    }
}
