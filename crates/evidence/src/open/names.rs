//! Names from archives and collections: made safe to show, and turned back into the paths they had on their machine.

use std::borrow::Cow;

/// What is wrong with an entry's name. It is read all the same: names are labels here, nothing is written anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Concern {
    Climbs,
    Absolute,
    Device,
    Control,
    TooLong,
}

impl Concern {
    /// What such names do.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Concern::Climbs => "climb out of the archive",
            Concern::Absolute => "are absolute",
            Concern::Device => "are those of devices",
            Concern::Control => "hold control characters",
            Concern::TooLong => "are too long and were cut",
        }
    }
}

/// An entry's name as it is shown: `/` between folders, no control characters, of at most `longest` bytes.
pub(crate) fn clean(name: &str, longest: usize) -> (String, Option<Concern>) {
    let control = name.chars().any(char::is_control);
    let mut clean: String = name
        .chars()
        .map(|c| match c {
            '\\' => '/',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect();
    let parts = || clean.split('/');
    let absolute = clean.starts_with('/') || clean.as_bytes().get(1) == Some(&b':');
    let concern = if parts().any(|part| part == "..") {
        Some(Concern::Climbs)
    } else if absolute {
        Some(Concern::Absolute)
    } else if control {
        Some(Concern::Control)
    } else if parts().any(is_device) {
        Some(Concern::Device)
    } else {
        (clean.len() > longest).then_some(Concern::TooLong)
    };
    if clean.len() > longest {
        let end = clean.floor_char_boundary(longest);
        clean.truncate(end);
        clean.push('…');
    }
    (clean.trim_start_matches('/').to_owned(), concern)
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end();
    let upper = stem.to_ascii_uppercase();
    let numbered = |prefix: &str| {
        let rest = upper.strip_prefix(prefix).unwrap_or_default();
        matches!(rest.as_bytes(), [b'1'..=b'9'])
    };
    matches!(upper.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

/// Folder names below which a path is the machine's own, on drive C unless something else is said.
const ANCHORS: [&str; 6] = [
    "inetpub",
    "windows",
    "program files",
    "programdata",
    "users",
    "exchangesetuplogs",
];

/// The path on the machine it was collected from: from a drive folder (`C/`, `C%3A/`, `%5C%5C.%5CC%3A/`) or a
/// well-known one. The innermost archive that tells wins; the folder the user named comes last.
pub(crate) fn original_path(shown: &str) -> Option<String> {
    let mut end = shown.len();
    while let Some(at) = shown[..end].rfind("!/") {
        if let Some(path) = anchored(&shown[at + 2..], 0) {
            return Some(path);
        }
        end = at;
    }
    anchored(shown, 1).or_else(|| anchored(shown, 0))
}

fn anchored(path: &str, from: usize) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let encoded = parts.iter().any(|part| part.eq_ignore_ascii_case("uploads"));
    let folders = parts.len().saturating_sub(1);
    for (index, part) in parts.iter().enumerate().take(folders).skip(from) {
        let rest = |from: usize| -> String {
            let decoded: Vec<Cow<'_, str>> = parts[from..]
                .iter()
                .map(|part| {
                    if encoded {
                        decoded(part)
                    } else {
                        Cow::Borrowed(*part)
                    }
                })
                .collect();
            decoded.join("\\")
        };
        if let Some(letter) = drive(part) {
            return Some(format!("{letter}:\\{}", rest(index + 1)));
        }
        if ANCHORS.iter().any(|anchor| part.eq_ignore_ascii_case(anchor)) {
            return Some(format!("C:\\{}", rest(index)));
        }
    }
    None
}

/// The drive a folder stands for: `C`, `C:`, `C%3A`, `C_`, `C_drive`, `\\.\C:` and `%5C%5C.%5CC%3A`.
pub(crate) fn drive(part: &str) -> Option<char> {
    let name = decoded(part);
    let name = name
        .strip_prefix("\\\\.\\")
        .or_else(|| name.strip_prefix("\\\\?\\"))
        .unwrap_or(&name);
    let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
    let rest = name.get(1..)?.to_ascii_lowercase();
    matches!(rest.as_str(), "" | ":" | "_" | "_drive").then(|| letter.to_ascii_uppercase())
}

/// `%3A` and the like turned back, where the result is text.
pub(crate) fn decoded(part: &str) -> Cow<'_, str> {
    if !part.contains('%') {
        return Cow::Borrowed(part);
    }
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = part
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(part), Cow::Owned)
}

/// A file name without its last extension.
pub(crate) fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// A machine's name out of a folder's or archive's: without what collectors put around it.
///
/// `Collection-EX01-2021-03-05T10_10_10Z`, `2021-03-05T101010_EX01`, `EX01-C.0123456789abcdef`, `EX01_part2`,
/// `EX01-IIS-logs` and `EX01-35` (the Exchange log collector's month and day, when `numbered`) are all `EX01`.
pub(crate) fn machine(name: &str, numbered: bool) -> String {
    let mut name = name.strip_prefix("Collection-").unwrap_or(name);
    for (at, _) in name.match_indices(['-', '_', ' ', '.']) {
        let rest = &name[at + 1..];
        let client = rest.len() > 8 && rest.starts_with("C.");
        let number = numbered && is_numbers(rest);
        if at > 0 && (is_date(rest) || is_part(rest) || client || number || is_content(rest)) {
            name = &name[..at];
            break;
        }
    }
    for (at, _) in name.rmatch_indices(['-', '_', ' ']) {
        if at + 1 < name.len() && is_date(&name[..at]) {
            name = &name[at + 1..];
            break;
        }
    }
    name.to_owned()
}

/// What an archive of one machine holds: `evtx`, `IIS logs`. Only words no machine is called by.
fn is_content(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "artifacts",
        "collection",
        "evidence",
        "evtx",
        "export",
        "files",
        "iis",
        "journaux",
        "kape",
        "log",
        "logs",
        "preuves",
        "triage",
        "velociraptor",
    ];
    let lower = text.to_lowercase();
    let mut words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.clone().next().is_some() && words.all(|word| WORDS.contains(&word))
}

