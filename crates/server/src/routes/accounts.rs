//! Accounts, for those who keep them.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::accounts::oidc::{self, Linked};
use vigie_desk::accounts::{self, Account, AccountFields, Person};
use vigie_desk::{AccountId, Page, PageRequest};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, IfMatch, IfMatchHeader, Path, Query};
use crate::output::{Answer, Done, Revised, Tagged};

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_users, create_user))
        .routes(routes!(get_user, change_user))
        .routes(routes!(disable_user))
        .routes(routes!(enable_user))
        .routes(routes!(invite_user))
        .routes(routes!(drop_user_totp))
        .routes(routes!(list_identities, link_identity))
        .routes(routes!(drop_identities))
        .routes(routes!(list_people))
}

/// All accounts, for administrators and auditors.
#[utoipa::path(get, path = "/users", tag = "users", params(PageRequest),
    responses((status = 200, body = Page<Account>)))]
pub(crate) async fn list_users(caller: Caller, Query(page): Query<PageRequest>) -> Answer<Page<Account>> {
    caller
        .ask(move |desk, access| accounts::list(desk, access, &page))
        .await
        .map(Json)
}

/// Makes an account, without a password: an invitation gives a link to set one.
#[utoipa::path(post, path = "/users", tag = "users", request_body = AccountFields,
    responses((status = 201, body = Account)))]
pub(crate) async fn create_user(caller: Caller, Body(fields): Body<AccountFields>) -> Revised<Account> {
    caller
        .ask(move |desk, access| accounts::create(desk, access, &fields))
        .await
        .map(Tagged::made)
}

/// One account: one's own, or any as an administrator.
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(("id" = AccountId, Path)),
    responses((status = 200, body = Account)))]
pub(crate) async fn get_user(caller: Caller, Path(id): Path<AccountId>) -> Revised<Account> {
    caller
        .ask(move |desk, access| accounts::get(desk, access, &id))
        .await
        .map(Tagged::found)
}

/// Says something else of an account. What it may do changes at once, in its open sessions too.
#[utoipa::path(put, path = "/users/{id}", tag = "users", params(("id" = AccountId, Path), IfMatchHeader),
    request_body = AccountFields, responses((status = 200, body = Account)))]
pub(crate) async fn change_user(
    caller: Caller,
    Path(id): Path<AccountId>,
    IfMatch(revision): IfMatch,
    Body(fields): Body<AccountFields>,
) -> Revised<Account> {
    caller
        .ask(move |desk, access| accounts::change(desk, access, &id, revision, &fields))
        .await
        .map(Tagged::found)
}

/// Closes an account. Its sessions end and its keys stop working.
#[utoipa::path(post, path = "/users/{id}/disable", tag = "users", params(("id" = AccountId, Path), IfMatchHeader),
    responses((status = 200, body = Account)))]
pub(crate) async fn disable_user(
    caller: Caller,
    Path(id): Path<AccountId>,
    IfMatch(revision): IfMatch,
) -> Revised<Account> {
    caller
        .ask(move |desk, access| accounts::set_disabled(desk, access, &id, revision, true))
        .await
        .map(Tagged::found)
}

/// Opens a closed account again.
#[utoipa::path(post, path = "/users/{id}/enable", tag = "users", params(("id" = AccountId, Path), IfMatchHeader),
    responses((status = 200, body = Account)))]
pub(crate) async fn enable_user(
    caller: Caller,
    Path(id): Path<AccountId>,
    IfMatch(revision): IfMatch,
) -> Revised<Account> {
    caller
        .ask(move |desk, access| accounts::set_disabled(desk, access, &id, revision, false))
        .await
        .map(Tagged::found)
}

/// A link that works once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invitation {
    /// What `POST /password` takes. It is shown once and works for a day.
    token: String,
}

/// Makes a link with which the owner of an account sets a password; the present one works until then.
#[utoipa::path(post, path = "/users/{id}/invite", tag = "users", params(("id" = AccountId, Path)),
    responses((status = 200, body = Invitation)))]
pub(crate) async fn invite_user(caller: Caller, Path(id): Path<AccountId>) -> Answer<Invitation> {
    let token = caller
        .ask(move |desk, access| accounts::invite(desk, access, &id))
        .await?;
    Ok(Json(Invitation { token }))
}

/// Drops the second factor of somebody who lost their telephone.
#[utoipa::path(post, path = "/users/{id}/totp/drop", tag = "users", params(("id" = AccountId, Path)),
    responses((status = 204)))]
pub(crate) async fn drop_user_totp(caller: Caller, Path(id): Path<AccountId>) -> Done {
    caller
        .ask(move |desk, access| accounts::drop_totp(desk, access, &id, None))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An identity at the identity provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewIdentity {
    /// What the provider calls the person (`sub`): never a name or an address, which people may choose.
    #[schema(min_length = 1, max_length = 255)]
    subject: String,
}

/// The identities with which an account signs in at the identity provider: one's own, or any as an administrator.
#[utoipa::path(get, path = "/users/{id}/identities", tag = "users", params(("id" = AccountId, Path)),
    responses((status = 200, body = Vec<Linked>)))]
pub(crate) async fn list_identities(caller: Caller, Path(id): Path<AccountId>) -> Answer<Vec<Linked>> {
    caller
        .ask(move |desk, access| oidc::identities(desk, access, &id))
        .await
        .map(Json)
}

/// Links an account to an identity at the identity provider. With an invitation, its owner can do so too.
#[utoipa::path(post, path = "/users/{id}/identities", tag = "users", params(("id" = AccountId, Path)),
    request_body = NewIdentity, responses((status = 204)))]
pub(crate) async fn link_identity(
    caller: Caller,
    Path(id): Path<AccountId>,
    Body(new): Body<NewIdentity>,
) -> Done {
    let issuer = caller.app().settings().oidc.as_ref();
    let issuer = issuer.map(|provider| provider.issuer().to_owned());
    caller
        .ask(move |desk, access| oidc::link(desk, access, &id, issuer.as_deref(), &new.subject))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes all identities of an account away. Sessions that came by them end.
#[utoipa::path(post, path = "/users/{id}/identities/drop", tag = "users", params(("id" = AccountId, Path)),
    responses((status = 204)))]
pub(crate) async fn drop_identities(caller: Caller, Path(id): Path<AccountId>) -> Done {
    caller
        .ask(move |desk, access| oidc::unlink(desk, access, &id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The provider's people who can work on a tenant of whoever asks.
#[utoipa::path(get, path = "/people", tag = "users", responses((status = 200, body = Vec<Person>)))]
pub(crate) async fn list_people(caller: Caller) -> Answer<Vec<Person>> {
    caller.ask(accounts::people).await.map(Json)
}
