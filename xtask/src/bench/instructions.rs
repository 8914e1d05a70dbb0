//! Counted instructions: the same on every run and on every machine of a kind, where times are not.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};

use super::corpora;
use super::evtx::EventLogs;
use super::json;
use super::measure::{self, Job};
use super::peers::EVTX_DUMP;
use super::{Bench, scratch};
use crate::tools::VALGRIND;

/// So much of the event logs is counted, whatever else is asked for.
const SIZE: u64 = 60_000_000;
/// In a quick run every so many files of rules are taken: loading them is most of what is counted.
const QUICK_EVERY: usize = 50;

/// Hunts event logs and JSON lines, each less what it takes on no event: loading the rules.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let (Some(samples), Some(rules)) = (corpora::all(), corpora::windows_rules()) else {
        return Ok(());
    };
    let quick = bench.options.quick;
    let valgrind = match (VALGRIND.find(), quick) {
        (Some(path), _) => path,
        (None, true) => {
            println!("valgrind is not installed: not measured");
            return Ok(());
        }
        (None, false) => VALGRIND.ensure()?,
    };
    let size = if quick { bench.options.size } else { SIZE };
    let Some(logs) = EventLogs::make(size)? else {
        return Ok(());
    };
    let folder = scratch()?.join("instructions-rules");
    let files = corpora::rule_files(&rules)?;
    let step = if quick { QUICK_EVERY } else { 1 };
    let taken = files.iter().step_by(step).map(|path| path.as_path());
    let count = corpora::copy_files(taken, &folder)?;
    let nothing = scratch()?.join("nothing.json");
    File::create(&nothing)?;

    let mut jobs = vec![
        ("no event", vec![nothing], 0),
        ("event logs", logs.files.clone(), logs.records),
    ];
    if let Some(dump) = EVTX_DUMP.find(quick)? {
        let lines = json::Lines::make(&samples, &dump, size)?;
        jobs.push(("JSON lines", vec![lines.path], lines.count));
    }
    println!(
        "\ninstructions: {count} files of rules, one thread, less those for no event\n\n\
         | what         |   events |       MB | instructions an event | a byte |\n\
         |--------------|---------:|---------:|----------------------:|-------:|"
    );
    let rules = folder.display().to_string();
    let mut loading = 0;
    for (what, paths, events) in jobs {
        let job = bench.hunt(what, 1, &["--no-pack", "--rules", &rules], &paths)?;
        let instructions = counted(job, &valgrind)?;
        if events == 0 {
            loading = instructions;
            println!(
                "| {what:<12} | {events:>8} | {:>8} | {instructions:>21} | {:>6} |",
                "", ""
            );
            continue;
        }
        let mut bytes = 0;
        for path in &paths {
            bytes += fs::metadata(path)?.len();
        }
        let own = instructions.saturating_sub(loading) as f64;
        println!(
            "| {what:<12} | {events:>8} | {:>8.1} | {:>21.0} | {:>6.1} |",
            bytes as f64 / 1e6,
            own / events as f64,
            own / bytes as f64
        );
    }
    Ok(())
}

/// How many instructions a job takes.
fn counted(job: Job, valgrind: &Path) -> Result<u64> {
    let out = scratch()?.join("callgrind.out");
    let to = format!("--callgrind-out-file={}", out.display());
    measure::measure(&[job.under(valgrind, &["-q", "--tool=callgrind", &to])], 1)?;
    let text = fs::read_to_string(&out).with_context(|| format!("cannot read {}", out.display()))?;
    total(&text).context("callgrind wrote no total")
}

fn total(text: &str) -> Option<u64> {
    let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    of("totals: ").or_else(|| of("summary: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_callgrind() {
        assert_eq!(
            total("# callgrind format\nfn=(1)\n0 5\n\ntotals: 4711\n"),
            Some(4711)
        );
        assert_eq!(total("summary: 12\n"), Some(12));
        assert_eq!(total("fn=(1)\n"), None);
    }
}
