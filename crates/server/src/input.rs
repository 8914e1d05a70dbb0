//! What requests bring: queries, paths, bodies and revisions, with problems for what cannot be understood.

use std::time::Duration;

use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Problem;

/// The query of a request. A list is given by repeating its name.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        serde_html_form::from_str(parts.uri.query().unwrap_or_default())
            .map(Query)
            .map_err(|error| Problem::bad_request(format!("the query cannot be understood: {error}")))
    }
}

/// What stands in the path of a request.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Path(value))
            .map_err(|error| Problem::bad_request(error.body_text()))
    }
}

/// Time for a body of JSON.
const PATIENCE: Duration = Duration::from_secs(60);

/// A body of JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = tokio::time::timeout(PATIENCE, axum::Json::from_request(request, state));
        let Ok(read) = read.await else {
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                "the body took too long",
                format!("the body was not there within {} seconds", PATIENCE.as_secs()),
                "Send it again, over a better connection.",
            ));
        };
        match read {
            Ok(axum::Json(value)) => Ok(Body(value)),
            Err(JsonRejection::BytesRejection(error)) => Err(too_large(&error)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "the body is not said to be JSON",
                "the body must be JSON",
                "Send it with `Content-Type: application/json`.",
            )),
            Err(JsonRejection::JsonDataError(error)) => {
                let mut problem = Problem::invalid("body", &error.body_text());
                problem.field = None;
                Err(problem)
            }
            Err(error) => Err(Problem::bad_request(error.body_text())),
        }
    }
}

/// A body that could not be read: too large, or cut off.
pub(crate) fn too_large(error: &BytesRejection) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "the body is too large",
            error.body_text(),
            "Send less at once; evidence goes through /uploads, in parts.",
        ),
        _ => Problem::bad_request(error.body_text()),
    }
}

/// The revision a change was made from.
pub(crate) struct IfMatch(pub(crate) i64);

/// The header of [`IfMatch`], for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code)]
pub(crate) struct IfMatchHeader {
    /// The ETag of what is being changed, as it was read: `"3"`.
    #[param(rename = "If-Match", pattern = r#"^(W/)?"[0-9]{1,18}"$"#)]
    if_match: String,
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if-match-needed",
                "it must be said what is being changed",
                "the header If-Match is missing",
                "Read it first, and send its ETag as `If-Match`.",
            ));
        };
        let revision = value.to_str().ok().and_then(|text| {
            let quoted = text.trim().trim_start_matches("W/");
            quoted.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
        });
        revision
            .map(IfMatch)
            .ok_or_else(|| Problem::bad_request("If-Match is not an ETag that was given, such as \"3\""))
    }
}
