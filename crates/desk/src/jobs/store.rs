//! Jobs as people see them.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::audit::{self, Act};
use crate::db::{Order, Reader, Sql, params};
use crate::desk::Tx;
use crate::words::words;
use crate::{Access, Actor, CampaignId, Desk, Error, JobId, Page, PageRequest, Result, TenantId, Time, Verb};

words!(
    /// Where a job stands.
    JobState {
        /// It waits.
        Queued = "queued",
        /// A worker is on it.
        Running = "running",
        /// It ended well.
        Done = "done",
        /// It failed for good.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
);

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Progress {
    /// What it is doing: `unpacking`, `hunting`, ...
    pub phase: String,
    /// How much of it is done, in units of its own.
    pub done: u64,
    /// How much there is; 0 when it is not known.
    pub total: u64,
}

/// A job to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// What kind of work: `hunt`, ...
    pub kind: String,
    /// Whose it is about.
    pub tenant_id: Option<TenantId>,
    /// The campaign it is about.
    pub campaign_id: Option<CampaignId>,
    /// What exactly to do.
    pub payload: Json,
    /// While one with this name waits or runs, no other does.
    pub dedupe: Option<String>,
    /// Higher ones go first.
    pub priority: i64,
    /// How often it is tried.
    pub most_attempts: i64,
    /// The right it takes to ask for it, and to cancel it.
    pub verb: Verb,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Job {
    /// Its identifier.
    pub id: JobId,
    /// What kind of work.
    pub kind: String,
    /// Whose it is about.
    pub tenant_id: Option<TenantId>,
    /// The campaign it is about.
    pub campaign_id: Option<CampaignId>,
    /// What exactly to do.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub payload: Json,
    /// Where it stands.
    pub state: JobState,
    /// Higher ones go first.
    pub priority: i64,
    /// How often it was begun.
    pub attempts: i64,
    /// How often it is begun at most.
    pub most_attempts: i64,
    /// Not before this moment.
    pub run_after: Time,
    /// Until when its worker is believed to live.
    pub lease_until: Option<Time>,
    /// Who is on it, or last was.
    pub worker: Option<String>,
    /// Whether it was told to stop.
    pub cancelling: bool,
    /// How far it is.
    pub progress: Progress,
    /// What came out.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub result: Option<Json>,
    /// What went wrong last.
    pub error: Option<String>,
    /// Who asked for it.
    pub asked_by: Actor,
    /// When it was asked for.
    pub created_at: Time,
    /// When it was last begun.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
}

impl Job {
    pub(super) const COLUMNS: &str = "id, kind, tenant_id, campaign_id, payload, state, priority, attempts, \
         most_attempts, run_after, lease_until, worker, cancelling, progress, result, error, asked_by, created_at, \
         started_at, finished_at";

    pub(super) fn read(row: &mut Reader) -> Result<Job> {
        Ok(Job {
            id: row.get()?,
            kind: row.get()?,
            tenant_id: row.get()?,
            campaign_id: row.get()?,
            payload: row.json()?,
            state: row.get()?,
            priority: row.get()?,
            attempts: row.get()?,
            most_attempts: row.get()?,
            run_after: row.get()?,
            lease_until: row.get()?,
            worker: row.get()?,
            cancelling: row.get()?,
            progress: row.json()?,
            result: row
                .get::<Option<String>>()?
                .and_then(|text| serde_json::from_str(&text).ok()),
            error: row.get()?,
            asked_by: row.json()?,
            created_at: row.get()?,
            started_at: row.get()?,
            finished_at: row.get()?,
        })
    }
}

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobEvent {
    /// Its number, from 1.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// `queued`, `started`, `progress`, `lost`, `failed`, `cancelling`, `done`, ...
    pub kind: String,
    /// What, in words.
    pub text: String,
}

/// Which jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// In this state.
    pub state: Option<JobState>,
    /// About this tenant.
    #[serde(rename = "tenant")]
    pub tenant_id: Option<TenantId>,
    /// About this campaign.
    #[serde(rename = "campaign")]
    pub campaign_id: Option<CampaignId>,
}

/// Puts a job into the queue; when one of its name waits or runs, that one is given back.
pub fn enqueue(desk: &Desk, access: &Access, new: &NewJob) -> Result<Job> {
    match &new.tenant_id {
        Some(tenant) => access.require_in(new.verb, tenant, "tenant")?,
        None => access.require_everywhere(new.verb)?,
    }
    desk.write(|tx| put(tx, access, new))
}

