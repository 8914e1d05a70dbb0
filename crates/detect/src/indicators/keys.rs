//! What an indicator is compared by: its key, and what kind of comparison that is.

use std::net::IpAddr;

use regex::RegexBuilder;
use vigie_event::Timestamp;

use super::list::Kept;
use super::{Confidence, Indicator, IndicatorKind, normal};

/// Networks shorter than this many bits match too much of the Internet to mean anything.
const SHORTEST_IPV4_PREFIX: u8 = 8;
const SHORTEST_IPV6_PREFIX: u8 = 16;
/// What one path expression may cost once compiled, in bytes.
pub(super) const REGEX_BYTES: usize = 1 << 20;
/// Values longer than this are no indicators: paths end at 32,767 characters, URLs in logs long before.
const LONGEST_VALUE: usize = 8_192;

/// How an indicator is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In a table, by its whole key.
    Exact(TableId),
    /// A network: first address and prefix length.
    Network(IpAddr, u8),
    /// An expression over paths.
    Expression,
}

/// The tables. One key means different things in different tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableId {
    Sha256,
    Sha1,
    Md5,
    Address,
    Domain,
    Url,
    UrlPath,
    UserAgent,
    /// What user agents begin with.
    UserAgentStart,
    /// What paths end with, from a backslash on.
    PathEnd,
    /// Whole paths.
    Path,
    /// Folders anywhere in a path, between backslashes.
    Folder,
    /// Folders at the beginning of a path.
    RootFolder,
}

/// How many tables there are.
pub(super) const TABLES: usize = TableId::RootFolder as usize + 1;

/// The first bytes of the digests of nothing: every empty file has them.
const OF_NOTHING: [[u8; 16]; 3] = [
    [
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    ],
    [
        0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55, 0xbf, 0xef, 0x95, 0x60, 0x18, 0x90,
    ],
    [
        0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e,
    ],
];

impl Indicator {
    /// Whether it can be looked for.
    ///
    /// # Errors
    /// Says, in lower case without full stop, why it is malformed, would match nearly everything or claims to prove
    /// more than its kind can.
    pub fn check(&self) -> Result<(), String> {
        let (mut key, mut text) = (Vec::new(), String::new());
        let kept = Kept::Text(&self.value);
        checked_form(
            self.kind,
            kept,
            self.confidence,
            self.validity(),
            &mut key,
            &mut text,
        )
        .map(|_| ())
    }

    /// From when until when it is valid, with the ends of time where it does not say.
    pub(super) fn validity(&self) -> (Timestamp, Timestamp) {
        (
            self.valid_from.unwrap_or(Timestamp::MIN),
            self.valid_until.unwrap_or(Timestamp::MAX),
        )
    }
}

/// The form and key of what can be looked for, else why it cannot.
pub(super) fn checked_form(
    kind: IndicatorKind,
    kept: Kept<'_>,
    confidence: Confidence,
    (from, until): (Timestamp, Timestamp),
    key: &mut Vec<u8>,
    text: &mut String,
) -> Result<Form, String> {
    if kind.is_weak() && confidence > Confidence::Weak {
        return Err(
            "an address or a user agent alone is weak evidence: set the confidence to weak".to_owned(),
        );
    }
    if from >= until {
        return Err("it stops being valid before it starts (valid_from, valid_until)".to_owned());
    }
    let form = form(kind, kept, key, text)?;
    match (form, kept) {
        (Form::Exact(TableId::Sha256 | TableId::Sha1 | TableId::Md5), _)
            if OF_NOTHING.iter().any(|nothing| key.starts_with(nothing)) =>
        {
            Err("every empty file has this hash".to_owned())
        }
        (Form::Expression, Kept::Text(value)) => check_expression(value.trim()).map(|()| form),
        _ => Ok(form),
    }
}

/// Writes the key of a value to `key`. `text` is room to work in; for what is no digest it holds the key as text.
pub(super) fn form(
    kind: IndicatorKind,
    kept: Kept<'_>,
    key: &mut Vec<u8>,
    text: &mut String,
) -> Result<Form, String> {
    key.clear();
    text.clear();
    let value = match kept {
        Kept::Text(value) => value.trim(),
        Kept::Digest(bytes) => {
            key.extend_from_slice(bytes);
            return Ok(Form::Exact(match kind {
                IndicatorKind::Sha256 => TableId::Sha256,
                IndicatorKind::Sha1 => TableId::Sha1,
                _ => TableId::Md5,
            }));
        }
    };
    if value.is_empty() {
        return Err("the value is empty".to_owned());
    }
    if value.len() > LONGEST_VALUE {
        return Err(format!("the value is longer than {LONGEST_VALUE} bytes"));
    }
    let table = match kind {
        IndicatorKind::Sha256 => return digest_form(TableId::Sha256, 64, value, key),
        IndicatorKind::Sha1 => return digest_form(TableId::Sha1, 40, value, key),
        IndicatorKind::Md5 => return digest_form(TableId::Md5, 32, value, key),
        IndicatorKind::Ip => return address_form(value, key),
        IndicatorKind::Cidr => return network_form(value),
        IndicatorKind::FilePathRegex => return Ok(Form::Expression),
        IndicatorKind::Domain if normal::host_key(value, text) => TableId::Domain,
        IndicatorKind::Domain => return Err("not a domain name of at least two labels".to_owned()),
        IndicatorKind::Url => url_form(value, text)?,
        IndicatorKind::UrlPath => {
            if value.len() < 2 || !value.starts_with('/') {
                return Err("a URL path starts with / and names something".to_owned());
            }
            normal::url_path(value, text);
            TableId::UrlPath
        }
        IndicatorKind::UserAgent => user_agent_form(value, text)?,
        IndicatorKind::FilePath => file_form(value, text)?,
        IndicatorKind::FileName if value.contains(['\\', '/']) => {
            return Err("a file name has no folder: use file_path".to_owned());
        }
        IndicatorKind::FileName => file_form(&format!("\\{value}"), text)?,
        IndicatorKind::Folder => folder_form(value, text)?,
    };
    key.extend_from_slice(text.as_bytes());
    Ok(Form::Exact(table))
}

