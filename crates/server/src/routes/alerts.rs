//! Alerts that other systems raised.

use axum::Json;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::alerts::{self, Alert, AlertFilter, AlertState, NewAlert};
use vigie_desk::{AlertId, Page, PageRequest};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, IfMatch, IfMatchHeader, Path, Query};
use crate::output::{Answer, Revised, Tagged};

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_alerts, push_alert))
        .routes(routes!(get_alert))
        .routes(routes!(decide_alert))
}

/// Alerts, newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(AlertFilter, PageRequest),
    responses((status = 200, body = Page<Alert>)))]
pub(crate) async fn list_alerts(
    caller: Caller,
    Query(filter): Query<AlertFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Alert>> {
    caller
        .ask(move |desk, access| alerts::list(desk, access, &filter, &page))
        .await
        .map(Json)
}

/// Brings an alert in. The same one of the same source twice is one.
#[utoipa::path(post, path = "/alerts", tag = "alerts", request_body = NewAlert,
    responses((status = 201, body = Alert)))]
pub(crate) async fn push_alert(caller: Caller, Body(new): Body<NewAlert>) -> Revised<Alert> {
    caller
        .ask(move |desk, access| alerts::push(desk, access, &new))
        .await
        .map(Tagged::made)
}

/// One alert.
#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", params(("id" = AlertId, Path)),
    responses((status = 200, body = Alert)))]
pub(crate) async fn get_alert(caller: Caller, Path(id): Path<AlertId>) -> Revised<Alert> {
    caller
        .ask(move |desk, access| alerts::get(desk, access, &id))
        .await
        .map(Tagged::found)
}

/// What is decided on an alert.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideAlert {
    /// Its new state.
    state: AlertState,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// Decides on an alert.
#[utoipa::path(post, path = "/alerts/{id}/decide", tag = "alerts", params(("id" = AlertId, Path), IfMatchHeader),
    request_body = DecideAlert, responses((status = 200, body = Alert)))]
pub(crate) async fn decide_alert(
    caller: Caller,
    Path(id): Path<AlertId>,
    IfMatch(revision): IfMatch,
    Body(new): Body<DecideAlert>,
) -> Revised<Alert> {
    caller
        .ask(move |desk, access| alerts::decide(desk, access, &id, revision, new.state, &new.reason))
        .await
        .map(Tagged::found)
}
