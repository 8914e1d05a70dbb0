//! Informative tests that stand nowhere else: 6.3.3 to 6.3.5, 6.3.9 to 6.3.11.

use super::schema::short;
use super::tree::{Branch, Document};
use super::{Finding, Report};

pub(super) fn check(document: &Document<'_>, report: &mut Report) {
    for vulnerability in &document.vulnerabilities {
        for (key, test) in [("cve", "6.3.3"), ("cwe", "6.3.4")] {
            if vulnerability.get(key).is_none() {
                let message = format!("the vulnerability has no {}", key.to_uppercase());
                report.add(Finding::note(test, &vulnerability.path, message));
            }
        }
    }
    for product in &document.products {
        if let Some(helper) = product.node.get("product_identification_helper") {
            for hash in helper
                .list("hashes")
                .iter()
                .flat_map(|hashes| hashes.list("file_hashes"))
            {
                if let Some(value) = hash.text("value").filter(|value| value.len() < 64) {
                    let message = format!("the hash has {} digits, fewer than 64", value.len());
                    report.add(Finding::note("6.3.5", &format!("{}/value", hash.path), message));
                }
            }
        }
    }
    for branch in &document.branches {
        levels(branch, report);
        versions(branch, report);
    }
}

/// 6.3.9: above a product stand vendor, product name and version, in this order.
fn levels(branch: &Branch<'_>, report: &mut Report) {
    if branch.node.get("product").is_none() {
        return;
    }
    let place = |wanted: &[&str]| {
        branch
            .categories
            .iter()
            .position(|category| wanted.contains(category))
    };
    let vendor = place(&["vendor"]);
    let name = place(&["product_name"]);
    let version = place(&["product_version", "product_version_range"]);
    let in_order = matches!((vendor, name, version), (Some(vendor), Some(name), Some(version)) if vendor < name && name < version);
    if !in_order {
        let message = format!(
            "above the product stand {}; vendor, product_name, product_version are wanted in this order",
            short(&branch.categories.join(", "))
        );
        report.add(Finding::note("6.3.9", &branch.node.path, message));
    }
}

/// 6.3.10 and 6.3.11
fn versions(branch: &Branch<'_>, report: &mut Report) {
    let category = branch.node.text("category").unwrap_or_default();
    if category == "product_version_range" {
        let message = "a range of versions instead of versions".to_owned();
        report.add(Finding::note("6.3.10", &branch.node.path, message));
    }
    let name = branch.node.text("name").unwrap_or_default();
    let mut letters = name.chars();
    if category == "product_version"
        && letters.next().is_some_and(|first| matches!(first, 'v' | 'V'))
        && letters.next().is_some_and(|second| second.is_ascii_digit())
    {
        let message = format!("{:?} starts with a v", short(name));
        report.add(Finding::note(
            "6.3.11",
            &format!("{}/name", branch.node.path),
            message,
        ));
    }
}
