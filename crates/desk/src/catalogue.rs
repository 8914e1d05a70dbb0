//! The benign catalogue: what was dismissed, and holds for hunts to come.
//!
//! An entry holds on one server, for one tenant, or for all. Hunts of other tenants are told only that an entry of the
//! catalogue hid something, never whose it was, what it says or why. What is stored already is judged anew when an entry is
//! made and when it ends ([`crate::rejudge`]).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use vigie_detect::sigma::Placeholders;
use vigie_hunt::{SuppressionFile, Suppressions};

use crate::audit::{self, Act};
use crate::db::{Order, Reader, Sql, params};
use crate::desk::Tx;
use crate::findings::Finding;
use crate::words::words;
use crate::{
    Access, Desk, DismissalId, Error, Page, PageRequest, Result, ServerId, TenantId, Time, Verb, rejudge,
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
        return Err(Error::invalid("fields", refused.why.to_string()));
    }
    let id = DismissalId::new(tx.now, tx.entropy);
    tx.execute(
        "INSERT INTO dismissal (id, scope, tenant_id, server_id, server_name, rule_id, rule_title, fields, reason, author, \
         created_at, expires_at, judged) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'made')",
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
    let whose = (new.scope != Scope::All).then_some(&finding.tenant_id);
    rejudge::ask(tx, access, &finding.rule_id, whose)?;
    Ok(id)
}

/// An entry that holds now, as it is told to one tenant.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    pub(crate) id: DismissalId,
    scope: Scope,
    /// Whose finding it came of.
    pub(crate) tenant: TenantId,
    server: Option<ServerId>,
    server_name: Option<String>,
    pub(crate) rule: String,
    pub(crate) fields: BTreeMap<String, String>,
    reason: String,
    author: String,
    pub(crate) created_at: Time,
    expires_at: Time,
}

impl InForce {
    /// Where it holds.
    pub(crate) fn is_on(&self, tenant: &TenantId, server: &ServerId) -> bool {
        match self.scope {
            Scope::All => true,
            Scope::Tenant => self.tenant == *tenant,
            Scope::Server => self.server.as_ref() == Some(server),
        }
    }

    /// Why it is harmless and who says so. Other tenants learn no more than that there is an entry: its identifier is the
    /// reason, and whoever reads it says so in their language.
    pub(crate) fn told_to(&self, tenant: &TenantId) -> (&str, &str) {
        match self.tenant == *tenant {
            true => (&self.reason, &self.author),
            false => ("", "SOC"),
        }
    }

    /// The entry as hunts of a tenant read it.
    pub(crate) fn file(&self, tenant: &TenantId) -> SuppressionFile {
        let (reason, author) = self.told_to(tenant);
        let host = self
            .server_name
            .as_deref()
            .filter(|_| self.scope == Scope::Server);
        let path = self.path();
        // Hunts want a reason.
        let reason = if reason.is_empty() { &path } else { reason };
        let entry = entry(&self.rule, host, &self.fields, reason, author, self.expires_at);
        SuppressionFile {
            path: path.clone(),
            text: json!([entry]).to_string(),
        }
    }

    /// What hunts call its place.
    pub(crate) fn path(&self) -> String {
        format!("catalogue/{}", self.id)
    }
}

/// Entries that hold now: for one tenant, or about one rule.
pub(crate) fn in_force(
    tx: &mut Tx<'_>,
    tenant: Option<&TenantId>,
    rule: Option<&str>,
) -> Result<Vec<InForce>> {
    let mut sql = Sql::new(
        "SELECT id, scope, tenant_id, server_id, server_name, rule_id, fields, reason, author, created_at, expires_at \
         FROM dismissal WHERE revoked_at IS NULL AND expires_at > ",
    );
    sql.bind(tx.now);
    if let Some(tenant) = tenant {
        sql.push(" AND (scope = 'all' OR tenant_id = ")
            .bind(tenant)
            .push(")");
    }
    if let Some(rule) = rule {
        sql.push(" AND rule_id = ").bind(rule);
    }
    sql.push(" ORDER BY id");
    let rows = tx.rows(&sql)?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.reader();
            Ok(InForce {
                id: row.get()?,
                scope: row.get()?,
                tenant: row.get()?,
                server: row.get()?,
                server_name: row.get()?,
                rule: row.get()?,
                fields: row.json()?,
                reason: row.get()?,
                author: row.get()?,
                created_at: row.get()?,
                expires_at: row.get()?,
            })
        })
        .collect()
}

/// Entries that were made or ended without what is stored having been judged by them, above all those that expired: asks
/// for it. Says how many; to be called now and then.
pub(crate) fn sweep(desk: &Desk) -> Result<usize> {
    let access = Access::system("catalogue");
    desk.write(|tx| {
        let rows = tx.query(
            "SELECT id, scope, tenant_id, rule_id, judged, revoked_at, expires_at FROM dismissal WHERE judged <> 'ended' \
             AND (judged = '' OR revoked_at IS NOT NULL OR expires_at <= $1) ORDER BY expires_at LIMIT 500",
            params![tx.now],
        )?;
        let mut swept = 0;
        for row in rows {
            let mut row = row.reader();
            let (id, scope, tenant): (DismissalId, Scope, TenantId) = (row.get()?, row.get()?, row.get()?);
            let (rule, judged): (String, String) = (row.get()?, row.get()?);
            let (revoked, expires): (Option<Time>, Time) = (row.get()?, row.get()?);
            let expired = expires <= tx.now;
            let now = if expired || revoked.is_some() { "ended" } else { "made" };
            let ours = tx.execute(
                "UPDATE dismissal SET judged = $3 WHERE id = $1 AND judged = $2",
                params![&id, judged.as_str(), now],
            )?;
            if ours == 0 {
                continue;
            }
            if expired && revoked.is_none() {
                let details = json!({"rule_id": rule});
                let subject = ("dismissal", id.as_str());
                audit::recorded(tx, &access, Some(&tenant), subject, "dismissal.expire", details)?;
            }
            rejudge::ask(tx, &access, &rule, (scope != Scope::All).then_some(&tenant))?;
            swept += 1;
        }
        Ok(swept)
    })
}

/// Fills in what entries hid, as far as whoever asks may know.
fn fill_uses(tx: &mut Tx<'_>, access: &Access, entries: &mut [Dismissal]) -> Result<()> {
    let mut sql = Sql::new(
        "SELECT x.dismissal_id, COUNT(DISTINCT x.hunt_id), CAST(SUM(x.events) AS BIGINT), MAX(h.finished_at) \
         FROM hunt_hidden x JOIN hunt h ON h.id = x.hunt_id WHERE ",
    );
    sql.one_of("x.dismissal_id", entries.iter().map(|entry| &entry.id))
        .push(" AND ")
        .tenants("x.tenant_id", access)
        .push(" GROUP BY x.dismissal_id");
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

/// Revokes an entry: hunts to come show such events again, and what it covered is open again.
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
        "UPDATE dismissal SET revoked_at = $2, revoked_by = $3, judged = 'ended' WHERE id = $1 AND revoked_at IS NULL",
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
    audit::record(tx, access, &act)?;
    let whose = (found.scope != Scope::All).then_some(&found.tenant_id);
    rejudge::ask(tx, access, &found.rule_id, whose)
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
