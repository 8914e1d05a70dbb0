//! A seeded world with known ground truth: tenants, mail servers, months of background traffic, and intrusions of
//! which every trace is written down.
//!
//! ```no_run
//! let truth = vigie_simulate::simulate(std::path::Path::new("demo"), &vigie_simulate::demo_plan(7))?;
//! assert_eq!(truth.servers.len(), 10);
//! # Ok::<(), vigie_simulate::SimulateError>(())
//! ```
//!
//! Formats follow the public documentation and published samples of Exchange, IIS, Windows and Sysmon logs. All names
//! are invented and all public addresses come from the ranges reserved for documentation. Intrusions exist as log
//! lines and inert files only: nothing here could be used to carry one out.

mod background;
mod disk;
pub mod evtx;
mod exchange;
mod formats;
mod host;
mod http;
mod inventory;
mod log_file;
mod machine;
mod plan;
mod rng;
mod scenario;
mod text;
mod truth;
mod windows;
mod world;

pub use inventory::inventory;
pub use plan::{Plan, SimulateError, demo_plan};
pub use truth::{ServerTruth, Step, Truth};
pub use world::simulate;
