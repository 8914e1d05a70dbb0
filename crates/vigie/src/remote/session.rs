//! Which server is asked, as whom, and how answers are shown.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use vigie_report::Lang;

use super::address::{Address, encoded};
use super::client::Client;
use super::show::{self, Column};
use crate::tell;

/// Where the desk is, and how to show what it says.
#[derive(Args)]
#[command(next_help_heading = "The desk")]
pub(crate) struct Remote {
    /// The server's address, such as `https://vigie.example`. The key to ask it with is in VIGIE_KEY or --key-file
    #[arg(long, value_name = "URL", env = "VIGIE_SERVER", global = true)]
    server: Option<String>,
    /// A file that holds the API key and nothing else
    #[arg(long, value_name = "FILE", env = "VIGIE_KEY_FILE", global = true)]
    key_file: Option<PathBuf>,
    /// The authorities to believe (PEM), when the server's certificate is of one's own
    #[arg(long, value_name = "FILE", env = "VIGIE_CA_CERT", global = true)]
    ca_cert: Option<PathBuf>,
    /// Send the key over plain HTTP to another machine, where anybody on the way can read it
    #[arg(long, global = true)]
    insecure_http: bool,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table, global = true)]
    format: Format,
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// What the server answered
    Json,
}

/// How much of a list.
#[derive(Args)]
pub(crate) struct Paging {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// All there are
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Default for Paging {
    fn default() -> Paging {
        Paging {
            limit: 100,
            all: false,
        }
    }
}

/// Whose things, where, and for which campaign.
#[derive(Args)]
pub(crate) struct Of {
    /// Of this tenant, by name or identifier
    #[arg(long)]
    tenant: Option<String>,
    /// Of this server, by name or identifier
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Of this campaign: its title, pack or identifier
    #[arg(long)]
    campaign: Option<String>,
}

impl Of {
    /// The query for a list of them.
    pub(crate) fn query(&self, desk: &Session) -> Result<Query> {
        let (tenant, server) = desk.tenant_and_server(self.tenant.as_deref(), self.server_name.as_deref())?;
        let campaign = self
            .campaign
            .as_ref()
            .map(|given| desk.campaign(given))
            .transpose()?;
        Ok(Query::default()
            .and("tenant", tenant)
            .and("server", server)
            .and("campaign", campaign))
    }
}

/// A server that is asked.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) lang: Lang,
    pub(crate) format: Format,
    /// Names that were asked for, by identifier.
    pub(super) names: RefCell<HashMap<String, String>>,
    /// How many were, by what they are among.
    pub(super) asked: RefCell<HashMap<&'static str, usize>>,
}

impl Remote {
    /// How answers are shown.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Reads the options; nothing is sent yet.
    ///
    /// # Errors
    /// When the address or the key is missing, or the key would cross the network for all to read.
    pub(crate) fn open(&self, lang: Lang) -> Result<Session> {
        let Some(server) = self.server.as_ref().filter(|server| !server.is_empty()) else {
            bail!(tell(
                lang,
                "which server? Say --server URL, or set VIGIE_SERVER",
                "quel serveur\u{202f}? Indiquez --server URL, ou définissez VIGIE_SERVER",
            ));
        };
        let Some(address) = Address::read(server) else {
            // What was given may hold a password: it is not repeated.
            bail!(tell(
                lang,
                "--server: it is no address such as https://vigie.example; keys and passwords do not belong into it",
                "--server\u{a0}: ce n’est pas une adresse telle que https://vigie.example\u{202f}; ni clé ni mot de passe n’y ont leur place",
            ));
        };
        if address.is_clear && !address.is_here && !self.insecure_http {
            bail!(tell(
                lang,
                "the key would cross the network in the clear: use https://, or say --insecure-http if you know the way is safe",
                "la clé passerait en clair sur le réseau\u{a0}: utilisez https://, ou dites --insecure-http si vous savez le chemin sûr",
            ));
        }
        let key = self.key(lang)?;
        Ok(Session {
            client: Client::new(address, key, self.ca_cert.as_deref(), lang)?,
            lang,
            format: self.format,
            names: RefCell::default(),
            asked: RefCell::default(),
        })
    }

