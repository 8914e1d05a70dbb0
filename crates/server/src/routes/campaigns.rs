//! Campaigns: the board, its counts and its curves.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::board::{self, Board, BoardFilter, Curves, StageSummary};
use vigie_desk::campaigns::{self, Campaign, NewCampaign};
use vigie_desk::exposure::{self, Assessed};
use vigie_desk::hunts;
use vigie_desk::jobs::Job;
use vigie_desk::{CampaignId, Page, PageRequest, TenantId, Time, Verb, packs};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, IfMatch, IfMatchHeader, Path, Query};
use crate::output::{Answer, Done, Revised, Tagged};

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_campaigns, open_campaign))
        .routes(routes!(get_campaign))
        .routes(routes!(campaign_tenants, add_campaign_tenants))
        .routes(routes!(remove_campaign_tenant))
        .routes(routes!(close_campaign))
        .routes(routes!(reopen_campaign))
        .routes(routes!(revise_campaign))
        .routes(routes!(assess_campaign))
        .routes(routes!(rehunt_campaign))
        .routes(routes!(campaign_board))
        .routes(routes!(campaign_summary))
        .routes(routes!(campaign_curves))
}

/// Campaigns, newest first.
#[utoipa::path(get, path = "/campaigns", tag = "campaigns", params(PageRequest),
    responses((status = 200, body = Page<Campaign>)))]
pub(crate) async fn list_campaigns(
    caller: Caller,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Campaign>> {
    caller
        .ask(move |desk, access| campaigns::list(desk, access, &page))
        .await
        .map(Json)
}

/// Opens a campaign for tenants. Managed tenants' clocks start, and what is known of exposure is worked out.
#[utoipa::path(post, path = "/campaigns", tag = "campaigns", request_body = NewCampaign,
    responses((status = 201, body = Campaign)))]
pub(crate) async fn open_campaign(caller: Caller, Body(new): Body<NewCampaign>) -> Revised<Campaign> {
    caller
        .ask(move |desk, access| {
            // A campaign without a pack could neither assess nor hunt.
            let pack = packs::load(desk, &new.pack)?;
            let campaign = campaigns::open(desk, access, &new)?;
            if access.may(Verb::Inventory) {
                exposure::assess(desk, access, &campaign.id, &pack)?;
            }
            campaigns::get(desk, access, &campaign.id)
        })
        .await
        .map(Tagged::made)
}

/// One campaign.
#[utoipa::path(get, path = "/campaigns/{id}", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Campaign)))]
pub(crate) async fn get_campaign(caller: Caller, Path(id): Path<CampaignId>) -> Revised<Campaign> {
    caller
        .ask(move |desk, access| campaigns::get(desk, access, &id))
        .await
        .map(Tagged::found)
}

/// The tenants of a campaign that one may see.
#[utoipa::path(get, path = "/campaigns/{id}/tenants", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Vec<TenantId>)))]
pub(crate) async fn campaign_tenants(caller: Caller, Path(id): Path<CampaignId>) -> Answer<Vec<TenantId>> {
    caller
        .ask(move |desk, access| campaigns::tenants(desk, access, &id))
        .await
        .map(Json)
}

/// Tenants for a campaign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tenants {
    /// Their identifiers.
    tenants: Vec<TenantId>,
}

/// Brings tenants into an open campaign; those that are in it stay.
#[utoipa::path(post, path = "/campaigns/{id}/tenants", tag = "campaigns", params(("id" = CampaignId, Path)),
    request_body = Tenants, responses((status = 200, body = Campaign)))]
pub(crate) async fn add_campaign_tenants(
    caller: Caller,
    Path(id): Path<CampaignId>,
    Body(new): Body<Tenants>,
) -> Revised<Campaign> {
    caller
        .ask(move |desk, access| {
            let campaign = campaigns::add_tenants(desk, access, &id, &new.tenants)?;
            if access.may(Verb::Inventory) {
                exposure::assess(desk, access, &id, &packs::load(desk, &campaign.pack)?)?;
            }
            campaigns::get(desk, access, &id)
        })
        .await
        .map(Tagged::found)
}

/// Takes a tenant out of a campaign. What was said of its servers stays.
#[utoipa::path(delete, path = "/campaigns/{id}/tenants/{tenant}", tag = "campaigns",
    params(("id" = CampaignId, Path), ("tenant" = TenantId, Path)), responses((status = 204)))]
pub(crate) async fn remove_campaign_tenant(
    caller: Caller,
    Path((id, tenant)): Path<(CampaignId, TenantId)>,
) -> Done {
    caller
        .ask(move |desk, access| campaigns::remove_tenant(desk, access, &id, &tenant))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes a campaign.
#[utoipa::path(post, path = "/campaigns/{id}/close", tag = "campaigns",
    params(("id" = CampaignId, Path), IfMatchHeader), responses((status = 200, body = Campaign)))]
pub(crate) async fn close_campaign(
    caller: Caller,
    Path(id): Path<CampaignId>,
    IfMatch(revision): IfMatch,
) -> Revised<Campaign> {
    caller
        .ask(move |desk, access| campaigns::set_closed(desk, access, &id, revision, true))
        .await
        .map(Tagged::found)
}

