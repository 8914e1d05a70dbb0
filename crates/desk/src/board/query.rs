//! The board's rows and its counts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{BoardFilter, Sort};
use crate::campaigns::{self, Campaign};
use crate::cells::{Cell, Stage, Truth};
use crate::db::{Row, Sql};
use crate::desk::Tx;
use crate::tenants::Contract;
use crate::words::words;
use crate::{Access, CampaignId, Desk, Page, PageRequest, Result, ServerId, TenantId, Time, Verb};

/// One page of a campaign's board, with counts over everything that fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Board {
    /// The campaign.
    pub campaign: Campaign,
    /// The moment at which all of this is true.
    pub as_of: Time,
    /// Tenants of the campaign within sight.
    pub tenants_total: i64,
    /// Servers of the campaign within sight.
    pub servers_total: i64,
    /// Tenants with a server that fits.
    pub tenants_matching: i64,
    /// Servers that fit: what `stages` are counts of.
    pub servers_matching: i64,
    /// How many servers that fit say what, by stage.
    pub stages: Vec<StageSummary>,
    /// Tenants, in the order asked for; only servers that fit.
    pub tenants: Page<BoardTenant>,
}

/// How many servers say what at one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StageSummary {
    /// The stage.
    pub stage: Stage,
    /// The answers.
    pub counts: Counts,
    /// The words behind them.
    pub words: Vec<Word>,
}

/// How many servers answer what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Counts {
    /// Nobody can tell, or the answer is too old.
    pub unknown: i64,
    /// Yes.
    pub yes: i64,
    /// No.
    pub no: i64,
    /// Of the unknown ones, those whose answer is too old.
    pub stale: i64,
}

impl Counts {
    fn add(&mut self, truth: Truth, stale: bool, count: i64) {
        match truth {
            Truth::Unknown => self.unknown += count,
            Truth::Yes => self.yes += count,
            Truth::No => self.no += count,
        }
        self.stale += if stale { count } else { 0 };
    }

    fn all(&self) -> i64 {
        self.unknown + self.yes + self.no
    }

    /// What they say together: unknown as soon as one is, then yes as soon as one is.
    pub fn together(&self) -> Truth {
        match self {
            Counts { unknown: 1.., .. } => Truth::Unknown,
            Counts { yes: 1.., .. } => Truth::Yes,
            Counts { no: 1.., .. } => Truth::No,
            _ => Truth::Unknown,
        }
    }
}

/// How many servers say one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Word {
    /// The word; of stale cells `unknown`.
    pub detail: String,
    /// Servers.
    pub count: i64,
}

/// A tenant of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardTenant {
    /// Its identifier.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// What the provider owes it.
    pub contract: Contract,
    /// The agency that looks after it.
    pub agency: Option<String>,
    /// The clock of managed tenants.
    pub clock: Option<Clock>,
    /// By stage, what its servers that fit say together.
    pub stages: Vec<StageSummary>,
    /// Its servers that fit, by name.
    pub servers: Vec<BoardServer>,
}

/// A server of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BoardServer {
    /// Its identifier.
    pub id: ServerId,
    /// Its name.
    pub name: String,
    /// Its cells, in the order of the stages.
    pub cells: Vec<Cell>,
}

/// The time within which a managed tenant's servers must be closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Clock {
    /// When it started.
    pub from: Time,
    /// When it ends.
    pub deadline: Time,
    /// How it stands.
    pub state: ClockState,
    /// When the last server was closed, once all are.
    pub closed_at: Option<Time>,
}

words!(
    /// How a clock stands.
    ClockState {
        /// Time is left, and servers are open or unknown.
        Running = "running",
        /// All servers were closed in time.
        Met = "met",
        /// The time is over, or the last server was closed after it.
        Missed = "missed",
    }
);

/// The board of a campaign.
///
/// # Errors
/// When there is no such campaign, or none of its tenants are within `access`.
pub fn board(
    desk: &Desk,
    access: &Access,
    campaign: &CampaignId,
    filter: &BoardFilter,
    page: &PageRequest,
) -> Result<Board> {
    access.require(Verb::Read)?;
    let limit = page.limit()?;
    desk.read(|tx| {
        let found = campaigns::find(tx, access, campaign)?;
        let stages = summary(tx, access, campaign, filter)?;
        let servers_matching = stages.first().map_or(0, |first| first.counts.all());
        let (keys, tenants_matching) = tenant_page(tx, access, campaign, filter, page, limit)?;
        let (tenants_total, servers_total) = match filter.is_everything() {
            true => (tenants_matching, servers_matching),
            false => totals(tx, access, campaign, &BoardFilter::default())?,
        };
        let page = Page::of(keys, limit, |key| (key.1, key.2.clone(), key.0.clone()))?;
        let next = page.next;
        let ids: Vec<TenantId> = page.items.into_iter().map(|(id, ..)| id).collect();
        Ok(Board {
            campaign: found,
            as_of: tx.now,
            tenants_total,
            servers_total,
            tenants_matching,
            servers_matching,
            stages,
            tenants: Page {
                items: tenants(tx, access, campaign, filter, &ids)?,
                next,
            },
        })
    })
}

