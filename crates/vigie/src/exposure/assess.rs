//! `vigie exposure assess`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use vigie_event::{Timestamp, parse_utc};
use vigie_exposure::result::{Assessment, Input};
use vigie_exposure::{Estate, Status, assess, merge_with};
use vigie_pack::Pack;
use vigie_report::{
    ExposurePage, Lang, Provider, exposure_csv, exposure_html, exposure_json, exposure_table, exposure_vex,
};

use super::page;
use super::sources::{Sources, said, tell_reading};
use crate::hunt::{colour, terminal_width};
use crate::knowledge::load_packs;
use crate::outputs::Output;
use crate::{REACHED, tell};

/// Arguments of `vigie exposure assess`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What is known of servers: tables (CSV, XLSX), exports of GLPI, OCS Inventory and Defender, inventories of agents,
    /// HealthChecker, Test-ProxyLogon, nmap (XML), results of hunts and version checks; as many files as there are
    #[arg(long, required_unless_present = "outside_scan", num_args = 1.., value_name = "FILE")]
    inventory: Vec<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// The threat: a pack by name, or a folder that holds one
    #[arg(long, value_name = "NAME|DIR")]
    pack: String,
    /// Only this vulnerability of the pack; may be repeated
    #[arg(long, value_name = "CVE")]
    cve: Vec<String>,
    /// The moment the answer is for (RFC 3339 or a date, UTC); nothing observed later counts. The default is now
    #[arg(long, value_name = "T", value_parser = instant)]
    as_of: Option<Timestamp>,
    /// Only the servers of this tenant
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write there instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write the page there; with --tenant, one that says nothing of any other
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Your own times for the steps of the way out (YAML: `security_update: { p50_h: 1, p90_h: 2 }`), see docs/path.md
    #[arg(long, value_name = "FILE")]
    durations: Option<PathBuf>,
    /// Exit with status 3 when a server stands like this or worse: mitigated, unknown, vulnerable
    #[arg(long, value_name = "STATUS", value_parser = status)]
    fail_on: Option<Status>,
    /// Who says it, in VEX documents: the provider's name
    #[arg(long, value_name = "NAME", default_value = "Vigie")]
    publisher: String,
    /// An address of the provider's, in VEX documents
    #[arg(long, value_name = "URL", default_value = "https://example.invalid")]
    namespace: String,
    /// No notes on standard error
    #[arg(long)]
    quiet: bool,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The order of work, for people
    Table,
    /// Everything, see docs/exposure.md
    Json,
    /// One row per server, for spreadsheets
    Csv,
    /// A CSAF document of the profile VEX for one tenant
    Vex,
    /// One self-contained page
    Html,
}

fn instant(text: &str) -> Result<Timestamp, String> {
    parse_utc(text).ok_or_else(|| "write it as 2021-03-03 or 2021-03-03T06:49:46Z (UTC)".to_owned())
}

fn status(text: &str) -> Result<Status, String> {
    let known = Status::from_id(text).filter(|status| worse(*status) > 0);
    known.ok_or_else(|| "one of mitigated, unknown, vulnerable".to_owned())
}

/// How bad a status is; 0 where there is nothing to do.
fn worse(status: Status) -> u8 {
    match status {
        Status::Fixed | Status::NotAffected => 0,
        Status::Mitigated => 1,
        Status::Unknown => 2,
        Status::Vulnerable => 3,
    }
}

