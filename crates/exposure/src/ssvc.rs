//! Priority: the deployer's tree of SSVC (CERT/CC, Stakeholder-Specific Vulnerability Categorization, decision table
//! "Deployer Patch Application Priority" 1.0.0), with exploitation from the advisory and exposure and mission impact
//! from the inventory. Safety impact is taken as negligible: these servers steer no machines that harm people.

use vigie_pack::{Cve, Exploited};

use crate::observation::identifiers;
use crate::state::Answer;
use crate::{MissionImpact, Said};

identifiers!(
    /// What to do, least urgent first.
    Decision {
        /// Nothing for now.
        Defer = "defer",
        /// With the next regular maintenance.
        Scheduled = "scheduled",
        /// Sooner than the next regular maintenance.
        OutOfCycle = "out_of_cycle",
        /// Now, with everybody who can help.
        Immediate = "immediate",
    }
);

/// What is known of attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exploitation {
    None,
    Poc,
    Active,
}

/// Who can reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exposure {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "in the published table; no inventory can say so yet")
    )]
    Small,
    Controlled,
    Open,
}

/// What it does to people's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Impact {
    Low,
    Medium,
    #[cfg_attr(not(test), expect(dead_code, reason = "comes of safety impacts only"))]
    High,
    VeryHigh,
}

/// The table, one letter per decision (`d`efer, `s`cheduled, `o`ut of cycle, `i`mmediate): by exploitation, then
/// exposure, then automatable (no, yes), then impact (low to very high).
const TABLE: [[[&str; 2]; 3]; 3] = [
    [["ddss", "dsss"], ["dsss", "ssss"], ["dsss", "ssso"]],
    [["dsss", "ssss"], ["dsss", "ssso"], ["ssso", "ssoo"]],
    [["ssoo", "sooo"], ["ssoo", "oooo"], ["sooi", "ooii"]],
];

fn decide(exploitation: Exploitation, exposure: Exposure, automatable: bool, impact: Impact) -> Decision {
    let row = TABLE[exploitation as usize][exposure as usize][usize::from(automatable)];
    match row.as_bytes()[impact as usize] {
        b'd' => Decision::Defer,
        b's' => Decision::Scheduled,
        b'o' => Decision::OutOfCycle,
        _ => Decision::Immediate,
    }
}

/// What counts of a server and one open vulnerability.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) cve: &'a Cve,
    /// Whether its exploitation had begun by then.
    pub(crate) exploited: bool,
    /// Whether it was public by then, and with it how to exploit it.
    pub(crate) public: bool,
    pub(crate) published: Answer,
    /// Whether something closes it for now.
    pub(crate) mitigated: bool,
    /// What stops with it, as the inventory says.
    pub(crate) mission: Option<MissionImpact>,
    /// What stops with a server of this product otherwise.
    pub(crate) usual: MissionImpact,
}