/// Opens a closed campaign again.
#[utoipa::path(post, path = "/campaigns/{id}/reopen", tag = "campaigns",
    params(("id" = CampaignId, Path), IfMatchHeader), responses((status = 200, body = Campaign)))]
pub(crate) async fn reopen_campaign(
    caller: Caller,
    Path(id): Path<CampaignId>,
    IfMatch(revision): IfMatch,
) -> Revised<Campaign> {
    caller
        .ask(move |desk, access| campaigns::set_closed(desk, access, &id, revision, false))
        .await
        .map(Tagged::found)
}

/// A new version of a campaign's pack.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revise {
    /// The version.
    pack_version: String,
}

/// Gives a campaign a new version of its pack. What was hunted with the old one counts as outdated.
#[utoipa::path(post, path = "/campaigns/{id}/revise", tag = "campaigns",
    params(("id" = CampaignId, Path), IfMatchHeader), request_body = Revise,
    responses((status = 200, body = Campaign)))]
pub(crate) async fn revise_campaign(
    caller: Caller,
    Path(id): Path<CampaignId>,
    IfMatch(revision): IfMatch,
    Body(new): Body<Revise>,
) -> Revised<Campaign> {
    caller
        .ask(move |desk, access| campaigns::revise(desk, access, &id, revision, &new.pack_version))
        .await
        .map(Tagged::found)
}

/// Works out the exposure of a campaign's servers anew from all observations.
#[utoipa::path(post, path = "/campaigns/{id}/assess", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Assessed)))]
pub(crate) async fn assess_campaign(caller: Caller, Path(id): Path<CampaignId>) -> Answer<Assessed> {
    caller
        .ask(move |desk, access| {
            let campaign = campaigns::get(desk, access, &id)?;
            exposure::assess(desk, access, &id, &packs::load(desk, &campaign.pack)?)
        })
        .await
        .map(Json)
}

/// Hunts all stored evidence of a campaign again with the present version of its pack.
#[utoipa::path(post, path = "/campaigns/{id}/rehunt", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 202, body = Vec<Job>)))]
pub(crate) async fn rehunt_campaign(
    caller: Caller,
    Path(id): Path<CampaignId>,
) -> Result<(StatusCode, Json<Vec<Job>>), crate::problem::Problem> {
    let jobs = caller
        .ask(move |desk, access| hunts::rehunt(desk, access, &id))
        .await?;
    Ok((StatusCode::ACCEPTED, Json(jobs)))
}

/// The board: tenants as rows, their servers below, and what each cell says now.
#[utoipa::path(get, path = "/campaigns/{id}/board", tag = "campaigns",
    params(("id" = CampaignId, Path), BoardFilter, PageRequest), responses((status = 200, body = Board)))]
pub(crate) async fn campaign_board(
    caller: Caller,
    Path(id): Path<CampaignId>,
    Query(filter): Query<BoardFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Board> {
    caller
        .ask(move |desk, access| board::board(desk, access, &id, &filter, &page))
        .await
        .map(Json)
}

/// The counts of a campaign.
#[derive(Serialize, ToSchema)]
pub(crate) struct Summary {
    /// The campaign.
    campaign: Campaign,
    /// The moment at which all of this is true.
    as_of: Time,
    /// Tenants of the campaign within sight.
    tenants_total: i64,
    /// Servers of the campaign within sight.
    servers_total: i64,
    /// Tenants with a server that fits.
    tenants_matching: i64,
    /// Servers that fit: what `stages` are counts of.
    servers_matching: i64,
    /// How many servers that fit say what, by stage.
    stages: Vec<StageSummary>,
}

/// The counts of the board, without its rows.
#[utoipa::path(get, path = "/campaigns/{id}/summary", tag = "campaigns",
    params(("id" = CampaignId, Path), BoardFilter), responses((status = 200, body = Summary)))]
pub(crate) async fn campaign_summary(
    caller: Caller,
    Path(id): Path<CampaignId>,
    Query(filter): Query<BoardFilter>,
) -> Answer<Summary> {
    let board = caller
        .ask(move |desk, access| board::board(desk, access, &id, &filter, &PageRequest::first(1)))
        .await?;
    Ok(Json(Summary {
        campaign: board.campaign,
        as_of: board.as_of,
        tenants_total: board.tenants_total,
        servers_total: board.servers_total,
        tenants_matching: board.tenants_matching,
        servers_matching: board.servers_matching,
        stages: board.stages,
    }))
}

/// How what is known grew over time.
#[utoipa::path(get, path = "/campaigns/{id}/curves", tag = "campaigns", params(("id" = CampaignId, Path)),
    responses((status = 200, body = Curves)))]
pub(crate) async fn campaign_curves(caller: Caller, Path(id): Path<CampaignId>) -> Answer<Curves> {
    caller
        .ask(move |desk, access| board::curves(desk, access, &id))
        .await
        .map(Json)
}
