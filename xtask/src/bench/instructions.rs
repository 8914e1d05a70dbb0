//! Counted instructions: the same on every run and on every machine of a kind, where times are not.

use std::collections::HashSet;
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
        "\ninstructions: {count} files of rules, one thread; those of events less those for none, hashing aside\n\n\
         | what         |   events |       MB | instructions an event | a byte | hashing a byte |\n\
         |--------------|---------:|---------:|----------------------:|-------:|---------------:|"
    );
    let rules = folder.display().to_string();
    let mut none = Count::default();
    for (what, paths, events) in jobs {
        let job = bench.hunt(what, 1, &["--no-pack", "--rules", &rules], &paths)?;
        let counted = counted(job, &valgrind)?;
        if events == 0 {
            none = counted;
            println!(
                "| {what:<12} | {:>8} | {:>8} | {:>21} | {:>6} | {:>14} |",
                "", "", counted.all, "", ""
            );
            continue;
        }
        let mut bytes = 0;
        for path in &paths {
            bytes += fs::metadata(path)?.len();
        }
        let (own, bytes) = (counted.less(none) as f64, bytes as f64);
        println!(
            "| {what:<12} | {events:>8} | {:>8.1} | {:>21.0} | {:>6.1} | {:>14.1} |",
            bytes / 1e6,
            own / events as f64,
            own / bytes,
            counted.hashing as f64 / bytes
        );
    }
    Ok(())
}

/// Instructions of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    all: u64,
    /// Of these, hashing: in software, as valgrind's processor has no instructions for SHA-256.
    hashing: u64,
}

impl Count {
    fn less(self, other: Count) -> u64 {
        let rest = |count: Count| count.all.saturating_sub(count.hashing);
        rest(self).saturating_sub(rest(other))
    }
}

/// How many instructions a job takes.
fn counted(job: Job, valgrind: &Path) -> Result<Count> {
    let out = scratch()?.join("callgrind.out");
    let to = format!("--callgrind-out-file={}", out.display());
    measure::measure(&[job.under(valgrind, &["-q", "--tool=callgrind", &to])], 1)?;
    let text = fs::read_to_string(&out).with_context(|| format!("cannot read {}", out.display()))?;
    count(&text).context("callgrind wrote no total")
}

/// Adds up what callgrind wrote: `fn=(1) name` the first time, `fn=(1)` after it, then `line cost` for each line; the
/// line after `calls=` is the cost of the function called.
fn count(text: &str) -> Option<Count> {
    let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    let mut count = Count {
        all: of("totals: ").or_else(|| of("summary: "))?.trim().parse().ok()?,
        hashing: 0,
    };
    let mut hashing = HashSet::new();
    let (mut is_hashing, mut is_call) = (false, false);
    for line in text.lines() {
        if let Some((key, name)) = line.split_once("fn=(")
            && let Some((id, name)) = name.split_once(')')
        {
            if name.contains("sha2::") {
                hashing.insert(id);
            }
            if key.is_empty() {
                is_hashing = hashing.contains(id);
            }
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            if is_hashing && !is_call {
                count.hashing += line
                    .split(' ')
                    .nth(1)
                    .and_then(|cost| cost.parse::<u64>().ok())
                    .unwrap_or(0);
            }
            is_call = false;
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_callgrind_and_what_is_hashing() {
        let text = "# callgrind format\nfn=(1) main\n1 5\ncfn=(2) sha2::compress\ncalls=3 1\n+2 30\n* 1\n\nfn=(2)\n7 20\n+1 10\n\
                    fn=(3) other\n1 4675\n\ntotals: 4711\n";
        let found = count(text).unwrap();
        assert_eq!((found.all, found.hashing), (4711, 30));
        let none = Count { all: 11, hashing: 1 };
        assert_eq!(found.less(none), 4671);
        assert_eq!(count("summary: 12\n"), Some(Count { all: 12, hashing: 0 }));
        assert_eq!(count("fn=(1)\n"), None);
    }
}
