//! `vigie exposure inventory`: what files say, before anything is made of it.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use vigie_exposure::inventory::{InventoryError, Mappings, TableView};
use vigie_exposure::merge_with;
use vigie_report::Lang;

use super::sources::{Source, Sources};
use super::{preview, preview_json};
use crate::outputs::Output;
use crate::tell;

/// Arguments of `vigie exposure inventory`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The files, as for `assess --inventory`
    #[arg(required_unless_present = "outside_scan", value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// Write what the columns of tables were taken for, to be completed by hand and read with --mapping. An existing
    /// file is not written over
    #[arg(long, value_name = "FILE")]
    save_mapping: Option<PathBuf>,
    /// How many rows of each file are shown as they were understood
    #[arg(long, value_name = "N", default_value_t = 5)]
    rows: usize,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write there instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// Everything, for programs: see docs/inventory.md
    Json,
}

/// Runs `vigie exposure inventory`. A file that cannot be read is said, the others are shown, and the run fails.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let inputs = arguments.sources.files(&arguments.files);
    let output = arguments.output.as_deref();
    let output = output.map(|path| Output::open(path, &inputs)).transpose()?;
    let gathered = arguments.sources.read(&arguments.files, lang)?;
    let observations = gathered
        .sources
        .iter()
        .filter_map(|source| source.read.as_ref().ok())
        .flat_map(|reading| reading.observations.iter().cloned());
    let mut estate = merge_with(observations.collect(), &gathered.decisions);
    estate.warnings.extend(gathered.unused);
    let write = |out: &mut dyn Write| match arguments.format {
        Format::Table => {
            let page = preview::table(&gathered.sources, &estate, arguments.rows, lang);
            out.write_all(page.as_bytes())
        }
        Format::Json => preview_json::json(&gathered.sources, &estate, arguments.rows, out),
    };
    match output {
        Some(output) => output.write(write)?,
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            write(&mut out)?;
            out.flush()?;
        }
    }
    let mut refused = gathered.sources.iter().filter(|source| source.read.is_err());
    let Some(path) = &arguments.save_mapping else {
        return Ok(match refused.next() {
            Some(_) => ExitCode::FAILURE,
            None => ExitCode::SUCCESS,
        });
    };
    save(path, &gathered.sources, lang)?;
    // A table that is refused because nobody knows its columns is what a mapping is for.
    let is_mapped = |source: &&Source| matches!(source.read, Err(InventoryError::NoServers { .. }));
    Ok(match refused.all(|source| is_mapped(&source)) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Writes a mapping file of all tables.
fn save(path: &Path, sources: &[Source], lang: Lang) -> Result<()> {
    let tables: Vec<&TableView> = sources
        .iter()
        .flat_map(|source| match &source.read {
            Ok(reading) => reading.tables.as_slice(),
            Err(InventoryError::NoServers { tables, .. }) => tables.as_slice(),
            Err(_) => &[],
        })
        .collect();
    if tables.is_empty() {
        bail!(
            "{}",
            tell(
                lang,
                "there is no table in these files: nothing to map",
                "il n’y a aucun tableau dans ces fichiers\u{a0}: rien à faire correspondre"
            )
        );
    }
    let shown = path.display().to_string();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(|| {
            let cannot = tell(lang, "cannot write", "impossible d’écrire");
            let hint = tell(
                lang,
                "an existing mapping is not written over",
                "une correspondance existante n’est jamais remplacée",
            );
            format!("{cannot} {shown} ({hint})")
        })?;
    file.write_all(Mappings::write(&tables).as_bytes())
        .with_context(|| shown.clone())?;
    let done = tell(
        lang,
        "mapping written, to be completed where it says ?:",
        "correspondance écrite, à compléter là où il y a ?\u{a0}:",
    );
    eprintln!("{done} {shown}");
    Ok(())
}
