//! Campaigns: one pack applied to tenants. The crisis itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{self, Act};
use crate::cells::{self, Stage, Truth};
use crate::db::{Order, Reader, Sql, params};
use crate::desk::{Tx, expect_changed};
use crate::tenants::{self, Contract, check_name};
use crate::{Access, CampaignId, Desk, Error, Page, PageRequest, Result, ServerId, TenantId, Time, Verb};

/// Hours within which servers under maintenance must be closed.
const MANAGED_HOURS: i64 = 48;
/// Hours an answer may be relied on, at most: ten years.
const MOST_HOURS: i64 = 10 * 366 * 24;

/// What a campaign is opened with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// What people call it.
    pub title: String,
    /// The pack's name, `hafnium-2021`.
    pub pack: String,
    /// The pack's version.
    pub pack_version: String,
    /// The tenants it is about.
    pub tenants: Vec<TenantId>,
    /// After how many hours an answer of a stage is too old, where not as usual.
    #[serde(default)]
    pub stale_hours: BTreeMap<Stage, i64>,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Campaign {
    /// Its identifier.
    pub id: CampaignId,
    /// What people call it.
    pub title: String,
    /// The pack's name.
    pub pack: String,
    /// The version of the pack it runs with now.
    pub pack_version: String,
    /// After how many hours an answer of a stage is too old, where not as usual.
    pub stale_hours: BTreeMap<Stage, i64>,
    /// When it was opened.
    pub opened_at: Time,
    /// When it was closed.
    pub closed_at: Option<Time>,
    /// When it last got a new version of its pack.
    pub revised_at: Option<Time>,
    /// Its revision.
    pub revision: i64,
    /// How many tenants of it one may see.
    pub tenants: i64,
}

impl Campaign {
    const COLUMNS: &str = "c.id, c.title, c.pack, c.pack_version, c.stale_hours, c.opened_at, c.closed_at, c.revised_at, \
         c.revision";

    fn read(row: &mut Reader) -> Result<Campaign> {
        Ok(Campaign {
            id: row.get()?,
            title: row.get()?,
            pack: row.get()?,
            pack_version: row.get()?,
            stale_hours: row.json()?,
            opened_at: row.get()?,
            closed_at: row.get()?,
            revised_at: row.get()?,
            revision: row.get()?,
            tenants: row.get()?,
        })
    }

    /// After how many hours an answer is too old here; `None`: never.
    pub fn stale_hours(&self, stage: Stage, truth: Truth) -> Option<i64> {
        let usual = stage.stale_hours(truth)?;
        Some(self.stale_hours.get(&stage).copied().unwrap_or(usual))
    }
}

/// A query for campaigns that somebody may see: those with a tenant of theirs, with how many.
fn select(access: &Access) -> Sql {
    let mut sql = Sql::new("SELECT ");
    sql.push(Campaign::COLUMNS);
    sql.push(", (SELECT COUNT(*) FROM campaign_tenant ct WHERE ct.campaign_id = c.id AND ");
    sql.tenants("ct.tenant_id", access)
        .push(") FROM campaign c WHERE ");
    if access.is_everywhere() {
        sql.push("1 = 1");
    } else {
        sql.push("EXISTS (SELECT 1 FROM campaign_tenant ct WHERE ct.campaign_id = c.id AND ");
        sql.tenants("ct.tenant_id", access).push(")");
    }
    sql
}

/// Opens a campaign for tenants. Managed tenants' clocks start.
///
/// # Errors
/// When a tenant does not exist, or not for whoever asks.
pub fn open(desk: &Desk, access: &Access, new: &NewCampaign) -> Result<Campaign> {
    check_name("title", &new.title)?;
    check_name("pack", &new.pack)?;
    check_name("pack_version", &new.pack_version)?;
    for tenant in &new.tenants {
        access.require_in(Verb::Campaign, tenant, "tenant")?;
    }
    access.require(Verb::Campaign)?;
    if new.tenants.is_empty() && !access.is_everywhere() {
        return Err(Error::invalid("tenants", "name at least one"));
    }
    if new
        .stale_hours
        .values()
        .any(|hours| !(1..=MOST_HOURS).contains(hours))
    {
        return Err(Error::invalid(
            "stale_hours",
            format!("hours must be between 1 and {MOST_HOURS}"),
        ));
    }
    desk.write(|tx| {
        let id = CampaignId::new(tx.now, tx.entropy);
        tx.execute(
            "INSERT INTO campaign (id, title, pack, pack_version, stale_hours, opened_at, revision) \
             VALUES ($1, $2, $3, $4, $5, $6, 1)",
            params![
                &id,
                new.title.trim(),
                &new.pack,
                &new.pack_version,
                json!(new.stale_hours).to_string(),
                tx.now,
            ],
        )?;
        let details = json!({
            "title": new.title, "pack": new.pack, "pack_version": new.pack_version, "tenants": new.tenants.len(),
        });
        recorded(tx, access, None, &id, "campaign.open", details)?;
        for tenant in &new.tenants {
            join(tx, access, &id, tenant)?;
        }
        find(tx, access, &id)
    })
}

