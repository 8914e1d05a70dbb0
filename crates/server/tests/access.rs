//! Signing in, what a stolen cookie or a guessed password gets, and two people at once.

#![allow(clippy::unwrap_used)]

mod common;

use common::{PASSWORD, on_each_database};
use serde_json::json;
use tower::ServiceExt;
use vigie_desk::{Role, TenantSet};

fn tenant(name: &str) -> serde_json::Value {
    json!({"name": name, "contract": "soc", "locale": "fr"})
}

#[test]
fn the_first_administrator_is_made_once_and_signs_in_and_out() {
    on_each_database(async |bench| {
        let desk = bench.desk.clone();
        let token = tokio::task::spawn_blocking(move || {
            vigie_desk::accounts::first_admin_link(&desk).unwrap().unwrap()
        })
        .await
        .unwrap();
        let nobody = bench.nobody();
        let new =
            json!({"token": token, "login": "alex", "name": "Alex", "password": PASSWORD, "locale": "fr"});
        let wrong =
            json!({"token": "x", "login": "alex", "name": "Alex", "password": PASSWORD, "locale": "fr"});
        nobody
            .post("/api/v1/setup", wrong)
            .await
            .refused(401, "unauthenticated");
        let made = nobody.post("/api/v1/setup", new.clone()).await.ok();
        assert_eq!(made["role"], "administrator");
        nobody
            .post("/api/v1/setup", new)
            .await
            .refused(401, "unauthenticated");

        nobody
            .get("/api/v1/tenants")
            .await
            .refused(401, "unauthenticated");
        let answer = nobody
            .post("/api/v1/session", json!({"user": "alex", "password": PASSWORD}))
            .await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let alex = bench.sign_in("alex").await;
        let who = alex.get("/api/v1/session").await.ok();
        assert_eq!(who["user"]["name"], "Alex");
        assert_eq!(who["tenants"], "all");
        assert_eq!(who["csrf"].as_str(), alex.csrf.as_deref());
        alex.send("DELETE", "/api/v1/session", &[], Vec::new()).await.ok();
        alex.get("/api/v1/tenants").await.refused(401, "unauthenticated");
    });
}

#[test]
fn who_guesses_is_locked_out_for_a_while() {
    on_each_database(async |bench| {
        bench.admin().await;
        let nobody = bench.nobody();
        let guess = json!({"user": "alex", "password": "wrong"});
        let mut locked = None;
        for attempt in 0..20 {
            let answer = nobody.post("/api/v1/session", guess.clone()).await;
            if answer.status == 429 {
                assert!(answer.headers.contains_key("retry-after"));
                answer.refused(429, "locked");
                locked = Some(attempt);
                break;
            }
            answer.refused(401, "unauthenticated");
        }
        assert!(locked.is_some_and(|attempt| attempt >= 3), "{locked:?}");
        // Not even the right password opens the door now; later it does.
        let right = json!({"user": "alex", "password": PASSWORD});
        nobody
            .post("/api/v1/session", right.clone())
            .await
            .refused(429, "locked");
        bench.clock.advance_seconds(3_600);
        nobody.post("/api/v1/session", right).await.ok();
    });
}

#[test]
fn a_cookie_alone_changes_nothing() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let mut forged = admin.clone();
        for csrf in [None, Some("guess".to_owned())] {
            forged.csrf = csrf;
            forged
                .post("/api/v1/tenants", tenant("A"))
                .await
                .refused(403, "csrf");
            forged
                .send("DELETE", "/api/v1/session", &[], Vec::new())
                .await
                .refused(403, "csrf");
        }
        // Reading needs no token, and nothing was made.
        assert_eq!(forged.get("/api/v1/tenants").await.ok()["total"], 0);
        admin.post("/api/v1/tenants", tenant("A")).await.ok();
    });
}

#[test]
fn of_two_who_change_the_same_one_is_told() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let made = admin.post("/api/v1/tenants", tenant("A")).await;
        assert_eq!(made.headers["etag"], "\"1\"");
        let path = format!("/api/v1/tenants/{}", made.json()["id"].as_str().unwrap());
        admin
            .json("PUT", &path, &[], tenant("B"))
            .await
            .refused(428, "if-match-needed");
        admin
            .put(&path, "1", tenant("B"))
            .await
            .refused(400, "bad-request");
        let changed = admin.put(&path, "\"1\"", tenant("B")).await;
        assert_eq!(changed.headers["etag"], "\"2\"");
        let late = admin
            .put(&path, "\"1\"", tenant("C"))
            .await
            .refused(412, "conflict");
        assert_eq!(late["current"], 2);
        assert_eq!(admin.get(&path).await.ok()["name"], "B");
    });
}

