//! What changes, as it changes: server-sent events.
//!
//! Each listener looks for itself, with its own access: what it may not read in the log and among the jobs it is not told
//! of either. That works with several servers on one database too. A client's own person may not read the log; he is told
//! that something he may read changed, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::Method;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, stream};
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::audit::{self, JournalFilter};
use vigie_desk::changes;
use vigie_desk::jobs::{self, JobFilter, JobState};
use vigie_desk::{Access, Desk, Error, PageRequest, TenantId, Time, Verb};

use crate::app::App;
use crate::caller::Caller;
use crate::places::Place;
use crate::problem::Problem;

/// How often a listener looks.
const EVERY: Duration = Duration::from_secs(1);
/// Records and jobs told of at one look. Who misses some is told to read everything again.
const AT_ONCE: u32 = 200;
/// Seconds a transaction takes at most between the moment it names and its end.
const LATE: i64 = 5;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Changed {
    /// What kind of thing: `tenant`, `server`, `case`, `finding`, `job`; `all` when too much changed to name it, or
    /// something is no longer there for whoever listens.
    kind: String,
    /// Which one.
    id: String,
    /// Whose it is; `null` for what is the provider's own.
    tenant_id: Option<String>,
    /// What was done: `case.open`.
    action: String,
}

/// One event of the stream.
#[derive(ToSchema)]
#[allow(dead_code)]
pub(crate) struct ChangeEvent {
    /// `Changed`, as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Changes as they happen, as server-sent events with the data `{kind, id, tenant_id, action}`. The stream ends with the
/// session; browsers come back by themselves.
#[utoipa::path(get, path = "/events", tag = "events",
    responses((status = 200, content_type = "text/event-stream", body = ChangeEvent)))]
