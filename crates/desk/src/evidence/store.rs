//! Evidence in the database, and the keys of its blobs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{self, Entry, JournalFilter};
use crate::db::{Order, Reader, Sql, anywhere, params};
use crate::desk::{Tx, expect_changed};
use crate::secrets::{KEY_LEN, MasterKey};
use crate::tenants::check_length;
use crate::{
    Access, CampaignId, Desk, Error, EvidenceId, Page, PageRequest, Result, ServerId, TenantId, Time, Verb,
    servers,
};

/// Days of notice that a shortened retention gives: nobody deletes by shortening it.
const NOTICE_DAYS: i64 = 7;

/// What can be said differently of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EvidenceFields {
    /// The server it is of.
    #[serde(default)]
    pub server_id: Option<ServerId>,
    /// Anything worth knowing.
    #[serde(default)]
    pub note: String,
    /// Until when it is kept; `null`: for ever.
    #[serde(default)]
    pub retention_until: Option<Time>,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// Its identifier.
    pub id: EvidenceId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The campaign it was collected for.
    pub campaign_id: Option<CampaignId>,
    /// Its name, as sent.
    pub name: String,
    /// What can be said differently.
    #[serde(flatten)]
    pub fields: EvidenceFields,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: i64,
    /// When it was collected, as whoever sent it says.
    pub acquired_at: Option<Time>,
    /// When it was here whole.
    pub received_at: Time,
    /// Who sent it.
    pub received_by: String,
    /// When its retention ended and it was deleted.
    pub deleted_at: Option<Time>,
    /// Whether somebody holds it.
    pub held: bool,
    /// Its revision.
    pub revision: i64,
}

impl Evidence {
    const COLUMNS: &str = "e.id, e.tenant_id, e.campaign_id, e.name, e.server_id, e.note, e.retention_until, e.sha256, \
         e.size, e.acquired_at, e.received_at, e.received_by, e.deleted_at, CASE WHEN EXISTS (SELECT 1 FROM legal_hold h \
         WHERE h.tenant_id = e.tenant_id AND h.lifted_at IS NULL AND (h.evidence_id IS NULL OR h.evidence_id = e.id)) \
         THEN 1 ELSE 0 END, e.revision";

    fn read(row: &mut Reader) -> Result<Evidence> {
        Ok(Evidence {
            id: row.get()?,
            tenant_id: row.get()?,
            campaign_id: row.get()?,
            name: row.get()?,
            fields: EvidenceFields {
                server_id: row.get()?,
                note: row.get()?,
                retention_until: row.get()?,
            },
            sha256: row.get()?,
            size: row.get()?,
            acquired_at: row.get()?,
            received_at: row.get()?,
            received_by: row.get()?,
            deleted_at: row.get()?,
            held: row.get()?,
            revision: row.get()?,
        })
    }
}

/// Which evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct EvidenceFilter {
    /// Of this tenant.
    #[serde(rename = "tenant")]
    pub tenant_id: Option<TenantId>,
    /// Of this server.
    #[serde(rename = "server")]
    pub server_id: Option<ServerId>,
    /// Of this campaign.
    #[serde(rename = "campaign")]
    pub campaign_id: Option<CampaignId>,
    /// Part of its name, or all of its hash.
    #[serde(rename = "q")]
    pub search: Option<String>,
    /// Also what was deleted.
    pub deleted: bool,
}

/// What a new piece of evidence is.
pub(crate) struct NewEvidence<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) server: Option<&'a ServerId>,
    pub(crate) campaign: Option<&'a CampaignId>,
    pub(crate) name: &'a str,
    pub(crate) note: &'a str,
    pub(crate) blob: &'a str,
    pub(crate) sha256: &'a str,
    pub(crate) size: i64,
    pub(crate) acquired_at: Option<Time>,
    pub(crate) retention_until: Option<Time>,
    pub(crate) received_by: &'a str,
}

/// Puts evidence into the tables; its bytes are there.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &NewEvidence<'_>) -> Result<EvidenceId> {
    let id = EvidenceId::new(tx.now, tx.entropy);
    tx.execute(
        "INSERT INTO evidence (id, tenant_id, server_id, campaign_id, name, note, blob_id, sha256, size, acquired_at, \
         received_at, received_by, retention_until, revision) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)",
        params![
            &id,
            new.tenant,
            new.server,
            new.campaign,
            new.name,
            new.note,
            new.blob,
            new.sha256,
            new.size,
            new.acquired_at,
            tx.now,
            new.received_by,
            new.retention_until,
        ],
    )?;
    Ok(id)
}

/// One piece of evidence.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &EvidenceId) -> Result<Evidence> {
    access.require(Verb::ReadInternal)?;
    desk.read(|tx| find(tx, access, id))
}

/// Evidence, newest first.
pub fn list(
    desk: &Desk,
    access: &Access,
    filter: &EvidenceFilter,
    page: &PageRequest,
) -> Result<Page<Evidence>> {
    access.require(Verb::ReadInternal)?;
    let limit = page.limit()?;
    let after: Option<(i64, String)> = page.after()?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Evidence::COLUMNS)
        .push(" FROM evidence e WHERE ")
        .tenants("e.tenant_id", access);
    if let Some(tenant) = &filter.tenant_id {
        sql.push(" AND e.tenant_id = ").bind(tenant);
    }
    if let Some(server) = &filter.server_id {
        sql.push(" AND e.server_id = ").bind(server);
    }
    if let Some(campaign) = &filter.campaign_id {
        sql.push(" AND e.campaign_id = ").bind(campaign);
    }
    if let Some(search) = &filter.search {
        sql.push(" AND (fold(e.name) LIKE ")
            .bind(anywhere(search))
            .push(" ESCAPE '!' OR e.sha256 = ");
        sql.bind(search.trim().to_lowercase()).push(")");
    }
    if !filter.deleted {
        sql.push(" AND e.deleted_at IS NULL");
    }
    sql.page(["e.received_at", "e.id"], Order::Falling, after, limit);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let all: Result<Vec<Evidence>> = rows
        .into_iter()
        .map(|row| Evidence::read(&mut row.reader()))
        .collect();
    Page::of(all?, limit, |one| (one.received_at.micros(), one.id.clone()))
}

