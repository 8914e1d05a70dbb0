//! `vigie demo`: the main job, on a provider that does not exist.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use clap::Args;
use vigie_hunt::HuntOptions;
use vigie_report::Lang;

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
    note(
        "hunting its evidence...",
        "recherche dans les éléments collectés…",
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
    Output::open(&report, &[evidence])?.write(|out| vigie_report::html(&result, lang, out))?;
    let mut out = std::io::stdout().lock();
    let page = vigie_report::verdicts(&result, lang, terminal_width(), colour());
    out.write_all(page.as_bytes())?;
    let colon = tell(lang, ": ", "\u{a0}: ");
    let labels = [
        tell(lang, "report", "rapport"),
        tell(lang, "ground truth", "vérité terrain"),
    ];
    writeln!(
        out,
        "\n{}{colon}{}\n{}{colon}{}",
        labels[0],
        absolute(&report),
        labels[1],
        absolute(&truth)
    )?;
    Ok(if result.stats.interrupted {
        ExitCode::from(STOPPED)
    } else {
        ExitCode::SUCCESS
    })
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
