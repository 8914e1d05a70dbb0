//! Progress and stopping.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use vigie_event::EventBatch;
use vigie_evidence::{FileRef, Options, Progress, Sink, read};

use crate::support::{Evidence, Kept, Raw, iis_log, raw_zip, zip};

#[derive(Default)]
struct Told {
    total: AtomicU64,
    done: AtomicU64,
    steps: Mutex<Vec<u64>>,
}

impl Progress for Told {
    fn total(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.steps.lock().unwrap().push(bytes);
    }
}

#[test]
fn progress_ends_where_it_should_and_comes_in_steps() {
    let evidence = Evidence::new();
    let log = iis_log(None, 20_000);
    let entries: Vec<(String, &[u8])> = (0..20)
        .map(|index| (format!("u_ex{index}.log"), log.as_bytes()))
        .collect();
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, log)| (name.as_str(), *log)).collect();
    evidence.file("EX01.zip", zip(&entries));
    evidence.file("EX02/u_ex.log", &log);
    evidence.file("EX02/empty.log", "");
    evidence.file("EX02/cut.zip", &zip(&entries)[..5_000]);
    // An archive that claims the same bytes many times must not tell them many times.
    evidence.file(
        "EX02/raw.zip",
        raw_zip(&vec![Raw::stored("a.log", log.as_bytes()); 3]),
    );
    for threads in [1, 3] {
        let told = Arc::new(Told::default());
        let options = Options {
            threads,
            progress: Some(Arc::clone(&told) as Arc<dyn Progress>),
            ..Options::default()
        };
        read(&[evidence.path()], &options, &Kept::default()).unwrap();
        let total = told.total.load(Ordering::Relaxed);
        assert_eq!(told.done.load(Ordering::Relaxed), total);
        let largest = told.steps.lock().unwrap().iter().copied().max().unwrap();
        assert!(largest < total / 3, "a step of {largest} out of {total}");
    }
}

/// Stops the run at the first rows.
struct Stop(Arc<AtomicBool>);

impl Sink for Stop {
    fn batch(&self, _: &FileRef, _: EventBatch) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_run_can_be_stopped() {
    let evidence = Evidence::new();
    let log = iis_log(None, 20_000);
    for index in 0..20 {
        evidence.file(
            &format!("EX01/{index}.zip"),
            zip(&[("a.log", log.as_bytes()), ("b.log", log.as_bytes())]),
        );
    }
    let cancel = Arc::new(AtomicBool::new(false));
    let options = Options {
        threads: 2,
        cancel: Arc::clone(&cancel),
        ..Options::default()
    };
    let manifest = read(&[evidence.path()], &options, &Stop(cancel)).unwrap();
    assert!(manifest.interrupted);
    assert!(manifest.records < 80_000, "{}", manifest.records);
    assert!(
        manifest
            .files
            .iter()
            .all(|file| file.sha256.is_empty() || file.size > 0),
        "no hash of half a file"
    );
}

/// Fails on one file.
struct Fails;

impl Sink for Fails {
    fn batch(&self, file: &FileRef, _: EventBatch) {
        assert!(!file.path.ends_with("bad.log"), "this file is not liked");
    }

    fn content(&self, file: &FileRef, _: &[u8]) {
        assert!(!file.path.ends_with("bad.aspx"), "this page is not liked");
    }
}

#[test]
fn an_error_of_our_own_costs_one_file_only() {
    let evidence = Evidence::new();
    let log = iis_log(None, 3);
    evidence.file(
        "EX01.zip",
        zip(&[
            ("bad.log", log.as_bytes()),
            ("good.log", log.as_bytes()),
            ("bad.aspx", b"x"),
        ]),
    );
    evidence.file("EX02/u_ex.log", &log);
    let options = Options {
        threads: 3,
        ..Options::default()
    };
    let manifest = read(&[evidence.path()], &options, &Fails).unwrap();
    assert_eq!(manifest.records, 9, "rows that were handed over are counted");
    for (name, said) in [
        ("bad.log", "this file is not liked"),
        ("bad.aspx", "this page is not liked"),
    ] {
        let file = manifest
            .files
            .iter()
            .find(|file| file.path.ends_with(name))
            .unwrap();
        let why = &file.skipped[0].why;
        assert!(why.contains("please report it") && why.contains(said), "{why}");
    }
}
