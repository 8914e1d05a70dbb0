//! Which columns the rules about one kind of event look at.

use std::collections::HashSet;

use vigie_event::{BatchBuilder, EventBatch, EventType, Source, Want};

use super::atom::Place;
use super::binding::{Building, Kind, NAMES};
use crate::sigma::RuleSet;
use crate::sigma::expr::Expr;
use crate::sigma::fields::{alike, columns_of};
use crate::sigma::program::TestId;
use crate::sigma::test::{FieldName, Test};

/// The columns that rules about one kind of event look at.
#[derive(Debug)]
pub(super) struct Asked {
    columns: HashSet<String>,
    /// What keywords ask of every other column.
    every: Want,
}

impl Asked {
    pub(super) fn new(set: &RuleSet, source: Source, table: &str, event: Option<&EventType>) -> Asked {
        let everything = Asked {
            columns: HashSet::new(),
            every: Want::Yes,
        };
        let Some(typical) = typical(source, table, event) else {
            return everything;
        };
        let mut asked = Asked {
            every: Want::No,
            ..everything
        };
        let kind = Kind::of(&typical);
        for (rule, expr) in Building::new(set).live_rules(&kind, &typical) {
            asked.expression(set, table, &expr);
            for correlation in &set.correlations {
                for name in correlation.asked_of(rule) {
                    asked.field(table, &FieldName::Named(name.into()));
                }
            }
        }
        asked
    }

    pub(super) fn wants(&self, column: &str) -> Want {
        if self.columns.contains(&alike(column)) {
            Want::Yes
        } else {
            self.every
        }
    }

    fn expression(&mut self, set: &RuleSet, table: &str, expr: &Expr<TestId>) {
        expr.leaves(&mut |test| match set.tests.get(*test) {
            Some((FieldName::Any, _)) => {
                let words = set.tests.literals(*test).is_some_and(|literals| {
                    !literals.any_of.is_empty()
                        && literals
                            .any_of
                            .iter()
                            .all(|(place, text)| *place != Place::BeyondAscii && is_of_words(text))
                });
                self.every = self.every.max(if words { Want::Text } else { Want::Keywords });
            }
            Some((field, of)) => {
                self.field(table, field);
                if let Test::Field(other, ..) = of {
                    self.field(table, other);
                }
            }
            None => {}
        });
    }

    fn field(&mut self, table: &str, name: &FieldName) {
        columns_of(table, name, |column| {
            self.columns.insert(column);
        });
    }
}

/// Whether a literal has a character that no number, identifier, time or byte string is written with.
fn is_of_words(literal: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_hexdigit() || b"xtszrue+-.,:{}\n ".contains(&byte);
    !literal.bytes().all(plain) && !["true", "false"].iter().any(|word| word.contains(literal))
}

/// A batch without rows of a kind of event, with the columns that tell its kind.
fn typical(source: Source, table: &str, event: Option<&EventType>) -> Option<EventBatch> {
    let mut builder = BatchBuilder::new(source).table(table.to_owned());
    if let Some(event) = event {
        builder = builder.event_type(event.clone());
        for name in NAMES {
            builder.column(name);
        }
    }
    builder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_letters_that_numbers_have_not() {
        assert!(is_of_words("mimikatz"));
        assert!(is_of_words("sekurlsa::"));
        for plain in ["4688", "0xdead", "s-1-5-18", "{1f2e-}", "tru", "2021-03-03t06"] {
            assert!(!is_of_words(plain), "{plain}");
        }
    }
}
