//! Workers: threads that take jobs from the queue and do them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::desk::Tx;
use crate::jobs::{self, Beat, Claim, Job, JobState, Progress};
use crate::{Access, Desk, Error, Result};

/// Seconds a lease lasts. A worker beats three times as often.
const LEASE: i64 = 60;
/// How long a database may be away before what a job found is given up, and the job is done again.
const LONGEST_AWAY: Duration = Duration::from_secs(600);
/// How long to wait before it is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// What a job changes in the end. It may be called more than once, and is kept once.
pub type Work = Box<dyn FnMut(&mut Tx<'_>) -> Result<End>>;

/// How a job ends.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Well, with what it says.
    Done(Json),
    /// What it was asked for changed at the last moment: it waits again, and no attempt is used up by that.
    Anew,
}

/// What a job came to.
pub enum Outcome {
    /// It ended well: what it changes, to be kept together with its end, and what it says.
    Done(Work),
    /// It failed, and may be tried again.
    Failed(String),
    /// It failed, and would fail again.
    Hopeless(String),
}

/// Does jobs of one kind.
pub trait Handler: Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static str;
    /// Does one. Looks at [`Pulse::is_stopping`] often.
    fn run(&self, desk: &Desk, job: &Job, pulse: &Arc<Pulse>) -> Outcome;
    /// Called when one failed for good or was stopped, to say so where people look. It may not be, when the process dies.
    ///
    /// # Errors
    /// When the database is away.
    fn ended_badly(&self, _desk: &Desk) -> Result<()> {
        Ok(())
    }
}

/// Between a worker and its heartbeat.
#[derive(Debug, Default)]
pub struct Pulse {
    stopping: Arc<AtomicBool>,
    phase: Mutex<String>,
    done: AtomicU64,
    total: AtomicU64,
    ended: Mutex<bool>,
    woken: Condvar,
}

impl Pulse {
    /// Whether to stop: somebody said so, or the lease is lost.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// The same, for code that looks by itself.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stopping)
    }

    /// A new phase begins, of so many units; 0 when nobody knows.
    pub fn phase(&self, phase: &str, total: u64) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase.to_owned();
        self.done.store(0, Ordering::SeqCst);
        self.total.store(total, Ordering::SeqCst);
    }

    /// How many units there are, now that it is known.
    pub fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::SeqCst);
    }

    /// So many more are done.
    pub fn advance(&self, units: u64) {
        self.done.fetch_add(units, Ordering::SeqCst);
    }

    fn progress(&self) -> Progress {
        Progress {
            phase: self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            done: self.done.load(Ordering::SeqCst),
            total: self.total.load(Ordering::SeqCst),
        }
    }

    /// Beats until the job has ended.
    fn beat(&self, desk: &Desk, claim: &Claim, stop: &AtomicBool) {
        let every = Duration::from_secs((claim.lease_seconds / 3).max(1) as u64).min(Duration::from_secs(2));
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended {
            (ended, _) = self
                .woken
                .wait_timeout(ended, every)
                .unwrap_or_else(PoisonError::into_inner);
            if *ended {
                return;
            }
            if stop.load(Ordering::SeqCst) {
                self.stopping.store(true, Ordering::SeqCst);
            }
            // A database that is away for a moment is no reason to stop; a lease that went to somebody else is.
            match jobs::heartbeat(desk, claim, &self.progress()) {
                Ok(Beat::Go) | Err(Error::Unavailable(_) | Error::Uncertain) => {}
                Ok(Beat::Stop) | Err(_) => self.stopping.store(true, Ordering::SeqCst),
            }
        }
    }

    fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.woken.notify_all();
    }
}

/// Takes one job and does it. `None`: there was none.
///
/// # Errors
/// When the database is away, or the job went to another worker meanwhile.
pub fn run_one(
    desk: &Desk,
    worker: &str,
    handlers: &[&dyn Handler],
    stop: &AtomicBool,
) -> Result<Option<Job>> {
    let kinds: Vec<&str> = handlers.iter().map(|handler| handler.kind()).collect();
    let Some(claim) = jobs::claim(desk, worker, &kinds, LEASE)? else {
        return Ok(None);
    };
    let Some(handler) = handlers.iter().find(|handler| handler.kind() == claim.job.kind) else {
        return jobs::fail(desk, &claim, "nobody here does this kind of work", false).map(Some);
    };
    let pulse = Arc::new(Pulse::default());
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| pulse.beat(desk, &claim, stop));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            handler.run(desk, &claim.job, &pulse)
        }));
        let ended = end(desk, &claim, outcome, stop);
        pulse.end();
        ended
    });
    let job = ended?;
    if matches!(job.state, JobState::Failed | JobState::Cancelled) {
        handler.ended_badly(desk)?;
    }
    Ok(Some(job))
}

