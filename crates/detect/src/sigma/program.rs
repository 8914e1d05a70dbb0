//! A rule's detection as a program over columns.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use arrow_array::{Array, StringViewArray};
use regex::Regex;
use rsigma_parser::{ConditionExpr, Quantifier, SelectorPattern, detection_name_matches};
use vigie_event::{EventBatch, RowRef};

use super::FieldMatch;
use super::logsource::{Field, percent_decoded, resolve};

/// Rows still in question.
pub(super) type Mask = Vec<bool>;

/// The compiled detection of one rule.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) selections: BTreeMap<String, Node>,
    pub(super) conditions: Vec<ConditionExpr>,
}

/// A step of a program.
#[derive(Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Item(Item),
    /// Words looked for in every column.
    Keywords(Vec<Test>, bool),
}

/// Tests of one field.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) field: String,
    pub(super) tests: Vec<Test>,
    /// All tests must hold, not only one.
    pub(super) all: bool,
}

/// One test of one value.
#[derive(Debug)]
pub(super) enum Test {
    Equals(String),
    EqualsCased(String),
    StartsWith(String),
    EndsWith(String),
    /// Any of these, ASCII case aside.
    ContainsAny(AhoCorasick),
    Pattern(Regex),
    Cidr(std::net::IpAddr, u8),
    Compare(Order, f64),
    /// The field is there (or not).
    Exists(bool),
    /// The value is absent.
    Null,
    /// Empty or absent.
    Empty,
    /// The same as another field's value.
    SameAs(String),
    NotEquals(String),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Program {
    /// The rows of a batch that match.
    pub(super) fn rows(&self, batch: &EventBatch, public: bool) -> Vec<usize> {
        let mut matched = vec![false; batch.rows()];
        let everything = vec![true; batch.rows()];
        let context = Context { batch, public };
        for condition in &self.conditions {
            let rows = self.condition(condition, &context, &everything);
            for (all, one) in matched.iter_mut().zip(rows) {
                *all |= one;
            }
        }
        matched
            .iter()
            .enumerate()
            .filter(|(_, hit)| **hit)
            .map(|(row, _)| row)
            .collect()
    }

    fn condition(&self, condition: &ConditionExpr, context: &Context<'_>, mask: &Mask) -> Mask {
        match condition {
            ConditionExpr::And(parts) => {
                let mut left = mask.clone();
                for part in parts {
                    if !left.contains(&true) {
                        break;
                    }
                    left = self.condition(part, context, &left);
                }
                left
            }
            ConditionExpr::Or(parts) => union(parts.iter(), mask, |part, rest| {
                self.condition(part, context, rest)
            }),
            ConditionExpr::Not(part) => {
                let hit = self.condition(part, context, mask);
                mask.iter().zip(hit).map(|(asked, hit)| *asked && !hit).collect()
            }
            ConditionExpr::Identifier(name) => match self.selections.get(name) {
                Some(node) => context.eval(node, mask),
                None => vec![false; mask.len()],
            },
            ConditionExpr::Selector { quantifier, pattern } => {
                self.selector(quantifier, pattern, context, mask)
            }
        }
    }

    fn selector(
        &self,
        quantifier: &Quantifier,
        pattern: &SelectorPattern,
        context: &Context<'_>,
        mask: &Mask,
    ) -> Mask {
        let chosen: Vec<&Node> = self
            .selections
            .iter()
            .filter(|(name, _)| is_chosen(pattern, name))
            .map(|(_, node)| node)
            .collect();
        let wanted = match quantifier {
            Quantifier::Any => 1,
            Quantifier::All => chosen.len().max(1),
            Quantifier::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
        };
        let mut counts = vec![0usize; mask.len()];
        for node in chosen {
            for (count, hit) in counts.iter_mut().zip(context.eval(node, mask)) {
                *count += usize::from(hit);
            }
        }
        mask.iter()
            .zip(counts)
            .map(|(asked, count)| *asked && count >= wanted)
            .collect()
    }

    /// Which values of a row matched which selection.
    pub(super) fn explain(&self, row: RowRef<'_>, public: bool) -> Vec<FieldMatch> {
        let batch = row.batch();
        let context = Context { batch, public };
        let mut mask = vec![false; batch.rows()];
        if let Some(asked) = mask.get_mut(row.index()) {
            *asked = true;
        }
        let mut found = Vec::new();
        for (name, node) in &self.selections {
            if context.eval(node, &mask).contains(&true) {
                context.explain(name, node, row.index(), &mask, &mut found);
            }
        }
        found
    }
}

fn is_chosen(pattern: &SelectorPattern, name: &str) -> bool {
    match pattern {
        SelectorPattern::Them => !name.starts_with('_'),
        SelectorPattern::Pattern(pattern) => detection_name_matches(pattern, name),
    }
}

/// Rows that any part matches; later parts look only at rows no earlier part matched.
fn union<T>(parts: impl Iterator<Item = T>, mask: &Mask, eval: impl Fn(T, &Mask) -> Mask) -> Mask {
    let mut matched = vec![false; mask.len()];
    let mut rest = mask.clone();
    for part in parts {
        if !rest.contains(&true) {
            break;
        }
        for (row, hit) in eval(part, &rest).into_iter().enumerate() {
            if hit {
                matched[row] = true;
                rest[row] = false;
            }
        }
    }
    matched
}

struct Context<'a> {
    batch: &'a EventBatch,
    public: bool,
}

