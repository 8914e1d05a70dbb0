//! Which Exchange log a file is: by `#Log-type:`, then by its columns, then by its rows, then by its name.

use vigie_event::Source;

use super::layouts;
use super::reader::is_header;
use crate::format::{Confidence, Head};
use crate::text::csv::Fields;
use crate::text::head::{self, Preamble};
use crate::text::w3c;

/// Whether the file is a log of this source, and how sure that is.
pub(super) fn claims(head: &Head<'_>, source: Source) -> Option<Confidence> {
    let text = head::text(head)?;
    let (found, confidence) = source_of(head, &Preamble::of(&text))?;
    (found == source).then_some(confidence)
}

/// Which of the Exchange logs a file is.
pub(in crate::text) fn source_of(head: &Head<'_>, preamble: &Preamble<'_>) -> Option<(Source, Confidence)> {
    let bare = preamble.first.filter(|line| is_header(line));
    let fields = preamble.fields.or(bare);
    if let Some(log_type) = preamble.log_type {
        // An Exchange log of another type is none of ours, whatever its name, unless its columns are.
        return by_log_type(log_type)
            .map(|source| (source, Confidence::Certain))
            .or_else(|| Some((by_signature(fields?)?, Confidence::Content)));
    }
    if let Some(fields) = fields {
        let row = if bare.is_some() {
            preamble.second
        } else {
            preamble.first
        };
        return by_columns(fields, row, head).map(|source| (source, Confidence::Content));
    }
    if let Some(source) = preamble.rows().find_map(|row| by_row(row, head)) {
        return Some((source, Confidence::Content));
    }
    // Rows that nobody knows do not contradict the name; the parser counts them.
    by_name(head).map(|source| (source, Confidence::Name))
}

fn by_log_type(log_type: &str) -> Option<Source> {
    let log_type = log_type.to_ascii_lowercase();
    let is = |start: &str| log_type.starts_with(start);
    if is("httpproxy") {
        Some(Source::HttpProxy)
    } else if is("ecp server") {
        Some(Source::EcpServer)
    } else if is("ecp activity") {
        Some(Source::EcpActivity)
    } else if is("oab") {
        Some(Source::OabGenerator)
    } else if is("rps ") || is("psws ") || log_type.contains("cmdlet") {
        Some(Source::CmdletInfra)
    } else if is("ews") {
        Some(Source::Ews)
    } else if is("mapihttp") {
        Some(Source::MapiHttp)
    } else if is("message tracking") {
        Some(Source::MessageTracking)
    } else if is("smtp receive protocol") || is("smtp send protocol") {
        Some(Source::SmtpProtocol)
    } else if is("agent log") {
        Some(Source::TransportAgent)
    } else if log_type == "audit" {
        Some(Source::AdminAudit)
    } else {
        None
    }
}

/// Columns that, together, no other log has.
const SIGNATURES: [(&[&str], Source); 10] = [
    (&["AnchorMailbox", "ProxyAction", "Protocol"], Source::HttpProxy),
    (&["Cmdlet", "CmdletUniqueId"], Source::CmdletInfra),
    (
        &["ShellId", "CommandName", "ManagedOrganization"],
        Source::CmdletInfra,
    ),
    (&["SoapAction", "ImpersonatedUser"], Source::Ews),
    (&["MapiRequestId", "RopIds"], Source::MapiHttp),
    (&["internal-message-id", "event-id"], Source::MessageTracking),
    (
        &["connector-id", "session-id", "sequence-number"],
        Source::SmtpProtocol,
    ),
    (
        &["P1FromAddress", "Agent", "SmtpResponse"],
        Source::TransportAgent,
    ),
    (&["RecordType", "Data", "Workload"], Source::AdminAudit),
    // Both ECP logs have these; the rows and the name decide.
    (&["EventId", "EventData", "ServerName"], Source::EcpServer),
];

