//! One client's people learn nothing of another client: not a name, not an identifier, not a number. Every operation of the
//! OpenAPI document is called, so that one added tomorrow is tested without anybody thinking of it.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::scene::{self, Scene};
use common::{Bench, Client, Operation, on_each_database, operations};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use vigie_desk::{Role, TenantSet};

/// What is in every name and text of the other client.
const MARK: &str = "Zanzibar";

#[test]
fn no_operation_tells_one_client_of_another() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let document = admin.get("/api/v1/openapi.json").await.ok();
        let (own, own_server) = scene::tenant(&admin, "Brest", "MAIL").await;
        let campaign = scene::campaign(&admin, &[&own]).await;
        let only: TenantSet = TenantSet::Only(BTreeSet::from([own.parse().unwrap()]));
        let mut strangers = Vec::new();
        // Whoever is an administrator is there for all.
        let roles: Vec<&Role> = Role::ALL
            .iter()
            .filter(|role| **role != Role::Administrator)
            .collect();
        for role in &roles {
            strangers.push(bench.person(role.id(), **role, only.clone()).await);
        }
        // What they may know, before the other client exists.
        let mut before = Vec::new();
        for stranger in &strangers {
            before.push(look_around(stranger, &document, &own, &own_server, &campaign).await);
        }
        let other = scene::play(bench, &admin, &campaign, MARK).await;
        for (stranger, before) in strangers.iter().zip(before) {
            let after = look_around(stranger, &document, &own, &own_server, &campaign).await;
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before, after, "the other client shows in a number or an order");
            }
        }
        let secrets = secrets(&admin, &other).await;
        let ghost = ghost(&campaign);
        for (stranger, role) in strangers.into_iter().zip(roles) {
            let mut stranger = stranger;
            for operation in operations(&document) {
                if operation.id == "events" {
                    continue;
                }
                for with_queries in [false, true] {
                    let answer = call(&stranger, &operation, &document, &other, with_queries).await;
                    assert_ne!(answer.status, 500, "{role} {}: {}", operation.id, answer.text());
                    let told = told(&answer);
                    // The same of what never was: the two must not be told apart.
                    let nothing = call(&stranger, &operation, &document, &ghost, with_queries).await;
                    let mut expected = told_of(&nothing, &ghost, &other);
                    if !named(&operation, &document) {
                        // It says the same whatever it is given; what it says must hold no secret.
                        expected = told.clone();
                    }
                    assert_eq!(
                        told, expected,
                        "{} tells {role} that another client is there",
                        operation.id
                    );
                    let echoed = told_of(&nothing, &ghost, &other);
                    for secret in &secrets {
                        assert!(
                            !told.contains(secret.as_str()) || echoed.contains(secret.as_str()),
                            "{} tells {role} of another client: {secret} in {told}",
                            operation.id
                        );
                    }
                }
                // Some operations end the session or close the account.
                if stranger.get("/api/v1/session").await.status != 200 {
                    stranger = bench.sign_in(role.id()).await;
                }
            }
        }
        // Nothing of it was changed either.
        let tenant = admin.get(&format!("/api/v1/tenants/{}", other.tenant)).await.ok();
        assert_eq!(
            (&tenant["revision"], &tenant["archived_at"]),
            (&json!(1), &json!(null))
        );
        let case = admin.get(&format!("/api/v1/cases/{}", other.case)).await.ok();
        assert_eq!(case["revision"], 1);
        let evidence = admin
            .get(&format!("/api/v1/evidence/{}", other.evidence))
            .await
            .ok();
        assert_eq!(
            (&evidence["revision"], &evidence["held"]),
            (&json!(1), &json!(true))
        );
    });
}

/// Everything one may read that needs no identifier, or one's own: the answers, whole.
async fn look_around(
    who: &Client,
    document: &Value,
    tenant: &str,
    server: &str,
    campaign: &str,
) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    for operation in operations(document) {
        // The session is one's own, packs and the account change with nobody.
        if operation.method != "GET" || operation.id == "events" {
            continue;
        }
        let mut path = operation.path.clone();
        if path.contains("/servers/{id}") {
            path = path.replace("{id}", server);
        } else if path.contains("/tenants/{id}") {
            path = path.replace("{id}", tenant);
        } else if path.contains("/campaigns/{id}") {
            path = path.replace("{id}", campaign);
        }
        path = path
            .replace("{campaign}", campaign)
            .replace("{stage}", "verdict")
            .replace("{name}", "hafnium-2021");
        if path.contains('{') {
            continue;
        }
        if path.ends_with("/exposure") {
            path.push_str("?pack=hafnium-2021");
        }
        let answer = who.get(&path).await;
        seen.push((path, format!("{} {}", answer.status, answer.text())));
    }
    assert!(seen.len() > 25, "{seen:?}");
    seen
}

