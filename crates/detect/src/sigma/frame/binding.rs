//! The rules about one kind of event, made ready: what the kind decides is worked out, what remains is ordered by
//! cost, and the literals without which no rule matches are gathered by field.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use vigie_event::{EventBatch, EventType, Source};

use super::atom::{Atom, Trigger, trigger};
use super::layout::Layout;
use crate::sigma::RuleSet;
use crate::sigma::expr::Expr;
use crate::sigma::fields::is_made;
use crate::sigma::logsource;
use crate::sigma::program::TestId;
use crate::sigma::test::{FieldName, Test};

/// What it costs to look for a keyword in all columns of a row, beside a test of one value.
const ALL_COLUMNS: u32 = 100;
/// Layouts of columns remembered per kind of event.
const MAX_LAYOUTS: usize = 1_024;

/// What all events of a kind have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    source: Source,
    table: String,
    event: Option<EventType>,
    /// The columns that name the event type hold just that, in every row.
    named: bool,
}

pub(super) const NAMES: [&str; 3] = ["Channel", "EventID", "Provider_Name"];

impl Kind {
    pub(super) fn of(batch: &EventBatch) -> Kind {
        let is_named = |name: &&str| {
            batch.column_index(name).is_some() && batch.column_index(&format!("System_{name}")).is_none()
        };
        Kind {
            source: batch.source(),
            table: batch.table().to_owned(),
            event: batch.event_type().cloned(),
            named: batch.event_type().is_some() && NAMES.iter().all(is_named),
        }
    }

    /// The fields that have one value in all events of the kind.
    fn constants(&self) -> Vec<(&'static str, String)> {
        let Some(event) = self.event.as_ref().filter(|_| self.named) else {
            return Vec::new();
        };
        let [channel, id, provider] = NAMES;
        let mut constants = vec![
            (channel, event.channel.to_string()),
            (provider, event.provider.to_string()),
        ];
        if event.event_id != 0 {
            constants.push((id, event.event_id.to_string()));
        }
        constants
    }
}

/// One test as a kind of event sees it.
#[derive(Debug)]
pub(super) struct BoundTest {
    pub(super) test: TestId,
    /// Position among the binding's fields.
    pub(super) field: u32,
    pub(super) how: How,
}

impl BoundTest {
    /// Whether it is decided by literals that wake no rule: all but the first `waking`.
    pub(super) fn is_more(&self, waking: usize) -> bool {
        let is_more = |atom: &u32| *atom as usize >= waking;
        match &self.how {
            How::Atom(atom) => is_more(atom),
            How::Gated(atoms) => atoms.iter().any(is_more),
            How::Direct => false,
        }
    }
}

/// How a test is decided.
#[derive(Debug)]
pub(super) enum How {
    /// By a literal that is looked for anyway.
    Atom(u32),
    /// On the rows that have one of these literals, by the test itself.
    Gated(Vec<u32>),
    /// By the test itself.
    Direct,
}

/// A rule with what is left of its expression.
#[derive(Debug)]
pub(super) struct BoundRule {
    /// Index among all rules.
    pub(super) rule: u32,
    /// Over positions in [`Binding::tests`].
    pub(super) expr: Expr<u32>,
    /// What its tests that are decided by literals that wake no rule would cost by themselves: 1 for each value that
    /// must be made, [`ALL_COLUMNS`] for each keyword.
    pub(super) more: u32,
}

/// The rules about one kind of event.
#[derive(Debug, Default)]
pub(super) struct Binding {
    pub(super) fields: Vec<FieldName>,
    /// By number. Those that wake rules come first.
    pub(super) atoms: Vec<Atom>,
    /// How many wake rules. The others are looked for only where a rule is awake that asks for them.
    pub(super) waking: usize,
    /// By atom: the rules to look at where it is.
    pub(super) wakes: Vec<Vec<u32>>,
    pub(super) rules: Vec<BoundRule>,
    /// Rules to look at in every row.
    pub(super) always: Vec<u32>,
    pub(super) tests: Vec<BoundTest>,
    layouts: RwLock<HashMap<String, Arc<Layout>, RandomState>>,
}

impl Binding {
    pub(super) fn new(set: &RuleSet, kind: &Kind, batch: &EventBatch) -> Binding {
        let mut building = Building::new(set);
        let live = building.live_rules(kind, batch);
        for (index, (_, expr)) in live.iter().enumerate() {
            let wanted = trigger(expr, &|test| set.tests.literals(test));
            building.wake(index as u32, wanted);
        }
        building.binding.waking = building.numbers.len();
        for (rule, expr) in live {
            let expr = building.bind(&expr);
            let more = building.more(&expr);
            building.binding.rules.push(BoundRule { rule, expr, more });
        }
        building.finish()
    }