#[test]
fn fifty_at_once_lose_no_change() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let made = admin.post("/api/v1/tenants", tenant("Counted")).await.ok();
        let path = format!("/api/v1/tenants/{}", made["id"].as_str().unwrap());
        let all = (0..50).map(|_| {
            let (admin, path) = (admin.clone(), path.clone());
            tokio::spawn(async move {
                loop {
                    let now = admin.get(&path).await;
                    if matches!(now.status.as_u16(), 429 | 503) {
                        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                        continue;
                    }
                    let tag = now.headers["etag"].to_str().unwrap().to_owned();
                    let mut fields = tenant("Counted");
                    let count: u32 = now.json()["note"].as_str().unwrap().parse().unwrap_or(0);
                    fields["note"] = json!((count + 1).to_string());
                    let answer = admin.put(&path, &tag, fields).await;
                    match answer.status.as_u16() {
                        200 => return,
                        // Somebody was faster, or the database was busy.
                        412 | 503 => {}
                        429 => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
                        _ => panic!("{}", answer.text()),
                    }
                }
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        // So many requests at once may have used up what one may send.
        let last = loop {
            let last = admin.get(&path).await;
            if last.status != 429 {
                break last;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        };
        assert_eq!(last.ok()["note"], "50");
    });
}

#[test]
fn a_request_with_a_key_is_done_once() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let key = [("idempotency-key", "k1")];
        let first = admin.json("POST", "/api/v1/tenants", &key, tenant("A")).await;
        let again = admin.json("POST", "/api/v1/tenants", &key, tenant("A")).await;
        assert_eq!(again.status, 201);
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(first.json(), again.json());
        admin
            .json("POST", "/api/v1/tenants", &key, tenant("B"))
            .await
            .refused(422, "invalid");
        assert_eq!(admin.get("/api/v1/tenants").await.ok()["total"], 1);
        // What failed may be sent again.
        let failed = [("idempotency-key", "k2")];
        for _ in 0..2 {
            admin
                .json("POST", "/api/v1/tenants", &failed, tenant("A"))
                .await
                .refused(409, "taken");
        }
        // A key makes no body larger than its route takes.
        let large = json!({"name": "x".repeat(3 << 20), "contract": "none", "locale": "fr"});
        let refused = admin
            .json("POST", "/api/v1/tenants", &[("idempotency-key", "k3")], large)
            .await;
        assert!(
            [400, 413].contains(&refused.status.as_u16()),
            "{}",
            refused.text()
        );
        assert!(refused.text().contains("trop grand"), "{}", refused.text());
    });
}

#[test]
fn an_api_key_does_what_it_may_and_ends_when_revoked() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let new = json!({"name": "monitoring", "tenants": "all", "verbs": ["read"], "expires_at": "2021-06-01T00:00:00Z"});
        let made = admin.post("/api/v1/api-keys", new).await.ok();
        let mut program = bench.nobody();
        program.bearer = made["secret"].as_str().map(str::to_owned);
        program.get("/api/v1/tenants").await.ok();
        program
            .post("/api/v1/tenants", tenant("A"))
            .await
            .refused(403, "forbidden");
        let who = program.get("/api/v1/session").await.ok();
        assert_eq!((&who["user"], &who["csrf"]), (&json!(null), &json!(null)));
        // The secret is shown once.
        let listed = admin.get("/api/v1/api-keys").await.text();
        assert!(!listed.contains(made["secret"].as_str().unwrap()));
        let path = format!("/api/v1/api-keys/{}", made["key"]["id"].as_str().unwrap());
        admin.send("DELETE", &path, &[], Vec::new()).await.ok();
        program
            .get("/api/v1/tenants")
            .await
            .refused(401, "unauthenticated");
    });
}

#[test]
fn an_account_that_is_closed_is_out_at_once() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let sam = bench.person("sam", Role::SocAnalyst, TenantSet::All).await;
        let id = sam.get("/api/v1/session").await.ok()["user"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/api/v1/users/{id}/disable");
        admin
            .json("POST", &path, &[("if-match", "\"1\"")], json!({}))
            .await
            .ok();
        sam.get("/api/v1/tenants").await.refused(401, "unauthenticated");
    });
}

#[test]
fn every_answer_has_the_headers_that_keep_browsers_in_bounds() {
    on_each_database(async |bench| {
        let nobody = bench.nobody();
        for path in [
            "/",
            "/setup?token=x",
            "/api/v1/tenants",
            "/api/v1/nowhere",
            "/healthz",
        ] {
            let answer = nobody.get(path).await;
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            let scripts = policy
                .split(';')
                .find(|part| part.trim().starts_with("script-src"))
                .unwrap();
            assert_eq!(scripts.trim(), "script-src 'self'");
            assert!(policy.contains("frame-ancestors 'none'"));
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
            assert_eq!(answer.headers["referrer-policy"], "no-referrer");
        }
        let private = nobody.get("/api/v1/tenants").await;
        assert_eq!(private.headers["cache-control"], "no-store");
        nobody.get("/api/v1/nowhere").await.refused(404, "not-found");
        nobody.get("/healthz").await.ok_text("ok\n");
        nobody.get("/readyz").await.ok_text("ok\n");
        // Not from this machine's own address, and without a key.
        nobody.get("/metrics").await.refused(401, "unauthenticated");
    });
}

