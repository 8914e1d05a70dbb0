//! Our engine against an independent one, on every public rule and every event of the regression and sample corpora.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::parse_sigma_yaml;
use serde_json::{Map, Value};
use vigie_detect::sigma::{Hit, RuleSet};
use vigie_event::{EventBatch, RowRef};
use vigie_evidence::{FileRef, Options, Sink, read};

/// Rules on which the two differ, and why.
const EXPLAINED: [(&str, &str); 1] = [(
    "f6de9536-0441-4b3f-a646-f4e00f300ffd",
    "OldUacValue|endswith: 8???; under endswith the other engine anchors a value with wildcards at its start",
)];

/// What Security's events call the fields of Sysmon's: the other engine has no table for it.
const ALIASES: [(&str, &str); 11] = [
    ("Image", "NewProcessName"),
    ("Image", "ProcessName"),
    ("Image", "Application"),
    ("ParentImage", "ParentProcessName"),
    ("User", "SubjectUserName"),
    ("IntegrityLevel", "MandatoryLabel"),
    ("LogonId", "SubjectLogonId"),
    ("TargetObject", "ObjectName"),
    ("Details", "NewValue"),
    ("DestinationIp", "DestAddress"),
    ("DestinationPort", "DestPort"),
];

struct Keep(Mutex<Vec<(String, EventBatch)>>);

impl Sink for Keep {
    fn batch(&self, file: &FileRef, batch: EventBatch) {
        self.0.lock().unwrap().push((file.path.clone(), batch));
    }
}

/// The row as the other engine takes it.
fn event(row: RowRef<'_>) -> Value {
    let mut fields: Map<String, Value> = row
        .fields()
        .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())))
        .collect();
    if row.batch().table() == "SecurityEvent" {
        for (alias, name) in ALIASES {
            if let Some(value) = fields.get(name).cloned() {
                fields.entry(alias).or_insert(value);
            }
        }
    }
    for part in row.get("Hashes").unwrap_or_default().split(',') {
        if let Some((name, value)) = part.split_once('=') {
            let name = if name == "IMPHASH" { "Imphash" } else { name };
            fields.entry(name).or_insert(Value::String(value.to_owned()));
        }
    }
    Value::Object(fields)
}

#[test]
fn both_engines_find_the_same() {
    let (Some(sigma), Some(samples)) = (
        common::corpus("sigma"),
        common::corpus("evtx-attack-mdecrevoisier"),
    ) else {
        return;
    };
    let sources = common::rules(
        &sigma,
        &["rules", "rules-emerging-threats", "rules-threat-hunting"],
    );
    let ours = RuleSet::compile(&sources).rules;
    let by_id: BTreeMap<&str, u32> = (0u32..)
        .zip(ours.rules())
        .map(|(index, rule)| (rule.id.as_str(), index))
        .collect();
    let mut theirs = Engine::new();
    for source in &sources {
        for rule in &parse_sigma_yaml(&source.text).unwrap().rules {
            if rule.id.as_deref().is_some_and(|id| by_id.contains_key(id)) {
                theirs.add_rule(rule).unwrap();
            }
        }
    }
    let keep = Keep(Mutex::default());
    read(&[sigma.join("regression"), samples], &Options::default(), &keep).unwrap();
    let mut batches = keep.0.into_inner().unwrap();
    batches.retain(|(_, batch)| batch.event_type().is_some());
    batches.sort_by(|a, b| a.0.cmp(&b.0));
    let (mut events, mut hits, mut differences) = (0, 0, BTreeMap::<String, Vec<String>>::new());
    let mut seen = BTreeSet::new();
    for (path, batch) in &batches {
        let mut found: Vec<Hit> = Vec::new();
        ours.evaluate(batch, &mut found);
        for row in 0..batch.rows() {
            let value = event(batch.row(row));
            // The regression cases have the same JSON and EVTX events; the samples repeat some.
            if !seen.insert(value.to_string()) {
                continue;
            }
            events += 1;
            let mine: BTreeSet<u32> = found
                .iter()
                .filter(|hit| hit.row as usize == row)
                .map(|hit| hit.rule)
                .collect();
            let other: BTreeSet<u32> = theirs
                .evaluate(&JsonEvent::borrow(&value))
                .iter()
                .filter_map(|result| by_id.get(result.header.rule_id.as_deref()?).copied())
                .filter(|rule| {
                    ours.trace(*rule, batch.row(row))
                        .is_some_and(|trace| trace.in_scope)
                })
                .collect();
            hits += mine.len();
            for rule in mine.symmetric_difference(&other) {
                let who = if mine.contains(rule) { "we" } else { "they" };
                let described = &ours.rules()[*rule as usize];
                differences.entry(described.id.clone()).or_default().push(format!(
                    "{who} match {path} record {}: {}",
                    batch.record(row),
                    described.path
                ));
            }
        }
    }
    println!(
        "{events} events, {hits} matches, {} rules differ",
        differences.len()
    );
    for (id, why) in EXPLAINED {
        assert!(differences.remove(id).is_some(), "{id} no longer differs: {why}");
    }
    let said: Vec<String> = differences
        .iter()
        .map(|(id, places)| format!("{id}: {} times: {}", places.len(), places[0]))
        .collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
    assert!(events > 1_000 && hits > 100, "{events} events, {hits} hits");
}
