//! Alerts: what other systems raise (a SIEM, an EDR, a colleague). They are pushed in, once each, and related to cases.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::audit::{self, Act};
use crate::db::{Reader, Sql, params};
use crate::desk::{Tx, expect_changed};
use crate::tenants::{self, check_length, check_name};
use crate::words::words;
use crate::{
    Access, AlertId, Desk, Error, Page, PageRequest, Result, ServerId, Severity, TenantId, Time, Verb,
    servers,
};

/// Bytes of what another system says.
const MOST_DETAILS: usize = 64 * 1024;

words!(
    /// What was decided of an alert.
    AlertState {
        /// Nothing yet.
        New = "new",
        /// Somebody is on it.
        Acknowledged = "acknowledged",
        /// It is harmless.
        Dismissed = "dismissed",
    }
);

/// An alert to be brought in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAlert {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The server it is about.
    #[serde(default)]
    pub server_id: Option<ServerId>,
    /// The system that raises it.
    pub source: String,
    /// What that system calls it: sent twice, it is one alert.
    pub external_id: String,
    /// One line.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// When it happened; now, unless said.
    #[serde(default)]
    pub at: Option<Time>,
    /// Everything else.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub details: Json,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alert {
    /// Its identifier.
    pub id: AlertId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The server it is about.
    pub server_id: Option<ServerId>,
    /// The system that raised it.
    pub source: String,
    /// What that system calls it.
    pub external_id: String,
    /// One line.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Everything else.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub details: Json,
    /// When it happened.
    pub at: Time,
    /// When it came.
    pub received_at: Time,
    /// What was decided.
    pub state: AlertState,
    /// By whom.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Time>,
    /// Why.
    pub reason: String,
    /// Its revision.
    pub revision: i64,
}

impl Alert {
    const COLUMNS: &str = "id, tenant_id, server_id, source, external_id, title, severity, details, at, received_at, state, \
         decided_by, decided_at, reason, revision";

    fn read(row: &mut Reader) -> Result<Alert> {
        Ok(Alert {
            id: row.get()?,
            tenant_id: row.get()?,
            server_id: row.get()?,
            source: row.get()?,
            external_id: row.get()?,
            title: row.get()?,
            severity: row.get()?,
            details: row.json()?,
            at: row.get()?,
            received_at: row.get()?,
            state: row.get()?,
            decided_by: row.get()?,
            decided_at: row.get()?,
            reason: row.get()?,
            revision: row.get()?,
        })
    }
}

/// Which alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct AlertFilter {
    /// Of this tenant.
    #[serde(rename = "tenant")]
    pub tenant_id: Option<TenantId>,
    /// In this state.
    pub state: Option<AlertState>,
}

/// Brings an alert in. One that is there already is given back as it is.
///
/// # Errors
/// When the tenant or server does not exist for whoever brings it.
pub fn push(desk: &Desk, access: &Access, new: &NewAlert) -> Result<Alert> {
    access.require_in(Verb::Case, &new.tenant_id, "tenant")?;
    check_name("source", &new.source)?;
    check_name("external_id", &new.external_id)?;
    check_name("title", &new.title)?;
    let details = match &new.details {
        Json::Null => "{}".to_owned(),
        Json::Object(_) => new.details.to_string(),
        _ => return Err(Error::invalid("details", "it is no object")),
    };
    if details.len() > MOST_DETAILS {
        return Err(Error::invalid(
            "details",
            format!("more than {MOST_DETAILS} bytes"),
        ));
    }
    desk.write(|tx| {
        tenants::find(tx, access, &new.tenant_id)?;
        if let Some(server) = &new.server_id
            && servers::find(tx, access, server)?.tenant_id != new.tenant_id
        {
            return Err(Error::NotFound { what: "server" });
        }
        let id = AlertId::new(tx.now, tx.entropy);
        let put = tx.execute(
            "INSERT INTO alert (id, tenant_id, server_id, source, external_id, title, severity, rank, details, at, \
             received_at, state, reason, revision) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'new', '', 1) \
             ON CONFLICT (tenant_id, source, external_id) DO NOTHING",
            params![
                &id,
                &new.tenant_id,
                new.server_id.as_ref(),
                &new.source,
                &new.external_id,
                new.title.trim(),
                new.severity,
                new.severity.rank(),
                details.as_str(),
                new.at.unwrap_or(tx.now),
                tx.now,
            ],
        )?;
        let row = tx.one(
            "SELECT id FROM alert WHERE tenant_id = $1 AND source = $2 AND external_id = $3",
            params![&new.tenant_id, &new.source, &new.external_id],
        )?;
        let id: AlertId = row.ok_or(Error::NotFound { what: "alert" })?.reader().get()?;
        let alert = find(tx, access, &id)?;
        if put > 0 {
            recorded(tx, access, &alert, "alert.receive", "")?;
        }
        Ok(alert)
    })
}

