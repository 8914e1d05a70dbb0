//! Windows events of every JSON shape to the columns EVTX has.

use vigie_event::{MICROS_PER_SECOND, Timestamp, parse_utc};

use super::flat::{Flat, Item, Kind};
use super::own::OwnFields;
use super::paths::Role;
use super::shape::Shape;
use crate::windows::clock::Stamps;
use crate::windows::collector::Collector;
use crate::windows::fields::FieldId;
use crate::windows::flat_names::{
    TimeName, evtx_ecmd_value, flat_system, flat_value, keep_stamp, powershell_value,
};
use crate::windows::section::{Section, keywords, level_number, system_value};
use crate::windows::tables;

/// Puts an object's values into the row.
pub(super) fn columns(
    flat: &Flat,
    inner: &mut Flat,
    own: &mut OwnFields,
    shape: Shape,
    out: &mut Collector<'_>,
) {
    if shape == Shape::Flat && flat.is_plain() {
        return plain(flat, own, out);
    }
    let mut section = Section::default();
    // The event's own data comes first: it has the right to the bare names.
    match shape {
        Shape::Xml => sections(flat, "Event.", &mut section, out),
        Shape::Velociraptor | Shape::Flat | Shape::PowerShell => sections(flat, "", &mut section, out),
        Shape::Winlogbeat => winlogbeat_data(flat, &mut section, out),
        Shape::EvtxEcmd => payload(flat, inner, &mut section, out),
        Shape::Table(_) => table_data(flat, inner, &mut section, out),
    }
    section.end(out);
    match shape {
        Shape::Xml => each(flat, out, |item, out| {
            match item.path.strip_prefix("Event.System.") {
                Some(path) => system(path, item, out),
                None => !item.path.starts_with("Event.") && keep(item, out),
            }
        }),
        Shape::Velociraptor | Shape::Flat | Shape::PowerShell => {
            each(flat, out, |item, out| match item.path.strip_prefix("System.") {
                Some(path) => system(path, item, out),
                None => is_section(item.path) || flat_item(item, shape, out),
            })
        }
        Shape::Winlogbeat => each(flat, out, winlogbeat),
        Shape::EvtxEcmd => each(flat, out, evtx_ecmd),
        Shape::Table(table) => {
            each(flat, out, |item, out| {
                is_section(item.path)
                    || tables::event_column(item.path, item.value, out)
                    || flat_item(item, shape, out)
            });
            if let tables::Table::Event(table) = table {
                tables::finish_event(table, out);
            }
        }
    }
}

/// Takes fields that all stand beside each other.
fn plain(flat: &Flat, own: &mut OwnFields, out: &mut Collector<'_>) {
    own.start(flat);
    for item in flat.items() {
        let Role::Field(name) = item.role else { continue };
        if !flat_system(name, item.value, item.kind == Kind::Number, out) {
            let field = own.field(item.id, item.path, &mut out.fields);
            out.row.set_data(&mut out.fields, field, item.value);
        }
    }
}

/// Calls `take` for each value, the values of one list as one, joined by newlines.
fn each(flat: &Flat, out: &mut Collector<'_>, mut take: impl FnMut(Item<'_>, &mut Collector<'_>) -> bool) {
    let mut items = flat.items().peekable();
    let mut joined = String::new();
    while let Some(item) = items.next() {
        let Some(path) = item.path.strip_suffix("[]") else {
            take(item, out);
            continue;
        };
        joined.clear();
        joined.push_str(item.value);
        while let Some(next) = items.next_if(|next| next.path == item.path) {
            joined.push('\n');
            joined.push_str(next.value);
        }
        let item = Item {
            path,
            value: &joined,
            ..item
        };
        take(item, out);
    }
}

const SECTIONS: [(&str, bool); 4] = [
    ("EventData.", false),
    ("UserData.", true),
    ("ProcessingErrorData.", true),
    ("RenderingInfo.", true),
];

pub(super) fn is_section(path: &str) -> bool {
    SECTIONS.iter().any(|(prefix, _)| path.starts_with(prefix))
}

