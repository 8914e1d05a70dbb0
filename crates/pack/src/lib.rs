//! Advisory packs: everything Vigie knows about one threat, as data. The format is described in `docs/packs.md`.
//!
//! A pack is loaded from a folder ([`Pack::load_dir`]) or from the binary itself ([`Pack::load_embedded`]). Loading
//! reads and understands the files; [`check()`] says whether what they say hangs together: rules compile, fixtures
//! behave, stages exist, both languages are there.
//!
//! A folder may come from anywhere: nothing outside it is read, links are not followed, and every file and the whole
//! are bounded. Texts are read strictly, unknown keys are refused, and every file's problem is reported, not only the
//! first one.

mod builds;
mod check;
mod files;
mod model;
mod parse;
mod problem;
mod product;
mod remediation;
mod unique;

pub use builds::{Build, BuildNumber, BuildNumberError, Confidence};
pub use check::check;
pub use model::{
    Cve, Exploited, FixedIn, Fixture, LogSource, Messages, NotAffected, Pack, PublishedCurve, PublishedPoint,
    RuleText, Runbook, Setting, Stage, Step, Text, Window,
};
pub use problem::{PackError, Problem};
pub use product::{Line, Ordered, Product};
pub use remediation::{DotNet, Hours, LineRemedy, Prerequisite, Remediation, StepText, Update};

use std::path::Path;

impl Pack {
    /// Loads the pack in a folder.
    ///
    /// # Errors
    /// When the folder cannot be read, or with every problem its files have.
    pub fn load_dir(folder: &Path) -> Result<Pack, PackError> {
        let shown = folder.display().to_string();
        let files = files::read_folder(folder).map_err(|source| PackError::Io {
            path: folder.to_owned(),
            source,
        })?;
        parse::pack(files).map_err(|problems| PackError::Invalid {
            pack: shown,
            problems,
        })
    }

    /// Loads a pack that is part of the binary.
    ///
    /// # Errors
    /// When there is no such pack, or with every problem its files have.
    pub fn load_embedded(name: &str) -> Result<Pack, PackError> {
        let files = files::read_embedded(name).ok_or_else(|| PackError::Unknown {
            name: name.to_owned(),
            known: embedded_names(),
        })?;
        parse::pack(files).map_err(|problems| PackError::Invalid {
            pack: name.to_owned(),
            problems,
        })
    }
}

/// The names of the packs that are part of the binary, sorted.
pub fn embedded_names() -> Vec<String> {
    files::embedded_names()
}
