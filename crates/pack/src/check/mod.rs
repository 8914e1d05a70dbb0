//! Whether what a pack says hangs together.

mod rules;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use vigie_detect::indicators::IndicatorSet;
use vigie_event::{Source, parse_utc};

use crate::model::Pack;
use crate::{LogSource, Problem};

/// Checks a loaded pack. An empty answer means: every rule compiles, says what it means in both languages and is
/// proven by events that match and events that do not; every stage, source and placeholder named exists; every
/// message exists in both languages. Problems are sorted by file and line.
pub fn check(pack: &Pack) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_manifest(pack, &mut problems);
    check_log_sources(pack, &mut problems);
    check_cves(pack, &mut problems);
    check_builds(pack, &mut problems);
    check_indicators(pack, &mut problems);
    rules::check(pack, &mut problems);
    rules::check_yara(pack, &mut problems);
    texts::check(pack, &mut problems);
    problems.extend(pack.unused.iter().map(|path| {
        Problem::new(
            path,
            "belongs to no part of a pack: see docs/packs.md for where files go",
        )
    }));
    problems.sort();
    problems
}

const MANIFEST: &str = "pack.yaml";

fn check_manifest(pack: &Pack, problems: &mut Vec<Problem>) {
    let mut say = |message: String| problems.push(Problem::new(MANIFEST, message));
    if !is_identifier(&pack.name, '-') {
        say(format!(
            "name {:?}: use lower-case letters, digits and dashes",
            pack.name
        ));
    } else if pack.name != pack.folder {
        say(format!(
            "name {:?} is not the folder's name, {:?}",
            pack.name, pack.folder
        ));
    }
    let numbers: Vec<&str> = pack.version.split('.').collect();
    if numbers.len() != 3 || numbers.iter().any(|number| number.parse::<u32>().is_err()) {
        say(format!(
            "version {:?}: use three numbers such as 1.0.0",
            pack.version
        ));
    }
    for (what, text) in [("title", &pack.title), ("summary", &pack.summary)] {
        texts::both_languages(MANIFEST, what, text, problems);
    }
    if let Some(curve) = &pack.published_curve {
        texts::both_languages(MANIFEST, "published_curve title", &curve.title, problems);
        for point in &curve.points {
            texts::both_languages(MANIFEST, "published_curve source", &point.source, problems);
        }
    }
    for reference in &pack.references {
        if !reference.starts_with("https://") {
            problems.push(Problem::new(
                MANIFEST,
                format!("reference {reference:?} does not start with https://"),
            ));
        }
    }
    if pack.stages.is_empty() {
        problems.push(Problem::new(MANIFEST, "there are no stages"));
    }
    let mut seen = BTreeSet::new();
    for stage in &pack.stages {
        if !is_identifier(&stage.id, '_') {
            let why = format!(
                "stage {:?}: use lower-case letters, digits and underscores",
                stage.id
            );
            problems.push(Problem::new(MANIFEST, why));
        }
        if !seen.insert(&stage.id) {
            problems.push(Problem::new(
                MANIFEST,
                format!("stage {} is there twice", stage.id),
            ));
        }
        texts::both_languages(MANIFEST, &format!("stage {}", stage.id), &stage.title, problems);
    }
    for (tactic, stage) in &pack.sigma_tactics {
        known_stage(
            pack,
            MANIFEST,
            None,
            &format!("sigma_tactics {tactic}"),
            stage,
            problems,
        );
    }
}

fn check_log_sources(pack: &Pack, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for source in &pack.log_sources {
        let what = format!("log source {}", source.source);
        if !seen.insert(&source.source) {
            problems.push(Problem::new(MANIFEST, format!("{what} is there twice")));
        }
        if let Err(why) = real_source(source) {
            problems.push(Problem::new(MANIFEST, format!("{what}: {why}")));
        }
        for stage in &source.stages {
            known_stage(pack, MANIFEST, None, &what, stage, problems);
        }
        if let Some(group) = &source.one_of {
            *groups.entry(group).or_default() += 1;
        }
        texts::both_languages(MANIFEST, &what, &source.title, problems);
    }
    for (group, members) in groups {
        if members < 2 {
            let why = format!("one_of {group} has a single source: leave it out or add another");
            problems.push(Problem::new(MANIFEST, why));
        }
    }
    if !pack.log_sources.iter().any(|source| source.required) {
        let why = "no log source is required: a server without any log would get no_evidence";
        problems.push(Problem::new(MANIFEST, why));
    }
}

