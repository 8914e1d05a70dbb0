//! Indicators as CSV: Vigie's own columns, and the names other tools give theirs.

use std::collections::BTreeSet;

use vigie_event::{Timestamp, parse_utc};

use super::super::{Confidence, Indicator, IndicatorKind, Outcome, Severity, guess_kind};
use super::{ImportProblem, Intake, misp, score};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Type,
    Value,
    Severity,
    Confidence,
    Outcome,
    Stage,
    Context,
    ContextFr,
    Source,
    ValidFrom,
    ValidUntil,
    /// MISP's flag: what is not for detection is no indicator.
    ToIds,
}

/// The columns of Vigie's CSV, by name.
const OWN: [(&str, Column); 11] = [
    ("type", Column::Type),
    ("value", Column::Value),
    ("severity", Column::Severity),
    ("confidence", Column::Confidence),
    ("outcome", Column::Outcome),
    ("stage", Column::Stage),
    ("context", Column::Context),
    ("context_fr", Column::ContextFr),
    ("source", Column::Source),
    ("valid_from", Column::ValidFrom),
    ("valid_until", Column::ValidUntil),
];

/// What others call them; lower case, letters and digits only.
const ALIASES: [(&str, Column); 23] = [
    ("indicatortype", Column::Type),
    ("ioctype", Column::Type),
    ("kind", Column::Type),
    ("indicator", Column::Value),
    ("indicatorvalue", Column::Value),
    ("ioc", Column::Value),
    ("iocvalue", Column::Value),
    ("observable", Column::Value),
    ("comment", Column::Context),
    ("description", Column::Context),
    ("title", Column::Context),
    ("note", Column::Context),
    ("threattype", Column::Context),
    ("malware", Column::Context),
    ("contextfr", Column::ContextFr),
    ("feed", Column::Source),
    ("provider", Column::Source),
    ("validfrom", Column::ValidFrom),
    ("validuntil", Column::ValidUntil),
    ("expirationtime", Column::ValidUntil),
    ("expiration", Column::ValidUntil),
    ("expires", Column::ValidUntil),
    ("toids", Column::ToIds),
];

/// Names of types beside ours and MISP's; lower case, letters and digits only.
const TYPES: [(&str, IndicatorKind); 21] = [
    ("filesha256", IndicatorKind::Sha256),
    ("filehashsha256", IndicatorKind::Sha256),
    ("sha256hash", IndicatorKind::Sha256),
    ("filesha1", IndicatorKind::Sha1),
    ("filehashsha1", IndicatorKind::Sha1),
    ("sha1hash", IndicatorKind::Sha1),
    ("filemd5", IndicatorKind::Md5),
    ("filehashmd5", IndicatorKind::Md5),
    ("md5hash", IndicatorKind::Md5),
    ("ipaddress", IndicatorKind::Ip),
    ("ipv4", IndicatorKind::Ip),
    ("ipv6", IndicatorKind::Ip),
    ("ipv4addr", IndicatorKind::Ip),
    ("ipv6addr", IndicatorKind::Ip),
    ("domainname", IndicatorKind::Domain),
    ("host", IndicatorKind::Domain),
    ("fqdn", IndicatorKind::Domain),
    ("useragent", IndicatorKind::UserAgent),
    ("filepath", IndicatorKind::FilePath),
    ("filename", IndicatorKind::FileName),
    ("network", IndicatorKind::Cidr),
];

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn own(name: &str) -> Option<Column> {
    OWN.iter()
        .find(|(own, _)| *own == name)
        .map(|&(_, column)| column)
}

fn anyones(name: &str) -> Option<Column> {
    own(&name.to_lowercase()).or_else(|| {
        let name = plain(name);
        ALIASES
            .iter()
            .find(|(alias, _)| *alias == name)
            .map(|&(_, column)| column)
    })
}

/// The delimiter of a header that names a column of values, if it is one.
pub(super) fn delimiter(header: &str) -> Option<u8> {
    [b',', b';', b'\t'].into_iter().find(|&delimiter| {
        let cells = header.split(char::from(delimiter));
        let columns: Vec<Option<Column>> = cells.map(|cell| anyones(cell.trim().trim_matches('"'))).collect();
        columns.contains(&Some(Column::Value)) && columns.len() > 1
    })
}

