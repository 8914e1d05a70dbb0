//! Taking one file: whose it is, its bytes, and where it goes afterwards.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Component, Path};
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};
use vigie_desk::evidence::{self, Evidence, EvidenceFilter};
use vigie_desk::servers::{self, ServerFilter};
use vigie_desk::tenants::{self, TenantFilter};
use vigie_desk::uploads::{self, NewUpload};
use vigie_desk::{Access, Desk, Error, Page, PageRequest, ServerId, TenantId};

use super::folder::{self, Folder};
use super::scan::Seen;
use super::{ACTOR, DONE, REFUSED};

/// Bytes from which on a name is shortened when its file is put away: 255 are the most that file systems take.
const LONG: usize = 200;

/// What became of a file.
pub(super) enum Outcome {
    /// It lies elsewhere now.
    Moved,
    /// It is still there; the desk cannot take it for now.
    Later,
}

/// Why a file was not taken.
enum No {
    /// It never will be as it is.
    Refused(String),
    /// The desk is in no state to.
    NotNow(String),
    /// Somebody is writing to it, or it is gone.
    InMotion,
    /// The server is being stopped.
    Stopping,
}

impl From<Error> for No {
    fn from(error: Error) -> No {
        match error {
            Error::Invalid { .. } | Error::NotFound { .. } => No::Refused(error.to_string()),
            other => No::NotNow(other.to_string()),
        }
    }
}

impl From<io::Error> for No {
    fn from(error: io::Error) -> No {
        match error.kind() {
            io::ErrorKind::NotFound => No::InMotion,
            _ => No::NotNow(error.to_string()),
        }
    }
}

/// Takes files, for one look at the folder.
pub(super) struct Taker<'a> {
    desk: &'a Desk,
    folder: &'a Folder,
    access: Access,
    stop: &'a AtomicBool,
    /// Tenants by the name of their folder; what was asked for once is not again.
    tenants: RefCell<HashMap<String, Option<TenantId>>>,
}

/// Whose a file is, by where it lies.
struct Belongs {
    tenant: TenantId,
    server: Option<ServerId>,
    /// Its name at the desk: the path below its server.
    name: String,
}

