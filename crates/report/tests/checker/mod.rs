//! A checker of JSON against the part of JSON Schema that the contracts use. Stricter than the schema in one way: a
//! property it does not describe is an error, so that a contract cannot grow unsaid.

use std::collections::BTreeSet;

use serde_json::Value;
use vigie_event::parse_utc;

/// Keywords that say something to people only.
const PROSE: [&str; 5] = ["$schema", "$defs", "title", "description", "format"];

/// A schema, what breaks it, and which of its properties were seen.
pub(crate) struct Checker {
    pub(crate) schema: Value,
    pub(crate) errors: Vec<String>,
    pub(crate) seen: BTreeSet<String>,
}

impl Checker {
    pub(crate) fn new(schema: &str) -> Checker {
        Checker {
            schema: serde_json::from_str(schema).unwrap(),
            errors: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    pub(crate) fn check_text(mut self, json: &[u8]) -> Checker {
        let value: Value = serde_json::from_slice(json).unwrap();
        let schema = self.schema.clone();
        self.check(&value, &schema, "#", "$");
        self
    }

    /// Properties that the schema describes and that no value had.
    pub(crate) fn unsaid(&self) -> Vec<String> {
        let mut all = BTreeSet::new();
        described(&self.schema, "#", &mut all);
        all.difference(&self.seen).cloned().collect()
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
                    // What is no array breaks `type`.
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(
                            item,
                            rule,
                            &format!("{schema_path}/items"),
                            &format!("{at}[{index}]"),
                        );
                    }
                    true
                }
                "pattern" => value
                    .as_str()
                    .is_none_or(|text| keeps(text, rule.as_str().unwrap())),
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

/// Whether a text keeps to a pattern; only the one that the contracts use is understood.
fn keeps(text: &str, pattern: &str) -> bool {
    assert_eq!(
        pattern, "^CVE-[0-9]{4}-[0-9]{4,}$",
        "a pattern this checker does not know"
    );
    let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = text.splitn(3, '-').collect();
    matches!(parts.as_slice(), ["CVE", year, number] if year.len() == 4 && digits(year, 4) && digits(number, 4))
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
