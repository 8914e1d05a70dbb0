//! What can be wrong with a pack.

use std::fmt;
use std::path::PathBuf;

/// One thing to repair in a pack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path inside the pack, with forward slashes.
    pub file: String,
    /// 1-based line, when it is known.
    pub line: Option<u64>,
    /// What is wrong and what to do, lower case, without full stop.
    pub message: String,
}

impl Problem {
    /// A problem with a file as a whole.
    pub(crate) fn new(file: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem {
            file: file.into(),
            line: None,
            message: message.into(),
        }
    }

    /// The same problem, at a line.
    #[must_use]
    pub(crate) fn at(mut self, line: impl Into<Option<u64>>) -> Problem {
        self.line = line.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Why a pack was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// No pack of this name is part of the binary.
    #[error("there is no pack named {name:?}: the packs in this program are {}; give a folder for another one", known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The folder cannot be read.
    #[error("cannot read the pack folder {}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The files have problems.
    #[error("pack {pack} cannot be used: {}", list(problems))]
    Invalid {
        /// Folder or name of the pack.
        pack: String,
        /// All of them, by file and line.
        problems: Vec<Problem>,
    },
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
