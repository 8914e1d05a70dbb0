//! `cargo xtask dist`: the binary that releases carry. It is built twice: once to count what every branch does while it
//! hunts what this repository can make itself, and once more with these counts for the optimiser.
//!
//! Only the crates that events go through are counted. A function that is counted and never runs is taken for cold and
//! compiled to be small, so the desk, which no hunt runs, is left out: cargo calls this program for rustc
//! (`RUSTC_WORKSPACE_WRAPPER`), and it adds the flag where it belongs. Both builds have the settings of the release
//! profile under names of their own: with other settings functions are cut otherwise and their counts are lost.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::bench::{built_binary, files_below, target};
use crate::tools::Missing;
use crate::{cargo, root, run, run_in, ui};

/// The crates that events go through, as rustc names them. The program is one: all memory is asked for through it, it
/// brings the counting runtime, and its flags are those of the last optimisation, which goes over all crates.
const TRAINED: [&str; 6] = [
    "vigie",
    "vigie_detect",
    "vigie_event",
    "vigie_evidence",
    "vigie_hunt",
    "vigie_pack",
];

/// Names the flag to the program when cargo runs it for rustc.
pub(crate) const FLAG_VARIABLE: &str = "VIGIE_XTASK_PROFILE_FLAG";
const COUNT: &str = "-Cprofile-generate";
const USE: &str = "-Cprofile-use=";

/// The cargo profiles of the two builds, and so their folders.
const INSTRUMENTED: &str = "instrumented";
const DIST: &str = "dist";

/// The evidence that is hunted for training: no seed and no file that benchmarks read.
const SIMULATE: [&str; 9] = [
    "simulate",
    "--seed",
    "21",
    "--tenants",
    "1",
    "--days",
    "14",
    "--size",
    "60M",
];
/// How often each event of the packs' fixtures comes.
const ROUNDS: u64 = 50;
/// What counts of event logs, of events as JSON lines and of everything the simulation makes weigh: most of that is text,
/// beside which event logs would be taken for rare.
const WEIGHTS: [u8; 3] = [4, 4, 1];

/// Builds the pages and the binary that takes them in, and says where it is.
pub(crate) fn dist() -> Result<()> {
    profdata()?;
    ui::build().context("the desk would have no pages")?;
    let vigie = build()?;
    let size = fs::metadata(&vigie)?.len();
    println!("{} ({:.1} MB)", vigie.display(), size as f64 / 1e6);
    Ok(())
}

/// Builds the binary: what is up to date is neither built nor trained again.
pub(crate) fn build() -> Result<PathBuf> {
    let profdata = profdata()?;
    let training = target().join("training");
    forget_other_recipe(&training)?;
    let instrumented = compile(INSTRUMENTED, COUNT.into())?;
    let counts = training.join("vigie.profdata");
    if modified(&counts) <= modified(&instrumented) {
        train(&instrumented, &profdata, &training, &counts)?;
        // Cargo does not see that there are other counts.
        forget(DIST)?;
    }
    let mut flag = OsString::from(USE);
    flag.push(&counts);
    compile(DIST, flag)
}

/// Builds the program under a profile with the settings of the release profile, with a flag for the trained crates.
fn compile(profile: &str, flag: OsString) -> Result<PathBuf> {
    let inherits = like_release(profile);
    let arguments = [
        "build",
        "--package",
        "vigie",
        "--profile",
        profile,
        "--config",
        &inherits,
    ];
    eprintln!("\n== cargo {} ({})", arguments.join(" "), flag.display());
    let status = Command::new(cargo())
        .args(arguments)
        .env("RUSTC_WORKSPACE_WRAPPER", env::current_exe()?)
        .env(FLAG_VARIABLE, flag)
        .current_dir(root())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo {} failed ({status})", arguments.join(" "));
    }
    built_binary(profile, "vigie")
}

fn like_release(profile: &str) -> String {
    format!("profile.{profile}.inherits=\"release\"")
}

