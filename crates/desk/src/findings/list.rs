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

/// Tenants whose findings are put in order more cheaply than all are looked through in order, until so many are found as
/// a page or a search takes. SQLite must be told; PostgreSQL knows by its statistics.
fn few_tenants(desk: &Desk, filter: &FindingFilter) -> usize {
    match (desk.database().kind(), &filter.search) {
        (Kind::Sqlite, None) => 200,
        (Kind::Sqlite, Some(_)) => 100,
        (Kind::Postgres, _) => usize::MAX,
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
        few_tenants: few_tenants(desk, filter),
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
    fn push(&self, sql: &mut Sql, columns: &str, from: &str, after: Option<&Key>) {
        sql.push("SELECT ").push(columns).push(from).push(" WHERE ");
        sql.tenants_among("f.tenant_id", self.access, self.few_tenants);
        self.filter.push(sql);
        if let Some(after) = after {
            behind(sql, after);
        }
    }

    fn select(&self, columns: &str, from: &str, after: Option<&Key>) -> Sql {
        let mut sql = Sql::default();
        self.push(&mut sql, columns, from, after);
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
        Some((key, before)) => (Some(key), before.min(COUNTED + 1)),
        None => (None, 0),
    };
    let seen = look_through(tx, asked, after.as_ref(), pattern, most)?;
    let end = match seen.len() as i64 == most {
        true => seen.last().map(|(key, _)| key.clone()),
        false => None,
    };
    let mut found: Vec<Key> = seen
        .into_iter()
        .filter_map(|(key, holds)| holds.then_some(key))
        .collect();
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

/// So many findings in order, each with whether it holds what is looked for: one pass tells what is found, how many, and
/// where to go on.
fn look_through(
    tx: &mut Tx<'_>,
    asked: &Asked<'_>,
    after: Option<&Key>,
    pattern: &str,
    most: i64,
) -> Result<Vec<(Key, bool)>> {
    let mut sql = Sql::new("SELECT rank, found_at, id, CASE WHEN search_text LIKE ");
    sql.bind(pattern)
        .push(" ESCAPE '!' THEN CAST(1 AS BIGINT) ELSE 0 END FROM (");
    asked.push(&mut sql, "f.rank, f.found_at, f.id, f.search_text", FROM, after);
    sql.push(IN_ORDER)
        .push(" LIMIT ")
        .bind(most)
        .push(") looked_through");
    let rows = tx.rows(&sql)?.into_iter();
    let seen: Result<Vec<(Key, bool)>> = rows
        .map(|row| {
            let mut row = row.reader();
            Ok(((row.get()?, row.get()?, row.get()?), row.get()?))
        })
        .collect();
    let mut seen = seen?;
    // They come in order, though no database promises it of what stands around an order.
    seen.sort_by(|((rank, found, id), _), ((other, later, next), _)| {
        (other, found, id).cmp(&(rank, later, next))
    });
    Ok(seen)
}

fn read_all(tx: &mut Tx<'_>, sql: &Sql) -> Result<Vec<Finding>> {
    let rows = tx.rows(sql)?.into_iter();
    rows.map(|row| Finding::read(&mut row.reader())).collect()
}
