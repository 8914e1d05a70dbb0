//! Which rules run, and what other tools get of it: the real binary, run as a person runs it.

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

/// A log with one request, and three rules and a correlation that it makes speak.
fn world(folder: &Path) -> (String, String) {
    let log = write(
        folder,
        "evidence/u_ex210303.log",
        "#Software: Microsoft Internet Information Services 10.0\n\
         #Fields: date time cs-method cs-uri-stem c-ip sc-status\n\
         2021-03-03 06:49:42 POST /odd/place.aspx 203.0.113.45 200\n\
         2021-03-03 06:49:43 POST /odd/place.aspx 203.0.113.45 200\n",
    );
    let rule = |name: &str, level: &str, status: &str, tag: &str| {
        format!(
            "title: {name}\nid: {name}\nlevel: {level}\nstatus: {status}\ntags: [{tag}]\n\
             logsource: {{category: webserver}}\ndetection: {{s: {{cs-uri-stem|contains: /odd/}}, condition: s}}\n"
        )
    };
    write(
        folder,
        "rules/a.yml",
        &rule("loud", "high", "stable", "attack.t1505.003"),
    );
    write(
        folder,
        "rules/b.yml",
        &rule("quiet", "low", "test", "attack.t1190"),
    );
    let counted = rule("counted", "medium", "experimental", "attack.t1595")
        + "---\ntitle: twice\nid: twice\nlevel: high\nstatus: test\ncorrelation: {type: event_count, rules: [counted], \
           group-by: [c-ip], timespan: 1m, condition: {gte: 2}}\n";
    write(folder, "rules/c.yml", &counted);
    let evidence = Path::new(&log).parent().unwrap().to_str().unwrap().to_owned();
    (evidence, folder.join("rules").to_str().unwrap().to_owned())
}

/// Titles of the findings of public rules, and the whole answer.
fn found(arguments: &[&str]) -> (Vec<String>, Value) {
    let all = [&["hunt", "--format", "json", "--quiet"], arguments].concat();
    let output = vigie(&all);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut titles: Vec<String> = result["hosts"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["pack"].is_null())
        .map(|finding| finding["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    (titles, result)
}

#[test]
fn rules_are_chosen_by_severity_status_identifier_tag_and_log_source() {
    let folder = tempfile::tempdir().unwrap();
    let (evidence, rules) = world(folder.path());
    for (choice, wanted) in [
        (vec![], vec!["loud", "quiet", "twice"]),
        (vec!["--level", "high"], vec!["loud", "twice"]),
        (vec!["--level", "critical"], vec![]),
        (vec!["--status", "stable"], vec!["loud"]),
        (vec!["--status", "test"], vec!["loud", "quiet", "twice"]),
        (vec!["--status", "test,experimental"], vec!["quiet", "twice"]),
        (
            vec!["--include", "quiet", "--include", "loud"],
            vec!["loud", "quiet"],
        ),
        (vec!["--include", "attack.t1505*"], vec!["loud"]),
        (vec!["--exclude", "attack.t1505*"], vec!["quiet", "twice"]),
        (vec!["--include", "category=webserver"], vec!["loud", "quiet"]),
        (vec!["--exclude", "category=web*"], vec!["twice"]),
        (vec!["--exclude", "twice"], vec!["loud", "quiet"]),
    ] {
        let all = [&[&evidence, "--rules", &rules][..], &choice].concat();
        let (titles, result) = found(&all);
        assert_eq!(titles, wanted, "{choice:?}");
        let left_out = result["stats"]["rules_left_out"].as_u64().unwrap();
        // What only feeds the correlation still runs for it.
        assert_eq!(left_out == 0, titles.len() == 3, "{choice:?}");
        let said = result["warnings"].to_string();
        assert_eq!(
            said.contains("rules were left out as asked"),
            left_out > 0,
            "{said}"
        );
    }
}

#[test]
fn a_pack_without_some_of_its_rules_makes_nothing_green() {
    let folder = tempfile::tempdir().unwrap();
    let (evidence, _) = world(folder.path());
    let (_, result) = found(&[&evidence, "--exclude", "attack.t1505.003"]);
    assert_eq!(result["hosts"][0]["verdict"], "unknown");
    let reasons = result["hosts"][0]["reasons"].to_string();
    assert!(
        reasons.contains("rules of the packs that could show an intrusion were left out"),
        "{reasons}"
    );
    let warnings = result["warnings"].to_string();
    assert!(warnings.contains("of them rules of packs"), "{warnings}");
}

#[test]
fn a_choice_that_makes_no_sense_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (evidence, rules) = world(folder.path());
    for (arguments, code, said) in [
        (
            vec!["--level", "high"],
            2,
            "--level chooses among the rules of --rules",
        ),
        (vec!["--rules", &rules, "--level", "loud"], 2, "informational"),
        (vec!["--rules", &rules, "--status", "ripe"], 2, "experimental"),
        (vec!["--include", "colour=red"], 2, "category"),
    ] {
        let output = vigie(&[&["hunt", &evidence][..], &arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let printed = text(&output.stderr);
        assert!(printed.contains(said), "{printed}");
    }
    let (_, result) = found(&[&evidence, "--rules", &rules, "--exclude", "qiuet"]);
    let warnings = result["warnings"].to_string();
    assert!(warnings.contains("log source qiuet"), "{warnings}");
}

#[test]
fn rules_check_takes_the_same_choice() {
    let folder = tempfile::tempdir().unwrap();
    let (_, rules) = world(folder.path());
    let check = |arguments: &[&str]| {
        let output = vigie(&[&["rules", "check", &rules], arguments].concat());
        assert_eq!(output.status.code(), Some(0));
        text(&output.stdout)
    };
    assert!(check(&[]).ends_with("4 rule(s) loaded, 0 refused\n"));
    let said = check(&["--level", "high", "--exclude", "loud"]);
    assert!(
        said.ends_with("2 rule(s) loaded, 0 refused, 2 left out on request\n"),
        "{said}"
    );
    let said = check(&["--lang", "fr", "--exclude", "nobody"]);
    assert!(said.contains("nobody ne désigne aucune règle"), "{said}");
}

#[test]
fn other_tools_get_what_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let (evidence, rules) = world(folder.path());
    let hunt = |format: &str| {
        let arguments = [
            "hunt", &evidence, "--rules", &rules, "--quiet", "--format", format,
        ];
        let output = vigie(&arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let first =
        |format: &str| -> Value { serde_json::from_str(hunt(format).lines().next().unwrap()).unwrap() };
    let event = first("timesketch");
    assert_eq!(event["datetime"], "2021-03-03T06:49:42.000000+00:00");
    assert_eq!(event["cs-uri-stem"], "/odd/place.aspx");
    let finding = first("ocsf");
    assert_eq!(
        (&finding["class_uid"], &finding["time"]),
        (&2004.into(), &1_614_754_182_000_i64.into())
    );
    let layer: Value = serde_json::from_str(&hunt("navigator")).unwrap();
    let ids: Vec<&str> = layer["techniques"]
        .as_array()
        .unwrap()
        .iter()
        .map(|technique| technique["techniqueID"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"T1505.003") && ids.contains(&"T1190"), "{ids:?}");
}
