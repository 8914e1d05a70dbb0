//! One answer, every output: JSON, JSON lines, CSV, a table for the terminal and a self-contained HTML page, in
//! English and French; and what other tools take: Timesketch, OCSF, the ATT&CK Navigator.
//!
//! The model is [`vigie_hunt::HuntResult`]; nothing is computed here that it does not already say. Times go in as
//! RFC 3339 UTC and are shown in UTC. Evidence holds text an intruder chose: every output makes control and
//! direction characters visible or escapes them, the page escapes all markup, and the CSV defuses formulas.
//!
//! What is left out of an output to keep it readable is counted in that output, and is whole in the JSON.

mod csv;
mod exposure;
mod html;
mod i18n;
mod lang;
mod machine;
mod navigator;
mod ocsf;
mod table;
mod text;
mod timesketch;
mod view;

pub use crate::csv::csv;
pub use exposure::{
    HuntVerdict, Provider, exposure_csv, exposure_json, exposure_matrix, exposure_table, exposure_vex,
};
pub use html::{ExposurePage, exposure_html, html};
pub use lang::Lang;
pub use machine::{json, jsonl};
pub use navigator::{LAYER_VERSION, navigator};
pub use ocsf::{OCSF_VERSION, ocsf};
pub use table::{table, verdicts};
pub use text::visible;
pub use timesketch::timesketch;
