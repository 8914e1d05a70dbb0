//! What survives when the process is killed (`kill -9`), and when the disk is full. Children are this test program again,
//! with an order in the environment.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::catalogue::Scope;
use crate::db::migrate::{MIGRATIONS, apply, version};
use crate::db::{Database, params};
use crate::evidence;
use crate::findings::{self, Decision};
use crate::jobs::{self, Job, JobState, NewJob};
use crate::rejudge::RejudgeHandler;
use crate::testing::{Bench, Schema, analyst, director, on_each_database};
use crate::uploads::{self, NewUpload};
use crate::worker::{Handler, Outcome, Pulse, run_one};
use crate::world::{SystemClock, SystemEntropy};
use crate::{Desk, Error, Options, TenantId, Time, UploadId, Verb, audit, tenants};

const ORDER: &str = "VIGIE_TEST_CHILD";

/// A child that does what `order` says on the same desk, until it is killed.
fn child(bench: &Bench, order: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "crashes::child_of_a_crash_test",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(ORDER, order)
        .env("VIGIE_TEST_DATA", &bench.options.data)
        .env(
            "VIGIE_TEST_DATABASE",
            bench.options.database.clone().unwrap_or_default(),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

/// Reads what the child says until a line holds `word`.
fn wait_for(output: &mut impl BufRead, word: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(
            output.read_line(&mut line).unwrap() > 0,
            "the child ended without saying {word:?}"
        );
        if line.contains(word) {
            return line.trim().to_owned();
        }
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
#[ignore = "the child of the tests below"]
fn child_of_a_crash_test() {
    let Ok(order) = std::env::var(ORDER) else {
        return;
    };
    let database = std::env::var("VIGIE_TEST_DATABASE").unwrap();
    let options = Options {
        data: std::env::var("VIGIE_TEST_DATA").unwrap().into(),
        database: (!database.is_empty()).then_some(database),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::default()),
    };
    let words: Vec<&str> = order.split(' ').collect();
    match words.as_slice() {
        ["upload", id] => send_for_ever(&Desk::open(&options).unwrap(), &id.parse().unwrap()),
        ["job"] => {
            let desk = Desk::open(&options).unwrap();
            let handlers: [&dyn Handler; 1] = [&Sleeper];
            run_one(&desk, "the child", &handlers, &AtomicBool::new(false)).unwrap();
        }
        ["rejudge"] => {
            let desk = Desk::open(&options).unwrap();
            let handlers: [&dyn Handler; 1] = [&RejudgeHandler];
            println!("begins");
            run_one(&desk, "the child", &handlers, &AtomicBool::new(false)).unwrap();
        }
        ["tenants"] => {
            let desk = Desk::open(&options).unwrap();
            for number in 0.. {
                let fields = tenants::TenantFields::named(&format!("tenant {number}"));
                tenants::create(&desk, &director(), &fields).unwrap();
                println!("acknowledged {number}");
            }
        }
        ["migration"] => {
            println!("begins");
            apply(&open_database(&options), Time(0), &slow_migrations()).unwrap();
            println!("ended");
        }
        other => panic!("{other:?}"),
    }
}

fn open_database(options: &Options) -> Database {
    match &options.database {
        Some(url) => Database::postgres(url),
        None => Database::sqlite(options.data.join("desk.sqlite")),
    }
}

/// Bytes by their place, so that anybody can say what should be there.
fn byte_at(place: u64) -> u8 {
    (place.wrapping_mul(2_654_435_761) >> 13) as u8
}

struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = byte_at(self.0);
            self.0 += 1;
        }
        Ok(buffer.len())
    }
}

fn send_for_ever(desk: &Desk, id: &UploadId) {
    let mut offset = 0;
    loop {
        let mut piece = Endless(offset as u64).take(700_000);
        offset = uploads::append(desk, &analyst(), id, offset, &mut piece)
            .unwrap()
            .received;
        println!("acknowledged {offset}");
    }
}

