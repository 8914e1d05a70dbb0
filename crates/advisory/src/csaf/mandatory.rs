//! Mandatory tests about products, groups, references and identifiers: 6.1.1 to 6.1.7, 6.1.11, 6.1.13, 6.1.23 to 6.1.25,
//! 6.1.29, 6.1.31 to 6.1.33.

use std::collections::{HashMap, HashSet};

use super::schema::short;
use super::syntax;
use super::tree::{AFFECTED, Document, FIXED};
use super::{Finding, Report};
use crate::json::Node;

const CWE: &str = include_str!("cwe.tsv");

pub(super) fn check(document: &Document<'_>, report: &mut Report) {
    product_ids(document, report);
    circles(document, report);
    group_ids(document, report);
    helpers(document, report);
    version_ranges(document, report);
    cve_twice(document, report);
    let weaknesses = weaknesses();
    for vulnerability in &document.vulnerabilities {
        contradictions(document, vulnerability, report);
        weakness(vulnerability, &weaknesses, report);
        involvements(vulnerability, report);
        without_product(vulnerability, report);
        justifications(document, vulnerability, report);
    }
}

/// 6.1.1 and 6.1.2: every product named is defined, once.
fn product_ids(document: &Document<'_>, report: &mut Report) {
    let mut defined = HashSet::new();
    for product in &document.products {
        if !defined.insert(product.id) {
            let message = format!("the product {:?} is defined twice", short(product.id));
            report.add(Finding::error(
                "6.1.2",
                &format!("{}/product_id", product.node.path),
                message,
            ));
        }
    }
    for reference in document.product_references() {
        if !defined.contains(reference.id) {
            let message = format!("no product is defined as {:?}", short(reference.id));
            report.add(Finding::error("6.1.1", &reference.path, message));
        }
    }
}

/// 6.1.3: a product that relationships make of itself.
fn circles(document: &Document<'_>, report: &mut Report) {
    let Some(tree) = document.root.get("product_tree") else {
        return;
    };
    let relationships = tree.list("relationships");
    let mut made_of: HashMap<&str, Vec<&str>> = HashMap::new();
    for relationship in &relationships {
        let product = relationship.get("full_product_name");
        if let Some(id) = product.and_then(|product| product.text("product_id")) {
            let parts = ["product_reference", "relates_to_product_reference"];
            let parts = parts.iter().filter_map(|key| relationship.text(key));
            made_of.entry(id).or_default().extend(parts);
        }
    }
    for (id, path) in in_circles(&made_of, &relationships) {
        let message = format!("the product {:?} is defined by itself", short(id));
        report.add(Finding::error("6.1.3", &path, message));
    }
}

/// Relationships left after all that rest on finished products are taken away: those in circles, or resting on one.
fn in_circles<'a>(
    made_of: &HashMap<&'a str, Vec<&'a str>>,
    relationships: &[Node<'a>],
) -> Vec<(&'a str, String)> {
    let mut waiting: HashMap<&str, usize> = HashMap::new();
    let mut needed_by: HashMap<&str, Vec<&str>> = HashMap::new();
    for (id, parts) in made_of {
        let open: Vec<&&str> = parts.iter().filter(|part| made_of.contains_key(**part)).collect();
        waiting.insert(id, open.len());
        for part in open {
            needed_by.entry(part).or_default().push(id);
        }
    }
    let mut ready: Vec<&str> = waiting
        .iter()
        .filter(|(_, open)| **open == 0)
        .map(|(id, _)| *id)
        .collect();
    while let Some(id) = ready.pop() {
        waiting.remove(id);
        for user in needed_by.get(id).into_iter().flatten() {
            if let Some(open) = waiting.get_mut(user) {
                *open -= 1;
                if *open == 0 {
                    ready.push(user);
                }
            }
        }
    }
    relationships
        .iter()
        .filter_map(|relationship| {
            let id = relationship.get("full_product_name")?.text("product_id")?;
            waiting.contains_key(id).then(|| (id, relationship.path.clone()))
        })
        .collect()
}

/// 6.1.4 and 6.1.5: every group named is defined, once.
fn group_ids(document: &Document<'_>, report: &mut Report) {
    let mut defined = HashSet::new();
    for group in document
        .root
        .get("product_tree")
        .map_or_else(Vec::new, |tree| tree.list("product_groups"))
    {
        if let Some(id) = group.text("group_id")
            && !defined.insert(id)
        {
            let message = format!("the group {:?} is defined twice", short(id));
            report.add(Finding::error(
                "6.1.5",
                &format!("{}/group_id", group.path),
                message,
            ));
        }
    }
    for reference in document.group_references() {
        if !defined.contains(reference.id) {
            let message = format!("no group is defined as {:?}", short(reference.id));
            report.add(Finding::error("6.1.4", &reference.path, message));
        }
    }
}

/// 6.1.6: a product cannot be affected and fixed at once.
fn contradictions<'a>(document: &Document<'a>, vulnerability: &Node<'a>, report: &mut Report) {
    let groups: [(&str, &[&str]); 4] = [
        ("affected", &AFFECTED),
        ("not affected", &["known_not_affected"]),
        ("fixed", &FIXED),
        ("under investigation", &["under_investigation"]),
    ];
    let mut said: HashMap<&str, &str> = HashMap::new();
    for (name, statuses) in groups {
        for (id, path) in document.with_status(vulnerability, statuses) {
            if let Some(before) = said.insert(id, name) {
                let message = format!("the product {:?} is {before} and {name} at once", short(id));
                report.add(Finding::error("6.1.6", &path, message));
            }
        }
    }
}

