//! `cargo xtask ui`: builds the desk's pages into the program and plays a crisis in them, in a real browser.
//!
//! The checks themselves are in `ui/tests`; `ui/package.json` names the steps. Packages come at the versions of
//! `ui/package-lock.json`, into `ui/node_modules`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::tools::{BROWSER, NODE, NPM};
use crate::{bench, cargo, root, run, run_in};

/// Types and messages, and the pages as the program takes them in.
pub(crate) fn check_pages() -> Result<()> {
    install()?;
    npm(&["run", "check"], &[])?;
    build()
}

/// The journeys of `ui/tests` against the program as users get it, and signing in at a real identity provider, in a real
/// browser.
pub(crate) fn check() -> Result<()> {
    let browser = BROWSER.ensure()?.display().to_string();
    check_pages()?;
    // The program takes the pages in as it is built.
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = bench::release_binary("vigie")?.display().to_string();
    let shots = bench::target().join("ui").display().to_string();
    let variables = [("VIGIE", vigie.as_str()), ("CHROMIUM", browser.as_str())];
    npm(&["run", "browser", "--", &shots], &variables)?;
    npm(&["run", "browser:access", "--", &shots], &variables)
}

/// Builds the pages, so that the next build of the program holds them. Pages that are as they were stay untouched: files
/// written anew would have the program built again.
pub(crate) fn build() -> Result<()> {
    install()?;
    let (new, old) = (folder().join("node_modules/.dist"), folder().join("dist"));
    npm(
        &[
            "run",
            "build",
            "--",
            "--outDir",
            "node_modules/.dist",
            "--emptyOutDir",
        ],
        &[],
    )?;
    if contents(&old).is_ok_and(|old| contents(&new).is_ok_and(|new| old == new)) {
        return remove(&new);
    }
    remove(&old)?;
    fs::rename(&new, &old).with_context(|| format!("cannot rename {}", new.display()))
}

/// What is in a folder, by path.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for (path, _) in bench::files_below(folder)? {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        all.insert(path.strip_prefix(folder).unwrap_or(&path).to_owned(), bytes);
    }
    Ok(all)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The packages, at the versions of the lock file; those that are there already stay.
fn install() -> Result<()> {
    NODE.ensure()?;
    let wanted = folder().join("package-lock.json");
    let installed = folder().join("node_modules/.installed-lock.json");
    let wanted = fs::read(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    if fs::read(&installed).is_ok_and(|there| there == wanted) {
        return Ok(());
    }
    npm(&["ci", "--no-audit", "--no-fund", "--ignore-scripts"], &[])?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))
}

fn npm(arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    run_in(
        &folder(),
        &NPM.ensure()?.display().to_string(),
        arguments,
        variables,
    )
}

fn folder() -> PathBuf {
    root().join("ui")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_the_same_when_all_files_are() {
        let place = std::env::temp_dir().join(format!("vigie-pages-{}", std::process::id()));
        let (one, other) = (place.join("one"), place.join("other"));
        for folder in [&one, &other] {
            fs::create_dir_all(folder.join("assets")).unwrap();
            fs::write(folder.join("index.html"), "page").unwrap();
            fs::write(folder.join("assets/app.js"), "code").unwrap();
        }
        assert_eq!(contents(&one).unwrap(), contents(&other).unwrap());
        fs::write(other.join("assets/app.js"), "Code").unwrap();
        assert_ne!(contents(&one).unwrap(), contents(&other).unwrap());
        remove(&place).unwrap();
        assert!(contents(&one).is_err());
        remove(&place).unwrap();
    }
}
