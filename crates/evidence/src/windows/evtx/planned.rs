//! Records of planned templates ([`super::plan`]), straight from the chunk into columns: a value nobody asks for is
//! stepped over, and no row is put together in between.

use std::fmt::Write;
use std::ops::Range;
use std::rc::Rc;

use vigie_event::Want;

use super::cursor::Cursor;
use super::plan::{Given, Op, Plan, Root, Slots};
use super::record::{MAX_CHUNK_TEXT, Reader};
use super::template::instance_definition;
use super::value::{self, Value, kind};
use crate::windows::collector::{Collector, Column, GroupId};
use crate::windows::fields::FieldId;
use crate::windows::row::MAX_NUMBERED_DATA;

/// The columns that tell one kind of event from another.
const KEY: [FieldId; 3] = [FieldId::CHANNEL, FieldId::PROVIDER_NAME, FieldId::EVENT_ID];

#[cfg(test)]
thread_local! {
    /// For tests: records are run step by step, whatever their plans.
    pub(in crate::windows) static STEP_BY_STEP: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Where a record is and when its header says it was written.
pub(super) struct Place {
    pub(super) record: u64,
    pub(super) offset: u64,
    pub(super) written: Option<i64>,
}

/// A template instance: its plan and where its values are among those of the record.
struct Instance {
    plan: Rc<Plan>,
    values: Range<usize>,
}

impl Instance {
    fn slots<'v>(&self, values: &'v [Value]) -> Slots<'v> {
        Slots(values.get(self.values.clone()).unwrap_or_default())
    }
}

/// Where the values of records go that have plans of the same shape and belong to the same batch: those that somebody
/// asks for.
#[derive(Debug)]
pub(super) struct Route {
    key: Key,
    system: Vec<Way>,
    data: Vec<Way>,
    inner_data: Vec<Way>,
}

/// The serial of the group and the shapes of the plans.
type Key = (u64, u64, Option<u64>);

/// Where one value goes.
#[derive(Debug)]
struct Way {
    /// Its position in the list of the plan.
    at: usize,
    column: Column,
}

/// By group: the routes taken last. Two, for event types of which there are two versions in one log.
#[derive(Debug, Default)]
pub(super) struct Routes(Vec<[Option<Route>; 2]>);

impl Routes {
    fn of(
        &mut self,
        group: GroupId,
        outer: &Plan,
        inner: Option<&Plan>,
        collector: &Collector<'_>,
    ) -> &mut Option<Route> {
        let at = group.index();
        if self.0.len() <= at {
            self.0.resize_with(at + 1, || [None, None]);
        }
        let key = (
            collector.serial(group),
            outer.shape,
            inner.map(|inner| inner.shape),
        );
        let is_it = |route: &Option<Route>| route.as_ref().is_some_and(|route| route.key == key);
        let last = &mut self.0[at];
        if !is_it(&last[0]) {
            last.swap(0, 1);
        }
        if !is_it(&last[0]) {
            last[0] = Some(Route::new(key, group, outer, inner, collector));
        }
        &mut last[0]
    }
}

impl Route {
    fn new(key: Key, group: GroupId, outer: &Plan, inner: Option<&Plan>, collector: &Collector<'_>) -> Route {
        let ways = |ops: &[Op]| {
            let way = |(at, op): (usize, &Op)| {
                if KEY.contains(&op.field) {
                    return None;
                }
                match collector.known_column(group, op.field) {
                    Column::Unwanted => None,
                    column => Some(Way { at, column }),
                }
            };
            ops.iter().enumerate().filter_map(way).collect()
        };
        Route {
            key,
            system: ways(&outer.system),
            data: ways(&outer.data),
            inner_data: inner.map_or_else(Vec::new, |inner| ways(&inner.data)),
        }
    }
}

/// Takes a record into its batch; `None` when it must be run step by step, which also says what is wrong with it.
pub(super) fn read(
    reader: &mut Reader,
    chunk: &[u8],
    range: Range<usize>,
    place: &Place,
    collector: &mut Collector<'_>,
) -> Option<()> {
    if reader.chunk_text > MAX_CHUNK_TEXT {
        return None;
    }
    #[cfg(test)]
    if STEP_BY_STEP.get() {
        return None;
    }
    reader.values.clear();
    let outer = instance(reader, chunk, range, Root::Record, collector)?;
    let inner = match rest(&outer, &reader.values) {
        Rest::Nothing => None,
        Rest::Unplanned => return None,
        Rest::Fragment(range) => {
            let inner = instance(reader, chunk, range, Root::InEvent, collector)?;
            if !joins(&outer.plan, &inner.plan, collector) {
                return None;
            }
            Some(inner)
        }
    };
    let record = Record {
        chunk,
        values: &reader.values,
        outer,
        inner,
    };
    if !record.is_plain() {
        return None;
    }
    let group = record.group(&mut reader.key, collector)?;
    let before = collector.text.len();
    record.put(group, place, &mut reader.routes, collector);
    let written = collector.text.len() - before;
    collector.end(group, written);
    reader.chunk_text += written;
    Some(())
}

