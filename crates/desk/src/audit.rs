//! What was done, by whom, and what was said: one append-only log, hash-chained per tenant.
//!
//! Every change of the desk is recorded here in its own transaction. The same log is the *main courante*: people write
//! remarks into it ([`say`]), and read it by campaign, tenant or subject. Each record holds the hash of the one before
//! in its chain; the database refuses to change or delete records, and whoever gets around that is found by
//! [`verify`]. Tenants have a chain each, so that one can be handed out whole; what concerns no single tenant stands in
//! the chain `provider`.

mod canonical;
mod chain;

pub(crate) use chain::{Act, record};
pub use chain::{Entry, Subject};
