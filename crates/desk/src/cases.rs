//! Cases: what the SOC works on.
//!
//! A case belongs to one tenant and may be about several of its servers. Findings, alerts and evidence are linked to
//! cases, many to many. Tasks, notes, entities and moments are its items ([`items`]). A client's own person sees a case
//! only when it is shared with his tenant, and of it only the notes that are.

pub mod items;
mod links;
mod store;
mod take;

pub(crate) use links::link_in;
pub use links::{CaseLink, LinkKind, link, links, unlink};
pub use store::{
    Case, CaseFields, CaseFilter, CaseState, NewCase, change, get, list, open, set_servers, set_state,
};
pub(crate) use store::{is_shared, open_for};
pub use take::{QueueEntry, assign, queue, take_next};

#[cfg(test)]
mod tests;
