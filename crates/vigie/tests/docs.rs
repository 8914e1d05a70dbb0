//! The commands of docs/command-line.md that need no server, run as they are shown, by the real binary.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn vigie(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .current_dir(folder)
        .args(["--lang", "en"])
        .args(arguments)
        .output()
        .unwrap()
}

/// The commands in the blocks under a heading of the page, without their remarks.
fn commands(heading: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command-line.md");
    let text = fs::read_to_string(page).unwrap();
    let (_, after) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = after.split("\n## ").next().unwrap();
    let blocks = section.split("```").skip(1).step_by(2);
    let lines = blocks
        .flat_map(str::lines)
        .filter(|line| line.starts_with("vigie "));
    lines
        .map(|line| line.split(" #").next().unwrap().trim().to_owned())
        .collect()
}

/// Runs them one after the other. Status 0, or that which `--fail-on` promises.
fn run(folder: &Path, commands: &[String]) {
    for command in commands {
        let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
        let output = vigie(folder, &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        let reached = command.contains("--fail-on") && code == Some(3);
        assert!(code == Some(0) || reached, "{command}: {code:?}: {said}");
        let quiet = ["--output", "--save-mapping", "--dry-run"]
            .iter()
            .any(|option| command.contains(option));
        assert!(quiet || !output.stdout.is_empty(), "{command} prints nothing");
        for (option, file) in arguments.iter().zip(arguments.iter().skip(1)) {
            if ["--output", "--report", "--save-mapping"].contains(option) {
                assert!(
                    folder.join(file).metadata().unwrap().len() > 0,
                    "{command}: no {file}"
                );
            }
        }
    }
}

const RULE: &str = "title: Posts\nid: 929a690e-bef0-4204-a928-ef5e620d6fcc\nlogsource: {category: webserver}\n\
                    detection: {post: {cs-method: POST}, condition: post}\n";

/// A folder with evidence of two machines and a rule.
fn evidence() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = vigie(
        folder.path(),
        &["simulate", "--out", "EVIDENCE", "--tenants", "1", "--days", "10"],
    );
    assert!(made.status.success());
    fs::create_dir(folder.path().join("my-rules")).unwrap();
    fs::write(folder.path().join("my-rules/posts.yml"), RULE).unwrap();
    fs::write(folder.path().join("rule.yml"), RULE).unwrap();
    fs::write(folder.path().join("event.json"), r#"{"cs-method": "POST"}"#).unwrap();
    let list = "- {rule: Posts, reason: our own, author: sam, expires: 2027-01-01}\n";
    fs::write(folder.path().join("ours.yaml"), list).unwrap();
    fs::write(folder.path().join("ours.yml"), "names: [a, b]\n").unwrap();
    let bundle = r#"{"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": [{"type": "indicator",
        "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "spec_version": "2.1", "pattern_type": "stix",
        "created": "2021-03-02T00:00:00Z", "modified": "2021-03-02T00:00:00Z", "valid_from": "2021-01-01T00:00:00Z",
        "pattern": "[ipv4-addr:value = '203.0.113.9']"}]}"#;
    fs::write(folder.path().join("feed.json"), bundle).unwrap();
    fs::write(folder.path().join("list.txt"), "203.0.113.8\n").unwrap();
    folder
}

#[test]
fn hunts_run_as_they_are_shown() {
    let folder = evidence();
    run(folder.path(), &commands("hunt"));
    run(folder.path(), &commands("manifest"));
}

#[test]
fn rules_packs_suppressions_and_indicators_are_checked_as_it_is_shown() {
    let folder = evidence();
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/zerologon-2020");
    let ours = folder.path().join("my-pack");
    copy(&pack, &ours);
    // A pack is called as its folder is.
    let about = fs::read_to_string(ours.join("pack.yaml")).unwrap();
    fs::write(
        ours.join("pack.yaml"),
        about.replace("name: zerologon-2020", "name: my-pack"),
    )
    .unwrap();
    run(folder.path(), &commands("pack, rules, suppress"));
    run(folder.path(), &commands("indicators"));
}

#[test]
fn exposure_is_told_as_it_is_shown() {
    let folder = evidence();
    let path = folder.path();
    let servers =
        "Server;Tenant;Build;Source\nEX01;contoso;15.1.2176.2;exsetup\nEX02;fabrikam;15.1.2176.9;exsetup\n";
    fs::write(path.join("servers.csv"), servers).unwrap();
    fs::write(path.join("glpi.csv"), servers).unwrap();
    fs::write(path.join("ours.csv"), "Kiste;Kunde\nEX03;contoso\n").unwrap();
    let scan = "<?xml version=\"1.0\"?>\n<nmaprun scanner=\"nmap\" start=\"1614700000\"><host><status state=\"up\"/>\
                <address addr=\"203.0.113.5\" addrtype=\"ipv4\"/><hostnames><hostname name=\"EX01\" type=\"PTR\"/></hostnames>\
                <ports><port protocol=\"tcp\" portid=\"443\"><state state=\"open\"/></port></ports></host></nmaprun>\n";
    fs::write(path.join("scan.xml"), scan).unwrap();
    let names = "- same: [EX01, mail.contoso.example]\n  tenant: contoso\n  who: sam\n  when: 2021-03-04\n  why: the proxy says so\n";
    fs::write(path.join("names.yaml"), names).unwrap();
    let hunted = vigie(
        path,
        &[
            "hunt",
            "EVIDENCE",
            "--format",
            "json",
            "--output",
            "hunt.json",
            "--quiet",
        ],
    );
    assert!(hunted.status.success());
    for command in commands("exposure") {
        let mapping = path.join("ours.yaml");
        if command.contains("probe") {
            // tests/probe.rs asks servers of its own.
            continue;
        } else if command.contains("--save-mapping") {
            fs::remove_file(&mapping).unwrap();
        } else if command.contains("--durations") {
            fs::write(&mapping, "security_update: { p50_h: 1, p90_h: 2 }\n").unwrap();
        }
        let whole = command.replace(" ... ", " --inventory servers.csv --pack hafnium-2021 ");
        run(path, &[whole]);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
