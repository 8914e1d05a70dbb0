//! What all requests share.

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use vigie_desk::Desk;

use crate::address::ProxyNetwork;
use crate::metrics::Metrics;
use crate::oidc::IdentityProvider;
use crate::places::{self, Place, Places as Streams};
use crate::problem::Problem;
use crate::rates::Rates;
use crate::traces::Traces;

/// How the server behaves.
#[derive(Clone, Default)]
pub struct Settings {
    /// Whether browsers reach it by HTTPS only: cookies are marked so, and browsers are told to come back that way.
    pub https: bool,
    /// Where people may sign in besides.
    pub oidc: Option<IdentityProvider>,
    /// Where traces go.
    pub traces: Option<Traces>,
    /// Proxies whose word on where requests come from is believed.
    pub trusted_proxies: Vec<ProxyNetwork>,
}

/// The server's state. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

struct Inner {
    desk: Desk,
    settings: Settings,
    metrics: Metrics,
    rates: Rates,
    passwords: Semaphore,
    transfers: Arc<Semaphore>,
    streams: Streams,
    stopping: watch::Receiver<bool>,
}

/// Passwords looked at at once: each takes 19 MiB and a core for a while.
const PASSWORDS: usize = 8;
/// Uploads and exports on their way at once: each holds a thread.
const TRANSFERS: usize = 64;

impl App {
    pub(crate) fn new(desk: Desk, settings: Settings, stopping: watch::Receiver<bool>) -> App {
        App(Arc::new(Inner {
            desk,
            settings,
            metrics: Metrics::default(),
            rates: Rates::default(),
            passwords: Semaphore::new(PASSWORDS),
            transfers: Arc::new(Semaphore::new(TRANSFERS)),
            streams: Streams::default(),
            stopping,
        }))
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.0.desk
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.0.rates
    }

    /// Becomes true when the server is to stop.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.clone()
    }

    /// Waits for its turn to look at a password.
    pub(crate) async fn password_turn(&self) -> Option<SemaphorePermit<'_>> {
        self.0.passwords.acquire().await.ok()
    }

    /// A place for an upload or an export, held until it is dropped.
    pub(crate) fn transfer(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.0.transfers).try_acquire_owned().map_err(|_| {
            let mut problem = Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "too many transfers are on their way",
                format!("{TRANSFERS} uploads and exports are on their way"),
                "Wait for one to end, then try again.",
            );
            problem.retry_after = Some(5);
            problem
        })
    }

    /// A place for a stream of events, held until it is dropped: each asks the desk again and again.
    pub(crate) fn stream(&self, actor: &str) -> Result<Place, Problem> {
        self.0.streams.take(actor).ok_or_else(|| {
            let mut problem = Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-streams",
                "too many streams of events are open",
                format!("{} streams of events may be open at once", places::EACH),
                "Close one first: a window of the pages that is not needed any more.",
            );
            problem.retry_after = Some(15);
            problem
        })
    }

    /// Does something on the desk, on a thread that may block.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Desk) -> vigie_desk::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        self.block(move |desk| work(desk).map_err(Problem::from)).await
    }

    /// The same for work that knows its own problems.
    pub(crate) async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Desk) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let desk = self.0.desk.clone();
        let _span = self.0.settings.traces.as_ref().map(|traces| traces.wait("desk"));
        match tokio::task::spawn_blocking(move || work(&desk)).await {
            Ok(outcome) => outcome,
            Err(error) if error.is_panic() => Err(Problem::internal("it panicked: a mistake of ours")),
            Err(_) => Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                "the server is stopping",
                "the server is stopping, and did not begin this",
                "Try again in a moment.",
            )),
        }
    }
}
