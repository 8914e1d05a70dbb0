//! The main courante, and the audit: verifying it, and taking it out.

use axum::Json;
use axum::body::Body as Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::audit::{self, Entry, JournalFilter, Remark, Report, Root};
use vigie_desk::{Page, PageRequest, TenantId};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, Query};
use crate::output::Answer;
use crate::problem::Problem;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_journal, say))
        .routes(routes!(verify_audit))
        .routes(routes!(export_audit))
        .routes(routes!(list_roots, publish_root))
}

/// The main courante: who did and said what, newest first.
#[utoipa::path(get, path = "/journal", tag = "journal", params(JournalFilter, PageRequest),
    responses((status = 200, body = Page<Entry>)))]
pub(crate) async fn list_journal(
    caller: Caller,
    Query(filter): Query<JournalFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Entry>> {
    caller
        .ask(move |desk, access| audit::list(desk, access, &filter, &page))
        .await
        .map(Json)
}

/// Writes a remark into the main courante. It cannot be taken back.
#[utoipa::path(post, path = "/journal", tag = "journal", request_body = Remark,
    responses((status = 201, body = Entry)))]
pub(crate) async fn say(
    caller: Caller,
    Body(remark): Body<Remark>,
) -> Result<(StatusCode, Json<Entry>), Problem> {
    let entry = caller
        .ask(move |desk, access| audit::say(desk, access, &remark))
        .await?;
    Ok((StatusCode::CREATED, Json(entry)))
}

/// Verifies every chain that one may audit, and the published roots.
#[utoipa::path(get, path = "/audit/verify", tag = "audit", responses((status = 200, body = Report)))]
pub(crate) async fn verify_audit(caller: Caller) -> Answer<Report> {
    caller.ask(audit::verify).await.map(Json)
}

/// Whose chain.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChainOf {
    /// The tenant's; without, the provider's own.
    tenant: Option<TenantId>,
}

/// Takes a chain out as a file of JSON lines that can be verified without a desk. The export itself is recorded.
#[utoipa::path(post, path = "/audit/export", tag = "audit", params(ChainOf),
    responses((status = 200, content_type = "application/x-ndjson", body = String)))]
pub(crate) async fn export_audit(caller: Caller, Query(of): Query<ChainOf>) -> Result<Response, Problem> {
    let place = caller.app().transfer()?;
    // To a file first: who may not export must get a problem, and a long answer must not hold the database.
    let file = caller
        .ask(move |desk, access| {
            let folder = desk.data().to_owned();
            let broken = |source| vigie_desk::Error::Io {
                path: folder.clone(),
                source,
            };
            let file = tempfile::tempfile_in(&folder).map_err(broken)?;
            let mut out = std::io::BufWriter::new(file);
            audit::export(desk, access, of.tenant.as_ref(), &mut out)?;
            let mut file = out.into_inner().map_err(|error| broken(error.into_error()))?;
            std::io::Seek::rewind(&mut file).map_err(broken)?;
            Ok(file)
        })
        .await?;
    let bytes = crate::stream::of_thread(move |out| {
        let _place = place;
        std::io::copy(&mut std::io::BufReader::with_capacity(1 << 16, file), out).map(|_| ())
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-ndjson"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"audit.jsonl\""),
        ),
    ];
    Ok((headers, Bytes::from_stream(bytes)).into_response())
}

/// Which roots.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RootsBefore {
    /// Those whose record stands before this one.
    before: Option<i64>,
}

/// The roots that were published, newest first, at most 1,000; `before` asks for older ones.
#[utoipa::path(get, path = "/audit/roots", tag = "audit", params(RootsBefore),
    responses((status = 200, body = Vec<Root>)))]
pub(crate) async fn list_roots(caller: Caller, Query(of): Query<RootsBefore>) -> Answer<Vec<Root>> {
    caller
        .ask(move |desk, access| audit::roots(desk, access, of.before))
        .await
        .map(Json)
}

/// Publishes a root over the heads of all chains. Keep it outside: it proves what was recorded until now.
#[utoipa::path(post, path = "/audit/roots", tag = "audit", responses((status = 201, body = Root)))]
pub(crate) async fn publish_root(caller: Caller) -> Result<(StatusCode, Json<Root>), Problem> {
    let root = caller.ask(audit::publish_root).await?;
    Ok((StatusCode::CREATED, Json(root)))
}
