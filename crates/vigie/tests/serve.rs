//! The real binary as a server: from the first start to a board, and a clean stop.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

const PASSWORD: &str = "vertical-lantern-42-oyster";

/// A server that runs, and what it printed.
struct Server {
    child: Child,
    address: String,
    set_up: Option<String>,
    lines: mpsc::Receiver<String>,
}

impl Server {
    fn start(data: &Path) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["serve", "--lang", "en", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Server {
            child,
            address: String::new(),
            set_up: None,
            lines,
        };
        while server.address.is_empty() {
            let line = server.lines.recv_timeout(Duration::from_secs(30)).unwrap();
            if let Some(address) = line.strip_prefix("Vigie is at: http://") {
                server.address = address.to_owned();
            }
        }
        if let Ok(line) = server.lines.recv_timeout(Duration::from_millis(500)) {
            server.set_up = line
                .split_once("/setup?token=")
                .map(|(_, token)| token.to_owned());
        }
        server
    }

    /// Stops as a service manager does it, and gives the rest of what was printed.
    fn stop(mut self) -> String {
        let stopped = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(stopped.success());
        let status = self.child.wait().unwrap();
        let rest: Vec<String> = self.lines.iter().collect();
        assert!(status.success(), "{status}: {rest:?}");
        rest.join("\n")
    }
}

/// Somebody at a browser.
#[derive(Default)]
struct Client {
    address: String,
    cookie: String,
    csrf: String,
}

impl Client {
    fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {}\r\nX-CSRF-Token: {}\r\n\
             Content-Length: {}\r\n{headers}\r\n",
            self.address,
            self.cookie,
            self.csrf,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        if let Some(cookie) = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")) {
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    #[track_caller]
    fn json(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let (status, answer) = self.send(
            method,
            path,
            "Content-Type: application/json\r\n",
            body.as_bytes(),
        );
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    #[track_caller]
    fn get(&mut self, path: &str) -> Value {
        self.json("GET", path, &Value::Null)
    }

    fn sign_in(&mut self) {
        let who = self.json(
            "POST",
            "/api/v1/session",
            &json!({"user": "alex", "password": PASSWORD}),
        );
        self.csrf = who["csrf"].as_str().unwrap().to_owned();
    }
}

#[test]
fn from_the_first_start_to_a_board_and_back_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let token = server.set_up.clone().expect("a link for the first administrator");
    let mut alex = Client {
        address: server.address.clone(),
        ..Client::default()
    };
    assert_eq!(alex.send("GET", "/readyz", "", b"").0, 200);
    assert_eq!(alex.send("GET", "/metrics", "", b"").0, 200);
    alex.json(
        "POST",
        "/api/v1/setup",
        &json!({"token": token, "login": "alex", "name": "Alex", "password": PASSWORD, "locale": "fr"}),
    );
    alex.sign_in();

    let inventory = vigie_simulate::inventory(&vigie_simulate::demo_plan(2021));
    let path = "/api/v1/inventories?file_name=inventory.csv&new_tenants=true&new_servers=true";
    let (status, imported) = alex.send("POST", path, "", inventory.as_bytes());
    assert_eq!(status, 200, "{imported}");
    assert_eq!(imported["report"]["new_tenants"], 5);
    let tenants = alex.get("/api/v1/tenants");
    let ids: Vec<&Value> = tenants["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tenant| &tenant["id"])
        .collect();
    let pack = alex.get("/api/v1/packs/hafnium-2021");
    let campaign = alex.json(
        "POST",
        "/api/v1/campaigns",
        &json!({"title": "Exchange", "pack": "hafnium-2021", "pack_version": pack["version"], "tenants": ids}),
    );
    let board = format!("/api/v1/campaigns/{}/board", campaign["id"].as_str().unwrap());
    let shown = alex.get(&board);
    assert_eq!(shown["tenants_total"], 5);
    assert_eq!(shown["servers_total"], imported["report"]["new_servers"]);
    assert_eq!(shown["tenants"]["items"].as_array().unwrap().len(), 5);

    // A second server must not take the folder.
    let second = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["serve", "--lang", "en", "--listen", "127.0.0.1:0", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("served by another process"));

    let log = server.stop();
    assert!(log.contains("stopped"), "{log}");
    // Secrets stay out of the log.
    for secret in [PASSWORD, &token, &alex.csrf, &alex.cookie] {
        assert!(
            !log.contains(secret.trim_start_matches("vigie_session=")),
            "{secret}: {log}"
        );
    }

    // The session and the campaign are still there; nobody is asked to set anything up.
    let server = Server::start(&data);
    assert_eq!(server.set_up, None);
    alex.address = server.address.clone();
    assert_eq!(alex.get(&board)["servers_total"], shown["servers_total"]);
    server.stop();
}

#[test]
fn passwords_do_not_cross_the_network_in_the_clear_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["serve", "--lang", "en", "--listen", "0.0.0.0:0", "--data"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("--tls-cert") && said.contains("--insecure-http"),
        "{said}"
    );
}

#[test]
fn tls_is_spoken_with_a_certificate_and_cookies_keep_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["serve", "--lang", "en", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path().join("data"))
        .arg("--tls-cert")
        .arg(&cert)
        .arg("--tls-key")
        .arg(&key)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("Vigie is at: https://").map(str::to_owned))
        .unwrap();

    let mut roots = rustls::RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Somebody who never shakes hands holds nobody up.
    let _silent = TcpStream::connect(&address).unwrap();
    let name = "localhost".to_owned().try_into().unwrap();
    let connection = rustls::ClientConnection::new(config.into(), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(&address).unwrap());
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    // The other side may close without saying so.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security"), "{answer}");
    Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    child.wait().unwrap();
}
