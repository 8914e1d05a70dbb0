//! Which of the statements about a cell stands.

use super::Statement;
use crate::words::words;

words!(
    /// A step of the way from not knowing to knowing.
    Stage {
        /// Do we know what runs there?
        Inventory = "inventory",
        /// Is it open?
        Exposure = "exposure",
        /// Do we hold its evidence?
        Evidence = "evidence",
        /// Was its evidence hunted?
        Hunt = "hunt",
        /// Was it broken into?
        Verdict = "verdict",
        /// Is somebody on it?
        Case = "case",
    }
);

words!(
    /// An answer. Unknown comes first.
    Truth {
        /// Nobody can tell.
        Unknown = "unknown",
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
    }
);

impl Stage {
    /// The words a statement of this stage may use, with the answer each is.
    pub fn details(self) -> &'static [(&'static str, Truth)] {
        use Truth::*;
        match self {
            Stage::Inventory => &[("known", Yes), ("unknown", Unknown)],
            Stage::Exposure => &[
                ("vulnerable", Yes),
                ("unknown", Unknown),
                ("mitigated", No),
                ("fixed", No),
                ("not_affected", No),
            ],
            Stage::Evidence => &[("received", Yes), ("unknown", Unknown), ("none", No)],
            Stage::Hunt => &[
                ("hunted", Yes),
                ("unknown", Unknown),
                ("outdated", Unknown),
                ("running", No),
                ("failed", No),
                ("none", No),
            ],
            Stage::Verdict => &[
                ("compromised", Yes),
                ("suspected", Yes),
                ("attempted", Unknown),
                ("unknown", Unknown),
                ("no_evidence", No),
            ],
            Stage::Case => &[("open", Yes), ("unknown", Unknown), ("closed", No), ("none", No)],
        }
    }

    /// The answer a word is; `None` when the stage does not know it.
    pub fn truth(self, detail: &str) -> Option<Truth> {
        self.details()
            .iter()
            .find(|(word, _)| *word == detail)
            .map(|(_, truth)| *truth)
    }

    /// After how many hours an answer is too old to be relied on, unless the campaign says otherwise; `None`: never. A yes
    /// to the verdict does not age: an intruder does not leave by being forgotten.
    pub fn stale_hours(self, truth: Truth) -> Option<i64> {
        match (self, truth) {
            (_, Truth::Unknown) | (Stage::Verdict, Truth::Yes) => None,
            (Stage::Inventory | Stage::Exposure, _) => Some(vigie_exposure::STALE_DAYS * 24),
            (Stage::Verdict, Truth::No) => Some(14 * 24),
            (Stage::Evidence | Stage::Hunt | Stage::Case, _) => None,
        }
    }

    /// How bad a word is, worst highest, where statements that rest on different things are weighed against each other.
    fn badness(self, detail: &str) -> i64 {
        match detail {
            "compromised" => 4,
            "suspected" => 3,
            "attempted" => 2,
            "no_evidence" => 1,
            _ => 0,
        }
    }
}

/// The statement that stands, of all that were made about one cell, in the order in which they were made.
///
/// Statements that rest on the same thing (`basis`: one body of evidence, the observations, a person's word) replace each
/// other. Of those left:
///
/// - In most stages the newest stands: the latest `as_of`, of equals the one said last.
/// - In the stage `verdict` the worst stands, since logs that show nothing do not undo logs that showed something; an answer
///   beats none.
/// - A person's verdict stands above everything said before it, in either direction. What a machine says later stands only
///   if it is worse.
pub fn derive(stage: Stage, statements: &[Statement]) -> Option<usize> {
    if stage != Stage::Verdict {
        return last_of_each_basis(statements, 0)
            .into_iter()
            .max_by_key(|&index| (statements[index].as_of, index));
    }
    let person = statements.iter().rposition(|statement| statement.by_person);
    let said_since = person.map_or(0, |index| index + 1);
    let badness = |index: usize| stage.badness(&statements[index].detail);
    let worst = last_of_each_basis(statements, said_since)
        .into_iter()
        .max_by_key(|&index| (badness(index), index));
    match (person, worst) {
        (Some(person), Some(worst)) if badness(worst) > badness(person) => Some(worst),
        (Some(person), _) => Some(person),
        (None, worst) => worst,
    }
}

