//! A folder that is held open: what is done below it is done there, whatever somebody puts in its place meanwhile. No step
//! of the way follows a link.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Component, Path};

use super::scan::Seen;

#[cfg(not(unix))]
pub(super) use by_path::Folder;
#[cfg(unix)]
pub(super) use held::Folder;

impl Folder {
    /// The folder at a path below this one.
    pub(super) fn below(&self, path: &Path) -> io::Result<Folder> {
        self.walk(path, Folder::enter)
    }

    /// The same; what is missing is made.
    pub(super) fn make_below(&self, path: &Path) -> io::Result<Folder> {
        self.walk(path, |folder, name| match folder.make(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => folder.enter(name),
        })
    }

    fn walk(&self, path: &Path, step: impl Fn(&Folder, &OsStr) -> io::Result<Folder>) -> io::Result<Folder> {
        let mut here = self.again()?;
        for part in path.components() {
            let Component::Normal(name) = part else {
                return Err(io::ErrorKind::InvalidInput.into());
            };
            here = step(&here, name)?;
        }
        Ok(here)
    }

    /// Whether something has this name, be it a link.
    pub(super) fn has(&self, name: &OsStr) -> bool {
        self.seen(name).is_ok()
    }

    /// Writes a file that must not be there yet.
    pub(super) fn write_new(&self, name: &OsStr, text: &str) -> io::Result<()> {
        io::Write::write_all(&mut self.create_new(name)?, text.as_bytes())
    }
}

/// Whether something was not opened because it is a link, or lies behind one.
pub(super) fn is_a_link(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        // Some systems say that a link has too many links.
        let why = Errno::from_io_error(error);
        matches!(why, Some(Errno::LOOP | Errno::NOTDIR | Errno::MLINK))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::NotADirectory
    }
}

/// What a file is that was opened.
pub(super) fn seen_of(file: &File) -> io::Result<Seen> {
    file.metadata().map(|about| Seen::of(&about))
}

#[cfg(unix)]
mod held {
    use std::ffi::{OsStr, OsString};
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fstat, mkdirat, openat, stat, statat, unlinkat};

    use crate::drop_folder::scan::Seen;

    const FOLDER: OFlags = OFlags::RDONLY
        .union(OFlags::DIRECTORY)
        .union(OFlags::NOFOLLOW)
        .union(OFlags::CLOEXEC);

    /// Who may do what with a file that is made.
    const FILE: Mode = Mode::RUSR.union(Mode::WUSR).union(Mode::RGRP).union(Mode::ROTH);

    /// By its descriptor.
    #[derive(Debug)]
    pub(in crate::drop_folder) struct Folder(OwnedFd);

    impl Folder {
        pub(in crate::drop_folder) fn open(path: &Path) -> io::Result<Folder> {
            Ok(Folder(openat(CWD, path, FOLDER, Mode::empty())?))
        }

        pub(super) fn again(&self) -> io::Result<Folder> {
            self.0.try_clone().map(Folder)
        }

        /// Whether this folder is what a path leads to.
        pub(in crate::drop_folder) fn is_at(&self, path: &Path) -> io::Result<bool> {
            let there = stat(path)?;
            // One that cannot even be asked any more (a server of files that is gone) is not what lies there.
            Ok(fstat(&self.0).is_ok_and(|here| (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)))
        }

        /// What lies in it.
        pub(in crate::drop_folder) fn names(
            &self,
        ) -> io::Result<impl Iterator<Item = io::Result<OsString>> + use<>> {
            let entries = Dir::read_from(&self.0)?;
            Ok(entries.filter_map(|entry| match entry {
                Ok(entry) => {
                    let name = entry.file_name().to_bytes();
                    let is_itself = matches!(name, b"." | b"..");
                    (!is_itself).then(|| Ok(OsStr::from_bytes(name).to_owned()))
                }
                Err(error) => Some(Err(error.into())),
            }))
        }

        pub(in crate::drop_folder) fn enter(&self, name: &OsStr) -> io::Result<Folder> {
            Ok(Folder(openat(&self.0, name, FOLDER, Mode::empty())?))
        }

        pub(super) fn make(&self, name: &OsStr) -> io::Result<()> {
            Ok(mkdirat(&self.0, name, Mode::RWXU | Mode::RWXG | Mode::RWXO)?)
        }

        /// Opens a file to read. A pipe or a device that took its place makes nobody wait.
        pub(in crate::drop_folder) fn read(&self, name: &OsStr) -> io::Result<File> {
            let flags =
                OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            Ok(openat(&self.0, name, flags, Mode::empty())?.into())
        }

        pub(in crate::drop_folder) fn open_or_create(&self, name: &OsStr) -> io::Result<File> {
            let flags =
                OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            Ok(openat(&self.0, name, flags, FILE)?.into())
        }

        pub(super) fn create_new(&self, name: &OsStr) -> io::Result<File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(openat(&self.0, name, flags, FILE)?.into())
        }

        pub(in crate::drop_folder) fn seen(&self, name: &OsStr) -> io::Result<Seen> {
            Ok(Seen::of_stat(&statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?))
        }

        pub(in crate::drop_folder) fn remove(&self, name: &OsStr) -> io::Result<()> {
            Ok(unlinkat(&self.0, name, AtFlags::empty())?)
        }

        /// Moves a file into a folder, where nothing may have the name yet.
        pub(in crate::drop_folder) fn move_to(
            &self,
            name: &OsStr,
            folder: &Folder,
            to: &OsStr,
        ) -> io::Result<()> {
            #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
            {
                use rustix::fs::{RenameFlags, renameat_with};
                use rustix::io::Errno;
                match renameat_with(&self.0, name, &folder.0, to, RenameFlags::NOREPLACE) {
                    // Not every file system knows that.
                    Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                    done => return Ok(done?),
                }
            }
            if folder.has(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Ok(rustix::fs::renameat(&self.0, name, &folder.0, to)?)
        }
    }
}

