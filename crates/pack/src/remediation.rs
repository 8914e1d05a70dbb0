//! `remediation.yaml`: the way from any build of a product to a safe one: what each update needs, and the steps.
//!
//! It stands beside `product.yaml` and is read as strictly. The search for a path is code (`vigie-exposure`); everything
//! it says and weighs is here.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::unique::UniqueMap;
use crate::{Problem, Text, parse};

/// The steps that the search can take. Each must be described.
const STEPS: [&str; 18] = [
    "identify",
    "isolate",
    "mitigate",
    "preserve",
    "begin_maintenance",
    "dotnet",
    "prepare_ad",
    "cumulative_update",
    "rollup",
    "security_update",
    "end_maintenance",
    "verify",
    "hunt",
    "remove_mitigation",
    "reopen",
    "plan_update",
    "retire",
    "migrate",
];
/// The step after a question was answered, and the sentences that say why a path is what it is.
const LAST_STEP: &str = "assess_again";
const REASONS: [&str; 9] = [
    "breathing_space",
    "missed_updates",
    "cannot_take",
    "not_enough",
    "no_fix",
    "dotnet_hop",
    "holds_fix",
    "after_update",
    "no_mitigation",
];

/// How a product is made safe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remediation {
    /// Versions of the .NET Framework, oldest first.
    pub dotnet: Vec<DotNet>,
    /// What holds for a line.
    pub lines: Vec<LineRemedy>,
    /// The first day on which the last hybrid server can be replaced by management tools.
    pub management_tools_since: Option<String>,
    /// What setup wants.
    pub prerequisites: Vec<Prerequisite>,
    /// Why a path is what it is, by name.
    pub reasons: BTreeMap<String, Text>,
    /// The steps, by identifier.
    pub steps: BTreeMap<String, StepText>,
    /// The updates.
    pub updates: Vec<Update>,
}

/// A version of the .NET Framework.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DotNet {
    /// The lowest registry value `Release` it shows.
    pub release: u32,
    /// `4.8`.
    pub version: String,
}

/// What holds for a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineRemedy {
    /// As in `product.yaml`.
    pub line: String,
    /// Whether the published mitigations work on it.
    pub mitigated: bool,
    /// Builds given to everybody after the end of support.
    #[serde(default)]
    pub public_exceptions: Vec<crate::BuildNumber>,
    /// Where to go once it has ended.
    pub migrate: Option<Text>,
}

/// What setup wants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prerequisite {
    /// For these lines,
    pub lines: Vec<String>,
    /// for updates released on this day or later.
    pub released_from: Option<String>,
    /// What.
    pub text: Text,
}

/// An update: all builds with the same first three parts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// As in `product.yaml`.
    pub line: String,
    /// `CU19`, for people.
    pub update: String,
    /// The first three parts, `15.1.2176`.
    pub build: String,
    /// Supported versions of the .NET Framework by `Release`; empty when not known.
    pub dotnet: Vec<u32>,
    /// `rangeUpper` of `ms-Exch-Schema-Version-Pt` after preparation.
    pub schema: u32,
    /// `objectVersion` of `Microsoft Exchange System Objects` after preparation.
    pub domain: u32,
    /// `objectVersion` of the organisation after preparation.
    pub configuration: u32,
}

/// A length of time, minutes; written in hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours(pub u32);

