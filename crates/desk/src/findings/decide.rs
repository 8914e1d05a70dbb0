//! Deciding on findings: accept, dismiss, escalate, take back.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::store::{Finding, FindingState, expect_visible, recorded};
use crate::cases::{self, LinkKind};
use crate::catalogue::{self, NewDismissal, Scope};
use crate::db::params;
use crate::desk::{Desk, Tx, expect_changed};
use crate::tenants::check_length;
use crate::{Access, CaseId, DismissalId, Error, FindingId, Result, Time, Verb, rejudge};

/// Findings decided on at once.
const MOST_AT_ONCE: usize = 500;

/// What to decide.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// It is what it says.
    Accept {
        /// Why, if there is anything to say.
        #[serde(default)]
        reason: String,
    },
    /// It is harmless. Until `expires_at` hunts leave such events aside, count them and say so.
    Dismiss {
        /// Why.
        reason: String,
        /// Where.
        scope: Scope,
        /// Until when, within two years.
        expires_at: Time,
        /// What the event's fields must be, with Sigma's modifiers; needed beyond one server.
        #[serde(default)]
        fields: BTreeMap<String, String>,
    },
    /// It becomes a case, or part of one.
    Escalate {
        /// The case; a new one, unless said.
        #[serde(default)]
        case_id: Option<CaseId>,
        /// Why, if there is anything to say.
        #[serde(default)]
        reason: String,
    },
    /// Nothing was decided. An entry of the benign catalogue that came of it is revoked.
    TakeBack {
        /// Why.
        reason: String,
    },
}

impl Decision {
    fn reason(&self) -> &str {
        match self {
            Decision::Accept { reason }
            | Decision::Dismiss { reason, .. }
            | Decision::Escalate { reason, .. }
            | Decision::TakeBack { reason } => reason.trim(),
        }
    }

    fn state(&self) -> FindingState {
        match self {
            Decision::Accept { .. } => FindingState::Accepted,
            Decision::Dismiss { .. } => FindingState::Dismissed,
            Decision::Escalate { .. } => FindingState::Escalated,
            Decision::TakeBack { .. } => FindingState::New,
        }
    }
}

/// Decides on a finding.
///
/// # Errors
/// [`Error::Conflict`] when somebody decided meanwhile; when a dismissal would hide too much.
pub fn decide(
    desk: &Desk,
    access: &Access,
    id: &FindingId,
    revision: i64,
    decision: &Decision,
) -> Result<Finding> {
    check_length("reason", decision.reason(), 4_000)?;
    desk.write(|tx| {
        let before = expect_visible(tx, access, id)?;
        access.require(Verb::Judge)?;
        if before.revision != revision {
            return Err(Error::Conflict {
                current: before.revision,
            });
        }
        if let Some(old) = &before.dismissal_id {
            catalogue::revoke_in(tx, access, old)?;
        }
        let (dismissal, details) = follow(tx, access, &before, decision)?;
        let changed = tx.execute(
            "UPDATE finding SET state = $3, decided_by = $4, decided_at = $5, reason = $6, dismissal_id = $7, \
             covered_by = NULL, revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![
                id,
                revision,
                decision.state(),
                &access.actor().name,
                tx.now,
                decision.reason(),
                dismissal.as_ref(),
            ],
        )?;
        expect_changed(changed, Some(before.revision), "finding")?;
        let action = format!("finding.{}", decision.state());
        recorded(tx, access, &before, &action, decision.reason(), details)?;
        if before.covered_by.is_some() {
            // It counts again, from now on.
            rejudge::settle_of(tx, id)?;
        }
        expect_visible(tx, access, id)
    })
}

/// What a decision brings with it.
fn follow(
    tx: &mut Tx<'_>,
    access: &Access,
    finding: &Finding,
    decision: &Decision,
) -> Result<(Option<DismissalId>, serde_json::Value)> {
    match decision {
        Decision::Accept { .. } | Decision::TakeBack { .. } => Ok((None, json!({}))),
        Decision::Dismiss {
            reason,
            scope,
            expires_at,
            fields,
        } => {
            let new = NewDismissal {
                finding,
                scope: *scope,
                reason: reason.trim(),
                expires_at: *expires_at,
                fields,
            };
            let id = catalogue::insert(tx, access, &new)?;
            let details =
                json!({"scope": scope, "expires_at": expires_at, "fields": fields, "dismissal_id": id});
            Ok((Some(id), details))
        }
        Decision::Escalate { case_id, .. } => {
            access.require(Verb::Case)?;
            let case = match case_id {
                Some(case) => case.clone(),
                None => cases::open_for(tx, access, finding)?,
            };
            cases::link_in(tx, access, &case, LinkKind::Finding, finding.id.as_str())?;
            Ok((None, json!({"case_id": case})))
        }
    }
}

/// Decides on many findings, each by itself: what became of each, in order.
///
/// # Errors
/// When there are too many. What is wrong with one is its own result.
pub fn decide_many(
    desk: &Desk,
    access: &Access,
    these: &[(FindingId, i64)],
    decision: &Decision,
) -> Result<Vec<Result<Finding>>> {
    access.require(Verb::Judge)?;
    if these.len() > MOST_AT_ONCE {
        return Err(Error::invalid(
            "findings",
            format!("{}; at most {MOST_AT_ONCE} at once", these.len()),
        ));
    }
    Ok(these
        .iter()
        .map(|(id, revision)| decide(desk, access, id, *revision, decision))
        .collect())
}
