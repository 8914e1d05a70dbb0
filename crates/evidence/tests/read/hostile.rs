//! Evidence that is built to hurt, or that has suffered: it is survived, and everything beside it is read.

use std::fs;
use std::time::{Duration, Instant};

use vigie_evidence::Limits;

use crate::support::{Done, Evidence, Raw, end_of, iis_log, raw_zip, read_here, read_with, zip};

/// Reads what a test put into `EX01/` with a good log beside it, which must survive.
fn survived(evidence: &Evidence, limits: Limits) -> Done {
    evidence.file("EX01/good.log", iis_log(None, 7));
    let started = Instant::now();
    let done = read_with(&evidence.path(), 2, limits);
    assert_eq!(done.rows["evidence/EX01/good.log"], 7);
    assert!(!done.manifest.interrupted);
    assert!(started.elapsed() < Duration::from_secs(60));
    done
}

#[test]
fn a_name_twice_is_read_twice() {
    let evidence = Evidence::new();
    let (first, second) = (iis_log(None, 2), iis_log(None, 3));
    let entries = [
        Raw::stored("u_ex.log", first.as_bytes()),
        Raw::stored("u_ex.log", second.as_bytes()),
    ];
    evidence.file("EX01/twice.zip", raw_zip(&entries));
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.rows["evidence/EX01/twice.zip!/u_ex.log"], 2);
    assert_eq!(done.rows["evidence/EX01/twice.zip!/u_ex.log (2)"], 3);
    done.warned(&["twice.zip", "1 entries have a name that another one has"]);
}

#[test]
fn overlapping_entries_are_read_once() {
    let evidence = Evidence::new();
    let log = iis_log(None, 2);
    let entry = Raw::stored("u_ex.log", log.as_bytes());
    let single = raw_zip(std::slice::from_ref(&entry));
    let local_length = single
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    let mut directory = Vec::new();
    for _ in 0..500 {
        directory.extend(entry.central(0));
    }
    evidence.file(
        "EX01/overlapping.zip",
        end_of(single[..local_length].to_vec(), &directory, 500),
    );
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.manifest.records, 9);
    done.warned(&["overlapping.zip", "499 entries overlap others"]);
}

#[test]
fn a_name_with_control_characters_is_shown_without() {
    let evidence = Evidence::new();
    let log = iis_log(None, 2);
    let entries = [
        Raw::stored("nul\0byte.log", log.as_bytes()),
        Raw::stored("bell\x07 and \x1b[2J.log", log.as_bytes()),
    ];
    evidence.file("EX01/odd.zip", raw_zip(&entries));
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.rows["evidence/EX01/odd.zip!/nul\u{fffd}byte.log"], 2);
    done.warned(&["odd.zip", "2 entries have names that hold control characters"]);
    let shown = format!("{:?}", done.manifest.warnings);
    assert!(!shown.contains("\\u{1b}") && !shown.contains("\\0"), "{shown}");
}

#[test]
fn an_over_long_name_is_cut() {
    let evidence = Evidence::new();
    let log = iis_log(None, 2);
    let name = format!("{}.log", "n".repeat(60_000));
    evidence.file("EX01/long.zip", raw_zip(&[Raw::stored(&name, log.as_bytes())]));
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.manifest.records, 9);
    let longest = done
        .manifest
        .files
        .iter()
        .map(|file| file.path.len())
        .max()
        .unwrap();
    assert!(longest < 5_000, "{longest}");
    done.warned(&["long.zip", "too long and were cut"]);
}

#[test]
fn a_name_thousands_of_folders_deep_is_a_label() {
    let evidence = Evidence::new();
    let log = iis_log(None, 2);
    let name = format!("{}u_ex.log", "d/".repeat(2_000));
    evidence.file("EX01/deep.zip", raw_zip(&[Raw::stored(&name, log.as_bytes())]));
    evidence.file("deep.zip", raw_zip(&[Raw::stored(&name, log.as_bytes())]));
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.manifest.records, 11);
}

#[test]
fn an_entry_that_gives_more_than_it_claims_is_read_and_told() {
    let evidence = Evidence::new();
    let log = iis_log(None, 40);
    let whole = zip(&[("u_ex.log", log.as_bytes())]);
    // The claim stands in both headers.
    let mut lying = whole.clone();
    let claim = (log.len() as u32).to_le_bytes();
    for at in (0..lying.len() - 4).rev() {
        if lying[at..at + 4] == claim {
            lying[at..at + 4].fill(0);
        }
    }
    evidence.file("EX01/lying.zip", lying);
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.rows["evidence/EX01/lying.zip!/u_ex.log"], 40);
    done.warned(&["u_ex.log", "the archive claims 0"]);
}

