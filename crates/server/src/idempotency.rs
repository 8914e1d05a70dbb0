//! Requests that carry an `Idempotency-Key` are done once, however often they are sent. Exports, whose answers are made while
//! they are sent, change nothing and are not remembered: sent again they are made again, and recorded again.

use std::time::Duration;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use opentelemetry::trace::FutureExt;
use sha2::{Digest, Sha256};
use vigie_desk::Error;
use vigie_desk::idempotency::{self, Answer, Begin, LEASE, New, Running};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::{BODY_LIMIT, IMPORT_LIMIT};

/// How often a lease is renewed.
const RENEW: Duration = Duration::from_secs(LEASE as u64 / 3);

/// Whether a request may carry a key.
pub(crate) fn is_once(method: &Method, path: &str) -> bool {
    match *method {
        Method::POST | Method::PUT => true,
        // The answer to signing out names where to go with an identity token: it is not kept.
        Method::DELETE => !path.ends_with("/session"),
        // What is sent piece by piece says itself where each piece belongs.
        _ => false,
    }
}

/// Does a request, or gives the answer it got when it was done before.
pub(crate) async fn once(
    caller: &Caller,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    once_renewed(caller, key, request, next, RENEW).await
}

/// The same, with a lease that is renewed so often.
async fn once_renewed(
    caller: &Caller,
    key: &HeaderValue,
    request: Request,
    next: Next,
    renew: Duration,
) -> Result<Response, Problem> {
    let name = key
        .to_str()
        .map_err(|_| Problem::invalid("Idempotency-Key", "it is not text"))?
        .to_owned();
    let (parts, body) = request.into_parts();
    // It is held in memory: as much as its route would take, and no more.
    let most = match parts.uri.path().ends_with("/inventories") {
        true => IMPORT_LIMIT,
        false => BODY_LIMIT,
    };
    let body = to_bytes(body, most).await.map_err(|_| {
        Problem::bad_request("the body is too large to be sent with an Idempotency-Key, or was cut off")
    })?;
    let digest = digest(&parts, &body);
    let begun = caller
        .clone()
        .ask(move |desk, access| idempotency::begin(desk, access, &name, &digest))
        .await?;
    let running = match begun {
        Begin::Do(running) => running,
        Begin::Done(answer) => return Ok(again(answer)),
        Begin::Running => {
            let detail = "a request with this Idempotency-Key is being done right now";
            return Err(Problem::running(detail));
        }
    };
    let request = Request::from_parts(parts, Body::from(body));
    // Whoever sent it may be gone before it is done: its answer is kept for when they come back.
    let work = do_it(caller.clone(), running, request, next, renew).with_current_context();
    match tokio::spawn(work).await {
        Ok(answered) => answered,
        Err(error) => Err(Problem::internal(&error.to_string())),
    }
}

async fn do_it(
    caller: Caller,
    running: Running,
    mut request: Request,
    next: Next,
    renew: Duration,
) -> Result<Response, Problem> {
    let lease = Lease::hold(&caller, &running, renew);
    let theirs = caller.with_request(running.clone());
    request.extensions_mut().insert(theirs);
    let response = next.run(request).await;
    let is_stream = response.body().size_hint().exact().is_none();
    if is_stream && response.status().is_success() {
        drop(lease);
        caller
            .ask(move |desk, _| idempotency::forget(desk, &running))
            .await?;
        return Ok(response);
    }
    let (head, body) = response.into_parts();
    // It is in memory already.
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| Problem::internal(&error.to_string()))?;
    let status = head.status;
    let kept = body.clone();
    let content_type = text_of(&head.headers, header::CONTENT_TYPE);
    let etag = text_of(&head.headers, header::ETAG);
    let outcome = caller
        .ask(move |desk, _| {
            let answer = New {
                status: status.as_u16(),
                content_type: content_type.as_deref().unwrap_or_default(),
                etag: etag.as_deref(),
                body: &kept,
            };
            match status {
                _ if status.is_success() => idempotency::finish(desk, &running, &answer)?,
                // What failed may be sent again; but nobody may repeat blindly what nobody knows.
                _ if status.is_server_error() => idempotency::settle(desk, &running)?,
                _ => match idempotency::refuse(desk, &running, &answer) {
                    // Refused for what whoever does it now has changed, perhaps: theirs is the answer.
                    Err(error @ Error::TakenOver) => return Ok(Some(Problem::from(error))),
                    refused => refused?,
                },
            }
            Ok(None)
        })
        .await;
    drop(lease);
    match outcome {
        Ok(None) => {}
        Ok(Some(taken_over)) => return Err(taken_over),
        // Whether it was done is written down; only its answer is lost.
        Err(problem) => tracing::error!(
            detail = &*problem.detail,
            "what became of a request could not be kept for its Idempotency-Key"
        ),
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

/// What a header says, when it is there and is text.
fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Says again and again that a request is being done, until it is dropped.
struct Lease(tokio::task::AbortHandle);

impl Lease {
    fn hold(caller: &Caller, running: &Running, renew: Duration) -> Lease {
        let (caller, running) = (caller.clone(), running.clone());
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(renew).await;
                let running = running.clone();
                // The next time the database may be back; if not, the lease ends.
                let _ = caller
                    .clone()
                    .ask(move |desk, _| idempotency::renew(desk, &running))
                    .await;
            }
        });
        Lease(renewing.abort_handle())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a request is known by: sent at another revision it is another one.
