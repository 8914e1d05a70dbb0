//! `cargo xtask fuzz`: builds the targets of `fuzz/` with coverage counters and runs libFuzzer over them.
//!
//! Stable Rust is enough: LLVM's coverage pass is asked for by name, and libFuzzer's runtime is compiled from source.
//! Integer overflow and debug assertions count as findings. What it learns is kept under the build folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools::CXX;
use crate::{bench, cargo, root, run_in};

/// Instruments every crate with the counters and comparisons libFuzzer steers by.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// Memory a target may use.
const MEMORY_MB: u32 = 1_024;
/// Seconds one input may take.
const INPUT_SECONDS: u32 = 10;

/// Runs one target or all of them, each for some seconds.
pub(crate) fn run_targets(only: Option<&str>, seconds: u64) -> Result<()> {
    let targets = chosen(only)?;
    let folder = build(&targets)?;
    let mut found = Vec::new();
    for target in &targets {
        if let Err(error) = run_target(&folder, target, seconds) {
            eprintln!("{error:#}");
            found.push(target.as_str());
        }
    }
    if !found.is_empty() {
        bail!("fuzzing found something in: {}", found.join(", "));
    }
    Ok(())
}

/// All targets, or the one that was asked for.
fn chosen(only: Option<&str>) -> Result<Vec<String>> {
    let all = targets(&root().join("fuzz/targets"))?;
    match only {
        None => Ok(all),
        Some(name) if all.iter().any(|target| target == name) => Ok(vec![name.to_owned()]),
        Some(name) => bail!("no fuzz target is called {name}; there are: {}", all.join(", ")),
    }
}

/// One target per file.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// Builds targets and says in which folder they are.
fn build(targets: &[String]) -> Result<PathBuf> {
    if cfg!(windows) {
        bail!("the fuzz targets are built on Linux and macOS only");
    }
    CXX.ensure()?;
    let (host, place) = (host()?, target_folder());
    let (manifest, place_text) = (
        root().join("fuzz/Cargo.toml").display().to_string(),
        place.display().to_string(),
    );
    // With an explicit target, build scripts and procedural macros are left without counters.
    let mut arguments = vec!["build", "--release", "--manifest-path", &manifest];
    arguments.extend(["--target", &host, "--target-dir", &place_text]);
    for target in targets {
        arguments.extend(["--bin", target]);
    }
    run_in(&root(), &cargo(), &arguments, &[("RUSTFLAGS", FLAGS)])?;
    Ok(place.join(host).join("release"))
}

fn target_folder() -> PathBuf {
    bench::target().join("fuzz")
}

/// The triple of this machine.
fn host() -> Result<String> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(&rustc)
        .arg("-vV")
        .output()
        .with_context(|| format!("cannot start {rustc}"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc -vV does not name the host")
}

fn run_target(folder: &Path, target: &str, seconds: u64) -> Result<()> {
    let place = target_folder();
    let (corpus, findings) = (
        place.join("corpus").join(target),
        place.join("findings").join(target),
    );
    for folder in [&corpus, &findings] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let findings_text = format!("{}/", findings.display());
    let arguments = [
        corpus.display().to_string(),
        format!("-max_total_time={seconds}"),
        format!("-rss_limit_mb={MEMORY_MB}"),
        format!("-timeout={INPUT_SECONDS}"),
        format!("-artifact_prefix={findings_text}"),
        "-max_len=262144".to_owned(),
        "-use_value_profile=1".to_owned(),
        "-verbosity=0".to_owned(),
        "-print_final_stats=1".to_owned(),
    ];
    eprintln!("-- {target}, {seconds} s");
    let output = Command::new(folder.join(target))
        .args(&arguments)
        .env("VIGIE_FUZZ_SEEDS", &corpus)
        .env("RUST_BACKTRACE", "1")
        .current_dir(root())
        .output()
        .with_context(|| format!("cannot start the fuzz target {target}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last: Vec<&str> = said.lines().rev().take(60).collect();
        for line in last.iter().rev() {
            eprintln!("{line}");
        }
        bail!(
            "{target}: a finding, kept in {findings_text}; run it again with {} FILE",
            folder.join(target).display()
        );
    }
    let runs = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .and_then(|number| number.trim().parse::<u64>().ok())
        .unwrap_or_default();
    // A target that ran nothing proves nothing.
    if runs == 0 {
        bail!("{target}: no input was run:\n{said}");
    }
    let peak = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::peak_rss_mb:"))
        .unwrap_or("?")
        .trim();
    println!("{target:<14} {runs:>9} inputs, nothing found, peak {peak} MiB");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_file_is_declared_and_an_unknown_one_is_refused() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        let names = chosen(None).unwrap();
        assert!(names.len() > 10);
        for name in names {
            assert!(
                manifest.contains(&format!("path = \"targets/{name}.rs\"")),
                "{name}"
            );
        }
        assert!(
            chosen(Some("nothing"))
                .unwrap_err()
                .to_string()
                .contains("evtx_chunk")
        );
    }
}
