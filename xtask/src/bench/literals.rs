//! The texts that Sigma rules look for, for a tool that only searches.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use yaml_serde::{Deserializer, Value};

/// Shorter texts, such as methods and statuses, stand in almost every line.
const SHORTEST: usize = 5;
/// Modifiers whose values are no text to look for.
const NO_TEXT: [&str; 11] = [
    "re",
    "cidr",
    "exists",
    "gt",
    "gte",
    "lt",
    "lte",
    "base64",
    "base64offset",
    "fieldref",
    "expand",
];

/// Whether a rule is about requests: `webserver`, `proxy`, or one of Exchange's logs.
pub(super) fn is_about_requests(text: &str) -> bool {
    text.split(['\n', '{', '}', ',']).map(str::trim).any(|word| {
        matches!(
            word,
            "category: webserver" | "category: proxy" | "product: exchange"
        )
    })
}

/// The texts of all rules, each once, in lower case.
pub(super) fn of_rules(files: &[PathBuf]) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        of_text(&text, file, &mut all)?;
    }
    Ok(all)
}

fn of_text(text: &str, file: &Path, all: &mut BTreeSet<String>) -> Result<()> {
    for document in Deserializer::from_str(text) {
        let rule = Value::deserialize(document).with_context(|| format!("cannot read {}", file.display()))?;
        let Some(detection) = rule.get("detection").and_then(Value::as_mapping) else {
            continue;
        };
        for (name, selection) in detection {
            if !matches!(name.as_str(), Some("condition" | "timeframe")) {
                collect(selection, all);
            }
        }
    }
    Ok(())
}

fn collect(value: &Value, all: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            // Between wildcards stands what must be there; the longest part says most.
            let parts = text.split(['*', '?']);
            let longest = parts.max_by_key(|part| part.len()).unwrap_or_default();
            if longest.len() >= SHORTEST {
                all.insert(longest.replace("\\\\", "\\").to_lowercase());
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, all)),
        Value::Mapping(fields) => {
            for (name, value) in fields {
                let mut modifiers = name.as_str().unwrap_or_default().split('|').skip(1);
                if !modifiers.any(|modifier| NO_TEXT.contains(&modifier)) {
                    collect(value, all);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_part_of_each_text_is_taken_and_no_expression() {
        let rule = "logsource: { category: webserver }\ndetection:\n  a:\n    cs-uri-query|contains: ['/Ecp/*Default.flt', GET]\n    \
                    b|re: '.*nothing.*'\n  keywords: [ 'some words' ]\n  condition: a or keywords\n";
        assert!(is_about_requests(rule));
        assert!(!is_about_requests("logsource:\n  category: process_creation\n"));
        let mut all = BTreeSet::new();
        of_text(rule, Path::new("rule.yml"), &mut all).unwrap();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), ["default.flt", "some words"]);
    }
}
