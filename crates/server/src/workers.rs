//! Threads beside the requests: hunts, and what has to be done now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use vigie_desk::hunts::{self, HuntHandler};
use vigie_desk::{Access, Desk, Result, audit, cells, evidence, jobs, uploads, worker};

/// How often a worker looks for a job.
const PAUSE: Duration = Duration::from_millis(500);
/// How often answers that became too old are turned into unknown ones.
const SWEEP: Duration = Duration::from_secs(30);
/// How often everything else is looked after.
const TIDY: Duration = Duration::from_secs(3_600);
/// Cells swept at once.
const CELLS: u32 = 1_000;

/// The threads.
pub(crate) struct Workers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts so many workers. `alone`: no other process works on this database.
    pub(crate) fn start(desk: &Desk, count: usize, alone: bool) -> Result<Workers> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for number in 0..count {
            // A name that stays tells a worker's own jobs from before; where others work too it must be nobody else's.
            let name = match alone {
                true => format!("serve-{number}"),
                false => format!("serve-{}-{}-{number}", desk.now().micros(), std::process::id()),
            };
            if alone {
                let taken = jobs::recover(desk, &name)?;
                if taken > 0 {
                    tracing::warn!(
                        jobs = taken,
                        "what was running when the server ended is taken up again"
                    );
                }
            }
            let (desk, stop) = (desk.clone(), Arc::clone(&stop));
            threads.push(std::thread::spawn(move || {
                let hunting = HuntHandler::default();
                worker::run(&desk, &name, &[&hunting], &stop, PAUSE);
            }));
        }
        let (desk, flag) = (desk.clone(), Arc::clone(&stop));
        threads.push(std::thread::spawn(move || look_after(&desk, &flag)));
        Ok(Workers { stop, threads })
    }

    /// Tells them to stop, and waits so long. A hunt that does not end in time is taken up again at the next start.
    pub(crate) fn stop(self, most: Duration) {
        self.stop.store(true, Ordering::SeqCst);
        let until = Instant::now() + most;
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            if Instant::now() >= until {
                tracing::warn!("a hunt is still running: it will be taken up again at the next start");
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Does what has to be done now and then, until `stop`.
fn look_after(desk: &Desk, stop: &AtomicBool) {
    let mut swept: Option<Instant> = None;
    let mut tidied: Option<Instant> = None;
    let due = |last: Option<Instant>, every: Duration| last.is_none_or(|at| at.elapsed() >= every);
    while !stop.load(Ordering::SeqCst) {
        if due(swept, SWEEP) {
            tell("sweeping stale cells", cells::sweep(desk, CELLS));
            swept = Some(Instant::now());
        }
        if due(tidied, TIDY) {
            tell("giving up forgotten uploads", uploads::sweep(desk));
            tell(
                "deleting evidence whose retention is over",
                evidence::expire(desk),
            );
            tell("removing what hunts left open", hunts::clean(desk));
            tell("publishing a root", publish_root(desk));
            tidied = Some(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Publishes a root over all chains once a day.
fn publish_root(desk: &Desk) -> Result<usize> {
    let access = Access::system("roots");
    let latest = audit::roots(desk, &access)?.into_iter().map(|root| root.at).max();
    if latest.is_some_and(|at| desk.now() < at.plus_hours(24)) {
        return Ok(0);
    }
    audit::publish_root(desk, &access).map(|_| 1)
}

fn tell(what: &str, outcome: Result<usize>) {
    match outcome {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "{what}"),
        Err(error) => tracing::error!(%error, "{what}"),
    }
}
