//! The verdict of one server, from what is stored of one body of evidence.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value as Json, json};
use vigie_hunt::{Confidence, Outcome, Step, Verdict, worst};

use crate::campaigns::Campaign;
use crate::cells::{self, Put, Stage};
use crate::db::params;
use crate::desk::Tx;
use crate::{Access, Error, HuntId, Result, ServerId, TenantId, Time};

/// A body of evidence of one server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) server: &'a ServerId,
    pub(super) basis: &'a str,
}

/// The hunt that last looked at it.
struct Hunted {
    hunt: HuntId,
    verdict: Verdict,
    /// Whether finding nothing says something.
    sees_all: bool,
    window: Json,
    /// Whether something was hidden from it by an entry that does not hold any more.
    outdated: bool,
}

/// What became of the cells of a body of evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// What the verdict was, and what it is.
    pub(super) verdict: Option<(&'static str, &'static str)>,
    /// Whether its hunt counts as outdated now.
    pub(super) outdated: bool,
}

/// Works a verdict out anew and says it, when it is another one.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &Campaign,
    body: Body<'_>,
) -> Result<Settled> {
    let mut settled = Settled::default();
    if campaign.closed_at.is_some() {
        return Ok(settled);
    }
    let Some(hunted) = hunted(tx, campaign, body)? else {
        return Ok(settled);
    };
    if hunted.outdated {
        settled.outdated = say_outdated(tx, access, campaign, body, &hunted)?;
    }
    let verdict = match hunted.verdict.min(weighed(tx, campaign, body)?) {
        Verdict::NoEvidence if hunted.outdated || !hunted.sees_all => Verdict::Unknown,
        verdict => verdict,
    };
    let Some((before, overruled)) = last_said(tx, campaign, body)? else {
        return Ok(settled);
    };
    // Somebody who said since what it is knew at least as much.
    if verdict == before || (overruled && verdict < before) {
        return Ok(settled);
    }
    let as_of = match verdict {
        Verdict::NoEvidence => looked_until(&hunted.window).unwrap_or(tx.now).min(tx.now),
        _ => tx.now,
    };
    let (open, covered) = counted(tx, campaign, body)?;
    let put = Put {
        campaign: &campaign.id,
        tenant: body.tenant,
        server: body.server,
        stage: Stage::Verdict,
        detail: verdict.id(),
        basis: body.basis,
        as_of,
        proof: json!({
            "hunt_id": hunted.hunt,
            "window": hunted.window,
            "reasons": reasons(covered, hunted.outdated),
            "findings": open,
            "covered": covered,
        }),
    };
    match cells::put(tx, access, campaign, &put) {
        // Archived since, or its tenant left the campaign.
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
        Ok(()) => settled.verdict = Some((before.id(), verdict.id())),
    }
    Ok(settled)
}

fn hunted(tx: &mut Tx<'_>, campaign: &Campaign, body: Body<'_>) -> Result<Option<Hunted>> {
    let row = tx.one(
        "SELECT h.id, s.verdict, s.sees_all, s.looked_at, h.pack_version FROM hunt_server s \
         JOIN hunt h ON h.id = s.hunt_id WHERE s.server_id = $1 AND h.campaign_id = $2 AND h.basis = $3 \
         ORDER BY h.finished_at DESC, h.id DESC LIMIT 1",
        params![body.server, &campaign.id, body.basis],
    )?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut row = row.reader();
    let (hunt, verdict): (HuntId, String) = (row.get()?, row.get()?);
    let (sees_all, window): (bool, Json) = (row.get()?, row.json()?);
    let pack_version: String = row.get()?;
    let ended = tx.one(
        "SELECT 1 FROM hunt_hidden x JOIN dismissal d ON d.id = x.dismissal_id WHERE x.hunt_id = $1 AND x.server_id = $2 \
         AND (d.revoked_at IS NOT NULL OR d.expires_at <= $3) LIMIT 1",
        params![&hunt, body.server, tx.now],
    )?;
    Ok(Some(Hunted {
        verdict: Verdict::from_id(&verdict).unwrap_or(Verdict::Compromised),
        // What was not found with the rules of another version says nothing of this one.
        sees_all: sees_all && pack_version == campaign.pack_version,
        outdated: ended.is_some(),
        hunt,
        window,
    }))
}

/// The verdict that the findings carry that are left. Where it is not known how much one proves, it is taken to prove it all.
fn weighed(tx: &mut Tx<'_>, campaign: &Campaign, body: Body<'_>) -> Result<Verdict> {
    let rows = tx.query(
        "SELECT DISTINCT storyline, rule_id, stage, outcome, confidence, sources FROM finding \
         WHERE server_id = $1 AND campaign_id = $2 AND basis = $3 AND gone_at IS NULL AND covered_by IS NULL",
        params![body.server, &campaign.id, body.basis],
    )?;
    let mut rules: HashMap<String, u32> = HashMap::new();
    let mut stories: BTreeMap<String, Vec<Weight>> = BTreeMap::new();
    for row in rows {
        let mut row = row.reader();
        let (storyline, rule): (Option<String>, String) = (row.get()?, row.get()?);
        let next = rules.len() as u32;
        let rule = *rules.entry(rule).or_insert(next);
        let (stage, outcome, confidence): (String, String, String) = (row.get()?, row.get()?, row.get()?);
        stories
            .entry(storyline.unwrap_or_default())
            .or_default()
            .push(Weight {
                rule,
                stage,
                outcome: outcome_of(&outcome),
                confidence: Confidence::from_id(&confidence).unwrap_or(Confidence::Conclusive),
                sources: row.json()?,
            });
    }
    let heaviest = stories
        .values()
        .map(|story| {
            let steps: Vec<Step<'_>> = story.iter().map(Weight::step).collect();
            worst(&steps)
        })
        .max()
        .flatten();
    Ok(heaviest.unwrap_or(Verdict::NoEvidence))
}

