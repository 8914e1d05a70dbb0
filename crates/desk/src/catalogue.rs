//! The benign catalogue: what was dismissed, and holds for hunts to come.
//!
//! An entry holds on one server, for one tenant, or for all. Hunts of other tenants are told only that an entry of the
//! catalogue hid something, never whose it was, what it says or why.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use vigie_detect::sigma::Placeholders;
use vigie_hunt::{SuppressionEntry, SuppressionFile, Suppressions};

use crate::audit::{self, Act};
use crate::db::{Order, Reader, Sql, params};
use crate::desk::Tx;
use crate::findings::Finding;
use crate::words::words;
use crate::{
    Access, Desk, DismissalId, Error, HuntId, Page, PageRequest, Result, ServerId, TenantId, Time, Verb,
};

/// Days an entry holds, at most.
const MOST_DAYS: i64 = 732;

words!(
    /// Where an entry holds.
    Scope {
        /// On the server of its finding.
        Server = "server",
        /// On all servers of its tenant.
        Tenant = "tenant",
        /// Everywhere.
        All = "all",
    }
);

/// An entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dismissal {
    /// Its identifier.
    pub id: DismissalId,
    /// Where it holds.
    pub scope: Scope,
    /// The tenant whose finding it was.
    pub tenant_id: TenantId,
    /// The server, when it holds on that one only.
    pub server_id: Option<ServerId>,
    /// The rule.
    pub rule_id: String,
    /// The rule's title.
    pub rule_title: String,
    /// What the event's fields must be.
    pub fields: BTreeMap<String, String>,
    /// Why it is harmless.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// Since when.
    pub created_at: Time,
    /// Until when.
    pub expires_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// By whom.
    pub revoked_by: Option<String>,
    /// What it hid in hunts of the tenants that whoever asks may see.
    pub used: Used,
}

/// What an entry of the catalogue hid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Used {
    /// In how many hunts.
    pub hunts: i64,
    /// Events; one that two entries hide counts for both, and one that is hunted again counts again.
    pub events: i64,
    /// When it last hid something.
    pub last_at: Option<Time>,
}

impl Dismissal {
    const COLUMNS: &str = "id, scope, tenant_id, server_id, rule_id, rule_title, fields, reason, author, created_at, \
         expires_at, revoked_at, revoked_by";

    fn read(row: &mut Reader) -> Result<Dismissal> {
        Ok(Dismissal {
            id: row.get()?,
            scope: row.get()?,
            tenant_id: row.get()?,
            server_id: row.get()?,
            rule_id: row.get()?,
            rule_title: row.get()?,
            fields: row.json()?,
            reason: row.get()?,
            author: row.get()?,
            created_at: row.get()?,
            expires_at: row.get()?,
            revoked_at: row.get()?,
            revoked_by: row.get()?,
            used: Used::default(),
        })
    }
}

/// An entry to be made out of a finding.
pub(crate) struct NewDismissal<'a> {
    pub(crate) finding: &'a Finding,
    pub(crate) scope: Scope,
    pub(crate) reason: &'a str,
    pub(crate) expires_at: Time,
    pub(crate) fields: &'a BTreeMap<String, String>,
}

/// One entry as `vigie-hunt` reads it.
fn entry(
    rule: &str,
    host: Option<&str>,
    fields: &BTreeMap<String, String>,
    reason: &str,
    author: &str,
    expires_at: Time,
) -> serde_json::Value {
    let mut entry = json!({"rule": rule, "reason": reason, "author": author, "expires": expires_at});
    if let Some(host) = host {
        entry["host"] = json!(host);
    }
    if !fields.is_empty() {
        entry["fields"] = json!(fields);
    }
    entry
}

