//! Benchmarks: the binary of releases as a whole process, beside tools everybody knows, in one run.
//!
//! Ratios count: everything in one table is measured in turn on the same bytes, so that what else the machine does
//! falls on all alike.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use self::measure::{Cost, Job, measure};
use self::table::{Bound, Targets, head, row};
use crate::tools::Missing;
use crate::{cargo, dist, root, run};

mod corpora;
mod desk;
mod engines;
mod evtx;
mod exposure;
mod flame;
mod instructions;
mod json;
mod literals;
mod measure;
mod peers;
mod rules;
mod simulated;
mod table;
mod text;

pub(crate) use self::engines::scan_and_print;

/// What `cargo xtask bench` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Bytes of evidence.
    size: u64,
    /// Only prove that the benchmarks run: little data, one round, no target judged.
    quick: bool,
    /// The parts to run.
    parts: Vec<Part>,
    /// How often each job is measured.
    rounds: usize,
    /// Measure a plain release build.
    release: bool,
}

/// A benchmark.
type Benchmark = fn(&mut Bench) -> Result<()>;

/// A part of the benchmarks, by the name it goes by on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Evtx,
    Rules,
    Json,
    Text,
    Simulated,
    Exposure,
    Desk,
    Literals,
    Instructions,
    Flame,
}

/// All parts; those whose name is an option only when they are named.
const PARTS: [(&str, Part, Benchmark); 10] = [
    ("evtx", Part::Evtx, evtx::bench),
    ("rules", Part::Rules, rules::bench),
    ("json", Part::Json, json::bench),
    ("text", Part::Text, text::bench),
    ("simulated", Part::Simulated, simulated::bench),
    ("exposure", Part::Exposure, exposure::bench),
    ("desk", Part::Desk, desk::bench),
    ("literals", Part::Literals, engines::bench),
    ("--instructions", Part::Instructions, instructions::bench),
    ("--flame", Part::Flame, flame::bench),
];

/// So much evidence is measured unless told otherwise.
const SIZE: u64 = 1_000_000_000;
/// So much proves that the benchmarks run.
const QUICK_SIZE: u64 = 5_000_000;
/// How often each job is measured; the best time counts.
const ROUNDS: usize = 3;
/// Evidence that is made is kept for the next run up to this size.
const KEPT_BYTES: u64 = 2_000_000_000;
/// What a hunt may hold in memory, whatever the size of the evidence.
const MEMORY_BOUND: u64 = 300_000_000;

impl Options {
    /// Everything on little data: proves that the benchmarks run.
    pub(crate) fn quick() -> Options {
        Options {
            size: QUICK_SIZE,
            quick: true,
            parts: PARTS.iter().map(|(_, part, _)| *part).collect(),
            rounds: 1,
            release: false,
        }
    }

    /// `[PART...] [--quick | --size SIZE] [--rounds N] [--release]`; `None` when it is something else.
    pub(crate) fn parse(words: &[&str]) -> Option<Options> {
        let (mut quick, mut release, mut size, mut rounds, mut parts) =
            (false, false, None, None, Vec::new());
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            match word {
                "--quick" => quick = true,
                "--release" => release = true,
                "--size" => size = Some(parse_size(words.next()?)?),
                "--rounds" => rounds = Some(words.next()?.parse().ok()?),
                _ => parts.push(PARTS.iter().find(|(name, _, _)| *name == word)?.1),
            }
        }
        if quick && (size.is_some() || rounds.is_some()) {
            return None;
        }
        let mut options = Options::quick();
        if !quick {
            options.size = size.unwrap_or(SIZE);
            options.rounds = rounds.unwrap_or(ROUNDS);
        }
        (options.quick, options.release) = (quick, release);
        if !quick {
            options.parts = named_by_words();
        }
        if !parts.is_empty() {
            options.parts = parts;
        }
        Some(options)
    }
}

/// The parts that run when none is named.
fn named_by_words() -> Vec<Part> {
    let is_word = |name: &&str| !name.starts_with('-');
    PARTS
        .iter()
        .filter(|(name, _, _)| is_word(name))
        .map(|(_, part, _)| *part)
        .collect()
}

/// `500M`, `10G`; decimal units.
fn parse_size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.chars().last()? {
        'K' => (text.strip_suffix('K')?, 1_000),
        'M' => (text.strip_suffix('M')?, 1_000_000),
        'G' => (text.strip_suffix('G')?, 1_000_000_000),
        _ => (text, 1),
    };
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)
        .filter(|size| *size > 0)
}

/// `cargo xtask bench`.
pub(crate) fn bench(options: &Options) -> Result<()> {
    let mut bench = Bench {
        vigie: vigie(options)?,
        options: options.clone(),
        targets: Targets::default(),
    };
    for (_, part, benchmark) in PARTS {
        if options.parts.contains(&part) {
            benchmark(&mut bench)?;
        }
    }
    if options.quick {
        println!("\nquick: little data, so no target is judged");
        return Ok(());
    }
    println!("\n{}", bench.targets.table());
    bench.targets.judge()
}

