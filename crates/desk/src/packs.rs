//! Packs: those of the data folder, and those of the program.

use std::path::PathBuf;

use vigie_pack::{Pack, PackError};

use crate::{Desk, Error, Result};

/// Where packs lie in the data folder.
fn folder(desk: &Desk) -> PathBuf {
    desk.data().join("packs")
}

/// The pack of that name: the data folder's (`packs/NAME`) before the program's own.
///
/// # Errors
/// [`Error::NotFound`] when there is none; [`Error::Damaged`] with what is wrong with its files.
pub fn load(desk: &Desk, name: &str) -> Result<Pack> {
    let is_name = name
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !is_name || name.is_empty() || name.len() > 100 {
        return Err(Error::NotFound { what: "pack" });
    }
    let own = folder(desk).join(name);
    let loaded = match own.is_dir() {
        true => Pack::load_dir(&own),
        false => Pack::load_embedded(name),
    };
    loaded.map_err(|error| match error {
        PackError::Unknown { .. } => Error::NotFound { what: "pack" },
        other => Error::Damaged {
            what: format!("pack {name}"),
            why: other.to_string(),
        },
    })
}

/// The names of all packs, sorted.
pub fn names(desk: &Desk) -> Result<Vec<String>> {
    let mut names = vigie_pack::embedded_names();
    let folder = folder(desk);
    if folder.is_dir() {
        for entry in std::fs::read_dir(&folder).map_err(Error::io(&folder))? {
            let entry = entry.map_err(Error::io(&folder))?;
            if entry.path().is_dir() {
                names.extend(entry.file_name().into_string().ok());
            }
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}
