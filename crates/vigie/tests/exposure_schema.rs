//! What the program writes, against the published contract, `docs/exposure.schema.json`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;
use std::sync::Arc;

use vigie_event::parse_utc;
use vigie_exposure::{
    BuildSource, Decision, Estate, Fact, Observation, Origin, Server, Status, Subject, Topology, assess,
};
use vigie_pack::Pack;

use checker::Checker;

#[path = "../../report/tests/checker/mod.rs"]
mod checker;

const SCHEMA: &str = include_str!("../../../docs/exposure.schema.json");

/// What contradicts itself, what is mitigated, what cannot be read, what nobody knows.
const TABLE: &str = "tenant;server;fqdn;build;build_source;published;topology;observed_at;mitigation\n\
    Contoso;EX01;ex01.contoso.example;15.1.2176.2;exsetup;yes;hybrid;2021-03-03;EOMT\n\
    Contoso;EX01;;15.1.2176.9;exsetup;no;;2021-03-03;\n\
    Contoso;EX02;;15.1.2106;path;?;;2021-01-03;\n\
    Contoso;EX03;;15.1.2176.9;exsetup;yes;on_prem;2021-03-05;\n\
    Contoso;EX03;;15.1.2176.2;exporttool;yes;;2021-03-06;\n\
    Contoso;EX04;;fifteen;exsetup;perhaps;;;\n\
    Fabrikam;EX01;;15.1.1466.13;exsetup;yes;;;\n\
    Fabrikam;OLD;;14.3.509.0;exsetup;no;;2021-03-01;\n";

const HUNT: &str = r#"{"hosts": [{"host": "EX05", "tenant": "Contoso", "observations": [{"kind": "exchange_build",
    "value": "15.2.792.3", "from": "2021-02-20T00:00:00Z", "to": "2021-03-04T21:00:00Z", "path": "HttpProxy/x.LOG"}]}]}"#;

fn written(arguments: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["exposure", "assess", "--format", "json", "--quiet"])
        .arg("--inventory")
        .args([at("servers.csv", TABLE), at("hunt.json", HUNT)])
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    output.stdout
}

#[test]
fn what_the_program_writes_keeps_to_the_contract() {
    let mut checker = Checker::new(SCHEMA);
    for arguments in [
        &["--pack", "hafnium-2021"][..],
        &["--pack", "exchange-cves", "--as-of", "2026-11-24"],
        &["--pack", "hafnium-2021", "--tenant", "fabrikam"],
        &[
            "--pack",
            "hafnium-2021",
            "--cve",
            "CVE-2021-26857",
            "--lang",
            "fr",
        ],
        // Before the first exploitation there is no curve.
        &["--pack", "hafnium-2021", "--as-of", "2020-06-01"],
        &["--pack", "zerologon-2020"],
    ] {
        let arguments: Vec<&str> = match arguments.contains(&"--as-of") {
            true => arguments.to_vec(),
            false => [arguments, &["--as-of", "2021-03-08"]].concat(),
        };
        checker = checker.check_text(&written(&arguments));
        assert_eq!(checker.errors, Vec::<String>::new(), "{arguments:?}");
    }
    checker = checker.check_text(&outside());
    assert_eq!(checker.errors, Vec::<String>::new());
    assert_eq!(checker.unsaid(), Vec::<String>::new());
}

/// A server that only a scan knows.
fn outside() -> Vec<u8> {
    let seen = Observation {
        subject: Arc::new(Subject::default()),
        fact: Fact::Build {
            version: "15.1.2106".parse().unwrap(),
            source: BuildSource::Path,
        },
        at: parse_utc("2021-03-05"),
        origin: Origin {
            reader: "probe",
            file: "203.0.113.5:443".into(),
            place: None,
        },
    };
    let estate = Estate {
        outside: vec![Server {
            name: "mail".into(),
            addresses: vec!["203.0.113.5".parse().unwrap()],
            observations: vec![seen],
            ..Server::default()
        }],
        ..Estate::default()
    };
    let pack = Pack::load_embedded("hafnium-2021").unwrap();
    let result = assess(
        &estate,
        &pack,
        parse_utc("2021-03-08").unwrap(),
        &vigie_exposure::Options::default(),
    );
    let mut json = Vec::new();
    vigie_report::exposure_json(&result, &mut json).unwrap();
    json
}

#[test]
fn the_check_notices_what_breaks_the_contract() {
    let text = String::from_utf8(outside()).unwrap();
    for (from, to) in [
        ("\"source\":\"path\"", "\"source\":\"guess\""),
        ("\"vulnerable_published\":0", "\"vulnerable_published\":-1"),
        ("\"as_of\":\"2021-03-08T00:00:00Z\"", "\"as_of\":\"today\""),
        ("\"conflicts\":[]", "\"conflicts\":null"),
        ("\"origins\":", "\"origin\":"),
    ] {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text, "{from}");
        let errors = Checker::new(SCHEMA).check_text(broken.as_bytes()).errors;
        assert!(!errors.is_empty(), "{to}");
    }
}

#[test]
fn enumerations_are_those_of_the_model() {
    let schema = Checker::new(SCHEMA).schema;
    let listed = |name: &str| -> Vec<String> {
        let values = schema["$defs"][name]["enum"].as_array().unwrap();
        values
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    };
    let ids = |all: Vec<&'static str>| all.into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        listed("status"),
        ids(Status::ALL.iter().map(|one| one.id()).collect())
    );
    assert_eq!(
        listed("decision"),
        ids(Decision::ALL.iter().map(|one| one.id()).collect())
    );
    assert_eq!(
        listed("topology"),
        ids(Topology::ALL.iter().map(|one| one.id()).collect())
    );
    assert_eq!(
        listed("build_source"),
        ids(BuildSource::ALL.iter().map(|one| one.id()).collect())
    );
}
