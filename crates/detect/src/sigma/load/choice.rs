//! Which rules run when not all are wanted: those asked for and, silently, the rules their correlations count.

use std::collections::{HashMap, HashSet};

use rsigma_parser::CorrelationRule;

use super::file::{LoweredCorrelation, LoweredRule, Parsed};
use crate::sigma::Rule;

/// What becomes of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It runs as it is.
    Runs,
    /// Nobody asked for it, but a correlation that runs counts it.
    Feeds,
    /// It does not run.
    LeftOut,
}

/// The choice over all files.
pub(super) struct Choice<'a> {
    wanted: &'a dyn Fn(&Rule) -> bool,
    /// Identifiers and names counted by correlations that run.
    needed: HashSet<String>,
    /// Identifiers and names that only feed correlations that are left out.
    orphans: HashSet<String>,
}

impl<'a> Choice<'a> {
    pub(super) fn new(files: &[Parsed], wanted: &'a dyn Fn(&Rule) -> bool) -> Choice<'a> {
        let correlations = || files.iter().flat_map(|file| &file.correlations);
        let counts: HashMap<&str, &CorrelationRule> = correlations()
            .flat_map(|correlation| names(&correlation.rule).map(move |name| (name, &correlation.rule)))
            .collect();
        let mut needed = HashSet::new();
        let mut open: Vec<&String> = correlations()
            .filter(|correlation| wanted(&correlation.described))
            .flat_map(|correlation| &correlation.rule.rules)
            .collect();
        while let Some(name) = open.pop() {
            if needed.insert(name.clone())
                && let Some(correlation) = counts.get(name.as_str())
            {
                open.extend(&correlation.rules);
            }
        }
        let mut choice = Choice {
            wanted,
            needed,
            orphans: HashSet::new(),
        };
        choice.orphans = correlations()
            .filter(|correlation| !correlation.rule.generate)
            .filter(|correlation| choice.of_correlation(correlation) == Fate::LeftOut)
            .flat_map(|correlation| &correlation.rule.rules)
            .filter(|name| !choice.needed.contains(*name))
            .cloned()
            .collect();
        choice
    }

    /// A rule that only feeds a correlation has nothing to say without it, unless it carries Vigie's judgement.
    pub(super) fn of_rule(&self, rule: &LoweredRule) -> Fate {
        let id = Some(rule.described.id.as_str());
        let names = || id.into_iter().chain(rule.name.as_deref());
        let fate = self.fate(&rule.described, names());
        let is_orphan = names().any(|name| self.orphans.contains(name));
        if fate == Fate::Runs && is_orphan && rule.described.vigie.is_none() {
            Fate::LeftOut
        } else {
            fate
        }
    }

    pub(super) fn of_correlation(&self, correlation: &LoweredCorrelation) -> Fate {
        self.fate(&correlation.described, names(&correlation.rule))
    }

    fn fate<'n>(&self, described: &Rule, mut names: impl Iterator<Item = &'n str>) -> Fate {
        if (self.wanted)(described) {
            Fate::Runs
        } else if names.any(|name| self.needed.contains(name)) {
            Fate::Feeds
        } else {
            Fate::LeftOut
        }
    }
}

fn names(rule: &CorrelationRule) -> impl Iterator<Item = &str> {
    rule.id.iter().chain(&rule.name).map(String::as_str)
}
