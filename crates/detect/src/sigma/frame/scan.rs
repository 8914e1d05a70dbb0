//! All literals of one field in one pass over a value.

use std::ops::Range;

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, MatchKind, nfa::contiguous};

use super::atom::{Atom, Place};
use super::grams::Grams;
use super::trie::Trie;

/// Text of literals that only an automaton can look for; more would take too much memory.
const MOST_REST: usize = 1 << 20;

/// Looks for the literals of one place.
#[derive(Debug)]
pub(super) struct Scanner {
    from_start: Option<Trie>,
    from_end: Option<Trie>,
    anywhere: Option<Anywhere>,
    /// The number of the literal that stands for any character beyond ASCII.
    beyond_ascii: Option<u32>,
}

#[derive(Debug)]
struct Anywhere {
    /// By pattern: the number of its literal.
    numbers: Vec<u32>,
    /// A shorter value has none of the literals.
    shortest: usize,
    grams: Grams,
    rest: Option<Rest>,
}

/// Literals that have no piece to know them by.
#[derive(Debug)]
struct Rest {
    /// By pattern: the number of its literal.
    numbers: Vec<u32>,
    automaton: Box<contiguous::NFA>,
}

impl Scanner {
    /// A scanner for literals given with their numbers; `None` when too many of them need an automaton.
    pub(super) fn new(atoms: &[(u32, &Atom)]) -> Option<Scanner> {
        let at = |places: &'static [Place]| {
            atoms
                .iter()
                .filter(|(_, atom)| places.contains(&atom.place))
                .map(|(number, atom)| (atom.place, &*atom.text, *number))
        };
        let anywhere: Vec<(&str, u32)> = at(&[Place::Anywhere])
            .map(|(_, text, number)| (text, number))
            .collect();
        Some(Scanner {
            from_start: Trie::new(at(&[Place::Start, Place::Whole])),
            from_end: Trie::new(at(&[Place::End])),
            anywhere: Anywhere::new(&anywhere)?,
            beyond_ascii: at(&[Place::BeyondAscii]).map(|(_, _, number)| number).next(),
        })
    }

    /// A scanner for literals in texts of which the values are pieces: where in a value they stand is not to be seen.
    pub(super) fn anywhere(atoms: &[(u32, &Atom)]) -> Option<Scanner> {
        let literals: Vec<(&str, u32)> = atoms
            .iter()
            .filter(|(_, atom)| atom.place != Place::BeyondAscii)
            .map(|(number, atom)| (&*atom.text, *number))
            .collect();
        let beyond_ascii =
            |(number, atom): &(u32, &Atom)| (atom.place == Place::BeyondAscii).then_some(*number);
        Some(Scanner {
            from_start: None,
            from_end: None,
            anywhere: Anywhere::new(&literals)?,
            beyond_ascii: atoms.iter().find_map(beyond_ascii),
        })
    }

    /// Gives the numbers of the literals in a text with where they stand in it, some more than once; `false` when it
    /// looks for something that only a single value can have.
    pub(super) fn scan_text(&self, text: &[u8], mut found: impl FnMut(u32, Range<usize>)) -> bool {
        if self.from_start.is_some() || self.from_end.is_some() || self.beyond_ascii.is_some() {
            return false;
        }
        let Some(anywhere) = &self.anywhere else {
            return true;
        };
        if anywhere.rest.is_some() {
            return false;
        }
        anywhere.grams.scan(text, |pattern, start| {
            if let Some(number) = anywhere.numbers.get(pattern) {
                found(*number, start..start + anywhere.grams.length(pattern));
            }
        });
        true
    }

    /// Gives the numbers of the literals in a value, some more than once.
    pub(super) fn scan(&self, value: &str, mut found: impl FnMut(u32)) {
        let bytes = value.as_bytes();
        if let Some(trie) = &self.from_start {
            trie.walk(bytes.iter().copied(), &mut found);
        }
        if let Some(trie) = &self.from_end {
            trie.walk(bytes.iter().rev().copied(), &mut found);
        }
        if let Some(number) = self.beyond_ascii
            && !value.is_ascii()
        {
            found(number);
        }
        if let Some(anywhere) = &self.anywhere
            && bytes.len() >= anywhere.shortest
        {
            anywhere.grams.scan(bytes, |pattern, _| {
                if let Some(number) = anywhere.numbers.get(pattern) {
                    found(*number);
                }
            });
            if let Some(rest) = &anywhere.rest {
                rest.scan(bytes, &mut found);
            }
        }
    }
}

impl Anywhere {
    /// `Some(None)` when there is nothing to look for, `None` when there is too much.
    fn new(literals: &[(&str, u32)]) -> Option<Option<Anywhere>> {
        if literals.is_empty() {
            return Some(None);
        }
        let texts = literals.iter().map(|(text, _)| *text);
        let (grams, left_out) = Grams::new(texts.clone());
        let left_out: Vec<(&str, u32)> = left_out
            .iter()
            .filter_map(|at| literals.get(*at).copied())
            .collect();
        Some(Some(Anywhere {
            numbers: literals.iter().map(|(_, number)| *number).collect(),
            shortest: texts.map(str::len).min().unwrap_or(0),
            grams,
            rest: Rest::new(&left_out)?,
        }))
    }
}

impl Rest {
    fn new(literals: &[(&str, u32)]) -> Option<Option<Rest>> {
        if literals.is_empty() {
            return Some(None);
        }
        if literals.iter().map(|(text, _)| text.len()).sum::<usize>() > MOST_REST {
            return None;
        }
        let mut builder = contiguous::Builder::new();
        builder
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false);
        let automaton = builder.build(literals.iter().map(|(text, _)| *text)).ok()?;
        Some(Some(Rest {
            numbers: literals.iter().map(|(_, number)| *number).collect(),
            automaton: Box::new(automaton),
        }))
    }

    fn scan(&self, value: &[u8], found: &mut impl FnMut(u32)) {
        let automaton = &*self.automaton;
        let Ok(mut state) = automaton.start_state(Anchored::No) else {
            return;
        };
        for byte in value {
            state = automaton.next_state(Anchored::No, state, *byte);
            if automaton.is_special(state) && automaton.is_match(state) {
                for index in 0..automaton.match_len(state) {
                    let pattern = automaton.match_pattern(state, index).as_usize();
                    if let Some(number) = self.numbers.get(pattern) {
                        found(*number);
                    }
                }
            }
        }
    }
}
