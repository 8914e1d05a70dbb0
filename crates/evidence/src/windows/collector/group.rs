//! The rows of one event type on their way into a batch.

use std::sync::Arc;

use vigie_event::{BatchBuilder, EventType, FileId, Source, Want};

use super::Sparing;
use crate::Limits;
use crate::windows::fields::{FieldId, Fields};

/// Bytes a value takes in a column besides its text.
const VALUE_BYTES: usize = 16;

/// A builder with what is known of its columns.
pub(super) struct Group {
    pub(super) source: Source,
    pub(super) table: &'static str,
    pub(super) event: Option<EventType>,
    pub(super) builder: BatchBuilder,
    /// No other group has it, of those before it neither.
    pub(super) serial: u64,
    /// By field: where its values go.
    pub(super) columns: Vec<Column>,
    pub(super) column_count: usize,
    /// Bytes of values that were copied since the last batch.
    pub(super) copied: usize,
    /// What of its bytes the collector has counted.
    pub(super) counted: usize,
    /// How often batches were handed over when the columns were filled that have one value in all rows.
    pub(super) filled: Option<u64>,
}

/// Where the values of a field go.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::windows) enum Column {
    /// It had no value yet.
    #[default]
    Unknown,
    /// Nobody asks for them.
    Unwanted,
    At {
        column: u32,
        want: Want,
    },
}

impl Group {
    pub(super) fn is(&self, key: &Key<'_>) -> bool {
        self.source == key.source
            && self.table == key.table
            && match &self.event {
                None => key.event.is_none(),
                Some(event) => key.event == Some((&*event.channel, &*event.provider, event.event_id)),
            }
    }

    pub(super) fn new(key: &Key<'_>, file: FileId, serials: &mut u64) -> Group {
        *serials += 1;
        let event = key.event.map(|(channel, provider, event_id)| EventType {
            channel: Arc::from(channel),
            provider: Arc::from(provider),
            event_id,
        });
        let mut builder = BatchBuilder::new(key.source)
            .table(key.table.to_owned())
            .file(file);
        if let Some(event) = &event {
            builder = builder.event_type(event.clone());
        }
        Group {
            source: key.source,
            table: key.table,
            event,
            builder,
            serial: *serials,
            columns: Vec::new(),
            column_count: 0,
            copied: 0,
            counted: 0,
            filled: None,
        }
    }

    /// Ends the row begun last and says by how many bytes its rows have grown, without the text they share with
    /// others.
    pub(super) fn end_row(&mut self) -> usize {
        self.builder.end_row();
        let bytes = self.builder.rows() * (24 + self.column_count * VALUE_BYTES) + self.copied;
        let grown = bytes.saturating_sub(self.counted);
        self.counted = bytes;
        grown
    }

    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.builder.rows() >= limits.batch_rows || self.counted >= limits.batch_bytes
    }

    /// The column of a field, if it is asked for.
    pub(super) fn column(
        &mut self,
        fields: &Fields,
        field: FieldId,
        sparing: Option<&Sparing<'_>>,
    ) -> Option<(usize, Want)> {
        match self.columns.get(field.index()).copied().unwrap_or_default() {
            Column::At { column, want } => Some((column as usize, want)),
            Column::Unwanted => None,
            Column::Unknown => self.new_column(fields, field, sparing),
        }
    }

    #[cold]
    fn new_column(
        &mut self,
        fields: &Fields,
        field: FieldId,
        sparing: Option<&Sparing<'_>>,
    ) -> Option<(usize, Want)> {
        let name = fields.name(field);
        let want = match sparing {
            // A system value that gave way to the event's own tells that the own one is no system value.
            Some(sparing) if !ALWAYS.contains(&fields.canonical(field)) && !name.starts_with("System_") => {
                sparing
                    .projection
                    .wants(self.source, self.table, self.event.as_ref(), name)
            }
            _ => Want::Yes,
        };
        if self.columns.len() <= field.index() {
            self.columns.resize(field.index() + 1, Column::Unknown);
        }
        let slot = self.columns.get_mut(field.index())?;
        if want == Want::No {
            *slot = Column::Unwanted;
            return None;
        }
        let column = self.builder.column(name);
        self.column_count += 1;
        *slot = Column::At {
            column: u32::try_from(column).unwrap_or(u32::MAX),
            want,
        };
        Some((column, want))
    }

    pub(super) fn set(
        &mut self,
        fields: &Fields,
        field: FieldId,
        value: &str,
        sparing: Option<&Sparing<'_>>,
    ) {
        if let Some((column, _)) = self.column(fields, field, sparing) {
            self.builder.set(column, value);
            self.copied += value.len();
        }
    }
}

/// What the rows of one batch share.
#[derive(Hash)]
pub(super) struct Key<'k> {
    pub(super) source: Source,
    pub(super) table: &'static str,
    pub(super) event: Option<(&'k str, &'k str, u32)>,
}

/// The columns that every row has: what it is, and whose.
const ALWAYS: [FieldId; 4] = [
    FieldId::CHANNEL,
    FieldId::PROVIDER_NAME,
    FieldId::EVENT_ID,
    FieldId::COMPUTER,
];
/// The columns that have one value in all rows of an event type.
pub(super) const CONSTANTS: [FieldId; 3] = [FieldId::CHANNEL, FieldId::PROVIDER_NAME, FieldId::EVENT_ID];
