//! What is made for one tenant says nothing of another: no name, no address, no count, no place in the provider's files.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

const TABLE: &str = "tenant;server;fqdn;address;build;build_source;published;topology;observed_at\n\
    Zebre;ZSRV01;zsrv01.zebre.example;198.51.100.7;15.1.2176.2;exsetup;yes;hybrid;2021-03-03\n\
    Zebre;ZSRV02;;198.51.100.8;15.2.792.3;exsetup;zperhaps;;2021-03-03\n\
    Contoso;EX01;ex01.contoso.example;203.0.113.5;15.1.2176.2;exsetup;yes;hybrid;2021-03-03\n\
    Contoso;EX01;;;15.1.2176.9;exsetup;no;;2021-03-03\n\
    Contoso;EX02;;;15.1.2106;path;?;;2021-03-04\n\
    Zebre;EX07;;;15.1.2106.2;exsetup;yes;;2021-03-04\n\
    Contoso;EX07;;;15.1.2106.13;exsetup;yes;;2021-03-04\n";

/// One machine of each; one whose tenant nobody names, and that both have.
const HUNT: &str = r#"{"hosts": [
    {"host": "ZSRV01", "tenant": "Zebre", "verdict": "compromised", "observations": [{"kind": "exchange_build",
     "value": "15.1.2176.2", "from": "2021-02-20T00:00:00Z", "to": null, "path": "zebre/ZSRV01/x.LOG"}]},
    {"host": "EX07", "tenant": "Contoso", "verdict": "compromised", "observations": [{"kind": "exchange_build",
     "value": "15.1.2106.13", "from": "2021-03-03T00:00:00Z", "to": null, "path": "contoso/EX07/x.LOG"}]},
    {"host": "EX07", "tenant": null, "verdict": "suspected", "observations": [{"kind": "exchange_build",
     "value": "15.1.2106.13", "from": "2021-03-03T00:00:00Z", "to": null, "path": "zebre/EX07/y.LOG"}]}]}"#;

/// What only the other tenant has.
const FOREIGN: [&str; 10] = [
    "zebre",
    "zsrv",
    "zperhaps",
    "198.51.100",
    "15.2.792",
    "clients",
    "3 clients",
    "2 clients",
    "several tenants",
    "plusieurs clients",
];

struct Files {
    folder: TempDir,
    inventories: [PathBuf; 2],
}

fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("zebre-and-others");
    fs::create_dir(&place).unwrap();
    let at = |name: &str, text: &str| {
        let path = place.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    Files {
        inventories: [at("servers.csv", TABLE), at("hunt.json", HUNT)],
        folder,
    }
}

fn run(files: &Files, arguments: &[&str]) -> String {
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
        .args(&files.inventories)
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn keeps_to_itself(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for foreign in FOREIGN {
        let at = lower.find(foreign).map(|at| {
            lower[at.saturating_sub(120)..]
                .chars()
                .take(240)
                .collect::<String>()
        });
        assert!(at.is_none(), "{what} says {foreign}: {at:?}");
    }
}

#[test]
fn a_page_for_one_tenant_holds_nothing_of_another() {
    let files = files();
    for lang in ["en", "fr"] {
        let page = run(
            &files,
            &["--tenant", "contoso", "--format", "html", "--lang", lang],
        );
        keeps_to_itself(lang, &page);
        for own in [
            "Contoso",
            "EX01",
            "EX02",
            "EX07",
            "ex01.contoso.example",
            "servers.csv",
            "id=\"matrix\"",
        ] {
            assert!(page.contains(own), "{lang}: {own}");
        }
        // Its own hunt is crossed, with its own server alone.
        let matrix = &page[page.find("id=\"matrix\"").unwrap()..];
        let compromised = [
            "Fixed × compromised</strong>: EX07",
            "Corrigé × compromis</strong>\u{a0}: EX07",
        ];
        assert!(compromised.iter().any(|said| matrix.contains(said)), "{lang}");
        // A place in a shared file would tell how many rows there are.
        assert!(
            !page.contains(", line ") && !page.contains(", ligne ") && !page.contains(".csv:"),
            "{lang}"
        );
    }
    let report = files.folder.path().join("page.html");
    run(
        &files,
        &["--tenant", "contoso", "--report", report.to_str().unwrap()],
    );
    keeps_to_itself("--report", &fs::read_to_string(report).unwrap());
}

#[test]
fn vex_and_csv_for_one_tenant_hold_nothing_of_another() {
    let files = files();
    for lang in ["en", "fr"] {
        for format in ["vex", "csv"] {
            let text = run(
                &files,
                &["--tenant", "contoso", "--format", format, "--lang", lang],
            );
            keeps_to_itself(format, &text);
            assert!(text.contains("EX07"), "{format}");
        }
    }
}

#[test]
fn the_page_of_all_tenants_holds_all_of_them() {
    let files = files();
    let page = run(&files, &["--format", "html", "--lang", "en"]);
    for said in [
        "Zebre / ZSRV01",
        "Contoso / EX01",
        "id=\"tenants\"",
        "zperhaps",
        "line 3",
        "ZSRV02",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(page.contains("1 server is updated and was broken into all the same: Contoso / EX07."));
}