/// What must not be in any answer.
async fn secrets(admin: &Client, other: &Scene) -> Vec<String> {
    let mut secrets: Vec<String> = ids(other).iter().map(|id| (*id).to_owned()).collect();
    secrets.push(MARK.to_owned());
    // They are really there, for who may see them.
    for path in [
        "/api/v1/tenants",
        "/api/v1/cases",
        "/api/v1/journal",
        "/api/v1/findings",
    ] {
        let text = admin.get(path).await.text();
        assert!(
            text.contains(MARK) && text.contains(&other.tenant),
            "{path}: {text}"
        );
    }
    secrets
}

/// A client that never was.
fn ghost(campaign: &str) -> Scene {
    let never = |number: u8| format!("00000000-0000-7000-8000-0000000000{number:02}");
    Scene {
        tenant: never(1),
        server: never(2),
        campaign: campaign.to_owned(),
        evidence: never(3),
        upload: never(4),
        hold: never(5),
        hunt: never(6),
        finding: never(7),
        dismissal: never(8),
        alert: never(9),
        case: never(10),
        item: never(11),
        view: never(12),
    }
}

fn told(answer: &common::Answer) -> String {
    format!("{} {:?} {}", answer.status, answer.headers, answer.text())
}

/// What would have been told of `other`, had it been told what was told of `ghost`.
fn told_of(answer: &common::Answer, ghost: &Scene, other: &Scene) -> String {
    let mut text = told(answer);
    for (never, real) in ids(ghost).into_iter().zip(ids(other)) {
        text = text.replace(never, real);
    }
    text
}

fn ids(scene: &Scene) -> [&str; 12] {
    [
        &scene.tenant,
        &scene.server,
        &scene.evidence,
        &scene.upload,
        &scene.hold,
        &scene.hunt,
        &scene.finding,
        &scene.dismissal,
        &scene.alert,
        &scene.case,
        &scene.item,
        &scene.view,
    ]
}

/// Whether an operation takes an identifier at all, in its path, its query or its body.
fn named(operation: &Operation, document: &Value) -> bool {
    let text = operation.value["parameters"].to_string() + &operation.value["requestBody"].to_string();
    let mut seen = BTreeSet::new();
    refers(&text, document, &mut seen)
}

fn refers(text: &str, document: &Value, seen: &mut BTreeSet<String>) -> bool {
    text.split("#/components/schemas/").skip(1).any(|rest| {
        let name: String = rest
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect();
        if name.ends_with("Id") {
            return true;
        }
        seen.insert(name.clone())
            && refers(
                &document["components"]["schemas"][&name].to_string(),
                document,
                seen,
            )
    })
}

