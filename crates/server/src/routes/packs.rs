//! Packs: what is known of a threat.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vigie_desk::{Time, packs};
use vigie_pack::{Pack, PublishedCurve, Text};

use crate::app::App;
use crate::caller::Caller;
use crate::input::Path;
use crate::output::Answer;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_packs))
        .routes(routes!(get_pack))
        .routes(routes!(pack_curve))
}

/// A text in both languages.
#[derive(Serialize, ToSchema)]
#[schema(as = PackText)]
pub(crate) struct TextOf {
    /// English.
    en: String,
    /// French.
    fr: String,
}

impl From<&Text> for TextOf {
    fn from(text: &Text) -> TextOf {
        TextOf {
            en: text.en.clone(),
            fr: text.fr.clone(),
        }
    }
}

/// A pack, in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackSummary {
    /// Its name: `hafnium-2021`.
    name: String,
    /// Its version.
    version: String,
    /// Its title.
    title: TextOf,
    /// What it is about.
    summary: TextOf,
    /// Vulnerabilities it knows.
    cves: usize,
    /// Sigma rules.
    rules: usize,
    /// YARA rules.
    yara: usize,
    /// Indicators.
    indicators: usize,
}

impl From<&Pack> for PackSummary {
    fn from(pack: &Pack) -> PackSummary {
        PackSummary {
            name: pack.name.clone(),
            version: pack.version.clone(),
            title: (&pack.title).into(),
            summary: (&pack.summary).into(),
            cves: pack.cves.len(),
            rules: pack.rules.len(),
            yara: pack.yara.len(),
            indicators: pack.indicators.len(),
        }
    }
}

/// A pack, whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackDetail {
    /// What the list says of it.
    #[serde(flatten)]
    summary: PackSummary,
    /// Where its knowledge is from.
    references: Vec<String>,
    /// The vulnerabilities.
    vulnerabilities: Vec<PackCve>,
    /// Stages of the attack, in order.
    stages: Vec<Named>,
    /// Log sources that matter.
    log_sources: Vec<PackSource>,
    /// Sigma rules.
    sigma: Vec<PackRule>,
    /// YARA rules.
    yara_rules: Vec<PackRule>,
    /// What to do, in order.
    runbook: Vec<PackStep>,
}

/// A vulnerability of a pack.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackCve {
    /// `CVE-2021-26855`.
    id: String,
    /// What people call it.
    alias: Option<String>,
    /// Its title.
    title: TextOf,
    /// What it allows.
    allows: TextOf,
    /// Whether it needs no account.
    without_account: bool,
    /// Whether it is being exploited.
    exploited: bool,
    /// Its CVSS score.
    cvss: Option<f64>,
    /// When it was published.
    published: Option<String>,
    /// When it was first exploited.
    exploited_from: Option<String>,
}

/// Something with an identifier and a title.
#[derive(Serialize, ToSchema)]
pub(crate) struct Named {
    /// Its identifier.
    id: String,
    /// Its title.
    title: TextOf,
}

/// A log source of a pack.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackSource {
    /// Which one.
    source: String,
    /// Its title.
    title: TextOf,
    /// Whether nothing can be excluded without it.
    required: bool,
    /// The stages it shows.
    stages: Vec<String>,
}

/// A rule of a pack.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackRule {
    /// Its file in the pack.
    path: String,
    /// The rule.
    text: String,
    /// Events that it must match, in the pack's tests.
    tested_matches: usize,
    /// Events that it must not match.
    tested_misses: usize,
}

/// A step of the runbook.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackStep {
    /// Its identifier.
    id: String,
    /// Its title.
    title: TextOf,
    /// What to do.
    #[serde(rename = "do")]
    what: TextOf,
    /// What must be so before going on.
    gate: TextOf,
    /// What to avoid.
    avoid: Option<TextOf>,
}

