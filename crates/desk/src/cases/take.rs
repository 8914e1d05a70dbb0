//! Who works on what, and what comes next.

use serde::Serialize;
use serde_json::json;

use super::store::{Case, find, recorded_of};
use crate::accounts;
use crate::db::{Sql, params};
use crate::desk::{Tx, expect_changed};
use crate::keys;
use crate::queue::{IN_A_ROW, Lane, Waiting, Why, order};
use crate::tenants::Contract;
use crate::{Access, AccountId, CaseId, Desk, Error, Result, Role, Time, Verb};

/// Cases of the queue that are looked at.
const LOOKED_AT: i64 = 2_000;

/// A case of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueEntry {
    /// The case.
    pub case: Case,
    /// Its lane.
    pub lane: Lane,
    /// Since when it waits.
    pub waiting_since: Time,
    /// When it will have waited as long as it may.
    pub bound: Time,
    /// Why it stands here.
    pub why: Why,
    /// The same in words, English.
    pub because: String,
    /// And French.
    pub because_fr: String,
}

/// Cases that nobody is on, in the order in which they are to be taken up ([`crate::queue`]).
pub fn queue(desk: &Desk, access: &Access) -> Result<Vec<QueueEntry>> {
    access.require(Verb::ReadInternal)?;
    desk.read(|tx| queue_in(tx, access))
}

fn queue_in(tx: &mut Tx<'_>, access: &Access) -> Result<Vec<QueueEntry>> {
    let mut sql = Sql::new("SELECT w.waiting_since, t.contract, ");
    sql.push(Case::COLUMNS);
    sql.push(" FROM work_case w JOIN tenant t ON t.id = w.tenant_id WHERE w.state = 'open' AND w.assigned_to IS NULL AND ");
    sql.tenants("w.tenant_id", access);
    sql.push(" ORDER BY w.opened_at, w.id LIMIT ").bind(LOOKED_AT);
    let mut cases = Vec::new();
    for row in tx.rows(&sql)? {
        let mut row = row.reader();
        let (since, contract): (Time, Contract) = (row.get()?, row.get()?);
        let case = Case::read(&mut row)?;
        let waiting = Waiting {
            lane: Lane::of(contract),
            severity: case.fields.severity,
            since,
            due_at: case.fields.due_at,
        };
        cases.push((Some(case), waiting));
    }
    let waiting: Vec<Waiting> = cases.iter().map(|(_, waiting)| *waiting).collect();
    let in_a_row = soc_in_a_row(tx)?;
    let now = tx.now;
    let entries = order(&waiting, in_a_row, now).into_iter().filter_map(|place| {
        let case = cases[place.index].0.take()?;
        let waiting = &waiting[place.index];
        let said = place.why.explain(waiting, now);
        Some(QueueEntry {
            bound: waiting
                .since
                .plus_hours(crate::queue::bound_hours(waiting.severity)),
            case,
            lane: waiting.lane,
            waiting_since: waiting.since,
            why: place.why,
            because: said.en,
            because_fr: said.fr,
        })
    });
    Ok(entries.collect())
}

/// How many cases of SOC tenants were taken since one of the others was; enough of them is all that matters.
fn soc_in_a_row(tx: &mut Tx<'_>) -> Result<usize> {
    let rows = tx.query(
        "SELECT t.contract FROM work_case w JOIN tenant t ON t.id = w.tenant_id WHERE w.taken_at IS NOT NULL \
         ORDER BY w.taken_at DESC, w.id LIMIT $1",
        params![IN_A_ROW as i64],
    )?;
    let mut in_a_row = 0;
    for row in rows {
        let contract: Contract = row.reader().get()?;
        if Lane::of(contract) == Lane::Standard {
            break;
        }
        in_a_row += 1;
    }
    Ok(in_a_row)
}

/// Takes the first case of the queue for whoever asks; a key takes it for whoever made it. `None`: nothing waits.
pub fn take_next(desk: &Desk, access: &Access) -> Result<Option<Case>> {
    access.require(Verb::Case)?;
    desk.write(|tx| {
        let me = keys::works_for(tx, access)?;
        for entry in queue_in(tx, access)? {
            // Somebody may be taking the same one: then the next.
            let taken = tx.execute(
                "UPDATE work_case SET assigned_to = $2, state = 'in_progress', taken_at = $3, revision = revision + 1 \
                 WHERE id = $1 AND state = 'open' AND assigned_to IS NULL",
                params![&entry.case.id, &me, tx.now],
            )?;
            if taken > 0 {
                let details = json!({"to": me, "why": entry.why});
                recorded_of(tx, access, &entry.case, "case.take", "", details)?;
                return find(tx, access, &entry.case.id).map(Some);
            }
        }
        Ok(None)
    })
}

/// Gives a case to somebody, or to nobody: then it goes back to the queue, where it waits as long as it has.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more; when that person is not there for its tenant.
pub fn assign(
    desk: &Desk,
    access: &Access,
    id: &CaseId,
    revision: i64,
    to: Option<&AccountId>,
) -> Result<Case> {
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Case)?;
        if let Some(to) = to {
            let account = accounts::find(tx, to)?;
            let may = account.disabled_at.is_none()
                && account.fields.role != Role::ClientContact
                && account.fields.tenants.contains(&before.tenant_id);
            if !may {
                return Err(Error::NotFound { what: "account" });
            }
        }
        let changed = tx.execute(
            "UPDATE work_case SET assigned_to = $3, taken_at = CASE WHEN $4 = 1 THEN $5 ELSE taken_at END, \
             state = CASE WHEN $4 = 0 AND state = 'in_progress' THEN 'open' WHEN $4 = 1 AND state = 'open' THEN 'in_progress' \
             ELSE state END, revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![id, revision, to, to.is_some(), tx.now],
        )?;
        expect_changed(changed, Some(before.revision), "case")?;
        recorded_of(tx, access, &before, "case.assign", "", json!({"to": to}))?;
        find(tx, access, id)
    })
}