fn digest(head: &Parts, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {}", head.method, head.uri));
    for condition in head.headers.get_all(header::IF_MATCH) {
        hash.update(" ");
        hash.update(condition);
    }
    hash.update("\n");
    hash.update(body);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answer that was given before.
fn again(answer: Answer) -> Response {
    let Some(body) = answer.body else {
        return Problem::new(
            StatusCode::CONFLICT,
            "answer-gone",
            "it was done, and its answer was too large to keep",
            format!("the answer had the SHA-256 {}", answer.digest),
            "Read what it made; do not send it again.",
        )
        .into_response();
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    match HeaderValue::from_str(&answer.content_type) {
        Ok(value) if !value.is_empty() => response.headers_mut().insert(header::CONTENT_TYPE, value),
        _ => response.headers_mut().remove(header::CONTENT_TYPE),
    };
    if let Some(tag) = answer.etag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
        .headers_mut()
        .insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use tokio::sync::{Semaphore, watch};
    use tokio::task::JoinHandle;
    use tower::ServiceExt;
    use vigie_desk::tenants::{self, TenantFields};
    use vigie_desk::world::{Clock, ManualClock, SystemClock};
    use vigie_desk::{Access, Desk, Options};

    use super::*;
    use crate::app::{App, Settings};

    /// What the handler does when it is asked for the first time.
    #[derive(Clone, Copy, PartialEq)]
    enum First {
        FailsBefore,
        FailsAfter,
        RefusesAfter,
        Waits,
        WaitsAndRefuses,
    }

    #[derive(Clone)]
    struct Scene {
        first: First,
        asked: Arc<AtomicUsize>,
        go: Arc<Semaphore>,
        clock: Arc<ManualClock>,
        renew: Duration,
    }

    impl Scene {
        fn new(first: First) -> Scene {
            Scene {
                first,
                asked: Arc::default(),
                go: Arc::new(Semaphore::new(0)),
                clock: Arc::new(ManualClock::at(SystemClock.now())),
                renew: RENEW,
            }
        }

        async fn answer(self, caller: Caller) -> Result<impl IntoResponse, Problem> {
            let is_first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
            let away = || vigie_desk::Error::Unavailable("away".into());
            match self.first {
                First::FailsBefore if is_first => return Err(away().into()),
                First::Waits | First::WaitsAndRefuses if is_first => {
                    self.go.acquire().await.unwrap().forget();
                }
                _ => {}
            }
            if self.first == First::WaitsAndRefuses && is_first {
                return Err(Problem::not_found("tenant"));
            }
            let name = format!("tenant {}", self.asked.load(Ordering::SeqCst));
            caller
                .ask(move |desk, access| tenants::create(desk, access, &TenantFields::named(&name)))
                .await?;
            match self.first {
                First::FailsAfter if is_first => Err(away().into()),
                First::RefusesAfter => Err(Problem::invalid("more", "no")),
                _ => Ok(([(header::ETAG, "\"1\"")], "made")),
            }
        }

        /// A server of its own on a desk.
        fn server(&self, data: &std::path::Path) -> (Desk, Router) {
            let options = Options {
                clock: self.clock.clone(),
                ..Options::in_folder(data)
            };
            let desk = Desk::open(&options).unwrap();
            let (_, stopping) = watch::channel(false);
            let app = App::new(desk.clone(), Settings::default(), stopping);
            let caller = Caller::of(app, Access::system("test"));
            let (scene, renew) = (self.clone(), self.renew);
            let router = Router::new()
                .route("/x", post(move |caller: Caller| scene.answer(caller)))
                .layer(from_fn(move |request: Request, next: Next| {
                    let caller = caller.clone();
                    async move {
                        let key = HeaderValue::from_static("k");
                        once_renewed(&caller, &key, request, next, renew).await
                    }
                }));
            (desk, router)
        }
    }

    async fn ask(router: &Router) -> (u16, bool, String) {
        let answer = send(router, "\"1\"").await;
        let status = answer.status().as_u16();
        let is_again = answer.headers().contains_key("idempotent-replayed");
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, is_again, String::from_utf8_lossy(&body).into_owned())
    }

    async fn send(router: &Router, revision: &str) -> Response {
        let request = Request::post("/x").header(header::IF_MATCH, revision);
        let request = request.body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    }

    /// Sends it, and comes back when it is being done.
    async fn begin_to_ask(scene: &Scene, router: &Router) -> JoinHandle<(u16, bool, String)> {
        let router = router.clone();
        let asking = tokio::spawn(async move { ask(&router).await });
        while scene.asked.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        asking
    }

    fn made(desk: &Desk) -> i64 {
        tenants::count(desk, &Access::system("test"), &Default::default()).unwrap()
    }

    #[tokio::test]
    async fn after_a_failure_that_changed_nothing_the_same_is_done_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene::new(First::FailsBefore);
        let (desk, one) = scene.server(folder.path());
        let (_, other) = scene.server(folder.path());
        assert_eq!(ask(&one).await.0, 503);
        assert_eq!(ask(&other).await, (200, false, "made".into()));
        assert_eq!(ask(&one).await, (200, true, "made".into()));
        assert_eq!(made(&desk), 1);
    }

    #[tokio::test]
    async fn after_a_failure_that_changed_something_it_is_not_done_again_and_nobody_waits() {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene::new(First::FailsAfter);
        let (desk, one) = scene.server(folder.path());
        let (_, other) = scene.server(folder.path());
        assert_eq!(ask(&one).await.0, 503);
        let (status, _, said) = ask(&other).await;
        assert_eq!(status, 409);
        assert!(said.contains("urn:vigie:problem:answer-gone"), "{said}");
        assert_eq!(made(&desk), 1);
    }

    #[tokio::test]
    async fn a_refusal_after_a_change_is_answered_again_and_nothing_is_done_twice() {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene::new(First::RefusesAfter);
        let (desk, one) = scene.server(folder.path());
        let (_, other) = scene.server(folder.path());
        let (status, is_again, first) = ask(&one).await;
        assert_eq!((status, is_again), (422, false));
        assert_eq!(ask(&other).await, (422, true, first));
        assert_eq!((made(&desk), scene.asked.load(Ordering::SeqCst)), (1, 1));
    }

    #[tokio::test]
    async fn what_takes_longer_than_a_lease_is_not_taken_over_while_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let mut scene = Scene::new(First::Waits);
        scene.renew = Duration::from_millis(5);
        let (desk, one) = scene.server(folder.path());
        let (_, other) = scene.server(folder.path());
        let asking = begin_to_ask(&scene, &one).await;
        for _ in 0..2 * LEASE {
            scene.clock.advance_seconds(1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (status, _, said) = ask(&other).await;
        assert_eq!(status, 409);
        assert!(said.contains("urn:vigie:problem:running"), "{said}");
        scene.go.add_permits(1);
        assert_eq!(asking.await.unwrap(), (200, false, "made".into()));
        assert_eq!((made(&desk), scene.asked.load(Ordering::SeqCst)), (1, 1));
    }

    #[tokio::test]
    async fn one_that_was_too_slow_is_not_refused_for_what_its_successor_did() {
        let folder = tempfile::tempdir().unwrap();
        let mut scene = Scene::new(First::WaitsAndRefuses);
        scene.renew = Duration::from_secs(3_600);
        let (desk, one) = scene.server(folder.path());
        let (_, other) = scene.server(folder.path());
        let asking = begin_to_ask(&scene, &one).await;
        scene.clock.advance_seconds(LEASE + 1);
        assert_eq!(ask(&other).await, (200, false, "made".into()));
        scene.go.add_permits(1);
        let (status, _, said) = asking.await.unwrap();
        assert_eq!(status, 409);
        assert!(said.contains("urn:vigie:problem:running"), "{said}");
        assert_eq!(ask(&one).await, (200, true, "made".into()));
        assert_eq!(made(&desk), 1);
    }

    #[tokio::test]
    async fn at_another_revision_it_is_another_request_and_the_answer_given_again_names_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene::new(First::FailsBefore);
        let (_, one) = scene.server(folder.path());
        assert_eq!(ask(&one).await.0, 503);
        assert_eq!(ask(&one).await.0, 200);
        let again = send(&one, "\"1\"").await;
        assert!(again.headers().contains_key("idempotent-replayed"));
        assert_eq!(again.headers()[header::ETAG], "\"1\"");
        assert_eq!(send(&one, "\"2\"").await.status(), 422);
    }

    #[tokio::test]
    async fn whoever_went_away_finds_the_answer_when_they_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene::new(First::Waits);
        let (desk, one) = scene.server(folder.path());
        let (_, other) = scene.server(folder.path());
        let asking = begin_to_ask(&scene, &one).await;
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled());
        let (status, _, said) = ask(&other).await;
        assert_eq!(status, 409);
        assert!(said.contains("urn:vigie:problem:running"), "{said}");
        scene.go.add_permits(1);
        let answer = loop {
            let answer = ask(&other).await;
            if answer.0 != 409 {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(answer, (200, true, "made".into()));
        assert_eq!((made(&desk), scene.asked.load(Ordering::SeqCst)), (1, 1));
    }
}
