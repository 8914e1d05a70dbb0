//! What lies in a drop folder.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::folder::{Folder, is_a_link};
use super::{DONE, REFUSED};

/// Files looked at each time; what is beyond waits until those are taken.
const MOST_FILES: usize = 20_000;
/// Folders in folders.
const DEEPEST: usize = 32;
/// Problems named each time.
const NAMED: usize = 20;

/// A file as it was when it was looked at. While it stays so it is at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) size: u64,
    /// Seconds, and nanoseconds of the last one.
    written: (i64, i64),
    /// Device, number, and how many names it has.
    place: (u64, u64, u64),
    /// Whether it is a file, and not a link, a pipe, ...
    pub(super) is_file: bool,
    /// Whether it is a folder, and not a link to one.
    is_folder: bool,
}

impl Seen {
    pub(super) fn of(about: &Metadata) -> Seen {
        Seen {
            size: about.len(),
            written: written(about),
            place: place(about),
            is_file: about.is_file(),
            is_folder: about.is_dir(),
        }
    }

    /// The same of what the system says of a name below an open folder.
    #[cfg(unix)]
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)] // The types differ from system to system.
    pub(super) fn of_stat(about: &rustix::fs::Stat) -> Seen {
        let kind = rustix::fs::FileType::from_raw_mode(about.st_mode);
        Seen {
            size: about.st_size as u64,
            written: (about.st_mtime as i64, about.st_mtime_nsec as i64),
            place: (about.st_dev as u64, about.st_ino as u64, about.st_nlink as u64),
            is_file: kind.is_file(),
            is_folder: kind.is_dir(),
        }
    }

    /// Whether it can be reached under another name too: then what it is says nothing about who put it there.
    pub(super) fn has_other_names(&self) -> bool {
        self.place.2 > 1
    }
}

#[cfg(unix)]
fn place(about: &Metadata) -> (u64, u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (about.dev(), about.ino(), about.nlink())
}

#[cfg(unix)]
fn written(about: &Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (about.mtime(), about.mtime_nsec())
}

#[cfg(not(unix))]
fn place(_: &Metadata) -> (u64, u64, u64) {
    (0, 0, 1)
}

#[cfg(not(unix))]
fn written(about: &Metadata) -> (i64, i64) {
    let since = about
        .modified()
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default();
    (since.as_secs() as i64, i64::from(since.subsec_nanos()))
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// By path below the folder.
    pub(super) files: BTreeMap<PathBuf, Seen>,
    /// What could not be looked at.
    pub(super) problems: Vec<String>,
}

/// Looks at everything below a folder but what was taken or refused.
pub(super) fn look(folder: &Folder) -> Look {
    let mut look = Look::default();
    walk(folder, Path::new(""), 0, &mut look);
    look
}

fn walk(folder: &Folder, below: &Path, depth: usize, look: &mut Look) {
    let names = match folder.names() {
        Ok(names) => names,
        Err(error) => return look.problem(below, &error.to_string()),
    };
    for name in names {
        let (name, seen) = match name.and_then(|name| folder.seen(&name).map(|seen| (name, seen))) {
            Ok(found) => found,
            // Gone since the folder was read.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return look.problem(below, &error.to_string()),
        };
        let path = below.join(&name);
        if depth == 0 && (name == DONE || name == REFUSED) || is_unfinished(&name.to_string_lossy()) {
            continue;
        }
        if seen.is_folder {
            if depth >= DEEPEST {
                look.problem(&path, "too many folders in folders");
                continue;
            }
            match folder.enter(&name) {
                Ok(folder) => walk(&folder, &path, depth + 1, look),
                // Gone since, or a link took its place: that is seen the next time.
                Err(error) if error.kind() == ErrorKind::NotFound || is_a_link(&error) => {}
                Err(error) => look.problem(&path, &error.to_string()),
            }
        } else if look.files.len() < MOST_FILES {
            // The link itself, for an entry that is one.
            look.files.insert(path, seen);
        }
    }
}

impl Look {
    /// What there is to see of a folder that is not there.
    pub(super) fn of_nothing(why: String) -> Look {
        Look {
            problems: vec![why],
            ..Look::default()
        }
    }

    fn problem(&mut self, path: &Path, why: &str) {
        if self.problems.len() < NAMED {
            self.problems.push(format!("{}: {why}", path.display()));
        }
    }
}

/// Whether a file has the name of one that somebody is still writing, or that is nobody's business.
fn is_unfinished(name: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    name.starts_with('.')
        || name.contains('.')
            && matches!(
                ending.as_str(),
                "part" | "partial" | "tmp" | "filepart" | "crdownload"
            )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn what_is_taken_unfinished_or_behind_a_link_is_not_looked_at() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "T/S/a.log",
            "T/S/deep/b.log",
            "T/c.zip.part",
            "T/.d",
            "done/T/e",
            "refused/f",
            "T/done/g",
        ] {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), "x").unwrap();
        }
        std::os::unix::fs::symlink(outside.path(), root.join("T/folder")).unwrap();
        let look = look(&Folder::open(root).unwrap());
        let found: Vec<(&str, bool)> = look
            .files
            .iter()
            .map(|(path, seen)| (path.to_str().unwrap(), seen.is_file))
            .collect();
        let expected = [
            ("T/S/a.log", true),
            ("T/S/deep/b.log", true),
            ("T/done/g", true),
            ("T/folder", false),
        ];
        assert_eq!(found, expected);
        assert!(look.problems.is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn a_link_that_takes_the_place_of_a_folder_meanwhile_leads_nowhere() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("drop"), folder.path().join("outside"));
        for (below, file) in [(root.join("T/S"), "a.log"), (outside.clone(), "secret")] {
            std::fs::create_dir_all(&below).unwrap();
            std::fs::write(below.join(file), "x").unwrap();
        }
        // Names that begin with a dot are not looked at.
        let [server, aside, link] = ["S", ".aside", ".link"].map(|name| root.join("T").join(name));
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        let held = Folder::open(&root).unwrap();
        let is_over = AtomicBool::new(false);
        let found: Vec<PathBuf> = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    for (from, to) in [
                        (&server, &aside),
                        (&link, &server),
                        (&server, &link),
                        (&aside, &server),
                    ] {
                        std::fs::rename(from, to).unwrap();
                    }
                }
            });
            let found = (0..5_000).flat_map(|_| look(&held).files.into_keys()).collect();
            is_over.store(true, Ordering::SeqCst);
            found
        });
        assert!(found.contains(&PathBuf::from("T/S/a.log")));
        assert!(!found.iter().any(|path| path.ends_with("secret")));
    }

    #[test]
    fn a_file_that_is_written_to_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "1").unwrap();
        let seen = |path: &Path| Seen::of(&std::fs::metadata(path).unwrap());
        let before = seen(&path);
        assert_eq!(seen(&path), before);
        std::fs::write(&path, "12").unwrap();
        assert_ne!(seen(&path), before);
    }
}
