//! Asking for hunts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::KIND;
use crate::campaigns::{self, Campaign};
use crate::cells::{self, Put, Stage};
use crate::db::{Sql, params};
use crate::desk::Tx;
use crate::jobs::{self, Job, JobState, NewJob};
use crate::{Access, CampaignId, Desk, Error, EvidenceId, JobId, Result, ServerId, TenantId, Verb, evidence};

/// Pieces of evidence of one hunt.
const MOST_EVIDENCE: usize = 200;
/// How often a hunt is tried.
const ATTEMPTS: i64 = 3;

/// A hunt to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewHunt {
    /// The campaign whose pack runs.
    pub campaign_id: CampaignId,
    /// What to hunt in, all of one tenant; what belongs together is hunted together.
    pub evidence: Vec<EvidenceId>,
}

/// What the job is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) evidence: Vec<EvidenceId>,
}

/// Asks for a hunt. One of the same evidence that waits or runs is given back.
///
/// # Errors
/// When the evidence is not all of one tenant of the campaign, or was deleted.
pub fn start(desk: &Desk, access: &Access, new: &NewHunt) -> Result<Job> {
    desk.write(|tx| {
        let campaign = campaigns::find_open(tx, access, &new.campaign_id)?;
        start_in(tx, access, &campaign, &new.evidence)
    })
}

fn start_in(tx: &mut Tx<'_>, access: &Access, campaign: &Campaign, ids: &[EvidenceId]) -> Result<Job> {
    let ids: BTreeSet<&EvidenceId> = ids.iter().collect();
    if ids.is_empty() || ids.len() > MOST_EVIDENCE {
        return Err(Error::invalid(
            "evidence",
            format!("name 1 to {MOST_EVIDENCE} pieces"),
        ));
    }
    let mut tenants: BTreeSet<TenantId> = BTreeSet::new();
    let mut servers: BTreeSet<ServerId> = BTreeSet::new();
    for id in &ids {
        let found = evidence::find(tx, access, id)?;
        access.require(Verb::Hunt)?;
        if found.deleted_at.is_some() {
            return Err(Error::state(format!(
                "evidence {id} was deleted when its retention ended"
            )));
        }
        tenants.insert(found.tenant_id);
        servers.extend(found.fields.server_id);
    }
    let mut tenants = tenants.into_iter();
    let (Some(tenant), None) = (tenants.next(), tenants.next()) else {
        return Err(Error::invalid(
            "evidence",
            "it is of several tenants: hunt each tenant's by itself",
        ));
    };
    let is_in = tx.one(
        "SELECT 1 FROM campaign_tenant WHERE campaign_id = $1 AND tenant_id = $2",
        params![&campaign.id, &tenant],
    )?;
    if is_in.is_none() {
        return Err(Error::state("the tenant is not in the campaign: add it first"));
    }
    let payload = Payload {
        evidence: ids.iter().map(|id| (*id).clone()).collect(),
    };
    let names: Vec<&str> = payload.evidence.iter().map(EvidenceId::as_str).collect();
    let job = jobs::put(
        tx,
        access,
        &NewJob {
            kind: KIND.into(),
            tenant_id: Some(tenant.clone()),
            campaign_id: Some(campaign.id.clone()),
            payload: json!(payload),
            dedupe: Some(format!(
                "hunt {} {} {}",
                campaign.id,
                campaign.pack_version,
                names.join(" ")
            )),
            priority: 0,
            most_attempts: ATTEMPTS,
            verb: Verb::Hunt,
        },
    )?;
    if job.state == JobState::Queued {
        for server in &servers {
            say_running(tx, access, campaign, &tenant, server, &job.id)?;
        }
    }
    Ok(job)
}

/// The cell says that a hunt runs, unless it was hunted already.
fn say_running(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &Campaign,
    tenant: &TenantId,
    server: &ServerId,
    job: &JobId,
) -> Result<()> {
    let hunted = tx.one(
        "SELECT 1 FROM cell WHERE campaign_id = $1 AND server_id = $2 AND stage = $3 AND detail = 'hunted'",
        params![&campaign.id, server, Stage::Hunt],
    )?;
    if hunted.is_some() {
        return Ok(());
    }
    say(
        tx,
        access,
        campaign,
        (tenant, server),
        "running",
        json!({"job_id": job}),
    )
}