#[cfg(not(unix))]
mod by_path {
    use std::ffi::{OsStr, OsString};
    use std::fs::File;
    use std::io;
    use std::path::{Path, PathBuf};

    use crate::drop_folder::scan::Seen;

    /// By its path, looked at before each step.
    #[derive(Debug)]
    pub(in crate::drop_folder) struct Folder(PathBuf);

    impl Folder {
        pub(in crate::drop_folder) fn open(path: &Path) -> io::Result<Folder> {
            match path.symlink_metadata()?.is_dir() {
                true => Ok(Folder(path.to_owned())),
                false => Err(io::ErrorKind::NotADirectory.into()),
            }
        }

        pub(super) fn again(&self) -> io::Result<Folder> {
            Folder::open(&self.0)
        }

        /// Always: it is known by its path.
        pub(in crate::drop_folder) fn is_at(&self, path: &Path) -> io::Result<bool> {
            path.metadata().map(|_| true)
        }

        pub(in crate::drop_folder) fn names(
            &self,
        ) -> io::Result<impl Iterator<Item = io::Result<OsString>> + use<>> {
            let entries = std::fs::read_dir(&self.0)?;
            Ok(entries.map(|entry| entry.map(|entry| entry.file_name())))
        }

        pub(in crate::drop_folder) fn enter(&self, name: &OsStr) -> io::Result<Folder> {
            Folder::open(&self.0.join(name))
        }

        pub(super) fn make(&self, name: &OsStr) -> io::Result<()> {
            std::fs::create_dir(self.0.join(name))
        }

        pub(in crate::drop_folder) fn read(&self, name: &OsStr) -> io::Result<File> {
            File::open(self.0.join(name))
        }

        pub(in crate::drop_folder) fn open_or_create(&self, name: &OsStr) -> io::Result<File> {
            let mut options = File::options();
            options.create(true).truncate(false).write(true);
            options.open(self.0.join(name))
        }

        pub(super) fn create_new(&self, name: &OsStr) -> io::Result<File> {
            File::create_new(self.0.join(name))
        }

        pub(in crate::drop_folder) fn seen(&self, name: &OsStr) -> io::Result<Seen> {
            self.0.join(name).symlink_metadata().map(|about| Seen::of(&about))
        }

        pub(in crate::drop_folder) fn remove(&self, name: &OsStr) -> io::Result<()> {
            std::fs::remove_file(self.0.join(name))
        }

        pub(in crate::drop_folder) fn move_to(
            &self,
            name: &OsStr,
            folder: &Folder,
            to: &OsStr,
        ) -> io::Result<()> {
            if folder.has(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            std::fs::rename(self.0.join(name), folder.0.join(to))
        }
    }
}
