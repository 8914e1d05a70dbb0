//! The desk: a database, a data folder, a clock and a source of randomness.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::backup::{self, Migrated};
use crate::db::{Connection, Database, DbError, Row, Sql, Value, migrate};
use crate::idempotency::Running;
use crate::secrets::{self, MasterKey};
use crate::uploads::Hashes;
use crate::world::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::{Error, Result, Time};

/// The database in the data folder.
const SQLITE_FILE: &str = "desk.sqlite";

/// Where a desk is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder: keys and evidence, and the database unless `database` says otherwise. Made when it is missing.
    pub data: PathBuf,
    /// `postgres://..`; `None` for a file in the data folder.
    pub database: Option<String>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Options {
    /// A desk in one folder, with the machine's time and randomness.
    pub fn in_folder(data: impl Into<PathBuf>) -> Options {
        Options {
            data: data.into(),
            database: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy::default()),
        }
    }

    fn database(&self) -> Result<Database> {
        match &self.database {
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Database::postgres(url))
            }
            Some(_) => Err(Error::invalid("database", "it does not begin with postgres://")),
            None => Ok(Database::sqlite(self.data.join(SQLITE_FILE))),
        }
    }
}

/// A desk. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Desk {
    inner: Arc<Inner>,
    /// The request that it is asked for, when that one has a key of its own.
    request: Option<Running>,
}

#[derive(Debug)]
struct Inner {
    data: PathBuf,
    database: Database,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    master: MasterKey,
    hashes: Hashes,
    migrated: Option<Migrated>,
}

impl Desk {
    /// Opens a desk, and brings its tables to this program's version.
    ///
    /// # Errors
    /// When the folder or the database cannot be reached, or was written by a newer program.
    pub fn open(options: &Options) -> Result<Desk> {
        make_private_folder(&options.data)?;
        let database = options.database()?;
        let before = migrate::version(&database)?;
        let migrated = match before {
            // An empty database has nothing to lose.
            0 => None,
            before if before == migrate::known() => None,
            before => Some(backup::before_migration(
                &options.data,
                &database,
                before,
                options.clock.now(),
            )?),
        };
        migrate::migrate(&database, options.clock.now())?;
        Desk::of(options, database, migrated)
    }

    /// Opens a desk as it is, beside a server that may be at work in it: makes none, and changes no tables.
    ///
    /// # Errors
    /// When there is none, or its tables are of another version.
    pub fn open_beside(options: &Options) -> Result<Desk> {
        let none = || {
            Error::state(format!(
                "there is no desk in {}: name the data folder of one",
                options.data.display()
            ))
        };
        let is_there = options.data.join(match options.database {
            Some(_) => secrets::FILE,
            None => SQLITE_FILE,
        });
        if !is_there.is_file() {
            return Err(none());
        }
        let database = options.database()?;
        match (migrate::version(&database)?, migrate::known()) {
            (version, known) if version == known => Desk::of(options, database, None),
            (0, _) => Err(none()),
            (version, known) => Err(Error::state(format!(
                "the tables are at version {version}, those of this program at {known}: use the program that serves this \
                 desk, or serve it once with this one"
            ))),
        }
    }

    fn of(options: &Options, database: Database, migrated: Option<Migrated>) -> Result<Desk> {
        let master = MasterKey::of_desk(&options.data, &database, options.entropy.as_ref())?;
        let inner = Inner {
            master,
            hashes: Hashes::default(),
            migrated,
            data: options.data.clone(),
            database,
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
        };
        Ok(Desk {
            inner: Arc::new(inner),
            request: None,
        })
    }

    /// The same desk, asked for a request that was begun ([`crate::idempotency::begin`]): whatever it changes, it is written
    /// down with it that the request changed something.
    pub fn asked_by(&self, request: &Running) -> Desk {
        Desk {
            inner: Arc::clone(&self.inner),
            request: Some(request.clone()),
        }
    }

    /// What opening it did to its tables, when they were an older version's.
    pub fn migrated(&self) -> Option<&Migrated> {
        self.inner.migrated.as_ref()
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Now, as the desk sees it.
    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.inner.data
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn ping(&self) -> Result<()> {
        self.read(|tx| tx.query("SELECT 1", &[]).map(|_| ()))
    }

    /// `sqlite` or `postgres`.
    pub fn database_kind(&self) -> &'static str {
        match self.inner.database.kind() {
            crate::db::Kind::Sqlite => "sqlite",
            crate::db::Kind::Postgres => "postgres",
        }
    }

    /// What secrets in the database are sealed with.
    pub(crate) fn master(&self) -> &MasterKey {
        &self.inner.master
    }

