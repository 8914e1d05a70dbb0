//! The tables, and how they came to be. Forward only: a mistake is mended by the next migration.

use sha2::{Digest, Sha256};

use super::{Connection, Database, Kind, params};
use crate::ids::hex;
use crate::{Error, Result, Time};

/// All migrations in order; the first is version 1.
pub(crate) const MIGRATIONS: &[Migration] = &[
    ("foundation", include_str!("../../migrations/0001_foundation.sql")),
    ("accounts", include_str!("../../migrations/0002_accounts.sql")),
    (
        "observations",
        include_str!("../../migrations/0003_observations.sql"),
    ),
    ("jobs", include_str!("../../migrations/0004_jobs.sql")),
    ("evidence", include_str!("../../migrations/0005_evidence.sql")),
    ("findings", include_str!("../../migrations/0006_findings.sql")),
    ("cases", include_str!("../../migrations/0007_cases.sql")),
    ("views", include_str!("../../migrations/0008_views.sql")),
    ("rejudging", include_str!("../../migrations/0009_rejudging.sql")),
    ("leases", include_str!("../../migrations/0010_leases.sql")),
    ("search", include_str!("../../migrations/0011_search.sql")),
    ("answers", include_str!("../../migrations/0012_answers.sql")),
];

/// The version this program's tables have.
pub(crate) fn known() -> i64 {
    MIGRATIONS.len() as i64
}

/// The version of the database; 0 when it is empty.
pub(crate) fn version(database: &Database) -> Result<i64> {
    database.write(|connection| {
        connection.batch(
            "CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, name TEXT NOT NULL, \
             sha256 TEXT NOT NULL, applied_at BIGINT NOT NULL)",
        )?;
        let mut version = 0;
        for row in connection.query("SELECT version, name, sha256 FROM migration ORDER BY version", &[])? {
            let mut row = row.reader();
            let (found, name, digest): (i64, String, String) = (row.get()?, row.get()?, row.get()?);
            let Some((known_name, text)) = MIGRATIONS.get(found as usize - 1) else {
                return Err(Error::TooNew {
                    found,
                    known: known(),
                });
            };
            if digest != digest_of(text) || name != *known_name {
                return Err(Error::Damaged {
                    what: "the database".into(),
                    why: format!("migration {found} ({name}) is not the one this program knows; use the program that wrote it"),
                });
            }
            version = found;
        }
        Ok(version)
    })
}

/// A name and its SQL.
pub(crate) type Migration = (&'static str, &'static str);

/// Brings the tables to this program's version. Each migration is kept whole or not at all.
pub(crate) fn migrate(database: &Database, now: Time) -> Result<()> {
    apply(database, now, MIGRATIONS)
}

pub(crate) fn apply(database: &Database, now: Time, migrations: &[Migration]) -> Result<()> {
    for (version, (name, text)) in (1_i64..).zip(migrations).skip(version(database)? as usize) {
        database.write(|connection| {
            // Another process may have been faster.
            lock(connection, database.kind())?;
            let done = connection.query(
                "SELECT version FROM migration WHERE version = $1",
                params![version],
            )?;
            if !done.is_empty() {
                return Ok(());
            }
            connection.batch(&dialect(text, database.kind()))?;
            connection.execute(
                "INSERT INTO migration (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)",
                params![version, *name, digest_of(text), now],
            )?;
            Ok(())
        })?;
    }
    Ok(())
}

fn lock(connection: &mut dyn Connection, kind: Kind) -> Result<()> {
    if kind == Kind::Postgres {
        connection.batch("LOCK TABLE migration IN EXCLUSIVE MODE")?;
    }
    Ok(())
}

fn digest_of(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// The migration as this database wants it.
fn dialect(text: &str, kind: Kind) -> String {
    let mut sql = String::new();
    for line in text.lines() {
        match line.strip_prefix("-- append-only: ") {
            Some(table) => sql.push_str(&append_only(table.trim(), kind)),
            None if line == "-- function: fold" => sql.push_str(fold(kind)),
            None if kind == Kind::Postgres => sql.push_str(&line.replace(" BLOB", " BYTEA")),
            None => sql.push_str(line),
        }
        sql.push('\n');
    }
    sql
}

/// `fold(text)`: lower case in every script, for searches. SQLite gets it with each connection.
fn fold(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "",
        // Without ICU the database's own rules must do.
        Kind::Postgres => {
            "DO $do$ BEGIN \
             CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE AS \
             $fold$ SELECT lower($1 COLLATE \"und-x-icu\") $fold$; \
             EXCEPTION WHEN undefined_object THEN \
             CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE AS \
             $fold$ SELECT lower($1 COLLATE \"default\") $fold$; \
             END $do$;"
        }
    }
}

/// Triggers that refuse to change or delete what a table holds.
fn append_only(table: &str, kind: Kind) -> String {
    let why = format!("rows of {table} are never changed or deleted");
    match kind {
        Kind::Sqlite => ["UPDATE", "DELETE"]
            .map(|act| {
                format!(
                    "CREATE TRIGGER {table}_no_{} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, '{why}'); END;\n",
                    act.to_lowercase()
                )
            })
            .concat(),
        Kind::Postgres => format!(
            "CREATE FUNCTION {table}_refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION '{why}'; END $$ LANGUAGE plpgsql;\n\
             CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_refuse();\n\
             CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse();\n"
        ),
    }
}
