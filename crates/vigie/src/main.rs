//! The command line of Vigie: argument parsing and printing, nothing else.
//!
//! Exit status: 0 done, 1 failed, 2 usage, 3 when `--fail-on` is reached.

mod demo;
mod hunt;
mod list;
mod progress;
mod simulate;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Parser, Subcommand};

/// Emergency response for managed service providers: who is concerned, who was compromised, and how we know.
#[derive(Parser)]
#[command(name = "vigie", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Hunt evidence (folders, archives, files) and give a verdict per server
    Hunt(hunt::Arguments),
    /// Read evidence and list every file: size, SHA-256, source, records, what was skipped
    Manifest(list::ManifestArguments),
    /// Packs: what Vigie knows about a threat
    Pack(list::PackArguments),
    /// Sigma rules: which load, which are refused and why
    Rules(list::RulesArguments),
    /// Write the evidence of a simulated provider, with the ground truth beside it
    Simulate(simulate::Arguments),
    /// Simulate a small provider, hunt its evidence, write the report
    Demo(demo::Arguments),
}

/// The exit status when `--fail-on` is reached.
const REACHED: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_ctrl_c(&cancel);
    let outcome = match cli.command {
        Command::Hunt(arguments) => hunt::run(&arguments, &cancel),
        Command::Manifest(arguments) => list::manifest(&arguments, &cancel),
        Command::Pack(arguments) => list::pack(&arguments),
        Command::Rules(arguments) => list::rules(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments, &cancel),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vigie: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The first ctrl-c ends the run cleanly with what is known so far; a second one ends it at once.
fn stop_on_ctrl_c(cancel: &Arc<AtomicBool>) {
    let flag = Arc::clone(cancel);
    let installed = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        eprintln!("\nstopping: what was read so far will be shown; press ctrl-c again to leave at once");
    });
    if let Err(error) = installed {
        eprintln!("vigie: ctrl-c will not stop cleanly: {error}");
    }
}

/// `vigie hunt ... | head` is not an error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