/// What cargo runs for rustc: rustc, with the flag where it belongs.
pub(crate) fn rustc(flag: &OsStr, words: &[OsString]) -> Result<ExitCode> {
    let (rustc, arguments) = words
        .split_first()
        .context("cargo did not say which rustc to run")?;
    let status = Command::new(rustc)
        .args(arguments)
        .args(is_trained(arguments).then_some(flag))
        .status()
        .with_context(|| format!("cannot start {}", rustc.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn is_trained(arguments: &[OsString]) -> bool {
    let name = arguments.windows(2).find(|pair| pair[0] == "--crate-name");
    name.is_some_and(|pair| TRAINED.iter().any(|trained| pair[1] == *trained))
}

/// Cargo sees when sources change, not when this file wants other crates or other evidence: then both builds begin anew.
fn forget_other_recipe(training: &Path) -> Result<()> {
    let recipe = format!("{TRAINED:?} {SIMULATE:?} {ROUNDS} {WEIGHTS:?}\n");
    let written = training.join("recipe.txt");
    if fs::read_to_string(&written).is_ok_and(|before| before == recipe) {
        return Ok(());
    }
    forget(INSTRUMENTED)?;
    forget(DIST)?;
    if training.exists() {
        fs::remove_dir_all(training).with_context(|| format!("cannot remove {}", training.display()))?;
    }
    fs::create_dir_all(training).with_context(|| format!("cannot create {}", training.display()))?;
    fs::write(&written, recipe).with_context(|| format!("cannot write {}", written.display()))
}

/// Removes what was built of the workspace under a profile.
fn forget(profile: &str) -> Result<()> {
    let inherits = like_release(profile);
    let arguments = [
        "clean",
        "--workspace",
        "--profile",
        profile,
        "--config",
        &inherits,
    ];
    run(&cargo(), &arguments)
}

/// Hunts with the program that counts, and merges its counts.
fn train(vigie: &Path, profdata: &Path, training: &Path, counts: &Path) -> Result<()> {
    let (evidence, raw) = (training.join("evidence"), training.join("raw"));
    for folder in [&evidence, &raw] {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    let program = vigie.display().to_string();
    let counting = |words: &[&str], to: &str| {
        let to = training.join(to).display().to_string();
        run_in(&root(), &program, words, &[("LLVM_PROFILE_FILE", &to)])
    };
    // Making the evidence is nothing to be trained for: its counts are not merged.
    let simulated = evidence.join("simulated").display().to_string();
    let simulate = [&SIMULATE[..], &["--out", &simulated]].concat();
    counting(&simulate, "simulate.profraw")?;
    let events = evidence.join("events.json");
    write_events(&events)?;
    let logs = files_below(&evidence)?.into_iter().map(|(path, _)| path);
    let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "evtx"));
    let everything = evidence.join("simulated");
    let kinds = [
        ("logs", logs.collect()),
        ("events", vec![events]),
        ("everything", vec![everything]),
    ];
    let findings = training.join("findings.jsonl").display().to_string();
    // Under another name until it is whole.
    let merged = counts.with_extension("part");
    let mut merge = vec![
        "merge".to_owned(),
        "--output".to_owned(),
        merged.display().to_string(),
    ];
    for ((kind, paths), weight) in kinds.iter().zip(WEIGHTS) {
        let paths: Vec<String> = paths
            .iter()
            .map(|path: &PathBuf| path.display().to_string())
            .collect();
        for threads in ["1", "2"] {
            let mut words = vec!["hunt", "--quiet", "--format", "jsonl", "--output", &findings];
            words.extend(["--threads", threads]);
            words.extend(paths.iter().map(String::as_str));
            let to = format!("raw/{kind}-{threads}.profraw");
            counting(&words, &to)?;
            merge.push(format!(
                "--weighted-input={weight},{}",
                training.join(to).display()
            ));
        }
    }
    let merge: Vec<&str> = merge.iter().map(String::as_str).collect();
    run(&profdata.display().to_string(), &merge)?;
    fs::rename(&merged, counts).with_context(|| format!("cannot rename {}", merged.display()))
}

/// The Windows events of the packs' fixtures, those that rules are about and those that they must leave alone, as JSON
/// lines: more kinds of events than the simulation has.
fn write_events(to: &Path) -> Result<()> {
    let mut events = Vec::new();
    for (path, _) in files_below(&root().join("packs"))? {
        if path.parent().is_some_and(|folder| folder.ends_with("fixtures")) {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let fixtures: Vec<Map<String, Value>> =
                yaml_serde::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
            events.extend(fixtures.iter().flat_map(windows_events));
        }
    }
    if events.is_empty() {
        bail!("no pack has a fixture with a Windows event to train on");
    }
    let mut file =
        BufWriter::new(File::create(to).with_context(|| format!("cannot create {}", to.display()))?);
    for round in 0..ROUNDS {
        for (number, event) in events.iter_mut().enumerate() {
            let (hour, minute, second) = (round / 60 % 24, round % 60, number % 60);
            event.insert("EventRecordID".into(), json!(round * 10_000 + number as u64));
            event.insert("Computer".into(), json!("EX01.example.net"));
            event.insert(
                "SystemTime".into(),
                json!(format!("2021-03-03T{hour:02}:{minute:02}:{second:02}Z")),
            );
            serde_json::to_writer(&mut file, event)?;
            file.write_all(b"\n")?;
        }
    }
    file.flush()?;
    Ok(())
}

fn windows_events(fixture: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let lists = ["match", "no_match"]
        .into_iter()
        .filter_map(|name| fixture.get(name)?.as_array());
    let events = lists.flatten().filter_map(Value::as_object);
    events
        .filter(|event| event.contains_key("Channel") && event.contains_key("EventID"))
        .cloned()
        .collect()
}

/// The toolchain's program that merges counts.
fn profdata() -> Result<PathBuf> {
    let said = |words: &[&str]| -> Result<String> {
        let output = Command::new("rustc")
            .args(words)
            .current_dir(root())
            .output()
            .context("cannot start rustc; is it installed?")?;
        Ok(String::from_utf8(output.stdout)?)
    };
    let host = said(&["-vV"])?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let path = Path::new(said(&["--print", "sysroot"])?.trim())
        .join("lib/rustlib")
        .join(host.context("rustc -vV names no host")?)
        .join("bin")
        .join(format!("llvm-profdata{}", env::consts::EXE_SUFFIX));
    if !path.is_file() {
        return Err(Missing(format!(
            "{} is missing, needed for a build by profile; install it: rustup component add llvm-tools",
            path.display()
        ))
        .into());
    }
    Ok(path)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_that_events_go_through_are_counted_and_optimised_by_counts() {
        let trained = |arguments: &str| {
            let arguments: Vec<OsString> = arguments.split(' ').map(OsString::from).collect();
            is_trained(&arguments)
        };
        for name in TRAINED {
            assert!(
                trained(&format!("--crate-name {name} --edition=2024 src/lib.rs")),
                "{name}"
            );
        }
        for other in ["vigie_desk", "build_script_build", "___"] {
            assert!(!trained(&format!("--crate-name {other} --cfg vigie")), "{other}");
        }
        assert!(!trained("-vV"));
    }

    #[test]
    fn the_trained_crates_are_crates_of_the_workspace() {
        for name in TRAINED {
            let folder = name.strip_prefix("vigie_").unwrap_or(name);
            let manifest = fs::read_to_string(root().join("crates").join(folder).join("Cargo.toml")).unwrap();
            let line = format!("name = \"{}\"", name.replace('_', "-"));
            assert!(manifest.contains(&line), "{name}");
        }
    }

    #[test]
    fn windows_events_of_a_fixture_are_taken_whether_its_rule_matches_or_not() {
        let fixture = json!({"rule": "x", "match": [{"Channel": "Security", "EventID": 1}, {"cs-method": "GET"}],
            "no_match": [{"Channel": "System", "EventID": 2}]});
        let events = windows_events(fixture.as_object().unwrap());
        let numbers: Vec<_> = events.iter().map(|event| event["EventID"].as_u64()).collect();
        assert_eq!(numbers, [Some(1), Some(2)]);
    }

    #[test]
    fn rustc_is_run_as_cargo_asked_and_its_failure_is_the_wrappers() {
        let run = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            rustc(OsStr::new(COUNT), &words)
        };
        assert_eq!(run(&["rustc", "-vV"]).unwrap(), ExitCode::SUCCESS);
        assert_ne!(run(&["rustc", "--no-such-option"]).unwrap(), ExitCode::SUCCESS);
        assert!(run(&[]).is_err());
    }
}