struct Weight {
    rule: u32,
    stage: String,
    outcome: Outcome,
    confidence: Confidence,
    sources: BTreeSet<String>,
}

impl Weight {
    fn step(&self) -> Step<'_> {
        Step {
            rule: self.rule,
            stage: &self.stage,
            outcome: self.outcome,
            confidence: self.confidence,
            sources: &self.sources,
        }
    }
}

fn outcome_of(word: &str) -> Outcome {
    match word {
        "scan" => Outcome::Scan,
        "attempt" => Outcome::Attempt,
        "success" => Outcome::Success,
        _ => Outcome::PostExploitation,
    }
}

/// What was last said of this evidence, and whether a person, or the desk in their place, said something since.
fn last_said(tx: &mut Tx<'_>, campaign: &Campaign, body: Body<'_>) -> Result<Option<(Verdict, bool)>> {
    let row = tx.one(
        "SELECT s.detail, (SELECT COUNT(*) FROM statement p WHERE p.campaign_id = s.campaign_id \
         AND p.server_id = s.server_id AND p.stage = s.stage AND p.by_person = 1 AND p.seq > s.seq) FROM statement s \
         WHERE s.campaign_id = $1 AND s.server_id = $2 AND s.stage = $3 AND s.basis = $4 ORDER BY s.seq DESC LIMIT 1",
        params![&campaign.id, body.server, Stage::Verdict, body.basis],
    )?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut row = row.reader();
    let (detail, since): (String, i64) = (row.get()?, row.get()?);
    Ok(Verdict::from_id(&detail).map(|verdict| (verdict, since > 0)))
}

fn counted(tx: &mut Tx<'_>, campaign: &Campaign, body: Body<'_>) -> Result<(i64, i64)> {
    let row = tx.one(
        "SELECT COUNT(*), COUNT(covered_by) FROM finding WHERE server_id = $1 AND campaign_id = $2 AND basis = $3 \
         AND gone_at IS NULL",
        params![body.server, &campaign.id, body.basis],
    )?;
    let Some(row) = row else {
        return Ok((0, 0));
    };
    let mut row = row.reader();
    let (all, covered): (i64, i64) = (row.get()?, row.get()?);
    Ok((all - covered, covered))
}

fn looked_until(window: &Json) -> Option<Time> {
    window["to"].as_str().and_then(Time::parse)
}

fn reasons(covered: i64, outdated: bool) -> Vec<Json> {
    let mut reasons = vec![match covered {
        0 => json!({
            "en": "Findings that the benign catalogue covered count again.",
            "fr": "Des constats que le catalogue bénin couvrait comptent à nouveau.",
        }),
        1 => json!({
            "en": "The benign catalogue covers a finding, which does not count in this verdict.",
            "fr": "Le catalogue bénin couvre un constat, qui ne compte pas dans ce verdict.",
        }),
        covered => json!({
            "en": format!("The benign catalogue covers {covered} findings, which do not count in this verdict."),
            "fr": format!("Le catalogue bénin couvre {covered} constats, qui ne comptent pas dans ce verdict."),
        }),
    }];
    if outdated {
        reasons.insert(0, again());
    }
    reasons
}

fn again() -> Json {
    json!({
        "en": "An entry of the benign catalogue that hid events from this hunt holds no longer: hunt the evidence again.",
        "fr": "Une entrée du catalogue bénin, qui masquait des événements à cette chasse, n’est plus valable\u{a0}: \
               relancez la chasse sur ces preuves.",
    })
}

/// The hunt did not see what it should have: it is to be done again. False: that was said already.
fn say_outdated(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &Campaign,
    body: Body<'_>,
    hunted: &Hunted,
) -> Result<bool> {
    let hunted_now = tx.one(
        "SELECT 1 FROM cell WHERE campaign_id = $1 AND server_id = $2 AND stage = $3 AND detail = 'hunted'",
        params![&campaign.id, body.server, Stage::Hunt],
    )?;
    if hunted_now.is_none() {
        return Ok(false);
    }
    let put = Put {
        campaign: &campaign.id,
        tenant: body.tenant,
        server: body.server,
        stage: Stage::Hunt,
        detail: "outdated",
        basis: "hunt",
        as_of: tx.now,
        proof: json!({"hunt_id": hunted.hunt, "reason": again()}),
    };
    cells::put(tx, access, campaign, &put).map(|()| true)
}
