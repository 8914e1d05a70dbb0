//! `vigie push`: evidence to a desk, over lines that break.
//!
//! The server knows how far an upload is, so nothing is kept here: the same command goes on where it was, whatever ended it.
//! Bytes are hashed on their way; at the end the desk compares, and only then they are evidence.

mod sending;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use vigie_report::{Lang, visible};

use self::sending::{Sender, Sent};
use self::source::Source;
use super::Remote;
use super::fault::Fault;
use super::session::{Format, Session, print_json};
use super::show::{Column, Shown, column};
use super::words::Words;
use crate::tell;

/// Arguments of `vigie push`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Files to send as they are, and folders, each of which becomes one archive
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Whose evidence it is: the tenant's name or identifier
    #[arg(long)]
    tenant: String,
    /// The server it was collected from: its name or identifier
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// The campaign it was collected for: its title, pack or identifier
    #[arg(long)]
    campaign: Option<String>,
    /// Hunt it for this campaign once all of it is there
    #[arg(long, value_name = "CAMPAIGN", conflicts_with = "campaign")]
    hunt: Option<String>,
    /// Wait for the end of the hunt and show its verdicts
    #[arg(long, requires = "hunt")]
    wait: bool,
    /// When it was collected (RFC 3339)
    #[arg(long, value_name = "T")]
    acquired_at: Option<String>,
    /// How many days to keep it; for ever, unless said
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<u32>,
    /// Anything worth knowing
    #[arg(long)]
    note: Option<String>,
    /// How long to go on trying when the server cannot be reached
    #[arg(long, value_name = "MINUTES", default_value_t = 15)]
    patience: u32,
    /// No progress bar, and no notes on standard error
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    remote: Remote,
}

const SENT: &[Column] = &[
    column("evidence", "preuve", "/id", Shown::Text),
    column("name", "nom", "/name", Shown::Text),
    column("size", "taille", "/size", Shown::Bytes),
    column("sha-256", "sha-256", "/sha256", Shown::Text),
    column("how", "comment", "/how", Shown::Word(Words::Push)),
];

const VERDICTS: &[Column] = &[
    column("server", "serveur", "/server_id", Shown::Name("/servers")),
    column("verdict", "verdict", "/verdict", Shown::Word(Words::Cell)),
];

/// Runs `vigie push`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    // All of it is looked at before anything is sent.
    let sources: Result<Vec<Source>> = arguments.paths.iter().map(|path| Source::of(path)).collect();
    let sources = sources?;
    let mut desk = arguments.remote.open(lang)?;
    let patience = Duration::from_secs(u64::from(arguments.patience) * 60);
    desk.client.insist(patience, arguments.quiet);
    let (tenant, server) =
        desk.tenant_and_server(Some(&arguments.tenant), arguments.server_name.as_deref())?;
    let campaign = arguments.campaign.as_ref().or(arguments.hunt.as_ref());
    let campaign = campaign.map(|given| desk.campaign(given)).transpose()?;
    let me = desk.client.get("/session")?;
    let sender = Sender {
        client: &desk.client,
        lang,
        me: me["actor"]["id"].as_str().unwrap_or_default().to_owned(),
        draft: json!({
            "tenant_id": tenant,
            "server_id": server,
            "campaign_id": campaign,
            "note": arguments.note.as_deref().unwrap_or_default(),
            "acquired_at": arguments.acquired_at,
            "retention_days": arguments.retention_days,
        }),
        quiet: arguments.quiet,
    };
    let (mut done, mut failed) = (Vec::new(), 0);
    for (number, source) in sources.iter().enumerate() {
        say_left_out(source, arguments.quiet, lang);
        match sender.send(source) {
            Ok(sent) => done.push(shown(&sent, source)),
            Err(error) => {
                eprintln!("vigie: {}: {error:#}", visible(&source.name));
                failed += 1;
                let fault = error.downcast_ref::<Fault>();
                if fault.is_some_and(|fault| fault.is_broken_line() || fault.wait().is_some()) {
                    // So it would be for the others.
                    failed += sources.len() - number - 1;
                    let kept = tell(
                        lang,
                        "what was sent is kept for a week: the same command goes on there",
                        "ce qui est parvenu est gardé une semaine\u{a0}: la même commande reprendra là",
                    );
                    eprintln!("{kept}");
                    break;
                }
            }
        }
    }
    if desk.format == Format::Table && !done.is_empty() {
        desk.items(&done, SENT)?;
    }
    let mut hunt = Value::Null;
    if failed == 0
        && let (Some(_), Some(campaign)) = (&arguments.hunt, &campaign)
    {
        hunt = start_hunt(&desk, campaign, &done)?;
        if arguments.wait {
            hunt = wait_for_hunt(&desk, &hunt)?;
        }
    }
    if desk.format == Format::Json {
        print_json(&json!({"evidence": done, "failed": failed, "hunt": hunt}))?;
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn shown(sent: &Sent, source: &Source) -> Value {
    let mut shown = sent.evidence.clone();
    shown["how"] = json!(sent.how);
    shown["left_out"] = json!(source.left_out);
    shown
}

fn say_left_out(source: &Source, quiet: bool, lang: Lang) {
    if source.left_out.is_empty() || quiet {
        return;
    }
    let said = tell(
        lang,
        "left out, being neither files nor folders (links are not followed)",
        "laissés de côté, ni fichiers ni dossiers (les liens ne sont pas suivis)",
    );
    let colon = tell(lang, ":", "\u{a0}:");
    eprintln!(
        "{}{colon} {} {said}",
        visible(&source.name),
        source.left_out.len()
    );
    for path in source.left_out.iter().take(10) {
        eprintln!("  {}", visible(&path.to_string_lossy()));
    }
}

fn start_hunt(desk: &Session, campaign: &str, done: &[Value]) -> Result<Value> {
    let ids: Vec<&Value> = done.iter().map(|evidence| &evidence["id"]).collect();
    let job = desk
        .client
        .post("/hunts", &json!({"campaign_id": campaign, "evidence": ids}))?;
    if desk.format == Format::Table {
        println_id(desk.lang, &job)?;
    }
    Ok(job)
}

fn println_id(lang: Lang, job: &Value) -> Result<()> {
    use std::io::Write;
    let id = job["id"].as_str().unwrap_or_default();
    writeln!(std::io::stdout(), "{} {id}", tell(lang, "hunt", "chasse"))?;
    Ok(())
}

/// Looks now and then whether a hunt has ended.
fn wait_for_hunt(desk: &Session, job: &Value) -> Result<Value> {
    let path = format!("/hunts/{}", job["id"].as_str().unwrap_or_default());
    loop {
        let now = desk.client.get(&path)?;
        match now["job"]["state"].as_str().unwrap_or_default() {
            "queued" | "running" => std::thread::sleep(Duration::from_secs(1)),
            "done" => {
                if desk.format == Format::Table {
                    let servers = now["servers"].as_array().cloned().unwrap_or_default();
                    desk.items(&servers, VERDICTS)?;
                }
                return Ok(now);
            }
            ended => bail!(
                "{} {ended}: {}",
                tell(
                    desk.lang,
                    "the hunt ended as",
                    "la chasse s’est terminée ainsi\u{a0}:"
                ),
                visible(now["job"]["error"].as_str().unwrap_or_default())
            ),
        }
    }
}
