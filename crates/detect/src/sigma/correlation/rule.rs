//! A correlation rule, compiled.

use std::collections::BTreeMap;

use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode,
};
use vigie_event::MICROS_PER_SECOND;

/// A compiled correlation.
#[derive(Debug, Clone)]
pub(in crate::sigma) struct Correlation {
    /// Its own index among the rules.
    pub(super) rule: u32,
    pub(super) kind: CorrelationType,
    /// The rules whose events it takes, correlations among them.
    pub(super) members: Vec<u32>,
    /// How the rule calls its members.
    pub(super) member_names: Vec<String>,
    pub(super) group_by: Vec<String>,
    /// By alias: the field of each member that has it.
    aliases: BTreeMap<String, BTreeMap<u32, String>>,
    /// Microseconds.
    pub(super) span: i64,
    pub(super) condition: Condition,
    /// The fields whose values are counted or added up.
    pub(super) fields: Vec<String>,
    pub(super) percentile: f64,
}

/// When the events of a window satisfy a correlation.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// Each member occurs.
    AllMembers,
    Reached {
        bounds: Vec<(ConditionOperator, u64)>,
    },
    /// An expression over the members that occur.
    Expression(ConditionExpr),
}

impl Correlation {
    pub(in crate::sigma) fn new(
        rule: &CorrelationRule,
        index: u32,
        members: Vec<u32>,
    ) -> Result<Correlation, String> {
        if rule.window != WindowMode::Sliding {
            return Err(format!(
                "windows of the kind {} are not part of Sigma 2.1",
                rule.window.as_str()
            ));
        }
        if members.is_empty() {
            return Err("the correlation names no rules".to_owned());
        }
        if rule.timespan.seconds == 0 {
            return Err("the timespan of the correlation is zero".to_owned());
        }
        let (condition, fields, percentile) = condition(rule)?;
        let seconds = i64::try_from(rule.timespan.seconds).unwrap_or(i64::MAX);
        Ok(Correlation {
            rule: index,
            kind: rule.correlation_type,
            aliases: aliases(rule, &members)?,
            members,
            member_names: rule.rules.clone(),
            group_by: rule.group_by.clone(),
            span: seconds.saturating_mul(MICROS_PER_SECOND),
            condition,
            fields,
            percentile,
        })
    }

    /// What a field of the correlation is called in the events of a member.
    pub(super) fn field_of<'a>(&'a self, name: &'a str, member: u32) -> &'a str {
        self.aliases
            .get(name)
            .and_then(|by_member| by_member.get(&member))
            .map_or(name, String::as_str)
    }

    /// All fields it asks its members' events for.
    pub(super) fn asked(&self) -> impl Iterator<Item = &String> {
        self.group_by.iter().chain(&self.fields)
    }

    /// The fields of a rule's events it may ask for, whichever member the rule is to it. Correlations of correlations
    /// ask their members' events too.
    pub(in crate::sigma) fn asked_of(&self, rule: u32) -> impl Iterator<Item = &str> {
        let aliased = self
            .aliases
            .values()
            .filter_map(move |by_member| by_member.get(&rule));
        self.asked().chain(aliased).map(String::as_str)
    }

    /// The most events of a group that can matter.
    pub(super) fn most_events(&self) -> usize {
        let Condition::Reached { bounds } = &self.condition else {
            return 0;
        };
        let most = bounds.iter().map(|(_, bound)| *bound).max().unwrap_or(0);
        usize::try_from(most).unwrap_or(usize::MAX).saturating_add(1)
    }
}

fn condition(rule: &CorrelationRule) -> Result<(Condition, Vec<String>, f64), String> {
    use CorrelationType::{EventCount, Temporal, TemporalOrdered, ValueMedian};
    let kind = rule.correlation_type;
    let in_time = matches!(kind, Temporal | TemporalOrdered);
    let (bounds, field, percentile) = match &rule.condition {
        CorrelationCondition::Threshold {
            predicates,
            field,
            percentile,
        } => (predicates, field, percentile),
        CorrelationCondition::Extended(expr) => {
            if kind != Temporal {
                return Err(format!(
                    "a correlation of the type {} takes a count as its condition, not an expression",
                    kind.as_str()
                ));
            }
            check_expression(expr, &rule.rules)?;
            return Ok((Condition::Expression(expr.clone()), Vec::new(), 0.0));
        }
    };
    let fields = field.clone().unwrap_or_default();
    if !in_time && kind != EventCount && fields.is_empty() {
        return Err(format!(
            "a correlation of the type {} needs a field in its condition",
            kind.as_str()
        ));
    }
    // The parser gives `gte: 1` when there is no condition; one member alone is no correlation.
    let is_default = matches!(bounds.as_slice(), [] | [(ConditionOperator::Gte, 1)]);
    let condition = if in_time && (is_default || kind == TemporalOrdered) {
        Condition::AllMembers
    } else {
        Condition::Reached {
            bounds: bounds.clone(),
        }
    };
    let percentile = match percentile {
        Some(percent) if kind != ValueMedian => *percent as f64,
        _ => 50.0,
    };
    if percentile > 100.0 {
        return Err(format!("{percentile} is not a percentile"));
    }
    Ok((condition, fields, percentile))
}

fn check_expression(expr: &ConditionExpr, rules: &[String]) -> Result<(), String> {
    match expr {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            parts.iter().try_for_each(|part| check_expression(part, rules))
        }
        ConditionExpr::Not(part) => check_expression(part, rules),
        ConditionExpr::Identifier(name) if rules.contains(name) => Ok(()),
        ConditionExpr::Identifier(name) => Err(format!(
            "the condition names {name}, which is not among the correlation's rules"
        )),
        ConditionExpr::Selector { .. } => {
            Err("the condition of a correlation names its rules one by one".to_owned())
        }
    }
}

fn aliases(
    rule: &CorrelationRule,
    members: &[u32],
) -> Result<BTreeMap<String, BTreeMap<u32, String>>, String> {
    let mut aliases = BTreeMap::new();
    for alias in &rule.aliases {
        let mut by_member = BTreeMap::new();
        for (name, field) in &alias.mapping {
            let member = rule.rules.iter().position(|known| known == name);
            let member = member.and_then(|member| members.get(member)).ok_or_else(|| {
                format!(
                    "the alias {} names the rule {name}, which is not among the correlation's rules",
                    alias.alias
                )
            })?;
            by_member.insert(*member, field.clone());
        }
        aliases.insert(alias.alias.clone(), by_member);
    }
    Ok(aliases)
}
