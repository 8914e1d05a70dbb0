//! Statements and cells in the database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{Stage, Truth, derive};
use crate::audit::{self, Act};
use crate::db::{Reader, Sql, Value, params};
use crate::desk::Tx;
use crate::tenants::check_length;
use crate::{
    Access, ActorKind, CampaignId, Desk, Error, Result, ServerId, StatementId, TenantId, Time, Verb,
    campaigns, servers,
};

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;
/// Statements read of one cell: an hourly connector makes fewer in a month.
const KEPT_PER_CELL: i64 = 1_000;

/// Something that was said about a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Statement {
    /// The word: `vulnerable`, `no_evidence`, ...
    pub detail: String,
    /// What it rests on: one body of evidence, one connector, `person`.
    pub basis: String,
    /// Whether a person said so, rather than a machine.
    pub by_person: bool,
    /// The moment it is true of.
    pub as_of: Time,
    /// What shows it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub proof: Json,
    /// Who said so.
    pub said_by: String,
    /// When it was said.
    pub said_at: Time,
    /// The version of the pack that it was said with.
    pub pack_version: String,
}

/// Something to say about a cell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewStatement {
    /// The stage.
    pub stage: Stage,
    /// The word, one of the stage's.
    pub detail: String,
    /// The moment it is true of; now, unless said.
    #[serde(default)]
    pub as_of: Option<Time>,
    /// Why, in the words of whoever says so: at least 3 characters.
    pub reason: String,
}

/// A cell as it reads now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cell {
    /// The stage.
    pub stage: Stage,
    /// The answer; unknown once it is stale.
    pub state: Truth,
    /// The word; what it was, when it is stale.
    pub detail: String,
    /// Whether the answer is too old to be relied on.
    pub stale: bool,
    /// The moment the answer is true of; `null` when nobody ever said.
    pub as_of: Option<Time>,
    /// When it becomes, or became, too old.
    pub stale_at: Option<Time>,
    /// What shows it; `null` when nobody ever said.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub proof: Json,
    /// Who said so.
    pub said_by: String,
    /// When it was said.
    pub said_at: Option<Time>,
}

impl Cell {
    pub(crate) const COLUMNS: &str =
        "c.stage, c.state, c.detail, c.as_of, c.stale_at, c.proof, c.said_by, c.said_at";

    pub(crate) fn read(row: &mut Reader, now: Time) -> Result<Cell> {
        let mut cell = Cell {
            stage: row.get()?,
            state: row.get()?,
            detail: row.get()?,
            stale: false,
            as_of: row.get()?,
            stale_at: row.get()?,
            proof: row.json()?,
            said_by: row.get()?,
            said_at: row.get()?,
        };
        if cell.stale_at.is_some_and(|at| at <= now) {
            cell.stale = true;
            cell.state = Truth::Unknown;
        }
        Ok(cell)
    }
}

/// What a cell says before anybody says anything.
const NOTHING: &str = "unknown";

/// A statement of the desk itself, on its way into the tables.
pub(crate) struct Put<'a> {
    pub(crate) campaign: &'a CampaignId,
    pub(crate) tenant: &'a TenantId,
    pub(crate) server: &'a ServerId,
    pub(crate) stage: Stage,
    pub(crate) detail: &'a str,
    pub(crate) basis: &'a str,
    pub(crate) as_of: Time,
    pub(crate) proof: Json,
}

/// A person, or a program with a key, says something about a cell.
///
/// # Errors
/// When the server is not in the campaign, the word is not the stage's, or the moment lies in the future.
pub fn say(
    desk: &Desk,
    access: &Access,
    campaign: &CampaignId,
    server: &ServerId,
    new: &NewStatement,
) -> Result<Cell> {
    check_length("reason", &new.reason, 4_000)?;
    if new.reason.trim().chars().count() < 3 {
        return Err(Error::invalid(
            "reason",
            "say why: what is said about a cell is read by everybody",
        ));
    }
    if new.stage.truth(&new.detail).is_none() {
        let known: Vec<&str> = new.stage.details().iter().map(|(word, _)| *word).collect();
        let why = format!(
            "{:?} is no answer of {}; say one of {}",
            new.detail,
            new.stage,
            known.join(", ")
        );
        return Err(Error::invalid("detail", why));
    }
    desk.write(|tx| {
        let server = servers::find(tx, access, server)?;
        access.require(match new.stage {
            Stage::Inventory | Stage::Exposure | Stage::Evidence => Verb::Inventory,
            Stage::Hunt | Stage::Verdict => Verb::Judge,
            Stage::Case => Verb::Case,
        })?;
        let as_of = new.as_of.unwrap_or(tx.now);
        if as_of > tx.now {
            return Err(Error::invalid("as_of", "it lies in the future"));
        }
        let open = campaigns::find_open(tx, access, campaign)?;
        let put_this = Put {
            campaign,
            tenant: &server.tenant_id,
            server: &server.id,
            stage: new.stage,
            detail: &new.detail,
            basis: "person",
            as_of,
            proof: json!({"reason": new.reason.trim()}),
        };
        put_person(tx, access, &open, &put_this)?;
        let act = Act {
            tenant: Some(&server.tenant_id),
            action: "cell.say",
            subject: ("server", server.id.as_str()),
            campaign: Some(campaign),
            text: new.reason.trim(),
            details: json!({"stage": new.stage, "detail": new.detail, "as_of": as_of}),
        };
        audit::record(tx, access, &act)?;
        let cells = read_cells(tx, campaign, &server.id)?;
        cells
            .into_iter()
            .find(|cell| cell.stage == new.stage)
            .ok_or(Error::NotFound { what: "cell" })
    })
}

