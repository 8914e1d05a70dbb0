//! Whether TCP/443 is published, over time.
//!
//! A port that was measured open is not closed by somebody's later word, however often it is repeated: then nobody
//! knows, until somebody measures again. Words of one moment that contradict each other tell nothing either, unless one
//! of them was measured.

use vigie_event::Timestamp;

use crate::state::Seen;
use crate::{Fact, Observation};

/// Whether TCP/443 is published from one moment on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Publication<'a> {
    /// From when on; `None` where the source does not say.
    pub(crate) since: Option<Timestamp>,
    /// What is known; `None` when words contradict each other.
    pub(crate) value: Option<bool>,
    /// The word that stands, or the last one that was said.
    pub(crate) by: &'a Observation,
    /// Whether somebody who may know how it was before says so, not a measurement alone.
    told: bool,
    /// Words that say something else.
    pub(crate) conflicts: Vec<Seen<'a, bool>>,
}

/// What was known when, oldest first. `seen` must be in the order of time.
pub(crate) fn publication<'a>(seen: &[&'a Observation]) -> Vec<Publication<'a>> {
    let words: Vec<Seen<'a, bool>> = seen.iter().filter_map(|by| word(by)).collect();
    let mut history = Vec::new();
    // The newest measurement, while it says that the port is open.
    let mut open: Option<Seen<'a, bool>> = None;
    for moment in words.chunk_by(|one, two| one.by.at == two.by.at) {
        let mut next = together(moment);
        match (next.value, next.by.origin.is_measured()) {
            (Some(value), true) => open = value.then_some(Seen { value, by: next.by }),
            (Some(false), false) => {
                if let Some(open) = open {
                    next.value = None;
                    next.conflicts.push(open);
                    next.conflicts.push(Seen {
                        value: false,
                        by: next.by,
                    });
                }
            }
            (Some(true), false) | (None, _) => {}
        }
        history.push(next);
    }
    history
}

fn word(by: &Observation) -> Option<Seen<'_, bool>> {
    match by.fact {
        Fact::Published(value) => Some(Seen { value, by }),
        _ => None,
    }
}

/// What the words of one moment say together: measurements, where there are any.
fn together<'a>(words: &[Seen<'a, bool>]) -> Publication<'a> {
    let measured = |word: &&Seen<'a, bool>| word.by.origin.is_measured();
    let best = words.iter().find(measured).unwrap_or(&words[0]);
    let equals = || {
        words
            .iter()
            .filter(|word| measured(word) == best.by.origin.is_measured())
    };
    let torn = equals().any(|word| word.value != best.value);
    let against = words.iter().filter(|word| torn || word.value != best.value);
    Publication {
        since: best.by.at,
        value: (!torn).then_some(best.value),
        by: best.by,
        told: words
            .iter()
            .any(|word| !measured(&word) && word.value == best.value),
        conflicts: against.copied().collect(),
    }
}

/// When TCP/443 is known not to have been published: `(from, to)`. A server that nobody ever called published, and of
/// which no word contradicts another, was not before either, if somebody says so who may know: a scan that finds the
/// port closed knows nothing of the day before.
pub(crate) fn closed_times(history: &[Publication<'_>]) -> Vec<(Option<Timestamp>, Option<Timestamp>)> {
    let is_closed = |known: &Publication<'_>| known.value == Some(false);
    if history.is_empty() {
        return Vec::new();
    }
    if history.iter().all(is_closed) && history.iter().any(|known| known.told) {
        return vec![(None, None)];
    }
    let mut closed = Vec::new();
    let mut shut: Option<Timestamp> = None;
    for known in history {
        match (shut, is_closed(known)) {
            (None, true) => shut = known.since,
            (Some(from), false) => {
                closed.push((Some(from), known.since));
                shut = None;
            }
            _ => {}
        }
    }
    if let Some(from) = shut {
        closed.push((Some(from), None));
    }
    closed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::{Origin, Subject};

    fn said(at: Option<i64>, reader: &'static str, value: bool) -> Observation {
        Observation {
            subject: Arc::new(Subject::default()),
            fact: Fact::Published(value),
            at,
            origin: Origin {
                reader,
                file: "f".into(),
                place: None,
            },
        }
    }

    fn values(words: &[Observation]) -> (Vec<Option<bool>>, Vec<usize>) {
        let seen: Vec<&Observation> = words.iter().collect();
        let history = publication(&seen);
        let conflicts = history.iter().map(|known| known.conflicts.len()).collect();
        (history.iter().map(|known| known.value).collect(), conflicts)
    }

    #[test]
    fn a_measured_port_is_not_closed_by_words_however_many() {
        let words = [
            said(Some(1), "probe", true),
            said(Some(2), "csv", false),
            said(Some(3), "csv", false),
            said(Some(4), "csv", true),
            said(Some(5), "csv", false),
            said(Some(6), "nmap", false),
            said(Some(7), "csv", false),
        ];
        let (values, conflicts) = values(&words);
        assert_eq!(
            values,
            [Some(true), None, None, Some(true), None, Some(false), Some(false)]
        );
        assert_eq!(conflicts, [0, 2, 2, 0, 2, 0, 0]);
    }

    #[test]
    fn words_of_one_moment_that_contradict_each_other_tell_nothing_in_any_order() {
        for order in [[true, false, false], [false, true, false], [false, false, true]] {
            let words = order.map(|value| said(Some(1), "csv", value));
            assert_eq!(values(&words), (vec![None], vec![3]), "{order:?}");
            let undated = order.map(|value| said(None, "csv", value));
            assert_eq!(values(&undated).0, [None], "{order:?}");
        }
        // Who measured knows better, and the other word is shown.
        let words = [said(Some(1), "csv", false), said(Some(1), "nmap", true)];
        assert_eq!(values(&words), (vec![Some(true)], vec![1]));
    }

    #[test]
    fn only_what_is_known_to_be_closed_is_left_out_of_a_window() {
        let closed = |words: &[Observation]| {
            let seen: Vec<&Observation> = words.iter().collect();
            closed_times(&publication(&seen))
        };
        assert_eq!(closed(&[]), []);
        assert_eq!(closed(&[said(Some(5), "csv", false)]), [(None, None)]);
        assert_eq!(closed(&[said(Some(5), "nmap", false)]), [(Some(5), None)]);
        let both = [said(Some(5), "nmap", false), said(Some(6), "csv", false)];
        assert_eq!(closed(&both), [(None, None)]);
        let reopened = [said(Some(5), "csv", false), said(Some(8), "csv", true)];
        assert_eq!(closed(&reopened), [(Some(5), Some(8))]);
        let shut = [said(Some(5), "csv", true), said(Some(8), "csv", false)];
        assert_eq!(closed(&shut), [(Some(8), None)]);
        let undated = [said(None, "csv", false), said(Some(8), "csv", true)];
        assert_eq!(closed(&undated), []);
        // Measured open, then called closed: not known to be closed.
        let denied = [said(Some(5), "probe", true), said(Some(8), "csv", false)];
        assert_eq!(closed(&denied), []);
    }
}
