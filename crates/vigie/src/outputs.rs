//! Files a run writes: opened before the work, so that hours of reading never end in a path that cannot be written.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A file to write once the work is done.
pub(crate) struct Output {
    path: PathBuf,
    file: File,
}

impl Output {
    /// Opens the file without changing what may be in it. Refuses a place inside the evidence.
    pub(crate) fn open(path: &Path, evidence: &[PathBuf]) -> Result<Output> {
        refuse_evidence(path, evidence)?;
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)
            .with_context(|| {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                match folder.filter(|folder| !folder.is_dir()) {
                    Some(folder) => format!(
                        "cannot write {}: there is no folder {}",
                        path.display(),
                        folder.display()
                    ),
                    None => format!("cannot write {}", path.display()),
                }
            })?;
        Ok(Output {
            path: path.to_owned(),
            file,
        })
    }

    /// Replaces the content of the file by what `write` gives.
    pub(crate) fn write(mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
        let shown = self.path.display().to_string();
        let save = || {
            // Only a file has a length; a pipe or /dev/null has none.
            if self.file.metadata()?.is_file() {
                self.file.set_len(0)?;
                self.file.seek(SeekFrom::Start(0))?;
            }
            let mut out = BufWriter::new(&mut self.file);
            write(&mut out)?;
            out.flush()
        };
        save().with_context(|| format!("cannot write {shown}"))
    }
}

/// Evidence is never changed, nor added to.
fn refuse_evidence(path: &Path, evidence: &[PathBuf]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Ok(folder) = fs::canonicalize(folder) else {
        return Ok(());
    };
    let place = match path.file_name() {
        Some(name) => folder.join(name),
        None => folder,
    };
    let place = fs::canonicalize(&place).unwrap_or(place);
    for root in evidence {
        if fs::canonicalize(root).is_ok_and(|root| place.starts_with(root)) {
            bail!(
                "{} lies in the evidence, which is never written to; choose another place",
                path.display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_and_missing_folders_are_refused_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = vec![folder.path().join("evidence")];
        fs::create_dir(&evidence[0]).unwrap();
        fs::write(folder.path().join("old.json"), "old content").unwrap();
        let said = |path: &str| {
            Output::open(&folder.path().join(path), &evidence)
                .err()
                .map(|error| format!("{error:#}"))
        };
        assert!(said("evidence/out.json").unwrap().contains("never written"));
        assert!(
            said("evidence/../evidence/out.json")
                .unwrap()
                .contains("never written")
        );
        assert!(said("nowhere/out.json").unwrap().contains("there is no folder"));
        assert!(!evidence[0].join("out.json").exists());
        let output = Output::open(&folder.path().join("old.json"), &evidence).unwrap();
        output.write(|out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("old.json")).unwrap(), "new");
    }
}
