use super::restore::RESTORING;
use super::*;
use crate::accounts::sessions::{self, NewSession};
use crate::accounts::{self, AccountFields};
use crate::db::migrate::{MIGRATIONS, apply};
use crate::evidence::{self, EvidenceFilter};
use crate::tenants::{self, Locale, TenantFilter};
use crate::testing::{Bench, Schema, admin, analyst, director, on_each_database};
use crate::uploads::{self, NewUpload};
use crate::{EvidenceId, Options, PageRequest, Role, TenantSet};

fn send(bench: &Bench, bytes: &[u8]) -> EvidenceId {
    let new = NewUpload {
        tenant_id: bench.tenant("Client"),
        server_id: None,
        campaign_id: None,
        name: "x".into(),
        note: String::new(),
        acquired_at: None,
        retention_days: None,
        size: None,
        sha256: None,
    };
    let upload = uploads::begin(&bench.desk, &analyst(), &new).unwrap();
    uploads::append(&bench.desk, &analyst(), &upload.id, 0, &mut &bytes[..]).unwrap();
    uploads::finish(&bench.desk, &analyst(), &upload.id).unwrap().id
}

/// Where a backup is restored to: a folder and, for PostgreSQL, a schema that is gone and has to be made again.
fn elsewhere(bench: &Bench) -> Options {
    Options {
        data: bench.folder.path().join("restored"),
        ..bench.options.clone()
    }
}

#[test]
fn what_is_restored_is_what_was_there() {
    on_each_database(|bench| {
        let id = send(bench, b"the logs of EX01");
        let fields = AccountFields {
            login: "alex".into(),
            name: "Alex".into(),
            role: Role::Administrator,
            tenants: TenantSet::All,
            locale: Locale::Fr,
        };
        let alex = accounts::create(&bench.desk, &admin(), &fields).unwrap();
        let new = NewSession {
            method: "password",
            address: "",
            user_agent: "",
            provider: None,
            id_token: None,
        };
        let signed = sessions::open(&bench.desk, &alex.id, &new).unwrap();
        let to = bench.folder.path().join("backup");
        assert!(
            create(&bench.desk, &director(), &to, true).is_err(),
            "administrators only"
        );
        let made = create(&bench.desk, &admin(), &to, true).unwrap();
        assert_eq!(verify(&to).unwrap(), made);
        assert!(
            create(&bench.desk, &admin(), &to, true).is_err(),
            "never over another"
        );
        let before = tenants::list(
            &bench.desk,
            &admin(),
            &TenantFilter::default(),
            &PageRequest::default(),
        )
        .unwrap();
        // What came after the backup is not in it.
        bench.tenant("Later");

        let options = elsewhere(bench);
        if let Some(url) = &options.database {
            assert!(restore(&to, &options, None).is_err(), "the database is not empty");
            assert!(!options.data.exists());
            Schema::empty(url);
        }
        let desk = restore(&to, &options, None).unwrap();
        let after =
            tenants::list(&desk, &admin(), &TenantFilter::default(), &PageRequest::default()).unwrap();
        assert_eq!(after, before);
        assert!(evidence::verify(&desk, &analyst(), &id).unwrap().sound);
        assert!(audit::verify(&desk, &admin()).unwrap().sound);
        assert!(
            sessions::authenticate(&desk, &signed.token).is_err(),
            "old sessions do not come back to life"
        );
        assert!(
            desk.write(|tx| tx.execute("DELETE FROM audit", &[])).is_err(),
            "nor does what may not be deleted"
        );
        assert!(restore(&to, &options, None).is_err(), "never over another");
    });
}

#[test]
fn the_key_can_be_kept_elsewhere() {
    let bench = Bench::sqlite();
    let id = send(&bench, b"secret");
    let to = bench.folder.path().join("backup");
    create(&bench.desk, &admin(), &to, false).unwrap();
    assert!(!to.join(secrets::FILE).exists());
    let options = elsewhere(&bench);
    assert!(matches!(restore(&to, &options, None), Err(Error::State { .. })));
    let wrong = bench.folder.path().join("wrong.key");
    std::fs::write(&wrong, "0".repeat(64)).unwrap();
    assert!(matches!(
        restore(&to, &options, Some(&wrong)),
        Err(Error::Damaged { .. })
    ));
    assert!(!options.data.exists(), "nothing stands there that is no desk");
    let desk = restore(&to, &options, Some(&bench.options.data.join(secrets::FILE))).unwrap();
    assert!(evidence::verify(&desk, &analyst(), &id).unwrap().sound);
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let bench = Bench::sqlite();
    send(&bench, b"secret");
    let to = bench.folder.path().join("backup");
    let made = create(&bench.desk, &admin(), &to, true).unwrap();
    let blob = made
        .files
        .iter()
        .find(|file| file.path.starts_with("blobs/"))
        .unwrap();
    let path = to.join(&blob.path);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[1..]).unwrap();
    assert!(matches!(
        restore(&to, &elsewhere(&bench), None),
        Err(Error::Damaged { .. })
    ));
    std::fs::write(&path, &whole).unwrap();
    let list = to.join(LIST);
    let text = std::fs::read_to_string(&list).unwrap();
    std::fs::write(&list, text.replace(&blob.path, "../../outside")).unwrap();
    assert!(matches!(verify(&to), Err(Error::Damaged { .. })));
    assert!(!bench.folder.path().join("restored").exists());
}

