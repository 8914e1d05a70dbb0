//! Flame graphs of where a hunt spends its time, as SVG.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use inferno::collapse::Collapse;
use inferno::collapse::perf::Folder;
use inferno::flamegraph::{self, Options};

use super::evtx::EventLogs;
use super::measure::{self, Job};
use super::peers::EVTX_DUMP;
use super::{Bench, corpora, json, scratch, text};
use crate::root;
use crate::tools::PERF;

/// Samples a second; a prime, so that nothing that happens regularly is always met at the same step.
const RATE: &str = "997";

/// Graphs of event logs, JSON lines and logs of requests, by samples of one thread.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let (Some(samples), Some(rules)) = (corpora::all(), corpora::windows_rules()) else {
        return Ok(());
    };
    let quick = bench.options.quick;
    let perf = match (PERF.find(), quick) {
        (Some(path), _) => path,
        (None, true) => {
            println!("perf is not installed: no flame graph");
            return Ok(());
        }
        (None, false) => PERF.ensure()?,
    };
    let to = if quick {
        scratch()?
    } else {
        root().join("docs/images")
    };
    let rules = rules.map(|folder| folder.display().to_string());
    let arguments = ["--no-pack", "--rules", &rules[0], "--rules", &rules[1]];
    let draw = |what: &str, job: Job| draw(&perf, job, what, &to.join(format!("flame-{what}.svg")));
    if let Some(logs) = EventLogs::make(bench.options.size)? {
        draw("evtx", bench.hunt("evtx", 1, &arguments, &logs.files)?)?;
        logs.forget()?;
    }
    if quick {
        // One shows that it works.
        return Ok(());
    }
    if let Some(dump) = EVTX_DUMP.find(quick)? {
        let lines = json::Lines::make(&samples, &dump, bench.options.size / json::PART_OF_SIZE)?;
        draw("json", bench.hunt("json", 1, &arguments, &[lines.path])?)?;
    }
    if let Some((web, logs)) = text::evidence(bench)? {
        let web = web.display().to_string();
        draw("text", bench.hunt("text", 1, &["--rules", &web], &logs)?)?;
    }
    Ok(())
}

fn draw(perf: &Path, job: Job, what: &str, to: &Path) -> Result<()> {
    let samples = scratch()?.join("perf.data");
    let data = samples.display().to_string();
    let record = [
        "record",
        "-q",
        "-e",
        "cpu-clock",
        "-F",
        RATE,
        "--call-graph",
        "dwarf,16384",
        "-o",
        &data,
        "--",
    ];
    measure::measure(&[job.under(perf, &record)], 1)?;
    let script = Command::new(perf)
        .args(["script", "--no-inline", "-i", &data])
        .output()
        .with_context(|| format!("cannot start {}", perf.display()))?;
    if !script.status.success() {
        bail!("perf script failed: {}", String::from_utf8_lossy(&script.stderr));
    }
    let folded: PathBuf = scratch()?.join("perf.folded");
    Folder::default().collapse(
        BufReader::new(script.stdout.as_slice()),
        BufWriter::new(File::create(&folded)?),
    )?;
    let mut options = Options::default();
    options.title = format!("vigie hunt: {what}, one thread");
    // The samples of the processor clock are weighed by their nanoseconds.
    options.count_name = "ns".to_owned();
    // What is narrower cannot be read.
    options.min_width = 0.2;
    let text = fs::read_to_string(&folded)?;
    flamegraph::from_lines(&mut options, text.lines(), File::create(to)?)?;
    fs::remove_file(&samples)?;
    println!("flame graph: {}", to.display());
    Ok(())
}
