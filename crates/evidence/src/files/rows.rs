//! Rows of one document, handed over in batches of bounded size.

use vigie_event::{BatchBuilder, EventBatch, Source, Timestamp};

use super::text::Text;
use crate::Observation;
use crate::format::{Context, Outcome};
use crate::message::{Code, Message};

/// Facts one file may tell; a hostile file must not fill the memory with them.
const MAX_OBSERVATIONS: usize = 10_000;

/// Collects rows of a format's own source, and of a second one where the same line is evidence of two kinds.
pub(super) struct Rows<'a> {
    pub(super) outcome: Outcome,
    pub(super) context: &'a Context<'a>,
    source: Source,
    builders: Vec<(Source, BatchBuilder)>,
    sink: &'a mut dyn FnMut(EventBatch),
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        source: Source,
        context: &'a Context<'a>,
        sink: &'a mut dyn FnMut(EventBatch),
    ) -> Rows<'a> {
        Rows {
            outcome: Outcome::default(),
            context,
            source,
            builders: Vec::new(),
            sink,
        }
    }

    fn builder(&mut self, source: Source) -> &mut BatchBuilder {
        let known = self.builders.iter().position(|(known, _)| *known == source);
        let index = known.unwrap_or_else(|| {
            let builder = BatchBuilder::new(source).file(self.context.file.id);
            self.builders.push((source, builder));
            self.builders.len() - 1
        });
        &mut self.builders[index].1
    }

    /// Says in which order columns stand. Others come after them.
    pub(super) fn layout(&mut self, columns: &[&str]) {
        let builder = self.builder(self.source);
        for column in columns {
            builder.column(column);
        }
    }

    /// One row. Values that are empty are left out.
    pub(super) fn row<'v>(
        &mut self,
        time: Option<Timestamp>,
        line: u64,
        offset: u64,
        values: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) {
        self.row_of(self.source, time, line, offset, values);
    }

    /// One row of another source.
    pub(super) fn row_of<'v>(
        &mut self,
        source: Source,
        time: Option<Timestamp>,
        line: u64,
        offset: u64,
        values: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) {
        let limits = self.context.limits;
        let builder = self.builder(source);
        builder.begin_row(time, line, offset);
        for (name, value) in values {
            if !value.is_empty() {
                let column = builder.column(name);
                builder.set(column, value);
            }
        }
        builder.end_row();
        let is_full = builder.rows() >= limits.batch_rows || builder.bytes() >= limits.batch_bytes;
        self.outcome.saw(time);
        if is_full {
            self.flush();
        }
    }

    /// A fact about the server.
    pub(super) fn observe(&mut self, kind: &str, value: &str, time: Option<Timestamp>, line: u64) {
        let seen = self
            .outcome
            .observations
            .iter()
            .any(|known| known.kind == kind && known.value == value && known.time == time);
        if !seen && self.outcome.observations.len() < MAX_OBSERVATIONS {
            self.outcome.observations.push(Observation {
                kind: kind.to_owned(),
                value: value.to_owned(),
                time,
                at: Some(format!("line {line}")),
            });
        }
    }

    /// Says what only the decoder knows.
    pub(super) fn decoded(&mut self, text: &Text<'_>) {
        if text.replaced() {
            let why = Code::BytesNoText;
            self.outcome
                .skip(why, 0, 0, || "somewhere in the file".to_owned());
        }
    }

    pub(super) fn finish(mut self) -> Outcome {
        self.flush();
        self.outcome
    }

    fn flush(&mut self) {
        for (_, builder) in self.builders.iter_mut().filter(|(_, builder)| builder.rows() > 0) {
            match builder.finish() {
                Ok(batch) => (self.sink)(batch),
                Err(error) => {
                    let why = Message::new(Code::RowsNotColumns, [("cause", error.to_string().into())]);
                    self.outcome.skip(why, 0, 0, || "batch".to_owned());
                }
            }
        }
    }
}
