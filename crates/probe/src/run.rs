//! A run over a plan: a few threads, one throttle, one log.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::check::Context;
use crate::plan::{Left, Plan};
use crate::report::{Outcome, ProbeReport, Publication, SCHEMA_VERSION, ScopeSummary, TargetReport};
use crate::tls::Tls;
use crate::{Clock, Journal, Scope, SystemClock, Throttle, now};

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// What cannot be logged is not sent.
    #[error("the log of requests cannot be written, and nothing is sent that is not logged: {0}")]
    Log(#[from] io::Error),
    /// The TLS library cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// How a run is done.
#[derive(Default)]
pub struct Options<'a> {
    /// Ask for both pages even when the first one said the full build.
    pub all: bool,
    /// Called when an address is done, from any thread.
    pub on_done: Option<&'a (dyn Fn(&TargetReport) + Sync)>,
    /// The clock that requests are kept apart by; the machine's when none is given.
    pub clock: Option<&'a dyn Clock>,
}

/// Asks the addresses of a plan.
pub struct Prober<'a> {
    scope: &'a Scope,
    options: Options<'a>,
}

impl<'a> Prober<'a> {
    /// A prober under a scope.
    pub fn new(scope: &'a Scope, options: Options<'a>) -> Prober<'a> {
        Prober { scope, options }
    }

    /// Asks all addresses of the plan that was made of the same scope. When `stop` is set, what is under way ends and
    /// the rest is not asked.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing more is sent.
    pub fn run(&self, plan: &Plan, journal: &Journal, stop: &AtomicBool) -> Result<ProbeReport, ProbeError> {
        let started_at = ProbeReport::time(now());
        let tls = Tls::new().map_err(ProbeError::Tls)?;
        let clock = SystemClock::default();
        let throttle = Throttle::new(self.scope.rate, self.options.clock.unwrap_or(&clock));
        let halt = AtomicBool::new(false);
        let context = Context {
            scope: self.scope,
            user_agent: self.scope.user_agent(),
            tls: &tls,
            throttle: &throttle,
            journal,
            stop,
            halt: &halt,
            all: self.options.all,
        };
        let done = in_parallel(&plan.targets, self.scope.concurrency, |target| {
            let report = context.check(target);
            match &report {
                Ok(report) => {
                    if let Some(on_done) = self.options.on_done {
                        on_done(report);
                    }
                }
                Err(_) => halt.store(true, Ordering::SeqCst),
            }
            report
        });
        let mut targets: Vec<TargetReport> = done.into_iter().collect::<Result<_, _>>()?;
        targets.extend(plan.left.iter().map(not_found));
        Ok(ProbeReport {
            schema_version: SCHEMA_VERSION,
            scope: ScopeSummary {
                owner: self.scope.owner.clone(),
                signed_by: self.scope.signed_by.clone(),
                date: self.scope.date.clone(),
                reason: self.scope.reason.clone(),
                expires: self.scope.expires.clone(),
            },
            started_at,
            ended_at: ProbeReport::time(now()),
            complete: !targets.iter().any(|target| target.outcome == Outcome::NotAsked),
            requests: journal.requests(),
            targets,
            warnings: plan.warnings.clone(),
        })
    }
}

fn not_found(left: &Left) -> TargetReport {
    TargetReport {
        address: None,
        host: Some(left.host.clone()),
        port: left.port,
        tenant: left.tenant.clone(),
        server: left.server.clone(),
        observed_at: None,
        outcome: if left.only_others {
            Outcome::OutOfScope
        } else {
            Outcome::Unresolved
        },
        reason: left.why.clone(),
        build: None,
        publication: Publication::Unknown,
        answers: Vec::new(),
        headers: std::collections::BTreeMap::new(),
        tls: None,
        notes: Vec::new(),
        requests: Vec::new(),
        at: None,
    }
}

/// Does something with every item on a few threads; the results stand in the order of the items.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    let Some(item) = items.get(index) else {
                        return;
                    };
                    let result = work(item);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
