//! Lists of findings, searches in them, and how many there are.

use serde::{Deserialize, Serialize};

use super::store::{Finding, FindingState};
use crate::db::{Kind, Sql, anywhere};
use crate::desk::Tx;
use crate::{Access, CampaignId, Desk, Page, PageRequest, Result, ServerId, Severity, TenantId, Verb};

/// Findings that a search looks through for one page.
const LOOKED_THROUGH: i64 = 20_000;
/// Findings are counted up to so many.
const COUNTED: usize = 10_000;

/// Tenants whose findings are put in order more cheaply than all are looked through in order. SQLite must be told;
/// PostgreSQL knows by its statistics.
fn few_tenants(desk: &Desk) -> usize {
    match desk.database().kind() {
        Kind::Sqlite => 200,
        Kind::Postgres => usize::MAX,
    }
}

/// Which findings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct FindingFilter {
    /// Of this tenant.
    #[serde(rename = "tenant")]
    pub tenant_id: Option<TenantId>,
    /// Of this server.
    #[serde(rename = "server")]
    pub server_id: Option<ServerId>,
    /// Of this campaign.
    #[serde(rename = "campaign")]
    pub campaign_id: Option<CampaignId>,
    /// In this state.
    pub state: Option<FindingState>,
    /// Of this severity, or worse.
    pub severity: Option<Severity>,
    /// Of this rule.
    pub rule_id: Option<String>,
    /// Whose statement or title holds this.
    #[serde(rename = "q")]
    pub search: Option<String>,
    /// Also those that are gone.
    pub gone: bool,
}

impl FindingFilter {
    /// All of it but the search.
    fn push(&self, sql: &mut Sql) {
        if let Some(tenant) = &self.tenant_id {
            sql.push(" AND f.tenant_id = ").bind(tenant);
        }
        if let Some(server) = &self.server_id {
            sql.push(" AND f.server_id = ").bind(server);
        }
        if let Some(campaign) = &self.campaign_id {
            sql.push(" AND f.campaign_id = ").bind(campaign);
        }
        if let Some(state) = self.state {
            sql.push(" AND f.state = ").bind(state);
        }
        if let Some(severity) = self.severity {
            sql.push(" AND f.rank >= ").bind(severity.rank());
        }
        if let Some(rule) = &self.rule_id {
            sql.push(" AND f.rule_id = ").bind(rule);
        }
        if !self.gone {
            sql.push(" AND f.gone_at IS NULL");
        }
    }
}

/// How many findings fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Total {
    /// So many were counted.
    pub count: i64,
    /// Whether there may be more: counting ends at 10000, and with what a search looked through.
    pub at_least: bool,
}

impl Total {
    /// Of what was counted up to one more than [`COUNTED`].
    fn of(counted: usize, at_least: bool) -> Total {
        Total {
            count: counted.min(COUNTED) as i64,
            at_least: at_least || counted > COUNTED,
        }
    }
}

/// Where a finding stands in the list: rank, time, identifier.
type Key = (i64, i64, String);

/// Only findings behind a place in the list. Written so that the index serves it: ranks fall while times rise.
fn behind(sql: &mut Sql, (rank, found, id): &Key) {
    sql.push(" AND f.rank <= ")
        .bind(*rank)
        .push(" AND (f.rank < ")
        .bind(*rank);
    sql.push(" OR (f.found_at, f.id) > (")
        .bind(*found)
        .push(", ")
        .bind(id)
        .push("))");
}

const FROM: &str = " FROM finding f";
const IN_ORDER: &str = " ORDER BY f.rank DESC, f.found_at, f.id";

/// Findings, worst first, then oldest first, and how many there are.
///
/// A search looks through 20000 findings for one page: there may be fewer than asked for on a page, or none, and still a
/// next one. The page that has none behind it is the last, and its total is the whole one.
pub fn list(
    desk: &Desk,
    access: &Access,
    filter: &FindingFilter,
    page: &PageRequest,
) -> Result<(Page<Finding>, Total)> {
    list_through(desk, access, filter, page, LOOKED_THROUGH)
}

pub(super) fn list_through(
    desk: &Desk,
    access: &Access,
    filter: &FindingFilter,
    page: &PageRequest,
    most: i64,
) -> Result<(Page<Finding>, Total)> {
    access.require(Verb::ReadInternal)?;
    let asked = Asked {
        access,
        filter,
        few_tenants: few_tenants(desk),
    };
    desk.read(|tx| match &filter.search {
        Some(text) => search(tx, &asked, &anywhere(text), page, most),
        None => plain(tx, &asked, page),
    })
}

/// What is asked for, and by whom.
struct Asked<'a> {
    access: &'a Access,
    filter: &'a FindingFilter,
    few_tenants: usize,
}

