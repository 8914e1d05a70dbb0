//! Rows exported from Sentinel and Defender tables, as JSON or CSV.

use std::borrow::Cow;

use vigie_event::Source;

use super::collector::Collector;
use super::fields::FieldId;
use super::flat_names::parse_time;
use super::row::Target;
use super::xml;

/// A table whose exported rows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// A table of Windows events: `SecurityEvent`, `Event`, `WindowsEvent`.
    Event(&'static str),
    /// A `Device*` table of Defender.
    Device(&'static str),
    Iis,
    HttpProxy,
}

const EVENTS: [&str; 3] = ["SecurityEvent", "Event", "WindowsEvent"];
const DEVICES: [&str; 12] = [
    "DeviceProcessEvents",
    "DeviceFileEvents",
    "DeviceNetworkEvents",
    "DeviceEvents",
    "DeviceLogonEvents",
    "DeviceRegistryEvents",
    "DeviceImageLoadEvents",
    "DeviceInfo",
    "DeviceNetworkInfo",
    "DeviceFileCertificateInfo",
    "DeviceTvmSoftwareInventory",
    "DeviceTvmSoftwareVulnerabilities",
];

fn named(name: &str) -> Option<Table> {
    let same = |known: &&&str| known.eq_ignore_ascii_case(name);
    if let Some(table) = EVENTS.iter().find(same) {
        return Some(Table::Event(table));
    }
    if let Some(table) = DEVICES.iter().find(same) {
        return Some(Table::Device(table));
    }
    match name.to_ascii_lowercase().as_str() {
        "w3ciislog" => Some(Table::Iis),
        "exchangehttpproxy" | "exchangehttpproxy_cl" => Some(Table::HttpProxy),
        _ => None,
    }
}

/// The table a row is of: by the column that says so, by the file's name, by the columns it has. `column` gives a
/// column's value, an empty one for a CSV header alone.
pub(super) fn table_of<'v>(column: &dyn Fn(&str) -> Option<&'v str>, file_name: &str) -> Option<Table> {
    let said = ["$table", "TableName", "Type"]
        .iter()
        .find_map(|name| named(column(name)?));
    if said.is_some() {
        return said;
    }
    let has = |name: &str| column(name).is_some();
    if has("csUriStem") && (has("csMethod") || has("sSiteName") || has("scStatus")) {
        return Some(Table::Iis);
    }
    if has("UrlStem") && has("AnchorMailbox") && has("TimeGenerated") {
        return Some(Table::HttpProxy);
    }
    if (has("Timestamp") || has("TimeGenerated")) && (has("DeviceId") || has("DeviceName")) {
        return Some(Table::Device(device_table(column, file_name)));
    }
    if !has("TimeGenerated") || !has("EventID") {
        return None;
    }
    if has("EventLog") {
        return Some(Table::Event("Event"));
    }
    if has("Activity") || has("EventSourceName") || has("SubjectUserName") || has("SubjectAccount") {
        return Some(Table::Event("SecurityEvent"));
    }
    (has("Channel") && has("Provider")).then_some(Table::Event("WindowsEvent"))
}

/// Which `Device*` table a row is of, when it does not say.
fn device_table<'v>(column: &dyn Fn(&str) -> Option<&'v str>, file_name: &str) -> &'static str {
    let lower = file_name.to_ascii_lowercase();
    // The longest name first: `DeviceEvents` is in none of the others, but better safe.
    if let Some(table) = DEVICES
        .iter()
        .find(|table| lower.contains(&table.to_ascii_lowercase()))
    {
        return table;
    }
    let has = |name: &str| column(name).is_some();
    let action = column("ActionType").unwrap_or_default();
    let by_action = [
        ("Process", "DeviceProcessEvents"),
        ("File", "DeviceFileEvents"),
        ("Connection", "DeviceNetworkEvents"),
        ("InboundConnection", "DeviceNetworkEvents"),
        ("ListeningConnection", "DeviceNetworkEvents"),
        ("Logon", "DeviceLogonEvents"),
        ("Registry", "DeviceRegistryEvents"),
        ("ImageLoaded", "DeviceImageLoadEvents"),
    ];
    // `DeviceEvents` has such actions too, but all columns of the others as well.
    let is_narrow = !(has("RemoteIP") && has("RegistryKey"));
    let by_action = by_action
        .iter()
        .find(|(prefix, _)| is_narrow && action.starts_with(prefix))
        .map(|(_, table)| *table);
    by_action.unwrap_or_else(|| {
        if has("RemoteIP") && has("RegistryKey") {
            "DeviceEvents"
        } else if has("RegistryKey") {
            "DeviceRegistryEvents"
        } else if has("LogonType") {
            "DeviceLogonEvents"
        } else if has("RemoteIP") && has("LocalPort") {
            "DeviceNetworkEvents"
        } else if has("PreviousFileName") || has("FileOriginUrl") {
            "DeviceFileEvents"
        } else if has("ProcessCreationTime") && has("ProcessTokenElevation") {
            "DeviceProcessEvents"
        } else {
            "DeviceEvents"
        }
    })
}

