//! Signing in at the identity provider: three addresses for a browser on its way, and one for the code of our own second
//! factor. What goes wrong on the way is told by the sign-in page, whose address says which it was.

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::accounts::oidc::{self, Door, Outcome};
use vigie_desk::{Desk, Error, Unrecognised};

use super::session::{WhoAmI, entered, session_cookie};
use crate::app::App;
use crate::caller::{address_of, cookie, user_agent_of};
use crate::input::{Body, Query};
use crate::oidc::{IdentityProvider, OidcError};
use crate::problem::Problem;

/// What ties a sign-in to the browser that began it.
const STATE_COOKIE: &str = "vigie_oidc";
/// What a browser brings the code with.
const CODE_COOKIE: &str = "vigie_oidc_code";
/// Seconds either is kept.
const SECONDS: i64 = 600;

pub(crate) fn open_router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(oidc_provider))
        .routes(routes!(oidc_start))
        .routes(routes!(oidc_callback))
        .routes(routes!(oidc_code))
}

/// The identity provider, if there is one.
#[derive(Serialize, ToSchema)]
pub(crate) struct OidcProvider {
    /// What it is called; `null` when there is none.
    name: Option<String>,
}

/// The identity provider one may sign in at.
#[utoipa::path(get, path = "/oidc", tag = "session", security(()), responses((status = 200, body = OidcProvider)))]
pub(crate) async fn oidc_provider(State(app): State<App>) -> Json<OidcProvider> {
    let provider = app.settings().oidc.as_ref();
    Json(OidcProvider {
        name: provider.map(|provider| provider.name().to_owned()),
    })
}

/// How a sign-in begins.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Start {
    /// Where to go afterwards: a path of this site.
    #[serde(default)]
    #[param(max_length = 2000)]
    to: Option<String>,
    /// The token of an invitation: its account is linked to whoever signs in.
    #[serde(default)]
    #[param(max_length = 100)]
    invitation: Option<String>,
}

/// Sends a browser to the identity provider.
#[utoipa::path(get, path = "/oidc/start", tag = "session", security(()), params(Start),
    responses((status = 303, description = "To the provider, or to the sign-in page, whose address says what went wrong.")))]
pub(crate) async fn oidc_start(
    State(app): State<App>,
    Query(start): Query<Start>,
) -> Result<Response, Problem> {
    let provider = provider_of(&app)?;
    let to = start.to.unwrap_or_else(|| "/".to_owned());
    let https = app.settings().https;
    let begun = app
        .block(move |desk| Ok(begin(desk, &provider, &to, start.invitation.as_deref())))
        .await?;
    match begun {
        Ok((location, state)) => {
            // `Lax`, since the browser comes back from another site.
            let set = path_cookie(STATE_COOKIE, &state, SECONDS, "Lax", https)?;
            redirect(&location, &[set])
        }
        Err(failure) => sign_in_page(failure, None, &[]),
    }
}

fn begin(
    desk: &Desk,
    provider: &IdentityProvider,
    to: &str,
    invitation: Option<&str>,
) -> Result<(String, String), Failure> {
    let (state, flow) = oidc::begin(desk, to, invitation)?;
    Ok((provider.authorization_url(&state, &flow)?, state))
}

/// What the provider sends back.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Callback {
    /// What was sent along.
    #[serde(default)]
    state: Option<String>,
    /// What the identity token is got with.
    #[serde(default)]
    code: Option<String>,
    /// Why there is none.
    #[serde(default)]
    error: Option<String>,
    /// Which provider it is from.
    #[serde(default)]
    iss: Option<String>,
}

/// Where the identity provider sends a browser back to.
#[utoipa::path(get, path = "/oidc/callback", tag = "session", security(()), params(Callback),
    responses((status = 303, description = "To where the sign-in was begun for, or to the sign-in page, whose address says what went wrong.")))]
pub(crate) async fn oidc_callback(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Query(given): Query<Callback>,
) -> Result<Response, Problem> {
    let provider = provider_of(&app)?;
    let https = app.settings().https;
    let begun_here = cookie(&headers, STATE_COOKIE).map(str::to_owned);
    let door = (address_of(&extensions), user_agent_of(&headers));
    let come = app
        .block(move |desk| Ok(come_back(desk, &provider, &given, begun_here.as_deref(), &door)))
        .await?;
    let over = path_cookie(STATE_COOKIE, "", 0, "Lax", https)?;
    match come {
        Ok((Outcome::In(signed), to)) => redirect(&to, &[over, session_cookie(&signed.token, https)?]),
        Ok((Outcome::CodeNeeded(token), to)) => {
            let set = path_cookie(CODE_COOKIE, &token, SECONDS, "Strict", https)?;
            sign_in_page(Failure::CODE_NEEDED, Some(&to), &[over, set])
        }
        Err(failure) => sign_in_page(failure, None, &[over]),
    }
}

