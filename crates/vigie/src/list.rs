//! `vigie manifest`, `vigie pack`: what is there.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use vigie_event::{EventBatch, format_utc};
use vigie_evidence::{FileEntry, FileRef, Manifest, Sink};
use vigie_report::Lang;

use crate::knowledge::load_pack;
use crate::progress::Bar;
use crate::{STOPPED, tell};

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
pub(crate) fn manifest(
    arguments: &ManifestArguments,
    lang: Lang,
    cancel: &Arc<AtomicBool>,
) -> Result<ExitCode> {
    let bar = Bar::new(false, lang);
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
    } else {
        write_manifest(&manifest, lang, &mut out)?;
    }
    out.flush()?;
    if manifest.interrupted {
        let said = tell(
            lang,
            "stopped by ctrl-c: not all was read",
            "arrêté par ctrl-c\u{a0}: tout n’a pas été lu",
        );
        eprintln!("{said}");
        return Ok(ExitCode::from(STOPPED));
    }
    Ok(ExitCode::SUCCESS)
}

fn write_manifest(manifest: &Manifest, lang: Lang, out: &mut dyn Write) -> Result<()> {
    let say = |english: &'static str, french: &'static str| tell(lang, english, french);
    for unit in &manifest.units {
        writeln!(
            out,
            "# {} ({}){} {} {}, {} {}",
            unit.path,
            unit.container,
            say(":", "\u{a0}:"),
            say("tenant", "client"),
            unit.tenant.as_deref().unwrap_or("-"),
            say("host", "machine"),
            unit.host.as_deref().unwrap_or("?")
        )?;
    }
    for file in manifest.by_path() {
        write_file(file, lang, out)?;
    }
    for warning in &manifest.warnings {
        writeln!(
            out,
            "{}{}",
            say("warning: ", "avertissement\u{a0}: "),
            lang.message(warning)
        )?;
    }
    writeln!(
        out,
        "{} {}, {} {}, {} {}",
        manifest.files.len(),
        say("file(s)", "fichier(s)"),
        manifest.bytes,
        say("bytes", "octets"),
        manifest.records,
        say("record(s)", "enregistrement(s)")
    )?;
    Ok(())
}

/// One line for the file, one for each reason of skipping.
fn write_file(file: &FileEntry, lang: Lang, out: &mut dyn Write) -> Result<()> {
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
            .map(|at| {
                format!(
                    "{}{}",
                    tell(lang, ", first at ", ", d’abord\u{a0}: "),
                    lang.place(at)
                )
            })
            .unwrap_or_default();
        writeln!(
            out,
            "    {}{} ({} {}, {} {}{at})",
            tell(lang, "skipped: ", "laissé de côté\u{a0}: "),
            lang.message(&skip.why),
            skip.records,
            tell(lang, "record(s)", "enregistrement(s)"),
            skip.bytes,
            tell(lang, "bytes", "octets")
        )?;
    }
    Ok(())
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
    /// Draft a pack from an advisory or CVE records, and say what a human must fill in
    New(crate::advisory::NewArguments),
    /// Whether a pack is sound: rules, fixtures, indicators, texts in both languages
    Check {
        /// A pack by name, or a folder that holds one
        pack: String,
    },
}

/// Runs `vigie pack`.
pub(crate) fn pack(arguments: &PackArguments, lang: Lang) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match &arguments.command {
        PackCommand::List => {
            for name in vigie_pack::embedded_names() {
                let pack = load_pack(&name)?;
                writeln!(
                    out,
                    "{name:<20} {:<8} {:>3} {}  {}",
                    pack.version,
                    pack.rules.len(),
                    tell(lang, "rules", "règles"),
                    tell(lang, &pack.title.en, &pack.title.fr)
                )?;
            }
        }
        PackCommand::Show { pack } => show(&load_pack(pack)?, lang, &mut out)?,
        PackCommand::New(arguments) => return crate::advisory::new_pack(arguments, lang, &mut out),
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
                "{}{} ({} {}, {} {})",
                pack.name,
                tell(lang, ": sound", "\u{a0}: en ordre"),
                pack.rules.len(),
                tell(lang, "rules", "règles"),
                pack.indicators.len(),
                tell(lang, "indicators", "indicateurs")
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(pack: &vigie_pack::Pack, lang: Lang, out: &mut dyn Write) -> Result<()> {
    let say = |english: &'static str, french: &'static str| tell(lang, english, french);
    let colon = say(": ", "\u{a0}: ");
    writeln!(
        out,
        "{} {}{colon}{}",
        pack.name,
        pack.version,
        tell(lang, &pack.title.en, &pack.title.fr)
    )?;
    let to = pack
        .window
        .to
        .map_or(say("now", "maintenant").to_owned(), format_utc);
    let from = format_utc(pack.window.from);
    writeln!(
        out,
        "{}{colon}{from} {} {to}",
        say("window", "période"),
        say("to", "à")
    )?;
    let cves: Vec<&str> = pack.cves.iter().map(|cve| cve.id.as_str()).collect();
    writeln!(out, "CVE{colon}{}", cves.join(", "))?;
    writeln!(
        out,
        "{} {}, {} {}, {} {}, {} {}",
        pack.rules.len(),
        say("Sigma rules", "règles Sigma"),
        pack.yara.len(),
        say("YARA files", "fichiers YARA"),
        pack.indicators.len(),
        say("indicators", "indicateurs"),
        pack.product.builds.len(),
        say("builds", "versions")
    )?;
    writeln!(out, "{}", say("stages:", "étapes\u{a0}:"))?;
    for stage in &pack.stages {
        writeln!(
            out,
            "  {:<22} {}",
            stage.id,
            tell(lang, &stage.title.en, &stage.title.fr)
        )?;
    }
    writeln!(
        out,
        "{}",
        say("log sources that matter:", "journaux qui comptent\u{a0}:")
    )?;
    for source in &pack.log_sources {
        let required = if source.required {
            say("required", "nécessaire")
        } else {
            say("helpful", "utile")
        };
        writeln!(
            out,
            "  {:<50} {required:<10} {}",
            source.source,
            tell(lang, &source.title.en, &source.title.fr)
        )?;
    }
    Ok(())
}
