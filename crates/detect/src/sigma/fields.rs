//! Sigma's field names onto the columns of a batch.

use std::borrow::Cow;

use arrow_array::Array;
use memchr::memchr;
use vigie_event::{EventBatch, Source};

use super::test::FieldName;

/// Where a field's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field {
    Column(usize),
    /// Path, `?` and query, percent-decoded: stem column, query column.
    Url(usize, Option<usize>),
    /// One algorithm's value out of Sysmon's `Hashes`.
    Hash(usize, &'static str),
    /// Two columns with a backslash between them: a registry key and the name of its value.
    Path(usize, usize),
    /// What follows the last dot of a request's path.
    Extension(usize),
    /// A user agent in which IIS wrote `+` for each space.
    Spaced(usize),
    /// When the event happened.
    Time,
    /// Every column: keywords.
    Any,
    Absent,
}

impl Field {
    /// The one column that a value is made of.
    pub(super) fn source(self) -> Option<usize> {
        match self {
            Field::Column(column)
            | Field::Hash(column, _)
            | Field::Extension(column)
            | Field::Spaced(column) => Some(column),
            Field::Url(..) | Field::Path(..) | Field::Time | Field::Any | Field::Absent => None,
        }
    }
}

type Aliases = &'static [(&'static str, &'static [&'static str])];

/// Other names of a field (lower case), by table; the first that is a column wins.
const BY_TABLE: [(&str, Aliases); 8] = [
    (
        "SecurityEvent",
        &[
            ("image", &["NewProcessName", "ProcessName", "Application"]),
            ("parentimage", &["ParentProcessName"]),
            ("user", &["SubjectUserName"]),
            ("integritylevel", &["MandatoryLabel"]),
            ("logonid", &["SubjectLogonId"]),
            ("targetobject", &["ObjectName"]),
            ("details", &["NewValue"]),
            ("destinationip", &["DestAddress"]),
            ("destinationport", &["DestPort"]),
            ("sourceip", &["SourceAddress"]),
        ],
    ),
    (
        "DeviceProcessEvents",
        &[
            ("image", &["FolderPath"]),
            ("commandline", &["ProcessCommandLine"]),
            ("parentimage", &["InitiatingProcessFolderPath"]),
            ("parentcommandline", &["InitiatingProcessCommandLine"]),
            ("user", &["AccountName"]),
            ("originalfilename", &["ProcessVersionInfoOriginalFileName"]),
            ("company", &["ProcessVersionInfoCompanyName"]),
            ("product", &["ProcessVersionInfoProductName"]),
            ("description", &["ProcessVersionInfoFileDescription"]),
            ("integritylevel", &["ProcessIntegrityLevel"]),
        ],
    ),
    (
        "DeviceFileEvents",
        &[
            ("targetfilename", &["FolderPath"]),
            ("image", &["InitiatingProcessFolderPath"]),
            ("commandline", &["InitiatingProcessCommandLine"]),
            ("user", &["InitiatingProcessAccountName"]),
        ],
    ),
    (
        "DeviceNetworkEvents",
        &[
            ("image", &["InitiatingProcessFolderPath"]),
            ("commandline", &["InitiatingProcessCommandLine"]),
            ("destinationip", &["RemoteIP"]),
            ("destinationport", &["RemotePort"]),
            ("destinationhostname", &["RemoteUrl"]),
            ("sourceip", &["LocalIP"]),
            ("sourceport", &["LocalPort"]),
            ("user", &["InitiatingProcessAccountName"]),
        ],
    ),
    (
        "DeviceImageLoadEvents",
        &[
            ("imageloaded", &["FolderPath"]),
            ("image", &["InitiatingProcessFolderPath"]),
            ("commandline", &["InitiatingProcessCommandLine"]),
        ],
    ),
    (
        "DeviceRegistryEvents",
        &[
            ("targetobject", &["RegistryKey"]),
            ("details", &["RegistryValueData"]),
            ("image", &["InitiatingProcessFolderPath"]),
        ],
    ),
    (
        "W3CIISLog",
        &[
            ("cs-user-agent", &["cs(User-Agent)"]),
            ("c-useragent", &["cs(User-Agent)"]),
            ("cs-useragent", &["cs(User-Agent)"]),
            ("useragent", &["cs(User-Agent)"]),
            ("cs-referer", &["cs(Referer)"]),
            ("cs-referrer", &["cs(Referer)"]),
            ("cs-cookie", &["cs(Cookie)"]),
            ("c-uri-stem", &["cs-uri-stem"]),
            ("c-uri-query", &["cs-uri-query"]),
            ("r-dns", &["cs-host"]),
            ("src_ip", &["c-ip"]),
        ],
    ),
    (
        "ExchangeHttpProxy",
        &[
            ("cs-method", &["Method"]),
            ("sc-status", &["HttpStatus"]),
            ("cs-uri-stem", &["UrlStem"]),
            ("c-uri-stem", &["UrlStem"]),
            ("c-uri-query", &["UrlQuery"]),
            ("cs-user-agent", &["UserAgent"]),
            ("c-useragent", &["UserAgent"]),
            ("c-ip", &["ClientIpAddress"]),
            ("src_ip", &["ClientIpAddress"]),
            ("cs-host", &["UrlHost"]),
            ("r-dns", &["UrlHost"]),
            ("cs-username", &["AuthenticatedUser"]),
        ],
    ),
];

