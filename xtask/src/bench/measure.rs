//! Runs whole processes and says what they cost.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::scratch;
use crate::tools::TIME;

/// A program to measure: its runs, one after another, count as one.
pub(super) struct Job {
    /// What it is called in the table.
    pub(super) name: String,
    program: PathBuf,
    runs: Vec<Vec<OsString>>,
    /// Exit statuses that are no failure.
    fine: &'static [i32],
}

impl Job {
    pub(super) fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Job {
        Job {
            name: name.into(),
            program: program.into(),
            runs: Vec::new(),
            fine: &[0],
        }
    }

    /// One run with these arguments and then these paths.
    pub(super) fn run(
        mut self,
        arguments: &[&str],
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
    ) -> Job {
        let arguments = arguments.iter().map(OsString::from);
        let paths = paths.into_iter().map(|path| path.as_ref().into());
        self.runs.push(arguments.chain(paths).collect());
        self
    }

    /// One run for each path, for programs that take a single file.
    pub(super) fn run_each(self, arguments: &[&str], paths: &[PathBuf]) -> Job {
        paths
            .iter()
            .fold(self, |job, path| job.run(arguments, [path.as_path()]))
    }

    /// The same runs with another program around them, which takes theirs after its own arguments.
    pub(super) fn under(self, program: &Path, arguments: &[&str]) -> Job {
        let inner = self.program.into_os_string();
        let runs = self.runs.into_iter().map(|run| {
            let before = arguments.iter().map(OsString::from).chain([inner.clone()]);
            before.chain(run).collect()
        });
        Job {
            runs: runs.collect(),
            program: program.to_owned(),
            ..self
        }
    }

    /// Takes these exit statuses for success too.
    pub(super) fn fine(mut self, statuses: &'static [i32]) -> Job {
        self.fine = statuses;
        self
    }
}

/// What a job cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// Seconds from start to end.
    pub(super) wall: f64,
    /// Seconds of all cores, in the program and in the system for it.
    pub(super) cpu: f64,
    /// The most memory it held, in bytes.
    pub(super) peak: u64,
}

impl Cost {
    const NOTHING: Cost = Cost {
        wall: 0.0,
        cpu: 0.0,
        peak: 0,
    };

    /// The jobs of one process after another.
    fn then(self, next: Cost) -> Cost {
        Cost {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
            peak: self.peak.max(next.peak),
        }
    }

    /// The least time of two measurements of the same job, and the most memory.
    fn best(self, other: Cost) -> Cost {
        Cost {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            peak: self.peak.max(other.peak),
        }
    }
}

/// Measures all jobs in turn, so often, and keeps the best time of each: what else the machine does falls on all alike.
pub(super) fn measure(jobs: &[Job], rounds: usize) -> Result<Vec<Cost>> {
    let time = TIME.ensure()?;
    let mut best: Vec<Option<Cost>> = vec![None; jobs.len()];
    for _ in 0..rounds.max(1) {
        for (job, best) in jobs.iter().zip(&mut best) {
            let mut cost = Cost::NOTHING;
            for arguments in &job.runs {
                cost = cost.then(once(&time, job, arguments)?);
            }
            *best = Some(best.map_or(cost, |best| best.best(cost)));
        }
    }
    Ok(best.into_iter().flatten().collect())
}

/// Runs a command once under GNU time, its output thrown away.
fn once(time: &Path, job: &Job, arguments: &[OsString]) -> Result<Cost> {
    let figures = scratch()?.join("time.txt");
    let mut command = Command::new(time);
    command.args(["-f", "%U %S %M", "-o"]).arg(&figures);
    command.arg(&job.program).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let started = Instant::now();
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", job.program.display()))?;
    let wall = started.elapsed().as_secs_f64();
    if !output.status.code().is_some_and(|code| job.fine.contains(&code)) {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed ({}): {said}", job.name, output.status);
    }
    let text = fs::read_to_string(&figures).context("GNU time wrote no figures")?;
    let (cpu, peak) = read_figures(&text).with_context(|| format!("GNU time wrote {text:?}"))?;
    Ok(Cost { wall, cpu, peak })
}

/// Seconds of all cores and bytes of memory; a line before them says that the status was not zero.
fn read_figures(text: &str) -> Option<(f64, u64)> {
    let mut words = text.lines().last()?.split(' ');
    let (user, system): (f64, f64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let kib: u64 = words.next()?.parse().ok()?;
    Some((user + system, kib << 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_gnu_time() {
        let said = "Command exited with non-zero status 1\n1.50 0.25 2048\n";
        assert_eq!(read_figures(said), Some((1.75, 2 << 20)));
        assert_eq!(read_figures(""), None);
        assert_eq!(read_figures("1.0 x 5"), None);
    }

    #[test]
    fn the_best_time_and_the_most_memory_count() {
        let cost = |wall, cpu, peak| Cost { wall, cpu, peak };
        assert_eq!(cost(2.0, 3.0, 10).best(cost(1.0, 4.0, 20)), cost(1.0, 3.0, 20));
        assert_eq!(
            Cost::NOTHING.then(cost(2.0, 3.0, 10)).then(cost(1.0, 1.0, 5)),
            cost(3.0, 4.0, 10)
        );
    }
}
