//! Judgement: evidence and packs to findings, storylines, coverage and a verdict.
//!
//! [`hunt`] reads the evidence once. While it streams by, only what detectors matched is kept; coverage is counted by
//! the hour. Memory depends on the number of machines and findings, not on the size of the evidence.

mod asked;
mod assemble;
mod collect;
mod coverage;
mod detector;
mod fields;
mod finding;
mod glob;
mod hosts;
mod links;
mod result;
mod selection;
mod storyline;
mod suppress;
mod tell;
mod verdict;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use vigie_detect::indicators::{IndicatorList, IndicatorSet};
use vigie_detect::sigma::{Loaded, Placeholders, Rule, RuleSet, RuleSource};
use vigie_detect::yara::YaraSet;
use vigie_event::Timestamp;
use vigie_evidence::EvidenceError;
use vigie_evidence::message::Code;
use vigie_pack::Pack;

pub use detector::Confidence;
pub use result::*;
pub use selection::{RulePick, RuleSelection, RuleStatus, StatusFilter};
pub use suppress::{RefusedSuppression, Suppression, SuppressionFile, Suppressions};
pub use tell::FRENCH_MONTHS;
pub use verdict::{Step, worst};
pub use vigie_evidence::message::{self, Message};

use crate::asked::Joined;
use crate::collect::{Collector, Detectors};
use crate::detector::Detector;
use crate::suppress::Suppressor;

/// What to hunt with.
#[derive(Clone, Default)]
pub struct HuntOptions {
    /// The packs that run.
    pub packs: Vec<Pack>,
    /// Rules beside the packs.
    pub rules: Vec<RuleSource>,
    /// Indicators beside those of the packs.
    pub indicators: Vec<Arc<IndicatorList>>,
    /// What the placeholders of `|expand` in them stand for.
    pub placeholders: Placeholders,
    /// Which of the rules run, those of packs included. Indicators and YARA rules run whatever it says.
    pub selection: RuleSelection,
    /// Files of suppressions: events that are known to be harmless.
    pub suppressions: Vec<SuppressionFile>,
    /// The instant (UTC) at which suppressions must not have expired; `None` for now.
    pub now: Option<Timestamp>,
    /// Events before this instant (UTC) are not judged; also the start of the window.
    pub since: Option<Timestamp>,
    /// Events from this instant (UTC) on are not judged; also the end of the window.
    pub until: Option<Timestamp>,
    /// How to read the evidence.
    pub evidence: vigie_evidence::Options,
}

/// Why a hunt could not be done at all.
#[derive(Debug, thiserror::Error)]
pub enum HuntError {
    /// The evidence could not be opened.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// There is nothing to hunt with.
    #[error(
        "no rule could be loaded; name a pack with --pack, a folder of Sigma rules with --rules or a list of indicators \
         with --indicators"
    )]
    NoRules,
    /// The user's choice leaves nothing to hunt with.
    #[error("--level, --status, --include and --exclude leave none of {0} rules; ask for less")]
    NothingChosen(u64),
}

/// Hunts the evidence at `paths` and says, per machine, what happened.
///
/// # Errors
/// When a path cannot be opened or no rule could be loaded. Everything that goes wrong inside the evidence or inside
/// a rule is a warning in the result.
pub fn hunt(paths: &[PathBuf], options: &HuntOptions) -> Result<HuntResult, HuntError> {
    let started = Instant::now();
    let (detectors, mut warnings) = compile(options);
    if detectors.count() == 0 {
        return Err(match detectors.left_out.len() {
            0 => HuntError::NoRules,
            all => HuntError::NothingChosen(all as u64),
        });
    }
    let collector = Collector::new(&detectors);
    let manifest = vigie_evidence::read(paths, &options.evidence, &collector)?;
    let collected = collector.finish();
    warnings.extend(manifest.warnings.iter().cloned());
    let mut result = assemble::assemble(options, &detectors, collected, manifest, warnings);
    result.stats.elapsed_s = started.elapsed().as_secs_f64();
    // Giving back the memory of thousands of rules takes a while, and nobody needs to wait for it.
    std::thread::spawn(move || drop(detectors));
    Ok(result)
}