/// Reads Vigie's CSV: a header naming `type` and `value` and any of `severity`, `confidence`, `outcome`, `stage`,
/// `context`, `context_fr`, `source`, `valid_from`, `valid_until`. Every row that cannot be read is reported; the
/// others are kept.
pub fn parse_csv(text: &str, pack: Option<&str>) -> (Vec<Indicator>, Vec<ImportProblem>) {
    let mut indicators = Vec::new();
    let mut problems = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = match header(&mut reader, own) {
        Ok((columns, unknown)) if unknown.is_empty() => columns,
        Ok((_, unknown)) => {
            let names: Vec<&str> = OWN.iter().map(|(name, _)| *name).collect();
            problems.push(ImportProblem {
                line: 1,
                message: format!(
                    "unknown column {:?}: there are {}",
                    unknown.join(", "),
                    names.join(", ")
                ),
            });
            return (indicators, problems);
        }
        Err(problem) => return (indicators, vec![problem]),
    };
    rows(&mut reader, |line, row| {
        match row.and_then(|row| {
            own_indicator(&Row {
                columns: &columns,
                row,
            })
        }) {
            Ok(mut indicator) => {
                indicator.pack = pack.map(str::to_owned);
                indicator.line = line;
                indicators.push(indicator);
            }
            Err(message) => problems.push(ImportProblem { line, message }),
        }
    });
    (indicators, problems)
}

/// Reads CSV whose header names a column of values, ours or somebody else's.
pub(super) fn import(text: &str, delimiter: u8, into: &mut Intake<'_>) {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .delimiter(delimiter)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let (columns, unknown) = match header(&mut reader, anyones) {
        Ok(header) => header,
        Err(problem) => return into.refuse(problem.line, &problem.message),
    };
    if !unknown.is_empty() {
        into.set_aside(
            &format!("columns not read: {}", unknown.join(", ")),
            unknown.len() as u64,
        );
    }
    rows(&mut reader, |line, row| {
        let row = match row {
            Ok(row) => Row {
                columns: &columns,
                row,
            },
            Err(message) => return into.refuse(line, &message),
        };
        if matches!(row.get(Column::ToIds), "0" | "false" | "False") {
            return into.set_aside("attributes not for detection (to_ids)", 1);
        }
        match anyones_indicators(&row) {
            Ok(indicators) => {
                for indicator in indicators {
                    into.take(line, "", indicator);
                }
            }
            Err(message) => into.refuse(line, &message),
        }
    });
}

/// A row and what its cells are.
struct Row<'a> {
    columns: &'a [Option<Column>],
    row: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    /// The first cell of this column that is not empty.
    fn get(&self, column: Column) -> &'a str {
        let cells = self.columns.iter().zip(self.row.iter());
        cells
            .filter(|(of, cell)| **of == Some(column) && !cell.is_empty())
            .map(|(_, cell)| cell)
            .next()
            .unwrap_or("")
    }
}

/// The columns, and the names of those nobody knows.
fn header(
    reader: &mut csv::Reader<&[u8]>,
    column: impl Fn(&str) -> Option<Column>,
) -> Result<(Vec<Option<Column>>, Vec<String>), ImportProblem> {
    let headers = reader.headers().map_err(|error| ImportProblem {
        line: 1,
        message: said(&error),
    })?;
    let columns: Vec<Option<Column>> = headers.iter().map(column).collect();
    let unknown = headers
        .iter()
        .zip(&columns)
        .filter(|(name, column)| column.is_none() && !name.is_empty())
        .map(|(name, _)| name.to_owned())
        .collect();
    let known: BTreeSet<Column> = columns.iter().flatten().copied().collect();
    if !known.contains(&Column::Value) {
        return Err(ImportProblem {
            line: 1,
            message: "the header names no column \"value\"".to_owned(),
        });
    }
    Ok((columns, unknown))
}

fn rows(reader: &mut csv::Reader<&[u8]>, mut each: impl FnMut(u64, Result<&csv::StringRecord, String>)) {
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return,
            Ok(true) => each(record.position().map_or(line, csv::Position::line), Ok(&record)),
            Err(error) => each(line, Err(said(&error))),
        }
    }
}

fn said(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} cells where the header has {expected_len}: quote values that hold a comma")
        }
        _ => error.to_string(),
    }
}

fn unknown(what: &str, said: &str, choices: &str) -> String {
    format!("unknown {what} {said:?}: use one of {choices}")
}

