//! The names tools give the fields of the system section when they write an event's fields beside each other, and
//! the times among them.

use vigie_event::{Timestamp, parse_utc};

use super::clock::Stamps;
use super::collector::Collector;
use super::fields::FieldId;
use super::section::{keywords, level_number};

/// Envelope times by how well they say when the event happened, best first.
const ENVELOPES: [&str; 7] = [
    "TimeCreated",
    "EventTime",
    "SystemTime",
    "TimeGenerated",
    "Timestamp",
    "@timestamp",
    "EventReceivedTime",
];

/// What a name says about the time in its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeName {
    /// The event's own time, in UTC.
    Own,
    /// An envelope's time, by its place in [`ENVELOPES`].
    Envelope(usize),
    /// Part of the system section's `TimeCreated`.
    System,
}

/// Whether the field of this name is a time.
pub(super) fn time_name(name: &str) -> Option<TimeName> {
    if name.eq_ignore_ascii_case("UtcTime") {
        return Some(TimeName::Own);
    }
    ENVELOPES
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name))
        .map(TimeName::Envelope)
}

/// Takes a value that is a time. A better envelope field replaces one taken before.
pub(super) fn keep_stamp(name: TimeName, value: &str, stamps: &mut Stamps) {
    let rank = match name {
        TimeName::Own => {
            stamps.own = parse_utc(value);
            return;
        }
        TimeName::Envelope(rank) => rank,
        TimeName::System => return,
    };
    let (Some(time), Some(field)) = (parse_time(value), ENVELOPES.get(rank).copied()) else {
        return;
    };
    // Tables of Sentinel are in UTC by definition.
    let has_zone = names_its_zone(value) || field == "TimeGenerated";
    if field == "@timestamp" && has_zone {
        stamps.arrival = Some((time, field));
    }
    let known = stamps
        .envelope
        .and_then(|(_, field, _)| ENVELOPES.iter().position(|known| *known == field));
    if known.is_none_or(|known| rank < known) {
        stamps.envelope = Some((time, field, has_zone));
    }
}

/// ISO 8601, the form PowerShell 5 writes in JSON, or a date as English and French machines show it.
pub(super) fn parse_time(value: &str) -> Option<Timestamp> {
    if let Some(rest) = value.strip_prefix("/Date(") {
        let millis: i64 = rest.strip_suffix(")/")?.parse().ok()?;
        return millis.checked_mul(1_000);
    }
    parse_utc(value).or_else(|| localised(value))
}

