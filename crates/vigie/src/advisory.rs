//! `vigie advisory`, and `vigie pack new`: what others publish about a threat.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use vigie_advisory::csaf::{self, NOT_RUN, Severity};
use vigie_advisory::cve::CveRecord;
use vigie_advisory::draft::{KnownProduct, Sources, draft};
use vigie_advisory::epss::Epss;
use vigie_advisory::json::{Json, LARGEST};
use vigie_advisory::kev::Kev;
use vigie_report::Lang;

use crate::french::phrases;
use crate::tell;

/// Bytes of EPSS scores when unpacked: 300,000 vulnerabilities take 10 MB.
const UNPACKED: u64 = 256 << 20;

/// Arguments of `vigie advisory`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: AdvisoryCommand,
}

#[derive(Subcommand)]
enum AdvisoryCommand {
    /// Test CSAF 2.0 documents as the specification says
    Check {
        /// CSAF documents
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// How to print the results
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A line per finding
    Table,
    /// One JSON document
    Json,
}

/// Arguments of `vigie pack new`.
#[derive(Args)]
pub(crate) struct NewArguments {
    /// A CSAF 2.0 advisory
    #[arg(long, required_unless_present = "cve")]
    from: Option<PathBuf>,
    /// CISA's catalogue of known exploited vulnerabilities, JSON
    #[arg(long)]
    kev: Option<PathBuf>,
    /// EPSS scores, CSV, packed with gzip or not
    #[arg(long)]
    epss: Option<PathBuf>,
    /// CVE records, JSON 5
    #[arg(long, num_args = 1..)]
    cve: Vec<PathBuf>,
    /// The folder to write; its name is the pack's
    #[arg(long)]
    out: PathBuf,
}

/// Runs `vigie advisory`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let AdvisoryCommand::Check { files, format } = &arguments.command;
    let mut out = std::io::stdout().lock();
    let mut documents = Vec::new();
    let mut valid = true;
    for path in files {
        let report = csaf::check(&read(path, LARGEST as u64)?);
        let shown = path.display();
        match (report, format) {
            (Ok(report), Format::Table) => {
                valid &= report.is_valid();
                write_report(&shown.to_string(), &report, lang, &mut out)?;
            }
            (Ok(report), Format::Json) => {
                valid &= report.is_valid();
                documents.push(json!({
                    "file": shown.to_string(),
                    "valid": report.is_valid(),
                    "findings": report.findings,
                    "more": report.more,
                }));
            }
            (Err(error), Format::Table) => {
                valid = false;
                let said = match lang {
                    Lang::En => format!("{shown}: {error}"),
                    Lang::Fr => format!("{shown}\u{a0}: {}", phrases::say(&error.to_string())),
                };
                writeln!(out, "{said}")?;
            }
            (Err(error), Format::Json) => {
                valid = false;
                documents
                    .push(json!({ "file": shown.to_string(), "valid": false, "error": error.to_string() }));
            }
        }
    }
    if matches!(format, Format::Json) {
        let not_run: Vec<_> = NOT_RUN
            .iter()
            .map(|(test, why)| json!({ "test": test, "why": why }))
            .collect();
        let all = json!({ "schema_version": "1.0", "documents": documents, "not_run": not_run });
        serde_json::to_writer_pretty(&mut out, &all)?;
        writeln!(out)?;
    }
    Ok(if valid {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn write_report(file: &str, report: &csaf::Report, lang: Lang, out: &mut dyn Write) -> Result<()> {
    for finding in &report.findings {
        match lang {
            Lang::En => writeln!(out, "{file}: {finding}")?,
            Lang::Fr => {
                let severity = match finding.severity.to_string().as_str() {
                    "error" => "erreur",
                    "warning" => "avertissement",
                    _ => "remarque",
                };
                let path = if finding.path.is_empty() {
                    "/"
                } else {
                    &finding.path
                };
                let (test, said) = (finding.test, &finding.message);
                writeln!(
                    out,
                    "{file}\u{a0}: {severity} [{test}] {path}\u{a0}: «\u{a0}{said}\u{a0}»"
                )?;
            }
        }
    }
    for (test, count) in &report.more {
        writeln!(out, "{file}: [{test}] {count} {}", tell(lang, "more", "de plus"))?;
    }
    let verdict = match report.is_valid() {
        true => tell(lang, "valid", "valide"),
        false => tell(lang, "not valid", "non valide"),
    };
    writeln!(
        out,
        "{file}: {verdict}, {} {}, {} {}, {} {}",
        report.count(Severity::Error),
        tell(lang, "error(s)", "erreur(s)"),
        report.count(Severity::Warning),
        tell(lang, "warning(s)", "avertissement(s)"),
        report.count(Severity::Note),
        tell(lang, "note(s)", "remarque(s)")
    )?;
    Ok(())
}

/// Runs `vigie pack new`.
pub(crate) fn new_pack(arguments: &NewArguments, lang: Lang, out: &mut dyn Write) -> Result<ExitCode> {
    let name = arguments
        .out
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let advisory = arguments
        .from
        .as_deref()
        .map(|path| read_advisory(path, lang, out))
        .transpose()?;
    let kev = match &arguments.kev {
        Some(path) => {
            Some(Kev::parse(&read(path, LARGEST as u64)?).with_context(|| path.display().to_string())?)
        }
        None => None,
    };
    let epss = match &arguments.epss {
        Some(path) => Some(Epss::parse(&read_packed(path)?).with_context(|| path.display().to_string())?),
        None => None,
    };
    for (what, warning) in [("KEV", kev.as_ref().and_then(|kev| kev.warnings.first().cloned()))] {
        if let Some(warning) = warning {
            eprintln!("vigie: {what}: {warning}");
        }
    }
    if let Some(epss) = epss.as_ref().filter(|epss| epss.refused > 0) {
        let said = tell(lang, "line(s) not read", "ligne(s) non lue(s)");
        eprintln!("vigie: EPSS: {} {said}", epss.refused);
    }
    let mut records = Vec::new();
    for path in &arguments.cve {
        let record =
            CveRecord::parse(&read(path, LARGEST as u64)?).with_context(|| path.display().to_string())?;
        records.push(record);
    }
    let products = known_products()?;
    let draft = draft(&Sources {
        name: &name,
        advisory: advisory.as_ref(),
        kev: kev.as_ref(),
        epss: epss.as_ref(),
        records: &records,
        products: &products,
    })?;
    write_files(&arguments.out, &draft.files)?;
    vigie_pack::Pack::load_dir(&arguments.out)?;
    writeln!(
        out,
        "{}: {} {}",
        arguments.out.display(),
        draft.vulnerabilities,
        tell(
            lang,
            "vulnerability(ies); to fill in:",
            "vulnérabilité(s) ; à compléter :"
        )
    )?;
    for (english, french) in &draft.to_fill {
        writeln!(out, "  - {}", tell(lang, english, french))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads an advisory; one that is not valid is used all the same, and what is wrong with it is said.
fn read_advisory(path: &Path, lang: Lang, out: &mut dyn Write) -> Result<Json> {
    let shown = path.display();
    let json = Json::parse(&read(path, LARGEST as u64)?).with_context(|| shown.to_string())?;
    if json
        .get("document")
        .and_then(|head| head.get("csaf_version"))
        .is_none()
    {
        bail!("{shown} is no CSAF document: it has no document.csaf_version; CVE records are given by --cve");
    }
    let report = csaf::check_json(&json);
    if !report.is_valid() {
        let said = tell(
            lang,
            "not a valid CSAF document, read as far as it goes; `vigie advisory check` says more",
            "document CSAF non valide, lu autant que possible ; `vigie advisory check` en dit plus",
        );
        writeln!(out, "{shown}: {said}")?;
    }
    Ok(json)
}

fn known_products() -> Result<Vec<KnownProduct>> {
    let products = vigie_pack::Product::embedded().map_err(|problems| {
        anyhow::anyhow!(
            "{}",
            problems.first().map_or_else(String::new, ToString::to_string)
        )
    })?;
    let known = |product: vigie_pack::Product| KnownProduct {
        lines: product
            .lines
            .iter()
            .map(|line| (line.line.clone(), line.title.clone()))
            .collect(),
        builds: product
            .builds
            .iter()
            .map(|build| {
                (
                    build.product.clone(),
                    build.cumulative_update.clone(),
                    build.build.0,
                )
            })
            .collect(),
        id: product.id,
    };
    Ok(products.into_iter().map(known).collect())
}

/// Writes the files into a folder that has none yet.
fn write_files(folder: &Path, files: &std::collections::BTreeMap<String, String>) -> Result<()> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty: give a new folder", folder.display());
    }
    for (name, text) in files {
        let path = folder.join(name);
        let cannot = || format!("cannot write {}", path.display());
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).with_context(cannot)?;
        }
        fs::write(&path, text).with_context(cannot)?;
    }
    Ok(())
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = fs::File::open(path).with_context(cannot)?;
    file.take(most + 1).read_to_end(&mut bytes).with_context(cannot)?;
    if bytes.len() as u64 > most {
        bail!("{} is larger than {} MiB", path.display(), most >> 20);
    }
    Ok(bytes)
}

/// Reads a file that may be packed with gzip.
fn read_packed(path: &Path) -> Result<Vec<u8>> {
    let bytes = read(path, UNPACKED)?;
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let reader = flate2::read::MultiGzDecoder::new(bytes.as_slice());
    reader
        .take(UNPACKED + 1)
        .read_to_end(&mut unpacked)
        .with_context(|| format!("cannot unpack {}", path.display()))?;
    if unpacked.len() as u64 > UNPACKED {
        bail!(
            "{} is larger than {} MiB when unpacked",
            path.display(),
            UNPACKED >> 20
        );
    }
    Ok(unpacked)
}
