//! Answers to what went wrong: RFC 9457, with what to do.

mod french;
mod language;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use vigie_desk::Error;

pub(crate) use language::{SpokenBy, in_language};

/// What went wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem: `urn:vigie:problem:conflict`. Programs look at this and at nothing else.
    #[serde(rename = "type", serialize_with = "as_urn")]
    #[schema(value_type = String)]
    pub(crate) kind: &'static str,
    /// The same in a few words.
    pub(crate) title: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What happened here.
    #[schema(value_type = String)]
    pub(crate) detail: Box<str>,
    /// What to do about it.
    pub(crate) what_to_do: &'static str,
    /// Which value is meant, when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) field: Option<Box<str>>,
    /// The revision it is at now, when somebody was faster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<i64>,
    /// Seconds to wait before another try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u32>,
}

fn as_urn<S: serde::Serializer>(kind: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("urn:vigie:problem:{kind}"))
}

/// The media type of problems.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
        what_to_do: &'static str,
    ) -> Problem {
        Problem {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into().into(),
            what_to_do,
            field: None,
            current: None,
            retry_after: None,
        }
    }

    /// A request that cannot be understood.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "the request cannot be understood",
            detail,
            "Correct the request; /api/v1/openapi.json says what is expected.",
        )
    }

    /// A value that cannot be.
    pub(crate) fn invalid(field: &str, why: &str) -> Problem {
        let mut problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "a value cannot be accepted",
            format!("{field}: {why}"),
            "Correct the value and send it again.",
        );
        problem.field = Some(field.into());
        problem
    }

    pub(crate) fn not_found(what: &str) -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "there is no such thing",
            format!("there is no such {what}"),
            "Look at the address; what you may not see does not exist for you.",
        )
    }

    pub(crate) fn unauthenticated(detail: &str) -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "nobody knows who asks",
            detail,
            "Sign in, or send an API key as `Authorization: Bearer ...`.",
        )
    }

    pub(crate) fn too_many(seconds: u32) -> Problem {
        let mut problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "too many requests",
            "more requests came than one may send",
            "Wait for the seconds of `retry_after`, then go on more slowly.",
        );
        problem.retry_after = Some(seconds);
        problem
    }

    /// A request with an `Idempotency-Key` that is being done.
    pub(crate) fn running(detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(
            StatusCode::CONFLICT,
            "running",
            "the request is being done",
            detail,
            "Wait a moment, then send the same again for its answer.",
        );
        problem.retry_after = Some(1);
        problem
    }

    /// A mistake of ours. What it was stands in the log, not in the answer.
    pub(crate) fn internal(why: &str) -> Problem {
        tracing::error!(why, "a request failed");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server made a mistake",
            "the request failed for a reason that is written in the server's log",
            "Look whether the change is there, then try again; tell whoever runs the server.",
        )
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let detail = error.to_string();
        match error {
            Error::NotFound { what } => Problem::not_found(what),
            Error::Forbidden { .. } => Problem::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "you may not do this",
                detail,
                "Ask an administrator for the right, or somebody who has it to do it.",
            ),
            Error::Conflict { current } => {
                let mut problem = Problem::new(
                    StatusCode::PRECONDITION_FAILED,
                    "conflict",
                    "somebody changed it meanwhile",
                    detail,
                    "Read it again, look at what changed, and repeat your change with the new ETag.",
                );
                problem.current = Some(current);
                problem
            }
            Error::Taken { .. } => Problem::new(
                StatusCode::CONFLICT,
                "taken",
                "the name is taken",
                detail,
                "Choose another name, or change the one that is there.",
            ),
            Error::Invalid { field, why } => Problem::invalid(field, &why),
            Error::State { .. } => Problem::new(
                StatusCode::CONFLICT,
                "state",
                "it cannot be done as things stand",
                detail,
                "Do first what the detail says.",
            ),
            Error::Unauthenticated(_) => Problem::unauthenticated(&detail),
            Error::CodeNeeded => Problem::new(
                StatusCode::UNAUTHORIZED,
                "code-needed",
                "a code is needed",
                detail,
                "Send the same again with `code`: what your telephone shows, or a recovery code.",
            ),
            Error::Locked { until } => {
                let mut problem = Problem::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "locked",
                    "too many attempts",
                    detail,
                    "Wait until then. If it was not you who tried, tell an administrator.",
                );
                let now = vigie_desk::world::Clock::now(&vigie_desk::world::SystemClock);
                problem.retry_after = Some(until.seconds_since(now).clamp(1, 900) as u32);
                problem
            }
            Error::Unavailable(why) => {
                tracing::error!(why, "the database is away");
                let mut problem = Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "the database cannot be reached",
                    "the database cannot be reached, or is busy with something long",
                    "Try again in a moment.",
                );
                problem.retry_after = Some(2);
                problem
            }
            Error::Uncertain => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "uncertain",
                "nobody knows whether it was done",
                detail,
                "Look whether the change is there, or repeat it with the same Idempotency-Key.",
            ),
            Error::AnswerLost => Problem::new(
                StatusCode::CONFLICT,
                "answer-gone",
                "it was done, and its answer was lost",
                detail,
                "Read what it made; do not send it again.",
            ),
            Error::TakenOver => Problem::running(detail),
            Error::DiskFull(_) => Problem::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "disk-full",
                "no space is left",
                "no space is left on the server's disk; what was acknowledged before is safe",
                "Tell whoever runs the server to make room, then repeat; of an upload, look first where it stands.",
            ),
            Error::Damaged { .. } => {
                tracing::error!(detail, "something stored is damaged");
                Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "damaged",
                    "what is stored is not what was written",
                    detail,
                    "Restore it from a backup; tell whoever runs the server.",
                )
            }
            Error::TooNew { .. } | Error::Io { .. } | Error::Database(_) => Problem::internal(&detail),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
