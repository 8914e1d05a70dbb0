//! CVSS: 6.1.7 to 6.1.10, 6.2.3, 6.2.19, 6.3.1, 6.3.2.

use std::collections::{HashMap, HashSet};

use super::schema::short;
use super::tree::{AFFECTED, Document, FIXED, texts};
use super::{Finding, Report};
use crate::cvss::{Scores, Vector, Version};
use crate::json::{Json, Node};

pub(super) fn check(document: &Document<'_>, report: &mut Report) {
    for vulnerability in &document.vulnerabilities {
        let scores = vulnerability.list("scores");
        twice(&scores, report);
        for score in &scores {
            for (key, v3) in [("cvss_v2", false), ("cvss_v3", true)] {
                if let Some(cvss) = score.get(key) {
                    one(&cvss, v3, report);
                }
            }
        }
        coverage(document, vulnerability, &scores, report);
        only_v2(&scores, report);
    }
}

/// 6.1.7: two scores of one version for one product.
fn twice(scores: &[Node<'_>], report: &mut Report) {
    let mut seen: HashSet<(&str, &str)> = HashSet::new();
    for score in scores {
        let mut versions = Vec::new();
        if score.get("cvss_v2").is_some() {
            versions.push("2.0");
        }
        if let Some(cvss) = score.get("cvss_v3") {
            versions.push(cvss.text("version").unwrap_or("3"));
        }
        for product in texts(score, "products") {
            for version in &versions {
                if !seen.insert((product.id, version)) {
                    let message = format!(
                        "the product {:?} has a second score of CVSS {version}",
                        short(product.id)
                    );
                    report.add(Finding::error("6.1.7", &product.path, message));
                }
            }
        }
    }
}

/// 6.1.8, 6.1.9, 6.1.10 and 6.3.2 on one score.
fn one(cvss: &Node<'_>, v3: bool, report: &mut Report) {
    let versions: &[&str] = if v3 { &["3.0", "3.1"] } else { &["2.0"] };
    let mut wrong = |key: &str, message: String| {
        report.add(Finding::error("6.1.8", &format!("{}/{key}", cvss.path), message));
    };
    match cvss.text("version") {
        Some(version) if versions.contains(&version) => {}
        _ => wrong(
            "version",
            format!("is missing or none of {}", versions.join(", ")),
        ),
    }
    let in_range = |key: &str| {
        let value = cvss.value.get(key)?;
        Some(
            value
                .as_number()
                .is_some_and(|number| (0.0..=10.0).contains(&number)),
        )
    };
    if in_range("baseScore") != Some(true) {
        wrong("baseScore", "is missing or not between 0 and 10".to_owned());
    }
    for key in ["temporalScore", "environmentalScore"] {
        if in_range(key) == Some(false) {
            wrong(key, "is not between 0 and 10".to_owned());
        }
    }
    if v3 && cvss.text("baseSeverity").is_none() {
        wrong("baseSeverity", "is missing".to_owned());
    }
    for key in ["baseSeverity", "temporalSeverity", "environmentalSeverity"] {
        let known = |text: Option<&str>| {
            text.is_some_and(|text| ["NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"].contains(&text))
        };
        if v3 && cvss.get(key).is_some() && !known(cvss.text(key)) {
            wrong(key, "is none of NONE, LOW, MEDIUM, HIGH, CRITICAL".to_owned());
        }
    }
    let Some(text) = cvss.text("vectorString") else {
        wrong("vectorString", "is missing".to_owned());
        return;
    };
    let vector = match Vector::parse(text) {
        Ok(vector) => vector,
        Err(error) => {
            wrong("vectorString", error.to_string());
            return;
        }
    };
    if Some(vector.version().name()) != cvss.text("version") && cvss.text("version").is_some() {
        wrong(
            "vectorString",
            format!("is a vector of CVSS {}", vector.version().name()),
        );
        return;
    }
    metrics(cvss, &vector, report);
    computation(cvss, &vector, report);
    if vector.version() == Version::V30 {
        let message = "CVSS 3.0 is replaced by 3.1".to_owned();
        report.add(Finding::note("6.3.2", &cvss.path, message));
    }
}

/// 6.1.10 and, for values that do not exist, 6.1.8.
fn metrics(cvss: &Node<'_>, vector: &Vector, report: &mut Report) {
    for (property, metric, values) in vector.version().properties() {
        let Some(given) = cvss.value.get(property) else {
            continue;
        };
        let path = format!("{}/{property}", cvss.path);
        let code = given
            .as_text()
            .and_then(|text| values.iter().find(|(_, long)| *long == text));
        let Some((code, _)) = code else {
            let names: Vec<&str> = values.iter().map(|(_, long)| *long).collect();
            report.add(Finding::error(
                "6.1.8",
                &path,
                format!("is none of {}", names.join(", ")),
            ));
            continue;
        };
        if let Some(in_vector) = vector.get(metric)
            && in_vector != *code
        {
            let message = format!("says {metric}:{code}, the vector {metric}:{in_vector}");
            report.add(Finding::error("6.1.10", &path, message));
        }
    }
}

/// 6.1.9
fn computation(cvss: &Node<'_>, vector: &Vector, report: &mut Report) {
    let merged = with_properties(cvss, vector);
    let Scores {
        base,
        temporal,
        environmental,
    } = merged.scores();
    for (score_key, severity_key, computed) in [
        ("baseScore", "baseSeverity", base),
        ("temporalScore", "temporalSeverity", temporal),
        ("environmentalScore", "environmentalSeverity", environmental),
    ] {
        if let Some(given) = cvss.value.get(score_key).and_then(Json::as_number)
            && (given - computed).abs() > 0.001
        {
            let message = format!("is {given}, the vector gives {computed:.1}");
            report.add(Finding::error(
                "6.1.9",
                &format!("{}/{score_key}", cvss.path),
                message,
            ));
        }
        let severity = vector.version().severity(computed);
        if let (Some(severity), Some(given)) = (severity, cvss.text(severity_key))
            && given != severity
        {
            let message = format!("is {:?}, a score of {computed:.1} is {severity}", short(given));
            report.add(Finding::error(
                "6.1.9",
                &format!("{}/{severity_key}", cvss.path),
                message,
            ));
        }
    }
}

/// The vector with what only the properties say.
fn with_properties(cvss: &Node<'_>, vector: &Vector) -> Vector {
    let mut merged = vector.clone();
    for (property, metric, values) in vector.version().properties() {
        let given = cvss.value.get(property).and_then(Json::as_text);
        let code = given.and_then(|text| values.iter().find(|(_, long)| *long == text));
        if let Some((code, _)) = code
            && merged.get(metric).is_none()
        {
            merged.set(metric, code);
        }
    }
    merged
}

/// 6.2.3 and 6.2.19: affected products have a score; for fixed ones it is nought in their environment.
fn coverage<'a>(document: &Document<'a>, vulnerability: &Node<'a>, scores: &[Node<'a>], report: &mut Report) {
    let scored: HashSet<&str> = scores
        .iter()
        .flat_map(|score| texts(score, "products"))
        .map(|product| product.id)
        .collect();
    for (id, path) in document.with_status(vulnerability, &AFFECTED) {
        if !scored.contains(id) {
            let message = format!("the product {:?} is affected and has no score", short(id));
            report.add(Finding::warning("6.2.3", &path, message));
        }
    }
    let fixed: HashMap<&str, String> = document.with_status(vulnerability, &FIXED).into_iter().collect();
    for score in scores.iter().filter(|score| !is_nought(score)) {
        for product in texts(score, "products") {
            if fixed.contains_key(product.id) {
                let message = format!(
                    "the product {:?} is fixed, its environmental score is not 0",
                    short(product.id)
                );
                report.add(Finding::warning("6.2.19", &product.path, message));
            }
        }
    }
}

fn is_nought(score: &Node<'_>) -> bool {
    let environmental = |key: &str| {
        let cvss = score.get(key)?;
        if let Some(given) = cvss.value.get("environmentalScore").and_then(Json::as_number) {
            return Some(given == 0.0);
        }
        let vector = Vector::parse(cvss.text("vectorString")?).ok()?;
        Some(with_properties(&cvss, &vector).scores().environmental == 0.0)
    };
    ["cvss_v2", "cvss_v3"]
        .iter()
        .all(|key| score.get(key).is_none() || environmental(key) == Some(true))
}

/// 6.3.1
fn only_v2(scores: &[Node<'_>], report: &mut Report) {
    for score in scores {
        if score.get("cvss_v2").is_some() && score.get("cvss_v3").is_none() {
            let message = "CVSS 2.0 is the only score".to_owned();
            report.add(Finding::note("6.3.1", &score.path, message));
        }
    }
}
