//! From servers and a pack to the answer.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use vigie_event::{MICROS_PER_DAY, Timestamp};
use vigie_pack::Pack;

use crate::knowledge::Knowledge;
use crate::path::Paths;
use crate::publication::closed_times;
use crate::result::{
    Assessment, BuildExposure, Conflict, CveExposure, MitigationExposure, Outsider, PackInfo, Point,
    PublishedConflict, RanBuild, SCHEMA_VERSION, ServerExposure, Ssvc, Standing, Summary, WindowExposure,
};
use crate::ssvc::Case;
use crate::state::{Answer, Mitigation, Seen};
use crate::timeline::{History, Phase, Phases, Window, exploited_from};
use crate::{
    BuildAnswer, Decision, Estate, Fact, MissionImpact, Observation, Said, Server, ServerState, Status,
};

/// How long an observation of a build is relied on.
pub const STALE_DAYS: i64 = 30;
/// Points of a curve, at most.
const POINTS: i64 = 120;

/// What to assess.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only these vulnerabilities of the pack; empty for all.
    pub cves: Vec<String>,
}

/// Assesses all servers for the threats of a pack, as known at `as_of`.
pub fn assess(estate: &Estate, pack: &Pack, as_of: Timestamp, options: &Options) -> Assessment {
    let knowledge = Knowledge::new(pack, &options.cves, as_of);
    let ids: Vec<Arc<str>> = knowledge
        .cves
        .iter()
        .map(|judged| judged.cve.id.as_str().into())
        .collect();
    let from = knowledge.pack.window.from;
    let paths = Paths::new(&knowledge, as_of);
    let mut curve = Curve::new(from, as_of);
    let mut servers = Vec::with_capacity(estate.servers.len());
    let mut later = 0;
    for server in &estate.servers {
        let judged = Judgement::new(server, &knowledge, as_of);
        curve.add(&judged);
        later += server
            .observations
            .iter()
            .filter(|seen| seen.at.is_some_and(|at| at > as_of))
            .count();
        servers.push(judged.exposure(server, &knowledge, &ids, &paths, as_of));
    }
    servers.sort_by_cached_key(order);
    let outside = estate
        .outside
        .iter()
        .map(|server| outsider(server, &knowledge, as_of))
        .collect();
    let mut warnings = estate.warnings.clone();
    if later > 0 {
        warnings.push(Said::new(
            format!(
                "{later} observations are from after {} and do not count",
                vigie_event::format_utc(as_of)
            ),
            format!(
                "{later} observations sont postérieures au {} et ne comptent pas",
                vigie_event::format_utc(as_of)
            ),
        ));
    }
    if knowledge.later > 0 {
        let later = knowledge.later;
        warnings.push(Said::new(
            format!("{later} vulnerabilities of the pack became public after that day and are left out"),
            format!(
                "{later} vulnérabilités du pack n’ont été publiques qu’après ce jour et sont laissées de côté"
            ),
        ));
    }
    Assessment {
        schema_version: SCHEMA_VERSION,
        as_of,
        pack: PackInfo {
            name: pack.name.clone(),
            version: pack.version.clone(),
            title: Said::new(pack.title.en.clone(), pack.title.fr.clone()),
            exploited_from: from,
        },
        summary: summaries(&servers),
        servers,
        unknown: outside,
        curve: curve.points,
        inputs: Vec::new(),
        warnings,
    }
}

/// Most urgent first; of equals those that stood open longest, then by name.
fn order(server: &ServerExposure) -> impl Ord + use<> {
    let open = matches!(server.status, Status::Vulnerable | Status::Unknown);
    let from = server.window.map_or(Timestamp::MAX, |window| window.from);
    (
        Reverse(server.ssvc.decision),
        Reverse(open),
        from,
        server.tenant.clone(),
        server.server.clone(),
    )
}

/// Everything worked out about one server.
struct Judgement<'a> {
    history: History<'a>,
    state: ServerState<'a>,
    phases: Phases,
    /// The worst status over time.
    worst: Vec<(Option<Timestamp>, Status)>,
}