    /// The hashes of uploads on their way.
    pub(crate) fn hashes(&self) -> &Hashes {
        &self.inner.hashes
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.inner.entropy.as_ref()
    }

    /// What follows a query whose rows others may be taking too: PostgreSQL passes over those, SQLite has one writer.
    pub(crate) fn skip_locked(&self) -> &'static str {
        match self.inner.database.kind() {
            crate::db::Kind::Sqlite => "",
            crate::db::Kind::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Reads from one snapshot of the data.
    pub(crate) fn read<T>(&self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.inner
            .database
            .read(|connection| work(&mut self.tx(connection)))
    }

    /// Changes data: all of `work` is kept, or nothing. May run it more than once.
    pub(crate) fn write<T>(&self, mut work: impl FnMut(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.inner.database.write(|connection| {
            let mut tx = self.tx(connection);
            let done = work(&mut tx)?;
            if let Some(request) = &self.request {
                request.acted(&mut tx)?;
            }
            Ok(done)
        })
    }

    fn tx<'a>(&'a self, connection: &'a mut dyn Connection) -> Tx<'a> {
        Tx {
            now: self.now(),
            entropy: self.inner.entropy.as_ref(),
            connection,
        }
    }
}

/// Makes a folder that only its owner may look into.
pub(crate) fn make_private_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(Error::io(folder))
}

/// A transaction.
pub struct Tx<'a> {
    /// The moment it began: the one time of everything it writes.
    pub(crate) now: Time,
    pub(crate) entropy: &'a dyn Entropy,
    connection: &'a mut dyn Connection,
}

/// Placeholders of one statement; SQLite and PostgreSQL both take this many.
const MOST_PARAMS: usize = 30_000;

impl Tx<'_> {
    pub(crate) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        Ok(self.connection.query(sql, params)?)
    }

    /// The rows of a query that was put together.
    pub(crate) fn rows(&mut self, sql: &Sql) -> Result<Vec<Row>> {
        Ok(self.connection.query(sql.text(), sql.params())?)
    }

    /// The first row.
    pub(crate) fn one(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.connection.query(sql, params)?.into_iter().next())
    }

    /// The one number a query gives.
    pub(crate) fn count(&mut self, sql: &Sql) -> Result<i64> {
        let row = self.rows(sql)?.into_iter().next();
        row.map_or(Ok(0), |row| row.reader().get())
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        Ok(self.connection.execute(sql, params)?)
    }

    pub(crate) fn execute_sql(&mut self, sql: &Sql) -> Result<u64> {
        Ok(self.connection.execute(sql.text(), sql.params())?)
    }

    /// Inserts a row whose name must be its own.
    pub(crate) fn insert_named(
        &mut self,
        sql: &str,
        params: &[Value],
        what: &'static str,
        name: &str,
    ) -> Result<()> {
        match self.connection.execute(sql, params) {
            Ok(_) => Ok(()),
            Err(DbError::Unique(_)) => Err(Error::Taken {
                what,
                name: name.to_owned(),
            }),
            Err(other) => Err(other.into()),
        }
    }

    /// Inserts rows into `table (columns)`, as few statements as it takes. `tail` follows: `ON CONFLICT ..`.
    pub(crate) fn insert_all(
        &mut self,
        into: &str,
        tail: &str,
        rows: impl IntoIterator<Item = Vec<Value>>,
    ) -> Result<u64> {
        let mut inserted = 0;
        let mut sql = Sql::default();
        let start = |sql: &mut Sql| {
            *sql = Sql::new("INSERT INTO ");
            sql.push(into).push(" VALUES ");
        };
        let mut empty = true;
        for row in rows {
            if !empty && sql.params().len() + row.len() > MOST_PARAMS.min(row.len() * 200) {
                sql.push(" ").push(tail);
                inserted += self.execute_sql(&sql)?;
                empty = true;
            }
            match empty {
                true => start(&mut sql),
                false => {
                    sql.push(", ");
                }
            }
            empty = false;
            for (index, value) in row.into_iter().enumerate() {
                sql.push(if index == 0 { "(" } else { ", " }).bind(value);
            }
            sql.push(")");
        }
        if !empty {
            sql.push(" ").push(tail);
            inserted += self.execute_sql(&sql)?;
        }
        Ok(inserted)
    }
}

/// What follows when a change of one row by its revision changed none: it is not there, or at another revision.
pub(crate) fn expect_changed(changed: u64, current: Option<i64>, what: &'static str) -> Result<()> {
    match (changed, current) {
        (1.., _) => Ok(()),
        (0, Some(current)) => Err(Error::Conflict { current }),
        (0, None) => Err(Error::NotFound { what }),
    }
}
