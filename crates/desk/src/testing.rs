//! What tests share: a desk on each database, and people to try it with.

mod skip;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use self::skip::skipped;

use crate::world::{ManualClock, Seeded};
use crate::{Access, Actor, ActorKind, Desk, Error, Options, Role, TenantId, TenantSet, Time, tenants};

/// Wednesday, 3 March 2021, 08:00 UTC: the morning after the advisory.
pub(crate) const MORNING: Time = Time(1_614_758_400_000_000);

/// A desk for one test.
pub(crate) struct Bench {
    pub(crate) desk: Desk,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: TempDir,
    pub(crate) options: Options,
    /// What makes the test's own database go away.
    _schema: Option<Schema>,
}

/// Runs a test on SQLite, and on PostgreSQL when `VIGIE_TEST_POSTGRES` names one.
pub(crate) fn on_each_database(test: impl Fn(&Bench)) {
    test(&Bench::sqlite());
    match Schema::create() {
        Some(schema) => test(&Bench::open(Some(schema))),
        None => skipped("VIGIE_TEST_POSTGRES names no PostgreSQL"),
    }
}

impl Bench {
    pub(crate) fn sqlite() -> Bench {
        Bench::open(None)
    }

    /// Options of a desk in a folder that was never opened.
    pub(crate) fn options_in(folder: &std::path::Path) -> Options {
        Options {
            data: folder.join("data"),
            database: None,
            clock: Arc::new(ManualClock::at(MORNING)),
            entropy: Arc::new(Seeded::new(1)),
        }
    }

    fn open(schema: Option<Schema>) -> Bench {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(MORNING));
        let options = Options {
            data: folder.path().join("data"),
            database: schema.as_ref().map(|schema| schema.url.clone()),
            clock: clock.clone(),
            entropy: Arc::new(Seeded::new(1)),
        };
        Bench {
            desk: Desk::open(&options).unwrap(),
            clock,
            folder,
            options,
            _schema: schema,
        }
    }

    /// The same desk, as another process would open it.
    pub(crate) fn again(&self) -> Desk {
        Desk::open(&self.options).unwrap()
    }

    pub(crate) fn tenant(&self, name: &str) -> TenantId {
        tenants::create(&self.desk, &director(), &tenants::TenantFields::named(name))
            .unwrap()
            .id
    }
}

pub(crate) fn somebody(name: &str, role: Role, tenants: TenantSet) -> Access {
    let actor = Actor {
        kind: ActorKind::User,
        id: name.into(),
        name: name.into(),
    };
    Access::new(actor, role, tenants)
}

pub(crate) fn director() -> Access {
    somebody("camille", Role::Director, TenantSet::All)
}

pub(crate) fn admin() -> Access {
    somebody("alex", Role::Administrator, TenantSet::All)
}

pub(crate) fn analyst() -> Access {
    somebody("sam", Role::SocAnalyst, TenantSet::All)
}

/// Those who must not get at anything of a tenant: every role, for another tenant and for none.
pub(crate) fn strangers(other: &TenantId) -> Vec<Access> {
    let sets = [
        TenantSet::Only(BTreeSet::from([other.clone()])),
        TenantSet::Only(BTreeSet::new()),
    ];
    sets.iter()
        .flat_map(|set| {
            Role::ALL
                .iter()
                .map(move |role| somebody("stranger", *role, set.clone()))
        })
        .collect()
}

/// What a stranger must be told: that it does not exist.
#[track_caller]
pub(crate) fn assert_hidden<T: std::fmt::Debug>(result: Result<T, Error>) {
    match result {
        Err(Error::NotFound { .. }) => {}
        other => panic!("expected that there is no such thing, got {other:?}"),
    }
}

/// A schema of its own in the test's PostgreSQL.
pub(crate) struct Schema {
    base: String,
    name: String,
    url: String,
}

impl Schema {
    fn create() -> Option<Schema> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let base = std::env::var("VIGIE_TEST_POSTGRES").ok()?;
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let mut client = postgres::Client::connect(&base, postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        let joint = if base.contains('?') { '&' } else { '?' };
        let url = format!("{base}{joint}application_name={name}&options=-csearch_path%3D{name}");
        Some(Schema { base, name, url })
    }
}

impl Schema {
    /// Cuts all connections of a desk, as a server does that is restarted.
    pub(crate) fn cut_connections(url: &str) {
        let name = url.rsplit("%3D").next().unwrap();
        let mut client =
            postgres::Client::connect(&std::env::var("VIGIE_TEST_POSTGRES").unwrap(), postgres::NoTls)
                .unwrap();
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
        assert!(!client.query(sql, &[&name]).unwrap().is_empty());
    }

    /// Makes the schema of an address empty.
    pub(crate) fn empty(url: &str) {
        let name = url.rsplit("%3D").next().unwrap();
        let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
        client
            .batch_execute(&format!("DROP SCHEMA {name} CASCADE"))
            .unwrap();
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Ok(mut client) = postgres::Client::connect(&self.base, postgres::NoTls) {
            let _ = client.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name));
        }
    }
}
