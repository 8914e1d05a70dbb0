//! What requests get.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;

/// The answer of a handler.
pub(crate) type Answer<T> = Result<Json<T>, Problem>;
/// The same, of what has a revision.
pub(crate) type Revised<T> = Result<Tagged<T>, Problem>;
/// The same, of what has nothing to say.
pub(crate) type Done = Result<StatusCode, Problem>;

/// What has a revision.
pub(crate) trait Revision {
    /// It.
    fn revision(&self) -> i64;
}

macro_rules! revisions {
    ($($name:ty),+ $(,)?) => {$(
        impl Revision for $name {
            fn revision(&self) -> i64 {
                self.revision
            }
        }
    )+};
}
revisions!(
    vigie_desk::accounts::Account,
    vigie_desk::alerts::Alert,
    vigie_desk::campaigns::Campaign,
    vigie_desk::cases::Case,
    vigie_desk::cases::items::Item,
    vigie_desk::evidence::Evidence,
    vigie_desk::findings::Finding,
    vigie_desk::servers::Server,
    vigie_desk::tenants::Tenant,
    vigie_desk::views::SavedView,
);

/// JSON with its revision as ETag.
pub(crate) struct Tagged<T> {
    status: StatusCode,
    value: T,
}

impl<T> Tagged<T> {
    /// Something that was there.
    pub(crate) fn found(value: T) -> Tagged<T> {
        Tagged {
            status: StatusCode::OK,
            value,
        }
    }

    /// Something new.
    pub(crate) fn made(value: T) -> Tagged<T> {
        Tagged {
            status: StatusCode::CREATED,
            value,
        }
    }
}

impl<T: Serialize + Revision> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let tag = HeaderValue::from_str(&format!("\"{}\"", self.value.revision()));
        let mut response = (self.status, Json(self.value)).into_response();
        if let Ok(tag) = tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}
