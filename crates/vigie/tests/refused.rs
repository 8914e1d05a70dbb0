//! What cannot be used is refused with its place and reason, and everything else goes on: the real binary, run as a
//! person runs it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn vigie(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["--lang", "en"])
        .args(arguments)
        .output()
        .unwrap()
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A rule that matches the evidence of [`world`].
fn rule(id: &str, detection: &str) -> String {
    format!("title: {id}\nid: {id}\nlogsource: {{category: webserver}}\ndetection: {detection}\n")
}

const GOOD: &str = "{s: {cs-uri-stem|contains: /odd/}, condition: s}";

struct World {
    folder: tempfile::TempDir,
    evidence: String,
    rules: String,
}

/// One request, one rule that finds it, and whatever is put beside that rule.
fn world(files: &[(&str, Vec<u8>)]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let log = "#Software: Microsoft Internet Information Services 10.0\n\
               #Fields: date time cs-method cs-uri-stem c-ip sc-status\n\
               2021-03-03 06:49:42 POST /odd/place.aspx 203.0.113.45 200\n";
    let evidence = write(folder.path(), "evidence/u_ex210303.log", log);
    write(folder.path(), "rules/good.yml", rule("good", GOOD));
    for (name, text) in files {
        write(folder.path(), &format!("rules/{name}"), text);
    }
    let rules = folder.path().join("rules").to_str().unwrap().to_owned();
    World {
        evidence,
        rules,
        folder,
    }
}

fn hunt(world: &World, more: &[&str]) -> (Option<i32>, Value) {
    let arguments = [
        "hunt",
        &world.evidence,
        "--no-pack",
        "--rules",
        &world.rules,
        "--quiet",
        "--format",
        "json",
    ];
    let output = vigie(&[&arguments, more].concat());
    let result = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), result)
}

/// The rule beside the good one is refused, with these words and its file; the good one finds what it finds.
fn is_refused(name: &str, text: impl Into<Vec<u8>>, words: &[&str]) {
    let world = world(&[(name, text.into())]);
    let (status, result) = hunt(&world, &[]);
    let warnings = result["warnings"].as_array().unwrap();
    let mut said = warnings.iter().filter_map(Value::as_str);
    let said = said
        .find(|said| said.starts_with("rule refused") && said.contains(name))
        .unwrap_or_else(|| panic!("{name}: {warnings:?}"));
    for word in words {
        assert!(said.contains(word), "{name}: {word:?} is not in {said:?}");
    }
    assert_eq!(status, Some(0), "{name}");
    assert!(result["stats"]["refused"].as_u64().unwrap() > 0, "{name}");
    let titles: Vec<&str> = result["hosts"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["title"].as_str())
        .collect();
    assert!(titles.contains(&"good"), "{name}: {titles:?}");
    let (status, _) = hunt(&world, &["--strict"]);
    assert_eq!(status, Some(4), "{name}");
    let check = vigie(&["rules", "check", &world.rules]);
    assert_eq!(check.status.code(), Some(1), "{name}");
    assert!(String::from_utf8_lossy(&check.stdout).contains(name), "{name}");
    drop(world.folder);
}

#[test]
fn a_broken_condition() {
    is_refused(
        "condition.yml",
        rule("x", "{s: {a: b}, condition: s and (t}"),
        &["condition.yml:4"],
    );
    is_refused(
        "nowhere.yml",
        rule("x", "{s: {a: b}, condition: s and t}"),
        &["nowhere.yml:4", "t"],
    );
}

#[test]
fn an_unknown_modifier() {
    is_refused(
        "modifier.yml",
        rule("x", "{s: {a|sounds_like: b}, condition: s}"),
        &["modifier.yml:4", "sounds_like"],
    );
}

#[test]
fn an_expression_that_explodes() {
    is_refused(
        "explodes.yml",
        rule(
            "x",
            "{s: {a|re: '((((a{1,1000}){1,1000}){1,1000}){1,1000})'}, condition: s}",
        ),
        &["explodes.yml:4"],
    );
}

#[test]
fn a_correlation_that_refers_to_itself() {
    let correlation = |id: &str, of: &str| {
        format!(
            "title: {id}\nid: {id}\ncorrelation: {{type: event_count, rules: [{of}], group-by: [c-ip], timespan: 1m, \
             condition: {{gte: 2}}}}\n"
        )
    };
    let text = correlation("one", "two") + "---\n" + &correlation("two", "one");
    is_refused("cycle.yml", text, &["cycle.yml:"]);
}

#[test]
fn an_identifier_that_is_there_twice() {
    is_refused("later.yml", rule("good", GOOD), &["later.yml:2", "good"]);
}

#[test]
fn what_is_no_yaml_or_no_rule() {
    is_refused("broken.yml", "title: [x\n", &["broken.yml:"]);
    is_refused(
        "latin.yml",
        b"title: x\ndetection: \xe9\n".as_slice(),
        &["latin.yml"],
    );
}

#[test]
fn a_file_that_is_too_long() {
    let text = rule("x", GOOD) + &"# not a word\n".repeat(1_400_000);
    is_refused("long.yml", text, &["long.yml:1", "16777216"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt;

    let world = world(&[("secret.yml", rule("x", GOOD).into_bytes())]);
    let path = world.folder.path().join("rules/secret.yml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).unwrap();
    if fs::read(&path).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let (status, result) = hunt(&world, &["--strict"]);
    assert_eq!(status, Some(4));
    assert!(
        result["warnings"]
            .to_string()
            .contains("secret.yml: cannot be read"),
        "{}",
        result["warnings"]
    );
}

/// Large is not wrong: ten megabytes of rules and ten thousand patterns in one list load.
#[test]
fn what_is_large_loads() {
    let long = rule("long", GOOD) + &format!("description: '{}'\n", "a".repeat(10 << 20));
    let patterns: Vec<String> = (0..10_000)
        .map(|number| format!("'/pattern-{number}/'"))
        .collect();
    let list = format!(
        "{{s: {{cs-uri-stem|contains: [{}, /odd/]}}, condition: s}}",
        patterns.join(", ")
    );
    let world = world(&[
        ("long.yml", long.into_bytes()),
        ("patterns.yml", rule("patterns", &list).into_bytes()),
    ]);
    let (status, result) = hunt(&world, &["--strict"]);
    assert_eq!(status, Some(0), "{}", result["warnings"]);
    assert_eq!(result["stats"]["refused"], 0);
    let findings = result["hosts"][0]["findings"].as_array().unwrap();
    let mut titles: Vec<&str> = findings
        .iter()
        .filter_map(|finding| finding["title"].as_str())
        .collect();
    titles.sort_unstable();
    assert_eq!(titles, ["good", "long", "patterns"]);
}

#[test]
fn a_folder_of_rules_that_is_not_there_is_an_error() {
    let world = world(&[]);
    let output = vigie(&["hunt", &world.evidence, "--rules", "nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere/at/all"));
}

#[test]
fn limits_are_set_by_name() {
    let world = world(&[]);
    let run = |limit: &str| {
        vigie(&[
            "hunt",
            &world.evidence,
            "--quiet",
            "--format",
            "json",
            "--limit",
            limit,
        ])
    };
    let output = run("line_bytes=16");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(result["stats"]["skipped"].as_u64().unwrap() > 0, "{result}");
    for (limit, words) in [
        ("line_size=16", "line_bytes"),
        ("line_bytes", "NAME=VALUE"),
        ("line_bytes=lots", "whole number"),
    ] {
        let output = run(limit);
        assert_eq!(output.status.code(), Some(2), "{limit}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{limit}");
    }
    let help = run("help");
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("content_seconds=10"));
}
