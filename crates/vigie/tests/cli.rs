//! The real binary, run as a person runs it.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn vigie(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(arguments)
        .env("LANG", "C")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn demo(folder: &Path) -> Output {
    vigie(&["demo", "--out", folder.to_str().unwrap(), "--lang", "en"])
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

fn hunt_json(arguments: &[&str]) -> Value {
    let mut all = vec!["hunt", "--format", "json", "--quiet"];
    all.extend(arguments);
    let output = vigie(&all);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_demo_gives_every_server_its_true_verdict_and_tells_each_intrusion_as_one_story() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(report.contains("</html>"));
    let exposure = folder.path().join("exposure.html");
    assert!(text(&output.stdout).contains(&format!("exposure: {}", exposure.display())));
    let exposure = std::fs::read_to_string(exposure).unwrap();
    assert!(
        exposure.contains("2 servers are updated and were broken into all the same: atelier-durand / EX01")
    );

    let truth: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("truth.json")).unwrap()).unwrap();
    let result = hunt_json(&[&path(folder.path(), "evidence")]);
    let servers = truth["servers"].as_array().unwrap();
    assert!(servers.len() >= 8);
    let wrong: Vec<String> = servers
        .iter()
        .flat_map(|server| differences(server, &result))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The storyline spans the machines the intruder worked on.
    assert_eq!(worst_story(&result, "EX01"), worst_story(&result, "DC01"));
}

fn list(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

/// The time to the second: what `2021-03-03T06:49:42.647Z` and `2021-03-03T06:49:42Z` have in common.
fn second(time: &Value) -> &str {
    time.as_str().unwrap().get(..19).unwrap()
}

/// Where the answer differs from what really happened on one server.
fn differences(server: &Value, result: &Value) -> Vec<String> {
    let (tenant, name) = (
        server["tenant"].as_str().unwrap(),
        server["server"].as_str().unwrap(),
    );
    let of = format!("{tenant}/{name} ({})", server["scenario"].as_str().unwrap());
    let hosts = result["hosts"].as_array().unwrap();
    let host = hosts.iter().find(|host| {
        let short = host["host"].as_str().unwrap().split('.').next().unwrap();
        short.eq_ignore_ascii_case(name) && host["tenant"] == tenant
    });
    let Some(host) = host else {
        return vec![format!("{of}: not in the answer")];
    };
    let mut wrong = Vec::new();
    if host["verdict"] != server["verdict"] {
        wrong.push(format!(
            "{of}: {} instead of {}; {}",
            host["verdict"], server["verdict"], host["reasons"]
        ));
    }
    let stories: Vec<&Value> = host["storylines"].as_array().unwrap().iter().collect();
    let worked = |story: &&&Value| matches!(story["outcome"].as_str(), Some("success" | "post_exploitation"));
    match server["verdict"].as_str().unwrap() {
        "compromised" | "suspected" => {
            let intrusions: Vec<&&Value> = stories.iter().filter(worked).collect();
            let [story] = intrusions[..] else {
                wrong.push(format!(
                    "{of}: {} stories of an intrusion instead of one",
                    intrusions.len()
                ));
                return wrong;
            };
            let told: Vec<&str> = list(&story["stages"]);
            let wanted = list(&server["stages"]);
            let common: Vec<&str> = told
                .iter()
                .copied()
                .filter(|stage| wanted.contains(stage))
                .collect();
            if common != wanted {
                wrong.push(format!(
                    "{of}: stages {wanted:?} happened in this order, told are {told:?}"
                ));
            }
            let interval = (second(&story["from"]), second(&story["to"]));
            let truth = (second(&server["first"]), second(&server["last"]));
            if interval != truth {
                wrong.push(format!("{of}: happened {truth:?}, told {interval:?}"));
            }
        }
        _ => {
            if stories
                .iter()
                .filter(worked)
                .any(|story| story["severity"] != "low")
            {
                wrong.push(format!("{of}: an intrusion is told that never happened"));
            }
        }
    }
    wrong
}

/// The most serious storyline of a machine of the tenant the intruder goes through.
fn worst_story<'a>(result: &'a Value, name: &str) -> &'a str {
    let hosts = result["hosts"].as_array().unwrap();
    let host = hosts
        .iter()
        .find(|host| host["tenant"] == "atelier-durand" && host["host"].as_str().unwrap().starts_with(name))
        .unwrap();
    let stories = host["storylines"].as_array().unwrap();
    let worst = stories
        .iter()
        .find(|story| story["severity"] == "critical")
        .unwrap();
    worst["id"].as_str().unwrap()
}

