//! Reading indicators: Vigie's own CSV and plain lists.

use serde::Deserialize;

use super::{Confidence, Indicator, IndicatorKind, Outcome, Severity, normal};

/// A line that holds no indicator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ImportProblem {
    /// 1-based line.
    pub line: u64,
    /// What is wrong, lower case, without full stop.
    pub message: String,
}

/// A row of `indicators.csv`. Empty cells take what the kind has by default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(rename = "type")]
    kind: String,
    value: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    confidence: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    stage: String,
    #[serde(default)]
    context: String,
    #[serde(default)]
    context_fr: String,
    #[serde(default)]
    source: String,
}

/// Reads Vigie's CSV: a header naming `type` and `value` and any of `severity`, `confidence`, `outcome`, `stage`,
/// `context`, `context_fr`, `source`. Every row that cannot be read is reported; the others are kept.
pub fn parse_csv(text: &str, pack: Option<&str>) -> (Vec<Indicator>, Vec<ImportProblem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut indicators = Vec::new();
    let mut problems = Vec::new();
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => {
            problems.push(csv_problem(&error, 1));
            return (indicators, problems);
        }
    };
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return (indicators, problems),
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                match indicator_of(&record, &headers, line, pack) {
                    Ok(indicator) => indicators.push(indicator),
                    Err(problem) => problems.push(problem),
                }
            }
            Err(error) => problems.push(csv_problem(&error, line)),
        }
    }
}

fn indicator_of(
    record: &csv::StringRecord,
    headers: &csv::StringRecord,
    line: u64,
    pack: Option<&str>,
) -> Result<Indicator, ImportProblem> {
    let row: Row = record
        .deserialize(Some(headers))
        .map_err(|error| csv_problem(&error, line))?;
    let problem = |message: String| ImportProblem { line, message };
    let kind = IndicatorKind::from_id(&row.kind)
        .ok_or_else(|| problem(format!("unknown indicator type {:?}", row.kind)))?;
    let mut indicator = Indicator::new(kind, &row.value);
    if indicator.value.is_empty() {
        return Err(problem("the value is empty".to_owned()));
    }
    if !row.severity.is_empty() {
        indicator.severity = Severity::from_id(&row.severity).ok_or_else(|| {
            problem(format!(
                "unknown severity {:?}: use one of {}",
                row.severity,
                Severity::choices()
            ))
        })?;
    }
    if !row.confidence.is_empty() {
        indicator.confidence = Confidence::from_id(&row.confidence).ok_or_else(|| {
            problem(format!(
                "unknown confidence {:?}: use one of {}",
                row.confidence,
                Confidence::choices()
            ))
        })?;
    }
    if !row.outcome.is_empty() {
        indicator.outcome = Outcome::from_id(&row.outcome).ok_or_else(|| {
            problem(format!(
                "unknown outcome {:?}: use one of {}",
                row.outcome,
                Outcome::choices()
            ))
        })?;
    }
    indicator.stage = Some(row.stage).filter(|stage| !stage.is_empty());
    indicator.context = row.context;
    indicator.context_fr = row.context_fr;
    indicator.source = row.source;
    indicator.pack = pack.map(str::to_owned);
    indicator.line = line;
    Ok(indicator)
}

fn csv_problem(error: &csv::Error, line: u64) -> ImportProblem {
    let message = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} cells where the header has {expected_len}: quote values that hold a comma")
        }
        _ => error.to_string(),
    };
    ImportProblem { line, message }
}

/// Reads one indicator per line; what follows ` #` or a line's first `#` is a comment. The kind is guessed
/// ([`guess_kind`]); lines that look like nothing known are reported.
pub fn parse_list(text: &str, source: &str) -> (Vec<Indicator>, Vec<ImportProblem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut indicators = Vec::new();
    let mut problems = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let line = index as u64 + 1;
        let value = raw
            .split_once(" #")
            .map_or(raw, |(value, _comment)| value)
            .trim()
            .trim_matches(['"', '\'']);
        if value.is_empty() || value.starts_with('#') {
            continue;
        }
        match guess_kind(value) {
            Some(kind) => {
                let mut indicator = Indicator::new(kind, value);
                indicator.source = source.to_owned();
                indicator.line = line;
                indicators.push(indicator);
            }
            None => problems.push(ImportProblem {
                line,
                message: format!("{:?} looks like no known kind of indicator", excerpt(value)),
            }),
        }
    }
    (indicators, problems)
}

fn excerpt(value: &str) -> String {
    value.chars().take(80).collect()
}

/// Endings that make a dotted name a file rather than a domain.
const FILE_ENDINGS: &[&str] = &[
    "asax", "ascx", "ashx", "asmx", "asp", "aspx", "bat", "bin", "cab", "cmd", "config", "cs", "css", "csv",
    "dat", "dll", "dmp", "doc", "docx", "exe", "hta", "ini", "iso", "jar", "js", "json", "jsp", "lnk", "log",
    "msi", "pdf", "php", "ps1", "psm1", "py", "rar", "scr", "sys", "tmp", "txt", "vbs", "wsf", "xls", "xlsx",
    "xml", "zip", "7z",
];

/// What a bare value most likely is. User agents and expressions cannot be told from their looks.
pub fn guess_kind(value: &str) -> Option<IndicatorKind> {
    let value = value.trim();
    let plain = normal::refang(IndicatorKind::Url, value);
    if value.bytes().all(|b| b.is_ascii_hexdigit()) {
        match value.len() {
            64 => return Some(IndicatorKind::Sha256),
            40 => return Some(IndicatorKind::Sha1),
            32 => return Some(IndicatorKind::Md5),
            _ => {}
        }
    }
    if normal::network(&plain).is_some() {
        return Some(IndicatorKind::Cidr);
    }
    if normal::address(&plain).is_some() {
        return Some(IndicatorKind::Ip);
    }
    if plain.contains("://") {
        let parts = normal::url_parts(&plain);
        return (parts.path.len() > 1).then_some(IndicatorKind::Url);
    }
    if value.contains('\\') {
        let folder = value.ends_with('\\');
        return Some(if folder {
            IndicatorKind::Folder
        } else {
            IndicatorKind::FilePath
        });
    }
    if value.starts_with('/') {
        return (value.len() > 1).then_some(IndicatorKind::UrlPath);
    }
    let ending = plain.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    if plain.contains('.') && FILE_ENDINGS.contains(&ending.as_str()) && !plain.contains('/') {
        return Some(IndicatorKind::FileName);
    }
    if plain.contains('/') {
        let parts = normal::url_parts(&plain);
        return normal::host(parts.authority).map(|_| IndicatorKind::Url);
    }
    normal::host(&plain)
        .filter(|_| plain.is_ascii())
        .map(|_| IndicatorKind::Domain)
}
