//! Advisories in: documents are tested, packs are drafted and load.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ADVISORY: &str = r#"{"document":{"category":"csaf_security_advisory","csaf_version":"2.0","lang":"en",
 "publisher":{"category":"vendor","name":"Example","namespace":"https://example.com"},"title":"Example Gateway: code execution",
 "notes":[{"category":"summary","text":"Anybody runs code on the gateway."}],
 "references":[{"category":"external","summary":"Page","url":"https://example.com/a"}],
 "tracking":{"id":"EX-1","current_release_date":"2026-11-20T10:00:00Z","initial_release_date":"2026-11-20T10:00:00Z","status":"final","version":"1",
  "revision_history":[{"date":"2026-11-20T10:00:00Z","number":"1","summary":"First"}]}},
 "product_tree":{"branches":[{"category":"vendor","name":"Example","branches":[{"category":"product_name","name":"Gateway","branches":[
  {"category":"product_version","name":"7.4.1","product":{"product_id":"P1","name":"Example Gateway 7.4.1"}},
  {"category":"product_version","name":"7.4.2","product":{"product_id":"P2","name":"Example Gateway 7.4.2"}}]}]}]},
 "vulnerabilities":[{"cve":"CVE-2026-11111","title":"Code execution: \"quoted\" # not a comment","notes":[{"category":"description","text":"A\nB"}],
  "product_status":{"known_affected":["P1"],"fixed":["P2"]},
  "scores":[{"products":["P1"],"cvss_v3":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]}]}"#;

const RECORD: &str = r#"{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2021-26855","state":"PUBLISHED",
 "datePublished":"2021-03-02T23:55:26Z"},"containers":{"cna":{"title":"Exchange RCE","affected":[{"vendor":"Microsoft",
 "product":"Microsoft Exchange Server 2016 Cumulative Update 19","versions":[{"version":"15.01.0","lessThan":"15.01.2176.009",
 "versionType":"custom","status":"affected"}]}],"descriptions":[{"lang":"en","value":"An RCE."}]},"adp":[{"metrics":[
 {"other":{"type":"ssvc","content":{"options":[{"Exploitation":"active"},{"Automatable":"yes"},{"Technical Impact":"total"}]}}}]}]}}"#;

const KEV: &str = r#"{"catalogVersion":"2026.11.21","dateReleased":"2026-11-21","count":1,"vulnerabilities":[
 {"cveID":"CVE-2026-11111","dateAdded":"2026-11-21","knownRansomwareCampaignUse":"Known"}]}"#;

const EPSS: &str = "#model_version:v2025.03.14,score_date:2026-11-21T00:00:00+0000\ncve,epss,percentile\nCVE-2026-11111,0.912,0.99\n";

fn vigie(folder: &Path, arguments: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .current_dir(folder)
        .args(["--lang", "en"])
        .args(arguments)
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

#[test]
fn a_pack_is_drafted_for_a_product_nobody_knew() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("advisory.json"), ADVISORY).unwrap();
    fs::write(here.join("kev.json"), KEV).unwrap();
    fs::write(here.join("epss.csv"), EPSS).unwrap();
    let arguments = [
        "pack",
        "new",
        "--from",
        "advisory.json",
        "--kev",
        "kev.json",
        "--epss",
        "epss.csv",
        "--out",
        "gateway-2026",
    ];
    let (output, said) = vigie(here, &arguments);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("window.from is 2026-11-20") && said.contains("log_sources"),
        "{said}"
    );
    let pack = vigie_pack::Pack::load_dir(&here.join("gateway-2026")).unwrap();
    assert_eq!(pack.product.id, "gateway");
    assert_eq!(pack.cves[0].fixed[0].build.to_string(), "7.4.2.0");
    assert!(pack.cves[0].without_account);
    assert_eq!(pack.cves[0].exploited, vigie_pack::Exploited::Limited);
    let note = pack.cves[0].note.as_ref().unwrap();
    assert!(
        note.en.contains("ransomware") && note.en.contains("91.2 %"),
        "{}",
        note.en
    );
    let readme = fs::read_to_string(here.join("gateway-2026/README.md")).unwrap();
    assert!(readme.contains("À compléter"), "{readme}");
    // A folder with something in it is left alone.
    assert!(!vigie(here, &arguments).0.status.success());
}

#[test]
fn a_record_about_a_known_product_uses_its_builds() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("record.json"), RECORD).unwrap();
    let (output, said) = vigie(
        folder.path(),
        &["pack", "new", "--cve", "record.json", "--out", "again-2021"],
    );
    assert!(output.status.success(), "{said}");
    let pack = vigie_pack::Pack::load_dir(&folder.path().join("again-2021")).unwrap();
    assert_eq!(pack.product.id, "exchange");
    assert_eq!(pack.cves[0].fixed[0].cumulative_update, "CU19");
    assert_eq!(pack.cves[0].fixed[0].product, "2016");
    assert_eq!(pack.cves[0].automatable, Some(true));
}

#[test]
fn documents_are_tested() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(
        here.join("bad.json"),
        ADVISORY.replace("[\"P1\"],\"fixed\"", "[\"P9\"],\"fixed\""),
    )
    .unwrap();
    fs::write(here.join("good.json"), ADVISORY).unwrap();
    let (output, said) = vigie(here, &["advisory", "check", "good.json"]);
    assert!(output.status.success(), "{said}");
    let (output, said) = vigie(here, &["advisory", "check", "good.json", "bad.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("error [6.1.1] /vulnerabilities/0/product_status/known_affected/0"),
        "{said}"
    );
    let (_, said) = vigie(here, &["advisory", "check", "--format", "json", "bad.json"]);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["documents"][0]["valid"], false);
    assert_eq!(json["documents"][0]["findings"][0]["test"], "6.1.1");
    assert!(
        !vigie(here, &["advisory", "check", "nowhere.json"])
            .0
            .status
            .success()
    );
}
