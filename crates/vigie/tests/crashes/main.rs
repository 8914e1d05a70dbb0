//! The real server, killed in the middle, on a full disk, and without its database: it comes back, says what happened, and
//! nothing that was acknowledged is lost.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod postgres;
mod server;
#[path = "../../../desk/src/testing/skip.rs"]
mod skip;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::postgres::Cluster;
use crate::server::{Client, PATIENCE, Scene, Server, id, log, noise, scene};
use crate::skip::skipped;

/// Lines of a log over which a hunt takes a while.
const LONG: usize = 300_000;

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Finishes an upload from where it is safe, and makes sure that every byte is there.
fn finish_upload(who: &mut Client, upload: &str, whole: &[u8], acknowledged: usize) {
    let path = format!("/api/v1/uploads/{upload}");
    let received = who.get(&path)["received"].as_u64().unwrap() as usize;
    assert!(
        received >= acknowledged,
        "{received} of {acknowledged} acknowledged"
    );
    let (status, answer) = who.patch(upload, received, &whole[received..]);
    assert_eq!(status, 200, "{answer}");
    let evidence = who.json("POST", &format!("{path}/finish"), &json!({}));
    assert_eq!(evidence["sha256"], hex(&Sha256::digest(whole)), "{evidence}");
    let verified = who.json(
        "POST",
        &format!("/api/v1/evidence/{}/verify", id(&evidence)),
        &json!({}),
    );
    assert_eq!(verified["sound"], true, "{verified}");
}

#[test]
fn an_upload_whose_server_is_killed_goes_on_where_it_was_safe() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let mut alex = server.set_up();
    let scene = scene(&mut alex);
    let whole = noise(9_000_000);
    let upload = scene.upload(&mut alex, "logs.zip");
    let (status, first) = alex.patch(&upload, 0, &whole[..3_000_000]);
    assert_eq!((status, &first["received"]), (200, &json!(3_000_000)));
    // Half of the next piece, and then nothing any more.
    let mut stream = TcpStream::connect(&alex.address).unwrap();
    let path = format!("/api/v1/uploads/{upload}");
    let head = alex.head("PATCH", &path, "Upload-Offset: 3000000\r\n", 6_000_000);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&whole[3_000_000..6_000_000]).unwrap();
    let file = folder.path().join("uploads");
    let grows = || -> u64 {
        let files = std::fs::read_dir(&file).unwrap();
        files.map(|one| one.unwrap().metadata().unwrap().len()).sum()
    };
    let until = Instant::now() + PATIENCE;
    while grows() < 4_000_000 {
        assert!(Instant::now() < until, "nothing arrives: {}", grows());
        std::thread::sleep(Duration::from_millis(5));
    }
    server.kill();

    let server = Server::start(folder.path(), None);
    let mut alex = alex.at(&server);
    finish_upload(&mut alex, &upload, &whole, 3_000_000);
}

#[test]
fn a_hunt_whose_server_is_killed_is_taken_up_again_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let mut alex = server.set_up();
    let scene = scene(&mut alex);
    let evidence = scene.evidence(&mut alex, "HttpProxy_2021030200-1.LOG", &log(LONG));
    let hunt = scene.hunt(&mut alex, &evidence);
    let path = format!("/api/v1/hunts/{hunt}");
    wait_until_it_runs(&mut alex, &path, folder.path());
    server.kill();

    let mut server = Server::start(folder.path(), None);
    let mut alex = alex.at(&server);
    let said = server.said();
    assert!(said.contains("taken up again"), "{said}");
    let done = alex.wait(&path, "done", |hunt| hunt["job"]["state"] == "done");
    assert_eq!(done["job"]["attempts"], 2, "{done}");
    assert_found(&mut alex, &scene);
    let until = Instant::now() + PATIENCE;
    while folder.path().join("work").read_dir().unwrap().next().is_some() {
        assert!(Instant::now() < until, "what the dead hunt opened is still there");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until a hunt is in the middle: its evidence lies open.
fn wait_until_it_runs(who: &mut Client, path: &str, data: &Path) {
    let opened = || std::fs::read_dir(data.join("work")).is_ok_and(|mut folder| folder.next().is_some());
    who.wait(path, "hunting", |hunt| {
        assert_ne!(
            hunt["job"]["state"], "done",
            "it ended before it could be disturbed: make the log longer"
        );
        hunt["job"]["state"] == "running" && opened()
    });
}

fn assert_found(who: &mut Client, scene: &Scene) {
    let findings = who.get(&format!("/api/v1/findings?server={}", scene.server));
    let found = findings["items"].as_array().unwrap();
    assert!(!found.is_empty(), "{findings}");
    let mut told: Vec<String> = found
        .iter()
        .map(|one| format!("{} {}", one["hunt_id"], one["statement_en"]))
        .collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), found.len(), "each once: {findings}");
    let cells = who.get(&format!("/api/v1/servers/{}/cells", scene.server));
    assert!(cells.to_string().contains("\"hunted\""), "{cells}");
}

