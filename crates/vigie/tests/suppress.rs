//! Suppressions: the real binary, run as a person runs it.

#![allow(clippy::unwrap_used)]

use std::path::Path;
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

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A server that two clients ask for something odd, a rule that finds it, and a correlation that counts it.
struct World {
    folder: tempfile::TempDir,
    evidence: String,
    rules: String,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let mut log = "#Software: Microsoft Internet Information Services 10.0\n\
        #Fields: date time s-computername cs-method cs-uri-stem c-ip sc-status\n"
        .to_owned();
    for second in 10..20 {
        let client = if second < 17 { "192.0.2.10" } else { "203.0.113.45" };
        log += &format!("2021-03-03 06:49:{second} EX01 GET /odd/place.aspx {client} 200\n");
    }
    write(place, "evidence/EX01/u_ex210303.log", &log);
    let rules = write(
        place,
        "rules/r.yml",
        "title: Odd place\nid: odd-place\nlevel: high\nlogsource: {category: webserver}\n\
         detection: {s: {cs-uri-stem|contains: /odd/}, condition: s}\n---\n\
         title: Odd often\nid: odd-often\nlevel: high\ncorrelation: {type: event_count, rules: [odd-place], \
         group-by: [c-ip], timespan: 1m, condition: {gte: 3}, generate: true}\n",
    );
    World {
        evidence: place.join("evidence").to_str().unwrap().to_owned(),
        rules,
        folder,
    }
}

impl World {
    fn list(&self, content: &str) -> String {
        write(self.folder.path(), "s.yaml", content)
    }