/// Ends a job as its outcome says.
fn end(desk: &Desk, claim: &Claim, outcome: std::thread::Result<Outcome>, stop: &AtomicBool) -> Result<Job> {
    // Stopped because the process ends, not because somebody wants the job stopped: another worker is to have it.
    let leaving = stop.load(Ordering::SeqCst);
    match outcome {
        Ok(Outcome::Done(mut work)) => match keep(desk, claim, &mut work, stop) {
            Err(error @ (Error::Unavailable(_) | Error::Uncertain)) => Err(error),
            // What was worked out cannot be kept: that is a failure of the attempt.
            Err(error) => jobs::fail(desk, claim, &error.to_string(), false),
            done => done,
        },
        Ok(Outcome::Failed(_)) if leaving => jobs::release(desk, claim),
        Ok(Outcome::Failed(why)) => jobs::fail(desk, claim, &why, false),
        Ok(Outcome::Hopeless(why)) => jobs::fail(desk, claim, &why, true),
        Err(_) => jobs::fail(
            desk,
            claim,
            "it panicked: a mistake of ours, please report it",
            true,
        ),
    }
}

/// Keeps what a job found. Hours of work are not thrown away because the database is away for a moment.
fn keep(desk: &Desk, claim: &Claim, work: &mut Work, stop: &AtomicBool) -> Result<Job> {
    let until = Instant::now() + LONGEST_AWAY;
    let mut uncertain = false;
    loop {
        let error = match jobs::complete_with(desk, claim, |tx| work(tx)) {
            Err(error @ (Error::Unavailable(_) | Error::Uncertain)) => error,
            // It was kept the time before, when nobody could tell.
            Err(Error::State { .. }) if uncertain && jobs::is_done(desk, claim)? => {
                return jobs::get(desk, &Access::system("worker"), &claim.job.id);
            }
            other => return other,
        };
        uncertain |= matches!(error, Error::Uncertain);
        if stop.load(Ordering::SeqCst) || Instant::now() >= until {
            return Err(error);
        }
        std::thread::sleep(AGAIN);
    }
}

/// Does jobs until `stop` is set; one that is being done then goes back to the queue as it was. When there are none it looks again after `pause`.
pub fn run(desk: &Desk, worker: &str, handlers: &[&dyn Handler], stop: &AtomicBool, pause: Duration) {
    while !stop.load(Ordering::SeqCst) {
        match run_one(desk, worker, handlers, stop) {
            Ok(Some(_)) => {}
            // The next look may find the database back, and lost jobs are somebody else's by now.
            Ok(None) | Err(_) => std::thread::sleep(pause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::Verb;
    use crate::jobs::NewJob;
    use crate::testing::{analyst, on_each_database};

    /// Has something to keep, for which the database is away at first.
    struct Keeper(Arc<AtomicUsize>);

    impl Handler for Keeper {
        fn kind(&self) -> &'static str {
            "keep"
        }

        fn run(&self, _: &Desk, _: &Job, _: &Arc<Pulse>) -> Outcome {
            let tried = Arc::clone(&self.0);
            Outcome::Done(Box::new(move |_| match tried.fetch_add(1, Ordering::SeqCst) {
                0..8 => Err(Error::Unavailable("away".into())),
                _ => Ok(End::Done(serde_json::json!({"kept": true}))),
            }))
        }
    }

    #[test]
    fn what_a_job_found_is_kept_when_the_database_is_back() {
        on_each_database(|bench| {
            let new = NewJob {
                kind: "keep".into(),
                tenant_id: Some(bench.tenant("Client")),
                campaign_id: None,
                payload: serde_json::json!({}),
                dedupe: None,
                priority: 0,
                most_attempts: 1,
                verb: Verb::Hunt,
            };
            jobs::enqueue(&bench.desk, &analyst(), &new).unwrap();
            let keeper = Keeper(Arc::default());
            let handlers: [&dyn Handler; 1] = [&keeper];
            let done = run_one(&bench.desk, "w1", &handlers, &AtomicBool::new(false))
                .unwrap()
                .unwrap();
            assert_eq!((done.state, done.attempts), (JobState::Done, 1));
            assert_eq!(keeper.0.load(Ordering::SeqCst), 9, "kept once");
        });
    }
}
