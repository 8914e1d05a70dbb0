//! Objects whose fields all stand beside each other, straight into columns: where each goes is worked out once for all
//! objects that have the same members in the same order, and what nobody asks for is passed over. What depends on the
//! values is left to [`super::event`], with the same result.

use std::collections::HashSet;

use vigie_event::{Timestamp, Want};

use super::Place;
use super::flat::{Flat, Item, Kind};
use super::own::OwnFields;
use super::paths::Role;
use super::shape::Layout;
use crate::windows::collector::{Collector, GroupId};
use crate::windows::fields::{FieldId, Fields};
use crate::windows::flat_names::{FlatName, parse_time};
use crate::windows::section::{keywords, level_number};

/// Longer objects may have a row that is too large, which is found out step by step.
const MAX_BYTES: usize = 1 << 20;

/// Where the values of objects with the same members go.
#[derive(Debug)]
struct Plan {
    channel: usize,
    provider: usize,
    event_id: usize,
    /// The machine, and how its field is spelled.
    computer: Option<(usize, &'static str)>,
    /// The other columns of the system section, in the order of their fields.
    system: Vec<(FieldId, usize, FlatName)>,
    /// The event's own data, in order. No two have the same name.
    data: Vec<(FieldId, usize)>,
    /// Values that must be what the plan takes them for.
    checks: Vec<(usize, FlatName)>,
}

/// The plans of one file, by layout.
#[derive(Debug, Default)]
pub(super) struct Plans {
    by_layout: Vec<Option<Option<Plan>>>,
    age: u64,
    key: Vec<u8>,
}

impl Plans {
    /// Takes an object into its batch; `None` when it must be taken step by step.
    pub(super) fn read(
        &mut self,
        flat: &Flat,
        layout: Layout,
        own: &mut OwnFields,
        row: (Place, Timestamp),
        out: &mut Collector<'_>,
    ) -> Option<()> {
        if self.age != layout.age {
            self.by_layout.clear();
            self.age = layout.age;
        }
        if self.by_layout.len() <= layout.index {
            self.by_layout.resize_with(layout.index + 1, || None);
        }
        let slot = self.by_layout.get_mut(layout.index)?;
        let plan = slot
            .get_or_insert_with(|| Plan::new(flat, own, &mut out.fields))
            .as_ref()?;
        if flat.bytes() > MAX_BYTES || !plan.fits(flat) {
            return None;
        }
        let group = plan.group(flat, &mut self.key, out)?;
        let before = out.text.len();
        out.begin(group, Some(row.1), row.0.line, row.0.offset);
        plan.put(flat, group, out);
        let written = out.text.len() - before;
        out.end(group, written);
        Some(())
    }
}

impl Plan {
    /// `None` when it depends on the values where they go.
    fn new(flat: &Flat, own: &mut OwnFields, fields: &mut Fields) -> Option<Plan> {
        own.start(flat);
        let (mut system, mut data, mut checks) = (Vec::new(), Vec::new(), Vec::new());
        let mut computer = None;
        let mut taken = HashSet::new();
        for (index, item) in flat.items().enumerate() {
            let Role::Field(name) = item.role else { return None };
            let field = match name {
                FlatName::System(field) => field,
                FlatName::Computer(_) => FieldId::COMPUTER,
                FlatName::Level => FieldId::LEVEL,
                FlatName::Opcode => FieldId::OPCODE,
                FlatName::Version => FieldId::VERSION,
                FlatName::Keywords => FieldId::KEYWORDS,
                FlatName::TimeGenerated => {
                    checks.push((index, name));
                    continue;
                }
                FlatName::Data => own.field(item.id, item.path, fields),
            };
            if field == FieldId::MORE || !taken.insert(fields.canonical(field)) {
                return None;
            }
            match name {
                FlatName::Data => data.push((field, index)),
                FlatName::Computer(spelled) => computer = Some((index, spelled)),
                _ => {
                    if matches!(name, FlatName::Opcode | FlatName::Version) {
                        checks.push((index, name));
                    }
                    system.push((field, index, name));
                }
            }
        }
        let mut place = |field: FieldId| {
            let at = system.iter().position(|(of, _, _)| *of == field)?;
            Some(system.remove(at).1)
        };
        let (channel, provider) = (place(FieldId::CHANNEL)?, place(FieldId::PROVIDER_NAME)?);
        let event_id = place(FieldId::EVENT_ID)?;
        system.sort_by_key(|(field, _, _)| field.index());
        Some(Plan {
            channel,
            provider,
            event_id,
            computer,
            system,
            data,
            checks,
        })
    }

