//! API keys.

use axum::Json;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::KeyId;
use vigie_desk::keys::{self, ApiKey, NewKey};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, Path};
use crate::output::Answer;
use crate::problem::Problem;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_keys, create_key))
        .routes(routes!(revoke_key))
}

/// One's own keys, or all of them as an administrator; newest first.
#[utoipa::path(get, path = "/api-keys", tag = "keys", responses((status = 200, body = Vec<ApiKey>)))]
pub(crate) async fn list_keys(caller: Caller) -> Answer<Vec<ApiKey>> {
    caller.ask(keys::list).await.map(Json)
}

/// A new key.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewSecret {
    /// The key.
    key: ApiKey,
    /// What to send as `Authorization: Bearer ...`. It is shown once and kept nowhere.
    secret: String,
}

/// Makes a key for whoever asks.
#[utoipa::path(post, path = "/api-keys", tag = "keys", request_body = NewKey,
    responses((status = 201, body = NewSecret)))]
pub(crate) async fn create_key(
    caller: Caller,
    Body(new): Body<NewKey>,
) -> Result<(StatusCode, Json<NewSecret>), Problem> {
    let (key, secret) = caller
        .ask(move |desk, access| keys::create(desk, access, &new))
        .await?;
    Ok((StatusCode::CREATED, Json(NewSecret { key, secret })))
}

/// Revokes a key: one's own, or anybody's as an administrator.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "keys", params(("id" = KeyId, Path)),
    responses((status = 200, body = ApiKey)))]
pub(crate) async fn revoke_key(caller: Caller, Path(id): Path<KeyId>) -> Answer<ApiKey> {
    caller
        .ask(move |desk, access| keys::revoke(desk, access, &id))
        .await
        .map(Json)
}