/// Puts the columns of a row that is no Windows event into the row, under their own names.
pub(super) fn columns<'v>(
    table: Table,
    values: impl Iterator<Item = (&'v str, &'v str)>,
    out: &mut Collector<'_>,
) {
    out.row.target = match table {
        Table::Event(table) => Target::EventTable(table),
        Table::Device(table) => Target::Table(Source::AdvancedHunting, table),
        Table::Iis => Target::Table(Source::Iis, Source::Iis.default_table()),
        Table::HttpProxy => Target::Table(Source::HttpProxy, Source::HttpProxy.default_table()),
    };
    for (name, value) in values {
        match name {
            "$table" | "TableName" | "Type" if named(value).is_some() => continue,
            "TimeGenerated" | "Timestamp" | "TimeGenerated [UTC]" | "Timestamp [UTC]" => {
                // The event's own time wins over the time of ingestion.
                let is_better =
                    out.row.time.is_none() || (name.starts_with("Timestamp") && table != Table::Iis);
                if is_better {
                    out.row.time = parse_time(value).or(out.row.time);
                }
                if name.starts_with("Timestamp") && !value.is_empty() {
                    out.set_data("Timestamp", value);
                }
                continue;
            }
            "DeviceName" => out.row.set_host(value, "DeviceName"),
            "Computer" => out.row.set_host(value, "Computer"),
            "ServerHostName" if table == Table::HttpProxy => out.row.set_host(value, "ServerHostName"),
            _ => {}
        }
        if value.is_empty() {
            continue;
        }
        let name = if table == Table::Iis {
            iis_name(name)
        } else {
            Cow::Borrowed(name)
        };
        out.set_data(&name, value);
    }
}

/// The name the IIS log gives a column of `W3CIISLog`: `csUriStem` is `cs-uri-stem`.
fn iis_name(column: &str) -> Cow<'_, str> {
    let name = match column {
        "sSiteName" => "s-sitename",
        "sComputerName" => "s-computername",
        "sIP" => "s-ip",
        "sPort" => "s-port",
        "csMethod" => "cs-method",
        "csUriStem" => "cs-uri-stem",
        "csUriQuery" => "cs-uri-query",
        "csUserName" => "cs-username",
        "cIP" => "c-ip",
        "csVersion" => "cs-version",
        "csHost" => "cs-host",
        "csUserAgent" => "cs(User-Agent)",
        "csCookie" => "cs(Cookie)",
        "csReferer" => "cs(Referer)",
        "scStatus" => "sc-status",
        "scSubStatus" => "sc-substatus",
        "scWin32Status" => "sc-win32-status",
        "scBytes" => "sc-bytes",
        "csBytes" => "cs-bytes",
        "TimeTaken" => "time-taken",
        other => other,
    };
    Cow::Borrowed(name)
}

/// Expands a column of a Windows event table that holds the event's own data as XML or JSON text. `json` takes JSON
/// and says whether it was any.
pub(super) fn embedded_data(
    column: &str,
    value: &str,
    out: &mut Collector<'_>,
    mut json: impl FnMut(&str, &mut Collector<'_>) -> bool,
) {
    if !is_embedded(column) || value.trim().is_empty() {
        return;
    }
    let is_read = if value.trim_start().starts_with('{') {
        json(value, out)
    } else if value.trim_start().starts_with('<') {
        // The parameters stand beside each other, without one element around them.
        xml::event_columns(&format!("<EventData>{value}</EventData>"), out).is_ok()
    } else {
        false
    };
    if !is_read {
        out.set_data(column, value);
    }
}

/// Whether a column of a Windows event table holds the event's own data as text.
pub(super) fn is_embedded(column: &str) -> bool {
    matches!(column, "EventData" | "ParameterXml")
}

/// Takes a column that only tables of Windows events have; says whether it was one.
pub(super) fn event_column(column: &str, value: &str, out: &mut Collector<'_>) -> bool {
    match column {
        "$table" | "TableName" | "Type" => named(value).is_some(),
        // Queries on the table ask for these names.
        "EventLog" => {
            out.row.set_system(FieldId::CHANNEL, value);
            out.set_data(column, value);
            true
        }
        _ => is_embedded(column) || value.is_empty(),
    }
}

/// Settles what the table alone tells about a Windows event.
pub(super) fn finish_event(table: &'static str, out: &mut Collector<'_>) {
    out.row.target = Target::EventTable(if table == "SecurityEvent" {
        "SecurityEvent"
    } else {
        "Event"
    });
    if table == "SecurityEvent" {
        out.row.set_system(FieldId::CHANNEL, "Security");
    }
    let more = [
        ("EventSourceName", FieldId::PROVIDER_NAME),
        ("Source", FieldId::PROVIDER_NAME),
        ("EventLevel", FieldId::LEVEL),
    ];
    for (name, field) in more {
        let of = out.fields.intern(name);
        let value = out.row.data(of).map(str::to_owned);
        if let Some(value) = value {
            out.row.set_system(field, &value);
        }
    }
    let rendered = out.fields.intern("RenderedDescription");
    if let Some(message) = out.row.data(rendered).map(str::to_owned) {
        out.set_data("Message", &message);
    }
}
