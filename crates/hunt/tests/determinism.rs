//! The same evidence gives the same answer, however many threads read it.

#![allow(clippy::unwrap_used)]

use vigie_hunt::{HuntOptions, hunt};
use vigie_pack::Pack;
use vigie_simulate::{Plan, demo_plan, simulate};

#[test]
fn the_answer_does_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence");
    let plan = Plan {
        tenants: 2,
        ..demo_plan(7)
    };
    simulate(&evidence, &plan).unwrap();
    let answer = |threads: usize| {
        let mut options = HuntOptions {
            packs: vec![Pack::load_embedded("hafnium-2021").unwrap()],
            ..HuntOptions::default()
        };
        options.evidence.threads = threads;
        let mut result = hunt(std::slice::from_ref(&evidence), &options).unwrap();
        result.stats.elapsed_s = 0.0;
        serde_json::to_string_pretty(&result).unwrap()
    };
    assert!(
        answer(1) == answer(3),
        "three threads give another answer than one"
    );
}
