//! Folders: whose evidence it is, what is not read, hashes and order.

use std::path::PathBuf;

use vigie_evidence::{EvidenceError, Limits, Options, read};

use crate::support::{Evidence, Kept, iis_log, read_here, read_with, zip};

#[test]
fn tenant_and_server_come_from_the_folders() {
    let evidence = Evidence::new();
    for (path, rows) in [
        ("ACME/EX01/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", 3),
        ("ACME/EX02/u_ex210303.log", 2),
        ("GLOBEX/EX01/C/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", 1),
    ] {
        evidence.file(path, iis_log(None, rows));
    }
    let done = read_here(&evidence.path());
    assert_eq!(
        done.units(),
        [
            ("evidence/ACME/EX01", "ACME", "EX01", "folder"),
            ("evidence/ACME/EX02", "ACME", "EX02", "folder"),
            ("evidence/GLOBEX/EX01", "GLOBEX", "EX01", "folder"),
        ]
    );
    assert_eq!(done.manifest.records, 6);
    assert_eq!(done.rows["evidence/ACME/EX02/u_ex210303.log"], 2);
    let file = done.file("evidence/GLOBEX/EX01/C/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log");
    assert_eq!(
        file.original_path.as_deref(),
        Some("C:\\inetpub\\logs\\LogFiles\\W3SVC1\\u_ex210303.log")
    );
    assert_eq!(file.source, Some("iis"));
    assert!(done.manifest.warnings.is_empty(), "{:?}", done.manifest.warnings);
}

#[test]
fn a_name_in_the_rows_wins_over_the_folder() {
    let evidence = Evidence::new();
    evidence.file(
        "ACME/collected on monday/u_ex210303.log",
        iis_log(Some("EX07"), 3),
    );
    let done = read_here(&evidence.path());
    let unit = done.unit("evidence/ACME/collected on monday");
    assert_eq!(unit.host.as_deref(), Some("EX07"));
    assert_eq!(unit.host_source.as_deref(), Some("s-computername"));
    assert_eq!(unit.tenant.as_deref(), Some("ACME"));
}

#[test]
fn a_single_file_is_a_unit() {
    let evidence = Evidence::new();
    let path = evidence.file("u_ex210303.log", iis_log(None, 3));
    let done = read_here(&path);
    assert_eq!(done.units(), [("u_ex210303.log", "-", "-", "file")]);
    assert_eq!(done.rows["u_ex210303.log"], 3);
}

#[test]
fn a_missing_path_is_an_error_that_names_it() {
    let missing = PathBuf::from("no/such/evidence");
    let error = read(&[missing], &Options::default(), &Kept::default()).unwrap_err();
    let EvidenceError::Open { path, .. } = &error;
    assert_eq!(path, &PathBuf::from("no/such/evidence"));
    assert!(
        error.to_string().contains("no/such/evidence") && error.to_string().contains("check the path"),
        "{error}"
    );
}

#[test]
fn hashes_are_those_of_the_bytes() {
    let evidence = Evidence::new();
    evidence.file("EX01/empty.aspx", "");
    evidence.file("EX01/abc.txt", "abc");
    let done = read_here(&evidence.path());
    let empty = done.file("evidence/EX01/empty.aspx");
    assert_eq!(
        empty.sha256,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let abc = done.file("evidence/EX01/abc.txt");
    assert_eq!(
        abc.sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(abc.size, 3);
    assert_eq!(done.contents["evidence/EX01/abc.txt"], b"abc");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let evidence = Evidence::new();
    let outside = Evidence::new();
    let secret = outside.file("secret.log", iis_log(None, 9));
    evidence.file("EX01/u_ex210303.log", iis_log(None, 1));
    std::os::unix::fs::symlink(&secret, evidence.path().join("EX01/linked.log")).unwrap();
    std::os::unix::fs::symlink(outside.path(), evidence.path().join("EX01/linked folder")).unwrap();
    std::os::unix::fs::symlink("..", evidence.path().join("EX01/round and round")).unwrap();
    let done = read_here(&evidence.path());
    assert_eq!(done.manifest.files.len(), 1);
    assert_eq!(done.manifest.records, 1);
    for name in ["linked.log", "linked folder", "round and round"] {
        done.warned(&[name, "a link, not followed"]);
    }
}

#[test]
fn folders_deeper_than_the_cap_are_told() {
    let evidence = Evidence::new();
    evidence.file("EX01/u_ex210303.log", iis_log(None, 1));
    evidence.file("EX01/a/b/c/d/u_ex210304.log", iis_log(None, 1));
    let limits = Limits {
        folder_depth: 3,
        ..Limits::default()
    };
    let done = read_with(&evidence.path(), 1, limits);
    assert_eq!(done.manifest.files.len(), 1);
    done.warned(&["evidence/EX01/a/b/c", "folders nested deeper than 3 are not read"]);
}

/// Files are numbered as workers come to them; all that can be seen is in the order of paths.
#[test]
fn what_is_seen_does_not_depend_on_the_threads() {
    let evidence = Evidence::new();
    for server in 0..4 {
        for day in 0..10 {
            let log = iis_log(Some(&format!("EX{server:02}")), 20 + day);
            evidence.file(&format!("ACME/EX{server:02}/u_ex2103{day:02}.log"), &log);
            let nested = zip(&[
                ("deep/u_ex1.log", log.as_bytes()),
                ("../u_ex2.log", log.as_bytes()),
            ]);
            let archive = zip(&[
                ("u_ex.log", log.as_bytes()),
                ("inner.zip", &nested),
                ("page.aspx", b"<%@ Page %>"),
            ]);
            evidence.file(&format!("ACME/EX{server:02}/more{day}.zip"), archive);
        }
    }
    let seen = |threads| {
        let done = read_with(&evidence.path(), threads, Limits::default());
        (
            serde_json::to_string_pretty(&done.manifest).unwrap(),
            done.rows,
            done.contents,
        )
    };
    let alone = seen(1);
    for _ in 0..5 {
        assert!(seen(4) == alone, "4 threads show something else than 1");
    }
}