/// Says a word in the cell *hunt*, where there is one.
fn say(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &Campaign,
    (tenant, server): (&TenantId, &ServerId),
    detail: &str,
    proof: serde_json::Value,
) -> Result<()> {
    let put = Put {
        campaign: &campaign.id,
        tenant,
        server,
        stage: Stage::Hunt,
        detail,
        basis: "hunt",
        as_of: tx.now,
        proof,
    };
    match cells::put(tx, access, campaign, &put) {
        Err(Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

/// Cells that say a hunt runs, whose job ended without a word (it failed, or was stopped), say that it failed. Says how
/// many.
pub fn settle(desk: &Desk) -> Result<usize> {
    let access = Access::system("hunt");
    desk.write(|tx| {
        let rows = tx.query(
            "SELECT c.campaign_id, c.tenant_id, c.server_id, c.proof FROM campaign p \
             JOIN cell c ON c.campaign_id = p.id AND c.stage = 'hunt' AND c.state = 'no' AND c.detail = 'running' \
             WHERE p.closed_at IS NULL ORDER BY c.campaign_id, c.server_id LIMIT 2000",
            &[],
        )?;
        let mut settled = 0;
        for row in rows {
            let mut row = row.reader();
            let (campaign, tenant, server): (CampaignId, TenantId, ServerId) = (row.get()?, row.get()?, row.get()?);
            let proof: serde_json::Value = row.json()?;
            let job = tx.one(
                "SELECT state, error FROM job WHERE id = $1 AND state IN ('failed', 'cancelled')",
                params![proof["job_id"].as_str().unwrap_or_default()],
            )?;
            let Some(job) = job else {
                continue;
            };
            let mut job = job.reader();
            let (state, error): (JobState, Option<String>) = (job.get()?, job.get()?);
            let open = campaigns::find_open(tx, &access, &campaign)?;
            let proof = json!({"job_id": proof["job_id"], "state": state, "error": error});
            say(tx, &access, &open, (&tenant, &server), "failed", proof)?;
            settled += 1;
        }
        Ok(settled)
    })
}

/// Asks for all evidence of a campaign to be hunted again, as it was hunted before, and for what was never hunted: what to
/// do when the pack is revised. Evidence of one server is hunted together, what is of none by itself.
pub fn rehunt(desk: &Desk, access: &Access, campaign: &CampaignId) -> Result<Vec<Job>> {
    let (found, groups) = desk.read(|tx| {
        let found = campaigns::find_open(tx, access, campaign)?;
        access.require(Verb::Hunt)?;
        let mut sql = Sql::new(
            "SELECT e.id, e.tenant_id, e.server_id FROM evidence e JOIN campaign_tenant ct ON ct.tenant_id = e.tenant_id \
             AND ct.campaign_id = ",
        );
        sql.bind(campaign).push(" WHERE e.deleted_at IS NULL AND (e.campaign_id IS NULL OR e.campaign_id = ");
        sql.bind(campaign).push(") AND ").tenants("e.tenant_id", access).push(" ORDER BY e.received_at, e.id");
        let mut groups: BTreeMap<(TenantId, String), Vec<EvidenceId>> = BTreeMap::new();
        for row in tx.rows(&sql)? {
            let mut row = row.reader();
            let (id, tenant): (EvidenceId, TenantId) = (row.get()?, row.get()?);
            let server: Option<String> = row.get()?;
            groups.entry((tenant, server.unwrap_or_else(|| id.to_string()))).or_default().push(id);
        }
        Ok((found, groups))
    })?;
    let mut started = Vec::new();
    for together in groups.values().flat_map(|group| group.chunks(MOST_EVIDENCE)) {
        started.push(desk.write(|tx| start_in(tx, access, &found, together))?);
    }
    Ok(started)
}

/// Where hunts open their evidence.
pub(super) fn folder(desk: &Desk) -> PathBuf {
    desk.data().join("work")
}

/// Removes what hunts that died left open. To be called when a process begins, and now and then.
pub fn clean(desk: &Desk) -> Result<usize> {
    let folder = folder(desk);
    if !folder.is_dir() {
        return Ok(0);
    }
    let mut removed = 0;
    for entry in std::fs::read_dir(&folder).map_err(Error::io(&folder))? {
        let path = entry.map_err(Error::io(&folder))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        // The folder is named after its job and attempt.
        let Some((job, attempt)) = name
            .get(..36)
            .and_then(|job| job.parse::<JobId>().ok())
            .zip(name.get(37..).and_then(|attempt| attempt.parse::<i64>().ok()))
        else {
            continue;
        };
        let runs = desk.read(|tx| {
            tx.one(
                "SELECT 1 FROM job WHERE id = $1 AND attempts = $3 AND state = 'running' AND lease_until > $2",
                params![&job, tx.now, attempt],
            )
        })?;
        if runs.is_none() {
            std::fs::remove_dir_all(&path).map_err(Error::io(&path))?;
            removed += 1;
        }
    }
    Ok(removed)
}
