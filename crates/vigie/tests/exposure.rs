//! From an inventory to an answer: the real binary, run as a person runs it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

/// As a French office saves it: Windows-1252, semicolons, days first.
const FRENCH: &[u8] = b"Soci\xe9t\xe9;Serveur;Build;Source;Publi\xe9;Date du relev\xe9;Parade\r\n\
    Caf\xe9;EX01;15.1.2176.2;exsetup;oui;03/03/2021;\r\n\
    Caf\xe9;EX01;15.1.2176.9;exsetup;oui;05/03/2021;\r\n\
    Caf\xe9;EX02;15.1.2106;path;?;04/03/2021;\r\n\
    Caf\xe9;EX03;15.1.2106.2;exsetup;oui;03/03/2021;EOMT\r\n\
    H\xf4tel;EX01;15.1.2176.2;exsetup;oui;03/03/2021;\r\n\
    H\xf4tel;EX01;15.1.2176.9;exsetup;peut-\xeatre;03/03/2021;\r\n\
    H\xf4tel;=1+1;14.3.509.0;exsetup;non;03/03/2021;\r\n";

fn assess(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventaire.csv");
    fs::write(&file, FRENCH).unwrap();
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args([
            "exposure",
            "assess",
            "--pack",
            "hafnium-2021",
            "--as-of",
            "2021-03-08",
            "--inventory",
        ])
        .arg(&file)
        .args(arguments)
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = assess(&[&["--format", "json", "--quiet"], arguments].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn server<'v>(result: &'v Value, tenant: &str, name: &str) -> &'v Value {
    let servers = result["servers"].as_array().unwrap();
    servers
        .iter()
        .find(|server| server["tenant"] == tenant && server["server"] == name)
        .unwrap()
}

#[test]
fn the_contract_holds() {
    let result = json(&[]);
    assert_eq!(result["as_of"], "2021-03-08T00:00:00Z");
    let updated = server(&result, "Café", "EX01");
    assert_eq!(updated["build"]["value"], "15.1.2176.9");
    assert_eq!(updated["cves"][0]["cve"], "CVE-2021-26855");
    assert_eq!(updated["cves"][0]["status"], "fixed");
    assert_eq!(updated["window"]["to"], "2021-03-05T00:00:00Z");
    assert_eq!(updated["ssvc"]["decision"], "defer");
    let short = server(&result, "Café", "EX02");
    assert_eq!(
        (&short["cves"][0]["status"], &short["published"]),
        (&"unknown".into(), &"unknown".into())
    );
    assert_eq!(server(&result, "Café", "EX03")["cves"][0]["status"], "mitigated");
    let torn = server(&result, "Hôtel", "EX01");
    assert_eq!(torn["cves"][0]["status"], "unknown");
    assert_eq!(torn["build"]["conflicts"].as_array().unwrap().len(), 2);
    let old = server(&result, "Hôtel", "=1+1");
    assert_eq!(old["cves"][0]["status"], "not_affected");
    for server in result["servers"].as_array().unwrap() {
        for step in server["path"].as_array().unwrap() {
            assert!(step["step"].is_string() && step["why"].is_string() && step["requires"].is_array());
            assert!(step["p50_h"].as_f64().unwrap() <= step["p90_h"].as_f64().unwrap());
        }
        assert!(server["ssvc"]["because"].is_string());
    }
    let one = json(&["--cve", "cve-2021-26857"]);
    assert_eq!(one["servers"][0]["cves"].as_array().unwrap().len(), 1);
}

