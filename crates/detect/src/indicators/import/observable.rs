//! What the tests of a STIX pattern mean as an indicator.

use super::super::{IndicatorKind, guess_kind, normal};
use super::pattern::{Operator, Test};

/// An indicator's kind and value, and what else the pattern says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observable {
    pub(super) kind: IndicatorKind,
    pub(super) value: String,
    /// `file name a.exe`; empty when there is nothing.
    pub(super) beside: String,
}

/// The indicators that say what tests of one object, which hold together, say.
///
/// Hashes of one file are several forms of one thing: each becomes an indicator, and what the pattern says besides
/// (name, size) is told but not asked for. A name and its folder become a path. Types, ports and protocols beside an
/// address are told but not asked for: an address alone is weak evidence anyway.
pub(super) fn observables(tests: &[Test]) -> Result<Vec<Observable>, String> {
    let mut read: Vec<Meaning> = tests.iter().map(meaning).collect::<Result<_, _>>()?;
    let beside: Vec<String> = read.iter().filter_map(Meaning::told).collect();
    read.retain(|meaning| !matches!(meaning, Meaning::Beside(_)));
    if read.iter().any(Meaning::is_hash) {
        // What else is known of the file stands beside its hash.
        let others = read.iter().filter(|meaning| !meaning.is_hash());
        let told: Vec<String> = others
            .map(|meaning| meaning.as_file().ok_or_else(|| together(tests)))
            .collect::<Result<_, _>>()?;
        read.retain(Meaning::is_hash);
        let beside = [told, beside].concat().join(", ");
        return Ok(read
            .into_iter()
            .filter_map(|one| one.observable(&beside))
            .collect());
    }
    let beside = beside.join(", ");
    if let Some(path) = path_of(&read) {
        return Ok(vec![Observable {
            kind: IndicatorKind::FilePath,
            value: path,
            beside,
        }]);
    }
    match (read.pop(), read.is_empty()) {
        (Some(Meaning::FileSize(_)), true) | (None, _) => Err("nothing an indicator is made of".to_owned()),
        (Some(one), true) => Ok(one.observable(&beside).into_iter().collect()),
        _ => Err(together(tests)),
    }
}

/// What one test means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    Is(IndicatorKind, String),
    FileSize(String),
    /// Narrows what another test names, and is told only.
    Beside(String),
}

impl Meaning {
    fn is_hash(&self) -> bool {
        use IndicatorKind::*;
        matches!(self, Meaning::Is(Sha256 | Sha1 | Md5, _))
    }

    /// As words, when it is about a file.
    fn as_file(&self) -> Option<String> {
        use IndicatorKind::*;
        match self {
            Meaning::Is(FileName | FilePath | FilePathRegex, value) => Some(format!("file name {value}")),
            Meaning::Is(Folder, value) => Some(format!("folder {value}")),
            Meaning::FileSize(bytes) => Some(format!("{bytes} bytes")),
            _ => None,
        }
    }