/// Calls an operation with everything of the other client that its description takes.
async fn call(
    who: &Client,
    operation: &Operation,
    document: &Value,
    other: &Scene,
    queries: bool,
) -> common::Answer {
    let mut path = operation.path.clone();
    let mut query = Vec::new();
    let mut headers: Vec<(&str, String)> = Vec::new();
    let parameters = operation.value["parameters"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for parameter in &parameters {
        let name = parameter["name"].as_str().unwrap();
        let value = match name {
            "q" => MARK[..4].to_owned(),
            "agency" => MARK.to_owned(),
            "file_name" => "inventory.csv".to_owned(),
            "pack" => "hafnium-2021".to_owned(),
            "If-Match" => "\"1\"".to_owned(),
            "Upload-Offset" => "0".to_owned(),
            "Idempotency-Key" | "cursor" | "limit" | "map" => continue,
            "ref_id" => other.alert.clone(),
            "item" => other.item.clone(),
            _ => match sample(&parameter["schema"], name, document, other) {
                Value::String(text) => text,
                Value::Array(values) => values[0].as_str().unwrap_or_default().to_owned(),
                value => value.to_string(),
            },
        };
        match parameter["in"].as_str().unwrap() {
            "path" => path = path.replace(&format!("{{{name}}}"), &value),
            "query" if queries || parameter["required"] == true => query.push(format!("{name}={value}")),
            "query" => {}
            "header" => headers.push((name, value)),
            place => panic!("{}: a parameter in {place}", operation.id),
        }
    }
    assert!(!path.contains('{'), "{path}");
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&").replace(' ', "%20"));
    }
    let content = &operation.value["requestBody"]["content"];
    let body = match content.as_object().and_then(|types| types.iter().next()) {
        Some((media, schema)) if media == "application/json" => {
            headers.push(("content-type", media.clone()));
            sample(&schema["schema"], "body", document, other)
                .to_string()
                .into_bytes()
        }
        Some(_) => b"server;tenant\nMAIL;Client\n".to_vec(),
        None => Vec::new(),
    };
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    loop {
        let answer = who.send(&operation.method, &path, &headers, body.clone()).await;
        if !answer.text().contains("urn:vigie:problem:too-many-requests") {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// A value that fits a schema, with the identifiers of the other client where one is wanted.
fn sample(schema: &Value, name: &str, document: &Value, other: &Scene) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let type_name = reference.rsplit('/').next().unwrap();
        let id = match type_name {
            "TenantId" => &other.tenant,
            "ServerId" => &other.server,
            "CampaignId" => &other.campaign,
            "EvidenceId" => &other.evidence,
            "UploadId" => &other.upload,
            "HoldId" => &other.hold,
            "HuntId" | "JobId" => &other.hunt,
            "FindingId" => &other.finding,
            "DismissalId" => &other.dismissal,
            "AlertId" => &other.alert,
            "CaseId" => &other.case,
            "ItemId" => &other.item,
            "ViewId" => &other.view,
            // Accounts, keys and sessions are nobody's client's: any other will do.
            "AccountId" | "KeyId" | "SessionId" => &other.tenant,
            "Time" => return json!("2021-06-01T00:00:00Z"),
            "TenantSet" => return json!({"only": [other.tenant]}),
            _ => {
                return sample(
                    &document["components"]["schemas"][type_name],
                    name,
                    document,
                    other,
                );
            }
        };
        return json!(id);
    }
    for one_of in ["oneOf", "anyOf"] {
        if let Some(variants) = schema[one_of].as_array() {
            let variant = variants.iter().find(|variant| variant["type"] != "null").unwrap();
            return sample(variant, name, document, other);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = serde_json::Map::new();
        for part in parts {
            if let Value::Object(fields) = sample(part, name, document, other) {
                whole.extend(fields);
            }
        }
        return Value::Object(whole);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let kind = schema["type"]
        .as_str()
        .or(schema["type"][0].as_str())
        .unwrap_or_default();
    match kind {
        "object" => {
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            let sampled = fields
                .iter()
                .map(|(name, schema)| (name.clone(), sample(schema, name, document, other)));
            Value::Object(sampled.collect())
        }
        "array" => json!([sample(&schema["items"], name, document, other)]),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        _ => match name {
            "detail" => json!("unknown"),
            "pack" => json!("hafnium-2021"),
            "sha256" => json!("00".repeat(32)),
            _ => json!("text"),
        },
    }
}

#[test]
fn the_stream_of_changes_is_silent_about_other_clients() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let (own, _) = scene::tenant(&admin, "Brest", "MAIL").await;
        let only: TenantSet = TenantSet::Only(BTreeSet::from([own.parse().unwrap()]));
        let analyst = bench.person("sam", Role::SocAnalyst, only.clone()).await;
        let contact = bench.person("claude", Role::ClientContact, only).await;
        bench.clock.advance_seconds(30);
        let listeners = [
            listen(bench, &admin),
            listen(bench, &analyst),
            listen(bench, &contact),
        ];
        let heard = tokio::spawn(futures_util::future::join_all(listeners));
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.clock.advance_seconds(10);
        let (other, _) = scene::tenant(&admin, MARK, "EX01").await;
        let remark = json!({"tenant_id": own, "text": "called"});
        admin.post("/api/v1/journal", remark).await.ok();
        let heard = heard.await.unwrap();
        assert!(
            heard[0].contains(&other) && heard[0].contains("tenant.create"),
            "{heard:?}"
        );
        assert!(heard[1].contains(&own) && !heard[1].contains(&other), "{heard:?}");
        assert!(!heard[2].contains("data:"), "{heard:?}");
    });
}