/// The same within a transaction. The rights were looked at.
pub(crate) fn put(tx: &mut Tx<'_>, access: &Access, new: &NewJob) -> Result<Job> {
    let id = JobId::new(tx.now, tx.entropy);
    let put = tx.execute(
        "INSERT INTO job (id, kind, tenant_id, campaign_id, payload, dedupe, state, priority, attempts, most_attempts, \
         run_after, cancelling, progress, asked_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, 0, $8, $9, 0, '{}', $10, $9) \
         ON CONFLICT (dedupe) WHERE state IN ('queued', 'running') DO NOTHING",
        params![
            &id,
            &new.kind,
            new.tenant_id.as_ref(),
            new.campaign_id.as_ref(),
            new.payload.to_string(),
            new.dedupe.as_ref(),
            new.priority,
            new.most_attempts.max(1),
            tx.now,
            json!(access.actor()).to_string(),
        ],
    )?;
    if put == 0 {
        let sql = format!(
            "SELECT {} FROM job WHERE dedupe = $1 AND state IN ('queued', 'running')",
            Job::COLUMNS
        );
        let row = tx.one(&sql, params![new.dedupe.as_ref()])?;
        let row = row.ok_or(Error::Unavailable("another such job just ended".into()))?;
        return Job::read(&mut row.reader());
    }
    happened(tx, &id, "queued", "")?;
    let job = read(tx, &id)?;
    recorded(tx, access, &job, "job.enqueue")?;
    Ok(job)
}

/// One job.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &JobId) -> Result<Job> {
    access.require(Verb::ReadInternal)?;
    desk.read(|tx| find(tx, access, id))
}

/// Jobs, newest first.
pub fn list(desk: &Desk, access: &Access, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>> {
    access.require(Verb::ReadInternal)?;
    let limit = page.limit()?;
    let after: Option<(i64, String)> = page.after()?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Job::COLUMNS)
        .push(" FROM job WHERE ")
        .tenants("tenant_id", access);
    if let Some(kind) = &filter.kind {
        sql.push(" AND kind = ").bind(kind);
    }
    if let Some(state) = filter.state {
        sql.push(" AND state = ").bind(state);
    }
    if let Some(tenant) = &filter.tenant_id {
        sql.push(" AND tenant_id = ").bind(tenant);
    }
    if let Some(campaign) = &filter.campaign_id {
        sql.push(" AND campaign_id = ").bind(campaign);
    }
    sql.page(["created_at", "id"], Order::Falling, after, limit);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let jobs: Result<Vec<Job>> = rows.into_iter().map(|row| Job::read(&mut row.reader())).collect();
    Page::of(jobs?, limit, |job| (job.created_at.micros(), job.id.clone()))
}

/// What happened to a job after event number `after`, at most a thousand.
pub fn events(desk: &Desk, access: &Access, id: &JobId, after: i64) -> Result<Vec<JobEvent>> {
    access.require(Verb::ReadInternal)?;
    let rows = desk.read(|tx| {
        find(tx, access, id)?;
        tx.query(
            "SELECT seq, at, kind, text FROM job_event WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT 1000",
            params![id, after],
        )
    })?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.reader();
            Ok(JobEvent {
                seq: row.get()?,
                at: row.get()?,
                kind: row.get()?,
                text: row.get()?,
            })
        })
        .collect()
}

/// Stops a job: at once when it waits, at its worker's next heartbeat when it runs.
///
/// # Errors
/// When it ended already.
pub fn cancel(desk: &Desk, access: &Access, id: &JobId) -> Result<Job> {
    desk.write(|tx| {
        find(tx, access, id)?;
        access.require(Verb::Hunt)?;
        let waited = tx.execute(
            "UPDATE job SET state = 'cancelled', finished_at = $2 WHERE id = $1 AND state = 'queued'",
            params![id, tx.now],
        )?;
        let running = tx.execute(
            "UPDATE job SET cancelling = 1 WHERE id = $1 AND state = 'running'",
            params![id],
        )?;
        match (waited, running) {
            (0, 0) => return Err(Error::state("the job has ended already")),
            (0, _) => happened(tx, id, "cancelling", &access.actor().name)?,
            _ => happened(tx, id, "cancelled", &access.actor().name)?,
        }
        let job = read(tx, id)?;
        recorded(tx, access, &job, "job.cancel")?;
        Ok(job)
    })
}

