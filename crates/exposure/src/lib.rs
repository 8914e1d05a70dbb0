//! Exposure: who is concerned, how sure that is, and what is the way out.
//!
//! [`Observation`]s are never overwritten. What a server runs, whether it is published and what closes the hole for now
//! is worked out from all of them, at any time ([`Server::state`]), and a contradiction between equally good sources
//! is `unknown`. This crate does no I/O: it takes bytes and values and returns values.

mod address;
mod assess;
mod estate;
mod identity;
pub mod inventory;
mod knowledge;
mod observation;
mod path;
mod place;
mod publication;
pub mod result;
mod said;
mod say;
mod ssvc;
mod state;
mod status;
mod timeline;
mod version;
mod yaml;

pub use address::is_public;
pub use assess::{Options, STALE_DAYS, assess};
pub use estate::{Estate, Merge, MergeRule, Server};
pub use identity::{
    Decision as NameDecision, DecisionKind, DecisionUse, Decisions, NameRef, merge, merge_with,
};
pub use observation::{
    AdVersion, BuildSource, Fact, MissionImpact, Observation, Origin, ProductLine, Subject, Topology,
};
pub use path::{Path, Step, path};
pub use place::Place;
pub use said::Said;
pub use ssvc::Decision;
pub use state::{Answer, BuildAnswer, Mitigation, Seen, ServerState};
pub use status::Status;
pub use timeline::{Phase, Window};
pub use version::{Version, VersionError};
pub use yaml::FileError;
