//! `vigie campaign`: the crisis, across clients.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vigie_report::{Lang, visible};

use super::Remote;
use super::session::{Format, Paging, Query, Session, print_json};
use super::show::{self, Column, Shown, column};
use super::words::{Words, word};
use crate::tell;

/// Arguments of `vigie campaign`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Campaigns, newest first
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// One campaign, and what its servers say together
    Show {
        /// Its title, pack or identifier
        campaign: String,
    },
    /// The board: a line for each server, a column for each stage
    Board {
        /// Its title, pack or identifier
        campaign: String,
        #[command(flatten)]
        filter: Filter,
        /// How many tenants at most
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Open a campaign
    Open {
        /// Its title
        title: String,
        /// The pack, by name
        #[arg(long)]
        pack: String,
        /// A tenant, by name or identifier; may be repeated
        #[arg(long, required_unless_present = "all_tenants")]
        tenant: Vec<String>,
        /// Every tenant that one may see
        #[arg(long, conflicts_with = "tenant")]
        all_tenants: bool,
    },
    /// Close a campaign
    Close {
        /// Its title, pack or identifier
        campaign: String,
    },
    /// Open a closed campaign again
    Reopen {
        /// Its title, pack or identifier
        campaign: String,
    },
    /// Go on with the pack as the server has it now
    Revise {
        /// Its title, pack or identifier
        campaign: String,
    },
    /// Add tenants
    Add {
        /// Its title, pack or identifier
        campaign: String,
        /// Their names or identifiers
        #[arg(required = true)]
        tenants: Vec<String>,
    },
    /// Take a tenant out
    Remove {
        /// Its title, pack or identifier
        campaign: String,
        /// Its name or identifier
        tenant: String,
    },
    /// Work out anew from what was observed who is exposed
    Assess {
        /// Its title, pack or identifier
        campaign: String,
    },
    /// Hunt again what was hunted, with the pack as it is now
    Rehunt {
        /// Its title, pack or identifier
        campaign: String,
    },
}

