//! From rule texts to a scanner.

use std::sync::Arc;

use boreal::compiler::CompilerParams;
use boreal::scanner::RuleDetails;
use boreal::{Compiler, Metadata, MetadataValue, Scanner};

use super::{RefusedYara, YaraRule};
use crate::indicators::{Confidence, Outcome, Severity};

/// Bytes of one rule file.
const FILE_BYTES: usize = 4 << 20;
/// Strings of one rule.
const STRINGS: usize = 10_000;

/// Compiles the files that compile.
pub(super) fn scanner(files: &[(&str, &str)]) -> (Scanner, Vec<RefusedYara>) {
    let mut compiler = compiler();
    let mut refused = Vec::new();
    for (path, text) in files {
        // A compiler keeps the rules before an error. Trying a file alone first keeps a refused file out entirely.
        match check(path, text) {
            Ok(()) => {
                if let Err(error) = compiler.add_rules_str_in_namespace(text, path) {
                    refused.push(refusal(path, &error.to_string()));
                }
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    (compiler.finalize(), refused)
}

fn compiler() -> Compiler {
    let mut compiler = Compiler::new();
    compiler.set_params(
        CompilerParams::default()
            .disable_includes(true)
            .max_strings_per_rule(STRINGS),
    );
    compiler
}

fn check(path: &str, text: &str) -> Result<(), RefusedYara> {
    if text.len() > FILE_BYTES {
        return Err(RefusedYara {
            path: path.to_owned(),
            line: None,
            reason: format!("larger than {} MiB", FILE_BYTES >> 20),
        });
    }
    match compiler().add_rules_str_in_namespace(text, path) {
        Ok(_) => Ok(()),
        Err(error) => Err(refusal(path, &error.to_string())),
    }
}

/// Takes a description such as `mem:3:5: error: unknown identifier` apart.
fn refusal(path: &str, description: &str) -> RefusedYara {
    let first = description.lines().next().unwrap_or("");
    let place = first.strip_prefix("mem:").unwrap_or(first);
    let (line, rest) = match place.split_once(':') {
        Some((line, rest)) if line.bytes().all(|b| b.is_ascii_digit()) => (line.parse().ok(), rest),
        _ => (None, first),
    };
    let reason = rest.split_once("error: ").map_or(rest, |(_, reason)| reason);
    RefusedYara {
        path: path.to_owned(),
        line,
        reason: reason.to_owned(),
    }
}

/// Reads what a rule says about its matches.
pub(super) fn rule(scanner: &Scanner, details: &RuleDetails<'_>) -> YaraRule {
    let mut meta = Meta {
        scanner,
        entries: details.metadatas,
        gaps: Vec::new(),
    };
    let title = meta.text("title").unwrap_or_else(|| details.name.to_owned());
    let severity = meta
        .choice("severity", Severity::from_id)
        .unwrap_or(Severity::High);
    let outcome = meta
        .choice("outcome", Outcome::from_id)
        .unwrap_or(Outcome::Success);
    let confidence = meta
        .choice("confidence", Confidence::from_id)
        .unwrap_or(Confidence::Weak);
    let stage = meta.text("stage");
    let attack = meta.text("attack").unwrap_or_default();
    let statement_en = meta.text("statement_en").unwrap_or_else(|| title.clone());
    let statement_fr = meta.text("statement_fr").unwrap_or_else(|| title.clone());
    YaraRule {
        name: Arc::from(details.name),
        path: Arc::from(details.namespace),
        severity,
        stage,
        outcome,
        confidence,
        attack: attack
            .split(',')
            .map(|technique| technique.trim().to_uppercase())
            .filter(|technique| !technique.is_empty())
            .collect(),
        statement_en,
        statement_fr,
        title,
        gaps: meta.gaps,
    }
}

struct Meta<'a> {
    scanner: &'a Scanner,
    entries: &'a [Metadata],
    gaps: Vec<String>,
}

impl Meta<'_> {
    fn text(&mut self, key: &str) -> Option<String> {
        let entry = self
            .entries
            .iter()
            .find(|entry| self.scanner.get_string_symbol(entry.name) == key);
        let text = match entry.map(|entry| entry.value) {
            Some(MetadataValue::Bytes(symbol)) => {
                String::from_utf8_lossy(self.scanner.get_bytes_symbol(symbol))
                    .trim()
                    .to_owned()
            }
            _ => String::new(),
        };
        if text.is_empty() {
            self.gaps.push(key.to_owned());
            return None;
        }
        Some(text)
    }

    fn choice<T>(&mut self, key: &str, from_id: fn(&str) -> Option<T>) -> Option<T> {
        let value = from_id(&self.text(key)?);
        if value.is_none() {
            self.gaps.push(key.to_owned());
        }
        value
    }
}
