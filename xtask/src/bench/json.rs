//! Windows events as JSON lines: Vigie beside `rsigma`, the same rules and events, by processor time.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::measure::Job;
use super::peers::{EVTX_DUMP, RSIGMA};
use super::table::Bound;
use super::{Bench, corpora, files_below, has_extension, scratch};

/// The file is this part of what the other benchmarks read: `rsigma` takes its time.
pub(super) const PART_OF_SIZE: u64 = 4;

/// Both engines on the same lines, each less what it takes on no line at all: loading its rules.
pub(super) fn bench(bench: &mut Bench) -> Result<()> {
    let (Some(samples), Some(rules)) = (corpora::all(), corpora::windows_rules()) else {
        return Ok(());
    };
    let quick = bench.options.quick;
    let (Some(dump), Some(rsigma)) = (EVTX_DUMP.find(quick)?, RSIGMA.find(quick)?) else {
        return Ok(());
    };
    let folder = scratch()?.join("json-rules");
    let files = corpora::rule_files(&rules)?;
    corpora::copy_files(files.iter().map(PathBuf::as_path), &folder)?;
    let lines = Lines::make(&samples, &dump, bench.options.size / PART_OF_SIZE)?;
    let nothing = scratch()?.join("nothing.json");
    File::create(&nothing)?;

    let rules = folder.display().to_string();
    let arguments = ["--no-pack", "--rules", &rules];
    let mut jobs = Vec::new();
    for (what, path) in [("", &lines.path), (", no event", &nothing)] {
        let name = format!("vigie hunt, 1 thread{what}");
        jobs.push(bench.hunt(&name, 1, &arguments, std::slice::from_ref(path))?);
    }
    for (what, path) in [("", &lines.path), (", no event", &nothing)] {
        let event = format!("@{}", path.display());
        let arguments = [
            "engine",
            "eval",
            "--input-format",
            "json",
            "--rules",
            &rules,
            "--event",
            &event,
        ];
        let none: [&Path; 0] = [];
        jobs.push(Job::new(format!("rsigma engine eval{what}"), &rsigma).run(&arguments, none));
    }
    let title = format!("json: {} events, {} files of rules", lines.count, files.len());
    let costs = bench.measure(&title, lines.bytes, &jobs)?;
    let speed =
        |with: usize, without: usize| lines.count as f64 / (costs[with].cpu - costs[without].cpu).max(0.001);
    let (ours, theirs) = (speed(0, 1), speed(2, 3));
    println!("\nevents per second and core, without loading the rules: vigie {ours:.0}, rsigma {theirs:.0}");
    bench.targets.goal(
        "json: events per second and core as times of rsigma's",
        ours / theirs,
        Bound::AtLeast(5.0),
    );
    bench.hold_memory("json, 1 thread", &costs[0]);
    Ok(())
}

/// A file with one event a line, its fields beside each other.
pub(super) struct Lines {
    pub(super) path: PathBuf,
    pub(super) count: u64,
    bytes: u64,
}

impl Lines {
    /// The events of all samples, over and over until there are so many bytes; made if an earlier run did not.
    pub(super) fn make(samples: &Path, dump: &Path, wanted: u64) -> Result<Lines> {
        let once = events(samples, dump)?;
        let text = fs::read(&once).with_context(|| format!("cannot read {}", once.display()))?;
        let count = lines_in(&text);
        if count == 0 {
            bail!("there are no event logs (.evtx) in {}", samples.display());
        }
        let rounds = (wanted / text.len() as u64).max(1);
        let path = scratch()?.join(format!("events-{rounds}.json"));
        let mut file = BufWriter::new(File::create(&path)?);
        for _ in 0..rounds {
            file.write_all(&text)?;
        }
        file.flush()?;
        Ok(Lines {
            path,
            count: count * rounds,
            bytes: text.len() as u64 * rounds,
        })
    }
}

/// The events of all samples, one a line; made if an earlier run did not.
pub(super) fn events(samples: &Path, dump: &Path) -> Result<PathBuf> {
    let path = scratch()?.join("events.json");
    if !path.exists() {
        write_events(samples, dump, &path)?;
    }
    Ok(path)
}

