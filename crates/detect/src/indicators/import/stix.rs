//! STIX 2.1 (docs.oasis-open.org/cti/stix/v2.1): the `indicator` objects of bundles, of TAXII envelopes or of bare
//! lists of objects.

use std::collections::HashMap;

use serde_json::Value;
use vigie_event::{MICROS_PER_DAY, Timestamp, parse_utc};

use super::super::{Indicator, IndicatorKind};
use super::json::{Broken, Document, Lines, Part};
use super::{Intake, observable, pattern, score};

/// Names of publishers that are remembered.
const IDENTITIES: usize = 10_000;

/// Reads all objects of the documents.
pub(super) fn import(document: Document<'_>, tops: &[Part], into: &mut Intake<'_>) {
    let mut names = HashMap::new();
    each_object(document, tops, |object| {
        let text = object.map(|part| document.text(part)).unwrap_or_default();
        if memchr::memmem::find(text, b"\"identity\"").is_some() && names.len() < IDENTITIES {
            names.extend(identity(text));
        }
    });
    let mut lines = Lines::of(document.bytes);
    each_object(document, tops, |object| match object {
        Ok(part) if part.whole => {
            let line = lines.at(part.from);
            match serde_json::from_slice::<Value>(document.text(part)) {
                Ok(object) => take(&object, line, &names, into),
                Err(error) => {
                    let line = line + (error.line() as u64).saturating_sub(1);
                    into.refuse(
                        line,
                        &format!("this object is not read: {}", super::json::said(&error)),
                    );
                }
            }
        }
        Ok(part) => into.refuse(lines.at(part.from), "the file ends inside this object"),
        Err(Broken { at }) => into.refuse(lines.at(at), "this is not JSON; what follows is not read"),
    });
}

/// The objects of bundles (`objects`), of arrays, and those that stand alone.
fn each_object(document: Document<'_>, tops: &[Part], mut each: impl FnMut(Result<Part, Broken>)) {
    for &top in tops {
        if document.opens_with(top) == Some(b'[') {
            document.elements(top).for_each(&mut each);
            continue;
        }
        let mut is_bundle = false;
        for member in document.members(top) {
            match member {
                Ok((b"objects", objects)) => {
                    is_bundle = true;
                    document.elements(objects).for_each(&mut each);
                }
                Ok(_) => {}
                Err(broken) => each(Err(broken)),
            }
        }
        if !is_bundle {
            each(Ok(top));
        }
    }
}

fn identity(text: &[u8]) -> Option<(String, String)> {
    let object: Value = serde_json::from_slice(text).ok()?;
    let text = |key: &str| object.get(key)?.as_str().map(str::to_owned);
    (text("type")? == "identity").then_some(())?;
    Some((text("id")?, text("name")?))
}

/// Objects of these types are what was or can be observed; without an indicator they accuse nothing.
const OBSERVED: [&str; 19] = [
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "observed-data",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
];

fn take(object: &Value, line: u64, names: &HashMap<String, String>, into: &mut Intake<'_>) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or("");
    let id = text("id");
    match text("type") {
        "indicator" => {}
        "" => return into.refuse(line, "an object without a type"),
        kind if OBSERVED.contains(&kind) => {
            return into.set_aside(
                &format!("observed objects, which accuse nothing by themselves: {kind}"),
                1,
            );
        }
        kind => {
            let kind: String = kind.chars().take(60).collect();
            return into.set_aside(&format!("objects of type {kind}"), 1);
        }
    }
    if object.get("revoked").and_then(Value::as_bool) == Some(true) {
        return into.set_aside("revoked indicators", 1);
    }
    let is_benign = |key: &str| words(object, key).any(|word| word == "benign");
    if is_benign("indicator_types") || is_benign("labels") {
        return into.set_aside("indicators of what is benign", 1);
    }
    match text("pattern_type") {
        "" | "stix" => {}
        other => {
            let other: String = other.chars().take(60).collect();
            return into.set_aside(&format!("indicators whose pattern is not STIX: {other}"), 1);
        }
    }
    match (pattern::alternatives(text("pattern")), describe(object, names)) {
        (Ok(alternatives), Ok(described)) => {
            for tests in alternatives {
                take_alternative(tests, id, line, &described, into);
            }
        }
        (Err(reason), _) | (_, Err(reason)) => into.refuse(line, &format!("{id}: {reason}")),
    }
}

fn take_alternative(
    tests: Result<pattern::Together, String>,
    id: &str,
    line: u64,
    described: &Described,
    into: &mut Intake<'_>,
) {
    match tests.and_then(|tests| observable::observables(&tests)) {
        Ok(found) => {
            for one in found {
                into.take(line, id, described.indicator(&one));
            }
        }
        Err(reason) => into.refuse(line, &format!("{id}: {reason}")),
    }
}

