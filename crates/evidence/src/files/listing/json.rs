//! Lists as JSON: Velociraptor's `Windows.Search.FileFinder`, `Windows.NTFS.MFT` and their kin, MFTECmd's `--json`.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Value;
use vigie_event::{EventBatch, Source};

use super::Listed;
use crate::files::rows::Rows;
use crate::files::table::Place;
use crate::files::text::head_text;
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::Code;
use crate::windows::json::Documents;

/// Lists of files as JSON.
pub(crate) static FORMAT: Format = Format {
    name: "file_listing_json",
    source: Source::FileInventory,
    recognise,
    parse,
};

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    // The keys of the first object: later ones may be anything.
    let first = text
        .get(..text.find('}').unwrap_or(text.len()))
        .unwrap_or_default();
    let lower = first.to_ascii_lowercase();
    let has = |key: &str| lower.contains(&format!("\"{key}\""));
    let is_event = has("eventid") || has("system") || has("eventdata");
    let path = has("ospath") || has("fullpath");
    let times = has("mtime") || has("created0x10");
    let is_list = path && times && (has("size") || has("filesize"));
    let is_mft = has("parentpath") && has("filename") && has("created0x10");
    (!is_event && (is_list || is_mft)).then_some(Confidence::Content)
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::FileInventory, context, sink);
    let mut documents = match Documents::open(input, context.limits.line_bytes) {
        Ok(documents) => documents,
        Err(error) => {
            rows.outcome.input_failed(&error, || "line 1".to_owned());
            return rows.finish();
        }
    };
    let mut object = Vec::new();
    while let Some(place) = documents.next(&mut object, &mut rows.outcome) {
        let at = || format!("line {}", place.line);
        let parsed: Result<serde_json::Map<String, Value>, _> = serde_json::from_slice(&object);
        let Ok(members) = parsed else {
            let why = Code::ObjectBadJson;
            rows.outcome.skip(why, 1, object.len() as u64, at);
            continue;
        };
        let values = flatten(&members);
        let get = |name: &str| values.get(&name.to_ascii_lowercase()).map_or("", String::as_str);
        let by = if get("parentpath").is_empty() {
            "Velociraptor"
        } else {
            "MFTECmd"
        };
        for (column, name) in [("hostname", "Hostname"), ("fqdn", "Fqdn")] {
            if !get(column).is_empty() {
                rows.outcome.host(get(column), name);
            }
        }
        if let Some(listed) = Listed::from_columns(get) {
            let place = Place {
                line: place.line.max(1),
                offset: place.offset,
            };
            listed.emit(by, place, &mut rows);
        } else if get("ospath").is_empty() && get("fullpath").is_empty() && get("filename").is_empty() {
            rows.outcome.skip(Code::ObjectNoPath, 1, object.len() as u64, at);
        }
    }
    rows.finish()
}

/// Members by their lower-case names; those of an object inside as `outer.inner`.
fn flatten(members: &serde_json::Map<String, Value>) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, value) in members {
        let name = name.to_ascii_lowercase();
        match value {
            Value::Object(inner) => {
                for (key, value) in inner {
                    if let Some(text) = scalar(value) {
                        values.insert(format!("{name}.{}", key.to_ascii_lowercase()), text);
                    }
                }
            }
            value => {
                if let Some(text) = scalar(value) {
                    values.insert(name, text);
                }
            }
        }
    }
    values
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
