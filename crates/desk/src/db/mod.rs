//! One way to talk to two databases: SQLite and PostgreSQL.
//!
//! SQL is written once, with placeholders `$1`. Rows come back as [`Value`]s and are read from left to right by
//! [`Reader`]. See the crate's documentation for what the SQL may hold.

pub(crate) mod migrate;
mod pool;
mod postgres;
mod sql;
mod sqlite;
mod value;

pub(crate) use pool::{Database, Kind};
pub(crate) use sql::anywhere;
pub(crate) use sql::{Order, Sql};
pub(crate) use value::params;
pub(crate) use value::{FromValue, Mismatch, Reader, Row, Value};

use crate::{Error, Result};

/// A connection in a transaction.
pub(crate) trait Connection: Send {
    /// The rows that a query gives.
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError>;
    /// How many rows a statement changed.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError>;
    /// Runs several statements without parameters.
    fn batch(&mut self, sql: &str) -> Result<(), DbError>;
    /// Whether it is of no use any more.
    fn is_broken(&mut self) -> bool;
}

/// What a database says went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DbError {
    /// Two rows would have the same key.
    #[error("not unique: {0}")]
    Unique(String),
    /// Two transactions stand in each other's way: repeat.
    #[error("{0}")]
    Contended(String),
    /// The connection is gone, or never came to be.
    #[error("{0}")]
    Lost(String),
    /// No space is left.
    #[error("{0}")]
    Full(String),
    /// Everything else.
    #[error("{0}")]
    Other(String),
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Error {
        match error {
            DbError::Contended(why) | DbError::Lost(why) => Error::Unavailable(why),
            DbError::Full(why) => Error::DiskFull(why),
            DbError::Unique(why) | DbError::Other(why) => Error::Database(why),
        }
    }
}
