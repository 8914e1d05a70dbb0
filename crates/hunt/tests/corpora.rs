//! The pack over captures others made: attacks show the stage they were recorded for, ordinary logs show nothing.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vigie_hunt::{HuntOptions, HuntResult, Severity, hunt};
use vigie_pack::Pack;

/// A folder of the corpora, or nothing where they are not.
fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no corpus {name}; set VIGIE_CORPORA");
    None
}

fn hunted(path: &Path) -> HuntResult {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs/hafnium-2021");
    let options = HuntOptions {
        packs: vec![Pack::load_dir(&folder).unwrap()],
        ..HuntOptions::default()
    };
    hunt(&[path.to_owned()], &options).unwrap()
}

/// The stages a file's lines or records are evidence of.
fn stages<'a>(result: &'a HuntResult, part_of_path: &str) -> BTreeSet<&'a str> {
    result
        .hosts
        .iter()
        .flat_map(|host| &host.findings)
        .filter(|finding| {
            finding
                .evidence
                .iter()
                .any(|line| line.path.contains(part_of_path))
        })
        .map(|finding| finding.stage.as_str())
        .collect()
}

#[test]
fn ordinary_exchange_and_web_logs_are_left_alone() {
    for name in ["exchange-logs-qazeer", "iis-plaso"] {
        let Some(path) = corpus(name) else { continue };
        let result = hunted(&path);
        assert!(result.stats.events > 0, "{name}");
        let loud: Vec<&str> = result
            .hosts
            .iter()
            .flat_map(|host| &host.findings)
            .filter(|finding| finding.severity >= Severity::Medium)
            .map(|finding| finding.title.as_str())
            .collect();
        assert!(loud.is_empty(), "{name}: {loud:?}");
    }
}

#[test]
fn captures_of_attacks_show_their_stage() {
    let expected = [
        ("otrf-json", "psh_lsass_memory_dump_comsvcs", "credential_access"),
        ("otrf-json", "cmd_sam_copy_esentutl", "credential_access"),
        ("otrf-json", "cmd_psexec_lsa_secrets_dump", "credential_access"),
        ("otrf-json", "cmd_psexec_lsa_secrets_dump", "lateral_movement"),
        ("otrf-json", "cmd_bitsadmin_download", "command_and_control"),
        ("otrf-json", "schtask_create", "persistence"),
        ("otrf-json", "net_localgroup_administrators", "discovery"),
        (
            "evtx-attack-mdecrevoisier",
            "ID4688-5145-WMIexec",
            "lateral_movement",
        ),
        (
            "evtx-attack-mdecrevoisier",
            "WMI spwaning PowerShell",
            "lateral_movement",
        ),
        (
            "evtx-attack-mdecrevoisier",
            "Fast created & deleted task by SMBexec",
            "persistence",
        ),
        (
            "evtx-attack-mdecrevoisier",
            "PSexec service installation",
            "lateral_movement",
        ),
        (
            "evtx-attack-mdecrevoisier",
            "MSF payload deployed via service",
            "persistence",
        ),
        ("evtx-attack-mdecrevoisier", "Hidden user creation", "persistence"),
        (
            "evtx-attack-mdecrevoisier",
            "ID19-20-WMI registration",
            "persistence",
        ),
        (
            "evtx-attack-mdecrevoisier",
            "Exchange transport agent",
            "persistence",
        ),
        ("evtx-attack-mdecrevoisier", "(CME+Mimikatz)", "credential_access"),
        (
            "evtx-attack-mdecrevoisier",
            "ID4688-User creation via commandline",
            "persistence",
        ),
        (
            "evtx-attack-mdecrevoisier",
            "ID4688-Scheduled task creation",
            "persistence",
        ),
    ];
    let mut missing = Vec::new();
    for name in ["otrf-json", "evtx-attack-mdecrevoisier"] {
        let Some(path) = corpus(name) else { continue };
        let result = hunted(&path);
        for (_, file, stage) in expected.iter().filter(|(corpus, ..)| *corpus == name) {
            let told = stages(&result, file);
            if !told.contains(stage) {
                missing.push(format!("{file}: {stage} missing, told {told:?}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
