//! Which columns anybody asks for, so that a reader need not decode the others.

use std::fmt::Debug;

use crate::{EventBatch, EventType, RowRef, Source};

/// Whether a column is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// By nobody.
    No,
    /// By keywords alone, and only where it holds free text: words that no number, identifier or time contains.
    Text,
    /// By keywords alone, whatever it holds. They look at a row's line instead where there is one
    /// ([`EventBatch::line`]).
    Keywords,
    /// By its name.
    Yes,
}

/// What will be asked of the rows of each kind of event. Asked once for each kind and column.
pub trait Projection: Send + Sync {
    /// Whether anybody will look at this column of such rows. When in doubt, [`Want::Yes`].
    fn wants(&self, source: Source, table: &str, event: Option<&EventType>, column: &str) -> Want;
}

/// Where a batch's rows can be read again with all their columns, those included that nobody had asked for.
pub trait WholeRows: Debug + Send + Sync {
    /// The record of a row, as a batch of its own.
    fn row(&self, row: RowRef<'_>) -> Option<EventBatch>;

    /// What tells one record from another without reading it: two with the same number are the same record, kept
    /// twice. Numbers mean nothing to another run.
    fn identity(&self, _offset: u64) -> Option<u64> {
        None
    }
}
