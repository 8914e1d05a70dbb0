//! Health, readiness, metrics, and a line in the log for each request.

use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::address;
use crate::app::App;
use crate::caller::Caller;
use crate::listen::Peer;
use crate::problem::Problem;

/// The process answers.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// The database answers too.
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.run(|desk| desk.ping()).await?;
    Ok("ok\n")
}

/// Counters for Prometheus: for this machine, or with a key.
pub(crate) async fn metrics(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let local = request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .is_some_and(|ConnectInfo(Peer(peer))| peer.ip().is_loopback());
    // What a proxy on this machine passes on does not come from this machine.
    if !local || address::passed_on(request.headers()) {
        Caller::recognise(&app, request.headers(), request.method()).await?;
    }
    let content = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((content, app.metrics().text()).into_response())
}

/// A path that is there, and not with this method.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "it cannot be asked for that way",
        "this address does not take that method",
        "Look at /api/v1/openapi.json for what it takes.",
    )
}

/// Counts and logs a request. The path in the log holds identifiers; queries, bodies and headers stay out of it, since they
/// may hold secrets.
pub(crate) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    address::note(&mut request, &app.settings().trusted_proxies);
    let started = Instant::now();
    let method = name(request.method());
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("pages", MatchedPath::as_str)
        .to_owned();
    let peer = address::of(request.extensions());
    let response = match &app.settings().traces {
        Some(traces) if route != "pages" => {
            // A trace begun elsewhere is gone on with when a proxy says so, not when anybody does.
            let begun = address::is_through_proxy(request.extensions()).then(|| request.headers().clone());
            traces
                .follow(method, &route, begun.as_ref(), next.run(request))
                .await
        }
        _ => next.run(request).await,
    };
    let took = started.elapsed();
    let status = response.status().as_u16();
    app.metrics().count(method, &route, status, took);
    if route != "pages" {
        let ms = took.as_secs_f64() * 1000.0;
        tracing::info!(method, path, status, ms, peer, "request");
    }
    response
}

/// Methods have few names in metrics, whatever somebody sends.
fn name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "OTHER",
    }
}
