//! Sigma and YARA rules: they compile, say what they mean, and are proven.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use vigie_detect::indicators::{Confidence, Outcome};
use vigie_detect::sigma::{RuleSet, RuleSource, batch_of};
use vigie_detect::yara::YaraSet;

use super::known_stage;
use crate::Problem;
use crate::model::{Pack, RuleText, Text};

/// What Vigie asks of a rule besides being Sigma.
#[derive(Debug, Deserialize)]
struct RuleHead {
    id: Option<String>,
    vigie: Option<Vigie>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vigie {
    stage: Option<String>,
    outcome: Option<String>,
    confidence: Option<String>,
    #[serde(default)]
    #[allow(dead_code)] // read by the rule compiler; named here so that a misspelt key is refused
    join: Vec<String>,
    statement: Option<Text>,
}

/// Checks the Sigma rules and their fixtures.
pub(super) fn check(pack: &Pack, problems: &mut Vec<Problem>) {
    let mut files_by_id: BTreeMap<String, &str> = BTreeMap::new();
    for rule in &pack.rules {
        for id in check_rule_file(pack, rule, problems) {
            if let Some(other) = files_by_id.insert(id.clone(), &rule.path) {
                problems.push(Problem::new(&rule.path, format!("rule {id} is also in {other}")));
            }
        }
    }
    let rules = compile(pack, problems);
    check_fixtures(pack, &files_by_id, &rules, problems);
}

fn compile(pack: &Pack, problems: &mut Vec<Problem>) -> RuleSet {
    let sources: Vec<RuleSource> = pack
        .rules
        .iter()
        .map(|rule| RuleSource {
            path: rule.path.clone(),
            text: rule.text.clone(),
            pack: Some(pack.name.clone()),
        })
        .collect();
    let loaded = RuleSet::compile(&sources);
    problems.extend(
        loaded
            .refused
            .into_iter()
            .map(|refused| Problem::new(refused.path, refused.why).at(refused.line.map(|line| line as u64))),
    );
    loaded.rules
}

/// Checks each document of a rule file and hands back the identifiers.
fn check_rule_file(pack: &Pack, rule: &RuleText, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut ids = Vec::new();
    for document in yaml_serde::Deserializer::from_str(&rule.text) {
        let head = match RuleHead::deserialize(document) {
            Ok(head) => head,
            Err(error) => {
                let line = error.location().map(|location| location.line() as u64);
                problems.push(Problem::new(&rule.path, error.to_string()).at(line));
                return ids;
            }
        };
        match head.id {
            Some(id) => ids.push(id.to_lowercase()),
            None => problems.push(Problem::new(&rule.path, "the rule has no id")),
        }
        match head.vigie {
            Some(vigie) => check_vigie(pack, &rule.path, vigie, problems),
            None => problems.push(Problem::new(
                &rule.path,
                "the rule has no vigie mapping: see docs/packs.md",
            )),
        }
    }
    ids
}

fn check_vigie(pack: &Pack, file: &str, vigie: Vigie, problems: &mut Vec<Problem>) {
    match &vigie.stage {
        Some(stage) => known_stage(pack, file, None, "vigie.stage", stage, problems),
        None => problems.push(Problem::new(file, "vigie.stage is missing")),
    }
    known(
        "vigie.outcome",
        vigie.outcome.as_deref(),
        Outcome::from_id,
        Outcome::choices,
        file,
        problems,
    );
    known(
        "vigie.confidence",
        vigie.confidence.as_deref(),
        Confidence::from_id,
        Confidence::choices,
        file,
        problems,
    );
    match &vigie.statement {
        Some(statement) => {
            super::texts::both_languages(file, "vigie.statement", statement, problems);
            super::texts::same_fields(file, "vigie.statement", statement, problems);
        }
        None => problems.push(Problem::new(file, "vigie.statement is missing")),
    }
}

fn known<T>(
    what: &str,
    value: Option<&str>,
    from_id: fn(&str) -> Option<T>,
    choices: fn() -> String,
    file: &str,
    problems: &mut Vec<Problem>,
) {
    let why = match value {
        Some(value) if from_id(value).is_some() => return,
        Some(value) => format!("{what} {value:?}: use one of {}", choices()),
        None => format!("{what} is missing: use one of {}", choices()),
    };
    problems.push(Problem::new(file, why));
}

fn check_fixtures(
    pack: &Pack,
    files_by_id: &BTreeMap<String, &str>,
    rules: &RuleSet,
    problems: &mut Vec<Problem>,
) {
    // What a correlation says depends on the order and time of many events; events one by one do not prove it.
    let mut matching: BTreeSet<String> = correlations(rules);
    let mut not_matching = matching.clone();
    for fixture in &pack.fixtures {
        let id = fixture.rule.to_lowercase();
        if !files_by_id.contains_key(&id) {
            let why = format!("the pack has no rule {}", fixture.rule);
            problems.push(Problem::new(&fixture.path, why));
        }
        for (events, wanted, proven) in [
            (&fixture.match_, true, &mut matching),
            (&fixture.no_match, false, &mut not_matching),
        ] {
            for (position, event) in events.iter().enumerate() {
                proven.insert(id.clone());
                if let Err(why) = check_event(rules, &id, event, wanted) {
                    let key = if wanted { "match" } else { "no_match" };
                    let place = format!("rule {}, {key} event {}: {why}", fixture.rule, position + 1);
                    problems.push(Problem::new(&fixture.path, place));
                }
            }
        }
    }
    for (id, file) in files_by_id {
        for (proven, how) in [(&matching, "must match"), (&not_matching, "must not match")] {
            if !proven.contains(id) {
                problems.push(Problem::new(
                    *file,
                    format!("no fixture has an event that rule {id} {how}"),
                ));
            }
        }
    }
}

fn correlations(rules: &RuleSet) -> BTreeSet<String> {
    rules
        .rules()
        .iter()
        .filter(|rule| rule.correlation)
        .map(|rule| rule.id.to_lowercase())
        .collect()
}

/// Whether a rule does with an event what it should. A rule that did not compile has been reported already.
fn check_event(
    rules: &RuleSet,
    id: &str,
    event: &BTreeMap<String, String>,
    wanted: bool,
) -> Result<(), &'static str> {
    if event.is_empty() {
        return Err("an event without fields proves nothing");
    }
    let Some(index) = rules
        .rules()
        .iter()
        .position(|rule| rule.id.eq_ignore_ascii_case(id))
    else {
        return Ok(());
    };
    let mut hits = Vec::new();
    if let Some(rule) = rules.rules().get(index) {
        rules.evaluate(&batch_of(rule, event), &mut hits);
    }
    match (hits.iter().any(|hit| hit.rule as usize == index), wanted) {
        (true, false) => Err("the rule matches it and must not"),
        (false, true) => Err("the rule does not match it and must"),
        _ => Ok(()),
    }
}

/// Checks the YARA rules.
pub(super) fn check_yara(pack: &Pack, problems: &mut Vec<Problem>) {
    let files: Vec<(&str, &str)> = pack
        .yara
        .iter()
        .map(|rule| (rule.path.as_str(), rule.text.as_str()))
        .collect();
    let (set, refused) = YaraSet::compile(&files);
    for refused in refused {
        problems.push(Problem::new(refused.path, refused.reason).at(refused.line));
    }
    for rule in set.rules() {
        if !rule.gaps.is_empty() {
            let why = format!("rule {}: meta lacks a known {}", rule.name, rule.gaps.join(", "));
            problems.push(Problem::new(&*rule.path, why));
        }
        if let Some(stage) = &rule.stage {
            known_stage(
                pack,
                &rule.path,
                None,
                &format!("rule {}", rule.name),
                stage,
                problems,
            );
        }
    }
}
