//! Rows of one file gathered into batches, one builder for each event type.

mod group;

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;
use vigie_event::{EventBatch, Projection, Source, TextBuilder, TextSpan, Timestamp, Want, WholeRows};

pub(super) use self::group::Column;
use self::group::{CONSTANTS, Group, Key};
use super::channels;
use super::fields::{FieldId, Fields};
use super::row::{Row, Target};
use crate::Limits;
use crate::format::{Context, Outcome};
use crate::message::{Code, Message};

/// How many times [`Limits::batch_bytes`] the rows of all event types of one file may take together.
const HELD_BATCHES: usize = 8;
/// Event types collected at once; at more, all are handed over and forgotten.
const MAX_GROUPS: usize = 1_024;
/// Columns a builder keeps for its next batch; one that grew wider starts afresh.
const MAX_KEPT_COLUMNS: usize = 256;

/// Gathers rows into batches by table, channel, provider and event identifier.
pub(super) struct Collector<'a> {
    pub(super) fields: Fields,
    pub(super) row: Row,
    pub(super) outcome: Outcome,
    /// The text of values that are written without a row in between.
    pub(super) text: TextBuilder,
    limits: &'a Limits,
    file: vigie_event::FileId,
    sink: &'a mut dyn FnMut(EventBatch),
    /// What is asked for, and where the rest of a row can be had; without it all columns are collected.
    sparing: Option<Sparing<'a>>,
    groups: Vec<Group>,
    by_hash: HashMap<u64, usize, RandomState>,
    by_key: HashMap<Box<[u8]>, usize, RandomState>,
    hasher: RandomState,
    /// The machine named last: as it stands in the file, and its column's value in the text.
    computer: Computer,
    held: usize,
    emptied: u64,
    /// How many groups there were.
    serials: u64,
}

/// Columns that are left out because nobody asks for them.
pub(super) struct Sparing<'a> {
    pub(super) projection: &'a dyn Projection,
    /// Where rows collected since the last batches can be read again.
    pub(super) whole: Box<dyn FnMut() -> Arc<dyn WholeRows> + 'a>,
}

#[derive(Default)]
struct Computer {
    raw: Vec<u8>,
    name: String,
    /// The field that says so.
    spelled: &'static str,
    span: Option<TextSpan>,
    rows: u64,
}

/// A group's position.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupId(usize);

impl GroupId {
    pub(super) fn index(self) -> usize {
        self.0
    }
}

