//! Rows of one file gathered into batches, one builder for each event type.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use vigie_event::{BatchBuilder, EventBatch, EventType, Source};

use super::fields::{FieldId, Fields};
use super::row::{Row, Target};
use crate::Limits;
use crate::format::{Context, Outcome};

/// Bytes of rows held over all event types of one file, room their columns reserve included.
const MAX_HELD_BYTES: usize = 32 << 20;
/// Event types collected at once; at more, all are handed over and forgotten.
const MAX_GROUPS: usize = 1_024;
/// Columns a builder keeps for its next batch; one that grew wider starts afresh.
const MAX_KEPT_COLUMNS: usize = 256;
/// Bytes a value takes in a column besides its text.
const VALUE_BYTES: usize = 17;
/// Values up to this length are kept beside each other; a longer one makes its column reserve a block.
const SHORT_VALUE: usize = 12;
const BLOCK_BYTES: usize = 8 << 10;

/// Gathers rows into batches by table, channel, provider and event identifier.
pub(super) struct Collector<'a> {
    pub(super) fields: Fields,
    pub(super) row: Row,
    pub(super) outcome: Outcome,
    limits: &'a Limits,
    file: vigie_event::FileId,
    sink: &'a mut dyn FnMut(EventBatch),
    groups: Vec<Group>,
    by_hash: HashMap<u64, usize>,
    hasher: RandomState,
    held: usize,
}

struct Group {
    source: Source,
    table: &'static str,
    event: Option<EventType>,
    builder: BatchBuilder,
    /// By field: its column plus one, or zero.
    columns: Vec<u32>,
    column_count: usize,
    text_bytes: usize,
    /// By column: whether it has reserved a block since the last batch.
    has_block: Vec<bool>,
}

impl Group {
    fn is(&self, key: &Key<'_>) -> bool {
        self.source == key.source
            && self.table == key.table
            && match &self.event {
                None => key.event.is_none(),
                Some(event) => key.event == Some((&*event.channel, &*event.provider, event.event_id)),
            }
    }

    fn new(key: &Key<'_>, file: vigie_event::FileId) -> Group {
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
            columns: Vec::new(),
            column_count: 0,
            text_bytes: 0,
            has_block: Vec::new(),
        }
    }

    fn bytes(&self) -> usize {
        self.builder.rows() * (24 + self.column_count * VALUE_BYTES) + self.text_bytes
    }

    fn set(&mut self, fields: &Fields, field: FieldId, value: &str) {
        if self.columns.len() <= field.index() {
            self.columns.resize(field.index() + 1, 0);
        }
        let Some(slot) = self.columns.get_mut(field.index()) else {
            return;
        };
        if *slot == 0 {
            let column = self.builder.column(fields.name(field));
            *slot = u32::try_from(column + 1).unwrap_or(0);
            self.column_count += 1;
        }
        let column = *slot as usize - 1;
        self.builder.set(column, value);
        if value.len() > SHORT_VALUE {
            self.text_bytes += value.len();
            self.reserve_block(column);
        }
    }

    fn reserve_block(&mut self, column: usize) {
        if self.has_block.len() <= column {
            self.has_block.resize(column + 1, false);
        }
        if let Some(has_block) = self.has_block.get_mut(column)
            && !*has_block
        {
            *has_block = true;
            self.text_bytes += BLOCK_BYTES;
        }
    }
}