impl<'a> Judgement<'a> {
    fn new(server: &'a Server, knowledge: &Knowledge<'_>, as_of: Timestamp) -> Judgement<'a> {
        let history = History::new(server, knowledge, as_of);
        let phases = history.phases(knowledge);
        Judgement {
            state: ServerState::of(&history.seen, &history.builds, &history.published),
            worst: phases.worst(),
            history,
            phases,
        }
    }

    /// The worst status now.
    fn status(&self) -> Status {
        self.worst.last().map_or(Status::Unknown, |(_, status)| *status)
    }

    fn exposure(
        &self,
        server: &Server,
        knowledge: &Knowledge<'_>,
        ids: &[Arc<str>],
        paths: &Paths<'_, '_>,
        as_of: Timestamp,
    ) -> ServerExposure {
        let cves: Vec<CveExposure> = self
            .phases
            .each()
            .zip(ids)
            .map(|(phases, id)| cve(phases, id))
            .collect();
        let build = self.history.builds.last();
        let looked = build.and_then(|build| build.by.at);
        let known = build.is_some_and(|build| build.version.is_some());
        let published = &self.state.published;
        ServerExposure {
            server: server.name.clone(),
            fqdn: server.fqdn.clone(),
            tenant: server.tenant.clone(),
            product: product(&self.state, build, knowledge),
            build: build_exposure(build, knowledge),
            published: self.state.is_published(),
            published_by: published.as_ref().map(|seen| seen.by.origin.to_string()),
            published_conflicts: self
                .state
                .published_conflicts
                .iter()
                .map(said_published)
                .collect(),
            topology: self.state.topology.map(|seen| seen.value),
            mitigations: self.state.mitigations.iter().map(mitigation).collect(),
            status: self.status(),
            age_days: looked.map(|at| (as_of - at) / MICROS_PER_DAY),
            // What has no date may be of any.
            stale: known && looked.is_none_or(|at| is_old(at, as_of)),
            history: self
                .worst
                .iter()
                .map(|(from, status)| Standing {
                    from: *from,
                    status: *status,
                })
                .collect(),
            builds: self.history.builds.iter().map(ran).collect(),
            window: self.window(knowledge, as_of),
            ssvc: self.ssvc(&cves, knowledge, as_of),
            path: paths.path(&self.state),
            cves,
        }
    }

    fn window(&self, knowledge: &Knowledge<'_>, as_of: Timestamp) -> Option<WindowExposure> {
        let closed = closed_times(&self.history.published);
        let fix = |phase: &Phase| {
            let runs = self
                .history
                .builds
                .iter()
                .rev()
                .find(|build| build.since <= phase.from)?;
            let released = knowledge.released(runs.version?);
            runs.before.max(released)
        };
        let of = |index: usize| {
            let from = exploited_from(knowledge, index);
            Window::of(self.phases.of(index), from, as_of, &closed, fix)
        };
        let exploited = |index: &usize| knowledge.cves[*index].cve.is_exploited();
        let all = (0..self.phases.len())
            .filter(exploited)
            .filter_map(of)
            .reduce(Window::with)?;
        Some(WindowExposure {
            from: all.from,
            to: all.to,
            to_earliest: all.to_earliest,
        })
    }

    fn ssvc(&self, cves: &[CveExposure], knowledge: &Knowledge<'_>, as_of: Timestamp) -> Ssvc {
        let usual = knowledge.product().mission_impact.as_deref();
        let usual = usual
            .and_then(MissionImpact::from_id)
            .unwrap_or(MissionImpact::Failure);
        let open = |cve: &CveExposure| {
            matches!(
                cve.status,
                Status::Vulnerable | Status::Unknown | Status::Mitigated
            )
        };
        let cases = (0..cves.len()).filter(|index| open(&cves[*index])).map(|index| {
            let judged = &knowledge.cves[index];
            let case = Case {
                cve: judged.cve,
                public: judged.published.is_none_or(|at| at <= as_of),
                exploited: exploited_from(knowledge, index) <= as_of,
                published: self.state.is_published(),
                mitigated: cves[index].status == Status::Mitigated,
                mission: self.state.mission_impact,
                usual,
            };
            (case.decision(), index, case)
        });
        // The first of the most urgent ones: the pack lists them in the order of the attack.
        match cases.max_by_key(|(decision, index, _)| (*decision, Reverse(*index))) {
            Some((decision, index, case)) => Ssvc {
                decision,
                cve: Some(Arc::clone(&cves[index].cve)),
                because: knowledge.share(case.because()),
            },
            None => Ssvc {
                decision: Decision::Defer,
                cve: None,
                because: knowledge.share(Said::new("nothing is open", "rien n’est ouvert")),
            },
        }
    }
}

