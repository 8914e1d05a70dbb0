//! Rows of one document, handed over in batches of bounded size.

use vigie_event::{BatchBuilder, EventBatch, Source, Timestamp};

use super::text::Text;
use crate::Observation;
use crate::format::{Context, Outcome};

/// Facts one file may tell; a hostile file must not fill the memory with them.
const MAX_OBSERVATIONS: usize = 10_000;

/// Collects rows of one source.
pub(super) struct Rows<'a> {
    pub(super) outcome: Outcome,
    pub(super) context: &'a Context<'a>,
    builder: BatchBuilder,
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
            builder: BatchBuilder::new(source).file(context.file.id),
            sink,
        }
    }

    /// Says in which order columns stand. Others come after them.
    pub(super) fn layout(&mut self, columns: &[&str]) {
        for column in columns {
            self.builder.column(column);
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
        self.builder.begin_row(time, line, offset);
        for (name, value) in values {
            if !value.is_empty() {
                let column = self.builder.column(name);
                self.builder.set(column, value);
            }
        }
        self.builder.end_row();
        self.outcome.saw(time);
        let limits = self.context.limits;
        if self.builder.rows() >= limits.batch_rows || self.builder.bytes() >= limits.batch_bytes {
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
            let why = "bytes that are no text in the file's encoding; replaced";
            self.outcome
                .skip(why, 0, 0, || "somewhere in the file".to_owned());
        }
    }

    pub(super) fn finish(mut self) -> Outcome {
        self.flush();
        self.outcome
    }

    fn flush(&mut self) {
        if self.builder.rows() == 0 {
            return;
        }
        match self.builder.finish() {
            Ok(batch) => (self.sink)(batch),
            Err(error) => {
                let why = format!("rows that could not be put into columns: {error}");
                self.outcome.skip(&why, 0, 0, || "batch".to_owned());
            }
        }
    }
}
