//! Findings in the database.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audit::{self, Act};
use crate::db::{Reader, Sql, Value, params};
use crate::desk::Tx;
use crate::ids::hex;
use crate::words::words;
use crate::{
    Access, CampaignId, Desk, DismissalId, Error, FindingId, HuntId, Result, ServerId, Severity, TenantId,
    Time, Verb,
};

words!(
    /// What was decided of a finding.
    FindingState {
        /// Nothing yet.
        New = "new",
        /// It is what it says.
        Accepted = "accepted",
        /// It is harmless.
        Dismissed = "dismissed",
        /// It became a case.
        Escalated = "escalated",
    }
);

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// Its identifier.
    pub id: FindingId,
    /// Whose server.
    pub tenant_id: TenantId,
    /// The tenant's name.
    pub tenant: String,
    /// Which server.
    pub server_id: ServerId,
    /// The server's name.
    pub server: String,
    /// The campaign.
    pub campaign_id: CampaignId,
    /// The hunt that last found it.
    pub hunt_id: HuntId,
    /// The rule.
    pub rule_id: String,
    /// The rule's title.
    pub title: String,
    /// What it says, in English.
    pub statement_en: String,
    /// The same in French.
    pub statement_fr: String,
    /// How bad it is.
    pub severity: Severity,
    /// `scan`, `attempt`, `success`, `post_exploitation`.
    pub outcome: String,
    /// The stage of the attack.
    pub stage: String,
    /// The pack it comes from.
    pub pack: Option<String>,
    /// The storyline it belongs to, of its hunt.
    pub storyline: Option<String>,
    /// ATT&CK techniques.
    pub attack: Vec<String>,
    /// Events behind it.
    pub count: i64,
    /// The first of them.
    pub first_at: Option<Time>,
    /// The last.
    pub last_at: Option<Time>,
    /// What was decided.
    pub state: FindingState,
    /// By whom.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Time>,
    /// Why; empty where an entry that came of another tenant's finding covers it: then `covered_by` is all that is told.
    pub reason: String,
    /// The entry of the benign catalogue it became.
    pub dismissal_id: Option<DismissalId>,
    /// The entry of the benign catalogue that covers all its events: then it does not count in a verdict.
    pub covered_by: Option<DismissalId>,
    /// When it was found first.
    pub found_at: Time,
    /// When hunting the same evidence did not find it any more.
    pub gone_at: Option<Time>,
    /// Its revision.
    pub revision: i64,
}

impl Finding {
    pub(super) const COLUMNS: &str = "f.id, f.tenant_id, t.name, f.server_id, s.name, f.campaign_id, f.hunt_id, f.rule_id, f.title, \
         f.statement_en, f.statement_fr, f.severity, f.outcome, f.stage, f.pack, f.storyline, f.attack, f.count, f.first_at, \
         f.last_at, f.state, f.decided_by, f.decided_at, f.reason, f.dismissal_id, f.covered_by, f.found_at, f.gone_at, f.revision";
    pub(super) const FROM: &str =
        " FROM finding f JOIN tenant t ON t.id = f.tenant_id JOIN server s ON s.id = f.server_id";

    pub(super) fn read(row: &mut Reader) -> Result<Finding> {
        Ok(Finding {
            id: row.get()?,
            tenant_id: row.get()?,
            tenant: row.get()?,
            server_id: row.get()?,
            server: row.get()?,
            campaign_id: row.get()?,
            hunt_id: row.get()?,
            rule_id: row.get()?,
            title: row.get()?,
            statement_en: row.get()?,
            statement_fr: row.get()?,
            severity: row.get()?,
            outcome: row.get()?,
            stage: row.get()?,
            pack: row.get()?,
            storyline: row.get()?,
            attack: row.json()?,
            count: row.get()?,
            first_at: row.get()?,
            last_at: row.get()?,
            state: row.get()?,
            decided_by: row.get()?,
            decided_at: row.get()?,
            reason: row.get()?,
            dismissal_id: row.get()?,
            covered_by: row.get()?,
            found_at: row.get()?,
            gone_at: row.get()?,
            revision: row.get()?,
        })
    }
}

