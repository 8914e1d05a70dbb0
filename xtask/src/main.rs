//! The project's tools, in Rust so that a contributor needs nothing else: `cargo xtask demo|test|bench|dist|fuzz|browser|ui|api`.

// A tool for the terminal: what it measures goes to standard output.
#![allow(clippy::print_stdout)]

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};

mod api;
mod bench;
mod browser;
mod checks;
mod dist;
#[cfg(test)]
mod docs;
mod fuzz;
mod postgres;
mod skips;
mod tools;
mod ui;

const HELP: &str = "\
usage: cargo xtask COMMAND

  demo             build the release binary, hunt a small simulated provider, and serve its desk until ctrl-c;
                   --no-serve leaves the desk out
  test             run every check of the project, and say at the end which passed
  dist             build the binary that releases carry, optimised by what hunts do, and say where it is
  bench [PART...] [--quick | --size SIZE] [--rounds N] [--release]
                   measure whole processes beside other tools and hold them to the targets, on so much evidence (1G),
                   the best of N rounds (3); more than 2G is measured against a tenth of it,
                   and not kept. It is the build of dist that is measured, with --quick or --release
                   a plain release build. --quick only proves that it runs. A missed goal is shown,
                   a missed least bound fails. PART is one of:
                     evtx       public Windows rules on real event logs, beside evtx_dump
                     rules      loading all public rules; all against a tenth of them
                     json       the same events as JSON lines, beside rsigma
                     text       all packs and public web rules on logs of IIS and HttpProxy, beside ripgrep
                     simulated  all packs on the logs of a simulated mail server
                     exposure   1,000 to 100,000 servers of an inventory, all vulnerabilities of Exchange
                     desk       the desk over HTTP: every query of the pages on up to 10,000 servers and
                                1,000,000 findings, and 50 analysts at once
                     literals   engines that look for the literals of the public rules
                   and only when it is named:
                     --instructions  counted instructions for each event, by callgrind
                     --flame    flame graphs, by perf, into docs/images
  fuzz [TARGET] [--seconds N]
                   fuzz one parser or all of them, each for N seconds (60)
  postgres COMMAND...
                   run a command with a PostgreSQL of its own: cargo xtask postgres cargo test -p vigie-desk
  browser          open the pages of a hunt and of an assessment in a real browser and check them
  ui               build the desk's pages and play a crisis in them, in a real browser
  api              have schemathesis ask the real server everything its OpenAPI document allows";

/// Seconds a fuzz target runs unless told otherwise.
const FUZZ_SECONDS: u64 = 60;

fn main() -> ExitCode {
    if let Some(flag) = env::var_os(dist::FLAG_VARIABLE) {
        let words: Vec<OsString> = env::args_os().skip(1).collect();
        return dist::rustc(&flag, &words).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        });
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["demo", rest @ ..] => demo(rest),
        ["test"] => checks::run_checks(),
        ["bench", rest @ ..] if bench::Options::parse(rest).is_some() => {
            bench::bench(&bench::Options::parse(rest).unwrap_or_else(bench::Options::quick))
        }
        ["dist"] => dist::dist(),
        // What `bench literals` runs for each engine.
        ["scan", engine, literals, text] => bench::scan_and_print(engine, literals, text),
        ["browser"] => browser::check(),
        ["ui"] => ui::check(),
        ["api"] => api::check(),
        ["postgres", program, arguments @ ..] => {
            postgres::with_postgres(|url| run_in(&root(), program, arguments, &[(postgres::VARIABLE, url)]))
        }
        ["fuzz", rest @ ..] if fuzz_arguments(rest).is_some() => {
            let (target, seconds) = fuzz_arguments(rest).unwrap_or_default();
            fuzz::run_targets(target, seconds)
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `[TARGET] [--seconds N]`; `None` when it is something else.
fn fuzz_arguments<'a>(words: &[&'a str]) -> Option<(Option<&'a str>, u64)> {
    let (target, rest) = match words {
        [target, rest @ ..] if !target.starts_with('-') => (Some(*target), rest),
        rest => (None, rest),
    };
    match rest {
        [] => Some((target, FUZZ_SECONDS)),
        ["--seconds", seconds] => Some((target, seconds.parse().ok()?)),
        _ => None,
    }
}

/// Builds the release binary, hunts a simulated provider with it, and serves its desk.
fn demo(arguments: &[&str]) -> Result<()> {
    if !arguments.contains(&"--no-serve")
        && let Err(error) = ui::build()
    {
        eprintln!("the desk will have no pages: {error:#}");
    }
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = bench::release_binary("vigie")?.display().to_string();
    let mut all = vec!["demo"];
    all.extend(arguments.iter().filter(|word| **word != "--no-serve"));
    if !arguments.iter().any(|word| word.contains("-serve")) {
        all.push("--serve");
    }
    run(&vigie, &all)
}

/// The folder of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// Runs a command in the checkout and shows what it prints; fails with its name when it fails.
fn run(program: &str, arguments: &[&str]) -> Result<()> {
    run_in(&root(), program, arguments, &[])
}

/// The same in any folder, with environment variables set.
fn run_in(folder: &Path, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let started = Instant::now();
    eprintln!("\n== {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(folder)
        .status()
        .with_context(|| format!("cannot start {program}; is it installed?"))?;
    if !status.success() {
        bail!("{program} {} failed ({status})", arguments.join(" "));
    }
    eprintln!("== done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// The cargo that runs this program.
fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

#[cfg(test)]
mod tests {
    use super::fuzz_arguments;

    #[test]
    fn fuzzing_takes_a_target_and_seconds_in_this_order() {
        assert_eq!(fuzz_arguments(&[]), Some((None, 60)));
        assert_eq!(fuzz_arguments(&["evtx"]), Some((Some("evtx"), 60)));
        assert_eq!(fuzz_arguments(&["--seconds", "5"]), Some((None, 5)));
        assert_eq!(
            fuzz_arguments(&["evtx", "--seconds", "5"]),
            Some((Some("evtx"), 5))
        );
        assert_eq!(fuzz_arguments(&["--seconds"]), None);
        assert_eq!(fuzz_arguments(&["--seconds", "x"]), None);
    }
}
