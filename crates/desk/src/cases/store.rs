//! Cases in the database.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{self, Act};
use crate::cells::{self, Put, Stage};
use crate::db::{Order, Reader, Sql, anywhere, params};
use crate::desk::{Tx, expect_changed};
use crate::findings::Finding;
use crate::tenants::{self, Locale, check_length, check_name};
use crate::words::words;
use crate::{
    Access, AccountId, CampaignId, CaseId, Desk, Error, Page, PageRequest, Result, ServerId, Severity,
    TenantId, Time, Verb, campaigns, servers,
};

/// Characters of the title of a case that a finding becomes.
const LONGEST_TITLE: usize = 120;
/// Servers of one case.
const MOST_SERVERS: usize = 500;

words!(
    /// Where a case stands.
    CaseState {
        /// Nobody is on it.
        Open = "open",
        /// Somebody is.
        InProgress = "in_progress",
        /// It waits for somebody else.
        Waiting = "waiting",
        /// It is over.
        Closed = "closed",
    }
);

/// What is said of a case when it is opened or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CaseFields {
    /// One line.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// When it is due.
    #[serde(default)]
    pub due_at: Option<Time>,
    /// Whether the client's own people see it.
    #[serde(default)]
    pub shared: bool,
}

impl CaseFields {
    fn check(&self) -> Result<()> {
        check_name("title", &self.title)
    }
}

/// A case to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The campaign it belongs to.
    #[serde(default)]
    pub campaign_id: Option<CampaignId>,
    /// The servers it is about.
    #[serde(default)]
    pub servers: Vec<ServerId>,
    /// What is said of it.
    pub fields: CaseFields,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Case {
    /// Its identifier.
    pub id: CaseId,
    /// Its number, counted per tenant.
    pub number: i64,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The tenant's name.
    pub tenant: String,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// What is said of it.
    #[serde(flatten)]
    pub fields: CaseFields,
    /// Where it stands.
    pub state: CaseState,
    /// What came out, once it is closed.
    pub resolution: String,
    /// Who is on it.
    pub assigned_to: Option<AccountId>,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: Time,
    /// When it was last taken up.
    pub taken_at: Option<Time>,
    /// When it was closed.
    pub closed_at: Option<Time>,
    /// Its revision.
    pub revision: i64,
}

impl Case {
    pub(super) const COLUMNS: &str = "w.id, w.number, w.tenant_id, t.name, w.campaign_id, w.title, w.severity, w.due_at, \
         w.shared, w.state, w.resolution, w.assigned_to, w.opened_by, w.opened_at, w.taken_at, w.closed_at, w.revision";

    pub(super) fn read(row: &mut Reader) -> Result<Case> {
        Ok(Case {
            id: row.get()?,
            number: row.get()?,
            tenant_id: row.get()?,
            tenant: row.get()?,
            campaign_id: row.get()?,
            fields: CaseFields {
                title: row.get()?,
                severity: row.get()?,
                due_at: row.get()?,
                shared: row.get()?,
            },
            state: row.get()?,
            resolution: row.get()?,
            assigned_to: row.get()?,
            opened_by: row.get()?,
            opened_at: row.get()?,
            taken_at: row.get()?,
            closed_at: row.get()?,
            revision: row.get()?,
        })
    }
}

/// Which cases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct CaseFilter {
    /// Of this tenant.
    #[serde(rename = "tenant")]
    pub tenant_id: Option<TenantId>,
    /// Of this campaign.
    #[serde(rename = "campaign")]
    pub campaign_id: Option<CampaignId>,
    /// About this server.
    #[serde(rename = "server")]
    pub server_id: Option<ServerId>,
    /// In this state.
    pub state: Option<CaseState>,
    /// Only those that are not closed.
    pub unfinished: bool,
    /// Whom it is assigned to.
    pub assigned_to: Option<AccountId>,
    /// Part of the title.
    #[serde(rename = "q")]
    pub search: Option<String>,
}

/// Only cases that `access` may see: all of its tenants, or the shared ones.
pub(super) fn visible(sql: &mut Sql, access: &Access) {
    sql.tenants("w.tenant_id", access);
    if !access.may(Verb::ReadInternal) {
        sql.push(" AND w.shared = 1");
    }
}