/// `3/4/2021 7:49:46 AM` is month first, as the United States write it; `04/03/2021 19:49:46` and `04.03.2021` are
/// day first, as everybody else does. Without a zone it is taken as UTC until another clock says otherwise.
fn localised(value: &str) -> Option<Timestamp> {
    let mut words = value.trim().split([' ', '\u{a0}', '\u{202f}']);
    let (date, time) = (words.next()?, words.next()?);
    let half = words.next().map(str::to_ascii_uppercase);
    let separator = date.chars().find(|c| matches!(c, '/' | '.'))?;
    let mut parts = date.split(separator).map(|part| part.parse::<u32>().ok());
    let (first, second, year) = (parts.next()??, parts.next()??, parts.next()??);
    let (month, day) = if half.is_some() {
        (first, second)
    } else {
        (second, first)
    };
    let (hour, rest) = time.split_once(':')?;
    let mut hour: u32 = hour.parse().ok()?;
    match half.as_deref() {
        Some("AM") => hour %= 12,
        Some("PM") => hour = hour % 12 + 12,
        Some(_) => return None,
        None => {}
    }
    parse_utc(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{rest}"))
}

fn names_its_zone(value: &str) -> bool {
    let time = value.get(10..).unwrap_or_default();
    time.ends_with(['Z', 'z'])
        || time.ends_with("UTC")
        || time.contains(['+', '-'])
        || value.starts_with("/Date(")
}

/// What the name of a field that stands beside the others says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlatName {
    System(FieldId),
    /// The machine, and how the field is spelled.
    Computer(&'static str),
    Level,
    Opcode,
    Version,
    Keywords,
    TimeGenerated,
    /// A field of the event's own data.
    Data,
}

/// What a field of this name is.
pub(super) fn flat_name(name: &str) -> FlatName {
    FlatName::System(match name.to_ascii_lowercase().as_str() {
        "channel" | "logname" | "eventlog" => FieldId::CHANNEL,
        "sourcename" | "providername" | "provider" | "provider_name" => FieldId::PROVIDER_NAME,
        "providerguid" | "provider_guid" | "providerid" => FieldId::PROVIDER_GUID,
        "eventid" | "event_id" | "id" => FieldId::EVENT_ID,
        "hostname" => return FlatName::Computer("Hostname"),
        "machinename" => return FlatName::Computer("MachineName"),
        "computer" => return FlatName::Computer("Computer"),
        "recordnumber" | "eventrecordid" | "recordid" | "event_record_id" => FieldId::EVENT_RECORD_ID,
        "level" => return FlatName::Level,
        "opcodevalue" => FieldId::OPCODE,
        "opcode" => return FlatName::Opcode,
        "task" => FieldId::TASK,
        "version" => return FlatName::Version,
        "keywords" => return FlatName::Keywords,
        "executionprocessid" | "execution_processid" => FieldId::EXECUTION_PROCESS,
        "threadid" | "execution_threadid" => FieldId::EXECUTION_THREAD,
        "userid" | "user_id" | "usersid" => FieldId::USER_ID,
        "activityid" => FieldId::CORRELATION_ACTIVITY,
        "relatedactivityid" => FieldId::CORRELATION_RELATED,
        "qualifiers" => FieldId::QUALIFIERS,
        "timegenerated" => return FlatName::TimeGenerated,
        _ => return FlatName::Data,
    })
}

/// Puts one field of an event whose fields stand beside each other into the row.
pub(super) fn flat_value(name: &str, value: &str, is_number: bool, out: &mut Collector<'_>) {
    if !flat_system(flat_name(name), value, is_number, out) {
        out.set_data(name, value);
    }
}

/// Puts a field that belongs to the system section into the row; says whether it does.
pub(super) fn flat_system(name: FlatName, value: &str, is_number: bool, out: &mut Collector<'_>) -> bool {
    match name {
        FlatName::Data => return false,
        FlatName::System(field) => out.row.set_system(field, value),
        FlatName::Computer(field) => computer(value, field, out),
        FlatName::Level => out.row.set_system(FieldId::LEVEL, level_number(value)),
        // NXLog has the number and the text.
        FlatName::Opcode if value.parse::<u32>().is_err() => out.set_data("OpcodeText", value),
        FlatName::Opcode => out.row.set_system(FieldId::OPCODE, value),
        FlatName::Version if is_number => out.row.set_system(FieldId::VERSION, value),
        FlatName::Version => return false,
        FlatName::Keywords if is_number => {
            let value = keywords(value);
            out.row
                .set_system(FieldId::KEYWORDS, value.as_deref().unwrap_or_default());
        }
        FlatName::Keywords => out.row.set_system(FieldId::KEYWORDS, value),
        // Already the row's own time.
        FlatName::TimeGenerated => return parse_time(value).is_some(),
    }
    true
}

fn computer(value: &str, field: &'static str, out: &mut Collector<'_>) {
    out.row.set_system(FieldId::COMPUTER, value);
    out.row.set_host(value, field);
}

/// Puts one property of PowerShell's `EventLogRecord` into the row.
pub(super) fn powershell_value(name: &str, value: &str, is_number: bool, out: &mut Collector<'_>) {
    match name.to_ascii_lowercase().as_str() {
        "processid" => out.row.set_system(FieldId::EXECUTION_PROCESS, value),
        "userid.value" => out.row.set_system(FieldId::USER_ID, value),
        "userid.binarylength" => {}
        _ => flat_value(name, value, is_number, out),
    }
}

/// Puts one column of EvtxECmd's output into the row.
pub(super) fn evtx_ecmd_value(name: &str, value: &str, out: &mut Collector<'_>) {
    if value.is_empty() {
        return;
    }
    let field = match name.to_ascii_lowercase().as_str() {
        "timecreated" => return,
        "processid" => FieldId::EXECUTION_PROCESS,
        "threadid" => FieldId::EXECUTION_THREAD,
        "eventrecordid" => FieldId::EVENT_RECORD_ID,
        // Its number in the file, not the log's own.
        "recordnumber" => return out.set_data("RecordNumber", value),
        _ => return flat_value(name, value, false, out),
    };
    out.row.set_system(field, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_machines_show_them() {
        let time = parse_utc("2021-03-04T19:49:46Z");
        for shown in [
            "3/4/2021 7:49:46 PM",
            "04/03/2021 19:49:46",
            "04.03.2021 19:49:46",
        ] {
            assert_eq!(parse_time(shown), time, "{shown}");
        }
        assert_eq!(
            parse_time("3/4/2021 12:00:01 AM"),
            parse_utc("2021-03-04T00:00:01Z")
        );
        for nothing in [
            "13/13/2021 10:00:00",
            "yesterday at 10:00",
            "3/4/2021",
            "3/4/2021 7:49:46 XM",
        ] {
            assert_eq!(parse_time(nothing), None, "{nothing}");
        }
    }
}