#[test]
fn a_migration_that_is_killed_is_done_whole_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("desk.sqlite");
    old_desk(&file);
    let mut interrupted = 0;
    for wait in [30, 80, 150, 250, 400, 600] {
        let server = Server::spawn(folder.path(), None);
        std::thread::sleep(Duration::from_millis(wait));
        server.kill();
        let database = rusqlite::Connection::open(&file).unwrap();
        let one = |sql: &str| -> String { database.query_row(sql, [], |row| row.get(0)).unwrap() };
        assert_eq!(one("PRAGMA integrity_check"), "ok");
        let version = one("SELECT CAST(MAX(version) AS TEXT) FROM migration");
        let tables =
            one("SELECT CAST(COUNT(*) AS TEXT) FROM pragma_table_info('finding') WHERE name = 'covered_by'");
        if version == OLD.to_string() {
            interrupted += 1;
            assert_eq!(tables, "0", "nothing of what was begun");
        }
    }
    assert!(interrupted > 0, "it was never in the middle");
    let mut server = Server::start(folder.path(), None);
    let said = server.said();
    // Unless one of those before came to its end, this one did it, and says where the copy is.
    let copies = std::fs::read_dir(folder.path().join("backups")).unwrap().count();
    assert!(copies > 0 || said.contains("backup"), "{said}");
    let mut alex = server.set_up();
    assert_eq!(alex.get("/readyz"), alex.get("/readyz"));
    let database = rusqlite::Connection::open(&file).unwrap();
    let count: i64 = database
        .query_row("SELECT COUNT(*) FROM finding", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, ROWS);
}

/// The version of the tables that the program begins with.
const OLD: i64 = 7;
const ROWS: i64 = 100_000;

/// A desk as an older program left it, with enough in it that its migration takes a while.
fn old_desk(file: &Path) {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../desk/migrations");
    let mut files: Vec<PathBuf> = std::fs::read_dir(migrations)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let database = rusqlite::Connection::open(file).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF; CREATE TABLE migration (version BIGINT PRIMARY KEY, \
             name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)",
        )
        .unwrap();
    for (version, path) in (1..=OLD).zip(&files) {
        let text = std::fs::read_to_string(path).unwrap();
        database.execute_batch(&text).unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = stem.split_once('_').unwrap().1;
        let digest = hex(&Sha256::digest(text.as_bytes()));
        let row = rusqlite::params![version, name, digest, 0];
        database
            .execute("INSERT INTO migration VALUES (?1, ?2, ?3, ?4)", row)
            .unwrap();
    }
    database
        .execute_batch(&format!(
            "INSERT INTO finding (id, tenant_id, server_id, campaign_id, hunt_id, basis, fingerprint, rule_id, title, statement_en, \
             statement_fr, severity, rank, outcome, stage, attack, count, state, reason, found_at, revision) \
             WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {ROWS}) \
             SELECT 'f' || n, 't', 's', 'c', 'h', 'b', n, 'rule-' || n % 97, 'title', 'said', 'dit', 'high', 4, 'attempt', 'scan', \
             '[]', 1, 'new', '', n, 1 FROM r"
        ))
        .unwrap();
}

