//! Jobs as workers see them.

use serde_json::Value as Json;

use super::store::{Job, Progress, happened, read};
use crate::db::{Sql, params};
use crate::desk::Tx;
use crate::worker::End;
use crate::{Desk, Error, JobId, Result};

/// Seconds until the second attempt; each further one waits four times as long, up to an hour.
const BACK_OFF: i64 = 10;
const LONGEST_BACK_OFF: i64 = 3_600;

/// A job in a worker's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: Job,
    /// Seconds the lease lasts from each heartbeat.
    pub lease_seconds: i64,
}

/// What a heartbeat brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Go on.
    Go,
    /// Somebody wants it stopped: stop, then [`fail`] it.
    Stop,
}

/// Takes the next job of one of these kinds, if there is one.
pub fn claim(desk: &Desk, worker: &str, kinds: &[&str], lease_seconds: i64) -> Result<Option<Claim>> {
    desk.write(|tx| {
        give_up(tx)?;
        let mut sql = Sql::new("UPDATE job SET state = 'running', attempts = attempts + 1, worker = ");
        sql.bind(worker)
            .push(", lease_until = ")
            .bind(tx.now.plus_seconds(lease_seconds));
        sql.push(", started_at = ").bind(tx.now);
        sql.push(", progress = '{}' WHERE id = (SELECT id FROM job WHERE ")
            .one_of("kind", kinds.iter().copied());
        sql.push(" AND ((state = 'queued' AND run_after <= ").bind(tx.now);
        sql.push(") OR (state = 'running' AND lease_until <= ")
            .bind(tx.now);
        sql.push(")) AND state IN ('queued', 'running') ORDER BY priority DESC, created_at, id LIMIT 1");
        sql.push(desk.skip_locked()).push(") RETURNING id");
        let Some(row) = tx.rows(&sql)?.into_iter().next() else {
            return Ok(None);
        };
        let id: JobId = row.reader().get()?;
        let job = read(tx, &id)?;
        happened(
            tx,
            &id,
            "started",
            &format!("{worker}, attempt {} of {}", job.attempts, job.most_attempts),
        )?;
        Ok(Some(Claim { job, lease_seconds }))
    })
}

/// Jobs whose worker died at their last attempt, or was told to stop, end.
fn give_up(tx: &mut Tx<'_>) -> Result<()> {
    let died = "the worker died: it stopped giving signs of life";
    let rows = tx.query(
        "UPDATE job SET state = CASE WHEN cancelling = 1 THEN 'cancelled' ELSE 'failed' END, error = $2, \
         finished_at = $1, lease_until = NULL \
         WHERE state = 'running' AND lease_until <= $1 AND (attempts >= most_attempts OR cancelling = 1) RETURNING id",
        params![tx.now, died],
    )?;
    for row in rows {
        let id: JobId = row.reader().get()?;
        happened(tx, &id, "lost", died)?;
    }
    Ok(())
}

/// At the start of a process that is known to be alone: what its predecessor left running is taken up at once, rather
/// than when the leases are over.
pub fn recover(desk: &Desk, worker: &str) -> Result<u64> {
    desk.write(|tx| {
        tx.execute(
            "UPDATE job SET lease_until = $2 WHERE state = 'running' AND worker = $1 AND lease_until > $2",
            params![worker, tx.now],
        )
    })
}

/// Makes sure that the lease is still ours, that is, that the attempt is the one we began; and ends it.
fn end_lease(tx: &mut Tx<'_>, claim: &Claim) -> Result<()> {
    let ended = tx.execute(
        "UPDATE job SET lease_until = NULL WHERE state = 'running' AND id = $1 AND attempts = $2 AND worker = $3",
        params![&claim.job.id, claim.job.attempts, claim.job.worker.as_ref()],
    )?;
    match ended {
        0 => Err(Error::state(LOST)),
        _ => Ok(()),
    }
}

pub(super) const LOST: &str = "the job was taken by another worker: this one was silent for too long";

/// Says that the worker lives, and how far it is.
///
/// # Errors
/// When another worker has the job by now: stop at once.
pub fn heartbeat(desk: &Desk, claim: &Claim, progress: &Progress) -> Result<Beat> {
    desk.write(|tx| {
        let text = serde_json::json!(progress).to_string();
        let row = tx.one(
            "UPDATE job SET lease_until = $4, progress = $5 \
             WHERE state = 'running' AND id = $1 AND attempts = $2 AND worker = $3 RETURNING cancelling",
            params![
                &claim.job.id,
                claim.job.attempts,
                claim.job.worker.as_ref(),
                tx.now.plus_seconds(claim.lease_seconds),
                text.as_str(),
            ],
        )?;
        let cancelling: bool = row.ok_or_else(|| Error::state(LOST))?.reader().get()?;
        Ok(if cancelling { Beat::Stop } else { Beat::Go })
    })
}

