//! All literals of one field in one pass over a value.

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, BuildError, MatchKind, StartKind, dfa, nfa};

use super::atom::{Atom, Place};
use super::trie::Trie;

/// Up to so many bytes of literals, a table of all transitions is built: faster, and larger.
const DFA_BYTES: usize = 32 << 10;

/// Looks for the literals of one field.
#[derive(Debug)]
pub(super) struct Scanner {
    /// Position among the binding's fields.
    pub(super) field: u32,
    from_start: Option<Trie>,
    from_end: Option<Trie>,
    anywhere: Option<Anywhere>,
}

#[derive(Debug)]
struct Anywhere {
    automaton: Kind,
    /// By pattern: the number of its literal.
    numbers: Vec<u32>,
}

#[derive(Debug)]
enum Kind {
    Dfa(dfa::DFA),
    Nfa(nfa::contiguous::NFA),
}

impl Scanner {
    /// A scanner for the literals of one field, given with their numbers.
    pub(super) fn new(field: u32, atoms: &[(u32, &Atom)]) -> Result<Scanner, BuildError> {
        let at = |places: &'static [Place]| {
            atoms
                .iter()
                .filter(|(_, atom)| places.contains(&atom.place))
                .map(|(number, atom)| (atom.place, &*atom.text, *number))
        };
        let anywhere: Vec<(&str, u32)> = at(&[Place::Anywhere])
            .map(|(_, text, number)| (text, number))
            .collect();
        Ok(Scanner {
            field,
            from_start: Trie::new(at(&[Place::Start, Place::Whole])),
            from_end: Trie::new(at(&[Place::End])),
            anywhere: Anywhere::new(&anywhere)?,
        })
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
        if let Some(anywhere) = &self.anywhere {
            match &anywhere.automaton {
                Kind::Dfa(dfa) => run(dfa, bytes, &anywhere.numbers, found),
                Kind::Nfa(nfa) => run(nfa, bytes, &anywhere.numbers, found),
            }
        }
    }
}

impl Anywhere {
    fn new(literals: &[(&str, u32)]) -> Result<Option<Anywhere>, BuildError> {
        if literals.is_empty() {
            return Ok(None);
        }
        let texts = literals.iter().map(|(text, _)| text);
        let bytes: usize = texts.clone().map(|text| text.len()).sum();
        let automaton = if bytes <= DFA_BYTES {
            let mut builder = dfa::Builder::new();
            builder
                .match_kind(MatchKind::Standard)
                .start_kind(StartKind::Unanchored)
                .ascii_case_insensitive(true)
                .prefilter(false);
            Kind::Dfa(builder.build(texts)?)
        } else {
            let mut builder = nfa::contiguous::Builder::new();
            builder
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(true)
                .prefilter(false);
            Kind::Nfa(builder.build(texts)?)
        };
        Ok(Some(Anywhere {
            automaton,
            numbers: literals.iter().map(|(_, number)| *number).collect(),
        }))
    }
}

fn run(automaton: &impl Automaton, value: &[u8], numbers: &[u32], mut found: impl FnMut(u32)) {
    let Ok(mut state) = automaton.start_state(Anchored::No) else {
        return;
    };
    for byte in value {
        state = automaton.next_state(Anchored::No, state, *byte);
        if automaton.is_special(state) && automaton.is_match(state) {
            for index in 0..automaton.match_len(state) {
                let pattern = automaton.match_pattern(state, index).as_usize();
                if let Some(number) = numbers.get(pattern) {
                    found(*number);
                }
            }
        }
    }
}
