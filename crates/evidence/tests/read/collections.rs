//! What collectors hand over, and whose it is.

use crate::support::{Evidence, Raw, iis_log, raw_zip, read_all, read_here, zip};
use vigie_evidence::Limits;

#[test]
fn a_velociraptor_collection() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let archive = zip(&[
        (
            "client_info.json",
            b"{\"Hostname\":\"EX07\",\"Fqdn\":\"EX07.acme.example\",\"Version\":\"0.7.1\"}",
        ),
        ("collection_context.json", b"{\"session_id\":\"F.CRS2A7T0G1\"}"),
        (
            "uploads/auto/C%3A/inetpub/logs/LogFiles/W3SVC1/u_ex.log",
            log.as_bytes(),
        ),
        (
            "uploads/auto/C%3A/inetpub/wwwroot/aspnet_client/a%20b.aspx",
            b"<%@ Page %>",
        ),
        ("uploads/ntfs/%5C%5C.%5CD%3A/logs/u_ex2.log", log.as_bytes()),
        ("results/Custom.Artifact%2FRows.json", b"{\"a\":1}\n"),
    ]);
    evidence.file("ACME/Collection-server7-2021-03-05T10_10_10Z.zip", archive);
    let done = read_here(&evidence.path());
    let path = "evidence/ACME/Collection-server7-2021-03-05T10_10_10Z.zip";
    assert_eq!(
        done.units(),
        [(path, "ACME", "EX07.acme.example", "velociraptor")]
    );
    assert_eq!(done.unit(path).host_source.as_deref(), Some("collection info"));
    for (entry, original) in [
        (
            "uploads/auto/C%3A/inetpub/logs/LogFiles/W3SVC1/u_ex.log",
            "C:\\inetpub\\logs\\LogFiles\\W3SVC1\\u_ex.log",
        ),
        (
            "uploads/auto/C%3A/inetpub/wwwroot/aspnet_client/a%20b.aspx",
            "C:\\inetpub\\wwwroot\\aspnet_client\\a b.aspx",
        ),
        (
            "uploads/ntfs/%5C%5C.%5CD%3A/logs/u_ex2.log",
            "D:\\logs\\u_ex2.log",
        ),
    ] {
        let file = done.file(&format!("{path}!/{entry}"));
        assert_eq!(file.original_path.as_deref(), Some(original));
    }
    assert_eq!(done.manifest.records, 10);
}

#[test]
fn a_velociraptor_collection_in_a_collection() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let inner = zip(&[
        (
            "client_info.json",
            b"{\"os_info\":{\"hostname\":\"EX07\"}}".as_slice(),
        ),
        ("uploads/auto/C%3A/inetpub/logs/u_ex.log", log.as_bytes()),
    ]);
    evidence.file(
        "Collection-x.zip",
        zip(&[("metadata.json", b"{}"), ("data.zip", &inner)]),
    );
    let done = read_here(&evidence.path());
    assert_eq!(
        done.unit("evidence/Collection-x.zip").host.as_deref(),
        Some("EX07")
    );
    assert_eq!(
        done.rows["evidence/Collection-x.zip!/data.zip!/uploads/auto/C%3A/inetpub/logs/u_ex.log"],
        5
    );
}

#[test]
fn a_velociraptor_collection_under_a_password() {
    let evidence = Evidence::new();
    let data = Raw {
        flags: 1,
        method: 99,
        ..Raw::stored("data.zip", b"sealed")
    };
    evidence.file(
        "Collection-EX01-2021-03-05T10_10_10Z.zip",
        raw_zip(&[Raw::stored("metadata.json", b"{}"), data]),
    );
    let done = read_here(&evidence.path());
    done.warned(&["1 of 2 entries are encrypted", "data.zip", "with their password"]);
    assert_eq!(done.manifest.units[0].host.as_deref(), Some("EX01"));
}

