//! Which files there are, and whose: folders and archives become units.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, FileType};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use vigie_event::{MICROS_PER_SECOND, Timestamp};

use super::bytes::Bytes;
use super::layout::{Kind, Place, Tree, whose};
use super::names;
use super::warnings::Warnings;
use super::zip::{Damage, Zip};
use crate::message::{Code, Message, at};
use crate::{EvidenceError, Limits, Unit, UnitId};

/// One file to read, or one archive.
pub(crate) struct Job {
    pub(crate) path: PathBuf,
    /// As shown to people.
    pub(crate) shown: String,
    pub(crate) owners: Owners,
    pub(crate) bytes: u64,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) created: Option<Timestamp>,
}

/// Whose the files of an archive are: the unit of everything, or of what is below a folder in it.
#[derive(Debug, Clone)]
pub(crate) struct Owners {
    pub(crate) whole: UnitId,
    below: Arc<BTreeMap<String, UnitId>>,
}

impl Owners {
    pub(crate) fn one(unit: UnitId) -> Owners {
        Owners {
            whole: unit,
            below: Arc::default(),
        }
    }

    /// The unit of an entry.
    pub(crate) fn of(&self, path: &str) -> UnitId {
        let mut end = path.len();
        while !self.below.is_empty() {
            if let Some(&unit) = self.below.get(&path[..end]) {
                return unit;
            }
            match path[..end].rfind('/') {
                Some(at) => end = at,
                None => break,
            }
        }
        self.whole
    }
}

/// Everything a run will read.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) jobs: Vec<Job>,
    pub(crate) units: Vec<Unit>,
    pub(crate) warnings: Warnings,
}

/// A file found below a given path.
struct Found {
    path: PathBuf,
    /// Below the given path, `/` between folders.
    below: String,
    bytes: u64,
    modified: Option<Timestamp>,
    created: Option<Timestamp>,
    /// The machines in it, when it is an archive.
    places: Option<Vec<Place>>,
}

/// Lists the files under the given paths, without following links.
pub(crate) fn plan(paths: &[PathBuf], limits: &Limits) -> Result<Plan, EvidenceError> {
    let mut plan = Plan {
        warnings: Warnings::new(limits.warnings),
        ..Plan::default()
    };
    let failed = |path: &Path, cause| EvidenceError::Open {
        path: path.to_owned(),
        cause,
    };
    let mut wholes = Vec::new();
    for path in paths {
        wholes.push(fs::canonicalize(path).map_err(|cause| failed(path, cause))?);
    }
    let given: HashSet<&Path> = wholes.iter().map(PathBuf::as_path).collect();
    let mut before: HashSet<&Path> = HashSet::new();
    let mut different = Vec::new();
    for (path, whole) in paths.iter().zip(&wholes) {
        let is_within = whole.ancestors().skip(1).any(|folder| given.contains(folder));
        if !before.insert(whole) || is_within {
            let path = path.display();
            plan.warnings.add(at(&path.to_string(), Code::GivenTwice));
        } else {
            different.push(path.clone());
        }
    }
    for (path, root) in different.iter().zip(labels(&different)) {
        let data = fs::metadata(path).map_err(|cause| failed(path, cause))?;
        let mut walk = Walk {
            limits,
            found: Vec::new(),
            warnings: &mut plan.warnings,
            beyond: 0,
        };
        if data.is_dir() {
            walk.folder(path, &root, "", 0);
        } else if data.is_file() {
            walk.file(path, &root, root.clone());
        } else {
            let cause = io::Error::other("neither a folder nor a regular file");
            return Err(failed(path, cause));
        }
        let Walk { found, beyond, .. } = walk;
        if beyond > 0 {
            let parameters = [("count", beyond.into()), ("most", limits.files.into())];
            let said = Message::new(Code::FilesBeyondCap, parameters);
            plan.warnings.add(at(&root, said));
        }
        if data.is_dir() {
            plan.folder(&root, found, different.len() > 1);
        } else {
            plan.file(&root, found);
        }
    }
    plan.jobs.sort_by(|a, b| a.shown.cmp(&b.shown));
    Ok(plan)
}

/// What the given paths are shown as: their last name, or as much more as tells them apart.
fn labels(paths: &[PathBuf]) -> Vec<String> {
    const MOST_NAMES: usize = 8;
    let names: Vec<Vec<String>> = paths.iter().map(|path| names_of(path)).collect();
    let label = |names: &Vec<String>, many: usize| names[names.len().saturating_sub(many)..].join("/");
    let mut many = 1;
    loop {
        let labels: Vec<String> = names.iter().map(|names| label(names, many)).collect();
        let different: BTreeSet<&String> = labels.iter().collect();
        if different.len() == paths.len() || many == MOST_NAMES {
            return labels;
        }
        many += 1;
    }
}

