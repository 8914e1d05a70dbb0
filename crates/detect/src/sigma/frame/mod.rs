//! All rules at once over a batch of columns.
//!
//! What is the same for all events of a kind is worked out once and kept: which rules are about it, what its channel
//! and identifier decide of them, and a set of literals for each rule one of which every match has ([`binding`]).
//! Then each column is gone over once, with all literals of all rules for it ([`scan`]), and a rule is looked at only
//! in the rows that have one of its literals.

mod alone;
mod asked;
mod atom;
mod binding;
mod bits;
mod grams;
mod layout;
mod memo;
mod needed;
mod runs;
mod scan;
mod trie;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arrow_array::{Array, StringViewArray};
use foldhash::fast::RandomState;
use vigie_event::{EventBatch, EventType, Source, Want};

pub(super) use atom::{Literals, literals};
pub(super) use needed::needed;

use self::asked::Asked;
use self::binding::{Binding, BoundTest, How, Kind};
use self::bits::{Bits, ROWS};
use self::layout::{Layout, Stage};
use self::memo::Memo;
use self::runs::{Place, row_of, runs};
use super::explain::leaf_holds;
use super::expr::Expr;
use super::fields::{self, Field};
use super::test::Test;
use super::{Hit, RuleSet};

/// Kinds of events remembered, and tests and literals over all of them (the largest kind has some 20,000). At more, all
/// are forgotten, so that evidence cannot fill the memory with invented kinds.
const MAX_KINDS: usize = 4_096;
const MAX_WEIGHT: usize = 400_000;

/// To look for the literals that wake no rule costs as much in a row as so many tests of a value that must be made.
const SCAN: u64 = 8;

/// What has been made ready so far, and working memory for threads to take.
#[derive(Debug, Default)]
pub(super) struct Frame {
    known: RwLock<Known>,
    scratch: Mutex<Vec<Scratch>>,
}

#[derive(Debug, Default)]
struct Known {
    bindings: HashMap<Kind, Arc<Binding>, RandomState>,
    weight: usize,
    asked: HashMap<AskedOf, Arc<Asked>, RandomState>,
}

/// Source, table and event type.
type AskedOf = (Source, String, Option<EventType>);

impl Frame {
    /// Appends the matches of all detection rules in a batch, by row, then rule.
    pub(super) fn evaluate(&self, set: &RuleSet, batch: &EventBatch, hits: &mut Vec<Hit>) {
        let binding = self.binding(set, batch);
        if binding.is_idle() {
            return;
        }
        let layout = binding.layout(batch);
        let from = hits.len();
        let mut scratch = self.take();
        scratch.fit(&binding, &layout);
        for start in (0..batch.rows()).step_by(ROWS) {
            let block = Block {
                set,
                batch,
                binding: &binding,
                layout: &layout,
                start,
                rows: ROWS.min(batch.rows() - start),
            };
            block.evaluate(&mut scratch, hits);
        }
        self.give_back(scratch);
        hits[from..].sort_unstable();
    }

    /// Whether any rule looks at a column of events of a kind.
    pub(super) fn wants(
        &self,
        set: &RuleSet,
        source: Source,
        table: &str,
        event: Option<&EventType>,
        column: &str,
    ) -> Want {
        let kind = (source, table.to_owned(), event.cloned());
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = known.asked.get(&kind) {
            return asked.wants(column);
        }
        drop(known);
        let asked = Arc::new(Asked::new(set, source, table, event));
        let want = asked.wants(column);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.asked.len() >= MAX_KINDS {
            known.asked.clear();
        }
        known.asked.insert(kind, asked);
        want
    }

    fn binding(&self, set: &RuleSet, batch: &EventBatch) -> Arc<Binding> {
        let kind = Kind::of(batch);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(binding) = known.bindings.get(&kind) {
            return Arc::clone(binding);
        }
        drop(known);
        let binding = Arc::new(Binding::new(set, &kind, batch));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.bindings.len() >= MAX_KINDS || known.weight > MAX_WEIGHT {
            *known = Known::default();
        }
        known.weight += binding.tests.len() + binding.atoms.len();
        known.bindings.insert(kind, Arc::clone(&binding));
        binding
    }

