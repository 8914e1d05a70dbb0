//! The JSON output against its published schema, `docs/hunt.schema.json`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::Value;
use vigie_event::parse_utc;
use vigie_hunt::{HuntResult, Outcome, Severity, Verdict};

mod sample;

/// Keywords that say something to people only.
const PROSE: [&str; 5] = ["$schema", "$defs", "title", "description", "format"];

/// Checks values against the part of JSON Schema the contract uses. Stricter than the schema in one way: a property
/// it does not describe is an error, so that the contract cannot grow unsaid.
struct Checker {
    schema: Value,
    errors: Vec<String>,
    seen: BTreeSet<String>,
}

impl Checker {
    fn new() -> Checker {
        let text = include_str!("../../../docs/hunt.schema.json");
        Checker {
            schema: serde_json::from_str(text).unwrap(),
            errors: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    fn check_result(mut self, result: &HuntResult) -> Checker {
        let mut written = Vec::new();
        vigie_report::json(result, &mut written).unwrap();
        let value: Value = serde_json::from_slice(&written).unwrap();
        let schema = self.schema.clone();
        self.check(&value, &schema, "#", "$");
        self
    }

    fn check(&mut self, value: &Value, schema: &Value, schema_path: &str, at: &str) {
        for (keyword, rule) in schema.as_object().unwrap() {
            let fits = match keyword.as_str() {
                "$ref" => {
                    let target = rule.as_str().unwrap();
                    let inner = self
                        .schema
                        .pointer(target.trim_start_matches('#'))
                        .unwrap()
                        .clone();
                    self.check(value, &inner, target, at);
                    true
                }
                "anyOf" => {
                    let before = self.errors.len();
                    rule.as_array().unwrap().iter().any(|option| {
                        self.errors.truncate(before);
                        self.check(value, option, schema_path, at);
                        self.errors.len() == before
                    })
                }
                "type" => names(rule).iter().any(|name| is_a(value, name)),
                "enum" => rule.as_array().unwrap().contains(value),
                "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap()),
                "required" => names(rule).iter().all(|name| value.get(name).is_some()),
                "properties" | "additionalProperties" => self.properties(value, schema, schema_path, at),
                "items" => {
                    for (index, item) in value.as_array().unwrap().iter().enumerate() {
                        self.check(
                            item,
                            rule,
                            &format!("{schema_path}/items"),
                            &format!("{at}[{index}]"),
                        );
                    }
                    true
                }
                "format" if rule == "date-time" => {
                    value.as_str().is_none_or(|time| parse_utc(time).is_some())
                }
                _ => PROSE.contains(&keyword.as_str()),
            };
            if !fits {
                self.errors
                    .push(format!("{at} breaks {keyword} of {schema_path}"));
            }
        }
    }

    fn properties(&mut self, value: &Value, schema: &Value, schema_path: &str, at: &str) -> bool {
        let Some(object) = value.as_object() else {
            return true;
        };
        for (name, inner) in object {
            let described = schema
                .get("properties")
                .and_then(|properties| properties.get(name));
            let path = format!("{schema_path}/properties/{name}");
            match described.or(schema.get("additionalProperties")) {
                Some(rule) => {
                    self.check(inner, &rule.clone(), &path, &format!("{at}.{name}"));
                    self.seen.insert(path);
                }
                None => self.errors.push(format!("{at}.{name} is not in the schema")),
            }
        }
        true
    }
}

fn names(rule: &Value) -> Vec<&str> {
    match rule {
        Value::String(name) => vec![name],
        other => other
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect(),
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        _ => false,
    }
}

/// Paths of every property a schema describes.
fn described(schema: &Value, path: &str, out: &mut BTreeSet<String>) {
    for part in ["properties", "$defs"] {
        for (name, inner) in schema.get(part).and_then(Value::as_object).into_iter().flatten() {
            let path = format!("{path}/{part}/{name}");
            described(inner, &path, out);
            if part == "properties" {
                out.insert(path);
            }
        }
    }
    if let Some(items) = schema.get("items") {
        described(items, &format!("{path}/items"), out);
    }
}

#[test]
fn results_keep_to_the_contract() {
    for result in [sample::sample(), sample::busy(50), sample::empty()] {
        let checker = Checker::new().check_result(&result);
        assert_eq!(checker.errors, Vec::<String>::new());
    }
}

#[test]
fn the_contract_describes_nothing_that_is_never_said() {
    let mut result = sample::sample();
    result.manifest[0].original_path = Some("C:\\inetpub\\logs\\u_ex.log".into());
    let checker = Checker::new().check_result(&result);
    let mut all = BTreeSet::new();
    described(&checker.schema, "#", &mut all);
    let unsaid: Vec<&String> = all.difference(&checker.seen).collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
}

#[test]
fn the_check_notices_what_breaks_the_contract() {
    let mut result = sample::sample();
    result.hosts[0].coverage[0].ratio = 1.5;
    result.hosts[3].coverage[1].gaps[0].kind = "because".into();
    result.pack[0].from = "yesterday".into();
    let errors = Checker::new().check_result(&result).errors;
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn enumerations_are_those_of_the_model() {
    let schema = Checker::new().schema;
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
