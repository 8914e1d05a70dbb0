//! The command line of Vigie: argument parsing and printing, nothing else.
//!
//! Exit status: 0 done, 1 failed, 2 usage, 3 when `--fail-on` is reached or a check of evidence or audit
//! found damage, 4 when something was refused under `--strict`,
//! 130 when ctrl-c ended the run.

mod advisory;
mod backup;
mod choose;
mod demo;
mod exposure;
mod french;
mod hunt;
mod indicators;
mod knowledge;
mod list;
mod numbers;
mod outputs;
mod progress;
mod remote;
mod rules;
mod serve;
mod simulate;
mod suppress;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use vigie_report::Lang;

use crate::hunt::Language;

/// Rules are many small pieces of memory, and batches come and go on several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Emergency response for managed service providers: who is concerned, who was compromised, and how we know.
#[derive(Parser)]
#[command(
    name = "vigie",
    version,
    max_term_width = 100,
    after_help = "To begin:\n  vigie demo                                  a simulated provider, hunted\n  \
                  vigie hunt EVIDENCE --report report.html    your own evidence\n  \
                  vigie serve --data DIR                      the desk, in a browser\n\n\
                  Exit status: 0 done, 1 failed, 2 usage, 3 --fail-on reached or damage found, 4 something refused\n\
                  under --strict, 130 stopped by ctrl-c"
)]
struct Cli {
    /// Language of what is printed and of reports; the default is that of the system
    #[arg(long, value_enum, global = true)]
    lang: Option<Language>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Hunt evidence (folders, archives, files) and give a verdict per server
    Hunt(hunt::Arguments),
    /// Read evidence and list every file: size, SHA-256, source, records, what was skipped
    Manifest(list::ManifestArguments),
    /// Exposure: who is concerned, and how sure that is
    Exposure(exposure::Arguments),
    /// Packs: what Vigie knows about a threat
    Pack(list::PackArguments),
    /// Sigma rules: which load, which are refused and why; how one judges an event
    Rules(rules::Arguments),
    /// Suppressions: lists of what is known to be harmless
    Suppress(suppress::Arguments),
    /// Lists of indicators: what they hold, what is refused and why
    Indicators(indicators::Arguments),
    /// Advisories: whether a CSAF document is as the specification says
    Advisory(advisory::Arguments),
    /// Serve the desk: campaigns, evidence, findings and cases in a browser, and an API
    Serve(serve::Arguments),
    /// Send evidence to a desk; goes on where it was after a broken line
    Push(remote::push::Arguments),
    /// Clients and their servers, at a desk
    Tenant(remote::tenant::Arguments),
    /// Campaigns: the crisis, across clients
    Campaign(remote::campaign::Arguments),
    /// Evidence at a desk: what there is, who had it in hand, whether it is what was received
    Evidence(remote::evidence::Arguments),
    /// Findings of hunts, and what people make of them
    Finding(remote::finding::Arguments),
    /// Cases: what the team works on
    Case(remote::case::Arguments),
    /// The main courante: who did and said what
    Journal(remote::journal::Arguments),
    /// The log nobody can change: take it out, and check it without a server
    Audit(remote::audit::Arguments),
    /// Back a desk up into a folder, also while it is being served
    Backup(backup::Arguments),
    /// Make a desk out of a backup
    Restore(backup::RestoreArguments),
    /// Write the evidence of a simulated provider, with the ground truth beside it
    Simulate(simulate::Arguments),
    /// Simulate a small provider, hunt its evidence, write the report
    Demo(demo::Arguments),
}

/// Whether a server runs, which looks after ctrl-c itself.
static SERVING: AtomicBool = AtomicBool::new(false);

/// Whether ctrl-c ends the program at once: nothing that was read has to be shown.
static AT_ONCE: AtomicBool = AtomicBool::new(false);

