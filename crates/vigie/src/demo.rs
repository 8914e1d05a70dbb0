//! `vigie demo`: the main job, on a provider that does not exist.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use clap::Args;
use vigie_hunt::HuntOptions;
use vigie_report::Lang;

use crate::hunt::{Language, colour, load_packs, terminal_width, write_report};
use crate::progress::Bar;

/// Arguments of `vigie demo`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to put the simulated evidence and the report
    #[arg(long, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
    /// The same seed gives the same provider
    #[arg(long, default_value_t = 2021)]
    seed: u64,
    /// Language of the table and the report
    #[arg(long, value_enum)]
    lang: Option<Language>,
}

/// Runs `vigie demo`.
pub(crate) fn run(arguments: &Arguments, cancel: &Arc<AtomicBool>) -> Result<ExitCode> {
    let lang = Language::choose(arguments.lang);
    let evidence = arguments.out.join("evidence");
    if evidence.exists() {
        std::fs::remove_dir_all(&evidence).with_context(|| format!("cannot empty {}", evidence.display()))?;
    }
    let french = lang == Lang::Fr;
    let note = |en: &str, fr: &str| eprintln!("{}", if french { fr } else { en });
    note("simulating a provider...", "simulation d'un prestataire...");
    vigie_simulate::simulate(&evidence, &vigie_simulate::demo_plan(arguments.seed))
        .with_context(|| format!("cannot simulate into {}", evidence.display()))?;
    // The ground truth lies beside the evidence, not in it: a hunt must not read the answers.
    let truth = arguments.out.join("truth.json");
    std::fs::rename(evidence.join("truth.json"), &truth)
        .with_context(|| format!("cannot write {}", truth.display()))?;
    note(
        "hunting its evidence...",
        "recherche dans les éléments collectés...",
    );
    let bar = Bar::new(false);
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
    write_report(&result, lang, &report)?;
    let mut out = std::io::stdout().lock();
    let page = vigie_report::verdicts(&result, lang, terminal_width(), colour(true));
    out.write_all(page.as_bytes())?;
    let (report_label, truth_label) = if french {
        ("rapport", "vérité terrain")
    } else {
        ("report", "ground truth")
    };
    writeln!(
        out,
        "\n{report_label}: {}\n{truth_label}: {}",
        absolute(&report),
        absolute(&truth)
    )?;
    Ok(ExitCode::SUCCESS)
}

fn absolute(path: &std::path::Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}
