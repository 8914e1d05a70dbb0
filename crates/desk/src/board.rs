//! The campaign board: every tenant's state on one screen.

mod curves;
mod filter;
mod query;

pub use curves::{Curves, Point, curves};
pub use filter::{BoardFilter, Sort};
pub use query::{Board, BoardServer, BoardTenant, Clock, ClockState, Counts, StageSummary, Word, board};

#[cfg(test)]
mod tests;