/// Takes `EventData`, `UserData` and whatever else holds the event's own data.
fn sections(flat: &Flat, root: &str, section: &mut Section, out: &mut Collector<'_>) {
    for item in flat.items() {
        let Some(path) = item.path.strip_prefix(root) else {
            continue;
        };
        if let Some(path) = path.strip_prefix("RenderingInfo.") {
            rendering_info(path, item.value, out);
            continue;
        }
        let known = SECTIONS
            .iter()
            .find_map(|(prefix, is_user_data)| Some((path.strip_prefix(prefix)?, *is_user_data)));
        match known {
            Some((path, is_user_data)) => section.value(out, path, is_user_data, item.value),
            // `UserData` goes by other names too.
            None if !root.is_empty() && !path.starts_with("System.") && !path.starts_with("#attributes") => {
                section.value(out, path, true, item.value);
            }
            None => {}
        }
    }
}

fn rendering_info(path: &str, value: &str, out: &mut Collector<'_>) {
    match path {
        "Message" => out.set_data("Message", value),
        _ if path.starts_with(['#', '@']) || value.is_empty() => {}
        _ => out.set_data(&format!("RenderingInfo_{}", path.trim_end_matches("[]")), value),
    }
}

/// One value of the system section: `Provider.#attributes.Name`, `EventID.#text`, `EventID.Value`, `Channel`.
fn system(path: &str, item: Item<'_>, out: &mut Collector<'_>) -> bool {
    let mut parts = path
        .split('.')
        .map(|part| part.trim_start_matches('@').trim_end_matches("_attributes"))
        .filter(|part| !matches!(*part, "#attributes" | "#text" | "Value" | ""));
    let (Some(element), attribute) = (parts.next(), parts.next()) else {
        return true;
    };
    if element == "TimeCreated" {
        return true;
    }
    if element == "Keywords" && item.kind == Kind::Number {
        let value = keywords(item.value);
        system_value(out, element, None, value.as_deref().unwrap_or(item.value));
    } else {
        system_value(out, element, attribute, item.value);
    }
    true
}

fn keep(item: Item<'_>, out: &mut Collector<'_>) -> bool {
    out.set_data(item.path, item.value);
    true
}

fn flat_item(item: Item<'_>, shape: Shape, out: &mut Collector<'_>) -> bool {
    // PowerShell writes the unnamed values as objects.
    if item.path.starts_with("Properties[") && item.path.ends_with("].Value") {
        out.row.set_unnamed(item.value);
        return true;
    }
    if item.path == "_Source" {
        return true;
    }
    let is_number = item.kind == Kind::Number;
    if shape == Shape::PowerShell {
        powershell_value(item.path, item.value, is_number, out);
    } else {
        flat_value(item.path, item.value, is_number, out);
    }
    true
}

fn winlogbeat_data(flat: &Flat, section: &mut Section, out: &mut Collector<'_>) {
    let mut unnamed = true;
    for item in flat.items() {
        if let Some(path) = item.path.strip_prefix("winlog.event_data.") {
            unnamed &= path
                .strip_prefix("param")
                .is_some_and(|rest| rest.parse::<u32>().is_ok());
            section.value(out, path, false, item.value);
        } else if let Some(path) = item.path.strip_prefix("winlog.user_data.") {
            section.value(out, path, true, item.value);
        }
    }
    // Values without a name are called param1, param2, ... here.
    if unnamed {
        for item in flat
            .items()
            .filter(|item| item.path.starts_with("winlog.event_data."))
        {
            out.row.set_unnamed(item.value);
        }
    }
}