impl<'a> Collector<'a> {
    pub(super) fn new(context: &Context<'a>, sink: &'a mut dyn FnMut(EventBatch)) -> Collector<'a> {
        Collector {
            fields: Fields::new(),
            row: Row::new(),
            outcome: Outcome::default(),
            text: TextBuilder::default(),
            limits: context.limits,
            file: context.file.id,
            sink,
            sparing: None,
            groups: Vec::new(),
            by_hash: HashMap::default(),
            by_key: HashMap::default(),
            hasher: RandomState::default(),
            computer: Computer::default(),
            held: 0,
            emptied: 0,
            serials: 0,
        }
    }

    /// Leaves out what nobody asks for, from now on.
    pub(super) fn spare(&mut self, sparing: Sparing<'a>) {
        self.sparing = Some(sparing);
    }

    /// Counts bytes that are kept until the rows collected so far are handed over.
    pub(super) fn hold(&mut self, bytes: usize) {
        self.held += bytes;
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
        group
            .builder
            .begin_row(self.row.time, self.row.record, self.row.offset);
        let sparing = self.sparing.as_ref();
        self.row.columns(&mut self.fields, |fields, field, value| {
            group.set(fields, field, value, sparing);
        });
        self.held += group.end_row();
        let is_full = group.is_full(self.limits);
        self.flush_when(is_full);
    }

    /// The group of rows with this key, if there was one before. A key is whatever tells event types apart in the
    /// file at hand.
    pub(super) fn known_group(&self, key: &[u8]) -> Option<GroupId> {
        self.by_key.get(key).map(|&index| GroupId(index))
    }

    /// The group of rows with a key not seen before; `None` when the event type is not said plainly.
    pub(super) fn new_group(
        &mut self,
        key: &[u8],
        channel: &str,
        provider: &str,
        id: &str,
    ) -> Option<GroupId> {
        let event_id: u32 = id.parse().ok()?;
        if event_id == 0 || event_id.to_string() != id {
            return None;
        }
        let channel = channels::spelling(channel).unwrap_or(channel);
        let index = self.group_of(&Key {
            source: Source::WindowsEvent,
            table: event_table(channel),
            event: Some((channel, provider, event_id)),
        });
        self.by_key.insert(key.into(), index);
        Some(GroupId(index))
    }

    /// Begins a row of a group, with the columns that all its rows have.
    pub(super) fn begin(&mut self, group: GroupId, time: Option<Timestamp>, record: u64, offset: u64) {
        self.outcome.saw(time);
        let Some(group) = self.groups.get_mut(group.0) else {
            return;
        };
        group.builder.begin_row(time, record, offset);
        let Some(event) = &group.event else {
            return;
        };
        if group.filled == Some(self.emptied) {
            return;
        }
        group.filled = Some(self.emptied);
        let id = event.event_id.to_string();
        let texts = [&*event.channel, &*event.provider, &id];
        let spans = texts.map(|text| self.text.push_str(text));
        for (field, span) in CONSTANTS.into_iter().zip(spans) {
            if let Some((column, _)) = group.column(&self.fields, field, None)
                && let Some(span) = span
            {
                group.builder.fill_span(column, span);
            }
        }
    }

    /// Names the machine of the row begun last. `raw` is the name as it stands in the file, `spelled` its field.
    pub(super) fn put_computer(
        &mut self,
        group: GroupId,
        raw: &[u8],
        spelled: &'static str,
        write: impl FnOnce(&mut String),
    ) {
        let computer = &mut self.computer;
        if computer.raw != raw || computer.spelled != spelled {
            self.outcome
                .hosts_seen(&computer.name, computer.rows, computer.spelled);
            computer.spelled = spelled;
            computer.raw.clear();
            computer.raw.extend_from_slice(raw);
            computer.name.clear();
            write(&mut computer.name);
            computer.span = None;
            computer.rows = 0;
        }
        if computer.name.is_empty() {
            return;
        }
        computer.rows += 1;
        if computer.span.is_none() {
            computer.span = self.text.push_str(&computer.name);
        }
        if let Some(span) = computer.span
            && let Some(group) = self.groups.get_mut(group.0)
            && let Some((column, _)) = group.column(&self.fields, FieldId::COMPUTER, None)
        {
            group.builder.set_span(column, span);
        }
    }

    /// The column of a field in a group and what is asked for of it, if anything is.
    #[inline]
    pub(super) fn column(&mut self, group: GroupId, field: FieldId) -> Option<(usize, Want)> {
        let group = self.groups.get_mut(group.0)?;
        group.column(&self.fields, field, self.sparing.as_ref())
    }

    /// The column of a field in a group, if `is_wanted` says so of what is asked for.
    #[inline]
    pub(super) fn wanted(
        &mut self,
        group: GroupId,
        field: FieldId,
        is_wanted: impl FnOnce(Want) -> bool,
    ) -> Option<usize> {
        let (column, want) = self.column(group, field)?;
        is_wanted(want).then_some(column)
    }

    /// The same, as far as it is known: a column is made for its first value.
    pub(super) fn known_column(&self, group: GroupId, field: FieldId) -> Column {
        let column = |group: &Group| group.columns.get(field.index()).copied();
        self.groups.get(group.0).and_then(column).unwrap_or_default()
    }

    /// What tells a group from all others, those that were in its place before included.
    pub(super) fn serial(&self, group: GroupId) -> u64 {
        self.groups.get(group.0).map_or(0, |group| group.serial)
    }

    /// Sets a field of the row begun last, if it is asked for, to a part of what was written to the text.
    pub(super) fn put_written(&mut self, group: GroupId, field: FieldId, place: Range<usize>) {
        if let Some((column, _)) = self.column(group, field)
            && let Some(span) = self.text.span(place)
            && let Some(group) = self.groups.get_mut(group.0)
        {
            group.builder.set_span(column, span);
        }
    }

    /// Sets a value of the row begun last.
    #[inline]
    pub(super) fn put(&mut self, group: GroupId, column: usize, value: &str) {
        if let Some(span) = self.text.push_str(value)
            && let Some(group) = self.groups.get_mut(group.0)
        {
            group.builder.set_span(column, span);
        }
    }

    /// Sets a value of the row begun last to what was written to the text since `from`.
    #[inline]
    pub(super) fn set_span(&mut self, group: GroupId, column: usize, from: usize) {
        if let Some(span) = self.text.span(from..self.text.len())
            && let Some(group) = self.groups.get_mut(group.0)
        {
            group.builder.set_span(column, span);
        }
    }

    /// Ends the row begun last; `text` is how many bytes were written for it.
    pub(super) fn end(&mut self, group: GroupId, text: usize) {
        let Some(group) = self.groups.get_mut(group.0) else {
            return;
        };
        self.held += group.end_row() + text;
        let is_full = group.is_full(self.limits);
        self.flush_when(is_full);
    }

    fn flush_when(&mut self, is_full: bool) {
        if is_full || self.held >= self.limits.batch_bytes.saturating_mul(HELD_BATCHES) {
            self.flush_all();
        }
    }

    /// The group of the finished row, made if there is none.
    fn group_of_row(&mut self) -> usize {
        let (source, table) = match self.row.target {
            Target::WindowsEvent => {
                let channel = self.row.system(FieldId::CHANNEL).unwrap_or_default();
                (Source::WindowsEvent, event_table(channel))
            }
            Target::EventTable(table) => (Source::WindowsEvent, table),
            Target::Table(source, table) => (source, table),
        };
        let row = std::mem::replace(&mut self.row, Row::new());
        let event = (source == Source::WindowsEvent).then(|| {
            let text = |field| row.system(field).unwrap_or_default();
            let id = text(FieldId::EVENT_ID).parse().unwrap_or(0);
            (text(FieldId::CHANNEL), text(FieldId::PROVIDER_NAME), id)
        });
        let index = self.group_of(&Key { source, table, event });
        self.row = row;
        index
    }

    fn group_of(&mut self, key: &Key<'_>) -> usize {
        let mut hash = self.hasher.hash_one(key);
        while let Some(&index) = self.by_hash.get(&hash) {
            if self.groups.get(index).is_some_and(|group| group.is(key)) {
                return index;
            }
            hash = hash.wrapping_add(1);
        }
        let group = Group::new(key, self.file, &mut self.serials);
        if self.groups.len() >= MAX_GROUPS {
            self.flush_all();
            self.groups.clear();
            self.by_hash.clear();
            self.by_key.clear();
        }
        self.groups.push(group);
        self.by_hash.insert(hash, self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// Hands over all rows collected: they share their text.
    pub(super) fn flush_all(&mut self) {
        let next = TextBuilder::with_capacity(self.text.len());
        let texts = [std::mem::replace(&mut self.text, next).finish()];
        let whole = self.sparing.as_mut().map(|sparing| (sparing.whole)());
        for group in &mut self.groups {
            let rows = group.builder.rows();
            if rows == 0 {
                continue;
            }
            (group.copied, group.counted) = (0, 0);
            match group.builder.finish_with(&texts) {
                Ok(batch) => (self.sink)(match &whole {
                    Some(whole) => batch.with_whole_rows(Arc::clone(whole)),
                    None => batch,
                }),
                Err(error) => {
                    let why = Message::new(Code::RowsNotTogether, [("cause", error.to_string().into())]);
                    self.outcome
                        .skip(why, rows as u64, 0, || "a full batch".to_owned());
                }
            }
            if group.column_count > MAX_KEPT_COLUMNS {
                let event = group.event.as_ref();
                let key = Key {
                    source: group.source,
                    table: group.table,
                    event: event.map(|event| (&*event.channel, &*event.provider, event.event_id)),
                };
                *group = Group::new(&key, self.file, &mut self.serials);
            }
        }
        self.held = 0;
        self.emptied += 1;
        self.computer.span = None;
    }

    /// Hands over what is left and says how it went.
    pub(super) fn finish(mut self) -> Outcome {
        self.flush_all();
        self.take_outcome()
    }

    /// How it went so far; what is collected stays.
    pub(super) fn take_outcome(&mut self) -> Outcome {
        let computer = &mut self.computer;
        if computer.rows > 0 {
            self.outcome
                .hosts_seen(&computer.name, computer.rows, computer.spelled);
            computer.rows = 0;
        }
        let refused = self.fields.take_refused();
        if refused > 0 {
            self.outcome
                .skip(Code::ManyFieldNames, 0, 0, || format!("{refused} values"));
        }
        std::mem::take(&mut self.outcome)
    }
}

/// Security events have a table of their own.
fn event_table(channel: &str) -> &'static str {
    if channel == "Security" {
        "SecurityEvent"
    } else {
        "Event"
    }
}

