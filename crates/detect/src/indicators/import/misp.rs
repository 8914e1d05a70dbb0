//! MISP's JSON (draft-dulaunoy-misp-core-format): events with attributes and objects, what a search for events or
//! attributes answers, or a bare list of attributes.

use serde_json::Value;

use super::super::{Indicator, IndicatorKind, guess_kind};
use super::json::{Broken, Document, Lines, Part};
use super::{Intake, score, stix};

/// How deep `response`, lists and events may stand in each other.
const DEEPEST: usize = 4;

/// Reads all events and attributes of the documents.
pub(super) fn import(document: Document<'_>, tops: &[Part], into: &mut Intake<'_>) {
    let mut reader = Reader {
        document,
        lines: Lines::of(document.bytes),
        into,
    };
    for &top in tops {
        reader.value(top, &Event::default(), DEEPEST);
    }
}

/// What an event says of all its attributes.
#[derive(Debug, Clone, Default)]
struct Event {
    info: String,
    publisher: String,
    score: Option<u8>,
}

struct Reader<'a, 'b, 'c> {
    document: Document<'a>,
    lines: Lines<'a>,
    into: &'b mut Intake<'c>,
}

impl Reader<'_, '_, '_> {
    fn broken(&mut self, Broken { at }: Broken) {
        let line = self.lines.at(at);
        self.into
            .refuse(line, "this is not JSON; what follows is not read");
    }

    /// A list of anything below, or what stands around events and attributes, or one of them.
    fn value(&mut self, part: Part, event: &Event, depth: usize) {
        let document = self.document;
        let Some(depth) = depth.checked_sub(1) else {
            let line = self.lines.at(part.from);
            return self.into.refuse(line, "nested deeper than MISP writes");
        };
        if document.opens_with(part) == Some(b'[') {
            for element in document.elements(part) {
                match element {
                    Ok(element) => self.value(element, event, depth),
                    Err(broken) => self.broken(broken),
                }
            }
            return;
        }
        let mut is_around = false;
        for member in document.members(part) {
            match member {
                Ok((b"Event", inner)) if !is_attribute(document, part) => {
                    is_around = true;
                    self.event(inner);
                }
                Ok((b"response", inner)) => {
                    is_around = true;
                    self.value(inner, event, depth);
                }
                Ok((b"Attribute", inner)) => {
                    is_around = true;
                    self.attributes(inner, event);
                }
                Ok(_) => {}
                Err(broken) => {
                    is_around = true;
                    self.broken(broken);
                }
            }
        }
        if !is_around {
            self.attribute(part, event);
        }
    }

    fn event(&mut self, part: Part) {
        let document = self.document;
        let read = |part| serde_json::from_slice::<Value>(document.text(part)).unwrap_or_default();
        let mut event = Event::default();
        let mut attributes = Vec::new();
        let mut objects = Vec::new();
        for member in document.members(part) {
            match member {
                Ok((b"info", value)) => event.info = text(&read(value)).to_owned(),
                Ok((b"Orgc", value)) => event.publisher = text_of(&read(value), "name").to_owned(),
                Ok((b"Tag", value)) => event.score = score_of(&read(value)),
                Ok((b"Attribute", value)) => attributes.push(value),
                Ok((b"Object", value)) => objects.push(value),
                Ok(_) => {}
                Err(broken) => self.broken(broken),
            }
        }
        for part in attributes {
            self.attributes(part, &event);
        }
        for part in objects {
            for object in document.elements(part) {
                match object {
                    Ok(object) => self.object(object, &event),
                    Err(broken) => self.broken(broken),
                }
            }
        }
    }

    fn object(&mut self, part: Part, event: &Event) {
        let document = self.document;
        let mut attributes = Vec::new();
        for member in document.members(part) {
            match member {
                Ok((b"Attribute", value)) => attributes.push(value),
                Ok((b"deleted", value)) if document.text(value) == b"true" => {
                    return self.into.set_aside("deleted objects", 1);
                }
                Ok(_) => {}
                Err(broken) => self.broken(broken),
            }
        }
        for part in attributes {
            self.attributes(part, event);
        }
    }

    fn attributes(&mut self, part: Part, event: &Event) {
        for attribute in self.document.elements(part) {
            match attribute {
                Ok(attribute) => self.attribute(attribute, event),
                Err(broken) => self.broken(broken),
            }
        }
    }

    fn attribute(&mut self, part: Part, event: &Event) {
        let line = self.lines.at(part.from);
        if !part.whole {
            return self.into.refuse(line, "the file ends inside this object");
        }
        match serde_json::from_slice::<Value>(self.document.text(part)) {
            Ok(attribute) => take(&attribute, line, event, self.into),
            Err(error) => {
                let line = line + (error.line() as u64).saturating_sub(1);
                let why = super::json::said(&error);
                self.into.refuse(line, &format!("this object is not read: {why}"));
            }
        }
    }
}

/// Attributes a search gives carry their `Event` inside.
fn is_attribute(document: Document<'_>, part: Part) -> bool {
    document.members(part).flatten().any(|(key, _)| key == b"value")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("").trim()
}

fn text_of<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).map_or("", text)
}

/// Truth as JSON, as `"1"` or as `1`.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::String(text) => text == "1" || text == "true",
        _ => false,
    }
}

fn score_of(tags: &Value) -> Option<u8> {
    let names = tags
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| text_of(tag, "name"));
    score::of_tags(names)
}