/// The names a path is made of. `evidence/..` and links have other names than they look like.
fn names_of(path: &Path) -> Vec<String> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let absolute = match absolute.file_name() {
        Some(_) => absolute,
        None => fs::canonicalize(&absolute).unwrap_or(absolute),
    };
    let names = absolute.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        vec![path.display().to_string()]
    } else {
        names
    }
}

/// Lists files.
struct Walk<'a> {
    limits: &'a Limits,
    found: Vec<Found>,
    warnings: &'a mut Warnings,
    beyond: u64,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path, shown: &str, below: &str, depth: u32) {
        if depth > self.limits.folder_depth {
            let most = self.limits.folder_depth;
            let said = Message::new(Code::FoldersTooDeep, [("most", most.into())]);
            self.warnings.add(at(shown, said));
            return;
        }
        let mut folders = Vec::new();
        let listed = fs::read_dir(path).and_then(|entries| {
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                self.entry(
                    &entry.path(),
                    name,
                    entry.file_type()?,
                    shown,
                    below,
                    &mut folders,
                );
            }
            Ok(())
        });
        if let Err(error) = listed {
            let said = Message::new(Code::FolderUnread, [("cause", (&error).into())]);
            self.warnings.add(at(shown, said));
        }
        folders.sort();
        for (path, name) in folders {
            self.folder(&path, &format!("{shown}/{name}"), &join(below, &name), depth + 1);
        }
    }

    fn entry(
        &mut self,
        path: &Path,
        name: String,
        kind: FileType,
        shown: &str,
        below: &str,
        folders: &mut Vec<(PathBuf, String)>,
    ) {
        let what = if kind.is_symlink() {
            Code::LinkNotFollowed
        } else if kind.is_dir() {
            return folders.push((path.to_owned(), name));
        } else if kind.is_file() {
            return self.file(path, &format!("{shown}/{name}"), join(below, &name));
        } else {
            // A pipe would never end and a device may do anything: neither is opened.
            Code::NotRegular
        };
        self.warnings.add(at(&format!("{shown}/{name}"), what));
    }

    fn file(&mut self, path: &Path, shown: &str, below: String) {
        if self.found.len() as u64 >= self.limits.files {
            self.beyond += 1;
            return;
        }
        match fs::metadata(path) {
            Ok(data) => self.found.push(Found {
                path: path.to_owned(),
                places: is_archive(&below).then(|| places_in(path, self.limits)),
                below,
                bytes: data.len(),
                modified: data.modified().ok().and_then(micros),
                created: data.created().ok().and_then(micros),
            }),
            Err(error) => {
                let said = Message::new(Code::Unread, [("cause", (&error).into())]);
                self.warnings.add(at(shown, said));
            }
        }
    }
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() {
        name.to_owned()
    } else {
        format!("{above}/{name}")
    }
}

/// The machines in a zip, by its directory alone. What is damaged or no zip is told when it is read.
fn places_in(path: &Path, limits: &Limits) -> Vec<Place> {
    let magic = |bytes: &Bytes| {
        let mut magic = [0; 4];
        bytes
            .fill_at(0, &mut magic)
            .is_ok_and(|_| magic.starts_with(b"PK"))
    };
    let open = || -> io::Result<Option<(Zip, Option<Damage>)>> {
        let bytes = Arc::new(Bytes::file(File::open(path)?)?);
        if !magic(&bytes) {
            return Ok(None);
        }
        Zip::open(bytes, limits.archive_entries).map(Some)
    };
    let Ok(Some((zip, _))) = open() else {
        return Vec::new();
    };
    let mut tree = Tree::default();
    let entries = zip
        .entries()
        .take(usize::try_from(limits.archive_entries).unwrap_or(usize::MAX));
    for entry in entries.filter(|entry| !entry.is_folder()) {
        let (name, _) = names::clean(&entry.text(), limits.name_bytes);
        if is_archive(&name) {
            tree.archive(&name, false);
        } else {
            tree.file(&name);
        }
    }
    tree.places(Kind::Zip)
}

