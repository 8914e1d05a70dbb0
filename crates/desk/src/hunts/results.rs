//! What hunts said.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use vigie_hunt::{HostResult, HuntResult, ManifestEntry};

use crate::db::{Order, Reader, Sql, params};
use crate::desk::Tx;
use crate::findings::Changes;
use crate::{
    Access, CampaignId, Desk, DismissalId, Error, EvidenceId, HuntId, Page, PageRequest, Result, ServerId,
    TenantId, Time, Verb, servers,
};
use vigie_hunt::Message;
use vigie_hunt::message::french_place;

/// Files listed of those a hunt left out; all are counted.
const SKIPPED: usize = 500;

/// A hunt that was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hunt {
    /// Its identifier: that of its job.
    pub id: HuntId,
    /// Whose evidence it was.
    pub tenant_id: TenantId,
    /// The campaign.
    pub campaign_id: CampaignId,
    /// The pack that ran.
    pub pack: String,
    /// Its version.
    pub pack_version: String,
    /// What was hunted in.
    pub evidence: Vec<EvidenceId>,
    /// Names the files it read, see `docs/hunt.schema.json`.
    pub manifest_sha256: String,
    /// Counts, see `docs/hunt.schema.json`.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub stats: Json,
    /// What the reader must know before trusting the answer.
    pub warnings: Vec<String>,
    /// The same by code, for whoever reads another language.
    #[serde(skip)]
    pub said: Vec<Message>,
    /// Files of which something was skipped, and why; then those of no known kind. At most 500 together.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub skipped: Vec<Json>,
    /// How many there are of each, listed or not.
    pub left_out: LeftOut,
    /// What it changed.
    pub changes: Changes,
    /// When it was done.
    pub finished_at: Time,
}

/// Files that a hunt did not read, or not whole. Archives that it opened are none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeftOut {
    /// Of which something was skipped.
    pub partly: u64,
    /// Of no known kind: hashed and compared with indicators and YARA rules, not read as a log.
    pub unknown: u64,
}

/// What a hunt said of one server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HuntServer {
    /// The hunt.
    pub hunt_id: HuntId,
    /// The server.
    pub server_id: ServerId,
    /// What its logs call it.
    pub host: String,
    /// The verdict.
    pub verdict: String,
    /// The stretch that was really looked at: `{from, to}`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub window: Json,
    /// Why this verdict: `[{en, fr}]`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub reasons: Json,
    /// What the evidence covers, see `docs/hunt.schema.json`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub coverage: Json,
    /// What happened, told as stories, see `docs/hunt.schema.json`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub storylines: Json,
    /// Events by source.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub events: Json,
    /// Events that the benign catalogue hid.
    pub suppressed: i64,
}

impl Hunt {
    const COLUMNS: &str = "h.id, h.tenant_id, h.campaign_id, h.pack, h.pack_version, h.evidence, h.manifest_sha256, h.stats, \
         h.warnings, h.skipped, h.changes, h.finished_at";

    fn read(row: &mut Reader) -> Result<Hunt> {
        let (id, tenant_id, campaign_id) = (row.get()?, row.get()?, row.get()?);
        let (pack, pack_version, evidence) = (row.get()?, row.get()?, row.json()?);
        let (manifest_sha256, stats) = (row.get()?, row.json()?);
        let said: Vec<Message> = row.json()?;
        let Skipped { files, left_out } = row.json::<KeptSkipped>()?.into();
        Ok(Hunt {
            id,
            tenant_id,
            campaign_id,
            pack,
            pack_version,
            evidence,
            manifest_sha256,
            stats,
            warnings: said.iter().map(ToString::to_string).collect(),
            said,
            skipped: files,
            left_out,
            changes: row.json()?,
            finished_at: row.get()?,
        })
    }
}

impl Hunt {
    /// The hunt for somebody who reads French: its sentences are in English otherwise.
    #[must_use]
    pub fn in_french(mut self) -> Hunt {
        self.warnings = self.said.iter().map(Message::french).collect();
        let files = self.skipped.iter_mut();
        for reason in files.filter_map(|file| file["skipped"].as_array_mut()).flatten() {
            if let Some(message) = Message::from_json(reason, "why") {
                reason["why"] = message.french().into();
            }
            if let Some(place) = reason["first_at"].as_str() {
                reason["first_at"] = french_place(place).into();
            }
        }
        self
    }
}