impl Hours {
    /// In hours.
    pub fn hours(self) -> f64 {
        f64::from(self.0) / 60.0
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hours, D::Error> {
        let hours = f64::deserialize(deserializer)?;
        if !(0.0..=10_000.0).contains(&hours) {
            let why = format!("{hours} is not a number of hours between 0 and 10000");
            return Err(serde::de::Error::custom(why));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        Ok(Hours((hours * 60.0).round() as u32))
    }
}

/// A step, with places for what depends on the server: `{to}`, `{from}`, `{build}`, `{kb}`, ...
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepText {
    /// What to do.
    pub title: Text,
    /// Why.
    pub why: Text,
    /// What must be there before.
    pub requires: Vec<Text>,
    /// What to type, in PowerShell or an elevated command prompt.
    pub commands: Vec<String>,
    /// What must be seen before the next step.
    pub gate: Text,
    /// When to stop.
    pub stop_conditions: Vec<Text>,
    /// The way back.
    pub rollback: Text,
    /// Whose rights it takes.
    pub rights: Text,
    /// How much can go wrong.
    pub risk: u32,
    /// Half of the times it takes no longer.
    pub p50_h: Hours,
    /// Nine times out of ten it takes no longer.
    pub p90_h: Hours,
    /// Whether a provider gave these times itself; otherwise they are estimates.
    #[serde(skip)]
    pub own: bool,
}

/// A provider's own durations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Duration {
    p50_h: Hours,
    p90_h: Hours,
}

impl Update {
    /// The first three parts of its builds.
    pub fn base(&self) -> Option<[u32; 3]> {
        let mut parts = self.build.split('.').map(str::parse);
        let base = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
        parts.next().is_none().then_some(base)
    }
}

impl Remediation {
    /// What holds for a line.
    pub fn line(&self, line: &str) -> Option<&LineRemedy> {
        self.lines.iter().find(|known| known.line == line)
    }

    /// Replaces estimates by a provider's own durations: YAML, `security_update: { p50_h: 1, p90_h: 2 }`, a step a line.
    ///
    /// # Errors
    /// With every problem the file has; nothing is replaced then.
    pub fn override_durations(&mut self, file: &str, text: &str) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let given: Option<UniqueMap<Duration>> = parse::yaml(file, text, &mut problems);
        let given = given.map(|given| given.0).unwrap_or_default();
        for (step, duration) in &given {
            let line = line_of(text, step);
            if !self.steps.contains_key(step) {
                let known: Vec<&str> = self.steps.keys().map(String::as_str).collect();
                let why = format!("there is no step {step:?}; known are: {}", known.join(", "));
                problems.push(Problem::new(file, why).at(line));
            }
            if duration.p90_h < duration.p50_h {
                let why = format!("{step}: p90_h is shorter than p50_h");
                problems.push(Problem::new(file, why).at(line));
            }
        }
        if given.is_empty() && problems.is_empty() {
            problems.push(Problem::new(file, "no step is in it"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        for (step, duration) in given {
            if let Some(known) = self.steps.get_mut(&step) {
                known.p50_h = duration.p50_h;
                known.p90_h = duration.p90_h;
                known.own = true;
            }
        }
        Ok(())
    }
}

/// Reads `remediation.yaml`.
pub(crate) fn parse(file: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Remediation> {
    let read: Remediation = parse::yaml(file, text, problems)?;
    let mut bad = |at: &str, why: String| {
        problems.push(Problem::new(file, why).at(line_of(text, at)));
    };
    for step in STEPS.iter().chain([&LAST_STEP]) {
        if !read.steps.contains_key(*step) {
            bad("steps:", format!("the step {step:?} is missing"));
        }
    }
    for reason in REASONS {
        if !read.reasons.contains_key(reason) {
            bad("reasons:", format!("the reason {reason:?} is missing"));
        }
    }
    for (id, step) in &read.steps {
        if !STEPS.contains(&id.as_str()) && id != LAST_STEP {
            bad(id, format!("no path takes a step {id:?}"));
        }
        if step.p90_h < step.p50_h {
            bad(id, format!("{id}: p90_h is shorter than p50_h"));
        }
    }
    for update in &read.updates {
        if update.base().is_none() {
            bad(
                &update.build,
                format!("{:?} is not a build of three parts", update.build),
            );
        }
        for release in &update.dotnet {
            if !read.dotnet.iter().any(|known| known.release == *release) {
                bad(
                    &update.build,
                    format!(
                        "{} {}: no .NET has the release {release}",
                        update.line, update.update
                    ),
                );
            }
        }
    }
    let days = read
        .prerequisites
        .iter()
        .filter_map(|one| one.released_from.as_ref());
    for day in days.chain(&read.management_tools_since) {
        if vigie_event::parse_utc(day).is_none() {
            bad(day, format!("{day:?} is not a date such as 2021-09-28"));
        }
    }
    Some(read)
}

/// The first line that names something.
fn line_of(text: &str, what: &str) -> Option<u64> {
    let whole = |line: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ':')))
            .any(|word| word == what || word.strip_suffix(':') == Some(what))
    };
    let index = text.lines().position(whole)?;
    u64::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Product;