/// A small disk of its own, where that can be had.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(SmallDisk(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_said_and_the_upload_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        // Whoever may not mount one cannot install the right to.
        println!("skipped: a small disk cannot be mounted here");
        return;
    };
    let server = Server::start(&disk.0.path().join("data"), None);
    let mut alex = server.set_up();
    let scene = scene(&mut alex);
    let whole = noise(9_000_000);
    let upload = scene.upload(&mut alex, "logs.zip");
    assert_eq!(alex.patch(&upload, 0, &whole[..2_000_000]).0, 200);
    let ballast = disk.0.path().join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    // All but about three megabytes.
    while free(disk.0.path()) > 3_000_000 {
        file.write_all(&[1; 100_000]).unwrap();
    }
    drop(file);
    let (status, problem) = alex.patch(&upload, 2_000_000, &whole[2_000_000..]);
    assert_eq!(
        (status, &problem["type"]),
        (507, &json!("urn:vigie:problem:disk-full")),
        "{problem}"
    );
    assert_eq!(alex.send("GET", "/healthz", "", b"").0, 200, "it lives");
    std::fs::remove_file(&ballast).unwrap();
    finish_upload(&mut alex, &upload, &whole, 2_000_000);
    assert_eq!(alex.send("GET", "/readyz", "", b"").0, 200);
}

/// Bytes free on the disk of a folder.
fn free(folder: &Path) -> u64 {
    let output = Command::new("df")
        .args(["--output=avail", "-B1"])
        .arg(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().last().unwrap().trim().parse().unwrap()
}

/// A PostgreSQL of the test's own; `None` where none is installed, and that is allowed.
fn postgresql() -> Option<Cluster> {
    let cluster = Cluster::start();
    if cluster.is_none() {
        skipped("PostgreSQL is not installed");
    }
    cluster
}

struct StopWhenDropped<'a>(&'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_postgresql_that_is_cut_off_is_missed_said_and_found_again() {
    let Some(cluster) = postgresql() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), Some(&cluster.url()));
    let mut alex = server.set_up();
    let scene = scene(&mut alex);
    let evidence = scene.evidence(&mut alex, "HttpProxy_2021030200-1.LOG", &log(LONG));
    let hunt = scene.hunt(&mut alex, &evidence);
    let path = format!("/api/v1/hunts/{hunt}");
    wait_until_it_runs(&mut alex, &path, folder.path());

    // Somebody makes tenants all the time, each until it is acknowledged.
    let stop = AtomicBool::new(false);
    let (made, away) = std::thread::scope(|scope| {
        let mut worker = alex.clone();
        let stop = &stop;
        // A test that fails in between stops too.
        let stops = StopWhenDropped(stop);
        let busy = scope.spawn(move || {
            let (mut made, mut away) = (0, 0);
            while !stop.load(Ordering::SeqCst) {
                let body =
                    json!({"name": format!("tenant {made}"), "contract": "none", "locale": "fr"}).to_string();
                let headers = format!("Content-Type: application/json\r\nIdempotency-Key: tenant-{made}\r\n");
                let (status, answer) = worker.send("POST", "/api/v1/tenants", &headers, body.as_bytes());
                match (status, answer["type"].as_str()) {
                    (201, _) => made += 1,
                    (503, Some("urn:vigie:problem:unavailable" | "urn:vigie:problem:uncertain")) => away += 1,
                    // The one before was cut off in the middle: nobody knows, so it is looked for, and left alone.
                    (409, Some("urn:vigie:problem:running")) => {
                        let search = format!("/api/v1/tenants?q=tenant+{made}");
                        if let Some((200, _)) = worker.try_send("GET", &search, "", b"") {
                            made += 1;
                        }
                    }
                    (status, kind) => panic!("{status} {kind:?} {answer}"),
                }
                std::thread::sleep(Duration::from_millis(30));
            }
            (made, away)
        });
        std::thread::sleep(Duration::from_millis(700));
        cluster.down();
        let (status, problem) = alex.send("GET", "/readyz", "", b"");
        assert_eq!(status, 503, "{problem}");
        assert_eq!(alex.send("GET", "/healthz", "", b"").0, 200, "the process lives");
        let (status, problem) = alex.send("GET", "/api/v1/tenants", "", b"");
        assert_eq!(
            (status, &problem["type"]),
            (503, &json!("urn:vigie:problem:unavailable")),
            "{problem}"
        );
        assert!(problem["what_to_do"].is_string());
        std::thread::sleep(Duration::from_secs(1));
        cluster.up();
        let until = Instant::now() + PATIENCE;
        while alex.send("GET", "/readyz", "", b"").0 != 200 {
            assert!(Instant::now() < until, "it does not come back");
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_millis(700));
        drop(stops);
        busy.join().unwrap()
    });
    assert!(made > 0 && away > 0, "{made} made, {away} times away");
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = alex.get(&format!("/api/v1/tenants?limit=1000{cursor}"));
        names.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    for number in 0..made {
        let name = format!("tenant {number}");
        assert!(
            names.iter().filter(|one| **one == name).count() <= 1,
            "{name} is there twice"
        );
    }
    let there = (0..made)
        .filter(|number| names.contains(&format!("tenant {number}")))
        .count();
    assert!(
        there + 1 >= made,
        "{there} of {made}: at most the one that was cut off is missing"
    );
    let done = alex.wait(&path, "done", |hunt| hunt["job"]["state"] == "done");
    assert_eq!(done["job"]["error"], Value::Null, "{done}");
    assert_found(&mut alex, &scene);
    let verified = alex.get("/api/v1/audit/verify");
    assert_eq!(verified["sound"], true, "{verified}");
}

