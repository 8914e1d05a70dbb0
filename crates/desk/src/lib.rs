//! The provider's desk: the model and the store of a campaign across every client. No HTTP.
//!
//! A [`Desk`] is one database (SQLite by default, or PostgreSQL), one data folder, a clock and a source of randomness.
//! Everything else is functions in modules named after what they are about: `tenants::create(&desk, &access, ..)`.
//! All functions block; a server calls them from threads that may.
//!
//! # What holds everywhere
//!
//! - Every function that touches data takes an [`Access`]. What belongs to a tenant outside it does not exist
//!   ([`Error::NotFound`]); what the role may not do on tenants inside it is [`Error::Forbidden`]. Lists, searches and
//!   counts are filtered in the SQL itself (`db::Sql::tenants`).
//! - What can be changed has a `revision`. A change names the revision it was made from and gets [`Error::Conflict`] when
//!   somebody was faster.
//! - Every change is recorded in the same transaction ([`audit`]). What is recorded can be neither changed nor deleted.
//! - Times are microseconds UTC ([`Time`]), identifiers UUIDs of version 7, lists of things JSON.
//! - Time and randomness come from the desk ([`world`]), so that tests are exact.
//!
//! # To add a resource
//!
//! 1. A file in `migrations/`: tables with `BIGINT`, `TEXT`, `DOUBLE PRECISION` and `BLOB` only, `tenant_id` in each that
//!    holds what is a tenant's, `revision` in each whose rows change, an index per list; `-- append-only: TABLE` for
//!    what must never change. Name it in `db::migrate`.
//! 2. A module here: the type (`Serialize`, `ToSchema` behind the feature `openapi`), its `COLUMNS` and how it is read from
//!    a row, then `create`, `get`, `list`, `change`. Begin each with `Access::require` or `Access::require_in`; put
//!    `db::Sql::tenants` into each query; end each change with `audit::record`.
//! 3. Tests below it: what it does, a conflict, and every function with a foreign [`Access`] (`testing::strangers`).
//!
//! # One SQL text for two databases
//!
//! Placeholders are `$1`; sums are cast (`CAST(SUM(x) AS BIGINT)`, PostgreSQL would answer with a `NUMERIC`); a row
//! that others must wait for is locked by updating it (`UPDATE .. RETURNING`), which both understand. SQLite has one
//! writer, whose transactions begin as `IMMEDIATE`; readers see a snapshot (WAL) and never wait.
//!
//! The drivers are `rusqlite` and `postgres` under a small layer of our own (`db`), both blocking. An asynchronous
//! driver would hand every row of SQLite from one thread to another, and nothing else below the server is asynchronous.

mod access;
pub mod accounts;
pub mod alerts;
pub mod audit;
pub mod backup;
pub mod board;
pub mod campaigns;
pub mod cases;
pub mod catalogue;
pub mod cells;
pub mod changes;
#[cfg(test)]
mod crashes;
mod db;
mod desk;
mod error;
pub mod evidence;
pub mod exposure;
pub mod findings;
pub mod hunts;
pub mod idempotency;
mod ids;
pub mod jobs;
pub mod keys;
#[cfg(feature = "load")]
pub mod load;
pub mod maintenance;
pub mod observations;
pub mod packs;
mod page;
pub mod queue;
pub mod rejudge;
mod secrets;
pub mod servers;
mod severity;
pub mod tenants;
#[cfg(test)]
mod testing;
mod time;
pub mod uploads;
pub mod views;
mod words;
pub mod worker;
pub mod world;

pub use access::{Access, Actor, ActorKind, Role, TenantSet, Verb};
pub use desk::{Desk, Options, Tx};
pub use error::{Error, Result, Unrecognised};
pub use ids::*;
pub use page::{Page, PageRequest};
pub use severity::Severity;
pub use time::Time;