#[test]
fn fail_on_gives_status_three_and_bad_usage_two() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), "nothing to see").unwrap();
    let place = folder.path().to_str().unwrap();
    assert_eq!(
        vigie(&["hunt", place, "--quiet", "--fail-on", "unknown"])
            .status
            .code(),
        Some(3)
    );
    assert_eq!(
        vigie(&["hunt", place, "--quiet", "--fail-on", "suspected"])
            .status
            .code(),
        Some(0)
    );
    assert_eq!(
        vigie(&["hunt", place, "--fail-on", "clean"]).status.code(),
        Some(2)
    );
    let missing = vigie(&["hunt", "/does/not/exist"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("/does/not/exist"));
}

#[test]
fn an_empty_folder_is_not_clean() {
    let folder = tempfile::tempdir().unwrap();
    let result = hunt_json(&[folder.path().to_str().unwrap()]);
    for host in result["hosts"].as_array().unwrap() {
        assert_eq!(host["verdict"], "unknown");
    }
}

#[test]
fn the_built_in_packs_are_sound() {
    let output = vigie(&["pack", "check", "hafnium-2021"]);
    assert!(output.status.success(), "{}", text(&output.stdout));
}

#[test]
fn evidence_is_never_changed() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("u_ex210303.log");
    let content = "#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time cs-method cs-uri-stem c-ip sc-status\r\n2021-03-03 06:49:42 POST /ecp/y.js 203.0.113.45 200\r\n";
    std::fs::write(&log, content).unwrap();
    let before = std::fs::metadata(&log).unwrap().modified().unwrap();
    let result = hunt_json(&[folder.path().to_str().unwrap()]);
    assert_eq!(result["stats"]["events"], 1);
    assert_eq!(std::fs::read_to_string(&log).unwrap(), content);
    assert_eq!(std::fs::metadata(&log).unwrap().modified().unwrap(), before);
}

#[test]
fn since_and_until_bound_what_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let evidence: PathBuf = folder.path().join("evidence");
    let made = vigie(&[
        "simulate",
        "--seed",
        "7",
        "--tenants",
        "1",
        "--days",
        "7",
        "--out",
        evidence.to_str().unwrap(),
    ]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let nothing = hunt_json(&[evidence.to_str().unwrap(), "--since", "2030-01-01"]);
    for host in nothing["hosts"].as_array().unwrap() {
        assert_eq!(
            host["findings"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|finding| !finding["time"].is_null())
                .count(),
            0
        );
    }
}

