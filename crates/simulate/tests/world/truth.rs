//! The ground truth holds, and the same plan always makes the same world.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value as Json;
use tempfile::TempDir;
use vigie_event::{MICROS_PER_SECOND, parse_utc};
use vigie_simulate::{Plan, SimulateError, Truth, demo_plan, simulate};

use crate::support::{demo, files, records, small, with_extension, world};

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let fingerprint = |seed| {
        let world = world(&small(seed));
        let files = files(world.path()).into_iter().map(|path| {
            let name = path
                .strip_prefix(world.path())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            let modified = (name != "truth.json").then_some(modified);
            (name, (crc32fast::hash(&fs::read(&path).unwrap()), modified))
        });
        files.collect::<BTreeMap<_, _>>()
    };
    let first = fingerprint(1);
    assert!(first.len() > 100);
    assert_eq!(first, fingerprint(1));
    assert_ne!(first, fingerprint(2));
}

#[test]
fn every_step_is_where_the_truth_says() {
    let world = demo();
    let mut lines = 0;
    let mut logs: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
    for server in &world.truth.servers {
        for step in &server.steps {
            let path = world.path().join(&step.file);
            let time = parse_utc(&step.time).unwrap();
            if let Some(line) = step.line {
                let text = fs::read_to_string(&path).unwrap();
                let line = text.lines().nth(line as usize - 1).unwrap();
                assert!(line.contains(&step.mark), "{step:?}\n{line}");
                let found = line.get(..19).and_then(parse_utc).unwrap();
                assert_eq!(found / MICROS_PER_SECOND, time / MICROS_PER_SECOND, "{step:?}");
                lines += 1;
            } else if let Some(record) = step.record {
                let records = logs.entry(&step.file).or_insert_with(|| records(&path));
                let event = &records[record as usize - 1]["Event"];
                let system = &event["System"];
                assert_eq!(system["EventRecordID"], record);
                let found = system["TimeCreated"]["#attributes"]["SystemTime"]
                    .as_str()
                    .and_then(parse_utc);
                assert_eq!(found, Some(time), "{step:?}");
                let mark = serde_json::to_string(&step.mark).unwrap();
                let text = event["EventData"].to_string();
                assert!(text.contains(mark.trim_matches('"')), "{step:?}\n{text}");
            } else {
                assert!(
                    fs::read_to_string(&path).unwrap().contains(&step.mark),
                    "{step:?}"
                );
            }
        }
    }
    assert!(
        lines > 30 && logs.len() > 10,
        "{lines} lines, {} logs",
        logs.len()
    );
    let stored: Truth = serde_json::from_slice(&fs::read(world.path().join("truth.json")).unwrap()).unwrap();
    assert_eq!(stored, world.truth);
}

#[test]
fn the_demo_shows_every_verdict_and_stays_small() {
    let world = demo();
    let verdicts: BTreeMap<&str, usize> =
        world
            .truth
            .servers
            .iter()
            .fold(BTreeMap::new(), |mut counts, server| {
                *counts.entry(server.verdict.as_str()).or_default() += 1;
                counts
            });
    let expected = [
        ("attempted", 1),
        ("compromised", 4),
        ("no_evidence", 3),
        ("suspected", 1),
        ("unknown", 1),
    ];
    assert_eq!(verdicts, BTreeMap::from(expected));
    assert_eq!(world.truth.tenants.len(), 5);
    for server in &world.truth.servers {
        let harmless = matches!(server.verdict.as_str(), "no_evidence" | "unknown");
        assert_eq!(server.steps.is_empty(), harmless, "{}", server.scenario);
        assert_eq!(server.first.is_none(), harmless);
    }
    let chain = &world.truth.servers[0];
    assert_eq!(
        chain.stages,
        [
            "ssrf",
            "session",
            "vdir_write",
            "web_shell",
            "web_shell_use",
            "execution",
            "discovery",
            "command_and_control",
            "credential_access",
            "collection",
            "exfiltration",
            "persistence",
            "defense_evasion",
            "lateral_movement"
        ]
    );
    let bytes: u64 = files(world.path())
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(bytes < 60_000_000, "{bytes}");
}

#[test]
fn a_size_is_met_within_a_tenth() {
    for size in [4_000_000, 30_000_000] {
        let world = world(&Plan {
            size: Some(size),
            ..small(5)
        });
        let files = files(&world.path().join("atelier-durand/EX01"));
        let bytes: u64 = files.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        let ratio = bytes as f64 / size as f64;
        assert!((0.9..1.1).contains(&ratio), "{bytes} of {size}");
    }
}

#[test]
fn no_file_of_the_world_could_run() {
    for path in with_extension(demo().path(), "aspx") {
        let text = fs::read_to_string(&path).unwrap();
        for tag in ["<%@", "<%=", "eval", "Request", "Process"] {
            assert!(!text.contains(tag), "{}: {tag}", path.display());
        }
    }
}

#[test]
fn a_plan_that_cannot_be_told_and_a_folder_in_use_are_refused() {
    let folder = TempDir::new().unwrap();
    let plan = Plan { days: 3, ..small(1) };
    assert!(matches!(
        simulate(folder.path(), &plan),
        Err(SimulateError::Plan(_))
    ));
    fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    assert!(matches!(
        simulate(folder.path(), &small(1)),
        Err(SimulateError::NotEmpty(_))
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// `cargo test --release -p vigie-simulate -- --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn speed() {
    let start = std::time::Instant::now();
    let demo = world(&demo_plan(1));
    println!("demo: {:?}, {} files", start.elapsed(), files(demo.path()).len());
    drop(demo);
    let start = std::time::Instant::now();
    let large = world(&Plan {
        size: Some(1_000_000_000),
        ..small(1)
    });
    let seconds = start.elapsed().as_secs_f64();
    let bytes: u64 = files(large.path())
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    println!(
        "{bytes} bytes in {seconds:.1} s: {:.0} MB/s",
        bytes as f64 / seconds / 1e6
    );
}
