//! Rules: how long they take to load, and how little it matters how many there are.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::evtx::EventLogs;
use super::measure::Job;
use super::table::Bound;
use super::{Bench, corpora, scratch};

/// Every so many files are taken as the few rules.
const EVERY: usize = 10;

/// Loads all public rules; hunts with all and with a tenth of those about Windows.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let (Some(sigma), Some(windows)) = (corpora::corpus("sigma"), corpora::windows_rules()) else {
        return Ok(());
    };
    load(
        bench,
        &["rules", "rules-emerging-threats", "rules-threat-hunting"].map(|name| sigma.join(name)),
    )?;
    few_and_all(bench, &windows)
}

fn load(bench: &mut Bench, folders: &[PathBuf]) -> Result<()> {
    let files = corpora::rule_files(folders)?;
    let mut bytes = 0;
    for file in &files {
        bytes += fs::metadata(file)?.len();
    }
    // Rules that are refused, for want of placeholders, make the check say 1.
    let check = Job::new("vigie rules check", &bench.vigie)
        .run(&["rules", "check"], folders)
        .fine(&[0, 1]);
    let costs = bench.measure(&format!("rules: {} files", files.len()), bytes, &[check])?;
    let what = format!("seconds to load and compile {} files of rules", files.len());
    bench.targets.goal(what, costs[0].wall, Bound::AtMost(0.4));
    Ok(())
}

fn few_and_all(bench: &mut Bench, folders: &[PathBuf; 2]) -> Result<()> {
    let Some(logs) = EventLogs::make(bench.options.size)? else {
        return Ok(());
    };
    let files = corpora::rule_files(folders)?;
    let few = scratch()?.join("rules-few");
    let few_count = corpora::copy_files(files.iter().step_by(EVERY).map(PathBuf::as_path), &few)?;
    let shown = |folder: &PathBuf| folder.display().to_string();
    let all: Vec<String> = folders.iter().map(shown).collect();
    let mut jobs = Vec::new();
    for (count, folders) in [(files.len(), all), (few_count, vec![shown(&few)])] {
        let mut arguments = vec!["--no-pack"];
        for folder in &folders {
            arguments.extend(["--rules", folder]);
        }
        let name = format!("vigie hunt, {count} files of rules, 2 threads");
        jobs.push(bench.hunt(&name, 2, &arguments, &logs.files)?);
    }
    let title = format!(
        "rules: all about Windows, and every {EVERY}th file, on {} records",
        logs.records
    );
    let costs = bench.measure(&title, logs.bytes, &jobs)?;
    bench.targets.least(
        "all rules: wall time as times of a tenth's",
        costs[0].wall / costs[1].wall,
        Bound::AtMost(2.5),
    );
    logs.forget()
}
