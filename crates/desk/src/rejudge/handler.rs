//! The job: all findings of a rule, server by server.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::cover::{Became, Catalogue, Stored};
use super::verdict::{self, Body};
use super::{AT_ONCE, KIND};
use crate::audit::{self, Act};
use crate::campaigns::{self, Campaign};
use crate::db::{Sql, params};
use crate::desk::Tx;
use crate::findings::Place;
use crate::jobs::{self, Job, NewJob};
use crate::worker::{End, Handler, Outcome, Pulse};
use crate::{
    Access, CampaignId, Desk, DismissalId, Error, FindingId, HuntId, Result, ServerId, TenantId, Verb,
};

/// How often the job is tried.
const ATTEMPTS: i64 = 20;
/// It goes before hunts: people wait for what they decided to show.
const PRIORITY: i64 = 10;

/// Judges what is stored anew.
#[derive(Debug, Clone, Copy, Default)]
pub struct RejudgeHandler;

/// What the job is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    rule_id: String,
}

/// How far the job is. Kept with what was done until there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Checkpoint {
    phase: Phase,
    /// The last finding that was judged.
    finding: Option<(TenantId, ServerId, FindingId)>,
    /// The last hunt that was looked at.
    hunt: Option<(DismissalId, HuntId, ServerId)>,
    /// What changed on the last server, whose findings are not all judged yet.
    pending: Vec<Touched>,
    counts: Counts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Findings.
    #[default]
    Findings,
    /// Hunts from which an entry hid something that holds no longer.
    Hunts,
    /// Everything is done.
    End,
}

/// What was done, for the job's result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Counts {
    judged: u64,
    covered: u64,
    uncovered: u64,
    undecided: u64,
    servers: u64,
    verdicts: u64,
}

/// Evidence of a server of which findings changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Touched {
    tenant: TenantId,
    server: ServerId,
    campaign: CampaignId,
    basis: String,
    covered: u64,
    uncovered: u64,
    undecided: u64,
}

impl Touched {
    fn is_of(&self, finding: &Stored) -> bool {
        self.server == finding.server && self.campaign == finding.campaign && self.basis == finding.basis
    }

    fn is_untouched(&self) -> bool {
        self.covered + self.uncovered + self.undecided == 0
    }

    fn count(&mut self, became: Became) {
        match became {
            Became::Same => {}
            Became::Undecided => self.undecided += 1,
            Became::Covered => self.covered += 1,
            Became::Uncovered => self.uncovered += 1,
        }
    }
}

/// Asks for all findings of a rule to be judged anew: one tenant's, or everybody's. When that is being done already, it
/// begins anew.
pub(crate) fn ask(tx: &mut Tx<'_>, access: &Access, rule: &str, tenant: Option<&TenantId>) -> Result<()> {
    let name = format!("{KIND} {} {rule}", tenant.map_or("all", TenantId::as_str));
    // What was judged and is not settled yet stays to be settled: judged again it may be as it is.
    let anew = |checkpoint: &str| {
        let before: Checkpoint = serde_json::from_str(checkpoint).unwrap_or_default();
        let anew = Checkpoint {
            pending: before.pending,
            counts: before.counts,
            ..Checkpoint::default()
        };
        json!(anew).to_string()
    };
    if jobs::begin_anew(tx, &name, anew)? {
        return Ok(());
    }
    let new = NewJob {
        kind: KIND.into(),
        tenant_id: tenant.cloned(),
        campaign_id: None,
        payload: json!(Payload { rule_id: rule.into() }),
        dedupe: Some(name),
        priority: PRIORITY,
        most_attempts: ATTEMPTS,
        verb: Verb::Judge,
    };
    jobs::put(tx, access, &new).map(|_| ())
}

impl Handler for RejudgeHandler {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn run(&self, desk: &Desk, job: &Job, pulse: &Arc<Pulse>) -> Outcome {
        let payload: Payload = match serde_json::from_value(job.payload.clone()) {
            Ok(payload) => payload,
            Err(error) => return Outcome::Hopeless(error.to_string()),
        };
        pulse.phase("judging", 0);
        loop {
            if pulse.is_stopping() {
                return Outcome::Failed("it was told to stop".into());
            }
            match desk.write(|tx| step(tx, job, &payload.rule_id)) {
                Ok((Phase::End, _)) => break,
                Ok((_, judged)) => pulse.advance(judged),
                Err(error) => return Outcome::Failed(error.to_string()),
            }
        }
        let job = job.clone();
        Outcome::Done(Box::new(move |tx| {
            let end = read_end(tx, &job)?;
            match end.phase {
                Phase::End => Ok(End::Done(json!(end.counts))),
                // The catalogue changed meanwhile.
                _ => Ok(End::Anew),
            }
        }))
    }
}

