//! One file of rules.

use rsigma_parser::{CorrelationRule, FilterRule, SigmaRule, parse_sigma_yaml};

use super::describe::{Head, describe};
use super::detection::{Lowered, lower};
use super::document::{Document, MAX_RULE_FILE_BYTES, Problem, documents};
use super::placeholders::Placeholders;
use super::value::Context;
use crate::sigma::{Refused, Rule, RuleSource};

/// What one file holds.
#[derive(Default)]
pub(super) struct Parsed {
    pub(super) rules: Vec<LoweredRule>,
    pub(super) correlations: Vec<LoweredCorrelation>,
    pub(super) filters: Vec<LoweredFilter>,
    pub(super) refused: Vec<Refused>,
    pub(super) warnings: Vec<Refused>,
}

/// A detection rule, not yet among the others.
pub(super) struct LoweredRule {
    pub(super) described: Rule,
    pub(super) name: Option<String>,
    pub(super) id_line: usize,
    pub(super) lowered: Lowered,
}

/// A correlation, not yet tied to the rules it counts.
pub(super) struct LoweredCorrelation {
    pub(super) described: Rule,
    pub(super) rule: CorrelationRule,
}

/// A filter, not yet applied.
pub(super) struct LoweredFilter {
    pub(super) rule: FilterRule,
    pub(super) line: usize,
    pub(super) lowered: Lowered,
}

impl Parsed {
    /// For a file whose thread did not come back.
    pub(super) fn lost(source: &RuleSource) -> Parsed {
        let mut parsed = Parsed::default();
        parsed.refuse(
            source,
            1,
            "the file could not be compiled; please report it".to_owned(),
        );
        parsed
    }

    fn refuse(&mut self, source: &RuleSource, line: usize, why: String) {
        self.refused.push(Refused {
            path: source.path.clone(),
            line: Some(line),
            why,
        });
    }
}

pub(super) fn parse(source: &RuleSource, placeholders: &Placeholders) -> Parsed {
    let mut parsed = Parsed::default();
    if source.text.len() > MAX_RULE_FILE_BYTES {
        let why = format!(
            "the file has {} bytes; a file of rules may have {MAX_RULE_FILE_BYTES}",
            source.text.len()
        );
        parsed.refuse(source, 1, why);
        return parsed;
    }
    for document in documents(&source.text) {
        parse_document(&document, source, placeholders, &mut parsed);
    }
    parsed
}

fn parse_document(
    document: &Document<'_>,
    source: &RuleSource,
    placeholders: &Placeholders,
    parsed: &mut Parsed,
) {
    let collection = match parse_sigma_yaml(document.text) {
        Ok(collection) => collection,
        Err(error) => {
            let refusal = document.parser_problem(&error.to_string());
            return parsed.refuse(source, refusal.line, refusal.why);
        }
    };
    let is_loaded = !collection.is_empty();
    for error in &collection.errors {
        let refusal = document.parser_problem(error);
        let refused = Refused {
            path: source.path.clone(),
            line: Some(refusal.line),
            why: refusal.why,
        };
        if is_loaded {
            parsed.warnings.push(refused);
        } else {
            parsed.refused.push(refused);
        }
    }
    for rule in &collection.rules {
        match lower_rule(rule, document, source, placeholders) {
            Ok(rule) => parsed.rules.push(rule),
            Err(problem) => parsed.refuse(source, document.line_of(&problem), problem.why),
        }
    }
    for filter in collection.filters {
        let context = Context {
            public: true,
            placeholders,
        };
        match lower(&filter.detection, context) {
            Ok(lowered) => parsed.filters.push(LoweredFilter {
                rule: filter,
                line: document.first_line(),
                lowered,
            }),
            Err(problem) => parsed.refuse(source, document.line_of(&problem), problem.why),
        }
    }
    for rule in collection.correlations {
        match describe_correlation(&rule, document, source) {
            Ok(described) => parsed.correlations.push(LoweredCorrelation { described, rule }),
            Err(problem) => parsed.refuse(source, document.line_of(&problem), problem.why),
        }
    }
}

fn describe_correlation(
    rule: &CorrelationRule,
    document: &Document<'_>,
    source: &RuleSource,
) -> Result<Rule, Problem> {
    let line = document.first_line();
    let id = rule.id.clone().or_else(|| rule.name.clone());
    let id = id.unwrap_or_else(|| format!("{}:{line}", source.path));
    let described = describe(&Head::of_correlation(rule), &id, source, line)
        .map_err(|why| Problem::new(why).near("vigie:"))?;
    Ok(Rule {
        correlation: true,
        ..described
    })
}

fn lower_rule(
    rule: &SigmaRule,
    document: &Document<'_>,
    source: &RuleSource,
    placeholders: &Placeholders,
) -> Result<LoweredRule, Problem> {
    let line = document.first_line();
    let id = rule.id.clone().unwrap_or_else(|| {
        if line <= 2 {
            source.path.clone()
        } else {
            format!("{}:{line}", source.path)
        }
    });
    let described =
        describe(&Head::of_rule(rule), &id, source, line).map_err(|why| Problem::new(why).near("vigie:"))?;
    let context = Context {
        public: described.vigie.is_none(),
        placeholders,
    };
    Ok(LoweredRule {
        lowered: lower(&rule.detection, context)?,
        described,
        name: rule.name.clone(),
        id_line: document.line_of(&Problem::new("").near(format!("id: {id}")).near(id)),
    })
}
