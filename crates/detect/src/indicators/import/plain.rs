//! Plain lists: one value per line, whatever it is.

use super::super::{Indicator, IndicatorKind, normal};
use super::Intake;

/// Reads one indicator per line; what follows ` #` or a line's first `#` is a comment. The kind is guessed
/// ([`guess_kind`]); lines that look like nothing known are reported.
pub(super) fn import(text: &str, into: &mut Intake<'_>) {
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
            Some(kind) => into.take(line, "", Indicator::new(kind, value)),
            None => {
                let shown: String = value.chars().take(80).collect();
                into.refuse(line, &format!("{shown:?} looks like no known kind of indicator"));
            }
        }
    }
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
