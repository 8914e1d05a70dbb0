//! Windows events: EVTX and the JSON, XML and CSV shapes they are handed over in.
//!
//! Whatever the shape, an event has the same columns: `Channel`, `Provider_Name`, `EventID`, `Computer`, `Level`,
//! `Opcode`, `Task`, `Keywords`, `Version`, `Execution_ProcessID`, `Execution_ThreadID`, `UserID` and `EventRecordID`
//! of its system section, then its own data under the names Microsoft gives them. Where an event's own data uses the
//! name of a system column it wins, and the system value is in `System_<name>`. Values without a name are in `Data`
//! (all, joined by newlines) and `Data_1`, `Data_2`, ...; a name that repeats gets `_1`, `_2` after it.

mod channels;
mod clock;
mod collector;
mod csv;
mod event_text;
mod evtx;
mod fields;
mod flat_names;
pub(crate) mod json;
mod message;
mod row;
mod section;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod xml;

use crate::format::Format;

/// All Windows event formats.
pub(crate) static FORMATS: &[&Format] = &[
    &evtx::FORMAT,
    &xml::FORMAT,
    &event_text::FORMAT,
    &json::EVTX_DUMP,
    &json::EVTX_ECMD,
    &json::WINLOGBEAT,
    &json::VELOCIRAPTOR,
    &json::FLAT,
    &json::SENTINEL,
    &json::HUNTING,
    &json::IIS,
    &json::HTTP_PROXY,
    &csv::EVTX_ECMD,
    &csv::FLAT,
    &csv::SENTINEL,
    &csv::HUNTING,
    &csv::IIS,
    &csv::HTTP_PROXY,
];
