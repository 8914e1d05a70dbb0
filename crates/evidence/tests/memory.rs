//! Memory stays bounded whatever the size of the evidence: this test is a process of its own, so that its peak is that
//! of reading alone.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use vigie_event::EventBatch;
use vigie_evidence::{FileRef, Options, Sink, read};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Megabytes of one entry, and of the peak. The bound of `read` for two workers and this nesting, plus the batches
/// that are being built and the allocator's slack.
const ENTRY_MB: u64 = 96;
const PEAK_MB: u64 = 64;

struct Nothing;

impl Sink for Nothing {
    fn batch(&self, _: &FileRef, _: EventBatch) {}
}

/// The most memory this process ever had, in megabytes.
fn peak_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1_024)
}

fn log(out: &mut impl Write, megabytes: u64) {
    out.write_all(b"#Fields: date time s-ip cs-method cs-uri-stem c-ip sc-status\r\n")
        .unwrap();
    let line = b"2021-03-03 00:00:01 10.0.0.5 GET /owa/auth/logon.aspx 10.0.0.9 200\r\n";
    for _ in 0..(megabytes << 20) / line.len() as u64 {
        out.write_all(line).unwrap();
    }
}

/// An archive with a log, a text that is none, and an archive of the same kind in it.
fn archive(path: &Path, inner: Option<&Path>) {
    let mut writer = ZipWriter::new(BufWriter::new(File::create(path).unwrap()));
    let options = SimpleFileOptions::default().compression_level(Some(1));
    writer.start_file("u_ex.log", options).unwrap();
    log(&mut writer, ENTRY_MB / 4);
    writer.start_file("long.bin", options).unwrap();
    for index in 0..(ENTRY_MB << 20) / 16 {
        writer.write_all(&u128::from(index).to_le_bytes()).unwrap();
    }
    if let Some(inner) = inner {
        writer.start_file("inner.zip", options).unwrap();
        std::io::copy(&mut File::open(inner).unwrap(), &mut writer).unwrap();
    }
    writer.finish().unwrap().flush().unwrap();
}

#[test]
fn memory_does_not_grow_with_the_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner.zip");
    archive(&inner, None);
    let evidence = folder.path().join("evidence.zip");
    archive(&evidence, Some(&inner));
    log(
        &mut File::create(folder.path().join("u_ex.log"))
            .map(BufWriter::new)
            .unwrap(),
        ENTRY_MB / 4,
    );
    let options = Options {
        threads: 2,
        ..Options::default()
    };
    let before = peak_mb();
    let manifest = read(&[folder.path().to_owned()], &options, &Nothing).unwrap();
    let after = peak_mb();
    assert!(manifest.warnings.is_empty(), "{:?}", manifest.warnings);
    let read_mb = manifest.bytes >> 20;
    assert!(read_mb > 4 * PEAK_MB, "{read_mb} MB are too little to tell");
    let (Some(before), Some(after)) = (before, after) else {
        println!("skipped: this system does not say how much memory a process had");
        return;
    };
    println!("{read_mb} MB were read with a peak of {after} MB, of which {before} MB before");
    assert!(after < PEAK_MB, "{after} MB for {read_mb} MB of evidence");
}
