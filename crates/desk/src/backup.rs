//! Backups, and desks made of them.
//!
//! A backup is a folder: the database as it was at one moment, every blob of evidence, packs, and `backup.json` with the
//! hash of each file. Evidence stays sealed in it. The master key is part of it only when asked for: with the key a backup
//! is worth as much as the desk itself, without it somebody must have kept the key elsewhere.
//!
//! SQLite is copied by `VACUUM INTO`, PostgreSQL by its own `pg_dump` and `pg_restore`, which must be installed.

mod restore;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::audit::{self, Act};
use crate::db::{Database, Kind, migrate, params};
use crate::desk::make_private_folder;
use crate::evidence;
use crate::ids::hex;
use crate::secrets::{self, sync_folder};
use crate::{Access, Desk, Error, Result, Time, Verb};

pub use restore::restore;

/// The name of the list of files.
const LIST: &str = "backup.json";
/// The version of the list's format.
const VERSION: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The version of this list.
    pub version: u32,
    /// When it was made.
    pub created_at: Time,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// The version of the tables.
    pub tables: i64,
    /// Whether the master key is part of it.
    pub has_key: bool,
    /// All files but this list.
    pub files: Vec<Saved>,
    /// Blobs that were deleted while the backup was made, at the end of their retention.
    pub deleted_meanwhile: Vec<String>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Its path in the backup.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// What opening a desk did to tables of an older version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The version they had.
    pub from: i64,
    /// The version they have.
    pub to: i64,
    /// The copy that was made before; `None` when `pg_dump` is not installed: then it is the operator's to make.
    pub backup: Option<PathBuf>,
}

fn sqlite_copy(database: &Database, to: &Path) -> Result<()> {
    let path = to
        .to_str()
        .ok_or_else(|| Error::invalid("backup", "its path is no UTF-8"))?;
    database.alone(&format!("VACUUM INTO '{}'", path.replace('\'', "''")))?;
    let file = File::open(to).map_err(Error::io(to))?;
    file.sync_all().map_err(Error::io(to))
}

/// An address without its password, which everybody on the machine could read in the list of processes; and the password.
fn without_password(url: &str) -> (String, Option<String>) {
    let password = url.parse::<postgres::Config>().ok().and_then(|config| {
        let password = config.get_password()?.to_vec();
        String::from_utf8(password).ok()
    });
    let Some((scheme, rest)) = url.split_once("://") else {
        return (url.to_owned(), password);
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, query)) => {
            let kept: Vec<&str> = query
                .split('&')
                .filter(|part| !part.starts_with("password="))
                .collect();
            format!("{path}?{}", kept.join("&"))
        }
        None => path.to_owned(),
    };
    (format!("{scheme}://{authority}{path}"), password)
}

/// Runs a program of PostgreSQL; `None` when it is not installed.
fn postgres_tool(program: &str, arguments: &[&str], password: Option<&str>) -> Result<Option<()>> {
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(program)(error)),
    };
    match output.status.success() {
        true => Ok(Some(())),
        false => {
            let said: String = String::from_utf8_lossy(&output.stderr)
                .chars()
                .take(2_000)
                .collect();
            Err(Error::state(format!("{program} failed: {}", said.trim())))
        }
    }
}

fn dump(database: &Database, to: &Path) -> Result<Option<()>> {
    let (url, password) = without_password(database.url().unwrap_or_default());
    let to = to
        .to_str()
        .ok_or_else(|| Error::invalid("backup", "its path is no UTF-8"))?;
    let file = format!("--file={to}");
    let schema = schema_of(&url).map(|schema| format!("--schema={schema}"));
    let mut arguments = vec!["--format=custom", "--no-owner", file.as_str()];
    arguments.extend(schema.as_deref());
    arguments.push(&url);
    postgres_tool("pg_dump", &arguments, password.as_deref())
}

/// The one schema an address is confined to, when it is.
fn schema_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("search_path%3D")?;
    Some(
        rest.chars()
            .take_while(|one| one.is_ascii_alphanumeric() || *one == '_')
            .collect(),
    )
}