/// Other names of a field in every table.
const EVERYWHERE: Aliases = &[
    ("computer", &["ComputerName", "Hostname", "DeviceName"]),
    ("computername", &["Computer", "Hostname", "DeviceName"]),
    ("hostname", &["Computer", "DeviceName"]),
    ("provider_name", &["SourceName", "ProviderName"]),
    ("providername", &["Provider_Name"]),
    ("source", &["Provider_Name"]),
    ("eventlog", &["Channel"]),
    ("clientipaddress", &["ClientIPAddress", "ClientIp"]),
    // Antivirus rules, on Windows Defender's events.
    ("signature", &["Threat Name"]),
    ("filename", &["Path"]),
];

/// Finds a field of a rule in a batch.
pub(super) fn resolve(batch: &EventBatch, name: &FieldName) -> Field {
    let name = match name {
        FieldName::Any => return Field::Any,
        FieldName::WebQuery => {
            return url(batch).unwrap_or_else(|| named(batch, "cs-uri-query"));
        }
        FieldName::Named(name) => name,
    };
    named(batch, name)
}

fn named(batch: &EventBatch, name: &str) -> Field {
    let lower = name.to_ascii_lowercase();
    if let Some(field) = computed(batch, &lower) {
        return field;
    }
    if let Some(index) = batch.column_index(name).or_else(|| aliased(batch, &lower)) {
        return Field::Column(index);
    }
    let algorithm = match lower.as_str() {
        "sha256" => "SHA256=",
        "sha1" => "SHA1=",
        "md5" => "MD5=",
        "imphash" => "IMPHASH=",
        "timegenerated" | "timestamp" | "@timestamp" | "_time" => return Field::Time,
        // `Threat Name` and `Feature Name` are spelled without their space, or with `_`.
        _ => return spaced_name(batch, &lower).map_or(Field::Absent, Field::Column),
    };
    batch
        .column_index("Hashes")
        .map_or(Field::Absent, |index| Field::Hash(index, algorithm))
}

/// The columns in which [`resolve`] may look for a field in rows of a table, spelled as [`alike`] does.
pub(super) fn columns_of(table: &str, name: &FieldName, mut found: impl FnMut(String)) {
    let name = match name {
        FieldName::Any => return,
        FieldName::WebQuery => "cs-uri-query",
        FieldName::Named(name) => name,
    };
    let lower = name.to_ascii_lowercase();
    let computed: &[&str] = match lower.as_str() {
        "url" | "c-uri" | "cs-uri" | "cs-uri-query" => {
            &["cs-uri-stem", "cs-uri-query", "UrlStem", "UrlQuery"]
        }
        "c-uri-extension" | "cs-uri-extension" => &["cs-uri-stem", "UrlStem"],
        "cs-user-agent" | "c-useragent" | "cs-useragent" | "useragent" => &["cs(User-Agent)"],
        "targetobject" => &[
            "ObjectName",
            "ObjectValueName",
            "RegistryKey",
            "RegistryValueName",
        ],
        "sha256" | "sha1" | "md5" | "imphash" => &["Hashes"],
        _ => &[],
    };
    for column in computed.iter().chain(aliases(table, &lower)) {
        found(alike(column));
    }
    found(alike(&lower));
}

