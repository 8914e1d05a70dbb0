//! The version check from outside: asks the servers of a signed-off scope for what identifies their build.
//!
//! Two pages that anybody may read are asked for, slowly, under the program's own name, and only at addresses that the
//! scope allows. Whatever a server answers, or does not, becomes a [`TargetReport`]: a build with its source and that
//! source's known trap, or the reason why the build is unknown. `docs/probe.md` says what is sent and how to read it.
//!
//! [`Scope::read`] reads the scope, [`Plan::of`] resolves its names, once, and [`Prober::run`] asks.

mod answer;
mod certificate;
mod check;
mod conversation;
pub mod fuzzing;
mod http;
mod journal;
mod plan;
mod redirect;
mod report;
mod run;
mod scope;
mod throttle;
mod tls;
mod trouble;

pub use certificate::{Certificate, Trust};
pub use journal::Journal;
pub use plan::{Left, PAGES, Plan, Resolve, Target, resolve};
pub use report::{Answer, Asked, ChosenBuild, Outcome, ProbeReport, Publication, ScopeSummary, TargetReport};
pub use run::{Options, ProbeError, Prober};
pub use scope::{
    Cidr, CidrError, Entry, LARGEST_BLOCK, LARGEST_SCOPE, MAX_ADDRESSES, Place, Rate, Scope, ScopeError,
};
pub use throttle::{Clock, SystemClock, Throttle};
pub use tls::TlsDetails;

/// Microseconds since 1970, UTC.
pub fn now() -> vigie_event::Timestamp {
    std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or(i64::MAX)
}
