//! `vigie evidence`: what there is, who had it in hand, whether it is what was received.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vigie_desk::evidence::EvidenceFilter;
use vigie_desk::{Access, Desk, PageRequest};
use vigie_report::{Lang, visible};

use super::Remote;
use super::names::EVIDENCE;
use super::session::{Format, Of, Paging, Query, Session, print_json};
use super::show::{Column, Shown, column};
use crate::french::phrases;
use crate::numbers::{bytes, counted};
use crate::progress::Bar;
use crate::{REACHED, tell};

/// Arguments of `vigie evidence`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Evidence, newest first
    List {
        #[command(flatten)]
        of: Of,
        /// Part of the name, or all of the hash
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Also what was deleted at the end of its retention
        #[arg(long)]
        deleted: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// One piece of evidence
    Show {
        /// Its name, hash or identifier
        evidence: String,
    },
    /// Who received, read, took out and verified it, newest first
    Custody {
        /// Its name, hash or identifier
        evidence: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Read evidence whole, and say whether it is what was received; status 3 when some is not
    Verify(Verify),
    /// Take evidence out, byte for byte; who and why is recorded
    Export {
        /// Its name, hash or identifier
        evidence: String,
        /// Why, for the record
        #[arg(long)]
        reason: String,
        /// The file to make
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Set a legal hold: it stays until the hold is lifted
    Hold {
        /// Its name, hash or identifier; without it all evidence of --tenant
        #[arg(required_unless_present = "tenant")]
        evidence: Option<String>,
        /// All evidence of this tenant
        #[arg(long, conflicts_with = "evidence")]
        tenant: Option<String>,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
    /// The legal holds of a tenant
    Holds {
        /// Its name or identifier
        tenant: String,
    },
    /// Lift a legal hold
    Lift {
        /// The identifier of the hold
        hold: String,
        /// Why, for the record
        #[arg(long)]
        reason: String,
    },
}

/// What is verified.
#[derive(Args)]
struct Verify {
    /// Names, hashes or identifiers; without any, all evidence that one may see
    evidence: Vec<String>,
    #[command(flatten)]
    of: Of,
    /// Verify all evidence of the desk in this data folder, without a server
    #[arg(long, value_name = "DIR", conflicts_with_all = ["evidence", "tenant", "server_name", "campaign"])]
    data: Option<PathBuf>,
    /// Its PostgreSQL database, when it is not a file in the data folder
    #[arg(long, value_name = "URL", env = "VIGIE_DATABASE", hide_env_values = true)]
    database: Option<String>,
}

const PIECES: &[Column] = &[
    column("id", "identifiant", "/id", Shown::Text),
    column("tenant", "client", "/tenant_id", Shown::Name("/tenants")),
    column("server", "serveur", "/server_id", Shown::Name("/servers")),
    column("name", "nom", "/name", Shown::Text),
    column("size", "taille", "/size", Shown::Bytes),
    column("received", "reçue", "/received_at", Shown::Time),
    column("by", "par", "/received_by", Shown::Text),
    column("held", "gelée", "/held", Shown::YesNo),
];

const PIECE: &[Column] = &[
    column("id", "identifiant", "/id", Shown::Text),
    column("tenant", "client", "/tenant_id", Shown::Name("/tenants")),
    column("server", "serveur", "/server_id", Shown::Name("/servers")),
    column("campaign", "campagne", "/campaign_id", Shown::Name("/campaigns")),
    column("name", "nom", "/name", Shown::Text),
    column("size", "taille", "/size", Shown::Bytes),
    column("SHA-256", "SHA-256", "/sha256", Shown::Text),
    column("acquired", "collectée", "/acquired_at", Shown::Time),
    column("received", "reçue", "/received_at", Shown::Time),
    column("by", "par", "/received_by", Shown::Text),
    column(
        "kept until",
        "conservée jusqu’au",
        "/retention_until",
        Shown::Time,
    ),
    column("held", "gelée", "/held", Shown::YesNo),
    column("deleted", "supprimée", "/deleted_at", Shown::Time),
    column("note", "note", "/note", Shown::Text),
];

const CUSTODY: &[Column] = &[
    column("when (UTC)", "quand (UTC)", "/at", Shown::Time),
    column("who", "qui", "/actor/name", Shown::Text),
    column("what", "quoi", "/action", Shown::Text),
    column("details", "détails", "/details", Shown::Json),
];

const HOLDS: &[Column] = &[
    column("hold", "gel", "/id", Shown::Text),
    column("evidence", "preuve", "/evidence_id", Shown::Text),
    column("reason", "raison", "/reason", Shown::Text),
    column("set", "posé", "/set_at", Shown::Time),
    column("by", "par", "/set_by", Shown::Text),
    column("lifted", "levé", "/lifted_at", Shown::Time),
    column("by", "par", "/lifted_by", Shown::Text),
];

/// Runs `vigie evidence`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    if let Verb::Verify(verify) = &arguments.verb {
        let checked = match &verify.data {
            Some(data) => check_here(data, verify.database.as_ref())?,
            None => check_there(&arguments.remote.open(lang)?, verify)?,
        };
        return checked.tell(arguments.remote.format(), lang);
    }
    let desk = arguments.remote.open(lang)?;
    match &arguments.verb {
        Verb::Verify(_) => {}
        Verb::List {
            of,
            search,
            deleted,
            paging,
        } => {
            let query = of.query(&desk)?.and("q", search).when("deleted", *deleted);
            desk.list(&query.on("/evidence"), paging, PIECES)?;
        }
        Verb::Show { evidence } => desk.item(&desk.client.get(&path(&desk, evidence)?)?, PIECE)?,
        Verb::Custody { evidence, paging } => {
            desk.list(&format!("{}/custody", path(&desk, evidence)?), paging, CUSTODY)?;
        }
        Verb::Export {
            evidence,
            reason,
            output,
        } => export(&desk, evidence, reason, output)?,
        Verb::Hold {
            evidence,
            tenant,
            reason,
        } => {
            let path = match (evidence, tenant) {
                (Some(evidence), _) => format!("{}/hold", path(&desk, evidence)?),
                (None, tenant) => format!(
                    "/tenants/{}/holds",
                    desk.tenant(tenant.as_deref().unwrap_or_default())?
                ),
            };
            desk.item(&desk.client.post(&path, &json!({"reason": reason}))?, HOLDS)?;
        }
        Verb::Holds { tenant } => {
            let holds = desk
                .client
                .get(&format!("/tenants/{}/holds", desk.tenant(tenant)?))?;
            desk.items(holds.as_array().map_or(&[][..], Vec::as_slice), HOLDS)?;
        }
        Verb::Lift { hold, reason } => {
            let path = format!("/holds/{}/lift", super::address::encoded(hold));
            desk.item(&desk.client.post(&path, &json!({"reason": reason}))?, HOLDS)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(desk: &Session, evidence: &str) -> Result<String> {
    Ok(format!(
        "/evidence/{}",
        desk.id_of(&EVIDENCE, evidence, Query::default())?
    ))
}

/// Writes evidence into a new file, which stands under its name only when it is what was received.
fn export(desk: &Session, evidence: &str, reason: &str, output: &Path) -> Result<()> {
    let cannot = || {
        format!(
            "{} {}",
            tell(desk.lang, "cannot write", "impossible d’écrire"),
            output.display()
        )
    };
    if output.exists() {
        bail!(
            "{} {}",
            output.display(),
            tell(
                desk.lang,
                "exists: name another file",
                "existe déjà\u{a0}: indiquez un autre fichier"
            )
        );
    }
    let folder = output
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let path = path(desk, evidence)?;
    let found = desk.client.get(&path)?;
    let mut draft = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    let mut input = desk
        .client
        .download(&format!("{path}/export"), &json!({"reason": reason}))?;
    let (mut hash, mut buffer, mut size) = (Sha256::new(), vec![0; 1 << 17], 0_u64);
    loop {
        let read = input.read(&mut buffer).with_context(|| {
            tell(
                desk.lang,
                "the export broke off: what is stored may be damaged (vigie evidence verify), or the line",
                "l’export s’est interrompu\u{a0}: la preuve stockée est peut-être altérée (vigie evidence verify), ou la liaison",
            )
        })?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        size += read as u64;
        draft.write_all(&buffer[..read]).with_context(cannot)?;
    }
    let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found["sha256"] != sha256 {
        bail!(tell(
            desk.lang,
            "what came is not what the desk received: nothing was written",
            "ce qui est arrivé n’est pas ce que le poste avait reçu\u{a0}: rien n’a été écrit",
        ));
    }
    draft.as_file().sync_all().with_context(cannot)?;
    draft.persist_noclobber(output).with_context(cannot)?;
    match desk.format {
        Format::Json => print_json(&found)?,
        Format::Table => eprintln!(
            "{}: {}, SHA-256 {sha256}",
            output.display(),
            bytes(size, desk.lang)
        ),
    }
    Ok(())
}

/// What a verification found.
#[derive(Default)]
struct Checked {
    pieces: u64,
    bytes: u64,
    /// Deleted at the end of their retention since they were listed.
    deleted: u64,
    /// Pieces that are not what was received.
    broken: Vec<Value>,
    /// Why the rest was not looked at.
    stopped: Option<Stopped>,
}

/// Where a verification ended before its end.
struct Stopped {
    /// The piece that could not be looked at.
    at: Value,
    why: String,
}

impl Checked {
    fn stop(&mut self, evidence: &Value, why: String) {
        let at = json!({"id": evidence["id"], "tenant_id": evidence["tenant_id"], "name": evidence["name"]});
        self.stopped = Some(Stopped { at, why });
    }

    fn note(&mut self, evidence: &Value, verified: &Value) {
        self.pieces += 1;
        self.bytes += verified["bytes"].as_u64().unwrap_or(0);
        if verified["sound"] != true {
            self.broken.push(json!({
                "id": evidence["id"], "tenant_id": evidence["tenant_id"], "name": evidence["name"], "problem": verified["problem"],
            }));
        }
    }

    fn tell(&self, format: Format, lang: Lang) -> Result<ExitCode> {
        match format {
            Format::Json => print_json(&json!({
                "sound": self.is_sound(), "pieces": self.pieces, "bytes": self.bytes, "deleted": self.deleted, "broken": self.broken,
                "stopped": self.stopped.as_ref().map(|stopped| &stopped.why),
                "stopped_at": self.stopped.as_ref().map(|stopped| &stopped.at),
            }))?,
            Format::Table => self.write(lang, &mut std::io::stdout().lock())?,
        }
        if let Some(Stopped { at, why }) = &self.stopped {
            let text = |field: &str| visible(at[field].as_str().unwrap_or_default()).into_owned();
            let (id, name) = (text("id"), text("name"));
            match lang {
                Lang::En => eprintln!("vigie: it stopped at {id} ({name}): {why}"),
                Lang::Fr => eprintln!("vigie\u{a0}: arrêt à {id} ({name})\u{a0}: {}", phrases::say(why)),
            }
        }
        Ok(match self.is_sound() {
            Some(false) => ExitCode::from(REACHED),
            Some(true) => ExitCode::SUCCESS,
            None => ExitCode::FAILURE,
        })
    }

    /// Whether all is as it was received; `None`: some of it, or all, was not looked at.
    fn is_sound(&self) -> Option<bool> {
        match self.broken.is_empty() {
            false => Some(false),
            true => (self.pieces > 0 && self.stopped.is_none()).then_some(true),
        }
    }

    fn write(&self, lang: Lang, out: &mut dyn Write) -> Result<()> {
        for broken in &self.broken {
            let text = |field: &str| visible(broken[field].as_str().unwrap_or_default()).into_owned();
            writeln!(out, "{}  {}  {}", text("id"), text("name"), text("problem"))?;
        }
        if self.deleted > 0 {
            let deleted = counted(
                self.deleted,
                lang,
                ("piece was", "pieces were"),
                ("preuve", "preuves"),
            );
            let said = tell(
                lang,
                "deleted meanwhile, at the end of their retention",
                "supprimées entre-temps, en fin de conservation",
            );
            writeln!(out, "{deleted} {said}")?;
        }
        if self.pieces == 0 {
            writeln!(
                out,
                "{}",
                tell(
                    lang,
                    "there was no evidence to verify",
                    "il n’y avait aucune preuve à vérifier"
                )
            )?;
            return Ok(());
        }
        let pieces = counted(
            self.pieces,
            lang,
            ("piece of evidence", "pieces of evidence"),
            ("preuve", "preuves"),
        );
        let verdict = match (self.broken.len(), lang) {
            (0, _) if self.stopped.is_some() => {
                tell(lang, "the rest was not looked at", "le reste n’a pas été examiné").into()
            }
            (0, Lang::En) => "all as they were received".into(),
            (0, Lang::Fr) => "toutes telles que reçues".into(),
            (broken, Lang::En) => format!("{broken} DAMAGED"),
            (broken, Lang::Fr) => format!("{broken} ALTÉRÉES"),
        };
        writeln!(
            out,
            "{pieces}, {}{}{verdict}",
            bytes(self.bytes, lang),
            tell(lang, ": ", "\u{a0}: ")
        )?;
        Ok(())
    }
}

/// Verifies evidence at a server.
fn check_there(desk: &Session, verify: &Verify) -> Result<Checked> {
    let pieces: Vec<Value> = match verify.evidence.as_slice() {
        [] => {
            desk.client
                .list(&verify.of.query(desk)?.on("/evidence"), usize::MAX)?
                .0
        }
        named => {
            let found: Result<Vec<Value>> = named
                .iter()
                .map(|name| Ok(desk.client.get(&path(desk, name)?)?))
                .collect();
            found?
        }
    };
    let mut checked = Checked::default();
    let bar = Bar::new(false, desk.lang);
    let size = |evidence: &Value| evidence["size"].as_u64().unwrap_or(0);
    let total = pieces.iter().map(size).sum();
    for evidence in &pieces {
        if let Some(bar) = &bar {
            bar.at(checked.bytes, total);
        }
        let path = format!("/evidence/{}/verify", evidence["id"].as_str().unwrap_or_default());
        match desk.client.post(&path, &Value::Null) {
            Ok(verified) => checked.note(evidence, &verified),
            Err(fault) if fault.kind() == "state" && verify.evidence.is_empty() => checked.deleted += 1,
            Err(fault) => {
                checked.stop(evidence, fault.to_string());
                break;
            }
        }
    }
    if let Some(bar) = &bar {
        bar.finish();
    }
    Ok(checked)
}

/// Verifies all evidence of a desk on this machine.
fn check_here(data: &Path, database: Option<&String>) -> Result<Checked> {
    let mut options = vigie_desk::Options::in_folder(data);
    options.database = database.cloned();
    let desk = Desk::open_beside(&options)?;
    let access = Access::system("verify");
    let mut checked = Checked::default();
    let mut page = PageRequest::default();
    loop {
        let found = vigie_desk::evidence::list(&desk, &access, &EvidenceFilter::default(), &page)?;
        for evidence in &found.items {
            let verified = match vigie_desk::evidence::verify(&desk, &access, &evidence.id) {
                Ok(verified) => json!(verified),
                Err(vigie_desk::Error::State { .. }) => {
                    checked.deleted += 1;
                    continue;
                }
                Err(error) => {
                    checked.stop(&json!(evidence), error.to_string());
                    return Ok(checked);
                }
            };
            checked.note(&json!(evidence), &verified);
        }
        match found.next {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    Ok(checked)
}