#[test]
fn a_client_hears_when_what_he_may_read_changes_and_not_a_byte_when_others_do() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let (own, server) = scene::tenant(&admin, "Brest", "MAIL").await;
        let (other, _) = scene::tenant(&admin, MARK, "EX01").await;
        let campaign = scene::campaign(&admin, &[&own, &other]).await;
        bench.clock.advance_seconds(30);
        let (contact, stranger) = (
            bench.contact_of("claude", &own).await,
            bench.contact_of("dominique", &other).await,
        );
        let heard = tokio::spawn(futures_util::future::join_all([
            listen(bench, &contact),
            listen(bench, &stranger),
        ]));
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.clock.advance_seconds(10);
        let say = json!({"stage": "verdict", "detail": "suspected", "reason": "seen by hand, between us"});
        let path = format!("/api/v1/servers/{server}/cells/{campaign}");
        let said = admin.post(&path, say).await;
        assert!(said.status.is_success(), "{}: {}", said.status, said.text());
        let remark = json!({"tenant_id": own, "text": "between us"});
        admin.post("/api/v1/journal", remark).await.ok();
        let heard = heard.await.unwrap();
        let events: Vec<Value> = heard[0]
            .lines()
            .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
            .collect();
        let expected = json!({"kind": "server", "id": server, "tenant_id": own, "action": "changed"});
        assert_eq!(events, [expected], "{heard:?}");
        assert_eq!(heard[1], "", "not a byte");
    });
}

#[test]
fn a_case_that_is_no_longer_shared_makes_the_client_read_again_and_is_not_named() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let (own, _) = scene::tenant(&admin, "Brest", "MAIL").await;
        let (other, _) = scene::tenant(&admin, MARK, "EX01").await;
        let fields = |shared: bool| json!({"title": "Web shell", "severity": "high", "shared": shared});
        let new = json!({"tenant_id": own, "fields": fields(true)});
        let case = admin.post("/api/v1/cases", new).await.ok();
        let path = format!("/api/v1/cases/{}", case["id"].as_str().unwrap());
        bench.clock.advance_seconds(30);
        let (contact, stranger) = (
            bench.contact_of("claude", &own).await,
            bench.contact_of("dominique", &other).await,
        );
        let heard = tokio::spawn(futures_util::future::join_all([
            listen(bench, &contact),
            listen(bench, &stranger),
        ]));
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.clock.advance_seconds(10);
        admin.put(&path, "\"1\"", fields(false)).await.ok();
        let heard = heard.await.unwrap();
        assert_eq!(heard[0].matches("data:").count(), 1, "{heard:?}");
        assert!(heard[0].contains("\"kind\":\"all\""), "{heard:?}");
        assert!(!heard[0].contains(case["id"].as_str().unwrap()), "{heard:?}");
        assert!(!heard[1].contains("data:"), "{heard:?}");
        contact.get(&path).await.refused(404, "not-found");
    });
}

/// What somebody hears in a few seconds.
fn listen(bench: &Bench, who: &Client) -> impl Future<Output = String> + Send + 'static {
    let request = who.request("GET", "/api/v1/events", &[], Vec::new());
    let router = bench.router.clone();
    async move {
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body().into_data_stream();
        let mut text = String::new();
        let _ = tokio::time::timeout(Duration::from_secs(4), async {
            while let Some(Ok(piece)) = body.next().await {
                text.push_str(&String::from_utf8_lossy(&piece));
            }
        })
        .await;
        text
    }
}

#[test]
fn the_stream_ends_when_the_server_stops() {
    on_each_database(async |bench| {
        let admin = bench.admin().await;
        let stream = tokio::spawn(listen(bench, &admin));
        tokio::time::sleep(Duration::from_millis(200)).await;
        bench.stop.send(true).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(2), stream).await;
        assert!(ended.is_ok(), "it still listens");
    });
}
