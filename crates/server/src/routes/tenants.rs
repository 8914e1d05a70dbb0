//! Tenants.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::tenants::{self, Tenant, TenantFields, TenantFilter};
use vigie_desk::{PageRequest, TenantId};

use super::Counted;
use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, IfMatch, IfMatchHeader, Path, Query};
use crate::output::{Answer, Revised, Tagged};

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_tenants, create_tenant))
        .routes(routes!(get_tenant, change_tenant))
        .routes(routes!(archive_tenant))
        .routes(routes!(restore_tenant))
}

/// Tenants, by name.
#[utoipa::path(get, path = "/tenants", tag = "tenants", params(TenantFilter, PageRequest),
    responses((status = 200, body = Counted<Tenant>)))]
pub(crate) async fn list_tenants(
    caller: Caller,
    Query(filter): Query<TenantFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Counted<Tenant>> {
    caller
        .ask(move |desk, access| {
            let found = tenants::list(desk, access, &filter, &page)?;
            Ok(Counted::new(found, tenants::count(desk, access, &filter)?))
        })
        .await
        .map(Json)
}

/// Enters a tenant. Only whoever is there for all tenants can.
#[utoipa::path(post, path = "/tenants", tag = "tenants", request_body = TenantFields,
    responses((status = 201, body = Tenant)))]
pub(crate) async fn create_tenant(caller: Caller, Body(fields): Body<TenantFields>) -> Revised<Tenant> {
    caller
        .ask(move |desk, access| tenants::create(desk, access, &fields))
        .await
        .map(Tagged::made)
}

/// One tenant.
#[utoipa::path(get, path = "/tenants/{id}", tag = "tenants", params(("id" = TenantId, Path)),
    responses((status = 200, body = Tenant)))]
pub(crate) async fn get_tenant(caller: Caller, Path(id): Path<TenantId>) -> Revised<Tenant> {
    caller
        .ask(move |desk, access| tenants::get(desk, access, &id))
        .await
        .map(Tagged::found)
}

/// Says something else of a tenant.
#[utoipa::path(put, path = "/tenants/{id}", tag = "tenants", params(("id" = TenantId, Path), IfMatchHeader),
    request_body = TenantFields, responses((status = 200, body = Tenant)))]
pub(crate) async fn change_tenant(
    caller: Caller,
    Path(id): Path<TenantId>,
    IfMatch(revision): IfMatch,
    Body(fields): Body<TenantFields>,
) -> Revised<Tenant> {
    caller
        .ask(move |desk, access| tenants::change(desk, access, &id, revision, &fields))
        .await
        .map(Tagged::found)
}

/// Archives a tenant that ceased to be a client. Nothing of it is deleted.
#[utoipa::path(post, path = "/tenants/{id}/archive", tag = "tenants",
    params(("id" = TenantId, Path), IfMatchHeader), responses((status = 200, body = Tenant)))]
pub(crate) async fn archive_tenant(
    caller: Caller,
    Path(id): Path<TenantId>,
    IfMatch(revision): IfMatch,
) -> Revised<Tenant> {
    caller
        .ask(move |desk, access| tenants::set_archived(desk, access, &id, revision, true))
        .await
        .map(Tagged::found)
}

/// Takes an archived tenant back.
#[utoipa::path(post, path = "/tenants/{id}/restore", tag = "tenants",
    params(("id" = TenantId, Path), IfMatchHeader), responses((status = 200, body = Tenant)))]
pub(crate) async fn restore_tenant(
    caller: Caller,
    Path(id): Path<TenantId>,
    IfMatch(revision): IfMatch,
) -> Revised<Tenant> {
    caller
        .ask(move |desk, access| tenants::set_archived(desk, access, &id, revision, false))
        .await
        .map(Tagged::found)
}
