//! The templates records refer to. They are laid out like those of logs written by Windows Server 2016: names stand
//! inline where they are used first in a chunk and are referred to by offset afterwards.

use super::Data;
use super::chunk::Encoder;

/// `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">`.
const NAMESPACE: &str = "http://schemas.microsoft.com/win/2004/08/events/event";

/// An element that depends on no value.
const ALWAYS: u16 = 0xffff;

// Where each value of `System` stands in the instance.
pub(super) const LEVEL: u16 = 0;
pub(super) const OPCODE: u16 = 1;
pub(super) const TASK: u16 = 2;
pub(super) const EVENT_ID: u16 = 3;
pub(super) const QUALIFIERS: u16 = 4;
pub(super) const KEYWORDS: u16 = 5;
pub(super) const TIME: u16 = 6;
pub(super) const ACTIVITY: u16 = 7;
pub(super) const PROCESS: u16 = 8;
pub(super) const THREAD: u16 = 9;
pub(super) const RECORD: u16 = 10;
pub(super) const VERSION: u16 = 11;
pub(super) const USER: u16 = 12;
pub(super) const RELATED: u16 = 13;
pub(super) const PROVIDER: u16 = 14;
pub(super) const GUID: u16 = 15;
pub(super) const CHANNEL: u16 = 16;
pub(super) const DATA: u16 = 17;

/// The template around every event: `Event`, `System`, and a place for the nested event data.
pub(super) fn write_event(out: &mut Encoder<'_>, computer: &str) {
    let event = out.open("Event", DATA, true);
    let attributes = out.begin_size();
    out.attribute("xmlns", true);
    out.text(NAMESPACE);
    out.end_size(attributes);
    out.close_start();
    write_system(out, computer);
    out.optional(DATA, 0x21);
    out.end_element(event);
}

fn write_system(out: &mut Encoder<'_>, computer: &str) {
    let system = out.open("System", ALWAYS, false);
    out.close_start();
    empty(out, "Provider", &[("Name", PROVIDER, 0x01), ("Guid", GUID, 0x0f)]);
    event_id(out);
    leaf(out, "Version", VERSION, 0x04);
    leaf(out, "Level", LEVEL, 0x04);
    leaf(out, "Task", TASK, 0x06);
    leaf(out, "Opcode", OPCODE, 0x04);
    leaf(out, "Keywords", KEYWORDS, 0x15);
    empty(out, "TimeCreated", &[("SystemTime", TIME, 0x11)]);
    leaf(out, "EventRecordID", RECORD, 0x0a);
    let correlation = [
        ("ActivityID", ACTIVITY, 0x0f),
        ("RelatedActivityID", RELATED, 0x0f),
    ];
    empty(out, "Correlation", &correlation);
    empty(
        out,
        "Execution",
        &[("ProcessID", PROCESS, 0x08), ("ThreadID", THREAD, 0x08)],
    );
    leaf(out, "Channel", CHANNEL, 0x01);
    let element = out.open("Computer", ALWAYS, false);
    out.close_start();
    out.text(computer);
    out.end_element(element);
    empty(out, "Security", &[("UserID", USER, 0x13)]);
    out.end_element(system);
}

/// `<EventID Qualifiers="...">...</EventID>`.
fn event_id(out: &mut Encoder<'_>) {
    let element = out.open("EventID", EVENT_ID, true);
    let attributes = out.begin_size();
    out.attribute("Qualifiers", true);
    out.optional(QUALIFIERS, 0x06);
    out.end_size(attributes);
    out.close_start();
    out.optional(EVENT_ID, 0x06);
    out.end_element(element);
}

/// `<Name>value</Name>`, left out when the value is null.
fn leaf(out: &mut Encoder<'_>, name: &'static str, value: u16, value_type: u8) {
    let element = out.open(name, value, false);
    out.close_start();
    out.optional(value, value_type);
    out.end_element(element);
}

/// `<Name a="value" b="value"/>`.
fn empty(out: &mut Encoder<'_>, name: &'static str, attributes: &[(&'static str, u16, u8)]) {
    let element = out.open(name, ALWAYS, true);
    let list = out.begin_size();
    for (index, &(attribute, value, value_type)) in attributes.iter().enumerate() {
        out.attribute(attribute, index + 1 == attributes.len());
        out.optional(value, value_type);
    }
    out.end_size(list);
    out.end_empty(element);
}

/// The template of the event's own data.
pub(super) fn write_data(out: &mut Encoder<'_>, data: &Data<'_>) {
    let root = out.open("EventData", ALWAYS, false);
    out.close_start();
    match data {
        Data::Named(values) => {
            for (index, (name, value)) in values.iter().enumerate() {
                let element = out.open("Data", ALWAYS, true);
                let attributes = out.begin_size();
                out.attribute("Name", true);
                out.text(name);
                out.end_size(attributes);
                out.close_start();
                out.substitution(index as u16, value.declared_type());
                out.end_element(element);
            }
        }
        // One element stands for all: readers repeat it for each text of the array.
        Data::Unnamed(_) => {
            leaf(out, "Data", 0, 0x81);
            leaf(out, "Binary", 2, 0x0e);
        }
    }
    out.end_element(root);
}

/// Identifies the template of `data` by what its definition depends on.
pub(super) fn data_key(data: &Data<'_>) -> u64 {
    let Data::Named(values) = data else {
        return fnv(FNV_START, b"classic");
    };
    values.iter().fold(FNV_START, |hash, (name, value)| {
        fnv(fnv(hash, name.as_bytes()), &[0, value.declared_type()])
    })
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: template identifiers must be the same on every run.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