/// Keeps a statement of a machine and works out its cell anew. The caller records the act.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &campaigns::Campaign,
    new: &Put<'_>,
) -> Result<()> {
    keep(tx, access, campaign, new, false)
}

/// The same for what a person says.
pub(crate) fn put_person(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &campaigns::Campaign,
    new: &Put<'_>,
) -> Result<()> {
    keep(tx, access, campaign, new, access.actor().kind == ActorKind::User)
}

fn keep(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &campaigns::Campaign,
    new: &Put<'_>,
    by_person: bool,
) -> Result<()> {
    // Takes the cell's lock first, so that whoever comes second sees this statement.
    let locked = tx.one(
        "UPDATE cell SET tenant_id = tenant_id WHERE campaign_id = $1 AND server_id = $2 AND stage = $3 \
         RETURNING state, detail, statement_id",
        params![new.campaign, new.server, new.stage],
    )?;
    let mut before = locked.ok_or(Error::NotFound { what: "cell" })?.reader();
    let (state, detail): (Truth, String) = (before.get()?, before.get()?);
    let id = StatementId::new(tx.now, tx.entropy);
    let truth = new.stage.truth(new.detail).unwrap_or(Truth::Unknown);
    tx.execute(
        "INSERT INTO statement (id, campaign_id, server_id, tenant_id, stage, seq, state, detail, basis, by_person, as_of, \
         proof, said_by, said_at, pack_version) VALUES ($1, $2, $3, $4, $5, (SELECT COALESCE(MAX(seq), 0) + 1 \
         FROM statement WHERE campaign_id = $2 AND server_id = $3 AND stage = $5), $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        params![
            &id,
            new.campaign,
            new.server,
            new.tenant,
            new.stage,
            truth,
            new.detail,
            new.basis,
            by_person,
            new.as_of,
            new.proof.to_string(),
            &access.actor().name,
            tx.now,
            &campaign.pack_version,
        ],
    )?;
    let all = read_statements(tx, new.campaign, new.server, new.stage)?;
    let said: Vec<Statement> = all.iter().map(|(_, statement)| statement.clone()).collect();
    let Some(stands) = derive(new.stage, &said) else {
        return Ok(());
    };
    let (stands_id, stands) = &all[stands];
    let truth = new.stage.truth(&stands.detail).unwrap_or(Truth::Unknown);
    let stale_at = campaign
        .stale_hours(new.stage, truth)
        .map(|hours| stands.as_of.plus_hours(hours));
    tx.execute(
        "UPDATE cell SET state = $4, detail = $5, as_of = $6, stale_at = $7, proof = $8, said_by = $9, said_at = $10, \
         statement_id = $11 WHERE campaign_id = $1 AND server_id = $2 AND stage = $3",
        params![
            new.campaign,
            new.server,
            new.stage,
            truth,
            &stands.detail,
            stands.as_of,
            stale_at,
            stands.proof.to_string(),
            &stands.said_by,
            stands.said_at,
            stands_id,
        ],
    )?;
    let place = (new.campaign, new.tenant, new.stage);
    if (state, detail.as_str()) != (truth, stands.detail.as_str()) {
        step(tx, place, state, &detail, -1)?;
        step(tx, place, truth, &stands.detail, 1)?;
    }
    Ok(())
}