#[test]
fn kape_folders_per_machine() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    evidence.file("20210305T101010_EX01/C/inetpub/logs/u_ex.log", &log);
    evidence.file("20210305T101010_EX01/C/$MFT", "FILE0");
    evidence.file("second/C/Windows/System32/LogFiles/HTTPERR/u_ex.log", &log);
    evidence.file(
        "second/2021-03-05T10_10_10_1234567_ConsoleLog.txt",
        "[2021-03-05 10:10:10.1 | INF] KAPE directory: E:\\KAPE\r\n\
         [2021-03-05 10:10:10.2 | INF] System info: Machine name: EX02, 64-bit: true, User: admin OS: \"Windows2016\"\r\n",
    );
    let done = read_here(&evidence.path());
    assert_eq!(
        done.units(),
        [
            ("evidence/20210305T101010_EX01", "-", "EX01", "kape"),
            ("evidence/second", "-", "EX02", "kape"),
        ]
    );
    assert_eq!(
        done.unit("evidence/second").host_source.as_deref(),
        Some("collection info")
    );
}

#[test]
fn the_exchange_log_collector() {
    let evidence = Evidence::new();
    let log = iis_log(None, 5);
    let logs = zip(&[("u_ex.log", log.as_bytes())]);
    // .NET before 4.6.1 puts backslashes into the names.
    let archive = zip(&[
        ("IIS_W3SVC1_Logs.zip", logs.as_slice()),
        ("ECP_Proxy_Logs\\HttpProxy_1.LOG", b"nothing"),
        ("Windows_Event_Logs\\Application.evtx", b"nothing"),
    ]);
    evidence.file("EX01-35.zip", &archive);
    evidence.file("EX02-35-1.zip", &archive);
    evidence.file("EX03/IIS_W3SVC1_Logs.zip", &logs);
    evidence.file("EX03/OAB_Generation_Logs.zip", &logs);
    let done = read_here(&evidence.path());
    assert_eq!(
        done.units(),
        [
            ("evidence/EX01-35.zip", "-", "EX01", "exchange_log_collector"),
            ("evidence/EX02-35-1.zip", "-", "EX02", "exchange_log_collector"),
            ("evidence/EX03", "-", "EX03", "exchange_log_collector"),
        ]
    );
    assert_eq!(
        done.rows["evidence/EX01-35.zip!/IIS_W3SVC1_Logs.zip!/u_ex.log"],
        5
    );
    done.file("evidence/EX01-35.zip!/ECP_Proxy_Logs/HttpProxy_1.LOG");
}

#[test]
fn several_machines_in_one_archive() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let archive = zip(&[
        ("ACME/EX01/C/inetpub/logs/u_ex.log", log.as_bytes()),
        ("ACME/EX02/C/inetpub/logs/u_ex.log", log.as_bytes()),
        ("GLOBEX/EX01/C/inetpub/logs/u_ex.log", log.as_bytes()),
    ]);
    evidence.file("all.zip", archive);
    let done = read_here(&evidence.path());
    assert_eq!(
        done.units(),
        [
            ("evidence/all.zip!/ACME/EX01", "ACME", "EX01", "zip"),
            ("evidence/all.zip!/ACME/EX02", "ACME", "EX02", "zip"),
            ("evidence/all.zip!/GLOBEX/EX01", "GLOBEX", "EX01", "zip"),
        ]
    );
    for unit in &done.manifest.units {
        let file = done.file(&format!("{}/C/inetpub/logs/u_ex.log", unit.path));
        assert_eq!(file.unit, unit.id);
    }
}

#[test]
fn an_archive_with_one_server_is_named_by_the_folder_in_it() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    evidence.file(
        "ACME/evidence from monday.zip",
        zip(&[("EX01/C/inetpub/logs/u_ex.log", log.as_bytes())]),
    );
    let done = read_here(&evidence.path());
    assert_eq!(
        done.units(),
        [("evidence/ACME/evidence from monday.zip", "ACME", "EX01", "zip")]
    );
}

#[test]
fn archives_of_servers_in_an_archive() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    let server = zip(&[("C/inetpub/logs/u_ex.log", log.as_bytes())]);
    evidence.file(
        "ACME/all.zip",
        zip(&[("EX01.zip", &server), ("EX02.zip", &server)]),
    );
    let done = read_here(&evidence.path());
    let units: Vec<_> = done.units().iter().map(|unit| (unit.1, unit.2)).collect();
    assert_eq!(units, [("ACME", "EX01"), ("ACME", "EX02")]);
    let file = done.file("evidence/ACME/all.zip!/EX02.zip!/C/inetpub/logs/u_ex.log");
    assert_eq!(
        done.manifest.units[file.unit.0 as usize].host.as_deref(),
        Some("EX02")
    );
}

