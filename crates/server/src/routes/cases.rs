//! Cases: the queue, the work in them, and what they rest on.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::cases::items::{self, Body as ItemBody, Item};
use vigie_desk::cases::{
    self, Case, CaseFields, CaseFilter, CaseLink, CaseState, LinkKind, NewCase, QueueEntry,
};
use vigie_desk::{AccountId, CaseId, ItemId, Page, PageRequest, ServerId};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, IfMatch, IfMatchHeader, Path, Query};
use crate::output::{Answer, Done, Revised, Tagged};

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_cases, open_case))
        .routes(routes!(case_queue))
        .routes(routes!(take_case))
        .routes(routes!(get_case, change_case))
        .routes(routes!(set_case_servers))
        .routes(routes!(set_case_state))
        .routes(routes!(assign_case))
        .routes(routes!(list_case_items, add_case_item))
        .routes(routes!(change_case_item, remove_case_item))
        .routes(routes!(list_case_links))
        .routes(routes!(link_case, unlink_case))
}

/// Cases, newest first.
#[utoipa::path(get, path = "/cases", tag = "cases", params(CaseFilter, PageRequest),
    responses((status = 200, body = Page<Case>)))]
pub(crate) async fn list_cases(
    caller: Caller,
    Query(filter): Query<CaseFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Case>> {
    caller
        .ask(move |desk, access| cases::list(desk, access, &filter, &page))
        .await
        .map(Json)
}

/// Opens a case.
#[utoipa::path(post, path = "/cases", tag = "cases", request_body = NewCase,
    responses((status = 201, body = Case)))]
pub(crate) async fn open_case(caller: Caller, Body(new): Body<NewCase>) -> Revised<Case> {
    caller
        .ask(move |desk, access| cases::open(desk, access, &new))
        .await
        .map(Tagged::made)
}

/// Cases that wait, in the order in which they are taken, and why each stands where it does.
#[utoipa::path(get, path = "/cases/queue", tag = "cases", responses((status = 200, body = Vec<QueueEntry>)))]
pub(crate) async fn case_queue(caller: Caller) -> Answer<Vec<QueueEntry>> {
    caller.ask(cases::queue).await.map(Json)
}

/// Takes the next case of the queue: it is assigned to whoever asks. `null` when none waits.
#[utoipa::path(post, path = "/cases/queue/take", tag = "cases", responses((status = 200, body = Option<Case>)))]
pub(crate) async fn take_case(caller: Caller) -> Answer<Option<Case>> {
    caller.ask(cases::take_next).await.map(Json)
}

/// A case and the servers it is about.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseDetail {
    /// The case.
    #[serde(flatten)]
    case: Case,
    /// The servers it is about.
    servers: Vec<ServerId>,
}

impl crate::output::Revision for CaseDetail {
    fn revision(&self) -> i64 {
        self.case.revision
    }
}

/// One case.
#[utoipa::path(get, path = "/cases/{id}", tag = "cases", params(("id" = CaseId, Path)),
    responses((status = 200, body = CaseDetail)))]
pub(crate) async fn get_case(caller: Caller, Path(id): Path<CaseId>) -> Revised<CaseDetail> {
    let (case, servers) = caller
        .ask(move |desk, access| cases::get(desk, access, &id))
        .await?;
    Ok(Tagged::found(CaseDetail { case, servers }))
}

/// Says something else of a case.
#[utoipa::path(put, path = "/cases/{id}", tag = "cases", params(("id" = CaseId, Path), IfMatchHeader),
    request_body = CaseFields, responses((status = 200, body = Case)))]
pub(crate) async fn change_case(
    caller: Caller,
    Path(id): Path<CaseId>,
    IfMatch(revision): IfMatch,
    Body(fields): Body<CaseFields>,
) -> Revised<Case> {
    caller
        .ask(move |desk, access| cases::change(desk, access, &id, revision, &fields))
        .await
        .map(Tagged::found)
}

/// Servers of a case.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseServers {
    /// All of them, of the case's tenant.
    servers: Vec<ServerId>,
}

/// Says which servers a case is about.
#[utoipa::path(put, path = "/cases/{id}/servers", tag = "cases", params(("id" = CaseId, Path), IfMatchHeader),
    request_body = CaseServers, responses((status = 200, body = Case)))]
pub(crate) async fn set_case_servers(
    caller: Caller,
    Path(id): Path<CaseId>,
    IfMatch(revision): IfMatch,
    Body(new): Body<CaseServers>,
) -> Revised<Case> {
    caller
        .ask(move |desk, access| cases::set_servers(desk, access, &id, revision, &new.servers))
        .await
        .map(Tagged::found)
}

/// The state of a case.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewState {
    /// The new one.
    state: CaseState,
    /// What came of it; needed to close it.
    #[serde(default)]
    resolution: String,
}

/// Moves a case on, closes it, or opens it again.
#[utoipa::path(post, path = "/cases/{id}/state", tag = "cases", params(("id" = CaseId, Path), IfMatchHeader),
    request_body = NewState, responses((status = 200, body = Case)))]
