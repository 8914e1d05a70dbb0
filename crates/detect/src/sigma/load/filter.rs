//! Rule filters: exclusions added to rules that were written elsewhere.

use rsigma_parser::FilterRuleTarget;

use super::Loading;
use super::file::LoweredFilter;
use crate::sigma::expr::Expr;
use crate::sigma::{LogSource, RuleSource};

/// Adds a filter to the rules it names. The specification's own example gives the events to leave out as its
/// condition (`condition: selection`), other tools what must hold besides (`condition: not selection`); a filter is
/// there to suppress matches, so both are read that way.
pub(super) fn apply(loading: &mut Loading, filter: LoweredFilter, source: &RuleSource) {
    let LoweredFilter { rule, line, lowered } = filter;
    let mut targets = Vec::new();
    let mut problems = Vec::new();
    match &rule.rules {
        FilterRuleTarget::Any => targets.extend(0..loading.set.rules.len()),
        FilterRuleTarget::Specific(names) => {
            for name in names {
                match loading.names.get(name) {
                    Some(&index) => targets.push(index as usize),
                    None if loading.left_out_names.contains(name) => {}
                    None => problems.push(format!("the rule {name} it filters is not loaded")),
                }
            }
        }
    }
    let is_any = rule.rules == FilterRuleTarget::Any;
    let source_of = rule.logsource.as_ref().map(|logsource| LogSource {
        category: logsource.category.clone(),
        product: logsource.product.clone(),
        service: logsource.service.clone(),
    });
    for index in targets {
        let Some(described) = loading.set.rules.get_mut(index) else {
            continue;
        };
        if source_of
            .as_ref()
            .is_some_and(|wanted| !covers(wanted, &described.logsource))
        {
            if !is_any {
                problems.push(format!(
                    "the rule {} has another log source than the filter",
                    described.id
                ));
            }
            continue;
        }
        described
            .notes
            .push(format!("filtered by {} ({}:{line})", rule.title, source.path));
        if let Some(Some(program)) = loading.set.programs.get_mut(index) {
            let condition = if excludes(&lowered.condition) {
                lowered.condition.clone()
            } else {
                lowered.condition.clone().negated()
            };
            program.restrict(
                &rule.title,
                &lowered.selections,
                &condition,
                &mut loading.set.tests,
            );
        }
    }
    for why in problems {
        loading.refuse(source, line, why);
    }
}

/// Whether a condition says what must not be, rather than what to leave out.
fn excludes(condition: &Expr<usize>) -> bool {
    match condition {
        Expr::Not(_) => true,
        Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => parts.iter().any(excludes),
        Expr::Leaf(_) | Expr::Const(_) => false,
    }
}

fn covers(wanted: &LogSource, rule: &LogSource) -> bool {
    let same = |wanted: &Option<String>, have: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| {
            have.as_ref()
                .is_some_and(|have| have.eq_ignore_ascii_case(wanted))
        })
    };
    same(&wanted.category, &rule.category)
        && same(&wanted.product, &rule.product)
        && same(&wanted.service, &rule.service)
}