#[test]
fn what_is_not_claimed_counts_against_the_caps_too() {
    let evidence = Evidence::new();
    let zeros = vec![b'\n'; 40 << 20];
    let mut lying = zip(&[("zeros.txt", &zeros)]);
    let claim = (zeros.len() as u32).to_le_bytes();
    for at in (0..lying.len() - 4).rev() {
        if lying[at..at + 4] == claim {
            lying[at..at + 4].fill(0);
        }
    }
    evidence.file("EX01/lying.zip", lying);
    let by_ratio = Limits {
        archive_ratio: 10,
        ..Limits::default()
    };
    let done = survived(&evidence, by_ratio);
    done.warned(&["zeros.txt", "cut at 16777216 bytes"]);
    let by_bytes = Limits {
        archive_bytes: 1 << 20,
        ..Limits::default()
    };
    let done = survived(&evidence, by_bytes);
    done.warned(&["zeros.txt", "more than the caps on archives allow"]);
}

#[test]
fn a_folder_with_data_is_read() {
    let evidence = Evidence::new();
    let log = iis_log(None, 2);
    evidence.file("EX01/odd.zip", raw_zip(&[Raw::stored("folder/", log.as_bytes())]));
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.manifest.records, 9);
}

#[test]
fn nested_archives_count_against_the_cap_of_the_outermost() {
    let evidence = Evidence::new();
    let log = iis_log(None, 200);
    let inner = zip(&[
        ("a.log", log.as_bytes()),
        ("b.log", log.as_bytes()),
        ("c.log", log.as_bytes()),
    ]);
    evidence.file("EX01/outer.zip", zip(&[("inner.zip", &inner)]));
    let limits = Limits {
        archive_bytes: inner.len() as u64 + 2 * log.len() as u64,
        ..Limits::default()
    };
    let done = survived(&evidence, limits);
    assert_eq!(done.manifest.records, 407);
    done.warned(&["c.log", "the archive holds more than"]);
}

#[test]
fn an_archive_that_holds_itself_ends() {
    let evidence = Evidence::new();
    // Not a quine, but as deep as one: each level holds the one before twice.
    let mut archive = zip(&[("u_ex.log", iis_log(None, 1).as_bytes())]);
    for _ in 0..12 {
        archive = zip(&[("a.zip", &archive), ("b.zip", &archive)]);
    }
    evidence.file("EX01/deep.zip", archive);
    let done = survived(&evidence, Limits::default());
    assert!(
        done.manifest
            .warnings
            .iter()
            .all(|text| text.contains("nested deeper than 4")),
        "{:?}",
        done.manifest.warnings
    );
    assert_eq!(done.manifest.warnings.len(), 16);
}

#[test]
fn entries_beyond_the_cap_of_a_damaged_archive_are_counted() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let entries: Vec<Raw> = (0..20)
        .map(|index| Raw::stored(&format!("u_ex{index}.log"), log.as_bytes()))
        .collect();
    let mut archive = raw_zip(&entries);
    archive.truncate(
        archive
            .windows(4)
            .position(|bytes| bytes == b"PK\x01\x02")
            .unwrap(),
    );
    evidence.file("EX01/cut.zip", archive);
    let limits = Limits {
        archive_entries: 5,
        ..Limits::default()
    };
    let done = survived(&evidence, limits);
    assert_eq!(done.manifest.records, 12);
    done.warned(&["cut.zip", "15 entries beyond the cap of 5 were not read"]);
}

#[test]
fn a_directory_that_declares_too_much_is_told() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let entry = Raw::stored("u_ex.log", log.as_bytes());
    let single = raw_zip(std::slice::from_ref(&entry));
    let local_length = single
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    evidence.file(
        "EX01/odd.zip",
        end_of(single[..local_length].to_vec(), &entry.central(0), 9_999),
    );
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.manifest.records, 8);
    done.warned(&["odd.zip", "declares 9999 entries, its directory lists 1"]);
}

#[test]
fn more_warnings_than_the_cap_are_counted() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let entries: Vec<Raw> = (0..30)
        .map(|index| Raw {
            crc: 1,
            ..Raw::stored(&format!("u_ex{index:02}.log"), log.as_bytes())
        })
        .collect();
    evidence.file("EX01/wrong.zip", raw_zip(&entries));
    let limits = Limits {
        warnings: 10,
        ..Limits::default()
    };
    let done = survived(&evidence, limits);
    assert_eq!(done.manifest.warnings.len(), 11);
    done.warned(&["20 more warnings beyond the cap of 10"]);
}

