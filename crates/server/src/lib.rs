//! The desk over HTTP: an API, the events of its changes, and the files of the pages.
//!
//! Everything that is decided is decided below, in `vigie_desk`: what somebody may see and do, and what a change needs. A
//! handler reads a request, asks the desk on a thread that may block, and writes the answer. Who asks is found by one layer
//! (`caller`) in front of all handlers; a handler that takes a `caller::Caller` cannot be reached by anybody else.
//!
//! # To add a resource
//!
//! A file in `routes/` with a `router()`, named in `api`; then `VIGIE_WRITE=1 cargo test -p vigie-server` writes the new
//! `openapi.json`. The isolation test calls what it finds there by itself.

mod address;
mod app;
mod caller;
mod connections;
mod drop_folder;
mod idempotency;
mod input;
mod listen;
mod metrics;
mod observe;
mod oidc;
mod openapi;
mod output;
mod places;
mod problem;
mod rates;
mod routes;
mod serve;
mod stream;
mod tls;
mod traces;
mod ui;
mod workers;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::sync::watch;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use vigie_desk::Desk;

pub use crate::address::ProxyNetwork;
use crate::app::App;
pub use crate::app::Settings;
pub use crate::drop_folder::DropFolder;
pub use crate::oidc::{ConfigError, IdentityProvider, Oidc, SignOut};
pub use crate::serve::{LogFormat, Options, ServeError, Started, serve};
pub use crate::tls::Tls;
pub use crate::traces::{Traces, TracesError};

/// Bytes of a usual body.
const BODY_LIMIT: usize = 2 << 20;
/// Bytes of an inventory.
const IMPORT_LIMIT: usize = vigie_exposure::inventory::MAX_BYTES;

/// The API under `/api/v1`, and its document.
fn api(app: &App) -> (Router<App>, OpenApi) {
    let known = OpenApiRouter::new()
        .merge(routes::session::router())
        .merge(routes::tenants::router())
        .merge(routes::servers::router())
        .merge(routes::campaigns::router())
        .merge(routes::inventories::router())
        .merge(routes::uploads::router())
        .merge(routes::evidence::router())
        .merge(routes::hunts::router())
        .merge(routes::findings::router())
        .merge(routes::alerts::router())
        .merge(routes::views::router())
        .merge(routes::cases::router())
        .merge(routes::packs::router())
        .merge(routes::audit::router())
        .merge(routes::accounts::router())
        .merge(routes::keys::router())
        .merge(routes::events::router())
        .route_layer(from_fn_with_state(app.clone(), caller::admit));
    let anybody = routes::session::open_router()
        .merge(routes::oidc::open_router())
        .route_layer(from_fn_with_state(app.clone(), caller::admit_anybody));
    let (router, mut document) = OpenApiRouter::with_openapi(openapi::base())
        .nest("/api/v1", known.merge(anybody))
        .split_for_parts();
    openapi::complete(&mut document);
    (router, document)
}

/// The document of the API.
pub fn document(desk: Desk) -> OpenApi {
    let (_, never) = watch::channel(false);
    api(&App::new(desk, Settings::default(), never)).1
}

/// Everything the server answers to. `stopping` becomes true when it is to stop: streams end then.
pub fn router(desk: Desk, settings: Settings, stopping: watch::Receiver<bool>) -> Router {
    let app = App::new(desk, settings, stopping);
    let (api, document) = api(&app);
    let document = document.to_pretty_json().unwrap_or_default();
    let reader = ui::Document::new(document);
    api.route(
        "/api/v1/openapi.json",
        get(move || async move { reader.answer() }),
    )
    .route("/healthz", get(observe::health))
    .route("/readyz", get(observe::ready))
    .route("/metrics", get(observe::metrics))
    .fallback(ui::page)
    .method_not_allowed_fallback(observe::method_not_allowed)
    .layer(DefaultBodyLimit::max(BODY_LIMIT))
    .layer(from_fn(problem::in_language))
    .layer(from_fn_with_state(app.clone(), ui::secure))
    .layer(from_fn_with_state(app.clone(), observe::observe))
    .with_state(app)
}