/// Tenants and servers that fit.
fn totals(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &CampaignId,
    filter: &BoardFilter,
) -> Result<(i64, i64)> {
    let mut sql = Sql::new("SELECT COUNT(DISTINCT c.tenant_id), COUNT(*)");
    filter.from(&mut sql, campaign, access, tx.now, false);
    // Each server has a cell of each stage: those of one stage are the servers.
    sql.push(" AND c.stage = ").bind(Stage::Inventory);
    let row = tx.rows(&sql)?.into_iter().next();
    let mut row = row.unwrap_or(Row(vec![0_i64.into(), 0_i64.into()])).reader();
    Ok((row.get()?, row.get()?))
}

/// How many servers that fit say what.
fn summary(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &CampaignId,
    filter: &BoardFilter,
) -> Result<Vec<StageSummary>> {
    let mut sql = Sql::new("SELECT c.stage, c.state, c.detail, COUNT(*), CAST(SUM(CASE WHEN c.stale_at <= ");
    sql.bind(tx.now).push(" THEN 1 ELSE 0 END) AS BIGINT)");
    filter.from(&mut sql, campaign, access, tx.now, false);
    sql.push(" GROUP BY c.stage, c.state, c.detail");
    let mut tally = Tally::default();
    for row in tx.rows(&sql)? {
        let mut row = row.reader();
        let (stage, state, detail): (Stage, Truth, String) = (row.get()?, row.get()?, row.get()?);
        let (count, stale): (i64, i64) = (row.get()?, row.get()?);
        tally.add(stage, state, &detail, false, count - stale);
        tally.add(stage, state, &detail, true, stale);
    }
    Ok(tally.finish())
}

#[derive(Default)]
struct Tally(BTreeMap<Stage, (Counts, BTreeMap<String, i64>)>);

impl Tally {
    fn add(&mut self, stage: Stage, state: Truth, detail: &str, stale: bool, count: i64) {
        if count == 0 {
            return;
        }
        let (counts, words) = self.0.entry(stage).or_default();
        let (state, detail) = if stale {
            (Truth::Unknown, "unknown")
        } else {
            (state, detail)
        };
        counts.add(state, stale, count);
        match words.get_mut(detail) {
            Some(known) => *known += count,
            None => {
                words.insert(detail.to_owned(), count);
            }
        }
    }

    /// All stages in order, and of each the words in the stage's order.
    fn finish(mut self) -> Vec<StageSummary> {
        let summary = |stage: Stage| {
            let (counts, words) = self.0.remove(&stage).unwrap_or_default();
            let known = stage.details().iter().filter_map(|(word, _)| {
                let count = *words.get(*word)?;
                Some(Word {
                    detail: (*word).to_owned(),
                    count,
                })
            });
            StageSummary {
                stage,
                counts,
                words: known.collect(),
            }
        };
        Stage::ALL.iter().copied().map(summary).collect()
    }
}

/// A tenant with where it stands in the order: a number, smallest first, then its name.
type Key = (TenantId, i64, String);

/// The tenants of a page, in order, and how many there are on all pages.
fn tenant_page(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &CampaignId,
    filter: &BoardFilter,
    page: &PageRequest,
    limit: usize,
) -> Result<(Vec<Key>, i64)> {
    let after: Option<(i64, String, String)> = page.after()?;
    let now = tx.now;
    let mut sql = Sql::new(
        "SELECT k.tenants, k.tenant_id, k.place, n.name_key FROM (SELECT COUNT(*) OVER () AS tenants, c.tenant_id, ",
    );
    order(&mut sql, filter.sort.unwrap_or(Sort::Unknown), campaign, now);
    sql.push(" AS place");
    filter.from(&mut sql, campaign, access, now, false);
    sql.push(" GROUP BY c.tenant_id) k JOIN tenant n ON n.id = k.tenant_id");
    let is_first = after.is_none();
    if let Some((place, name, id)) = after {
        sql.push(" WHERE (k.place, n.name_key, k.tenant_id) > (");
        sql.bind(place)
            .push(", ")
            .bind(name)
            .push(", ")
            .bind(id)
            .push(")");
    }
    sql.push(" ORDER BY k.place, n.name_key, k.tenant_id LIMIT ")
        .bind(limit as i64 + 1);
    let mut tenants = None;
    let mut keys = Vec::new();
    for row in tx.rows(&sql)? {
        let mut row = row.reader();
        tenants = Some(row.get()?);
        keys.push((row.get()?, row.get()?, row.get()?));
    }
    let tenants = match tenants {
        Some(tenants) => tenants,
        None if is_first => 0,
        // Behind the last page the rows that tell are not there.
        None => totals(tx, access, campaign, filter)?.0,
    };
    Ok((keys, tenants))
}

