//! `vigie demo`: the main job, on a provider that does not exist.

mod desk;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use vigie_event::parse_utc;
use vigie_exposure::result::Assessment;
use vigie_exposure::{assess, inventory, merge};
use vigie_hunt::{HuntOptions, HuntResult};
use vigie_pack::{Pack, Product};
use vigie_report::{ExposurePage, HuntVerdict, Lang};

use crate::exposure::page;
use crate::hunt::{colour, terminal_width};
use crate::knowledge::load_packs;
use crate::outputs::Output;
use crate::progress::Bar;
use crate::simulate::simulate;
use crate::{STOPPED, tell};

/// Arguments of `vigie demo`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to put the simulated evidence and the report
    #[arg(long, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
    /// The same seed gives the same provider
    #[arg(long, default_value_t = 2021)]
    seed: u64,
    /// Then serve its desk, a campaign in full swing, until ctrl-c
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:8443")]
    serve: Option<SocketAddr>,
}

/// Runs `vigie demo`.
pub(crate) fn run(arguments: &Arguments, lang: Lang, cancel: &Arc<AtomicBool>) -> Result<ExitCode> {
    let evidence = arguments.out.join("evidence");
    clear(&evidence, &arguments.out.join("truth.json"))?;
    let note = |en: &str, fr: &str| eprintln!("{}", tell(lang, en, fr));
    note("simulating a provider...", "simulation d’un prestataire…");
    simulate(&evidence, &vigie_simulate::demo_plan(arguments.seed))?;
    // The ground truth lies beside the evidence, not in it: a hunt must not read the answers.
    let truth = arguments.out.join("truth.json");
    std::fs::rename(evidence.join("truth.json"), &truth)
        .with_context(|| format!("cannot write {}", truth.display()))?;
    note("hunting its evidence...", "chasse dans les preuves…");
    let bar = Bar::new(false, lang);
    let mut options = HuntOptions {
        packs: load_packs(&[])?,
        ..HuntOptions::default()
    };
    options.evidence.cancel = Arc::clone(cancel);
    options.evidence.progress = bar.clone().map(|bar| bar as Arc<dyn vigie_evidence::Progress>);
    let result = vigie_hunt::hunt(std::slice::from_ref(&evidence), &options)?;
    if let Some(bar) = bar {
        bar.finish();
    }
    let report = arguments.out.join("report.html");
    Output::open(&report, std::slice::from_ref(&evidence))?
        .write(|out| vigie_report::html(&result, lang, out))?;
    let plan = vigie_simulate::demo_plan(arguments.seed);
    let inventory = arguments.out.join("inventory.csv");
    std::fs::write(&inventory, vigie_simulate::inventory(&plan))
        .with_context(|| format!("cannot write {}", inventory.display()))?;
    let pack = options.packs.first().context("no pack was hunted with")?;
    let assessment = exposure(&inventory, &result, pack)?;
    let hunted = HuntVerdict::all(&result);
    let exposed = arguments.out.join("exposure.html");
    let view = ExposurePage {
        result: &assessment,
        pack,
        hunted: &hunted,
        tenant: None,
    };
    Output::open(&exposed, &[])?.write(|out| vigie_report::exposure_html(&view, lang, out))?;
    let mut out = std::io::stdout().lock();
    let page = vigie_report::verdicts(&result, lang, terminal_width(), colour());
    out.write_all(page.as_bytes())?;
    let matrix = vigie_report::exposure_matrix(
        &assessment,
        &vigie_report::HuntVerdict::all(&result),
        lang,
        colour(),
    );
    write!(out, "\n{matrix}")?;
    let colon = tell(lang, ": ", "\u{a0}: ");
    let labels = [
        tell(lang, "inventory", "inventaire"),
        tell(lang, "report", "rapport"),
        tell(lang, "exposure", "exposition"),
        tell(lang, "ground truth", "vérité terrain"),
    ];
    writeln!(out)?;
    for (label, path) in labels.iter().zip([&inventory, &report, &exposed, &truth]) {
        writeln!(out, "{label}{colon}{}", absolute(path))?;
    }
    drop(out);
    if result.stats.interrupted {
        return Ok(ExitCode::from(STOPPED));
    }
    if let Some(listen) = arguments.serve {
        note(
            "opening a campaign on a desk...",
            "ouverture d’une campagne sur un poste de pilotage…",
        );
        let data = desk::fill(&arguments.out, &evidence, &inventory, &result, cancel)?;
        if cancel.load(Ordering::SeqCst) {
            return Ok(ExitCode::from(STOPPED));
        }
        desk::serve(data, listen, lang)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the office believes and what the logs showed, for the threat that was hunted, on the last day of the logs.
fn exposure(inventory: &Path, hunted: &HuntResult, pack: &Pack) -> Result<Assessment> {
    let options = inventory::Options {
        products: Product::embedded().map_err(|_| anyhow!("the products of this program cannot be read"))?,
        ..inventory::Options::default()
    };
    let mut json = Vec::new();
    vigie_report::json(hunted, &mut json)?;
    let table = std::fs::read(inventory).with_context(|| format!("cannot read {}", inventory.display()))?;
    let told = inventory::read("inventory.csv", &table, &options)?;
    let seen = inventory::read("hunt.json", &json, &options)?;
    let inputs = [("inventory.csv", &told), ("hunt.json", &seen)].map(|(name, read)| page::input(name, read));
    let estate = merge([told.observations, seen.observations].concat());
    let last = hunted.pack.first().and_then(|pack| parse_utc(&pack.to));
    let as_of = last.unwrap_or_else(vigie_hunt::now);
    let mut result = assess(&estate, pack, as_of, &vigie_exposure::Options::default());
    result.inputs = inputs.into();
    Ok(result)
}

/// Removes the evidence of an earlier demo, known by its ground truth. Any other is somebody's.
fn clear(evidence: &Path, truth: &Path) -> Result<()> {
    if !evidence.exists() {
        return Ok(());
    }
    if !truth.is_file() && !evidence.join("truth.json").is_file() {
        bail!(
            "{} is there already and no demo made it; choose another --out",
            evidence.display()
        );
    }
    std::fs::remove_dir_all(evidence).with_context(|| format!("cannot empty {}", evidence.display()))
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}
