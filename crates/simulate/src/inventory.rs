//! What the provider's office believes of its servers: a table as one keeps it by hand, wrong where such tables are.

use std::fmt::Write;

use vigie_event::{MICROS_PER_DAY, Timestamp, format_utc};

use crate::plan::Plan;
use crate::scenario::{Scenario, Span};
use crate::world::cast;

/// A row: build, how it was found out, publication, topology, when.
type Told = (&'static str, &'static str, &'static str, &'static str, Timestamp);

/// The inventory of the planned world, as a French office writes it: `;` between cells, days first. It knows less than
/// the logs do: builds that hide the update, two that contradict each other, one from last year, a server nobody listed.
pub fn inventory(plan: &Plan) -> String {
    let span = Span::new(plan);
    let mut text = "Client;Serveur;Produit;Build;Source;Publié;Topologie;Date du relevé\r\n".to_owned();
    for assignment in cast(plan) {
        for (build, source, published, topology, at) in told(assignment.scenario, &span) {
            let day = format_utc(at);
            let (year, month, day) = (&day[..4], &day[5..7], &day[8..10]);
            let _ = write!(
                text,
                "{};{};Exchange;{build};{source};{published};{topology};{day}/{month}/{year}\r\n",
                assignment.tenant, assignment.server
            );
        }
    }
    text
}

fn told(scenario: Scenario, span: &Span) -> Vec<Told> {
    let day = |days: i64| span.at(days, 9, 0, 0);
    match scenario {
        // Read before the update, which the logs show.
        Scenario::FullChain => vec![("15.1.2106.2", "exsetup", "oui", "hybrid", day(2))],
        Scenario::OabWrite => vec![("15.1.1979", "path", "?", "on_prem", day(3))],
        // The registry does not show that the update is there.
        Scenario::Attempted => vec![("15.2.792.3", "admin_display_version", "oui", "on_prem", day(4))],
        Scenario::ShellAfterPatch => vec![("15.1.2106.13", "exsetup", "oui", "hybrid", day(4))],
        // Two colleagues, one day, two builds.
        Scenario::OwnChecks => vec![
            ("15.1.2176.2", "exsetup", "oui", "on_prem", day(5)),
            ("15.1.2176.9", "exsetup", "oui", "on_prem", day(5)),
        ],
        Scenario::OddFile => vec![(
            "15.1.2044.4",
            "exsetup",
            "oui",
            "on_prem",
            day(0) - 120 * MICROS_PER_DAY,
        )],
        Scenario::PatchedEarly => vec![("15.2.792.10", "exsetup", "non", "on_prem", day(4))],
        Scenario::LogsRolled => vec![("15.1.2106", "x_owa_version", "oui", "on_prem", day(3))],
        // The server that only manages recipients is on nobody's list; the domain controller is no mail server.
        Scenario::NoisyBenign | Scenario::LateralTarget => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_office_knows_most_servers_and_not_all() {
        let text = inventory(&crate::demo_plan(7));
        assert_eq!(text.lines().count(), 10, "{text}");
        assert!(
            text.contains("clinique-saint-roch;MAIL02;Exchange;15.1.2176.9;exsetup"),
            "{text}"
        );
        assert!(!text.contains("syndic-europe;EX01"), "{text}");
    }
}
