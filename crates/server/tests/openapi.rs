//! The document of the API: the committed one is what the code says, and it holds together.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use serde_json::Value;

fn generated() -> String {
    let bench = common::Bench::sqlite();
    let mut text = vigie_server::document(bench.desk.clone())
        .to_pretty_json()
        .unwrap();
    text.push('\n');
    text
}

#[test]
fn the_committed_document_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let generated = generated();
    if std::env::var_os("VIGIE_WRITE").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == generated,
        "openapi.json is outdated: VIGIE_WRITE=1 cargo test -p vigie-server --test openapi"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
    let document: Value = serde_json::from_str(&generated()).unwrap();
    assert_eq!(document["info"]["title"], "Vigie", "{}", document["info"]);
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 50, "{references:?}");
    for reference in &references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut names = BTreeSet::new();
    for operation in common::operations(&document) {
        assert!(
            names.insert(operation.id.clone()),
            "{} is named twice",
            operation.id
        );
        let summary = operation
            .value
            .get("summary")
            .or(operation.value.get("description"));
        assert!(summary.is_some(), "{} says nothing of itself", operation.id);
        assert!(operation.value["responses"].get("default").is_some());
    }
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                into.insert(reference.clone());
            }
            object.values().for_each(|value| collect(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        _ => {}
    }
}
