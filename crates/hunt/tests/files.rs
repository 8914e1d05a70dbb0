//! Files as evidence, from the folder to the verdict.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use vigie_hunt::{HuntOptions, HuntResult, Verdict, hunt};
use vigie_pack::Pack;

fn hunted(folder: &Path) -> HuntResult {
    let options = HuntOptions {
        packs: vec![Pack::load_embedded("hafnium-2021").unwrap()],
        ..HuntOptions::default()
    };
    hunt(&[folder.to_owned()], &options).unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn titles(result: &HuntResult) -> Vec<String> {
    let findings = result.hosts.iter().flat_map(|host| &host.findings);
    findings.map(|finding| finding.title.clone()).collect()
}

#[test]
fn the_configuration_of_a_real_exchange_server_is_no_finding() {
    let root = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let folder = root.join("css-exchange-E16-iis-config");
    if !folder.is_dir() {
        println!("skipped: no corpus css-exchange-E16-iis-config; set VIGIE_CORPORA");
        return;
    }
    let result = hunted(&folder);
    assert_eq!(titles(&result), Vec::<String>::new());
    assert_eq!(result.hosts.len(), 1);
    assert_eq!(result.hosts[0].host, "SOLO-E16A");
}

#[test]
fn a_check_that_reports_nothing_only_says_that_somebody_looked() {
    let folder = tempfile::tempdir().unwrap();
    let header = "\"Oabgen\",\"Ecp\",\"AutodProxy\",\"EcpProxy\"\r\n";
    write(
        folder.path(),
        "EX01/Test-ProxyLogonLogs/EX01-LogAgeDays.csv",
        &format!("{header}\"30.0\",\"29.6\",\"30.0\",\"30.0\"\r\n"),
    );
    let result = hunted(&folder.path().join("EX01"));
    assert_eq!(titles(&result), Vec::<String>::new());
    let host = &result.hosts[0];
    assert_eq!((host.host.as_str(), host.verdict), ("EX01", Verdict::Unknown));
    let facts: Vec<_> = host.observations.iter().map(|fact| fact.kind.as_str()).collect();
    assert_eq!(facts, ["check_result", "check_run"]);
}

#[test]
fn hits_of_a_check_belong_to_the_machine_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let columns = "\"DateTime\",\"RequestId\",\"ClientIPAddress\",\"UrlHost\",\"UrlStem\",\"RoutingHint\",\"UserAgent\",\"AnchorMailbox\",\"HttpStatus\"";
    let row = "\"2021-03-03T06:49:46.210Z\",\"1\",\"203.0.113.45\",\"mail.example.org\",\"/ecp/y.js\",\"X-BEResource-Cookie\",\"python-requests/2.25.1\",\"ServerInfo~a]@ex02.example.local:444/ecp/proxyLogon.ecp?#\",\"241\"";
    write(
        folder.path(),
        "checks/EX02-Cve-2021-26855.csv",
        &format!("{columns}\r\n{row}\r\n"),
    );
    let ages = "\"Oabgen\",\"Ecp\",\"EcpProxy\"\r\n\"30.0\",\"29.6\",\"30.0\"\r\n";
    write(folder.path(), "checks/EX01-LogAgeDays.csv", ages);
    write(folder.path(), "checks/EX02-LogAgeDays.csv", ages);
    let result = hunted(&folder.path().join("checks"));
    let verdict = |name: &str| {
        let host = result
            .hosts
            .iter()
            .find(|host| host.host.eq_ignore_ascii_case(name));
        host.map(|host| host.verdict)
    };
    assert_eq!(
        verdict("EX02"),
        Some(Verdict::Compromised),
        "{:?}",
        titles(&result)
    );
    assert_eq!(verdict("EX01"), Some(Verdict::Unknown));
}

#[test]
fn a_listing_shows_a_page_that_nobody_collected_beside_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let listing = "0|/Windows/notepad.exe|7-128-1|r/rrwxrwxrwx|0|0|9|1614754860|1614754860|1614754860|1614754860\n0|/inetpub/wwwroot/aspnet_client/sample.aspx|5012-128-1|r/rrwxrwxrwx|0|0|2214|1614754860|1614754860|1614754860|1614754860\n";
    write(folder.path(), "EX01/body.txt", listing);
    let log = "#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n2021-03-03 07:05:00 10.0.0.21 POST /aspnet_client/sample.aspx - 443 - 203.0.113.45 Mozilla/5.0 - 200 0 0 31\r\n";
    write(folder.path(), "EX01/W3SVC1/u_ex210303.log", log);
    let result = hunted(&folder.path().join("EX01"));
    let host = &result.hosts[0];
    let together = host.storylines.iter().any(|story| story.findings.len() >= 2);
    assert!(together, "{:?}", titles(&result));
    assert_eq!(host.verdict, Verdict::Compromised);
    let evidence = host.findings.iter().flat_map(|finding| &finding.evidence);
    let lines: Vec<_> = evidence
        .filter(|line| line.path.ends_with("body.txt"))
        .map(|line| line.line)
        .collect();
    assert!(
        !lines.is_empty() && lines.iter().all(|line| *line == Some(2)),
        "{lines:?}"
    );
}
