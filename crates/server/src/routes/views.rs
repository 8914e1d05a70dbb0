//! Saved views of lists.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::ViewId;
use vigie_desk::views::{self, NewView, SavedView, ViewFields, ViewPage};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, IfMatch, IfMatchHeader, Path, Query};
use crate::output::{Answer, Done, Revised, Tagged};

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_views, save_view))
        .routes(routes!(change_view, remove_view))
}

/// Of which list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ViewsOf {
    /// The list.
    page: ViewPage,
}

/// One's own views of a list and those that colleagues share, by name.
#[utoipa::path(get, path = "/views", tag = "views", params(ViewsOf),
    responses((status = 200, body = Vec<SavedView>)))]
pub(crate) async fn list_views(caller: Caller, Query(of): Query<ViewsOf>) -> Answer<Vec<SavedView>> {
    caller
        .ask(move |desk, access| views::list(desk, access, of.page))
        .await
        .map(Json)
}

/// Saves a view under a name.
#[utoipa::path(post, path = "/views", tag = "views", request_body = NewView,
    responses((status = 201, body = SavedView)))]
pub(crate) async fn save_view(caller: Caller, Body(new): Body<NewView>) -> Revised<SavedView> {
    caller
        .ask(move |desk, access| views::save(desk, access, &new))
        .await
        .map(Tagged::made)
}

/// Changes one's own view.
#[utoipa::path(put, path = "/views/{id}", tag = "views", params(("id" = ViewId, Path), IfMatchHeader),
    request_body = ViewFields, responses((status = 200, body = SavedView)))]
pub(crate) async fn change_view(
    caller: Caller,
    Path(id): Path<ViewId>,
    IfMatch(revision): IfMatch,
    Body(fields): Body<ViewFields>,
) -> Revised<SavedView> {
    caller
        .ask(move |desk, access| views::change(desk, access, &id, revision, &fields))
        .await
        .map(Tagged::found)
}

/// Removes one's own view.
#[utoipa::path(delete, path = "/views/{id}", tag = "views", params(("id" = ViewId, Path)),
    responses((status = 204)))]
pub(crate) async fn remove_view(caller: Caller, Path(id): Path<ViewId>) -> Done {
    caller
        .ask(move |desk, access| views::remove(desk, access, &id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
