//! The main courante: reading the log, and writing remarks into it.

use serde::Deserialize;
use serde_json::json;

use super::chain::{Act, Entry, PROVIDER, record};
use crate::db::{Sql, anywhere};
use crate::desk::Tx;
use crate::tenants::{self, check_length, check_name};
use crate::{Access, CampaignId, Desk, Error, Page, PageRequest, Result, TenantId, Time, Verb, campaigns};

/// Characters of a remark.
const LONGEST: usize = 20_000;

/// Which records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct JournalFilter {
    /// Of this tenant.
    #[serde(rename = "tenant")]
    pub tenant_id: Option<TenantId>,
    /// Of this campaign.
    #[serde(rename = "campaign")]
    pub campaign_id: Option<CampaignId>,
    /// About things of this kind: `server`, `case`, ...
    pub subject_kind: Option<String>,
    /// About this thing.
    pub subject_id: Option<String>,
    /// By this account or key.
    pub actor_id: Option<String>,
    /// Acts that begin so: `case.`, `say`.
    pub action: Option<String>,
    /// Whose words hold this.
    #[serde(rename = "q")]
    pub search: Option<String>,
    /// From this moment on.
    pub since: Option<Time>,
    /// Before this moment.
    pub until: Option<Time>,
}

/// A remark.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Remark {
    /// The tenant it is about; `null` for remarks about none in particular.
    pub tenant_id: Option<TenantId>,
    /// The campaign it is about.
    pub campaign_id: Option<CampaignId>,
    /// What is said, 1 to 20000 characters.
    pub text: String,
}

/// Writes a remark into the main courante. What is said cannot be taken back; say something else.
///
/// # Errors
/// When it is empty or too long, or the tenant or campaign does not exist for whoever says it.
pub fn say(desk: &Desk, access: &Access, remark: &Remark) -> Result<Entry> {
    let text = remark.text.trim();
    if text.is_empty() {
        return Err(Error::invalid("text", "it is empty"));
    }
    check_length("text", text, LONGEST)?;
    match &remark.tenant_id {
        Some(tenant) => access.require_in(Verb::Say, tenant, "tenant")?,
        None => access.require_everywhere(Verb::Say)?,
    }
    desk.write(|tx| {
        if let Some(tenant) = &remark.tenant_id {
            tenants::find(tx, access, tenant)?;
        }
        if let Some(campaign) = &remark.campaign_id {
            campaigns::find(tx, access, campaign)?;
        }
        let subject = match (&remark.tenant_id, &remark.campaign_id) {
            (_, Some(campaign)) => ("campaign", campaign.as_str()),
            (Some(tenant), None) => ("tenant", tenant.as_str()),
            (None, None) => (PROVIDER, PROVIDER),
        };
        let act = Act {
            tenant: remark.tenant_id.as_ref(),
            action: "say",
            subject,
            campaign: remark.campaign_id.as_ref(),
            text,
            details: json!({}),
        };
        record(tx, access, &act)
    })
}

/// Only chains that somebody may read; of the provider's, what concerns accounts and keys only for those who may audit.
pub(super) fn within(sql: &mut Sql, column: &str, access: &Access) {
    if access.is_everywhere() {
        match access.may(Verb::Audit) {
            true => sql.push("1 = 1"),
            false => sql.push("(action NOT LIKE 'account.%' AND action NOT LIKE 'key.%')"),
        };
    } else {
        sql.tenants(column, access);
    }
}

/// Records, newest first.
pub fn list(desk: &Desk, access: &Access, filter: &JournalFilter, page: &PageRequest) -> Result<Page<Entry>> {
    access.require(Verb::ReadInternal)?;
    let limit = page.limit()?;
    let after: Option<(i64, String, i64)> = page.after()?;
    if let Some(action) = &filter.action {
        check_name("action", action)?;
    }
    let mut sql = Sql::new("SELECT ");
    sql.push(Entry::COLUMNS).push(" FROM audit WHERE ");
    within(&mut sql, "chain", access);
    push(filter, &mut sql);
    if let Some((at, chain, seq)) = after {
        sql.push(" AND (at, chain, seq) < (")
            .bind(at)
            .push(", ")
            .bind(chain)
            .push(", ")
            .bind(seq)
            .push(")");
    }
    sql.push(" ORDER BY at DESC, chain DESC, seq DESC LIMIT ")
        .bind(limit as i64 + 1);
    let entries = desk.read(|tx| entries(tx, &sql))?;
    Page::of(entries, limit, |entry| {
        (entry.at.micros(), entry.chain.clone(), entry.seq)
    })
}

pub(crate) fn entries(tx: &mut Tx<'_>, sql: &Sql) -> Result<Vec<Entry>> {
    tx.rows(sql)?
        .into_iter()
        .map(|row| Entry::read(&mut row.reader()))
        .collect()
}

fn push(filter: &JournalFilter, sql: &mut Sql) {
    if let Some(tenant) = &filter.tenant_id {
        sql.push(" AND chain = ").bind(tenant);
    }
    if let Some(campaign) = &filter.campaign_id {
        sql.push(" AND campaign_id = ").bind(campaign);
    }
    if let Some(kind) = &filter.subject_kind {
        sql.push(" AND subject_kind = ").bind(kind);
    }
    if let Some(id) = &filter.subject_id {
        sql.push(" AND subject_id = ").bind(id);
    }
    if let Some(actor) = &filter.actor_id {
        sql.push(" AND actor_id = ").bind(actor);
    }
    if let Some(action) = &filter.action {
        // Between the word and the word with the last of all characters stand those that begin with it.
        sql.push(" AND action >= ")
            .bind(action)
            .push(" AND action < ")
            .bind(format!("{action}\u{10ffff}"));
    }
    if let Some(search) = &filter.search {
        sql.push(" AND fold(text) LIKE ")
            .bind(anywhere(search))
            .push(" ESCAPE '!'");
    }
    if let Some(since) = filter.since {
        sql.push(" AND at >= ").bind(since);
    }
    if let Some(until) = filter.until {
        sql.push(" AND at < ").bind(until);
    }
}
