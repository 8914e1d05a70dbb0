//! Hunts: evidence and a campaign's pack to findings and verdicts, as jobs.
//!
//! Evidence is opened into a folder of its job that only its owner may look into, hunted by `vigie-hunt`, and the
//! folder is removed; what a crash leaves is removed by [`clean`]. What came out is kept together with the end of the
//! job: all of it, or nothing.

mod handler;
mod results;
mod start;

pub use handler::HuntHandler;
pub use results::{Hunt, HuntServer, LeftOut, get, list, of_server};
pub use start::{NewHunt, clean, rehunt, settle, start};

/// The kind of job.
pub(crate) const KIND: &str = "hunt";

#[cfg(test)]
pub(crate) mod tests;
