//! Benchmarks: the release binary over simulated evidence, beside tools everybody knows, in one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{cargo, root, run};

/// One measured command.
struct Measured {
    name: String,
    seconds: f64,
    peak_kib: Option<u64>,
}

/// `cargo xtask bench [--quick]`.
pub(crate) fn bench(quick: bool) -> Result<()> {
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = release_binary("vigie")?;
    let folder = target().join(if quick { "bench-quick" } else { "bench" });
    let evidence = folder.join("evidence");
    let size = if quick { "5M" } else { "1G" };
    if !evidence.join("truth.json").exists() {
        let evidence = evidence.display().to_string();
        let vigie = vigie.display().to_string();
        run(
            &vigie,
            &[
                "simulate",
                "--seed",
                "9",
                "--tenants",
                "1",
                "--days",
                "14",
                "--size",
                size,
                "--out",
                &evidence,
            ],
        )?;
    }
    let bytes = folder_size(&evidence)?;
    println!(
        "evidence: {} MB simulated, seed 9, 14 days, --size {size}",
        bytes / 1_000_000
    );
    println!("{:<34} {:>9} {:>9} {:>10}", "what", "seconds", "MB/s", "peak MiB");
    for measured in measure_all(&vigie, &evidence)? {
        let peak = measured
            .peak_kib
            .map_or("-".to_owned(), |kib| (kib / 1_024).to_string());
        let speed = bytes as f64 / 1e6 / measured.seconds;
        println!(
            "{:<34} {:>9.2} {:>9.0} {:>10}",
            measured.name, measured.seconds, speed, peak
        );
    }
    Ok(())
}

fn measure_all(vigie: &Path, evidence: &Path) -> Result<Vec<Measured>> {
    let place = evidence.display().to_string();
    let program = vigie.display().to_string();
    let mut all = vec![
        measure(
            "vigie hunt, 2 threads",
            &program,
            &["hunt", &place, "--quiet", "--format", "json", "--threads", "2"],
        )?,
        measure(
            "vigie hunt, 1 thread",
            &program,
            &["hunt", &place, "--quiet", "--format", "json", "--threads", "1"],
        )?,
        measure("vigie manifest", &program, &["manifest", &place])?,
        measure(
            "wc -l on the same bytes",
            "sh",
            &["-c", &format!("find '{place}' -type f -print0 | xargs -0 wc -l")],
        )?,
    ];
    for (name, tool, script) in [
        (
            "rg -c -F -i, 3 literals",
            "rg",
            format!("rg -c -F -i -e aspnet_client -e ServerInfo~ -e DDIService '{place}'"),
        ),
        (
            "evtx_dump -o jsonl on its EVTX",
            "evtx_dump",
            format!("find '{place}' -name '*.evtx' -exec evtx_dump -o jsonl {{}} +"),
        ),
    ] {
        if installed(tool) {
            all.push(measure(name, "sh", &["-c", &script])?);
        } else {
            println!("{name}: {tool} is not installed, not measured");
        }
    }
    Ok(all)
}

/// Runs a command with its output thrown away; peak memory by GNU time where it is installed.
fn measure(name: &str, program: &str, arguments: &[&str]) -> Result<Measured> {
    let gnu_time = Path::new("/usr/bin/time").exists();
    let mut command = if gnu_time {
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "peak %M", program]);
        command
    } else {
        Command::new(program)
    };
    let started = Instant::now();
    let output = command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    let seconds = started.elapsed().as_secs_f64();
    let stderr = String::from_utf8_lossy(&output.stderr);
    // rg says 1 when nothing matched.
    if !output.status.success() && output.status.code() != Some(1) {
        bail!("{name} failed: {stderr}");
    }
    let peak_kib = stderr
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("peak ")?.parse().ok());
    Ok(Measured {
        name: name.to_owned(),
        seconds,
        peak_kib,
    })
}

fn installed(tool: &str) -> bool {
    Command::new(tool)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The path of a release binary that was just built.
pub(crate) fn release_binary(name: &str) -> Result<PathBuf> {
    let path = target()
        .join("release")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        bail!("{} was not built", path.display());
    }
    Ok(path)
}

fn folder_size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let data = entry.metadata()?;
        bytes += if data.is_dir() {
            folder_size(&entry.path())?
        } else {
            data.len()
        };
    }
    Ok(bytes)
}
