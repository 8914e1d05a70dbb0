//! What belongs to a case: findings, alerts, evidence. One thing may belong to several cases.

use serde::Serialize;
use serde_json::json;

use super::store::{find, recorded_of};
use crate::db::params;
use crate::desk::Tx;
use crate::words::words;
use crate::{Access, CaseId, Desk, Error, Result, TenantId, Time, Verb, alerts, evidence, findings};

/// Links of one case.
const MOST: i64 = 2_000;

words!(
    /// What is linked.
    LinkKind {
        /// A finding of a hunt.
        Finding = "finding",
        /// An alert of another system.
        Alert = "alert",
        /// A piece of evidence.
        Evidence = "evidence",
    }
);

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CaseLink {
    /// What is linked.
    pub kind: LinkKind,
    /// Its identifier.
    pub ref_id: String,
    /// By whom.
    pub linked_by: String,
    /// When.
    pub linked_at: Time,
}

/// Links something of the same tenant to a case.
///
/// # Errors
/// When it is another tenant's: then it does not exist.
pub fn link(desk: &Desk, access: &Access, case: &CaseId, kind: LinkKind, ref_id: &str) -> Result<()> {
    desk.write(|tx| {
        find(tx, access, case)?;
        access.require(Verb::Case)?;
        link_in(tx, access, case, kind, ref_id)
    })
}

pub(crate) fn link_in(
    tx: &mut Tx<'_>,
    access: &Access,
    case: &CaseId,
    kind: LinkKind,
    ref_id: &str,
) -> Result<()> {
    let found = find(tx, access, case)?;
    if tenant_of(tx, access, kind, ref_id)? != found.tenant_id {
        return Err(Error::NotFound { what: kind.id() });
    }
    let linked = tx.execute(
        "INSERT INTO case_link (case_id, kind, ref_id, linked_by, linked_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (case_id, kind, ref_id) DO NOTHING",
        params![case, kind, ref_id, &access.actor().name, tx.now],
    )?;
    match linked {
        0 => Ok(()),
        _ => recorded_of(
            tx,
            access,
            &found,
            "case.link",
            "",
            json!({"kind": kind, "ref_id": ref_id}),
        ),
    }
}

fn tenant_of(tx: &mut Tx<'_>, access: &Access, kind: LinkKind, ref_id: &str) -> Result<TenantId> {
    let unknown = |_| Error::NotFound { what: kind.id() };
    Ok(match kind {
        LinkKind::Finding => {
            findings::expect_visible(tx, access, &ref_id.parse().map_err(unknown)?)?.tenant_id
        }
        LinkKind::Alert => alerts::find(tx, access, &ref_id.parse().map_err(unknown)?)?.tenant_id,
        LinkKind::Evidence => evidence::find(tx, access, &ref_id.parse().map_err(unknown)?)?.tenant_id,
    })
}

/// Takes a link away.
///
/// # Errors
/// When there is none.
pub fn unlink(desk: &Desk, access: &Access, case: &CaseId, kind: LinkKind, ref_id: &str) -> Result<()> {
    desk.write(|tx| {
        let found = find(tx, access, case)?;
        access.require(Verb::Case)?;
        let gone = tx.execute(
            "DELETE FROM case_link WHERE case_id = $1 AND kind = $2 AND ref_id = $3",
            params![case, kind, ref_id],
        )?;
        if gone == 0 {
            return Err(Error::NotFound { what: kind.id() });
        }
        recorded_of(
            tx,
            access,
            &found,
            "case.unlink",
            "",
            json!({"kind": kind, "ref_id": ref_id}),
        )
    })
}

/// What is linked to a case, oldest first.
pub fn links(desk: &Desk, access: &Access, case: &CaseId) -> Result<Vec<CaseLink>> {
    access.require(Verb::ReadInternal)?;
    let rows = desk.read(|tx| {
        find(tx, access, case)?;
        tx.query(
            "SELECT kind, ref_id, linked_by, linked_at FROM case_link WHERE case_id = $1 \
             ORDER BY linked_at, kind, ref_id LIMIT $2",
            params![case, MOST],
        )
    })?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.reader();
            Ok(CaseLink {
                kind: row.get()?,
                ref_id: row.get()?,
                linked_by: row.get()?,
                linked_at: row.get()?,
            })
        })
        .collect()
}
