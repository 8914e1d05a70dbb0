//! Archives, through the way in that people use.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use vigie_event::EventBatch;
use vigie_evidence::{FileRef, Limits, Options, Sink, read};

struct Look;

impl Sink for Look {
    fn batch(&self, _file: &FileRef, batch: EventBatch) {
        vigie_fuzz::touch(&batch);
    }
}

static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}")));

libfuzzer_sys::fuzz_target!(init: vigie_fuzz::seeds::write("zip"), |data: &[u8]| {
    let path = FOLDER.path().join("evidence.zip");
    if fs::write(&path, data).is_err() {
        return;
    }
    let options = Options {
        threads: 1,
        // Small enough that a bomb shows within the time one input has.
        limits: Limits {
            archive_bytes: 32 << 20,
            archive_entries: 1_000,
            document_bytes: 8 << 20,
            ..Limits::default()
        },
        ..Options::default()
    };
    let manifest = read(std::slice::from_ref(&path), &options, &Look).expect("the file is there");
    let records: u64 = manifest.files.iter().map(|file| file.records).sum();
    assert_eq!(records, manifest.records, "files and total agree");
    assert!(
        !manifest.files.is_empty() || !manifest.warnings.is_empty(),
        "nothing is dropped silently"
    );
});