/// The binary to measure: the one that releases carry, unless this is quick, something else was asked for, or it cannot
/// be built here.
fn vigie(options: &Options) -> Result<PathBuf> {
    let why = if options.quick {
        "quick".to_owned()
    } else if options.release {
        "--release".to_owned()
    } else {
        match dist::build() {
            Ok(vigie) => {
                println!("measured: the build that releases carry, {}", vigie.display());
                return Ok(vigie);
            }
            Err(error) if error.is::<Missing>() => format!("{error:#}"),
            Err(error) => return Err(error),
        }
    };
    run(&cargo(), &["build", "--release", "--package", "vigie"])?;
    let vigie = release_binary("vigie")?;
    println!("measured: a plain release build ({why}), {}", vigie.display());
    Ok(vigie)
}

/// What every benchmark works with.
struct Bench {
    vigie: PathBuf,
    options: Options,
    targets: Targets,
}

impl Bench {
    /// A hunt, its findings written to a file as JSON lines.
    fn hunt(&self, name: &str, threads: u8, arguments: &[&str], paths: &[PathBuf]) -> Result<Job> {
        let output = scratch()?.join("hunt.jsonl").display().to_string();
        let threads = threads.to_string();
        let mut all = vec!["hunt", "--quiet", "--format", "jsonl", "--output", &output];
        all.extend(["--threads", &threads]);
        all.extend(arguments);
        Ok(Job::new(name, &self.vigie).run(&all, paths))
    }

    /// Measures jobs that all read the same bytes, and prints them.
    fn measure(&self, title: &str, bytes: u64, jobs: &[Job]) -> Result<Vec<Cost>> {
        let costs = measure(jobs, self.options.rounds)?;
        println!("{}", head(title));
        for (job, cost) in jobs.iter().zip(&costs) {
            println!("{}", row(&job.name, bytes, cost));
        }
        Ok(costs)
    }

    /// Runs a benchmark; where it is asked for much, on a tenth too, to see that time grows as the bytes do and memory
    /// not at all.
    fn at_sizes(
        &mut self,
        what: &str,
        mut at: impl FnMut(&mut Bench, u64) -> Result<Option<(u64, Cost)>>,
    ) -> Result<()> {
        let size = self.options.size;
        if size <= KEPT_BYTES {
            return at(self, size).map(drop);
        }
        let (Some(little), Some(much)) = (at(self, size / 10)?, at(self, size)?) else {
            return Ok(());
        };
        let growth = |much: f64, little: f64| much / little.max(f64::MIN_POSITIVE);
        let bytes = growth(much.0 as f64, little.0 as f64);
        self.targets.goal(
            format!("{what}: wall time a byte, as times of that for a tenth"),
            growth(much.1.wall, little.1.wall) / bytes,
            Bound::AtMost(1.1),
        );
        self.targets.goal(
            format!("{what}: memory as times of that for a tenth"),
            growth(much.1.peak as f64, little.1.peak as f64),
            Bound::AtMost(1.1),
        );
        Ok(())
    }

    /// Holds a hunt to the memory it may take.
    fn hold_memory(&mut self, what: &str, cost: &Cost) {
        let most = Bound::AtMost(MEMORY_BOUND as f64 / 1e6);
        self.targets
            .least(format!("{what}: memory in MB"), cost.peak as f64 / 1e6, most);
    }
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A folder for what the benchmarks make.
fn scratch() -> Result<PathBuf> {
    let folder = target().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// The path of a release binary that was just built.
pub(crate) fn release_binary(name: &str) -> Result<PathBuf> {
    built_binary("release", name)
}

/// The path of a binary that was just built under a profile.
pub(crate) fn built_binary(profile: &str, name: &str) -> Result<PathBuf> {
    let path = target()
        .join(profile)
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !path.exists() {
        bail!("{} was not built", path.display());
    }
    Ok(path)
}

/// All files below a folder with their sizes, in order of their paths.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let data = entry.metadata()?;
            if data.is_dir() {
                folders.push(entry.path());
            } else {
                files.push((entry.path(), data.len()));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_sizes_and_rounds_are_read_and_nothing_else() {
        assert_eq!(Options::parse(&["--quick"]), Some(Options::quick()));
        let options = Options::parse(&["rules", "--size", "10G", "--rounds", "1"]).unwrap();
        assert_eq!(options.parts, [Part::Rules]);
        assert_eq!(
            (options.size, options.rounds, options.quick),
            (10_000_000_000, 1, false)
        );
        assert!(!options.release && Options::parse(&["--release"]).unwrap().release);
        let all = Options::parse(&[]).unwrap();
        assert_eq!((all.size, all.parts.len()), (SIZE, PARTS.len() - 2));
        for wrong in [
            &["nothing"][..],
            &["--size"],
            &["--size", "0"],
            &["--size", "1X"],
            &["--quick", "--size", "1G"],
        ] {
            assert_eq!(Options::parse(wrong), None, "{wrong:?}");
        }
    }
}
