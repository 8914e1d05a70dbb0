//! Which tool wrote an object: told by its keys.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::flat::Flat;
use super::paths::PathId;
use crate::windows::tables::{self, Table};

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::windows) enum Shape {
    /// The event's XML turned into JSON: `Event.System...`, `Event.EventData...`.
    Xml,
    EvtxEcmd,
    Winlogbeat,
    /// `System` and `EventData` objects without an `Event` around them.
    Velociraptor,
    /// All fields beside each other.
    Flat,
    /// PowerShell's `EventLogRecord`.
    PowerShell,
    /// A row of a table of Sentinel or Defender.
    Table(Table),
}

/// The shape of an object, `None` when it is no event.
pub(in crate::windows) fn shape_of(flat: &Flat, file_name: &str) -> Option<Shape> {
    let has = |names: &[&str]| names.iter().any(|name| flat.get(name).is_some());
    if flat.has_prefix("Event.System.") {
        return Some(Shape::Xml);
    }
    if flat.has_prefix("winlog.") {
        return Some(Shape::Winlogbeat);
    }
    if flat.get("PayloadData1").is_some()
        || (flat
            .get("Payload")
            .is_some_and(|payload| payload.starts_with('{'))
            && has(&["MapDescription", "ChunkNumber", "EventRecordId"]))
    {
        return Some(Shape::EvtxEcmd);
    }
    if flat.has_prefix("System.EventID")
        || (flat.has_prefix("System.Provider") && flat.has_prefix("System.Channel"))
    {
        return Some(Shape::Velociraptor);
    }
    let columns = |name: &str| flat.get(name);
    if let Some(table) = tables::table_of(&columns, file_name) {
        return Some(Shape::Table(table));
    }
    let is_event = has(&["EventID", "EventId", "event_id"])
        && has(&[
            "Channel",
            "SourceName",
            "Provider",
            "ProviderName",
            "Provider_Name",
            "LogName",
            "Hostname",
            "Computer",
        ]);
    if has(&["Id"]) && has(&["ProviderName"]) && has(&["LogName", "MachineName"]) {
        return Some(Shape::PowerShell);
    }
    is_event.then_some(Shape::Flat)
}

/// Members whose value decides too, not only whether they are there.
const DECIDING: [&str; 5] = ["Payload", "$table", "TableName", "Type", "ActionType"];
/// Sequences of members remembered; files with more start afresh.
const MAX_KNOWN: usize = 1_024;
/// Members of an object that is remembered.
const MAX_MEMBERS: usize = 512;

/// What objects with the same members in the same order are, worked out once.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: HashMap<Box<[PathId]>, Known, RandomState>,
    members: Vec<PathId>,
    /// Of the paths.
    age: u64,
    /// How often what was known was forgotten.
    forgotten: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// `None` when values decide.
    shape: Option<Option<Shape>>,
    may_be_text: bool,
    layout: Option<Layout>,
}

/// The members an object has, in their order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Its number among those of the same age.
    pub(super) index: usize,
    /// Numbers mean something else at another age.
    pub(super) age: u64,
}

/// What an object is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) shape: Option<Shape>,
    /// Whether it may have its fields in a rendered text only.
    pub(super) may_be_text: bool,
    /// What members it has, unless values decide what it is.
    pub(super) layout: Option<Layout>,
}

impl Shapes {
    /// What the object just read is. `may_be_text` says of its members whether rendered text may be all it has.
    pub(super) fn of(
        &mut self,
        flat: &Flat,
        file_name: &str,
        may_be_text: impl FnOnce(&Flat) -> bool,
    ) -> Found {
        if self.age != flat.age() || self.known.len() > MAX_KNOWN {
            self.known.clear();
            self.forgotten += 1;
            self.age = flat.age();
        }
        self.members.clear();
        self.members.extend(flat.ids());
        let known = match self.known.get(self.members.as_slice()) {
            Some(known) => *known,
            None => {
                let values_decide = DECIDING.iter().any(|name| flat.get(name).is_some());
                let is_remembered = self.members.len() <= MAX_MEMBERS;
                let known = Known {
                    shape: (!values_decide).then(|| shape_of(flat, file_name)),
                    may_be_text: may_be_text(flat),
                    layout: (is_remembered && !values_decide).then_some(Layout {
                        index: self.known.len(),
                        age: self.forgotten,
                    }),
                };
                if is_remembered {
                    self.known.insert(self.members.as_slice().into(), known);
                }
                known
            }
        };
        Found {
            shape: known.shape.unwrap_or_else(|| shape_of(flat, file_name)),
            may_be_text: known.may_be_text,
            layout: known.layout,
        }
    }
}
