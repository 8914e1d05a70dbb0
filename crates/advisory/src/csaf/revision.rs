//! Versions, status and dates of the document: 6.1.14, 6.1.16 to 6.1.22, 6.1.30, 6.2.4 to 6.2.6.

use std::collections::BTreeSet;

use super::syntax::{self, Version};
use super::tree::Document;
use super::{Finding, Report};

struct Revision<'a> {
    text: &'a str,
    version: Version,
    date: jiff::Timestamp,
    path: String,
}

pub(super) fn check(document: &Document<'_>, report: &mut Report) {
    let Some(tracking) = document.root.at(&["document", "tracking"]) else {
        return;
    };
    // What has no date or no version is a matter of the document's shape.
    let mut history: Vec<Revision<'_>> = tracking
        .list("revision_history")
        .into_iter()
        .filter_map(|item| {
            let text = item.text("number")?;
            Some(Revision {
                text,
                version: Version::parse(text)?,
                date: syntax::instant(item.text("date")?)?,
                path: item.path,
            })
        })
        .collect();
    let version = tracking.text("version").and_then(Version::parse);
    let status = tracking.text("status").unwrap_or_default();
    same_scheme(version.as_ref(), &history, report);
    items(&history, status, report);
    history.sort_by(|left, right| (left.date, &left.version).cmp(&(right.date, &right.version)));
    for pair in history.windows(2) {
        if pair[1].version < pair[0].version {
            let message = format!(
                "{:?} is newer than {:?} and has an older date",
                pair[0].text, pair[1].text
            );
            report.add(Finding::error("6.1.14", &pair[1].path, message));
        }
    }
    if let Some(version) = &version {
        document_version(version, status, &history, report);
    }
    missing(&history, report);
    dates(document, &history, report);
}

/// 6.1.30
fn same_scheme(version: Option<&Version>, history: &[Revision<'_>], report: &mut Report) {
    let kinds: BTreeSet<bool> = version
        .into_iter()
        .chain(history.iter().map(|revision| &revision.version))
        .map(Version::is_integer)
        .collect();
    if kinds.len() > 1 {
        let message = "whole numbers and semantic versions are mixed".to_owned();
        report.add(Finding::error("6.1.30", "/document/tracking", message));
    }
}

/// 6.1.18, 6.1.19, 6.1.22, 6.2.4
fn items(history: &[Revision<'_>], status: &str, report: &mut Report) {
    let mut seen = std::collections::HashSet::new();
    for revision in history {
        let path = format!("{}/number", revision.path);
        if matches!(status, "final" | "interim") && revision.version.is_before_first() {
            let message = format!("{:?} is a draft's, the document is {status}", revision.text);
            report.add(Finding::error("6.1.18", &path, message));
        }
        if !revision.version.pre.is_empty() {
            let message = format!("{:?} is a pre-release", revision.text);
            report.add(Finding::error("6.1.19", &path, message));
        }
        if !seen.insert(revision.text) {
            let message = format!("{:?} comes twice", revision.text);
            report.add(Finding::error("6.1.22", &path, message));
        }
        if revision.version.build.is_some() {
            let message = format!("{:?} has build metadata", revision.text);
            report.add(Finding::warning("6.2.4", &path, message));
        }
    }
}

/// 6.1.16, 6.1.17, 6.1.20
fn document_version(version: &Version, status: &str, sorted: &[Revision<'_>], report: &mut Report) {
    const PATH: &str = "/document/tracking/version";
    if let Some(newest) = sorted.last()
        && !version.same(&newest.version, status == "draft")
    {
        let message = format!("is not the newest of the revision history, {:?}", newest.text);
        report.add(Finding::error("6.1.16", PATH, message));
    }
    let unfinished = version.is_before_first() || !version.pre.is_empty();
    if unfinished && status != "draft" {
        let message = format!("the version is a draft's, the status is {status:?}");
        report.add(Finding::error("6.1.17", "/document/tracking/status", message));
    }
    if !version.pre.is_empty() && matches!(status, "final" | "interim") {
        let message = format!("a document that is {status} has a pre-release version");
        report.add(Finding::error("6.1.20", PATH, message));
    }
}

/// 6.1.21: numbers, or first numbers, from 0 or 1 on without a hole.
fn missing(sorted: &[Revision<'_>], report: &mut Report) {
    let majors: BTreeSet<u64> = sorted
        .iter()
        .filter_map(|revision| revision.version.major())
        .collect();
    let mut before: Option<u64> = None;
    for major in majors {
        let follows = match before {
            None => major <= 1,
            Some(before) => major == before + 1,
        };
        if !follows {
            let message = format!("the version before {major} is missing");
            report.add(Finding::error(
                "6.1.21",
                "/document/tracking/revision_history",
                message,
            ));
        }
        before = Some(major);
    }
}

/// 6.2.5 and 6.2.6
fn dates(document: &Document<'_>, sorted: &[Revision<'_>], report: &mut Report) {
    let date = |key| {
        document
            .text(&["document", "tracking", key])
            .and_then(syntax::instant)
    };
    let (Some(oldest), Some(newest)) = (sorted.first(), sorted.last()) else {
        return;
    };
    if date("initial_release_date").is_some_and(|initial| initial < oldest.date) {
        let message = "is before the oldest revision".to_owned();
        report.add(Finding::warning(
            "6.2.5",
            "/document/tracking/initial_release_date",
            message,
        ));
    }
    if date("current_release_date").is_some_and(|current| current < newest.date) {
        let message = "is before the newest revision".to_owned();
        report.add(Finding::warning(
            "6.2.6",
            "/document/tracking/current_release_date",
            message,
        ));
    }
}