/// Says something else of evidence. Retention takes the right to set holds, and gives a week's notice when it is
/// shortened.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more.
pub fn change(
    desk: &Desk,
    access: &Access,
    id: &EvidenceId,
    revision: i64,
    fields: &EvidenceFields,
) -> Result<Evidence> {
    check_length("note", &fields.note, 20_000)?;
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Evidence)?;
        if let Some(server) = &fields.server_id
            && servers::find(tx, access, server)?.tenant_id != before.tenant_id
        {
            return Err(Error::NotFound { what: "server" });
        }
        if fields.retention_until != before.fields.retention_until {
            access.require(Verb::Hold)?;
            if fields
                .retention_until
                .is_some_and(|until| until < tx.now.plus_days(NOTICE_DAYS))
            {
                let why = format!("it must leave {NOTICE_DAYS} days of notice");
                return Err(Error::invalid("retention_until", why));
            }
        }
        let changed = tx.execute(
            "UPDATE evidence SET server_id = $3, note = $4, retention_until = $5, revision = revision + 1 \
             WHERE id = $1 AND revision = $2",
            params![
                id,
                revision,
                fields.server_id.as_ref(),
                &fields.note,
                fields.retention_until,
            ],
        )?;
        expect_changed(changed, Some(before.revision), "evidence")?;
        let details = json!({"before": before.fields, "after": fields});
        audit::recorded(
            tx,
            access,
            Some(&before.tenant_id),
            ("evidence", id.as_str()),
            "evidence.change",
            details,
        )?;
        find(tx, access, id)
    })
}

/// Everything that was done with a piece of evidence, newest first: who received, read, took out, verified, held it.
pub fn custody(desk: &Desk, access: &Access, id: &EvidenceId, page: &PageRequest) -> Result<Page<Entry>> {
    access.require(Verb::ReadInternal)?;
    let found = desk.read(|tx| find(tx, access, id))?;
    let filter = JournalFilter {
        tenant_id: Some(found.tenant_id),
        subject_kind: Some("evidence".into()),
        subject_id: Some(id.to_string()),
        ..JournalFilter::default()
    };
    audit::list(desk, access, &filter, page)
}

pub(crate) fn find(tx: &mut Tx<'_>, access: &Access, id: &EvidenceId) -> Result<Evidence> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Evidence::COLUMNS)
        .push(" FROM evidence e WHERE e.id = ")
        .bind(id);
    sql.push(" AND ").tenants("e.tenant_id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    Evidence::read(&mut row.ok_or(Error::NotFound { what: "evidence" })?.reader())
}

/// Where a blob's bytes lie.
pub(crate) fn blob_path(desk: &Desk, id: &str) -> PathBuf {
    let fan = &id[id.len().saturating_sub(2)..];
    desk.data().join("blobs").join(fan).join(id)
}

/// A new key for a blob, and the same sealed with its tenant's.
pub(crate) fn seal_data_key(desk: &Desk, tx: &mut Tx<'_>, tenant: &TenantId, id: &str) -> Result<Vec<u8>> {
    let mut key = [0_u8; KEY_LEN];
    tx.entropy.fill(&mut key);
    tenant_key(desk, tx, tenant)?.seal(desk.entropy(), &format!("blob {id}"), &key)
}

/// The key of a blob.
pub(crate) fn data_key(
    desk: &Desk,
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: &str,
    sealed: &[u8],
) -> Result<Vec<u8>> {
    tenant_key(desk, tx, tenant)?.open(&format!("blob {id}"), sealed)
}

/// The key of a tenant; made when it has none and the transaction may write.
fn tenant_key(desk: &Desk, tx: &mut Tx<'_>, tenant: &TenantId) -> Result<MasterKey> {
    let context = format!("tenant key {tenant}");
    let kept = |tx: &mut Tx<'_>| -> Result<Option<Vec<u8>>> {
        let row = tx.one(
            "SELECT wrapped FROM tenant_key WHERE tenant_id = $1",
            params![tenant],
        )?;
        row.map(|row| row.reader().get()).transpose()
    };
    let wrapped = match kept(tx)? {
        Some(wrapped) => wrapped,
        None => {
            let mut key = [0_u8; KEY_LEN];
            tx.entropy.fill(&mut key);
            let wrapped = desk.master().seal(desk.entropy(), &context, &key)?;
            tx.execute(
                "INSERT INTO tenant_key (tenant_id, wrapped, created_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (tenant_id) DO NOTHING",
                params![tenant, wrapped.as_slice(), tx.now],
            )?;
            // Another process may have been faster.
            kept(tx)?.unwrap_or(wrapped)
        }
    };
    let key = desk.master().open(&context, &wrapped)?;
    let key: &[u8; KEY_LEN] = key.as_slice().try_into().map_err(|_| Error::Damaged {
        what: context.clone(),
        why: "it has the wrong length".into(),
    })?;
    MasterKey::new(key)
}
