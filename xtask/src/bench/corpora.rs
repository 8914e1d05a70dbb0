//! Public samples and rules, which are not part of the checkout.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{files_below, has_extension};
use crate::{root, skips};

/// A folder of the corpora; says so when it is not there.
pub(super) fn corpus(name: &str) -> Option<PathBuf> {
    let folder = corpora().join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let why = format!("skipped: no corpus {name}; set VIGIE_CORPORA to the folder that has it");
    println!("{why}");
    skips::note("benchmarks", &why);
    None
}

/// The folder of all corpora, if there is one.
pub(super) fn all() -> Option<PathBuf> {
    corpus(".")
}

fn corpora() -> PathBuf {
    std::env::var_os("VIGIE_CORPORA").map_or_else(|| root().join("../shared/corpora"), PathBuf::from)
}

/// The public rules about Windows events.
pub(super) fn windows_rules() -> Option<[PathBuf; 2]> {
    let sigma = corpus("sigma")?;
    Some([sigma.join("rules/windows"), sigma.join("rules-emerging-threats")])
}

/// All files of Sigma rules below these folders.
pub(super) fn rule_files(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for folder in folders {
        let files = files_below(folder)?.into_iter().map(|(path, _)| path);
        all.extend(files.filter(|path| has_extension(path, "yml") || has_extension(path, "yaml")));
    }
    Ok(all)
}

/// Files copied into a folder of their own under numbered names, so that none takes another's place.
pub(super) fn copy_files<'p>(files: impl Iterator<Item = &'p Path>, to: &Path) -> Result<usize> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("cannot remove {}", to.display()))?;
    }
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let mut copied = 0;
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let copy = to.join(format!("{copied:04}-{name}"));
        fs::copy(file, copy).with_context(|| format!("cannot copy {}", file.display()))?;
        copied += 1;
    }
    Ok(copied)
}
