//! The first start, signing in and out, and one's own account.

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json_;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::accounts::sessions::{self, LONGEST_HOURS, Session};
use vigie_desk::accounts::{self, Account, Attempt, Enrolment};
use vigie_desk::tenants::Locale;
use vigie_desk::{Actor, Role, SessionId, TenantSet, Time, Verb};

use crate::app::App;
use crate::caller::{COOKIE, Caller, SessionOf, address_of, user_agent_of};
use crate::input::{Body, Path};
use crate::output::{Answer, Done, Revised, Tagged};
use crate::problem::Problem;

/// What is open to everybody.
pub(crate) fn open_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(set_up))
        .routes(routes!(sign_in))
        .routes(routes!(set_password))
}

/// What is for those who are recognised.
pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(who_am_i, sign_out))
        .routes(routes!(change_password))
        .routes(routes!(set_preferences))
        .routes(routes!(enrol_totp))
        .routes(routes!(confirm_totp))
        .routes(routes!(drop_totp))
        .routes(routes!(list_sessions))
        .routes(routes!(end_session))
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUp {
    /// The token of the link that was printed at the first start.
    token: String,
    /// What one will sign in with.
    login: String,
    /// What others see.
    name: String,
    /// At least as good as the desk asks for.
    password: String,
    /// The language of the pages.
    locale: Locale,
}

/// Makes the first administrator, with the one-time token that was printed at the first start.
#[utoipa::path(post, path = "/setup", tag = "session", security(()), request_body = SetUp,
    responses((status = 201, body = Account)))]
pub(crate) async fn set_up(State(app): State<App>, Body(new): Body<SetUp>) -> Revised<Account> {
    app.run(move |desk| {
        accounts::create_first_admin(desk, &new.token, &new.login, &new.name, &new.password, new.locale)
    })
    .await
    .map(Tagged::made)
}

/// A password for a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetPassword {
    /// The token of the link.
    token: String,
    /// The new password.
    password: String,
}

/// Sets a password with the token of an invitation. All sessions of the account end.
#[utoipa::path(post, path = "/password", tag = "session", security(()), request_body = SetPassword,
    responses((status = 204)))]
pub(crate) async fn set_password(State(app): State<App>, Body(new): Body<SetPassword>) -> Done {
    app.run(move |desk| accounts::use_link(desk, &new.token, &new.password))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody who wants in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The login.
    user: String,
    /// The password.
    password: String,
    /// What the telephone shows, or a recovery code.
    #[serde(default)]
    code: Option<String>,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct WhoAmI {
    /// The account; `null` for API keys.
    user: Option<Account>,
    /// Who acts.
    actor: Actor,
    /// As what.
    role: Role,
    /// With which rights.
    verbs: Vec<Verb>,
    /// For which tenants.
    tenants: TenantSet,
    /// What each changing request must carry as X-CSRF-Token; `null` for API keys, which need none.
    csrf: Option<String>,
    /// When the session ends, whatever happens; `null` for API keys.
    expires: Option<Time>,
}

impl WhoAmI {
    fn of(caller: &Caller) -> WhoAmI {
        let session = caller.session();
        WhoAmI {
            user: session.map(|session| session.signed.account.clone()),
            actor: caller.access().actor().clone(),
            role: caller.access().role(),
            verbs: caller.access().verbs().iter().copied().collect(),
            tenants: caller.access().tenants().clone(),
            csrf: session.map(|session| sessions::csrf_token(&session.token)),
            expires: session.map(|session| session.signed.expires_at),
        }
    }
}

/// Signs in. The answer sets the cookie `vigie_session` and says what X-CSRF-Token must be.
#[utoipa::path(post, path = "/session", tag = "session", security(()), request_body = SignIn,
    responses((status = 200, body = WhoAmI)))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Body(given): Body<SignIn>,
) -> Result<Response, Problem> {
    let address = address_of(&extensions);
    let user_agent = user_agent_of(&headers);
    let turn = app.password_turn().await;
    let signed_in = app
        .run(move |desk| {
            let attempt = Attempt {
                login: &given.user,
                password: &given.password,
                code: given
                    .code
                    .as_deref()
                    .map(str::trim)
                    .filter(|code| !code.is_empty()),
                address: &address,
                user_agent: &user_agent,
            };
            accounts::sign_in(desk, &attempt)
        })
        .await?;
    drop(turn);
    entered(&app, signed_in.token).await
}

/// What somebody gets who just came in: the cookie, and who they are.
pub(super) async fn entered(app: &App, token: String) -> Result<Response, Problem> {
    let presented = token.clone();
    let signed = app
        .run(move |desk| sessions::authenticate(desk, &presented))
        .await?;
    let set = session_cookie(&token, app.settings().https)?;
    let who = WhoAmI {
        user: Some(signed.account.clone()),
        actor: signed.access.actor().clone(),
        role: signed.access.role(),
        verbs: signed.access.verbs().iter().copied().collect(),
        tenants: signed.access.tenants().clone(),
        csrf: Some(sessions::csrf_token(&token)),
        expires: Some(signed.expires_at),
    };
    Ok(([(header::SET_COOKIE, set)], Json(who)).into_response())
}

