//! The events of one group within one span, and whether they satisfy the correlation.

use std::collections::HashMap;

use rsigma_parser::{ConditionExpr, ConditionOperator, CorrelationType};

use super::Entry;
use super::rule::{Condition, Correlation};

/// What is known of the events in the window, kept up to date as it moves.
pub(super) struct Window<'a> {
    correlation: &'a Correlation,
    count: u64,
    by_member: Vec<u64>,
    values: HashMap<&'a str, u64>,
    /// The numbers, sorted.
    numbers: Vec<f64>,
    sum: f64,
}

impl<'a> Window<'a> {
    pub(super) fn new(correlation: &'a Correlation) -> Window<'a> {
        Window {
            correlation,
            count: 0,
            by_member: vec![0; correlation.members.len()],
            values: HashMap::new(),
            numbers: Vec::new(),
            sum: 0.0,
        }
    }

    fn number(entry: &Entry) -> Option<f64> {
        let number: f64 = entry.value.as_ref()?.trim().parse().ok()?;
        number.is_finite().then_some(number)
    }

    fn counts_numbers(&self) -> bool {
        use CorrelationType::{ValueAvg, ValueMedian, ValuePercentile, ValueSum};
        matches!(
            self.correlation.kind,
            ValueSum | ValueAvg | ValuePercentile | ValueMedian
        )
    }

    pub(super) fn add(&mut self, entry: &'a Entry) {
        self.count += 1;
        if let Some(count) = self.by_member.get_mut(entry.member as usize) {
            *count += 1;
        }
        if self.counts_numbers() {
            if let Some(number) = Window::number(entry) {
                let at = self.numbers.partition_point(|other| *other < number);
                self.numbers.insert(at, number);
                self.sum += number;
            }
        } else if let Some(value) = &entry.value {
            *self.values.entry(value).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, entry: &'a Entry) {
        self.count = self.count.saturating_sub(1);
        if let Some(count) = self.by_member.get_mut(entry.member as usize) {
            *count = count.saturating_sub(1);
        }
        if self.counts_numbers() {
            if let Some(number) = Window::number(entry) {
                let at = self.numbers.partition_point(|other| *other < number);
                if at < self.numbers.len() {
                    self.numbers.remove(at);
                }
                self.sum -= number;
            }
        } else if let Some(value) = &entry.value
            && let Some(count) = self.values.get_mut(value.as_str())
        {
            *count -= 1;
            if *count == 0 {
                self.values.remove(value.as_str());
            }
        }
    }

    /// Whether the events in the window, `entries`, satisfy the correlation.
    pub(super) fn is_satisfied(&self, entries: &[Entry]) -> bool {
        let seen = self.by_member.iter().filter(|count| **count > 0).count();
        match self.correlation.kind {
            CorrelationType::EventCount => self.reached(self.count as f64),
            CorrelationType::ValueCount => self.reached(self.values.len() as f64),
            CorrelationType::Temporal => match &self.correlation.condition {
                Condition::AllMembers => seen == self.by_member.len(),
                Condition::Reached { .. } => self.reached(seen as f64),
                Condition::Expression(expr) => self.holds(expr),
            },
            CorrelationType::TemporalOrdered => seen == self.by_member.len() && in_order(entries, seen),
            CorrelationType::ValueSum => !self.numbers.is_empty() && self.reached(self.sum),
            CorrelationType::ValueAvg => {
                !self.numbers.is_empty() && self.reached(self.sum / self.numbers.len() as f64)
            }
            CorrelationType::ValuePercentile | CorrelationType::ValueMedian => {
                percentile(&self.numbers, self.correlation.percentile)
                    .is_some_and(|value| self.reached(value))
            }
        }
    }

    fn reached(&self, value: f64) -> bool {
        let Condition::Reached { bounds } = &self.correlation.condition else {
            return false;
        };
        bounds.iter().all(|(operator, bound)| {
            let bound = *bound as f64;
            match operator {
                ConditionOperator::Lt => value < bound,
                ConditionOperator::Lte => value <= bound,
                ConditionOperator::Gt => value > bound,
                ConditionOperator::Gte => value >= bound,
                ConditionOperator::Eq => value == bound,
                ConditionOperator::Neq => value != bound,
            }
        })
    }

    fn holds(&self, expr: &ConditionExpr) -> bool {
        match expr {
            ConditionExpr::And(parts) => parts.iter().all(|part| self.holds(part)),
            ConditionExpr::Or(parts) => parts.iter().any(|part| self.holds(part)),
            ConditionExpr::Not(part) => !self.holds(part),
            ConditionExpr::Identifier(name) => {
                let member = self
                    .correlation
                    .member_names
                    .iter()
                    .position(|known| known == name);
                member
                    .and_then(|member| self.by_member.get(member))
                    .is_some_and(|count| *count > 0)
            }
            // Refused when the rule is compiled.
            ConditionExpr::Selector { .. } => false,
        }
    }
}

/// Whether the members occur in the order of the rule. Entries of one instant are in that order already.
fn in_order(entries: &[Entry], members: usize) -> bool {
    let mut next = 0;
    for entry in entries {
        if entry.member as usize == next {
            next += 1;
        }
    }
    next == members
}

/// The value below which so many per cent of the sorted numbers are, between two of them in proportion.
fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let (low, high) = (sorted.get(low)?, sorted.get(high)?);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_lie_between_values() {
        let numbers = [1.0, 2.0, 3.0, 10.0];
        assert_eq!(percentile(&numbers, 50.0), Some(2.5));
        assert_eq!(percentile(&numbers, 0.0), Some(1.0));
        assert_eq!(percentile(&numbers, 100.0), Some(10.0));
        assert_eq!(percentile(&[], 50.0), None);
    }
}
