//! From YAML to rules that can be run: each file by itself, on all cores, then all of them together.

mod choice;
mod describe;
mod detection;
mod document;
mod encode;
mod file;
mod filter;
mod placeholders;
mod value;

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use document::MAX_RULE_FILE_BYTES;
pub use placeholders::Placeholders;
pub(super) use value::{Hashed, Leaf};

use self::choice::{Choice, Fate};
use self::file::{LoweredCorrelation, LoweredRule, Parsed, parse};
use super::correlation::Correlation;
use super::logsource;
use super::program::Program;
use super::{Loaded, Refused, Rule, RuleSet, RuleSource};

/// Files one thread takes at least.
const FILES_PER_THREAD: usize = 64;
const MAX_THREADS: usize = 16;
/// Files a thread takes at a time, so that none ends long after the others.
const FILES_AT_ONCE: usize = 32;

pub(super) fn compile(
    sources: &[RuleSource],
    placeholders: &Placeholders,
    wanted: &dyn Fn(&Rule) -> bool,
) -> Loaded {
    let mut loading = Loading::default();
    let mut correlations = Vec::new();
    let mut filters = Vec::new();
    let files = parse_all(sources, placeholders);
    let choice = Choice::new(&files, wanted);
    for (source, parsed) in sources.iter().zip(files) {
        loading.refused.extend(parsed.refused);
        loading.warnings.extend(parsed.warnings);
        for rule in parsed.rules {
            match choice.of_rule(&rule) {
                Fate::LeftOut => loading.leave_out(rule.described, rule.name),
                fate => loading.add_rule(rule, source, fate == Fate::Feeds),
            }
        }
        for correlation in parsed.correlations {
            match choice.of_correlation(&correlation) {
                Fate::LeftOut => loading.leave_out(correlation.described, correlation.rule.name),
                fate => correlations.push((correlation, source, fate == Fate::Feeds)),
            }
        }
        filters.extend(parsed.filters.into_iter().map(|filter| (filter, source)));
    }
    for (filter, source) in filters {
        filter::apply(&mut loading, filter, source);
    }
    loading.add_correlations(correlations);
    Loaded {
        rules: loading.set,
        refused: loading.refused,
        warnings: loading.warnings,
        left_out: loading.left_out,
    }
}

fn parse_all(sources: &[RuleSource], placeholders: &Placeholders) -> Vec<Parsed> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = (sources.len() / FILES_PER_THREAD).clamp(1, cores.min(MAX_THREADS));
    if threads == 1 {
        return sources.iter().map(|source| parse(source, placeholders)).collect();
    }
    let chunks: Vec<&[RuleSource]> = sources.chunks(FILES_AT_ONCE).collect();
    let next = AtomicUsize::new(0);
    let mut parsed: Vec<Option<Vec<Parsed>>> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = chunks.get(index) else {
                    return done;
                };
                let all: Vec<Parsed> = chunk.iter().map(|source| parse(source, placeholders)).collect();
                done.push((index, all));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut parsed: Vec<_> = chunks.iter().map(|_| None).collect();
        for (index, all) in workers
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .flatten()
        {
            parsed[index] = Some(all);
        }
        parsed
    });
    // A thread that failed takes the files it had read with it.
    let lost = |chunk: &&[RuleSource]| chunk.iter().map(Parsed::lost).collect();
    let each = chunks.iter().zip(&mut parsed);
    each.flat_map(|(chunk, parsed)| parsed.take().unwrap_or_else(|| lost(chunk)))
        .collect()
}

/// What has been loaded so far.
#[derive(Default)]
pub(super) struct Loading {
    set: RuleSet,
    names: HashMap<String, u32>,
    refused: Vec<Refused>,
    warnings: Vec<Refused>,
    left_out: Vec<Rule>,
    /// Identifiers and names of the rules left out.
    left_out_names: HashSet<String>,
}

/// A correlation, its file, and whether it only feeds others.
type Placed<'a> = (LoweredCorrelation, &'a RuleSource, bool);

impl Loading {
    fn refuse(&mut self, source: &RuleSource, line: usize, why: String) {
        self.refused.push(Refused {
            path: source.path.clone(),
            line: Some(line),
            why,
        });
    }