/// Copies the database before its tables are changed.
pub(crate) fn before_migration(data: &Path, database: &Database, from: i64, now: Time) -> Result<Migrated> {
    let folder = data.join("backups");
    make_private_folder(&folder)?;
    let stamp: String = now
        .to_string()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let base = folder.join(format!("before-version-{}-{stamp}", migrate::known()));
    let backup = match database.kind() {
        Kind::Sqlite => {
            let to = base.with_extension("sqlite");
            // A copy that was made before an attempt that failed is as good.
            if !to.exists() {
                sqlite_copy(database, &to)?;
            }
            Some(to)
        }
        Kind::Postgres => {
            let to = base.with_extension("pgdump");
            dump(database, &to)?.map(|()| to)
        }
    };
    Ok(Migrated {
        from,
        to: migrate::known(),
        backup,
    })
}

/// Makes a backup in a new folder `to`. The desk goes on working meanwhile.
///
/// # Errors
/// When `to` exists, the disk is full, or `pg_dump` is missing. Then nothing is left at `to`.
pub fn create(desk: &Desk, access: &Access, to: &Path, with_key: bool) -> Result<Backup> {
    access.require_everywhere(Verb::Administer)?;
    // Without a slash at its end, behind which a name would be another.
    let to = &to.components().collect::<PathBuf>();
    if to.exists() {
        return Err(Error::state(format!(
            "{} exists: name a new folder",
            to.display()
        )));
    }
    let draft = beside(to)?;
    make_private_folder(&draft)?;
    let made = fill(desk, &draft, with_key);
    let made = made.and_then(|backup| {
        std::fs::rename(&draft, to).map_err(Error::io(to))?;
        sync_folder(to)?;
        Ok(backup)
    });
    let backup = match made {
        Ok(backup) => backup,
        Err(error) => {
            let _ = std::fs::remove_dir_all(&draft);
            return Err(error);
        }
    };
    let act = Act {
        tenant: None,
        action: "backup.create",
        subject: ("backup", LIST),
        campaign: None,
        text: "",
        details: json!({"files": backup.files.len(), "has_key": with_key}),
    };
    desk.write(|tx| audit::record(tx, access, &act))?;
    Ok(backup)
}

fn fill(desk: &Desk, draft: &Path, with_key: bool) -> Result<Backup> {
    let database = desk.database();
    let mut files = Vec::new();
    // The database first: every blob it names is there by then, and none comes in with less than its bytes.
    let blobs: Vec<String> = match database.kind() {
        Kind::Sqlite => {
            let copy = draft.join("desk.sqlite");
            sqlite_copy(database, &copy)?;
            blobs_of_copy(&copy)?
        }
        Kind::Postgres => {
            // Blobs that come in between are copied too many, which is harmless.
            let missing =
                || Error::state("pg_dump is not installed: install the client programs of PostgreSQL");
            dump(database, &draft.join("desk.pgdump"))?.ok_or_else(missing)?;
            desk.read(|tx| {
                let rows = tx.query("SELECT id FROM blob WHERE deleted_at IS NULL", &[])?;
                rows.into_iter().map(|row| row.reader().get()).collect()
            })?
        }
    };
    let mut deleted_meanwhile = Vec::new();
    for blob in blobs {
        let from = evidence::blob_path(desk, &blob);
        let relative = relative_to(&from, desk.data());
        match copy(&from, &draft.join(&relative)) {
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                let gone = desk.read(|tx| {
                    tx.one(
                        "SELECT 1 FROM blob WHERE id = $1 AND deleted_at IS NOT NULL",
                        params![blob.as_str()],
                    )
                })?;
                if gone.is_none() {
                    return Err(Error::Damaged {
                        what: format!("blob {blob}"),
                        why: "its file is gone; verify the evidence before backing up".into(),
                    });
                }
                deleted_meanwhile.push(blob);
            }
            other => other?,
        }
    }
    copy_folder(&desk.data().join("packs"), &draft.join("packs"))?;
    if with_key {
        copy(&desk.data().join(secrets::FILE), &draft.join(secrets::FILE))?;
    }
    list_files(draft, draft, &mut files)?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let backup = Backup {
        version: VERSION,
        created_at: desk.now(),
        database: desk.database_kind().into(),
        tables: migrate::known(),
        has_key: with_key,
        files,
        deleted_meanwhile,
    };
    let list = draft.join(LIST);
    let mut file = File::create(&list).map_err(Error::io(&list))?;
    let text = serde_json::to_vec_pretty(&backup).map_err(|error| Error::Database(error.to_string()))?;
    file.write_all(&text).map_err(Error::io(&list))?;
    file.sync_all().map_err(Error::io(&list))?;
    Ok(backup)
}

