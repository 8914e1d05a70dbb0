//! Exposure: from an inventory of many servers to who is concerned, for every known vulnerability of Exchange.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use yaml_serde::Value;

use super::measure::{Cost, Job};
use super::table::Bound;
use super::{Bench, scratch};
use crate::root;

/// The packs whose vulnerabilities are judged, together.
const PACKS: [&str; 4] = [
    "exchange-cves",
    "hafnium-2021",
    "proxyshell-2021",
    "proxynotshell-2022",
];
/// How many servers there are, each ten times as many as before.
const SERVERS: [usize; 3] = [1_000, 10_000, 100_000];
/// The one of these that is held to a bound.
const HELD: usize = 10_000;
/// What the assessment of that many may take.
const SECONDS: f64 = 1.0;
const MEGABYTES: f64 = 100.0;
/// Ten times the servers may take so many times as long.
const GROWTH: f64 = 12.0;
/// Ways in which builds are found out, as often as offices have them.
const SOURCES: [&str; 7] = [
    "exsetup",
    "exsetup",
    "healthchecker",
    "x_owa_version",
    "admin_display_version",
    "path",
    "exporttool",
];

/// Assesses inventories of growing size, in every format.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let (pack, vulnerabilities) = pack()?;
    let sizes: &[usize] = if bench.options.quick {
        &SERVERS[..1]
    } else {
        &SERVERS
    };
    let mut before: Option<Cost> = None;
    for &servers in sizes {
        let inventory = inventory(servers)?;
        let formats: &[&str] = if servers > HELD {
            &["json", "csv"]
        } else {
            &["json", "csv", "html"]
        };
        let jobs: Vec<Job> = formats
            .iter()
            .map(|format| job(bench, format, &pack, &inventory))
            .collect();
        let bytes = fs::metadata(&inventory)?.len();
        let title = format!("exposure: {servers} servers × {vulnerabilities} vulnerabilities");
        let costs = bench.measure(&title, bytes, &jobs)?;
        let json = costs[0];
        if servers == HELD {
            hold(bench, &costs, formats);
        }
        if let Some(before) = before {
            let what = format!("{servers} servers: processor time as times of that for a tenth");
            let growth = json.cpu / before.cpu.max(0.001);
            bench.targets.least(what, growth, Bound::AtMost(GROWTH));
        }
        before = Some(json);
    }
    Ok(())
}

fn hold(bench: &mut Bench, costs: &[Cost], formats: &[&str]) {
    for (cost, format) in costs.iter().zip(formats) {
        let seconds = format!("{HELD} servers, {format}: wall time in seconds");
        bench.targets.least(seconds, cost.wall, Bound::AtMost(SECONDS));
        let memory = format!("{HELD} servers, {format}: memory in MB");
        bench
            .targets
            .least(memory, cost.peak as f64 / 1e6, Bound::AtMost(MEGABYTES));
    }
}

fn job(bench: &Bench, format: &str, pack: &Path, inventory: &Path) -> Job {
    let pack = pack.display().to_string();
    let arguments = [
        "exposure",
        "assess",
        "--quiet",
        "--as-of",
        "2026-11-24",
        "--format",
        format,
    ];
    let arguments = [&arguments[..], &["--pack", &pack, "--inventory"]].concat();
    Job::new(format!("vigie exposure assess --format {format}"), &bench.vigie).run(&arguments, [inventory])
}