fn join(tx: &mut Tx<'_>, access: &Access, campaign: &CampaignId, tenant: &TenantId) -> Result<()> {
    let found = tenants::find(tx, access, tenant)?;
    let deadline = (found.fields.contract == Contract::Managed).then(|| tx.now.plus_hours(MANAGED_HOURS));
    let joined = tx.execute(
        "INSERT INTO campaign_tenant (campaign_id, tenant_id, joined_at, deadline) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (campaign_id, tenant_id) DO NOTHING",
        params![campaign, tenant, tx.now, deadline],
    )?;
    if joined > 0 {
        cells::enter_campaign(tx, campaign, tenant)?;
        recorded(
            tx,
            access,
            Some(tenant),
            campaign,
            "campaign.join",
            json!({"deadline": deadline}),
        )?;
    }
    Ok(())
}

/// One campaign.
///
/// # Errors
/// [`Error::NotFound`] also when none of its tenants are within `access`.
pub fn get(desk: &Desk, access: &Access, id: &CampaignId) -> Result<Campaign> {
    access.require(Verb::Read)?;
    desk.read(|tx| find(tx, access, id))
}

/// Campaigns, newest first.
pub fn list(desk: &Desk, access: &Access, page: &PageRequest) -> Result<Page<Campaign>> {
    access.require(Verb::Read)?;
    let limit = page.limit()?;
    let after: Option<(i64, String)> = page.after()?;
    let mut sql = select(access);
    sql.page(["c.opened_at", "c.id"], Order::Falling, after, limit);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let campaigns: Result<Vec<Campaign>> = rows
        .into_iter()
        .map(|row| Campaign::read(&mut row.reader()))
        .collect();
    Page::of(campaigns?, limit, |campaign| {
        (campaign.opened_at.micros(), campaign.id.clone())
    })
}

/// Brings tenants into an open campaign; those that are in it stay.
///
/// # Errors
/// When it is closed, or a tenant does not exist.
pub fn add_tenants(desk: &Desk, access: &Access, id: &CampaignId, tenants: &[TenantId]) -> Result<Campaign> {
    for tenant in tenants {
        access.require_in(Verb::Campaign, tenant, "tenant")?;
    }
    access.require(Verb::Campaign)?;
    desk.write(|tx| {
        find_open(tx, access, id)?;
        for tenant in tenants {
            join(tx, access, id, tenant)?;
        }
        find(tx, access, id)
    })
}

/// Takes a tenant out of a campaign. What was said of its servers stays.
///
/// # Errors
/// When it is not in it.
pub fn remove_tenant(desk: &Desk, access: &Access, id: &CampaignId, tenant: &TenantId) -> Result<()> {
    access.require_in(Verb::Campaign, tenant, "tenant")?;
    desk.write(|tx| {
        find_open(tx, access, id)?;
        let gone = tx.execute(
            "DELETE FROM campaign_tenant WHERE campaign_id = $1 AND tenant_id = $2",
            params![id, tenant],
        )?;
        if gone == 0 {
            return Err(Error::NotFound { what: "tenant" });
        }
        cells::leave_campaign(tx, id, tenant)?;
        recorded(tx, access, Some(tenant), id, "campaign.leave", json!({}))
    })
}

/// Closes a campaign, or opens it again.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more. Only whoever is there for all tenants can.
pub fn set_closed(
    desk: &Desk,
    access: &Access,
    id: &CampaignId,
    revision: i64,
    closed: bool,
) -> Result<Campaign> {
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require_everywhere(Verb::Campaign)?;
        let changed = tx.execute(
            "UPDATE campaign SET closed_at = $3, revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![id, revision, closed.then_some(tx.now)],
        )?;
        expect_changed(changed, Some(before.revision), "campaign")?;
        if !closed {
            // Servers that came meanwhile.
            for tenant in tenant_ids(tx, id)? {
                cells::enter_campaign(tx, id, &tenant)?;
            }
        }
        let action = if closed {
            "campaign.close"
        } else {
            "campaign.reopen"
        };
        recorded(tx, access, None, id, action, json!({}))?;
        find(tx, access, id)
    })
}