    /// Whether the values are what the plan takes them for.
    fn fits(&self, flat: &Flat) -> bool {
        self.checks.iter().all(|&(index, name)| {
            flat.at(index).is_some_and(|item| match name {
                // NXLog has the number and the text.
                FlatName::Opcode => item.value.parse::<u32>().is_ok(),
                FlatName::Version => item.kind == Kind::Number,
                _ => parse_time(item.value).is_some(),
            })
        })
    }

    /// The batch the object belongs to.
    fn group(&self, flat: &Flat, key: &mut Vec<u8>, out: &mut Collector<'_>) -> Option<GroupId> {
        let parts = [self.channel, self.provider, self.event_id].map(|index| flat.at(index));
        let [Some(channel), Some(provider), Some(event_id)] = parts else {
            return None;
        };
        key.clear();
        for part in [channel.value, provider.value, event_id.value] {
            // Without one of them the channel may have to be found by the provider.
            if part.is_empty() {
                return None;
            }
            key.extend_from_slice(&part.len().to_le_bytes());
            key.extend_from_slice(part.as_bytes());
        }
        out.known_group(key)
            .or_else(|| out.new_group(key, channel.value, provider.value, event_id.value))
    }

    fn put(&self, flat: &Flat, group: GroupId, out: &mut Collector<'_>) {
        if let Some((index, spelled)) = self.computer
            && let Some(item) = flat.at(index)
        {
            out.put_computer(group, item.value.as_bytes(), spelled, |name| {
                name.push_str(item.value);
            });
        }
        for &(field, index, name) in &self.system {
            let Some(item) = flat.at(index).filter(|item| !item.value.is_empty()) else {
                continue;
            };
            let Some(column) = out.wanted(group, field, |want| is_asked_for(want, &item)) else {
                continue;
            };
            match name {
                FlatName::Level => out.put(group, column, level_number(item.value)),
                FlatName::Keywords if item.kind == Kind::Number => {
                    if let Some(value) = keywords(item.value) {
                        out.put(group, column, &value);
                    }
                }
                _ => out.put(group, column, item.value),
            }
        }
        for &(field, index) in &self.data {
            if let Some(item) = flat.at(index)
                && let Some(column) = out.wanted(group, field, |want| is_asked_for(want, &item))
            {
                out.put(group, column, item.value);
            }
        }
    }
}

#[inline]
fn is_asked_for(want: Want, item: &Item<'_>) -> bool {
    match want {
        Want::No => false,
        Want::Keywords | Want::Yes => true,
        Want::Text => item.kind != Kind::Number && !is_number_or_identifier(item.value),
    }
}

/// Whether a value is written as numbers, identifiers and times are.
fn is_number_or_identifier(value: &str) -> bool {
    let is_plain = |byte: u8| {
        byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'T' | b'Z' | b'{' | b'}' | b':' | b'.' | b'-')
    };
    match value.as_bytes() {
        [] => false,
        [b'S', b'-', rest @ ..] => rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'),
        [b'0'..=b'9' | b'{', rest @ ..] => rest.len() < 48 && rest.iter().all(|byte| is_plain(*byte)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vigie_event::EventBatch;

    use super::super::{Events, Object};
    use super::*;
    use crate::Limits;
    use crate::format::Context;
    use crate::windows::tests::file;

    /// The rows of lines with their columns, and what the outcome says of machines.
    fn rows(lines: &[String], is_planned: bool) -> (Vec<String>, String) {
        let file = file("events.json");
        let limits = Limits::default();
        let context = Context::new(&file, &limits);
        let mut rows = Vec::new();
        let mut sink = |batch: EventBatch| {
            for row in (0..batch.rows()).map(|row| batch.row(row)) {
                let mut columns: Vec<_> = row.fields().collect();
                columns.sort_unstable();
                rows.push(format!("{} {:?} {columns:?}", row.record(), row.time()));
            }
        };
        let mut out = Collector::new(&context, &mut sink);
        let mut events = Events::new("events.json");
        for (line, text) in (1..).zip(lines) {
            let place = Place { line, offset: line };
            if events.flat.read(text.as_bytes()).is_err() {
                continue;
            }
            let found = events.find();
            let layout = found.layout.filter(|_| is_planned && !found.may_be_text);
            let object = Object {
                place,
                bytes: 0,
                text: &[],
            };
            if let Some(shape) = found.shape {
                events.row(shape, layout, &object, &mut out);
            }
        }
        let outcome = events.finish(out);
        rows.sort();
        let mut hosts = outcome.hosts;
        hosts.sort();
        (rows, format!("{hosts:?} {:?}", outcome.skipped))
    }

    /// Events of few kinds, with names that mean something and values that do not always fit them.
    fn event() -> impl Strategy<Value = String> {
        let name = prop_oneof![
            Just("Level"),
            Just("Opcode"),
            Just("Version"),
            Just("Keywords"),
            Just("Hostname"),
            Just("Computer"),
            Just("TimeGenerated"),
            Just("UtcTime"),
            Just("Image"),
            Just("image"),
            Just("Task"),
            Just("ProcessId"),
            Just("Data_1"),
            Just("EventSourceName"),
            Just("_Record"),
        ];
        let value = prop_oneof![
            Just("4"),
            Just("\"4\""),
            Just("\"Info\""),
            Just("\"\""),
            Just("\"0x80\""),
            Just("true"),
            Just("9223372036854775808"),
            Just("\"2021-11-08 15:01:27.604\""),
            Just("\"a\\\\b\""),
            Just("null"),
        ];
        let head = (
            prop_oneof![
                Just("Security"),
                Just("security"),
                Just("Microsoft-Windows-Sysmon/Operational"),
                Just("")
            ],
            prop_oneof![Just("1"), Just("\"4688\""), Just("0"), Just("\"x\"")],
        );
        (head, proptest::collection::vec((name, value), 0..8)).prop_map(|((channel, id), fields)| {
            let mut text = format!(
                "{{\"Channel\":\"{channel}\",\"Provider_Name\":\"P\",\"EventID\":{id},\"SystemTime\":\"2021-11-08T15:01:27Z\""
            );
            for (name, value) in fields {
                text.push_str(&format!(",\"{name}\":{value}"));
            }
            text + "}"
        })
    }

    proptest! {
        #[test]
        fn a_plan_gives_the_rows_that_one_step_after_another_gives(lines in proptest::collection::vec(event(), 1..12)) {
            prop_assert_eq!(rows(&lines, true), rows(&lines, false));
        }
    }

    #[test]
    fn plain_events_have_a_plan() {
        let (file, limits) = (file("events.json"), Limits::default());
        let context = Context::new(&file, &limits);
        let mut sink = |_| {};
        let mut out = Collector::new(&context, &mut sink);
        let mut events = Events::new("events.json");
        for (line, has_plan) in [
            (
                r#"{"Channel":"Security","Provider_Name":"P","EventID":1,"Image":"x","Level":"info"}"#,
                true,
            ),
            (
                r#"{"Channel":"Security","Provider_Name":"P","EventID":1,"Image":"x","image":"y"}"#,
                false,
            ),
            (
                r#"{"Channel":"Security","Provider_Name":"P","EventID":1,"Opcode":"Info"}"#,
                false,
            ),
        ] {
            events.flat.read(line.as_bytes()).unwrap();
            let layout = events.find().layout.unwrap();
            let row = (Place { line: 1, offset: 0 }, 0);
            let read = events
                .plans
                .read(&events.flat, layout, &mut events.own, row, &mut out);
            assert_eq!(read.is_some(), has_plan, "{line}");
        }
    }

    #[test]
    fn numbers_identifiers_and_times_are_told_from_words() {
        for plain in [
            "0x3e7",
            "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}",
            "S-1-5-18",
            "2021-11-08T15:01:27.604Z",
            "10.0.0.1",
        ] {
            assert!(is_number_or_identifier(plain), "{plain}");
        }
        for words in ["", "-", "7z.exe", "Semmle", "S-1-x", "C:\\x", "{words}"] {
            assert!(!is_number_or_identifier(words), "{words}");
        }
    }
}