pub(crate) async fn events(
    caller: Caller,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    if !caller.access().may(Verb::Read) {
        return Err(Error::Forbidden {
            verb: Verb::Read,
            role: caller.access().role(),
        }
        .into());
    }
    let app = caller.app().clone();
    let place = app.stream(&caller.access().actor().id)?;
    let listener = Listener {
        _place: place,
        stopping: app.stopping(),
        since: app.desk().now(),
        app,
        headers,
        jobs: BTreeMap::new(),
        seen: BTreeSet::new(),
        waiting: Vec::new(),
    };
    let events = stream::unfold(listener, |mut listener| async {
        let changed = listener.next().await?;
        let event = Event::default().json_data(&changed).unwrap_or_default();
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// Somebody who listens.
struct Listener {
    _place: Place,
    app: App,
    headers: HeaderMap,
    stopping: watch::Receiver<bool>,
    since: Time,
    /// The latest records that were told.
    seen: BTreeSet<String>,
    /// How far each unfinished job was.
    jobs: BTreeMap<String, String>,
    waiting: Vec<Changed>,
}

impl Listener {
    /// The next change; `None` when there is nobody to tell any more.
    async fn next(&mut self) -> Option<Changed> {
        loop {
            if let Some(changed) = self.waiting.pop() {
                return Some(changed);
            }
            tokio::select! {
                _ = tokio::time::sleep(EVERY) => {}
                _ = self.stopping.wait_for(|stop| *stop) => return None,
            }
            // Who was shut out meanwhile hears nothing more.
            let caller = match Caller::recognise(&self.app, &self.headers, &Method::GET).await {
                Ok(caller) => caller,
                Err(problem) if problem.status == 503 => continue,
                Err(_) => return None,
            };
            let internal = caller.access().may(Verb::ReadInternal);
            let (since, seen, jobs) = (
                self.since,
                std::mem::take(&mut self.seen),
                std::mem::take(&mut self.jobs),
            );
            let look = move |desk: &Desk, access: &Access| match internal {
                true => look(desk, access, since, seen, jobs),
                false => look_from_outside(desk, access, since, &seen),
            };
            match caller.ask(look).await {
                Ok(seen) => {
                    self.since = seen.since;
                    self.seen = seen.seen;
                    self.jobs = seen.jobs;
                    self.waiting = seen.changed;
                    self.waiting.reverse();
                }
                Err(problem) if problem.status == 503 => {}
                Err(_) => return None,
            }
        }
    }
}

/// What one look saw.
struct Seen {
    since: Time,
    seen: BTreeSet<String>,
    jobs: BTreeMap<String, String>,
    changed: Vec<Changed>,
}

fn look(
    desk: &Desk,
    access: &Access,
    since: Time,
    before: BTreeSet<String>,
    jobs_before: BTreeMap<String, String>,
) -> vigie_desk::Result<Seen> {
    // Records of transactions that ended late stand a little in the past.
    let filter = JournalFilter {
        since: Some(since.plus_seconds(-LATE)),
        ..JournalFilter::default()
    };
    let page = audit::list(desk, access, &filter, &PageRequest::first(AT_ONCE))?;
    let latest = page.items.first().map_or(since, |entry| entry.at);
    let name = |entry: &audit::Entry| format!("{} {}", entry.chain, entry.seq);
    let mut changed = Vec::new();
    for entry in page.items.iter().rev() {
        if before.contains(&name(entry)) {
            continue;
        }
        changed.push(Changed {
            kind: entry.subject.kind.clone(),
            id: entry.subject.id.clone(),
            tenant_id: entry
                .chain
                .parse::<TenantId>()
                .ok()
                .map(|tenant| tenant.to_string()),
            action: entry.action.clone(),
        });
    }
    if page.next.is_some() {
        changed = vec![everything()];
    }
    let mut now_jobs = BTreeMap::new();
    for state in [JobState::Queued, JobState::Running] {
        let filter = JobFilter {
            state: Some(state),
            ..JobFilter::default()
        };
        for job in jobs::list(desk, access, &filter, &PageRequest::first(AT_ONCE))?.items {
            let progress = format!(
                "{state} {} {} {}",
                job.progress.phase, job.progress.done, job.progress.total
            );
            let id = job.id.to_string();
            if jobs_before.get(&id) != Some(&progress) {
                changed.push(job_changed(&id, job.tenant_id.as_ref(), "job.progress"));
            }
            now_jobs.insert(id, progress);
        }
    }
    // What is no longer on its way has ended.
    for id in jobs_before.keys().filter(|id| !now_jobs.contains_key(*id)) {
        changed.push(job_changed(id, None, "job.end"));
    }
    let seen = page.items.iter().map(name).collect();
    Ok(Seen {
        since: latest,
        seen,
        jobs: now_jobs,
        changed,
    })
}

/// What a client's own person is told.
fn look_from_outside(
    desk: &Desk,
    access: &Access,
    since: Time,
    before: &BTreeSet<String>,
) -> vigie_desk::Result<Seen> {
    let (found, more) = changes::since(desk, access, since.plus_seconds(-LATE), AT_ONCE)?;
    let mut changed: Vec<Changed> = Vec::new();
    for change in found.iter().rev() {
        let told = Changed {
            kind: change.kind.into(),
            id: change.id.clone(),
            tenant_id: change.tenant_id.as_ref().map(ToString::to_string),
            action: "changed".into(),
        };
        // How often something was touched is not told.
        if !before.contains(&change.record) && !changed.contains(&told) {
            changed.push(told);
        }
    }
    if more {
        changed = vec![everything()];
    }
    Ok(Seen {
        since: found.first().map_or(since, |change| change.at),
        seen: found.into_iter().map(|change| change.record).collect(),
        jobs: BTreeMap::new(),
        changed,
    })
}

/// Too much changed to name it.
fn everything() -> Changed {
    Changed {
        kind: "all".into(),
        id: String::new(),
        tenant_id: None,
        action: String::new(),
    }
}

fn job_changed(id: &str, tenant: Option<&TenantId>, action: &str) -> Changed {
    Changed {
        kind: "job".into(),
        id: id.to_owned(),
        tenant_id: tenant.map(ToString::to_string),
        action: action.into(),
    }
}