/// Whether a case is there for a client's own person.
pub(crate) fn is_shared(tx: &mut Tx<'_>, access: &Access, id: &str) -> Result<bool> {
    let mut sql = Sql::new("SELECT COUNT(*) FROM work_case w WHERE w.shared = 1 AND w.id = ");
    sql.bind(id).push(" AND ").tenants("w.tenant_id", access);
    Ok(tx.count(&sql)? > 0)
}

fn select(access: &Access) -> Sql {
    let mut sql = Sql::new("SELECT ");
    sql.push(Case::COLUMNS)
        .push(" FROM work_case w JOIN tenant t ON t.id = w.tenant_id WHERE ");
    visible(&mut sql, access);
    sql
}

/// Opens a case.
///
/// # Errors
/// When tenant, campaign or a server does not exist for whoever opens it.
pub fn open(desk: &Desk, access: &Access, new: &NewCase) -> Result<Case> {
    access.require_in(Verb::Case, &new.tenant_id, "tenant")?;
    new.fields.check()?;
    desk.write(|tx| {
        let id = insert(tx, access, new)?;
        find(tx, access, &id)
    })
}

/// The case that a finding becomes. It is called what the finding says, in its tenant's language: it may be shared.
pub(crate) fn open_for(tx: &mut Tx<'_>, access: &Access, finding: &Finding) -> Result<CaseId> {
    let (joint, statement) = match tenants::find(tx, access, &finding.tenant_id)?.fields.locale {
        Locale::Fr => ("\u{a0}: ", &finding.statement_fr),
        Locale::En => (": ", &finding.statement_en),
    };
    let title = shortened(&format!("{}{joint}{statement}", finding.server), LONGEST_TITLE);
    let new = NewCase {
        tenant_id: finding.tenant_id.clone(),
        campaign_id: Some(finding.campaign_id.clone()),
        servers: vec![finding.server_id.clone()],
        fields: CaseFields {
            title: title
                .chars()
                .map(|one| if one.is_control() { ' ' } else { one })
                .collect(),
            severity: finding.severity,
            due_at: None,
            shared: false,
        },
    };
    insert(tx, access, &new)
}

/// At most so many characters, cut between words where that is possible.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    let end = kept.rfind(' ').filter(|end| *end > kept.len() / 2);
    format!("{}…", kept[..end.unwrap_or(kept.len())].trim_end())
}

fn insert(tx: &mut Tx<'_>, access: &Access, new: &NewCase) -> Result<CaseId> {
    tenants::find(tx, access, &new.tenant_id)?;
    if let Some(campaign) = &new.campaign_id {
        campaigns::find(tx, access, campaign)?;
    }
    let id = CaseId::new(tx.now, tx.entropy);
    // Recorded first: the chain's lock makes two who open at once count one after the other.
    let details = json!({"fields": new.fields, "servers": new.servers});
    let act = Act {
        tenant: Some(&new.tenant_id),
        action: "case.open",
        subject: ("case", id.as_str()),
        campaign: new.campaign_id.as_ref(),
        text: "",
        details,
    };
    audit::record(tx, access, &act)?;
    tx.execute(
        "INSERT INTO work_case (id, tenant_id, campaign_id, number, title, severity, rank, state, resolution, shared, due_at, \
         opened_by, opened_at, waiting_since, revision) \
         VALUES ($1, $2, $3, (SELECT COALESCE(MAX(number), 0) + 1 FROM work_case WHERE tenant_id = $2), $4, $5, $6, 'open', \
         '', $7, $8, $9, $10, $10, 1)",
        params![
            &id,
            &new.tenant_id,
            new.campaign_id.as_ref(),
            new.fields.title.trim(),
            new.fields.severity,
            new.fields.severity.rank(),
            new.fields.shared,
            new.fields.due_at,
            &access.actor().name,
            tx.now,
        ],
    )?;
    put_servers(tx, access, &id, &new.tenant_id, &new.servers)?;
    say_in_cells(tx, access, &id)?;
    Ok(id)
}