fn new_upload(tenant: &TenantId) -> NewUpload {
    NewUpload {
        tenant_id: tenant.clone(),
        server_id: None,
        campaign_id: None,
        name: "EX01.zip".into(),
        note: String::new(),
        acquired_at: None,
        retention_days: None,
        size: None,
        sha256: None,
    }
}

#[test]
fn an_upload_whose_server_is_killed_goes_on_where_it_was_acknowledged() {
    on_each_database(|bench| {
        let upload = uploads::begin(&bench.desk, &analyst(), &new_upload(&bench.tenant("Client"))).unwrap();
        let (child, mut output) = child(bench, &format!("upload {}", upload.id));
        let line = (0..4)
            .map(|_| wait_for(&mut output, "acknowledged"))
            .last()
            .unwrap();
        let acknowledged: i64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        // In the middle of the next piece, wherever that is.
        std::thread::sleep(Duration::from_millis(7));
        kill(child);
        let received = uploads::get(&bench.again(), &analyst(), &upload.id)
            .unwrap()
            .received;
        assert!(received >= acknowledged, "{received} of {acknowledged}");
        let rest = &mut Endless(received as u64).take(1_300_000);
        let whole = uploads::append(&bench.again(), &analyst(), &upload.id, received, rest)
            .unwrap()
            .received;
        assert_eq!(whole, received + 1_300_000);
        let desk = bench.again();
        let evidence = uploads::finish(&desk, &analyst(), &upload.id).unwrap();
        assert_eq!(evidence.size, whole);
        let mut all = Vec::new();
        evidence::open(&desk, &analyst(), &evidence.id, evidence::Purpose::Read, "test")
            .unwrap()
            .read_to_end(&mut all)
            .unwrap();
        assert!(
            all.iter()
                .enumerate()
                .all(|(place, byte)| *byte == byte_at(place as u64))
        );
    });
}

/// Says that it began, and never ends.
struct Sleeper;

impl Handler for Sleeper {
    fn kind(&self) -> &'static str {
        "sleep"
    }

    fn run(&self, _: &Desk, _: &Job, pulse: &Arc<Pulse>) -> Outcome {
        println!("began");
        while !pulse.is_stopping() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Outcome::Failed("stopped".into())
    }
}

#[test]
fn a_job_whose_worker_is_killed_is_done_by_another() {
    on_each_database(|bench| {
        // The child has the machine's clock, so this desk must too.
        let options = Options {
            clock: Arc::new(SystemClock),
            ..bench.options.clone()
        };
        let desk = Desk::open(&options).unwrap();
        let job = jobs::enqueue(
            &desk,
            &analyst(),
            &NewJob {
                kind: "sleep".into(),
                tenant_id: Some(bench.tenant("Client")),
                campaign_id: None,
                payload: json!({}),
                dedupe: None,
                priority: 0,
                most_attempts: 3,
                verb: Verb::Hunt,
            },
        )
        .unwrap();
        let (child, mut output) = child(bench, "job");
        wait_for(&mut output, "began");
        kill(child);
        assert_eq!(
            jobs::get(&desk, &analyst(), &job.id).unwrap().state,
            JobState::Running
        );
        assert!(
            jobs::claim(&desk, "another", &["sleep"], 60).unwrap().is_none(),
            "its lease runs"
        );
        desk.write(|tx| tx.execute("UPDATE job SET lease_until = $1", params![tx.now]))
            .unwrap();
        let claim = jobs::claim(&desk, "another", &["sleep"], 60).unwrap().unwrap();
        assert_eq!((claim.job.id.clone(), claim.job.attempts), (job.id, 2));
        jobs::complete(&desk, &claim, &json!({})).unwrap();
    });
}

