//! Test-ProxyLogon.ps1 as an inventory: what its files really say of a server.
//!
//! Source: microsoft/CSS-Exchange, `Security/src/Test-ProxyLogon.ps1`; the hunt reads the same files as evidence. The
//! script runs on Exchange only, so each file says that its host is an Exchange server. None says a build: a request that
//! it reports is logged by servers with the fix as well as by those without, and no hit is no sign of a fix. A request
//! from an address of the Internet says that the server was reached from there at that time. Host names in requests
//! (`UrlHost`, `AnchorMailbox`) are the attacker's to choose and name nothing.

use std::net::IpAddr;
use std::sync::Arc;

use vigie_event::{Timestamp, parse_utc};

use super::{Format, InventoryError, MAX_ROWS, Reading};
use crate::{Fact, Observation, Origin, Place, ProductLine, Said, Subject, is_public};

/// What follows the host in the names of the script's files. The longer ones first.
const ENDINGS: [&str; 8] = [
    "-cve-2021-27065-resetvdir.csv",
    "-cve-2021-26858-downloadpaths.log",
    "-cve-2021-26855.csv",
    "-cve-2021-26857.csv",
    "-cve-2021-26858.log",
    "-cve-2021-27065.log",
    "-logagedays.csv",
    "-other.csv",
];

/// Reads one of the script's files, known by its name. `None` when it is none.
pub(super) fn read(file_name: &str, text: &str) -> Option<Result<Reading, InventoryError>> {
    let name = file_name.rsplit(['/', '\\']).next()?;
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|ending| lower.ends_with(**ending))?;
    let host = &name[..name.len() - ending.len()];
    let is_host = !host.is_empty()
        && host.len() <= 253
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if !is_host || !fits(ending, text) {
        return None;
    }
    let mut reading = Reading::new(Format::TestProxyLogon);
    let subject = Arc::new(Subject::of_name(host));
    let file: Arc<str> = file_name.into();
    let observed = |fact, at, place| Observation {
        subject: Arc::clone(&subject),
        fact,
        at,
        origin: Origin {
            reader: Format::TestProxyLogon.id(),
            file: Arc::clone(&file),
            place,
        },
    };
    let product = ProductLine {
        product: "exchange".to_owned(),
        line: None,
    };
    reading
        .observations
        .push(observed(Fact::Product(product), None, None));
    let seen = if ending.contains("26855") || ending.contains("resetvdir") {
        match reached(text, &mut reading) {
            Ok(seen) => seen,
            Err(error) => return Some(Err(error)),
        }
    } else {
        let rows = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with("#TYPE"));
        let header = usize::from(ending.ends_with(".csv"));
        reading.rows = rows.count().saturating_sub(header) as u64;
        reading.other_rows = reading.rows;
        Vec::new()
    };
    reading.observations.extend(
        seen.into_iter()
            .map(|(at, line)| observed(Fact::Published(true), Some(at), Some(Place::Line(line)))),
    );
    reading.notes.push(Said::new(
        "it says that the server is one of Exchange, and when it was reached from the Internet; it says nothing of its build",
        "il dit que le serveur est un Exchange et quand il a été atteint depuis Internet ; il ne dit rien de son build",
    ));
    Some(Ok(reading))
}

/// Whether the text is what the script writes into a file of this name. Others end their files' names in `-other`, too.
fn fits(ending: &str, text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.find(|line| !line.starts_with("#TYPE")).unwrap_or_default();
    let has = |names: &[&str]| {
        let cells: Vec<&str> = first
            .split(',')
            .map(|cell| cell.trim().trim_matches('"'))
            .collect();
        names
            .iter()
            .all(|name| cells.iter().any(|cell| cell.eq_ignore_ascii_case(name)))
    };
    match ending {
        "-other.csv" => has(&["Type", "Path", "LastWrite"]),
        "-logagedays.csv" => has(&["Oabgen", "Ecp"]),
        "-cve-2021-26857.csv" => has(&["TimeCreated", "MachineName"]),
        ending if ending.ends_with(".log") => first.contains(":\\") || first.starts_with("\\\\"),
        _ => true,
    }
}

/// The first and the last request from an address of the Internet, with their lines.
fn reached(text: &str, reading: &mut Reading) -> Result<Vec<(Timestamp, u64)>, InventoryError> {
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut columns: Option<(usize, usize)> = None;
    let mut ends: Option<((Timestamp, u64), (Timestamp, u64))> = None;
    while rows.read_record(&mut record).unwrap_or(false) {
        let line = record.position().map_or(0, csv::Position::line);
        let Some((time, client)) = columns else {
            let column = |name: &str| {
                record
                    .iter()
                    .position(|cell| cell.trim().eq_ignore_ascii_case(name))
            };
            columns = column("DateTime").zip(column("ClientIPAddress"));
            continue;
        };
        reading.rows += 1;
        if reading.rows > MAX_ROWS {
            return Err(InventoryError::TooManyRows);
        }
        let cell = |index: usize| record.get(index).unwrap_or_default().trim();
        let address = cell(client)
            .parse::<IpAddr>()
            .ok()
            .filter(|address| is_public(*address));
        let at = parse_utc(cell(time));
        if at.is_none() {
            let said = super::reading::not_understood(cell(time), "a time", "une heure");
            reading.problem(Place::Line(line).column(time, "DateTime"), said);
            continue;
        }
        let (Some(at), Some(_)) = (at, address) else {
            reading.other_rows += 1;
            continue;
        };
        let (first, last) = ends.get_or_insert(((at, line), (at, line)));
        *first = (*first).min((at, line));
        *last = (*last).max((at, line));
        reading.other_rows += 1;
    }
    if columns.is_none() {
        let why = Said::new(
            "it has no columns DateTime and ClientIPAddress",
            "il n’a pas de colonnes DateTime et ClientIPAddress",
        );
        return Err(InventoryError::broken(Format::TestProxyLogon, why));
    }
    let mut seen: Vec<(Timestamp, u64)> = ends.map(|(first, last)| vec![first, last]).unwrap_or_default();
    seen.dedup();
    reading.other_rows -= seen.len() as u64;
    Ok(seen)
}
