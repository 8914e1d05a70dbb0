//! `vigie journal`: the main courante, who did and said what.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use vigie_report::Lang;

use super::Remote;
use super::session::{Paging, Query};
use super::show::{Column, Shown, column};

/// Arguments of `vigie journal`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    /// Without one: the newest hundred
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// What was done and said, newest first
    List {
        /// About this tenant, by name or identifier
        #[arg(long)]
        tenant: Option<String>,
        /// About this campaign: its title, pack or identifier
        #[arg(long)]
        campaign: Option<String>,
        /// Only this act, such as say or evidence.export
        #[arg(long)]
        action: Option<String>,
        /// Part of what was said
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// From this moment on (RFC 3339)
        #[arg(long, value_name = "T")]
        since: Option<String>,
        /// Before this moment (RFC 3339)
        #[arg(long, value_name = "T")]
        until: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Write a remark; it cannot be taken back
    Say {
        /// What is said
        text: String,
        /// About this tenant, by name or identifier
        #[arg(long)]
        tenant: Option<String>,
        /// About this campaign: its title, pack or identifier
        #[arg(long)]
        campaign: Option<String>,
    },
}

const ENTRIES: &[Column] = &[
    column("when (UTC)", "quand (UTC)", "/at", Shown::Time),
    column("who", "qui", "/actor/name", Shown::Text),
    column("what", "quoi", "/action", Shown::Text),
    column("of", "objet", "/subject/kind", Shown::Text),
    column("", "", "/subject/id", Shown::Text),
    column("said", "propos", "/text", Shown::Text),
];

/// Runs `vigie journal`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let desk = arguments.remote.open(lang)?;
    match &arguments.verb {
        None => desk.list("/journal", &Paging::default(), ENTRIES)?,
        Some(Verb::List {
            tenant,
            campaign,
            action,
            search,
            since,
            until,
            paging,
        }) => {
            let tenant = tenant.as_ref().map(|given| desk.tenant(given)).transpose()?;
            let campaign = campaign.as_ref().map(|given| desk.campaign(given)).transpose()?;
            let query = Query::default()
                .and("tenant", tenant)
                .and("campaign", campaign)
                .and("action", action)
                .and("q", search)
                .and("since", since)
                .and("until", until);
            desk.list(&query.on("/journal"), paging, ENTRIES)?;
        }
        Some(Verb::Say {
            text,
            tenant,
            campaign,
        }) => {
            let remark = json!({
                "text": text,
                "tenant_id": tenant.as_ref().map(|given| desk.tenant(given)).transpose()?,
                "campaign_id": campaign.as_ref().map(|given| desk.campaign(given)).transpose()?,
            });
            desk.item(&desk.client.post("/journal", &remark)?, ENTRIES)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
