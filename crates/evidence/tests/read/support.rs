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

/// An entry as it stands in an archive, whether that makes sense or not.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) name: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc: u32,
    /// What it claims to be unpacked.
    pub(crate) size: u32,
    /// Sizes follow the data, with a signature or without.
    pub(crate) descriptor: Option<bool>,
}

impl Raw {
    pub(crate) fn stored(name: &str, data: &[u8]) -> Raw {
        Raw {
            name: name.as_bytes().to_vec(),
            data: data.to_vec(),
            method: 0,
            flags: 0,
            crc: crc32fast::hash(data),
            size: data.len() as u32,
            descriptor: None,
        }
    }

    /// The fields from the version to the length of the name, which both headers have.
    fn fields(&self, known: bool) -> Vec<u8> {
        let flags = self.flags | if self.descriptor.is_some() { 8 } else { 0 };
        let [crc, packed, size] = if known {
            [self.crc, self.data.len() as u32, self.size]
        } else {
            [0; 3]
        };
        let mut fields = Vec::new();
        for field in [20, flags, self.method, 0, 0x5263] {
            fields.extend(u16::to_le_bytes(field));
        }
        for field in [crc, packed, size] {
            fields.extend(u32::to_le_bytes(field));
        }
        fields.extend((self.name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        fields
    }

    fn local(&self) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        out.extend(self.fields(self.descriptor.is_none()));
        out.extend(&self.name);
        out.extend(&self.data);
        if let Some(signature) = self.descriptor {
            out.extend(if signature { b"PK\x07\x08".as_slice() } else { b"" });
            for field in [self.crc, self.data.len() as u32, self.size] {
                out.extend(field.to_le_bytes());
            }
        }
        out
    }

    pub(crate) fn central(&self, header: u32) -> Vec<u8> {
        let mut out = b"PK\x01\x02\x14\x00".to_vec();
        out.extend(self.fields(true));
        out.extend([0; 10]);
        out.extend(header.to_le_bytes());
        out.extend(&self.name);
        out
    }
}

/// A zip of exactly these entries.
pub(crate) fn raw_zip(entries: &[Raw]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        directory.extend(entry.central(archive.len() as u32));
        archive.extend(entry.local());
    }
    end_of(archive, &directory, entries.len() as u16)
}

/// Adds a directory and the end record.
pub(crate) fn end_of(mut archive: Vec<u8>, directory: &[u8], entries: u16) -> Vec<u8> {
    let start = archive.len() as u32;
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(entries.to_le_bytes());
    archive.extend(entries.to_le_bytes());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
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
