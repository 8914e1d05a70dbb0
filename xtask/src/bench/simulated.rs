//! Simulated evidence of one provider's mail server: everything, and its event logs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::measure::Job;
use super::peers::{EVTX_DUMP, RIPGREP};
use super::{Bench, KEPT_BYTES, files_below, has_extension, scratch};
use crate::run;

const LITERALS: [&str; 9] = [
    "-c",
    "-F",
    "-i",
    "-e",
    "aspnet_client",
    "-e",
    "ServerInfo~",
    "-e",
    "DDIService",
];

/// The whole hunt with all packs, beside tools that do one thing.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let evidence = simulate(bench, bench.options.size)?;
    let files = files_below(&evidence)?;
    let (logs, _): (Vec<_>, Vec<_>) = files
        .iter()
        .cloned()
        .partition(|(path, _)| has_extension(path, "evtx"));
    let of = |files: &[(PathBuf, u64)]| -> (Vec<PathBuf>, u64) {
        let paths = files.iter().map(|(path, _)| path.clone()).collect();
        (paths, files.iter().map(|(_, size)| size).sum())
    };
    let (paths, bytes) = of(&files);
    let folder = [evidence.clone()];
    let mut jobs = hunts(bench, &folder)?;
    jobs.push(Job::new("wc -l", "wc").run(&["-l"], &paths));
    if let Some(rg) = RIPGREP.find(bench.options.quick)? {
        jobs.push(
            Job::new("rg -c -F -i, 3 literals", rg)
                .run(&LITERALS, &paths)
                .fine(&[0, 1]),
        );
    }
    let title = "simulated: two servers with IIS, Exchange and event logs";
    let costs = bench.measure(title, bytes, &jobs)?;
    bench.hold_memory("simulated, 2 threads", &costs[0]);
    bench.hold_memory("simulated, 1 thread", &costs[1]);

    let (paths, bytes) = of(&logs);
    let mut jobs = hunts(bench, &paths)?;
    jobs.push(Job::new("wc -l", "wc").run(&["-l"], &paths));
    if let Some(dump) = EVTX_DUMP.find(bench.options.quick)? {
        for threads in ["2", "1"] {
            let name = format!("evtx_dump -o jsonl, -t {threads}");
            jobs.push(Job::new(name, &dump).run_each(&["-t", threads, "-o", "jsonl"], &paths));
        }
    }
    bench.measure("simulated: its event logs", bytes, &jobs)?;
    forget(&evidence, bench.options.size)
}

fn hunts(bench: &Bench, paths: &[PathBuf]) -> Result<Vec<Job>> {
    Ok(vec![
        bench.hunt("vigie hunt, all packs, 2 threads", 2, &[], paths)?,
        bench.hunt("vigie hunt, all packs, 1 thread", 1, &[], paths)?,
    ])
}

/// Evidence of this size, made if an earlier run did not leave it.
pub(super) fn simulate(bench: &Bench, bytes: u64) -> Result<PathBuf> {
    let folder = scratch()?.join(format!("simulated-{bytes}"));
    if !folder.join("truth.json").exists() {
        let (place, size) = (folder.display().to_string(), bytes.to_string());
        let plan = ["simulate", "--seed", "9", "--tenants", "1", "--days", "14"];
        let vigie = bench.vigie.display().to_string();
        run(&vigie, &[&plan[..], &["--size", &size, "--out", &place]].concat())?;
    }
    Ok(folder)
}

/// Removes evidence too large to keep.
pub(super) fn forget(evidence: &Path, bytes: u64) -> Result<()> {
    if bytes > KEPT_BYTES {
        fs::remove_dir_all(evidence).with_context(|| format!("cannot remove {}", evidence.display()))?;
    }
    Ok(())
}
