//! Uploads in the database.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit;
use crate::db::{Reader, Sql, params};
use crate::desk::{Tx, make_private_folder};
use crate::evidence;
use crate::tenants::{self, check_length, check_name};
use crate::words::words;
use crate::{
    Access, Actor, CampaignId, Desk, Error, EvidenceId, Result, ServerId, TenantId, Time, UploadId, Verb,
    campaigns, servers,
};

/// Days after which an upload that nobody touched is given up.
const FORGOTTEN_DAYS: i64 = 7;
/// Bytes of one upload, at most: 1 TiB.
const MOST_BYTES: i64 = 1 << 40;
/// Uploads of one tenant that are open at a time.
const MOST_OPEN: i64 = 200;

words!(
    /// Where an upload stands.
    UploadState {
        /// More may come.
        Open = "open",
        /// All of it is evidence.
        Done = "done",
        /// It was given up.
        Aborted = "aborted",
    }
);

/// An upload to begin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUpload {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The server it is of, where it is of one.
    #[serde(default)]
    pub server_id: Option<ServerId>,
    /// The campaign it was collected for.
    #[serde(default)]
    pub campaign_id: Option<CampaignId>,
    /// Its name: a label, never a path.
    pub name: String,
    /// Anything worth knowing.
    #[serde(default)]
    pub note: String,
    /// When it was collected.
    #[serde(default)]
    pub acquired_at: Option<Time>,
    /// How many days to keep it; for ever, unless said.
    #[serde(default)]
    pub retention_days: Option<i64>,
    /// Bytes, when known: no other number is taken.
    #[serde(default)]
    pub size: Option<i64>,
    /// SHA-256, when known: no other bytes are taken. Hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
}

impl NewUpload {
    fn check(&self) -> Result<()> {
        check_name("name", &self.name)?;
        check_length("note", &self.note, 20_000)?;
        if self.size.is_some_and(|size| !(0..=MOST_BYTES).contains(&size)) {
            return Err(Error::invalid(
                "size",
                format!("it is not between 0 and {MOST_BYTES}"),
            ));
        }
        if self.sha256.as_ref().is_some_and(|text| !is_hash(text)) {
            return Err(Error::invalid("sha256", "it is not 64 hexadecimal digits"));
        }
        if self
            .retention_days
            .is_some_and(|days| !(30..=36_600).contains(&days))
        {
            return Err(Error::invalid("retention_days", "it is not between 30 and 36600"));
        }
        Ok(())
    }
}

/// Whether it is a SHA-256 in hexadecimal.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upload {
    /// Its identifier.
    pub id: UploadId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The server it is of.
    pub server_id: Option<ServerId>,
    /// The campaign it was collected for.
    pub campaign_id: Option<CampaignId>,
    /// Its name.
    pub name: String,
    /// Bytes, when they were announced.
    pub size: Option<i64>,
    /// Bytes that are safely here: where to go on.
    pub received: i64,
    /// Where it stands.
    pub state: UploadState,
    /// What it became.
    pub evidence_id: Option<EvidenceId>,
    /// Who sends it.
    pub begun_by: Actor,
    /// Since when.
    pub begun_at: Time,
    /// When the last piece came.
    pub touched_at: Time,
    #[serde(skip)]
    pub(super) rest: Rest,
}

/// What only the desk itself needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) note: String,
    pub(super) acquired_at: Option<Time>,
    pub(super) retention_days: Option<i64>,
    pub(super) sha256: Option<String>,
    pub(super) stored: i64,
    pub(super) chunks: i64,
    pub(super) data_key: Vec<u8>,
}

impl Upload {
    const COLUMNS: &str = "id, tenant_id, server_id, campaign_id, name, size, received, state, evidence_id, begun_by, \
         begun_at, touched_at, note, acquired_at, retention_days, sha256, stored, chunks, data_key";

    fn read(row: &mut Reader) -> Result<Upload> {
        Ok(Upload {
            id: row.get()?,
            tenant_id: row.get()?,
            server_id: row.get()?,
            campaign_id: row.get()?,
            name: row.get()?,
            size: row.get()?,
            received: row.get()?,
            state: row.get()?,
            evidence_id: row.get()?,
            begun_by: row.json()?,
            begun_at: row.get()?,
            touched_at: row.get()?,
            rest: Rest {
                note: row.get()?,
                acquired_at: row.get()?,
                retention_days: row.get()?,
                sha256: row.get()?,
                stored: row.get()?,
                chunks: row.get()?,
                data_key: row.get()?,
            },
        })
    }

    pub(super) fn expect_open(&self) -> Result<()> {
        match self.state {
            UploadState::Open => Ok(()),
            UploadState::Done => Err(Error::state("the upload is finished")),
            UploadState::Aborted => Err(Error::state("the upload was given up: begin a new one")),
        }
    }
}

/// Where the bytes of uploads lie.
pub(super) fn path(desk: &Desk, id: &UploadId) -> std::path::PathBuf {
    desk.data().join("uploads").join(id.as_str())
}

