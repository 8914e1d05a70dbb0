//! Logs of requests: all packs and the public web rules, beside a search for the rules' texts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::measure::{Cost, Job};
use super::peers::RIPGREP;
use super::table::Bound;
use super::{Bench, corpora, files_below, literals, scratch, simulated};
use crate::root;

/// Where the simulated servers keep the logs of requests.
const FOLDERS: [&str; 2] = ["inetpub/logs/LogFiles", "Logging/HttpProxy"];

/// The logs of IIS and of Exchange's front end.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let Some(rules) = Rules::gather()? else {
        return Ok(());
    };
    bench.at_sizes("text, 2 threads", |bench, size| {
        measure(bench, &rules, size).map(Some)
    })
}

/// The public rules about requests, and the logs.
pub(super) fn evidence(bench: &Bench) -> Result<Option<(PathBuf, Vec<PathBuf>)>> {
    let Some(rules) = Rules::gather()? else {
        return Ok(None);
    };
    let evidence = simulated::simulate(bench, bench.options.size)?;
    let logs = logs_of(&evidence)?;
    Ok(Some((rules.web, vec![folder_of(&evidence, &logs)?])))
}

/// A folder with these logs of the evidence alone, under their own names, which say what they are.
fn folder_of(evidence: &Path, logs: &[(PathBuf, u64)]) -> Result<PathBuf> {
    let folder = evidence.with_extension("logs");
    if !folder.exists() {
        for (log, _) in logs {
            let place = folder.join(log.strip_prefix(evidence)?);
            let parent = place.parent().unwrap_or(&folder);
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
            fs::hard_link(log, &place).with_context(|| format!("cannot link {}", place.display()))?;
        }
    }
    Ok(folder)
}

fn logs_of(evidence: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut logs = files_below(evidence)?;
    logs.retain(|(path, _)| FOLDERS.iter().any(|folder| is_in(path, folder)));
    Ok(logs)
}

fn measure(bench: &mut Bench, rules: &Rules, size: u64) -> Result<(u64, Cost)> {
    let evidence = simulated::simulate(bench, size)?;
    let logs = logs_of(&evidence)?;
    let bytes = logs.iter().map(|(_, size)| size).sum();
    let folder = [folder_of(&evidence, &logs)?];
    let paths: Vec<PathBuf> = logs.into_iter().map(|(path, _)| path).collect();

    let web = rules.web.display().to_string();
    let arguments = ["--rules", &web];
    let mut jobs = vec![
        bench.hunt(
            "vigie hunt, all packs, web rules, 2 threads",
            2,
            &arguments,
            &folder,
        )?,
        bench.hunt(
            "vigie hunt, all packs, web rules, 1 thread",
            1,
            &arguments,
            &folder,
        )?,
        Job::new("wc -l", "wc").run(&["-l"], &paths),
    ];
    if let Some(rg) = RIPGREP.find(bench.options.quick)? {
        let texts = rules.texts.display().to_string();
        // With `-c` it leaves a line at the first literal; only who counts every match looks at every byte.
        for (name, how) in [
            ("rg -c -F -i -f LITERALS", &["-c", "-i"][..]),
            ("rg --count-matches -F -i -f LITERALS", &["--count-matches", "-i"]),
            ("rg -c -F -f LITERALS", &["-c"]),
        ] {
            let arguments = [&["-F", "--no-ignore", "-f", &texts][..], how].concat();
            jobs.push(Job::new(name, &rg).run(&arguments, &folder).fine(&[0, 1]));
        }
    }
    let title = format!(
        "text: {} logs of IIS and HttpProxy, {} public rules, {} literals",
        paths.len(),
        rules.web_count,
        rules.text_count
    );
    let costs = bench.measure(&title, bytes, &jobs)?;
    bench.hold_memory("text, 2 threads", &costs[0]);
    let speed = bytes as f64 / 1e6 / costs[0].wall;
    let targets = &mut bench.targets;
    targets.goal("text, 2 threads: MB/s", speed, Bound::AtLeast(600.0));
    for (job, what) in [
        (
            3,
            "text, 2 threads: wall time as times of rg -i's with the literals",
        ),
        (4, "the same, of rg -i's when it counts every match"),
    ] {
        if let Some(rg) = costs.get(job) {
            targets.goal(what, costs[0].wall / rg.wall, Bound::AtMost(1.0));
        }
    }
    simulated::forget(&folder[0], size)?;
    simulated::forget(&evidence, size)?;
    Ok((bytes, costs[0]))
}

fn is_in(path: &Path, folder: &str) -> bool {
    path.to_string_lossy()
        .replace('\\', "/")
        .contains(&format!("/{folder}/"))
}

/// The public rules about requests, and the texts of these and of the packs' own.
struct Rules {
    web: PathBuf,
    web_count: usize,
    /// A file with one text a line.
    texts: PathBuf,
    text_count: usize,
}

impl Rules {
    fn gather() -> Result<Option<Rules>> {
        let Some(sigma) = corpora::corpus("sigma") else {
            return Ok(None);
        };
        let public = about_requests(&["rules", "rules-emerging-threats"].map(|name| sigma.join(name)))?;
        let packs = about_requests(&[root().join("packs")])?;
        let web = scratch()?.join("rules-web");
        let web_count = corpora::copy_files(public.iter().map(PathBuf::as_path), &web)?;
        let literals = literals::of_rules(&[public, packs].concat())?;
        let texts = scratch()?.join("literals.txt");
        let lines: Vec<&str> = literals.iter().map(String::as_str).collect();
        fs::write(&texts, lines.join("\n") + "\n")
            .with_context(|| format!("cannot write {}", texts.display()))?;
        Ok(Some(Rules {
            web,
            web_count,
            texts,
            text_count: lines.len(),
        }))
    }
}

fn about_requests(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for file in corpora::rule_files(folders)? {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        if literals::is_about_requests(&text) {
            files.push(file);
        }
    }
    Ok(files)
}