impl Context<'_> {
    fn eval(&self, node: &Node, mask: &Mask) -> Mask {
        match node {
            Node::All(nodes) => {
                let mut left = mask.clone();
                for node in nodes {
                    if !left.contains(&true) {
                        break;
                    }
                    left = self.eval(node, &left);
                }
                left
            }
            Node::Any(nodes) => union(nodes.iter(), mask, |node, rest| self.eval(node, rest)),
            Node::Item(item) => self.item(item, mask),
            Node::Keywords(tests, all) => {
                let columns: Vec<&StringViewArray> =
                    self.batch.text_columns().map(|(_, column)| column).collect();
                each(mask, |row| {
                    let holds = |test: &Test| {
                        columns.iter().any(|column| {
                            column.is_valid(row) && self.holds(test, Some(column.value(row)), row)
                        })
                    };
                    if *all {
                        tests.iter().all(holds)
                    } else {
                        tests.iter().any(holds)
                    }
                })
            }
        }
    }

    fn item(&self, item: &Item, mask: &Mask) -> Mask {
        let field = resolve(self.batch, &item.field, self.public);
        each(mask, |row| self.item_holds(item, field, row))
    }

    fn item_holds(&self, item: &Item, field: Field, row: usize) -> bool {
        let test = |value: Option<&str>| {
            let holds = |test: &Test| self.holds(test, value, row);
            if item.all {
                item.tests.iter().all(holds)
            } else {
                item.tests.iter().any(holds)
            }
        };
        match field {
            Field::Column(index) => test(self.value(index, row)),
            computed => test(self.computed(computed, row).as_deref()),
        }
    }

    fn value(&self, index: usize, row: usize) -> Option<&str> {
        let column = self.batch.text_column(index)?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn computed(&self, field: Field, row: usize) -> Option<String> {
        match field {
            Field::Column(index) => self.value(index, row).map(str::to_owned),
            Field::Absent => None,
            Field::Url(stem, query) => {
                let stem = self.value(stem, row)?;
                let query = query.and_then(|query| self.value(query, row)).unwrap_or("");
                Some(percent_decoded(&format!("{stem}?{query}")))
            }
            Field::Hash(index, algorithm) => {
                let hashes = self.value(index, row)?;
                hashes.split(',').find_map(|part| {
                    let (name, value) = part.split_at_checked(algorithm.len())?;
                    name.eq_ignore_ascii_case(algorithm).then(|| value.to_owned())
                })
            }
        }
    }

    fn holds(&self, test: &Test, value: Option<&str>, row: usize) -> bool {
        match (test, value) {
            (Test::Exists(wanted), value) => value.is_some() == *wanted,
            (Test::Null, value) => value.is_none(),
            (Test::Empty, value) => value.is_none_or(str::is_empty),
            (Test::NotEquals(other), Some(value)) => !equal(value, other),
            (_, None) => false,
            (Test::Equals(other), Some(value)) => equal(value, other),
            (Test::EqualsCased(other), Some(value)) => value == other,
            (Test::StartsWith(start), Some(value)) => value
                .get(..start.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(start)),
            (Test::EndsWith(end), Some(value)) => value
                .len()
                .checked_sub(end.len())
                .and_then(|at| value.get(at..))
                .is_some_and(|tail| tail.eq_ignore_ascii_case(end)),
            (Test::ContainsAny(words), Some(value)) => words.is_match(value),
            (Test::Pattern(pattern), Some(value)) => pattern.is_match(value),
            (Test::Cidr(network, bits), Some(value)) => in_network(value, *network, *bits),
            (Test::Compare(order, number), Some(value)) => {
                value.trim().parse::<f64>().is_ok_and(|value| match order {
                    Order::Less => value < *number,
                    Order::LessOrEqual => value <= *number,
                    Order::Greater => value > *number,
                    Order::GreaterOrEqual => value >= *number,
                })
            }
            (Test::SameAs(other), Some(value)) => self
                .computed(resolve(self.batch, other, self.public), row)
                .is_some_and(|other| equal(value, &other)),
        }
    }

    fn explain(&self, selection: &str, node: &Node, row: usize, mask: &Mask, found: &mut Vec<FieldMatch>) {
        match node {
            Node::All(nodes) | Node::Any(nodes) => {
                for node in nodes {
                    if self.eval(node, mask).contains(&true) {
                        self.explain(selection, node, row, mask, found);
                    }
                }
            }
            Node::Item(item) => {
                let value = self.computed(resolve(self.batch, &item.field, self.public), row);
                if let Some(value) = value {
                    found.push(FieldMatch {
                        selection: selection.to_owned(),
                        field: Some(item.field.clone()),
                        value,
                    });
                }
            }
            Node::Keywords(tests, _) => {
                for (name, column) in self.batch.text_columns() {
                    if column.is_valid(row)
                        && tests
                            .iter()
                            .any(|test| self.holds(test, Some(column.value(row)), row))
                    {
                        found.push(FieldMatch {
                            selection: selection.to_owned(),
                            field: Some(name.to_owned()),
                            value: column.value(row).to_owned(),
                        });
                    }
                }
            }
        }
    }
}

fn each(mask: &Mask, holds: impl Fn(usize) -> bool) -> Mask {
    mask.iter()
        .enumerate()
        .map(|(row, asked)| *asked && holds(row))
        .collect()
}

/// Sigma compares without case. ASCII is the common case and the fast one.
fn equal(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}

fn in_network(value: &str, network: std::net::IpAddr, bits: u8) -> bool {
    use std::net::IpAddr;
    let text = value.trim().split('%').next().unwrap_or(value);
    let Ok(address) = text.parse::<IpAddr>() else {
        return false;
    };
    let address = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => {
            let shift = 32u32.saturating_sub(u32::from(bits));
            a.to_bits().checked_shr(shift).unwrap_or(0) == n.to_bits().checked_shr(shift).unwrap_or(0)
        }
        (IpAddr::V6(a), IpAddr::V6(n)) => {
            let shift = 128u32.saturating_sub(u32::from(bits));
            a.to_bits().checked_shr(shift).unwrap_or(0) == n.to_bits().checked_shr(shift).unwrap_or(0)
        }
        _ => false,
    }
}