/// Reads a fragment that is one template instance and nothing else.
fn instance(
    reader: &mut Reader,
    chunk: &[u8],
    range: Range<usize>,
    root: Root,
    collector: &mut Collector<'_>,
) -> Option<Instance> {
    let mut cursor = Cursor::new(chunk, range.start);
    let mut token = cursor.u8("").ok()?;
    if token == 0x0f {
        cursor.take(3, "").ok()?;
        token = cursor.u8("").ok()?;
    }
    if token != 0x0c {
        return None;
    }
    let definition = instance_definition(&mut cursor).ok()?;
    let from = reader.values.len();
    reader.read_values(&mut cursor).ok()?;
    let values = from..reader.values.len();
    let is_last = cursor.pos() >= range.end || chunk.get(cursor.pos()) == Some(&0);
    if !is_last {
        return None;
    }
    let plan = reader
        .plan(chunk, definition, root, &mut collector.fields)
        .ok()??;
    Some(Instance { plan, values })
}

enum Rest {
    Nothing,
    Fragment(Range<usize>),
    Unplanned,
}

/// Where the rest of an event is, when it is a fragment of its own.
fn rest(outer: &Instance, values: &[Value]) -> Rest {
    let Some(op) = &outer.plan.rest else {
        return Rest::Nothing;
    };
    match outer.plan.given(op, outer.slots(values)) {
        Given::LeftOut | Given::Empty => Rest::Nothing,
        Given::Text(value) if value.kind == kind::BINXML => {
            let start = value.start as usize;
            Rest::Fragment(start..start + value.len as usize)
        }
        Given::Text(_) => Rest::Unplanned,
    }
}

/// Whether the columns of two plans can stand beside each other.
fn joins(outer: &Plan, inner: &Plan, collector: &Collector<'_>) -> bool {
    let fields = &collector.fields;
    let canonical = |op: &Op| fields.canonical(op.field);
    let apart = || {
        let mut pairs = outer
            .data
            .iter()
            .flat_map(|op| inner.data.iter().map(move |other| (op, other)));
        pairs.all(|(op, other)| canonical(op) != canonical(other))
    };
    let is_alone = |one: &Plan, other: &Plan| {
        one.unnamed.is_empty() || (other.data.is_empty() && other.unnamed.is_empty())
    };
    inner.system.is_empty()
        && inner.time.is_none()
        && is_alone(outer, inner)
        && is_alone(inner, outer)
        && (outer.data.is_empty() || apart())
}

struct Record<'r> {
    chunk: &'r [u8],
    values: &'r [Value],
    outer: Instance,
    inner: Option<Instance>,
}