/// Begins an upload.
///
/// # Errors
/// When the tenant has too many open ones.
pub fn begin(desk: &Desk, access: &Access, new: &NewUpload) -> Result<Upload> {
    new.check()?;
    access.require_in(Verb::Evidence, &new.tenant_id, "tenant")?;
    make_private_folder(&desk.data().join("uploads"))?;
    desk.write(|tx| {
        tenants::find(tx, access, &new.tenant_id)?;
        if let Some(server) = &new.server_id
            && servers::find(tx, access, server)?.tenant_id != new.tenant_id
        {
            return Err(Error::NotFound { what: "server" });
        }
        if let Some(campaign) = &new.campaign_id {
            campaigns::find(tx, access, campaign)?;
        }
        if new.acquired_at.is_some_and(|at| at > tx.now) {
            return Err(Error::invalid("acquired_at", "it lies in the future"));
        }
        let mut open = Sql::new("SELECT COUNT(*) FROM upload WHERE state = 'open' AND tenant_id = ");
        open.bind(&new.tenant_id);
        if tx.count(&open)? >= MOST_OPEN {
            return Err(Error::state(format!("{MOST_OPEN} uploads are open already: finish or abort some")));
        }
        let id = UploadId::new(tx.now, tx.entropy);
        let key = evidence::seal_data_key(desk, tx, &new.tenant_id, id.as_str())?;
        tx.execute(
            "INSERT INTO upload (id, tenant_id, server_id, campaign_id, name, note, acquired_at, retention_days, size, \
             sha256, received, stored, chunks, data_key, state, begun_by, begun_at, touched_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, $11, 'open', $12, $13, $13)",
            params![
                &id,
                &new.tenant_id,
                new.server_id.as_ref(),
                new.campaign_id.as_ref(),
                new.name.trim(),
                &new.note,
                new.acquired_at,
                new.retention_days,
                new.size,
                new.sha256.as_ref().map(|text| text.to_lowercase()),
                key,
                json!(access.actor()).to_string(),
                tx.now,
            ],
        )?;
        audit::recorded(tx, access, Some(&new.tenant_id), ("upload", id.as_str()), "upload.begin", json!({"name": new.name, "size": new.size}))?;
        find(tx, access, &id)
    })
}

/// One upload.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &UploadId) -> Result<Upload> {
    desk.read(|tx| {
        let found = find(tx, access, id)?;
        access.require(Verb::Evidence)?;
        Ok(found)
    })
}

/// Uploads that are open, newest first, at most a thousand.
pub fn list(desk: &Desk, access: &Access, tenant: Option<&TenantId>) -> Result<Vec<Upload>> {
    access.require(Verb::Evidence)?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Upload::COLUMNS)
        .push(" FROM upload WHERE state = 'open' AND ")
        .tenants("tenant_id", access);
    if let Some(tenant) = tenant {
        sql.push(" AND tenant_id = ").bind(tenant);
    }
    sql.push(" ORDER BY begun_at DESC, id DESC LIMIT 1000");
    let rows = desk.read(|tx| tx.rows(&sql))?;
    rows.into_iter()
        .map(|row| Upload::read(&mut row.reader()))
        .collect()
}

/// Gives an upload up.
///
/// # Errors
/// When it is finished.
pub fn abort(desk: &Desk, access: &Access, id: &UploadId) -> Result<()> {
    desk.write(|tx| {
        let found = find(tx, access, id)?;
        access.require(Verb::Evidence)?;
        found.expect_open()?;
        give_up(tx, access, &found)
    })?;
    remove(desk, id)
}

fn give_up(tx: &mut Tx<'_>, access: &Access, upload: &Upload) -> Result<()> {
    tx.execute(
        "UPDATE upload SET state = 'aborted', touched_at = $2 WHERE id = $1",
        params![&upload.id, tx.now],
    )?;
    let details = json!({"received": upload.received});
    audit::recorded(
        tx,
        access,
        Some(&upload.tenant_id),
        ("upload", upload.id.as_str()),
        "upload.abort",
        details,
    )
}

/// Gives up uploads that nobody touched for a week, and removes what crashes left of others. Says how many it gave up.
pub fn sweep(desk: &Desk) -> Result<usize> {
    let access = Access::system("uploads");
    let given_up = desk.write(|tx| {
        let sql = format!(
            "SELECT {} FROM upload WHERE state = 'open' AND touched_at <= $1 LIMIT 500",
            Upload::COLUMNS
        );
        let rows = tx.query(&sql, params![tx.now.plus_days(-FORGOTTEN_DAYS)])?;
        let given_up = rows.len();
        for row in rows {
            give_up(tx, &access, &Upload::read(&mut row.reader())?)?;
        }
        Ok(given_up)
    })?;
    let folder = desk.data().join("uploads");
    if !folder.is_dir() {
        return Ok(given_up);
    }
    for entry in std::fs::read_dir(&folder).map_err(Error::io(&folder))? {
        let entry = entry.map_err(Error::io(&folder))?;
        let Some(id) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<UploadId>().ok())
        else {
            continue;
        };
        let state = desk.read(|tx| {
            let row = tx.one("SELECT state FROM upload WHERE id = $1", params![&id])?;
            row.map(|row| row.reader().get::<UploadState>()).transpose()
        })?;
        if state != Some(UploadState::Open) {
            remove(desk, &id)?;
        }
    }
    Ok(given_up)
}

pub(super) fn remove(desk: &Desk, id: &UploadId) -> Result<()> {
    let path = path(desk, id);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}

pub(super) fn find(tx: &mut Tx<'_>, access: &Access, id: &UploadId) -> Result<Upload> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Upload::COLUMNS)
        .push(" FROM upload WHERE id = ")
        .bind(id);
    sql.push(" AND ").tenants("tenant_id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    Upload::read(&mut row.ok_or(Error::NotFound { what: "upload" })?.reader())
}
