//! SQLite: a file in the data folder.

use std::path::Path;
use std::time::Duration;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags};

use super::{Connection, DbError, Row, Value};

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(15);
/// Statements kept prepared.
const PREPARED: usize = 256;
/// Bytes of the file that readers map into memory. The writer maps nothing: each page it touches would bring in the
/// fifteen around it, and they would stay, 60 MB after one round of maintenance on a large desk.
const MAPPED: u64 = 1 << 30;

/// A connection to a file.
pub(super) struct Sqlite(rusqlite::Connection);

impl Sqlite {
    pub(super) fn open(path: &Path, writes: bool) -> Result<Sqlite, DbError> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if writes {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // FULL: what was acknowledged survives a power cut, also in WAL.
        let mapped = if writes { 0 } else { MAPPED };
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; \
             PRAGMA mmap_size = {mapped};",
        ))?;
        // SQLite's own LOWER knows ASCII only.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("fold", 1, flags, |context| {
            let text: Option<String> = context.get(0)?;
            Ok(text.map(|text| text.to_lowercase()))
        })?;
        if !writes {
            connection.execute_batch("PRAGMA query_only = ON;")?;
        }
        Ok(Sqlite(connection))
    }
}

impl Connection for Sqlite {
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        let mut statement = self.0.prepare_cached(&numbered(sql))?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(columns);
            for index in 0..columns {
                values.push(match row.get_ref(index)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Int(number),
                    ValueRef::Real(number) => Value::Real(number),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                });
            }
            all.push(Row(values));
        }
        Ok(all)
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        let mut statement = self.0.prepare_cached(&numbered(sql))?;
        let changed = statement.execute(rusqlite::params_from_iter(params))?;
        Ok(changed as u64)
    }

    fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        Ok(self.0.execute_batch(sql)?)
    }

    fn is_broken(&mut self) -> bool {
        false
    }
}

/// SQLite's `$1` is a name; its numbers are `?1`. No text in our SQL holds a dollar.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> DbError {
        let text = error.to_string();
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return DbError::Other(text);
        };
        match failure.code {
            ErrorCode::ConstraintViolation
                if matches!(
                    failure.extended_code,
                    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                ) =>
            {
                DbError::Unique(text)
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => DbError::Contended(text),
            ErrorCode::DiskFull => DbError::Full(text),
            ErrorCode::CannotOpen => DbError::Lost(text),
            _ => DbError::Other(text),
        }
    }
}
