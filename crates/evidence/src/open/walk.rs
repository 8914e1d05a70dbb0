//! Which files there are, and whose: folders become units.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use vigie_event::{MICROS_PER_SECOND, Timestamp};

use crate::{EvidenceError, Limits, Unit, UnitId};

/// One file to read, or one archive.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) path: PathBuf,
    /// As shown to people.
    pub(crate) shown: String,
    pub(crate) unit: UnitId,
    pub(crate) bytes: u64,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) created: Option<Timestamp>,
}

/// Everything a run will read.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) jobs: Vec<Job>,
    pub(crate) units: Vec<Unit>,
    pub(crate) warnings: Vec<String>,
}

/// Folders whose name says that a machine's files begin here or above: below them nobody keeps one folder per server.
const INSIDE_A_MACHINE: [&str; 22] = [
    "c",
    "c%3a",
    "c_",
    "d",
    "d%3a",
    "e",
    "inetpub",
    "windows",
    "program files",
    "programdata",
    "users",
    "logging",
    "httpproxy",
    "w3svc1",
    "w3svc2",
    "logfiles",
    "winevt",
    "logs",
    "uploads",
    "results",
    "transportroles",
    "ecp",
];

/// Lists the files under the given paths, without following links.
pub(crate) fn plan(paths: &[PathBuf], limits: &Limits) -> Result<Plan, EvidenceError> {
    let mut plan = Plan::default();
    for path in paths {
        let data = fs::metadata(path).map_err(|cause| EvidenceError::Open {
            path: path.clone(),
            cause,
        })?;
        if data.is_dir() {
            let shown = base_name(path);
            plan.folder(path, &shown, &[], None, limits);
        } else {
            let unit = plan.unit(&base_name(path), None, None, "file");
            plan.file(path, base_name(path), unit);
        }
    }
    plan.jobs.sort_by(|a, b| a.shown.cmp(&b.shown));
    Ok(plan)
}

fn base_name(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

impl Plan {
    /// One folder. `above` are the names of the folders that lead here, `unit` the machine they belong to once known.
    fn folder(&mut self, path: &Path, shown: &str, above: &[String], unit: Option<UnitId>, limits: &Limits) {
        if above.len() as u32 > limits.folder_depth {
            self.warnings.push(format!(
                "{shown}: folders nested deeper than {} are not read",
                limits.folder_depth
            ));
            return;
        }
        let entries = match list(path) {
            Ok(entries) => entries,
            Err(error) => {
                self.warnings
                    .push(format!("{shown}: the folder cannot be read: {error}"));
                return;
            }
        };
        let folders = || entries.iter().filter(|entry| entry.kind == Kind::Folder);
        let has_files = entries
            .iter()
            .any(|entry| entry.kind == Kind::File && !is_archive(&entry.name));
        let machine_begins = has_files
            || folders().any(|entry| INSIDE_A_MACHINE.contains(&entry.name.to_lowercase().as_str()));
        let unit = unit.or_else(|| {
            machine_begins.then(|| {
                let name = above.last().cloned();
                let tenant = (above.len() >= 2).then(|| above[above.len() - 2].clone());
                self.unit(shown, tenant, name, "folder")
            })
        });
        for entry in &entries {
            let below = format!("{shown}/{}", entry.name);
            match entry.kind {
                Kind::Folder => {
                    let mut names = above.to_vec();
                    names.push(entry.name.clone());
                    self.folder(&entry.path, &below, &names, unit, limits);
                }
                Kind::File => {
                    let unit = unit.unwrap_or_else(|| {
                        let stem = entry
                            .name
                            .rsplit_once('.')
                            .map_or(entry.name.as_str(), |(stem, _)| stem);
                        let tenant = above.last().cloned();
                        self.unit(&below, tenant, Some(stem.to_owned()), "archive")
                    });
                    self.file(&entry.path, below, unit);
                }
                Kind::Link => self.warnings.push(format!("{below}: a link, not followed")),
                Kind::Other => self
                    .warnings
                    .push(format!("{below}: not a regular file, not read")),
            }
        }
    }

    fn unit(&mut self, path: &str, tenant: Option<String>, host: Option<String>, container: &str) -> UnitId {
        let id = UnitId(self.units.len() as u32);
        let host_source = host.as_ref().map(|_| "folder name".to_owned());
        self.units.push(Unit {
            id,
            path: path.to_owned(),
            tenant,
            host,
            host_source,
            container: container.to_owned(),
        });
        id
    }

    fn file(&mut self, path: &Path, shown: String, unit: UnitId) {
        match fs::metadata(path) {
            Ok(data) => self.jobs.push(Job {
                path: path.to_owned(),
                shown,
                unit,
                bytes: data.len(),
                modified: data.modified().ok().and_then(micros),
                created: data.created().ok().and_then(micros),
            }),
            Err(error) => self.warnings.push(format!("{shown}: cannot be read: {error}")),
        }
    }
}

fn micros(time: std::time::SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs())
        .ok()?
        .checked_mul(MICROS_PER_SECOND)?
        .checked_add(i64::from(since.subsec_micros()))
}

pub(crate) fn is_archive(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".zip")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
    Other,
}

struct Entry {
    path: PathBuf,
    name: String,
    kind: Kind,
}

fn list(path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let kind = if kind.is_symlink() {
            Kind::Link
        } else if kind.is_dir() {
            Kind::Folder
        } else if kind.is_file() {
            Kind::File
        } else {
            Kind::Other
        };
        entries.push(Entry {
            path: entry.path(),
            name: entry.file_name().to_string_lossy().into_owned(),
            kind,
        });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}
