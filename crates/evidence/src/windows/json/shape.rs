//! Which tool wrote an object: told by its keys.

use super::flat::Flat;
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
