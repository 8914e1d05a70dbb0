//! The stories the simulated servers tell.

mod benign;
mod dropped;
mod exploit;
mod hands_on;
mod lateral;

use vigie_event::{MICROS_PER_DAY, MICROS_PER_SECOND, Timestamp};

use crate::host::Build;
use crate::machine::Machine;
use crate::plan::{Plan, SimulateError};

/// What one moment of a story writes.
type Act = Box<dyn FnOnce(&mut Machine, Timestamp) -> Result<(), SimulateError> + Send>;

/// 2021-03-03T00:00:00Z: the day most servers were attacked.
const ATTACK_DAY: Timestamp = 1_614_729_600_000_000;

/// 2021-01-03T00:00:00Z: the first known exploitation. Logs that begin later cannot prove that nothing happened.
const FIRST_EXPLOITATION: Timestamp = 1_609_632_000_000_000;

/// How long Exchange keeps its logs.
const RETENTION_DAYS: i64 = 30;

/// A story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// From the first request to the stolen archive, then on to the domain controller.
    FullChain,
    /// The domain controller the intruder of `FullChain` moves to.
    LateralTarget,
    /// The address book service writes a file where it should not.
    OabWrite,
    /// Requests that all fail.
    Attempted,
    /// The intruder comes in before the update and returns after it.
    ShellAfterPatch,
    /// The provider's own check, then the update.
    OwnChecks,
    /// A strange page, and no logs of the day it appeared.
    OddFile,
    /// Updated at once.
    PatchedEarly,
    /// Everything that looks bad and is not.
    NoisyBenign,
    /// Logs of three days only.
    LogsRolled,
}

impl Scenario {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Scenario::FullChain => "full_chain",
            Scenario::LateralTarget => "lateral_target",
            Scenario::OabWrite => "oab_write",
            Scenario::Attempted => "attempted",
            Scenario::ShellAfterPatch => "shell_after_patch",
            Scenario::OwnChecks => "own_checks",
            Scenario::OddFile => "odd_file",
            Scenario::PatchedEarly => "patched_early",
            Scenario::NoisyBenign => "noisy_benign",
            Scenario::LogsRolled => "logs_rolled",
        }
    }

    pub(crate) fn mail_server(self) -> bool {
        self != Scenario::LateralTarget
    }

    /// What a correct answer says, given since when there are logs.
    pub(crate) fn verdict(self, logs_from: Timestamp) -> &'static str {
        match self {
            Scenario::FullChain
            | Scenario::LateralTarget
            | Scenario::OabWrite
            | Scenario::ShellAfterPatch => "compromised",
            Scenario::Attempted => "attempted",
            Scenario::OddFile => "suspected",
            Scenario::OwnChecks | Scenario::PatchedEarly | Scenario::NoisyBenign
                if logs_from <= FIRST_EXPLOITATION =>
            {
                "no_evidence"
            }
            _ => "unknown",
        }
    }

    pub(crate) fn attackers(self) -> &'static [&'static str] {
        match self {
            Scenario::FullChain => &[exploit::EXPLOITER, hands_on::OPERATOR],
            Scenario::OabWrite => &[dropped::ADDRESS_BOOK_INTRUDER],
            Scenario::Attempted => exploit::UNLUCKY,
            Scenario::ShellAfterPatch => &[dropped::EARLY_INTRUDER, dropped::LATE_INTRUDER],
            _ => &[],
        }
    }

    /// Since when the server has logs.
    pub(crate) fn logs_from(self, span: &Span) -> Timestamp {
        let from = match self {
            // These servers keep their logs for a year.
            Scenario::OwnChecks | Scenario::PatchedEarly | Scenario::NoisyBenign => span.from,
            Scenario::LogsRolled => span.to - 3 * MICROS_PER_DAY,
            // A clean-up job ran after the page appeared.
            Scenario::OddFile => span.at(2, 0, 0, 0),
            _ => span.to - RETENTION_DAYS * MICROS_PER_DAY,
        };
        from.max(span.from)
    }

    /// The builds of the server and when each was installed.
    pub(crate) fn builds(self, span: &Span) -> Vec<(Timestamp, Build)> {
        let builds: &[(Timestamp, u64, u64, u64)] = match self {
            Scenario::FullChain => &[(0, 1, 2_106, 2), (span.at(4, 20, 30, 0), 1, 2_106, 13)],
            Scenario::LateralTarget => &[],
            Scenario::OabWrite => &[(0, 1, 1_979, 3)],
            Scenario::Attempted => &[(0, 2, 792, 3), (span.at(1, 19, 0, 0), 2, 792, 10)],
            Scenario::ShellAfterPatch => &[(0, 1, 2_106, 2), (span.at(1, 22, 0, 0), 1, 2_106, 13)],
            Scenario::OwnChecks => &[(0, 1, 2_176, 2), (span.at(0, 21, 30, 0), 1, 2_176, 9)],
            Scenario::OddFile => &[(0, 1, 2_044, 4)],
            Scenario::PatchedEarly => &[(0, 2, 792, 3), (span.at(-1, 23, 30, 0), 2, 792, 10)],
            Scenario::NoisyBenign => &[
                (0, 1, 2_106, 2),
                (span.at(-2, 21, 0, 0), 1, 2_176, 2),
                (span.at(0, 1, 0, 0), 1, 2_176, 9),
            ],
            Scenario::LogsRolled => &[(0, 1, 2_106, 2)],
        };
        let builds = builds
            .iter()
            .map(|&(since, minor, build, revision)| (since, Build::new(minor, build, revision)));
        builds.collect()
    }

    /// What happens besides the background, in the order of time.
    pub(crate) fn script(self, span: &Span) -> Vec<(Timestamp, Act)> {
        let mut script = Script {
            span: *span,
            acts: Vec::new(),
        };
        match self {
            Scenario::FullChain => {
                exploit::chain(&mut script, 0, exploit::EXPLOITER, exploit::CHAIN_PAGE);
                hands_on::session(&mut script, 2);
            }
            Scenario::LateralTarget => lateral::arrival(&mut script, 2),
            Scenario::OabWrite => dropped::address_book(&mut script),
            Scenario::Attempted => exploit::attempts(&mut script),
            Scenario::ShellAfterPatch => dropped::before_and_after(&mut script),
            Scenario::OwnChecks => benign::own_checks(&mut script),
            Scenario::OddFile => dropped::odd_file(&mut script),
            Scenario::PatchedEarly => benign::update(&mut script),
            Scenario::NoisyBenign => benign::noise(&mut script),
            Scenario::LogsRolled => {}
        }
        script.acts.sort_by_key(|(time, _)| *time);
        script.acts
    }
}

