//! What was done, by whom, and what was said: one append-only log, hash-chained per tenant.
//!
//! Every change of the desk is recorded here in its own transaction. The same log is the *main courante*: people write
//! remarks into it ([`say`]), and read it by campaign, tenant or subject ([`list`]). Each record holds the hash of the
//! one before in its chain; the database refuses to change or delete records, and whoever gets around that is found by
//! [`verify`]. Tenants have a chain each, so that one can be handed out whole; what concerns no single tenant stands in
//! the chain `provider`.
//!
//! A chain alone does not show that its end was cut off. So the heads of all chains are now and then bound together into
//! one **root** ([`publish_root`]), a number to print, mail or pin to the wall: whoever holds an old root can tell.

mod canonical;
mod chain;
mod export;
mod journal;
mod roots;
mod verify;

pub(crate) use chain::{Act, record, recorded};
pub use chain::{Entry, PROVIDER, Subject};
pub use export::{Binding, ExportReport, Leaves, export, verify_export};
pub(crate) use journal::entries;
pub use journal::{JournalFilter, Remark, list, say};
pub use roots::{Root, publish_root, roots};
pub use verify::{ChainReport, Problem, Report, verify};

#[cfg(test)]
mod tests;