fn come_back(
    desk: &Desk,
    provider: &IdentityProvider,
    given: &Callback,
    begun_here: Option<&str>,
    (address, user_agent): &(String, String),
) -> Result<(Outcome, String), Failure> {
    let state = given.state.as_deref().unwrap_or_default();
    // Somebody else's answer, in this browser, would sign this person in as somebody else.
    if state.is_empty() || begun_here != Some(state) {
        return Err(Failure::EXPIRED);
    }
    let flow = oidc::finish(desk, state)?;
    let code = match (&given.error, &given.code) {
        (None, Some(code)) => code,
        (Some(error), _) if error == "access_denied" => return Err(Failure::CANCELLED),
        _ => return Err(Failure::REFUSED),
    };
    let identity = provider.identify(&flow, code, given.iss.as_deref())?;
    let door = Door { address, user_agent };
    let outcome = oidc::sign_in(desk, &flow, &identity, door)?;
    Ok((outcome, flow.return_to))
}

/// The code of our own second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcCode {
    /// What the telephone shows, or a recovery code.
    #[schema(max_length = 100)]
    code: String,
}

/// Goes on with a sign-in at the provider that waits for the code of our own second factor. The answer sets the cookie
/// `vigie_session`.
#[utoipa::path(post, path = "/oidc/code", tag = "session", security(()), request_body = OidcCode,
    responses((status = 200, body = WhoAmI)))]
pub(crate) async fn oidc_code(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    Body(given): Body<OidcCode>,
) -> Result<Response, Problem> {
    let token = cookie(&headers, CODE_COOKIE)
        .ok_or_else(|| Problem::unauthenticated("no sign-in waits for a code: begin again"))?
        .to_owned();
    let (address, user_agent) = (address_of(&extensions), user_agent_of(&headers));
    let signed_in = app
        .run(move |desk| {
            let door = Door {
                address: &address,
                user_agent: &user_agent,
            };
            oidc::sign_in_with_code(desk, &token, given.code.trim(), door)
        })
        .await?;
    let mut response = entered(&app, signed_in.token).await?;
    let gone = path_cookie(CODE_COOKIE, "", 0, "Strict", app.settings().https)?;
    response.headers_mut().append(header::SET_COOKIE, gone);
    Ok(response)
}

/// Why the sign-in page is shown: a word of its address, which the page has a sentence for.
struct Failure(&'static str);

impl Failure {
    const CANCELLED: Failure = Failure("cancelled");
    const CODE_NEEDED: Failure = Failure("code");
    const EXPIRED: Failure = Failure("expired");
    const INVITATION: Failure = Failure("invitation");
    const REFUSED: Failure = Failure("refused");
    const TAKEN: Failure = Failure("taken");
    const UNAVAILABLE: Failure = Failure("unavailable");
    const UNKNOWN: Failure = Failure("unknown");
}

impl From<OidcError> for Failure {
    fn from(error: OidcError) -> Failure {
        tracing::warn!(why = %error, "a sign-in at the identity provider failed");
        match error {
            OidcError::Provider(_) | OidcError::Busy => Failure::UNAVAILABLE,
            OidcError::Code(_) | OidcError::Token(_) => Failure::REFUSED,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Unauthenticated(Unrecognised::TooLate) => Failure::EXPIRED,
            Error::Unauthenticated(Unrecognised::LinkUsedUp) => Failure::INVITATION,
            Error::Unauthenticated(_) => Failure::UNKNOWN,
            Error::Taken { .. } => Failure::TAKEN,
            Error::Invalid { .. } | Error::State { .. } => Failure::REFUSED,
            other => {
                tracing::error!(why = %other, "a sign-in at the identity provider failed");
                Failure::UNAVAILABLE
            }
        }
    }
}

fn provider_of(app: &App) -> Result<IdentityProvider, Problem> {
    app.settings()
        .oidc
        .clone()
        .ok_or_else(|| Problem::not_found("identity provider"))
}

fn sign_in_page(failure: Failure, to: Option<&str>, cookies: &[HeaderValue]) -> Result<Response, Problem> {
    let mut location = format!("/sign-in?oidc={}", failure.0);
    if let Some(to) = to.filter(|to| *to != "/") {
        let query = serde_html_form::to_string([("to", to)]);
        location.push_str(&format!("&{}", query.unwrap_or_default()));
    }
    redirect(&location, cookies)
}

fn redirect(location: &str, cookies: &[HeaderValue]) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(location).map_err(|error| Problem::internal(&error.to_string()))?;
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    for set in cookies {
        response.headers_mut().append(header::SET_COOKIE, set.clone());
    }
    Ok(response)
}

fn path_cookie(
    name: &str,
    value: &str,
    seconds: i64,
    same_site: &str,
    https: bool,
) -> Result<HeaderValue, Problem> {
    let secure = if https { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/api/v1/oidc; HttpOnly; SameSite={same_site}; Max-Age={seconds}{secure}"
    ))
    .map_err(|error| Problem::internal(&error.to_string()))
}
