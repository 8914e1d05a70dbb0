//! Advisories in and VEX out: bytes in, values out, no I/O.
//!
//! [`csaf`] reads and tests CSAF 2.0 documents, [`vex`] writes them; [`kev`], [`epss`] and [`cve`] read what CISA, FIRST and
//! the CVE program publish. See `docs/advisories.md`.

pub mod csaf;
pub mod cve;
pub mod cvss;
pub mod draft;
pub mod epss;
pub mod json;
pub mod kev;
pub mod vex;
