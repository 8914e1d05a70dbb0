//! A rule's detection as expressions over tests that rules share.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::expr::Expr;
use super::frame::{Literals, literals};
use super::load::{Hashed, Leaf};
use foldhash::fast::RandomState;

/// A test, by its place in [`Tests`].
pub(super) type TestId = u32;

/// All tests of all rules, each once.
#[derive(Debug, Default)]
pub(super) struct Tests {
    leaves: Vec<(Arc<Leaf>, OnceLock<Literals>)>,
    by_leaf: HashMap<Hashed, TestId, RandomState>,
}

impl Tests {
    fn intern(&mut self, test: &Hashed) -> TestId {
        *self.by_leaf.entry(test.clone()).or_insert_with(|| {
            self.leaves.push((Arc::clone(&test.leaf), OnceLock::new()));
            (self.leaves.len() - 1) as TestId
        })
    }

    pub(super) fn get(&self, id: TestId) -> Option<&Leaf> {
        self.leaves.get(id as usize).map(|(leaf, _)| &**leaf)
    }

    /// The literals a test follows from.
    pub(super) fn literals(&self, id: TestId) -> Option<&Literals> {
        let (leaf, known) = self.leaves.get(id as usize)?;
        Some(known.get_or_init(|| literals(&leaf.1)))
    }

    fn intern_all(&mut self, expr: &Expr<Hashed>) -> Expr<TestId> {
        expr.fold(&mut |leaf| Expr::Leaf(self.intern(leaf)))
    }
}

/// The compiled detection of one rule.
#[derive(Debug)]
pub(super) struct Program {
    /// Selections by name.
    pub(super) selections: Vec<(String, Expr<TestId>)>,
    /// The condition, over positions in `selections`.
    pub(super) condition: Expr<usize>,
}

impl Program {
    pub(super) fn new(
        selections: Vec<(String, Expr<Hashed>)>,
        condition: Expr<usize>,
        tests: &mut Tests,
    ) -> Program {
        Program {
            selections: selections
                .into_iter()
                .map(|(name, expr)| (name, tests.intern_all(&expr)))
                .collect(),
            condition,
        }
    }

    /// Adds what a filter asks for.
    pub(super) fn restrict(
        &mut self,
        filter: &str,
        selections: &[(String, Expr<Hashed>)],
        condition: &Expr<usize>,
        tests: &mut Tests,
    ) {
        let first = self.selections.len();
        for (name, expr) in selections {
            self.selections
                .push((format!("{filter}: {name}"), tests.intern_all(expr)));
        }
        let condition = condition.fold(&mut |index| Expr::Leaf(first + index));
        let before = std::mem::replace(&mut self.condition, Expr::Const(false));
        self.condition = Expr::All(vec![before, condition]);
    }

    /// The whole detection as one expression, each test replaced by what `decide` makes of it.
    pub(super) fn whole(&self, decide: &mut impl FnMut(TestId) -> Expr<TestId>) -> Expr<TestId> {
        self.condition
            .fold(&mut |index| match self.selections.get(*index) {
                Some((_, selection)) => selection.fold(&mut |test| decide(*test)),
                None => Expr::Const(false),
            })
    }
}
