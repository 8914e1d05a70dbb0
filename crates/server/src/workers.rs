//! Threads beside the requests: hunts, and what has to be done now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use vigie_desk::hunts::HuntHandler;
use vigie_desk::rejudge::RejudgeHandler;
use vigie_desk::{Desk, Result, jobs, maintenance, worker};

/// How often a worker looks for a job.
const PAUSE: Duration = Duration::from_millis(500);
/// How often what must be done now and then is done.
const MAINTENANCE: Duration = Duration::from_secs(60);

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
                worker::run(&desk, &name, &[&hunting, &RejudgeHandler], &stop, PAUSE);
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
    let mut last: Option<Instant> = None;
    while !stop.load(Ordering::SeqCst) {
        if last.is_none_or(|at| at.elapsed() >= MAINTENANCE) {
            match maintenance::run(desk) {
                Ok(done) if done == maintenance::Done::default() => {}
                Ok(done) => tracing::info!(
                    stale_cells = done.stale_cells,
                    forgotten_uploads = done.forgotten_uploads,
                    expired_evidence = done.expired_evidence,
                    dead_hunts = done.dead_hunts,
                    failed_hunts = done.failed_hunts,
                    dismissals = done.dismissals,
                    rows = done.rows,
                    root = done.root.map(|root| root.root),
                    "maintenance"
                ),
                Err(error) => tracing::error!(%error, "maintenance failed; it is tried again"),
            }
            last = Some(Instant::now());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
