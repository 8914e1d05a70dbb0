//! Signing in at an identity provider, as an attacker would like it to be.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;

use common::provider::{CLIENT, Provider, SECRET, now};
use common::{Answer, Bench, Client};
use serde_json::{Value, json};
use vigie_desk::{Role, TenantSet};
use vigie_server::{IdentityProvider, Oidc, Settings, SignOut};

/// A desk with an identity provider, an administrator, and Sam, whose account is linked to subject 42.
struct Stage {
    bench: Bench,
    provider: Provider,
    admin: Client,
    sam: String,
}

impl Stage {
    async fn new() -> Stage {
        let provider = Provider::start();
        let bench = Bench::with_settings(Settings {
            oidc: Some(identity_provider(&provider)),
            ..Settings::default()
        });
        let admin = bench.admin().await;
        let sam = bench.person("sam", Role::SocAnalyst, TenantSet::All).await;
        let id = sam.get("/api/v1/session").await.ok()["user"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        admin
            .post(
                &format!("/api/v1/users/{id}/identities"),
                json!({"subject": "42"}),
            )
            .await
            .ok();
        Stage {
            bench,
            provider,
            admin,
            sam: id,
        }
    }

    /// A browser that was sent to the provider, and what it was sent with.
    async fn begin(&self, query: &str) -> (Client, BTreeMap<String, String>) {
        let mut browser = self.bench.nobody();
        let answer = browser.get(&format!("/api/v1/oidc/start{query}")).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let location = answer.headers["location"].to_str().unwrap();
        assert!(
            location.starts_with(&format!("{}/auth?", self.provider.issuer)),
            "{location}"
        );
        let set = answer.headers["set-cookie"].to_str().unwrap();
        assert!(
            set.contains("HttpOnly; SameSite=Lax") && set.contains("Path=/api/v1/oidc;"),
            "{set}"
        );
        browser.cookie = set.split(';').next().map(str::to_owned);
        let query = location.split_once('?').unwrap().1;
        (browser, serde_html_form::from_str(query).unwrap())
    }

    /// Comes back from the provider with a token of these claims, changed by `twist`.
    async fn journey(&self, header: Value, twist: impl FnOnce(&mut Value)) -> Answer {
        let (browser, sent) = self.begin("?to=/cases").await;
        let mut claims = self.provider.claims(&sent["nonce"]);
        twist(&mut claims);
        self.provider.sign(&header, &claims);
        browser.get(&back(&sent["state"])).await
    }
}

fn identity_provider(provider: &Provider) -> IdentityProvider {
    with_sign_out(provider, SignOut::Provider)
}

fn with_sign_out(provider: &Provider, sign_out: SignOut) -> IdentityProvider {
    let config = Oidc {
        issuer: provider.issuer.clone(),
        client_id: CLIENT.into(),
        client_secret: Some(SECRET.into()),
        name: "Le portail".into(),
        second_factor_acr: vec!["urn:two".into()],
        sign_out,
        authority: None,
    };
    assert!(!format!("{config:?}").contains(SECRET));
    IdentityProvider::new(config, "http://127.0.0.1:8443").unwrap()
}

fn back(state: &str) -> String {
    format!("/api/v1/oidc/callback?code=abc&state={state}")
}

fn es256() -> Value {
    json!({"alg": "ES256", "kid": "1"})
}

/// Where a refused sign-in leads, without any session.
#[track_caller]
fn refused(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.headers["location"], format!("/sign-in?oidc={why}"));
    let cookies = answer.headers.get_all("set-cookie");
    assert!(
        cookies
            .iter()
            .all(|set| !set.to_str().unwrap().starts_with("vigie_session=")),
        "a session was given away"
    );
}