fn by_columns(fields: &str, row: Option<&str>, head: &Head<'_>) -> Option<Source> {
    match by_signature(fields) {
        Some(Source::EcpServer) => Some(ecp(row, head)),
        Some(source) => Some(source),
        // Columns nobody knows, in a file that is named like a log: they are there to be read.
        None if fields.contains(',') => by_name(head),
        None => None,
    }
}

fn by_signature(fields: &str) -> Option<Source> {
    let mut split = Fields::default();
    let names = split.split_csv(fields);
    let has = |wanted: &&str| names.iter().any(|name| name.trim().eq_ignore_ascii_case(wanted));
    let known = SIGNATURES.iter().find(|(columns, _)| columns.iter().all(has));
    known.map(|&(_, source)| source)
}

fn by_row(row: &str, head: &Head<'_>) -> Option<Source> {
    let mut split = Fields::default();
    let fields = split.split_csv(row);
    if layouts::httpproxy(&fields).is_some() {
        Some(Source::HttpProxy)
    } else if layouts::ecp(&fields).is_some() {
        Some(ecp(Some(row), head))
    } else if layouts::tracking(&fields).is_some() {
        Some(Source::MessageTracking)
    } else if layouts::smtp(&fields).is_some() {
        Some(Source::SmtpProtocol)
    } else if layouts::oab(&fields).is_some() && row.contains("Download failed and temporary file '") {
        Some(Source::OabGenerator)
    } else {
        None
    }
}

/// Which of the two ECP logs: requests carry commands and `ECP.` events, activities an activity identifier.
fn ecp(row: Option<&str>, head: &Head<'_>) -> Source {
    let mut split = Fields::default();
    let fields = split.split_csv(row.unwrap_or_default());
    if fields.get(2).starts_with("ECP.") || fields.get(3).contains("S:CMD=") {
        return Source::EcpServer;
    }
    match by_name(head) {
        Some(Source::EcpActivity) => Source::EcpActivity,
        Some(_) => Source::EcpServer,
        None if fields.get(3).contains("S:ActID=") => Source::EcpActivity,
        None => Source::EcpServer,
    }
}

/// What the name and the folders say. A copy of the logs in a folder of another name is known by its file names.
pub(super) fn by_name(head: &Head<'_>) -> Option<Source> {
    let name = head::log_name(head)?;
    if w3c::by_name(head).is_some() {
        return None;
    }
    let path = head::normal_path(head);
    let folder = |folder: &str| path.contains(&format!("/{folder}/"));
    let dated = |prefix: &str| {
        let rest = name.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.bytes().take(8).filter(u8::is_ascii_digit).count() == 8)
    };
    // Longer names first: `Ews_HttpProxy_...` is no EWS log.
    if name.contains("httpproxy_") || folder("logging/httpproxy") {
        Some(Source::HttpProxy)
    } else if name.starts_with("ecpserver") || folder("logging/ecp/server") {
        Some(Source::EcpServer)
    } else if name.starts_with("ecpactivity") || folder("logging/ecp/activity") {
        Some(Source::EcpActivity)
    } else if name.starts_with("oabgenerator")
        || folder("oabgeneratorlog")
        || folder("oabgeneratorsimplelog")
        || folder("oab_generation_logs")
        || folder("oab_generation_simple_logs")
    {
        Some(Source::OabGenerator)
    } else if name.starts_with("rps_") || folder("cmdletinfra") {
        Some(Source::CmdletInfra)
    } else if dated("ews_") || folder("logging/ews") {
        Some(Source::Ews)
    } else if dated("mapihttp_") || folder("logging/mapihttp") {
        Some(Source::MapiHttp)
    } else if ["msgtrk", "msgtrkma", "msgtrkmd", "msgtrkms"]
        .into_iter()
        .any(dated)
        || folder("messagetracking")
    {
        Some(Source::MessageTracking)
    } else if dated("recv") || dated("send") {
        Some(Source::SmtpProtocol)
    } else if dated("agentlog") {
        Some(Source::TransportAgent)
    } else if dated("audit") || folder("cosmosqueue/audit") {
        Some(Source::AdminAudit)
    } else {
        None
    }
}
