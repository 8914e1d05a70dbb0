//! What to simulate, and what can go wrong.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use vigie_event::Timestamp;

/// 2021-01-01T00:00:00Z: two days before the first known exploitation, so that logs can cover all of it.
const DEMO_START: Timestamp = 1_609_459_200_000_000;

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where all randomness comes from: the same plan gives the same bytes.
    pub seed: u64,
    /// How many tenants. The first five tell the demo's stories; further ones repeat them with other names.
    pub tenants: u32,
    /// How many days of logs.
    pub days: u32,
    /// Target bytes of logs per mail server, text logs and event logs together; `None` for as little as tells the
    /// stories.
    pub size: Option<u64>,
    /// The first instant of the logs, UTC; taken back to midnight.
    pub start: Timestamp,
}

/// The demo: five tenants, ten servers, every verdict; 75 days from 2021-01-01, a few dozen megabytes.
pub fn demo_plan(seed: u64) -> Plan {
    Plan {
        seed,
        tenants: 5,
        days: 75,
        size: None,
        start: DEMO_START,
    }
}

/// Why a world could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// The plan makes no sense.
    #[error("the plan cannot be simulated: {0}")]
    Plan(String),
    /// A file or folder could not be written.
    #[error(
        "{path} could not be written: {source}; check the free space and the permissions of the output folder"
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output folder is in use.
    #[error("{0} exists and is not empty; name a new folder so that no other file is mixed in")]
    NotEmpty(PathBuf),
}

/// Names the path an I/O error is about.
pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> SimulateError {
    let path = path.to_owned();
    move |source| SimulateError::Write { path, source }
}

impl Plan {
    pub(crate) fn check(&self) -> Result<(), SimulateError> {
        let problem = if self.tenants == 0 || self.tenants > 10_000 {
            "tenants must be between 1 and 10000"
        } else if self.days < 7 || self.days > 3_650 {
            "days must be between 7 and 3650: the stories take a week"
        } else if self.start < 0 {
            "start must not be before 1970"
        } else {
            return Ok(());
        };
        Err(SimulateError::Plan(problem.to_owned()))
    }
}