#[test]
fn judging_anew_that_is_killed_is_finished_by_another_worker() {
    const MANY: i64 = 8_000;
    on_each_database(|bench| {
        let options = Options {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy::default()),
            ..bench.options.clone()
        };
        let desk = Desk::open(&options).unwrap();
        let first = findings::tests::many_of_one_server(bench, &desk, MANY);
        let everything = Decision::Dismiss {
            reason: "a scanner of ours".into(),
            scope: Scope::Server,
            expires_at: desk.now().plus_days(1),
            fields: std::collections::BTreeMap::new(),
        };
        findings::decide(&desk, &director(), &first.id, first.revision, &everything).unwrap();
        let covered = || -> i64 {
            let sql = "SELECT COUNT(*) FROM finding WHERE covered_by IS NOT NULL AND state = 'dismissed'";
            desk.read(|tx| tx.one(sql, &[])?.unwrap().reader().get()).unwrap()
        };
        let (child, mut output) = child(bench, "rejudge");
        wait_for(&mut output, "begins");
        let until = Instant::now() + Duration::from_secs(60);
        while covered() == 0 {
            assert!(Instant::now() < until, "the child does nothing");
            std::thread::sleep(Duration::from_millis(2));
        }
        kill(child);
        let half = covered();
        assert!((1..MANY).contains(&half), "{half}: killed in the middle");
        desk.write(|tx| tx.execute("UPDATE job SET lease_until = $1", params![tx.now]))
            .unwrap();
        let handlers: [&dyn Handler; 1] = [&RejudgeHandler];
        let done = run_one(&desk, "another", &handlers, &AtomicBool::new(false))
            .unwrap()
            .unwrap();
        assert_eq!((done.state, done.attempts), (JobState::Done, 2));
        assert_eq!(covered(), MANY);
        let counts = done.result.unwrap();
        assert_eq!(
            (&counts["judged"], &counts["covered"]),
            (&json!(MANY), &json!(MANY)),
            "each once"
        );
        assert!(audit::verify(&desk, &director()).unwrap().sound);
    });
}