/// Puts a job that failed or was stopped back into the queue, with all its attempts.
///
/// # Errors
/// When it did not, or another of its name waits or runs.
pub fn retry(desk: &Desk, access: &Access, id: &JobId) -> Result<Job> {
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Hunt)?;
        let other = tx.one(
            "SELECT o.id FROM job o JOIN job j ON j.dedupe = o.dedupe WHERE j.id = $1 AND o.id <> $1 \
             AND o.state IN ('queued', 'running')",
            params![id],
        )?;
        if other.is_some() || !matches!(before.state, JobState::Failed | JobState::Cancelled) {
            return Err(Error::state("only a job that failed or was stopped, and has no successor, is tried again"));
        }
        tx.execute(
            "UPDATE job SET state = 'queued', attempts = 0, cancelling = 0, run_after = $2, finished_at = NULL, \
             progress = '{}' WHERE id = $1",
            params![id, tx.now],
        )?;
        happened(tx, id, "queued", &access.actor().name)?;
        let job = read(tx, id)?;
        recorded(tx, access, &job, "job.retry")?;
        Ok(job)
    })
}

/// Lets a job of this name that waits or runs begin anew, from what `anew` makes of how far it came. False: there is none.
pub(crate) fn begin_anew(tx: &mut Tx<'_>, dedupe: &str, anew: impl Fn(&str) -> String) -> Result<bool> {
    // Written, so that a worker who would go on meanwhile waits.
    let rows = tx.query(
        "UPDATE job SET attempts = attempts WHERE dedupe = $1 AND state IN ('queued', 'running') RETURNING id, checkpoint",
        params![dedupe],
    )?;
    let is_there = !rows.is_empty();
    for row in rows {
        let mut row = row.reader();
        let (id, checkpoint): (JobId, String) = (row.get()?, row.get()?);
        tx.execute(
            "UPDATE job SET checkpoint = $2 WHERE id = $1",
            params![&id, anew(&checkpoint)],
        )?;
    }
    Ok(is_there)
}

/// How far a job came, for a worker that has it. Others who would change that wait until the transaction ends.
///
/// # Errors
/// When another worker has it by now.
pub(crate) fn checkpoint(tx: &mut Tx<'_>, job: &Job) -> Result<String> {
    let row = tx.one(
        "UPDATE job SET attempts = attempts WHERE state = 'running' AND id = $1 AND attempts = $2 AND worker = $3 \
         RETURNING checkpoint",
        params![&job.id, job.attempts, job.worker.as_ref()],
    )?;
    row.ok_or_else(|| Error::state(super::queue::LOST))?
        .reader()
        .get()
}

/// Keeps how far it came, together with what was done until there.
pub(crate) fn set_checkpoint(tx: &mut Tx<'_>, job: &Job, checkpoint: &str) -> Result<()> {
    tx.execute(
        "UPDATE job SET checkpoint = $2 WHERE id = $1",
        params![&job.id, checkpoint],
    )?;
    Ok(())
}

fn find(tx: &mut Tx<'_>, access: &Access, id: &JobId) -> Result<Job> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Job::COLUMNS).push(" FROM job WHERE id = ").bind(id);
    sql.push(" AND ").tenants("tenant_id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    Job::read(&mut row.ok_or(Error::NotFound { what: "job" })?.reader())
}

pub(super) fn read(tx: &mut Tx<'_>, id: &JobId) -> Result<Job> {
    let sql = format!("SELECT {} FROM job WHERE id = $1", Job::COLUMNS);
    let row = tx.one(&sql, params![id])?;
    Job::read(&mut row.ok_or(Error::NotFound { what: "job" })?.reader())
}

/// Notes what happened to a job, which whoever watches it reads.
pub(super) fn happened(tx: &mut Tx<'_>, id: &JobId, kind: &str, text: &str) -> Result<()> {
    let text: String = text.chars().take(2_000).collect();
    tx.execute(
        "INSERT INTO job_event (job_id, seq, at, kind, text) \
         VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM job_event WHERE job_id = $1), $2, $3, $4)",
        params![id, tx.now, kind, text],
    )?;
    Ok(())
}

fn recorded(tx: &mut Tx<'_>, access: &Access, job: &Job, action: &str) -> Result<()> {
    let act = Act {
        tenant: job.tenant_id.as_ref(),
        action,
        subject: ("job", job.id.as_str()),
        campaign: job.campaign_id.as_ref(),
        text: "",
        details: json!({"kind": job.kind}),
    };
    audit::record(tx, access, &act).map(|_| ())
}
