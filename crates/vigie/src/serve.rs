//! `vigie serve`: the desk, for a browser.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use vigie_report::Lang;
use vigie_server::{DropFolder, LogFormat, Oidc, Options, ProxyNetwork, SignOut, Started, Tls};

use crate::{SERVING, tell};

/// Arguments of `vigie serve`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The data folder: keys, evidence and, without --database, the database; made when it is missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// A PostgreSQL database instead of a file in the data folder
    #[arg(long, value_name = "URL", env = "VIGIE_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// The certificate and those between it and its authority (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Speak plain HTTP to other machines too: for a proxy that speaks TLS in front of it
    #[arg(long)]
    insecure_http: bool,
    /// The address browsers use, when it is not that of --listen
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Believe what requests from this address or network say of their way (X-Forwarded-For, Forwarded); may be repeated
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<ProxyNetwork>,
    /// Let people sign in at this OpenID Connect provider too: its issuer
    #[arg(long, value_name = "URL", requires = "oidc_client_id")]
    oidc_issuer: Option<String>,
    /// What the provider knows this server as
    #[arg(long, value_name = "ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// The file with this server's secret at the provider; VIGIE_OIDC_CLIENT_SECRET holds it as well
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    oidc_client_secret_file: Option<PathBuf>,
    /// What the sign-in page calls the provider (its host)
    #[arg(long, value_name = "NAME", requires = "oidc_issuer")]
    oidc_name: Option<String>,
    /// A value of `acr` that means that the provider asked for a second factor; may be repeated. `mfa` in `amr` always does
    #[arg(long, value_name = "ACR", requires = "oidc_issuer")]
    oidc_acr: Vec<String>,
    /// Where signing out leads whoever came in at the provider
    #[arg(
        long,
        value_name = "WHERE",
        requires = "oidc_issuer",
        default_value = "provider"
    )]
    oidc_sign_out: SignOutAt,
    /// The authority of the provider's certificate (PEM), when it is none of the public ones
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    oidc_ca: Option<PathBuf>,
    /// Hunts at once; 0 leaves them to other servers on the same database
    #[arg(long, value_name = "N", default_value_t = 1)]
    workers: usize,
    /// Take evidence from this folder, where it lies as TENANT/SERVER/files; what was taken is moved to done/, what was
    /// not to refused/
    #[arg(long, value_name = "DIR")]
    drop: Option<PathBuf>,
    /// How long a file there must not have changed before it is taken
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "drop", value_parser = clap::value_parser!(u32).range(1..))]
    drop_rest: u32,
    /// How the log is written to standard error
    #[arg(long, value_enum, default_value_t = Log::Text)]
    log: Log,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Log {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SignOutAt {
    /// To the provider, to sign out there too; the address /sign-in must be registered there
    Provider,
    /// Nowhere: they stay signed in at the provider
    Local,
}

/// Runs `vigie serve`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let options = Options {
        data: arguments.data.clone(),
        database: arguments.database.clone(),
        listen: arguments.listen,
        tls: arguments
            .tls_cert
            .clone()
            .zip(arguments.tls_key.clone())
            .map(|(certificates, key)| Tls { certificates, key }),
        insecure_http: arguments.insecure_http,
        public_url: arguments.public_url.clone(),
        oidc: identity_provider(arguments)?,
        trusted_proxies: arguments.trusted_proxy.clone(),
        workers: arguments.workers,
        drop_folder: arguments.drop.clone().map(|path| DropFolder {
            path,
            rest: Duration::from_secs(u64::from(arguments.drop_rest)),
        }),
        log: match arguments.log {
            Log::Text => LogFormat::Text,
            Log::Json => LogFormat::Json,
        },
    };
    serve(&options, lang)?;
    Ok(ExitCode::SUCCESS)
}

/// The environment variable that holds the secret at the identity provider.
const OIDC_SECRET: &str = "VIGIE_OIDC_CLIENT_SECRET";

/// The identity provider, when one is named.
fn identity_provider(arguments: &Arguments) -> Result<Option<Oidc>> {
    let Some((issuer, client_id)) = arguments
        .oidc_issuer
        .clone()
        .zip(arguments.oidc_client_id.clone())
    else {
        return Ok(None);
    };
    let client_secret = match &arguments.oidc_client_secret_file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read --oidc-client-secret-file {}", path.display()))?;
            Some(text.trim().to_owned())
        }
        None => std::env::var(OIDC_SECRET).ok(),
    };
    let host = issuer.split("//").last().and_then(|rest| rest.split('/').next());
    Ok(Some(Oidc {
        name: arguments
            .oidc_name
            .clone()
            .or(host.map(str::to_owned))
            .unwrap_or_default(),
        issuer,
        client_id,
        client_secret: client_secret.filter(|secret| !secret.is_empty()),
        second_factor_acr: arguments.oidc_acr.clone(),
        sign_out: match arguments.oidc_sign_out {
            SignOutAt::Provider => SignOut::Provider,
            SignOutAt::Local => SignOut::Local,
        },
        authority: arguments.oidc_ca.clone(),
    }))
}

/// Serves until ctrl-c, and says where.
pub(crate) fn serve(options: &Options, lang: Lang) -> Result<()> {
    SERVING.store(true, Ordering::SeqCst);
    vigie_server::serve(options, |started| eprint!("{}", announcement(started, lang)))?;
    Ok(())
}

/// What is printed once it listens.
fn announcement(started: &Started, lang: Lang) -> String {
    let colon = tell(lang, ": ", "\u{a0}: ");
    let mut text = String::new();
    let mut line = |label: &str, value: &str| text.push_str(&format!("{label}{colon}{value}\n"));
    line(tell(lang, "Vigie is at", "Vigie est à l’adresse"), &started.url);
    if let Some(link) = &started.set_up {
        let label = tell(
            lang,
            "create the first administrator here (works once, for a day)",
            "créez ici le premier administrateur (valable une fois, pendant un jour)",
        );
        line(label, link);
    }
    if let Some(backup) = &started.backup {
        let label = tell(
            lang,
            "the tables were changed; as they were before",
            "les tables ont été modifiées\u{202f}; leur état antérieur",
        );
        line(label, &backup.display().to_string());
    }
    if !started.has_pages {
        let label = tell(
            lang,
            "the pages were not built",
            "les pages n’ont pas été construites",
        );
        line(label, "cd ui && npm ci && npm run build");
    }
    text
}