/// The cookie of a session.
pub(super) fn session_cookie(token: &str, https: bool) -> Result<HeaderValue, Problem> {
    cookie(token, LONGEST_HOURS * 3600, https)
}

fn cookie(token: &str, seconds: i64, https: bool) -> Result<HeaderValue, Problem> {
    let secure = if https { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
    ))
    .map_err(|error| Problem::internal(&error.to_string()))
}

/// Who is signed in, and what X-CSRF-Token must be.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = WhoAmI)))]
pub(crate) async fn who_am_i(caller: Caller) -> Json<WhoAmI> {
    Json(WhoAmI::of(&caller))
}

/// Somebody who is out.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedOut {
    /// Where to go to sign out at the identity provider too: for whoever came in there, when it has such a place. It leads back
    /// to the sign-in page.
    end_session_url: Option<String>,
}

/// Signs out. The session has ended, whatever becomes of the one at the identity provider.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 200, body = SignedOut)))]
pub(crate) async fn sign_out(caller: Caller) -> Result<Response, Problem> {
    let SessionOf { token, .. } = own_session(&caller)?;
    let (app, settings) = (caller.app(), caller.app().settings());
    let gone = cookie("", 0, settings.https)?;
    let id_token = app.run(move |desk| sessions::close(desk, &token)).await?;
    let end_session_url = match (id_token, settings.oidc.clone()) {
        // The session is gone by now: nothing that goes wrong from here on may look as if it were not.
        (Some(id_token), Some(provider)) => app
            .block(move |_| Ok(provider.end_session_url(&id_token)))
            .await
            .unwrap_or_default(),
        _ => None,
    };
    Ok(([(header::SET_COOKIE, gone)], Json(SignedOut { end_session_url })).into_response())
}

fn own_session(caller: &Caller) -> Result<SessionOf, Problem> {
    caller.session().cloned().ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "state",
            "it cannot be done as things stand",
            "an API key has no session",
            "Sign in as a person.",
        )
    })
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    /// The present one.
    old: String,
    /// The new one.
    new: String,
}

/// Changes one's own password. All other sessions end.
#[utoipa::path(put, path = "/session/password", tag = "session", request_body = ChangePassword,
    responses((status = 204)))]
pub(crate) async fn change_password(caller: Caller, Body(given): Body<ChangePassword>) -> Done {
    let SessionOf { token, .. } = own_session(&caller)?;
    caller
        .ask(move |desk, access| accounts::change_password(desk, access, &token, &given.old, &given.new))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own settings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preferences {
    /// The language of the pages.
    locale: Locale,
    /// Anything the pages remember, 64 KiB at most.
    #[schema(value_type = Object)]
    preferences: Json_,
}

/// Keeps one's own settings.
#[utoipa::path(put, path = "/session/preferences", tag = "session", request_body = Preferences,
    responses((status = 200, body = Account)))]
pub(crate) async fn set_preferences(caller: Caller, Body(given): Body<Preferences>) -> Revised<Account> {
    caller
        .ask(move |desk, access| accounts::set_preferences(desk, access, given.locale, &given.preferences))
        .await
        .map(Tagged::found)
}

/// Begins a second factor: a secret for the telephone, which counts once it is confirmed.
#[utoipa::path(post, path = "/session/totp", tag = "session", responses((status = 200, body = Enrolment)))]
pub(crate) async fn enrol_totp(caller: Caller) -> Answer<Enrolment> {
    caller.ask(accounts::enrol_totp).await.map(Json)
}

/// A code of the second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    /// What the telephone shows, or a recovery code.
    code: String,
}

/// Codes for the day the telephone is lost.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// Each works once. They are shown once.
    recovery_codes: Vec<String>,
}

/// Confirms a second factor with a code, and gives recovery codes.
#[utoipa::path(post, path = "/session/totp/confirm", tag = "session", request_body = Code,
    responses((status = 200, body = RecoveryCodes)))]
pub(crate) async fn confirm_totp(caller: Caller, Body(given): Body<Code>) -> Answer<RecoveryCodes> {
    let recovery_codes = caller
        .ask(move |desk, access| accounts::confirm_totp(desk, access, &given.code))
        .await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Drops one's own second factor, with a code of it.
#[utoipa::path(post, path = "/session/totp/drop", tag = "session", request_body = Code,
    responses((status = 204)))]
pub(crate) async fn drop_totp(caller: Caller, Body(given): Body<Code>) -> Done {
    let account = own_session(&caller)?.signed.account.id;
    caller
        .ask(move |desk, access| accounts::drop_totp(desk, access, &account, Some(&given.code)))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own sessions, newest first.
#[utoipa::path(get, path = "/sessions", tag = "session", responses((status = 200, body = Vec<Session>)))]
pub(crate) async fn list_sessions(caller: Caller) -> Answer<Vec<Session>> {
    caller.ask(sessions::list).await.map(Json)
}

/// Ends a session: one's own, or anybody's as an administrator.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "session", params(("id" = SessionId, Path)),
    responses((status = 204)))]
pub(crate) async fn end_session(caller: Caller, Path(id): Path<SessionId>) -> Done {
    caller
        .ask(move |desk, access| sessions::end(desk, access, &id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
