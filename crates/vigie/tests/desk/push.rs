//! Evidence over lines that break, from a client that is killed, to a server that is.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::line::Line;
use crate::scene::{Scene, Server, call, noise, until};

const MEGABYTE: usize = 1_000_000;

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What the desk says was done with evidence, oldest first.
fn acts(scene: &Scene, evidence: &Value) -> Vec<String> {
    let custody = scene.get(&format!("/evidence/{}/custody", evidence["id"].as_str().unwrap()));
    let acts = custody["items"].as_array().unwrap().iter().rev();
    acts.map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until so many bytes of an upload are safe.
fn until_received(scene: &Scene, bytes: u64) {
    until("the first bytes", || {
        let open = scene.get("/uploads");
        open[0]["received"]
            .as_u64()
            .is_some_and(|received| received >= bytes)
    });
}

#[test]
fn evidence_is_sent_once_with_its_hash_and_its_server() {
    let scene = Scene::new();
    let tenant = scene.tenant("Clinique Saint-Roch");
    let server = scene.server_of(&tenant, "MAIL01");
    let logs = noise(9 * MEGABYTE, 3);
    scene.write("logs.zip", &logs);
    let arguments = [
        "push",
        "logs.zip",
        "--tenant",
        "clinique saint-roch",
        "--server-name",
        "mail01",
    ];
    let sent = scene.json(&arguments);
    let evidence = &sent["evidence"][0];
    assert_eq!((&sent["failed"], &evidence["how"]), (&json!(0), &json!("sent")));
    assert_eq!(evidence["sha256"], sha256(&logs));
    assert_eq!(
        (&evidence["server_id"], &evidence["size"]),
        (&json!(server), &json!(logs.len()))
    );
    assert_eq!(acts(&scene, evidence), ["evidence.receive"]);

    // The same again sends nothing; for another server it is other evidence.
    let again = scene.json(&arguments);
    assert_eq!(
        (&again["evidence"][0]["how"], &again["evidence"][0]["id"]),
        (&json!("known"), &evidence["id"])
    );
    let elsewhere = scene.json(&["push", "logs.zip", "--tenant", "Clinique Saint-Roch"]);
    assert_eq!(elsewhere["evidence"][0]["how"], "sent");
    let said = scene.vigie(&[
        "push",
        "logs.zip",
        "--tenant",
        "Clinique Saint-Roch",
        "--lang",
        "fr",
    ]);
    assert!(
        said.contains("déjà présente") && said.contains("9,0\u{a0}Mo"),
        "{said}"
    );
}

#[test]
fn a_line_that_breaks_again_and_again_only_takes_longer() {
    let scene = Scene::new();
    scene.tenant("Client");
    let logs = noise(10 * MEGABYTE, 5);
    scene.write("logs.evtx", &logs);
    let line = Line::to(scene.port, 3_000_000, Duration::ZERO);
    let sent = scene.json(&["push", "logs.evtx", "--tenant", "Client", "--server", &line.url]);
    assert_eq!(sent["evidence"][0]["sha256"], sha256(&logs));
    // What arrived was not sent again, but for what was on its way when the line broke.
    assert!(line.carried() < 14_000_000, "{}", line.carried());
}

#[test]
fn whoever_was_killed_goes_on_where_he_was() {
    let scene = Scene::new();
    scene.tenant("Client");
    let logs = noise(24 * MEGABYTE, 9);
    let path = scene.write("logs.evtx", &logs);
    let slow = Line::to(scene.port, u64::MAX, Duration::from_millis(10));
    let push = ["push", "logs.evtx", "--tenant", "Client"];
    let killed = |at_least| {
        let mut child = scene
            .command(&push)
            .env("VIGIE_SERVER", &slow.url)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until_received(&scene, at_least);
        child.kill().unwrap();
        child.wait().unwrap();
        // The server keeps what was on its way.
        let mut upload = Value::Null;
        until("the end of the dead request", || {
            let before = std::mem::replace(&mut upload, scene.get("/uploads")[0].clone());
            std::thread::sleep(Duration::from_millis(500));
            before == upload
        });
        upload
    };
    let begun = killed(8 << 20);
    let received = begun["received"].as_u64().unwrap();
    assert!(received < logs.len() as u64, "{begun}");

    let line = Line::to(scene.port, u64::MAX, Duration::ZERO);
    let sent = scene.json(&["push", "logs.evtx", "--tenant", "Client", "--server", &line.url]);
    assert_eq!(sent["evidence"][0]["how"], "resumed");
    assert_eq!(sent["evidence"][0]["sha256"], sha256(&logs));
    assert!(
        line.carried() < logs.len() as u64 - received + MEGABYTE as u64,
        "{}",
        line.carried()
    );
    assert_eq!(
        scene.get("/journal?action=upload.begin")["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // A file that is another by then is not mixed with what it was.
    let changed = noise(24 * MEGABYTE, 10);
    std::fs::write(&path, &changed).unwrap();
    killed(8 << 20);
    let mut mixed = changed;
    mixed[..MEGABYTE].copy_from_slice(&logs[..MEGABYTE]);
    std::fs::write(&path, &mixed).unwrap();
    let sent = scene.json(&push);
    assert_eq!(
        (&sent["failed"], &sent["evidence"][0]["how"]),
        (&json!(0), &json!("sent"))
    );
    assert_eq!(sent["evidence"][0]["sha256"], sha256(&mixed));
    assert_eq!(scene.get("/uploads"), json!([]));
    assert_eq!(scene.get("/evidence")["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_server_that_was_killed_and_came_back_has_all_of_it() {
    let mut scene = Scene::new();
    scene.tenant("Client");
    let logs = noise(24 * MEGABYTE, 11);
    scene.write("logs.evtx", &logs);
    let slow = Line::to(scene.port, u64::MAX, Duration::from_millis(10));
    let child = scene
        .command(&["push", "logs.evtx", "--tenant", "Client", "--format", "json"])
        .env("VIGIE_SERVER", &slow.url)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until_received(&scene, 8 << 20);
    scene.server.take().unwrap().kill();
    std::thread::sleep(Duration::from_millis(1_500));
    scene.server = Some(Server::start(&scene.data, scene.port, &[]));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("trying again in 1 s"),
        "{said}"
    );
    let sent: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sent["evidence"][0]["sha256"], sha256(&logs));
    assert_eq!(
        scene.get("/journal?action=upload.begin")["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_folder_is_one_archive_and_is_hunted() {
    let scene = Scene::new();
    let tenant = scene.tenant("Client");
    scene.server_of(&tenant, "EX01");
    let pack = scene.get("/packs/hafnium-2021");
    let new = json!({"title": "Exchange", "pack": "hafnium-2021", "pack_version": pack["version"], "tenants": [tenant]});
    scene.api("POST", "/campaigns", &new);
    let log = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status\n\
               2021-03-03 06:49:46 10.0.0.1 GET /owa/ - 443 - 192.0.2.7 Mozilla/5.0 200\n";
    let deep = format!("EX01/inetpub/logs/{}/u_ex210303.log", "a-long-name-".repeat(12));
    scene.write(&deep, log.as_bytes());
    std::os::unix::fs::symlink("/etc/hostname", scene.folder.path().join("EX01/link")).unwrap();
    let arguments = [
        "push",
        "EX01",
        "--tenant",
        "Client",
        "--server-name",
        "EX01",
        "--hunt",
        "Exchange",
        "--wait",
    ];
    let sent = scene.json(&arguments);
    assert_eq!(sent["evidence"][0]["name"], "EX01.tar.gz");
    assert_eq!(sent["evidence"][0]["left_out"], json!(["link"]));
    assert_eq!(sent["hunt"]["job"]["state"], "done", "{sent}");
    assert_eq!(sent["hunt"]["servers"][0]["events"]["iis"], 1, "{sent}");
    assert!(scene.vigie(&arguments).contains("unknown"));
}

#[test]
fn who_may_not_send_is_told_what_to_do_and_no_key_is_shown() {
    let scene = Scene::new();
    let (ours, theirs) = (scene.tenant("Ours"), scene.tenant("Theirs"));
    scene.write("x.log", b"x");
    let with_key = |key: &str, arguments: &[&str]| {
        let output = scene.command(arguments).env("VIGIE_KEY", key).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(key.len() < 5 || !said.contains(key), "{said}");
        said
    };
    let push = ["push", "x.log", "--tenant", "Theirs"];
    let said = with_key("vigie_no_such_key", &push);
    assert!(
        said.contains("VIGIE_KEY") && said.contains("--key-file"),
        "{said}"
    );
    let said = with_key("", &push);
    assert!(said.contains("there is no key"), "{said}");
    // For whom there are only other tenants, this one does not exist, by name or by identifier.
    let narrow = scene.new_key(&json!({"only": [ours]}), &["read", "read_internal", "evidence"]);
    let said = with_key(&narrow, &push);
    assert!(said.contains("no tenant named \"Theirs\""), "{said}");
    let said = with_key(&narrow, &["push", "x.log", "--tenant", &theirs]);
    assert!(said.contains("no such tenant"), "{said}");
    let reader = scene.new_key(&json!("all"), &["read", "read_internal"]);
    let said = with_key(&reader, &push);
    assert!(
        said.contains("right Evidence") && said.contains("must have this right"),
        "{said}"
    );

    // Names, and the right to send: no more is needed.
    let sender = scene.new_key(&json!({"only": [theirs]}), &["read", "evidence"]);
    let sent = scene.command(&push).env("VIGIE_KEY", &sender).output().unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));

    let said = scene.fails(
        1,
        &[
            "push",
            "x.log",
            "--tenant",
            "Theirs",
            "--server",
            "http://vigie.example",
        ],
    );
    assert!(said.contains("--insecure-http"), "{said}");
    let said = scene.fails(1, &["push", "no-such-file", "--tenant", "Theirs"]);
    assert!(said.contains("no-such-file"), "{said}");
    let said = scene.fails(
        1,
        &[
            "push",
            "x.log",
            "--tenant",
            "Theirs",
            "--server",
            "http://127.0.0.1:9",
            "--patience",
            "0",
        ],
    );
    assert!(said.contains("cannot reach http://127.0.0.1:9"), "{said}");
    // For a moment only.
    assert_eq!(said.matches("cannot reach").count(), 1, "{said}");
    // Something that is no Vigie, and would like to have the key elsewhere.
    let said = scene.fails(
        1,
        &[
            "push",
            "x.log",
            "--tenant",
            "Theirs",
            "--server",
            &format!("{}/elsewhere", scene.url),
        ],
    );
    assert!(said.contains("not as Vigie does"), "{said}");
}

#[test]
fn a_key_does_not_follow_an_address_that_leads_elsewhere() {
    let scene = Scene::new();
    let (elsewhere, leads) = (
        TcpListener::bind("127.0.0.1:0").unwrap(),
        TcpListener::bind("127.0.0.1:0").unwrap(),
    );
    let url = format!("http://{}", leads.local_addr().unwrap());
    let there = elsewhere.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in leads.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).unwrap();
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nLocation: http://{there}/\r\nContent-Length: 0\r\n\r\n"
            )
            .unwrap();
        }
    });
    elsewhere.set_nonblocking(true).unwrap();
    for arguments in [&["tenant", "list"][..], &["journal", "say", "x"]] {
        let mut all = arguments.to_vec();
        all.extend(["--server", &url]);
        let said = scene.fails(1, &all);
        assert!(said.contains("answers 302, and not as Vigie does"), "{said}");
    }
    assert!(elsewhere.accept().is_err(), "somebody came");
}