#[test]
fn a_backup_that_cannot_be_made_leaves_nothing() {
    let bench = Bench::sqlite();
    send(&bench, b"secret");
    let blobs = bench.desk.data().join("blobs");
    std::fs::remove_dir_all(&blobs).unwrap();
    let to = bench.folder.path().join("backup");
    assert!(matches!(
        create(&bench.desk, &admin(), &to, true),
        Err(Error::Damaged { .. })
    ));
    let left: Vec<_> = std::fs::read_dir(bench.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["data"]);
}

#[test]
fn tables_of_an_older_version_are_copied_before_they_are_changed() {
    let folder = tempfile::TempDir::new().unwrap();
    let bench = Bench::options_in(folder.path());
    std::fs::create_dir_all(&bench.data).unwrap();
    let database = Database::sqlite(bench.data.join("desk.sqlite"));
    apply(&database, Time(0), &MIGRATIONS[..3]).unwrap();
    drop(database);
    let desk = Desk::open(&bench).unwrap();
    let migrated = desk.migrated().unwrap();
    assert_eq!((migrated.from, migrated.to), (3, migrate::known()));
    let copy = Database::sqlite(migrated.backup.clone().unwrap());
    assert_eq!(migrate::version(&copy).unwrap(), 3);
    assert!(Desk::open(&bench).unwrap().migrated().is_none());
    assert!(desk.database().url().is_none());
    let none = evidence::list(
        &desk,
        &analyst(),
        &EvidenceFilter::default(),
        &PageRequest::default(),
    )
    .unwrap();
    assert!(none.items.is_empty());
}

#[test]
fn what_an_older_version_wrote_of_others_entries_and_of_requests_is_brought_along() {
    let folder = tempfile::TempDir::new().unwrap();
    let bench = Bench::options_in(folder.path());
    std::fs::create_dir_all(&bench.data).unwrap();
    let database = Database::sqlite(bench.data.join("desk.sqlite"));
    apply(&database, Time(0), &MIGRATIONS[..9]).unwrap();
    let rows = "INSERT INTO tenant (id, name, name_key, contract, locale, contacts, note, created_at, revision) \
         VALUES ('t', 'T', 't', 'soc', 'fr', '[]', '', 0, 1);\n\
         INSERT INTO server (id, tenant_id, name, name_key, addresses, note, created_at, revision) \
         VALUES ('s', 't', 'S', 's', '[]', '', 0, 1);\n";
    let finding = |id: &str, reason: &str| {
        format!(
            "INSERT INTO finding (id, tenant_id, server_id, campaign_id, hunt_id, basis, fingerprint, rule_id, title, \
             statement_en, statement_fr, severity, rank, outcome, stage, attack, count, state, reason, found_at, revision, \
             covered_by) VALUES ('{id}', 't', 's', 'c', 'h', 'b', '{id}', 'r', '', '', '', 'high', 3, '', '', '[]', 1, \
             'dismissed', '{reason}', 0, 1, 'e1');\n"
        )
    };
    let request = format!(
        "INSERT INTO idempotency (actor_id, name, request_digest, created_at, expires_at) \
         VALUES ('sam', 'k', 'd', 0, {});",
        crate::testing::MORNING.plus_hours(1).micros()
    );
    let batch = [
        rows,
        &finding("f1", "known to be harmless, catalogue entry e1"),
        &finding("f2", "our scanner"),
        &request,
    ]
    .concat();
    database
        .write(|connection| Ok(connection.batch(&batch)?))
        .unwrap();
    drop(database);
    let desk = Desk::open(&bench).unwrap();
    let reasons: Vec<String> = desk
        .read(|tx| tx.query("SELECT reason FROM finding ORDER BY id", &[]))
        .unwrap()
        .into_iter()
        .map(|row| row.reader().get().unwrap())
        .collect();
    assert_eq!(reasons, ["", "our scanner"]);
    // Nobody knows what became of it: it is not done again.
    let begun = crate::idempotency::begin(&desk, &analyst(), "k", "d");
    assert!(matches!(begun, Err(Error::AnswerLost)), "{begun:?}");
}