/// The checkpoint at the end, when the lease was given back in the same transaction already.
fn read_end(tx: &mut Tx<'_>, job: &Job) -> Result<Checkpoint> {
    let row = tx.one("SELECT checkpoint FROM job WHERE id = $1", params![&job.id])?;
    let text: String = row.ok_or(Error::NotFound { what: "job" })?.reader().get()?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

/// Does one piece and keeps how far it came: what comes next, and how many findings were judged.
pub(super) fn step(tx: &mut Tx<'_>, job: &Job, rule: &str) -> Result<(Phase, u64)> {
    // An empty one begins at the beginning; so does one that cannot be read.
    let mut at: Checkpoint = serde_json::from_str(&jobs::checkpoint(tx, job)?).unwrap_or_default();
    let before = at.counts.judged;
    match at.phase {
        Phase::Findings => judge_some(tx, job, rule, &mut at)?,
        Phase::Hunts => look_at_some(tx, job, rule, &mut at)?,
        Phase::End => return Ok((Phase::End, 0)),
    }
    jobs::set_checkpoint(tx, job, &json!(at).to_string())?;
    Ok((at.phase, at.counts.judged - before))
}

fn judge_some(tx: &mut Tx<'_>, job: &Job, rule: &str, at: &mut Checkpoint) -> Result<()> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Stored::COLUMNS)
        .push(" FROM finding f WHERE f.rule_id = ")
        .bind(rule);
    if let Some(tenant) = &job.tenant_id {
        sql.push(" AND f.tenant_id = ").bind(tenant);
    }
    if let Some((tenant, server, finding)) = &at.finding {
        sql.push(" AND (f.tenant_id, f.server_id, f.id) > (").bind(tenant);
        sql.push(", ").bind(server).push(", ").bind(finding).push(")");
    }
    sql.push(" ORDER BY f.tenant_id, f.server_id, f.id LIMIT ")
        .bind(AT_ONCE as i64);
    let findings: Result<Vec<Stored>> = tx
        .rows(&sql)?
        .into_iter()
        .map(|row| Stored::read(&mut row.reader()))
        .collect();
    let findings = findings?;
    let catalogue = Catalogue::load(tx, job.tenant_id.as_ref(), Some(rule))?;
    let became = catalogue.judge(tx, &findings)?;
    for (finding, became) in findings.iter().zip(became) {
        at.counts.judged += 1;
        if became == Became::Same {
            continue;
        }
        if at
            .pending
            .last()
            .is_some_and(|last| last.server != finding.server)
        {
            settle_all(tx, rule, at)?;
        }
        touched(&mut at.pending, finding).count(became);
    }
    at.finding = findings
        .last()
        .map(|last| (last.tenant.clone(), last.server.clone(), last.id.clone()));
    if findings.len() < AT_ONCE {
        settle_all(tx, rule, at)?;
        at.phase = Phase::Hunts;
    }
    Ok(())
}

fn touched<'a>(all: &'a mut Vec<Touched>, finding: &Stored) -> &'a mut Touched {
    let known = all.iter().position(|one| one.is_of(finding));
    let index = known.unwrap_or_else(|| {
        all.push(Touched {
            tenant: finding.tenant.clone(),
            server: finding.server.clone(),
            campaign: finding.campaign.clone(),
            basis: finding.basis.clone(),
            covered: 0,
            uncovered: 0,
            undecided: 0,
        });
        all.len() - 1
    });
    &mut all[index]
}

/// Settles what changed on the servers whose findings are all judged.
fn settle_all(tx: &mut Tx<'_>, rule: &str, at: &mut Checkpoint) -> Result<()> {
    let access = Access::system("catalogue");
    let mut server: Option<ServerId> = None;
    for one in std::mem::take(&mut at.pending) {
        at.counts.covered += one.covered;
        at.counts.uncovered += one.uncovered;
        at.counts.undecided += one.undecided;
        if server.as_ref() != Some(&one.server) {
            at.counts.servers += 1;
            server = Some(one.server.clone());
        }
        let campaign = campaigns::find(tx, &access, &one.campaign)?;
        at.counts.verdicts += u64::from(settle(tx, &access, &campaign, &one, rule)?);
    }
    Ok(())
}

