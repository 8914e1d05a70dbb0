//! Simulated servers of which only a part of the logs was handed over, and healthy ones for months.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use vigie_hunt::{HostResult, HuntOptions, HuntResult, Severity, Verdict, hunt};
use vigie_pack::Pack;
use vigie_simulate::{Plan, Truth, demo_plan, simulate};

/// Its name, the files that were kept, and what an honest answer is.
type Case<'a> = (&'a str, &'a dyn Fn(&str) -> bool, Verdict);

fn world(folder: &Path, seed: u64, tenants: u32) -> Truth {
    let plan = Plan {
        tenants,
        ..demo_plan(seed)
    };
    simulate(&folder.join("world"), &plan).unwrap()
}

fn hunted(paths: &[PathBuf]) -> HuntResult {
    let options = HuntOptions {
        packs: vec![Pack::load_embedded("hafnium-2021").unwrap()],
        ..HuntOptions::default()
    };
    hunt(paths, &options).unwrap()
}

/// Copies the files below `from` whose path is wanted.
fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target, wanted);
        } else if wanted(&path.to_string_lossy().replace('\\', "/")) {
            fs::create_dir_all(to).unwrap();
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The only machine of a result.
fn only(result: &HuntResult) -> &HostResult {
    let names: Vec<&str> = result.hosts.iter().map(|host| host.host.as_str()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    &result.hosts[0]
}

#[test]
fn each_kind_of_evidence_alone_tells_the_intrusion() {
    let folder = tempfile::tempdir().unwrap();
    let truth = world(folder.path(), 5, 1);
    let server = truth
        .servers
        .iter()
        .find(|server| server.scenario == "full_chain")
        .unwrap();
    let from = folder
        .path()
        .join("world")
        .join(&server.tenant)
        .join(&server.server);
    let kinds: [(&str, &str, &[&str]); 5] = [
        (
            "iis",
            "/LogFiles/",
            &["ssrf", "session", "web_shell_use", "exfiltration"],
        ),
        (
            "httpproxy",
            "/HttpProxy/",
            &["ssrf", "session", "vdir_write", "web_shell_use"],
        ),
        ("ecp", "/Logging/ECP/", &["vdir_write"]),
        (
            "evtx",
            ".evtx",
            &[
                "vdir_write",
                "web_shell",
                "execution",
                "discovery",
                "credential_access",
                "persistence",
            ],
        ),
        ("files", "/owa/auth/", &["web_shell"]),
    ];
    for (kind, part, wanted) in kinds {
        let to = folder.path().join(kind).join(&server.tenant).join(&server.server);
        let is_log = |path: &str| path.contains("/Logging/");
        copy(&from, &to, &|path| {
            path.contains(part) && (kind != "httpproxy" || is_log(path))
        });
        let result = hunted(&[folder.path().join(kind)]);
        let host = only(&result);
        assert_eq!(host.verdict, Verdict::Compromised, "{kind}: {:?}", host.reasons);
        let told = &host.storylines[0].stages;
        let missing: Vec<_> = wanted
            .iter()
            .filter(|stage| !told.iter().any(|told| told == *stage))
            .collect();
        assert!(missing.is_empty(), "{kind}: {missing:?} missing in {told:?}");
    }
}

#[test]
fn silence_counts_only_where_the_logs_reach() {
    let folder = tempfile::tempdir().unwrap();
    let truth = world(folder.path(), 6, 4);
    let server = truth
        .servers
        .iter()
        .find(|server| server.scenario == "patched_early")
        .unwrap();
    let from = folder
        .path()
        .join("world")
        .join(&server.tenant)
        .join(&server.server);
    let cases: [Case<'_>; 4] = [
        ("all", &|_| true, Verdict::NoEvidence),
        ("only_events", &|path| path.ends_with(".evtx"), Verdict::Unknown),
        (
            "without_ecp",
            &|path| !path.contains("/Logging/ECP/"),
            Verdict::Unknown,
        ),
        (
            "rolled",
            // What January wrote is gone.
            &|path| !["202101", "u_ex2101"].iter().any(|month| path.contains(month)),
            Verdict::Unknown,
        ),
    ];
    for (case, wanted, verdict) in cases {
        let to = folder.path().join(case).join(&server.tenant).join(&server.server);
        copy(&from, &to, wanted);
        let result = hunted(&[folder.path().join(case)]);
        let host = only(&result);
        assert_eq!(host.verdict, verdict, "{case}: {:?}", host.reasons);
        let reasons: String = host.reasons.iter().map(|reason| reason.en.as_str()).collect();
        if case == "without_ecp" || case == "rolled" {
            assert!(reasons.contains("ECP"), "{case}: the log is not named: {reasons}");
        }
    }
}

/// At most one finding of medium or above for 10,000 benign events.
#[test]
fn healthy_servers_stay_silent_for_months() {
    let mut events = 0;
    let mut loud = Vec::new();
    for seed in [21, 22] {
        let folder = tempfile::tempdir().unwrap();
        let truth = world(folder.path(), seed, 5);
        let healthy: Vec<PathBuf> = truth
            .servers
            .iter()
            .filter(|server| server.steps.is_empty())
            .map(|server| {
                folder
                    .path()
                    .join("world")
                    .join(&server.tenant)
                    .join(&server.server)
            })
            .collect();
        assert!(healthy.len() >= 4);
        let result = hunted(&healthy);
        events += result.stats.events;
        for host in &result.hosts {
            assert!(
                host.verdict <= Verdict::Unknown,
                "{}: {:?}",
                host.host,
                host.reasons
            );
            let findings = host
                .findings
                .iter()
                .filter(|finding| finding.severity >= Severity::Medium);
            loud.extend(findings.map(|finding| format!("{}: {}", host.host, finding.title)));
        }
    }
    assert!(events > 40_000, "{events}");
    assert!(loud.len() as u64 <= events / 10_000, "{events} events: {loud:?}");
}
