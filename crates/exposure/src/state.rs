//! What is known of a server at one time.

use vigie_event::Timestamp;

use crate::observation::identifiers;
use crate::publication::{Publication, publication};
use crate::{
    AdVersion, BuildSource, Fact, MissionImpact, Observation, ProductLine, Server, Topology, Version,
};

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
    /// Whether TCP/443 is published; `None` when nobody said, or words contradict each other.
    pub published: Option<Seen<'a, bool>>,
    /// What was said of it besides, and does not stand.
    pub published_conflicts: Vec<Seen<'a, bool>>,
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

/// Which build ran when: each answer with the time from which it holds, in order. The last is what holds now.
pub(crate) fn build_history<'a>(observations: &[&'a Observation]) -> Vec<BuildAnswer<'a>> {
    let mut reports: Vec<Report<'a>> = observations.iter().copied().filter_map(Report::of).collect();
    reports.sort_by_key(|report| (report.by.at, report.source));
    let in_group = observations.iter().any(|seen| matches!(seen.fact, Fact::Dag(_)));
    let mut history: Vec<BuildAnswer<'a>> = Vec::new();
    for same_time in reports.chunk_by(|one, two| one.by.at == two.by.at) {
        let next = together(same_time);
        match history.last_mut() {
            None => history.push(next),
            Some(now) => {
                if let Some(changed) = follow(now, next, in_group) {
                    history.push(changed);
                }
            }
        }
    }
    history
}

/// One report of a build.
#[derive(Clone, Copy)]
struct Report<'a> {
    /// What it is worth: without a revision where the source does not show security updates.
    version: Version,
    source: BuildSource,
    by: &'a Observation,
}

impl<'a> Report<'a> {
    fn of(by: &'a Observation) -> Option<Report<'a>> {
        let Fact::Build { version, source } = by.fact else {
            return None;
        };
        let version = if source.shows_security_updates() {
            version
        } else {
            version.without_revision()
        };
        Some(Report { version, source, by })
    }
}

/// What the reports of one moment, best source first, say together.
fn together<'a>(reports: &[Report<'a>]) -> BuildAnswer<'a> {
    let best = reports[0];
    let others = || {
        reports[1..]
            .iter()
            .filter(|other| !other.version.agrees_with(best.version))
    };
    let torn = others().any(|other| other.source == best.source);
    // Of equals that agree, the one that says most.
    let fullest = reports
        .iter()
        .filter(|other| other.source == best.source)
        .max_by_key(|other| other.version.revision.is_some())
        .unwrap_or(&best);
    let mut conflicts: Vec<&Observation> = others().map(|other| other.by).collect();
    if torn {
        conflicts.insert(0, best.by);
    }
    BuildAnswer {
        version: (!torn).then_some(fullest.version),
        source: best.source,
        by: fullest.by,
        since: best.by.at,
        before: None,
        conflicts,
    }
}

/// What holds after a later moment's answer: `None` when the one before still stands (then it learnt from the later one).
fn follow<'a>(now: &mut BuildAnswer<'a>, next: BuildAnswer<'a>, in_group: bool) -> Option<BuildAnswer<'a>> {
    let (Some(held), Some(said)) = (now.version, next.version) else {
        // One of the two is torn: only a source at least as good changes anything.
        if next.source <= now.source {
            return Some(succeed(now, next));
        }
        now.conflicts.push(next.by);
        return None;
    };
    if held.agrees_with(said) {
        if said.revision.is_some() && held.revision.is_none() {
            return Some(succeed(now, next));
        }
        if said.revision == held.revision {
            now.by = next.by;
            now.source = now.source.min(next.source);
        }
        now.conflicts.extend(next.conflicts);
        return None;
    }
    // Two undated or one undated report of equals: nobody knows which came first.
    let unordered = now.by.at.is_none() && next.source == now.source;
    if said > held && !unordered {
        // In a group, another server may have answered: what was read on this one stands.
        if in_group && next.source.is_remote() && !now.source.is_remote() {
            now.conflicts.push(next.by);
            return None;
        }
        return Some(succeed(now, next));
    }
    // Builds do not go back. The better source stands; equals contradict each other.
    if next.source > now.source {
        now.conflicts.push(next.by);
        return None;
    }
    let torn = next.source == now.source;
    let mut changed = succeed(now, next);
    changed.conflicts.insert(0, now.by);
    if torn {
        changed.version = None;
        changed.conflicts.push(changed.by);
    }
    Some(changed)
}