fn is_numbers(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '-')
}

/// A date or a point in time, however it is written.
fn is_date(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let others = |c: char| {
        c.is_ascii_digit() || matches!(c, 'T' | 'Z' | 't' | 'z' | '-' | '_' | ':' | '.' | ' ' | '+')
    };
    let year = text.starts_with("19") || text.starts_with("20");
    year && (8..=24).contains(&digits) && text.chars().all(others)
}

/// `part1`, `disk_2`, `batch 03`.
fn is_part(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["part", "disk", "volume", "vol", "split", "chunk", "batch"]
        .iter()
        .filter_map(|word| lower.strip_prefix(word))
        .any(|rest| {
            let number = rest.trim_start_matches([' ', '_', '-']);
            !number.is_empty() && number.len() < 5 && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// Words that name neither a tenant nor a machine: what a folder made of them alone holds is a part of something.
const GENERIC: [&str; 119] = [
    "and",
    "application",
    "archive",
    "archives",
    "artefacts",
    "artifacts",
    "audit",
    "autodiscover",
    "backend",
    "cas",
    "case",
    "client",
    "clients",
    "cmdlet",
    "cmdletinfra",
    "collecte",
    "collected",
    "collectes",
    "collection",
    "collections",
    "csv",
    "data",
    "de",
    "defender",
    "des",
    "donnees",
    "données",
    "du",
    "dump",
    "eas",
    "ecp",
    "edr",
    "et",
    "evenement",
    "evenements",
    "event",
    "events",
    "evidence",
    "evtx",
    "ews",
    "exchange",
    "export",
    "exports",
    "fichier",
    "fichiers",
    "file",
    "files",
    "from",
    "frontend",
    "generator",
    "http",
    "httperr",
    "httpproxy",
    "iis",
    "incident",
    "inetpub",
    "journal",
    "journaux",
    "json",
    "kape",
    "les",
    "log",
    "logfiles",
    "logging",
    "logs",
    "mapi",
    "mde",
    "message",
    "messagetracking",
    "msgtrk",
    "oab",
    "oabgenerator",
    "oabgeneratorlog",
    "of",
    "output",
    "owa",
    "powershell",
    "preuve",
    "preuves",
    "proxy",
    "raw",
    "resultats",
    "results",
    "résultats",
    "securite",
    "security",
    "sentinel",
    "siem",
    "smtp",
    "suspect",
    "suspects",
    "suspicious",
    "sysmon",
    "system",
    "sécurité",
    "target",
    "targets",
    "text",
    "tout",
    "tracking",
    "transport",
    "triage",
    "txt",
    "uploads",
    "velociraptor",
    "w3svc",
    "w3svc1",
    "w3svc2",
    "webroot",
    "webshell",
    "webshells",
    "windows",
    "winevt",
    "www",
    "wwwroot",
    "xml",
    "zip",
    "événement",
    "événements",
];

/// `IIS Logs`, `event_logs`, `HttpProxyLogs`: every word of it is generic.
fn is_generic_words(lower: &str) -> bool {
    let known = |word: &str| GENERIC.contains(&word);
    let mut words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek().is_some()
        && words.all(|word| {
            known(word)
                || ["logs", "log", "files"]
                    .iter()
                    .filter_map(|end| word.strip_suffix(end))
                    .any(known)
        })
}

/// Whether a folder's name says nothing about whose evidence is in it.
pub(crate) fn is_generic(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // A Velociraptor flow: `F.CRS2A7T0G1`.
    let flow = name.len() > 8 && name.starts_with("F.") && !name.contains(' ');
    flow || is_date(name) || is_part(name) || is_generic_words(&lower)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn original_paths_come_from_drives_and_known_folders() {
        for (shown, original) in [
            ("EX01/C/Windows/x.evtx", "C:\\Windows\\x.evtx"),
            ("EX01/D_drive/logs/x.log", "D:\\logs\\x.log"),
            ("EX01/inetpub/wwwroot/x.aspx", "C:\\inetpub\\wwwroot\\x.aspx"),
            (
                "ex01.zip!/uploads/auto/C%3A/inetpub/a%20b.log",
                "C:\\inetpub\\a b.log",
            ),
            ("ex01.zip!/uploads/ntfs/%5C%5C.%5CC%3A/$MFT", "C:\\$MFT"),
            ("ex01.zip!/C/100%25.log", "C:\\100%25.log"),
            ("d/EX01/C/Windows/x.evtx", "C:\\Windows\\x.evtx"),
            ("C/Windows/x.evtx", "C:\\Windows\\x.evtx"),
            ("C/temp/ex01.zip!/D/x.log", "D:\\x.log"),
            (
                "EX01/C/inetpub/wwwroot/it.zip!/lsass.dmp",
                "C:\\inetpub\\wwwroot\\it.zip!\\lsass.dmp",
            ),
        ] {
            assert_eq!(original_path(shown).as_deref(), Some(original), "{shown}");
        }
        for shown in ["EX01/x.log", "c", "ex01.zip!/logs/x.log"] {
            assert_eq!(original_path(shown), None, "{shown}");
        }
    }

    #[test]
    fn machine_names_lose_what_collectors_add() {
        for name in [
            "EX01",
            "Collection-EX01-2021-03-05T10_10_10Z",
            "2021-03-05T101010_EX01",
            "20210305T101010_EX01",
            "EX01_20210305",
            "EX01-C.0123456789abcdef",
            "EX01_part2",
            "EX01 disk 1",
            "EX01-evtx",
            "EX01_IIS_logs",
            "EX01 - triage",
        ] {
            assert_eq!(machine(name, false), "EX01", "{name}");
        }
        for name in ["SRV-EXCHANGE", "MAIL-PROXY", "logs", "EX01.acme.local"] {
            assert_eq!(machine(name, false), name);
        }
        assert_eq!(machine("EX01-35", true), "EX01");
        assert_eq!(machine("EX01-35-1", true), "EX01");
        assert_eq!(machine("EX01-35", false), "EX01-35");
        assert_eq!(machine("EX-2016-01", false), "EX-2016-01");
    }

    #[test]
    fn names_that_say_nothing_are_known() {
        for name in [
            "part1",
            "2021-03-05",
            "Logs",
            "F.CRS2A7T0G1",
            "collections",
            "IIS Logs",
            "Exchange_HttpProxy-logs",
            "IISLogs",
            "OABGenerator",
            "Journaux Exchange",
            "Fichiers suspects",
        ] {
            assert!(is_generic(name), "{name}");
        }
        for name in [
            "EX01",
            "ACME",
            "partner",
            "Disk",
            "Exchange01",
            "ACME logs",
            "Mail",
        ] {
            assert!(!is_generic(name), "{name}");
        }
    }
}
