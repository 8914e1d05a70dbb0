//! Rows of a text log with all their columns, split again out of their lines.

use std::sync::Arc;

use vigie_event::{BatchBuilder, EventBatch, RowRef, WholeRows};

use super::csv::{Fields, Row};

/// How the lines of a log are split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// At spaces; `-` means none.
    W3c,
    /// At commas, with quotes.
    Csv,
}

impl Layout {
    fn split<'a>(self, fields: &'a mut Fields, line: &'a str) -> Row<'a> {
        match self {
            Layout::W3c => fields.split_plain(line, b' '),
            Layout::Csv => fields.split_csv(line),
        }
    }

    /// Whether a field says that there is no value.
    pub(super) fn is_none(self, value: &str) -> bool {
        value.is_empty() || (self == Layout::W3c && value == "-")
    }
}

/// The columns of all lines of a batch.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) layout: Layout,
    /// By position in a line.
    pub(super) names: Arc<[String]>,
}

impl WholeRows for Split {
    fn row(&self, row: RowRef<'_>) -> Option<EventBatch> {
        let batch = row.batch();
        let line = batch.line(row.index())?;
        let mut builder = BatchBuilder::new(batch.source());
        builder.begin_row(row.time(), row.record(), row.offset());
        let mut fields = Fields::default();
        for (value, name) in self.layout.split(&mut fields, line).iter().zip(&*self.names) {
            let column = builder.column(name);
            if !self.layout.is_none(value) {
                builder.set(column, value);
            }
        }
        // What was taken out of the values has columns of its own.
        for (name, value) in row.fields() {
            let column = builder.column(name);
            builder.set(column, value);
        }
        builder.end_row();
        builder.finish().ok()
    }
}