/// A line of proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingLine {
    /// The file, as in the hunt's manifest.
    pub path: String,
    /// EVTX record number.
    pub record: Option<i64>,
    /// 1-based line of a text log.
    pub line: Option<i64>,
    /// When.
    pub at: Option<Time>,
    /// The fields that matter.
    pub excerpt: String,
    /// All fields.
    pub fields: BTreeMap<String, String>,
}

/// One finding.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &FindingId) -> Result<Finding> {
    access.require(Verb::ReadInternal)?;
    desk.read(|tx| expect_visible(tx, access, id))
}

/// Its lines of proof.
pub fn lines(desk: &Desk, access: &Access, id: &FindingId) -> Result<Vec<FindingLine>> {
    access.require(Verb::ReadInternal)?;
    desk.read(|tx| {
        expect_visible(tx, access, id)?;
        read_lines(tx, id)
    })
}

fn read_lines(tx: &mut Tx<'_>, id: &FindingId) -> Result<Vec<FindingLine>> {
    let rows = tx.query(
        "SELECT path, record, line, at, excerpt, fields FROM finding_line WHERE finding_id = $1 ORDER BY n",
        params![id],
    )?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.reader();
            Ok(FindingLine {
                path: row.get()?,
                record: row.get()?,
                line: row.get()?,
                at: row.get()?,
                excerpt: row.get()?,
                fields: row.json()?,
            })
        })
        .collect()
}

/// The finding, if `access` sees it.
pub(crate) fn expect_visible(tx: &mut Tx<'_>, access: &Access, id: &FindingId) -> Result<Finding> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Finding::COLUMNS)
        .push(Finding::FROM)
        .push(" WHERE f.id = ")
        .bind(id);
    sql.push(" AND ").tenants("f.tenant_id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    Finding::read(&mut row.ok_or(Error::NotFound { what: "finding" })?.reader())
}

/// What a hunt changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Changes {
    /// Findings that were not there before.
    pub new: u64,
    /// Findings that are still there.
    pub known: u64,
    /// Findings that are not there any more.
    pub gone: u64,
}

/// Where findings belong.
pub(crate) struct Place<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) server: &'a ServerId,
    pub(crate) campaign: &'a CampaignId,
    pub(crate) hunt: &'a HuntId,
    /// The body of evidence.
    pub(crate) basis: &'a str,
}

fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn time(text: &Option<String>) -> Option<Time> {
    text.as_deref().and_then(Time::parse)
}

/// What a finding is known again by: the rule and what it says; of equal ones the how-manieth.
fn fingerprints(findings: &[vigie_hunt::Finding]) -> Vec<String> {
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    let of = |finding: &vigie_hunt::Finding, nth: usize| {
        hex(&Sha256::digest(format!(
            "{}\n{}\n{nth}",
            finding.rule_id, finding.statement.en
        )))
    };
    findings
        .iter()
        .map(|finding| {
            let nth = seen.entry((&finding.rule_id, &finding.statement.en)).or_default();
            *nth += 1;
            of(finding, *nth)
        })
        .collect()
}

/// What a search looks through; migration 11 made the same of what was there before.
pub(crate) fn search_text(title: &str, en: &str, fr: &str) -> String {
    format!("{title}\n{en}\n{fr}").to_lowercase()
}

