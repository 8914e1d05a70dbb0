//! Work that outlives the request that asked for it: a queue in the database.
//!
//! A job is **claimed** by a worker for the length of a lease, which the worker's heartbeats prolong. A worker that dies
//! stops beating; when its lease is over, another takes the job. Only whoever holds the lease can end the job: what a
//! worker says that was taken for dead is refused ([`Error::State`](crate::Error::State)). Several processes may share
//! the queue: on PostgreSQL they skip each other's rows, on SQLite they take turns. What fails is tried again later, each
//! time later than the time before, until its attempts are used up.

mod queue;
mod store;

pub use queue::{Beat, Claim, claim, complete, fail, heartbeat, recover, release};
pub(crate) use queue::{complete_with, is_done};
pub use store::{
    Job, JobEvent, JobFilter, JobState, NewJob, Progress, cancel, enqueue, events, get, list, retry,
};
pub(crate) use store::{begin_anew, checkpoint, put, set_checkpoint};

#[cfg(test)]
mod tests;
