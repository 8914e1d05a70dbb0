//! Advisories in and VEX out: bytes in, values out, no I/O.
//!
//! [`csaf`] reads and tests CSAF 2.0 documents. See `docs/advisories.md`.

pub mod csaf;
pub mod cvss;
pub mod json;