/// What the rows of one batch share.
#[derive(Hash)]
struct Key<'k> {
    source: Source,
    table: &'static str,
    event: Option<(&'k str, &'k str, u32)>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(context: &Context<'a>, sink: &'a mut dyn FnMut(EventBatch)) -> Collector<'a> {
        Collector {
            fields: Fields::new(),
            row: Row::new(),
            outcome: Outcome::default(),
            limits: context.limits,
            file: context.file.id,
            sink,
            groups: Vec::new(),
            by_hash: HashMap::new(),
            hasher: RandomState::new(),
            held: 0,
        }
    }

    /// Sets a field of the event's own data.
    pub(super) fn set_data(&mut self, name: &str, value: &str) {
        let field = self.fields.intern(name);
        self.row.set_data(&mut self.fields, field, value);
    }

    /// Takes the row into its batch.
    pub(super) fn commit(&mut self) {
        self.row.finish(&mut self.fields);
        self.outcome.saw(self.row.time);
        if let Some((host, field)) = self.row.host() {
            self.outcome.host(host, field);
        }
        let index = self.group_of_row();
        let Some(group) = self.groups.get_mut(index) else {
            return;
        };
        let before = group.bytes();
        group
            .builder
            .begin_row(self.row.time, self.row.record, self.row.offset);
        self.row.columns(&mut self.fields, |fields, field, value| {
            group.set(fields, field, value)
        });
        group.builder.end_row();
        let bytes = group.bytes();
        let full = group.builder.rows() >= self.limits.batch_rows || bytes >= self.limits.batch_bytes;
        self.held = self.held + bytes - before.min(bytes);
        if full {
            self.flush(index);
        } else if self.held > MAX_HELD_BYTES {
            self.flush_largest();
        }
    }

    /// The group of the finished row, made if there is none.
    fn group_of_row(&mut self) -> usize {
        let (source, table) = match self.row.target {
            Target::WindowsEvent => {
                let security = self.row.system(FieldId::CHANNEL) == Some("Security");
                (
                    Source::WindowsEvent,
                    if security { "SecurityEvent" } else { "Event" },
                )
            }
            Target::EventTable(table) => (Source::WindowsEvent, table),
            Target::Table(source, table) => (source, table),
        };
        let event = (source == Source::WindowsEvent).then(|| {
            let text = |field| self.row.system(field).unwrap_or_default();
            let id = text(FieldId::EVENT_ID).parse().unwrap_or(0);
            (text(FieldId::CHANNEL), text(FieldId::PROVIDER_NAME), id)
        });
        let key = Key { source, table, event };
        let mut hash = self.hasher.hash_one(&key);
        while let Some(&index) = self.by_hash.get(&hash) {
            if self.groups.get(index).is_some_and(|group| group.is(&key)) {
                return index;
            }
            hash = hash.wrapping_add(1);
        }
        let group = Group::new(&key, self.file);
        if self.groups.len() >= MAX_GROUPS {
            self.flush_all();
            self.groups.clear();
            self.by_hash.clear();
        }
        self.groups.push(group);
        self.by_hash.insert(hash, self.groups.len() - 1);
        self.groups.len() - 1
    }

    fn flush_largest(&mut self) {
        let sizes = self.groups.iter().map(Group::bytes).enumerate();
        if let Some((index, _)) = sizes.max_by_key(|(_, bytes)| *bytes) {
            self.flush(index);
        }
    }

    fn flush_all(&mut self) {
        for index in 0..self.groups.len() {
            self.flush(index);
        }
    }

    fn flush(&mut self, index: usize) {
        let Some(group) = self.groups.get_mut(index) else {
            return;
        };
        let rows = group.builder.rows();
        if rows == 0 {
            return;
        }
        self.held = self.held.saturating_sub(group.bytes());
        group.text_bytes = 0;
        group.has_block.clear();
        match group.builder.finish() {
            Ok(batch) => (self.sink)(batch),
            Err(error) => {
                let why = format!("rows that could not be put together: {error}");
                self.outcome
                    .skip(&why, rows as u64, 0, || "a full batch".to_owned());
            }
        }
        if group.column_count > MAX_KEPT_COLUMNS {
            let event = group.event.as_ref();
            let key = Key {
                source: group.source,
                table: group.table,
                event: event.map(|event| (&*event.channel, &*event.provider, event.event_id)),
            };
            *group = Group::new(&key, self.file);
        }
    }

    /// Hands over what is left and says how it went.
    pub(super) fn finish(mut self) -> Outcome {
        self.flush_all();
        let refused = self.fields.refused();
        if refused > 0 {
            self.outcome.skip(
                "field names beyond the 8192 one file may have; their values are in the column _More",
                0,
                0,
                || format!("{refused} values"),
            );
        }
        self.outcome
    }
}