/// The exit status when `--fail-on` is reached.
const REACHED: u8 = 3;
/// The exit status when something was refused under `--strict`.
const REFUSED: u8 = 4;
/// The exit status when ctrl-c ended the run, as shells have it.
const STOPPED: u8 = 130;

fn main() -> ExitCode {
    let (cli, lang) = french::parse();
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_ctrl_c(&cancel, lang);
    let outcome = match cli.command {
        Command::Hunt(arguments) => hunt::run(&arguments, lang, &cancel),
        Command::Manifest(arguments) => list::manifest(&arguments, lang, &cancel),
        Command::Exposure(arguments) => exposure::run(&arguments, lang, &cancel),
        Command::Pack(arguments) => list::pack(&arguments, lang),
        Command::Rules(arguments) => rules::run(&arguments, lang),
        Command::Suppress(arguments) => suppress::run(&arguments, lang),
        Command::Indicators(arguments) => indicators::run(&arguments, lang),
        Command::Advisory(arguments) => advisory::run(&arguments, lang),
        Command::Serve(arguments) => serve::run(&arguments, lang),
        Command::Push(arguments) => at_once(|| remote::push::run(&arguments, lang)),
        Command::Tenant(arguments) => at_once(|| remote::tenant::run(&arguments, lang)),
        Command::Campaign(arguments) => at_once(|| remote::campaign::run(&arguments, lang)),
        Command::Evidence(arguments) => at_once(|| remote::evidence::run(&arguments, lang)),
        Command::Finding(arguments) => at_once(|| remote::finding::run(&arguments, lang)),
        Command::Case(arguments) => at_once(|| remote::case::run(&arguments, lang)),
        Command::Journal(arguments) => at_once(|| remote::journal::run(&arguments, lang)),
        Command::Audit(arguments) => at_once(|| remote::audit::run(&arguments, lang)),
        Command::Backup(arguments) => at_once(|| backup::run(&arguments, lang)),
        Command::Restore(arguments) => at_once(|| backup::restore(&arguments, lang)),
        Command::Simulate(arguments) => simulate::run(&arguments, lang),
        Command::Demo(arguments) => demo::run(&arguments, lang, &cancel),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error, lang);
            ExitCode::FAILURE
        }
    }
}

/// Says what went wrong.
fn complain(error: &anyhow::Error, lang: Lang) {
    match lang {
        Lang::En => eprintln!("vigie: {error:#}"),
        Lang::Fr => eprintln!("vigie\u{a0}: {}", french::phrases::chain(error)),
    }
}

/// Does what ctrl-c may end at any moment.
fn at_once(work: impl FnOnce() -> anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    AT_ONCE.store(true, Ordering::SeqCst);
    work()
}

/// The first ctrl-c ends the run cleanly with what is known so far; a second one ends it at once.
fn stop_on_ctrl_c(cancel: &Arc<AtomicBool>, lang: Lang) {
    let flag = Arc::clone(cancel);
    let installed = ctrlc::set_handler(move || {
        if SERVING.load(Ordering::SeqCst) {
            return;
        }
        if flag.swap(true, Ordering::SeqCst) || AT_ONCE.load(Ordering::SeqCst) {
            std::process::exit(i32::from(STOPPED));
        }
        let said = tell(
            lang,
            "stopping: what was read so far will be shown; press ctrl-c again to leave at once",
            "arrêt\u{a0}: ce qui a été lu sera montré\u{202f}; ctrl-c encore une fois pour quitter aussitôt",
        );
        eprintln!("\n{said}");
    });
    if let Err(error) = installed {
        let said = tell(
            lang,
            "ctrl-c will not stop cleanly:",
            "ctrl-c n’arrêtera pas proprement\u{a0}:",
        );
        eprintln!("vigie: {said} {error}");
    }
}

/// One of two texts, by language.
fn tell<'a>(lang: Lang, english: &'a str, french: &'a str) -> &'a str {
    match lang {
        Lang::En => english,
        Lang::Fr => french,
    }
}

/// `vigie hunt ... | head` is not an error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
