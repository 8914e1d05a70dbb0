//! Hunts of stored evidence, and the jobs that do them.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::hunts::{self, Hunt, HuntServer, NewHunt};
use vigie_desk::jobs::{self, Job, JobEvent, JobFilter};
use vigie_desk::tenants::Locale;
use vigie_desk::{CampaignId, Error, HuntId, JobId, Page, PageRequest, TenantId};

use crate::app::App;
use crate::caller::Caller;
use crate::input::{Body, Path, Query};
use crate::output::Answer;
use crate::problem::Problem;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_hunts, start_hunt))
        .routes(routes!(get_hunt))
        .routes(routes!(cancel_hunt))
        .routes(routes!(retry_hunt))
        .routes(routes!(list_jobs))
        .routes(routes!(get_job))
        .routes(routes!(job_events))
}

/// Of what.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HuntFilter {
    /// Of this campaign.
    campaign: Option<CampaignId>,
    /// Of this tenant.
    tenant: Option<TenantId>,
}

/// Hunts that ended, newest first. Those on their way are among `/jobs`.
#[utoipa::path(get, path = "/hunts", tag = "hunts", params(HuntFilter, PageRequest),
    responses((status = 200, body = Page<Hunt>)))]
pub(crate) async fn list_hunts(
    caller: Caller,
    Query(filter): Query<HuntFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Hunt>> {
    let french = caller.locale() == Some(Locale::Fr);
    let mut hunts = caller
        .ask(move |desk, access| {
            hunts::list(
                desk,
                access,
                filter.campaign.as_ref(),
                filter.tenant.as_ref(),
                &page,
            )
        })
        .await?;
    if french {
        hunts.items = hunts.items.into_iter().map(Hunt::in_french).collect();
    }
    Ok(Json(hunts))
}

/// Starts a hunt of stored evidence. The job that does it has the identifier of the hunt.
#[utoipa::path(post, path = "/hunts", tag = "hunts", request_body = NewHunt,
    responses((status = 202, body = Job)))]
pub(crate) async fn start_hunt(
    caller: Caller,
    Body(new): Body<NewHunt>,
) -> Result<(StatusCode, Json<Job>), Problem> {
    let job = caller
        .ask(move |desk, access| hunts::start(desk, access, &new))
        .await?;
    Ok((StatusCode::ACCEPTED, Json(job)))
}

/// A hunt, how far it is, and what it said.
#[derive(Serialize, ToSchema)]
pub(crate) struct HuntDetail {
    /// The job that does or did it.
    job: Job,
    /// What was hunted, what was skipped and what changed; `null` until it has ended well.
    hunt: Option<Hunt>,
    /// What it said of each server.
    servers: Vec<HuntServer>,
}

/// A hunt: how far it is, and what it said once it has ended.
#[utoipa::path(get, path = "/hunts/{id}", tag = "hunts", params(("id" = HuntId, Path)),
    responses((status = 200, body = HuntDetail)))]
pub(crate) async fn get_hunt(caller: Caller, Path(id): Path<JobId>) -> Answer<HuntDetail> {
    let french = caller.locale() == Some(Locale::Fr);
    caller
        .ask(move |desk, access| {
            let job = jobs::get(desk, access, &id)?;
            let hunt: HuntId = id
                .as_str()
                .parse()
                .map_err(|_| Error::NotFound { what: "hunt" })?;
            let (hunt, servers) = match hunts::get(desk, access, &hunt) {
                Ok((hunt, servers)) if french => (Some(hunt.in_french()), servers),
                Ok((hunt, servers)) => (Some(hunt), servers),
                Err(Error::NotFound { .. }) => (None, Vec::new()),
                Err(error) => return Err(error),
            };
            Ok(HuntDetail { job, hunt, servers })
        })
        .await
        .map(Json)
}

/// Cancels a hunt. What was found before stays.
#[utoipa::path(post, path = "/hunts/{id}/cancel", tag = "hunts", params(("id" = JobId, Path)),
    responses((status = 200, body = Job)))]
pub(crate) async fn cancel_hunt(caller: Caller, Path(id): Path<JobId>) -> Answer<Job> {
    caller
        .ask(move |desk, access| jobs::cancel(desk, access, &id))
        .await
        .map(Json)
}

/// Tries a hunt again that failed or was cancelled.
#[utoipa::path(post, path = "/hunts/{id}/retry", tag = "hunts", params(("id" = JobId, Path)),
    responses((status = 200, body = Job)))]
pub(crate) async fn retry_hunt(caller: Caller, Path(id): Path<JobId>) -> Answer<Job> {
    caller
        .ask(move |desk, access| jobs::retry(desk, access, &id))
        .await
        .map(Json)
}

/// Jobs, newest first.
#[utoipa::path(get, path = "/jobs", tag = "hunts", params(JobFilter, PageRequest),
    responses((status = 200, body = Page<Job>)))]
pub(crate) async fn list_jobs(
    caller: Caller,
    Query(filter): Query<JobFilter>,
    Query(page): Query<PageRequest>,
) -> Answer<Page<Job>> {
    caller
        .ask(move |desk, access| jobs::list(desk, access, &filter, &page))
        .await
        .map(Json)
}

/// One job and how far it is.
#[utoipa::path(get, path = "/jobs/{id}", tag = "hunts", params(("id" = JobId, Path)),
    responses((status = 200, body = Job)))]
pub(crate) async fn get_job(caller: Caller, Path(id): Path<JobId>) -> Answer<Job> {
    caller
        .ask(move |desk, access| jobs::get(desk, access, &id))
        .await
        .map(Json)
}

/// After which event.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// The `seq` of the last event that is known; from the beginning without.
    #[serde(default)]
    after: i64,
}

/// What happened to a job, in order.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "hunts", params(("id" = JobId, Path), After),
    responses((status = 200, body = Vec<JobEvent>)))]
pub(crate) async fn job_events(
    caller: Caller,
    Path(id): Path<JobId>,
    Query(after): Query<After>,
) -> Answer<Vec<JobEvent>> {
    caller
        .ask(move |desk, access| jobs::events(desk, access, &id, after.after))
        .await
        .map(Json)
}
