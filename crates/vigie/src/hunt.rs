//! `vigie hunt`.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use vigie_event::{Timestamp, parse_utc};
use vigie_evidence::Limits;
use vigie_hunt::message::Code;
use vigie_hunt::{HuntOptions, HuntResult, Message, Verdict};
use vigie_report::Lang;

use crate::choose::Chosen;
use crate::french::{phrases, refuse};
use crate::knowledge::{load_packs, read_placeholders, read_rules, read_suppressions};
use crate::outputs::Output;
use crate::progress::Bar;
use crate::{REACHED, REFUSED, STOPPED, tell};

/// Arguments of `vigie hunt`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folders, archives or files to hunt in
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A pack by name, or a folder that holds one; may be repeated. Without it all packs that have rules run
    #[arg(long, value_name = "NAME|DIR")]
    pack: Vec<String>,
    /// Run no pack, only the rules given by --rules
    #[arg(long, conflicts_with = "pack", requires = "rules")]
    no_pack: bool,
    /// A folder or file of Sigma rules to run beside the packs; may be repeated
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// A file of indicators to look for beside the packs (CSV, a plain list, STIX 2.1 or MISP JSON); may be repeated
    #[arg(long, value_name = "FILE")]
    indicators: Vec<PathBuf>,
    /// A YAML file that gives the placeholders of `|expand` in rules their values
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,
    /// A YAML list of events known to be harmless: rule, host, fields, with a reason, an author and an expiry; may be
    /// repeated. What it hides is counted and listed
    #[arg(long, value_name = "FILE")]
    suppress: Vec<PathBuf>,
    /// Only events from this instant on (RFC 3339 or a date, UTC)
    #[arg(long, value_name = "T", value_parser = instant)]
    since: Option<Timestamp>,
    /// Only events before this instant (RFC 3339 or a date, UTC)
    #[arg(long, value_name = "T", value_parser = instant)]
    until: Option<Timestamp>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write there instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write the HTML report there
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Worker threads, 1 to 512; the default is one per core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,
    /// Exit with status 3 when a server's verdict is this one or worse: no_evidence, unknown, attempted, suspected,
    /// compromised
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    fail_on: Option<Verdict>,
    /// Exit with status 4 when a rule, an indicator or a suppression was refused; without it that is only a warning
    #[arg(long)]
    strict: bool,
    /// Another cap on what evidence may cost, such as content_bytes=32M; may be repeated. `--limit help` lists them
    #[arg(long, value_name = "NAME=VALUE")]
    limit: Vec<String>,
    /// No progress bar and no notes on standard error
    #[arg(long)]
    quiet: bool,
    // Last: its heading would stand over what comes after it.
    #[command(flatten)]
    chosen: Chosen,
}

/// A language of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    En,
    Fr,
}