/// Runs `vigie exposure assess`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let mut pack = load_packs(std::slice::from_ref(&arguments.pack))?
        .pop()
        .context("no pack was loaded")?;
    if let Some(file) = &arguments.durations {
        take_durations(&mut pack, file)?;
    }
    for cve in &arguments.cve {
        if !pack.cves.iter().any(|known| known.id.eq_ignore_ascii_case(cve)) {
            let known: Vec<&str> = pack.cves.iter().map(|cve| cve.id.as_str()).collect();
            bail!(
                "{cve} is not in the pack {}; it has {}",
                pack.name,
                known.join(", ")
            );
        }
    }
    let output = arguments.output.as_deref();
    let output = output
        .map(|path| Output::open(path, &arguments.sources.files(&arguments.inventory)))
        .transpose()?;
    let report = arguments.report.as_deref();
    let report = report
        .map(|path| Output::open(path, &arguments.sources.files(&arguments.inventory)))
        .transpose()?;
    let (mut estate, mut inputs) = read(arguments, lang)?;
    let wants_page = report.is_some() || arguments.format == Format::Html;
    let hunted = match wants_page {
        true => page::hunted(&arguments.inventory, &inputs),
        false => Vec::new(),
    };
    if arguments.tenant.is_some() && (wants_page || arguments.format == Format::Vex) {
        page::confine(&mut estate, &mut inputs);
    }
    let as_of = arguments.as_of.unwrap_or_else(vigie_hunt::now);
    let options = vigie_exposure::Options {
        cves: arguments.cve.clone(),
    };
    let mut result = assess(&estate, &pack, as_of, &options);
    result.inputs = inputs;
    let vex = match arguments.format {
        Format::Vex => Some(document(&result, &pack, arguments, lang)?),
        _ => None,
    };
    let page = ExposurePage {
        result: &result,
        pack: &pack,
        hunted: &hunted,
        tenant: arguments
            .tenant
            .as_ref()
            .and_then(|_| result.servers.first()?.tenant.as_deref()),
    };
    let print = |colour: bool, out: &mut dyn Write| match arguments.format {
        Format::Table => out.write_all(exposure_table(&result, lang, terminal_width(), colour).as_bytes()),
        Format::Json => exposure_json(&result, out),
        Format::Csv => exposure_csv(&result, lang, out),
        Format::Vex => out.write_all(vex.as_deref().unwrap_or_default().as_bytes()),
        Format::Html => exposure_html(&page, lang, out),
    };
    if let Some(report) = report {
        report.write(|out| exposure_html(&page, lang, out))?;
    }
    match output {
        Some(output) => output.write(|out| print(false, out))?,
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            print(colour(), &mut out)?;
            out.flush()?;
        }
    }
    let worst = result.servers.iter().map(|server| worse(server.status)).max();
    // The program ends here: giving back the memory of many servers piece by piece would be for nobody.
    std::mem::forget((result, estate));
    let reached = arguments
        .fail_on
        .is_some_and(|limit| worst.is_some_and(|worst| worst >= worse(limit)));
    Ok(if reached {
        ExitCode::from(REACHED)
    } else {
        ExitCode::SUCCESS
    })
}

/// Replaces the estimates of how long steps take by the provider's own times.
fn take_durations(pack: &mut Pack, file: &Path) -> Result<()> {
    let shown = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let Some(remediation) = &mut pack.product.remediation else {
        bail!(
            "{shown} cannot be used: nobody wrote down how {} is made safe, so there are no steps",
            pack.product.title.en
        );
    };
    remediation.override_durations(&shown, &text).map_err(|problems| {
        let list: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        anyhow!("{shown} cannot be used:{}", list.concat())
    })
}

/// Reads all inventories and brings together what they say of each server.
fn read(arguments: &Arguments, lang: Lang) -> Result<(Estate, Vec<Input>)> {
    let gathered = arguments.sources.read(&arguments.inventory, lang)?;
    let (mut observations, mut inputs) = (Vec::new(), Vec::new());
    for source in gathered.sources {
        let shown = source.shown;
        let reading = source.read.map_err(|error| {
            let cannot = tell(lang, "cannot use", "impossible d’utiliser");
            let colon = tell(lang, ":", "\u{a0}:");
            anyhow!("{cannot} {shown}{colon} {}", said(&error.said(), lang))
        })?;
        if !arguments.quiet {
            tell_reading(&shown, &reading, lang);
        }
        inputs.push(page::input(&shown, &reading));
        observations.extend(reading.observations);
    }
    let mut estate = merge_with(observations, &gathered.decisions);
    estate.warnings.extend(gathered.unused);
    if !arguments.quiet && !estate.merges.is_empty() {
        let merges = estate.merges.len();
        eprintln!(
            "{merges} {}",
            tell(
                lang,
                "names were brought together by rules: `vigie exposure inventory` shows which and why",
                "noms ont été rapprochés par des règles\u{a0}: `vigie exposure inventory` dit lesquels et pourquoi"
            )
        );
    }
    if let Some(tenant) = &arguments.tenant {
        let wanted = tenant.to_lowercase();
        let is_wanted =
            |name: &Option<String>| name.as_ref().is_some_and(|name| name.to_lowercase() == wanted);
        estate.servers.retain(|server| is_wanted(&server.tenant));
        estate.outside.retain(|server| is_wanted(&server.tenant));
        if estate.servers.is_empty() {
            bail!(
                "{} {tenant}",
                tell(
                    lang,
                    "no server belongs to the tenant",
                    "aucun serveur n’appartient au client"
                )
            );
        }
    }
    Ok((estate, inputs))
}

/// The VEX document of the one tenant there is.
fn document(result: &Assessment, pack: &Pack, arguments: &Arguments, lang: Lang) -> Result<String> {
    let mut tenants: Vec<Option<&str>> = result
        .servers
        .iter()
        .map(|server| server.tenant.as_deref())
        .collect();
    tenants.sort_unstable();
    tenants.dedup();
    let [tenant] = tenants.as_slice() else {
        let names: Vec<&str> = tenants.iter().map(|tenant| tenant.unwrap_or("-")).collect();
        bail!(
            "a VEX document is for one tenant: choose with --tenant among {}",
            names.join(", ")
        );
    };
    let provider = Provider {
        name: arguments.publisher.clone(),
        namespace: arguments.namespace.clone(),
    };
    exposure_vex(result, pack, *tenant, &provider, lang)?.context("there is no server to speak of")
}
