//! From the texts of a pack to a [`Pack`].

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use vigie_detect::indicators;
use vigie_event::{MICROS_PER_SECOND, parse_utc};

use crate::files::Files;
use crate::model::{
    Cve, Fixture, LogSource, Messages, Pack, PublishedCurve, PublishedPoint, RuleText, Runbook, Stage, Text,
    Window,
};
use crate::product::{self, Product};
use crate::unique::UniqueMap;
use crate::{Problem, Remediation, builds, remediation};

/// `pack.yaml` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackYaml {
    name: String,
    version: String,
    title: Text,
    summary: Text,
    #[serde(default)]
    references: Vec<String>,
    product: Option<String>,
    #[serde(default)]
    about: Vec<String>,
    published_curve: Option<CurveYaml>,
    window: WindowYaml,
    stages: Vec<Stage>,
    log_sources: Vec<LogSourceYaml>,
    #[serde(default)]
    sigma_tactics: UniqueMap,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowYaml {
    from: String,
    to: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CurveYaml {
    title: Text,
    of: u64,
    points: Vec<PointYaml>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PointYaml {
    at: String,
    open: u64,
    source: Text,
    url: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogSourceYaml {
    source: String,
    title: Text,
    #[serde(default)]
    required: bool,
    one_of: Option<String>,
    silence_hours: Option<f64>,
    stages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FixtureYaml {
    rule: String,
    #[serde(rename = "match", default)]
    match_: Vec<UniqueMap>,
    #[serde(default)]
    no_match: Vec<UniqueMap>,
}

/// Where the files of a pack belong.
enum Place<'a> {
    Indicators,
    Builds,
    Product,
    Remediation,
    Cves,
    Runbook,
    Rule,
    Yara,
    Fixtures,
    Message { lang: &'a str, name: &'a str },
    Reading,
    Nowhere,
}

fn place(path: &str) -> Place<'_> {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["indicators.csv"] => Place::Indicators,
        ["builds.csv"] => Place::Builds,
        ["product.yaml"] => Place::Product,
        ["remediation.yaml"] => Place::Remediation,
        ["cves.yaml"] => Place::Cves,
        ["runbook.yaml"] => Place::Runbook,
        ["rules", ..] if matches!(extension, "yml" | "yaml") => Place::Rule,
        ["yara", ..] if matches!(extension, "yar" | "yara") => Place::Yara,
        ["fixtures", ..] if matches!(extension, "yml" | "yaml") => Place::Fixtures,
        ["messages", lang, file] => match file.strip_suffix(".md") {
            Some(name) => Place::Message { lang, name },
            None => Place::Nowhere,
        },
        [.., file] if file.ends_with(".md") || file.starts_with("LICENSE") => Place::Reading,
        _ => Place::Nowhere,
    }
}

/// Builds the pack, or hands back every problem.
pub(crate) fn pack(files: Files) -> Result<Pack, Vec<Problem>> {
    let Files {
        folder,
        mut texts,
        mut problems,
        ..
    } = files;
    let manifest: Option<PackYaml> = match texts.remove("pack.yaml") {
        Some(text) => yaml("pack.yaml", &text, &mut problems),
        None => {
            problems.push(Problem::new("pack.yaml", "missing: a pack starts with this file"));
            None
        }
    };
    let name = manifest
        .as_ref()
        .map_or(folder.as_str(), |manifest| &manifest.name);
    let mut parts = Parts::default();
    for (path, text) in texts {
        parts.add(path, text, name, &mut problems);
    }
    let pack = manifest.and_then(|manifest| assemble(manifest, parts, folder, &mut problems));
    match pack {
        Some(pack) if problems.is_empty() => Ok(pack),
        _ => {
            problems.sort();
            Err(problems)
        }
    }
}

/// What the files besides `pack.yaml` hold.
#[derive(Default)]
struct Parts {
    cves: Vec<Cve>,
    builds: Option<Vec<crate::Build>>,
    product: Option<Product>,
    remediation: Option<Remediation>,
    indicators: Vec<indicators::Indicator>,
    rules: Vec<RuleText>,
    yara: Vec<RuleText>,
    fixtures: Vec<Fixture>,
    runbook: Runbook,
    messages: Messages,
    unused: Vec<String>,
}

impl Parts {
    fn add(&mut self, path: String, text: String, pack: &str, problems: &mut Vec<Problem>) {
        match place(&path) {
            Place::Indicators => {
                let (indicators, bad) = indicators::parse_csv(&text, Some(pack));
                self.indicators = indicators;
                problems.extend(
                    bad.into_iter()
                        .map(|bad| Problem::new(&path, bad.message).at(bad.line)),
                );
            }
            Place::Builds => self.builds = Some(builds::parse(&path, &text, problems)),
            Place::Product => self.product = product::parse(&path, &text, problems),
            Place::Remediation => self.remediation = remediation::parse(&path, &text, problems),
            Place::Cves => self.cves = yaml(&path, &text, problems).unwrap_or_default(),
            Place::Runbook => self.runbook = yaml(&path, &text, problems).unwrap_or_default(),
            Place::Rule => self.rules.push(RuleText { path, text }),
            Place::Yara => self.yara.push(RuleText { path, text }),
            Place::Fixtures => {
                let list: Vec<FixtureYaml> = yaml(&path, &text, problems).unwrap_or_default();
                self.fixtures.extend(list.into_iter().map(|fixture| Fixture {
                    rule: fixture.rule,
                    match_: events(fixture.match_),
                    no_match: events(fixture.no_match),
                    path: path.clone(),
                }));
            }
            Place::Message { lang, name } => {
                let (lang, name) = (lang.to_owned(), name.to_owned());
                self.messages.entry(lang).or_default().insert(name, text);
            }
            Place::Reading => {}
            Place::Nowhere => self.unused.push(path),
        }
    }
}

fn events(maps: Vec<UniqueMap>) -> Vec<BTreeMap<String, String>> {
    maps.into_iter().map(|map| map.0).collect()
}

fn assemble(manifest: PackYaml, parts: Parts, folder: String, problems: &mut Vec<Problem>) -> Option<Pack> {
    let window = window(&manifest.window, problems);
    let mut product = product_of(manifest.product.as_deref(), parts.product, parts.builds, problems);
    if parts.remediation.is_some() {
        product.remediation = parts.remediation;
    }
    let log_sources = manifest
        .log_sources
        .into_iter()
        .filter_map(|source| log_source(source, problems))
        .collect();
    for cve in &manifest.about {
        if !parts.cves.iter().any(|known| known.id == *cve) {
            problems.push(Problem::new(
                "pack.yaml",
                format!("about: {cve} is not in cves.yaml"),
            ));
        }
    }
    Some(Pack {
        name: manifest.name,
        version: manifest.version,
        title: manifest.title,
        summary: manifest.summary,
        references: manifest.references,
        about: manifest.about,
        published_curve: manifest
            .published_curve
            .and_then(|curve| published_curve(curve, problems)),
        window: window?,
        stages: manifest.stages,
        log_sources,
        sigma_tactics: manifest.sigma_tactics.0,
        cves: parts.cves,
        product,
        indicators: parts.indicators,
        rules: parts.rules,
        yara: parts.yara,
        fixtures: parts.fixtures,
        runbook: parts.runbook,
        messages: parts.messages,
        unused: parts.unused,
        folder,
    })
}

/// The product the pack is about: its own, or a known one; a `builds.csv` in the pack stands before the known builds.
fn product_of(
    named: Option<&str>,
    own: Option<Product>,
    builds: Option<Vec<crate::Build>>,
    problems: &mut Vec<Problem>,
) -> Product {
    let mut product = match (own, named) {
        (Some(own), Some(id)) if own.id != id => {
            let why = format!("product is {id:?} but product.yaml describes {:?}", own.id);
            problems.push(Problem::new("pack.yaml", why));
            own
        }
        (Some(own), _) => own,
        (None, Some(id)) => Product::load(id).unwrap_or_else(|bad| {
            problems.extend(bad);
            Product::default()
        }),
        (None, None) => Product::default(),
    };
    if let Some(builds) = builds {
        product.builds = builds;
    }
    product
}

fn window(yaml: &WindowYaml, problems: &mut Vec<Problem>) -> Option<Window> {
    let mut instant = |key: &str, text: &str| {
        let time = parse_utc(text);
        if time.is_none() {
            let why = format!("window.{key}: {text:?} is not a time such as 2021-01-03T00:00:00Z");
            problems.push(Problem::new("pack.yaml", why));
        }
        time
    };
    let from = instant("from", &yaml.from)?;
    let to = match &yaml.to {
        Some(text) => Some(instant("to", text)?),
        None => None,
    };
    if to.is_some_and(|to| to <= from) {
        problems.push(Problem::new("pack.yaml", "window.to is not after window.from"));
        return None;
    }
    Some(Window { from, to })
}

/// A curve whose figures can be drawn: each with its day and its page, oldest first, none larger than the whole.
fn published_curve(yaml: CurveYaml, problems: &mut Vec<Problem>) -> Option<PublishedCurve> {
    let mut wrong = |why: String| problems.push(Problem::new("pack.yaml", format!("published_curve: {why}")));
    let mut points: Vec<PublishedPoint> = Vec::new();
    for point in yaml.points {
        let Some(at) = parse_utc(&point.at) else {
            wrong(format!(
                "{:?} is not a time such as 2021-03-09T00:00:00Z",
                point.at
            ));
            return None;
        };
        if points.last().is_some_and(|before| before.at >= at) {
            wrong(format!("{} does not come after the point before it", point.at));
            return None;
        }
        if point.open > yaml.of {
            wrong(format!("{}: {} are open of {}", point.at, point.open, yaml.of));
            return None;
        }
        if point.source.en.trim().is_empty() || !point.url.starts_with("https://") {
            wrong(format!("{}: name who published it, and its page", point.at));
            return None;
        }
        points.push(PublishedPoint {
            at,
            open: point.open,
            source: point.source,
            url: point.url,
        });
    }
    if points.len() < 2 || yaml.of == 0 {
        wrong("it takes two points, of more than nothing".into());
        return None;
    }
    Some(PublishedCurve {
        title: yaml.title,
        of: yaml.of,
        points,
    })
}

fn log_source(yaml: LogSourceYaml, problems: &mut Vec<Problem>) -> Option<LogSource> {
    let silence = match yaml.silence_hours {
        Some(hours) if hours > 0.0 && hours <= 24.0 * 366.0 => {
            Some((hours * 3_600.0 * MICROS_PER_SECOND as f64) as i64)
        }
        Some(hours) => {
            let why = format!(
                "log_sources {}: silence_hours {hours} is not between 0 and a year",
                yaml.source
            );
            problems.push(Problem::new("pack.yaml", why));
            return None;
        }
        None => None,
    };
    Some(LogSource {
        source: yaml.source,
        title: yaml.title,
        required: yaml.required,
        one_of: yaml.one_of,
        silence,
        stages: yaml.stages,
    })
}

/// Reads one document strictly; a problem with its line otherwise.
pub(crate) fn yaml<T: DeserializeOwned>(file: &str, text: &str, problems: &mut Vec<Problem>) -> Option<T> {
    match yaml_serde::from_str(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let line = error.location().map(|location| location.line() as u64);
            problems.push(Problem::new(file, error.to_string()).at(line));
            None
        }
    }
}
