//! Findings, what is decided on them, and the catalogue of what is benign.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::catalogue::{self, Dismissal};
use vigie_desk::findings::{self, Decision, Finding, FindingFilter, FindingLine};
use vigie_desk::{DismissalId, FindingId, Page, PageRequest};

use super::Counted;
use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, Path, Query};
use crate::output::{Answer, Revised, Tagged};
use crate::problem::Problem;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_findings))
        .routes(routes!(decide_findings))
        .routes(routes!(get_finding))
        .routes(routes!(finding_lines))
        .routes(routes!(list_dismissals))
        .routes(routes!(revoke_dismissal))
}

/// Findings, worst first.
#[utoipa::path(get, path = "/findings", tag = "findings", params(FindingFilter, PageRequest),
    responses((status = 200, body = Counted<Finding>)))]
pub(crate) async fn list_findings(
    caller: Caller,
    Query(filter): Query<FindingFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Counted<Finding>> {
    caller
        .ask(move |desk, access| {
            let (found, total) = findings::list(desk, access, &filter, &page)?;
            Ok(Counted::up_to(found, total.count, total.at_least))
        })
        .await
        .map(Json)
}

/// One finding.
#[utoipa::path(get, path = "/findings/{id}", tag = "findings", params(("id" = FindingId, Path)),
    responses((status = 200, body = Finding)))]
pub(crate) async fn get_finding(caller: Caller, Path(id): Path<FindingId>) -> Revised<Finding> {
    caller
        .ask(move |desk, access| findings::get(desk, access, &id))
        .await
        .map(Tagged::found)
}

/// The lines of evidence that a finding rests on.
#[utoipa::path(get, path = "/findings/{id}/lines", tag = "findings", params(("id" = FindingId, Path)),
    responses((status = 200, body = Vec<FindingLine>)))]
pub(crate) async fn finding_lines(caller: Caller, Path(id): Path<FindingId>) -> Answer<Vec<FindingLine>> {
    caller
        .ask(move |desk, access| findings::lines(desk, access, &id))
        .await
        .map(Json)
}

/// One decision on many findings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decide {
    /// The findings, each with the revision it was judged at.
    items: Vec<Judged>,
    /// What is decided.
    decision: Decision,
}

/// A finding as it was judged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judged {
    /// Which one.
    id: FindingId,
    /// Its revision.
    revision: i64,
}

/// What became of each finding, in the order in which they were given.
#[derive(Serialize, ToSchema)]
pub(crate) struct Decided {
    /// By finding.
    results: Vec<DecidedOne>,
}

/// What became of one finding: either it was decided on, or there is a problem.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecidedOne {
    /// Which one.
    id: FindingId,
    /// The finding as it is now.
    finding: Option<Finding>,
    /// Why nothing was decided on it.
    problem: Option<Problem>,
}

/// Decides on findings: each by itself, so that one that somebody else was faster with holds no other up.
#[utoipa::path(post, path = "/findings/decide", tag = "findings", request_body = Decide,
    responses((status = 200, body = Decided)))]
pub(crate) async fn decide_findings(caller: Caller, Body(given): Body<Decide>) -> Answer<Decided> {
    let these: Vec<(FindingId, i64)> = given
        .items
        .into_iter()
        .map(|one| (one.id, one.revision))
        .collect();
    let locale = caller.locale();
    caller
        .ask(move |desk, access| {
            let outcomes = findings::decide_many(desk, access, &these, &given.decision)?;
            let results = these.into_iter().zip(outcomes).map(|((id, _), outcome)| {
                let (finding, problem) = match outcome {
                    Ok(finding) => (Some(finding), None),
                    Err(error) => (None, Some(Problem::from(error).spoken(locale))),
                };
                DecidedOne { id, finding, problem }
            });
            Ok(Decided {
                results: results.collect(),
            })
        })
        .await
        .map(Json)
}

/// The catalogue of what is benign, newest first.
#[utoipa::path(get, path = "/catalogue", tag = "findings", params(PageRequest),
    responses((status = 200, body = Page<Dismissal>)))]
pub(crate) async fn list_dismissals(
    caller: Caller,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Dismissal>> {
    caller
        .ask(move |desk, access| catalogue::list(desk, access, &page))
        .await
        .map(Json)
}

/// Revokes an entry of the catalogue: what it hid is to be judged again.
#[utoipa::path(post, path = "/catalogue/{id}/revoke", tag = "findings", params(("id" = DismissalId, Path)),
    responses((status = 200, body = Dismissal)))]
pub(crate) async fn revoke_dismissal(caller: Caller, Path(id): Path<DismissalId>) -> Answer<Dismissal> {
    caller
        .ask(move |desk, access| catalogue::revoke(desk, access, &id))
        .await
        .map(Json)
}
