//! One event against one rule, step by step: why it matched, or what was missing. Also the plain way to evaluate a
//! rule, which the fast one is tested against.

use std::borrow::Cow;

use vigie_event::{EventBatch, RowRef};

use super::expr::Expr;
use super::fields::{self, Field, resolve};
use super::load::Leaf;
use super::program::{Program, TestId, Tests};
use super::test::{FieldName, Order, Relation, Test};
use super::text::Shape;

/// One value that made a rule match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldMatch {
    /// The selection in the rule.
    pub selection: String,
    /// The field; `None` for a keyword.
    pub field: Option<String>,
    /// The event's value.
    pub value: String,
}

/// How a rule judges one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Whether the rule is about events of this kind at all; if not, it does not match whatever the fields say.
    pub in_scope: bool,
    /// Whether the rule matches.
    pub matched: bool,
    /// Its selections, by name.
    pub selections: Vec<SelectionTrace>,
}

/// How one selection judges one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectionTrace {
    /// The selection's name; those of a filter begin with the filter's title.
    pub name: String,
    /// Whether it matches.
    pub matched: bool,
    /// Its tests, field by field.
    pub items: Vec<ItemTrace>,
}

/// How the tests of one field judge one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemTrace {
    /// The field; `None` for keywords.
    pub field: Option<String>,
    /// The event's value; `None` when it has none.
    pub value: Option<String>,
    /// Whether the rule asks for the opposite.
    pub negated: bool,
    /// What was asked, and whether it holds.
    pub tests: Vec<(String, bool)>,
}

/// One row, as tests see it.
pub(super) struct View<'a> {
    tests: &'a Tests,
    batch: &'a EventBatch,
    row: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(tests: &'a Tests, row: RowRef<'a>) -> View<'a> {
        View {
            tests,
            batch: row.batch(),
            row: row.index(),
        }
    }

    /// Whether a rule's detection holds for the row.
    pub(super) fn matches(&self, program: &Program) -> bool {
        program.condition.holds(&mut |index| {
            program
                .selections
                .get(*index)
                .is_some_and(|(_, selection)| self.holds(selection))
        })
    }

    fn holds(&self, expr: &Expr<TestId>) -> bool {
        expr.holds(&mut |id| self.tests.get(*id).is_some_and(|leaf| self.leaf(leaf)))
    }

    fn leaf(&self, (field, test): &Leaf) -> bool {
        if *field == FieldName::Any {
            return self.any_column(test).is_some();
        }
        leaf_holds(self.batch, resolve(self.batch, field), test, self.row)
    }

    fn any_column(&self, test: &Test) -> Option<(&'a str, &'a str)> {
        let row = self.batch.row(self.row);
        row.fields().find(|(_, value)| test.holds(Some(value), |_| None))
    }

    fn value(&self, field: &FieldName) -> Option<Cow<'a, str>> {
        fields::value(self.batch, resolve(self.batch, field), self.row)
    }

    pub(super) fn explain(&self, program: &Program) -> Vec<FieldMatch> {
        let mut found = Vec::new();
        for (name, selection) in &program.selections {
            if self.holds(selection) {
                self.explain_expr(name, selection, &mut found);
            }
        }
        found.sort();
        found.dedup();
        found
    }

    fn explain_expr(&self, selection: &str, expr: &Expr<TestId>, found: &mut Vec<FieldMatch>) {
        match expr {
            Expr::Const(_) | Expr::Not(_) => {}
            Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => {
                for part in parts.iter().filter(|part| self.holds(part)) {
                    self.explain_expr(selection, part, found);
                }
            }
            Expr::Leaf(id) => {
                let Some((field, test)) = self.tests.get(*id) else {
                    return;
                };
                let (field, value) = match field {
                    FieldName::Any => match self.any_column(test) {
                        Some((name, value)) => (Some(name.to_owned()), value.to_owned()),
                        None => return,
                    },
                    field => match self.value(field) {
                        Some(value) => (Some(field.spelled().to_owned()), value.into_owned()),
                        None => return,
                    },
                };
                found.push(FieldMatch {
                    selection: selection.to_owned(),
                    field,
                    value,
                });
            }
        }
    }

    pub(super) fn trace(&self, program: &Program, in_scope: bool) -> Trace {
        let selections = program.selections.iter().map(|(name, selection)| {
            let mut items = Vec::new();
            self.trace_expr(selection, false, &mut items);
            SelectionTrace {
                name: name.clone(),
                matched: self.holds(selection),
                items,
            }
        });
        Trace {
            in_scope,
            matched: in_scope && self.matches(program),
            selections: selections.collect(),
        }
    }

    fn trace_expr(&self, expr: &Expr<TestId>, negated: bool, items: &mut Vec<ItemTrace>) {
        match expr {
            Expr::Const(_) => {}
            Expr::Not(part) => self.trace_expr(part, !negated, items),
            Expr::All(parts) | Expr::Any(parts) | Expr::AtLeast(_, parts) => {
                for part in parts {
                    self.trace_expr(part, negated, items);
                }
            }
            Expr::Leaf(id) => {
                let Some(leaf @ (field, test)) = self.tests.get(*id) else {
                    return;
                };
                let asked = (describe(test), self.leaf(leaf));
                let name = (*field != FieldName::Any).then(|| field.spelled().to_owned());
                match items.last_mut() {
                    Some(item) if item.field == name && item.negated == negated => item.tests.push(asked),
                    _ => items.push(ItemTrace {
                        field: name,
                        value: self.value(field).map(Cow::into_owned),
                        negated,
                        tests: vec![asked],
                    }),
                }
            }
        }
    }
}