/// Ends a job as `work` says, which is also what it changes: kept in the same transaction, or not at all.
///
/// # Errors
/// When another worker has the job by now: nothing of `work` is kept.
pub(crate) fn complete_with(
    desk: &Desk,
    claim: &Claim,
    mut work: impl FnMut(&mut Tx<'_>) -> Result<End>,
) -> Result<Job> {
    desk.write(|tx| {
        end_lease(tx, claim)?;
        let End::Done(result) = work(tx)? else {
            give_back(tx, &claim.job.id, "it begins anew")?;
            return read(tx, &claim.job.id);
        };
        tx.execute(
            "UPDATE job SET state = 'done', result = $2, error = NULL, finished_at = $3 WHERE id = $1",
            params![&claim.job.id, result.to_string(), tx.now],
        )?;
        happened(tx, &claim.job.id, "done", "")?;
        read(tx, &claim.job.id)
    })
}

/// Whether this attempt ended well.
pub(crate) fn is_done(desk: &Desk, claim: &Claim) -> Result<bool> {
    let row = desk.read(|tx| {
        tx.one(
            "SELECT 1 FROM job WHERE id = $1 AND attempts = $2 AND worker = $3 AND state = 'done'",
            params![&claim.job.id, claim.job.attempts, claim.job.worker.as_ref()],
        )
    })?;
    Ok(row.is_some())
}

/// Ends a job well.
///
/// # Errors
/// When another worker has the job by now.
pub fn complete(desk: &Desk, claim: &Claim, result: &Json) -> Result<Job> {
    complete_with(desk, claim, |_| Ok(End::Done(result.clone())))
}

/// Gives a job back as if it had not been begun: its worker ends, and not because of it. One that was to be stopped is.
///
/// # Errors
/// When another worker has the job by now.
pub fn release(desk: &Desk, claim: &Claim) -> Result<Job> {
    desk.write(|tx| {
        end_lease(tx, claim)?;
        give_back(tx, &claim.job.id, "its worker ends")?;
        read(tx, &claim.job.id)
    })
}

fn give_back(tx: &mut Tx<'_>, id: &JobId, why: &str) -> Result<()> {
    tx.execute(
        "UPDATE job SET state = CASE WHEN cancelling = 1 THEN 'cancelled' ELSE 'queued' END, \
         finished_at = CASE WHEN cancelling = 1 THEN CAST($2 AS BIGINT) ELSE NULL END, attempts = attempts - 1, run_after = $2 \
         WHERE id = $1",
        params![id, tx.now],
    )?;
    happened(tx, id, "released", why)
}

/// Says that an attempt failed. The job is tried again later, unless it was to be stopped, its attempts are used up, or
/// `for_good`.
///
/// # Errors
/// When another worker has the job by now.
pub fn fail(desk: &Desk, claim: &Claim, error: &str, for_good: bool) -> Result<Job> {
    desk.write(|tx| {
        end_lease(tx, claim)?;
        let job = read(tx, &claim.job.id)?;
        let error: String = error.chars().take(4_000).collect();
        if job.cancelling {
            tx.execute(
                "UPDATE job SET state = 'cancelled', error = $2, finished_at = $3 WHERE id = $1",
                params![&job.id, &error, tx.now],
            )?;
            happened(tx, &job.id, "cancelled", &error)?;
        } else if for_good || job.attempts >= job.most_attempts {
            tx.execute(
                "UPDATE job SET state = 'failed', error = $2, finished_at = $3 WHERE id = $1",
                params![&job.id, &error, tx.now],
            )?;
            happened(tx, &job.id, "failed", &error)?;
        } else {
            let wait = back_off(job.attempts);
            tx.execute(
                "UPDATE job SET state = 'queued', error = $2, run_after = $3 WHERE id = $1",
                params![&job.id, &error, tx.now.plus_seconds(wait)],
            )?;
            happened(tx, &job.id, "failed", &format!("{error}; again in {wait} s"))?;
        }
        read(tx, &job.id)
    })
}

/// Seconds to wait after so many attempts.
fn back_off(attempts: i64) -> i64 {
    let fourfold = (attempts - 1).clamp(0, 8) as u32;
    (BACK_OFF * 4_i64.pow(fourfold)).min(LONGEST_BACK_OFF)
}