    fn hunt(&self, list: &str, more: &[&str]) -> Output {
        let all = [
            "hunt",
            &self.evidence,
            "--rules",
            &self.rules,
            "--quiet",
            "--suppress",
            list,
        ];
        let output = vigie(&[&all[..], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        output
    }

    fn result(&self, list: &str) -> Value {
        serde_json::from_slice(&self.hunt(list, &["--format", "json"]).stdout).unwrap()
    }
}

/// Rule and number of events of each finding of public rules.
fn findings(result: &Value) -> Vec<(&str, u64)> {
    let mut found: Vec<(&str, u64)> = result["hosts"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["pack"].is_null())
        .map(|finding| {
            (
                finding["rule_id"].as_str().unwrap(),
                finding["count"].as_u64().unwrap(),
            )
        })
        .collect();
    found.sort_unstable();
    found
}

const WHY: &str = "reason: our scanner\n  author: N. Martin\n  expires: 2999-01-01\n";

#[test]
fn events_are_hidden_by_rule_host_and_fields_and_all_of_it_is_said() {
    let world = world();
    let everything = vec![
        ("odd-often", 3),
        ("odd-often", 7),
        ("odd-place", 3),
        ("odd-place", 7),
    ];
    for (entry, left, state, events) in [
        (
            "rule: odd-place\n  host: ex0?\n  fields: {c-ip: 192.0.2.*}",
            vec![("odd-often", 3), ("odd-often", 7), ("odd-place", 3)],
            "applied",
            7,
        ),
        (
            "rule: Odd*\n  fields: {c-ip|startswith: '192.0.2.'}",
            vec![("odd-often", 3), ("odd-place", 3)],
            "applied",
            14,
        ),
        ("rule: odd-place\n  host: DC*", everything.clone(), "idle", 0),
        ("rule: odd-place\n  tenant: nobody", everything.clone(), "idle", 0),
        ("rule: even-place", everything.clone(), "idle", 0),
        (
            "rule: odd-place\n  fields: {c-ip: 198.51.100.1}",
            everything.clone(),
            "idle",
            0,
        ),
    ] {
        let result = world.result(&world.list(&format!("- {entry}\n  {WHY}")));
        assert_eq!(findings(&result), left, "{entry}");
        let said = &result["suppressions"][0];
        assert_eq!(said["state"], state, "{entry}");
        assert_eq!(said["events"], events, "{entry}");
        assert_eq!(
            (&said["reason"], &said["line"]),
            (&"our scanner".into(), &1.into())
        );
        assert_eq!(result["hosts"][0]["suppressed"], events, "{entry}");
        let warnings = result["warnings"].to_string();
        assert_eq!(warnings.contains("hid nothing"), events == 0, "{warnings}");
        assert_eq!(
            warnings.contains("events were suppressed"),
            events > 0,
            "{warnings}"
        );
        let reasons = result["hosts"][0]["reasons"].to_string();
        assert_eq!(
            reasons.contains("were suppressed as harmless"),
            events > 0,
            "{reasons}"
        );
    }
}

#[test]
fn every_output_tells_what_was_suppressed() {
    let world = world();
    let list = world.list(&format!("- rule: odd-place\n  {WHY}"));
    let page = world.folder.path().join("page.html");
    let page = page.to_str().unwrap();
    for (arguments, wanted) in [
        (vec!["--lang", "en"], "Suppressed as harmless"),
        (vec!["--lang", "fr"], "Écartés comme bénins"),
        (vec!["--format", "jsonl"], "{\"type\":\"suppression\""),
        (vec!["--format", "csv"], ",odd-place,Suppressed as harmless,"),
        (vec!["--report", page], "our scanner"),
    ] {
        let said = text(&world.hunt(&list, &arguments).stdout);
        assert!(
            said.contains(wanted) && said.contains("N. Martin"),
            "{arguments:?}: {said}"
        );
    }
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("id=\"suppressed\"") && page.contains("N. Martin"));
}

#[test]
fn what_is_expired_or_wrong_hides_nothing_and_names_file_and_line() {
    let world = world();
    let list = world.list(
        "# ours\n- rule: odd-place\n  reason: r\n  author: a\n  expires: 2021-12-31\n\
         - rule: odd-place\n  author: a\n  expires: 2999-01-01\n\
         - rule: odd-place\n  reason: r\n  author: a\n  expires: never\n\
         - rule: odd-place\n  reason: r\n  author: a\n  expires: 2999-01-01\n  fields:\n    c-ip|unheard: x\n\
         - rule: '*'\n  reason: r\n  author: a\n  expires: 2999-01-01\n\
         - rule: odd-place\n  hosts: EX01\n  reason: r\n  author: a\n  expires: 2999-01-01\n",
    );
    let result = world.result(&list);
    assert_eq!(findings(&result).len(), 4);
    assert_eq!(result["suppressions"].as_array().unwrap().len(), 1);
    assert_eq!(result["suppressions"][0]["state"], "expired");
    let warnings: Vec<&str> = result["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for (line, why) in [
        (2, "odd-place until 2021-12-31"),
        (6, "reason is missing"),
        (12, "never is not a date"),
        (17, "unknown modifier unheard"),
        (19, "would hide everything"),
        (23, "unknown key hosts"),
    ] {
        let place = format!("s.yaml:{line}: ");
        let said = warnings
            .iter()
            .any(|warning| warning.contains(&place) && warning.contains(why));
        assert!(said, "{line} {why}: {warnings:#?}");
    }
    let check = vigie(&["suppress", "check", &list]);
    assert_eq!(check.status.code(), Some(1));
    let said = text(&check.stdout);
    assert!(said.contains("s.yaml:6: reason is missing"), "{said}");
    assert!(said.contains("suppression expired"), "{said}");
    assert!(said.ends_with("1 suppression(s) loaded, 5 refused\n"), "{said}");
    let missing = vigie(&["hunt", &world.evidence, "--suppress", "nowhere.yaml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("nowhere.yaml"));
}

#[test]
fn the_example_is_sound() {
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/suppressions.example.yaml"
    );
    let output = vigie(&["suppress", "check", example, "--lang", "fr"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.ends_with("3 exclusion(s) chargée(s), 0 refusée(s)\n"),
        "{said}"
    );
}

#[test]
fn a_compromised_server_never_turns_green_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence").to_str().unwrap().to_owned();
    let made = vigie(&[
        "simulate",
        "--seed",
        "7",
        "--tenants",
        "1",
        "--days",
        "7",
        "--out",
        &evidence,
    ]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let hunt = |more: &[&str]| -> Value {
        let all = [&["hunt", &evidence, "--quiet", "--format", "json"][..], more].concat();
        serde_json::from_slice(&vigie(&all).stdout).unwrap()
    };
    let before = hunt(&[]);
    let compromised: Vec<&str> = before["hosts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|host| host["verdict"] == "compromised")
        .map(|host| host["host"].as_str().unwrap())
        .collect();
    assert!(!compromised.is_empty());
    let list = write(
        folder.path(),
        "s.yaml",
        &format!("- rule: '*'\n  host: '*0*'\n  {WHY}"),
    );
    let after = hunt(&["--suppress", &list]);
    for host in after["hosts"].as_array().unwrap() {
        assert_eq!(
            host["findings"].as_array().map(Vec::len),
            Some(0),
            "{}",
            host["host"]
        );
        if compromised.contains(&host["host"].as_str().unwrap()) {
            assert_ne!(host["verdict"], "compromised");
            let reasons = host["reasons"].to_string();
            assert!(
                reasons.contains("With them it could be: compromised"),
                "{reasons}"
            );
        }
    }
}