#[test]
fn two_servers_share_a_postgresql_and_a_folder() {
    let Some(cluster) = postgresql() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let one = Server::start(folder.path(), Some(&cluster.url()));
    let mut alex = one.set_up();
    let other = Server::start(folder.path(), Some(&cluster.url()));
    let mut there = alex.at(&other);
    assert_eq!(
        there.get("/api/v1/session")["user"],
        alex.get("/api/v1/session")["user"],
        "one session, both servers"
    );

    // What happens at one is heard at the other.
    let mut listening = TcpStream::connect(&there.address).unwrap();
    listening.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = there.head("GET", "/api/v1/events", "", 0);
    listening.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    let scene = scene(&mut alex);
    let mut heard = String::new();
    let mut piece = [0; 4096];
    while !heard.contains(&scene.server) {
        let read = listening.read(&mut piece).unwrap_or_default();
        assert!(read > 0, "it does not hear of it: {heard}");
        heard.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    drop(listening);

    // Jobs are done once, whoever does them.
    let mut hunts = Vec::new();
    for number in 0..6 {
        let evidence = scene.evidence(&mut there, &format!("{number}.LOG"), &log(200 + number));
        hunts.push(scene.hunt(&mut alex, &evidence));
    }
    let mut workers = std::collections::BTreeSet::new();
    for hunt in &hunts {
        let done = there.wait(&format!("/api/v1/hunts/{hunt}"), "done", |hunt| {
            hunt["job"]["state"] == "done"
        });
        assert_eq!(done["job"]["attempts"], 1, "{done}");
        workers.insert(done["job"]["worker"].to_string());
        let events = alex.get(&format!("/api/v1/jobs/{hunt}/events"));
        assert_eq!(events.to_string().matches("\"started\"").count(), 1, "{events}");
    }

    // One is killed in the middle of a hunt: when its lease is over, the other has it.
    let evidence = scene.evidence(&mut there, "long.LOG", &log(LONG));
    let hunt = scene.hunt(&mut there, &evidence);
    let path = format!("/api/v1/hunts/{hunt}");
    wait_until_it_runs(&mut there, &path, folder.path());
    let worker = there.get(&path)["job"]["worker"].as_str().unwrap().to_owned();
    let by_one = worker.contains(&format!("-{}-", one.process()));
    let (dead, alive) = if by_one { (one, other) } else { (other, one) };
    dead.kill();
    let mut alex = alex.at(&alive);
    let done = alex.wait(&path, "done", |hunt| hunt["job"]["state"] == "done");
    assert_eq!(done["job"]["attempts"], 2, "{done}");
    assert_ne!(done["job"]["worker"], worker);
    assert_found(&mut alex, &scene);
}