/// One alert.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &AlertId) -> Result<Alert> {
    access.require(Verb::ReadInternal)?;
    desk.read(|tx| find(tx, access, id))
}

/// Alerts, worst first, then oldest first.
pub fn list(desk: &Desk, access: &Access, filter: &AlertFilter, page: &PageRequest) -> Result<Page<Alert>> {
    access.require(Verb::ReadInternal)?;
    let limit = page.limit()?;
    let after: Option<(i64, i64, String)> = page.after()?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Alert::COLUMNS)
        .push(" FROM alert WHERE ")
        .tenants("tenant_id", access);
    if let Some(tenant) = &filter.tenant_id {
        sql.push(" AND tenant_id = ").bind(tenant);
    }
    if let Some(state) = filter.state {
        sql.push(" AND state = ").bind(state);
    }
    if let Some((rank, at, id)) = after {
        sql.push(" AND rank <= ")
            .bind(rank)
            .push(" AND (rank < ")
            .bind(rank);
        sql.push(" OR (received_at, id) > (")
            .bind(at)
            .push(", ")
            .bind(id)
            .push("))");
    }
    sql.push(" ORDER BY rank DESC, received_at, id LIMIT ")
        .bind(limit as i64 + 1);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let all: Result<Vec<Alert>> = rows
        .into_iter()
        .map(|row| Alert::read(&mut row.reader()))
        .collect();
    Page::of(all?, limit, |one| {
        (one.severity.rank(), one.received_at.micros(), one.id.clone())
    })
}

/// Decides on an alert.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more.
pub fn decide(
    desk: &Desk,
    access: &Access,
    id: &AlertId,
    revision: i64,
    state: AlertState,
    reason: &str,
) -> Result<Alert> {
    check_length("reason", reason, 4_000)?;
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Judge)?;
        if state == AlertState::Dismissed && reason.trim().is_empty() {
            return Err(Error::invalid("reason", "say why it is harmless"));
        }
        let changed = tx.execute(
            "UPDATE alert SET state = $3, decided_by = $4, decided_at = $5, reason = $6, revision = revision + 1 \
             WHERE id = $1 AND revision = $2",
            params![id, revision, state, &access.actor().name, tx.now, reason.trim()],
        )?;
        expect_changed(changed, Some(before.revision), "alert")?;
        recorded(tx, access, &before, &format!("alert.{state}"), reason.trim())?;
        find(tx, access, id)
    })
}

pub(crate) fn find(tx: &mut Tx<'_>, access: &Access, id: &AlertId) -> Result<Alert> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Alert::COLUMNS).push(" FROM alert WHERE id = ").bind(id);
    sql.push(" AND ").tenants("tenant_id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    Alert::read(&mut row.ok_or(Error::NotFound { what: "alert" })?.reader())
}

fn recorded(tx: &mut Tx<'_>, access: &Access, alert: &Alert, action: &str, text: &str) -> Result<()> {
    let act = Act {
        tenant: Some(&alert.tenant_id),
        action,
        subject: ("alert", alert.id.as_str()),
        campaign: None,
        text,
        details: json!({"source": alert.source, "external_id": alert.external_id}),
    };
    audit::record(tx, access, &act).map(|_| ())
}
