//! Test-ProxyLogon.ps1: one file for each vulnerability with hits, and `<HOST>-LogAgeDays.csv`, which every run leaves.
//!
//! Source: microsoft/CSS-Exchange, `Security/src/Test-ProxyLogon.ps1`, 2021 to 2023. `DateTime` is copied from the
//! HttpProxy log (UTC); `LastWrite` is UTC in the notation of the machine's culture; ages count from the run.

use std::io::Read;

use vigie_event::{EventBatch, Source, parse_utc};

use super::is_host;
use crate::files::inventory::Entry;
use crate::files::rows::Rows;
use crate::files::table::{self, Table};
use crate::files::text::{Line, Text, head_text};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message};

/// The files of Test-ProxyLogon.
pub(crate) static FORMAT: Format = Format {
    name: "test_proxylogon",
    source: Source::CheckResult,
    recognise,
    parse,
};

const CHECK: &str = "Test-ProxyLogon";
/// What the script selects from HttpProxy logs.
const PROXY_COLUMNS: [&str; 9] = [
    "DateTime",
    "RequestId",
    "ClientIPAddress",
    "UrlHost",
    "UrlStem",
    "RoutingHint",
    "UserAgent",
    "AnchorMailbox",
    "HttpStatus",
];

/// Which of the script's files one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// HttpProxy rows.
    Ssrf,
    /// HttpProxy rows that reset a virtual directory.
    ResetDirectory,
    /// Events of Unified Messaging.
    UnifiedMessaging,
    /// Names of OAB generator logs, or the paths they hold.
    OfflineAddressBook,
    OfflineAddressBookPaths,
    /// Names of ECP server logs.
    Ecp,
    /// Dumps and archives.
    Other,
    LogAge,
}

impl Kind {
    /// By the part of the file's name that follows the host.
    const ENDINGS: [(&'static str, Kind); 8] = [
        ("-cve-2021-27065-resetvdir", Kind::ResetDirectory),
        ("-cve-2021-26858-downloadpaths", Kind::OfflineAddressBookPaths),
        ("-cve-2021-26855", Kind::Ssrf),
        ("-cve-2021-26857", Kind::UnifiedMessaging),
        ("-cve-2021-26858", Kind::OfflineAddressBook),
        ("-cve-2021-27065", Kind::Ecp),
        ("-logagedays", Kind::LogAge),
        ("-other", Kind::Other),
    ];

    fn by_name(name: &str) -> Option<(Kind, &str)> {
        let lower = name.to_ascii_lowercase();
        Kind::ENDINGS
            .iter()
            .find_map(|(ending, kind)| Some((*kind, name.get(..lower.find(ending)?)?)))
    }

    fn cve(self) -> &'static str {
        match self {
            Kind::Ssrf => "CVE-2021-26855",
            Kind::UnifiedMessaging => "CVE-2021-26857",
            Kind::OfflineAddressBook | Kind::OfflineAddressBookPaths => "CVE-2021-26858",
            Kind::ResetDirectory | Kind::Ecp => "CVE-2021-27065",
            Kind::Other | Kind::LogAge => "",
        }
    }

    fn is_list(self) -> bool {
        matches!(
            self,
            Kind::OfflineAddressBook | Kind::OfflineAddressBookPaths | Kind::Ecp
        )
    }
}

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let named = Kind::by_name(head.name).map(|(kind, _)| kind);
    if named.is_some_and(Kind::is_list) {
        let text = head_text(head.bytes);
        let first = text.lines().find(|line| !line.trim().is_empty())?;
        let is_path = first.contains(":\\") || first.contains("\\\\");
        return is_path.then_some(Confidence::Content);
    }
    let header = table::header_of(head)?;
    by_columns(&header, named).map(|(_, confidence)| confidence)
}

/// What a table is, by its columns first.
fn by_columns(header: &[String], named: Option<Kind>) -> Option<(Kind, Confidence)> {
    let is_exact = header.len() == PROXY_COLUMNS.len() && table::has(header, &PROXY_COLUMNS);
    let is_proxy = named.filter(|kind| matches!(kind, Kind::Ssrf | Kind::ResetDirectory));
    if is_exact {
        return Some((is_proxy.unwrap_or(Kind::Ssrf), Confidence::Certain));
    }
    if let Some(kind) = is_proxy.filter(|_| table::has(header, &["DateTime", "AnchorMailbox"])) {
        return Some((kind, Confidence::Certain));
    }
    if table::has(header, &["Oabgen", "Ecp", "EcpProxy"]) {
        return Some((Kind::LogAge, Confidence::Certain));
    }
    if named == Some(Kind::UnifiedMessaging) && table::has(header, &["Message"]) {
        return Some((Kind::UnifiedMessaging, Confidence::Certain));
    }
    let is_other = table::has(header, &["Type", "Path", "Name", "LastWrite"]);
    (named == Some(Kind::Other) && is_other).then_some((Kind::Other, Confidence::Content))
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::CheckResult, context, sink);
    rows.layout(&["Check", "Cve", "Result", "Host"]);
    let name = context.file.path.rsplit(['/', '\\']).next().unwrap_or_default();
    let named = Kind::by_name(name);
    let host = named
        .map(|(_, host)| host)
        .filter(|host| is_host(host))
        .unwrap_or_default();
    match named {
        Some((kind, _)) if kind.is_list() => list(input, kind, host, &mut rows),
        _ => rows_of_table(input, named.map(|(kind, _)| kind), host, &mut rows),
    }
    if !host.is_empty() {
        rows.outcome.host(host, "Test-ProxyLogon file name");
    }
    rows.finish()
}