fn put_servers(
    tx: &mut Tx<'_>,
    access: &Access,
    id: &CaseId,
    tenant: &TenantId,
    these: &[ServerId],
) -> Result<()> {
    if these.len() > MOST_SERVERS {
        return Err(Error::invalid("servers", format!("more than {MOST_SERVERS}")));
    }
    for server in these {
        if servers::find(tx, access, server)?.tenant_id != *tenant {
            return Err(Error::NotFound { what: "server" });
        }
        tx.execute(
            "INSERT INTO case_server (case_id, server_id) VALUES ($1, $2) ON CONFLICT (case_id, server_id) DO NOTHING",
            params![id, server],
        )?;
    }
    Ok(())
}

/// One case with the servers it is about.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &CaseId) -> Result<(Case, Vec<ServerId>)> {
    access.require(Verb::Read)?;
    desk.read(|tx| Ok((find(tx, access, id)?, server_ids(tx, id)?)))
}

fn server_ids(tx: &mut Tx<'_>, id: &CaseId) -> Result<Vec<ServerId>> {
    let rows = tx.query(
        "SELECT server_id FROM case_server WHERE case_id = $1 ORDER BY server_id",
        params![id],
    )?;
    rows.into_iter().map(|row| row.reader().get()).collect()
}

/// Cases, newest first.
pub fn list(desk: &Desk, access: &Access, filter: &CaseFilter, page: &PageRequest) -> Result<Page<Case>> {
    access.require(Verb::Read)?;
    let limit = page.limit()?;
    let after: Option<(i64, String)> = page.after()?;
    let mut sql = select(access);
    if let Some(tenant) = &filter.tenant_id {
        sql.push(" AND w.tenant_id = ").bind(tenant);
    }
    if let Some(campaign) = &filter.campaign_id {
        sql.push(" AND w.campaign_id = ").bind(campaign);
    }
    if let Some(server) = &filter.server_id {
        sql.push(" AND EXISTS (SELECT 1 FROM case_server cs WHERE cs.case_id = w.id AND cs.server_id = ");
        sql.bind(server).push(")");
    }
    if let Some(state) = filter.state {
        sql.push(" AND w.state = ").bind(state);
    }
    if filter.unfinished {
        sql.push(" AND w.state <> 'closed'");
    }
    if let Some(account) = &filter.assigned_to {
        sql.push(" AND w.assigned_to = ").bind(account);
    }
    if let Some(search) = &filter.search {
        sql.push(" AND fold(w.title) LIKE ")
            .bind(anywhere(search))
            .push(" ESCAPE '!'");
    }
    sql.page(["w.opened_at", "w.id"], Order::Falling, after, limit);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let all: Result<Vec<Case>> = rows
        .into_iter()
        .map(|row| Case::read(&mut row.reader()))
        .collect();
    Page::of(all?, limit, |one| (one.opened_at.micros(), one.id.clone()))
}

/// Says something else of a case.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more.
pub fn change(desk: &Desk, access: &Access, id: &CaseId, revision: i64, fields: &CaseFields) -> Result<Case> {
    fields.check()?;
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Case)?;
        let changed = tx.execute(
            "UPDATE work_case SET title = $3, severity = $4, rank = $5, due_at = $6, shared = $7, revision = revision + 1 \
             WHERE id = $1 AND revision = $2",
            params![
                id,
                revision,
                fields.title.trim(),
                fields.severity,
                fields.severity.rank(),
                fields.due_at,
                fields.shared,
            ],
        )?;
        expect_changed(changed, Some(before.revision), "case")?;
        let details = json!({"before": before.fields, "after": fields});
        recorded_of(tx, access, &before, "case.change", "", details)?;
        find(tx, access, id)
    })
}

/// Says which servers a case is about.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more; when a server is not its tenant's.
pub fn set_servers(
    desk: &Desk,
    access: &Access,
    id: &CaseId,
    revision: i64,
    these: &[ServerId],
) -> Result<Case> {
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Case)?;
        bump(tx, &before, revision)?;
        let left = server_ids(tx, id)?;
        tx.execute("DELETE FROM case_server WHERE case_id = $1", params![id])?;
        put_servers(tx, access, id, &before.tenant_id, these)?;
        say_in_cells(tx, access, id)?;
        let gone: Vec<&ServerId> = left.iter().filter(|server| !these.contains(server)).collect();
        for server in gone {
            say_in_cell(tx, access, &before, server)?;
        }
        recorded_of(tx, access, &before, "case.servers", "", json!({"servers": these}))?;
        find(tx, access, id)
    })
}

