//! Judging anew what is stored, when the benign catalogue changes.
//!
//! A finding is **covered** when an entry that holds there takes all its events. Of more events than lines were kept of
//! nobody knows that, unless the entry takes every event of its rule: such a finding stays open, is counted as `undecided`,
//! and is settled by the next hunt. A covered finding does not count in its server's verdict, and nobody has to look at it;
//! what people accepted or escalated stays theirs. When the entry ends, what it covered is open again, and hunts from which
//! it hid something count as outdated: what they did not find says nothing any more.
//!
//! The verdict is weighed by the rules of a hunt (`vigie_hunt::worst`), and is never better than what a hunt would say.
//!
//! It is done as a job, in transactions of 250 findings that keep how far they came: a worker that is killed is
//! followed by one that goes on, and doing a piece twice changes nothing. Each server's change is recorded in the chain of
//! its own tenant.

mod cover;
mod handler;
mod verdict;

pub use handler::RejudgeHandler;
pub(crate) use handler::{after_hunt, ask, settle_of};

/// The kind of job.
pub(crate) const KIND: &str = "rejudge";
/// Findings judged in one transaction.
const AT_ONCE: usize = 250;

#[cfg(test)]
mod tests;
