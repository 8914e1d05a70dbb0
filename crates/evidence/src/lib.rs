//! Evidence in: opens folders, archives and files, recognises what each file is by its content first and its name
//! second, and parses it into [`vigie_event::EventBatch`]es.
//!
//! Evidence is opened read-only. Whatever could not be read is counted, with the reason, in the [`Manifest`].
//!
//! The way in is [`read`]: it walks the given paths and hands every batch to a [`Sink`].
//!
//! # Adding a log format
//! 1. Write one module with a `pub(crate) static FORMAT: Format` (see [`mod@format`]): how to recognise it, how to parse it.
//! 2. Add it to the list in `text/mod.rs`, `windows/mod.rs` or `files/mod.rs`.
//! 3. Add samples with their expected batches under `tests/samples/<format>/`.

mod files;
pub mod format;
#[doc(hidden)]
pub mod fuzzing;
mod limits;
mod manifest;
pub mod message;
mod open;
mod read;
mod text;
mod windows;

pub use limits::{LimitError, LimitName, Limits};
pub use manifest::{ClockOffset, FileEntry, FileRef, Manifest, Observation, Skip, Unit, UnitId};
pub use read::{EvidenceError, Options, Progress, Sink, read};
