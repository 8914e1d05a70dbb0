//! Findings: what hunts found, one statement each, for somebody to decide on.
//!
//! A finding is known again when its evidence is hunted again: what was decided stays, its count and times are brought up
//! to date, and what is not found any more is marked as gone, never deleted.

mod decide;
mod list;
mod store;

pub use decide::{Decision, decide, decide_many};
pub use list::{FindingFilter, Total, list};
#[cfg(feature = "load")]
pub(crate) use store::search_text;
pub use store::{Changes, Finding, FindingLine, FindingState, get, lines};
pub(crate) use store::{Place, expect_visible, put_all};

#[cfg(test)]
pub(crate) mod tests;