fn session_of(answer: &Answer) -> Option<String> {
    let mut cookies = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|set| set.to_str().unwrap());
    let set = cookies.find(|set| set.starts_with("vigie_session="))?;
    assert!(set.contains("HttpOnly; SameSite=Strict"), "{set}");
    set.split(';').next().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_linked_comes_in_and_where_they_wanted_to() {
    let stage = Stage::new().await;
    let nobody = stage.bench.nobody();
    assert_eq!(
        nobody.get("/api/v1/oidc").await.ok(),
        json!({"name": "Le portail"})
    );
    stage.bench.clock.advance_seconds(1);
    let answer = stage
        .journey(es256(), |claims| claims["amr"] = json!(["pwd", "mfa"]))
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["location"]),
        (303, &"/cases".parse().unwrap())
    );
    let mut browser = stage.bench.nobody();
    browser.cookie = session_of(&answer);
    let who = browser.get("/api/v1/session").await.ok();
    assert_eq!(who["user"]["login"], "sam");
    browser.csrf = who["csrf"].as_str().map(str::to_owned);
    let sessions = browser.get("/api/v1/sessions").await.ok();
    assert_eq!(sessions[0]["method"], "oidc+mfa");
    let log = stage.admin.get("/api/v1/journal").await.text();
    assert!(log.contains("\"amr\":[\"pwd\",\"mfa\"]"), "{log}");
    browser
        .send("DELETE", "/api/v1/session", &[], Vec::new())
        .await
        .ok();
    browser
        .get("/api/v1/session")
        .await
        .refused(401, "unauthenticated");
    // The exchange proved itself with the verifier whose hash went along, and with the secret in the header only.
    let (_, sent) = stage.begin("").await;
    let said = stage.provider.said.lock().unwrap();
    let form: BTreeMap<String, String> = serde_html_form::from_str(&said.forms[0]).unwrap();
    assert_eq!(form["redirect_uri"], "http://127.0.0.1:8443/api/v1/oidc/callback");
    assert!(form["code_verifier"].len() >= 43 && !form.contains_key("client_secret"));
    assert_eq!(
        (sent["scope"].as_str(), sent["code_challenge_method"].as_str()),
        ("openid", "S256")
    );
    // What the provider says of itself is not asked for again and again.
    let discoveries = said
        .requests
        .iter()
        .filter(|line| line.contains("well-known"))
        .count();
    assert_eq!(discoveries, 1, "{:?}", said.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_not_of_this_sign_in_are_refused() {
    let stage = Stage::new().await;
    type Twist = fn(&mut Value);
    let twists: [(&str, Twist); 14] = [
        ("another sign-in's nonce", |c| c["nonce"] = json!("other")),
        ("no nonce", |c| c["nonce"] = json!(null)),
        ("another client's", |c| c["aud"] = json!("other")),
        ("several clients', without a party", |c| {
            c["aud"] = json!([CLIENT, "other"])
        }),
        ("another party's", |c| c["azp"] = json!("other")),
        ("another issuer's", |c| c["iss"] = json!("https://id.example")),
        ("several issuers'", |c| {
            c["iss"] = json!([c["iss"], "https://id.example"])
        }),
        ("expired", |c| c["exp"] = json!(now() - 120)),
        ("never expires", |c| {
            c.as_object_mut().unwrap().remove("exp");
        }),
        ("an expiry that is text", |c| c["exp"] = json!("never")),
        ("not valid yet", |c| c["nbf"] = json!(now() + 600)),
        ("issued long ago", |c| c["iat"] = json!(now() - 3_600)),
        ("issued tomorrow", |c| c["iat"] = json!(now() + 86_400)),
        ("nobody's", |c| c["sub"] = json!("")),
    ];
    for (what, twist) in twists {
        let answer = stage.journey(es256(), twist).await;
        assert_eq!(answer.status, 303, "{what}");
        refused(&answer, "refused");
    }
    // Without a signature, with one by a shared secret, by an algorithm the provider does not use, by an unknown key.
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "HS256", "kid": "1"}),
        json!({"alg": "ES384", "kid": "1"}),
        json!({"alg": "ES256", "kid": "2"}),
        json!({}),
    ] {
        refused(&stage.journey(header, |_| {}).await, "refused");
    }
    let (browser, sent) = stage.begin("").await;
    stage
        .provider
        .sign(&es256(), &stage.provider.claims(&sent["nonce"]));
    {
        let mut said = stage.provider.said.lock().unwrap();
        let cut = said.id_token.rfind('.').unwrap() + 1;
        said.id_token.truncate(cut);
    }
    refused(&browser.get(&back(&sent["state"])).await, "refused");
    // Signed with a key that the provider does not show.
    stage.provider.change_key(None);
    refused(&stage.journey(es256(), |_| {}).await, "refused");
    // Nothing of all that is in the way of an honest one, and the only key needs no name.
    stage.provider.change_key(Some("1"));
    let again = Bench::reopened(
        &stage.bench,
        Settings {
            oidc: Some(identity_provider(&stage.provider)),
            ..Settings::default()
        },
    );
    let stage = Stage {
        bench: again,
        ..stage
    };
    let honest = stage.journey(json!({"alg": "ES256"}), |_| {}).await;
    assert!(session_of(&honest).is_some(), "{:?}", honest.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_taken_once_and_only_by_the_browser_that_asked() {
    let stage = Stage::new().await;
    let (browser, sent) = stage.begin("").await;
    stage
        .provider
        .sign(&es256(), &stage.provider.claims(&sent["nonce"]));
    // Another browser, another state, none at all.
    refused(&stage.bench.nobody().get(&back(&sent["state"])).await, "expired");
    refused(&browser.get(&back("guessed")).await, "expired");
    refused(&browser.get("/api/v1/oidc/callback?code=abc").await, "expired");
    // The attacker's answer in the victim's browser, which began one too.
    let (victim, _) = stage.begin("").await;
    refused(&victim.get(&back(&sent["state"])).await, "expired");
    let path = back(&sent["state"]);
    assert!(session_of(&browser.get(&path).await).is_some());
    refused(&browser.get(&path).await, "expired");
    // Somebody who turned back, and a provider that says no.
    let (browser, sent) = stage.begin("").await;
    let path = format!(
        "/api/v1/oidc/callback?error=access_denied&state={}",
        sent["state"]
    );
    refused(&browser.get(&path).await, "cancelled");
    refused(&browser.get(&path).await, "expired");
    let (browser, sent) = stage.begin("").await;
    stage.provider.said.lock().unwrap().status = 400;
    refused(&browser.get(&back(&sent["state"])).await, "refused");
    stage.provider.said.lock().unwrap().status = 200;
    // An answer that says that it is another provider's.
    let (browser, sent) = stage.begin("").await;
    stage
        .provider
        .sign(&es256(), &stage.provider.claims(&sent["nonce"]));
    let path = back(&sent["state"]) + "&iss=https%3A%2F%2Fevil.example";
    refused(&browser.get(&path).await, "refused");
    // Ten minutes are enough.
    let (browser, sent) = stage.begin("").await;
    stage
        .provider
        .sign(&es256(), &stage.provider.claims(&sent["nonce"]));
    stage.bench.clock.advance_seconds(601);
    refused(&browser.get(&back(&sent["state"])).await, "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_linked_stays_out_and_an_invitation_links() {
    let stage = Stage::new().await;
    let mallory = |claims: &mut Value| {
        claims["sub"] = json!("7");
        claims["email"] = json!("sam@example.org");
        claims["email_verified"] = json!(true);
        claims["preferred_username"] = json!("sam");
    };
    refused(&stage.journey(es256(), mallory).await, "unknown");
    let zoe = json!({"login": "zoe", "name": "Zoé", "role": "engineer", "tenants": "all", "locale": "fr"});
    let zoe = stage.admin.post("/api/v1/users", zoe).await.ok();
    let path = format!("/api/v1/users/{}", zoe["id"].as_str().unwrap());
    let token = stage.admin.post(&format!("{path}/invite"), json!({})).await.ok();
    let token = token["token"].as_str().unwrap();
    let (browser, sent) = stage.begin(&format!("?invitation={token}")).await;
    let mut claims = stage.provider.claims(&sent["nonce"]);
    claims["sub"] = json!("7");
    stage.provider.sign(&es256(), &claims);
    assert!(session_of(&browser.get(&back(&sent["state"])).await).is_some());
    let linked = stage.admin.get(&format!("{path}/identities")).await.ok();
    assert_eq!(
        (&linked[0]["subject"], &linked[0]["issuer"]),
        (&json!("7"), &json!(stage.provider.issuer))
    );
    let used = stage
        .bench
        .nobody()
        .get(&format!("/api/v1/oidc/start?invitation={token}"))
        .await;
    refused(&used, "invitation");
    // Unlinked, and closed.
    stage
        .admin
        .post(&format!("{path}/identities/drop"), json!({}))
        .await
        .ok();
    refused(
        &stage.journey(es256(), |claims| claims["sub"] = json!("7")).await,
        "unknown",
    );
    let path = format!("/api/v1/users/{}/disable", stage.sam);
    stage
        .admin
        .json("POST", &path, &[("if-match", "\"1\"")], json!({}))
        .await
        .ok();
    refused(&stage.journey(es256(), |_| {}).await, "unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_misbehaves_gets_nobody_in_and_hangs_nothing() {
    for (name, value) in [
        ("issuer", json!("https://id.example")),
        ("token_endpoint", json!("http://192.0.2.1/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("token_endpoint", json!(null)),
    ] {
        let stage = Stage::new().await;
        stage.provider.said.lock().unwrap().discovery[name] = value;
        refused(
            &stage.bench.nobody().get("/api/v1/oidc/start").await,
            "unavailable",
        );
    }
    // Too much, and somewhere else.
    let stage = Stage::new().await;
    let large = format!("{}/large", stage.provider.issuer);
    stage.provider.said.lock().unwrap().discovery["jwks_uri"] = json!(large);
    refused(
        &stage.bench.nobody().get("/api/v1/oidc/start").await,
        "unavailable",
    );
    let stage = Stage::new().await;
    let (browser, sent) = stage.begin("").await;
    stage.provider.said.lock().unwrap().status = 302;
    refused(&browser.get(&back(&sent["state"])).await, "refused");
    let said = stage.provider.said.lock().unwrap();
    assert!(
        said.requests.iter().all(|line| !line.contains("elsewhere")),
        "redirects are not followed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_wants_to_go_is_a_page_of_ours() {
    let stage = Stage::new().await;
    for to in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "x",
        "/a%0D%0Ab",
    ] {
        let answer = stage
            .bench
            .nobody()
            .get(&format!("/api/v1/oidc/start?to={to}"))
            .await;
        refused(&answer, "refused");
    }
    let without = Bench::sqlite();
    let nobody = without.nobody();
    assert_eq!(nobody.get("/api/v1/oidc").await.ok(), json!({"name": null}));
    nobody.get("/api/v1/oidc/start").await.refused(404, "not-found");
    let admin = without.admin().await;
    let id = admin.get("/api/v1/session").await.ok()["user"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/v1/users/{id}/identities");
    admin
        .post(&path, json!({"subject": "42"}))
        .await
        .refused(409, "state");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_second_factor_is_asked_for_on_the_sign_in_page() {
    let stage = Stage::new().await;
    let sam = stage.bench.sign_in("sam").await;
    let enrolment = sam.post("/api/v1/session/totp", json!({})).await.ok();
    let code = |steps: i64| common::totp(enrolment["secret"].as_str().unwrap(), common::MORNING.0, steps);
    sam.post("/api/v1/session/totp/confirm", json!({"code": code(0)}))
        .await
        .ok();
    let (browser, sent) = stage.begin("?to=/cases").await;
    stage
        .provider
        .sign(&es256(), &stage.provider.claims(&sent["nonce"]));
    let answer = browser.get(&back(&sent["state"])).await;
    assert_eq!(answer.headers["location"], "/sign-in?oidc=code&to=%2Fcases");
    assert!(session_of(&answer).is_none());
    let waiting = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|set| set.to_str().unwrap())
        .find(|set| set.starts_with("vigie_oidc_code="))
        .unwrap();
    assert!(waiting.contains("SameSite=Strict"));
    let mut browser = stage.bench.nobody();
    browser
        .post("/api/v1/oidc/code", json!({"code": code(1)}))
        .await
        .refused(401, "unauthenticated");
    browser.cookie = waiting.split(';').next().map(str::to_owned);
    browser
        .get("/api/v1/session")
        .await
        .refused(401, "unauthenticated");
    browser
        .post("/api/v1/oidc/code", json!({"code": "000000"}))
        .await
        .refused(401, "unauthenticated");
    let come = browser.post("/api/v1/oidc/code", json!({"code": code(1)})).await;
    assert!(session_of(&come).is_some(), "{}", come.text());
    assert_eq!(come.ok()["user"]["login"], "sam");
    // What the operator says means a second factor needs none of ours.
    let answer = stage
        .journey(es256(), |claims| claims["acr"] = json!("urn:two"))
        .await;
    assert!(session_of(&answer).is_some());
}

/// Signs out whoever came in with this answer; says where they are sent.
async fn sign_out(stage: &Stage, answer: &Answer) -> Value {
    let mut browser = stage.bench.nobody();
    browser.cookie = session_of(answer);
    browser.csrf = browser.get("/api/v1/session").await.ok()["csrf"]
        .as_str()
        .map(str::to_owned);
    // Always with the same key: its answer has the token in it, is not kept, and is given to nobody else.
    let key = [("idempotency-key", "out")];
    let out = browser.send("DELETE", "/api/v1/session", &key, Vec::new()).await;
    browser
        .get("/api/v1/session")
        .await
        .refused(401, "unauthenticated");
    out.ok()["end_session_url"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_leads_to_the_provider_too_where_it_has_a_place_for_that() {
    let stage = Stage::new().await;
    let place = format!("{}/session/end", stage.provider.issuer);
    stage.provider.said.lock().unwrap().discovery["end_session_endpoint"] = json!(place);
    let answer = stage.journey(es256(), |_| {}).await;
    let token = stage.provider.said.lock().unwrap().id_token.clone();
    let url = sign_out(&stage, &answer).await;
    let (begin, query) = url.as_str().unwrap().split_once('?').unwrap();
    let sent: BTreeMap<String, String> = serde_html_form::from_str(query).unwrap();
    assert_eq!(begin, place);
    assert_eq!(
        (sent["id_token_hint"].as_str(), sent["client_id"].as_str()),
        (token.as_str(), CLIENT)
    );
    assert_eq!(sent["post_logout_redirect_uri"], "http://127.0.0.1:8443/sign-in");
    // Nowhere for who came by password, and for a token that is too long for an address.
    let mut sam = stage.bench.sign_in("sam").await;
    let out = sam.send("DELETE", "/api/v1/session", &[], Vec::new()).await.ok();
    assert_eq!(out, json!({"end_session_url": null}));
    let long = |claims: &mut Value| claims["groups"] = json!("x".repeat(6_000));
    let answer = stage.journey(es256(), long).await;
    assert_eq!(sign_out(&stage, &answer).await, Value::Null);
    // Behind our own second factor the token is kept until the code comes.
    sam = stage.bench.sign_in("sam").await;
    let enrolment = sam.post("/api/v1/session/totp", json!({})).await.ok();
    let code = |steps: i64| common::totp(enrolment["secret"].as_str().unwrap(), common::MORNING.0, steps);
    sam.post("/api/v1/session/totp/confirm", json!({"code": code(0)}))
        .await
        .ok();
    let answer = stage.journey(es256(), |_| {}).await;
    let waiting = answer.headers.get_all("set-cookie").iter();
    let waiting = waiting
        .map(|set| set.to_str().unwrap())
        .find(|set| set.starts_with("vigie_oidc_code="));
    let mut browser = stage.bench.nobody();
    browser.cookie = waiting.unwrap().split(';').next().map(str::to_owned);
    let come = browser.post("/api/v1/oidc/code", json!({"code": code(1)})).await;
    let url = sign_out(&stage, &come).await;
    assert!(
        url.as_str()
            .unwrap()
            .starts_with(&format!("{place}?id_token_hint="))
    );
    // It is nowhere to be read in the data folder.
    let token = stage.provider.said.lock().unwrap().id_token.clone();
    let data = stage.bench.desk.data();
    for file in ["desk.sqlite", "desk.sqlite-wal"] {
        let bytes = std::fs::read(data.join(file)).unwrap_or_default();
        assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_whatever_the_provider_says() {
    for place in [
        json!(null),
        json!("javascript:alert(1)"),
        json!("http://192.0.2.1/end"),
        json!("https://user@id.example/end"),
    ] {
        let stage = Stage::new().await;
        stage.provider.said.lock().unwrap().discovery["end_session_endpoint"] = place;
        let answer = stage.journey(es256(), |_| {}).await;
        assert_eq!(sign_out(&stage, &answer).await, Value::Null);
    }
    // The operator wants nobody to be sent there, or gave the server another provider since.
    let stage = Stage::new().await;
    let place = format!("{}/session/end", stage.provider.issuer);
    stage.provider.said.lock().unwrap().discovery["end_session_endpoint"] = json!(place);
    let answer = stage.journey(es256(), |_| {}).await;
    let other = Provider::start();
    other.said.lock().unwrap().discovery["end_session_endpoint"] = json!(format!("{}/end", other.issuer));
    let again = stage.journey(es256(), |_| {}).await;
    for (answer, oidc) in [
        (&again, with_sign_out(&stage.provider, SignOut::Local)),
        (&answer, identity_provider(&other)),
    ] {
        let settings = Settings {
            oidc: Some(oidc),
            ..Settings::default()
        };
        let mut browser = Bench::reopened(&stage.bench, settings).nobody();
        browser.cookie = session_of(answer);
        browser.csrf = browser.get("/api/v1/session").await.ok()["csrf"]
            .as_str()
            .map(str::to_owned);
        let out = browser
            .send("DELETE", "/api/v1/session", &[], Vec::new())
            .await
            .ok();
        assert_eq!(out["end_session_url"], Value::Null);
    }
}