    fn told(&self) -> Option<String> {
        match self {
            Meaning::Beside(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    fn observable(self, beside: &str) -> Option<Observable> {
        match self {
            Meaning::Is(kind, value) => Some(Observable {
                kind,
                value,
                beside: beside.to_owned(),
            }),
            _ => None,
        }
    }
}

/// A folder and a name in it.
fn path_of(read: &[Meaning]) -> Option<String> {
    use IndicatorKind::{FileName, Folder};
    let (folder, name) = match read {
        [Meaning::Is(Folder, folder), Meaning::Is(FileName, name)]
        | [Meaning::Is(FileName, name), Meaning::Is(Folder, folder)] => (folder, name),
        _ => return None,
    };
    Some(format!("{}\\{name}", folder.trim_end_matches(['\\', '/'])))
}

fn together(tests: &[Test]) -> String {
    let mut paths: Vec<String> = tests
        .iter()
        .map(|test| format!("{}:{}", test.object, test.path))
        .collect();
    paths.dedup();
    format!(
        "{} must hold together, which one value cannot express",
        paths.join(" and ")
    )
}

fn meaning(test: &Test) -> Result<Meaning, String> {
    let none = || Err(format!("no kind of indicator for {}:{}", test.object, test.path));
    if test.operator == Operator::Other {
        return Err(format!(
            "{}:{} is compared in a way no indicator is (NOT, EXISTS, <, >, !=)",
            test.object, test.path
        ));
    }
    let path = test.path.as_str();
    match test.object.as_str() {
        "file" => file(test, path).unwrap_or_else(none),
        "process" => match path.split_once('.') {
            Some(("image_ref" | "binary_ref", path)) => file(test, path).unwrap_or_else(none),
            _ => none(),
        },
        "artifact" => hash(test, path).unwrap_or_else(none),
        "directory" if path == "path" => equal(test, IndicatorKind::Folder),
        "ipv4-addr" | "ipv6-addr" if path == "value" => address(test),
        "domain-name" if path == "value" => domain(test),
        "domain-name" if path == "resolves_to_refs.value" => address(test),
        "url" if path == "value" => url(test),
        "network-traffic" => traffic(test, path).unwrap_or_else(none),
        _ => none(),
    }
}

fn file(test: &Test, path: &str) -> Option<Result<Meaning, String>> {
    match path {
        "name" => Some(file_name(test)),
        "parent_directory_ref.path" => Some(equal(test, IndicatorKind::Folder)),
        "size" => Some(Ok(Meaning::FileSize(test.value.clone()))),
        "mime_type" | "type" => Some(Ok(Meaning::Beside(String::new()))),
        _ => hash(test, path),
    }
}

fn hash(test: &Test, path: &str) -> Option<Result<Meaning, String>> {
    let algorithm = path.strip_prefix("hashes.")?;
    let kind = match algorithm.to_ascii_uppercase().replace('-', "").as_str() {
        "SHA256" => IndicatorKind::Sha256,
        "SHA1" => IndicatorKind::Sha1,
        "MD5" => IndicatorKind::Md5,
        _ => {
            return Some(Err(format!(
                "no kind of indicator for hashes of type {algorithm}"
            )));
        }
    };
    Some(equal(test, kind))
}

fn traffic(test: &Test, path: &str) -> Option<Result<Meaning, String>> {
    const REQUEST: &str = "extensions.http-request-ext.";
    match path {
        "dst_ref.value" | "src_ref.value" => Some(host(test)),
        "dst_ref.type" | "src_ref.type" | "protocols" | "is_active" => {
            Some(Ok(Meaning::Beside(String::new())))
        }
        "dst_port" | "src_port" => Some(Ok(Meaning::Beside(format!("port {}", test.value)))),
        _ => match path.strip_prefix(REQUEST)?.to_ascii_lowercase().as_str() {
            "request_header.user-agent" => Some(user_agent(test)),
            "request_header.host" => Some(host(test)),
            "request_value" if test.value.starts_with('/') => Some(equal(test, IndicatorKind::UrlPath)),
            "request_value" => Some(url(test)),
            "request_method" | "request_version" => Some(Ok(Meaning::Beside(test.value.clone()))),
            _ => None,
        },
    }
}

/// The value as it is; `LIKE` without a wildcard is the same.
fn equal(test: &Test, kind: IndicatorKind) -> Result<Meaning, String> {
    let plain =
        test.operator == Operator::Equal || (test.operator == Operator::Like && !has_wildcard(&test.value));
    if plain {
        return Ok(Meaning::Is(kind, test.value.clone()));
    }
    Err(format!(
        "{:?} over {}:{} cannot be told by a value of kind {kind}",
        test.operator, test.object, test.path
    ))
}

fn has_wildcard(value: &str) -> bool {
    value.contains(['%', '_'])
}

fn file_name(test: &Test) -> Result<Meaning, String> {
    let value = &test.value;
    let expression = |inner: &str| format!(r"(?:^|\\)(?:{inner})$");
    match test.operator {
        Operator::Matches => {
            let inner = value
                .strip_prefix('^')
                .map_or_else(|| format!(r"[^\\]*{value}"), str::to_owned);
            let inner = match inner.strip_suffix('$') {
                Some(ended) if !ended.ends_with('\\') => ended.to_owned(),
                _ => format!(r"{inner}[^\\]*"),
            };
            Ok(Meaning::Is(IndicatorKind::FilePathRegex, expression(&inner)))
        }
        Operator::Like if has_wildcard(value) => {
            let mut inner = String::new();
            for letter in value.chars() {
                match letter {
                    '%' => inner.push_str(r"[^\\]*"),
                    '_' => inner.push_str(r"[^\\]"),
                    other => inner.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
                }
            }
            Ok(Meaning::Is(IndicatorKind::FilePathRegex, expression(&inner)))
        }
        _ if value.contains(['\\', '/']) => equal(test, IndicatorKind::FilePath),
        _ => equal(test, IndicatorKind::FileName),
    }
}

fn address(test: &Test) -> Result<Meaning, String> {
    let value = test.value.as_str();
    if test.operator == Operator::Like && has_wildcard(value) {
        let network = octets_like(value)
            .ok_or_else(|| format!("LIKE {value:?} is no network of whole bytes such as 203.0.113.%"))?;
        return Ok(Meaning::Is(IndicatorKind::Cidr, network));
    }
    if test.operator == Operator::Matches {
        return equal(test, IndicatorKind::Ip);
    }
    let kind = if value.contains('/') {
        IndicatorKind::Cidr
    } else {
        IndicatorKind::Ip
    };
    Ok(Meaning::Is(kind, value.to_owned()))
}

/// `203.0.113.%` as `203.0.113.0/24`.
fn octets_like(value: &str) -> Option<String> {
    let octets: Vec<&str> = value.strip_suffix(".%")?.split('.').collect();
    let known = octets.len();
    if known > 3 || octets.iter().any(|octet| octet.parse::<u8>().is_err()) {
        return None;
    }
    let zeros = ".0".repeat(4 - known);
    Some(format!("{}{zeros}/{}", octets.join("."), known * 8))
}

/// A name; `%.evil.example` is what a name stands for anyway.
fn domain(test: &Test) -> Result<Meaning, String> {
    let below = test.value.strip_prefix("%.").filter(|name| !name.contains('%'));
    match (test.operator, below) {
        (Operator::Like, Some(name)) => Ok(Meaning::Is(IndicatorKind::Domain, name.to_owned())),
        _ => equal(test, IndicatorKind::Domain),
    }
}

/// An address, a network or a name.
fn host(test: &Test) -> Result<Meaning, String> {
    match guess_kind(&test.value) {
        Some(IndicatorKind::Ip | IndicatorKind::Cidr) => address(test),
        _ => domain(test),
    }
}

/// A URL; without a path it is its host.
fn url(test: &Test) -> Result<Meaning, String> {
    let value = test
        .value
        .strip_suffix("/%")
        .filter(|_| test.operator == Operator::Like);
    let is_pattern = value.is_some_and(has_wildcard) || (value.is_none() && test.operator != Operator::Equal);
    if is_pattern {
        return equal(test, IndicatorKind::Url);
    }
    let parts = normal::url_parts(value.unwrap_or(&test.value));
    let bare = parts.path.len() < 2 && !parts.whole.contains('?');
    if value.is_some() && !bare {
        return equal(test, IndicatorKind::Url);
    }
    Ok(match (bare, normal::address(parts.authority)) {
        (false, _) => Meaning::Is(IndicatorKind::Url, test.value.clone()),
        (true, Some(address)) => Meaning::Is(IndicatorKind::Ip, address.to_string()),
        (true, None) => {
            let name = normal::host(parts.authority).unwrap_or_else(|| parts.authority.to_owned());
            Meaning::Is(IndicatorKind::Domain, name)
        }
    })
}

/// A user agent; `%` at its end is the `*` of indicators.
fn user_agent(test: &Test) -> Result<Meaning, String> {
    let start = test.value.strip_suffix('%').filter(|start| !start.contains('%'));
    match (test.operator, start) {
        (Operator::Like, Some(start)) => Ok(Meaning::Is(IndicatorKind::UserAgent, format!("{start}*"))),
        // Underscores are common in user agents, and a letter that may be any is not worth refusing.
        (Operator::Like, None) if !test.value.contains('%') => {
            Ok(Meaning::Is(IndicatorKind::UserAgent, test.value.clone()))
        }
        _ => equal(test, IndicatorKind::UserAgent),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::alternatives;
    use super::*;

    fn shown(pattern: &str) -> Vec<String> {
        alternatives(pattern)
            .unwrap()
            .into_iter()
            .flat_map(|tests| match tests.and_then(|tests| observables(&tests)) {
                Ok(found) => found
                    .into_iter()
                    .map(|one| {
                        format!("{} {} {}", one.kind, one.value, one.beside)
                            .trim_end()
                            .to_owned()
                    })
                    .collect(),
                Err(reason) => vec![format!("! {reason}")],
            })
            .collect()
    }

    #[test]
    fn hashes_of_one_file_are_forms_of_one() {
        assert_eq!(
            shown(
                "[file:hashes.'SHA-256' = 'aa' AND file:hashes.MD5 = 'bb' AND file:name = 'x.exe' AND file:size = 7]"
            ),
            [
                "sha256 aa file name x.exe, 7 bytes",
                "md5 bb file name x.exe, 7 bytes"
            ]
        );
        assert_eq!(shown("[process:image_ref.hashes.'SHA-1' = 'cc']"), ["sha1 cc"]);
        assert!(shown("[file:hashes.'SHA-512' = 'cc']")[0].contains("SHA-512"));
        assert!(shown("[file:hashes.MD5 = 'a' AND ipv4-addr:value = '203.0.113.7']")[0].contains("together"));
    }

    #[test]
    fn names_and_folders() {
        assert_eq!(
            shown(r"[file:name = 'a.exe' AND file:parent_directory_ref.path = 'C:\\Temp\\']"),
            [r"file_path C:\Temp\a.exe"]
        );
        assert_eq!(shown(r"[directory:path = 'C:\\Temp']"), [r"folder C:\Temp"]);
        assert_eq!(
            shown("[file:name LIKE 'a%.ex_']"),
            [r"file_path_regex (?:^|\\)(?:a[^\\]*\.ex[^\\])$"]
        );
        assert_eq!(
            shown("[file:name MATCHES '^a[0-9].exe$']"),
            [r"file_path_regex (?:^|\\)(?:a[0-9].exe)$"]
        );
        assert_eq!(
            shown("[file:name MATCHES 'evil']"),
            [r"file_path_regex (?:^|\\)(?:[^\\]*evil[^\\]*)$"]
        );
        assert!(shown("[file:name = 'a.exe' AND file:size = 7]")[0].contains("together"));
        assert!(shown("[file:size = 7]")[0].starts_with('!'));
    }

    #[test]
    fn hosts_and_urls() {
        assert_eq!(
            shown("[ipv4-addr:value = '198.51.100.0/24']"),
            ["cidr 198.51.100.0/24"]
        );
        assert_eq!(shown("[ipv4-addr:value LIKE '198.51.%']"), ["cidr 198.51.0.0/16"]);
        assert!(shown("[ipv4-addr:value LIKE '198.5%']")[0].starts_with('!'));
        assert_eq!(
            shown(
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.7' AND network-traffic:dst_port = 443]"
            ),
            ["ip 203.0.113.7 port 443"]
        );
        assert_eq!(
            shown("[network-traffic:dst_ref.value = 'evil.example']"),
            ["domain evil.example"]
        );
        assert_eq!(
            shown("[domain-name:value LIKE '%.evil.example']"),
            ["domain evil.example"]
        );
        assert!(shown("[domain-name:value LIKE '%evil%']")[0].starts_with('!'));
        assert_eq!(
            shown("[url:value = 'http://evil.example/a_b']"),
            ["url http://evil.example/a_b"]
        );
        assert_eq!(
            shown("[url:value = 'http://evil.example/']"),
            ["domain evil.example"]
        );
        assert_eq!(
            shown("[url:value LIKE 'http://203.0.113.7:8080/%']"),
            ["ip 203.0.113.7"]
        );
        assert!(shown("[url:value LIKE '%/a.php']")[0].starts_with('!'));
        assert_eq!(
            shown(
                "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' LIKE 'antSword/%']"
            ),
            ["user_agent antSword/*"]
        );
        assert!(shown("[windows-registry-key:key = 'HKLM']")[0].contains("no kind of indicator"));
        assert!(shown("[ipv4-addr:value != '203.0.113.7']")[0].starts_with('!'));
    }
}
