//! What a path depends on: two servers with the same situation have the same path.

use crate::knowledge::Knowledge;
use crate::state::Answer;
use crate::status::Judged;
use crate::{BuildSource, ServerState, Status, Topology, Version};

/// Everything about a server that its path depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Situation {
    pub(crate) line: Option<String>,
    pub(crate) version: Option<Version>,
    /// Whether the first step is to find the build out.
    pub(crate) ask: bool,
    /// Whether all vulnerabilities are closed by the build that was observed.
    pub(crate) closed: bool,
    /// Whether anybody may reach it, as far as is known.
    pub(crate) published: bool,
    pub(crate) mitigated: bool,
    /// Mitigations that close what is open, `EOMT`; empty when some hole has none.
    pub(crate) mitigations: Vec<String>,
    /// Mitigations seen in place.
    pub(crate) active: Vec<String>,
    pub(crate) dotnet: Option<u32>,
    /// Schema, domain, configuration.
    pub(crate) directory: Option<[u32; 3]>,
    pub(crate) dag: bool,
    pub(crate) edge: bool,
    pub(crate) management_only: bool,
}

impl Situation {
    /// `None` where nothing is to be done: the server is online or not affected.
    pub(crate) fn of(
        state: &ServerState<'_>,
        knowledge: &Knowledge<'_>,
        public: &[usize],
    ) -> Option<Situation> {
        let topology = state.topology.as_ref().map(|seen| seen.value);
        if topology == Some(Topology::Online) {
            return None;
        }
        let declared = state.product.as_ref().and_then(|product| product.line.as_deref());
        let build = state.build.as_ref();
        let seen = build.and_then(|build| Some((build.version?, build.source)));
        let of_line = |line: &str, judged: &Judged<'_>| {
            if judged.cve.fixed.iter().any(|fixed| fixed.product == line) {
                Status::Unknown
            } else {
                judged.of_line(&knowledge.builds, line).0
            }
        };
        let answers = seen.map(|(version, source)| knowledge.answers(declared, version, source));
        let cves: Vec<(&Judged<'_>, Status)> = public
            .iter()
            .filter_map(|index| {
                let judged = knowledge.cves.get(*index)?;
                let only = &judged.cve.topologies;
                if topology.is_some_and(|known| !only.is_empty() && !only.iter().any(|id| id == known.id())) {
                    return Some((judged, Status::NotAffected));
                }
                let status = match (&answers, declared) {
                    (Some(answers), _) => answers.get(*index)?.0,
                    (None, Some(line)) => of_line(line, judged),
                    (None, None) => Status::Unknown,
                };
                Some((judged, status))
            })
            .collect();
        let statuses: Vec<Status> = cves.iter().map(|(_, status)| *status).collect();
        if statuses.iter().all(|status| *status == Status::NotAffected) {
            return None;
        }
        let version = seen.map(|(version, source)| known_part(version, source));
        let line = version
            .and_then(|version| knowledge.builds.line(version))
            .or(declared);
        let open = |status: &Status| matches!(status, Status::Vulnerable | Status::Unknown);
        let precise = version.is_some_and(|version| version.revision.is_some());
        let published = version.is_some_and(|version| !knowledge.builds.of(version).is_empty());
        let unpublished_revision =
            published && precise && version.is_some_and(|version| knowledge.builds.exact(version).is_none());
        let vulnerable = statuses.contains(&Status::Vulnerable);
        let ask = !published
            || line.is_none()
            || unpublished_revision && !vulnerable
            || !precise && !vulnerable && statuses.contains(&Status::Unknown);
        let closes = |judged: &Judged<'_>, id: &str| {
            judged
                .cve
                .mitigated_by
                .iter()
                .any(|known| known.eq_ignore_ascii_case(id))
        };
        let active: Vec<String> = state
            .mitigations
            .iter()
            .filter(|seen| cves.iter().any(|(judged, _)| closes(judged, seen.id)))
            .map(|seen| seen.id.to_owned())
            .collect();
        let bare = |(judged, status): &(&Judged<'_>, Status)| {
            open(status) && judged.cve.without_account && !active.iter().any(|id| closes(judged, id))
        };
        let mitigated = !active.is_empty() && !cves.iter().any(bare);
        let mitigations = mitigations(&cves, open);
        let role = |name: &str| state.roles.iter().any(|role| role.eq_ignore_ascii_case(name));
        let directory = state
            .active_directory
            .and_then(|seen| Some([seen.schema?, seen.domain?, seen.configuration?]));
        Some(Situation {
            line: line.map(str::to_owned),
            version,
            ask,
            closed: !statuses.iter().any(open),
            published: state.is_published() != Answer::No && !role("ManagementTools"),
            mitigated,
            mitigations,
            active,
            dotnet: state.dotnet,
            directory,
            dag: state.dag.is_some(),
            edge: role("Edge"),
            management_only: topology == Some(Topology::HybridManagementOnly),
        })
    }
}

/// The part of a build that its source can be believed on.
fn known_part(version: Version, source: BuildSource) -> Version {
    if source.shows_security_updates() {
        version
    } else {
        version.without_revision()
    }
}

/// What mitigates everything that is open to somebody without an account; empty when something has no mitigation.
fn mitigations(cves: &[(&Judged<'_>, Status)], open: impl Fn(&Status) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    for (judged, _) in cves.iter().filter(|(_, status)| open(status)) {
        match judged.cve.mitigated_by.first() {
            Some(name) if !names.contains(name) => names.push(name.clone()),
            Some(_) => {}
            None if judged.cve.without_account => return Vec::new(),
            None => {}
        }
    }
    names
}
