//! Every check of the project, in the order in which they fail fastest.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{bench, browser, cargo, fuzz, postgres, root, run, run_in, ui};

/// Seconds each fuzz target runs as part of all checks.
const FUZZ_SECONDS: u64 = 8;

/// A check: its name and what it does.
struct Step {
    name: &'static str,
    check: fn() -> Result<()>,
}

const STEPS: [Step; 8] = [
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
        name: "fuzzing",
        check: || fuzz::run_targets(None, FUZZ_SECONDS),
    },
];

/// What became of a step.
struct Done {
    name: &'static str,
    took: Duration,
    error: Option<String>,
}

/// `cargo xtask test`: runs them all, whatever fails, and says at the end what passed and what did not.
pub(crate) fn run_checks() -> Result<()> {
    let mut all = Vec::new();
    for (number, step) in STEPS.iter().enumerate() {
        eprintln!("\n==== {} of {}: {}", number + 1, STEPS.len(), step.name);
        let started = Instant::now();
        let error = (step.check)().err().map(|error| format!("{error:#}"));
        let took = started.elapsed();
        let said = if error.is_some() { "FAILED" } else { "passed" };
        eprintln!("==== {}: {said} in {:.1} s", step.name, took.as_secs_f64());
        all.push(Done {
            name: step.name,
            took,
            error,
        });
    }
    println!("\n{}", summary(&all));
    let failed = all.iter().filter(|done| done.error.is_some()).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", all.len());
    }
    Ok(())
}

fn summary(all: &[Done]) -> String {
    let mut text = format!("{:<22} {:>9}  result\n", "check", "seconds");
    for done in all {
        let result = match &done.error {
            None => "passed".to_owned(),
            Some(error) => format!("FAILED: {}", error.lines().next().unwrap_or_default()),
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
        let done = |name, error: Option<&str>| Done {
            name,
            took: Duration::from_millis(1_500),
            error: error.map(str::to_owned),
        };
        let text = summary(&[
            done("format", None),
            done("tests", Some("cargo test failed\nmore")),
        ]);
        assert!(
            text.contains("format                       1.5  passed"),
            "{text}"
        );
        assert!(
            text.contains("tests                        1.5  FAILED: cargo test failed\n"),
            "{text}"
        );
        assert!(text.ends_with("3.0"), "{text}");
    }
}
