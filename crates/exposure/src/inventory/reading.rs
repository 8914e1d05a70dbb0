//! What a file held.

use std::fmt;
use std::sync::Arc;

use super::{Column, Format};
use crate::{Observation, Place, Said};

/// Problems kept of one file; the rest is counted.
const KEPT_PROBLEMS: usize = 1_000;

/// What a file held. Every row gave observations or problems, or is one of [`Reading::other_rows`]; those without
/// anything in them are counted apart.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What recognised it.
    pub format: Format,
    /// How: its encoding, what stands between its cells, who wrote it.
    pub details: Vec<Said>,
    /// What it says.
    pub observations: Vec<Observation>,
    /// Rows, hosts or machines with something in them.
    pub rows: u64,
    /// Those without anything: empty rows, hosts that did not answer.
    pub empty_rows: u64,
    /// Rows that say nothing of what is looked for, about machines that other rows name: other programs, mostly.
    pub other_rows: u64,
    /// What could not be understood, at most the first thousand.
    pub problems: Vec<Problem>,
    /// How many more problems there were.
    pub more_problems: u64,
    /// The tables in it; none for formats without columns.
    pub tables: Vec<TableView>,
    /// What was decided for the file as a whole.
    pub notes: Vec<Said>,
}

impl Reading {
    pub(super) fn new(format: Format) -> Reading {
        Reading {
            format,
            details: Vec::new(),
            observations: Vec::new(),
            rows: 0,
            empty_rows: 0,
            other_rows: 0,
            problems: Vec::new(),
            more_problems: 0,
            tables: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn problem(&mut self, place: Said, why: Said) {
        if self.problems.len() < KEPT_PROBLEMS {
            self.problems.push(Problem { place, why });
        } else {
            self.more_problems += 1;
        }
    }

    /// What is wrong with an element, a property, a host.
    pub(super) fn problem_at(&mut self, path: &str, why: Said) {
        self.problem(Place::Path(path.into()).said(), why);
    }

    /// How many problems there were.
    pub fn problem_count(&self) -> u64 {
        self.problems.len() as u64 + self.more_problems
    }
}

/// Something that could not be understood; everything else of its row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `line 12, column published`.
    pub place: Said,
    /// What it is and what to do.
    pub why: Said,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place.en, self.why.en)
    }
}

/// A table as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableView {
    /// The sheet of a workbook.
    pub sheet: Option<Arc<str>>,
    /// Whose export it is; [`Format::Csv`] and [`Format::Xlsx`] are tables of an office.
    pub kind: Format,
    /// Where its header stands.
    pub header: Place,
    /// Its columns.
    pub columns: Vec<ColumnView>,
    /// The entry of a mapping file that says what its columns hold: `mapping.yaml:3`.
    pub mapped_by: Option<String>,
}

/// A column as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnView {
    /// Its header as written.
    pub header: String,
    /// What it is taken for; `None`: nobody knows, and it is not used.
    pub meaning: Option<Column>,
    /// Its first values.
    pub samples: Vec<String>,
}

/// A text that is not what it should be; the rest of its row or machine is used.
pub(super) fn not_understood(text: &str, en: &str, fr: &str) -> Said {
    let shown: String = text.chars().take(60).collect();
    Said::new(
        format!("{shown:?} is not {en}; the rest is used"),
        format!("{shown:?} n’est pas {fr} ; le reste est utilisé"),
    )
}
