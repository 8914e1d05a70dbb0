//! Servers, what was observed of them, and what is said of them.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::cells::{self, Cell, NewStatement, Stage, Statement};
use vigie_desk::hunts::{self, HuntServer};
use vigie_desk::observations::{self, NewObservation, Observation};
use vigie_desk::servers::{self, Server, ServerFields, ServerFilter};
use vigie_desk::{CampaignId, PageRequest, ServerId, TenantId, exposure, packs};

use super::Counted;
use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, IfMatch, IfMatchHeader, Path, Query};
use crate::output::{Answer, Done, Revised, Tagged};
use crate::problem::Problem;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_servers, create_server))
        .routes(routes!(get_server, change_server))
        .routes(routes!(archive_server))
        .routes(routes!(restore_server))
        .routes(routes!(list_observations, add_observation))
        .routes(routes!(server_cells))
        .routes(routes!(say_cell))
        .routes(routes!(cell_statements))
        .routes(routes!(server_exposure))
        .routes(routes!(server_hunts))
}

/// Servers, by name.
#[utoipa::path(get, path = "/servers", tag = "servers", params(ServerFilter, PageRequest),
    responses((status = 200, body = Counted<Server>)))]
pub(crate) async fn list_servers(
    caller: Caller,
    Query(filter): Query<ServerFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Counted<Server>> {
    caller
        .ask(move |desk, access| {
            let found = servers::list(desk, access, &filter, &page)?;
            Ok(Counted::new(found, servers::count(desk, access, &filter)?))
        })
        .await
        .map(Json)
}

/// A new server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewServer {
    /// Whose it is.
    tenant_id: TenantId,
    /// What is said of it.
    fields: ServerFields,
}

/// Enters a server.
#[utoipa::path(post, path = "/servers", tag = "servers", request_body = NewServer,
    responses((status = 201, body = Server)))]
pub(crate) async fn create_server(caller: Caller, Body(new): Body<NewServer>) -> Revised<Server> {
    caller
        .ask(move |desk, access| servers::create(desk, access, &new.tenant_id, &new.fields))
        .await
        .map(Tagged::made)
}

/// One server.
#[utoipa::path(get, path = "/servers/{id}", tag = "servers", params(("id" = ServerId, Path)),
    responses((status = 200, body = Server)))]
pub(crate) async fn get_server(caller: Caller, Path(id): Path<ServerId>) -> Revised<Server> {
    caller
        .ask(move |desk, access| servers::get(desk, access, &id))
        .await
        .map(Tagged::found)
}

/// Says something else of a server.
#[utoipa::path(put, path = "/servers/{id}", tag = "servers", params(("id" = ServerId, Path), IfMatchHeader),
    request_body = ServerFields, responses((status = 200, body = Server)))]
pub(crate) async fn change_server(
    caller: Caller,
    Path(id): Path<ServerId>,
    IfMatch(revision): IfMatch,
    Body(fields): Body<ServerFields>,
) -> Revised<Server> {
    caller
        .ask(move |desk, access| servers::change(desk, access, &id, revision, &fields))
        .await
        .map(Tagged::found)
}

/// Archives a server that is no more. Nothing of it is deleted.
#[utoipa::path(post, path = "/servers/{id}/archive", tag = "servers",
    params(("id" = ServerId, Path), IfMatchHeader), responses((status = 200, body = Server)))]
pub(crate) async fn archive_server(
    caller: Caller,
    Path(id): Path<ServerId>,
    IfMatch(revision): IfMatch,
) -> Revised<Server> {
    caller
        .ask(move |desk, access| servers::set_archived(desk, access, &id, revision, true))
        .await
        .map(Tagged::found)
}

/// Takes an archived server back.
#[utoipa::path(post, path = "/servers/{id}/restore", tag = "servers",
    params(("id" = ServerId, Path), IfMatchHeader), responses((status = 200, body = Server)))]
pub(crate) async fn restore_server(
    caller: Caller,
    Path(id): Path<ServerId>,
    IfMatch(revision): IfMatch,
) -> Revised<Server> {
    caller
        .ask(move |desk, access| servers::set_archived(desk, access, &id, revision, false))
        .await
        .map(Tagged::found)
}