/// Keeps what a hunt found on one server. What was decided before stays.
pub(crate) fn put_all(
    tx: &mut Tx<'_>,
    place: &Place<'_>,
    findings: &[vigie_hunt::Finding],
) -> Result<Changes> {
    let mut known: HashMap<String, FindingId> = HashMap::new();
    let rows = tx.query(
        "SELECT fingerprint, id FROM finding WHERE server_id = $1 AND campaign_id = $2 AND basis = $3",
        params![place.server, place.campaign, place.basis],
    )?;
    for row in rows {
        let mut row = row.reader();
        known.insert(row.get()?, row.get()?);
    }
    let mut changes = Changes::default();
    let mut found: HashSet<String> = HashSet::new();
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut lines: Vec<Vec<Value>> = Vec::new();
    for (finding, fingerprint) in findings.iter().zip(fingerprints(findings)) {
        found.insert(fingerprint.clone());
        let severity = Severity::from_id(&word(&finding.severity)).unwrap_or(Severity::Medium);
        let id = match known.get(&fingerprint) {
            Some(id) => {
                changes.known += 1;
                tx.execute(
                    "UPDATE finding SET hunt_id = $2, severity = $3, rank = $4, outcome = $5, storyline = $6, count = $7, \
                     first_at = $8, last_at = $9, confidence = $10, sources = $11, gone_at = NULL WHERE id = $1",
                    params![
                        id,
                        place.hunt,
                        severity,
                        severity.rank(),
                        word(&finding.outcome),
                        finding.storyline.as_ref(),
                        finding.count as i64,
                        time(&finding.time),
                        time(&finding.end_time),
                        finding.confidence.id(),
                        serde_json::json!(finding.sources).to_string(),
                    ],
                )?;
                tx.execute("DELETE FROM finding_line WHERE finding_id = $1", params![id])?;
                id.clone()
            }
            None => {
                changes.new += 1;
                let id = FindingId::new(tx.now, tx.entropy);
                rows.push(
                    params![
                        &id,
                        place.tenant,
                        place.server,
                        place.campaign,
                        place.hunt,
                        place.basis,
                        fingerprint,
                        &finding.rule_id,
                        &finding.title,
                        &finding.statement.en,
                        &finding.statement.fr,
                        severity,
                        severity.rank(),
                        word(&finding.outcome),
                        &finding.stage,
                        finding.pack.as_ref(),
                        finding.storyline.as_ref(),
                        serde_json::json!(finding.attack).to_string(),
                        finding.count as i64,
                        time(&finding.time),
                        time(&finding.end_time),
                        FindingState::New,
                        "",
                        tx.now,
                        1_i64,
                        finding.confidence.id(),
                        serde_json::json!(finding.sources).to_string(),
                        search_text(&finding.title, &finding.statement.en, &finding.statement.fr),
                    ]
                    .to_vec(),
                );
                id
            }
        };
        lines.extend(finding.evidence.iter().enumerate().map(|(n, line)| {
            params![
                &id,
                n as i64,
                &line.path,
                line.record.map(|record| record as i64),
                line.line.map(|line| line as i64),
                time(&line.time),
                &line.excerpt,
                serde_json::json!(line.fields).to_string(),
            ]
            .to_vec()
        }));
    }
    tx.insert_all(
        "finding (id, tenant_id, server_id, campaign_id, hunt_id, basis, fingerprint, rule_id, title, statement_en, \
         statement_fr, severity, rank, outcome, stage, pack, storyline, attack, count, first_at, last_at, state, reason, \
         found_at, revision, confidence, sources, search_text)",
        "",
        rows,
    )?;
    tx.insert_all(
        "finding_line (finding_id, n, path, record, line, at, excerpt, fields)",
        "",
        lines,
    )?;
    for (_, id) in known
        .iter()
        .filter(|(fingerprint, _)| !found.contains(*fingerprint))
    {
        changes.gone += tx.execute(
            "UPDATE finding SET gone_at = $2 WHERE id = $1 AND gone_at IS NULL",
            params![id, tx.now],
        )?;
    }
    Ok(changes)
}

pub(crate) fn recorded(
    tx: &mut Tx<'_>,
    access: &Access,
    finding: &Finding,
    action: &str,
    text: &str,
    details: serde_json::Value,
) -> Result<()> {
    let act = Act {
        tenant: Some(&finding.tenant_id),
        action,
        subject: ("finding", finding.id.as_str()),
        campaign: Some(&finding.campaign_id),
        text,
        details,
    };
    audit::record(tx, access, &act).map(|_| ())
}