impl Language {
    /// What the user said, or what the system says.
    pub(crate) fn choose(said: Option<Language>) -> Lang {
        let french = match said {
            Some(language) => language == Language::Fr,
            None => ["LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
                .is_some_and(|value| value.to_lowercase().starts_with("fr")),
        };
        if french { Lang::Fr } else { Lang::En }
    }
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Verdicts, reasons and storylines for people
    Table,
    /// Everything, see docs/hunt.schema.json
    Json,
    /// The same, one object per line
    Jsonl,
    /// One row per finding
    Csv,
    /// JSON lines for Timesketch: one per line of evidence
    Timesketch,
    /// JSON lines: Detection Findings of OCSF 1.5.0
    Ocsf,
    /// A layer for the ATT&CK Navigator: the techniques seen
    Navigator,
}

/// The caps asked for. `help` lists all and ends the program.
fn limits(asked: &[String], lang: Lang) -> Limits {
    if asked.iter().any(|asked| asked == "help") {
        let mut out = io::stdout().lock();
        // Whoever stopped reading has seen enough.
        let _ = Limits::names()
            .iter()
            .try_for_each(|limit| writeln!(out, "{limit}"));
        std::process::exit(0);
    }
    let mut limits = Limits::default();
    for asked in asked {
        let set = match asked.split_once('=') {
            Some((name, value)) => limits.set(name, value).map_err(|error| error.to_string()),
            None => Err(format!(
                "{asked}: write it as NAME=VALUE; --limit help lists the names"
            )),
        };
        if let Err(error) = set {
            refuse(lang, ErrorKind::ValueValidation, &error, &phrases::say(&error));
        }
    }
    limits
}

fn instant(text: &str) -> Result<Timestamp, String> {
    parse_utc(text).ok_or_else(|| "write it as 2021-03-03 or 2021-03-03T06:49:46Z (UTC)".to_owned())
}

fn verdict(text: &str) -> Result<Verdict, String> {
    Verdict::from_id(text)
        .ok_or_else(|| "one of no_evidence, unknown, attempted, suspected, compromised".to_owned())
}

/// Runs `vigie hunt`.
pub(crate) fn run(arguments: &Arguments, lang: Lang, cancel: &Arc<AtomicBool>) -> Result<ExitCode> {
    if let (Some(since), Some(until)) = (arguments.since, arguments.until)
        && since >= until
    {
        refuse(
            lang,
            ErrorKind::ValueValidation,
            "--since must lie before --until",
            "--since doit précéder --until",
        );
    }
    if let Some(option) = arguments.chosen.needs_rules()
        && arguments.rules.is_empty()
    {
        refuse(
            lang,
            ErrorKind::MissingRequiredArgument,
            &format!("{option} chooses among the rules of --rules, and there are none; packs run whole"),
            &format!(
                "{option} choisit parmi les règles de --rules, et il n'y en a pas ; les packs s'appliquent en entier"
            ),
        );
    }
    let limits = limits(&arguments.limit, lang);
    // A path mistyped is said before a file is made for the answer.
    for path in &arguments.paths {
        std::fs::metadata(path).with_context(|| {
            format!(
                "cannot open {}; check the path and its permissions",
                path.display()
            )
        })?;
    }
    let open = |path: &Option<PathBuf>| {
        path.as_deref()
            .map(|path| Output::open(path, &arguments.paths))
            .transpose()
    };
    let indicators = crate::indicators::read(&arguments.indicators)?;
    let rules = read_rules(&arguments.rules)?;
    let mut options = HuntOptions {
        indicators: indicators.lists,
        packs: if arguments.no_pack {
            Vec::new()
        } else {
            load_packs(&arguments.pack)?
        },
        rules: rules.sources,
        placeholders: read_placeholders(arguments.placeholders.as_deref())?,
        suppressions: read_suppressions(&arguments.suppress)?,
        selection: arguments.chosen.selection(),
        since: arguments.since,
        until: arguments.until,
        ..HuntOptions::default()
    };
    let (output, report) = (open(&arguments.output)?, open(&arguments.report)?);
    let bar = Bar::new(arguments.quiet, lang);
    options.evidence.limits = limits;
    options.evidence.threads = arguments.threads.map_or(0, usize::from);
    options.evidence.cancel = Arc::clone(cancel);
    options.evidence.progress = bar.clone().map(|bar| bar as Arc<dyn vigie_evidence::Progress>);
    let mut result = vigie_hunt::hunt(&arguments.paths, &options)?;
    result.stats.refused += indicators.refused + rules.unread.len() as u64;
    let unread = rules.unread.iter();
    result.warnings.extend(unread.map(|refused| {
        let parameters = [("path", (&refused.path).into()), ("cause", (&refused.why).into())];
        Message::new(Code::RuleRefused, parameters)
    }));
    result.warnings.extend(indicators.notes);
    if let Some(bar) = bar {
        bar.finish();
    }
    if let (Some(report), Some(path)) = (report, &arguments.report) {
        report.write(|out| vigie_report::html(&result, lang, out))?;
        if !arguments.quiet {
            eprintln!("{}: {}", tell(lang, "report", "rapport\u{a0}"), path.display());
        }
    }
    match output {
        Some(output) => output.write(|out| print(&result, lang, arguments.format, false, out))?,
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let printed =
                print(&result, lang, arguments.format, colour(), &mut out).and_then(|()| out.flush());
            // Whoever stopped reading still wants the exit status.
            if let Err(error) = printed
                && error.kind() != io::ErrorKind::BrokenPipe
            {
                return Err(error).context("cannot write to standard output");
            }
        }
    }
    Ok(status(&result, arguments))
}

/// A run cut short is never a success, and one that could not use all it was given is none under `--strict`.
fn status(result: &HuntResult, arguments: &Arguments) -> ExitCode {
    let worst = result.hosts.iter().map(|host| host.verdict).max();
    if arguments
        .fail_on
        .is_some_and(|limit| worst.is_some_and(|worst| worst >= limit))
    {
        ExitCode::from(REACHED)
    } else if result.stats.interrupted {
        ExitCode::from(STOPPED)
    } else if arguments.strict && result.stats.refused > 0 {
        ExitCode::from(REFUSED)
    } else {
        ExitCode::SUCCESS
    }
}

fn print(
    result: &HuntResult,
    lang: Lang,
    format: Format,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => {
            out.write_all(vigie_report::table(result, lang, terminal_width(), colour).as_bytes())
        }
        Format::Json => vigie_report::json(result, out),
        Format::Jsonl => vigie_report::jsonl(result, out),
        Format::Csv => vigie_report::csv(result, lang, out),
        Format::Timesketch => vigie_report::timesketch(result, lang, out),
        Format::Ocsf => vigie_report::ocsf(result, lang, out),
        Format::Navigator => vigie_report::navigator(result, lang, out),
    }
}

/// Whether standard output may have colours.
pub(crate) fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Columns to wrap at: what the shell says, or 100.
pub(crate) fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    columns.clamp(60, 160)
}