/// The time of the simulated world, and the day everything turns around.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    attack_day: Timestamp,
}

impl Span {
    pub(crate) fn new(plan: &Plan) -> Span {
        let from = plan.start.div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY;
        let days = i64::from(plan.days);
        let to = from + days * MICROS_PER_DAY;
        let real = from + 3 * MICROS_PER_DAY <= ATTACK_DAY && ATTACK_DAY + 6 * MICROS_PER_DAY <= to;
        Span {
            from,
            to,
            attack_day: if real {
                ATTACK_DAY
            } else {
                from + days * 6 / 10 * MICROS_PER_DAY
            },
        }
    }

    /// A time of day, `days` after the day of the attack.
    pub(crate) fn at(&self, days: i64, hour: i64, minute: i64, second: i64) -> Timestamp {
        let seconds = (hour * 60 + minute) * 60 + second;
        // Milliseconds that are not zero, as in real logs, and the same wherever one moment is told.
        let millis = (seconds * 37 + 113) % 1_000;
        self.attack_day + days * MICROS_PER_DAY + seconds * MICROS_PER_SECOND + millis * 1_000
    }
}

/// A story being written down.
pub(crate) struct Script {
    span: Span,
    acts: Vec<(Timestamp, Act)>,
}

impl Script {
    /// Lets something happen at a time of day, `day` days after the day of the attack.
    fn at(
        &mut self,
        day: i64,
        (hour, minute, second): (i64, i64, i64),
        act: impl FnOnce(&mut Machine, Timestamp) -> Result<(), SimulateError> + Send + 'static,
    ) {
        let time = self.span.at(day, hour, minute, second);
        self.acts.push((time, Box::new(act)));
    }
}