/// A pack with every vulnerability of Exchange that the packs know, each once; and how many these are.
fn pack() -> Result<(PathBuf, usize)> {
    let folder = scratch()?.join("exposure-all");
    fs::create_dir_all(&folder)?;
    let read = |pack: &str, file: &str| {
        let path = root().join("packs").join(pack).join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (mut all, mut seen): (Vec<Value>, HashSet<String>) = (Vec::new(), HashSet::new());
    for pack in PACKS {
        let cves: Vec<Value> = yaml_serde::from_str(&read(pack, "cves.yaml")?)?;
        for cve in cves {
            let id = cve
                .get("id")
                .and_then(Value::as_str)
                .context("a vulnerability without a name")?;
            if seen.insert(id.to_owned()) {
                all.push(cve);
            }
        }
    }
    fs::write(folder.join("cves.yaml"), yaml_serde::to_string(&all)?)?;
    let manifest = read(PACKS[0], "pack.yaml")?;
    let named = manifest.replace(&format!("name: {}", PACKS[0]), "name: exposure-all");
    fs::write(folder.join("pack.yaml"), named)?;
    Ok((folder, all.len()))
}

/// An inventory: every published build equally often, which is harder than any real one, a third of the servers with
/// two words on their build. The same numbers give the same bytes.
fn inventory(servers: usize) -> Result<PathBuf> {
    let path = scratch()?.join(format!("exposure-{servers}.csv"));
    if path.exists() {
        return Ok(path);
    }
    let table = root().join("packs/products/exchange/builds.csv");
    let table = fs::read_to_string(&table).with_context(|| format!("cannot read {}", table.display()))?;
    // The columns before the build hold no comma.
    let builds: Vec<(&str, &str)> = table
        .lines()
        .skip(1)
        .filter_map(|line| Some((line.split(',').next()?, line.split(',').nth(5)?)))
        .collect();
    let mut dice = Dice(7);
    let mut text = "tenant;server;fqdn;product;build;build_source;published;topology;observed_at;address;dag;mission_impact;\
                    mitigation\n"
        .to_owned();
    for number in 0..servers {
        let (tenant, own) = (number / 10, number % 10);
        let (line, build) = *dice.of(&builds);
        let source = *dice.of(&SOURCES);
        let build = match source {
            "path" => build.rsplit_once('.').map_or(build, |(base, _)| base),
            _ => build,
        };
        let published = dice.of(&["yes", "yes", "no", "?"]);
        let topology = dice.of(&["on_prem", "hybrid", "hybrid_management_only", ""]);
        let (year, month, day) = (
            dice.of(&[2021, 2022, 2026]),
            1 + dice.below(12),
            1 + dice.below(27),
        );
        let head =
            format!("tenant-{tenant:05};EX{own:02};ex{own:02}.tenant-{tenant:05}.example;Exchange {line}");
        let _ = writeln!(
            text,
            "{head};{build};{source};{published};{topology};{year}-{month:02}-{day:02};10.{}.{}.{};{};{};{}",
            number >> 16 & 255,
            number >> 8 & 255,
            number & 255,
            dice.of(&["DAG1", "", "", "", ""]),
            dice.of(&["", "", "mission_failure", "mef_failure", "degraded"]),
            dice.of(&["EOMT", "", "", "", "", "", "", "", "", ""])
        );
        if dice.below(3) == 0 {
            let (_, build) = *dice.of(&builds);
            let day = day + 1;
            let _ = writeln!(text, "{head};{build};exsetup;;;{year}-{month:02}-{day:02};;;;");
        }
    }
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % n
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_is_the_same_every_time_and_names_every_server() {
        let (one, other) = (inventory(30).unwrap(), inventory(30).unwrap());
        let text = fs::read_to_string(&one).unwrap();
        assert_eq!(text, fs::read_to_string(other).unwrap());
        let servers: HashSet<String> = text
            .lines()
            .skip(1)
            .map(|line| line.split(';').take(2).collect::<Vec<_>>().join("/"))
            .collect();
        assert_eq!(servers.len(), 30);
        assert!(text.lines().count() > 33, "{text}");
        assert!(text.lines().all(|line| line.matches(';').count() >= 12), "{text}");
    }

    #[test]
    fn about_thirty_vulnerabilities_are_judged() {
        let (folder, count) = pack().unwrap();
        assert!((28..=45).contains(&count), "{count}");
        assert!(folder.join("pack.yaml").exists());
    }
}