/// Moves a case on. Closing it takes a word about what came out.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more.
pub fn set_state(
    desk: &Desk,
    access: &Access,
    id: &CaseId,
    revision: i64,
    state: CaseState,
    resolution: &str,
) -> Result<Case> {
    check_length("resolution", resolution, 20_000)?;
    if state == CaseState::Closed && resolution.trim().is_empty() {
        return Err(Error::invalid("resolution", "say what came out before closing"));
    }
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Case)?;
        let changed = tx.execute(
            "UPDATE work_case SET state = $3, resolution = $4, closed_at = $5, \
             waiting_since = CASE WHEN $3 = 'open' THEN $6 ELSE waiting_since END, \
             assigned_to = CASE WHEN $3 = 'open' THEN NULL ELSE assigned_to END, revision = revision + 1 \
             WHERE id = $1 AND revision = $2",
            params![
                id,
                revision,
                state,
                resolution.trim(),
                (state == CaseState::Closed).then_some(tx.now),
                tx.now,
            ],
        )?;
        expect_changed(changed, Some(before.revision), "case")?;
        let details = json!({"before": before.state, "after": state});
        recorded_of(tx, access, &before, "case.state", resolution.trim(), details)?;
        say_in_cells(tx, access, id)?;
        find(tx, access, id)
    })
}

/// One revision on, if it is still at `revision`.
pub(super) fn bump(tx: &mut Tx<'_>, before: &Case, revision: i64) -> Result<()> {
    let changed = tx.execute(
        "UPDATE work_case SET revision = revision + 1 WHERE id = $1 AND revision = $2",
        params![&before.id, revision],
    )?;
    expect_changed(changed, Some(before.revision), "case")
}

/// The cells *case* of the servers of a case.
fn say_in_cells(tx: &mut Tx<'_>, access: &Access, id: &CaseId) -> Result<()> {
    let case = find(tx, access, id)?;
    for server in server_ids(tx, id)? {
        say_in_cell(tx, access, &case, &server)?;
    }
    Ok(())
}

fn say_in_cell(tx: &mut Tx<'_>, access: &Access, case: &Case, server: &ServerId) -> Result<()> {
    let Some(campaign) = &case.campaign_id else {
        return Ok(());
    };
    let Ok(open) = campaigns::find_open(tx, access, campaign) else {
        return Ok(());
    };
    let row = tx.one(
        "SELECT w.id, w.number FROM work_case w JOIN case_server cs ON cs.case_id = w.id \
         WHERE cs.server_id = $1 AND w.campaign_id = $2 AND w.state <> 'closed' ORDER BY w.opened_at LIMIT 1",
        params![server, campaign],
    )?;
    let (detail, proof) = match row {
        Some(row) => {
            let mut row = row.reader();
            let (id, number): (CaseId, i64) = (row.get()?, row.get()?);
            ("open", json!({"case_id": id, "number": number}))
        }
        None => ("closed", json!({"case_id": case.id, "number": case.number})),
    };
    let put = Put {
        campaign,
        tenant: &case.tenant_id,
        server,
        stage: Stage::Case,
        detail,
        basis: "case",
        as_of: tx.now,
        proof,
    };
    match cells::put(tx, access, &open, &put) {
        Err(Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

pub(crate) fn find(tx: &mut Tx<'_>, access: &Access, id: &CaseId) -> Result<Case> {
    let mut sql = select(access);
    sql.push(" AND w.id = ").bind(id);
    let row = tx.rows(&sql)?.into_iter().next();
    Case::read(&mut row.ok_or(Error::NotFound { what: "case" })?.reader())
}

pub(crate) fn recorded_of(
    tx: &mut Tx<'_>,
    access: &Access,
    case: &Case,
    action: &str,
    text: &str,
    details: serde_json::Value,
) -> Result<()> {
    let act = Act {
        tenant: Some(&case.tenant_id),
        action,
        subject: ("case", case.id.as_str()),
        campaign: case.campaign_id.as_ref(),
        text,
        details,
    };
    audit::record(tx, access, &act).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_titles_end_at_a_word() {
        assert_eq!(shortened("as it is", 8), "as it is");
        assert_eq!(shortened("one two three four", 16), "one two three…");
        assert_eq!(shortened("ééééééééé", 5), "éééé…");
    }
}
