//! Lists of files: the inventory of a server whose files themselves nobody collected.
//!
//! Rows have the columns of the file inventory, so that the same rules see them, and `ListedBy`. Lists made from the
//! file system's own table (`$MFT`) carry two sets of times: those programs see and can set (`$STANDARD_INFORMATION`),
//! and those only the system writes (`$FILE_NAME`, `FnCreationTime`). When the first say a file is older than the
//! second do, `Timestomped` is `true`; installers that keep times do that as well.

pub(super) mod bodyfile;
pub(super) mod csv;
pub(super) mod dir;
pub(super) mod json;

use vigie_event::{MICROS_PER_SECOND, Source, Timestamp, format_utc, parse_utc};

use super::inventory::Entry;
use super::rows::Rows;
use super::table::Place;

/// Folders that lie on the system's drive unless somebody moved them.
const SYSTEM_FOLDERS: [&str; 8] = [
    "inetpub",
    "windows",
    "program files",
    "program files (x86)",
    "programdata",
    "users",
    "perflogs",
    "exchangesetuplogs",
];

/// Names the same thing has in different lists.
const PATH: [&str; 4] = ["OSPath", "FullPath", "FullName", "Path"];
const SIZE: [&str; 3] = ["Size", "FileSize", "Length"];
const CREATED: [&str; 3] = ["Created0x10", "BTime", "CreationTimeUtc"];
const MODIFIED: [&str; 3] = ["LastModified0x10", "MTime", "LastWriteTimeUtc"];
const FN_CREATED: [&str; 1] = ["Created0x30"];
const SHA256: [&str; 3] = ["SHA256", "Hash.SHA256", "Sha256"];
const SHA1: [&str; 3] = ["SHA1", "Hash.SHA1", "Sha1"];
const MD5: [&str; 3] = ["MD5", "Hash.MD5", "Md5"];
const STOMPED: [&str; 2] = ["SI<FN", "SI_Lt_FN"];
const IS_FOLDER: [&str; 3] = ["IsDirectory", "IsDir", "PSIsContainer"];

/// One listed file, whatever named it.
#[derive(Debug, Default)]
struct Listed {
    path: String,
    size: Option<u64>,
    created: Option<Timestamp>,
    modified: Option<Timestamp>,
    fn_created: Option<Timestamp>,
    /// The list's own opinion.
    stomped: bool,
    sha256: String,
    sha1: String,
    md5: String,
    /// `false` for an entry of a deleted file.
    in_use: String,
    zone: String,
    /// What happened to the file then, where the list is a journal of changes.
    reasons: String,
    changed: Option<Timestamp>,
    /// A time in the machine's own notation and zone, when that is all there is.
    local_time: String,
}