/// Compiles all rules, indicators and YARA rules; what is refused is a warning.
fn compile(options: &HuntOptions) -> (Detectors, Vec<Message>) {
    let mut warnings = Vec::new();
    let mut sources: Vec<RuleSource> = Vec::new();
    let mut indicators = Vec::new();
    let mut yara: Vec<(&str, &str)> = Vec::new();
    for pack in &options.packs {
        sources.extend(pack.rules.iter().map(|rule| RuleSource {
            path: format!("{}/{}", pack.name, rule.path),
            text: rule.text.clone(),
            pack: Some(pack.name.clone()),
        }));
        indicators.push(Arc::new(pack.indicators.iter().cloned().collect()));
        yara.extend(
            pack.yara
                .iter()
                .map(|rule| (rule.path.as_str(), rule.text.as_str())),
        );
    }
    sources.extend(options.rules.iter().cloned());
    indicators.extend(options.indicators.iter().cloned());
    let selection = &options.selection;
    let loaded = RuleSet::compile_chosen(&sources, &options.placeholders, &|rule| selection.wants(rule));
    warnings.extend(selection_warnings(&loaded, selection));
    warnings.extend(
        loaded
            .refused
            .iter()
            .map(|refused| at_line(Code::RuleRefused, &refused.path, refused.line, &refused.why)),
    );
    warnings.extend(
        loaded
            .warnings
            .iter()
            .map(|warning| at_line(Code::RuleWarning, &warning.path, warning.line, &warning.why)),
    );
    let (indicator_set, refused_indicators) = IndicatorSet::of_lists(indicators);
    warnings.extend(refused_indicators.iter().map(|refused| {
        let parameters = [
            ("kind", refused.indicator.kind.to_string().into()),
            ("value", refused.indicator.value.to_string().into()),
            ("cause", refused.reason.to_string().into()),
        ];
        Message::new(Code::IndicatorRefused, parameters)
    }));
    let (mut yara_set, refused_yara) = YaraSet::compile(&yara);
    yara_set.set_time_limit(Duration::from_secs(options.evidence.limits.content_seconds));
    warnings.extend(
        refused_yara
            .iter()
            .map(|refused| at_line(Code::YaraRefused, &refused.path, refused.line, &refused.reason)),
    );
    let described: Vec<Detector> = loaded
        .rules
        .rules()
        .iter()
        .map(|rule| Detector::of_rule(rule, &options.packs))
        .collect();
    let known = Suppressions::read(&options.suppressions, &options.placeholders);
    let refused = loaded.refused.len() + refused_indicators.len() + refused_yara.len() + known.refused.len();
    let suppressor = Suppressor::new(known, options.now.unwrap_or_else(now));
    warnings.extend(suppressor.warnings());
    let suppressed_by = described.iter().map(|one| suppressor.about(one)).collect();
    let detectors = Detectors {
        suppressor,
        suppressed_by,
        joined: Joined::new(&described),
        rules: loaded.rules,
        indicators: indicator_set,
        yara: yara_set,
        described,
        left_out: loaded.left_out,
        refused: refused as u64,
        since: options.since,
        until: options.until,
    };
    (detectors, warnings)
}

/// The present instant, UTC.
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since_1970.map_or(0, |elapsed| {
        Timestamp::try_from(elapsed.as_micros()).unwrap_or(Timestamp::MAX)
    })
}

/// What is said of a line of a file of rules.
fn at_line(code: Code, path: &str, line: Option<impl Display>, why: &str) -> Message {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    let parameters = [("path", format!("{path}{line}").into()), ("cause", why.into())];
    Message::new(code, parameters)
}

/// What a choice among the rules means for the answer.
fn selection_warnings(loaded: &Loaded, selection: &RuleSelection) -> Vec<Message> {
    let mut warnings = Vec::new();
    let all: Vec<&Rule> = loaded.rules.rules().iter().chain(&loaded.left_out).collect();
    if !loaded.left_out.is_empty() {
        let of_packs = loaded.left_out.iter().filter(|rule| rule.pack.is_some()).count();
        let (count, of) = (loaded.left_out.len().into(), all.len().into());
        warnings.push(match of_packs {
            0 => Message::new(Code::RulesLeftOut, [("count", count), ("of", of)]),
            n => Message::new(
                Code::RulesOfPacksLeftOut,
                [("count", count), ("of", of), ("packs", n.into())],
            ),
        });
    }
    let idle = selection.idle(&all);
    warnings.extend(
        idle.iter()
            .map(|pick| Message::new(Code::PickIdle, [("pick", pick.text().into())])),
    );
    warnings
}
