//! Benchmarks: the release binary over simulated evidence, beside tools everybody knows, in one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{cargo, root, run};

/// One measured command.
struct Measured {
    seconds: f64,
    peak_kib: Option<u64>,
}

/// So much evidence proves that the benchmarks run.
pub(crate) const QUICK: &str = "5M";
/// What `vigie hunt` may hold in memory, whatever the size of the evidence.
const MEMORY_TARGET_KIB: u64 = 400 << 10;

/// `cargo xtask bench [--quick] [--size SIZE]`.
pub(crate) fn bench(size: &str) -> Result<()> {
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = release_binary("vigie")?.display().to_string();
    let evidence = target().join(format!("bench-{size}"));
    if !evidence.join("truth.json").exists() {
        let place = evidence.display().to_string();
        let plan = ["simulate", "--seed", "9", "--tenants", "1", "--days", "14"];
        run(&vigie, &[&plan[..], &["--size", size, "--out", &place]].concat())?;
    }
    let sets = sets(&evidence)?;
    println!("evidence: simulated, seed 9, 14 days, --size {size}");
    println!(
        "{:<38} {:>8} {:>9} {:>9} {:>10}",
        "what", "MB", "seconds", "MB/s", "peak MiB"
    );
    let mut over = Vec::new();
    for set in &sets {
        for job in jobs(set, &vigie) {
            let Some(measured) = measure(&job)? else {
                println!("{:<38} {} is not installed, not measured", job.name, job.tool);
                continue;
            };
            let megabytes = set.bytes as f64 / 1e6;
            println!(
                "{:<38} {:>8.0} {:>9.2} {:>9.0} {:>10}",
                job.name,
                megabytes,
                measured.seconds,
                megabytes / measured.seconds,
                measured
                    .peak_kib
                    .map_or("-".to_owned(), |kib| (kib / 1_024).to_string())
            );
            if job.tool == vigie && measured.peak_kib.is_some_and(|kib| kib > MEMORY_TARGET_KIB) {
                over.push(job.name);
            }
        }
    }
    if !over.is_empty() {
        bail!(
            "more than {} MiB of memory: {}",
            MEMORY_TARGET_KIB >> 10,
            over.join(", ")
        );
    }
    Ok(())
}

/// Files that are measured together, in a folder of their own.
struct Set {
    name: &'static str,
    folder: PathBuf,
    files: Vec<PathBuf>,
    bytes: u64,
    event_logs: bool,
}

/// All of the evidence, its text logs, and its event logs.
fn sets(evidence: &Path) -> Result<[Set; 3]> {
    let mut files = Vec::new();
    list(evidence, &mut files)?;
    files.sort();
    let is_event_log = |path: &Path| path.extension().is_some_and(|extension| extension == "evtx");
    let all = Set {
        name: "all",
        folder: evidence.to_owned(),
        files: files.iter().map(|(path, _)| path.clone()).collect(),
        bytes: files.iter().map(|(_, size)| size).sum(),
        event_logs: false,
    };
    let part = |name: &'static str, event_logs: bool| -> Result<Set> {
        let folder = evidence.with_file_name(format!(
            "{}-{name}",
            evidence.file_name().unwrap_or_default().to_string_lossy()
        ));
        let mut set = Set {
            name,
            folder,
            files: Vec::new(),
            bytes: 0,
            event_logs,
        };
        for (path, size) in files.iter().filter(|(path, _)| is_event_log(path) == event_logs) {
            let linked = set.folder.join(path.strip_prefix(evidence)?);
            if !linked.exists() {
                fs::create_dir_all(linked.parent().unwrap_or(&set.folder))?;
                fs::hard_link(path, &linked).with_context(|| format!("cannot link {}", linked.display()))?;
            }
            set.files.push(linked);
            set.bytes += size;
        }
        Ok(set)
    };
    Ok([all, part("text", false)?, part("evtx", true)?])
}

/// A command to measure.
struct Job {
    name: String,
    tool: String,
    arguments: Vec<String>,
    /// What comes after the arguments: a folder, or all its files.
    paths: Vec<PathBuf>,
}

fn jobs(set: &Set, vigie: &str) -> Vec<Job> {
    let job = |name: &str, tool: &str, arguments: &[&str]| Job {
        name: format!("{}: {name}", set.name),
        tool: tool.to_owned(),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        paths: if tool == vigie {
            vec![set.folder.clone()]
        } else {
            set.files.clone()
        },
    };
    let hunt = ["hunt", "--quiet", "--format", "json", "--threads"];
    let mut all = vec![
        job("vigie hunt, 2 threads", vigie, &[&hunt[..], &["2"]].concat()),
        job("vigie hunt, 1 thread", vigie, &[&hunt[..], &["1"]].concat()),
    ];
    if set.event_logs {
        all.push(job(
            "evtx_dump, 2 threads",
            "evtx_dump",
            &["-t", "2", "-o", "jsonl"],
        ));
        all.push(job(
            "evtx_dump, 1 thread",
            "evtx_dump",
            &["-t", "1", "-o", "jsonl"],
        ));
    } else {
        let literals = [
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
        all.push(job("rg -c -F -i, 3 literals", "rg", &literals));
    }
    all.push(job("wc -l", "wc", &["-l"]));
    all
}

/// Runs a command with its output thrown away; peak memory by GNU time where it is installed. Tools that take one file
/// are run once for each.
fn measure(job: &Job) -> Result<Option<Measured>> {
    if !installed(&job.tool) {
        return Ok(None);
    }
    let one_by_one = job.tool == "evtx_dump";
    let groups: Vec<&[PathBuf]> = if one_by_one {
        job.paths.chunks(1).collect()
    } else {
        vec![job.paths.as_slice()]
    };
    let (mut seconds, mut peak_kib) = (0.0, None);
    for files in groups {
        let measured = measure_once(job, files)?;
        seconds += measured.seconds;
        peak_kib = peak_kib.max(measured.peak_kib);
    }
    Ok(Some(Measured { seconds, peak_kib }))
}

fn measure_once(job: &Job, files: &[PathBuf]) -> Result<Measured> {
    let gnu_time = Path::new("/usr/bin/time").exists();
    let mut command = if gnu_time {
        let mut command = Command::new("/usr/bin/time");
        command.args(["-f", "peak %M", &job.tool]);
        command
    } else {
        Command::new(&job.tool)
    };
    let started = Instant::now();
    let output = command
        .args(&job.arguments)
        .args(files)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {}", job.tool))?;
    let seconds = started.elapsed().as_secs_f64();
    let stderr = String::from_utf8_lossy(&output.stderr);
    // rg says 1 when nothing matched.
    let nothing_found = job.tool == "rg" && output.status.code() == Some(1);
    if !output.status.success() && !nothing_found {
        bail!("{} failed: {stderr}", job.name);
    }
    let peak_kib = stderr
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("peak ")?.parse().ok());
    Ok(Measured { seconds, peak_kib })
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

/// All files below a folder, with their sizes.
fn list(folder: &Path, files: &mut Vec<(PathBuf, u64)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let data = entry.metadata()?;
        if data.is_dir() {
            list(&entry.path(), files)?;
        } else {
            files.push((entry.path(), data.len()));
        }
    }
    Ok(())
}