/// Which servers of a campaign.
#[derive(Args)]
struct Filter {
    /// Of tenants with this contract: soc, managed, none; may be repeated
    #[arg(long)]
    contract: Vec<String>,
    /// Of tenants of this agency; may be repeated
    #[arg(long)]
    agency: Vec<String>,
    /// Of this tenant, by name or identifier
    #[arg(long)]
    tenant: Option<String>,
    /// With this verdict; may be repeated
    #[arg(long)]
    verdict: Vec<String>,
    /// With this exposure; may be repeated
    #[arg(long)]
    exposure: Vec<String>,
    /// Of which this stage is unknown; may be repeated
    #[arg(long, value_name = "STAGE")]
    unknown: Vec<String>,
    /// Part of the name of a tenant or server
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

const CAMPAIGNS: &[Column] = &[
    column("id", "identifiant", "/id", Shown::Text),
    column("title", "titre", "/title", Shown::Text),
    column("pack", "pack", "/pack", Shown::Text),
    column("version", "version", "/pack_version", Shown::Text),
    column("tenants", "clients", "/tenants", Shown::Text),
    column("opened", "ouverte", "/opened_at", Shown::Time),
    column("closed", "close", "/closed_at", Shown::Time),
];

const ASSESSED: &[Column] = &[
    column("servers", "serveurs", "/servers", Shown::Text),
    column("changed", "modifiés", "/changed", Shown::Text),
    column("vulnerable", "vulnérables", "/vulnerable", Shown::Text),
    column("unknown", "inconnus", "/unknown", Shown::Text),
];

/// What a job is.
pub(super) const JOBS: &[Column] = &[
    column("job", "tâche", "/id", Shown::Text),
    column("kind", "nature", "/kind", Shown::Text),
    column("state", "état", "/state", Shown::Word(Words::Job)),
];

/// Runs `vigie campaign`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let desk = arguments.remote.open(lang)?;
    let act = |campaign: &String, act: &str, body: &Value| -> Result<()> {
        let done = desk.act(&path(&desk, campaign)?, act, body)?;
        desk.item(&done, CAMPAIGNS)
    };
    match &arguments.verb {
        Verb::List { paging } => desk.list("/campaigns", paging, CAMPAIGNS)?,
        Verb::Show { campaign } => {
            let summary = desk.client.get(&format!("{}/summary", path(&desk, campaign)?))?;
            if desk.format == Format::Json {
                return print_json(&summary).map(|()| ExitCode::SUCCESS);
            }
            desk.item(&summary["campaign"], CAMPAIGNS)?;
            write_summary(&summary, lang)?;
        }
        Verb::Board {
            campaign,
            filter,
            limit,
        } => {
            let limit = limit.to_string();
            let query = filter.query(&desk)?.and("limit", [&limit]);
            let board = desk
                .client
                .get(&query.on(&format!("{}/board", path(&desk, campaign)?)))?;
            if desk.format == Format::Json {
                return print_json(&board).map(|()| ExitCode::SUCCESS);
            }
            write_board(&board, lang)?;
        }
        Verb::Open {
            title,
            pack,
            tenant,
            all_tenants,
        } => {
            let tenants = match all_tenants {
                true => desk
                    .client
                    .list("/tenants", usize::MAX)?
                    .0
                    .into_iter()
                    .map(|one| one["id"].clone())
                    .collect(),
                false => ids(&desk, tenant)?,
            };
            let new = json!({
                "title": title,
                "pack": pack,
                "pack_version": pack_version(&desk, pack)?,
                "tenants": tenants,
            });
            desk.item(&desk.client.post("/campaigns", &new)?, CAMPAIGNS)?;
        }
        Verb::Close { campaign } => act(campaign, "close", &Value::Null)?,
        Verb::Reopen { campaign } => act(campaign, "reopen", &Value::Null)?,
        Verb::Revise { campaign } => {
            let path = path(&desk, campaign)?;
            let now = desk.client.get(&path)?;
            let version = pack_version(&desk, now["pack"].as_str().unwrap_or_default())?;
            let done = desk.client.post_at(
                &format!("{path}/revise"),
                now["revision"].as_i64(),
                &json!({"pack_version": version}),
            )?;
            desk.item(&done, CAMPAIGNS)?;
        }
        Verb::Add { campaign, tenants } => {
            let body = json!({"tenants": ids(&desk, tenants)?});
            let done = desk
                .client
                .post(&format!("{}/tenants", path(&desk, campaign)?), &body)?;
            desk.item(&done, CAMPAIGNS)?;
        }
        Verb::Remove { campaign, tenant } => {
            let (path, tenant) = (path(&desk, campaign)?, desk.tenant(tenant)?);
            desk.client.delete(&format!("{path}/tenants/{tenant}"))?;
            desk.item(&desk.client.get(&path)?, CAMPAIGNS)?;
        }
        Verb::Assess { campaign } => {
            let done = desk
                .client
                .post(&format!("{}/assess", path(&desk, campaign)?), &Value::Null)?;
            desk.item(&done, ASSESSED)?;
        }
        Verb::Rehunt { campaign } => {
            let jobs = desk
                .client
                .post(&format!("{}/rehunt", path(&desk, campaign)?), &Value::Null)?;
            desk.items(jobs.as_array().map_or(&[][..], Vec::as_slice), JOBS)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(desk: &Session, campaign: &str) -> Result<String> {
    Ok(format!("/campaigns/{}", desk.campaign(campaign)?))
}

fn ids(desk: &Session, tenants: &[String]) -> Result<Vec<Value>> {
    tenants
        .iter()
        .map(|given| desk.tenant(given).map(Value::from))
        .collect()
}

/// The version of a pack that the server has now.
fn pack_version(desk: &Session, name: &str) -> Result<Value> {
    let packs = desk.client.get("/packs")?;
    let mut all = packs.as_array().into_iter().flatten();
    let Some(pack) = all.find(|pack| pack["name"] == name) else {
        bail!(
            "{} {:?}; vigie pack list",
            tell(
                desk.lang,
                "the server has no pack named",
                "le serveur n’a pas de pack nommé"
            ),
            visible(name)
        );
    };
    Ok(pack["version"].clone())
}

impl Filter {
    fn query(&self, desk: &Session) -> Result<Query> {
        let tenant = self.tenant.as_ref().map(|given| desk.tenant(given)).transpose()?;
        Ok(Query::default()
            .and("contract", &self.contract)
            .and("agency", &self.agency)
            .and("tenant", tenant)
            .and("verdict", &self.verdict)
            .and("exposure", &self.exposure)
            .and("unknown", &self.unknown)
            .and("q", &self.search))
    }
}

/// How many servers say what, a line for each stage. What is unknown stands first.
fn write_summary(summary: &Value, lang: Lang) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out)?;
    let mut rows = Vec::new();
    for stage in summary["stages"].as_array().into_iter().flatten() {
        let name = stage["stage"].as_str().unwrap_or_default();
        let mut words: Vec<&Value> = stage["words"].as_array().into_iter().flatten().collect();
        words.sort_by_key(|one| one["detail"] != "unknown");
        let said = words.iter().map(|one| {
            format!(
                "{} {}",
                one["count"],
                word(Words::Cell, one["detail"].as_str().unwrap_or_default(), lang)
            )
        });
        let said: Vec<String> = said.collect();
        rows.push(vec![
            word(Words::Stage, name, lang).to_owned(),
            visible(&said.join(", ")).into_owned(),
        ]);
    }
    show::write_rows(&rows, &mut out)?;
    let (servers, tenants) = (&summary["servers_total"], &summary["tenants_total"]);
    match lang {
        Lang::En => writeln!(out, "of {servers} servers of {tenants} tenants")?,
        Lang::Fr => writeln!(out, "sur {servers} serveurs de {tenants} clients")?,
    }
    Ok(())
}

fn write_board(board: &Value, lang: Lang) -> Result<()> {
    let stages = ["inventory", "exposure", "evidence", "hunt", "verdict", "case"];
    let mut titles = vec![
        tell(lang, "TENANT", "CLIENT").to_owned(),
        tell(lang, "SERVER", "SERVEUR").to_owned(),
    ];
    titles.extend(stages.map(|stage| word(Words::Stage, stage, lang).to_uppercase()));
    let mut rows = vec![titles];
    for tenant in board["tenants"]["items"].as_array().into_iter().flatten() {
        for server in tenant["servers"].as_array().into_iter().flatten() {
            let name = |of: &Value| visible(of["name"].as_str().unwrap_or_default()).into_owned();
            let mut row = vec![name(tenant), name(server)];
            row.extend(stages.map(|stage| cell(server, stage, lang)));
            rows.push(row);
        }
    }
    let mut out = std::io::stdout().lock();
    show::write_rows(&rows, &mut out)?;
    let [servers, of, tenants, of_tenants] = [
        "servers_matching",
        "servers_total",
        "tenants_matching",
        "tenants_total",
    ]
    .map(|field| &board[field]);
    match lang {
        Lang::En => writeln!(
            out,
            "{servers} of {of} servers, {tenants} of {of_tenants} tenants"
        )?,
        Lang::Fr => writeln!(
            out,
            "{servers} serveurs sur {of}, {tenants} clients sur {of_tenants}"
        )?,
    }
    if !board["tenants"]["next_cursor"].is_null() {
        eprintln!(
            "{}",
            tell(
                lang,
                "there are more: --limit N",
                "il y en a d’autres\u{a0}: --limit N"
            )
        );
    }
    Ok(())
}

/// What a cell says now; what became too old to be relied on reads as unknown.
fn cell(server: &Value, stage: &str, lang: Lang) -> String {
    let cell = server["cells"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|cell| cell["stage"] == stage);
    let said = match cell {
        Some(cell) if cell["stale"] != true => cell["detail"].as_str().unwrap_or("unknown"),
        _ => "unknown",
    };
    visible(word(Words::Cell, said, lang)).into_owned()
}
