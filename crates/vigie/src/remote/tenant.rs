//! `vigie tenant`: clients, and their servers.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vigie_report::Lang;

use super::Remote;
use super::names::SERVER;
use super::session::{Paging, Query, Session};
use super::show::{Column, Shown, column};
use super::words::Words;

/// Arguments of `vigie tenant`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Tenants, by name
    List {
        /// Part of the name
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// soc, managed, none
        #[arg(long)]
        contract: Option<String>,
        /// Of this agency
        #[arg(long)]
        agency: Option<String>,
        /// Also those in the archive
        #[arg(long)]
        archived: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// One tenant
    Show {
        /// Its name or identifier
        tenant: String,
    },
    /// Add a tenant
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Say something else of a tenant; what is not named stays
    Set {
        /// Its name or identifier
        tenant: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        fields: Fields,
    },
    /// Put a tenant into the archive
    Archive {
        /// Its name or identifier
        tenant: String,
    },
    /// Take a tenant out of the archive
    Restore {
        /// Its identifier
        tenant: String,
    },
    /// The servers of a tenant
    Servers {
        /// Its name or identifier
        tenant: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Add a server to a tenant
    AddServer {
        /// Its name or identifier
        tenant: String,
        /// The server's name
        name: String,
        /// Its full name in the DNS
        #[arg(long)]
        fqdn: Option<String>,
        /// The product it runs, such as exchange-server
        #[arg(long)]
        product: Option<String>,
    },
    /// One server
    Server {
        /// Its name or identifier
        name: String,
        /// Of this tenant
        #[arg(long)]
        tenant: Option<String>,
    },
}

/// What can be said of a tenant.
#[derive(Args)]
struct Fields {
    /// soc, managed, none
    #[arg(long)]
    contract: Option<String>,
    /// fr, en
    #[arg(long)]
    locale: Option<String>,
    /// The agency that looks after it
    #[arg(long)]
    agency: Option<String>,
    /// Anything worth knowing
    #[arg(long)]
    note: Option<String>,
}

const TENANTS: &[Column] = &[
    column("id", "identifiant", "/id", Shown::Text),
    column("name", "nom", "/name", Shown::Text),
    column("contract", "contrat", "/contract", Shown::Word(Words::Contract)),
    column("agency", "agence", "/agency", Shown::Text),
    column("language", "langue", "/locale", Shown::Text),
    column("note", "note", "/note", Shown::Text),
];

const SERVERS: &[Column] = &[
    column("id", "identifiant", "/id", Shown::Text),
    column("tenant", "client", "/tenant_id", Shown::Name("/tenants")),
    column("name", "nom", "/name", Shown::Text),
    column("DNS name", "nom DNS", "/fqdn", Shown::Text),
    column("product", "produit", "/product", Shown::Text),
    column("addresses", "adresses", "/addresses", Shown::Text),
    column("note", "note", "/note", Shown::Text),
];

/// Runs `vigie tenant`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let desk = arguments.remote.open(lang)?;
    match &arguments.verb {
        Verb::List {
            search,
            contract,
            agency,
            archived,
            paging,
        } => {
            let query = Query::default()
                .and("q", search)
                .and("contract", contract)
                .and("agency", agency)
                .when("archived", *archived);
            desk.list(&query.on("/tenants"), paging, TENANTS)?;
        }
        Verb::Show { tenant } => {
            let found = desk.client.get(&path(&desk, tenant)?)?;
            desk.item(&found, TENANTS)?;
        }
        Verb::Add { name, fields } => {
            let mut new = json!({"name": name, "contract": "none", "locale": "fr"});
            fields.put_into(&mut new);
            desk.item(&desk.client.post("/tenants", &new)?, TENANTS)?;
        }
        Verb::Set { tenant, name, fields } => {
            let path = path(&desk, tenant)?;
            let now = desk.client.get(&path)?;
            let mut new = json!({});
            for field in ["name", "contract", "locale", "agency", "contacts", "note"] {
                new[field] = now[field].clone();
            }
            fields.put_into(&mut new);
            if let Some(name) = name {
                new["name"] = json!(name);
            }
            let revision = now["revision"].as_i64().unwrap_or(0);
            desk.item(&desk.client.put(&path, revision, &new)?, TENANTS)?;
        }
        Verb::Archive { tenant } => {
            let done = desk.act(&path(&desk, tenant)?, "archive", &Value::Null)?;
            desk.item(&done, TENANTS)?;
        }
        Verb::Restore { tenant } => {
            let done = desk.act(&path(&desk, tenant)?, "restore", &Value::Null)?;
            desk.item(&done, TENANTS)?;
        }
        Verb::Servers { tenant, paging } => {
            let query = Query::default().and("tenant", [desk.tenant(tenant)?]);
            desk.list(&query.on("/servers"), paging, SERVERS)?;
        }
        Verb::AddServer {
            tenant,
            name,
            fqdn,
            product,
        } => {
            let fields = json!({"name": name, "fqdn": fqdn, "product": product});
            let new = json!({"tenant_id": desk.tenant(tenant)?, "fields": fields});
            desk.item(&desk.client.post("/servers", &new)?, SERVERS)?;
        }
        Verb::Server { name, tenant } => {
            let tenant = tenant.as_ref().map(|given| desk.tenant(given)).transpose()?;
            let id = desk.id_of(&SERVER, name, Query::default().and("tenant", tenant))?;
            desk.item(&desk.client.get(&format!("/servers/{id}"))?, SERVERS)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(desk: &Session, tenant: &str) -> Result<String> {
    Ok(format!("/tenants/{}", desk.tenant(tenant)?))
}

impl Fields {
    fn put_into(&self, body: &mut Value) {
        let given = [
            ("contract", &self.contract),
            ("locale", &self.locale),
            ("agency", &self.agency),
            ("note", &self.note),
        ];
        for (field, value) in given {
            if let Some(value) = value {
                body[field] = json!(value);
            }
        }
    }
}
