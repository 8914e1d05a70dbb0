//! The detection of a rule: its selections and the condition over them.

use rsigma_parser::{ConditionExpr, Detection, Detections, Quantifier, SelectorPattern};

use super::document::Problem;
use super::value::{Context, Hashed, item, keywords};
use crate::sigma::expr::Expr;

/// Selections by name, and the condition over their positions.
#[derive(Debug, Clone)]
pub(super) struct Lowered {
    pub(super) selections: Vec<(String, Expr<Hashed>)>,
    pub(super) condition: Expr<usize>,
}

pub(super) fn lower(detections: &Detections, context: Context<'_>) -> Result<Lowered, Problem> {
    let mut named: Vec<(&String, &Detection)> = detections.named.iter().collect();
    named.sort_by_key(|(name, _)| *name);
    let mut selections = Vec::with_capacity(named.len());
    for (name, selection) in named {
        let named = |problem: Problem| {
            let why = format!("selection {name}: {}", problem.why);
            Problem { why, ..problem }.near(format!("{name}:"))
        };
        let expr = detection(selection, context).map_err(named)?;
        selections.push((name.clone(), expr));
    }
    if detections.conditions.is_empty() {
        return Err(Problem::new("there is no condition").near("detection:"));
    }
    let names: Vec<&str> = selections.iter().map(|(name, _)| name.as_str()).collect();
    let conditions = detections
        .conditions
        .iter()
        .map(|expr| condition(expr, &names).map_err(|problem| problem.near("condition:")));
    let condition = Expr::any(conditions.collect::<Result<_, _>>()?);
    Ok(Lowered {
        selections,
        condition,
    })
}

fn detection(detection: &Detection, context: Context<'_>) -> Result<Expr<Hashed>, Problem> {
    let parts = |parts: &[Detection]| -> Result<Vec<Expr<Hashed>>, Problem> {
        parts.iter().map(|part| self::detection(part, context)).collect()
    };
    let (is_empty, expr) = match detection {
        Detection::AllOf(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|one| item(one, context)).collect();
            let items = items?;
            (items.is_empty(), Expr::all(items))
        }
        Detection::AnyOf(any) => (any.is_empty(), Expr::any(parts(any)?)),
        Detection::And(all) => (all.is_empty(), Expr::all(parts(all)?)),
        Detection::Keywords(values) => (values.is_empty(), keywords(values, context)?),
        Detection::ArrayMatch { field, .. } => {
            return Err(Problem::new("matching of arrays is not part of Sigma 2.1").near(field.clone()));
        }
        Detection::Conditional { .. } => {
            return Err(Problem::new(
                "conditions inside a selection are not part of Sigma 2.1",
            ));
        }
    };
    if is_empty {
        return Err(Problem::new("it is empty"));
    }
    Ok(expr)
}

/// A condition over names, as one over their positions. Every name must be known.
pub(super) fn condition(expr: &ConditionExpr, names: &[&str]) -> Result<Expr<usize>, Problem> {
    let parts = |parts: &[ConditionExpr]| -> Result<Vec<Expr<usize>>, Problem> {
        parts.iter().map(|part| condition(part, names)).collect()
    };
    Ok(match expr {
        ConditionExpr::And(all) => Expr::all(parts(all)?),
        ConditionExpr::Or(any) => Expr::any(parts(any)?),
        ConditionExpr::Not(part) => condition(part, names)?.negated(),
        ConditionExpr::Identifier(name) => names
            .iter()
            .position(|known| known == name)
            .map(Expr::Leaf)
            .ok_or_else(|| {
                Problem::new(format!(
                    "the condition names {name}, and there is no such selection"
                ))
            })?,
        ConditionExpr::Selector { quantifier, pattern } => {
            let chosen: Vec<Expr<usize>> = (0..names.len())
                .filter(|&index| {
                    names
                        .get(index)
                        .is_some_and(|name| pattern.matches_detection_name(name))
                })
                .map(Expr::Leaf)
                .collect();
            if chosen.is_empty() {
                let what = match pattern {
                    SelectorPattern::Them => "them",
                    SelectorPattern::Pattern(pattern) => pattern.as_str(),
                };
                return Err(Problem::new(format!(
                    "the condition asks for {quantifier} of {what}, and there is no such selection"
                )));
            }
            match quantifier {
                Quantifier::Any => Expr::any(chosen),
                Quantifier::All => Expr::all(chosen),
                Quantifier::Count(count) => {
                    Expr::AtLeast(usize::try_from(*count).unwrap_or(usize::MAX), chosen)
                }
            }
        }
    })
}
