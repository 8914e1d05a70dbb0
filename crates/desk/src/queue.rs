//! In which order cases are taken up. The rule, whole:
//!
//! 1. A case that waited longer than its severity may (critical 2 h, high 4 h, medium 24 h, low 72 h, informational 7 days)
//!    comes before all others; of several, the one furthest over its bound.
//! 2. Of the others, those of tenants with a SOC contract come first, but every fourth place is for a tenant without one,
//!    as long as any waits.
//! 3. Within either lane: what is past its due time, then the worst, then the one waiting longest.
//!
//! So nobody waits for ever, however many SOC cases come in: a case without SOC contract is taken up at the latest when it
//! has waited out its bound and those further over theirs were taken, and within four places per case before it in its lane.

use serde::Serialize;
use vigie_exposure::Said;

use crate::tenants::Contract;
use crate::words::words;
use crate::{Severity, Time};

/// SOC cases in a row before one of the others is due.
pub const IN_A_ROW: usize = 3;

words!(
    /// Which of the two rows a case waits in.
    Lane {
        /// Tenants with a SOC contract.
        Soc = "soc",
        /// All others.
        Standard = "standard",
    }
);

impl Lane {
    /// The lane of a tenant.
    pub fn of(contract: Contract) -> Lane {
        match contract {
            Contract::Soc => Lane::Soc,
            Contract::Managed | Contract::None => Lane::Standard,
        }
    }
}

/// Hours a case of a severity may wait.
pub fn bound_hours(severity: Severity) -> i64 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 4,
        Severity::Medium => 24,
        Severity::Low => 72,
        Severity::Informational => 168,
    }
}

/// A case that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its lane.
    pub lane: Lane,
    /// How bad it is.
    pub severity: Severity,
    /// Since when it waits.
    pub since: Time,
    /// When it is due.
    pub due_at: Option<Time>,
}

words!(
    /// Why a case has its place.
    Why {
        /// It waited longer than it may.
        Overdue = "overdue",
        /// Its tenant has a SOC contract.
        Priority = "priority",
        /// Every fourth place is for tenants without one.
        FourthPlace = "fourth_place",
        /// Nobody with a SOC contract waits.
        Turn = "turn",
    }
);

impl Why {
    /// The reason in words.
    pub fn explain(self, case: &Waiting, now: Time) -> Said {
        let waited = now.seconds_since(case.since).max(0) / 3_600;
        let bound = bound_hours(case.severity);
        match self {
            Why::Overdue => Said::new(
                format!("waited {waited} h, and a case this severe may wait {bound} h: before all others"),
                format!(
                    "attend depuis {waited} h, alors qu’un dossier de cette gravité peut attendre {bound} h : passe avant tous"
                ),
            ),
            Why::Priority => Said::new(
                "the tenant has a SOC contract: before those without",
                "le client a un contrat SOC : passe avant ceux qui n’en ont pas",
            ),
            Why::FourthPlace => Said::new(
                "every fourth place is for tenants without a SOC contract",
                "une place sur quatre revient aux clients sans contrat SOC",
            ),
            Why::Turn => Said::new(
                "no tenant with a SOC contract is waiting",
                "aucun client sous contrat SOC n’attend",
            ),
        }
    }
}

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The case, by its index.
    pub index: usize,
    /// Why it stands here.
    pub why: Why,
}

/// The order in which cases are taken up. `in_a_row` is how many SOC cases were taken since one of the others was.
pub fn order(cases: &[Waiting], in_a_row: usize, now: Time) -> Vec<Place> {
    let over = |case: &Waiting| now.seconds_since(case.since) - bound_hours(case.severity) * 3_600;
    let mut overdue: Vec<usize> = (0..cases.len())
        .filter(|&index| over(&cases[index]) > 0)
        .collect();
    overdue.sort_by_key(|&index| (-over(&cases[index]), index));
    let lane = |lane: Lane| {
        let mut these: Vec<usize> = (0..cases.len())
            .filter(|&index| cases[index].lane == lane && over(&cases[index]) <= 0)
            .collect();
        these.sort_by_key(|&index| {
            let case = &cases[index];
            let is_due = case.due_at.is_some_and(|due| due <= now);
            (!is_due, std::cmp::Reverse(case.severity), case.since, index)
        });
        these.into_iter().peekable()
    };
    let (mut soc, mut standard) = (lane(Lane::Soc), lane(Lane::Standard));
    let mut in_a_row = in_a_row;
    let mut places: Vec<Place> = Vec::with_capacity(cases.len());
    for index in overdue {
        count(&mut in_a_row, cases[index].lane);
        places.push(Place {
            index,
            why: Why::Overdue,
        });
    }
    loop {
        let is_fourth = in_a_row >= IN_A_ROW && standard.peek().is_some();
        let next = match (is_fourth, soc.peek().is_some()) {
            (true, true) => standard.next().map(|index| (index, Why::FourthPlace)),
            (false, true) => soc.next().map(|index| (index, Why::Priority)),
            (_, false) => standard.next().map(|index| (index, Why::Turn)),
        };
        let Some((index, why)) = next else {
            return places;
        };
        count(&mut in_a_row, cases[index].lane);
        places.push(Place { index, why });
    }
}

