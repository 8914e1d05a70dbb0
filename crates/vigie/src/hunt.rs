//! `vigie hunt`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use vigie_detect::sigma::RuleSource;
use vigie_event::{Timestamp, parse_utc};
use vigie_hunt::{HuntOptions, HuntResult, Verdict};
use vigie_pack::Pack;
use vigie_report::Lang;

use crate::REACHED;
use crate::progress::Bar;

/// Arguments of `vigie hunt`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Folders, archives or files to hunt in
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A pack by name, or a folder that holds one; may be repeated. Without it all packs run
    #[arg(long, value_name = "NAME|DIR")]
    pack: Vec<String>,
    /// A folder or file of Sigma rules to run beside the packs; may be repeated
    #[arg(long, value_name = "DIR")]
    rules: Vec<PathBuf>,
    /// Only events from this instant on (RFC 3339 or a date, UTC)
    #[arg(long, value_name = "T", value_parser = instant)]
    since: Option<Timestamp>,
    /// Only events before this instant (RFC 3339 or a date, UTC)
    #[arg(long, value_name = "T", value_parser = instant)]
    until: Option<Timestamp>,
    /// Language of tables and reports; the default is that of the system
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write there instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write the HTML report there
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Worker threads; the default is one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Exit with status 3 when a server's verdict is this one or worse
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    fail_on: Option<Verdict>,
    /// No progress bar and no notes on standard error
    #[arg(long)]
    quiet: bool,
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
    Table,
    Json,
    Jsonl,
    Csv,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    parse_utc(text).ok_or_else(|| "write it as 2021-03-03 or 2021-03-03T06:49:46Z (UTC)".to_owned())
}

fn verdict(text: &str) -> Result<Verdict, String> {
    Verdict::from_id(text)
        .ok_or_else(|| "one of no_evidence, unknown, attempted, suspected, compromised".to_owned())
}

/// Runs `vigie hunt`.
pub(crate) fn run(arguments: &Arguments, cancel: &Arc<AtomicBool>) -> Result<ExitCode> {
    let lang = Language::choose(arguments.lang);
    let bar = Bar::new(arguments.quiet);
    let mut options = HuntOptions {
        packs: load_packs(&arguments.pack)?,
        rules: read_rules(&arguments.rules)?,
        since: arguments.since,
        until: arguments.until,
        ..HuntOptions::default()
    };
    options.evidence.threads = arguments.threads;
    options.evidence.cancel = Arc::clone(cancel);
    options.evidence.progress = bar.clone().map(|bar| bar as Arc<dyn vigie_evidence::Progress>);
    let result = vigie_hunt::hunt(&arguments.paths, &options)?;
    if let Some(bar) = bar {
        bar.finish();
    }
    if let Some(path) = &arguments.report {
        write_report(&result, lang, path)?;
        if !arguments.quiet {
            eprintln!(
                "{}: {}",
                if lang == Lang::Fr { "rapport" } else { "report" },
                path.display()
            );
        }
    }
    print(&result, lang, arguments)?;
    let worst = result.hosts.iter().map(|host| host.verdict).max();
    let reached = arguments
        .fail_on
        .is_some_and(|limit| worst.is_some_and(|worst| worst >= limit));
    Ok(if reached {
        ExitCode::from(REACHED)
    } else {
        ExitCode::SUCCESS
    })
}

fn print(result: &HuntResult, lang: Lang, arguments: &Arguments) -> Result<()> {
    let mut out: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
        )),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    match arguments.format {
        Format::Table => {
            let colour = colour(arguments.output.is_none());
            out.write_all(vigie_report::table(result, lang, terminal_width(), colour).as_bytes())?;
        }
        Format::Json => vigie_report::json(result, &mut out)?,
        Format::Jsonl => vigie_report::jsonl(result, &mut out)?,
        Format::Csv => vigie_report::csv(result, lang, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

/// Whether what goes to standard output may have colours.
pub(crate) fn colour(to_stdout: bool) -> bool {
    to_stdout && io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Columns to wrap at: what the shell says, or 100.
pub(crate) fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    columns.clamp(60, 160)
}

/// Writes the HTML report.
pub(crate) fn write_report(result: &HuntResult, lang: Lang, path: &Path) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut out = BufWriter::new(file);
    vigie_report::html(result, lang, &mut out)?;
    out.flush()
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The packs named, or all that are built in.
pub(crate) fn load_packs(named: &[String]) -> Result<Vec<Pack>> {
    let all: Vec<String>;
    let names = if named.is_empty() {
        all = vigie_pack::embedded_names();
        &all
    } else {
        named
    };
    names.iter().map(|name| load_pack(name)).collect()
}

/// A pack by name, or from a folder.
pub(crate) fn load_pack(name: &str) -> Result<Pack> {
    let path = Path::new(name);
    if path.is_dir() {
        return Ok(Pack::load_dir(path)?);
    }
    Ok(Pack::load_embedded(name)?)
}

/// Every `.yml` and `.yaml` file under the given folders, in order of their paths.
pub(crate) fn read_rules(paths: &[PathBuf]) -> Result<Vec<RuleSource>> {
    let mut files = Vec::new();
    for path in paths {
        collect_rules(path, &mut files, 0)
            .with_context(|| format!("cannot read rules from {}", path.display()))?;
    }
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok(RuleSource {
                path: path.display().to_string(),
                text,
                pack: None,
            })
        })
        .collect()
}

fn collect_rules(path: &Path, files: &mut Vec<PathBuf>, depth: usize) -> io::Result<()> {
    const DEEPEST: usize = 32;
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let is_rule = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml");
        if kind.is_dir() && depth < DEEPEST {
            collect_rules(&entry.path(), files, depth + 1)?;
        } else if kind.is_file() && is_rule {
            files.push(entry.path());
        }
    }
    Ok(())
}
