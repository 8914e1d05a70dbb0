//! Requests that carry an `Idempotency-Key` are done once, however often they are sent. Exports, whose answers are made while
//! they are sent, change nothing and are not remembered: sent again they are made again, and recorded again.

use std::time::Duration;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use opentelemetry::trace::FutureExt;
use sha2::{Digest, Sha256};
use vigie_desk::idempotency::{self, Answer, Begin, LEASE, Running};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::{BODY_LIMIT, IMPORT_LIMIT};

/// How often a lease is renewed.
const RENEW: Duration = Duration::from_secs(LEASE as u64 / 3);

/// Does a request, or gives the answer it got when it was done before.
pub(crate) async fn once(
    caller: &Caller,
    key: &HeaderValue,
    request: Request,
    next: Next,
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
    let digest = digest(parts.method.as_str(), &parts.uri.to_string(), &body);
    let begun = caller
        .clone()
        .ask(move |desk, access| idempotency::begin(desk, access, &name, &digest))
        .await?;
    let running = match begun {
        Begin::Do(running) => running,
        Begin::Done(answer) => return Ok(again(answer)),
        Begin::Running => {
            let mut problem = Problem::new(
                StatusCode::CONFLICT,
                "running",
                "the request is being done",
                "a request with this Idempotency-Key is being done right now",
                "Wait a moment, then send the same again for its answer.",
            );
            problem.retry_after = Some(1);
            return Err(problem);
        }
    };
    let request = Request::from_parts(parts, Body::from(body));
    // Whoever sent it may be gone before it is done: its answer is kept for when they come back.
    let work = do_it(caller.clone(), running, request, next).with_current_context();
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
) -> Result<Response, Problem> {
    let lease = Lease::hold(&caller, &running);
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
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let outcome = caller
        .ask(move |desk, _| match status {
            _ if status.is_success() => {
                idempotency::finish(desk, &running, status.as_u16(), &content_type, &kept)
            }
            // What failed may be sent again; but nobody may repeat blindly what nobody knows.
            _ if status.is_server_error() => idempotency::settle(desk, &running),
            _ => idempotency::forget(desk, &running),
        })
        .await;
    drop(lease);
    if let Err(problem) = outcome {
        // Whether it was done is written down; only its answer is lost.
        tracing::error!(
            detail = &*problem.detail,
            "what became of a request could not be kept for its Idempotency-Key"
        );
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

/// Says again and again that a request is being done, until it is dropped.
struct Lease(tokio::task::AbortHandle);

impl Lease {
    fn hold(caller: &Caller, running: &Running) -> Lease {
        let (caller, running) = (caller.clone(), running.clone());
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEW).await;
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

fn digest(method: &str, path: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{method} {path}\n"));
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
    use tower::ServiceExt;
    use vigie_desk::tenants::{self, TenantFields};
    use vigie_desk::{Access, Desk, Options};

    use super::*;
    use crate::app::{App, Settings};

    /// What the handler does when it is asked for the first time.
    #[derive(Clone, Copy, PartialEq)]
    enum First {
        FailsBefore,
        FailsAfter,
        Waits,
    }

    #[derive(Clone)]
    struct Scene {
        first: First,
        asked: Arc<AtomicUsize>,
        go: Arc<Semaphore>,
    }

    impl Scene {
        fn new(first: First) -> Scene {
            Scene {
                first,
                asked: Arc::default(),
                go: Arc::new(Semaphore::new(0)),
            }
        }

        async fn answer(self, caller: Caller) -> Result<String, Problem> {
            let is_first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
            let away = || vigie_desk::Error::Unavailable("away".into());
            match self.first {
                First::FailsBefore if is_first => return Err(away().into()),
                First::Waits => self.go.acquire().await.unwrap().forget(),
                _ => {}
            }
            let name = format!("tenant {}", self.asked.load(Ordering::SeqCst));
            caller
                .ask(move |desk, access| tenants::create(desk, access, &TenantFields::named(&name)))
                .await?;
            match self.first {
                First::FailsAfter if is_first => Err(away().into()),
                _ => Ok("made".into()),
            }
        }

        /// A server of its own on a desk.
        fn server(&self, data: &std::path::Path) -> (Desk, Router) {
            let desk = Desk::open(&Options::in_folder(data)).unwrap();
            let (_, stopping) = watch::channel(false);
            let app = App::new(desk.clone(), Settings::default(), stopping);
            let caller = Caller::of(app, Access::system("test"));
            let scene = self.clone();
            let router = Router::new()
                .route("/x", post(move |caller: Caller| scene.answer(caller)))
                .layer(from_fn(move |request: Request, next: Next| {
                    let caller = caller.clone();
                    async move {
                        let key = HeaderValue::from_static("k");
                        once(&caller, &key, request, next).await
                    }
                }));
            (desk, router)
        }
    }

    async fn ask(router: &Router) -> (u16, bool, String) {
        let request = Request::post("/x").body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let is_again = answer.headers().contains_key("idempotent-replayed");
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, is_again, String::from_utf8_lossy(&body).into_owned())
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
    async fn whoever_went_away_finds_the_answer_when_they_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene::new(First::Waits);
        let (desk, one) = scene.server(folder.path());
        let (_, other) = scene.server(folder.path());
        let asking = {
            let one = one.clone();
            tokio::spawn(async move { ask(&one).await })
        };
        while scene.asked.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
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
