//! The server as a process: opening the desk, listening, stopping.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use vigie_desk::{Desk, accounts};

use crate::app::Settings;
use crate::connections;
use crate::drop_folder::{DropFolder, Watched};
use crate::listen::{Gate, TlsGate};
use crate::tls::Tls;
use crate::workers::Workers;
use crate::{ConfigError, IdentityProvider, Oidc, ProxyNetwork, Traces, TracesError};

/// How long requests may take to end when the server is stopped.
const LAST_REQUESTS: Duration = Duration::from_secs(20);
/// How long hunts may.
const LAST_HUNTS: Duration = Duration::from_secs(10);

/// How to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder.
    pub data: PathBuf,
    /// `postgres://..`; without, a file in the data folder.
    pub database: Option<String>,
    /// Where to listen. Port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The certificate.
    pub tls: Option<Tls>,
    /// Whether HTTP without TLS may be spoken to other machines.
    pub insecure_http: bool,
    /// The address browsers use, when it is not `listen`: `https://vigie.example`.
    pub public_url: Option<String>,
    /// Where people may sign in besides.
    pub oidc: Option<Oidc>,
    /// Proxies whose word on where requests come from is believed.
    pub trusted_proxies: Vec<ProxyNetwork>,
    /// Hunts at once; 0: this process does none.
    pub workers: usize,
    /// A folder that evidence is taken from.
    pub drop_folder: Option<DropFolder>,
    /// How the log is written.
    pub log: LogFormat,
}

/// How the log is written, to standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What to tell whoever started the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The address for browsers.
    pub url: String,
    /// The link that makes the first administrator, as long as there is nobody.
    pub set_up: Option<String>,
    /// The backup that was made before the tables were changed.
    pub backup: Option<PathBuf>,
    /// Whether the pages are in this program.
    pub has_pages: bool,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The desk cannot be opened.
    #[error(transparent)]
    Desk(#[from] vigie_desk::Error),
    /// Passwords would cross the network for all to read.
    #[error(
        "{0} can be reached from other machines, and there is no TLS: give --tls-cert and --tls-key, listen on \
         127.0.0.1, or say --insecure-http if something in front of it speaks TLS"
    )]
    Insecure(SocketAddr),
    /// Another process serves this folder.
    #[error("{0} is served by another process: stop that one first, or take another folder")]
    Busy(PathBuf),
    /// The lock of the folder.
    #[error("{path}: {source}")]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The address.
    #[error("cannot listen on {address}: {source}; is something else there already?")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The certificate.
    #[error("{path}: {why}; it must be a PEM file")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The address for browsers.
    #[error("--public-url {0}: it does not begin with http:// or https://")]
    PublicUrl(String),
    /// The drop folder.
    #[error("--drop {path}: {why}")]
    DropFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The identity provider.
    #[error(transparent)]
    Oidc(#[from] ConfigError),
    /// Traces.
    #[error(transparent)]
    Traces(#[from] TracesError),
    /// The system refuses what a server needs.
    #[error("the server cannot run: {0}")]
    System(#[from] std::io::Error),
}

/// Serves until ctrl-c or SIGTERM. `started` is called once it listens.
///
/// # Errors
/// When it cannot begin, or cannot go on.
pub fn serve(options: &Options, started: impl FnOnce(&Started)) -> Result<(), ServeError> {
    log(options.log);
    if options.tls.is_none() && !options.insecure_http && !options.listen.ip().is_loopback() {
        return Err(ServeError::Insecure(options.listen));
    }
    let public_url = match &options.public_url {
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
            Some(url.trim_end_matches('/').to_owned())
        }
        Some(url) => return Err(ServeError::PublicUrl(url.clone())),
        None => None,
    };
    let tls = options.tls.as_ref().map(Tls::config).transpose()?;
    let mut opening = vigie_desk::Options::in_folder(&options.data);
    opening.database.clone_from(&options.database);
    // Another server must not find its tables changed under it: where there is a desk already, the lock comes first.
    let alone = options.database.is_none();
    let held = (alone && options.data.is_dir())
        .then(|| lock(&options.data))
        .transpose()?;
    let desk = Desk::open(&opening)?;
    let _lock = match held {
        None if alone => Some(lock(&options.data)?),
        held => held,
    };
    // The desk blocks, which a thread that drives the runtime must not.
    let token = accounts::first_admin_link(&desk)?;
    let traces = Traces::from_environment()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let drop_folder = options.drop_folder.as_ref().map(|folder| {
        Watched::open(folder, &options.data).map_err(|why| ServeError::DropFolder {
            path: folder.path.clone(),
            why,
        })
    });
    let workers = Workers::start(
        &desk,
        options.workers,
        drop_folder.transpose()?,
        alone,
        traces.as_ref(),
    )?;
    let outcome = runtime.block_on(async {
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|source| ServeError::Listen {
                address: options.listen,
                source,
            })?;
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = public_url.unwrap_or_else(|| format!("{scheme}://{address}"));
        let settings = Settings {
            https: url.starts_with("https://"),
            oidc: match &options.oidc {
                Some(oidc) => Some(IdentityProvider::new(oidc.clone(), &url)?),
                None => None,
            },
            traces: traces.clone(),
            trusted_proxies: options.trusted_proxies.clone(),
        };
        let (stop, stopping) = watch::channel(false);
        let app = crate::router(desk.clone(), settings, stopping.clone());
        started(&Started {
            set_up: token.map(|token| format!("{url}/setup?token={token}")),
            url,
            backup: desk.migrated().and_then(|migrated| migrated.backup.clone()),
            has_pages: crate::ui::has_pages(),
        });
        let signal = stop_signal()?;
        let told = async move {
            signal.await;
            tracing::info!("stopping: requests that are being done may end");
            // Without a receiver there is nobody to tell.
            let _ = stop.send(true);
        };
        let late = async move {
            let mut stopping = stopping;
            let _ = stopping.wait_for(|stop| *stop).await;
            tokio::time::sleep(LAST_REQUESTS).await;
        };
        let gate = Gate::new(listener, options.trusted_proxies.clone());
        let serving = async {
            match tls {
                Some(config) => connections::serve(TlsGate::new(gate, config), app, told).await,
                None => connections::serve(gate, app, told).await,
            }
        };
        tokio::select! {
            () = serving => {}
            () = late => tracing::warn!("some requests did not end in time, and were cut off"),
        }
        Ok(())
    });
    workers.stop(LAST_HUNTS);
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Some(traces) = traces {
        traces.stop();
    }
    tracing::info!("stopped");
    outcome
}

/// Holds a folder for this process. The lock goes with the process, however it ends.
fn lock(data: &std::path::Path) -> Result<File, ServeError> {
    let path = data.join("serve.lock");
    let broken = |source| ServeError::Lock {
        path: path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(broken)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ServeError::Busy(data.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(broken(source)),
    }
}

/// Waits for ctrl-c or SIGTERM.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            let _ = tokio::signal::ctrl_c().await;
        })
    }
}

fn log(format: LogFormat) {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        // Whoever read the log may be gone: that is no reason to fall over.
        .log_internal_errors(false);
    // A process that set its own log up keeps it.
    let _ = match format {
        LogFormat::Text => subscriber.with_ansi(false).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
}
