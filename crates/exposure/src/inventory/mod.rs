//! Inventories: what offices, tools and hunts know of servers, as observations.
//!
//! Every row becomes observations, a problem that names its place and what to do, or is counted as empty: nothing is
//! lost. Times without an offset are UTC.

mod columns;
mod csv;
mod dates;
mod healthchecker;
mod hunt;
mod table;
mod text;
mod words;
mod xlsx;

use std::fmt;

use vigie_pack::Product;

use crate::{Observation, Said};

pub use columns::Column;
pub use table::Preview;

/// Bytes of one inventory; a larger one is refused.
pub const MAX_BYTES: usize = 64 << 20;
/// Problems kept of one file; the rest is counted.
const KEPT_PROBLEMS: usize = 1_000;

/// How to read inventories.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The products that rows may be about, for the builds of the updates they name.
    pub products: Vec<Product>,
    /// Whether `03/04/2021` is the 3rd of April; `None` decides by the file: yes where columns stand between `;` or
    /// have French names.
    pub day_first: Option<bool>,
    /// Columns by their header as written, for those whose names are unknown.
    pub mapping: Vec<(String, Column)>,
}

/// What a file held.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// What recognised it: `csv`, `xlsx`, `hunt`, `healthchecker`
    pub format: &'static str,
    /// What it says.
    pub observations: Vec<Observation>,
    /// Rows with something in them.
    pub rows: u64,
    /// Rows without anything.
    pub empty_rows: u64,
    /// What could not be understood, at most the first thousand.
    pub problems: Vec<Problem>,
    /// How many more problems there were.
    pub more_problems: u64,
    /// How its columns were understood; empty for formats without columns.
    pub columns: Vec<Preview>,
    /// What was decided for the file as a whole.
    pub notes: Vec<Said>,
}

impl Reading {
    fn problem(&mut self, place: impl Into<String>, why: Said) {
        if self.problems.len() < KEPT_PROBLEMS {
            self.problems.push(Problem {
                place: place.into(),
                why,
            });
        } else {
            self.more_problems += 1;
        }
    }
}

/// Something that could not be understood; everything else of its row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `line 12, column published`.
    pub place: String,
    /// What it is and what to do.
    pub why: Said,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why.en)
    }
}

/// A file that is no inventory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is too large.
    #[error("it is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// It is not text.
    #[error("it is neither a table of text nor a format that is known: save it as CSV")]
    NotText,
    /// No column is known to name servers.
    #[error("no column names servers: found {found}; name one `server` or `fqdn`, or map one with --mapping")]
    NoServers {
        /// The headers.
        found: String,
    },
    /// A zip archive that is no workbook, or a workbook that is broken.
    #[error("it cannot be read as an XLSX workbook: {0}; open and save it again as .xlsx, or as CSV")]
    Xlsx(String),
    /// A workbook that unpacks to too much.
    #[error("it unpacks to more than {} MiB or two million cells: split it, or save the sheet of servers as CSV", MAX_BYTES >> 20)]
    Unpacked,
    /// A compound file.
    #[error("it is password protected or an old .xls: save it as .xlsx or CSV, without a password")]
    Compound,
    /// XML that is no result of HealthChecker, or one that is broken.
    #[error("it is no result of HealthChecker (HealthChecker-SERVER-TIME.xml): {0}")]
    HealthChecker(String),
    /// A result of a hunt that cannot be read.
    #[error("it is no result of `vigie hunt --format json`: {0}")]
    Hunt(String),
}

/// Reads an inventory, whatever its format.
///
/// # Errors
/// When the file as a whole cannot be understood. What is wrong with parts of it is in [`Reading::problems`].
pub fn read(file_name: &str, bytes: &[u8], options: &Options) -> Result<Reading, InventoryError> {
    if bytes.len() > MAX_BYTES {
        return Err(InventoryError::TooLarge);
    }
    if bytes.starts_with(xlsx::ZIP) {
        return xlsx::read(file_name, bytes, options);
    }
    if bytes.starts_with(xlsx::COMPOUND) {
        return Err(InventoryError::Compound);
    }
    let text = text::decode(bytes).ok_or(InventoryError::NotText)?;
    if text.trim().is_empty() {
        return Err(InventoryError::Empty);
    }
    if text.trim_start().starts_with('{') {
        return hunt::read(file_name, &text);
    }
    if text.trim_start().starts_with('<') {
        return healthchecker::read(file_name, &text, options);
    }
    csv::read(file_name, &text, options)
}
