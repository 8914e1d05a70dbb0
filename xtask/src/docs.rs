//! The documentation holds together: links lead somewhere, and the index names every page.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// The Markdown pages of a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// What stands in `](...)` and lies in the checkout, without the place inside the page.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.split('#').next().unwrap_or_default().to_owned())
        .filter(|link| !link.is_empty() && !link.contains("://"))
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let mut looked_at = 0;
    for page in [root(), root().join("docs")]
        .iter()
        .flat_map(|folder| pages(folder))
    {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            looked_at += 1;
            let target = page.parent().unwrap().join(&link);
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
        }
    }
    assert!(looked_at > 10, "{looked_at}");
}

#[test]
fn the_index_names_every_page() {
    let index = fs::read_to_string(root().join("docs/README.md")).unwrap();
    for page in pages(&root().join("docs")) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            name == "README.md" || index.contains(&format!("({name})")),
            "docs/README.md does not name {name}"
        );
    }
}