/// Says that the check ran, and how much it reported.
fn summary(kind: Kind, host: &str, hits: u64, rows: &mut Rows<'_>) {
    let time = rows.context.file.modified;
    let of = if host.is_empty() {
        String::new()
    } else {
        format!(" on {host}")
    };
    rows.observe("check_run", &format!("{CHECK}{of}"), time, 1);
    let what = match kind {
        Kind::LogAge => return,
        Kind::Other => "dumps or archives",
        kind => kind.cve(),
    };
    rows.observe(
        "check_result",
        &format!("{CHECK}: {hits} reported for {what}"),
        time,
        1,
    );
}

fn rows_of_table(input: &mut dyn Read, named: Option<Kind>, host: &str, rows: &mut Rows<'_>) {
    let mut table = Table::open(input, rows.context.limits.line_bytes, &mut rows.outcome);
    let Some((kind, _)) = by_columns(table.header(), named) else {
        let why = Code::ForeignColumns;
        return rows.outcome.skip(why, 1, 0, || "line 1".to_owned());
    };
    let mut hits = 0;
    while let Some(place) = table.next(&mut rows.outcome) {
        hits += 1;
        let base = |result| {
            [
                ("Check", CHECK),
                ("Cve", kind.cve()),
                ("Result", result),
                ("Host", host),
            ]
        };
        match kind {
            Kind::LogAge => log_age(&table, place, host, rows),
            Kind::Other => {
                let path = table.get("Path");
                let written = parse_utc(table.get("LastWrite"));
                let kind = [("Type", table.get("Type")), ("LastWrite", table.get("LastWrite"))];
                let file = [("TargetFilename", path), ("FileName", table.get("Name"))];
                let values = base("hit").into_iter().chain(kind).chain(file);
                rows.row(written, place.line, place.offset, values);
                listed(path, written, place, rows);
            }
            Kind::UnifiedMessaging => {
                let machine = table.get("MachineName");
                if is_host(machine) {
                    rows.outcome.host(machine, "MachineName");
                }
                let own = [
                    ("TimeCreated", table.get("TimeCreated")),
                    ("MachineName", machine),
                    ("Message", table.get("Message")),
                ];
                let time = parse_utc(table.get("TimeCreated"));
                rows.row(time, place.line, place.offset, base("hit").into_iter().chain(own));
            }
            _ => {
                let own = PROXY_COLUMNS.iter().map(|column| (*column, table.get(column)));
                let time = parse_utc(table.get("DateTime"));
                rows.row(time, place.line, place.offset, base("hit").into_iter().chain(own));
            }
        }
    }
    rows.decoded(table.text());
    summary(kind, host, hits, rows);
}

/// One row for each kind of log: how far back it went. What is older, the check has not seen.
fn log_age(table: &Table<'_>, place: table::Place, host: &str, rows: &mut Rows<'_>) {
    let mut ages = Vec::new();
    for log in table.header().iter().take(64) {
        let age = table.get(log);
        if age.is_empty() || age.len() > 32 {
            continue;
        }
        let values = [
            ("Check", CHECK),
            ("Result", "log_age"),
            ("Host", host),
            ("Log", log),
            ("AgeDays", age),
        ];
        rows.row(None, place.line, place.offset, values);
        ages.push(format!("{log} {age}"));
    }
    if !ages.is_empty() {
        let time = rows.context.file.modified;
        let value = format!("{CHECK}: logs went back, in days, {}", ages.join("; "));
        rows.observe("check_result", &value, time, place.line);
    }
}

/// A file the check names is in the inventory, even when nobody collected it.
fn listed(path: &str, modified: Option<i64>, place: table::Place, rows: &mut Rows<'_>) {
    let entry = Entry {
        path,
        modified,
        ..Entry::default()
    };
    let columns = entry.columns();
    let columns = columns.iter().map(|(name, value)| (*name, value.as_str()));
    let origin = [("ListedBy", CHECK)];
    let values = columns.chain(origin);
    rows.row_of(Source::FileInventory, modified, place.line, place.offset, values);
}

fn list(input: &mut dyn Read, kind: Kind, host: &str, rows: &mut Rows<'_>) {
    let mut text = Text::new(input, rows.context.limits.line_bytes);
    let (mut line, mut hits) = (String::new(), 0);
    loop {
        match text.next_line(&mut line) {
            Ok(Line::Text(number, offset)) => {
                let value = line.trim().trim_matches('\0');
                if value.is_empty() {
                    continue;
                }
                hits += 1;
                let column = match kind {
                    Kind::OfflineAddressBookPaths => "DownloadPath",
                    _ => "LogFile",
                };
                let values = [
                    ("Check", CHECK),
                    ("Cve", kind.cve()),
                    ("Result", "hit"),
                    ("Host", host),
                    (column, value),
                ];
                rows.row(None, number, offset, values);
            }
            Ok(Line::TooLong(number, bytes)) => {
                let cap = rows.context.limits.line_bytes;
                let why = Message::new(Code::LineTooLong, [("bytes", cap.into())]);
                rows.outcome.skip(why, 1, bytes, || format!("line {number}"));
            }
            Ok(Line::End) => break,
            Err(error) => {
                rows.outcome
                    .input_failed(&error, || format!("line {}", text.line()));
                break;
            }
        }
    }
    rows.decoded(&text);
    summary(kind, host, hits, rows);
}
