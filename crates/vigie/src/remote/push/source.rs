//! What is sent: a file as it is, or a folder as an archive that comes out the same each time it is made.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// Bytes between the thread that packs and the one that sends.
const PIECE: usize = 1 << 17;
/// Pieces that may wait between them.
const WAITING: usize = 8;

/// Something to send.
pub(super) struct Source {
    /// Its name at the desk.
    pub(super) name: String,
    path: PathBuf,
    /// The files of a folder; `None` for a single file.
    folder: Option<Vec<Member>>,
    /// What is in the folder and is not sent: links, sockets.
    pub(super) left_out: Vec<PathBuf>,
    /// Bytes to read.
    pub(super) size: u64,
}

/// A file of a folder.
#[derive(Debug, Clone)]
struct Member {
    path: PathBuf,
    size: u64,
    /// When it was last written, seconds since 1970.
    written: u64,
}

impl Source {
    /// Looks at a path; reads nothing yet.
    pub(super) fn of(path: &Path) -> Result<Source> {
        let about = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        // `.` and `..` have names too.
        let whole = std::path::absolute(path)
            .and_then(|path| path.canonicalize())
            .unwrap_or_else(|_| path.to_owned());
        let named = if about.is_dir() { &whole } else { path };
        let name = named
            .file_name()
            .map_or_else(|| "evidence".into(), |name| name.to_string_lossy().into_owned());
        if about.is_file() {
            return Ok(Source {
                name,
                path: path.to_owned(),
                folder: None,
                left_out: Vec::new(),
                size: about.len(),
            });
        }
        if !about.is_dir() {
            bail!("{}: it is neither a file nor a folder", path.display());
        }
        let (mut members, mut left_out) = (Vec::new(), Vec::new());
        walk(path, Path::new(""), &mut members, &mut left_out)?;
        if members.is_empty() {
            bail!("{}: there is no file in it", path.display());
        }
        members.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Source {
            name: format!("{name}.tar.gz"),
            path: path.to_owned(),
            size: members.iter().map(|member| member.size).sum(),
            folder: Some(members),
            left_out,
        })
    }

    /// Bytes that will be sent, where that is known before.
    pub(super) fn exact_size(&self) -> Option<u64> {
        self.folder.is_none().then_some(self.size)
    }

    /// The bytes, from the first.
    pub(super) fn open(&self) -> Result<Hashing> {
        let inner: Box<dyn Read> = match &self.folder {
            None => {
                let file =
                    File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
                Box::new(Exactly::new(file, self.size, self.path.clone()))
            }
            Some(members) => Box::new(Packed::start(self.path.clone(), members.clone())),
        };
        Ok(Hashing {
            inner,
            hash: Sha256::new(),
            read: 0,
        })
    }
}

/// Lists the files below a folder. Links are not followed.
fn walk(root: &Path, below: &Path, members: &mut Vec<Member>, left_out: &mut Vec<PathBuf>) -> Result<()> {
    let folder = root.join(below);
    let broken = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(&folder).with_context(broken)? {
        let entry = entry.with_context(broken)?;
        let path = below.join(entry.file_name());
        let about = entry
            .metadata()
            .with_context(|| format!("cannot read {}", root.join(&path).display()))?;
        if about.is_dir() {
            walk(root, &path, members, left_out)?;
        } else if about.is_file() {
            let written = about.modified().ok();
            let written = written.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            members.push(Member {
                path,
                size: about.len(),
                written: written.map_or(0, |since| since.as_secs()),
            });
        } else {
            left_out.push(path);
        }
    }
    Ok(())
}

/// The bytes of something to send, and the hash of those that were read.
pub(super) struct Hashing {
    inner: Box<dyn Read>,
    hash: Sha256,
    read: u64,
}

impl Hashing {
    /// Bytes that were read.
    pub(super) fn read_so_far(&self) -> u64 {
        self.read
    }

    /// The hash of what was read.
    pub(super) fn sha256(&self) -> String {
        self.hash
            .clone()
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Fills a buffer as far as there is anything.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.read += read as u64;
        Ok(read)
    }
}

/// As many bytes of a file as it had when it was looked at: a log may grow meanwhile, and must not shrink.
struct Exactly {
    file: File,
    left: u64,
    path: PathBuf,
}

