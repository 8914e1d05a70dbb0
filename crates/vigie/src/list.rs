//! `vigie manifest`, `vigie pack`, `vigie rules`: what is there.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use vigie_detect::sigma::RuleSet;
use vigie_event::{EventBatch, format_utc};
use vigie_evidence::{FileRef, Sink};

use crate::hunt::{load_pack, read_rules};
use crate::progress::Bar;

/// Arguments of `vigie manifest`.
#[derive(Args)]
pub(crate) struct ManifestArguments {
    /// Folders, archives or files to read
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

struct Nothing;

impl Sink for Nothing {
    fn batch(&self, _file: &FileRef, _batch: EventBatch) {}
}

/// Runs `vigie manifest`.
pub(crate) fn manifest(arguments: &ManifestArguments, cancel: &Arc<AtomicBool>) -> Result<ExitCode> {
    let bar = Bar::new(false);
    let options = vigie_evidence::Options {
        cancel: Arc::clone(cancel),
        progress: bar.clone().map(|bar| bar as Arc<dyn vigie_evidence::Progress>),
        ..vigie_evidence::Options::default()
    };
    let manifest = vigie_evidence::read(&arguments.paths, &options, &Nothing)?;
    if let Some(bar) = bar {
        bar.finish();
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &manifest)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for unit in &manifest.units {
        let host = unit.host.as_deref().unwrap_or("?");
        let tenant = unit.tenant.as_deref().unwrap_or("-");
        writeln!(
            out,
            "# {} ({}): tenant {tenant}, host {host}",
            unit.path, unit.container
        )?;
    }
    for file in manifest.by_path() {
        let hash = if file.sha256.is_empty() { "-" } else { &file.sha256 };
        let times = |time: Option<i64>| time.map_or("-".to_owned(), format_utc);
        writeln!(
            out,
            "{hash} {:>12} {:>9} {:<16} {} {} {}",
            file.size,
            file.records,
            file.source.unwrap_or("-"),
            times(file.first),
            times(file.last),
            file.path
        )?;
        for skip in &file.skipped {
            let at = skip
                .first_at
                .as_deref()
                .map(|at| format!(", first at {at}"))
                .unwrap_or_default();
            writeln!(
                out,
                "    skipped: {} ({} records, {} bytes{at})",
                skip.why, skip.records, skip.bytes
            )?;
        }
    }
    for warning in &manifest.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    writeln!(
        out,
        "{} files, {} bytes, {} records",
        manifest.files.len(),
        manifest.bytes,
        manifest.records
    )?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Arguments of `vigie pack`.
#[derive(Args)]
pub(crate) struct PackArguments {
    #[command(subcommand)]
    command: PackCommand,
}

#[derive(Subcommand)]
enum PackCommand {
    /// The packs that are built in
    List,
    /// What a pack knows
    Show {
        /// A pack by name, or a folder that holds one
        pack: String,
    },
    /// Whether a pack is sound: rules, fixtures, indicators, texts in both languages
    Check {
        /// A pack by name, or a folder that holds one
        pack: String,
    },
}

/// Runs `vigie pack`.
pub(crate) fn pack(arguments: &PackArguments) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match &arguments.command {
        PackCommand::List => {
            for name in vigie_pack::embedded_names() {
                let pack = load_pack(&name)?;
                writeln!(
                    out,
                    "{name:<20} {:<8} {:>3} rules  {}",
                    pack.version,
                    pack.rules.len(),
                    pack.title.en
                )?;
            }
        }
        PackCommand::Show { pack } => show(&load_pack(pack)?, &mut out)?,
        PackCommand::Check { pack } => {
            let pack = load_pack(pack)?;
            let problems = vigie_pack::check(&pack);
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            if !problems.is_empty() {
                bail!("pack {} has {} problem(s)", pack.name, problems.len());
            }
            writeln!(
                out,
                "{}: sound ({} rules, {} indicators)",
                pack.name,
                pack.rules.len(),
                pack.indicators.len()
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(pack: &vigie_pack::Pack, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{} {}: {}", pack.name, pack.version, pack.title.en)?;
    let to = pack.window.to.map_or("now".to_owned(), format_utc);
    writeln!(out, "window: {} to {to}", format_utc(pack.window.from))?;
    let cves: Vec<&str> = pack.cves.iter().map(|cve| cve.id.as_str()).collect();
    writeln!(out, "CVEs: {}", cves.join(", "))?;
    writeln!(
        out,
        "{} Sigma rules, {} YARA files, {} indicators, {} builds",
        pack.rules.len(),
        pack.yara.len(),
        pack.indicators.len(),
        pack.builds.len()
    )?;
    writeln!(out, "stages:")?;
    for stage in &pack.stages {
        writeln!(out, "  {:<22} {}", stage.id, stage.title.en)?;
    }
    writeln!(out, "log sources that matter:")?;
    for source in &pack.log_sources {
        let required = if source.required { "required" } else { "helpful" };
        writeln!(out, "  {:<50} {required:<9} {}", source.source, source.title.en)?;
    }
    Ok(())
}

/// Arguments of `vigie rules`.
#[derive(Args)]
pub(crate) struct RulesArguments {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Subcommand)]
enum RulesCommand {
    /// Which rules load, which are refused and why
    Check {
        /// Folders or files of Sigma rules
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

/// Runs `vigie rules`.
pub(crate) fn rules(arguments: &RulesArguments) -> Result<ExitCode> {
    let RulesCommand::Check { paths } = &arguments.command;
    let sources = read_rules(paths)?;
    let loaded = RuleSet::compile(&sources);
    let mut out = std::io::stdout().lock();
    for refused in &loaded.refused {
        let line = refused.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "{}{line}: {}", refused.path, refused.why)?;
    }
    writeln!(
        out,
        "{} rules loaded, {} refused",
        loaded.rules.rules().len(),
        loaded.refused.len()
    )?;
    Ok(if loaded.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
