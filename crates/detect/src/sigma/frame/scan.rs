//! All literals of one field in one pass over a value.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use aho_corasick::automaton::Automaton;
use aho_corasick::{Anchored, BuildError, MatchKind, StartKind, dfa, nfa};

use super::atom::{Atom, Place};
use super::trie::Trie;

/// Up to so many bytes of literals, a table of all transitions may be built: twice as fast, but large.
const DFA_BYTES: usize = 48 << 10;
/// It is built once so many bytes have been gone over: most kinds of events are too rare to earn it.
const WORTH_A_DFA: u64 = 8 << 20;

/// Looks for the literals of one field.
#[derive(Debug)]
pub(super) struct Scanner {
    /// Position among the binding's fields.
    pub(super) field: u32,
    from_start: Option<Trie>,
    from_end: Option<Trie>,
    anywhere: Option<Anywhere>,
    /// The number of the literal that stands for any character beyond ASCII.
    beyond_ascii: Option<u32>,
}

#[derive(Debug)]
struct Anywhere {
    texts: Vec<Box<str>>,
    /// By pattern: the number of its literal.
    numbers: Vec<u32>,
    /// A shorter value has none of the literals.
    shortest: usize,
    nfa: nfa::contiguous::NFA,
    dfa: OnceLock<Option<dfa::DFA>>,
    scanned: AtomicU64,
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
            beyond_ascii: at(&[Place::BeyondAscii]).map(|(_, _, number)| number).next(),
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
        if let Some(number) = self.beyond_ascii
            && !value.is_ascii()
        {
            found(number);
        }
        if let Some(anywhere) = &self.anywhere
            && bytes.len() >= anywhere.shortest
        {
            match anywhere.dfa.get() {
                Some(Some(dfa)) => run(dfa, bytes, &anywhere.numbers, found),
                _ => run(&anywhere.nfa, bytes, &anywhere.numbers, found),
            }
        }
    }

    /// Takes note of how much was gone over.
    pub(super) fn scanned(&self, bytes: usize) {
        if let Some(anywhere) = &self.anywhere {
            let before = anywhere.scanned.fetch_add(bytes as u64, Ordering::Relaxed);
            if before >= WORTH_A_DFA {
                anywhere.dfa.get_or_init(|| anywhere.build_dfa());
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
        let mut builder = nfa::contiguous::Builder::new();
        builder
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false);
        Ok(Some(Anywhere {
            nfa: builder.build(texts.clone())?,
            shortest: texts.clone().map(|text| text.len()).min().unwrap_or(0),
            texts: texts.map(|text| (*text).into()).collect(),
            numbers: literals.iter().map(|(_, number)| *number).collect(),
            dfa: OnceLock::new(),
            scanned: AtomicU64::new(0),
        }))
    }

    fn build_dfa(&self) -> Option<dfa::DFA> {
        let bytes: usize = self.texts.iter().map(|text| text.len()).sum();
        if bytes > DFA_BYTES {
            return None;
        }
        let mut builder = dfa::Builder::new();
        builder
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .prefilter(false);
        builder.build(self.texts.iter().map(|text| &**text)).ok()
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