impl Asked<'_> {
    /// A query for what lies behind a place; the search is left out.
    fn select(&self, columns: &str, from: &str, after: Option<&Key>) -> Sql {
        let mut sql = Sql::new("SELECT ");
        sql.push(columns).push(from).push(" WHERE ");
        sql.tenants_among("f.tenant_id", self.access, self.few_tenants);
        self.filter.push(&mut sql);
        if let Some(after) = after {
            behind(&mut sql, after);
        }
        sql
    }
}

fn plain(tx: &mut Tx<'_>, asked: &Asked<'_>, page: &PageRequest) -> Result<(Page<Finding>, Total)> {
    let limit = page.limit()?;
    let after: Option<Key> = page.after()?;
    let mut sql = asked.select(Finding::COLUMNS, Finding::FROM, after.as_ref());
    sql.push(IN_ORDER).push(" LIMIT ").bind(limit as i64 + 1);
    let key = |one: &Finding| (one.severity.rank(), one.found_at.micros(), one.id.to_string());
    let page = Page::of(read_all(tx, &sql)?, limit, key)?;
    let mut sql = asked.select("COUNT(*) FROM (SELECT 1", FROM, None);
    sql.push(" LIMIT ").bind(COUNTED as i64 + 1).push(") counted");
    Ok((page, Total::of(tx.count(&sql)? as usize, false)))
}

/// Where the next page of a search begins, and how many were found before it.
type Place = (Key, usize);

fn search(
    tx: &mut Tx<'_>,
    asked: &Asked<'_>,
    pattern: &str,
    page: &PageRequest,
    most: i64,
) -> Result<(Page<Finding>, Total)> {
    let limit = page.limit()?;
    let (after, before) = match page.after::<Place>()? {
        Some((key, before)) => (Some(key), before.min(COUNTED)),
        None => (None, 0),
    };
    let mut found = matching(tx, asked, after.as_ref(), pattern, most)?;
    let end = match found.len() > COUNTED {
        true => None,
        false => end_of(tx, asked, after.as_ref(), most)?,
    };
    let total = Total::of(before + found.len(), end.is_some());
    let next: Option<Place> = match found.len() > limit {
        true => Some((found[limit - 1].clone(), before + limit)),
        false => end.map(|key| (key, before + found.len())),
    };
    found.truncate(limit);
    let mut sql = Sql::new("SELECT ");
    sql.push(Finding::COLUMNS).push(Finding::FROM).push(" WHERE ");
    sql.tenants_among("f.tenant_id", asked.access, 0).push(" AND ");
    sql.one_of("f.id", found.iter().map(|(_, _, id)| id))
        .push(IN_ORDER);
    let items = read_all(tx, &sql)?;
    let next = next.as_ref().map(crate::page::encode).transpose()?;
    Ok((Page { items, next }, total))
}

/// The places of those that a search finds among so many, in order; up to one more than are counted.
fn matching(
    tx: &mut Tx<'_>,
    asked: &Asked<'_>,
    after: Option<&Key>,
    pattern: &str,
    most: i64,
) -> Result<Vec<Key>> {
    let mut sql = asked.select(
        "rank, found_at, id FROM (SELECT f.rank, f.found_at, f.id, f.search_text",
        FROM,
        after,
    );
    sql.push(IN_ORDER).push(" LIMIT ").bind(most);
    // They come in the order of the inner query; asked to sort, a database would look through all before it gave one.
    sql.push(") seen WHERE search_text LIKE ").bind(pattern);
    sql.push(" ESCAPE '!' LIMIT ").bind(COUNTED as i64 + 1);
    keys(tx, &sql)
}

/// The last of so many findings that a search looks through; `None` when there are fewer.
fn end_of(tx: &mut Tx<'_>, asked: &Asked<'_>, after: Option<&Key>, most: i64) -> Result<Option<Key>> {
    let mut sql = asked.select("f.rank, f.found_at, f.id", FROM, after);
    sql.push(IN_ORDER).push(" LIMIT 1 OFFSET ").bind(most - 1);
    Ok(keys(tx, &sql)?.pop())
}

fn keys(tx: &mut Tx<'_>, sql: &Sql) -> Result<Vec<Key>> {
    let rows = tx.rows(sql)?.into_iter();
    rows.map(|row| {
        let mut row = row.reader();
        Ok((row.get()?, row.get()?, row.get()?))
    })
    .collect()
}

fn read_all(tx: &mut Tx<'_>, sql: &Sql) -> Result<Vec<Finding>> {
    let rows = tx.rows(sql)?.into_iter();
    rows.map(|row| Finding::read(&mut row.reader())).collect()
}
