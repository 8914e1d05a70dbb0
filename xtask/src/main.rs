//! The project's tools, in Rust so that a contributor needs nothing else: `cargo xtask demo|test|bench`.

// A tool for the terminal: what it measures goes to standard output.
#![allow(clippy::print_stdout)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};

mod bench;
mod checks;

const HELP: &str = "\
usage: cargo xtask COMMAND

  demo             build the release binary and hunt a small simulated provider
  test             run every check of the project
  bench [--quick]  run every benchmark, as a table; --quick only proves that they run";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["demo", rest @ ..] => demo(rest),
        ["test"] => checks::run_checks(),
        ["bench"] => bench::bench(false),
        ["bench", "--quick"] => bench::bench(true),
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

/// Builds the release binary and hunts a simulated provider with it.
fn demo(arguments: &[&str]) -> Result<()> {
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = bench::release_binary("vigie")?.display().to_string();
    let mut all = vec!["demo"];
    all.extend(arguments);
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
    let started = Instant::now();
    eprintln!("\n== {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
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