/// Settles a verdict and records what changed; whether the verdict did.
fn settle(tx: &mut Tx<'_>, access: &Access, campaign: &Campaign, one: &Touched, rule: &str) -> Result<bool> {
    let body = Body {
        tenant: &one.tenant,
        server: &one.server,
        basis: &one.basis,
    };
    let settled = verdict::settle(tx, access, campaign, body)?;
    if settled == verdict::Settled::default() && one.is_untouched() {
        return Ok(false);
    }
    let mut details = json!({
        "rule_id": rule,
        "covered": one.covered,
        "uncovered": one.uncovered,
        "undecided": one.undecided,
        "outdated": settled.outdated,
    });
    if let Some((before, after)) = settled.verdict {
        details["verdict"] = json!({"before": before, "after": after});
    }
    let act = Act {
        tenant: Some(&one.tenant),
        action: "server.rejudge",
        subject: ("server", one.server.as_str()),
        campaign: Some(&one.campaign),
        text: "",
        details,
    };
    audit::record(tx, access, &act)?;
    Ok(settled.verdict.is_some())
}

/// Hunts from which an entry about this rule hid something that holds no longer.
fn look_at_some(tx: &mut Tx<'_>, job: &Job, rule: &str, at: &mut Checkpoint) -> Result<()> {
    let access = Access::system("catalogue");
    let mut sql = Sql::new(
        "SELECT x.dismissal_id, x.hunt_id, x.server_id, x.tenant_id, h.campaign_id, h.basis FROM dismissal d \
         JOIN hunt_hidden x ON x.dismissal_id = d.id JOIN hunt h ON h.id = x.hunt_id WHERE d.rule_id = ",
    );
    sql.bind(rule)
        .push(" AND (d.revoked_at IS NOT NULL OR d.expires_at <= ")
        .bind(tx.now)
        .push(")");
    if let Some(tenant) = &job.tenant_id {
        sql.push(" AND x.tenant_id = ").bind(tenant);
    }
    if let Some((entry, hunt, server)) = &at.hunt {
        sql.push(" AND (x.dismissal_id, x.hunt_id, x.server_id) > (")
            .bind(entry);
        sql.push(", ").bind(hunt).push(", ").bind(server).push(")");
    }
    sql.push(" ORDER BY x.dismissal_id, x.hunt_id, x.server_id LIMIT ")
        .bind(AT_ONCE as i64);
    let rows = tx.rows(&sql)?;
    let found = rows.len();
    for row in rows {
        let mut row = row.reader();
        let (entry, hunt, server): (DismissalId, HuntId, ServerId) = (row.get()?, row.get()?, row.get()?);
        at.hunt = Some((entry, hunt, server.clone()));
        let one = Touched {
            tenant: row.get()?,
            server,
            campaign: row.get()?,
            basis: row.get()?,
            covered: 0,
            uncovered: 0,
            undecided: 0,
        };
        let campaign = campaigns::find(tx, &access, &one.campaign)?;
        at.counts.verdicts += u64::from(settle(tx, &access, &campaign, &one, rule)?);
    }
    if found < AT_ONCE {
        at.phase = Phase::End;
    }
    Ok(())
}

/// After a hunt: its findings by the catalogue as it is now, and the verdict that follows.
pub(crate) fn after_hunt(tx: &mut Tx<'_>, campaign: &Campaign, place: &Place<'_>) -> Result<()> {
    let sql = format!(
        "SELECT {} FROM finding f WHERE f.server_id = $1 AND f.campaign_id = $2 AND f.basis = $3 AND f.gone_at IS NULL",
        Stored::COLUMNS
    );
    let rows = tx.query(&sql, params![place.server, place.campaign, place.basis])?;
    let findings: Result<Vec<Stored>> = rows
        .into_iter()
        .map(|row| Stored::read(&mut row.reader()))
        .collect();
    let catalogue = Catalogue::load(tx, Some(place.tenant), None)?;
    for some in findings?.chunks(AT_ONCE) {
        catalogue.judge(tx, some)?;
    }
    let body = Body {
        tenant: place.tenant,
        server: place.server,
        basis: place.basis,
    };
    verdict::settle(tx, &Access::system("catalogue"), campaign, body).map(|_| ())
}

/// The verdict to which a finding belongs, after somebody decided on it.
pub(crate) fn settle_of(tx: &mut Tx<'_>, id: &FindingId) -> Result<()> {
    let access = Access::system("catalogue");
    let row = tx.one(
        "SELECT tenant_id, server_id, campaign_id, basis, rule_id FROM finding WHERE id = $1",
        params![id],
    )?;
    let mut row = row.ok_or(Error::NotFound { what: "finding" })?.reader();
    let one = Touched {
        tenant: row.get()?,
        server: row.get()?,
        campaign: row.get()?,
        basis: row.get()?,
        covered: 0,
        uncovered: 0,
        undecided: 0,
    };
    let rule: String = row.get()?;
    let campaign = campaigns::find(tx, &access, &one.campaign)?;
    settle(tx, &access, &campaign, &one, &rule).map(|_| ())
}
