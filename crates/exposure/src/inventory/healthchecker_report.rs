//! HealthChecker.ps1 `-VulnerabilityReport`: `HealthChecker-VulnerabilityReport-<time>.json`, one line of all servers.
//!
//! Source: microsoft/CSS-Exchange, `Diagnostics/HealthChecker/Features/Invoke-VulnerabilityReport.ps1`. `BuildVersion` is
//! that of ExSetup.exe for a server whose data was collected (`Online`), and AdminDisplayVersion for any other. Data that
//! the script found in older files of its own is used again: a build may be older than `ReportDate`, never younger.
//! `ReportDate` is local time in the notation of the machine's culture; the file's name holds it unambiguously.

use std::sync::Arc;

use serde::Deserialize;
use vigie_event::{MICROS_PER_DAY, Timestamp, parse_utc};

use super::json::{self, Kept, Several, Text};
use super::reading::not_understood;
use super::{Format, InventoryError, Options, Reading, dates};
use crate::{BuildSource, Fact, Observation, Origin, Place, ProductLine, Said, Subject, Version};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    #[serde(default)]
    report_date: Text,
    servers: Several<Server>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Server {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    build_version: Text,
    #[serde(default)]
    online: bool,
}

impl Kept for Server {}

/// Reads what `ConvertTo-Json` wrote.
pub(super) fn read(file_name: &str, text: &str, options: &Options) -> Result<Reading, InventoryError> {
    let report: Report = json::parse(Format::HealthCheckerReport, text)?;
    let mut reading = Reading::new(Format::HealthCheckerReport);
    let at = date(&report.report_date.0, file_name, options, &mut reading);
    let file: Arc<str> = file_name.into();
    let mut offline = 0;
    for (index, server) in report.servers.numbered() {
        reading.rows += 1;
        let path = format!("Servers[{index}]");
        let Some(name) = server.name.some() else {
            let said = Said::new(
                "the server has no Name: nothing of it is used",
                "le serveur n’a pas de Name : rien n’en est utilisé",
            );
            reading.problem_at(&path, said);
            continue;
        };
        offline += usize::from(!server.online);
        let source = match server.online {
            true => BuildSource::HealthChecker,
            false => BuildSource::AdminDisplayVersion,
        };
        let product = ProductLine {
            product: "exchange".to_owned(),
            line: None,
        };
        let mut facts = vec![Fact::Product(product)];
        match server.build_version.0.parse::<Version>() {
            Ok(version) => facts.push(Fact::Build { version, source }),
            Err(_) => {
                let said = not_understood(&server.build_version.0, "a build", "un build");
                reading.problem_at(&format!("{path}.BuildVersion"), said);
            }
        }
        let subject = Arc::new(Subject::of_name(&name));
        reading
            .observations
            .extend(facts.into_iter().map(|fact| Observation {
                subject: Arc::clone(&subject),
                fact,
                at,
                origin: Origin {
                    reader: Format::HealthCheckerReport.id(),
                    file: Arc::clone(&file),
                    place: Some(Place::Path(path.as_str().into())),
                },
            }));
    }
    if offline > 0 {
        reading.notes.push(Said::new(
            format!("servers that could not be looked at: {offline}; their builds are AdminDisplayVersion, which does not show security updates"),
            format!("serveurs qui n’ont pas pu être examinés : {offline} ; leurs builds viennent d’AdminDisplayVersion, qui ne montre pas les mises à jour de sécurité"),
        ));
    }
    Ok(reading)
}

/// When the report was made: what is written in it, read as the time in the file's name says it is meant.
fn date(text: &str, file_name: &str, options: &Options, reading: &mut Reading) -> Option<Timestamp> {
    let named = name_time(file_name);
    let read = |day_first| dates::read(text, day_first);
    let near = |at: Timestamp| named.is_some_and(|named| (at - named).abs() < MICROS_PER_DAY);
    let by_name = [true, false]
        .into_iter()
        .filter_map(read)
        .find(|dated| near(dated.at));
    let chosen = match (by_name, options.day_first) {
        (Some(dated), _) => Some(dated.at),
        (None, Some(day_first)) => read(day_first).map(|dated| dated.at),
        (None, None) => match read(true) {
            Some(dated) if !dated.ambiguous => Some(dated.at),
            Some(_) => {
                let said = Said::new(
                    format!(
                        "nobody can tell the day from the month in {text:?}: keep the name of the file as HealthChecker gave it, or say --day-first or --month-first"
                    ),
                    format!(
                        "impossible de distinguer le jour du mois dans {text:?} : garder le nom de fichier donné par HealthChecker, ou préciser --day-first ou --month-first"
                    ),
                );
                reading.problem_at("ReportDate", said);
                return None;
            }
            None => named,
        },
    };
    match chosen {
        Some(_) => reading.notes.push(Said::new(
            "the time of the report is local and is read as UTC; what it says may have been looked at earlier",
            "l’heure du rapport est locale et lue comme UTC ; ce qu’il dit a pu être relevé plus tôt",
        )),
        None => reading.problem_at("ReportDate", not_understood(text, "a date", "une date")),
    }
    chosen
}

/// `20210310101500` in `HealthChecker-VulnerabilityReport-20210310101500.json`.
fn name_time(file_name: &str) -> Option<Timestamp> {
    let name = file_name.rsplit(['/', '\\']).next()?;
    let digits = name
        .split(|c: char| !c.is_ascii_digit())
        .find(|part| part.len() == 14)?;
    let part = |from: usize, to: usize| &digits[from..to];
    parse_utc(&format!(
        "{}-{}-{}T{}:{}:{}",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    ))
}