#[test]
fn a_page_that_looks_like_a_log_is_a_page() {
    let evidence = Evidence::new();
    let page = format!("{}<%@ Page %>", iis_log(None, 3));
    evidence.file("EX01/C/inetpub/wwwroot/x.aspx", &page);
    evidence.file(
        "EX01/C/inetpub/wwwroot/web.config",
        "<?xml version=\"1.0\"?><configuration><system.webServer><handlers/></system.webServer></configuration>",
    );
    let done = survived(&evidence, Limits::default());
    let file = done.file("evidence/EX01/C/inetpub/wwwroot/x.aspx");
    assert_eq!((file.source, file.records), (None, 0));
    assert_eq!(done.contents[&file.path], page.as_bytes());
    let config = done.file("evidence/EX01/C/inetpub/wwwroot/web.config");
    assert_eq!(config.source, Some("iis_config"));
    assert!(
        done.contents.contains_key(&config.path),
        "what is hidden in a configuration is looked for"
    );
}

#[test]
fn content_beyond_the_cap_is_not_handed_over() {
    let evidence = Evidence::new();
    evidence.file("EX01/small.aspx", "x".repeat(100));
    evidence.file("EX01/large.aspx", "x".repeat(101));
    let limits = Limits {
        content_bytes: 100,
        ..Limits::default()
    };
    let done = survived(&evidence, limits);
    assert_eq!(done.contents["evidence/EX01/small.aspx"].len(), 100);
    assert!(!done.contents.contains_key("evidence/EX01/large.aspx"));
    let large = done.file("evidence/EX01/large.aspx");
    assert_eq!(large.skipped[0].why, "content not scanned: the file is too large");
    assert_eq!(large.sha256.len(), 64);
}

#[test]
fn more_files_than_the_cap_are_counted() {
    let evidence = Evidence::new();
    for index in 0..50 {
        evidence.file(&format!("EX02/{index:02}.txt"), "x");
    }
    let limits = Limits {
        files: 10,
        ..Limits::default()
    };
    let done = read_with(&evidence.path(), 2, limits);
    assert_eq!(done.manifest.files.len(), 10);
    done.warned(&["40 files beyond the cap of 10 were not read"]);
}

#[test]
fn a_folder_of_many_files_is_read() {
    let evidence = Evidence::new();
    for index in 0..3_000 {
        evidence.file(&format!("EX01/many/{index}.txt"), "x");
    }
    let done = survived(&evidence, Limits::default());
    assert_eq!(done.manifest.files.len(), 3_001);
}

#[cfg(unix)]
#[test]
fn pipes_and_sockets_are_not_opened() {
    let evidence = Evidence::new();
    evidence.file("EX01/here.txt", "x");
    let socket = evidence.path().join("EX01/socket.log");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let pipe = evidence.path().join("EX01/pipe.log");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    let done = survived(&evidence, Limits::default());
    done.warned(&["socket.log", "not a regular file, not read"]);
    if made.is_ok_and(|status| status.success()) {
        done.warned(&["pipe.log", "not a regular file, not read"]);
        let error = vigie_evidence::read(
            &[pipe],
            &vigie_evidence::Options::default(),
            &crate::support::Kept::default(),
        )
        .unwrap_err();
        assert!(
            error.to_string().contains("neither a folder nor a regular file"),
            "{error}"
        );
    } else {
        println!("skipped: no mkfifo");
    }
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let evidence = Evidence::new();
    let file = evidence.file("EX01/locked.log", iis_log(None, 1));
    let folder = evidence.file("EX01/locked/u_ex.log", iis_log(None, 1));
    let folder = folder.parent().unwrap();
    let lock = |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    lock(&file, 0o000).unwrap();
    lock(folder, 0o000).unwrap();
    let readable = fs::File::open(&file).is_ok();
    let done = survived(&evidence, Limits::default());
    lock(folder, 0o755).unwrap();
    if readable {
        println!("skipped: this user may read everything");
        return;
    }
    done.warned(&["locked.log", "cannot be read"]);
    done.warned(&["EX01/locked:", "the folder cannot be read"]);
}

