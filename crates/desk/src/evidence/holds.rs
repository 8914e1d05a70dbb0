//! Legal holds, and the end of retention.

use serde::Serialize;
use serde_json::json;

use super::store::{blob_path, find};
use crate::audit::{self, Act};
use crate::db::{Reader, Sql, params};
use crate::desk::Tx;
use crate::tenants::{self, check_length};
use crate::{Access, Desk, Error, EvidenceId, HoldId, Result, TenantId, Time, Verb};

/// A reason not to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hold {
    /// Its identifier.
    pub id: HoldId,
    /// Whose evidence.
    pub tenant_id: TenantId,
    /// Which; `null`: all of it, what is still to come included.
    pub evidence_id: Option<EvidenceId>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub set_by: String,
    /// Since when.
    pub set_at: Time,
    /// Who lifted it.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted_at: Option<Time>,
}

impl Hold {
    const COLUMNS: &str = "id, tenant_id, evidence_id, reason, set_by, set_at, lifted_by, lifted_at";

    fn read(row: &mut Reader) -> Result<Hold> {
        Ok(Hold {
            id: row.get()?,
            tenant_id: row.get()?,
            evidence_id: row.get()?,
            reason: row.get()?,
            set_by: row.get()?,
            set_at: row.get()?,
            lifted_by: row.get()?,
            lifted_at: row.get()?,
        })
    }
}

/// Holds a piece of evidence, or all of a tenant's.
///
/// # Errors
/// When no reason is given.
pub fn hold(
    desk: &Desk,
    access: &Access,
    tenant: &TenantId,
    evidence: Option<&EvidenceId>,
    reason: &str,
) -> Result<Hold> {
    check_length("reason", reason, 4_000)?;
    if reason.trim().is_empty() {
        return Err(Error::invalid(
            "reason",
            "say why: whoever wants to lift it must know",
        ));
    }
    access.require_in(Verb::Hold, tenant, "tenant")?;
    desk.write(|tx| {
        tenants::find(tx, access, tenant)?;
        if let Some(evidence) = evidence
            && find(tx, access, evidence)?.tenant_id != *tenant
        {
            return Err(Error::NotFound { what: "evidence" });
        }
        let id = HoldId::new(tx.now, tx.entropy);
        tx.execute(
            "INSERT INTO legal_hold (id, tenant_id, evidence_id, reason, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6)",
            params![&id, tenant, evidence, reason.trim(), &access.actor().name, tx.now],
        )?;
        told(tx, access, tenant, evidence, "evidence.hold", reason)?;
        find_hold(tx, access, &id)
    })
}

/// Lifts a hold.
///
/// # Errors
/// When it was lifted already.
pub fn lift(desk: &Desk, access: &Access, id: &HoldId, reason: &str) -> Result<Hold> {
    check_length("reason", reason, 4_000)?;
    desk.write(|tx| {
        let before = find_hold(tx, access, id)?;
        access.require(Verb::Hold)?;
        let lifted = tx.execute(
            "UPDATE legal_hold SET lifted_by = $2, lifted_at = $3 WHERE id = $1 AND lifted_at IS NULL",
            params![id, &access.actor().name, tx.now],
        )?;
        if lifted == 0 {
            return Err(Error::state("the hold was lifted already"));
        }
        let evidence = before.evidence_id.as_ref();
        told(
            tx,
            access,
            &before.tenant_id,
            evidence,
            "evidence.release",
            reason,
        )?;
        find_hold(tx, access, id)
    })
}

/// The holds of a tenant, newest first, those that were lifted too, at most a thousand.
pub fn holds(desk: &Desk, access: &Access, tenant: &TenantId) -> Result<Vec<Hold>> {
    access.require_in(Verb::ReadInternal, tenant, "tenant")?;
    let sql = format!(
        "SELECT {} FROM legal_hold WHERE tenant_id = $1 ORDER BY set_at DESC, id DESC LIMIT 1000",
        Hold::COLUMNS
    );
    let rows = desk.read(|tx| tx.query(&sql, params![tenant]))?;
    rows.into_iter()
        .map(|row| Hold::read(&mut row.reader()))
        .collect()
}

fn find_hold(tx: &mut Tx<'_>, access: &Access, id: &HoldId) -> Result<Hold> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Hold::COLUMNS)
        .push(" FROM legal_hold WHERE id = ")
        .bind(id);
    sql.push(" AND ").tenants("tenant_id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    Hold::read(&mut row.ok_or(Error::NotFound { what: "hold" })?.reader())
}

fn told(
    tx: &mut Tx<'_>,
    access: &Access,
    tenant: &TenantId,
    evidence: Option<&EvidenceId>,
    action: &str,
    reason: &str,
) -> Result<()> {
    let subject = match evidence {
        Some(evidence) => ("evidence", evidence.as_str()),
        None => ("tenant", tenant.as_str()),
    };
    let act = Act {
        tenant: Some(tenant),
        action,
        subject,
        campaign: None,
        text: reason.trim(),
        details: json!({}),
    };
    audit::record(tx, access, &act).map(|_| ())
}

/// Deletes evidence whose retention is over and which nobody holds, and says how much. There is no other way to delete
/// any. What is deleted leaves its row, its hash and its custody.
pub fn expire(desk: &Desk) -> Result<usize> {
    let access = Access::system("retention");
    let expired = desk.write(|tx| {
        let rows = tx.query(
            "SELECT e.id, e.tenant_id, e.blob_id FROM evidence e \
             WHERE e.retention_until <= $1 AND e.deleted_at IS NULL AND NOT EXISTS \
             (SELECT 1 FROM legal_hold h WHERE h.tenant_id = e.tenant_id AND h.lifted_at IS NULL \
              AND (h.evidence_id IS NULL OR h.evidence_id = e.id)) \
             ORDER BY e.tenant_id, e.id LIMIT 500",
            params![tx.now],
        )?;
        let expired = rows.len();
        for row in rows {
            let mut row = row.reader();
            let (id, tenant, blob): (EvidenceId, TenantId, String) = (row.get()?, row.get()?, row.get()?);
            tx.execute(
                "UPDATE evidence SET deleted_at = $2, revision = revision + 1 WHERE id = $1",
                params![&id, tx.now],
            )?;
            // With the key go the bytes, even where the file survives.
            tx.execute(
                "UPDATE blob SET deleted_at = $2, data_key = NULL WHERE id = $1 AND NOT EXISTS \
                 (SELECT 1 FROM evidence e WHERE e.blob_id = blob.id AND e.deleted_at IS NULL)",
                params![blob.as_str(), tx.now],
            )?;
            audit::recorded(
                tx,
                &access,
                Some(&tenant),
                ("evidence", id.as_str()),
                "evidence.expire",
                json!({}),
            )?;
        }
        Ok(expired)
    })?;
    remove_files(desk)?;
    Ok(expired)
}

/// Removes the files of blobs that were deleted. Those that a crash left are removed the next time.
fn remove_files(desk: &Desk) -> Result<()> {
    let rows = desk.read(|tx| {
        tx.query(
            "SELECT id FROM blob WHERE deleted_at IS NOT NULL AND stored > 0",
            &[],
        )
    })?;
    for row in rows {
        let id: String = row.reader().get()?;
        let path = blob_path(desk, &id);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(path)(error)),
        }
        desk.write(|tx| tx.execute("UPDATE blob SET stored = 0 WHERE id = $1", params![id.as_str()]))?;
    }
    Ok(())
}