/// One cell more, or less, says a word from this hour on.
fn step(
    tx: &mut Tx<'_>,
    (campaign, tenant, stage): (&CampaignId, &TenantId, Stage),
    state: Truth,
    detail: &str,
    delta: i64,
) -> Result<()> {
    let hour = tx.now.micros().div_euclid(HOUR);
    tx.execute(
        "INSERT INTO curve (campaign_id, hour, stage, state, detail, tenant_id, delta) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (campaign_id, hour, stage, state, detail, tenant_id) DO UPDATE SET delta = curve.delta + excluded.delta",
        params![campaign, hour, stage, state, detail, tenant, delta],
    )?;
    Ok(())
}

/// All cells of a tenant's servers, empty, into a campaign; those that are there stay.
pub(crate) fn enter_campaign(tx: &mut Tx<'_>, campaign: &CampaignId, tenant: &TenantId) -> Result<()> {
    let rows = tx.query(
        "SELECT id FROM server WHERE tenant_id = $1 AND archived_at IS NULL",
        params![tenant],
    )?;
    for row in rows {
        let server: ServerId = row.reader().get()?;
        enter(tx, campaign, tenant, &server)?;
    }
    Ok(())
}

/// The cells of a new server into the open campaigns of its tenant.
pub(crate) fn enter_server(tx: &mut Tx<'_>, tenant: &TenantId, server: &ServerId) -> Result<()> {
    let rows = tx.query(
        "SELECT ct.campaign_id FROM campaign_tenant ct JOIN campaign c ON c.id = ct.campaign_id \
         WHERE ct.tenant_id = $1 AND c.closed_at IS NULL",
        params![tenant],
    )?;
    for row in rows {
        let campaign: CampaignId = row.reader().get()?;
        enter(tx, &campaign, tenant, server)?;
    }
    Ok(())
}

fn enter(tx: &mut Tx<'_>, campaign: &CampaignId, tenant: &TenantId, server: &ServerId) -> Result<()> {
    let rows = Stage::ALL.iter().map(|stage| {
        params![
            campaign,
            server,
            *stage,
            tenant,
            Truth::Unknown,
            NOTHING,
            "null",
            ""
        ]
        .to_vec()
    });
    let entered = tx.insert_all(
        "cell (campaign_id, server_id, stage, tenant_id, state, detail, proof, said_by)",
        "ON CONFLICT (campaign_id, server_id, stage) DO NOTHING",
        rows,
    )?;
    if entered > 0 {
        for stage in Stage::ALL {
            step(tx, (campaign, tenant, *stage), Truth::Unknown, NOTHING, 1)?;
        }
    }
    Ok(())
}

/// A tenant's cells out of a campaign. What was said stays.
pub(crate) fn leave_campaign(tx: &mut Tx<'_>, campaign: &CampaignId, tenant: &TenantId) -> Result<()> {
    leave(
        tx,
        "campaign_id = $1 AND tenant_id = $2",
        params![campaign, tenant],
    )
}

/// A server's cells out of all campaigns. What was said stays.
pub(crate) fn leave_server(tx: &mut Tx<'_>, server: &ServerId) -> Result<()> {
    leave(tx, "server_id = $1", params![server])
}

fn leave(tx: &mut Tx<'_>, which: &str, params: &[Value]) -> Result<()> {
    let gone = tx.query(
        &format!("DELETE FROM cell WHERE {which} RETURNING campaign_id, tenant_id, stage, state, detail"),
        params,
    )?;
    for row in gone {
        let mut row = row.reader();
        let (campaign, tenant): (CampaignId, TenantId) = (row.get()?, row.get()?);
        let (stage, state, detail): (Stage, Truth, String) = (row.get()?, row.get()?, row.get()?);
        step(tx, (&campaign, &tenant, stage), state, &detail, -1)?;
    }
    Ok(())
}

/// Every cell of a server, by campaign.
pub fn of_server(desk: &Desk, access: &Access, server: &ServerId) -> Result<BTreeMap<CampaignId, Vec<Cell>>> {
    access.require(Verb::Read)?;
    desk.read(|tx| {
        servers::find(tx, access, server)?;
        let sql = format!(
            "SELECT c.campaign_id, {} FROM cell c WHERE c.server_id = $1",
            Cell::COLUMNS
        );
        let mut by_campaign: BTreeMap<CampaignId, Vec<Cell>> = BTreeMap::new();
        for row in tx.query(&sql, params![server])? {
            let mut row = row.reader();
            let campaign = row.get()?;
            by_campaign
                .entry(campaign)
                .or_default()
                .push(Cell::read(&mut row, tx.now)?);
        }
        for cells in by_campaign.values_mut() {
            cells.sort_by_key(|cell| cell.stage);
        }
        Ok(by_campaign)
    })
}