/// What a hunt left out, as it is kept.
#[derive(Serialize, Deserialize)]
struct Skipped {
    files: Vec<Json>,
    left_out: LeftOut,
}

/// The same, or as it was kept before it was counted: a list, with opened archives in it.
#[derive(Deserialize)]
#[serde(untagged)]
enum KeptSkipped {
    Counted(Skipped),
    Listed(Vec<Json>),
}

impl Skipped {
    fn of(manifest: &[ManifestEntry]) -> Skipped {
        let opened = opened(manifest.iter().map(|file| file.path.as_str()));
        let (partly, whole): (Vec<_>, Vec<_>) = manifest.iter().partition(|file| !file.skipped.is_empty());
        let unknown: Vec<_> = whole
            .into_iter()
            .filter(|file| file.format.is_none() && !opened.contains(file.path.as_str()))
            .collect();
        let left_out = LeftOut {
            partly: partly.len() as u64,
            unknown: unknown.len() as u64,
        };
        // Those of which something is missing come first: they must be known before the answer is trusted.
        let files = partly.into_iter().chain(unknown).take(SKIPPED).map(
            |file| json!({"path": file.path, "size": file.size, "format": file.format, "skipped": file.skipped}),
        );
        Skipped {
            files: files.collect(),
            left_out,
        }
    }
}

impl From<KeptSkipped> for Skipped {
    fn from(kept: KeptSkipped) -> Skipped {
        let all = match kept {
            KeptSkipped::Counted(skipped) => return skipped,
            KeptSkipped::Listed(all) => all,
        };
        let path = |file: &Json| file["path"].as_str().unwrap_or_default().to_owned();
        let paths: Vec<String> = all.iter().map(path).collect();
        let opened = opened(paths.iter().map(String::as_str));
        let has_reasons = |file: &Json| file["skipped"].as_array().is_some_and(|why| !why.is_empty());
        let (mut files, whole): (Vec<Json>, Vec<Json>) = all.into_iter().partition(has_reasons);
        let partly = files.len() as u64;
        files.extend(
            whole
                .into_iter()
                .filter(|file| !opened.contains(path(file).as_str())),
        );
        let unknown = files.len() as u64 - partly;
        Skipped {
            files,
            left_out: LeftOut { partly, unknown },
        }
    }
}

/// The archives that were opened: what lies in one has its path before `!/`.
fn opened<'a>(paths: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
    paths
        .flat_map(|path| path.match_indices("!/").map(|(at, _)| &path[..at]))
        .collect()
}

impl HuntServer {
    const COLUMNS: &str = "s.hunt_id, s.server_id, s.host, s.verdict, s.looked_at, s.reasons, s.coverage, s.storylines, \
         s.events, s.suppressed";

    fn read(row: &mut Reader) -> Result<HuntServer> {
        Ok(HuntServer {
            hunt_id: row.get()?,
            server_id: row.get()?,
            host: row.get()?,
            verdict: row.get()?,
            window: row.json()?,
            reasons: row.json()?,
            coverage: row.json()?,
            storylines: row.json()?,
            events: row.json()?,
            suppressed: row.get()?,
        })
    }
}

pub(super) struct NewHuntRow<'a> {
    pub(super) id: &'a HuntId,
    pub(super) tenant: &'a TenantId,
    pub(super) campaign: &'a CampaignId,
    pub(super) pack: &'a str,
    pub(super) pack_version: &'a str,
    pub(super) evidence: Json,
    pub(super) basis: &'a str,
    pub(super) result: &'a HuntResult,
    pub(super) changes: Json,
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewHuntRow<'_>) -> Result<()> {
    let skipped = Skipped::of(&new.result.manifest);
    tx.execute(
        "INSERT INTO hunt (id, tenant_id, campaign_id, pack, pack_version, evidence, basis, manifest_sha256, stats, warnings, \
         skipped, changes, finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        params![
            new.id,
            new.tenant,
            new.campaign,
            new.pack,
            new.pack_version,
            new.evidence.to_string(),
            new.basis,
            &new.result.manifest_sha256,
            json!(new.result.stats).to_string(),
            json!(new.result.warnings).to_string(),
            json!(skipped).to_string(),
            new.changes.to_string(),
            tx.now,
        ],
    )?;
    Ok(())
}

pub(super) fn set_changes(tx: &mut Tx<'_>, id: &HuntId, changes: &Json) -> Result<()> {
    tx.execute(
        "UPDATE hunt SET changes = $2 WHERE id = $1",
        params![id, changes.to_string()],
    )?;
    Ok(())
}