fn real_source(source: &LogSource) -> Result<(), String> {
    let id = source.source_id();
    let known = Source::from_id(id).ok_or_else(|| format!("there is no source {id:?}"))?;
    let has_parts = matches!(known, Source::WindowsEvent | Source::AdvancedHunting);
    match source.channel() {
        Some(channel) if !has_parts || channel.is_empty() => Err(format!(
            "{id} has no part {channel:?}: only windows_event and advanced_hunting do"
        )),
        None if has_parts => Err(format!("name the channel or table: {id}/...")),
        _ => Ok(()),
    }
}

fn check_cves(pack: &Pack, problems: &mut Vec<Problem>) {
    const FILE: &str = "cves.yaml";
    let builds: BTreeSet<_> = pack
        .product
        .builds
        .iter()
        .map(|build| (build.product.as_str(), build.build))
        .collect();
    let mut seen = BTreeSet::new();
    for cve in &pack.cves {
        if !is_cve(&cve.id) {
            problems.push(Problem::new(
                FILE,
                format!("{:?} is not an identifier such as CVE-2021-26855", cve.id),
            ));
        }
        if !seen.insert(&cve.id) {
            problems.push(Problem::new(FILE, format!("{} is there twice", cve.id)));
        }
        texts::both_languages(FILE, &format!("{} title", cve.id), &cve.title, problems);
        texts::both_languages(FILE, &format!("{} allows", cve.id), &cve.allows, problems);
        if let Some(note) = &cve.note {
            texts::both_languages(FILE, &format!("{} note", cve.id), note, problems);
        }
        for (key, day) in [
            ("exploited_from", &cve.exploited_from),
            ("published", &cve.published),
        ] {
            if day.as_deref().is_some_and(|day| parse_utc(day).is_none()) {
                let why = format!("{}: {key} is not a date", cve.id);
                problems.push(Problem::new(FILE, why));
            }
        }
        for none in &cve.not_affected {
            let what = format!("{} not_affected {}", cve.id, none.product);
            texts::both_languages(FILE, &what, &none.why, problems);
        }
        for setting in &cve.settings {
            let what = format!("{} setting {}", cve.id, setting.id);
            texts::both_languages(FILE, &what, &setting.title, problems);
        }
        let set = cve.settings.iter().flat_map(|setting| &setting.set_from);
        for fixed in cve.fixed.iter().chain(&cve.affected_from).chain(set) {
            if !builds.contains(&(fixed.product.as_str(), fixed.build)) {
                let why = format!(
                    "{}: build {} of {} is not in builds.csv",
                    cve.id, fixed.build, fixed.product
                );
                problems.push(Problem::new(FILE, why));
            }
        }
    }
}

fn check_builds(pack: &Pack, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for build in &pack.product.builds {
        if !seen.insert((&build.product, build.build)) {
            let why = format!("build {} of {} is there twice", build.build, build.product);
            problems.push(Problem::new("builds.csv", why));
        }
    }
}

fn check_indicators(pack: &Pack, problems: &mut Vec<Problem>) {
    const FILE: &str = "indicators.csv";
    let (_, refused) = IndicatorSet::compile(pack.indicators.clone());
    for refused in refused {
        let why = format!(
            "{} {}: {}",
            refused.indicator.kind, refused.indicator.value, refused.reason
        );
        problems.push(Problem::new(FILE, why).at(refused.indicator.line));
    }
    let mut seen = BTreeSet::new();
    for indicator in &pack.indicators {
        let what = format!("{} {}", indicator.kind, indicator.value);
        if let Some(stage) = &indicator.stage {
            known_stage(pack, FILE, Some(indicator.line), &what, stage, problems);
        }
        if !seen.insert((indicator.kind, indicator.value.to_lowercase())) {
            problems.push(Problem::new(FILE, format!("{what} is there twice")).at(indicator.line));
        }
    }
}

/// Reports a stage that the pack does not have.
fn known_stage(
    pack: &Pack,
    file: &str,
    line: Option<u64>,
    what: &str,
    stage: &str,
    problems: &mut Vec<Problem>,
) {
    if pack.stage_index(stage).is_none() {
        problems.push(Problem::new(file, format!("{what}: the pack has no stage {stage:?}")).at(line));
    }
}

fn is_identifier(text: &str, joint: char) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint)
}

fn is_cve(id: &str) -> bool {
    let mut parts = id.split('-');
    let digits = |part: Option<&str>, len: usize| {
        part.is_some_and(|part| part.len() >= len && part.bytes().all(|b| b.is_ascii_digit()))
    };
    parts.next() == Some("CVE")
        && digits(parts.next(), 4)
        && digits(parts.next(), 4)
        && parts.next().is_none()
}