    fn key(&self, lang: Lang) -> Result<String> {
        let text = match &self.key_file {
            Some(file) => read_key(file, lang)?,
            None => std::env::var("VIGIE_KEY").unwrap_or_default(),
        };
        let key = text.trim();
        if key.is_empty() {
            bail!(tell(
                lang,
                "there is no key: put an API key into VIGIE_KEY, or name its file with --key-file; keys are made in the settings of the desk",
                "il manque la clé\u{a0}: mettez une clé d’API dans VIGIE_KEY, ou indiquez son fichier avec --key-file\u{202f}; les clés se créent dans les réglages du poste",
            ));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!(tell(
                lang,
                "the key is none: it must be one word, as the desk showed it",
                "ce n’est pas une clé\u{a0}: elle tient en un mot, tel que le poste l’a montré",
            ));
        }
        Ok(key.to_owned())
    }
}

fn read_key(file: &Path, lang: Lang) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!(
            "{} {}",
            tell(lang, "cannot read", "impossible de lire"),
            file.display()
        )
    })?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file)
            .map(|about| about.permissions().mode())
            .unwrap_or(0);
        if mode & 0o077 != 0 {
            let said = tell(
                lang,
                "others on this machine can read the key: chmod 600",
                "d’autres sur cette machine peuvent lire la clé\u{a0}: chmod 600",
            );
            eprintln!("{said} {}", file.display());
        }
    }
    Ok(text)
}

impl Session {
    /// Shows part of a list.
    pub(crate) fn list(&self, path: &str, paging: &Paging, columns: &[Column]) -> Result<()> {
        let most = if paging.all {
            usize::MAX
        } else {
            paging.limit as usize
        };
        let (items, has_more) = self.client.list(path, most)?;
        self.items(&items, columns)?;
        if has_more {
            let said = tell(
                self.lang,
                "there are more: --limit N or --all",
                "il y en a d’autres\u{a0}: --limit N ou --all",
            );
            eprintln!("{said}");
        }
        Ok(())
    }

    /// Shows items.
    pub(crate) fn items(&self, items: &[Value], columns: &[Column]) -> Result<()> {
        match self.format {
            Format::Json => print_json(&Value::from(items.to_vec())),
            Format::Table => {
                show::table(self, items, columns, &mut std::io::stdout().lock())?;
                Ok(())
            }
        }
    }

    /// Shows one thing.
    pub(crate) fn item(&self, item: &Value, columns: &[Column]) -> Result<()> {
        match self.format {
            Format::Json => print_json(item),
            Format::Table => {
                show::one(self, item, columns, &mut std::io::stdout().lock())?;
                Ok(())
            }
        }
    }

    /// Does something to a thing as it is now: `path` is the thing, `act` what is done.
    pub(crate) fn act(&self, path: &str, act: &str, body: &Value) -> Result<Value> {
        let now = self.client.get(path)?;
        Ok(self
            .client
            .post_at(&format!("{path}/{act}"), now["revision"].as_i64(), body)?)
    }
}

/// Prints a value.
pub(crate) fn print_json(value: &Value) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// A query out of what was given.
#[derive(Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds a value, when there is one.
    pub(crate) fn and<T: AsRef<str>>(mut self, name: &str, value: impl IntoIterator<Item = T>) -> Query {
        for value in value {
            self.0.push(if self.0.is_empty() { '?' } else { '&' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.push_str(&encoded(value.as_ref()));
        }
        self
    }

    /// Adds `name=true`, when it is so.
    pub(crate) fn when(self, name: &str, so: bool) -> Query {
        self.and(name, so.then_some("true"))
    }

    /// The path with the query.
    pub(crate) fn on(self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}