    /// Where the binding's fields are in a batch.
    pub(super) fn layout(&self, batch: &EventBatch) -> Arc<Layout> {
        let mut key = if batch.lines().is_some() {
            "lines\n".to_owned()
        } else {
            String::new()
        };
        for (name, _) in batch.text_columns() {
            key.push_str(name);
            key.push('\n');
        }
        let known = self.layouts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(layout) = known.get(&key) {
            return Arc::clone(layout);
        }
        drop(known);
        let layout = Arc::new(Layout::new(self, batch));
        let mut known = self.layouts.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_LAYOUTS {
            known.clear();
        }
        known.insert(key, Arc::clone(&layout));
        layout
    }

    pub(super) fn is_idle(&self) -> bool {
        self.rules.is_empty()
    }
}

pub(super) struct Building<'a> {
    set: &'a RuleSet,
    fields: HashMap<&'a FieldName, u32, RandomState>,
    numbers: HashMap<Atom, u32, RandomState>,
    tests: HashMap<TestId, u32, RandomState>,
    binding: Binding,
}

impl<'a> Building<'a> {
    pub(super) fn new(set: &'a RuleSet) -> Building<'a> {
        Building {
            set,
            fields: HashMap::default(),
            numbers: HashMap::default(),
            tests: HashMap::default(),
            binding: Binding::default(),
        }
    }

    /// The rules that can match events of the kind, with what the kind leaves of them.
    pub(super) fn live_rules(&self, kind: &Kind, batch: &EventBatch) -> Vec<(u32, Expr<TestId>)> {
        let constants = kind.constants();
        let routed: Vec<bool> = self
            .set
            .sources
            .iter()
            .map(|(logsource, public)| logsource::matches(logsource, *public, batch))
            .collect();
        let mut live = Vec::new();
        for (index, (program, source)) in self.set.programs.iter().zip(&self.set.source_of).enumerate() {
            let Some(program) = program else { continue };
            if !routed.get(*source as usize).is_some_and(|routed| *routed) {
                continue;
            }
            let expr = program.whole(&mut |test| self.decided(&constants, test));
            if expr != Expr::Const(false) {
                live.push((index as u32, expr));
            }
        }
        live
    }

    fn decided(&self, constants: &[(&str, String)], id: TestId) -> Expr<TestId> {
        let Some((field, test)) = self.set.tests.get(id) else {
            return Expr::Const(false);
        };
        let FieldName::Named(name) = field else {
            return Expr::Leaf(id);
        };
        match constants
            .iter()
            .find(|(constant, _)| name.eq_ignore_ascii_case(constant))
        {
            Some((_, value)) if !matches!(test, Test::Field(..)) => {
                Expr::Const(test.holds(Some(value), |_| None))
            }
            _ => Expr::Leaf(id),
        }
    }

    fn field(&mut self, field: &'a FieldName) -> u32 {
        let next = self.binding.fields.len() as u32;
        *self.fields.entry(field).or_insert_with(|| {
            self.binding.fields.push(field.clone());
            next
        })
    }

    /// The literals of a test, in its field.
    fn atoms_of(&mut self, id: TestId) -> Vec<Atom> {
        let set = self.set;
        let (Some((name, _)), Some(literals)) = (set.tests.get(id), set.tests.literals(id)) else {
            return Vec::new();
        };
        let field = self.field(name);
        literals
            .any_of
            .iter()
            .map(|(place, text)| Atom {
                field,
                place: *place,
                text: text.clone(),
            })
            .collect()
    }

    fn wake(&mut self, rule: u32, wanted: Option<Trigger>) {
        let Some(wanted) = wanted else {
            self.binding.always.push(rule);
            return;
        };
        let atoms: Vec<Atom> = wanted
            .tests
            .iter()
            .flat_map(|test| self.atoms_of(*test))
            .collect();
        for atom in atoms {
            let number = self.number(atom);
            if let Some(rules) = self.binding.wakes.get_mut(number as usize)
                && rules.last() != Some(&rule)
            {
                rules.push(rule);
            }
        }
    }

    /// The number of an atom that is to be looked for.
    fn number(&mut self, atom: Atom) -> u32 {
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(atom).or_insert(next);
        if number == next {
            self.binding.wakes.push(Vec::new());
        }
        number
    }

    /// The expression over bound tests, cheap parts first.
    fn bind(&mut self, expr: &Expr<TestId>) -> Expr<u32> {
        let bound = expr.fold(&mut |id| Expr::Leaf(self.bind_test(*id)));
        self.sorted(bound).0
    }

    fn bind_test(&mut self, id: TestId) -> u32 {
        if let Some(&known) = self.tests.get(&id) {
            return known;
        }
        let how = self.how(id);
        let set = self.set;
        let field = match set.tests.get(id) {
            Some((name, _)) => self.field(name),
            None => 0,
        };
        let bound = self.binding.tests.len() as u32;
        self.binding.tests.push(BoundTest { test: id, field, how });
        self.tests.insert(id, bound);
        bound
    }

    fn how(&mut self, id: TestId) -> How {
        let atoms = self.atoms_of(id);
        // What goes over all columns, or over a value that must first be made, is looked for in one pass with the rest
        // rather than test by test, even when it wakes no rule: in the rows where a rule is awake.
        let is_costly = match self.set.tests.get(id) {
            Some((FieldName::Any | FieldName::WebQuery, _)) => true,
            Some((FieldName::Named(name), _)) => is_made(name),
            None => false,
        };
        let number_of = |atom: Atom| match self.numbers.get(&atom) {
            Some(number) => Some(*number),
            None => is_costly.then(|| self.number(atom)),
        };
        let numbers: Option<Vec<u32>> = atoms.into_iter().map(number_of).collect();
        let is_exact = self.set.tests.literals(id).is_some_and(|literals| literals.exact);
        match numbers.as_deref() {
            Some([number]) if is_exact => How::Atom(*number),
            Some([_, ..]) if !is_exact => How::Gated(numbers.unwrap_or_default()),
            _ => How::Direct,
        }
    }

    fn sorted(&self, expr: Expr<u32>) -> (Expr<u32>, u32) {
        let all = |parts: Vec<Expr<u32>>| {
            let mut parts: Vec<(Expr<u32>, u32)> = parts.into_iter().map(|part| self.sorted(part)).collect();
            parts.sort_by_key(|(_, cost)| *cost);
            let cost = parts
                .iter()
                .fold(0, |sum: u32, (_, cost)| sum.saturating_add(*cost));
            (parts.into_iter().map(|(part, _)| part).collect(), cost)
        };
        match expr {
            Expr::Const(_) => (expr, 0),
            Expr::Leaf(test) => (expr, self.cost(test)),
            Expr::Not(part) => {
                let (part, cost) = self.sorted(*part);
                // What is left out is mostly rare: asked last.
                (part.negated(), cost.saturating_add(100))
            }
            Expr::All(parts) => {
                let (parts, cost) = all(parts);
                (Expr::All(parts), cost)
            }
            Expr::Any(parts) => {
                let (parts, cost) = all(parts);
                (Expr::Any(parts), cost)
            }
            Expr::AtLeast(wanted, parts) => {
                let (parts, cost) = all(parts);
                (Expr::AtLeast(wanted, parts), cost)
            }
        }
    }

    fn cost(&self, test: u32) -> u32 {
        let Some(bound) = self.binding.tests.get(test as usize) else {
            return 0;
        };
        let by_test = match self.set.tests.get(bound.test) {
            Some((FieldName::Any, _)) => 100,
            Some((FieldName::WebQuery, _)) => 20,
            Some((_, Test::Regex(_) | Test::Date(..))) => 20,
            Some((_, Test::Field(..))) => 10,
            Some(_) => 2,
            None => 0,
        };
        match bound.how {
            How::Atom(_) if !bound.is_more(self.binding.waking) => 1,
            _ => by_test,
        }
    }

    fn more(&self, expr: &Expr<u32>) -> u32 {
        let mut more = 0_u32;
        expr.leaves(&mut |test| {
            let bound = self.binding.tests.get(*test as usize);
            if let Some(bound) = bound.filter(|bound| bound.is_more(self.binding.waking)) {
                more = more.saturating_add(match self.set.tests.get(bound.test) {
                    Some((FieldName::Any, _)) => ALL_COLUMNS,
                    _ => 1,
                });
            }
        });
        more
    }

    fn finish(mut self) -> Binding {
        let mut atoms: Vec<(Atom, u32)> = self.numbers.into_iter().collect();
        atoms.sort_unstable_by_key(|(_, number)| *number);
        self.binding.atoms = atoms.into_iter().map(|(atom, _)| atom).collect();
        self.binding
    }
}
