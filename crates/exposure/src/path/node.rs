//! Situations a server passes through, and the steps between them.

use std::hash::{Hash, Hasher};

/// Which build of an update runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Observed,
    First,
    Newest,
}

/// What was done after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Done {
    Nothing,
    Verified,
    Hunted,
    Finished,
}

/// A situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    /// Index of the update; `None` when it is not on offer.
    pub(super) at: Option<usize>,
    pub(super) level: Level,
    /// Index of the .NET Framework; `None` when not known.
    pub(super) dotnet: Option<usize>,
    pub(super) mitigated: bool,
    pub(super) isolated: bool,
    pub(super) preserved: bool,
    pub(super) maintenance: bool,
    pub(super) done: Done,
}

impl Hash for Node {
    /// One number instead of eight fields: the search asks for nodes all the time.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let index = |index: Option<usize>| index.map_or(0, |index| index as u64 + 1);
        let flags = [self.mitigated, self.isolated, self.preserved, self.maintenance];
        let small = flags
            .into_iter()
            .fold(0, |bits, flag| bits << 1 | u64::from(flag));
        let small = small << 4 | (self.level as u64) << 2 | self.done as u64;
        state.write_u64(index(self.at) << 32 | index(self.dotnet) << 8 | small);
    }
}

/// A step between two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Move {
    Mitigate,
    Isolate,
    Preserve,
    Begin,
    DotNet(usize),
    Update(usize),
    Security,
    End,
    Verify,
    Hunt,
    Remove,
    Reopen,
    Finish,
}

/// What a move is called in `remediation.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum StepId {
    Identify,
    AssessAgain,
    Mitigate,
    Isolate,
    Preserve,
    BeginMaintenance,
    DotNet,
    PrepareAd,
    CumulativeUpdate,
    Rollup,
    SecurityUpdate,
    EndMaintenance,
    Verify,
    Hunt,
    RemoveMitigation,
    Reopen,
    PlanUpdate,
    Retire,
    Migrate,
}

impl StepId {
    pub(super) const ALL: [StepId; 19] = [
        StepId::Identify,
        StepId::AssessAgain,
        StepId::Mitigate,
        StepId::Isolate,
        StepId::Preserve,
        StepId::BeginMaintenance,
        StepId::DotNet,
        StepId::PrepareAd,
        StepId::CumulativeUpdate,
        StepId::Rollup,
        StepId::SecurityUpdate,
        StepId::EndMaintenance,
        StepId::Verify,
        StepId::Hunt,
        StepId::RemoveMitigation,
        StepId::Reopen,
        StepId::PlanUpdate,
        StepId::Retire,
        StepId::Migrate,
    ];

    pub(super) fn id(self) -> &'static str {
        match self {
            StepId::Identify => "identify",
            StepId::AssessAgain => "assess_again",
            StepId::Mitigate => "mitigate",
            StepId::Isolate => "isolate",
            StepId::Preserve => "preserve",
            StepId::BeginMaintenance => "begin_maintenance",
            StepId::DotNet => "dotnet",
            StepId::PrepareAd => "prepare_ad",
            StepId::CumulativeUpdate => "cumulative_update",
            StepId::Rollup => "rollup",
            StepId::SecurityUpdate => "security_update",
            StepId::EndMaintenance => "end_maintenance",
            StepId::Verify => "verify",
            StepId::Hunt => "hunt",
            StepId::RemoveMitigation => "remove_mitigation",
            StepId::Reopen => "reopen",
            StepId::PlanUpdate => "plan_update",
            StepId::Retire => "retire",
            StepId::Migrate => "migrate",
        }
    }
}