fn words<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    object
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// What an `indicator` object says of all it names.
struct Described {
    score: Option<u8>,
    stage: Option<String>,
    context: String,
    source: String,
    valid_from: Option<Timestamp>,
    valid_until: Option<Timestamp>,
}

impl Described {
    fn indicator(&self, one: &observable::Observable) -> Indicator {
        let mut indicator = Indicator::new(one.kind, &one.value);
        indicator.confidence = score::confidence(one.kind, self.score);
        indicator.stage = self.stage.clone();
        indicator.context = match (self.context.as_str(), one.beside.as_str()) {
            (context, "") => context.to_owned(),
            ("", beside) => beside.to_owned(),
            (context, beside) => format!("{context} ({beside})"),
        };
        indicator.source = self.source.clone();
        indicator.valid_from = self.valid_from;
        indicator.valid_until = self.valid_until;
        indicator
    }
}

fn describe(object: &Value, names: &HashMap<String, String>) -> Result<Described, String> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or("").trim();
    let score = match object.get("confidence") {
        None | Some(Value::Null) => None,
        Some(value) => Some(
            value
                .as_u64()
                .and_then(|score| u8::try_from(score).ok())
                .filter(|score| *score <= 100)
                .ok_or_else(|| format!("confidence {value} is not a number from 0 to 100"))?,
        ),
    };
    let context = match (text("name"), text("description")) {
        ("", only) | (only, "") => only.to_owned(),
        (name, description) => format!("{name}: {description}"),
    };
    let mut source = names.get(text("created_by_ref")).cloned().unwrap_or_default();
    if let Some(reference) = reference(object) {
        source = if source.is_empty() {
            reference
        } else {
            format!("{source}, {reference}")
        };
    }
    Ok(Described {
        score,
        stage: stage(object),
        context,
        source,
        valid_from: instant("valid_from", text("valid_from"))?
            .filter(|&from| !is_date_of_writing(object, from)),
        valid_until: instant("valid_until", text("valid_until"))?,
    })
}

fn instant(key: &str, text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let time = parse_utc(text).ok_or_else(|| format!("{key} {text:?} is no time"))?;
    Ok(Some(time))
}

/// `valid_from` must be given, and most publishers give the time of writing: it says nothing of when the attack began,
/// and what happened before would be missed.
fn is_date_of_writing(object: &Value, from: Timestamp) -> bool {
    let created = object.get("created").and_then(Value::as_str).and_then(parse_utc);
    created.is_some_and(|created| from > created - MICROS_PER_DAY)
}

/// The first external reference that says where to read more.
fn reference(object: &Value) -> Option<String> {
    let references = object.get("external_references")?.as_array()?;
    references.iter().find_map(|reference| {
        let text = |key: &str| reference.get(key).and_then(Value::as_str);
        match (text("url"), text("source_name"), text("external_id")) {
            (Some(url), ..) => Some(url.to_owned()),
            (None, Some(name), Some(id)) => Some(format!("{name} {id}")),
            (None, Some(name), None) => Some(name.to_owned()),
            _ => None,
        }
    })
}

/// Phases of Lockheed Martin's kill chain as ATT&CK tactics.
const PHASES: [(&str, &str); 7] = [
    ("weaponization", "resource_development"),
    ("delivery", "initial_access"),
    ("exploitation", "initial_access"),
    ("exploit", "initial_access"),
    ("installation", "persistence"),
    ("actions_on_objectives", "impact"),
    ("act_on_objectives", "impact"),
];

/// ATT&CK's tactics.
const TACTICS: [&str; 14] = [
    "reconnaissance",
    "resource_development",
    "initial_access",
    "execution",
    "persistence",
    "privilege_escalation",
    "defense_evasion",
    "credential_access",
    "discovery",
    "lateral_movement",
    "collection",
    "command_and_control",
    "exfiltration",
    "impact",
];

/// The first phase that is a tactic, by its name in ATT&CK with `_`.
fn stage(object: &Value) -> Option<String> {
    let phases = object.get("kill_chain_phases")?.as_array()?;
    phases.iter().find_map(|phase| {
        let name = phase
            .get("phase_name")?
            .as_str()?
            .to_lowercase()
            .replace(['-', ' '], "_");
        let tactic = PHASES
            .iter()
            .find(|(phase, _)| *phase == name)
            .map_or(name.as_str(), |(_, tactic)| tactic);
        TACTICS.contains(&tactic).then(|| tactic.to_owned())
    })
}

/// The indicators of a pattern that stands in another format.
pub(super) fn of_pattern(text: &str) -> Result<Vec<(IndicatorKind, String)>, String> {
    let mut found = Vec::new();
    for tests in pattern::alternatives(text)? {
        let observables = observable::observables(&tests?)?;
        found.extend(observables.into_iter().map(|one| (one.kind, one.value)));
    }
    Ok(found)
}