fn take(attribute: &Value, line: u64, event: &Event, into: &mut Intake<'_>) {
    let id = text_of(attribute, "uuid");
    let (kind, value) = (text_of(attribute, "type"), text_of(attribute, "value"));
    if kind.is_empty() || value.is_empty() {
        return into.refuse(line, &format!("{id}: an attribute without type or value"));
    }
    if attribute.get("deleted").is_some_and(is_true) {
        return into.set_aside("deleted attributes", 1);
    }
    if !attribute.get("to_ids").is_some_and(is_true) {
        return into.set_aside("attributes not for detection (to_ids), which are context", 1);
    }
    let found = match kind {
        "stix2-pattern" => stix::of_pattern(value),
        _ => values(kind, value).ok_or_else(|| String::from("none")),
    };
    let found = match found {
        Ok(found) => found,
        Err(_) if kind != "stix2-pattern" => {
            let kind: String = kind.chars().take(60).collect();
            return into.set_aside(&format!("attributes of a type no indicator has: {kind}"), 1);
        }
        Err(reason) => return into.refuse(line, &format!("{id}: {reason}")),
    };
    // What is said of the attribute itself stands before what is said of the event.
    let score = attribute.get("Tag").and_then(score_of).or(event.score);
    let context = context(attribute, event);
    for (kind_of, one) in found {
        let mut indicator = Indicator::new(kind_of, &one);
        indicator.confidence = score::confidence(kind_of, score);
        indicator.context = match beside(kind, value) {
            Some(name) if !one.contains(name) => joined(&context, name, " / "),
            _ => context.clone(),
        };
        indicator.source = event.publisher.clone();
        into.take(line, id, indicator);
    }
}

/// What stands before the `|` of a file's name and hash.
fn beside<'a>(kind: &str, value: &'a str) -> Option<&'a str> {
    let is_named_file = kind.starts_with("filename|") || kind == "malware-sample";
    value
        .split_once('|')
        .filter(|_| is_named_file)
        .map(|(name, _)| name)
}

/// The event's title, the comment and when it was seen. Sightings are no validity: what was last seen in March may be
/// used again in April.
fn context(attribute: &Value, event: &Event) -> String {
    let info = match attribute.get("Event") {
        Some(of) if event.info.is_empty() => text_of(of, "info"),
        _ => &event.info,
    };
    let mut context = joined(info, text_of(attribute, "comment"), " / ");
    let day = |key: &str| text_of(attribute, key).get(..10).unwrap_or("").to_owned();
    let seen = match (day("first_seen"), day("last_seen")) {
        (first, last) if first.is_empty() && last.is_empty() => String::new(),
        (first, last) if last.is_empty() => format!("first seen {first}"),
        (first, last) if first.is_empty() => format!("last seen {last}"),
        (first, last) => format!("seen {first} to {last}"),
    };
    if !seen.is_empty() {
        context = joined(&context, &seen, ", ");
    }
    context
}

fn joined(one: &str, other: &str, between: &str) -> String {
    match (one, other) {
        ("", only) | (only, "") => only.to_owned(),
        (one, other) => format!("{one}{between}{other}"),
    }
}

/// The indicators an attribute of a type stands for; `None` when no indicator has such a type. Of a name and a hash the
/// hash is taken: the name alone is not what was meant.
pub(super) fn values(kind: &str, value: &str) -> Option<Vec<(IndicatorKind, String)>> {
    use IndicatorKind::*;
    let one = |kind| Some(vec![(kind, value.to_owned())]);
    let (before, after) = value.split_once('|').unwrap_or((value, value));
    let part = |kind, part: &str| Some(vec![(kind, part.to_owned())]);
    match kind {
        "sha256" => one(Sha256),
        "sha1" => one(Sha1),
        "md5" => one(Md5),
        "filename|sha256" => part(Sha256, after),
        "filename|sha1" => part(Sha1, after),
        "filename|md5" | "malware-sample" => part(Md5, after),
        "filename" if value.contains(['\\', '/']) => one(FilePath),
        "filename" => one(FileName),
        "ip-src" | "ip-dst" | "ip" => one(address_kind(value)),
        "ip-src|port" | "ip-dst|port" => part(address_kind(before), before),
        "domain" | "hostname" => one(Domain),
        "hostname|port" => part(Domain, before),
        "domain|ip" => Some(vec![
            (Domain, before.to_owned()),
            (address_kind(after), after.to_owned()),
        ]),
        "url" => url(value),
        "uri" if value.starts_with('/') => one(UrlPath),
        "uri" => url(value),
        "user-agent" => one(UserAgent),
        _ => None,
    }
}

fn address_kind(value: &str) -> IndicatorKind {
    if value.contains('/') {
        IndicatorKind::Cidr
    } else {
        IndicatorKind::Ip
    }
}

/// A URL; without a path it is its host.
fn url(value: &str) -> Option<Vec<(IndicatorKind, String)>> {
    let plain = super::super::normal::refang(IndicatorKind::Url, value);
    let parts = super::super::normal::url_parts(&plain);
    if parts.path.len() > 1 || parts.whole.contains('?') {
        return Some(vec![(IndicatorKind::Url, value.to_owned())]);
    }
    let kind = guess_kind(parts.authority).unwrap_or(IndicatorKind::Domain);
    Some(vec![(kind, parts.authority.to_owned())])
}