/// Puts an entry into the catalogue. It is read as hunts will read it, so that none is refused later.
pub(crate) fn insert(tx: &mut Tx<'_>, access: &Access, new: &NewDismissal<'_>) -> Result<DismissalId> {
    let finding = new.finding;
    if new.reason.chars().count() < 3 {
        return Err(Error::invalid("reason", "say why it is harmless"));
    }
    if new.expires_at <= tx.now || new.expires_at > tx.now.plus_days(MOST_DAYS) {
        return Err(Error::invalid(
            "expires_at",
            format!("it must lie within the next {MOST_DAYS} days"),
        ));
    }
    if new.scope != Scope::Server && new.fields.is_empty() {
        return Err(Error::invalid(
            "fields",
            "beyond one server an entry says which events it is about, by their fields",
        ));
    }
    if new.scope == Scope::All {
        access.require_everywhere(Verb::Judge)?;
    }
    if new.fields.len() > 50
        || new
            .fields
            .iter()
            .any(|(name, value)| name.len() > 200 || value.len() > 4_000)
    {
        return Err(Error::invalid("fields", "too many, or too long"));
    }
    let on_one = new.scope == Scope::Server;
    let host = on_one.then_some(finding.server.as_str());
    let text = json!([entry(
        &finding.rule_id,
        host,
        new.fields,
        new.reason,
        &access.actor().name,
        new.expires_at
    )]);
    let read = Suppressions::read(
        &[SuppressionFile {
            path: "catalogue".into(),
            text: text.to_string(),
        }],
        &Placeholders::default(),
    );
    if let Some(refused) = read.refused.first() {
        return Err(Error::invalid("fields", refused.why.clone()));
    }
    let id = DismissalId::new(tx.now, tx.entropy);
    tx.execute(
        "INSERT INTO dismissal (id, scope, tenant_id, server_id, server_name, rule_id, rule_title, fields, reason, author, \
         created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            &id,
            new.scope,
            &finding.tenant_id,
            on_one.then_some(&finding.server_id),
            host,
            &finding.rule_id,
            &finding.title,
            json!(new.fields).to_string(),
            new.reason,
            &access.actor().name,
            tx.now,
            new.expires_at,
        ],
    )?;
    Ok(id)
}

/// What hunts of a tenant are to leave aside now. Of others' entries it says no more than that they are there.
pub(crate) fn suppressions(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<SuppressionFile>> {
    let rows = tx.query(
        "SELECT id, scope, tenant_id, server_name, rule_id, fields, reason, author, expires_at FROM dismissal \
         WHERE revoked_at IS NULL AND expires_at > $2 AND (tenant_id = $1 OR scope = 'all') ORDER BY id",
        params![tenant, tx.now],
    )?;
    let mut entries = Vec::new();
    for row in rows {
        let mut row = row.reader();
        let (id, scope, of): (String, Scope, TenantId) = (row.get()?, row.get()?, row.get()?);
        let (host, rule): (Option<String>, String) = (row.get()?, row.get()?);
        let fields: BTreeMap<String, String> = row.json()?;
        let (reason, author): (String, String) = (row.get()?, row.get()?);
        let expires_at: Time = row.get()?;
        let host = host.filter(|_| scope == Scope::Server);
        let (reason, author) = match of == *tenant {
            true => (reason, author),
            false => (
                format!("known to be harmless, catalogue entry {id}"),
                "SOC".into(),
            ),
        };
        entries.push(entry(
            &rule,
            host.as_deref(),
            &fields,
            &reason,
            &author,
            expires_at,
        ));
    }
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![SuppressionFile {
        path: "catalogue".into(),
        text: json!(entries).to_string(),
    }])
}

/// The entries of [`suppressions`], in the same order.
pub(crate) fn in_force(tx: &mut Tx<'_>, tenant: &TenantId) -> Result<Vec<DismissalId>> {
    let rows = tx.query(
        "SELECT id FROM dismissal WHERE revoked_at IS NULL AND expires_at > $2 AND (tenant_id = $1 OR scope = 'all') \
         ORDER BY id",
        params![tenant, tx.now],
    )?;
    rows.into_iter().map(|row| row.reader().get()).collect()
}