    fn embedded() -> Remediation {
        Product::load("exchange").unwrap().remediation.unwrap()
    }

    #[test]
    fn every_update_has_builds_and_every_line_is_one() {
        let product = Product::load("exchange").unwrap();
        let known = product.remediation.as_ref().unwrap();
        for update in &known.updates {
            let base = update.base().unwrap();
            let mut builds = product.builds.iter();
            assert!(
                builds.any(|build| build.build.0[..3] == base && build.product == update.line),
                "{update:?}"
            );
        }
        for line in &product.lines {
            assert!(known.line(&line.line).is_some(), "{line:?}");
        }
    }

    #[test]
    fn durations_of_a_provider_replace_the_estimates() {
        let mut known = embedded();
        known
            .override_durations("d.yaml", "hunt: { p50_h: 3, p90_h: 4.5 }\n")
            .unwrap();
        assert_eq!(known.steps["hunt"].p90_h.hours(), 4.5);
        let bad = "hunt: { p50_h: 3, p90_h: 1 }\ndance: { p50_h: 1, p90_h: 1 }\n";
        let problems = known.override_durations("d.yaml", bad).unwrap_err();
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(
            shown.iter().any(|one| one.starts_with("d.yaml:1: hunt")),
            "{shown:?}"
        );
        assert!(shown.iter().any(|one| one.starts_with("d.yaml:2:")), "{shown:?}");
        for wrong in [
            "",
            "# nothing yet\n",
            "{}",
            "- hunt",
            "hunt: 3",
            "hunt: { p50_h: -1, p90_h: 1 }",
            "hunt: { p50_h: 1 }",
            "hunt: { p50_h: 1, p90_h: soon }",
            "hunt: { p50_h: 1, p90_h: .nan }",
            "hunt: { p50_h: 1, p90_h: 20000 }",
            "hunt: { p50_h: 1, p90_h: 2, p99_h: 3 }",
            "hunt: { p50_h: 1, p90_h: 2 }\nhunt: { p50_h: 3, p90_h: 4 }",
        ] {
            let problems = known.override_durations("d.yaml", wrong).unwrap_err();
            assert!(
                problems[0].to_string().starts_with("d.yaml"),
                "{wrong}: {problems:?}"
            );
        }
        // Nothing of a file that was refused was taken.
        assert_eq!(known.steps["hunt"].p90_h.hours(), 4.5);
        assert!(known.steps["hunt"].own && !known.steps["verify"].own);
    }

    #[test]
    fn every_problem_is_named_with_its_line() {
        let text = "dotnet: []\nlines: []\nprerequisites: []\nreasons: {}\nsteps: {}\nupdates:\n  - { line: a, update: A, build: \"1.2\", dotnet: [5], schema: 1, domain: 1, configuration: 1 }\n";
        let mut problems = Vec::new();
        parse("remediation.yaml", text, &mut problems);
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(
            shown.iter().any(|one| one.contains(":5: the step \"hunt\"")),
            "{shown:?}"
        );
        assert_eq!(
            shown
                .iter()
                .filter(|one| one.starts_with("remediation.yaml:7:"))
                .count(),
            2,
            "{shown:?}"
        );
    }
}