fn count(in_a_row: &mut usize, lane: Lane) {
    match lane {
        Lane::Soc => *in_a_row += 1,
        Lane::Standard => *in_a_row = 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time(1_614_758_400_000_000);

    fn case(lane: Lane, severity: Severity, waited_minutes: i64) -> Waiting {
        Waiting {
            lane,
            severity,
            since: NOW.plus_seconds(-60 * waited_minutes),
            due_at: None,
        }
    }

    fn order_of(cases: &[Waiting], in_a_row: usize) -> Vec<(usize, Why)> {
        order(cases, in_a_row, NOW)
            .into_iter()
            .map(|place| (place.index, place.why))
            .collect()
    }

    #[test]
    fn soc_tenants_come_first_and_every_fourth_place_is_for_the_others() {
        let soc = case(Lane::Soc, Severity::High, 10);
        let other = case(Lane::Standard, Severity::Critical, 20);
        let cases = [other, soc, soc, other, soc, soc, soc, other];
        assert_eq!(
            order_of(&cases, 0),
            [
                (1, Why::Priority),
                (2, Why::Priority),
                (4, Why::Priority),
                (0, Why::FourthPlace),
                (5, Why::Priority),
                (6, Why::Priority),
                (3, Why::Turn),
                (7, Why::Turn),
            ]
        );
        // Three were taken already.
        assert_eq!(order_of(&cases, 3)[0], (0, Why::FourthPlace));
    }

    #[test]
    fn who_waited_longer_than_he_may_comes_before_all() {
        let cases = [
            case(Lane::Soc, Severity::Critical, 5),
            case(Lane::Standard, Severity::High, 4 * 60 + 1),
            case(Lane::Standard, Severity::Medium, 30 * 60),
            case(Lane::Standard, Severity::High, 4 * 60),
        ];
        let order = order_of(&cases, 0);
        assert_eq!(order[..2], [(2, Why::Overdue), (1, Why::Overdue)]);
        assert_eq!(order[2..], [(0, Why::Priority), (3, Why::Turn)]);
        let said = Why::Overdue.explain(&cases[1], NOW);
        assert_eq!(
            said.en,
            "waited 4 h, and a case this severe may wait 4 h: before all others"
        );
    }

    #[test]
    fn within_a_lane_due_then_worst_then_longest() {
        let mut due = case(Lane::Soc, Severity::Low, 1);
        due.due_at = Some(NOW);
        let cases = [
            case(Lane::Soc, Severity::High, 5),
            case(Lane::Soc, Severity::High, 9),
            case(Lane::Soc, Severity::Critical, 1),
            due,
        ];
        let order: Vec<usize> = order(&cases, 0, NOW)
            .into_iter()
            .map(|place| place.index)
            .collect();
        assert_eq!(order, [3, 2, 1, 0]);
    }

    proptest! {
        #[test]
        fn everybody_has_one_place(
            cases in proptest::collection::vec((any::<bool>(), 0_usize..5, 0_i64..20_000), 0..60),
            in_a_row in 0_usize..5,
        ) {
            let cases: Vec<Waiting> = cases
                .into_iter()
                .map(|(soc, severity, waited)| {
                    case(if soc { Lane::Soc } else { Lane::Standard }, Severity::ALL[severity], waited)
                })
                .collect();
            let mut seen: Vec<usize> = order(&cases, in_a_row, NOW).into_iter().map(|place| place.index).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..cases.len()).collect::<Vec<_>>());
        }

        /// However many SOC cases keep coming, a case of the other lane is taken within four places for each case
        /// before it in its lane.
        #[test]
        fn nobody_starves(others in 1_usize..12, minutes_each in 1_i64..30) {
            let mut now = NOW;
            let mut standard: Vec<Waiting> = (0..others).map(|_| case(Lane::Standard, Severity::Medium, 0)).collect();
            let mut in_a_row = 0;
            for picked in 1..=4 * others {
                let mut cases = vec![Waiting { since: now, ..case(Lane::Soc, Severity::Critical, 0) }; 20];
                let soc = cases.len();
                cases.extend(&standard);
                let first = order(&cases, in_a_row, now)[0];
                match cases[first.index].lane {
                    Lane::Soc => in_a_row += 1,
                    Lane::Standard => {
                        in_a_row = 0;
                        standard.remove(first.index - soc);
                    }
                }
                now = now.plus_seconds(60 * minutes_each);
                prop_assert!(standard.len() <= others - picked / 4);
            }
            prop_assert!(standard.is_empty());
        }
    }
}