/// How a vulnerability stands now, and since when it stands so.
fn cve(phases: &[Phase], id: &Arc<str>) -> CveExposure {
    let last = &phases[phases.len() - 1];
    let same = phases
        .iter()
        .rev()
        .take_while(|phase| phase.status == last.status);
    CveExposure {
        cve: Arc::clone(id),
        status: last.status,
        since: same.last().and_then(|phase| phase.from),
        reason: Arc::clone(&last.why),
    }
}

fn product(state: &ServerState<'_>, build: Option<&BuildAnswer<'_>>, knowledge: &Knowledge<'_>) -> String {
    if let Some(version) = build.and_then(|build| build.version) {
        return knowledge.builds.name(version);
    }
    let title = &knowledge.product().title.en;
    match &state.product {
        Some(known) if known.product == knowledge.product().id => match &known.line {
            Some(line) => format!("{title} {line}"),
            None => title.clone(),
        },
        Some(other) => other.product.clone(),
        None => title.clone(),
    }
}

fn build_exposure(build: Option<&BuildAnswer<'_>>, knowledge: &Knowledge<'_>) -> BuildExposure {
    let Some(build) = build else {
        return BuildExposure {
            value: None,
            source: None,
            observed_at: None,
            origin: None,
            trap: None,
            doubt: None,
            conflicts: Vec::new(),
        };
    };
    let stands = build.version.is_some();
    BuildExposure {
        value: build.version.and_then(|_| said_build(build.by)),
        source: stands.then_some(build.source),
        observed_at: build.by.at,
        origin: stands.then(|| build.by.origin.to_string()),
        trap: stands.then(|| knowledge.share(build.source.trap())),
        doubt: build
            .version
            .and_then(|version| knowledge.builds.doubt(version))
            .map(|doubt| knowledge.share(doubt)),
        conflicts: build.conflicts.iter().filter_map(|by| conflict(by)).collect(),
    }
}

fn ran(build: &BuildAnswer<'_>) -> RanBuild {
    RanBuild {
        from: build.since,
        value: build.version.map(|version| version.to_string()),
        source: build.source,
        origin: build.by.origin.to_string(),
    }
}

fn said_build(by: &Observation) -> Option<String> {
    match &by.fact {
        Fact::Build { version, .. } => Some(version.to_string()),
        _ => None,
    }
}

fn conflict(by: &Observation) -> Option<Conflict> {
    let Fact::Build { version, source } = &by.fact else {
        return None;
    };
    Some(Conflict {
        value: version.to_string(),
        source: *source,
        observed_at: by.at,
        origin: by.origin.to_string(),
    })
}

fn said_published(seen: &Seen<'_, bool>) -> PublishedConflict {
    PublishedConflict {
        value: if seen.value { Answer::Yes } else { Answer::No },
        observed_at: seen.by.at,
        origin: seen.by.origin.to_string(),
    }
}

fn mitigation(seen: &Mitigation<'_>) -> MitigationExposure {
    MitigationExposure {
        id: seen.id.to_owned(),
        since: seen.since,
        observed_at: seen.by.at,
        origin: seen.by.origin.to_string(),
    }
}