#[test]
fn what_cannot_be_understood_says_why() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        admin
            .get("/api/v1/tenants/nobody")
            .await
            .refused(400, "bad-request");
        admin
            .get("/api/v1/tenants?limit=x")
            .await
            .refused(400, "bad-request");
        admin.get("/api/v1/tenants?limit=0").await.refused(422, "invalid");
        admin
            .get("/api/v1/tenants?cursor=%00")
            .await
            .refused(422, "invalid");
        admin
            .post("/api/v1/tenants", json!({"name": 1}))
            .await
            .refused(422, "invalid");
        let broken = [("content-type", "application/json")];
        admin
            .send("POST", "/api/v1/tenants", &broken, b"{".to_vec())
            .await
            .refused(400, "bad-request");
        admin
            .send("POST", "/api/v1/tenants", &[], b"{}".to_vec())
            .await
            .refused(415, "media-type");
        admin
            .send("POST", "/api/v1/tenants", &broken, vec![b' '; 3 << 20])
            .await
            .refused(413, "too-large");
        admin
            .send("PATCH", "/api/v1/tenants", &[], Vec::new())
            .await
            .refused(405, "method");
    });
}

#[test]
fn problems_speak_the_reader_s_language_and_their_type_does_not() {
    on_each_database(async |bench| {
        let nobody = bench.nobody();
        let french = [("accept-language", "fr-FR,fr;q=0.9,en;q=0.8")];
        let answer = nobody.send("GET", "/api/v1/tenants", &french, Vec::new()).await;
        assert_eq!(answer.headers["content-language"], "fr");
        let problem = answer.refused(401, "unauthenticated");
        assert_eq!(problem["detail"], "il n’y a ni session ni clé");
        assert_eq!(problem["title"], "personne ne sait qui demande");
        let problem = nobody
            .get("/api/v1/tenants")
            .await
            .refused(401, "unauthenticated");
        assert_eq!(problem["detail"], "there is neither a session nor a key");
        // The account's language comes before the browser's.
        let admin = bench.admin().await;
        let english = [("accept-language", "en")];
        let answer = admin
            .send("GET", "/api/v1/tenants?limit=0", &english, Vec::new())
            .await;
        let problem = answer.refused(422, "invalid");
        assert_eq!(problem["detail"], "limit\u{a0}: 0 n’est pas entre 1 et 1000");
        assert_eq!(problem["field"], "limit");
        assert_eq!(problem["what_to_do"], "Corrigez la valeur et renvoyez-la.");
        let made = admin.post("/api/v1/tenants", tenant("Brest")).await.ok();
        admin
            .post("/api/v1/tenants", tenant("Brest"))
            .await
            .refused(409, "taken");
        let path = format!("/api/v1/tenants/{}", made["id"].as_str().unwrap());
        let problem = admin
            .put(&path, "\"7\"", tenant("Brest"))
            .await
            .refused(412, "conflict");
        assert_eq!(problem["current"], 1, "what programs need is left");
        // Those of bulk acts too.
        let nothing =
            json!({"items": [{"id": made["id"], "revision": 1}], "decision": {"decision": "accept"}});
        let results = admin.post("/api/v1/findings/decide", nothing).await.ok();
        assert_eq!(
            results["results"][0]["problem"]["detail"],
            "ce constat n’existe pas"
        );
    });
}

#[test]
fn streams_of_one_person_are_counted_and_given_back() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let ask = async || {
            let request = admin.request("GET", "/api/v1/events", &[], Vec::new());
            admin.router.clone().oneshot(request).await.unwrap()
        };
        let mut open = Vec::new();
        for _ in 0..32 {
            let response = ask().await;
            assert_eq!(response.status(), 200);
            open.push(response);
        }
        assert_eq!(ask().await.status(), 429);
        // Somebody else's are their own.
        let sam = bench.person("sam", Role::SocAnalyst, TenantSet::All).await;
        let request = sam.request("GET", "/api/v1/events", &[], Vec::new());
        assert_eq!(sam.router.clone().oneshot(request).await.unwrap().status(), 200);
        open.pop();
        assert_eq!(ask().await.status(), 200);
    });
}

#[test]
fn who_may_bring_no_inventory_is_told_before_it_is_read() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let made = admin.post("/api/v1/tenants", tenant("Brest")).await.ok();
        let contact = bench.contact_of("claude", made["id"].as_str().unwrap()).await;
        // A body that never ends: the answer must not wait for it.
        let endless = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let mut request = contact.request(
            "POST",
            "/api/v1/inventories?file_name=a.csv",
            &[("idempotency-key", "k")],
            Vec::new(),
        );
        *request.body_mut() = axum::body::Body::from_stream(endless);
        let asked = contact.router.clone().oneshot(request);
        let answer = tokio::time::timeout(std::time::Duration::from_secs(5), asked).await;
        assert_eq!(answer.expect("it waits for the body").unwrap().status(), 403);
    });
}