/// A row of Vigie's CSV. Empty cells take what the kind has by default.
fn own_indicator(row: &Row<'_>) -> Result<Indicator, String> {
    let kind = row.get(Column::Type);
    let kind = IndicatorKind::from_id(kind).ok_or_else(|| format!("unknown indicator type {kind:?}"))?;
    let mut indicator = Indicator::new(kind, row.get(Column::Value));
    if indicator.value.is_empty() {
        return Err("the value is empty".to_owned());
    }
    let said = row.get(Column::Severity);
    if !said.is_empty() {
        indicator.severity =
            Severity::from_id(said).ok_or_else(|| unknown("severity", said, &Severity::choices()))?;
    }
    let said = row.get(Column::Confidence);
    if !said.is_empty() {
        indicator.confidence =
            Confidence::from_id(said).ok_or_else(|| unknown("confidence", said, &Confidence::choices()))?;
    }
    let said = row.get(Column::Outcome);
    if !said.is_empty() {
        indicator.outcome =
            Outcome::from_id(said).ok_or_else(|| unknown("outcome", said, &Outcome::choices()))?;
    }
    describe(&mut indicator, row)?;
    Ok(indicator)
}

fn describe(indicator: &mut Indicator, row: &Row<'_>) -> Result<(), String> {
    indicator.stage = Some(row.get(Column::Stage).to_owned()).filter(|stage| !stage.is_empty());
    indicator.context = row.get(Column::Context).to_owned();
    indicator.context_fr = row.get(Column::ContextFr).to_owned();
    indicator.source = row.get(Column::Source).to_owned();
    indicator.valid_from = instant("valid_from", row.get(Column::ValidFrom))?;
    indicator.valid_until = instant("valid_until", row.get(Column::ValidUntil))?;
    Ok(())
}

fn instant(column: &str, text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let time = parse_utc(text).ok_or_else(|| {
        format!("{column} {text:?} is not a time such as 2021-03-03 or 2021-03-03T06:49:46Z")
    })?;
    Ok(Some(time))
}

/// A row of somebody's CSV: kinds by their names or by how the value looks, grades as ours or as numbers.
fn anyones_indicators(row: &Row<'_>) -> Result<Vec<Indicator>, String> {
    let value = row.get(Column::Value);
    if value.is_empty() {
        return Err("the value is empty".to_owned());
    }
    let named = row.get(Column::Type);
    let values = kinds(named, value)?;
    let mut indicators = Vec::with_capacity(values.len());
    for (kind, value) in values {
        let mut indicator = Indicator::new(kind, &value);
        describe(&mut indicator, row)?;
        grade(&mut indicator, row)?;
        indicators.push(indicator);
    }
    Ok(indicators)
}

fn kinds(named: &str, value: &str) -> Result<Vec<(IndicatorKind, String)>, String> {
    let one = |kind| Ok(vec![(kind, value.to_owned())]);
    if named.is_empty() {
        let shown: String = value.chars().take(80).collect();
        return guess_kind(value).map_or_else(
            || Err(format!("{shown:?} looks like no known kind of indicator")),
            one,
        );
    }
    let lower = named.to_lowercase();
    if let Some(kind) = IndicatorKind::from_id(&lower) {
        return one(kind);
    }
    if let Some(values) = misp::values(&lower, value) {
        return Ok(values);
    }
    let name = plain(named);
    match TYPES.iter().find(|(alias, _)| *alias == name) {
        Some(&(_, IndicatorKind::Ip)) if value.contains('/') => one(IndicatorKind::Cidr),
        Some(&(_, kind)) => one(kind),
        None => Err(format!("unknown indicator type {named:?}")),
    }
}

fn grade(indicator: &mut Indicator, row: &Row<'_>) -> Result<(), String> {
    let said = row.get(Column::Severity).to_lowercase();
    if let Some(severity) = Severity::from_id(&said) {
        indicator.severity = severity;
    }
    let said = row.get(Column::Outcome).to_lowercase();
    if let Some(outcome) = Outcome::from_id(&said) {
        indicator.outcome = outcome;
    }
    let said = row.get(Column::Confidence).to_lowercase();
    if said.is_empty() {
        return Ok(());
    }
    let of_word = match said.as_str() {
        "low" => Some(15),
        "medium" | "moderate" => Some(50),
        "high" => Some(85),
        number => number.parse::<u8>().ok().filter(|score| *score <= 100),
    };
    indicator.confidence = match (Confidence::from_id(&said), of_word) {
        (Some(grade), _) => grade,
        (None, Some(score)) => score::confidence(indicator.kind, Some(score)),
        (None, None) => {
            let choices = format!("{}, or 0 to 100", Confidence::choices());
            return Err(unknown("confidence", &said, &choices));
        }
    };
    Ok(())
}