#[test]
fn what_was_not_understood_is_said() {
    let output = assess(&["--lang", "fr"]);
    assert!(output.status.success());
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        notes.contains("ligne 6, colonne Publié") && notes.contains("peut-être"),
        "{notes}"
    );
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    for words in ["immédiat", "fenêtre d’exposition", "Café, 3 serveurs", "chemin"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn a_spreadsheet_opens_it_and_runs_nothing() {
    let output = assess(&["--lang", "fr", "--format", "csv", "--quiet"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("\u{feff}rang;client;serveur"), "{text}");
    assert!(text.contains(";'=1+1;"), "{text}");
    let english = assess(&["--lang", "en", "--format", "csv", "--quiet"]);
    assert!(
        String::from_utf8(english.stdout)
            .unwrap()
            .starts_with("\u{feff}rank,tenant,server")
    );
}

#[test]
fn a_vex_document_is_for_one_tenant_and_valid() {
    let output = assess(&["--format", "vex", "--lang", "en", "--quiet"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--tenant"));
    let output = assess(&["--format", "vex", "--tenant", "café", "--quiet"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vex.json");
    fs::write(&file, &output.stdout).unwrap();
    let check = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["advisory", "check"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stdout)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("csaf_vex") && !text.contains("Hôtel"), "{text}");
}

#[test]
fn statuses_and_mistakes_have_their_exit_status() {
    assert_eq!(
        assess(&["--fail-on", "unknown", "--quiet"]).status.code(),
        Some(3)
    );
    assert_eq!(assess(&["--fail-on", "fixed", "--quiet"]).status.code(), Some(2));
    let output = assess(&["--cve", "CVE-1999-0001", "--quiet"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("CVE-2021-26855"));
    let output = assess(&["--tenant", "Nobody", "--quiet"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("Nobody"));
}

#[test]
fn an_office_plans_with_its_own_times() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let own = file(
        "ours.yaml",
        "hunt: { p50_h: 3, p90_h: 4.5 }\nverify: { p50_h: 0.25, p90_h: 0.5 }\n",
    );
    let result = json(&["--durations", &own]);
    let mut seen = 0;
    for server in result["servers"].as_array().unwrap() {
        for step in server["path"].as_array().unwrap() {
            let is_own = ["hunt", "verify"].contains(&step["step"].as_str().unwrap());
            assert_eq!(step["own_times"], is_own, "{step}");
            if step["step"] == "hunt" {
                assert_eq!(
                    (step["p50_h"].as_f64(), step["p90_h"].as_f64()),
                    (Some(3.0), Some(4.5))
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 2, "{seen}");
    let page = assess(&["--durations", &own, "--format", "html", "--lang", "en", "--quiet"]);
    assert!(String::from_utf8_lossy(&page.stdout).contains("Durations are your own where you gave them"));
    for (name, text, said) in [
        (
            "unknown.yaml",
            "hunt: { p50_h: 1, p90_h: 2 }\ndance: { p50_h: 1, p90_h: 1 }\n",
            "unknown.yaml:2: there is no step",
        ),
        (
            "short.yaml",
            "hunt: { p50_h: 3, p90_h: 1 }\n",
            "short.yaml:1: hunt: p90_h is shorter than p50_h",
        ),
        (
            "twice.yaml",
            "hunt: { p50_h: 1, p90_h: 2 }\nhunt: { p50_h: 1, p90_h: 3 }\n",
            "given twice",
        ),
        ("empty.yaml", "", "empty.yaml"),
    ] {
        let output = assess(&["--durations", &file(name, text), "--quiet"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains(said), "{name}: {stderr}");
    }
    // Of this product nobody wrote down how it is made safe.
    let inventory = file("servers.csv", "server;build\nDC01;10.0.14393.0\n");
    let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args([
            "exposure",
            "assess",
            "--pack",
            "zerologon-2020",
            "--inventory",
            &inventory,
            "--durations",
            &own,
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are no steps"));
}

#[test]
fn what_is_old_doubtful_or_contradicted_is_seen_in_the_terminal_and_in_the_spreadsheet() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("servers.csv");
    let table = "server;build;build_source;published;observed_at\nOLD;15.1.2176.9;exsetup;yes;2021-01-07\n\
        UNDATED;15.1.2176.9;exsetup;yes;\nDOUBT;15.1.1466.13;exsetup;yes;2021-03-07\n\
        TORN;15.1.2176.2;exsetup;yes;2021-03-07\nTORN;;;no;2021-03-07\n";
    fs::write(&file, table).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args([
                "exposure",
                "assess",
                "--pack",
                "hafnium-2021",
                "--as-of",
                "2021-03-08",
                "--quiet",
            ])
            .arg("--inventory")
            .arg(&file)
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let page = run(&["--lang", "en"]);
    for said in [
        "old: 60 days old",
        "old: no date",
        "contradict each other",
        "also said: not published (",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let csv = run(&["--lang", "fr", "--format", "csv"]);
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .contains(";relevé le;ancien;contradictions;"),
        "{csv}"
    );
    assert!(
        csv.contains(";2021-01-07T00:00:00Z;60 jours;") && csv.contains(";;sans date;"),
        "{csv}"
    );
}