    fn leave_out(&mut self, described: Rule, name: Option<String>) {
        self.left_out_names.extend(name);
        self.left_out_names.insert(described.id.clone());
        self.left_out.push(described);
    }

    fn add_rule(&mut self, rule: LoweredRule, source: &RuleSource, silent: bool) {
        let line = rule.described.line;
        if let Some(why) = self.taken(&rule.described.id) {
            return self.refuse(source, rule.id_line, why);
        }
        let index = self.set.rules.len() as u32;
        self.names.insert(rule.described.id.clone(), index);
        if let Some(name) = rule.name {
            self.name(name, index, source, line);
        }
        let mut described = rule.described;
        described.silent = silent;
        described
            .notes
            .extend(logsource::note(&described.logsource, described.vigie.is_none()));
        let program = Program::new(
            rule.lowered.selections,
            rule.lowered.condition,
            &mut self.set.tests,
        );
        self.set.push(described, Some(program));
    }

    fn taken(&self, id: &str) -> Option<String> {
        let other = self.set.rules.get(*self.names.get(id)? as usize)?;
        Some(format!(
            "the id {id} is already taken by {}:{} ({})",
            other.path, other.line, other.title
        ))
    }

    fn name(&mut self, name: String, index: u32, source: &RuleSource, line: usize) {
        if let Some(why) = self.taken(&name) {
            self.warnings.push(Refused {
                path: source.path.clone(),
                line: Some(line),
                why: why.replace("the id", "the name"),
            });
        } else {
            self.names.insert(name, index);
        }
    }

    /// Correlations may count other correlations: those whose rules are all known come first.
    fn add_correlations(&mut self, mut waiting: Vec<Placed<'_>>) {
        loop {
            let (ready, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(correlation, ..)| {
                let known = |name: &String| self.names.contains_key(name);
                correlation.rule.rules.iter().all(known)
            });
            waiting = later;
            if ready.is_empty() {
                break;
            }
            for (correlation, source, silent) in ready {
                let line = correlation.described.line;
                if let Err(why) = self.add_correlation(correlation, source, silent) {
                    self.refuse(source, line, why);
                }
            }
        }
        let names: Vec<String> = waiting
            .iter()
            .flat_map(|(correlation, ..)| correlation.rule.id.iter().chain(&correlation.rule.name).cloned())
            .collect();
        for (correlation, source, _) in waiting {
            let rule = &correlation.rule;
            let unknown = rule
                .rules
                .iter()
                .find(|name| !self.names.contains_key(*name) && !names.contains(name));
            let why = match unknown {
                Some(name) => format!("the rule {name} it counts is not loaded"),
                None => format!(
                    "it counts itself, or a correlation that is not loaded: {}",
                    rule.rules.join(", ")
                ),
            };
            self.refuse(source, correlation.described.line, why);
        }
    }

    fn add_correlation(
        &mut self,
        correlation: LoweredCorrelation,
        source: &RuleSource,
        silent: bool,
    ) -> Result<(), String> {
        let LoweredCorrelation { mut described, rule } = correlation;
        let (id, line) = (described.id.clone(), described.line);
        if let Some(why) = self.taken(&id) {
            return Err(why);
        }
        described.silent = silent;
        let members: Vec<u32> = rule
            .rules
            .iter()
            .filter_map(|name| self.names.get(name).copied())
            .collect();
        let index = self.set.rules.len() as u32;
        let correlation = Correlation::new(&rule, index, members.clone())?;
        if !rule.generate {
            // Vigie's own rules say what they prove; a rule with that judgement is shown beside the correlation.
            for member in members {
                if let Some(member) = self.set.rules.get_mut(member as usize) {
                    member.silent |= member.vigie.is_none();
                }
            }
        }
        self.set.push(described, None);
        self.set.correlations.push(correlation);
        self.names.insert(id, index);
        if let Some(name) = rule
            .name
            .clone()
            .filter(|name| self.names.get(name) != Some(&index))
        {
            self.name(name, index, source, line);
        }
        Ok(())
    }
}
