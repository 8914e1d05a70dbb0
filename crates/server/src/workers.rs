//! Threads beside the requests: hunts, the drop folder, and what has to be done now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use vigie_desk::hunts::HuntHandler;
use vigie_desk::jobs::{self, Job};
use vigie_desk::rejudge::RejudgeHandler;
use vigie_desk::worker::{self, Handler, Outcome, Pulse};
use vigie_desk::{Desk, Result, maintenance};

use crate::drop_folder::Watched;
use crate::traces::Traces;

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
    pub(crate) fn start(
        desk: &Desk,
        count: usize,
        drop_folder: Option<Watched>,
        alone: bool,
        traces: Option<&Traces>,
    ) -> Result<Workers> {
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
            let hunting = Traced {
                handler: HuntHandler::default(),
                traces: traces.cloned(),
            };
            let rejudging = Traced {
                handler: RejudgeHandler,
                traces: traces.cloned(),
            };
            threads.push(std::thread::spawn(move || {
                worker::run(&desk, &name, &[&hunting, &rejudging], &stop, PAUSE);
            }));
        }
        if let Some(watched) = drop_folder {
            let (desk, stop) = (desk.clone(), Arc::clone(&stop));
            threads.push(std::thread::spawn(move || watched.run(&desk, alone, &stop)));
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
                tracing::warn!("work is still going on: it will be taken up again at the next start");
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A handler whose jobs can be followed.
struct Traced<H> {
    handler: H,
    traces: Option<Traces>,
}

impl<H: Handler> Handler for Traced<H> {
    fn kind(&self) -> &'static str {
        self.handler.kind()
    }

    fn run(&self, desk: &Desk, job: &Job, pulse: &Arc<Pulse>) -> Outcome {
        let Some(traces) = &self.traces else {
            return self.handler.run(desk, job, pulse);
        };
        traces.job(self.kind(), || {
            let outcome = self.handler.run(desk, job, pulse);
            let well = matches!(outcome, Outcome::Done(_));
            (outcome, well)
        })
    }

    fn ended_badly(&self, desk: &Desk) -> Result<()> {
        self.handler.ended_badly(desk)
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