impl From<&Pack> for PackDetail {
    fn from(pack: &Pack) -> PackDetail {
        let rule = |rule: &vigie_pack::RuleText| {
            // Fixtures name rules by their identifier.
            let is_of = |id: &str| {
                rule.text.lines().any(|line| {
                    line.trim()
                        .strip_prefix("id:")
                        .is_some_and(|rest| rest.trim() == id)
                })
            };
            let fixtures = pack.fixtures.iter().filter(|fixture| is_of(&fixture.rule));
            let (matches, misses) = fixtures.fold((0, 0), |(matches, misses), fixture| {
                (matches + fixture.match_.len(), misses + fixture.no_match.len())
            });
            PackRule {
                path: rule.path.clone(),
                text: rule.text.clone(),
                tested_matches: matches,
                tested_misses: misses,
            }
        };
        PackDetail {
            summary: pack.into(),
            references: pack.references.clone(),
            vulnerabilities: pack
                .cves
                .iter()
                .map(|cve| PackCve {
                    id: cve.id.clone(),
                    alias: cve.alias.clone(),
                    title: (&cve.title).into(),
                    allows: (&cve.allows).into(),
                    without_account: cve.without_account,
                    exploited: cve.is_exploited(),
                    cvss: cve.cvss,
                    published: cve.published.clone(),
                    exploited_from: cve.exploited_from.clone(),
                })
                .collect(),
            stages: pack
                .stages
                .iter()
                .map(|stage| Named {
                    id: stage.id.clone(),
                    title: (&stage.title).into(),
                })
                .collect(),
            log_sources: pack
                .log_sources
                .iter()
                .map(|source| PackSource {
                    source: source.source.clone(),
                    title: (&source.title).into(),
                    required: source.required,
                    stages: source.stages.clone(),
                })
                .collect(),
            sigma: pack.rules.iter().map(rule).collect(),
            yara_rules: pack.yara.iter().map(rule).collect(),
            runbook: pack
                .runbook
                .steps
                .iter()
                .map(|step| PackStep {
                    id: step.id.clone(),
                    title: (&step.title).into(),
                    what: (&step.do_).into(),
                    gate: (&step.gate).into(),
                    avoid: step.avoid.as_ref().map(TextOf::from),
                })
                .collect(),
        }
    }
}

/// How many servers of the world were still open when, as somebody published it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackCurve {
    /// What was counted.
    title: TextOf,
    /// How many there were in all.
    of: u64,
    /// The figures, oldest first; the first is day 0.
    points: Vec<PackCurvePoint>,
}

/// One published figure.
#[derive(Serialize, ToSchema)]
pub(crate) struct PackCurvePoint {
    /// Of which day.
    at: Time,
    /// How many were still open.
    open: u64,
    /// Who said so, and when.
    source: TextOf,
    /// The page it stands on.
    url: String,
}

impl From<&PublishedCurve> for PackCurve {
    fn from(curve: &PublishedCurve) -> PackCurve {
        let points = curve.points.iter().map(|point| PackCurvePoint {
            at: Time(point.at),
            open: point.open,
            source: (&point.source).into(),
            url: point.url.clone(),
        });
        PackCurve {
            title: (&curve.title).into(),
            of: curve.of,
            points: points.collect(),
        }
    }
}

/// All packs, by name.
#[utoipa::path(get, path = "/packs", tag = "packs", responses((status = 200, body = Vec<PackSummary>)))]
pub(crate) async fn list_packs(caller: Caller) -> Answer<Vec<PackSummary>> {
    caller
        .ask(|desk, _| {
            let names = packs::names(desk)?;
            names
                .iter()
                .map(|name| packs::load(desk, name).map(|pack| PackSummary::from(&pack)))
                .collect()
        })
        .await
        .map(Json)
}

/// One pack.
#[utoipa::path(get, path = "/packs/{name}", tag = "packs", params(("name" = String, Path)),
    responses((status = 200, body = PackDetail)))]
pub(crate) async fn get_pack(caller: Caller, Path(name): Path<String>) -> Answer<PackDetail> {
    caller
        .ask(move |desk, _| packs::load(desk, &name).map(|pack| PackDetail::from(&pack)))
        .await
        .map(Json)
}

/// How fast the world closed the door of a pack's threat; `null` when the pack names no figures.
#[utoipa::path(get, path = "/packs/{name}/curve", tag = "packs", params(("name" = String, Path)),
    responses((status = 200, body = Option<PackCurve>)))]
pub(crate) async fn pack_curve(caller: Caller, Path(name): Path<String>) -> Answer<Option<PackCurve>> {
    caller
        .ask(move |desk, _| {
            packs::load(desk, &name).map(|pack| pack.published_curve.as_ref().map(PackCurve::from))
        })
        .await
        .map(Json)
}
