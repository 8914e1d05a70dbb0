//! Every check of the project, in the order in which they fail fastest.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{api, bench, browser, cargo, fuzz, postgres, root, run, run_in, ui};

/// Seconds each fuzz target runs as part of all checks.
const FUZZ_SECONDS: u64 = 8;

/// A check: its name and what it does.
struct Step {
    name: &'static str,
    check: fn() -> Result<()>,
}

const STEPS: [Step; 9] = [
    Step {
        name: "format",
        check: || run(&cargo(), &["fmt", "--all", "--check"]),
    },
    Step {
        name: "lints",
        check: || {
            run(
                &cargo(),
                &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
            )
        },
    },
    Step {
        name: "tests",
        check: || {
            postgres::with_postgres(|url| {
                run_in(
                    &root(),
                    &cargo(),
                    &["test", "--workspace"],
                    &[(postgres::VARIABLE, url)],
                )
            })
        },
    },
    Step {
        name: "documentation",
        check: || {
            run_in(
                &root(),
                &cargo(),
                &["doc", "--workspace", "--no-deps"],
                &[("RUSTDOCFLAGS", "-D warnings")],
            )
        },
    },
    Step {
        name: "benchmarks run",
        check: || bench::bench(&bench::Options::quick()),
    },
    Step {
        name: "report in a browser",
        check: browser::check,
    },
    Step {
        name: "desk in a browser",
        check: ui::check,
    },
    Step {
        name: "API by its document",
        check: api::check,
    },
    Step {
        name: "fuzzing",
        check: || fuzz::run_targets(None, FUZZ_SECONDS),
    },
];

/// Why a step cannot be done on this machine. It is shown, and fails nothing.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skipped {}

/// How a step ended.
enum Ended {
    Passed,
    Skipped(String),
    Failed(String),
}

impl Ended {
    fn of(result: Result<()>) -> Ended {
        match result {
            Ok(()) => Ended::Passed,
            Err(error) if error.is::<Skipped>() => Ended::Skipped(format!("{error:#}")),
            Err(error) => Ended::Failed(format!("{error:#}")),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Ended::Passed => "passed",
            Ended::Skipped(_) => "SKIPPED",
            Ended::Failed(_) => "FAILED",
        }
    }
}

/// What became of a step.
struct Done {
    name: &'static str,
    took: Duration,
    ended: Ended,
}

/// `cargo xtask test`: runs them all, whatever fails, and says at the end what passed and what did not.
pub(crate) fn run_checks() -> Result<()> {
    let mut all = Vec::new();
    for (number, step) in STEPS.iter().enumerate() {
        eprintln!("\n==== {} of {}: {}", number + 1, STEPS.len(), step.name);
        let started = Instant::now();
        let ended = Ended::of((step.check)());
        let took = started.elapsed();
        eprintln!(
            "==== {}: {} in {:.1} s",
            step.name,
            ended.word(),
            took.as_secs_f64()
        );
        all.push(Done {
            name: step.name,
            took,
            ended,
        });
    }
    println!("\n{}", summary(&all));
    let failed = all
        .iter()
        .filter(|done| matches!(done.ended, Ended::Failed(_)))
        .count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", all.len());
    }
    Ok(())
}

fn summary(all: &[Done]) -> String {
    let mut text = format!("{:<22} {:>9}  result\n", "check", "seconds");
    for done in all {
        let result = match &done.ended {
            Ended::Passed => done.ended.word().to_owned(),
            Ended::Skipped(why) | Ended::Failed(why) => {
                format!(
                    "{}: {}",
                    done.ended.word(),
                    why.lines().next().unwrap_or_default()
                )
            }
        };
        text += &format!("{:<22} {:>9.1}  {result}\n", done.name, done.took.as_secs_f64());
    }
    let total: Duration = all.iter().map(|done| done.took).sum();
    text + &format!("{:<22} {:>9.1}", "all", total.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_every_check_and_what_failed() {
        let done = |name, result| Done {
            name,
            took: Duration::from_millis(1_500),
            ended: Ended::of(result),
        };
        let text = summary(&[
            done("format", Ok(())),
            done("API", Err(Skipped("no pip\nmore".into()).into())),
            done("tests", Err(anyhow::anyhow!("cargo test failed\nmore"))),
        ]);
        assert!(
            text.contains("format                       1.5  passed"),
            "{text}"
        );
        assert!(
            text.contains("API                          1.5  SKIPPED: no pip\n"),
            "{text}"
        );
        assert!(
            text.contains("tests                        1.5  FAILED: cargo test failed\n"),
            "{text}"
        );
        assert!(text.ends_with("4.5"), "{text}");
    }
}