impl Record<'_> {
    fn instances(&self) -> impl Iterator<Item = (&Plan, Slots<'_>)> {
        [Some(&self.outer), self.inner.as_ref()]
            .into_iter()
            .flatten()
            .map(|instance| (&*instance.plan, instance.slots(self.values)))
    }

    /// Whether every value is what the plan takes it for: no fragment where a text should be.
    fn is_plain(&self) -> bool {
        self.instances().all(|(plan, slots)| {
            let empty = plan
                .nothing
                .iter()
                .all(|op| !matches!(plan.given(op, slots), Given::Text(_)));
            let beside = |value: &Value| value.kind == kind::BINXML;
            let fragments = slots.0.iter().filter(|value| beside(value)).count();
            empty && (fragments == 0 || (fragments == 1 && self.inner.is_some() && plan.rest.is_some()))
        })
    }

    /// The batch the record belongs to.
    fn group(&self, key: &mut Vec<u8>, collector: &mut Collector<'_>) -> Option<GroupId> {
        let plan = &*self.outer.plan;
        let slots = self.outer.slots(self.values);
        let mut parts = [None; KEY.len()];
        for op in &plan.system {
            if let Some(part) = KEY.iter().position(|field| *field == op.field)
                && let Given::Text(value) = plan.given(op, slots)
                && let Some(slot) = parts.get_mut(part)
            {
                *slot = Some(value);
            }
        }
        key.clear();
        for value in parts {
            let value = value?;
            key.push(value.kind);
            key.extend_from_slice(&value.len.to_le_bytes());
            key.extend_from_slice(value.bytes(self.chunk));
        }
        if let Some(group) = collector.known_group(key) {
            return Some(group);
        }
        let text = |value: Option<Value>| {
            let value = value?;
            let mut text = String::new();
            value::write(value.kind, value.bytes(self.chunk), &mut text);
            Some(text).filter(|text| !text.is_empty())
        };
        let [channel, provider, id] = parts;
        collector.new_group(key, &text(channel)?, &text(provider)?, &text(id)?)
    }

    fn put(&self, group: GroupId, place: &Place, routes: &mut Routes, collector: &mut Collector<'_>) {
        let (plan, slots) = (&*self.outer.plan, self.outer.slots(self.values));
        let time = plan.time.as_ref().and_then(|op| match plan.given(op, slots) {
            Given::Text(value) => self.instant(value),
            _ => None,
        });
        collector.begin(group, time.or(place.written), place.record, place.offset);
        let inner = self.inner.as_ref().map(|inner| &*inner.plan);
        let known = routes.of(group, plan, inner, collector);
        if let Some(route) = known {
            let mut is_new = self.put_ways(&route.system, plan, &plan.system, slots, group, collector);
            is_new |= self.put_ways(&route.data, plan, &plan.data, slots, group, collector);
            if let Some(inner) = &self.inner {
                let (plan, slots) = (&*inner.plan, inner.slots(self.values));
                is_new |= self.put_ways(&route.inner_data, plan, &plan.data, slots, group, collector);
            }
            if is_new {
                *known = None;
            }
        }
        self.put_unnamed(group, collector);
    }

    /// The values without a name: all of them as `Data`, a line each, and each by its number.
    fn put_unnamed(&self, group: GroupId, collector: &mut Collector<'_>) {
        let from = collector.text.len();
        let mut places: Vec<Range<usize>> = Vec::new();
        let mut item = |kind, bytes: &[u8]| {
            if !places.is_empty() {
                let _ = collector.text.write_char('\n');
            }
            let start = collector.text.len();
            value::write(kind, bytes, &mut collector.text);
            places.push(start..collector.text.len());
        };
        for (plan, slots) in self.instances() {
            for op in &plan.unnamed {
                match plan.given(op, slots) {
                    Given::LeftOut => {}
                    Given::Empty => item(kind::NULL, &[]),
                    Given::Text(value) if value.kind & kind::ARRAY != 0 => {
                        value::each_item(value.kind, value.bytes(self.chunk), &mut item);
                    }
                    Given::Text(value) => item(value.kind, value.bytes(self.chunk)),
                }
            }
        }
        if places.is_empty() {
            return;
        }
        collector.put_written(group, FieldId::DATA, from..collector.text.len());
        for (place, number) in places.into_iter().zip(1u32..).take(MAX_NUMBERED_DATA) {
            if !place.is_empty() {
                let field = collector.fields.numbered(FieldId::DATA, number);
                collector.put_written(group, field, place);
            }
        }
    }

    fn instant(&self, value: Value) -> Option<i64> {
        let bytes = value.bytes(self.chunk);
        value::instant(value.kind, bytes).or_else(|| {
            let mut text = String::new();
            value::write(value.kind, bytes, &mut text);
            vigie_event::parse_utc(&text)
        })
    }

    /// The machine's name: the same in nearly all records.
    fn put_computer(&self, group: GroupId, given: Given, collector: &mut Collector<'_>) {
        if let Given::Text(value) = given {
            let bytes = value.bytes(self.chunk);
            collector.put_computer(group, bytes, "Computer", |out| {
                value::write(value.kind, bytes, out)
            });
        }
    }

    /// Puts values where they go, and says whether it was asked for the first time where.
    fn put_ways(
        &self,
        ways: &[Way],
        plan: &Plan,
        ops: &[Op],
        slots: Slots<'_>,
        group: GroupId,
        collector: &mut Collector<'_>,
    ) -> bool {
        let mut is_new = false;
        for way in ways {
            let Some(op) = ops.get(way.at) else { continue };
            let given = plan.given(op, slots);
            if op.field == FieldId::COMPUTER {
                self.put_computer(group, given, collector);
                continue;
            }
            let value = match given {
                Given::LeftOut => continue,
                Given::Empty if !op.keep_empty => continue,
                Given::Empty => None,
                Given::Text(value) => Some(value),
            };
            let known = match way.column {
                Column::At { column, want } => Some((column as usize, want)),
                Column::Unknown | Column::Unwanted => {
                    is_new = true;
                    collector.column(group, op.field)
                }
            };
            let Some((column, want)) = known else { continue };
            if want == Want::Text && value.is_some_and(|value| !value.is_free_text()) {
                continue;
            }
            let from = collector.text.len();
            if let Some(value) = value {
                value::write(value.kind, value.bytes(self.chunk), &mut collector.text);
            }
            if op.keep_empty || collector.text.len() > from {
                collector.set_span(group, column, from);
            }
        }
        is_new
    }
}
