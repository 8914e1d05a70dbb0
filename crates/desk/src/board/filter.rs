//! What of the board is asked for.

use serde::Deserialize;

use crate::cells::Stage;
use crate::db::{Sql, anywhere};
use crate::tenants::Contract;
use crate::words::words;
use crate::{Access, CampaignId, TenantId, Time};

/// Tenants for which looking each up is cheaper than looking through the campaign.
const FEW_TENANTS: usize = 20;
/// Around the servers that fit, so that no index is used for them: tenants times servers would be looked up pair by pair.
const AMONG: &str = " AND CASE WHEN c.server_id IN ";
const HOLDS: &str = " THEN 1 ELSE 0 END = 1";

words!(
    /// In which order tenants stand.
    Sort {
        /// Most unknown cells first.
        Unknown = "unknown",
        /// Worst verdict first, then worst exposure.
        Worst = "worst",
        /// Next deadline first; tenants without a clock last.
        Deadline = "deadline",
        /// By name.
        Name = "name",
    }
);

/// Which servers of a campaign. Conditions on cells are about what they say now: a stale one is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct BoardFilter {
    /// Of tenants with one of these contracts.
    pub contract: Vec<Contract>,
    /// Of tenants of one of these agencies.
    pub agency: Vec<String>,
    /// Of this tenant.
    #[serde(rename = "tenant")]
    pub tenant_id: Option<TenantId>,
    /// Whose tenant's name, or own name, holds this.
    #[serde(rename = "q")]
    pub search: Option<String>,
    /// With one of these verdicts.
    pub verdict: Vec<String>,
    /// With one of these exposures.
    pub exposure: Vec<String>,
    /// Of which all of these are unknown.
    pub unknown: Vec<Stage>,
    /// In which order tenants stand.
    pub sort: Option<Sort>,
}

impl BoardFilter {
    /// `FROM .. WHERE ..` for the cells of all servers that fit; `c` is the cell and, `with_server`, `s` its
    /// server.
    pub(super) fn from(
        &self,
        sql: &mut Sql,
        campaign: &CampaignId,
        access: &Access,
        now: Time,
        with_server: bool,
    ) {
        sql.push(" FROM cell c");
        if self.needs_tenant() {
            sql.push(" JOIN tenant t ON t.id = c.tenant_id");
        }
        if self.search.is_some() || with_server {
            sql.push(" JOIN server s ON s.id = c.server_id");
        }
        sql.push(" WHERE c.campaign_id = ").bind(campaign);
        sql.push(" AND ")
            .tenants_among("c.tenant_id", access, FEW_TENANTS);
        if let Some(tenant) = &self.tenant_id {
            sql.push(" AND c.tenant_id = ").bind(tenant);
        }
        if !self.contract.is_empty() {
            sql.push(" AND ")
                .one_of("t.contract", self.contract.iter().copied());
        }
        if !self.agency.is_empty() {
            sql.push(" AND ").one_of("t.agency", &self.agency);
        }
        if let Some(search) = &self.search {
            let pattern = anywhere(search);
            sql.push(" AND (t.name_key LIKE ")
                .bind(pattern.as_str())
                .push(" ESCAPE '!'");
            sql.push(" OR s.name_key LIKE ")
                .bind(pattern)
                .push(" ESCAPE '!')");
        }
        for (stage, words) in [(Stage::Verdict, &self.verdict), (Stage::Exposure, &self.exposure)] {
            if !words.is_empty() {
                self.with_word(sql, campaign, stage, words, now);
            }
        }
        for stage in &self.unknown {
            sql.push(AMONG)
                .push("(SELECT u.server_id FROM cell u WHERE u.campaign_id = ")
                .bind(campaign);
            sql.push(" AND u.stage = ")
                .bind(*stage)
                .push(" AND (u.state = 'unknown' OR u.stale_at <= ")
                .bind(now);
            sql.push("))").push(HOLDS);
        }
    }

    /// Only servers whose cell says one of these words now.
    fn with_word(&self, sql: &mut Sql, campaign: &CampaignId, stage: Stage, words: &[String], now: Time) {
        sql.push(AMONG)
            .push("(SELECT w.server_id FROM cell w WHERE w.campaign_id = ")
            .bind(campaign);
        sql.push(" AND w.stage = ").bind(stage).push(" AND ((");
        sql.one_of("w.detail", words)
            .push(" AND (w.stale_at IS NULL OR w.stale_at > ")
            .bind(now)
            .push("))");
        if words.iter().any(|word| word == "unknown") {
            sql.push(" OR w.stale_at <= ").bind(now);
        }
        sql.push("))").push(HOLDS);
    }

    fn needs_tenant(&self) -> bool {
        !self.contract.is_empty() || !self.agency.is_empty() || self.search.is_some()
    }

    /// Whether all servers of the campaign fit.
    pub(super) fn is_everything(&self) -> bool {
        let sort = self.sort;
        *self
            == BoardFilter {
                sort,
                ..BoardFilter::default()
            }
    }
}