#[test]
fn a_desk_that_takes_no_more_says_so() {
    let scene = Scene::new();
    let tenant = scene.tenant("Client");
    scene.write("x.log", b"x");
    let new = json!({"tenant_id": tenant, "name": "open"}).to_string();
    let bearer = format!("Bearer {}", scene.key);
    let url = format!("{}/api/v1/uploads", scene.url);
    for _ in 0..200 {
        let new = serde_json::from_str(&new).unwrap();
        assert_eq!(call("POST", &url, &[("Authorization", &bearer)], &new).0, 201);
    }
    let said = scene.fails(1, &["push", "x.log", "--tenant", "Client"]);
    assert!(said.contains("200 uploads are open already"), "{said}");
}

#[test]
fn a_certificate_of_our_own_is_believed_when_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let mut scene = Scene::new();
    scene.tenant("Client");
    scene.write("x.log", b"x");
    scene.server.take().unwrap().kill();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let server = Server::start(&scene.data, scene.port, &["--tls-cert", cert, "--tls-key", key]);
    scene.url.clone_from(&server.url);
    assert!(scene.url.starts_with("https://"));
    let said = scene.fails(1, &["push", "x.log", "--tenant", "Client"]);
    assert!(said.contains("--ca-cert"), "{said}");
    let file = scene.write("key", format!("{}\n", scene.key).as_bytes());
    let output = scene
        .command(&[
            "push",
            "x.log",
            "--tenant",
            "Client",
            "--ca-cert",
            cert,
            "--key-file",
            file.to_str().unwrap(),
        ])
        .env_remove("VIGIE_KEY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("chmod 600"), "{said}");
}
