//! The ground floor of Vigie: what an event is.
//!
//! Evidence is parsed straight into [`EventBatch`]es: Arrow columns holding the rows of one [`Source`] and, for
//! Windows events, of one event type. Every row knows where it came from ([`EventBatch::record`],
//! [`EventBatch::offset`]) and when it happened ([`EventBatch::time`], microseconds since the Unix epoch, UTC).
//!
//! This crate does no I/O. It is the one crate of the workspace that may use `unsafe`, in one small module, `text`, and
//! for one thing: to hand Arrow columns that point into shared text without Arrow checking every value of every column
//! again, which would cost more than parsing does. The module says why its views are right by the way they are made;
//! debug builds let Arrow check them all the same.

#![deny(unsafe_code)]

mod batch;
mod projection;
mod source;
mod text;
mod time;
mod validity;

pub use batch::{BatchBuilder, EventBatch, EventType, FileId, RowRef};
pub use projection::{Projection, Want, WholeRows};
pub use source::{ALL_SOURCES, Source};
pub use text::{Text, TextBuilder, TextSpan, push_ascii_units};
pub use time::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp, format_date, format_utc, parse_utc};