#[test]
fn passwords_are_not_handed_to_programs_where_all_can_read_them() {
    for (url, bare) in [
        (
            "postgres://vigie:s%40c:ret@db.example:5432/desk?sslmode=require",
            "postgres://vigie@db.example:5432/desk?sslmode=require",
        ),
        (
            "postgres://vigie@db.example/desk?password=s%40c:ret&x=1",
            "postgres://vigie@db.example/desk?x=1",
        ),
        ("postgresql://db.example/desk", "postgresql://db.example/desk"),
    ] {
        let (found, password) = without_password(url);
        assert_eq!(found, bare);
        assert_eq!(
            password.is_some(),
            url.parse::<postgres::Config>()
                .is_ok_and(|config| config.get_password().is_some())
        );
        assert!(password.is_none_or(|password| password == "s@c:ret"));
    }
}

#[test]
fn a_database_of_a_newer_or_another_program_is_left_alone() {
    let bench = Bench::sqlite();
    let change = |sql: &str| bench.desk.write(|tx| tx.execute(sql, &[])).unwrap();
    change("UPDATE migration SET sha256 = 'x' WHERE version = 2");
    assert!(matches!(Desk::open(&bench.options), Err(Error::Damaged { .. })));
    change("INSERT INTO migration (version, name, sha256, applied_at) VALUES (99, 'later', 'y', 0)");
    change("DELETE FROM migration WHERE version = 2");
    assert!(matches!(
        Desk::open(&bench.options),
        Err(Error::TooNew { found: 99, .. })
    ));
}

#[test]
fn a_backup_that_was_cut_off_is_not_taken_for_a_new_one() {
    let bench = Bench::sqlite();
    let to = bench.folder.path().join("backup");
    std::fs::create_dir(bench.folder.path().join("backup.partial")).unwrap();
    let refused = create(&bench.desk, &admin(), &to, false).unwrap_err();
    assert!(refused.to_string().contains("was cut off"), "{refused}");
    std::fs::remove_dir(bench.folder.path().join("backup.partial")).unwrap();
    // However its name is written.
    create(&bench.desk, &admin(), &bench.folder.path().join("backup/"), false).unwrap();
    verify(&to).unwrap();
}

#[test]
fn a_folder_that_is_there_is_filled_and_stays_the_same_folder() {
    let bench = Bench::sqlite();
    let id = send(&bench, b"secret");
    let to = bench.folder.path().join("backup");
    create(&bench.desk, &admin(), &to, true).unwrap();
    let options = elsewhere(&bench);
    make_private_folder(&options.data).unwrap();
    // As a volume must.
    #[cfg(unix)]
    let number = || std::os::unix::fs::MetadataExt::ino(&options.data.metadata().unwrap());
    #[cfg(unix)]
    let before = number();
    let desk = restore(&to, &options, None).unwrap();
    #[cfg(unix)]
    assert_eq!(number(), before);
    assert!(evidence::verify(&desk, &analyst(), &id).unwrap().sound);
    assert!(!options.data.join(RESTORING).exists());
    assert!(restore(&to, &options, None).is_err(), "never over another");
}

#[test]
fn a_desk_is_opened_as_it_is_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::in_folder(folder.path().join("nothing"));
    let refused = Desk::open_beside(&options).unwrap_err();
    assert!(refused.to_string().contains("no desk"), "{refused}");
    assert!(!options.data.exists());

    let old = Options::in_folder(folder.path().join("old"));
    make_private_folder(&old.data).unwrap();
    let database = Database::sqlite(old.data.join("desk.sqlite"));
    apply(&database, crate::testing::MORNING, &MIGRATIONS[..1]).unwrap();
    let refused = Desk::open_beside(&old).unwrap_err();
    assert!(refused.to_string().contains("at version 1"), "{refused}");
    assert_eq!(migrate::version(&database).unwrap(), 1, "nothing was changed");

    let here = Options::in_folder(folder.path().join("here"));
    let served = Desk::open(&here).unwrap();
    let beside = Desk::open_beside(&here).unwrap();
    create(&beside, &admin(), &folder.path().join("backup"), false).unwrap();
    served.ping().unwrap();
}