#[test]
fn evidence_is_never_an_output_and_a_bad_place_is_said_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let log = path(folder.path(), "u_ex210303.log");
    std::fs::write(&log, "#Fields: date time c-ip\r\n2021-03-03 06:49:42 ::1\r\n").unwrap();
    let place = folder.path().to_str().unwrap();
    for arguments in [
        vec!["hunt", place, "--output", &path(folder.path(), "out.json")],
        vec!["hunt", &log, "--output", &log],
        vec!["hunt", place, "--report", &path(folder.path(), "report.html")],
        vec!["hunt", place, "--output", "/no/such/folder/out.json"],
    ] {
        let output = vigie(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(
            said.contains("never written") || said.contains("there is no folder"),
            "{said}"
        );
        assert!(output.stdout.is_empty());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_window_that_ends_before_it_begins_and_a_folder_that_is_no_pack_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let window = vigie(&["hunt", place, "--since", "2021-03-05", "--until", "2021-03-01"]);
    assert_eq!(window.status.code(), Some(2));
    for arguments in [["pack", "check", place], ["pack", "show", place]] {
        let output = vigie(&arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("there is no pack.yaml"));
    }
    let rules = vigie(&["hunt", place, "--rules", place]);
    assert!(text(&rules.stderr).contains("no Sigma rules"));
    let nothing = vigie(&["hunt", place, "--no-pack"]);
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn every_command_speaks_french() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("note.txt"), "rien").unwrap();
    for (arguments, word) in [
        (vec!["pack", "list"], "règles"),
        (vec!["pack", "show", "hafnium-2021"], "étapes"),
        (vec!["manifest", place], "fichier"),
        (vec!["hunt", place, "--quiet"], "Preuves"),
    ] {
        let mut all = vec!["--lang", "fr"];
        all.extend(&arguments);
        let output = vigie(&all);
        assert!(text(&output.stdout).contains(word), "{arguments:?}");
    }
}

/// Ends a long run as ctrl-c does.
#[cfg(unix)]
#[test]
fn ctrl_c_shows_what_was_read_and_does_not_claim_to_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = path(folder.path(), "evidence");
    let made = vigie(&[
        "simulate",
        "--tenants",
        "1",
        "--days",
        "7",
        "--size",
        "3M",
        "--out",
        &evidence,
    ]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let mut child = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["hunt", &evidence, "--quiet", "--threads", "1", "--format", "json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_000));
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let mut said = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    let code = child.wait().unwrap().code();
    let result: Value = serde_json::from_str(&said).unwrap();
    // A fast machine may be done before.
    let wanted = if result["stats"]["interrupted"] == true {
        130
    } else {
        0
    };
    assert_eq!(code, Some(wanted));
}

#[test]
fn a_demo_never_removes_evidence_it_did_not_make() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("evidence/EX01/u_ex210303.log");
    std::fs::create_dir_all(real.parent().unwrap()).unwrap();
    std::fs::write(&real, "#Fields: date time c-ip").unwrap();
    let output = demo(folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no demo made it"));
    assert!(real.exists());
}

#[test]
fn a_manifest_is_in_the_order_of_paths() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..40 {
        // The earlier ones take longer.
        let content = "note\n".repeat(200_000 / (number + 1));
        std::fs::write(folder.path().join(format!("{number:02}.txt")), content).unwrap();
    }
    let output = vigie(&["manifest", folder.path().to_str().unwrap()]);
    let printed = text(&output.stdout);
    let names: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.rsplit_once('/').map(|(_, name)| name))
        .filter(|name| name.ends_with(".txt"))
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names.len(), 40, "{printed}");
    assert_eq!(names, sorted);
}

#[test]
fn what_is_odd_about_a_rule_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "title: T\nid: 5f0b5a0e-0000-4000-8000-000000000001\nlogsource: {product: linux, service: sshd}\n\
        detection: {s: {a: b}, condition: s}\n";
    std::fs::write(folder.path().join("rule.yml"), rule).unwrap();
    let output = vigie(&["rules", "check", folder.path().to_str().unwrap()]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("rule.yml: note: "), "{printed}");
}

