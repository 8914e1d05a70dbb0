//! The test corpus of the CSAF specification: every file is accepted or refused as its manifest says, and for the reason
//! it stands for.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use vigie_advisory::csaf::{self, NOT_RUN};

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora"),
        PathBuf::from,
    );
    let data = root.join("csaf-2.0-test/validator/data");
    if data.is_dir() {
        return Some(data);
    }
    println!("skipped: no corpus csaf-2.0-test; set VIGIE_CORPORA");
    None
}

#[test]
fn every_file_is_judged_as_the_manifest_says() {
    let Some(data) = corpus() else {
        return;
    };
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(data.join("testcases.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut files = 0;
    for test in manifest["tests"].as_array().unwrap() {
        let id = test["id"].as_str().unwrap();
        let judged = NOT_RUN.iter().all(|(not_run, _)| *not_run != id);
        for (list, fails) in [("failures", true), ("valid", false)] {
            for file in test[list].as_array().into_iter().flatten() {
                let name = file["name"].as_str().unwrap();
                let report = csaf::check(&std::fs::read(data.join(name)).unwrap()).unwrap();
                files += 1;
                if report.is_valid() != file["valid"].as_bool().unwrap() {
                    wrong.push(format!(
                        "{name}: valid is {}: {:?}",
                        report.is_valid(),
                        report.findings
                    ));
                }
                if judged && report.failed(id) != fails {
                    wrong.push(format!(
                        "{name}: {id} should fail: {fails}; {:?}",
                        report.findings
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {files}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(files, 239, "files in the manifest");
}
