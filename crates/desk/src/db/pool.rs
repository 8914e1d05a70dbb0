//! Connections, kept and shared.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::{Connection, DbError};
use crate::{Error, Result};

/// Connections kept for reading, and for writing to PostgreSQL.
const MOST: usize = 8;
/// How long to wait for a free connection.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a transaction that others stood in the way of is repeated.
const ATTEMPTS: u32 = 6;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A database with its connections.
pub(crate) struct Database {
    address: Address,
    readers: Pool,
    /// SQLite has one writer; PostgreSQL writes through its readers.
    writer: Option<Pool>,
}

#[derive(Debug, Clone)]
enum Address {
    Sqlite(PathBuf),
    Postgres(String),
}

struct Pool {
    idle: Mutex<Idle>,
    freed: Condvar,
    most: usize,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Box<dyn Connection>>,
    out: usize,
}

impl Pool {
    fn new(most: usize) -> Pool {
        Pool {
            idle: Mutex::default(),
            freed: Condvar::new(),
            most,
        }
    }
}

/// A connection that goes back when it is dropped.
struct Lent<'a> {
    pool: &'a Pool,
    connection: Option<Box<dyn Connection>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.out -= 1;
        idle.connections.extend(self.connection.take());
        self.pool.freed.notify_one();
    }
}

impl Lent<'_> {
    /// The connection. It goes back only when it is put back, which is when its transaction has ended: one that somebody
    /// panicked in is dropped, and so is what was done in it.
    fn take(&mut self) -> Result<Box<dyn Connection>, DbError> {
        self.connection
            .take()
            .ok_or_else(|| DbError::Lost("the connection was given up".into()))
    }
}

impl Database {
    pub(crate) fn sqlite(path: PathBuf) -> Database {
        Database {
            address: Address::Sqlite(path),
            readers: Pool::new(MOST),
            writer: Some(Pool::new(1)),
        }
    }

    pub(crate) fn postgres(url: &str) -> Database {
        Database {
            address: Address::Postgres(url.to_owned()),
            readers: Pool::new(MOST),
            writer: None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.address {
            Address::Sqlite(_) => Kind::Sqlite,
            Address::Postgres(_) => Kind::Postgres,
        }
    }

    /// The address for programs that need it (`pg_dump`).
    pub(crate) fn url(&self) -> Option<&str> {
        match &self.address {
            Address::Sqlite(_) => None,
            Address::Postgres(url) => Some(url),
        }
    }

    fn open(&self, writes: bool) -> Result<Box<dyn Connection>, DbError> {
        Ok(match &self.address {
            Address::Sqlite(path) => Box::new(Sqlite::open(path, writes)?),
            Address::Postgres(url) => Box::new(Postgres::open(url)?),
        })
    }

    fn lend<'a>(&self, pool: &'a Pool, writes: bool) -> Result<Lent<'a>, DbError> {
        let until = Instant::now() + PATIENCE;
        let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while idle.out >= pool.most {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(DbError::Contended("all connections are in use".into()));
            }
            (idle, _) = pool
                .freed
                .wait_timeout(idle, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        idle.out += 1;
        let kept = idle.connections.pop();
        drop(idle);
        let mut lent = Lent {
            pool,
            connection: kept,
        };
        if lent
            .connection
            .as_mut()
            .is_some_and(|connection| connection.is_broken())
        {
            lent.connection = None;
        }
        if lent.connection.is_none() {
            lent.connection = Some(self.open(writes)?);
        }
        Ok(lent)
    }

    /// Runs `work` on one snapshot of the data.
    pub(crate) fn read<T>(&self, work: impl FnMut(&mut dyn Connection) -> Result<T>) -> Result<T> {
        let begin = match self.kind() {
            Kind::Sqlite => "BEGIN DEFERRED",
            Kind::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.transaction(&self.readers, false, begin, work)
    }

    /// Runs `work` in one transaction: all of it is kept, or nothing. May run it more than once, when others stood in its
    /// way.
    pub(crate) fn write<T>(&self, work: impl FnMut(&mut dyn Connection) -> Result<T>) -> Result<T> {
        let begin = match self.kind() {
            Kind::Sqlite => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        self.transaction(self.writer.as_ref().unwrap_or(&self.readers), true, begin, work)
    }

    fn transaction<T>(
        &self,
        pool: &Pool,
        writes: bool,
        begin: &str,
        mut work: impl FnMut(&mut dyn Connection) -> Result<T>,
    ) -> Result<T> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failed = match self.attempt(pool, writes, begin, &mut work) {
                Ok(done) => return Ok(done),
                Err(Error::Unavailable(why)) => why,
                Err(other) => return Err(other),
            };
            if attempt >= ATTEMPTS {
                return Err(Error::Unavailable(failed));
            }
            std::thread::sleep(Duration::from_millis(5 << attempt));
        }
    }

    fn attempt<T>(
        &self,
        pool: &Pool,
        writes: bool,
        begin: &str,
        work: &mut impl FnMut(&mut dyn Connection) -> Result<T>,
    ) -> Result<T> {
        let mut lent = self.lend(pool, writes)?;
        let mut connection = lent.take()?;
        if let Err(error) = connection.batch(begin) {
            lent.connection = Some(connection);
            return Err(error.into());
        }
        match work(connection.as_mut()) {
            Ok(done) => match connection.batch("COMMIT") {
                Ok(()) => {
                    lent.connection = Some(connection);
                    Ok(done)
                }
                // After a failed commit nobody knows in which state the connection is.
                Err(DbError::Lost(_)) if writes => Err(Error::Uncertain),
                Err(error) => Err(error.into()),
            },
            Err(error) => {
                if connection.batch("ROLLBACK").is_ok() {
                    lent.connection = Some(connection);
                }
                Err(error)
            }
        }
    }

    /// Runs statements outside of any transaction: `VACUUM INTO`.
    pub(crate) fn alone(&self, sql: &str) -> Result<()> {
        let mut connection = self.open(true)?;
        Ok(connection.batch(sql)?)
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address of a server may hold a password.
        write!(f, "Database({:?})", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use crate::tenants::{self, TenantFields};
    use crate::testing::{director, on_each_database};

    #[test]
    fn a_panic_in_a_transaction_keeps_nothing_of_it_and_breaks_nothing() {
        on_each_database(|bench| {
            let desk = &bench.desk;
            for number in 0..20 {
                let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    desk.write(|tx| -> crate::Result<()> {
                        tenants::insert(tx, &director(), &TenantFields::named(&format!("half {number}")))?;
                        panic!("in the middle");
                    })
                }));
                assert!(panicked.is_err());
            }
            tenants::create(desk, &director(), &TenantFields::named("whole")).unwrap();
            assert_eq!(tenants::count(desk, &director(), &Default::default()).unwrap(), 1);
        });
    }
}
