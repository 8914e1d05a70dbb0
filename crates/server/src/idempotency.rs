//! Requests that carry an `Idempotency-Key` are done once, however often they are sent. Exports, whose answers are made while
//! they are sent, change nothing and are not remembered: sent again they are made again, and recorded again.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use vigie_desk::idempotency::{self, Answer, Begin};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::{BODY_LIMIT, IMPORT_LIMIT};

/// Does a request, or gives the answer it got when it was done before.
pub(crate) async fn once(
    caller: &Caller,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let name = key
        .to_str()
        .map_err(|_| Problem::invalid("Idempotency-Key", "it is not text"))?
        .to_owned();
    let (parts, body) = request.into_parts();
    // It is held in memory: as much as its route would take, and no more.
    let most = match parts.uri.path().ends_with("/inventories") {
        true => IMPORT_LIMIT,
        false => BODY_LIMIT,
    };
    let body = to_bytes(body, most).await.map_err(|_| {
        Problem::bad_request("the body is too large to be sent with an Idempotency-Key, or was cut off")
    })?;
    let digest = digest(parts.method.as_str(), &parts.uri.to_string(), &body);
    let begun = {
        let name = name.clone();
        caller
            .clone()
            .ask(move |desk, access| idempotency::begin(desk, access, &name, &digest))
            .await?
    };
    match begun {
        Begin::Done(answer) => return Ok(again(answer)),
        Begin::Running => {
            let mut problem = Problem::new(
                StatusCode::CONFLICT,
                "running",
                "the request is being done",
                "a request with this Idempotency-Key is being done right now",
                "Wait a moment, then send the same again for its answer.",
            );
            problem.retry_after = Some(1);
            return Err(problem);
        }
        Begin::Do => {}
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let is_stream = response.body().size_hint().exact().is_none();
    if is_stream && response.status().is_success() {
        caller
            .clone()
            .ask(move |desk, access| idempotency::forget(desk, access, &name))
            .await?;
        return Ok(response);
    }
    let (head, body) = response.into_parts();
    // It is in memory already.
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| Problem::internal(&error.to_string()))?;
    // What failed changed nothing and may be sent again; but nobody may repeat blindly what nobody knows.
    let status = head.status;
    let uncertain = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::INTERNAL_SERVER_ERROR;
    let kept = body.clone();
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let outcome = caller
        .clone()
        .ask(move |desk, access| match (status.is_success(), uncertain) {
            (true, _) => idempotency::finish(desk, access, &name, status.as_u16(), &content_type, &kept),
            (false, false) => idempotency::forget(desk, access, &name),
            (false, true) => Ok(()),
        })
        .await;
    if let Err(problem) = outcome {
        // It was done: that its answer could not be kept must not make it look undone.
        tracing::error!(
            detail = &*problem.detail,
            "an answer could not be kept for its Idempotency-Key"
        );
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

fn digest(method: &str, path: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{method} {path}\n"));
    hash.update(body);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answer that was given before.
fn again(answer: Answer) -> Response {
    let Some(body) = answer.body else {
        return Problem::new(
            StatusCode::CONFLICT,
            "answer-gone",
            "it was done, and its answer was too large to keep",
            format!("the answer had the SHA-256 {}", answer.digest),
            "Read what it made; do not send it again.",
        )
        .into_response();
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    match HeaderValue::from_str(&answer.content_type) {
        Ok(value) if !value.is_empty() => response.headers_mut().insert(header::CONTENT_TYPE, value),
        _ => response.headers_mut().remove(header::CONTENT_TYPE),
    };
    response
        .headers_mut()
        .insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}
