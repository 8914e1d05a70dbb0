//! What is known of a server at one time.

use vigie_event::Timestamp;

use crate::observation::identifiers;
use crate::{AdVersion, BuildSource, MissionImpact, Observation, ProductLine, Topology, Version};

/// A value and the observation it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen<'a, T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub by: &'a Observation,
}

/// Which build a server runs.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildAnswer<'a> {
    /// The build; `None` when equally good sources contradict each other.
    pub version: Option<Version>,
    /// How the build that stands was found out.
    pub source: BuildSource,
    /// The newest observation that says so.
    pub by: &'a Observation,
    /// Since when this build is known to run: the first observation of it.
    pub since: Option<Timestamp>,
    /// The newest observation of the build before it.
    pub before: Option<Timestamp>,
    /// Observations that say something else, and do not stand.
    pub conflicts: Vec<&'a Observation>,
}

/// A mitigation that is in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Mitigation<'a> {
    /// As observed: `EOMT`.
    pub id: &'a str,
    /// The vulnerabilities it closes, where its source says so.
    pub cves: &'a [String],
    /// First seen.
    pub since: Option<Timestamp>,
    /// The observation.
    pub by: &'a Observation,
}

/// What is known of a server at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerState<'a> {
    /// The product and its line, as declared or as the build says.
    pub product: Option<ProductLine>,
    /// The build.
    pub build: Option<BuildAnswer<'a>>,
    /// Whether TCP/443 is published; `None` when nobody said.
    pub published: Option<Seen<'a, bool>>,
    /// How it works with Exchange Online.
    pub topology: Option<Seen<'a, Topology>>,
    /// Mitigations in place.
    pub mitigations: Vec<Mitigation<'a>>,
    /// Installed updates.
    pub updates: Vec<&'a str>,
    /// Settings that fixes need, newest word on each.
    pub settings: Vec<(&'a str, Seen<'a, bool>)>,
    /// Its roles.
    pub roles: Vec<&'a str>,
    /// The database availability group it belongs to.
    pub dag: Option<&'a str>,
    /// The registry value `Release` of the .NET Framework.
    pub dotnet: Option<u32>,
    /// What Active Directory was prepared for.
    pub active_directory: Option<AdVersion>,
    /// What stops when this server does.
    pub mission_impact: Option<MissionImpact>,
}

identifiers!(
    /// Whether something is known to be so.
    Answer {
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
        /// Nobody knows.
        Unknown = "unknown",
    }
);

impl ServerState<'_> {
    /// Whether the server can be reached from the Internet on TCP/443.
    pub fn is_published(&self) -> Answer {
        match &self.published {
            Some(Seen { value: true, .. }) => Answer::Yes,
            Some(Seen { value: false, .. }) => Answer::No,
            None => Answer::Unknown,
        }
    }
}
