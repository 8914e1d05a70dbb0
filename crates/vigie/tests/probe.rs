//! The version check from outside: the real binary against servers on loopback.

#![allow(clippy::unwrap_used)]

#[path = "../../probe/tests/server/mod.rs"]
mod server;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use server::{Server, export_tool, page, reply};
use vigie_probe::PAGES;

fn vigie(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["exposure", "probe", "--scope", "scope.yaml"])
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn write_scope(folder: &Path, addresses: &str) {
    let scope = format!(
        "owner: Clara Weber\ncontact: soc@msp.example\nsigned_by: J. Martin\ndate: 2021-03-04\nreason: ProxyLogon\n\
         rate: {{per_host: 5, total: 50}}\ntimeout: 3\naddresses:\n{addresses}"
    );
    fs::write(folder.join("scope.yaml"), scope).unwrap();
}

fn entry(server: &Server, name: &str) -> String {
    let port = server.address.port();
    format!("  - {{ip: 127.0.0.1, port: {port}, tenant: Client, server: {name}}}\n")
}

/// A server with a full build, one with three parts, one that is not Exchange, one that does not speak TLS.
fn world(folder: &Path) -> Vec<Server> {
    let servers = vec![
        Server::pages(&[
            (PAGES[0], reply(200, "X-FEServer: EX01", &page("15.1.2176"))),
            (PAGES[1], reply(200, "", &export_tool("15.1.2176.9"))),
        ]),
        Server::pages(&[(PAGES[0], reply(200, "", &page("15.0.1497")))]),
        Server::pages(&[(PAGES[0], reply(200, "Server: nginx", "hello"))]),
        Server::raw(|mut socket| {
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = socket.read(&mut [0; 4_096]);
        }),
    ];
    let entries: String = servers
        .iter()
        .enumerate()
        .map(|(index, server)| entry(server, &format!("EX0{}", index + 1)))
        .collect();
    write_scope(folder, &entries);
    servers
}

#[test]
fn servers_are_asked_and_every_request_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let servers = world(folder.path());
    let output = vigie(folder.path(), &["--format", "json", "--output", "answers.json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let notes = text(&output.stderr);
    assert!(notes.contains("Signed off by: J. Martin, 2021-03-04"), "{notes}");
    assert!(notes.contains("(version check; +soc@msp.example)"), "{notes}");

    let report: Value =
        serde_json::from_slice(&fs::read(folder.path().join("answers.json")).unwrap()).unwrap();
    let field = |at: usize, key: &str| report["targets"][at][key].clone();
    assert_eq!(report["targets"][0]["build"]["value"], "15.1.2176.9");
    assert_eq!(report["targets"][0]["build"]["source"], "exporttool");
    assert_eq!(report["targets"][1]["build"]["value"], "15.0.1497");
    assert_eq!(field(2, "outcome"), "not_exchange");
    assert_eq!(field(2, "build"), Value::Null);
    assert_eq!(field(3, "outcome"), "not_tls");
    assert!(
        (0..4).all(|at| field(at, "publication") == "unknown"),
        "loopback is not the Internet"
    );
    assert_eq!(report["scope"]["signed_by"], "J. Martin");

    let log = fs::read_to_string(folder.path().join("answers.json.requests.jsonl")).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count() as u64;
    assert_eq!(count("request"), count("answer"));
    assert_eq!(Some(count("request")), report["requests"].as_u64());
    let seen: usize = servers.iter().map(|server| server.lines().len()).sum();
    assert_eq!(
        seen as u64,
        count("request") - 1,
        "all but the one that got no further than TLS"
    );

    // The log is added to.
    vigie(folder.path(), &["--quiet", "--output", "answers.json"]);
    let longer = fs::read_to_string(folder.path().join("answers.json.requests.jsonl")).unwrap();
    assert!(longer.starts_with(&log) && longer.len() > log.len());
}

#[test]
fn the_table_speaks_both_languages_and_begins_with_the_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let _servers = world(folder.path());
    let english = text(&vigie(folder.path(), &["--quiet", "--log", "log"]).stdout);
    let at = |what: &str| english.find(what).unwrap_or_else(|| panic!("{what}: {english}"));
    assert!(
        at("Client EX03") < at("Client EX02") && at("Client EX02") < at("Client EX01"),
        "{english}"
    );
    assert!(english.contains("15.1.2176.9 (export tool)"), "{english}");
    assert!(english.contains("15.0.1497.? (path)"), "{english}");
    assert!(
        english.contains("open, not Exchange: HTTP 200, Server nginx"),
        "{english}"
    );
    assert!(
        english.contains("4 address(es), 2 Exchange, 1 full build(s), 2 unknown"),
        "{english}"
    );
    let run = vigie(folder.path(), &["--lang", "fr", "--log", "log"]);
    assert!(
        text(&run.stderr).contains("Validé par\u{a0}: J. Martin"),
        "{}",
        text(&run.stderr)
    );
    assert!(
        text(&run.stderr).contains("version inconnue"),
        "{}",
        text(&run.stderr)
    );
    let french = text(&run.stdout);
    assert!(french.contains("pas Exchange\u{a0}: HTTP 200"), "{french}");
    assert!(french.contains("ne parle pas TLS"), "{french}");
    assert!(french.contains("version      inconnue"), "{french}");
    let csv = text(
        &vigie(
            folder.path(),
            &["--lang", "fr", "--log", "log", "--format", "csv", "--quiet"],
        )
        .stdout,
    );
    assert!(
        csv.starts_with(
            "\u{feff}tenant;server;fqdn;product;build;build_source;published;topology;observed_at"
        ),
        "{csv}"
    );
    assert!(
        csv.contains("Client;EX01;;exchange;15.1.2176.9;exporttool;unknown;"),
        "{csv}"
    );
}