    fn take(&self) -> Scratch {
        let mut pool = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        pool.pop().unwrap_or_default()
    }

    fn give_back(&self, scratch: Scratch) {
        let mut pool = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        pool.push(scratch);
    }
}

/// Working memory. Between blocks all sets are empty.
#[derive(Debug, Default)]
struct Scratch {
    /// By atom: the rows that have it.
    atoms: Vec<Bits>,
    touched: Vec<u32>,
    /// By bound rule: the rows to look at.
    candidates: Vec<Bits>,
    woken: Vec<u32>,
    /// The atoms of the value seen last.
    found: Vec<u32>,
    /// By column that is gone over: values seen before.
    memos: Vec<Memo>,
    /// Room for a value that is put together.
    made: String,
    /// Room for where lines are.
    places: Vec<Place>,
    /// Tests that ask for more literals are decided by themselves.
    is_direct: bool,
}

impl Scratch {
    fn fit(&mut self, binding: &Binding, layout: &Layout) {
        let places = layout.most_values();
        if self.memos.len() < places {
            self.memos.resize_with(places, Memo::default);
        }
        for memo in self.memos.iter_mut().take(places) {
            memo.start();
        }
        if self.atoms.len() < binding.atoms.len() {
            self.atoms.resize(binding.atoms.len(), Bits::default());
        }
        if self.candidates.len() < binding.rules.len() {
            self.candidates.resize(binding.rules.len(), Bits::default());
        }
    }

    fn mark(&mut self, row: usize) {
        mark(&mut self.atoms, &mut self.touched, &self.found, row);
    }

    fn wake(&mut self, rule: u32, rows: Bits) {
        if let Some(candidates) = self.candidates.get_mut(rule as usize) {
            if candidates.is_empty() {
                self.woken.push(rule);
            }
            *candidates = candidates.or(rows);
        }
    }

    fn clear(&mut self) {
        for atom in self.touched.drain(..) {
            if let Some(bits) = self.atoms.get_mut(atom as usize) {
                *bits = Bits::default();
            }
        }
        for rule in self.woken.drain(..) {
            if let Some(bits) = self.candidates.get_mut(rule as usize) {
                *bits = Bits::default();
            }
        }
    }
}

/// Notes that a row has these literals.
fn mark(atoms: &mut [Bits], touched: &mut Vec<u32>, found: &[u32], row: usize) {
    for &atom in found {
        if let Some(bits) = atoms.get_mut(atom as usize) {
            if bits.is_empty() {
                touched.push(atom);
            }
            bits.insert(row);
        }
    }
}

/// Some rows of a batch, judged together.
struct Block<'a> {
    set: &'a RuleSet,
    batch: &'a EventBatch,
    binding: &'a Binding,
    layout: &'a Layout,
    start: usize,
    rows: usize,
}

