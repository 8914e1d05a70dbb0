//! Uploads of evidence, which go on where they were cut off.

use axum::Json;
use axum::body::Body as Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::evidence::Evidence;
use vigie_desk::uploads::{self, NewUpload, Upload};
use vigie_desk::{Error, TenantId, UploadId};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, Path, Query};
use crate::output::{Answer, Done, Revised, Tagged};
use crate::problem::Problem;
use crate::stream::BodyReader;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_uploads, begin_upload))
        .routes(routes!(get_upload, append_upload, abort_upload))
        .routes(routes!(finish_upload))
}

/// Whose uploads.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfTenant {
    /// Of this tenant.
    tenant: Option<TenantId>,
}

/// Uploads on their way.
#[utoipa::path(get, path = "/uploads", tag = "uploads", params(OfTenant),
    responses((status = 200, body = Vec<Upload>)))]
pub(crate) async fn list_uploads(caller: Caller, Query(of): Query<OfTenant>) -> Answer<Vec<Upload>> {
    caller
        .ask(move |desk, access| uploads::list(desk, access, of.tenant.as_ref()))
        .await
        .map(Json)
}

/// Begins an upload. Its bytes follow with PATCH, then it is finished.
#[utoipa::path(post, path = "/uploads", tag = "uploads", request_body = NewUpload,
    responses((status = 201, body = Upload)))]
pub(crate) async fn begin_upload(
    caller: Caller,
    Body(new): Body<NewUpload>,
) -> Result<(StatusCode, Json<Upload>), Problem> {
    let upload = caller
        .ask(move |desk, access| uploads::begin(desk, access, &new))
        .await?;
    Ok((StatusCode::CREATED, Json(upload)))
}

/// An upload: `received` says where to go on.
#[utoipa::path(get, path = "/uploads/{id}", tag = "uploads", params(("id" = UploadId, Path)),
    responses((status = 200, body = Upload)))]
pub(crate) async fn get_upload(caller: Caller, Path(id): Path<UploadId>) -> Answer<Upload> {
    caller
        .ask(move |desk, access| uploads::get(desk, access, &id))
        .await
        .map(Json)
}

/// Where the bytes of a request belong.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub(crate) struct UploadOffset {
    /// The offset of the first byte of the body: what `received` said.
    #[param(rename = "Upload-Offset")]
    upload_offset: i64,
}

/// Appends bytes at an offset. What the answer says was received is safe, whatever happens next; when the connection
/// breaks, read the upload and go on from there.
#[utoipa::path(patch, path = "/uploads/{id}", tag = "uploads", params(("id" = UploadId, Path), UploadOffset),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Upload)))]
pub(crate) async fn append_upload(
    caller: Caller,
    Path(id): Path<UploadId>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Upload> {
    let offset = headers
        .get("upload-offset")
        .and_then(|value| value.to_str().ok()?.parse::<i64>().ok())
        .ok_or_else(|| Problem::bad_request("the header Upload-Offset is missing or is no number"))?;
    let place = caller.app().transfer()?;
    let mut reader = BodyReader::new(body);
    caller
        .block(move |desk, access| {
            let _place = place;
            uploads::append(desk, access, &id, offset, &mut reader).map_err(|error| match error {
                Error::Conflict { current } => elsewhere(offset, current),
                other => other.into(),
            })
        })
        .await
        .map(Json)
}

/// The bytes belong elsewhere: an upload goes on where it is, not at a revision.
fn elsewhere(offset: i64, received: i64) -> Problem {
    let mut problem = Problem::new(
        StatusCode::CONFLICT,
        "offset",
        "the upload is elsewhere",
        format!("{received} bytes were received, and these are to begin at {offset}"),
        "Go on from the offset in `current`.",
    );
    problem.current = Some(received);
    problem
}

/// Gives an upload up. What was received of it is deleted.
#[utoipa::path(delete, path = "/uploads/{id}", tag = "uploads", params(("id" = UploadId, Path)),
    responses((status = 204)))]
pub(crate) async fn abort_upload(caller: Caller, Path(id): Path<UploadId>) -> Done {
    caller
        .ask(move |desk, access| uploads::abort(desk, access, &id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was sent.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Sent {
    /// SHA-256 of all bytes, hexadecimal, when whoever sent them hashed them on the way: others are not taken.
    sha256: Option<String>,
}

/// Ends an upload: it becomes evidence. To finish twice gives the same evidence.
#[utoipa::path(post, path = "/uploads/{id}/finish", tag = "uploads", params(("id" = UploadId, Path), Sent),
    responses((status = 201, body = Evidence)))]
pub(crate) async fn finish_upload(
    caller: Caller,
    Path(id): Path<UploadId>,
    Query(sent): Query<Sent>,
) -> Revised<Evidence> {
    caller
        .ask(move |desk, access| uploads::finish_as(desk, access, &id, sent.sha256.as_deref()))
        .await
        .map(Tagged::made)
}
