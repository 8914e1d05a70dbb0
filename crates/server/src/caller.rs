//! Who asks: by a session's cookie or an API key.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use vigie_desk::accounts::sessions::{self, Signed};
use vigie_desk::idempotency::Running;
use vigie_desk::tenants::Locale;
use vigie_desk::{Access, Desk, Error, Verb, keys};

use crate::address;
use crate::app::App;
use crate::idempotency;
use crate::problem::{Problem, SpokenBy};

/// The session's cookie.
pub(crate) const COOKIE: &str = "vigie_session";
/// The header that says that a request comes from our own pages.
pub(crate) const CSRF: &str = "x-csrf-token";

/// Somebody who was recognised.
#[derive(Clone)]
pub(crate) struct Caller {
    app: App,
    access: Access,
    session: Option<SessionOf>,
    /// The request's own key, when it has one.
    request: Option<Running>,
}

/// The session somebody came with.
#[derive(Clone)]
pub(crate) struct SessionOf {
    /// The cookie's value.
    pub(crate) token: String,
    /// Whose it is.
    pub(crate) signed: Signed,
}

impl Caller {
    /// Does something on the desk with this caller's access.
    pub(crate) async fn ask<T: Send + 'static>(
        self,
        work: impl FnOnce(&Desk, &Access) -> vigie_desk::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        self.block(move |desk, access| work(desk, access).map_err(Problem::from))
            .await
    }

    /// The same for work that knows its own problems.
    pub(crate) async fn block<T: Send + 'static>(
        self,
        work: impl FnOnce(&Desk, &Access) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let Caller {
            app, access, request, ..
        } = self;
        app.block(move |desk| match request {
            Some(request) => work(&desk.asked_by(&request), &access),
            None => work(desk, &access),
        })
        .await
    }

    /// The same caller, whose changes are those of a request with a key of its own.
    pub(crate) fn with_request(&self, request: Running) -> Caller {
        Caller {
            request: Some(request),
            ..self.clone()
        }
    }

    /// Somebody whom a test recognises.
    #[cfg(test)]
    pub(crate) fn of(app: App, access: Access) -> Caller {
        Caller {
            app,
            access,
            session: None,
            request: None,
        }
    }

    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) fn session(&self) -> Option<&SessionOf> {
        self.session.as_ref()
    }

    /// The language of whoever asks; programs have none.
    pub(crate) fn locale(&self) -> Option<Locale> {
        let session = self.session.as_ref()?;
        Some(session.signed.account.fields.locale)
    }

    /// Recognises somebody by the headers of a request.
    pub(crate) async fn recognise(
        app: &App,
        headers: &HeaderMap,
        method: &Method,
    ) -> Result<Caller, Problem> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let secret = value
                .to_str()
                .ok()
                .and_then(|text| text.strip_prefix("Bearer "))
                .ok_or_else(|| {
                    Problem::unauthenticated("the header Authorization is not `Bearer` and a key")
                })?
                .trim()
                .to_owned();
            let access = app.run(move |desk| keys::authenticate(desk, &secret)).await?;
            return Ok(Caller {
                app: app.clone(),
                access,
                session: None,
                request: None,
            });
        }
        let token = cookie(headers, COOKIE)
            .ok_or_else(|| Problem::unauthenticated("there is neither a session nor a key"))?
            .to_owned();
        let presented = token.clone();
        let signed = app
            .run(move |desk| sessions::authenticate(desk, &presented))
            .await?;
        if !method.is_safe() {
            let given = headers.get(CSRF).and_then(|value| value.to_str().ok());
            if !given.is_some_and(|given| sessions::is_csrf_token(&token, given)) {
                return Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    "csrf",
                    "the request does not come from our pages",
                    "the header X-CSRF-Token is missing or is not this session's",
                    "Send the `csrf` of GET /api/v1/session as X-CSRF-Token.",
                ));
            }
        }
        Ok(Caller {
            app: app.clone(),
            access: signed.access.clone(),
            session: Some(SessionOf { token, signed }),
            request: None,
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The layer below put it there; without that layer nobody was recognised.
        parts
            .extensions
            .get::<Caller>()
            .cloned()
            .ok_or_else(|| Problem::unauthenticated("there is neither a session nor a key"))
    }
}

/// Lets only those pass who are recognised, and keeps answers to requests that have a key of their own.
pub(crate) async fn admit(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let caller = Caller::recognise(&app, request.headers(), request.method()).await?;
    let spoken = caller.locale().map(SpokenBy);
    let mut response = let_in(&app, caller, request, next)
        .await
        .unwrap_or_else(IntoResponse::into_response);
    if let Some(spoken) = spoken {
        response.extensions_mut().insert(spoken);
    }
    Ok(response)
}

async fn let_in(app: &App, caller: Caller, mut request: Request, next: Next) -> Result<Response, Problem> {
    // An inventory is held in memory, and may be large: whoever may bring none is told so before it is read.
    let is_inventory = request.method() == Method::POST && request.uri().path().ends_with("/inventories");
    if is_inventory && !caller.access.may(Verb::Inventory) {
        return Err(Error::Forbidden {
            verb: Verb::Inventory,
            role: caller.access.role(),
        }
        .into());
    }
    if let Some(wait) = app
        .rates()
        .take(&format!("actor:{}", caller.access.actor().id), false)
    {
        return Err(Problem::too_many(wait));
    }
    let is_once = idempotency::is_once(request.method(), request.uri().path());
    match request.headers().get("idempotency-key").cloned() {
        Some(key) if is_once => idempotency::once(&caller, &key, request, next).await,
        _ => {
            request.extensions_mut().insert(caller);
            Ok(next.run(request).await)
        }
    }
}

/// Lets everybody pass, not too often.
pub(crate) async fn admit_anybody(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let name = format!("address:{}", address::counted_by(request.extensions()));
    match app.rates().take(&name, true) {
        Some(wait) => Err(Problem::too_many(wait)),
        None => Ok(next.run(request).await),
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Where a request comes from.
pub(crate) fn address_of(extensions: &axum::http::Extensions) -> String {
    address::of(extensions)
}

/// What a browser says it is.
pub(crate) fn user_agent_of(headers: &HeaderMap) -> String {
    let said = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    said.unwrap_or_default().to_owned()
}