/// The blobs that a copy of the database names.
fn blobs_of_copy(copy: &Path) -> Result<Vec<String>> {
    let database = Database::sqlite(copy.to_owned());
    let blobs = database.read(|connection| {
        let rows = connection.query("SELECT id FROM blob WHERE deleted_at IS NULL", &[])?;
        rows.into_iter().map(|row| row.reader().get()).collect()
    })?;
    drop(database);
    // Reading made a log beside it, which says nothing the copy does not.
    for extension in ["sqlite-wal", "sqlite-shm"] {
        let _ = std::fs::remove_file(copy.with_extension(extension));
    }
    Ok(blobs)
}

fn relative_to(path: &Path, folder: &Path) -> PathBuf {
    path.strip_prefix(folder).unwrap_or(path).to_owned()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        make_private_folder(folder)?;
    }
    std::fs::copy(from, to).map_err(Error::io(from))?;
    let file = File::open(to).map_err(Error::io(to))?;
    file.sync_all().map_err(Error::io(to))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(from).map_err(Error::io(from))? {
        let entry = entry.map_err(Error::io(from))?;
        let kind = entry.file_type().map_err(Error::io(from))?;
        let target = to.join(entry.file_name());
        // Links are left out: a backup holds what is here.
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn list_files(folder: &Path, root: &Path, files: &mut Vec<Saved>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if path.is_dir() {
            list_files(&path, root, files)?;
            continue;
        }
        let (size, sha256) = hash_file(&path)?;
        let relative = relative_to(&path, root);
        let parts: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
        files.push(Saved {
            path: parts.join("/"),
            size,
            sha256,
        });
    }
    Ok(())
}

fn hash_file(path: &Path) -> Result<(u64, String)> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        match file.read(&mut buffer).map_err(Error::io(path))? {
            0 => return Ok((size, hex(&hash.finalize()))),
            read => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
}

/// Whether a backup is whole.
///
/// # Errors
/// With the first file that is missing or is not what was saved.
pub fn verify(from: &Path) -> Result<Backup> {
    let list = from.join(LIST);
    let text = std::fs::read(&list).map_err(Error::io(&list))?;
    let damaged = |why: String| Error::Damaged {
        what: format!("the backup {}", from.display()),
        why,
    };
    let backup: Backup =
        serde_json::from_slice(&text).map_err(|error| damaged(format!("{LIST}: {error}")))?;
    if backup.version != VERSION {
        return Err(damaged(format!(
            "its format is version {}, this program knows {VERSION}",
            backup.version
        )));
    }
    for file in &backup.files {
        let is_inside = Path::new(&file.path)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if !is_inside {
            return Err(damaged(format!("{:?} is no path inside it", file.path)));
        }
        let (size, sha256) = hash_file(&from.join(&file.path))?;
        if (size, &sha256) != (file.size, &file.sha256) {
            return Err(damaged(format!("{} is not what was saved", file.path)));
        }
    }
    Ok(backup)
}

/// The folder in which something is made before it stands under its name.
fn beside(path: &Path) -> Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let draft = PathBuf::from(name);
    match draft.exists() {
        true => Err(Error::state(format!(
            "{} exists: another one is being made there, or one was cut off; then remove it",
            draft.display()
        ))),
        false => Ok(draft),
    }
}

#[cfg(test)]
mod tests;
