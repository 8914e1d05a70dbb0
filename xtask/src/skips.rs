//! What a run did not check, and why: steps that a machine cannot do, and tests that say `skipped: ...`.
//!
//! Under `CI` or `VIGIE_NO_SKIP` a step is left out only where a program is missing that cannot be installed here either;
//! everything else that keeps it from being done is a failure.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use crate::tools::Missing;

/// Where it is set, a test whose PostgreSQL is not there fails rather than be skipped.
pub(crate) const NO_SKIP: &str = "VIGIE_NO_SKIP";

/// What was left out so far: the place (a test, a step) and the reason.
static LEFT_OUT: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Whether only what cannot be done may be left out.
pub(crate) fn is_strict() -> bool {
    ["CI", NO_SKIP]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Notes that something was left out, to be told at the end.
pub(crate) fn note(place: &str, why: &str) {
    let mut all = LEFT_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    all.push((place.to_owned(), why.to_owned()));
}

/// Why a step was not done.
#[derive(Debug)]
pub(crate) struct Skipped {
    pub(crate) why: String,
    /// Whether a program is missing and cannot be installed.
    pub(crate) cannot: bool,
}

impl Skipped {
    /// A step that fails like this may be left out.
    pub(crate) fn because(error: &anyhow::Error) -> Skipped {
        Skipped {
            why: format!("{error:#}"),
            cannot: error.is::<Missing>(),
        }
    }
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Skipped {}

/// All that was left out, by reason, with how often and where; empty when it was nothing.
pub(crate) fn told() -> String {
    let all = LEFT_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    tell(&all)
}

fn tell(all: &[(String, String)]) -> String {
    /// Places that are named for each reason.
    const NAMED: usize = 3;
    if all.is_empty() {
        return "left out: nothing".into();
    }
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (place, why) in all {
        by_reason.entry(why).or_default().push(place);
    }
    let mut text = format!("left out: {}", all.len());
    for (why, places) in by_reason {
        let named = places.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = if places.len() > NAMED { ", ..." } else { "" };
        text += &format!("\n{:>5} × {why} ({named}{more})", places.len());
    }
    text
}

/// Runs `cargo test`, shows what it prints, and notes which tests said that they skipped something.
pub(crate) fn run_tests(folder: &Path, cargo: &str, variables: &[(&str, &str)]) -> Result<()> {
    let arguments = ["test", "--workspace", "--", "--show-output"];
    eprintln!("\n== {cargo} {}", arguments.join(" "));
    let mut child = Command::new(cargo)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {cargo}"))?;
    let said = child.stdout.take().context("cargo says nothing")?;
    let mut reader = Listener::default();
    let mut out = std::io::stdout();
    for line in BufReader::new(said).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if reader.hears(&line) {
            writeln!(out, "{line}")?;
        }
    }
    for (test, why) in reader.skipped {
        note(&test, &why);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("cargo {} failed ({status})", arguments.join(" "));
    }
    Ok(())
}

/// Follows what `cargo test -- --show-output` prints.
#[derive(Default)]
struct Listener {
    /// Between `successes:` and what follows it.
    in_successes: bool,
    test: String,
    skipped: Vec<(String, String)>,
}

impl Listener {
    /// Takes a line; says whether to show it: what tests that passed printed is listened to only.
    fn hears(&mut self, line: &str) -> bool {
        match line.trim_end() {
            "successes:" => self.in_successes = true,
            "failures:" => self.in_successes = false,
            line if line.starts_with("test result: ") => self.in_successes = false,
            line if self.in_successes => {
                let name = line
                    .strip_prefix("---- ")
                    .and_then(|rest| rest.strip_suffix(" stdout ----"));
                if let Some(name) = name {
                    self.test = name.to_owned();
                } else if line.starts_with("skipped") {
                    self.skipped.push((self.test.clone(), line.to_owned()));
                }
            }
            _ => {}
        }
        !self.in_successes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_skipped_is_heard_and_not_shown() {
        let text = "\nrunning 3 tests\ntest a ... ok\ntest b ... FAILED\n\nsuccesses:\n\n---- a::one stdout ----\nhello\n\
                    skipped: no corpus x\n\n---- a::two stdout ----\nskipped on PostgreSQL: none\n\n\nsuccesses:\n    a::one\n\n\
                    failures:\n\n---- b stdout ----\nskipped: not this one\n\nfailures:\n    b\n\ntest result: FAILED. 1\n\
                    skipped: nor this\n";
        let mut reader = Listener::default();
        let shown: Vec<&str> = text.lines().filter(|line| reader.hears(line)).collect();
        let expected = [
            ("a::one", "skipped: no corpus x"),
            ("a::two", "skipped on PostgreSQL: none"),
        ];
        assert_eq!(
            reader.skipped,
            expected.map(|(test, why)| (test.to_owned(), why.to_owned()))
        );
        assert!(shown.contains(&"test b ... FAILED") && shown.contains(&"---- b stdout ----"));
        assert!(!shown.contains(&"hello"));
    }

    #[test]
    fn what_was_left_out_is_counted_by_reason() {
        assert_eq!(tell(&[]), "left out: nothing");
        let all: Vec<(String, String)> = (0..5)
            .map(|number| {
                (
                    format!("t{number}"),
                    if number == 4 { "b" } else { "a" }.to_owned(),
                )
            })
            .collect();
        assert_eq!(
            tell(&all),
            "left out: 5\n    4 × a (t0, t1, t2, ...)\n    1 × b (t4)"
        );
    }

    #[test]
    fn only_a_program_that_cannot_be_had_keeps_a_step_from_being_done() {
        let missing = anyhow::Error::from(Missing("no python3".into())).context("API");
        assert!(Skipped::because(&missing).cannot);
        assert!(!Skipped::because(&anyhow::anyhow!("pip failed")).cannot);
    }
}
