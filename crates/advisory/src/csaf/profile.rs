//! What each profile asks for: 6.1.26 and 6.1.27.

use super::schema::short;
use super::tree::Document;
use super::{Finding, Report};
use crate::json::Node;

/// Profiles other than the generic one: section 4 of the specification.
const PROFILES: [&str; 4] = [
    "csaf_informational_advisory",
    "csaf_security_advisory",
    "csaf_security_incident_response",
    "csaf_vex",
];

pub(super) fn check(document: &Document<'_>, report: &mut Report) {
    category_name(document, report);
    match document.category() {
        "csaf_security_incident_response" => {
            notes_and_references(document, report);
        }
        "csaf_informational_advisory" => {
            notes_and_references(document, report);
            if let Some(list) = document.root.get("vulnerabilities") {
                let message = "an informational advisory has no vulnerabilities".to_owned();
                report.add(Finding::error("6.1.27.3", &list.path, message));
            }
        }
        "csaf_security_advisory" => {
            tree_and_vulnerabilities(document, report);
            for vulnerability in &document.vulnerabilities {
                if vulnerability.get("product_status").is_none() {
                    let message = "a security advisory gives the status of products".to_owned();
                    report.add(Finding::error("6.1.27.6", &vulnerability.path, message));
                }
            }
        }
        "csaf_vex" => {
            tree_and_vulnerabilities(document, report);
            for vulnerability in &document.vulnerabilities {
                vex(document, vulnerability, report);
            }
        }
        _ => {}
    }
}

/// 6.1.26: a category that reads like a profile but is none.
fn category_name(document: &Document<'_>, report: &mut Report) {
    let category = document.category();
    if PROFILES.contains(&category) || category == "csaf_base" {
        return;
    }
    let plain: String = category
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace() && !"-_".contains(*c))
        .collect();
    let like = PROFILES.iter().copied().chain(["csaf_base"]).find(|profile| {
        let profile = profile.replace('_', "");
        plain == profile || (profile != "csafbase" && Some(plain.as_str()) == profile.strip_prefix("csaf"))
    });
    if let Some(like) = like {
        let message = format!(
            "{:?} looks like the profile {like} and is not it",
            short(category)
        );
        report.add(Finding::error("6.1.26", "/document/category", message));
    }
}

/// 6.1.27.1 and 6.1.27.2.
fn notes_and_references(document: &Document<'_>, report: &mut Report) {
    let Some(head) = document.root.get("document") else {
        return;
    };
    let has = |list: &str, wanted: &[&str], default: &str| {
        head.list(list)
            .iter()
            .any(|item| wanted.contains(&item.text("category").unwrap_or(default)))
    };
    if !has("notes", &["description", "details", "general", "summary"], "") {
        let message = "no note of category description, details, general or summary".to_owned();
        report.add(Finding::error("6.1.27.1", "/document/notes", message));
    }
    if !has("references", &["external"], "external") {
        let message = "no reference of category external".to_owned();
        report.add(Finding::error("6.1.27.2", "/document/references", message));
    }
}

/// 6.1.27.4, 6.1.27.5, 6.1.27.11.
fn tree_and_vulnerabilities(document: &Document<'_>, report: &mut Report) {
    let profile = document.category();
    if document.root.get("product_tree").is_none() {
        let message = format!("the profile {profile} needs a product_tree");
        report.add(Finding::error("6.1.27.4", "/product_tree", message));
    }
    if document.root.get("vulnerabilities").is_none() {
        let message = format!("the profile {profile} needs vulnerabilities");
        report.add(Finding::error("6.1.27.11", "/vulnerabilities", message));
    }
    for vulnerability in &document.vulnerabilities {
        if vulnerability.get("notes").is_none() {
            let message = format!("the profile {profile} needs notes of each vulnerability");
            report.add(Finding::error("6.1.27.5", &vulnerability.path, message));
        }
    }
}

/// 6.1.27.7 to 6.1.27.10: what VEX asks of a vulnerability.
fn vex<'a>(document: &Document<'a>, vulnerability: &Node<'a>, report: &mut Report) {
    let statuses = [
        "fixed",
        "known_affected",
        "known_not_affected",
        "under_investigation",
    ];
    let status = vulnerability.get("product_status");
    if !status.is_some_and(|status| statuses.iter().any(|name| status.get(name).is_some())) {
        let message = format!("none of {}", statuses.join(", "));
        let path = format!("{}/product_status", vulnerability.path);
        report.add(Finding::error("6.1.27.7", &path, message));
    }
    if vulnerability.get("cve").is_none() && vulnerability.get("ids").is_none() {
        let message = "neither cve nor ids".to_owned();
        report.add(Finding::error("6.1.27.8", &vulnerability.path, message));
    }
    let said = |key: &str, category: Option<&str>| {
        let items = vulnerability.list(key);
        let items = items
            .iter()
            .filter(|item| category.is_none() || item.text("category") == category);
        items
            .flat_map(|item| document.products_of(item))
            .collect::<std::collections::HashSet<_>>()
    };
    let (flags, impacts) = (said("flags", None), said("threats", Some("impact")));
    for (id, path) in document.with_status(vulnerability, &["known_not_affected"]) {
        if !flags.contains(id) && !impacts.contains(id) {
            let message = format!(
                "nothing says why {:?} is not affected (flag, or threat of category impact)",
                short(id)
            );
            report.add(Finding::error("6.1.27.9", &path, message));
        }
    }
    let remedied = said("remediations", None);
    for (id, path) in document.with_status(vulnerability, &["known_affected"]) {
        if !remedied.contains(id) {
            let message = format!("nothing says what to do about {:?} (remediation)", short(id));
            report.add(Finding::error("6.1.27.10", &path, message));
        }
    }
}