fn digest_form(table: TableId, digits: usize, value: &str, key: &mut Vec<u8>) -> Result<Form, String> {
    if value.len() != digits || !normal::hex_key(value, key) {
        return Err(format!("not {digits} hexadecimal digits"));
    }
    Ok(Form::Exact(table))
}

fn address_form(value: &str, key: &mut Vec<u8>) -> Result<Form, String> {
    let address = normal::address(value).ok_or("not an IPv4 or IPv6 address")?;
    if address.is_loopback() || address.is_unspecified() {
        return Err("loopback and unspecified addresses are in every log".to_owned());
    }
    address_key(address, key);
    Ok(Form::Exact(TableId::Address))
}

fn url_form(value: &str, text: &mut String) -> Result<TableId, String> {
    let parts = normal::url_parts(value);
    if parts.path.len() < 2 && !parts.whole.contains('?') {
        return Err("a URL without a path is a domain or an address: use that kind".to_owned());
    }
    normal::lower(parts.whole, text);
    Ok(TableId::Url)
}

/// The bytes of an address.
pub(super) fn address_key(address: IpAddr, key: &mut Vec<u8>) {
    key.clear();
    match address {
        IpAddr::V4(v4) => key.extend_from_slice(&v4.octets()),
        IpAddr::V6(v6) => key.extend_from_slice(&v6.octets()),
    }
}

fn network_form(value: &str) -> Result<Form, String> {
    let (first, prefix) = normal::network(value).ok_or("not a network such as 203.0.113.0/24")?;
    let shortest = if first.is_ipv4() {
        SHORTEST_IPV4_PREFIX
    } else {
        SHORTEST_IPV6_PREFIX
    };
    if prefix < shortest {
        return Err(format!(
            "networks larger than /{shortest} match too much to mean anything"
        ));
    }
    Ok(Form::Network(normal::masked(first, prefix), prefix))
}

fn user_agent_form(value: &str, text: &mut String) -> Result<TableId, String> {
    let start = value.strip_suffix('*');
    normal::user_agent(start.unwrap_or(value), text);
    if text.len() < 3 {
        return Err("a user agent of fewer than three characters matches too much".to_owned());
    }
    Ok(match start {
        Some(_) => TableId::UserAgentStart,
        None => TableId::UserAgent,
    })
}

fn file_form(value: &str, text: &mut String) -> Result<TableId, String> {
    let from_root = anchored(value, text);
    if normal::last_part(text).is_empty() {
        return Err("the path names no file: use folder".to_owned());
    }
    Ok(if from_root {
        TableId::Path
    } else {
        TableId::PathEnd
    })
}

fn folder_form(value: &str, text: &mut String) -> Result<TableId, String> {
    let from_root = anchored(value, text);
    if !text.ends_with('\\') {
        text.push('\\');
    }
    if text.len() < 3 {
        return Err("the root folder holds every file".to_owned());
    }
    Ok(if from_root {
        TableId::RootFolder
    } else {
        TableId::Folder
    })
}

/// Writes a path's normal form, and says whether it tells where on the drive it starts.
fn anchored(value: &str, text: &mut String) -> bool {
    let lower = value.get(..13).unwrap_or(value).to_ascii_lowercase();
    let is_windows = lower.starts_with("%windir%\\") || lower.starts_with("%systemroot%\\");
    let (path, from_root) = match value.strip_prefix('%') {
        // `%ProgramFiles%` may be anywhere; `%WinDir%` has one place.
        Some(rest) if !is_windows => (rest.split_once('%').map_or(value, |(_, after)| after), false),
        _ => (value, !value.starts_with(['\\', '/'])),
    };
    if from_root {
        normal::path(path, text);
    } else {
        normal::path_ending(path, text);
    }
    from_root
}

fn check_expression(value: &str) -> Result<(), String> {
    let compiled = RegexBuilder::new(value)
        .case_insensitive(true)
        .size_limit(REGEX_BYTES)
        .build()
        .map_err(|error| {
            let words: Vec<String> = error.to_string().split_whitespace().map(str::to_owned).collect();
            words.join(" ")
        })?;
    if compiled.is_match("") {
        return Err("the expression matches every path".to_owned());
    }
    Ok(())
}