impl Listed {
    /// Reads the columns of a table or the members of an object. `None` when it is a folder or has no path.
    fn from_columns<'v>(get: impl Fn(&str) -> &'v str) -> Option<Listed> {
        let first = |names: &[&str]| {
            let values = names.iter().map(|name| get(name));
            values
                .into_iter()
                .find(|value| !value.is_empty())
                .unwrap_or_default()
        };
        let is = |names: &[&str]| first(names).eq_ignore_ascii_case("true");
        let path = match get("ParentPath") {
            "" => absolute(first(&PATH)),
            folder => absolute(&format!("{folder}\\{}", get("FileName"))),
        };
        if path.is_empty() || is(&IS_FOLDER) || get("Mode").starts_with('d') {
            return None;
        }
        Some(Listed {
            path,
            size: first(&SIZE).parse().ok(),
            created: utc(first(&CREATED)).or_else(|| zoned(get("CreationTime"))),
            modified: utc(first(&MODIFIED)).or_else(|| zoned(get("LastWriteTime"))),
            fn_created: utc(first(&FN_CREATED)),
            stomped: is(&STOMPED),
            sha256: hash(first(&SHA256), 64),
            sha1: hash(first(&SHA1), 40),
            md5: hash(first(&MD5), 32),
            in_use: get("InUse").to_ascii_lowercase(),
            zone: get("ZoneIdContents").chars().take(1_024).collect(),
            ..Listed::default()
        })
    }

    /// Whether the time anybody can set is older than the one only the system sets.
    fn is_stomped(&self) -> bool {
        let earlier = self
            .created
            .zip(self.fn_created)
            .is_some_and(|(seen, kept)| kept - seen > MICROS_PER_SECOND);
        self.stomped || earlier
    }

    fn emit(&self, by: &str, place: Place, rows: &mut Rows<'_>) {
        let entry = Entry {
            path: &self.path,
            size: self.size,
            created: self.created,
            modified: self.modified,
            sha256: &self.sha256,
            sha1: &self.sha1,
            md5: &self.md5,
        };
        let is_stomped = self.is_stomped();
        let fn_created = self.fn_created.map(format_utc).unwrap_or_default();
        let own = [
            ("FnCreationTime", fn_created.as_str()),
            ("Timestomped", if is_stomped { "true" } else { "" }),
            ("Deleted", if self.in_use == "false" { "true" } else { "" }),
            ("ZoneIdentifier", self.zone.as_str()),
            ("UpdateReasons", self.reasons.as_str()),
            ("ListedTime", self.local_time.as_str()),
            ("ListedBy", by),
        ];
        // A time that was set back says nothing about when the file came.
        let time = if is_stomped {
            self.fn_created
        } else {
            self.changed.or(self.modified).or(self.created)
        };
        let columns = entry.columns();
        let columns = columns.iter().map(|(name, value)| (*name, value.as_str()));
        let values = columns.chain(own);
        rows.row_of(Source::FileInventory, time, place.line, place.offset, values);
    }
}

/// A time in UTC. One in another notation, such as a culture's, is not guessed.
fn utc(text: &str) -> Option<Timestamp> {
    // Year 1 is how .NET writes "none".
    parse_utc(text).filter(|time| *time > parse_utc("1601-01-02").unwrap_or(i64::MIN))
}

/// A time that names its zone. One that does not is the machine's own, which nobody knows here.
fn zoned(text: &str) -> Option<Timestamp> {
    let zone = text.get(10..).unwrap_or_default();
    utc(text).filter(|_| zone.ends_with(['Z', 'z']) || zone.contains(['+', '-']))
}

/// A hash of this many digits, or nothing.
fn hash(text: &str, digits: usize) -> String {
    let is_hash = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        text.to_ascii_lowercase()
    } else {
        String::new()
    }
}

/// The path as Windows shows it. Lists of one volume leave its letter out: it is `C:` for what Windows keeps there, and
/// unknown for the rest.
fn absolute(path: &str) -> String {
    let path = path.replace('/', "\\");
    let path = path.trim();
    for device in [r"\\.\", r"\\?\"] {
        if let Some(rest) = path.strip_prefix(device)
            && rest.as_bytes().get(1) == Some(&b':')
        {
            return rest.to_owned();
        }
    }
    let rest = path.strip_prefix('.').unwrap_or(path);
    if path.is_empty() || !rest.starts_with('\\') || rest.starts_with(r"\\") {
        return path.to_owned();
    }
    let first = rest.split('\\').nth(1).unwrap_or_default().to_ascii_lowercase();
    let drive = if SYSTEM_FOLDERS.contains(&first.as_str()) {
        "C:"
    } else {
        ""
    };
    format!("{drive}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_those_windows_shows() {
        for (listed, expected) in [
            (r".\inetpub\wwwroot\x.aspx", r"C:\inetpub\wwwroot\x.aspx"),
            ("/Windows/Temp/x", r"C:\Windows\Temp\x"),
            (r".\Exch\x", r"\Exch\x"),
            (r"\\.\C:\x", r"C:\x"),
            (r"\\?\D:\x\y", r"D:\x\y"),
            (r"\\files01\share\x", r"\\files01\share\x"),
            ("C:/inetpub/x", r"C:\inetpub\x"),
            ("", ""),
        ] {
            assert_eq!(absolute(listed), expected, "{listed}");
        }
    }
}