fn outsider(server: &Server, knowledge: &Knowledge<'_>, as_of: Timestamp) -> Outsider {
    let judged = Judgement::new(server, knowledge, as_of);
    let mut origins: Vec<String> = server
        .observations
        .iter()
        .map(|by| by.origin.to_string())
        .collect();
    origins.dedup();
    Outsider {
        server: server.name.clone(),
        fqdn: server.fqdn.clone(),
        addresses: server.addresses.iter().map(ToString::to_string).collect(),
        build: build_exposure(judged.history.builds.last(), knowledge),
        status: judged.status(),
        origins,
    }
}

/// Per tenant in the order of their names, then for all.
fn summaries(servers: &[ServerExposure]) -> Vec<Summary> {
    let mut by_tenant: BTreeMap<Option<&str>, Summary> = BTreeMap::new();
    let mut all = Summary::default();
    for server in servers {
        let tenant = by_tenant.entry(server.tenant.as_deref()).or_default();
        tenant.tenant.clone_from(&server.tenant);
        count(tenant, server);
        count(&mut all, server);
    }
    by_tenant.into_values().chain([all]).collect()
}

fn count(summary: &mut Summary, server: &ServerExposure) {
    summary.servers += 1;
    summary.stale += usize::from(server.stale);
    match server.status {
        Status::Unknown => summary.unknown += 1,
        Status::Vulnerable => {
            summary.vulnerable += 1;
            summary.vulnerable_published += usize::from(server.published != Answer::No);
        }
        Status::Mitigated => summary.mitigated += 1,
        Status::NotAffected => summary.not_affected += 1,
        Status::Fixed => summary.fixed += 1,
    }
}

/// What was known over time, from the first exploitation to `as_of`.
struct Curve {
    points: Vec<Point>,
}

impl Curve {
    fn new(from: Timestamp, as_of: Timestamp) -> Curve {
        let days = (as_of - from).max(0) / MICROS_PER_DAY;
        let step = (days / POINTS + 1) * MICROS_PER_DAY;
        let mut points: Vec<Point> = Vec::new();
        let mut at = as_of;
        while at >= from && points.len() <= POINTS as usize {
            points.push(Point {
                at,
                ..Point::default()
            });
            at -= step;
        }
        points.reverse();
        Curve { points }
    }

    fn add(&mut self, judged: &Judgement<'_>) {
        let builds = &judged.history.builds;
        let (mut build, mut standing) = (0, 0);
        for point in &mut self.points {
            let until = |from: Option<Timestamp>| from.is_none_or(|from| from <= point.at);
            while builds.get(build).is_some_and(|next| until(next.since)) {
                build += 1;
            }
            while judged.worst.get(standing).is_some_and(|(from, _)| until(*from)) {
                standing += 1;
            }
            let runs = build.checked_sub(1).map(|last| &builds[last]);
            match runs.filter(|build| build.version.is_some()) {
                None => point.unknown_build += 1,
                Some(build) if is_stale(build, point.at) => point.stale += 1,
                Some(_) => point.known += 1,
            }
            // Before anybody looked, nobody knew.
            let status = standing
                .checked_sub(1)
                .map_or(Status::Unknown, |last| judged.worst[last].1);
            match status {
                Status::Unknown => point.unknown += 1,
                Status::Vulnerable => point.vulnerable += 1,
                Status::Mitigated => point.mitigated += 1,
                Status::NotAffected => point.not_affected += 1,
                Status::Fixed => point.fixed += 1,
            }
        }
    }
}

/// Whether a build was last looked at too long before a moment. A look that came after the moment was not made yet.
fn is_stale(build: &BuildAnswer<'_>, at: Timestamp) -> bool {
    let looked = build.by.at.filter(|looked| *looked <= at).or(build.since);
    looked.is_none_or(|looked| is_old(looked, at))
}

fn is_old(looked: Timestamp, at: Timestamp) -> bool {
    at - looked > STALE_DAYS * MICROS_PER_DAY
}