#[test]
fn a_dry_run_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let servers = world(folder.path());
    let output = vigie(folder.path(), &["--dry-run"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    let port = servers[0].address.port();
    assert!(
        out.contains(&format!(
            "GET https://127.0.0.1:{port}/owa/  127.0.0.1:{port}  Client  EX01"
        )),
        "{out}"
    );
    assert_eq!(out.lines().filter(|line| line.starts_with("GET ")).count(), 8);
    assert!(out.contains("no request was sent"));
    assert!(servers.iter().all(|server| server.lines().is_empty()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no log either");
}

#[test]
fn a_scope_that_does_not_hold_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let servers = world(folder.path());
    let good = fs::read_to_string(folder.path().join("scope.yaml")).unwrap();
    for (from, to, why) in [
        ("signed_by: J. Martin\n", "", "missing field `signed_by`"),
        ("owner: Clara Weber\n", "", "missing field `owner`"),
        (
            "date: 2021-03-04",
            "date: 2921-03-04",
            "scope.yaml:4: it is dated 2921-03-04",
        ),
        ("reason: ProxyLogon", "reason: ''", "scope.yaml:5"),
        (
            "reason: ProxyLogon",
            "reason: x\nexpires: 2021-03-05",
            "scope.yaml:6: it expired",
        ),
        (
            "reason: ProxyLogon",
            "reason: x\nexploit: yes",
            "scope.yaml:6: unknown field `exploit`",
        ),
    ] {
        fs::write(folder.path().join("scope.yaml"), good.replacen(from, to, 1)).unwrap();
        let output = vigie(folder.path(), &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains(why),
            "{why}: {}",
            text(&output.stderr)
        );
    }
    assert!(servers.iter().all(|server| server.lines().is_empty()));
    fs::write(folder.path().join("scope.yaml"), good).unwrap();
    let output = vigie(folder.path(), &["--log", "nowhere/log"]);
    assert!(
        text(&output.stderr).contains("cannot write the log"),
        "{}",
        text(&output.stderr)
    );
    assert!(servers.iter().all(|server| server.lines().is_empty()));
}

/// What a check was answered is an inventory, as JSON and as CSV.
#[test]
fn answers_are_an_inventory() {
    let folder = tempfile::tempdir().unwrap();
    let _servers = world(folder.path());
    for (format, file) in [("json", "probe.json"), ("csv", "probe.csv")] {
        let output = vigie(folder.path(), &["--format", format, "--output", file, "--quiet"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let preview = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["exposure", "inventory", file, "--format", "json"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let preview: Value = serde_json::from_slice(&preview.stdout).unwrap();
        assert_eq!(
            preview["files"][0]["format"],
            if format == "json" { "probe" } else { "csv" }
        );
        let facts = preview["files"][0]["first_rows"].to_string();
        assert!(facts.contains("build 15.1.2176.9 (exporttool)"), "{facts}");
    }
}
