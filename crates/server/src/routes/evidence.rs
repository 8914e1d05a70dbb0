//! Evidence: what there is, who had it in hand, holds, and taking it out.

use axum::Json;
use axum::body::Body as Bytes;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::audit::Entry;
use vigie_desk::evidence::{self, Evidence, EvidenceFields, EvidenceFilter, Hold, Purpose, Verified};
use vigie_desk::{EvidenceId, HoldId, Page, PageRequest, TenantId};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, IfMatch, IfMatchHeader, Path, Query};
use crate::output::{Answer, Revised, Tagged};
use crate::problem::Problem;
use crate::stream;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_evidence))
        .routes(routes!(get_evidence, change_evidence))
        .routes(routes!(evidence_custody))
        .routes(routes!(evidence_content))
        .routes(routes!(verify_evidence))
        .routes(routes!(hold_evidence))
        .routes(routes!(list_holds, hold_tenant))
        .routes(routes!(lift_hold))
}

/// Evidence, newest first.
#[utoipa::path(get, path = "/evidence", tag = "evidence", params(EvidenceFilter, PageRequest),
    responses((status = 200, body = Page<Evidence>)))]
pub(crate) async fn list_evidence(
    caller: Caller,
    Query(filter): Query<EvidenceFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Evidence>> {
    caller
        .ask(move |desk, access| evidence::list(desk, access, &filter, &page))
        .await
        .map(Json)
}

/// One piece of evidence.
#[utoipa::path(get, path = "/evidence/{id}", tag = "evidence", params(("id" = EvidenceId, Path)),
    responses((status = 200, body = Evidence)))]
pub(crate) async fn get_evidence(caller: Caller, Path(id): Path<EvidenceId>) -> Revised<Evidence> {
    caller
        .ask(move |desk, access| evidence::get(desk, access, &id))
        .await
        .map(Tagged::found)
}

/// Says something else of evidence: its server, its note, its retention. Its bytes never change.
#[utoipa::path(put, path = "/evidence/{id}", tag = "evidence", params(("id" = EvidenceId, Path), IfMatchHeader),
    request_body = EvidenceFields, responses((status = 200, body = Evidence)))]
pub(crate) async fn change_evidence(
    caller: Caller,
    Path(id): Path<EvidenceId>,
    IfMatch(revision): IfMatch,
    Body(fields): Body<EvidenceFields>,
) -> Revised<Evidence> {
    caller
        .ask(move |desk, access| evidence::change(desk, access, &id, revision, &fields))
        .await
        .map(Tagged::found)
}

/// Who received, read and exported it, newest first.
#[utoipa::path(get, path = "/evidence/{id}/custody", tag = "evidence",
    params(("id" = EvidenceId, Path), PageRequest), responses((status = 200, body = Page<Entry>)))]
pub(crate) async fn evidence_custody(
    caller: Caller,
    Path(id): Path<EvidenceId>,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Entry>> {
    caller
        .ask(move |desk, access| evidence::custody(desk, access, &id, &page))
        .await
        .map(Json)
}

/// Why it is taken out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// Why, for the record.
    reason: String,
}

/// Takes evidence out, byte for byte as it came in. Who and why is recorded. The answer is cut off when the stored bytes
/// are not what was received.
#[utoipa::path(post, path = "/evidence/{id}/export", tag = "evidence", params(("id" = EvidenceId, Path)),
    request_body = Reason, responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)))]
pub(crate) async fn evidence_content(
    caller: Caller,
    Path(id): Path<EvidenceId>,
    Body(why): Body<Reason>,
) -> Result<Response, Problem> {
    let place = caller.app().transfer()?;
    let mut reader = caller
        .ask(move |desk, access| evidence::open(desk, access, &id, Purpose::Export, &why.reason))
        .await?;
    let size = reader.size();
    let bytes = stream::of_thread(move |out| {
        let _place = place;
        loop {
            match reader.next_chunk() {
                Ok(Some(chunk)) => out.send(chunk.into())?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    tracing::error!(%error, "evidence could not be read to its end");
                    return Err(std::io::Error::other("the evidence is damaged"));
                }
            }
        }
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        // Evidence is never shown by a browser: it may hold anything.
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment"),
        ),
        (header::CONTENT_LENGTH, HeaderValue::from(size)),
    ];
    Ok((headers, Bytes::from_stream(bytes)).into_response())
}

/// Reads evidence whole and says whether it is what was received.
#[utoipa::path(post, path = "/evidence/{id}/verify", tag = "evidence", params(("id" = EvidenceId, Path)),
    responses((status = 200, body = Verified)))]
pub(crate) async fn verify_evidence(caller: Caller, Path(id): Path<EvidenceId>) -> Answer<Verified> {
    caller
        .ask(move |desk, access| evidence::verify(desk, access, &id))
        .await
        .map(Json)
}

/// Sets a legal hold on evidence: it stays until the hold is lifted.
#[utoipa::path(post, path = "/evidence/{id}/hold", tag = "evidence", params(("id" = EvidenceId, Path)),
    request_body = Reason, responses((status = 200, body = Hold)))]
pub(crate) async fn hold_evidence(
    caller: Caller,
    Path(id): Path<EvidenceId>,
    Body(why): Body<Reason>,
) -> Answer<Hold> {
    caller
        .ask(move |desk, access| {
            let held = evidence::get(desk, access, &id)?;
            evidence::hold(desk, access, &held.tenant_id, Some(&id), &why.reason)
        })
        .await
        .map(Json)
}

/// The holds of a tenant, lifted ones included.
#[utoipa::path(get, path = "/tenants/{id}/holds", tag = "evidence", params(("id" = TenantId, Path)),
    responses((status = 200, body = Vec<Hold>)))]
pub(crate) async fn list_holds(caller: Caller, Path(id): Path<TenantId>) -> Answer<Vec<Hold>> {
    caller
        .ask(move |desk, access| evidence::holds(desk, access, &id))
        .await
        .map(Json)
}

/// Sets a legal hold on all evidence of a tenant.
#[utoipa::path(post, path = "/tenants/{id}/holds", tag = "evidence", params(("id" = TenantId, Path)),
    request_body = Reason, responses((status = 200, body = Hold)))]
pub(crate) async fn hold_tenant(
    caller: Caller,
    Path(id): Path<TenantId>,
    Body(why): Body<Reason>,
) -> Answer<Hold> {
    caller
        .ask(move |desk, access| evidence::hold(desk, access, &id, None, &why.reason))
        .await
        .map(Json)
}

/// Lifts a legal hold.
#[utoipa::path(post, path = "/holds/{id}/lift", tag = "evidence", params(("id" = HoldId, Path)),
    request_body = Reason, responses((status = 200, body = Hold)))]
pub(crate) async fn lift_hold(
    caller: Caller,
    Path(id): Path<HoldId>,
    Body(why): Body<Reason>,
) -> Answer<Hold> {
    caller
        .ask(move |desk, access| evidence::lift(desk, access, &id, &why.reason))
        .await
        .map(Json)
}