#[cfg(test)]
mod tests {
    use vigie_event::{EventType, RowRef};

    use super::*;
    use crate::windows::tests::file;

    /// Asks for nothing, and has no rows elsewhere.
    #[derive(Debug)]
    struct Nothing;

    impl Projection for Nothing {
        fn wants(&self, _: Source, _: &str, _: Option<&EventType>, _: &str) -> Want {
            Want::No
        }
    }

    impl WholeRows for Nothing {
        fn row(&self, _: RowRef<'_>) -> Option<EventBatch> {
            None
        }
    }

    #[test]
    fn a_value_of_the_events_own_is_not_hidden_by_what_fills_the_column() {
        let (file, limits) = (file("Security.evtx"), Limits::default());
        let context = Context::new(&file, &limits);
        let mut rows = Vec::new();
        let mut sink = |batch: EventBatch| {
            let of = |row: RowRef<'_>| ["Channel", "a"].map(|name| row.get(name).map(str::to_owned));
            rows.extend((0..batch.rows()).map(|row| of(batch.row(row))));
        };
        let mut collector = Collector::new(&context, &mut sink);
        collector.spare(Sparing {
            projection: &Nothing,
            whole: Box::new(|| Arc::new(Nothing)),
        });
        let group = collector.new_group(b"key", "Security", "p", "1").unwrap();
        collector.begin(group, Some(0), 1, 0);
        collector.end(group, 0);
        for (field, value) in CONSTANTS.into_iter().zip(["Security", "p", "1"]) {
            collector.row.set_system(field, value);
        }
        collector.set_data("channel", "Application");
        collector.set_data("a", "nobody asks for it");
        collector.commit();
        collector.finish();
        let said = |channel: &str| [Some(channel.to_owned()), None];
        assert_eq!(rows, [said("Security"), said("Application")]);
    }
}