impl Block<'_> {
    fn evaluate(&self, scratch: &mut Scratch, hits: &mut Vec<Hit>) {
        let all = Bits::first(self.rows);
        if self.layout.is_blind {
            for rule in 0..self.binding.rules.len() {
                scratch.wake(rule as u32, all);
            }
        } else {
            self.wake(all, scratch);
        }
        for &woken in &scratch.woken {
            let Some(bound) = self.binding.rules.get(woken as usize) else {
                continue;
            };
            let rows = scratch.candidates.get(woken as usize).copied();
            let matched = self.eval(&bound.expr, rows.unwrap_or_default(), scratch);
            hits.extend(matched.rows().map(|row| Hit {
                row: (self.start + row) as u32,
                rule: bound.rule,
            }));
        }
        scratch.clear();
    }

    /// Finds the rows in which each rule is to be looked at, and what else must be known of them.
    fn wake(&self, all: Bits, scratch: &mut Scratch) {
        self.scan_all(Stage::Waking, all, scratch);
        for index in 0..scratch.touched.len() {
            let atom = scratch.touched[index] as usize;
            let rows = scratch.atoms.get(atom).copied().unwrap_or_default();
            for rule in self.binding.wakes.get(atom).into_iter().flatten() {
                scratch.wake(*rule, rows);
            }
        }
        for rule in &self.binding.always {
            scratch.wake(*rule, all);
        }
        let (mut more, mut directly) = (Bits::default(), 0);
        for &woken in &scratch.woken {
            if let Some(rule) = self.binding.rules.get(woken as usize)
                && rule.more > 0
            {
                let rows = scratch.candidates.get(woken as usize).copied();
                let rows = rows.unwrap_or_default();
                more = more.or(rows);
                directly += u64::from(rule.more) * rows.count();
            }
        }
        scratch.is_direct = directly <= SCAN * more.count();
        if !scratch.is_direct {
            self.scan_all(Stage::More, more, scratch);
        }
    }

    fn field(&self, field: u32) -> Field {
        self.layout
            .fields
            .get(field as usize)
            .copied()
            .unwrap_or(Field::Absent)
    }

    fn scan_all(&self, stage: Stage, rows: Bits, scratch: &mut Scratch) {
        let mut unlined = Bits::default();
        if let (Some(lines), Some(over)) = (self.batch.lines(), &self.layout.lines) {
            self.scan_lines(over.of(stage), lines, rows, scratch);
            if lines.null_count() > 0 {
                unlined = rows.filter(|row| lines.is_null(self.start + row));
            }
        }
        if let Some(over) = &self.layout.unlined
            && !unlined.is_empty()
            && !over.of(stage).is_empty()
        {
            for column in self.batch.text_column_indices() {
                let values = [(Field::Column(column), over.of(stage))];
                self.scan_values(&values, None, unlined, scratch);
            }
        }
        let mut memos = std::mem::take(&mut scratch.memos);
        let mut values = Vec::new();
        for (of_column, memo) in self.layout.values().zip(&mut memos) {
            // What is remembered is the literals of the first stage.
            let memo = Some(memo).filter(|memo| stage == Stage::Waking && memo.pays());
            values.clear();
            values.extend(of_column.iter().map(|over| (over.place, over.of(stage))));
            values.retain(|(_, scanners)| !scanners.is_empty());
            self.scan_values(&values, memo, rows, scratch);
        }
        scratch.memos = memos;
    }

    /// Values out of one column, or one that is put together out of several.
    fn scan_values(
        &self,
        values: &[(Field, &[u32])],
        mut memo: Option<&mut Memo>,
        rows: Bits,
        scratch: &mut Scratch,
    ) {
        let Some((first, _)) = values.first() else {
            return;
        };
        let column = first.source().and_then(|column| self.batch.text_column(column));
        if column.is_some_and(|column| column.null_count() == column.len()) {
            return;
        }
        let mut made = std::mem::take(&mut scratch.made);
        for row in rows.rows() {
            let at = self.start + row;
            let Some(column) = column else {
                scratch.found.clear();
                for (field, scanners) in values {
                    if let Some(value) = fields::value_in(self.batch, *field, at, &mut made) {
                        self.layout.scan(scanners, value, &mut scratch.found);
                    }
                }
                scratch.mark(row);
                continue;
            };
            if column.is_null(at) {
                continue;
            }
            let mut find = |plain: &str, found: &mut Vec<u32>| {
                for (field, scanners) in values {
                    let value = match field {
                        Field::Column(_) => Some(plain),
                        field => fields::value_in(self.batch, *field, at, &mut made),
                    };
                    if let Some(value) = value {
                        self.layout.scan(scanners, value, found);
                    }
                }
            };
            if let Some(memo) = &mut memo {
                let found = memo.atoms(column, at, find);
                mark(&mut scratch.atoms, &mut scratch.touched, found, row);
            } else {
                scratch.found.clear();
                find(column.value(at), &mut scratch.found);
                scratch.mark(row);
            }
        }
        scratch.made = made;
    }

    /// The lines, as far as they stand behind each other in one go.
    fn scan_lines(&self, scanners: &[u32], lines: &StringViewArray, rows: Bits, scratch: &mut Scratch) {
        if scanners.is_empty() {
            return;
        }
        let mut places = std::mem::take(&mut scratch.places);
        let at = rows.rows().map(|row| self.start + row);
        runs(lines, at, &mut places, |text, places| {
            for scanner in self.layout.scanners(scanners) {
                let is_done = scanner.scan_text(text, |atom, range| {
                    if let Some(row) = row_of(places, &range) {
                        mark(
                            &mut scratch.atoms,
                            &mut scratch.touched,
                            &[atom],
                            row - self.start,
                        );
                    }
                });
                if !is_done {
                    for place in places {
                        scratch.found.clear();
                        scanner.scan(lines.value(place.row), |atom| scratch.found.push(atom));
                        scratch.mark(place.row - self.start);
                    }
                }
            }
        });
        scratch.places = places;
    }

    /// The rows among `rows` for which the expression holds.
    fn eval(&self, expr: &Expr<u32>, rows: Bits, scratch: &Scratch) -> Bits {
        match expr {
            Expr::Const(true) => rows,
            Expr::Const(false) => Bits::default(),
            Expr::Leaf(test) => self.test(*test, rows, scratch),
            Expr::Not(part) => rows.without(self.eval(part, rows, scratch)),
            Expr::All(parts) => {
                let mut left = rows;
                for part in parts {
                    if left.is_empty() {
                        break;
                    }
                    left = self.eval(part, left, scratch);
                }
                left
            }
            Expr::Any(parts) => {
                let (mut matched, mut rest) = (Bits::default(), rows);
                for part in parts {
                    if rest.is_empty() {
                        break;
                    }
                    let found = self.eval(part, rest, scratch);
                    matched = matched.or(found);
                    rest = rest.without(found);
                }
                matched
            }
            Expr::AtLeast(wanted, parts) => {
                let found: Vec<Bits> = parts.iter().map(|part| self.eval(part, rows, scratch)).collect();
                rows.filter(|row| {
                    let mut one = Bits::default();
                    one.insert(row);
                    found.iter().filter(|bits| !bits.and(one).is_empty()).count() >= *wanted
                })
            }
        }
    }

    fn test(&self, test: u32, rows: Bits, scratch: &Scratch) -> Bits {
        let Some(bound) = self.binding.tests.get(test as usize) else {
            return Bits::default();
        };
        let with = |atom: u32| scratch.atoms.get(atom as usize).copied().unwrap_or_default();
        match &bound.how {
            _ if self.layout.is_blind || (scratch.is_direct && bound.is_more(self.binding.waking)) => {
                self.direct(bound, rows)
            }
            // A keyword that is in a line need not be within one value of it.
            How::Atom(atom) if self.layout.lines.is_some() && self.field(bound.field) == Field::Any => {
                self.direct(bound, rows.and(with(*atom)))
            }
            How::Atom(atom) => rows.and(with(*atom)),
            How::Gated(atoms) => {
                let some = atoms
                    .iter()
                    .fold(Bits::default(), |some, atom| some.or(with(*atom)));
                self.direct(bound, rows.and(some))
            }
            How::Direct => self.direct(bound, rows),
        }
    }

    fn direct(&self, bound: &BoundTest, rows: Bits) -> Bits {
        let Some((_, test)) = self.set.tests.get(bound.test) else {
            return Bits::default();
        };
        let field = self.field(bound.field);
        let column = match field {
            Field::Column(index) => self.batch.text_column(index),
            // Whether there is any does not depend on how its spaces are written.
            Field::Spaced(index) if matches!(test, Test::Present | Test::Absent | Test::Empty) => {
                self.batch.text_column(index)
            }
            _ => None,
        };
        match column {
            Some(column) if !matches!(test, Test::Field(..)) => rows.filter(|row| {
                let row = self.start + row;
                test.holds(column.is_valid(row).then(|| column.value(row)), |_| None)
            }),
            _ => rows.filter(|row| leaf_holds(self.batch, field, test, self.start + row)),
        }
    }
}
