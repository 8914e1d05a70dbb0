//! The files of a pack as text, from a folder or from the binary, within bounds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use include_dir::{Dir, DirEntry, include_dir};

use crate::Problem;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../packs");

/// Bytes of one file.
const FILE_BYTES: u64 = 4 << 20;
/// Bytes of a whole pack.
const PACK_BYTES: u64 = 64 << 20;
/// Files of a whole pack.
const FILES: usize = 10_000;
/// How deep folders may be nested.
const DEPTH: usize = 8;

/// Texts by path inside the pack, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Name of the folder the files are in.
    pub(crate) folder: String,
    /// Texts by path with forward slashes.
    pub(crate) texts: BTreeMap<String, String>,
    /// What could not be read and why.
    pub(crate) problems: Vec<Problem>,
    bytes: u64,
    stopped: bool,
}

impl Files {
    /// Whether another file may be read; says once when the pack is too large.
    fn has_room(&mut self, path: &str) -> bool {
        if self.stopped {
            return false;
        }
        if self.texts.len() >= FILES || self.bytes > PACK_BYTES {
            let why = format!(
                "the pack is larger than {FILES} files or {} MiB: nothing was read from here on",
                PACK_BYTES >> 20
            );
            self.problems.push(Problem::new(path, why));
            self.stopped = true;
        }
        !self.stopped
    }

    fn add(&mut self, path: String, bytes: Vec<u8>) {
        self.bytes += bytes.len() as u64;
        match String::from_utf8(bytes) {
            Ok(text) => {
                self.texts.insert(path, text);
            }
            Err(_) => self.problems.push(Problem::new(path, "not UTF-8 text")),
        }
    }
}

/// Reads a folder. Only the folder itself failing is an error; everything below is a problem.
pub(crate) fn read_folder(folder: &Path) -> io::Result<Files> {
    // A folder given as `.` still has a name.
    let name = fs::canonicalize(folder)?
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut files = Files {
        folder: name,
        ..Files::default()
    };
    fs::read_dir(folder)?;
    walk(folder, "", 0, &mut files);
    Ok(files)
}

fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut Files) {
    // One more than may be read, so that the excess is noticed without holding all of it.
    let entries: io::Result<Vec<_>> =
        fs::read_dir(folder).and_then(|entries| entries.take(FILES + 1).collect());
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            files
                .problems
                .push(Problem::new(prefix, format!("cannot be read: {error}")));
            return;
        }
    };
    if entries.len() > FILES {
        let why = format!("a folder of more than {FILES} entries: the rest was not read");
        files.problems.push(Problem::new(prefix, why));
    }
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        if !files.has_room(&path) {
            return;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() => {
                files
                    .problems
                    .push(Problem::new(path, "a link: links are not followed"));
            }
            Ok(kind) if kind.is_dir() && depth + 1 >= DEPTH => {
                let why = format!("folders are nested deeper than {DEPTH}");
                files.problems.push(Problem::new(path, why));
            }
            Ok(kind) if kind.is_dir() => walk(&entry.path(), &path, depth + 1, files),
            Ok(kind) if kind.is_file() => match read_bounded(&entry.path()) {
                Ok(Some(bytes)) => files.add(path, bytes),
                Ok(None) => files.problems.push(too_large(path)),
                Err(error) => files
                    .problems
                    .push(Problem::new(path, format!("cannot be read: {error}"))),
            },
            Ok(_) => files.problems.push(Problem::new(path, "not a regular file")),
            Err(error) => files
                .problems
                .push(Problem::new(path, format!("cannot be read: {error}"))),
        }
    }
}

/// The bytes of a file, `None` when there are too many.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= FILE_BYTES).then_some(bytes))
}

fn too_large(path: String) -> Problem {
    Problem::new(path, format!("larger than {} MiB", FILE_BYTES >> 20))
}

/// The folder beside the packs that holds what several of them share.
const PRODUCTS: &str = "products";

/// Names of the embedded packs.
pub(crate) fn embedded_names() -> Vec<String> {
    let mut names = names(&EMBEDDED);
    names.retain(|name| name != PRODUCTS);
    names
}

/// Identifiers of the embedded products.
pub(crate) fn embedded_products() -> Vec<String> {
    EMBEDDED.get_dir(PRODUCTS).map(names).unwrap_or_default()
}

fn names(dir: &Dir<'_>) -> Vec<String> {
    let mut names: Vec<String> = dir
        .dirs()
        .filter_map(|dir| Some(dir.path().file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The files of an embedded pack; `None` when there is none of this name.
pub(crate) fn read_embedded(name: &str) -> Option<Files> {
    if name == PRODUCTS {
        return None;
    }
    read_below(&EMBEDDED, name)
}

/// The files of an embedded product; `None` when there is none with this identifier.
pub(crate) fn read_product(id: &str) -> Option<Files> {
    read_below(EMBEDDED.get_dir(PRODUCTS)?, id)
}

fn read_below(parent: &Dir<'_>, name: &str) -> Option<Files> {
    let dir = parent
        .dirs()
        .find(|dir| dir.path().file_name().is_some_and(|file_name| file_name == name))?;
    let mut files = Files {
        folder: name.to_owned(),
        ..Files::default()
    };
    add_embedded(dir, dir.path(), &mut files);
    Some(files)
}

fn add_embedded(dir: &Dir<'_>, root: &Path, files: &mut Files) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => add_embedded(dir, root, files),
            DirEntry::File(file) => {
                let path = file.path().strip_prefix(root).unwrap_or(file.path());
                let path = path.to_string_lossy().replace('\\', "/");
                if !path.split('/').any(|part| part.starts_with('.')) {
                    files.add(path, file.contents().to_vec());
                }
            }
        }
    }
}