pub(super) fn insert_server(
    tx: &mut Tx<'_>,
    hunt: &HuntId,
    server: &ServerId,
    tenant: &TenantId,
    host: &HostResult,
    sees_all: bool,
) -> Result<()> {
    tx.execute(
        "INSERT INTO hunt_server (hunt_id, server_id, tenant_id, host, verdict, looked_at, reasons, coverage, storylines, \
         events, suppressed, sees_all) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (hunt_id, server_id) DO NOTHING",
        params![
            hunt,
            server,
            tenant,
            &host.host,
            host.verdict.id(),
            json!(host.window).to_string(),
            json!(host.reasons).to_string(),
            json!(host.coverage).to_string(),
            json!(host.storylines).to_string(),
            json!(host.events).to_string(),
            host.suppressed as i64,
            sees_all,
        ],
    )?;
    Ok(())
}

/// Which entry of the benign catalogue hid how many events of a server.
pub(super) fn insert_hidden(
    tx: &mut Tx<'_>,
    (hunt, server, tenant): (&HuntId, &ServerId, &TenantId),
    entry: &DismissalId,
    events: u64,
) -> Result<()> {
    tx.execute(
        "INSERT INTO hunt_hidden (dismissal_id, hunt_id, server_id, tenant_id, events) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (dismissal_id, hunt_id, server_id) DO UPDATE SET events = hunt_hidden.events + excluded.events",
        params![entry, hunt, server, tenant, events as i64],
    )?;
    Ok(())
}

/// Hunts, newest first.
pub fn list(
    desk: &Desk,
    access: &Access,
    campaign: Option<&CampaignId>,
    tenant: Option<&TenantId>,
    page: &PageRequest,
) -> Result<Page<Hunt>> {
    access.require(Verb::ReadInternal)?;
    let limit = page.limit()?;
    let after: Option<(i64, String)> = page.after()?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Hunt::COLUMNS)
        .push(" FROM hunt h WHERE ")
        .tenants("h.tenant_id", access);
    if let Some(campaign) = campaign {
        sql.push(" AND h.campaign_id = ").bind(campaign);
    }
    if let Some(tenant) = tenant {
        sql.push(" AND h.tenant_id = ").bind(tenant);
    }
    sql.page(["h.finished_at", "h.id"], Order::Falling, after, limit);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let all: Result<Vec<Hunt>> = rows
        .into_iter()
        .map(|row| Hunt::read(&mut row.reader()))
        .collect();
    Page::of(all?, limit, |one| (one.finished_at.micros(), one.id.clone()))
}

/// One hunt, and what it said of each server.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &HuntId) -> Result<(Hunt, Vec<HuntServer>)> {
    access.require(Verb::ReadInternal)?;
    desk.read(|tx| {
        let mut sql = Sql::new("SELECT ");
        sql.push(Hunt::COLUMNS)
            .push(" FROM hunt h WHERE h.id = ")
            .bind(id);
        sql.push(" AND ").tenants("h.tenant_id", access);
        let row = tx.rows(&sql)?.into_iter().next();
        let hunt = Hunt::read(&mut row.ok_or(Error::NotFound { what: "hunt" })?.reader())?;
        let sql = format!(
            "SELECT {} FROM hunt_server s WHERE s.hunt_id = $1 ORDER BY s.host, s.server_id",
            HuntServer::COLUMNS
        );
        let rows = tx.query(&sql, params![id])?;
        let servers: Result<Vec<HuntServer>> = rows
            .into_iter()
            .map(|row| HuntServer::read(&mut row.reader()))
            .collect();
        Ok((hunt, servers?))
    })
}

/// What hunts said of one server, newest first, at most a hundred.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn of_server(desk: &Desk, access: &Access, server: &ServerId) -> Result<Vec<HuntServer>> {
    access.require(Verb::Read)?;
    let rows = desk.read(|tx| {
        servers::find(tx, access, server)?;
        let sql = format!(
            "SELECT {} FROM hunt_server s JOIN hunt h ON h.id = s.hunt_id WHERE s.server_id = $1 \
             ORDER BY h.finished_at DESC, h.id DESC LIMIT 100",
            HuntServer::COLUMNS
        );
        tx.query(&sql, params![server])
    })?;
    rows.into_iter()
        .map(|row| HuntServer::read(&mut row.reader()))
        .collect()
}