#[test]
fn parts_of_one_server_are_one_unit() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    evidence.file("ACME/EX01/part1/C/inetpub/logs/u_ex1.log", &log);
    evidence.file("ACME/EX01/part2/C/inetpub/logs/u_ex2.log", &log);
    let done = read_here(&evidence.path());
    assert_eq!(done.units(), [("evidence/ACME/EX01", "ACME", "EX01", "folder")]);
    assert_eq!(
        done.file("evidence/ACME/EX01/part2/C/inetpub/logs/u_ex2.log")
            .original_path
            .as_deref(),
        Some("C:\\inetpub\\logs\\u_ex2.log")
    );
}

#[test]
fn notes_beside_servers_do_not_swallow_them() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    evidence.file("ACME/EX01/C/inetpub/logs/u_ex.log", &log);
    evidence.file("ACME/transfer.log", "sent on monday");
    evidence.file("truth.json", "{}");
    let done = read_here(&evidence.path());
    assert_eq!(
        done.units(),
        [
            ("evidence", "-", "-", "loose"),
            ("evidence/ACME", "-", "-", "loose"),
            ("evidence/ACME/EX01", "ACME", "EX01", "folder"),
        ]
    );
}

#[test]
fn folders_of_servers_given_one_by_one_are_tenants() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    for tenant in ["ACME", "GLOBEX"] {
        evidence.file(&format!("{tenant}/EX01/C/inetpub/logs/u_ex.log"), &log);
    }
    let paths = ["ACME", "GLOBEX"].map(|tenant| evidence.path().join(tenant));
    let done = read_all(&paths, 2, Limits::default());
    assert_eq!(
        done.units(),
        [
            ("ACME/EX01", "ACME", "EX01", "folder"),
            ("GLOBEX/EX01", "GLOBEX", "EX01", "folder"),
        ]
    );
}

/// Rows of others, forwarded or handed over together, are many; the folder and its own rows agree on the name.
#[test]
fn a_name_that_folder_and_rows_agree_on_wins_over_the_most_frequent_one() {
    let evidence = Evidence::new();
    evidence.file("EX01/inetpub/u_ex1.log", iis_log(Some("EX01"), 2));
    evidence.file("EX01/inetpub/u_ex2.log", iis_log(Some("PROXY9"), 50));
    evidence.file("monday/inetpub/u_ex1.log", iis_log(Some("EX02"), 2));
    evidence.file("monday/inetpub/u_ex2.log", iis_log(Some("PROXY9"), 50));
    let done = read_here(&evidence.path());
    assert_eq!(done.unit("evidence/EX01").host.as_deref(), Some("EX01"));
    assert_eq!(done.unit("evidence/monday").host.as_deref(), Some("PROXY9"));
}

#[test]
fn paths_of_one_name_are_told_apart() {
    let evidence = Evidence::new();
    let log = iis_log(None, 1);
    for tenant in ["ACME", "GLOBEX"] {
        evidence.file(&format!("{tenant}/EX01/C/inetpub/logs/u_ex.log"), &log);
        evidence.file(
            &format!("{tenant}/EX02.zip"),
            zip(&[("C/inetpub/logs/u_ex.log", log.as_bytes())]),
        );
    }
    let path = |name: &str| evidence.path().join(name);
    let paths = [
        path("ACME/EX01"),
        path("GLOBEX/EX01"),
        path("ACME/EX02.zip"),
        path("GLOBEX/EX02.zip"),
        path("GLOBEX/../ACME/EX01"),
    ];
    let done = read_all(&paths, 2, Limits::default());
    assert_eq!(
        done.units(),
        [
            ("ACME/EX01", "ACME", "EX01", "folder"),
            ("GLOBEX/EX01", "GLOBEX", "EX01", "folder"),
            ("ACME/EX02.zip", "ACME", "EX02", "zip"),
            ("GLOBEX/EX02.zip", "GLOBEX", "EX02", "zip"),
        ]
    );
    assert_eq!(done.manifest.records, 4);
    done.warned(&["ACME/EX01", "given twice, read once"]);

    let paths = [path("ACME/EX01/C"), path("ACME/EX01"), path("GLOBEX/EX01")];
    let done = read_all(&paths, 2, Limits::default());
    assert_eq!(done.manifest.records, 2);
    done.warned(&["ACME/EX01/C", "given twice, read once"]);
}
