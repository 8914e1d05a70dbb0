//! Evidence at rest.
//!
//! Bytes come in by [`crate::uploads`] and are kept once per tenant, whatever their names: a **blob**. Every blob has a key
//! of its own, sealed with its tenant's, which is sealed with the master key. A blob is a row of chunks of at most 1 MiB,
//! each deflated when that helps and sealed by itself (AES-256-GCM), so that it can be written, torn, resumed and read in
//! a stream (`chunks`). Its SHA-256 is that of the bytes as they were received.
//!
//! Who received, read, took out or verified evidence is recorded in the audit of its tenant, which nobody can change: that
//! is its **custody** ([`custody`]). Evidence is deleted only when its retention is over and nobody holds it
//! ([`expire`]); the key goes first, so what is left on the disk says nothing.

pub(crate) mod chunks;
mod holds;
mod reading;
mod store;

pub use holds::{Hold, expire, hold, holds, lift};
pub(crate) use reading::open_blob;
pub use reading::{EvidenceReader, Purpose, Verified, open, verify};
pub use store::{Evidence, EvidenceFields, EvidenceFilter, change, custody, get, list};
pub(crate) use store::{NewEvidence, blob_path, data_key, find, insert, seal_data_key};

#[cfg(test)]
mod tests;
