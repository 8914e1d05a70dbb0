//! Findings: what hunts found, one statement each, for somebody to decide on.
//!
//! A finding is known again when its evidence is hunted again: what was decided stays, its count and times are brought up
//! to date, and what is not found any more is marked as gone, never deleted.

mod decide;
mod store;

pub use decide::{Decision, decide, decide_many};
pub use store::{Changes, Finding, FindingFilter, FindingLine, FindingState, count, get, lines, list};
pub(crate) use store::{Place, expect_visible, put_all};

#[cfg(test)]
pub(crate) mod tests;
