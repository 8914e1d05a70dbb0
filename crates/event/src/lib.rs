//! The ground floor of Vigie: what an event is.
//!
//! Evidence is parsed straight into [`EventBatch`]es: Arrow columns holding the rows of one [`Source`] and, for
//! Windows events, of one event type. Every row knows where it came from ([`EventBatch::record`],
//! [`EventBatch::offset`]) and when it happened ([`EventBatch::time`], microseconds since the Unix epoch, UTC).
//!
//! This crate does no I/O.

mod batch;
mod source;
mod time;

pub use batch::{BatchBuilder, EventBatch, EventType, FileId, RowRef};
pub use source::{ALL_SOURCES, Source};
pub use time::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp, format_date, format_utc, parse_utc};
