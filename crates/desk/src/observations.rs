//! Observations: everything somebody or something reported about servers. None is ever overwritten.

mod fact;
mod import;
mod store;

pub use fact::FactJson;
pub use import::{ImportOptions, ImportReport, Unplaced, import};
pub use store::{NewObservation, Observation, add, list};
pub(crate) use store::{of_servers, put_all};

#[cfg(test)]
mod tests;
