//! What the tests of the API share: a desk on each database, people with sessions, and requests to the real router.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

pub(crate) mod provider;
pub(crate) mod scene;
#[path = "../../../desk/src/testing/skip.rs"]
mod skip;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;
use vigie_desk::accounts::{self, AccountFields};
use vigie_desk::tenants::Locale;
use vigie_desk::world::{ManualClock, Seeded};
use vigie_desk::{Access, Desk, Options, Role, TenantId, TenantSet, Time};

pub(crate) const PASSWORD: &str = "vertical-lantern-42-oyster";

/// Wednesday, 3 March 2021, 08:00 UTC: the morning after the advisory.
pub(crate) const MORNING: Time = Time(1_614_758_400_000_000);

/// A desk and its server.
pub(crate) struct Bench {
    pub(crate) desk: Desk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    pub(crate) stop: watch::Sender<bool>,
    _folder: TempDir,
    _schema: Option<Schema>,
}

/// Runs a test on SQLite, and on PostgreSQL when `VIGIE_TEST_POSTGRES` names one.
pub(crate) fn on_each_database(test: impl AsyncFn(&Bench)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test(&Bench::sqlite()));
    match Schema::create() {
        Some(schema) => {
            let bench = Bench::open(Some(schema), vigie_server::Settings::default());
            runtime.block_on(test(&bench));
        }
        None => skip::skipped("VIGIE_TEST_POSTGRES names no PostgreSQL"),
    }
}

impl Bench {
    pub(crate) fn sqlite() -> Bench {
        Bench::open(None, vigie_server::Settings::default())
    }

    pub(crate) fn with_settings(settings: vigie_server::Settings) -> Bench {
        Bench::open(None, settings)
    }

    /// The same desk behind another server, as after a restart.
    pub(crate) fn reopened(bench: &Bench, settings: vigie_server::Settings) -> Bench {
        let (stop, stopping) = watch::channel(false);
        Bench {
            router: vigie_server::router(bench.desk.clone(), settings, stopping),
            desk: bench.desk.clone(),
            clock: Arc::clone(&bench.clock),
            stop,
            _folder: TempDir::new().unwrap(),
            _schema: None,
        }
    }

    fn open(schema: Option<Schema>, settings: vigie_server::Settings) -> Bench {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(MORNING));
        let options = Options {
            data: folder.path().join("data"),
            database: schema.as_ref().map(|schema| schema.url.clone()),
            clock: clock.clone(),
            entropy: Arc::new(Seeded::new(1)),
        };
        let desk = Desk::open(&options).unwrap();
        let (stop, stopping) = watch::channel(false);
        Bench {
            router: vigie_server::router(desk.clone(), settings, stopping),
            desk,
            clock,
            stop,
            _folder: folder,
            _schema: schema,
        }
    }

    /// The first administrator, signed in.
    pub(crate) async fn admin(&self) -> Client {
        let desk = self.desk.clone();
        tokio::task::spawn_blocking(move || {
            let token = accounts::first_admin_link(&desk).unwrap().unwrap();
            accounts::create_first_admin(&desk, &token, "alex", "Alex", PASSWORD, Locale::Fr).unwrap();
        })
        .await
        .unwrap();
        self.sign_in("alex").await
    }

    /// Somebody else, signed in.
    pub(crate) async fn person(&self, login: &str, role: Role, tenants: TenantSet) -> Client {
        let desk = self.desk.clone();
        let fields = AccountFields {
            login: login.into(),
            name: login.into(),
            role,
            tenants,
            locale: Locale::Fr,
        };
        tokio::task::spawn_blocking(move || {
            let access = Access::system("test");
            let account = accounts::create(&desk, &access, &fields).unwrap();
            let token = accounts::invite(&desk, &access, &account.id).unwrap();
            accounts::use_link(&desk, &token, PASSWORD).unwrap();
        })
        .await
        .unwrap();
        self.sign_in(login).await
    }

    pub(crate) async fn contact_of(&self, login: &str, tenant: &str) -> Client {
        let tenant: TenantId = tenant.parse().unwrap();
        self.person(
            login,
            Role::ClientContact,
            TenantSet::Only(BTreeSet::from([tenant])),
        )
        .await
    }

    /// A client with the session of an account.
    pub(crate) async fn sign_in(&self, login: &str) -> Client {
        let mut client = self.nobody();
        let answer = loop {
            let given = json!({"user": login, "password": PASSWORD});
            let answer = client.post("/api/v1/session", given).await;
            // All that is open to everybody is asked from one address here.
            if !answer.text().contains("urn:vigie:problem:too-many-requests") {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        client.cookie = cookie.split(';').next().map(str::to_owned);
        client.csrf = answer.json()["csrf"].as_str().map(str::to_owned);
        client
    }

    /// A client without a session.
    pub(crate) fn nobody(&self) -> Client {
        Client {
            router: self.router.clone(),
            cookie: None,
            csrf: None,
            bearer: None,
        }
    }
}

/// Somebody at a browser or a program.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) router: Router,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: Option<String>,
    pub(crate) bearer: Option<String>,
}

/// What a request got.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The status of a success, or its answer for all to see.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        match self.body.is_empty() {
            true => Value::Null,
            false => self.json(),
        }
    }

    #[track_caller]
    pub(crate) fn ok_text(self, text: &str) {
        assert_eq!((self.status.as_u16(), self.text().as_str()), (200, text));
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:vigie:problem:{kind}"));
        assert!(
            problem["what_to_do"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        problem
    }
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.json("POST", path, &[], body).await
    }

    pub(crate) async fn put(&self, path: &str, tag: &str, body: Value) -> Answer {
        self.json("PUT", path, &[("if-match", tag)], body).await
    }

    pub(crate) async fn json(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        self.send(method, path, &all, body.to_string().into_bytes()).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(self.request(method, path, headers, body))
            .await
            .unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: to_bytes(body, 1 << 26).await.unwrap().to_vec(),
        }
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        request.body(Body::from(body)).unwrap()
    }
}

/// What a telephone with this secret shows at a time (microseconds), some steps later.
pub(crate) fn totp(secret: &str, micros: i64, steps: i64) -> String {
    let mut bits = 0_u64;
    let mut held = 0;
    let mut key = Vec::new();
    for letter in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|known| *known == letter)
            .unwrap();
        bits = bits << 5 | value as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            key.push((bits >> held) as u8);
        }
    }
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let step = micros / 30_000_000 + steps;
    let tag = ring::hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// An operation of the document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) value: Value,
}

/// All operations of a document.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in [
            "get", "put", "post", "delete", "patch", "head", "options", "trace",
        ] {
            if let Some(value) = item.get(method) {
                all.push(Operation {
                    id: value["operationId"].as_str().unwrap().to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    value: value.clone(),
                });
            }
        }
    }
    assert!(all.len() > 80, "{} operations", all.len());
    all
}

/// A schema of its own in the test's PostgreSQL.
struct Schema {
    base: String,
    name: String,
    url: String,
}

impl Schema {
    fn create() -> Option<Schema> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let base = std::env::var("VIGIE_TEST_POSTGRES").ok()?;
        let name = format!("s{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let mut client = postgres::Client::connect(&base, postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        let joint = if base.contains('?') { '&' } else { '?' };
        let url = format!("{base}{joint}options=-csearch_path%3D{name}");
        Some(Schema { base, name, url })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Ok(mut client) = postgres::Client::connect(&self.base, postgres::NoTls) {
            let _ = client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name));
        }
    }
}