impl Case<'_> {
    /// The decision.
    pub(crate) fn decision(&self) -> Decision {
        decide(
            self.exploitation(),
            self.exposure(),
            self.cve.automatable(),
            self.impact(),
        )
    }

    fn exploitation(&self) -> Exploitation {
        match (
            self.cve.exploited,
            self.exploited,
            self.cve.public_poc && self.public,
        ) {
            (Exploited::Limited | Exploited::Mass, true, _) => Exploitation::Active,
            (_, _, true) => Exploitation::Poc,
            _ => Exploitation::None,
        }
    }

    /// What nobody knows counts as open.
    fn exposure(&self) -> Exposure {
        match self.published {
            _ if self.mitigated => Exposure::Controlled,
            Answer::Yes | Answer::Unknown => Exposure::Open,
            Answer::No => Exposure::Controlled,
        }
    }

    /// SSVC's human impact for negligible safety impact.
    fn impact(&self) -> Impact {
        match self.mission.unwrap_or(self.usual) {
            MissionImpact::Degraded | MissionImpact::SupportCrippled => Impact::Low,
            MissionImpact::Failure => Impact::Medium,
            MissionImpact::MissionFailure => Impact::VeryHigh,
        }
    }

    /// The decision in one sentence.
    pub(crate) fn because(&self) -> Said {
        let exploitation = match self.exploitation() {
            Exploitation::Active => ("is exploited", "est exploitée"),
            Exploitation::Poc => (
                "has a public proof of concept",
                "a une preuve de concept publique",
            ),
            Exploitation::None => (
                "is not known to be exploited",
                "n’est pas connue pour être exploitée",
            ),
        };
        let exposure = match self.published {
            _ if self.mitigated => (
                "a mitigation closes it until the next cumulative update",
                "une atténuation la ferme jusqu’à la prochaine mise à jour cumulative",
            ),
            Answer::Yes => (
                "the server is published on TCP/443",
                "le serveur est publié en TCP/443",
            ),
            Answer::No => ("the server is not published", "le serveur n’est pas publié"),
            Answer::Unknown => (
                "nobody knows whether the server is published, which counts as published",
                "personne ne sait si le serveur est publié, ce qui compte comme publié",
            ),
        };
        let automatable = match self.cve.automatable() {
            true => ("attacks can be automated", "l’attaque s’automatise"),
            false => (
                "an attack needs more than reaching it",
                "l’attaque demande plus que d’y accéder",
            ),
        };
        let impact = match self.mission.unwrap_or(self.usual) {
            MissionImpact::Degraded => ("little stops with it", "peu de choses s’arrêtent avec lui"),
            MissionImpact::SupportCrippled => (
                "it supports essential work",
                "il soutient des fonctions essentielles",
            ),
            MissionImpact::Failure => (
                "an essential function stops with it",
                "une fonction essentielle s’arrête avec lui",
            ),
            MissionImpact::MissionFailure => ("everything may stop with it", "tout peut s’arrêter avec lui"),
        };
        let id = &self.cve.id;
        Said::new(
            format!(
                "{id} {}, {}, {} and {}",
                exploitation.0, exposure.0, automatable.0, impact.0
            ),
            format!(
                "{id} {}, {}, {} et {}",
                exploitation.1, exposure.1, automatable.1, impact.1
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_published_one() {
        use Decision::{Defer, Immediate, OutOfCycle, Scheduled};
        use Exploitation::{Active, None, Poc};
        use Exposure::{Controlled, Open, Small};
        use Impact::{High, Low, Medium, VeryHigh};
        let cases = [
            (None, Small, false, Low, Defer),
            (None, Small, true, Low, Defer),
            (None, Small, true, Medium, Scheduled),
            (None, Controlled, true, Low, Scheduled),
            (None, Open, false, Low, Defer),
            (None, Open, true, VeryHigh, OutOfCycle),
            (Poc, Small, false, Low, Defer),
            (Poc, Controlled, true, VeryHigh, OutOfCycle),
            (Poc, Open, false, VeryHigh, OutOfCycle),
            (Poc, Open, true, High, OutOfCycle),
            (Active, Small, false, Medium, Scheduled),
            (Active, Small, false, High, OutOfCycle),
            (Active, Controlled, false, Medium, Scheduled),
            (Active, Controlled, true, Low, OutOfCycle),
            (Active, Open, false, Low, Scheduled),
            (Active, Open, false, VeryHigh, Immediate),
            (Active, Open, true, Medium, OutOfCycle),
            (Active, Open, true, High, Immediate),
        ];
        for (exploitation, exposure, automatable, impact, expected) in cases {
            assert_eq!(
                decide(exploitation, exposure, automatable, impact),
                expected,
                "{exploitation:?} {exposure:?} {automatable} {impact:?}"
            );
        }
        // Of the 72 rows: how often each decision stands in the published table.
        let count = |letter: char| {
            let rows = TABLE.iter().flatten().flatten();
            rows.flat_map(|row| row.chars())
                .filter(|known| *known == letter)
                .count()
        };
        assert_eq!((count('d'), count('s'), count('o'), count('i')), (7, 42, 20, 3));
    }
}
