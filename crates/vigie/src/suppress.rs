//! `vigie suppress`: whether lists of suppressions are sound.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use vigie_hunt::Suppressions;
use vigie_report::Lang;

use crate::knowledge::{read_placeholders, read_suppressions};
use crate::tell;

/// Arguments of `vigie suppress`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: SuppressCommand,
}

#[derive(Subcommand)]
enum SuppressCommand {
    /// Which entries are refused and why, which have expired
    Check {
        /// Files of suppressions
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// A YAML file that gives the placeholders of `|expand` their values
        #[arg(long, value_name = "FILE")]
        placeholders: Option<PathBuf>,
    },
}

/// Runs `vigie suppress`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let SuppressCommand::Check { files, placeholders } = &arguments.command;
    let placeholders = read_placeholders(placeholders.as_deref())?;
    let known = Suppressions::read(&read_suppressions(files)?, &placeholders);
    let mut out = std::io::stdout().lock();
    for refused in &known.refused {
        match lang {
            Lang::En => writeln!(out, "{refused}")?,
            Lang::Fr => writeln!(out, "{}", refused.message().french())?,
        }
    }
    for warning in known.warnings(vigie_hunt::now()) {
        writeln!(out, "{}", lang.message(&warning))?;
    }
    writeln!(
        out,
        "{} {}, {} {}",
        known.entries.len(),
        tell(lang, "suppression(s) loaded", "exclusion(s) chargée(s)"),
        known.refused.len(),
        tell(lang, "refused", "refusée(s)")
    )?;
    Ok(if known.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