impl Plan {
    /// The files of one given folder. With `several` given, a folder of servers is a tenant.
    fn folder(&mut self, root: &str, found: Vec<Found>, several: bool) {
        let mut tree = Tree::default();
        for file in &found {
            match &file.places {
                Some(places) => tree.archive(&file.below, places.iter().any(|place| place.certain)),
                None => tree.file(&file.below),
            }
        }
        let places = tree.places(Kind::Folder);
        let mut above = Vec::new();
        let itself = matches!(places.as_slice(), [only] if only.prefix.is_empty());
        if itself || several {
            above.extend(root.split('/').map(str::to_owned));
        }
        let mut owners: BTreeMap<String, UnitId> = BTreeMap::new();
        let mut inner: BTreeMap<String, Owners> = BTreeMap::new();
        let archives: BTreeMap<&str, &Vec<Place>> = found
            .iter()
            .filter_map(|file| Some((file.below.as_str(), file.places.as_ref()?)))
            .collect();
        for place in places {
            let names = [above.as_slice(), &place.names].concat();
            let shown = if place.prefix.is_empty() {
                root.to_owned()
            } else {
                format!("{root}/{}", place.prefix)
            };
            match archives.get(place.prefix.as_str()) {
                Some(within) => {
                    inner.insert(place.prefix, self.archive(&shown, &names, within));
                }
                None => {
                    let named = place.certain || !itself;
                    let unit = self.unit(shown, &names, place.kind, named);
                    owners.insert(place.prefix, unit);
                }
            }
        }
        let owners = Owners {
            whole: owners.get("").copied().unwrap_or_default(),
            below: Arc::new(owners),
        };
        for file in found {
            let owners = match inner.remove(&file.below) {
                Some(owners) => owners,
                None => Owners::one(owners.of(&file.below)),
            };
            self.job(format!("{root}/{}", file.below), file, owners);
        }
    }

    /// One given file.
    fn file(&mut self, root: &str, found: Vec<Found>) {
        for file in found {
            let owners = match &file.places {
                Some(places) => {
                    let names: Vec<String> = names::stem(root).split('/').map(str::to_owned).collect();
                    self.archive(root, &names, places)
                }
                None => {
                    let unit = self.unit(root.to_owned(), &[], Kind::Loose, false);
                    if let Some(unit) = self.units.get_mut(unit.0 as usize) {
                        unit.container = "file".to_owned();
                    }
                    Owners::one(unit)
                }
            };
            self.job(root.to_owned(), file, owners);
        }
    }

    /// The units of an archive. Folders in it name machines better than the archive's own name does.
    fn archive(&mut self, shown: &str, names: &[String], places: &[Place]) -> Owners {
        let whole = match places {
            [] => self.unit(shown.to_owned(), names, Kind::Zip, true),
            [only] => {
                let names = inner_names(names, only);
                self.unit(shown.to_owned(), &names, only.kind, true)
            }
            several => {
                let mut below = BTreeMap::new();
                for place in several {
                    let path = if place.prefix.is_empty() {
                        shown.to_owned()
                    } else {
                        format!("{shown}!/{}", place.prefix)
                    };
                    let names = inner_names(names, place);
                    let unit = self.unit(path, &names, place.kind, place.kind != Kind::Loose);
                    below.insert(place.prefix.clone(), unit);
                }
                let first = below.values().next().copied().unwrap_or_default();
                return Owners {
                    whole: below.get("").copied().unwrap_or(first),
                    below: Arc::new(below),
                };
            }
        };
        Owners::one(whole)
    }

    fn unit(&mut self, path: String, names: &[String], kind: Kind, named: bool) -> UnitId {
        let id = UnitId(self.units.len() as u32);
        let (tenant, host) = whose(names, kind);
        let (tenant, host) = match kind {
            Kind::Loose => (None, None),
            _ => (tenant, host.filter(|_| named)),
        };
        self.units.push(Unit {
            id,
            path,
            tenant,
            host_source: host.as_ref().map(|_| "folder name".to_owned()),
            host,
            container: kind.name().to_owned(),
        });
        id
    }

    fn job(&mut self, shown: String, file: Found, owners: Owners) {
        self.jobs.push(Job {
            path: file.path,
            shown,
            owners,
            bytes: file.bytes,
            modified: file.modified,
            created: file.created,
        });
    }
}

/// The names that lead to a machine in an archive: the archive's own only when nothing inside says more.
fn inner_names(names: &[String], place: &Place) -> Vec<String> {
    let telling = place.names.iter().any(|name| !names::is_generic(name));
    let kept = names.len() - usize::from(telling && !names.is_empty());
    [&names[..kept], &place.names].concat()
}

fn micros(time: std::time::SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs())
        .ok()?
        .checked_mul(MICROS_PER_SECOND)?
        .checked_add(i64::from(since.subsec_micros()))
}

/// Whether a name says that machines may be inside. What an archive is read as, its content says.
fn is_archive(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".zip")
}
