//! `vigie case`: what the team works on.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vigie_report::Lang;

use super::Remote;
use super::names::{CASE, PERSON, SERVER, is_id};
use super::session::{Format, Of, Paging, Query, Session, print_json};
use super::show::{Column, Shown, column, told};
use super::words::Words;
use crate::tell;

/// Arguments of `vigie case`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Cases, newest first
    List {
        #[command(flatten)]
        of: Of,
        /// open, in_progress, waiting, closed
        #[arg(long)]
        state: Option<String>,
        /// Only those that are not closed
        #[arg(long)]
        unfinished: bool,
        /// Part of the title
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// One case, with its tasks, notes and timeline
    Show(Which),
    /// Cases that wait, in the order in which they are taken, and why
    Queue,
    /// Take the next case of the queue
    Take,
    /// Open a case
    Open {
        /// Its title
        title: String,
        /// Whose it is: the tenant's name or identifier
        #[arg(long)]
        tenant: String,
        /// informational, low, medium, high, critical
        #[arg(long, default_value = "medium")]
        severity: String,
        /// The campaign it belongs to: its title, pack or identifier
        #[arg(long)]
        campaign: Option<String>,
        /// A server it is about, by name or identifier; may be repeated
        #[arg(long, value_name = "NAME")]
        server_name: Vec<String>,
        /// When it is due (RFC 3339)
        #[arg(long, value_name = "T")]
        due_at: Option<String>,
        /// Let the client's own people see it
        #[arg(long)]
        shared: bool,
    },
    /// Write a note (Markdown)
    Note {
        #[command(flatten)]
        which: Which,
        /// What to write
        text: String,
        /// Let the client's own people see it, where the case is shared
        #[arg(long)]
        shared: bool,
    },
    /// Add a task
    Task {
        #[command(flatten)]
        which: Which,
        /// What is to be done
        title: String,
        /// When it is due (RFC 3339)
        #[arg(long, value_name = "T")]
        due_at: Option<String>,
    },
    /// Move a case on, close it, or open it again
    State {
        #[command(flatten)]
        which: Which,
        /// open, in_progress, waiting, closed
        state: String,
        /// What came of it; needed to close it
        #[arg(long, value_name = "TEXT")]
        resolution: Option<String>,
    },
    /// Give a case to somebody, or back to the queue
    Assign {
        #[command(flatten)]
        which: Which,
        /// Whom, by name or identifier; without it, the queue
        #[arg(long, value_name = "PERSON")]
        to: Option<String>,
    },
}

/// Which case.
#[derive(Args)]
struct Which {
    /// Its identifier or title; with --tenant also its number
    case: String,
    /// Of this tenant, by name or identifier
    #[arg(long)]
    tenant: Option<String>,
}

const CASES: &[Column] = &[
    column("id", "identifiant", "/id", Shown::Text),
    column("tenant", "client", "/tenant", Shown::Text),
    column("no.", "n°", "/number", Shown::Text),
    column("title", "titre", "/title", Shown::Text),
    column("severity", "gravité", "/severity", Shown::Word(Words::Severity)),
    column("state", "état", "/state", Shown::Word(Words::Case)),
    column("due", "échéance", "/due_at", Shown::Time),
    column("opened", "ouvert", "/opened_at", Shown::Time),
    column("resolution", "conclusion", "/resolution", Shown::Text),
];

const WAITING: &[Column] = &[
    column("id", "identifiant", "/case/id", Shown::Text),
    column("tenant", "client", "/case/tenant", Shown::Text),
    column("title", "titre", "/case/title", Shown::Text),
    column(
        "severity",
        "gravité",
        "/case/severity",
        Shown::Word(Words::Severity),
    ),
    column("waiting since", "attend depuis", "/waiting_since", Shown::Time),
    told("why here", "pourquoi", "/because", "/because_fr"),
];

const ITEMS: &[Column] = &[
    column("when (UTC)", "quand (UTC)", "/created_at", Shown::Time),
    column("who", "qui", "/created_by", Shown::Text),
    column("what", "quoi", "/body/kind", Shown::Word(Words::Item)),
    column("", "", "/body/state", Shown::Word(Words::Task)),
    column("", "", "/body/at", Shown::Time),
    column("", "", "/body/title", Shown::Text),
    column("", "", "/body/value", Shown::Text),
    column("", "", "/body/text", Shown::Text),
];