fn succeed<'a>(now: &BuildAnswer<'a>, next: BuildAnswer<'a>) -> BuildAnswer<'a> {
    BuildAnswer {
        before: now.by.at,
        ..next
    }
}

impl Server {
    /// What is known of the server at `as_of`, from what was observed until then.
    pub fn state(&self, as_of: Timestamp) -> ServerState<'_> {
        let seen = self.until(as_of);
        let builds = build_history(&seen);
        ServerState::of(&seen, &builds, &publication(&seen))
    }

    /// What was observed until `as_of`, in the order of time; what has no time comes first.
    pub(crate) fn until(&self, as_of: Timestamp) -> Vec<&Observation> {
        let until = |observation: &&Observation| observation.at.is_none_or(|at| at <= as_of);
        let mut seen: Vec<&Observation> = self.observations.iter().filter(until).collect();
        seen.sort_by_key(|observation| observation.at);
        seen
    }
}

impl<'a> ServerState<'a> {
    /// What is known after all of `seen`.
    pub(crate) fn of(
        seen: &[&'a Observation],
        builds: &[BuildAnswer<'a>],
        published: &[Publication<'a>],
    ) -> ServerState<'a> {
        let last = published.last();
        let mut state = ServerState {
            product: None,
            build: builds.last().cloned(),
            published: last.and_then(|known| {
                Some(Seen {
                    value: known.value?,
                    by: known.by,
                })
            }),
            published_conflicts: last.map(|known| known.conflicts.clone()).unwrap_or_default(),
            topology: None,
            mitigations: mitigations(seen, builds),
            updates: Vec::new(),
            settings: Vec::new(),
            roles: Vec::new(),
            dag: None,
            dotnet: None,
            active_directory: None,
            mission_impact: None,
        };
        for &by in seen {
            match &by.fact {
                Fact::Product(product) => {
                    // A line once known is not forgotten for a source that names the product alone.
                    if product.line.is_some() || state.product.is_none() {
                        state.product = Some(product.clone());
                    }
                }
                Fact::Topology(value) => state.topology = Some(Seen { value: *value, by }),
                Fact::Update(update) => push_once(&mut state.updates, update),
                Fact::Role(role) => push_once(&mut state.roles, role),
                Fact::Setting { id, on } => {
                    state.settings.retain(|(known, _)| known != id);
                    state.settings.push((id, Seen { value: *on, by }));
                }
                Fact::Dag(dag) => state.dag = Some(dag),
                Fact::DotNet(release) => state.dotnet = Some(*release),
                Fact::ActiveDirectory(version) => state.active_directory = Some(*version),
                Fact::MissionImpact(impact) => state.mission_impact = Some(*impact),
                Fact::Listed
                | Fact::Machine
                | Fact::Build { .. }
                | Fact::Published(_)
                | Fact::Mitigation { .. } => {}
            }
        }
        state
    }
}

fn push_once<'a>(list: &mut Vec<&'a str>, value: &'a str) {
    if !list.contains(&value) {
        list.push(value);
    }
}

/// The mitigations in place. A cumulative update, known by the first three parts of the build, removes them.
pub(crate) fn mitigations<'a>(seen: &[&'a Observation], builds: &[BuildAnswer<'a>]) -> Vec<Mitigation<'a>> {
    let mut held: Vec<Mitigation<'a>> = Vec::new();
    for by in seen.iter().copied() {
        let Fact::Mitigation { id, cves, active } = &by.fact else {
            continue;
        };
        let since = held.iter().find(|known| known.id == id).map(|known| known.since);
        held.retain(|known| known.id != id);
        if *active {
            held.push(Mitigation {
                id,
                cves,
                since: since.unwrap_or(by.at),
                by,
            });
        }
    }
    held.retain(|mitigation| !removed(mitigation, builds));
    held
}

/// Whether the cumulative update changed, or may have changed, after the mitigation was last seen.
fn removed(mitigation: &Mitigation<'_>, builds: &[BuildAnswer<'_>]) -> bool {
    let mut held: Option<[u32; 3]> = None;
    for build in builds {
        let known = build.version.map(|version| version.base);
        let later = build.since > mitigation.by.at;
        let changed = |base: [u32; 3]| held.is_some_and(|held| held != base);
        let may_have = match known {
            Some(base) => changed(base),
            None => build.conflicts.iter().any(|by| match &by.fact {
                Fact::Build { version, .. } => changed(version.base),
                _ => false,
            }),
        };
        if later && may_have {
            return true;
        }
        held = known.or(held);
    }
    false
}
