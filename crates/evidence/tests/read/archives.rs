//! Archives: what is read of them, and what is refused.

use vigie_evidence::Limits;

use crate::support::{Evidence, iis_log, read_here, read_with, zip};

#[test]
fn an_archive_is_a_server() {
    let evidence = Evidence::new();
    let log = iis_log(None, 3);
    let archive = zip(&[("C/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", log.as_bytes())]);
    evidence.file("ACME/EX01.zip", &archive);
    let done = read_here(&evidence.path());
    let unit = done.unit("evidence/ACME/EX01.zip");
    assert_eq!(unit.host.as_deref(), Some("EX01"));
    assert_eq!(unit.tenant.as_deref(), Some("ACME"));
    let path = "evidence/ACME/EX01.zip!/C/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log";
    assert_eq!(done.rows[path], 3);
    let entry = done.file(path);
    assert_eq!(
        entry.original_path.as_deref(),
        Some("C:\\inetpub\\logs\\LogFiles\\W3SVC1\\u_ex210303.log")
    );
    let whole = done.file("evidence/ACME/EX01.zip");
    assert_eq!(whole.size, archive.len() as u64);
    assert_eq!(whole.sha256.len(), 64);
}

#[test]
fn nested_archives_are_read_down_to_the_cap() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let mut archive = zip(&[("u_ex0.log", log.as_bytes())]);
    for level in 1..6 {
        archive = zip(&[
            (&format!("level{level}.zip"), &archive),
            ("u_ex.log", log.as_bytes()),
        ]);
    }
    evidence.file("EX01.zip", archive);
    let done = read_here(&evidence.path());
    let depth = Limits::default().archive_depth;
    assert_eq!(done.manifest.records, u64::from(depth));
    done.warned(&["level2.zip", "archives nested deeper than 4 are not read"]);

    let limits = Limits {
        archive_depth: 9,
        ..Limits::default()
    };
    let done = read_with(&evidence.path(), 2, limits);
    assert_eq!(done.manifest.records, 6);
    assert!(done.manifest.warnings.is_empty(), "{:?}", done.manifest.warnings);
}

#[test]
fn hostile_names_are_labels_only() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let names = [
        "../vigie-climbs.log",
        "/etc/vigie-absolute.log",
        "C:\\Windows\\vigie-drive.log",
        "..\\..\\vigie-backslash.log",
        "logs/AUX.log",
    ];
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, log.as_bytes())).collect();
    evidence.file("EX01.zip", zip(&entries));
    let done = read_here(&evidence.path());
    assert_eq!(done.manifest.records, 5);
    done.warned(&[
        "2 entries have names that climb out of the archive",
        "vigie-climbs.log",
    ]);
    done.warned(&["2 entries have names that are absolute", "vigie-absolute.log"]);
    done.warned(&["1 entries have names that are those of devices", "AUX.log"]);
    assert!(!evidence.path().with_file_name("vigie-climbs.log").exists());
    assert!(!evidence.path().join("vigie-backslash.log").exists());
}

#[test]
fn a_bomb_is_refused_by_its_ratio() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let zeros = vec![0u8; 20 << 20];
    evidence.file(
        "EX01.zip",
        zip(&[("bomb.bin", &zeros), ("u_ex.log", log.as_bytes())]),
    );
    let limits = Limits {
        archive_ratio: 100,
        ..Limits::default()
    };
    let done = read_with(&evidence.path(), 1, limits);
    done.warned(&["bomb.bin", "more than 100 to 1"]);
    assert_eq!(done.manifest.records, 1, "what is beside the bomb is read");
}

#[test]
fn an_archive_may_not_hold_more_bytes_than_the_cap() {
    let evidence = Evidence::new();
    let log = iis_log(None, 100);
    let entries: Vec<(String, &[u8])> = (0..10)
        .map(|index| (format!("u_ex{index}.log"), log.as_bytes()))
        .collect();
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, log)| (name.as_str(), *log)).collect();
    evidence.file("EX01.zip", zip(&entries));
    let limits = Limits {
        archive_bytes: 3 * log.len() as u64 + 10,
        ..Limits::default()
    };
    let done = read_with(&evidence.path(), 1, limits);
    assert_eq!(done.manifest.records, 300);
    done.warned(&["EX01.zip", "holds more than"]);
}

#[test]
fn an_archive_may_not_have_more_entries_than_the_cap() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let entries: Vec<(String, &[u8])> = (0..10)
        .map(|index| (format!("u_ex{index}.log"), log.as_bytes()))
        .collect();
    let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, log)| (name.as_str(), *log)).collect();
    evidence.file("EX01.zip", zip(&entries));
    let limits = Limits {
        archive_entries: 4,
        ..Limits::default()
    };
    let done = read_with(&evidence.path(), 1, limits);
    assert_eq!(done.manifest.records, 4);
    done.warned(&["EX01.zip", "6 entries beyond the cap of 4 were not read"]);
}

#[test]
fn a_truncated_archive_is_told_and_the_rest_is_read() {
    let evidence = Evidence::new();
    let log = iis_log(None, 50);
    let mut archive = zip(&[("u_ex.log", log.as_bytes())]);
    archive.truncate(archive.len() / 2);
    evidence.file("EX01.zip", &archive);
    evidence.file("EX02.zip", zip(&[("u_ex.log", log.as_bytes())]));
    let done = read_here(&evidence.path());
    done.warned(&["EX01.zip", "damaged or cut short"]);
    assert_eq!(done.rows["evidence/EX02.zip!/u_ex.log"], 50);
}
