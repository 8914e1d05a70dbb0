//! Inventories: what offices, tools, scans and hunts know of servers, as observations.
//!
//! Every row becomes observations, a problem that names its place and what to do, or is counted: nothing is lost.
//! Times without an offset are UTC.
//!
//! To add a format: its module, a line in [`Format`], a sample beside the tests, and a line where it is recognised: `json`,
//! `xml`, `table::kind` (whose export a table is) or [`read`].

mod agent;
mod columns;
mod csv;
mod dates;
mod error;
mod format;
mod healthchecker;
mod healthchecker_report;
mod hunt;
mod json;
mod mapping;
mod nmap;
mod probe;
mod reading;
mod software;
mod table;
mod test_proxylogon;
mod text;
mod words;
mod xlsx;
mod xml;

use std::sync::Arc;

use vigie_pack::Product;

use crate::{Observation, Said, Subject};

pub use columns::Column;
pub use error::InventoryError;
pub use format::Format;
pub use mapping::{Mappings, SourceWord, TableMapping, Vantage};
pub use reading::{ColumnView, Problem, Reading, TableView};

/// Bytes of one inventory; a larger one is refused.
pub const MAX_BYTES: usize = 64 << 20;
/// Rows, hosts or machines of one inventory; one with more is refused.
pub const MAX_ROWS: u64 = 500_000;

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
    /// What was written down about tables and files.
    pub mappings: Mappings,
    /// From where scans were made; `None`: nobody said, unless [`Options::mappings`] do.
    pub vantage: Option<Vantage>,
}

/// Reads an inventory, whatever its format.
///
/// # Errors
/// When the file as a whole cannot be understood. What is wrong with parts of it is in [`Reading::problems`].
pub fn read(file_name: &str, bytes: &[u8], options: &Options) -> Result<Reading, InventoryError> {
    let word = options.mappings.source(file_name);
    let vantage = options.vantage.or(word.and_then(|word| word.scanned_from));
    let mut reading = recognise(file_name, bytes, options, vantage)?;
    if reading.rows > MAX_ROWS {
        return Err(InventoryError::TooManyRows);
    }
    if let Some(tenant) = word.and_then(|word| word.tenant.as_deref()) {
        give_tenant(&mut reading.observations, tenant);
        reading.notes.push(Said::new(
            format!("what names no tenant is taken for {tenant}’s"),
            format!("ce qui ne nomme pas de client est attribué à {tenant}"),
        ));
    }
    Ok(reading)
}

fn recognise(
    file_name: &str,
    bytes: &[u8],
    options: &Options,
    vantage: Option<Vantage>,
) -> Result<Reading, InventoryError> {
    if bytes.len() > MAX_BYTES {
        return Err(InventoryError::TooLarge);
    }
    if bytes.starts_with(xlsx::ZIP) {
        return xlsx::read(file_name, bytes, options);
    }
    if bytes.starts_with(xlsx::COMPOUND) {
        return Err(InventoryError::Compound);
    }
    let unpacked = text::unpack(bytes)?;
    let decoded = text::decode(unpacked.as_deref().unwrap_or(bytes)).ok_or(InventoryError::NotText)?;
    let text = &*decoded.text;
    match text.trim_start().chars().next() {
        None => Err(InventoryError::Empty),
        Some('{' | '[') => json::read(file_name, text, options),
        Some('<') => xml::read(file_name, text, options, vantage),
        Some(_) => match test_proxylogon::read(file_name, text) {
            Some(read) => read,
            None => csv::read(file_name, text, decoded.encoding, options),
        },
    }
}

/// Gives a tenant to what names none.
fn give_tenant(observations: &mut [Observation], tenant: &str) {
    // Observations of one row share their subject: so do they afterwards.
    let mut last: Option<(Arc<Subject>, Arc<Subject>)> = None;
    for observation in observations {
        if observation.subject.tenant.is_some() {
            continue;
        }
        let owned = match &last {
            Some((before, owned)) if Arc::ptr_eq(before, &observation.subject) => Arc::clone(owned),
            _ => Arc::new(Subject {
                tenant: Some(tenant.to_owned()),
                ..(*observation.subject).clone()
            }),
        };
        last = Some((Arc::clone(&observation.subject), Arc::clone(&owned)));
        observation.subject = owned;
    }
}
