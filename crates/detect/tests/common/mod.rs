//! Where the public rules are.

#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use vigie_detect::sigma::RuleSource;

/// A folder of the corpora; `None`, said plainly, when they are not here.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpus {name}; set VIGIE_CORPORA");
    None
}

/// All rules below some folders, in order of path.
pub(crate) fn rules(root: &Path, folders: &[&str]) -> Vec<RuleSource> {
    let mut sources = Vec::new();
    for folder in folders {
        add(&root.join(folder), root, &mut sources);
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn add(folder: &Path, root: &Path, sources: &mut Vec<RuleSource>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(&path, root, sources);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            sources.push(RuleSource {
                path: path.strip_prefix(root).unwrap().display().to_string(),
                text: std::fs::read_to_string(&path).unwrap(),
                pack: None,
            });
        }
    }
}
