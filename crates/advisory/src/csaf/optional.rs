//! Optional tests that stand nowhere else: 6.2.1, 6.2.2, 6.2.7 to 6.2.11, 6.2.13, 6.2.16 to 6.2.18.

use std::collections::HashSet;

use super::schema::short;
use super::syntax;
use super::tree::{AFFECTED, Document};
use super::{Finding, Report};
use crate::json::{Json, Node, pointer};

pub(super) fn check(document: &Document<'_>, report: &mut Report) {
    unused(document, report);
    for vulnerability in &document.vulnerabilities {
        without_remedy(document, vulnerability, report);
        dates_and_ids(vulnerability, report);
    }
    for product in &document.products {
        helper(&product.node, report);
    }
    for branch in &document.branches {
        range(&branch.node, report);
    }
    if document
        .root
        .at(&["document", "distribution", "tlp", "label"])
        .is_none()
    {
        let message = "no label of the traffic light protocol".to_owned();
        report.add(Finding::warning("6.2.10", "/document/distribution/tlp", message));
    }
    canonical_url(document, report);
    sorted(document.root.value, "", report);
}

/// 6.2.1
fn unused(document: &Document<'_>, report: &mut Report) {
    if document.category() == "csaf_informational_advisory" {
        return;
    }
    let used: HashSet<&str> = document
        .product_references()
        .iter()
        .map(|reference| reference.id)
        .collect();
    for product in document
        .products
        .iter()
        .filter(|product| !used.contains(product.id))
    {
        let message = format!("nothing is said about the product {:?}", short(product.id));
        report.add(Finding::warning("6.2.1", &product.node.path, message));
    }
}

/// 6.2.2
fn without_remedy<'a>(document: &Document<'a>, vulnerability: &Node<'a>, report: &mut Report) {
    let remedies = vulnerability.list("remediations");
    let remedied: HashSet<&str> = remedies
        .iter()
        .flat_map(|item| document.products_of(item))
        .collect();
    let statuses = [AFFECTED[0], AFFECTED[1], AFFECTED[2], "under_investigation"];
    for (id, path) in document.with_status(vulnerability, &statuses) {
        if !remedied.contains(id) {
            let message = format!("no remediation for the product {:?}", short(id));
            report.add(Finding::warning("6.2.2", &path, message));
        }
    }
}

/// 6.2.7 and 6.2.17
fn dates_and_ids(vulnerability: &Node<'_>, report: &mut Report) {
    for involvement in vulnerability.list("involvements") {
        if involvement.get("date").is_none() {
            let message = "the involvement has no date".to_owned();
            report.add(Finding::warning("6.2.7", &involvement.path, message));
        }
    }
    for id in vulnerability.list("ids") {
        if id.text("text").is_some_and(syntax::is_cve) {
            let message = "a CVE identifier belongs into \"cve\"".to_owned();
            report.add(Finding::warning("6.2.17", &id.path, message));
        }
    }
}

/// 6.2.8, 6.2.9, 6.2.16
fn helper(product: &Node<'_>, report: &mut Report) {
    let Some(helper) = product.get("product_identification_helper") else {
        let message = "nothing helps to find this product in an inventory".to_owned();
        report.add(Finding::warning("6.2.16", &product.path, message));
        return;
    };
    for hashes in helper.list("hashes") {
        let names: Vec<String> = hashes
            .list("file_hashes")
            .iter()
            .filter_map(|hash| hash.text("algorithm"))
            .map(|name| name.to_lowercase().replace(['-', '_'], ""))
            .collect();
        for (test, weak) in [("6.2.8", "md5"), ("6.2.9", "sha1")] {
            if !names.is_empty() && names.iter().all(|name| name == weak) {
                let message = format!("{weak} is the only hash");
                report.add(Finding::warning(test, &hashes.path, message));
            }
        }
    }
}

/// The file name of a document: section 5.1 of the specification.
pub fn file_name(tracking_id: &str) -> String {
    let mut name = String::new();
    for c in tracking_id.to_lowercase().chars() {
        let keep = c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-');
        match (keep, name.ends_with('_')) {
            (true, _) => name.push(c),
            (false, false) => name.push('_'),
            (false, true) => {}
        }
    }
    name.push_str(".json");
    name
}

/// 6.2.11
fn canonical_url(document: &Document<'_>, report: &mut Report) {
    let Some(id) = document.text(&["document", "tracking", "id"]) else {
        return;
    };
    let name = file_name(id);
    let references = document
        .root
        .get("document")
        .map_or_else(Vec::new, |head| head.list("references"));
    let found = references.iter().any(|reference| {
        let url = reference.text("url").unwrap_or_default();
        reference.text("category") == Some("self")
            && url.starts_with("https://")
            && url.rsplit('/').next() == Some(&name)
    });
    if !found {
        let message = format!(
            "no reference of category self with https and the file name {:?}",
            short(&name)
        );
        report.add(Finding::warning("6.2.11", "/document/references", message));
    }
}

/// 6.2.13: keys in alphabetical order; the first that is not, in each object.
fn sorted(value: &Json, path: &str, report: &mut Report) {
    for pair in value.fields().windows(2) {
        if pair[1].0 < pair[0].0 {
            let message = format!("{:?} stands after {:?}", short(&pair[1].0), short(&pair[0].0));
            report.add(Finding::warning("6.2.13", path, message));
            break;
        }
    }
    for (key, value) in value.fields() {
        if !matches!(value, Json::Text(_)) {
            sorted(value, &pointer(path, key), report);
        }
    }
    for (index, item) in value.items().iter().enumerate() {
        if !matches!(item, Json::Text(_)) {
            sorted(item, &format!("{path}/{index}"), report);
        }
    }
}

/// 6.2.18
fn range(branch: &Node<'_>, report: &mut Report) {
    if branch.text("category") == Some("product_version_range")
        && let Some(name) = branch.text("name")
        && !is_vers(name)
        && !name.is_empty()
    {
        let message = format!("{:?} is not written as vers:scheme/range", short(name));
        report.add(Finding::warning(
            "6.2.18",
            &format!("{}/name", branch.path),
            message,
        ));
    }
}

fn is_vers(name: &str) -> bool {
    let Some((scheme, range)) = name.strip_prefix("vers:").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    !range.is_empty()
        && !scheme.is_empty()
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
}