/// Gives a campaign a new version of its pack. What was hunted with the old one counts as outdated, and what showed
/// nothing then is unknown until it is hunted again.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more. Only whoever is there for all tenants can.
pub fn revise(
    desk: &Desk,
    access: &Access,
    id: &CampaignId,
    revision: i64,
    pack_version: &str,
) -> Result<Campaign> {
    check_name("pack_version", pack_version)?;
    desk.write(|tx| {
        let before = find_open(tx, access, id)?;
        access.require_everywhere(Verb::Campaign)?;
        if before.pack_version == pack_version {
            return Err(Error::state(format!(
                "the campaign runs with version {pack_version} already"
            )));
        }
        let changed = tx.execute(
            "UPDATE campaign SET pack_version = $3, revised_at = $4, revision = revision + 1 \
             WHERE id = $1 AND revision = $2",
            params![id, revision, pack_version, tx.now],
        )?;
        expect_changed(changed, Some(before.revision), "campaign")?;
        let after = find(tx, access, id)?;
        let outdated = outdate(tx, access, &after)?;
        let details = json!({"before": before.pack_version, "after": pack_version, "outdated": outdated});
        recorded(tx, access, None, id, "campaign.revise", details)?;
        find(tx, access, id)
    })
}

/// The hunts of a campaign count as outdated from now on.
fn outdate(tx: &mut Tx<'_>, access: &Access, campaign: &Campaign) -> Result<usize> {
    let rows = tx.query(
        "SELECT tenant_id, server_id, stage FROM cell WHERE campaign_id = $1 AND \
         ((stage = 'hunt' AND detail = 'hunted') OR (stage = 'verdict' AND detail = 'no_evidence')) ORDER BY server_id, stage",
        params![&campaign.id],
    )?;
    let outdated = rows.len();
    for row in rows {
        let mut row = row.reader();
        let (tenant, server, stage): (TenantId, ServerId, Stage) = (row.get()?, row.get()?, row.get()?);
        let detail = if stage == Stage::Hunt {
            "outdated"
        } else {
            "unknown"
        };
        let put = cells::Put {
            campaign: &campaign.id,
            tenant: &tenant,
            server: &server,
            stage,
            detail,
            basis: "revision",
            as_of: tx.now,
            proof: json!({"pack_version": campaign.pack_version}),
        };
        cells::overrule(tx, access, campaign, &put)?;
    }
    Ok(outdated)
}

/// The tenants of a campaign that somebody may see.
pub fn tenants(desk: &Desk, access: &Access, id: &CampaignId) -> Result<Vec<TenantId>> {
    access.require(Verb::Read)?;
    desk.read(|tx| {
        find(tx, access, id)?;
        let mut seen = tenant_ids(tx, id)?;
        seen.retain(|tenant| access.tenants().contains(tenant));
        Ok(seen)
    })
}

fn tenant_ids(tx: &mut Tx<'_>, id: &CampaignId) -> Result<Vec<TenantId>> {
    let rows = tx.query(
        "SELECT tenant_id FROM campaign_tenant WHERE campaign_id = $1 ORDER BY tenant_id",
        params![id],
    )?;
    rows.into_iter().map(|row| row.reader().get()).collect()
}

pub(crate) fn find(tx: &mut Tx<'_>, access: &Access, id: &CampaignId) -> Result<Campaign> {
    let mut sql = select(access);
    sql.push(" AND c.id = ").bind(id);
    let row = tx.rows(&sql)?.into_iter().next();
    Campaign::read(&mut row.ok_or(Error::NotFound { what: "campaign" })?.reader())
}

/// The same, and it must be open.
pub(crate) fn find_open(tx: &mut Tx<'_>, access: &Access, id: &CampaignId) -> Result<Campaign> {
    let campaign = find(tx, access, id)?;
    match campaign.closed_at {
        None => Ok(campaign),
        Some(at) => Err(Error::state(format!(
            "the campaign was closed on {at}: open it again first"
        ))),
    }
}

fn recorded(
    tx: &mut Tx<'_>,
    access: &Access,
    tenant: Option<&TenantId>,
    id: &CampaignId,
    action: &str,
    details: serde_json::Value,
) -> Result<()> {
    let act = Act {
        tenant,
        action,
        subject: ("campaign", id.as_str()),
        campaign: Some(id),
        text: "",
        details,
    };
    audit::record(tx, access, &act).map(|_| ())
}