/// Whether a test of one field holds for a row.
pub(super) fn leaf_holds(batch: &EventBatch, field: Field, test: &Test, row: usize) -> bool {
    if field == Field::Any {
        let holds = |row: RowRef<'_>| row.fields().any(|(_, value)| test.holds(Some(value), |_| None));
        // Where there is a line, columns were left out that keywords are looked for in.
        let whole = batch.line(row).and_then(|_| batch.whole_row(row));
        return whole.map_or_else(|| holds(batch.row(row)), |whole| holds(whole.row(0)));
    }
    let value = fields::value(batch, field, row);
    test.holds(value.as_deref(), |other| {
        fields::value(batch, resolve(batch, other), row)
    })
}

impl FieldName {
    pub(super) fn spelled(&self) -> &str {
        match self {
            FieldName::Named(name) => name,
            FieldName::WebQuery => "cs-uri-query",
            FieldName::Any => "",
        }
    }
}

fn describe(test: &Test) -> String {
    match test {
        Test::Present => "is there".to_owned(),
        Test::Absent => "is not there".to_owned(),
        Test::Empty => "is empty".to_owned(),
        Test::Regex(pattern) => format!("matches /{}/", pattern.text),
        Test::Cidr(network, bits) => format!("is in {network}/{bits}"),
        Test::Compare(order, number) => format!("{} {}", sign(*order), number.0),
        Test::Date(part, order, number) => {
            format!("{} {} {number}", format!("{part:?}").to_lowercase(), sign(*order))
        }
        Test::Field(field, relation, _) => {
            let verb = match relation {
                Relation::Same => "is the same as",
                Relation::StartsWith => "starts with the value of",
                Relation::EndsWith => "ends with the value of",
                Relation::Contains => "contains the value of",
            };
            format!("{verb} {}", field.spelled())
        }
        Test::Text(text) => match text.shape() {
            Shape::Equals(text) => format!("is '{text}'"),
            Shape::StartsWith(text) => format!("starts with '{text}'"),
            Shape::EndsWith(text) => format!("ends with '{text}'"),
            Shape::Contains(text) => format!("contains '{text}'"),
            Shape::Anything => "is there".to_owned(),
            Shape::Pattern => format!("matches '{text}'"),
        },
    }
}

fn sign(order: Order) -> &'static str {
    match order {
        Order::Less => "<",
        Order::LessOrEqual => "<=",
        Order::Equal => "=",
        Order::GreaterOrEqual => ">=",
        Order::Greater => ">",
    }
}
