//! A PostgreSQL of our own for the tests: a cluster in a temporary folder, on the loopback, gone when they end.

use std::env;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use crate::tools::POSTGRES;

/// What names it to the tests: the address of a database in which they may do as they please.
pub(crate) const VARIABLE: &str = "VIGIE_TEST_POSTGRES";
/// The account it runs under when we are root, which it refuses to be.
const ACCOUNT: &str = "postgres";

/// A server that stops when it is dropped.
pub(crate) struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    account: Option<(u32, u32)>,
    port: u16,
}

impl Cluster {
    /// Starts one.
    pub(crate) fn start() -> Result<Cluster> {
        let programs = programs()?;
        let folder = env::temp_dir().join(format!("vigie-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let cluster = Cluster {
            account: account()?,
            port: free_port()?,
            programs,
            folder,
        };
        #[cfg(unix)]
        if let Some((user, group)) = cluster.account {
            std::os::unix::fs::chown(&cluster.folder, Some(user), Some(group))?;
        }
        let data = cluster.folder.join("data").display().to_string();
        // What tests write need not survive a power cut.
        cluster.run(
            "initdb",
            &[
                "-D",
                &data,
                "-A",
                "trust",
                "-U",
                ACCOUNT,
                "-E",
                "UTF8",
                "--no-sync",
            ],
        )?;
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=400",
            cluster.port,
            cluster.folder.display()
        );
        let log = cluster.folder.join("log").display().to_string();
        cluster.run(
            "pg_ctl",
            &["-D", &data, "-o", &options, "-l", &log, "-w", "start"],
        )?;
        Ok(cluster)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{ACCOUNT}@127.0.0.1:{}/postgres", self.port)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        #[cfg(unix)]
        if let Some((user, group)) = self.account {
            std::os::unix::process::CommandExt::uid(&mut command, user);
            std::os::unix::process::CommandExt::gid(&mut command, group);
        }
        let status = command
            .status()
            .with_context(|| format!("cannot start {program}"))?;
        if !status.success() {
            bail!(
                "{program} failed ({status}); see {}",
                self.folder.join("log").display()
            );
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data").display().to_string();
        if let Err(error) = self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]) {
            eprintln!("the test's PostgreSQL did not stop: {error:#}");
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Runs `work` with the address of a PostgreSQL: the one the environment names, or one that is started for it.
pub(crate) fn with_postgres(work: impl FnOnce(&str) -> Result<()>) -> Result<()> {
    match env::var(VARIABLE) {
        Ok(url) if !url.is_empty() => work(&url),
        _ => work(&Cluster::start()?.url()),
    }
}

/// Where its programs are: Debian keeps them out of `PATH`, one folder per version.
fn programs() -> Result<PathBuf> {
    let found = || {
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|bin| bin.join("initdb").is_file())
            .collect();
        versions.sort();
        versions.pop()
    };
    if let Some(bin) = found() {
        return Ok(bin);
    }
    let initdb = POSTGRES.ensure();
    if let Some(bin) = found() {
        return Ok(bin);
    }
    let initdb = initdb?;
    initdb
        .parent()
        .map(Path::to_owned)
        .ok_or_else(|| anyhow!("{} has no folder", initdb.display()))
}

/// The account to run under; `None`: our own.
fn account() -> Result<Option<(u32, u32)>> {
    let id = |arguments: &[&str]| -> Result<u32> {
        let output = Command::new("id")
            .args(arguments)
            .output()
            .context("cannot start id")?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim()
            .parse()
            .map_err(|_| anyhow!("there is no account {ACCOUNT} to run PostgreSQL under"))
    };
    match id(&["-u"])? {
        0 => Ok(Some((id(&["-u", ACCOUNT])?, id(&["-g", ACCOUNT])?))),
        _ => Ok(None),
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free on the loopback")?;
    Ok(listener.local_addr()?.port())
}