#[test]
fn a_rule_explains_how_it_judges_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let rule = path(folder.path(), "rule.yml");
    let event = path(folder.path(), "event.json");
    let values = path(folder.path(), "values.yml");
    let yaml = "title: Shell of the web server\nlogsource: {product: windows, category: process_creation}\n\
        detection:\n  parent: {ParentImage|endswith: '\\w3wp.exe'}\n  known: {Image|expand: '%tools%'}\n  \
        condition: parent and not known\n";
    std::fs::write(&rule, yaml).unwrap();
    std::fs::write(&values, "tools: ['C:\\good.exe']\n").unwrap();
    let fields = r#"{"ParentImage": "C:\\inetsrv\\w3wp.exe", "Image": "C:\\Windows\\cmd.exe"}"#;
    std::fs::write(&event, fields).unwrap();
    let explain = |arguments: &[&str]| {
        let output = vigie(&[&["rules", "explain", &rule, &event][..], arguments].concat());
        (output.status.code(), text(&output.stdout))
    };
    let (code, said) = explain(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("tools"), "{said}");
    let (code, said) = explain(&["--placeholders", &values]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("✓ Shell of the web server matches"), "{said}");
    assert!(said.contains("✗ known"), "{said}");
    assert!(said.contains("ParentImage = C:\\inetsrv\\w3wp.exe"), "{said}");
}

#[test]
fn indicators_are_checked_and_hunted_with() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = path(folder.path(), "bundle.json");
    let indicator = |id: u8, address: &str, until: &str| {
        format!(
            r#"{{"type": "indicator", "id": "indicator--{id}", "name": "scanner", "pattern": "[ipv4-addr:value = '{address}']",
               "pattern_type": "stix", "valid_from": "2021-01-01T00:00:00Z", "valid_until": "{until}"}}"#
        )
    };
    let objects = [
        indicator(1, "203.0.113.7", "2022-01-01T00:00:00Z"),
        indicator(2, "203.0.113.8", "2021-02-01T00:00:00Z"),
        indicator(3, "127.0.0.1", "2022-01-01T00:00:00Z"),
    ];
    let all = format!(
        "{{\"type\": \"bundle\", \"objects\": [\n{}\n]}}",
        objects.join(",\n")
    );
    std::fs::write(&bundle, all).unwrap();
    let names = path(folder.path(), "list.txt");
    std::fs::write(&names, "198.51.100[.]0/24 # a network\n").unwrap();

    let output = vigie(&["indicators", "check", &bundle, &names]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for expected in [
        "bundle.json:6: indicator--3: ip \"127.0.0.1\": loopback",
        "bundle.json (STIX): 2 read",
        "2 expired by now",
        "list.txt (list): 1 read",
        "3 indicator(s) can be looked for, 0 repeated, 1 refused",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }

    let evidence = folder.path().join("EX01/inetpub/logs/LogFiles/W3SVC1");
    std::fs::create_dir_all(&evidence).unwrap();
    let line = |address: &str| format!("2021-03-03 06:49:46 GET /owa/ - {address} curl 200\n");
    let log = format!(
        "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2021-03-03 00:00:00\n\
         #Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\n{}{}{}",
        line("203.0.113.7"),
        line("203.0.113.8"),
        line("198.51.100.9"),
    );
    std::fs::write(evidence.join("u_ex210303.log"), log).unwrap();
    let root = path(folder.path(), "EX01");
    let result = hunt_json(&[&root, "--indicators", &bundle, "--indicators", &names]);
    let findings = result["hosts"][0]["findings"].as_array().unwrap();
    let told: Vec<&str> = findings
        .iter()
        .map(|finding| finding["statement"]["en"].as_str().unwrap())
        .filter(|told| told.contains("known indicators"))
        .collect();
    assert_eq!(
        told,
        [
            "203.0.113.7 is on the list of known indicators of bundle.json: scanner.",
            "198.51.100.0/24 is on the list of known indicators of list.txt.",
        ]
    );
    let warnings = list(&result["warnings"]).join("\n");
    assert!(
        warnings.contains("1 hits of indicators are no findings"),
        "{warnings}"
    );
    assert!(
        warnings.contains("2 indicators are used, 1 entries are refused"),
        "{warnings}"
    );

    std::fs::write(&names, "what is this\n").unwrap();
    let output = vigie(&["hunt", &root, "--indicators", &names]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("line 1: \"what is this\" looks like no known kind"));
}