fn last_of_each_basis(statements: &[Statement], from: usize) -> Vec<usize> {
    let mut last: Vec<usize> = Vec::new();
    for index in from..statements.len() {
        match last
            .iter_mut()
            .find(|kept| statements[**kept].basis == statements[index].basis)
        {
            Some(kept) => *kept = index,
            None => last.push(index),
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;

    fn said(detail: &str, basis: &str, as_of: i64, by_person: bool) -> Statement {
        Statement {
            detail: detail.into(),
            basis: basis.into(),
            as_of: Time(as_of),
            by_person,
            ..Statement::default()
        }
    }

    fn stands(stage: Stage, all: &[Statement]) -> &str {
        derive(stage, all).map_or("nothing", |index| all[index].detail.as_str())
    }

    #[test]
    fn the_newest_stands_and_of_equals_the_one_said_last() {
        let all = [
            said("vulnerable", "a", 5, false),
            said("fixed", "b", 9, false),
            said("vulnerable", "c", 7, true),
        ];
        assert_eq!(stands(Stage::Exposure, &all), "fixed");
        let all = [said("vulnerable", "a", 5, false), said("unknown", "a", 5, false)];
        assert_eq!(stands(Stage::Exposure, &all), "unknown");
        assert_eq!(stands(Stage::Exposure, &[]), "nothing");
    }

    #[test]
    fn what_rests_on_the_same_thing_is_replaced_even_by_something_older() {
        // Nobody could tell until the logs told which build there was, the day before.
        let mut all = vec![
            said("unknown", "observations", 9, false),
            said("vulnerable", "observations", 8, false),
        ];
        assert_eq!(stands(Stage::Exposure, &all), "vulnerable");
        all.push(said("fixed", "person", 9, true));
        assert_eq!(stands(Stage::Exposure, &all), "fixed");
        all.push(said("vulnerable", "observations", 8, false));
        assert_eq!(stands(Stage::Exposure, &all), "fixed");
    }

    #[test]
    fn logs_that_show_nothing_do_not_undo_logs_that_showed_something() {
        let all = [
            said("compromised", "evidence 1", 5, false),
            said("no_evidence", "evidence 2", 9, false),
        ];
        assert_eq!(stands(Stage::Verdict, &all), "compromised");
        // The same evidence, hunted with a better pack.
        let again = [all[0].clone(), said("suspected", "evidence 1", 9, false)];
        assert_eq!(stands(Stage::Verdict, &again), "suspected");
    }

    #[test]
    fn an_answer_beats_none() {
        let all = [
            said("no_evidence", "whole logs", 5, false),
            said("unknown", "one file", 9, false),
        ];
        assert_eq!(stands(Stage::Verdict, &all), "no_evidence");
    }

    #[test]
    fn a_person_s_verdict_stands_until_something_worse_is_found() {
        let mut all = vec![
            said("compromised", "evidence 1", 5, false),
            said("attempted", "person", 6, true),
        ];
        assert_eq!(stands(Stage::Verdict, &all), "attempted");
        all.push(said("no_evidence", "evidence 2", 7, false));
        assert_eq!(stands(Stage::Verdict, &all), "attempted");
        all.push(said("suspected", "evidence 3", 8, false));
        assert_eq!(stands(Stage::Verdict, &all), "suspected");
        all.push(said("no_evidence", "person", 9, true));
        assert_eq!(stands(Stage::Verdict, &all), "no_evidence");
    }

    #[test]
    fn every_word_is_an_answer_and_a_yes_to_the_verdict_does_not_age() {
        for stage in Stage::ALL {
            assert_eq!(stage.truth("unknown"), Some(Truth::Unknown), "{stage}");
            assert_eq!(stage.truth("green"), None);
        }
        assert_eq!(Stage::Verdict.truth("attempted"), Some(Truth::Unknown));
        assert_eq!(Stage::Verdict.stale_hours(Truth::Yes), None);
        assert!(Stage::Verdict.stale_hours(Truth::No).is_some());
    }
}