impl Exactly {
    fn new(file: File, size: u64, path: PathBuf) -> Exactly {
        Exactly {
            file,
            left: size,
            path,
        }
    }
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let broken =
            |why: &dyn std::fmt::Display| io::Error::other(format!("{}: {why}", self.path.display()));
        let read = match self.file.read(&mut buffer[..most]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(broken(&error)),
        };
        if read == 0 {
            return Err(broken(
                &"it became shorter while it was read; copy it first, then send the copy",
            ));
        }
        self.left -= read as u64;
        Ok(read)
    }
}

/// A folder as `.tar.gz`, made by a thread while it is read.
struct Packed {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Packed {
    fn start(root: PathBuf, members: Vec<Member>) -> Packed {
        let (sender, pieces) = sync_channel(WAITING);
        std::thread::spawn(move || {
            if let Err(error) = pack(&root, &members, &sender) {
                // Whoever read may be gone.
                let _ = sender.send(Err(error));
            }
        });
        Packed {
            pieces,
            piece: Vec::new(),
            at: 0,
        }
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.piece = match self.pieces.recv() {
                Ok(piece) => piece?,
                Err(_) => return Ok(0),
            };
            self.at = 0;
        }
        let length = buffer.len().min(self.piece.len() - self.at);
        buffer[..length].copy_from_slice(&self.piece[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// Pieces on their way to the reader.
struct Pieces<'a>(&'a SyncSender<io::Result<Vec<u8>>>);

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.send(Ok(bytes.to_vec())) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nothing of this machine or moment is in the archive but names, contents and times of files: the same folder gives the
/// same bytes.
fn pack(root: &Path, members: &[Member], sender: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
    let buffered = io::BufWriter::with_capacity(PIECE, Pieces(sender));
    let deflated = GzBuilder::new().mtime(0).write(buffered, Compression::default());
    let mut archive = tar::Builder::new(deflated);
    for member in members {
        let path = root.join(&member.path);
        let broken = |error| io::Error::other(format!("{}: {error}", path.display()));
        let file = File::open(&path).map_err(broken)?;
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(member.size);
        header.set_mtime(member.written);
        header.set_mode(0o644);
        archive.append_data(
            &mut header,
            &member.path,
            Exactly::new(file, member.size, path.clone()),
        )?;
    }
    let mut rest = archive.into_inner()?.finish()?;
    rest.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_of(source: &Source) -> (Vec<u8>, String) {
        let mut reader = source.open().unwrap();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        (bytes, reader.sha256())
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_is_the_same_archive_each_time_without_what_links_lead_to() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "not evidence").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("EX01");
        let long = "long".repeat(40);
        std::fs::create_dir_all(root.join("logs")).unwrap();
        std::fs::write(root.join("logs").join(&long), vec![b'x'; 300_000]).unwrap();
        std::fs::write(root.join("a.log"), "first").unwrap();
        std::os::unix::fs::symlink(outside.path(), root.join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), root.join("logs/link")).unwrap();

        let source = Source::of(&root).unwrap();
        assert_eq!(
            (source.name.as_str(), source.size, source.exact_size()),
            ("EX01.tar.gz", 300_005, None)
        );
        let mut left_out = source.left_out.clone();
        left_out.sort();
        assert_eq!(left_out, [PathBuf::from("link"), PathBuf::from("logs/link")]);
        let (bytes, hash) = all_of(&source);
        assert_eq!(all_of(&Source::of(&root).unwrap()), (bytes.clone(), hash));

        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let found: Vec<(PathBuf, u64)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().into_owned(), entry.size())
            })
            .collect();
        assert_eq!(
            found,
            [("a.log".into(), 5), (Path::new("logs").join(long), 300_000)]
        );
    }

    #[test]
    fn a_log_may_grow_and_must_not_shrink() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u_ex.log");
        std::fs::write(&path, "0123456789").unwrap();
        let source = Source::of(&path).unwrap();
        std::fs::write(&path, "0123456789 and more").unwrap();
        assert_eq!(all_of(&source).0, b"0123456789");
        std::fs::write(&path, "0123").unwrap();
        let error = source.open().unwrap().read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("became shorter"), "{error}");

        let folder_of = Source::of(folder.path()).unwrap();
        std::fs::write(&path, "01").unwrap();
        let error = folder_of
            .open()
            .unwrap()
            .read_to_end(&mut Vec::new())
            .unwrap_err();
        assert!(error.to_string().contains("became shorter"), "{error}");
    }
}