impl<'a> Taker<'a> {
    pub(super) fn new(desk: &'a Desk, folder: &'a Folder, stop: &'a AtomicBool) -> Taker<'a> {
        Taker {
            desk,
            folder,
            access: Access::system(ACTOR),
            stop,
            tenants: RefCell::default(),
        }
    }

    /// Takes a file that has come to rest.
    pub(super) fn take(&self, path: &Path, seen: &Seen) -> Outcome {
        let (place, beside) = match self.receive(path, seen) {
            Ok(evidence) => {
                tracing::info!(evidence = %evidence.id, size = evidence.size, "taken from the drop folder");
                let said = format!(
                    "evidence {}\nreceived {}\nsize {}\nSHA-256 {}\n",
                    evidence.id, evidence.received_at, evidence.size, evidence.sha256
                );
                (DONE, ("evidence.txt", said))
            }
            Err(No::Refused(why)) => {
                tracing::warn!(why, "refused from the drop folder");
                (REFUSED, ("why.txt", format!("{why}\n")))
            }
            Err(No::NotNow(why)) => {
                tracing::error!(
                    why,
                    "the desk cannot take from the drop folder for now; it is tried again"
                );
                return Outcome::Later;
            }
            Err(No::InMotion | No::Stopping) => return Outcome::Later,
        };
        match self.put_away(path, seen, place, beside) {
            Ok(()) => Outcome::Moved,
            Err(error) => {
                tracing::error!(%error, "a file of the drop folder cannot be moved to where it belongs");
                Outcome::Later
            }
        }
    }

    fn receive(&self, path: &Path, seen: &Seen) -> Result<Evidence, No> {
        if !seen.is_file {
            return Err(No::Refused("it is no file; links are not followed".into()));
        }
        if seen.has_other_names() {
            return Err(No::Refused(
                "it has other names too (hard links): put a copy there".into(),
            ));
        }
        let belongs = self.belongs(path)?;
        let mut file = self.open(path)?;
        // What was opened must be what was looked at.
        if folder::seen_of(&file)? != *seen {
            return Err(No::InMotion);
        }
        if let Some(known) = self.known(&belongs, seen, &mut file)? {
            return Ok(known);
        }
        let new = NewUpload {
            tenant_id: belongs.tenant,
            server_id: belongs.server,
            campaign_id: None,
            name: belongs.name,
            note: format!("came by the drop folder, as {}", shown(path)),
            acquired_at: None,
            retention_days: None,
            size: Some(i64::try_from(seen.size).unwrap_or(i64::MAX)),
            sha256: None,
        };
        let upload = uploads::begin(self.desk, &self.access, &new)?;
        let taken = self.append_and_finish(&upload.id, seen, file);
        if taken.is_err() {
            // Otherwise given up in a week.
            let _ = uploads::abort(self.desk, &self.access, &upload.id);
        }
        taken
    }

    /// Opens a file where it seems to lie. Links and whatever else took the place of it or of a folder above it since are
    /// looked at anew.
    fn open(&self, path: &Path) -> Result<File, No> {
        let name = path.file_name().ok_or(No::InMotion)?;
        let opened = self
            .folder
            .below(path.parent().unwrap_or(Path::new("")))
            .and_then(|folder| folder.read(name));
        opened.map_err(|error| match folder::is_a_link(&error) {
            true => No::InMotion,
            false => error.into(),
        })
    }

    fn append_and_finish(
        &self,
        id: &vigie_desk::UploadId,
        seen: &Seen,
        mut file: File,
    ) -> Result<Evidence, No> {
        let mut input = Stoppable {
            inner: Read::by_ref(&mut file).take(seen.size),
            stop: self.stop,
        };
        let appended = uploads::append(self.desk, &self.access, id, 0, &mut input);
        if self.stop.load(Ordering::SeqCst) {
            return Err(No::Stopping);
        }
        appended?;
        if folder::seen_of(&file)? != *seen {
            return Err(No::InMotion);
        }
        Ok(uploads::finish(self.desk, &self.access, id)?)
    }

    /// The same bytes of the same server under the same name: somebody was killed after taking it and before moving it.
    fn known(&self, belongs: &Belongs, seen: &Seen, file: &mut File) -> Result<Option<Evidence>, No> {
        let filter = EvidenceFilter {
            tenant_id: Some(belongs.tenant.clone()),
            server_id: belongs.server.clone(),
            search: Some(belongs.name.clone()),
            ..EvidenceFilter::default()
        };
        let found = all(|page| evidence::list(self.desk, &self.access, &filter, page))?;
        let mut alike = found.into_iter().filter(|one| {
            one.name == belongs.name
                && u64::try_from(one.size) == Ok(seen.size)
                && one.fields.server_id == belongs.server
                && one.received_by == ACTOR
        });
        let Some(first) = alike.next() else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 17];
        loop {
            if self.stop.load(Ordering::SeqCst) {
                return Err(No::Stopping);
            }
            match file.read(&mut buffer)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
        file.rewind()?;
        let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(std::iter::once(first)
            .chain(alike)
            .find(|one| one.sha256 == sha256))
    }

    /// Whose it is: `TENANT/SERVER/...` or `TENANT/file`.
    fn belongs(&self, path: &Path) -> Result<Belongs, No> {
        let mut parts = Vec::new();
        for part in path.components() {
            match part {
                Component::Normal(part) => match part.to_str() {
                    Some(part) => parts.push(part),
                    None => return Err(No::Refused("its name is no UTF-8".into())),
                },
                _ => return Err(No::Refused("it lies in no tenant's folder".into())),
            }
        }
        let (tenant, rest) = match parts.as_slice() {
            [tenant, rest @ ..] if !rest.is_empty() => (*tenant, rest),
            _ => {
                return Err(No::Refused(
                    "it lies in no tenant's folder: put it into TENANT/SERVER/".into(),
                ));
            }
        };
        let id = self.tenant(tenant)?;
        let id = id.ok_or_else(|| No::Refused(format!("there is no tenant named {tenant:?}")))?;
        let (server, name) = match rest {
            [name] => (None, (*name).to_owned()),
            [server, below @ ..] => {
                let found = self.server(&id, server)?;
                let none = || No::Refused(format!("{tenant:?} has no server named {server:?}"));
                (Some(found.ok_or_else(none)?), below.join("/"))
            }
            [] => return Err(No::InMotion),
        };
        Ok(Belongs {
            tenant: id,
            server,
            name: name.trim().to_owned(),
        })
    }

    fn tenant(&self, folder: &str) -> Result<Option<TenantId>, No> {
        if let Some(known) = self.tenants.borrow().get(folder) {
            return Ok(known.clone());
        }
        let found = match folder.parse::<TenantId>() {
            Ok(id) => match tenants::get(self.desk, &self.access, &id) {
                Ok(tenant) => Some(tenant.id),
                Err(Error::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            },
            Err(_) => {
                let filter = TenantFilter {
                    search: Some(folder.to_owned()),
                    ..TenantFilter::default()
                };
                let like = all(|page| tenants::list(self.desk, &self.access, &filter, page))?;
                let mut named = like.into_iter().filter(|one| is_same(&one.fields.name, folder));
                named.next().map(|tenant| tenant.id)
            }
        };
        self.tenants.borrow_mut().insert(folder.to_owned(), found.clone());
        Ok(found)
    }

    fn server(&self, tenant: &TenantId, folder: &str) -> Result<Option<ServerId>, No> {
        if let Ok(id) = folder.parse::<ServerId>() {
            return match servers::get(self.desk, &self.access, &id) {
                Ok(server) => Ok((server.tenant_id == *tenant).then_some(server.id)),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            };
        }
        let filter = ServerFilter {
            tenant_id: Some(tenant.clone()),
            search: Some(folder.to_owned()),
            ..ServerFilter::default()
        };
        let like = all(|page| servers::list(self.desk, &self.access, &filter, page))?;
        let mut named = like.into_iter().filter(|one| {
            is_same(&one.fields.name, folder)
                || one.fields.fqdn.as_ref().is_some_and(|name| is_same(name, folder))
        });
        match (named.next(), named.next()) {
            (Some(_), Some(_)) => Err(No::Refused(format!(
                "several servers are named {folder:?}: name the folder by the identifier of one"
            ))),
            (found, _) => Ok(found.map(|server| server.id)),
        }
    }

    /// Moves a file below `place`, with a word beside it. What lies there already is not written over, and a file that took
    /// the place of the one that was looked at stays where it is.
    fn put_away(
        &self,
        path: &Path,
        seen: &Seen,
        place: &str,
        (ending, said): (&str, String),
    ) -> io::Result<()> {
        let below = path.parent().unwrap_or(Path::new(""));
        let from_name = path.file_name().unwrap_or_default();
        let from = self.folder.below(below)?;
        let replaced = || io::Error::other("it was changed or replaced meanwhile: it is looked at anew");
        if from.seen(from_name)? != *seen {
            return Err(replaced());
        }
        let to_folder = self
            .folder
            .make_below(&Path::new(place).join(below))
            .map_err(|error| {
                let folder = shown(&Path::new(place).join(below));
                io::Error::new(
                    error.kind(),
                    format!("{folder} cannot be entered (links are not followed): {error}"),
                )
            })?;
        let name = match from_name.len() {
            // Room for what is put before and behind it.
            LONG.. => shown(Path::new(from_name))
                .chars()
                .take(LONG / 4)
                .collect::<String>()
                .into(),
            _ => from_name.to_owned(),
        };
        let said = format!("{}\n{said}", shown(path));
        let mut number = 0;
        // Somebody may be putting things there too.
        let to = loop {
            number += 1;
            let mut to = OsString::new();
            if number > 1 {
                to.push(format!("{number}-"));
            }
            to.push(&name);
            let word = beside(&to, ending);
            if to_folder.has(&to) || to_folder.has(&word) {
                continue;
            }
            // The word first: a file that lies there has always been explained.
            match to_folder.write_new(&word, &said) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                written => written?,
            }
            match from.move_to(from_name, &to_folder, &to) {
                Ok(()) => break to,
                Err(error) => {
                    // What stays where it was is not explained there again each time it is looked at.
                    to_folder.remove(&word)?;
                    if error.kind() != io::ErrorKind::AlreadyExists {
                        return Err(error);
                    }
                }
            }
        };
        if to_folder.seen(&to)? != *seen {
            to_folder.move_to(&to, &from, from_name)?;
            to_folder.remove(&beside(&to, ending))?;
            return Err(replaced());
        }
        Ok(())
    }
}

/// A list to its end.
fn all<T>(mut page: impl FnMut(&PageRequest) -> vigie_desk::Result<Page<T>>) -> Result<Vec<T>, No> {
    let mut all = Vec::new();
    let mut next = PageRequest::first(1_000);
    loop {
        let page = page(&next)?;
        all.extend(page.items);
        match page.next {
            Some(cursor) => next.cursor = Some(cursor),
            None => return Ok(all),
        }
    }
}

fn beside(name: &OsStr, ending: &str) -> OsString {
    let mut beside = name.to_owned();
    beside.push(".");
    beside.push(ending);
    beside
}

/// Names that differ only in case or surrounding spaces are one, as at the desk.
fn is_same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// A path for people, without what would make a line of it that is none.
fn shown(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .map(|one| if one.is_control() { '\u{fffd}' } else { one })
        .collect()
}

/// Breaks off when the server is stopped.
struct Stoppable<'a, R> {
    inner: R,
    stop: &'a AtomicBool,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stop.load(Ordering::SeqCst) {
            true => Err(io::Error::other("the server is being stopped")),
            false => self.inner.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests;