pub(crate) async fn set_case_state(
    caller: Caller,
    Path(id): Path<CaseId>,
    IfMatch(revision): IfMatch,
    Body(new): Body<NewState>,
) -> Revised<Case> {
    caller
        .ask(move |desk, access| cases::set_state(desk, access, &id, revision, new.state, &new.resolution))
        .await
        .map(Tagged::found)
}

/// Who is to work on a case.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assign {
    /// Who; `null` gives it back to the queue.
    to: Option<AccountId>,
}

/// Gives a case to somebody.
#[utoipa::path(post, path = "/cases/{id}/assign", tag = "cases", params(("id" = CaseId, Path), IfMatchHeader),
    request_body = Assign, responses((status = 200, body = Case)))]
pub(crate) async fn assign_case(
    caller: Caller,
    Path(id): Path<CaseId>,
    IfMatch(revision): IfMatch,
    Body(new): Body<Assign>,
) -> Revised<Case> {
    caller
        .ask(move |desk, access| cases::assign(desk, access, &id, revision, new.to.as_ref()))
        .await
        .map(Tagged::found)
}

/// Tasks, notes, entities and moments of a case.
#[utoipa::path(get, path = "/cases/{id}/items", tag = "cases", params(("id" = CaseId, Path)),
    responses((status = 200, body = Vec<Item>)))]
pub(crate) async fn list_case_items(caller: Caller, Path(id): Path<CaseId>) -> Answer<Vec<Item>> {
    caller
        .ask(move |desk, access| items::list(desk, access, &id))
        .await
        .map(Json)
}

/// Adds a task, a note, an entity or a moment.
#[utoipa::path(post, path = "/cases/{id}/items", tag = "cases", params(("id" = CaseId, Path)),
    request_body = ItemBody, responses((status = 201, body = Item)))]
pub(crate) async fn add_case_item(
    caller: Caller,
    Path(id): Path<CaseId>,
    Body(body): Body<ItemBody>,
) -> Revised<Item> {
    caller
        .ask(move |desk, access| items::add(desk, access, &id, &body))
        .await
        .map(Tagged::made)
}

/// Changes a task, a note, an entity or a moment.
#[utoipa::path(put, path = "/cases/{id}/items/{item}", tag = "cases",
    params(("id" = CaseId, Path), ("item" = ItemId, Path), IfMatchHeader), request_body = ItemBody,
    responses((status = 200, body = Item)))]
pub(crate) async fn change_case_item(
    caller: Caller,
    Path((id, item)): Path<(CaseId, ItemId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<ItemBody>,
) -> Revised<Item> {
    caller
        .ask(move |desk, access| items::change(desk, access, &id, &item, revision, &body))
        .await
        .map(Tagged::found)
}

/// Takes an item out of a case. What it said stays in the log.
#[utoipa::path(delete, path = "/cases/{id}/items/{item}", tag = "cases",
    params(("id" = CaseId, Path), ("item" = ItemId, Path), IfMatchHeader), responses((status = 204)))]
pub(crate) async fn remove_case_item(
    caller: Caller,
    Path((id, item)): Path<(CaseId, ItemId)>,
    IfMatch(revision): IfMatch,
) -> Done {
    caller
        .ask(move |desk, access| items::remove(desk, access, &id, &item, revision))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a case rests on: findings, alerts, evidence.
#[utoipa::path(get, path = "/cases/{id}/links", tag = "cases", params(("id" = CaseId, Path)),
    responses((status = 200, body = Vec<CaseLink>)))]
pub(crate) async fn list_case_links(caller: Caller, Path(id): Path<CaseId>) -> Answer<Vec<CaseLink>> {
    caller
        .ask(move |desk, access| cases::links(desk, access, &id))
        .await
        .map(Json)
}

/// Links a finding, an alert or evidence to a case.
#[utoipa::path(put, path = "/cases/{id}/links/{kind}/{ref_id}", tag = "cases",
    params(("id" = CaseId, Path), ("kind" = LinkKind, Path), ("ref_id" = String, Path, format = "uuid")),
    responses((status = 204)))]
pub(crate) async fn link_case(
    caller: Caller,
    Path((id, kind, ref_id)): Path<(CaseId, LinkKind, String)>,
) -> Done {
    caller
        .ask(move |desk, access| cases::link(desk, access, &id, kind, &ref_id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Unlinks it again.
#[utoipa::path(delete, path = "/cases/{id}/links/{kind}/{ref_id}", tag = "cases",
    params(("id" = CaseId, Path), ("kind" = LinkKind, Path), ("ref_id" = String, Path, format = "uuid")),
    responses((status = 204)))]
pub(crate) async fn unlink_case(
    caller: Caller,
    Path((id, kind, ref_id)): Path<(CaseId, LinkKind, String)>,
) -> Done {
    caller
        .ask(move |desk, access| cases::unlink(desk, access, &id, kind, &ref_id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