/// The number a tenant is ordered by, over its cells.
fn order(sql: &mut Sql, sort: Sort, campaign: &CampaignId, now: Time) {
    match sort {
        Sort::Name => {
            sql.push("CAST(0 AS BIGINT)");
        }
        Sort::Unknown => {
            sql.push("-CAST(SUM(CASE WHEN c.state = 'unknown' OR c.stale_at <= ")
                .bind(now);
            sql.push(" THEN 1 ELSE 0 END) AS BIGINT)");
        }
        Sort::Worst => {
            sql.push(
                "CAST(MIN(CASE WHEN c.stage = 'verdict' THEN CASE c.detail WHEN 'compromised' THEN 0 WHEN 'suspected' THEN 1 \
                 WHEN 'attempted' THEN 4 WHEN 'unknown' THEN 5 ELSE 8 END \
                 WHEN c.stage = 'exposure' THEN CASE c.detail WHEN 'vulnerable' THEN 2 WHEN 'unknown' THEN 6 \
                 WHEN 'mitigated' THEN 7 ELSE 8 END ELSE 9 END) AS BIGINT)",
            );
        }
        Sort::Deadline => {
            sql.push("COALESCE((SELECT ct.deadline FROM campaign_tenant ct WHERE ct.campaign_id = ")
                .bind(campaign);
            sql.push(" AND ct.tenant_id = c.tenant_id), ")
                .bind(i64::MAX)
                .push(")");
        }
    }
}

/// The tenants of a page with their servers that fit.
fn tenants(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &CampaignId,
    filter: &BoardFilter,
    ids: &[TenantId],
) -> Result<Vec<BoardTenant>> {
    let mut servers = servers(tx, access, campaign, filter, ids)?;
    let mut sql = Sql::new(
        "SELECT t.id, t.name, t.contract, t.agency, ct.joined_at, ct.deadline FROM tenant t \
         JOIN campaign_tenant ct ON ct.tenant_id = t.id WHERE ct.campaign_id = ",
    );
    sql.bind(campaign)
        .push(" AND ")
        .tenants("t.id", access)
        .push(" AND ")
        .one_of("t.id", ids);
    let now = tx.now;
    let mut by_id: BTreeMap<TenantId, BoardTenant> = BTreeMap::new();
    for row in tx.rows(&sql)? {
        let mut row = row.reader();
        let id: TenantId = row.get()?;
        let (name, contract, agency) = (row.get()?, row.get()?, row.get()?);
        let (from, deadline): (Time, Option<Time>) = (row.get()?, row.get()?);
        let servers = servers.remove(&id).unwrap_or_default();
        let mut tally = Tally::default();
        for cell in servers.iter().flat_map(|server| &server.cells) {
            tally.add(cell.stage, cell.state, &cell.detail, cell.stale, 1);
        }
        let clock = deadline.map(|deadline| clock(from, deadline, &servers, now));
        let tenant = BoardTenant {
            id: id.clone(),
            name,
            contract,
            agency,
            clock,
            stages: tally.finish(),
            servers,
        };
        by_id.insert(id, tenant);
    }
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

/// How a clock stands: it stops when every server is closed.
fn clock(from: Time, deadline: Time, servers: &[BoardServer], now: Time) -> Clock {
    let exposures = servers
        .iter()
        .flat_map(|server| &server.cells)
        .filter(|cell| cell.stage == Stage::Exposure);
    let closed: Option<Vec<Time>> = exposures
        .map(|cell| cell.said_at.filter(|_| cell.state == Truth::No))
        .collect();
    let closed_at = closed.and_then(|times| times.into_iter().max());
    let state = match closed_at {
        Some(at) if at <= deadline => ClockState::Met,
        None if now <= deadline => ClockState::Running,
        _ => ClockState::Missed,
    };
    Clock {
        from,
        deadline,
        state,
        closed_at,
    }
}

fn servers(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &CampaignId,
    filter: &BoardFilter,
    ids: &[TenantId],
) -> Result<BTreeMap<TenantId, Vec<BoardServer>>> {
    let mut sql = Sql::new("SELECT c.tenant_id, c.server_id, s.name, s.name_key, ");
    sql.push(Cell::COLUMNS);
    filter.from(&mut sql, campaign, access, tx.now, true);
    sql.push(" AND ").one_of("c.tenant_id", ids);
    let now = tx.now;
    let mut found: BTreeMap<TenantId, BTreeMap<(String, ServerId), BoardServer>> = BTreeMap::new();
    for row in tx.rows(&sql)? {
        let mut row = row.reader();
        let (tenant, id): (TenantId, ServerId) = (row.get()?, row.get()?);
        let (name, name_key): (String, String) = (row.get()?, row.get()?);
        let cell = Cell::read(&mut row, now)?;
        let server = found
            .entry(tenant)
            .or_default()
            .entry((name_key, id.clone()))
            .or_insert_with(|| BoardServer {
                id,
                name,
                cells: Vec::new(),
            });
        server.cells.push(cell);
    }
    let sorted = |servers: BTreeMap<(String, ServerId), BoardServer>| {
        let mut servers: Vec<BoardServer> = servers.into_values().collect();
        for server in &mut servers {
            server.cells.sort_by_key(|cell| cell.stage);
        }
        servers
    };
    Ok(found
        .into_iter()
        .map(|(tenant, servers)| (tenant, sorted(servers)))
        .collect())
}
