//! `vigie indicators`, and the lists that `vigie hunt --indicators` reads.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use vigie_detect::indicators::{ALL_KINDS, Format, Import, IndicatorList, IndicatorSet, import};
use vigie_report::Lang;

use crate::tell;
use vigie_hunt::Message;
use vigie_hunt::message::Code;

/// Bytes of one file of indicators: it is read into memory, ten million hashes take less.
const LARGEST: u64 = 1 << 30;

/// Arguments of `vigie indicators`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: IndicatorsCommand,
}

#[derive(Subcommand)]
enum IndicatorsCommand {
    /// How many indicators files hold, of which kinds, which are refused and why, how many are expired
    Check {
        /// Files of indicators: CSV, plain lists, STIX 2.1 or MISP JSON, told by their content
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Runs `vigie indicators`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let IndicatorsCommand::Check { files } = &arguments.command;
    check(files, lang, &mut std::io::stdout().lock())
}

fn read_file(path: &Path) -> Result<Import> {
    let cannot = || format!("cannot read {}", path.display());
    let size = fs::metadata(path).with_context(cannot)?.len();
    if size > LARGEST {
        bail!(
            "{} is larger than {} MiB; split it, --indicators may be given several times",
            path.display(),
            LARGEST >> 20
        );
    }
    let bytes = fs::read(path).with_context(cannot)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Ok(import(&bytes, &name))
}

/// The lists for a hunt.
#[derive(Default)]
pub(crate) struct Lists {
    pub(crate) lists: Vec<Arc<IndicatorList>>,
    /// What their reader must know of them.
    pub(crate) notes: Vec<Message>,
    /// Entries refused.
    pub(crate) refused: u64,
}

/// Reads the lists for a hunt.
pub(crate) fn read(files: &[PathBuf]) -> Result<Lists> {
    let Lists {
        mut lists,
        mut notes,
        mut refused,
    } = Lists::default();
    for path in files {
        let read = read_file(path)?;
        refused += read.refused();
        let shown = path.display();
        if read.list.is_empty() {
            let why = match read.problems.first() {
                Some(problem) => problem.to_string(),
                None => "everything in it is set aside".to_owned(),
            };
            bail!("no indicator could be read from {shown}: {why}; `vigie indicators check` says more");
        }
        if read.format == Some(Format::List) && read.refused() > read.list.len() as u64 {
            bail!(
                "{shown} is no list of indicators: {} lines look like some, {} do not; `vigie indicators check` says more",
                read.list.len(),
                read.refused()
            );
        }
        if let Some(first) = read.problems.first() {
            let parameters = [
                ("path", shown.to_string().into()),
                ("used", read.list.len().into()),
                ("refused", read.refused().into()),
                ("cause", first.to_string().into()),
            ];
            notes.push(Message::new(Code::IndicatorsPartly, parameters));
        }
        notes.extend(read.set_aside.iter().map(|(what, count)| {
            let parameters = [("cause", what.to_string().into()), ("count", (*count).into())];
            let said = Message::new(Code::IndicatorsSetAside, parameters);
            Message::new(
                Code::At,
                [("path", shown.to_string().into()), ("said", said.into())],
            )
        }));
        lists.push(Arc::new(read.list));
    }
    Ok(Lists {
        lists,
        notes,
        refused,
    })
}

fn check(files: &[PathBuf], lang: Lang, out: &mut dyn Write) -> Result<ExitCode> {
    let mut lists = Vec::new();
    let mut refused = 0;
    let say = |english, french| tell(lang, english, french);
    for path in files {
        let read = read_file(path)?;
        refused += read.refused();
        write_file(path, &read, lang, out)?;
        lists.push(Arc::new(read.list));
    }
    let (set, left_out) = IndicatorSet::of_lists(lists);
    for one in &left_out {
        writeln!(
            out,
            "{} {}: {}",
            one.indicator.kind, one.indicator.value, one.reason
        )?;
    }
    refused += left_out.len() as u64;
    writeln!(
        out,
        "{} {}, {} {}, {refused} {}",
        set.len(),
        say("indicator(s) can be looked for", "indicateur(s) utilisable(s)"),
        set.repeated(),
        say("repeated", "en double"),
        say("refused", "refusé(s)")
    )?;
    Ok(if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn write_file(path: &Path, read: &Import, lang: Lang, out: &mut dyn Write) -> Result<()> {
    let say = |english, french| tell(lang, english, french);
    let shown = path.display();
    for problem in &read.problems {
        writeln!(out, "{shown}:{}: {}", problem.line, problem.message)?;
    }
    if read.more_problems > 0 {
        let more = say("more refused", "autres refus");
        writeln!(out, "{shown}: {} {more}", read.more_problems)?;
    }
    let format = read
        .format
        .map_or_else(|| "?".to_owned(), |format| format.to_string());
    let colon = say(":", "\u{a0}:");
    writeln!(
        out,
        "{shown} ({format}){colon} {} {}",
        read.list.len(),
        say("read", "lu(s)")
    )?;
    for kind in ALL_KINDS {
        let count = read.list.count(kind);
        if count > 0 {
            writeln!(out, "  {kind:<16} {count:>9}")?;
        }
    }
    let expired = read.list.expired(now());
    if expired > 0 {
        let what = say(
            "expired by now; they still match what happened while they were valid",
            "expiré(s)\u{a0}; ils valent encore pour ce qui s’est passé pendant leur validité",
        );
        writeln!(out, "  {expired} {what}")?;
    }
    for (what, count) in &read.set_aside {
        writeln!(
            out,
            "  {}{colon} {what} ({count})",
            say("not used", "non utilisé")
        )?;
    }
    Ok(())
}

/// Microseconds since 1970.
fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or(i64::MAX)
}