/// What was observed of a server.
#[utoipa::path(get, path = "/servers/{id}/observations", tag = "servers", params(("id" = ServerId, Path)),
    responses((status = 200, body = Vec<Observation>)))]
pub(crate) async fn list_observations(caller: Caller, Path(id): Path<ServerId>) -> Answer<Vec<Observation>> {
    caller
        .ask(move |desk, access| observations::list(desk, access, &id))
        .await
        .map(Json)
}

/// Adds what somebody observed of a server. Nothing is overwritten.
#[utoipa::path(post, path = "/servers/{id}/observations", tag = "servers", params(("id" = ServerId, Path)),
    request_body = NewObservation, responses((status = 204)))]
pub(crate) async fn add_observation(
    caller: Caller,
    Path(id): Path<ServerId>,
    Body(new): Body<NewObservation>,
) -> Done {
    caller
        .ask(move |desk, access| observations::add(desk, access, &id, &new))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The cells of a server, by campaign.
#[utoipa::path(get, path = "/servers/{id}/cells", tag = "servers", params(("id" = ServerId, Path)),
    responses((status = 200, body = BTreeMap<String, Vec<Cell>>)))]
pub(crate) async fn server_cells(
    caller: Caller,
    Path(id): Path<ServerId>,
) -> Answer<BTreeMap<CampaignId, Vec<Cell>>> {
    caller
        .ask(move |desk, access| cells::of_server(desk, access, &id))
        .await
        .map(Json)
}

/// Says what a person knows of a cell, with the reason.
#[utoipa::path(post, path = "/servers/{id}/cells/{campaign}", tag = "servers",
    params(("id" = ServerId, Path), ("campaign" = CampaignId, Path)), request_body = NewStatement,
    responses((status = 200, body = Cell)))]
pub(crate) async fn say_cell(
    caller: Caller,
    Path((id, campaign)): Path<(ServerId, CampaignId)>,
    Body(new): Body<NewStatement>,
) -> Answer<Cell> {
    caller
        .ask(move |desk, access| cells::say(desk, access, &campaign, &id, &new))
        .await
        .map(Json)
}

/// Everything that was said of a cell, newest first.
#[utoipa::path(get, path = "/servers/{id}/cells/{campaign}/{stage}", tag = "servers",
    params(("id" = ServerId, Path), ("campaign" = CampaignId, Path), ("stage" = Stage, Path)),
    responses((status = 200, body = Vec<Statement>)))]
pub(crate) async fn cell_statements(
    caller: Caller,
    Path((id, campaign, stage)): Path<(ServerId, CampaignId, Stage)>,
) -> Answer<Vec<Statement>> {
    caller
        .ask(move |desk, access| cells::statements(desk, access, &campaign, &id, stage))
        .await
        .map(Json)
}

/// Which threat.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfPack {
    /// The pack's name.
    pack: String,
}

/// A server's exposure to a pack's threat, over time, with what each answer rests on.
#[utoipa::path(get, path = "/servers/{id}/exposure", tag = "servers", params(("id" = ServerId, Path), OfPack),
    responses((status = 200, body = Object)))]
pub(crate) async fn server_exposure(
    caller: Caller,
    Path(id): Path<ServerId>,
    Query(of): Query<OfPack>,
) -> Answer<serde_json::Value> {
    caller
        .block(move |desk, access| {
            let pack = packs::load(desk, &of.pack)?;
            let assessment = exposure::of_server(desk, access, &id, &pack)?;
            serde_json::to_value(assessment).map_err(|error| Problem::internal(&error.to_string()))
        })
        .await
        .map(Json)
}

/// What hunts said of a server, newest first.
#[utoipa::path(get, path = "/servers/{id}/hunts", tag = "servers", params(("id" = ServerId, Path)),
    responses((status = 200, body = Vec<HuntServer>)))]
pub(crate) async fn server_hunts(caller: Caller, Path(id): Path<ServerId>) -> Answer<Vec<HuntServer>> {
    caller
        .ask(move |desk, access| hunts::of_server(desk, access, &id))
        .await
        .map(Json)
}
