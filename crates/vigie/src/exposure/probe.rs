//! `vigie exposure probe`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use vigie_event::format_utc;
use vigie_probe::{
    Journal, LARGEST_SCOPE, Options, Plan, ProbeReport, Prober, Scope, TargetReport, now, resolve,
};
use vigie_report::Lang;

use super::answers;
use crate::outputs::Output;
use crate::{STOPPED, tell};

/// Arguments of `vigie exposure probe`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The scope: who signed off, when and why, and the addresses that may be asked. Nothing else is ever asked
    #[arg(long, value_name = "FILE")]
    scope: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write there instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Log every request there, before it is sent and when it is over, as JSON lines; a log is added to. The default
    /// stands beside --output, else in the current folder
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Ask for both pages even when the first one said the full build
    #[arg(long)]
    all: bool,
    /// List each request that would be sent and send none. Names are looked up
    #[arg(long, conflicts_with_all = ["format", "output", "log"])]
    dry_run: bool,
    /// Neither the scope nor progress on standard error
    #[arg(long)]
    quiet: bool,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line per address for people, unknown builds first
    Table,
    /// Everything, for programs
    Json,
    /// One row per address for spreadsheets, with the columns of an inventory
    Csv,
}

/// Runs `vigie exposure probe`.
pub(crate) fn run(arguments: &Arguments, lang: Lang, cancel: &AtomicBool) -> Result<ExitCode> {
    let scope = read_scope(&arguments.scope)?;
    let note = |text: &str| {
        if !arguments.quiet {
            eprintln!("{text}");
        }
    };
    note(&answers::scope(&scope, lang));
    if arguments.dry_run {
        let plan = Plan::of(&scope, &resolve, None, cancel)?;
        io::stdout()
            .lock()
            .write_all(answers::plan(&plan, &scope, arguments.all, lang).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let output = match &arguments.output {
        Some(path) => Some(Output::open(path, &[])?),
        None => None,
    };
    let log = log_path(arguments);
    let journal = Journal::new(open_log(&log)?);
    let said = tell(
        lang,
        "every request is logged in",
        "chaque requête est inscrite dans",
    );
    note(&format!("{said} {}\n", log.display()));

    let plan = Plan::of(&scope, &resolve, Some(&journal), cancel)?;
    let done = AtomicUsize::new(0);
    let total = plan.targets.len();
    let on_done = |target: &TargetReport| {
        let count = done.fetch_add(1, Ordering::SeqCst) + 1;
        note(&format!("[{count}/{total}] {}", answers::line(target, lang)));
    };
    let options = Options {
        all: arguments.all,
        on_done: Some(&on_done),
        ..Options::default()
    };
    let report = Prober::new(&scope, options)
        .run(&plan, &journal, cancel)
        .with_context(|| log.display().to_string())?;
    let write = |out: &mut dyn Write| show(&report, arguments.format, lang, out);
    match output {
        Some(output) => output.write(write)?,
        None => write(&mut io::stdout().lock())?,
    }
    Ok(if cancel.load(Ordering::SeqCst) {
        ExitCode::from(STOPPED)
    } else {
        ExitCode::SUCCESS
    })
}

fn show(report: &ProbeReport, format: Format, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => out.write_all(answers::table(report, lang).as_bytes()),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, report)?;
            out.write_all(b"\n")
        }
        Format::Csv => answers::csv(report, lang, out),
    }
}

fn read_scope(path: &Path) -> Result<Scope> {
    let shown = path.display().to_string();
    let cannot = || format!("cannot read the scope {shown}");
    if fs::metadata(path).with_context(cannot)?.len() > LARGEST_SCOPE {
        bail!("{shown}: a scope has at most {} KiB", LARGEST_SCOPE >> 10);
    }
    let text = fs::read_to_string(path).with_context(cannot)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(Scope::read(&shown, text, now())?)
}

fn log_path(arguments: &Arguments) -> PathBuf {
    match (&arguments.log, &arguments.output) {
        (Some(log), _) => log.clone(),
        (None, Some(output)) => {
            let mut name = output.clone().into_os_string();
            name.push(".requests.jsonl");
            PathBuf::from(name)
        }
        (None, None) => {
            let time: String = format_utc(now())
                .chars()
                .take(19)
                .filter(char::is_ascii_alphanumeric)
                .collect();
            PathBuf::from(format!("probe-{time}Z.requests.jsonl"))
        }
    }
}

/// A log is added to, never written over.
fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| {
            format!(
                "cannot write the log of requests {}; name another place with --log",
                path.display()
            )
        })
}
