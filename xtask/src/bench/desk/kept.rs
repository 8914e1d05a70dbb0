//! Whether a desk kept what it acknowledged: each update by its own identity, so that one that is lost and one that is
//! counted twice do not make up for each other.

use std::collections::BTreeMap;

/// What one analyst was told.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The analyst's name.
    pub(super) name: String,
    /// Changes of cases that were acknowledged: the case, and what it was counted on to.
    pub(super) changes: Vec<(usize, i64)>,
    /// Changes that somebody else was faster than, and that were made again.
    pub(super) conflicts: usize,
    /// Notes that were acknowledged, by identifier: the case and the text.
    pub(super) notes: BTreeMap<String, (usize, String)>,
    /// Findings whose decision was acknowledged.
    pub(super) decided: Vec<String>,
    /// How long each request took, ms.
    pub(super) times: Vec<f64>,
}

/// What stands in the desk afterwards.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The number in each case's title, and its revisions since it was nought.
    pub(super) cases: Vec<(i64, i64)>,
    /// All notes of these cases.
    pub(super) notes: BTreeMap<String, (usize, String)>,
    /// The findings that were to be decided on.
    pub(super) decisions: BTreeMap<String, Decided>,
}

/// What stands in the desk of one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) state: String,
    pub(super) by: String,
    pub(super) reason: String,
    /// Its revisions since it was asked about.
    pub(super) revisions: i64,
}

/// Everything that was acknowledged and is not there, or is there and was not acknowledged.
pub(super) fn faults(all: &[Done], kept: &Kept) -> Vec<String> {
    let mut faults = of_cases(all, kept);
    faults.extend(of_notes(all, kept));
    faults.extend(of_decisions(all, kept));
    faults
}

fn of_cases(all: &[Done], kept: &Kept) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, (title, revisions)) in kept.cases.iter().enumerate() {
        let mut told: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
        for done in all {
            for (_, count) in done.changes.iter().filter(|(case, _)| *case == index) {
                told.entry(*count).or_default().push(&done.name);
            }
        }
        for (count, by) in &told {
            if by.len() > 1 {
                faults.push(format!("case {index}: {} all counted to {count}", by.join(", ")));
            }
        }
        let last = told
            .keys()
            .last()
            .copied()
            .unwrap_or_default()
            .max(*title)
            .max(*revisions);
        for count in (1..=last).filter(|count| !told.contains_key(count)) {
            faults.push(format!(
                "case {index}: nobody counted to {count}, and it was counted on"
            ));
        }
        let changes: usize = told.values().map(Vec::len).sum();
        if *title != told.len() as i64 || *revisions != changes as i64 {
            faults.push(format!(
                "case {index}: {changes} changes were acknowledged, it counts {title} after {revisions} revisions"
            ));
        }
    }
    faults
}

fn of_notes(all: &[Done], kept: &Kept) -> Vec<String> {
    let mut told = BTreeMap::new();
    let mut faults = Vec::new();
    for done in all {
        for (id, note) in &done.notes {
            if told.insert(id, note).is_some() {
                faults.push(format!("note {id}: it was acknowledged to two"));
            }
        }
    }
    for (id, note) in &told {
        if kept.notes.get(*id) != Some(*note) {
            faults.push(format!(
                "note {id}: {note:?} was acknowledged, there is {:?}",
                kept.notes.get(*id)
            ));
        }
    }
    let unknown = kept.notes.iter().filter(|(id, _)| !told.contains_key(id));
    faults
        .extend(unknown.map(|(id, note)| format!("note {id}: {note:?} was not acknowledged, and is there")));
    faults
}

fn of_decisions(all: &[Done], kept: &Kept) -> Vec<String> {
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for done in all {
        for id in &done.decided {
            told.entry(id).or_default().push(&done.name);
        }
    }
    let mut faults = Vec::new();
    for (id, there) in &kept.decisions {
        let by = told.remove(id.as_str()).unwrap_or_default();
        let [name] = by.as_slice() else {
            faults.push(format!(
                "finding {id}: acknowledged to {} analysts ({})",
                by.len(),
                by.join(", ")
            ));
            continue;
        };
        let wanted = Decided {
            state: "accepted".into(),
            by: (*name).to_owned(),
            reason: format!("seen by {name}"),
            revisions: 1,
        };
        if *there != wanted {
            faults.push(format!(
                "finding {id}: {wanted:?} was acknowledged, there is {there:?}"
            ));
        }
    }
    faults.extend(
        told.keys()
            .map(|id| format!("finding {id}: nobody was to decide on it")),
    );
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(by: &str) -> Decided {
        Decided {
            state: "accepted".into(),
            by: by.into(),
            reason: format!("seen by {by}"),
            revisions: 1,
        }
    }

    /// Two analysts, one case, two notes, two findings, and nothing lost.
    fn sound() -> (Vec<Done>, Kept) {
        let one = |name: &str, count: i64, note: &str, finding: &str| Done {
            name: name.into(),
            changes: vec![(0, count)],
            notes: BTreeMap::from([(note.to_owned(), (0, format!("{name} says")))]),
            decided: vec![finding.into()],
            ..Done::default()
        };
        let all = vec![one("a", 1, "n1", "f1"), one("b", 2, "n2", "f2")];
        let kept = Kept {
            cases: vec![(2, 2)],
            notes: all.iter().flat_map(|done| done.notes.clone()).collect(),
            decisions: BTreeMap::from([("f1".to_owned(), decided("a")), ("f2".to_owned(), decided("b"))]),
        };
        (all, kept)
    }

    #[test]
    fn nothing_is_said_of_what_was_kept() {
        let (all, kept) = sound();
        assert_eq!(faults(&all, &kept), Vec::<String>::new());
    }

    #[test]
    fn what_is_lost_is_found_also_where_the_sums_agree() {
        type Harm = fn(&mut Vec<Done>, &mut Kept);
        let harms: [(&str, Harm); 10] = [
            ("one finding twice and one not at all", |all, _| {
                all[1].decided = vec!["f1".into()]
            }),
            ("a decision overwritten by another's", |_, kept| {
                kept.decisions.insert("f1".into(), decided("b"));
            }),
            ("a decision that is not there", |_, kept| {
                kept.decisions
                    .entry("f2".into())
                    .and_modify(|one| one.state = "new".into());
            }),
            ("a finding written twice", |_, kept| {
                kept.decisions
                    .entry("f2".into())
                    .and_modify(|one| one.revisions = 2);
            }),
            (
                "two count to the same, and a stranger's change makes up for it",
                |all, _| {
                    all[1].changes = vec![(0, 1)];
                },
            ),
            ("a change that went back", |_, kept| kept.cases[0].0 = 1),
            ("a change nobody made", |_, kept| kept.cases[0] = (3, 3)),
            ("a note with another's text", |_, kept| {
                kept.notes.insert("n1".into(), (0, "b says".into()));
            }),
            ("a note in the place of another", |_, kept| {
                let note = kept.notes.remove("n1").unwrap();
                kept.notes.insert("n3".into(), note);
            }),
            ("a note that is not there", |_, kept| {
                kept.notes.remove("n2");
            }),
        ];
        for (what, harm) in harms {
            let (mut all, mut kept) = sound();
            harm(&mut all, &mut kept);
            assert!(!faults(&all, &kept).is_empty(), "{what}");
        }
    }
}
