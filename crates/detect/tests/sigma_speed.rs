//! How fast rules load and how fast they run. Ignored: run in release, with a large EVTX file made of the corpora's
//! chunks named by `VIGIE_SPEED_EVTX`:
//! `cargo test --release -p vigie-detect --test sigma_speed -- --ignored --nocapture`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use vigie_detect::sigma::{Hit, RuleSet, RuleSource};
use vigie_event::EventBatch;
use vigie_evidence::{FileRef, Options, Sink, read};

struct Keep(Mutex<Vec<EventBatch>>);

impl Sink for Keep {
    fn batch(&self, _file: &FileRef, batch: EventBatch) {
        self.0.lock().unwrap().push(batch);
    }
}

struct Nothing;

impl Sink for Nothing {
    fn batch(&self, _file: &FileRef, _batch: EventBatch) {}
}

#[test]
#[ignore = "a measurement, not a check"]
fn loading() {
    let Some(root) = common::corpus("sigma") else {
        return;
    };
    let all = common::rules(
        &root,
        &["rules", "rules-emerging-threats", "rules-threat-hunting"],
    );
    for _ in 0..3 {
        let started = Instant::now();
        let loaded = RuleSet::compile(&all);
        println!(
            "load: {} files, {} rules, {:.3} s",
            all.len(),
            loaded.rules.rules().len(),
            started.elapsed().as_secs_f64()
        );
    }
}

#[test]
#[ignore = "a measurement, not a check"]
fn running() {
    let Some(root) = common::corpus("sigma") else {
        return;
    };
    let all = common::rules(
        &root,
        &["rules", "rules-emerging-threats", "rules-threat-hunting"],
    );
    let Some(file) = std::env::var_os("VIGIE_SPEED_EVTX").map(PathBuf::from) else {
        println!("skipped: no VIGIE_SPEED_EVTX");
        return;
    };
    let megabytes = std::fs::metadata(&file).unwrap().len() as f64 / 1e6;
    let options = Options {
        threads: 1,
        ..Options::default()
    };
    let started = Instant::now();
    read(std::slice::from_ref(&file), &options, &Nothing).unwrap();
    let reading = started.elapsed().as_secs_f64();
    println!("reading alone: {reading:.2} s, {:.0} MB/s", megabytes / reading);
    let keep = Keep(Mutex::new(Vec::new()));
    read(&[file], &options, &keep).unwrap();
    let batches = keep.0.into_inner().unwrap();
    let events: usize = batches.iter().map(EventBatch::rows).sum();
    println!("{events} events in {} batches", batches.len());
    let tenth: Vec<RuleSource> = all.iter().step_by(10).cloned().collect();
    for (name, sources) in [("all rules", &all), ("a tenth", &tenth)] {
        let rules = RuleSet::compile(sources).rules;
        for round in ["cold", "warm", "warm", "warm"] {
            let started = Instant::now();
            let mut hits: Vec<Hit> = Vec::new();
            let mut count = 0;
            for batch in &batches {
                hits.clear();
                rules.evaluate(batch, &mut hits);
                count += hits.len();
            }
            let elapsed = started.elapsed().as_secs_f64();
            println!(
                "{name:10} {round}: {elapsed:.3} s, {:.0} events/s, {:.0} MB/s of EVTX, {count} hits, {:.2} of reading",
                events as f64 / elapsed,
                megabytes / elapsed,
                elapsed / reading
            );
        }
    }
    if std::env::var_os("VIGIE_SPEED_SINGLE").is_some() {
        let mut slow: Vec<(f64, String)> = Vec::new();
        for source in &all {
            let rules = RuleSet::compile(std::slice::from_ref(source)).rules;
            let mut best = f64::MAX;
            for _ in 0..2 {
                let started = Instant::now();
                let mut hits: Vec<Hit> = Vec::new();
                for batch in &batches {
                    rules.evaluate(batch, &mut hits);
                }
                best = best.min(started.elapsed().as_secs_f64());
            }
            slow.push((best, source.path.clone()));
        }
        slow.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (seconds, path) in slow.iter().take(25) {
            println!("{:8.1} ms {path}", seconds * 1e3);
        }
    }
}
