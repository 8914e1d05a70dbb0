//! Desks made of backups.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Backup, LIST, beside, copy, postgres_tool, verify, without_password};
use crate::audit::{self, Act};
use crate::db::{Database, params};
use crate::desk::make_private_folder;
use crate::secrets::{self, sync_folder};
use crate::{Access, Desk, Error, Options, Result};

/// Where a desk is made in a folder that is there already.
pub(super) const RESTORING: &str = ".restoring";

/// Makes a desk out of a backup: in a data folder that does not exist yet or is empty, and an empty database. All sessions
/// end, uploads that were on their way are given up, jobs that ran are tried again.
///
/// # Errors
/// When the backup is damaged, something is there already, or the key is missing: with `key` it is taken from that file.
pub fn restore(from: &Path, options: &Options, key: Option<&Path>) -> Result<Desk> {
    let backup = verify(from)?;
    let kind = if options.database.is_some() {
        "postgres"
    } else {
        "sqlite"
    };
    if backup.database != kind {
        return Err(Error::state(format!(
            "the backup is of {}, and {kind} was asked for",
            backup.database
        )));
    }
    let is_empty = match std::fs::read_dir(&options.data) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(Error::io(&options.data)(error)),
    };
    if !is_empty {
        return Err(Error::state(format!(
            "{} is not empty: name another folder",
            options.data.display()
        )));
    }
    if !backup.has_key && key.is_none() {
        return Err(Error::state(
            "the backup does not hold the master key: name its file",
        ));
    }
    let data: PathBuf = options.data.components().collect();
    // A folder that is there stays: it may be a volume, which nothing can take the place of.
    let draft = match data.exists() {
        true => data.join(RESTORING),
        false => beside(&data)?,
    };
    let into = Options {
        data: draft.clone(),
        ..options.clone()
    };
    if let Err(error) = fill_desk(&backup, from, &into, key) {
        let _ = std::fs::remove_dir_all(&draft);
        return Err(error);
    }
    // Only what is whole stands where a server looks for it.
    match data.exists() {
        true => move_up(&draft, &data)?,
        false => std::fs::rename(&draft, &data).map_err(Error::io(&data))?,
    }
    sync_folder(&data)?;
    Desk::open(options)
}

/// Moves everything of a folder into the one it lies in: the database last, without which there is no desk.
fn move_up(draft: &Path, data: &Path) -> Result<()> {
    let entries: std::io::Result<Vec<_>> = std::fs::read_dir(draft)
        .map_err(Error::io(draft))?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect();
    let mut names = entries.map_err(Error::io(draft))?;
    names.sort_by_key(|name| name.to_string_lossy().starts_with("desk."));
    for name in names {
        let to = data.join(&name);
        std::fs::rename(draft.join(&name), &to).map_err(Error::io(&to))?;
    }
    sync_folder(draft)?;
    std::fs::remove_dir(draft).map_err(Error::io(draft))
}

/// Puts the files and the database of a backup in their places, and makes a desk of them.
fn fill_desk(backup: &Backup, from: &Path, into: &Options, key: Option<&Path>) -> Result<()> {
    make_private_folder(&into.data)?;
    for file in backup.files.iter().filter(|file| file.path != "desk.pgdump") {
        copy(&from.join(&file.path), &into.data.join(&file.path))?;
    }
    if let Some(key) = key {
        copy(key, &into.data.join(secrets::FILE))?;
    }
    #[cfg(unix)]
    {
        let path = into.data.join(secrets::FILE);
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, private).map_err(Error::io(&path))?;
    }
    if let Some(url) = &into.database {
        restore_postgres(&from.join("desk.pgdump"), url)?;
    }
    settle(&Desk::open(into)?, backup)
}

fn restore_postgres(dump: &Path, url: &str) -> Result<()> {
    let database = Database::postgres(url);
    let tables: i64 = database.read(|connection| {
        let sql = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()";
        let row = connection.query(sql, &[])?.into_iter().next();
        row.map_or(Ok(0), |row| row.reader().get())
    })?;
    if tables > 0 {
        return Err(Error::state("the database is not empty: name an empty one"));
    }
    let dump = dump
        .to_str()
        .ok_or_else(|| Error::invalid("backup", "its path is no UTF-8"))?;
    let (url, password) = without_password(url);
    let target = format!("--dbname={url}");
    let arguments = [
        "--no-owner",
        "--single-transaction",
        "--exit-on-error",
        &target,
        dump,
    ];
    let done = postgres_tool("pg_restore", &arguments, password.as_deref())?;
    done.ok_or_else(|| Error::state("pg_restore is not installed: install the client programs of PostgreSQL"))
}

/// What was going on when the backup was made is not going on here.
fn settle(desk: &Desk, backup: &Backup) -> Result<()> {
    let access = Access::system("restore");
    desk.write(|tx| {
        tx.execute("DELETE FROM session", &[])?;
        tx.execute("DELETE FROM oidc_flow", &[])?;
        tx.execute("UPDATE one_time_link SET used_at = $1 WHERE used_at IS NULL", params![tx.now])?;
        let uploads = tx.execute(
            "UPDATE upload SET state = 'aborted', touched_at = $1 WHERE state = 'open'",
            params![tx.now],
        )?;
        let jobs = tx.execute("UPDATE job SET lease_until = $1 WHERE state = 'running'", params![tx.now])?;
        let act = Act {
            tenant: None,
            action: "backup.restore",
            subject: ("backup", LIST),
            campaign: None,
            text: "",
            details: json!({"created_at": backup.created_at, "uploads_given_up": uploads, "jobs_tried_again": jobs}),
        };
        audit::record(tx, &access, &act).map(|_| ())
    })
}
