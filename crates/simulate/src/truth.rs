//! The ground truth: what really happened in the simulated world, and where each step left its trace.

use serde::{Deserialize, Serialize};

/// What happened in the whole world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The plan's seed.
    pub seed: u64,
    /// First instant of the world, RFC 3339 UTC.
    pub from: String,
    /// First instant after it.
    pub to: String,
    /// The tenants' names, which are their folders' names.
    pub tenants: Vec<String>,
    /// One entry per server.
    pub servers: Vec<ServerTruth>,
}

/// What happened on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerTruth {
    /// Its tenant.
    pub tenant: String,
    /// Its name, which is its folder's name.
    pub server: String,
    /// The story: `full_chain`, `attempted`...
    pub scenario: String,
    /// What a correct answer says: `unknown`, `no_evidence`, `attempted`, `suspected` or `compromised`.
    pub verdict: String,
    /// Stages of the attack chain that left a trace, in the order in which they were reached first.
    pub stages: Vec<String>,
    /// The first step, RFC 3339 UTC.
    pub first: Option<String>,
    /// The last step.
    pub last: Option<String>,
    /// Addresses the intruder came from.
    pub attacker_addresses: Vec<String>,
    /// Since when the logs go back, RFC 3339 UTC.
    pub logs_from: String,
    /// What the intruder did.
    pub steps: Vec<Step>,
    /// Innocent things that look like an intrusion, with where and when.
    pub noise: Vec<String>,
}

/// One trace of one thing the intruder did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The stage of the attack chain.
    pub stage: String,
    /// When, RFC 3339 UTC.
    pub time: String,
    /// The file that shows it, relative to the world's folder, `/`-separated.
    pub file: String,
    /// The 1-based line, for text logs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// The record number, for event logs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<u64>,
    /// What happened, in a sentence.
    pub what: String,
    /// Text that the line, record or file contains.
    pub mark: String,
}
