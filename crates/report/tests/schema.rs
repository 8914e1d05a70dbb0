//! The JSON output against its published schema, `docs/hunt.schema.json`.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use vigie_hunt::{HuntResult, Outcome, Severity, Verdict};

use checker::Checker;

mod checker;
mod sample;

const SCHEMA: &str = include_str!("../../../docs/hunt.schema.json");

fn checked(result: &HuntResult) -> Checker {
    let mut written = Vec::new();
    vigie_report::json(result, &mut written).unwrap();
    Checker::new(SCHEMA).check_text(&written)
}

#[test]
fn results_keep_to_the_contract() {
    for result in [sample::sample(), sample::busy(50), sample::empty()] {
        let checker = checked(&result);
        assert_eq!(checker.errors, Vec::<String>::new());
    }
}

#[test]
fn the_contract_describes_nothing_that_is_never_said() {
    let mut result = sample::sample();
    result.manifest[0].original_path = Some("C:\\inetpub\\logs\\u_ex.log".into());
    let checker = checked(&result);
    assert_eq!(checker.unsaid(), Vec::<String>::new());
}

#[test]
fn the_check_notices_what_breaks_the_contract() {
    let mut result = sample::sample();
    result.hosts[0].coverage[0].ratio = 1.5;
    result.hosts[3].coverage[1].gaps[0].kind = "because".into();
    result.pack[0].from = "yesterday".into();
    let errors = checked(&result).errors;
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn enumerations_are_those_of_the_model() {
    let schema = Checker::new(SCHEMA).schema;
    let listed = |name: &str| schema["$defs"][name]["enum"].clone();
    let all = |values: Vec<Value>| Value::Array(values);
    let verdicts = ["no_evidence", "unknown", "attempted", "suspected", "compromised"];
    let verdicts = verdicts.map(|id| serde_json::to_value(Verdict::from_id(id).unwrap()).unwrap());
    assert_eq!(listed("verdict"), all(verdicts.to_vec()));
    let outcomes = [
        Outcome::Scan,
        Outcome::Attempt,
        Outcome::Success,
        Outcome::PostExploitation,
    ];
    assert_eq!(
        listed("outcome"),
        all(outcomes.map(|one| serde_json::to_value(one).unwrap()).to_vec())
    );
    let severities = [
        Severity::Informational,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];
    assert_eq!(
        listed("severity"),
        all(severities.map(|one| serde_json::to_value(one).unwrap()).to_vec())
    );
}
