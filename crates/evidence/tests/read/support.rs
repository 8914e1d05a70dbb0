//! Evidence made for a test, and a sink that keeps what it is given.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;
use vigie_event::{EventBatch, Source};
use vigie_evidence::{FileEntry, FileRef, Limits, Manifest, Options, Sink, Unit, read};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An IIS log of `rows` requests; `host` is the server's name in each row, when it logs that.
pub(crate) fn iis_log(host: Option<&str>, rows: usize) -> String {
    let mut log =
        String::from("#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n");
    let field = if host.is_some() { "s-computername " } else { "" };
    log.push_str(&format!(
        "#Fields: date time {field}s-ip cs-method cs-uri-stem c-ip sc-status\r\n"
    ));
    let host = host.map(|host| format!("{host} ")).unwrap_or_default();
    for row in 0..rows {
        log.push_str(&format!(
            "2021-03-03 00:{:02}:{:02} {host}10.0.0.5 GET /owa/ 10.0.0.{} 200\r\n",
            row / 60 % 60,
            row % 60,
            row % 250
        ));
    }
    log
}

/// A folder of evidence that is removed after the test.
pub(crate) struct Evidence {
    root: TempDir,
}

impl Evidence {
    pub(crate) fn new() -> Evidence {
        Evidence {
            root: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a file, and the folders that lead to it.
    pub(crate) fn file(&self, path: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.path().join("evidence").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn path(&self) -> PathBuf {
        let path = self.root.path().join("evidence");
        std::fs::create_dir_all(&path).unwrap();
        path
    }
}

/// A zip with deflated entries.
pub(crate) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(CompressionMethod::Deflated, entries)
}

/// A zip with entries packed by `method`. A name that ends in `/` is a folder.
pub(crate) fn zip_with(method: CompressionMethod, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// What was handed over.
#[derive(Default)]
pub(crate) struct Kept {
    rows: Mutex<BTreeMap<String, u64>>,
    ids: Mutex<BTreeMap<u32, String>>,
    contents: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Sink for Kept {
    fn batch(&self, file: &FileRef, batch: EventBatch) {
        assert_eq!(batch.file(), file.id);
        self.ids.lock().unwrap().insert(file.id.0, file.path.clone());
        if batch.source() != Source::FileInventory {
            *self.rows.lock().unwrap().entry(file.path.clone()).or_default() += batch.rows() as u64;
        }
    }

    fn content(&self, file: &FileRef, bytes: &[u8]) {
        self.ids.lock().unwrap().insert(file.id.0, file.path.clone());
        self.contents
            .lock()
            .unwrap()
            .insert(file.path.clone(), bytes.to_vec());
    }
}

/// A finished run.
pub(crate) struct Done {
    pub(crate) manifest: Manifest,
    /// Rows per path, without the file inventory.
    pub(crate) rows: BTreeMap<String, u64>,
    /// Content handed over per path.
    pub(crate) contents: BTreeMap<String, Vec<u8>>,
}

impl Done {
    #[track_caller]
    pub(crate) fn file(&self, path: &str) -> &FileEntry {
        let paths: Vec<&str> = self
            .manifest
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        let file = self.manifest.files.iter().find(|file| file.path == path);
        file.unwrap_or_else(|| panic!("no {path} in {paths:#?}; warnings {:#?}", self.manifest.warnings))
    }

    #[track_caller]
    pub(crate) fn unit(&self, path: &str) -> &Unit {
        let unit = self.manifest.units.iter().find(|unit| unit.path == path);
        unit.unwrap_or_else(|| panic!("no {path} in {:#?}", self.manifest.units))
    }

    /// Tenant, host and container of every unit, by path.
    pub(crate) fn units(&self) -> Vec<(&str, &str, &str, &str)> {
        let none = "-";
        self.manifest
            .units
            .iter()
            .map(|unit| {
                (
                    unit.path.as_str(),
                    unit.tenant.as_deref().unwrap_or(none),
                    unit.host.as_deref().unwrap_or(none),
                    unit.container.as_str(),
                )
            })
            .collect()
    }

    /// The one warning that holds all these texts.
    #[track_caller]
    pub(crate) fn warned(&self, texts: &[&str]) -> &str {
        let mut found = self
            .manifest
            .warnings
            .iter()
            .filter(|warning| texts.iter().all(|text| warning.contains(text)));
        match (found.next(), found.next()) {
            (Some(warning), None) => warning,
            (first, second) => panic!(
                "warnings with {texts:?}: {first:?}, {second:?}; all: {:#?}",
                self.manifest.warnings
            ),
        }
    }
}

pub(crate) fn read_with(path: &Path, threads: usize, limits: Limits) -> Done {
    read_all(&[path.to_owned()], threads, limits)
}

pub(crate) fn read_all(paths: &[PathBuf], threads: usize, limits: Limits) -> Done {
    let options = Options {
        limits,
        threads,
        ..Options::default()
    };
    let kept = Kept::default();
    let manifest = read(paths, &options, &kept).unwrap();
    for (index, file) in manifest.files.iter().enumerate() {
        assert_eq!(
            file.id.0 as usize, index,
            "files stand at the position of their number"
        );
    }
    for (id, path) in kept.ids.into_inner().unwrap() {
        assert_eq!(
            manifest.files[id as usize].path, path,
            "sink and manifest agree on numbers"
        );
    }
    Done {
        manifest,
        rows: kept.rows.into_inner().unwrap(),
        contents: kept.contents.into_inner().unwrap(),
    }
}

/// Reads with the usual limits.
pub(crate) fn read_here(path: &Path) -> Done {
    read_with(path, 2, Limits::default())
}