/// Everything that was said about one cell, newest first, at most a thousand.
pub fn statements(
    desk: &Desk,
    access: &Access,
    campaign: &CampaignId,
    server: &ServerId,
    stage: Stage,
) -> Result<Vec<Statement>> {
    access.require(Verb::Read)?;
    desk.read(|tx| {
        servers::find(tx, access, server)?;
        let mut all: Vec<Statement> = read_statements(tx, campaign, server, stage)?
            .into_iter()
            .map(|(_, statement)| statement)
            .collect();
        all.reverse();
        Ok(all)
    })
}

fn read_cells(tx: &mut Tx<'_>, campaign: &CampaignId, server: &ServerId) -> Result<Vec<Cell>> {
    let sql = format!(
        "SELECT {} FROM cell c WHERE c.campaign_id = $1 AND c.server_id = $2",
        Cell::COLUMNS
    );
    let now = tx.now;
    let rows = tx.query(&sql, params![campaign, server])?;
    rows.into_iter()
        .map(|row| Cell::read(&mut row.reader(), now))
        .collect()
}

/// The newest statements of a cell in the order in which they were made, with their identifiers; and always a person's
/// last one, however long ago.
fn read_statements(
    tx: &mut Tx<'_>,
    campaign: &CampaignId,
    server: &ServerId,
    stage: Stage,
) -> Result<Vec<(StatementId, Statement)>> {
    let mut sql = Sql::new(
        "SELECT seq, id, detail, basis, by_person, as_of, proof, said_by, said_at, pack_version FROM statement \
         WHERE campaign_id = ",
    );
    sql.bind(campaign)
        .push(" AND server_id = ")
        .bind(server)
        .push(" AND stage = ")
        .bind(stage);
    let mut last_of_person = sql.clone();
    sql.push(" ORDER BY said_at DESC, id DESC LIMIT ")
        .bind(KEPT_PER_CELL);
    let mut rows = tx.rows(&sql)?;
    if rows.len() as i64 == KEPT_PER_CELL {
        last_of_person.push(" AND by_person = 1 ORDER BY seq DESC LIMIT 1");
        rows.extend(tx.rows(&last_of_person)?);
    }
    let mut by_seq: BTreeMap<i64, (StatementId, Statement)> = BTreeMap::new();
    for row in rows {
        let mut row = row.reader();
        let (seq, id): (i64, StatementId) = (row.get()?, row.get()?);
        let statement = Statement {
            detail: row.get()?,
            basis: row.get()?,
            by_person: row.get()?,
            as_of: row.get()?,
            proof: row.json()?,
            said_by: row.get()?,
            said_at: row.get()?,
            pack_version: row.get()?,
        };
        by_seq.insert(seq, (id, statement));
    }
    Ok(by_seq.into_values().collect())
}

/// Turns cells whose answer is too old into unknown ones, so that curves show it too, and says how many. The board does
/// not wait for this.
pub fn sweep(desk: &Desk, most: u32) -> Result<usize> {
    let access = Access::system("staleness");
    desk.write(|tx| {
        let sql = "SELECT c.campaign_id, c.tenant_id, c.server_id, c.stage, c.stale_at FROM cell c \
             JOIN campaign p ON p.id = c.campaign_id \
             WHERE c.stale_at <= $1 AND c.state <> 'unknown' AND p.closed_at IS NULL ORDER BY c.stale_at LIMIT $2";
        let rows = tx.query(sql, params![tx.now, i64::from(most)])?;
        let swept = rows.len();
        for row in rows {
            let mut row = row.reader();
            let (campaign, tenant, server): (CampaignId, TenantId, ServerId) = (row.get()?, row.get()?, row.get()?);
            let (stage, stale_at): (Stage, Time) = (row.get()?, row.get()?);
            let open = campaigns::find_open(tx, &access, &campaign)?;
            let stale = Put {
                campaign: &campaign,
                tenant: &tenant,
                server: &server,
                stage,
                detail: NOTHING,
                basis: "staleness",
                as_of: stale_at,
                proof: json!({"stale_since": stale_at}),
            };
            overrule(tx, &access, &open, &stale)?;
        }
        Ok(swept)
    })
}

/// What a machine says that stands whatever was said before: an answer became too old, or its rules did.
pub(crate) fn overrule(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &campaigns::Campaign,
    new: &Put<'_>,
) -> Result<()> {
    // In the verdict an answer beats none, so only a word of the rank of a person's takes it back.
    keep(tx, access, campaign, new, new.stage == Stage::Verdict)
}