fn winlogbeat(item: Item<'_>, out: &mut Collector<'_>) -> bool {
    let Item { path, value, .. } = item;
    let field = match path {
        "winlog.channel" => FieldId::CHANNEL,
        "winlog.provider_name" | "event.provider" => FieldId::PROVIDER_NAME,
        "winlog.provider_guid" => FieldId::PROVIDER_GUID,
        "winlog.event_id" | "event.code" => FieldId::EVENT_ID,
        "winlog.computer_name" => FieldId::COMPUTER,
        "winlog.record_id" => FieldId::EVENT_RECORD_ID,
        "winlog.task" => FieldId::TASK,
        "winlog.opcode" => FieldId::OPCODE,
        "winlog.keywords" => FieldId::KEYWORDS,
        "winlog.version" => FieldId::VERSION,
        "winlog.process.pid" => FieldId::EXECUTION_PROCESS,
        "winlog.process.thread.id" => FieldId::EXECUTION_THREAD,
        "winlog.user.identifier" => FieldId::USER_ID,
        "winlog.activity_id" => FieldId::CORRELATION_ACTIVITY,
        "winlog.related_activity_id" => FieldId::CORRELATION_RELATED,
        "log.level" => {
            out.row.set_system(FieldId::LEVEL, level_number(value));
            return true;
        }
        "host.name" | "host.hostname" => {
            out.row.set_host(value, "host.name");
            out.set_data(path, value);
            return true;
        }
        "message" => {
            out.set_data("Message", value);
            return true;
        }
        "@timestamp" => return true,
        _ if path.starts_with("winlog.event_data.") || path.starts_with("winlog.user_data.") => return true,
        _ => return keep(item, out),
    };
    out.row.set_system(field, value);
    true
}

/// EvtxECmd puts the event's own data into one value, as JSON text.
fn payload(flat: &Flat, inner: &mut Flat, section: &mut Section, out: &mut Collector<'_>) {
    match flat.get("Payload") {
        Some(payload) if inner.read(payload.as_bytes()).is_ok() => sections(inner, "", section, out),
        Some(payload) if !payload.is_empty() => out.set_data("Payload", payload),
        // Newer versions can write it as an object.
        _ => {
            for item in flat.items() {
                let path = item.path.strip_prefix("Payload.").unwrap_or_default();
                for (prefix, is_user_data) in SECTIONS {
                    if let Some(path) = path.strip_prefix(prefix) {
                        section.value(out, path, is_user_data, item.value);
                    }
                }
            }
        }
    }
}

fn evtx_ecmd(item: Item<'_>, out: &mut Collector<'_>) -> bool {
    if item.path == "Payload" || item.path.starts_with("Payload.") {
        return true;
    }
    evtx_ecmd_value(item.path, item.value, out);
    true
}

/// `EventData` as a column holds XML, or JSON for newer tables.
fn table_data(flat: &Flat, inner: &mut Flat, section: &mut Section, out: &mut Collector<'_>) {
    sections(flat, "", section, out);
    // `ParameterXml` only repeats the unnamed values of `EventData`.
    let has_event_data = flat.get("EventData").is_some_and(|value| !value.is_empty());
    let repeated = |item: &Item<'_>| has_event_data && item.path == "ParameterXml";
    for item in flat.items().filter(|item| !repeated(item)) {
        tables::embedded_data(item.path, item.value, out, |text, out| {
            if inner.read(text.as_bytes()).is_err() {
                return false;
            }
            for item in inner.items() {
                section.value(out, item.path, false, item.value);
            }
            section.end(out);
            true
        });
    }
}

/// The times of an object.
pub(super) fn stamps_of(flat: &Flat, shape: Shape) -> Stamps {
    let mut stamps = Stamps::default();
    if let Shape::Xml | Shape::Velociraptor = shape {
        for (_, item) in flat.times().filter(|(name, _)| *name == TimeName::System) {
            let time = parse_utc(item.value).or_else(|| epoch(item));
            stamps.envelope = time.map(|time| (time, "SystemTime", true));
        }
        if stamps.envelope.is_some() {
            return stamps;
        }
    }
    for (name, item) in flat.times() {
        keep_stamp(name, item.value, &mut stamps);
    }
    // EvtxECmd writes UTC, with or without saying so.
    if let (Shape::EvtxEcmd, Some(envelope)) = (shape, &mut stamps.envelope) {
        envelope.2 = true;
    }
    stamps
}

/// Seconds since 1970 with a fraction.
fn epoch(item: Item<'_>) -> Option<Timestamp> {
    if item.kind != Kind::Number {
        return None;
    }
    let (seconds, fraction) = item.value.split_once('.').unwrap_or((item.value, ""));
    let seconds: i64 = seconds.parse().ok()?;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = digits.fold(0i64, |micros, digit| {
        micros * 10 + i64::from(digit.wrapping_sub(b'0').min(9))
    });
    seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(micros)
}
