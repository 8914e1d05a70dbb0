//! What the file inventory tells of one file: where it lies, how large it is, when it was written, its hashes.
//!
//! The same columns whether the file itself was collected or only a listing names it.

use vigie_event::{Timestamp, format_utc};

use super::paths::virtual_path;

/// A file as the inventory shows it. Empty values are unknown.
#[derive(Debug, Default, Clone)]
pub(crate) struct Entry<'a> {
    /// Its path on its own machine where that is known.
    pub(crate) path: &'a str,
    pub(crate) size: Option<u64>,
    pub(crate) created: Option<Timestamp>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) sha256: &'a str,
    pub(crate) sha1: &'a str,
    pub(crate) md5: &'a str,
}

impl Entry<'_> {
    /// Columns and values, in the order reports show them.
    pub(crate) fn columns(&self) -> Vec<(&'static str, String)> {
        let split = self.path.rfind(['\\', '/']);
        let (folder, name) = split.map_or(("", self.path), |at| {
            (
                self.path.get(..at).unwrap_or_default(),
                self.path.get(at + 1..).unwrap_or_default(),
            )
        });
        let extension = name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default();
        let time = |time: Option<Timestamp>| time.map(format_utc).unwrap_or_default();
        vec![
            ("TargetFilename", self.path.to_owned()),
            ("FileName", name.to_owned()),
            ("Extension", extension.to_ascii_lowercase()),
            ("Folder", folder.to_owned()),
            (
                "FileSize",
                self.size.map(|size| size.to_string()).unwrap_or_default(),
            ),
            ("CreationTime", time(self.created)),
            ("LastWriteTime", time(self.modified)),
            ("VirtualPath", virtual_path(self.path).unwrap_or_default()),
            ("SHA256", self.sha256.to_ascii_lowercase()),
            ("SHA1", self.sha1.to_ascii_lowercase()),
            ("MD5", self.md5.to_ascii_lowercase()),
        ]
    }
}