#[test]
fn a_worker_that_is_told_to_end_gives_its_job_back() {
    on_each_database(|bench| {
        let new = NewJob {
            kind: "sleep".into(),
            tenant_id: Some(bench.tenant("Client")),
            campaign_id: None,
            payload: json!({}),
            dedupe: None,
            priority: 0,
            most_attempts: 1,
            verb: Verb::Hunt,
        };
        let job = jobs::enqueue(&bench.desk, &analyst(), &new).unwrap();
        let stop = AtomicBool::new(false);
        let handlers: [&dyn Handler; 1] = [&Sleeper];
        std::thread::scope(|scope| {
            scope.spawn(|| run_one(&bench.desk, "w1", &handlers, &stop).unwrap());
            while jobs::get(&bench.desk, &analyst(), &job.id).unwrap().state != JobState::Running {
                std::thread::sleep(Duration::from_millis(5));
            }
            stop.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let after = jobs::get(&bench.desk, &analyst(), &job.id).unwrap();
        assert_eq!((after.state, after.attempts), (JobState::Queued, 0));
        assert!(jobs::claim(&bench.desk, "w2", &["sleep"], 60).unwrap().is_some());
    });
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_and_its_chain_is_whole() {
    on_each_database(|bench| {
        let (child, mut output) = child(bench, "tenants");
        for number in [3, 9, 20] {
            wait_for(&mut output, &format!("acknowledged {number}"));
        }
        kill(child);
        let desk = bench.again();
        let count = tenants::count(&desk, &director(), &Default::default()).unwrap();
        assert!(count >= 21, "{count}");
        let report = audit::verify(&desk, &director()).unwrap();
        assert!(report.sound, "{report:?}");
        assert_eq!(
            report.chains.len() as i64,
            count,
            "no tenant without its record, no record without its tenant"
        );
    });
}

/// Three migrations of the real ones, then one that takes long.
fn slow_migrations() -> Vec<(&'static str, &'static str)> {
    let mut all = MIGRATIONS[..3].to_vec();
    all.push((
        "slow",
        "CREATE TABLE slow (n BIGINT);\n\
         INSERT INTO slow WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 20000000) SELECT n FROM r;",
    ));
    all
}

#[test]
fn a_migration_that_is_killed_is_done_whole_or_not_at_all() {
    let bench = Bench::sqlite();
    // A desk of an older version.
    let path = bench.options.data.join("desk.sqlite");
    for extension in ["sqlite", "sqlite-wal", "sqlite-shm"] {
        let _ = std::fs::remove_file(path.with_extension(extension));
    }
    let (child, mut output) = child(&bench, "migration");
    wait_for(&mut output, "begins");
    std::thread::sleep(Duration::from_millis(700));
    kill(child);
    let database = Database::sqlite(path);
    let found = database.read(|connection| {
        let rows = connection.query("SELECT name FROM sqlite_master WHERE name = 'slow'", &[])?;
        Ok(rows.len())
    });
    assert_eq!(found.unwrap(), 0, "nothing of what was begun");
    assert_eq!(version(&database).unwrap(), 3, "what was done before it");
    drop(database);
    // It comes back, and goes on.
    let desk = bench.again();
    assert!(desk.migrated().is_none_or(|migrated| migrated.backup.is_some()));
    tenants::create(&desk, &director(), &tenants::TenantFields::named("after")).unwrap();
}

#[test]
fn a_database_server_that_is_restarted_is_found_again() {
    on_each_database(|bench| {
        let Some(url) = &bench.options.database else {
            return;
        };
        let tenant = bench.tenant("before");
        Schema::cut_connections(url);
        tenants::get(&bench.desk, &director(), &tenant).unwrap();
        Schema::cut_connections(url);
        bench.tenant("after");
        // In the middle of a transaction: it is done again, and once.
        let mut attempts = 0;
        bench
            .desk
            .write(|tx| {
                attempts += 1;
                if attempts == 1 {
                    Schema::cut_connections(url);
                }
                tenants::insert(tx, &director(), &tenants::TenantFields::named("during"))
            })
            .unwrap();
        assert_eq!(attempts, 2);
        assert_eq!(
            tenants::count(&bench.desk, &director(), &Default::default()).unwrap(),
            3
        );
        assert!(audit::verify(&bench.desk, &director()).unwrap().sound);
    });
}

/// A small disk of its own, where that can be had.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
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
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount() else {
        // Whoever may not mount one cannot install the right to.
        println!("skipped: a small disk cannot be mounted here");
        return;
    };
    let desk = Desk::open(&Bench::options_in(disk.0.path())).unwrap();
    let tenant = tenants::create(&desk, &director(), &tenants::TenantFields::named("Client"))
        .unwrap()
        .id;
    let upload = uploads::begin(&desk, &analyst(), &new_upload(&tenant)).unwrap();
    let first = uploads::append(&desk, &analyst(), &upload.id, 0, &mut Endless(0).take(500_000)).unwrap();
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![1; 2_000_000]).unwrap();
    let full = uploads::append(
        &desk,
        &analyst(),
        &upload.id,
        first.received,
        &mut Endless(500_000).take(50_000_000),
    );
    assert!(matches!(full, Err(Error::DiskFull(_))), "{full:?}");
    // Room is made, and it goes on where it was acknowledged.
    std::fs::remove_file(&ballast).unwrap();
    let received = uploads::get(&desk, &analyst(), &upload.id).unwrap().received;
    assert!(received >= first.received);
    uploads::append(
        &desk,
        &analyst(),
        &upload.id,
        received,
        &mut Endless(received as u64).take(100_000),
    )
    .unwrap();
    let evidence = uploads::finish(&desk, &analyst(), &upload.id).unwrap();
    assert!(evidence::verify(&desk, &analyst(), &evidence.id).unwrap().sound);
    assert!(audit::verify(&desk, &director()).unwrap().sound);
}