/// A log that is still being written when it is read.
#[test]
fn a_file_that_changes_meanwhile_is_told() {
    struct Growing(std::path::PathBuf);
    impl vigie_evidence::Sink for Growing {
        fn batch(&self, _: &vigie_evidence::FileRef, _: vigie_event::EventBatch) {
            let mut log = fs::read(&self.0).unwrap();
            log.extend_from_within(..1_000);
            fs::write(&self.0, log).unwrap();
        }
    }
    let evidence = Evidence::new();
    let path = evidence.file("EX01/u_ex.log", iis_log(None, 100));
    let before = fs::metadata(&path).unwrap().len();
    let manifest = vigie_evidence::read(
        &[evidence.path()],
        &vigie_evidence::Options::default(),
        &Growing(path),
    )
    .unwrap();
    assert_eq!(manifest.files[0].size, before);
    assert_eq!(manifest.records, 100);
    assert!(
        manifest
            .warnings
            .iter()
            .any(|text| text.contains("changed while it was read")),
        "{:?}",
        manifest.warnings
    );
}

#[test]
fn a_file_that_vanishes_is_told() {
    struct Removing(std::path::PathBuf);
    impl vigie_evidence::Sink for Removing {
        fn batch(&self, _: &vigie_evidence::FileRef, _: vigie_event::EventBatch) {
            let _ = fs::remove_file(&self.0);
        }
    }
    let evidence = Evidence::new();
    evidence.file("EX01/1.log", iis_log(None, 1));
    let second = evidence.file("EX01/2.log", iis_log(None, 1));
    let options = vigie_evidence::Options {
        threads: 1,
        ..vigie_evidence::Options::default()
    };
    let manifest = vigie_evidence::read(&[evidence.path()], &options, &Removing(second)).unwrap();
    assert_eq!(manifest.records, 1);
    assert!(
        manifest
            .warnings
            .iter()
            .any(|text| text.contains("2.log: cannot be read")),
        "{:?}",
        manifest.warnings
    );
}

#[test]
fn utf_16_and_padding_survive() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let mut wide = vec![0xff, 0xfe];
    wide.extend(log.encode_utf16().flat_map(u16::to_le_bytes));
    evidence.file("EX01/wide.log", wide);
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(log.as_bytes());
    evidence.file("EX01/marked.log", marked);
    let mut padded = log.into_bytes();
    padded.resize(padded.len() + 64_000, 0);
    evidence.file("EX01/padded.log", padded);
    let done = read_here(&evidence.path());
    for name in ["wide", "marked", "padded"] {
        assert_eq!(
            done.rows.get(&format!("evidence/EX01/{name}.log")),
            Some(&5),
            "{name}"
        );
    }
    let padded = done.file("evidence/EX01/padded.log");
    assert!(
        padded.skipped.iter().any(|skip| skip.bytes >= 64_000),
        "{padded:?}"
    );
}

/// Everything at once.
#[test]
fn a_run_over_all_of_it_finishes() {
    let evidence = Evidence::new();
    let log = iis_log(None, 3);
    let mut cut = zip(&[("cut.log", log.as_bytes())]);
    cut.truncate(60);
    evidence.file("EX01/cut.zip", cut);
    evidence.file("EX01/empty.zip", "");
    evidence.file("EX01/only a signature.zip", "PK\x03\x04");
    evidence.file("EX01/only an end.zip", "PK\x05\x06");
    evidence.file("EX01/no entries.zip", zip(&[]));
    evidence.file("EX01/ElfFile.evtx", "ElfFile\0");
    evidence.file(
        "EX01/noise.zip",
        [b"PK\x03\x04".as_slice(), &[0x55; 4_000]].concat(),
    );
    evidence.file("EX01/bomb.zip", zip(&[("zeros", &vec![0; 30 << 20])]));
    evidence.file("EX01/climb.zip", zip(&[("../../u_ex.log", log.as_bytes())]));
    evidence.file("EX01/.gz", b"\x1f\x8b\x08");
    let limits = Limits {
        archive_ratio: 100,
        ..Limits::default()
    };
    let done = survived(&evidence, limits);
    assert_eq!(done.rows["evidence/EX01/climb.zip!/../../u_ex.log"], 3);
    for (file, text) in [
        ("cut.zip", "damaged or cut short"),
        ("only a signature.zip", "damaged or cut short"),
        ("only an end.zip", "damaged or cut short"),
        ("noise.zip", "damaged or cut short"),
        ("bomb.zip", "more than 100 to 1"),
        ("climb.zip", "climb out"),
    ] {
        done.warned(&[file, text]);
    }
}
