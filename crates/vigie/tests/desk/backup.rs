//! Backing up what is being served, and serving what was restored.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{Scene, Server, call, free_port, noise, until};

#[test]
fn what_was_served_is_served_again_from_a_backup() {
    serve_back_up_and_serve_again(None);
}

#[test]
fn so_it_is_with_postgresql() {
    let Ok(base) = std::env::var("VIGIE_TEST_POSTGRES") else {
        assert!(
            std::env::var_os("VIGIE_NO_SKIP").is_none(),
            "VIGIE_TEST_POSTGRES names none, and VIGIE_NO_SKIP is set"
        );
        println!("skipped: VIGIE_TEST_POSTGRES names none");
        return;
    };
    let schema = format!("cli_{}", std::process::id());
    let run = |sql: &str| {
        assert!(
            Command::new("psql")
                .env("PGOPTIONS", "-cclient_min_messages=warning")
                .args(["-q", "-d", &base, "-c", sql])
                .status()
                .unwrap()
                .success()
        );
    };
    run(&format!("CREATE SCHEMA {schema}"));
    let joint = if base.contains('?') { '&' } else { '?' };
    let url = format!("{base}{joint}options=-csearch_path%3D{schema}");
    // What is dropped is made again by restoring: a dump holds its schema.
    serve_back_up_and_serve_again(Some((&url, &|| run(&format!("DROP SCHEMA {schema} CASCADE")))));
    run(&format!("DROP SCHEMA {schema} CASCADE"));
}

/// A database other than the file, and what empties it.
type Elsewhere<'a> = Option<(&'a str, &'a dyn Fn())>;

fn serve_back_up_and_serve_again(database: Elsewhere<'_>) {
    let more: Vec<&str> = database
        .iter()
        .flat_map(|(url, _)| ["--database", *url])
        .collect();
    let with = |arguments: &[&'static str]| -> Vec<&str> {
        arguments.iter().copied().chain(more.iter().copied()).collect()
    };
    let scene = Scene::with(&more);
    let tenant = scene.tenant("Clinique Saint-Roch");
    scene.server_of(&tenant, "MAIL01");
    let logs = noise(300_000, 7);
    let new = json!({"tenant_id": tenant, "name": "logs.zip"});
    let upload = scene.api("POST", "/uploads", &new);
    let path = format!("/uploads/{}", upload["id"].as_str().unwrap());
    send(&scene, &path, &logs);
    let evidence = scene.api("POST", &format!("{path}/finish"), &Value::Null);
    let seen = |scene: &Scene| ["/tenants", "/servers", "/evidence", "/users"].map(|path| scene.get(path));
    let before = seen(&scene);

    // While the server runs, and people work.
    let data = scene.data.to_str().unwrap();
    let over = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        let talking = scope.spawn(|| {
            let mut said = 0;
            while !over.load(Ordering::SeqCst) {
                scene.api(
                    "POST",
                    "/journal",
                    &json!({"text": format!("remark {said}"), "tenant_id": tenant, "campaign_id": null}),
                );
                said += 1;
                std::thread::sleep(Duration::from_millis(15));
            }
            said
        });
        until("people who talk", || {
            !scene.get("/journal?action=say")["items"]
                .as_array()
                .unwrap()
                .is_empty()
        });
        scene.vigie(&[&["backup", "--data", data, "backup/"], &more[..]].concat());
        over.store(true, Ordering::SeqCst);
        talking.join().unwrap()
    });
    assert!(said > 1);
    let key = scene.data.join("master.key");
    let key = key.to_str().unwrap();
    assert_eq!(
        scene.get("/journal?action=backup.create")["items"][0]["actor"]["name"],
        "backup"
    );
    scene.vigie(&["restore", "backup", "--check"]);
    let said = scene.fails(1, &with(&["restore", "backup", "--data", "elsewhere"]));
    assert!(said.contains("does not hold the master key"), "{said}");
    let mut scene = scene;
    scene.server.take().unwrap().kill();
    if let Some((_, empty)) = database {
        empty();
    }
    let restore = [
        &["restore", "backup", "--data", "elsewhere", "--master-key", key],
        &more[..],
    ]
    .concat();
    scene.vigie(&restore);
    let said = scene.fails(1, &restore);
    assert!(said.contains("not empty"), "{said}");

    // The old one is gone; the new one answers the same, and opens the evidence.
    let restored = Server::start(&scene.folder.path().join("elsewhere"), free_port(), &more);
    scene.url.clone_from(&restored.url);
    assert_eq!(seen(&scene), before);
    let bearer = format!("Bearer {}", scene.key);
    let url = format!(
        "{}/api/v1/evidence/{}/export",
        scene.url,
        evidence["id"].as_str().unwrap()
    );
    let (status, _, bytes) = call(
        "POST",
        &url,
        &[("Authorization", &bearer)],
        &json!({"reason": "restored"}),
    );
    assert_eq!(status, 200);
    assert!(bytes == logs);
    assert_eq!(scene.get("/audit/verify")["sound"], true);
    assert_eq!(
        scene.get("/journal?action=say&q=remark%200")["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    drop(restored);
}

/// Sends bytes as an upload's.
fn send(scene: &Scene, path: &str, bytes: &[u8]) {
    let request = ureq::http::Request::patch(format!("{}/api/v1{path}", scene.url))
        .header("Authorization", format!("Bearer {}", scene.key))
        .header("Upload-Offset", "0");
    let answer = ureq::Agent::new_with_defaults()
        .run(request.body(bytes).unwrap())
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[test]
fn a_backup_with_a_flaw_is_refused_and_nothing_is_made() {
    let scene = Scene::new();
    let data = scene.data.to_str().unwrap();
    scene.vigie(&["backup", "--data", data, "--with-key", "backup"]);
    let said = scene.fails(1, &["backup", "--data", data, "backup"]);
    assert!(said.contains("name a new folder"), "{said}");
    let said = scene.fails(1, &["backup", "--data", "no-such-folder", "other"]);
    assert!(said.contains("no desk"), "{said}");
    assert!(!scene.folder.path().join("no-such-folder").exists());

    let database = scene.folder.path().join("backup/desk.sqlite");
    let mut bytes = std::fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&database, bytes).unwrap();
    for arguments in [
        &["restore", "backup", "--check"][..],
        &["restore", "backup", "--data", "elsewhere"],
    ] {
        let said = scene.fails(1, arguments);
        assert!(said.contains("desk.sqlite is not what was saved"), "{said}");
    }
    assert!(!scene.folder.path().join("elsewhere").exists());
}