fn lines_in(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Prints every sample with `evtx_dump` and puts the fields of each event beside each other.
fn write_events(samples: &Path, dump: &Path, to: &Path) -> Result<()> {
    let unfinished = to.with_extension("part");
    let mut file = BufWriter::new(File::create(&unfinished)?);
    for (path, _) in files_below(samples)? {
        if !has_extension(&path, "evtx") {
            continue;
        }
        let mut child = Command::new(dump)
            .args(["-t", "1", "-o", "jsonl"])
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", dump.display()))?;
        let output = child.stdout.take().context("evtx_dump has no output")?;
        for line in BufReader::new(output).lines() {
            // Damaged records are printed as something else; they are no events to compare.
            if let Ok(event) = serde_json::from_str::<Value>(&line?) {
                serde_json::to_writer(&mut file, &flattened(&event))?;
                file.write_all(b"\n")?;
            }
        }
        child.wait()?;
    }
    file.flush()?;
    fs::rename(&unfinished, to)?;
    Ok(())
}

/// `Event.System` and the event's own data as one object, by the names Sigma rules use.
fn flattened(event: &Value) -> Value {
    let mut flat = Map::new();
    let event = event.get("Event").unwrap_or(event);
    for (name, value) in event
        .get("System")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        system(name, value, &mut flat);
    }
    for (section, data) in event.as_object().into_iter().flatten() {
        if section != "System" && section != "#attributes" {
            own_data(section, data, &mut flat);
        }
    }
    Value::Object(flat)
}

/// One element of the system section; its attributes are named as Windows' own queries name them.
fn system(name: &str, value: &Value, flat: &mut Map<String, Value>) {
    let attribute = |attribute: &str| value.pointer(&format!("/#attributes/{attribute}")).cloned();
    let named = match name {
        "Provider" => [
            ("Provider_Name", attribute("Name")),
            ("Provider_Guid", attribute("Guid")),
        ],
        "TimeCreated" => [("SystemTime", attribute("SystemTime")), ("", None)],
        "Execution" => [
            ("Execution_ProcessID", attribute("ProcessID")),
            ("Execution_ThreadID", attribute("ThreadID")),
        ],
        "Security" => [("UserID", attribute("UserID")), ("", None)],
        "Correlation" => [("ActivityID", attribute("ActivityID")), ("", None)],
        _ => [
            (name, Some(value.get("#text").unwrap_or(value).clone())),
            ("", None),
        ],
    };
    for (name, value) in named {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            flat.insert(name.to_owned(), value);
        }
    }
}

/// A value of the event's own data under its own name, one that is taken left alone.
fn own_data(name: &str, data: &Value, flat: &mut Map<String, Value>) {
    match data {
        Value::Null => {}
        Value::Object(inner) => {
            for (inner_name, value) in inner {
                match inner_name.as_str() {
                    "#attributes" => {}
                    "#text" => own_data(name, value, flat),
                    _ => own_data(inner_name, value, flat),
                }
            }
        }
        _ => {
            flat.entry(name.to_owned()).or_insert_with(|| data.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_flattened_under_the_names_rules_use() {
        let event = serde_json::json!({"Event": {
            "#attributes": {"xmlns": "x"},
            "System": {
                "Provider": {"#attributes": {"Name": "P", "Guid": "{1}"}},
                "EventID": {"#attributes": {"Qualifiers": 0}, "#text": 7045},
                "TimeCreated": {"#attributes": {"SystemTime": "2021-03-03T06:49:46Z"}},
                "Channel": "System", "Security": {}, "Correlation": null
            },
            "EventData": {"#attributes": {"Name": "x"}, "ServiceName": "a", "Channel": "own", "Data": {"#text": ["b", "c"]}}
        }});
        assert_eq!(
            flattened(&event),
            serde_json::json!({"Provider_Name": "P", "Provider_Guid": "{1}", "EventID": 7045, "Channel": "System",
                "SystemTime": "2021-03-03T06:49:46Z", "ServiceName": "a", "Data": ["b", "c"]})
        );
    }
}