/// Keeps what the entries hid in a hunt: `told` is what the hunt says of each, in the order of `entries`.
pub(crate) fn keep_uses(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    hunt: &HuntId,
    entries: &[DismissalId],
    told: &[SuppressionEntry],
) -> Result<()> {
    // Entries that the hunt refused would shift the others; then nothing is said rather than something wrong.
    if entries.len() != told.len() {
        return Ok(());
    }
    for (id, told) in entries.iter().zip(told).filter(|(_, told)| told.events > 0) {
        tx.execute(
            "INSERT INTO dismissal_use (dismissal_id, hunt_id, tenant_id, events, at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (dismissal_id, hunt_id) DO NOTHING",
            params![id, hunt, tenant, told.events as i64, tx.now],
        )?;
    }
    Ok(())
}

/// Fills in what entries hid, as far as whoever asks may know.
fn fill_uses(tx: &mut Tx<'_>, access: &Access, entries: &mut [Dismissal]) -> Result<()> {
    let mut sql = Sql::new(
        "SELECT dismissal_id, COUNT(*), CAST(SUM(events) AS BIGINT), MAX(at) FROM dismissal_use WHERE ",
    );
    sql.one_of("dismissal_id", entries.iter().map(|entry| &entry.id))
        .push(" AND ")
        .tenants("tenant_id", access)
        .push(" GROUP BY dismissal_id");
    for row in tx.rows(&sql)? {
        let mut row = row.reader();
        let id: DismissalId = row.get()?;
        let used = Used {
            hunts: row.get()?,
            events: row.get()?,
            last_at: row.get()?,
        };
        if let Some(entry) = entries.iter_mut().find(|entry| entry.id == id) {
            entry.used = used;
        }
    }
    Ok(())
}

/// Entries that came of findings of one's tenants, newest first.
pub fn list(desk: &Desk, access: &Access, page: &PageRequest) -> Result<Page<Dismissal>> {
    access.require(Verb::ReadInternal)?;
    let limit = page.limit()?;
    let after: Option<(i64, String)> = page.after()?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Dismissal::COLUMNS)
        .push(" FROM dismissal WHERE ")
        .tenants("tenant_id", access);
    sql.page(["created_at", "id"], Order::Falling, after, limit);
    let all = desk.read(|tx| {
        let rows = tx.rows(&sql)?;
        let mut all = rows
            .into_iter()
            .map(|row| Dismissal::read(&mut row.reader()))
            .collect::<Result<Vec<Dismissal>>>()?;
        fill_uses(tx, access, &mut all)?;
        Ok(all)
    })?;
    Page::of(all, limit, |one| (one.created_at.micros(), one.id.clone()))
}

/// Revokes an entry: hunts to come show such events again.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn revoke(desk: &Desk, access: &Access, id: &DismissalId) -> Result<Dismissal> {
    desk.write(|tx| {
        let found = find(tx, access, id)?;
        access.require(Verb::Judge)?;
        if found.scope == Scope::All {
            access.require_everywhere(Verb::Judge)?;
        }
        revoke_in(tx, access, id)?;
        let mut revoked = [find(tx, access, id)?];
        fill_uses(tx, access, &mut revoked)?;
        let [revoked] = revoked;
        Ok(revoked)
    })
}

pub(crate) fn revoke_in(tx: &mut Tx<'_>, access: &Access, id: &DismissalId) -> Result<()> {
    let found = find(tx, access, id)?;
    let revoked = tx.execute(
        "UPDATE dismissal SET revoked_at = $2, revoked_by = $3 WHERE id = $1 AND revoked_at IS NULL",
        params![id, tx.now, &access.actor().name],
    )?;
    if revoked == 0 {
        return Ok(());
    }
    let act = Act {
        tenant: Some(&found.tenant_id),
        action: "dismissal.revoke",
        subject: ("dismissal", id.as_str()),
        campaign: None,
        text: "",
        details: json!({"rule_id": found.rule_id}),
    };
    audit::record(tx, access, &act).map(|_| ())
}

fn find(tx: &mut Tx<'_>, access: &Access, id: &DismissalId) -> Result<Dismissal> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Dismissal::COLUMNS)
        .push(" FROM dismissal WHERE id = ")
        .bind(id);
    sql.push(" AND ").tenants("tenant_id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    Dismissal::read(&mut row.ok_or(Error::NotFound { what: "dismissal" })?.reader())
}
