//! Where in batches with the same columns a binding finds its values, and what looks for its literals there.

use std::collections::BTreeMap;
use std::ops::Range;

use vigie_event::EventBatch;

use super::atom::Atom;
use super::binding::Binding;
use super::scan::Scanner;
use crate::sigma::fields::{Field, resolve};

/// Where the values of a binding are in batches with the same columns.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// By position among the binding's fields.
    pub(super) fields: Box<[Field]>,
    /// The values that literals are looked for in: of columns, and put together; those out of one column in a row.
    values: Vec<Over<Field>>,
    /// Keywords are looked for in the lines, and in all columns of the rows that have none.
    pub(super) lines: Option<Over<()>>,
    pub(super) unlined: Option<Over<()>>,
    scanners: Vec<Scanner>,
    /// There are too many literals of a kind that takes an automaton: every rule is looked at in every row, test by
    /// test.
    pub(super) is_blind: bool,
}

/// The scanners that go over the values of one place.
#[derive(Debug)]
pub(super) struct Over<P> {
    pub(super) place: P,
    /// For the literals that wake rules.
    waking: Vec<u32>,
    /// For the others.
    more: Vec<u32>,
}

/// Which literals are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waking,
    More,
}

impl<P> Over<P> {
    fn new(place: P) -> Over<P> {
        Over {
            place,
            waking: Vec::new(),
            more: Vec::new(),
        }
    }

    fn add(&mut self, stage: Stage, scanner: u32) {
        match stage {
            Stage::Waking => self.waking.push(scanner),
            Stage::More => self.more.push(scanner),
        }
    }

    /// The scanners of a stage.
    pub(super) fn of(&self, stage: Stage) -> &[u32] {
        match stage {
            Stage::Waking => &self.waking,
            Stage::More => &self.more,
        }
    }
}

impl Layout {
    pub(super) fn new(binding: &Binding, batch: &EventBatch) -> Layout {
        let over = || batch.lines().map(|_| Over::new(()));
        let mut layout = Layout {
            fields: binding.fields.iter().map(|name| resolve(batch, name)).collect(),
            lines: over(),
            unlined: over(),
            ..Layout::default()
        };
        let (waking, more) = binding.atoms.split_at(binding.waking);
        let columns = batch.text_column_indices();
        if layout
            .look_for(Stage::Waking, 0, waking, columns.clone())
            .is_none()
            || layout
                .look_for(Stage::More, waking.len(), more, columns)
                .is_none()
        {
            return Layout {
                fields: layout.fields,
                is_blind: true,
                ..Layout::default()
            };
        }
        layout
            .values
            .sort_by_key(|over| (over.place.source(), over.place));
        layout
    }

    /// The values that literals are looked for in, together those out of one column.
    pub(super) fn values(&self) -> impl Iterator<Item = &[Over<Field>]> {
        let column = |over: &Over<Field>| over.place.source();
        self.values
            .chunk_by(move |a, b| column(a).is_some() && column(a) == column(b))
    }

    /// Adds the literals that are numbered from `first` on; `None` when they are too many.
    fn look_for(&mut self, stage: Stage, first: usize, atoms: &[Atom], columns: Range<usize>) -> Option<()> {
        // One scanner for each place, whatever the names that rules have for it.
        let mut by_field: BTreeMap<Field, Vec<(u32, &Atom)>> = BTreeMap::new();
        for (number, atom) in (first as u32..).zip(atoms) {
            match self.fields.get(atom.field as usize) {
                None | Some(Field::Absent) => {}
                Some(field) => by_field.entry(*field).or_default().push((number, atom)),
            }
        }
        let keywords = by_field.remove(&Field::Any).unwrap_or_default();
        for (field, atoms) in by_field {
            let scanner = self.add(Scanner::new(&atoms)?);
            self.over(field).add(stage, scanner);
        }
        self.look_for_keywords(stage, &keywords, columns)
    }

    fn look_for_keywords(
        &mut self,
        stage: Stage,
        keywords: &[(u32, &Atom)],
        columns: Range<usize>,
    ) -> Option<()> {
        if keywords.is_empty() {
            return Some(());
        }
        let scanner = self.add(Scanner::new(keywords)?);
        if self.lines.is_none() {
            for column in columns {
                self.over(Field::Column(column)).add(stage, scanner);
            }
            return Some(());
        }
        let anywhere = self.add(Scanner::anywhere(keywords)?);
        if let (Some(lines), Some(unlined)) = (&mut self.lines, &mut self.unlined) {
            lines.add(stage, anywhere);
            unlined.add(stage, scanner);
        }
        Some(())
    }

    /// What goes over a place.
    fn over(&mut self, place: Field) -> &mut Over<Field> {
        let at = self.values.iter().position(|over| over.place == place);
        let at = at.unwrap_or_else(|| {
            self.values.push(Over::new(place));
            self.values.len() - 1
        });
        &mut self.values[at]
    }

    fn add(&mut self, scanner: Scanner) -> u32 {
        self.scanners.push(scanner);
        self.scanners.len() as u32 - 1
    }

    /// How many [`Layout::values`] there are at most.
    pub(super) fn most_values(&self) -> usize {
        self.values.len()
    }

    /// Finds the literals in a value.
    pub(super) fn scan(&self, scanners: &[u32], value: &str, found: &mut Vec<u32>) {
        for scanner in self.scanners(scanners) {
            scanner.scan(value, |atom| found.push(atom));
        }
    }

    pub(super) fn scanners(&self, numbers: &[u32]) -> impl Iterator<Item = &Scanner> {
        numbers
            .iter()
            .filter_map(|number| self.scanners.get(*number as usize))
    }
}