/// A column's name without case, blanks and underscores: names that rules may mean by one spelling are one.
pub(super) fn alike(column: &str) -> String {
    let letters = column.chars().filter(|letter| !matches!(letter, ' ' | '_'));
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

fn aliases<'a>(table: &'a str, lower: &'a str) -> impl Iterator<Item = &'static &'static str> + 'a {
    BY_TABLE
        .iter()
        .filter(move |(known, _)| *known == table)
        .map(|(_, aliases)| *aliases)
        .chain([EVERYWHERE])
        .flatten()
        .filter(move |(alias, _)| *alias == lower)
        .flat_map(|(_, columns)| columns.iter())
}

fn aliased(batch: &EventBatch, lower: &str) -> Option<usize> {
    aliases(batch.table(), lower).find_map(|column| batch.column_index(column))
}

fn spaced_name(batch: &EventBatch, lower: &str) -> Option<usize> {
    let wanted = lower.replace('_', "");
    let name = batch
        .text_columns()
        .map(|(name, _)| name)
        .find(|name| name.contains(' ') && name.replace(' ', "").eq_ignore_ascii_case(&wanted))?;
    batch.column_index(name)
}

/// Whether a web log's value of this field is made of others: a whole address, a user agent with its spaces.
pub(super) fn is_made(name: &str) -> bool {
    let made = [
        "url",
        "c-uri",
        "cs-uri",
        "c-uri-extension",
        "cs-uri-extension",
        "cs-user-agent",
        "c-useragent",
        "cs-useragent",
        "useragent",
    ];
    made.iter().any(|made| made.eq_ignore_ascii_case(name))
}

/// Fields that no single column holds.
fn computed(batch: &EventBatch, lower: &str) -> Option<Field> {
    match lower {
        "url" | "c-uri" | "cs-uri" => url(batch),
        "c-uri-extension" | "cs-uri-extension" => stem(batch).map(Field::Extension),
        "cs-user-agent" | "c-useragent" | "cs-useragent" | "useragent" if batch.source() == Source::Iis => {
            batch.column_index("cs(User-Agent)").map(Field::Spaced)
        }
        "targetobject" if batch.table() == "SecurityEvent" => Some(Field::Path(
            batch.column_index("ObjectName")?,
            batch.column_index("ObjectValueName")?,
        )),
        "targetobject" if batch.table() == "DeviceRegistryEvents" => Some(Field::Path(
            batch.column_index("RegistryKey")?,
            batch.column_index("RegistryValueName")?,
        )),
        _ => None,
    }
}

fn stem(batch: &EventBatch) -> Option<usize> {
    match batch.source() {
        Source::Iis => batch.column_index("cs-uri-stem"),
        Source::HttpProxy => batch.column_index("UrlStem"),
        _ => None,
    }
}

fn url(batch: &EventBatch) -> Option<Field> {
    let query = match batch.source() {
        Source::Iis => "cs-uri-query",
        _ => "UrlQuery",
    };
    Some(Field::Url(stem(batch)?, batch.column_index(query)))
}

/// The value of a field in a row.
pub(super) fn value(batch: &EventBatch, field: Field, row: usize) -> Option<Cow<'_, str>> {
    match field {
        Field::Column(index) => plain(batch, index, row).map(Cow::Borrowed),
        Field::Absent | Field::Any => None,
        Field::Url(..) => {
            let mut room = String::new();
            value_in(batch, field, row, &mut room)?;
            Some(Cow::Owned(room))
        }
        Field::Hash(index, algorithm) => {
            let hashes = plain(batch, index, row)?;
            hashes.split(',').find_map(|part| {
                let (name, value) = part.trim().split_at_checked(algorithm.len())?;
                name.eq_ignore_ascii_case(algorithm)
                    .then_some(Cow::Borrowed(value))
            })
        }
        Field::Path(key, name) => {
            let key = plain(batch, key, row)?;
            Some(match plain(batch, name, row) {
                Some(name) => Cow::Owned(format!("{key}\\{name}")),
                None => Cow::Borrowed(key),
            })
        }
        Field::Extension(stem) => {
            let stem = plain(batch, stem, row)?;
            let file = stem.rsplit('/').next().unwrap_or(stem);
            file.rsplit_once('.')
                .map(|(_, extension)| Cow::Borrowed(extension))
        }
        Field::Spaced(index) => {
            let text = plain(batch, index, row)?;
            Some(if text.contains('+') && !text.contains(' ') {
                Cow::Owned(text.replace('+', " "))
            } else {
                Cow::Borrowed(text)
            })
        }
        Field::Time => {
            let time = jiff::Timestamp::from_microsecond(batch.time(row)?).ok()?;
            Some(Cow::Owned(time.to_string()))
        }
    }
}

/// The same, where a value that must be put together is put into `room`.
pub(super) fn value_in<'a>(
    batch: &'a EventBatch,
    field: Field,
    row: usize,
    room: &'a mut String,
) -> Option<&'a str> {
    match field {
        Field::Url(stem, query) => {
            let stem = plain(batch, stem, row)?;
            let query = query.and_then(|query| plain(batch, query, row)).unwrap_or("");
            room.clear();
            room.reserve(stem.len() + 1 + query.len());
            room.push_str(stem);
            room.push('?');
            room.push_str(query);
            if memchr(b'%', room.as_bytes()).is_some() {
                *room = percent_decoded(room);
            }
            Some(room)
        }
        field => match value(batch, field, row)? {
            Cow::Borrowed(value) => Some(value),
            Cow::Owned(value) => {
                *room = value;
                Some(room)
            }
        },
    }
}

fn plain(batch: &EventBatch, index: usize, row: usize) -> Option<&str> {
    let column = batch.text_column(index)?;
    column.is_valid(row).then(|| column.value(row))
}

/// Undoes percent-encoding up to twice, as servers and proxies in a row do.
fn percent_decoded(text: &str) -> String {
    let mut current = text.to_owned();
    for _ in 0..2 {
        if !current.contains('%') {
            break;
        }
        current = decode_once(&current);
    }
    current
}

fn decode_once(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| {
            bytes
                .get(at + offset)
                .and_then(|&digit| (digit as char).to_digit(16))
        };
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
