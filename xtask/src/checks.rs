//! Every check of the project, in the order in which they fail fastest.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::skips::{self, Skipped};
use crate::tools::Missing;
use crate::{api, bench, browser, cargo, fuzz, postgres, root, run, run_in, ui};

/// Seconds each fuzz target runs as part of all checks.
const FUZZ_SECONDS: u64 = 8;

/// A check: its name and what it does.
struct Step {
    name: &'static str,
    check: fn() -> Result<()>,
}

const STEPS: [Step; 10] = [
    Step {
        name: "format",
        check: || run(&cargo(), &["fmt", "--all", "--check"]),
    },
    // Before the program is built, which takes the pages in: so it is built once.
    Step {
        name: "pages",
        check: ui::check_pages,
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
        check: tests,
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

/// All tests, on a PostgreSQL too where one can be had: then none of them may leave it out.
fn tests() -> Result<()> {
    let with = postgres::with_postgres(|url| {
        let variables = [(postgres::VARIABLE, url), (skips::NO_SKIP, "1")];
        skips::run_tests(&root(), &cargo(), &variables)
    });
    match with {
        Err(error) if error.is::<Missing>() => {
            skips::note("tests", &format!("no PostgreSQL: {error:#}"));
            skips::run_tests(&root(), &cargo(), &[])
        }
        done => done,
    }
}

/// How a step ended.
enum Ended {
    Passed,
    Skipped(String),
    Failed(String),
}

impl Ended {
    fn of(result: Result<()>, strict: bool) -> Ended {
        let Err(error) = result else {
            return Ended::Passed;
        };
        match error.downcast_ref::<Skipped>() {
            Some(Skipped { why, cannot: true }) => Ended::Skipped(format!("cannot be done here: {why}")),
            Some(Skipped { why, .. }) if strict => Ended::Failed(format!("it may not be skipped: {why}")),
            Some(Skipped { why, .. }) => Ended::Skipped(why.clone()),
            None if error.is::<Missing>() => Ended::Skipped(format!("cannot be done here: {error:#}")),
            None => Ended::Failed(format!("{error:#}")),
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
        let ended = Ended::of((step.check)(), skips::is_strict());
        if let Ended::Skipped(why) = &ended {
            skips::note(step.name, why.lines().next().unwrap_or_default());
        }
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
    println!("\n{}\n\n{}", summary(&all), skips::told());
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
        let skipped = |cannot| -> Result<()> {
            let why = "no pip\nmore".into();
            Err(Skipped { why, cannot }.into())
        };
        let done = |name, result, strict| Done {
            name,
            took: Duration::from_millis(1_500),
            ended: Ended::of(result, strict),
        };
        let text = summary(&[
            done("format", Ok(()), true),
            done("API", skipped(false), false),
            done("strictly", skipped(false), true),
            done("cannot", skipped(true), true),
            done(
                "browser",
                Err(anyhow::Error::from(Missing("no chromium\nmore".into())).context("desk")),
                true,
            ),
            done("tests", Err(anyhow::anyhow!("cargo test failed\nmore")), false),
        ]);
        for line in [
            "format                       1.5  passed\n",
            "API                          1.5  SKIPPED: no pip\n",
            "strictly                     1.5  FAILED: it may not be skipped: no pip\n",
            "cannot                       1.5  SKIPPED: cannot be done here: no pip\n",
            "browser                      1.5  SKIPPED: cannot be done here: desk: no chromium\n",
            "tests                        1.5  FAILED: cargo test failed\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.ends_with("9.0"), "{text}");
    }
}