/// Runs `vigie case`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let desk = arguments.remote.open(lang)?;
    match &arguments.verb {
        Verb::List {
            of,
            state,
            unfinished,
            search,
            paging,
        } => {
            let query = of
                .query(&desk)?
                .and("state", state)
                .and("q", search)
                .when("unfinished", *unfinished);
            desk.list(&query.on("/cases"), paging, CASES)?;
        }
        Verb::Show(which) => show(&desk, &which.path(&desk)?)?,
        Verb::Queue => {
            let queue = desk.client.get("/cases/queue")?;
            desk.items(queue.as_array().map_or(&[][..], Vec::as_slice), WAITING)?;
        }
        Verb::Take => match desk.client.post("/cases/queue/take", &Value::Null)? {
            Value::Null if desk.format == Format::Table => {
                eprintln!("{}", tell(lang, "no case is waiting", "aucun dossier en attente"));
            }
            taken => desk.item(&taken, CASES)?,
        },
        Verb::Open {
            title,
            tenant,
            severity,
            campaign,
            server_name,
            due_at,
            shared,
        } => {
            let tenant = desk.tenant(tenant)?;
            let of = || Query::default().and("tenant", [&tenant]);
            let servers: Result<Vec<String>> = server_name
                .iter()
                .map(|given| desk.id_of(&SERVER, given, of()))
                .collect();
            let new = json!({
                "tenant_id": tenant,
                "campaign_id": campaign.as_ref().map(|given| desk.campaign(given)).transpose()?,
                "servers": servers?,
                "fields": {"title": title, "severity": severity, "due_at": due_at, "shared": shared},
            });
            desk.item(&desk.client.post("/cases", &new)?, CASES)?;
        }
        Verb::Note { which, text, shared } => {
            add(
                &desk,
                which,
                &json!({"kind": "note", "text": text, "shared": shared}),
            )?;
        }
        Verb::Task { which, title, due_at } => {
            add(
                &desk,
                which,
                &json!({"kind": "task", "title": title, "state": "todo", "due_at": due_at}),
            )?;
        }
        Verb::State {
            which,
            state,
            resolution,
        } => {
            let body = json!({"state": state, "resolution": resolution.as_deref().unwrap_or_default()});
            desk.item(&desk.act(&which.path(&desk)?, "state", &body)?, CASES)?;
        }
        Verb::Assign { which, to } => {
            let to = to
                .as_ref()
                .map(|given| desk.id_of(&PERSON, given, Query::default()))
                .transpose()?;
            desk.item(
                &desk.act(&which.path(&desk)?, "assign", &json!({"to": to}))?,
                CASES,
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(desk: &Session, path: &str) -> Result<()> {
    let mut case = desk.client.get(path)?;
    let items = desk.client.get(&format!("{path}/items"))?;
    if desk.format == Format::Json {
        case["items"] = items;
        return print_json(&case);
    }
    desk.item(&case, CASES)?;
    match items.as_array() {
        Some(items) if !items.is_empty() => desk.items(items, ITEMS),
        _ => Ok(()),
    }
}

fn add(desk: &Session, which: &Which, body: &Value) -> Result<()> {
    let added = desk.client.post(&format!("{}/items", which.path(desk)?), body)?;
    desk.item(&added, ITEMS)
}

impl Which {
    fn path(&self, desk: &Session) -> Result<String> {
        let tenant = self.tenant.as_ref().map(|given| desk.tenant(given)).transpose()?;
        let number = self.case.trim_start_matches('#').parse::<u64>().ok();
        let query = || Query::default().and("tenant", tenant.as_ref());
        if let (Some(number), Some(_), false) = (number, &tenant, is_id(&self.case)) {
            let (cases, _) = desk.client.list(&query().on("/cases"), usize::MAX)?;
            if let Some(case) = cases.iter().find(|case| case["number"] == number) {
                return Ok(format!("/cases/{}", case["id"].as_str().unwrap_or_default()));
            }
        }
        Ok(format!("/cases/{}", desk.id_of(&CASE, &self.case, query())?))
    }
}