fn weaknesses() -> HashMap<&'static str, Vec<&'static str>> {
    let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
    for line in CWE.lines().filter(|line| !line.starts_with('#')) {
        if let Some((id, name)) = line.split_once('\t') {
            names.entry(id).or_default().push(name);
        }
    }
    names
}

/// 6.1.11: the weakness exists and has this name, or had it in an earlier version of CWE.
fn weakness(vulnerability: &Node<'_>, known: &HashMap<&str, Vec<&str>>, report: &mut Report) {
    let Some(cwe) = vulnerability.get("cwe") else {
        return;
    };
    let (Some(id), Some(name)) = (cwe.text("id"), cwe.text("name")) else {
        return;
    };
    let number = id.strip_prefix("CWE-").unwrap_or(id);
    let message = match known.get(number).map(Vec::as_slice) {
        None => format!("CWE up to 4.17 has no weakness {}", short(id)),
        Some(names) if names.contains(&name) => return,
        Some(names) => format!(
            "{id} is {:?}, not {:?}",
            names.last().copied().unwrap_or_default(),
            short(name)
        ),
    };
    report.add(Finding::error("6.1.11", &cwe.path, message));
}

/// 6.1.13 and 6.1.25: package URLs, and one hash of each algorithm.
fn helpers(document: &Document<'_>, report: &mut Report) {
    for product in &document.products {
        let Some(helper) = product.node.get("product_identification_helper") else {
            continue;
        };
        if let Some(purl) = helper.text("purl")
            && let Some(problem) = syntax::purl_problem(purl)
        {
            let message = format!("{:?} {problem}", short(purl));
            report.add(Finding::error(
                "6.1.13",
                &format!("{}/purl", helper.path),
                message,
            ));
        }
        for hashes in helper.list("hashes") {
            same_algorithm(&hashes, report);
        }
    }
}

/// 6.1.25: two hashes of one algorithm. The specification refuses them; its own corpus accepts them where all hashes are
/// MD5 or SHA-1 (6.2.8 and 6.2.9, second failing examples), which those tests warn of anyway: there it is a warning.
fn same_algorithm(hashes: &Node<'_>, report: &mut Report) {
    let hashes = hashes.list("file_hashes");
    let names = || hashes.iter().filter_map(|hash| hash.text("algorithm"));
    let weak = ["md5", "sha1"]
        .iter()
        .any(|weak| names().all(|name| name == *weak));
    let mut seen = HashSet::new();
    for hash in &hashes {
        if let Some(algorithm) = hash.text("algorithm")
            && !seen.insert(algorithm)
        {
            let message = format!("a second hash of algorithm {:?}", short(algorithm));
            report.add(match weak {
                true => Finding::warning("6.1.25", &hash.path, message),
                false => Finding::error("6.1.25", &hash.path, message),
            });
        }
    }
}

/// 6.1.23: two vulnerabilities with one CVE.
fn cve_twice(document: &Document<'_>, report: &mut Report) {
    let mut seen = HashSet::new();
    for vulnerability in &document.vulnerabilities {
        if let Some(cve) = vulnerability.text("cve")
            && !seen.insert(cve)
        {
            let message = format!("{} has two vulnerabilities", short(cve));
            report.add(Finding::error(
                "6.1.23",
                &format!("{}/cve", vulnerability.path),
                message,
            ));
        }
    }
}

/// 6.1.24: the same party twice on one day.
fn involvements(vulnerability: &Node<'_>, report: &mut Report) {
    let mut seen = HashSet::new();
    for involvement in vulnerability.list("involvements") {
        let (Some(party), Some(date)) = (involvement.text("party"), involvement.text("date")) else {
            continue;
        };
        let when = syntax::instant(date).map_or_else(|| date.to_owned(), |instant| instant.to_string());
        if !seen.insert((party, when)) {
            let message = format!("the party {party:?} comes twice at {date:?}");
            report.add(Finding::error("6.1.24", &involvement.path, message));
        }
    }
}

/// 6.1.29 and 6.1.32: a remediation or a flag of no product.
fn without_product(vulnerability: &Node<'_>, report: &mut Report) {
    for (key, test, what) in [
        ("remediations", "6.1.29", "remediation"),
        ("flags", "6.1.32", "flag"),
    ] {
        for item in vulnerability.list(key) {
            if item.get("product_ids").is_none() && item.get("group_ids").is_none() {
                let message = format!("the {what} names neither product_ids nor group_ids");
                report.add(Finding::error(test, &item.path, message));
            }
        }
    }
}

/// Words that say a range where a version is wanted.
const RANGE_WORDS: [&str; 7] = ["after", "all", "before", "earlier", "later", "prior", "versions"];

/// 6.1.31: a version that says a range.
fn version_ranges(document: &Document<'_>, report: &mut Report) {
    for branch in &document.branches {
        if branch.node.text("category") != Some("product_version") {
            continue;
        }
        let Some(name) = branch.node.text("name") else {
            continue;
        };
        let lower = name.to_lowercase();
        let word = lower.split_whitespace().any(|word| RANGE_WORDS.contains(&word));
        if word || lower.contains(['<', '>']) {
            let message = format!(
                "{:?} is a range; its category would be product_version_range",
                short(name)
            );
            report.add(Finding::error(
                "6.1.31",
                &format!("{}/name", branch.node.path),
                message,
            ));
        }
    }
}

/// 6.1.33: one justification per product.
fn justifications<'a>(document: &Document<'a>, vulnerability: &Node<'a>, report: &mut Report) {
    let mut seen: HashSet<&str> = HashSet::new();
    for flag in vulnerability.list("flags") {
        for id in document.products_of(&flag) {
            if !seen.insert(id) {
                let message = format!("the product {:?} has a second justification", short(id));
                report.add(Finding::error("6.1.33", &flag.path, message));
            }
        }
    }
}
