//! The bytes of uploads.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::store::{self, NewUpload, Upload, UploadState, begin, find, path};
use crate::audit;
use crate::cells::{self, Put, Stage};
use crate::db::params;
use crate::desk::{Tx, make_private_folder};
use crate::evidence::chunks::{BlobKey, CHUNK};
use crate::evidence::{self, Evidence};
use crate::ids::hex;
use crate::secrets::sync_folder;
use crate::{Access, Desk, Error, EvidenceId, Result, UploadId, Verb, campaigns};

/// Bytes after which what came is made safe, without waiting for the end of the piece.
const SAFE: i64 = 32 << 20;
/// Hashes kept of uploads on their way; others are worked out anew.
const KEPT_HASHES: usize = 1_000;

/// The hashes of uploads as far as they have come, by upload: how many bytes, and their hash.
pub(crate) type Hashes = Mutex<HashMap<UploadId, (i64, Sha256)>>;

/// An upload that nobody else is writing to.
struct Writing {
    upload: Upload,
    file: File,
    key: BlobKey,
    hash: Sha256,
    /// What was written and is not yet known to be safe.
    received: i64,
    stored: i64,
    chunks: i64,
}

/// Takes a piece that begins at `offset`, which must be where the last one ended ([`Upload::received`]), and says how
/// much is safely here.
///
/// When `input` breaks off, what came until then is kept: ask for the upload and go on from `received`.
///
/// # Errors
/// [`Error::Conflict`] with the right offset; when more comes than was announced; when somebody else is sending too.
pub fn append(
    desk: &Desk,
    access: &Access,
    id: &UploadId,
    offset: i64,
    input: &mut dyn Read,
) -> Result<Upload> {
    let mut writing = Writing::open(desk, access, id)?;
    if offset != writing.upload.received {
        return Err(Error::Conflict {
            current: writing.upload.received,
        });
    }
    let outcome = writing.take(desk, input);
    let safe = writing.make_safe(desk);
    // What could not be taken is the answer, unless not even the rest is safe.
    let upload = safe?;
    outcome.map(|()| upload)
}

impl Writing {
    fn open(desk: &Desk, access: &Access, id: &UploadId) -> Result<Writing> {
        let look = || {
            desk.read(|tx| {
                let upload = find(tx, access, id)?;
                access.require(Verb::Evidence)?;
                upload.expect_open()?;
                let key =
                    evidence::data_key(desk, tx, &upload.tenant_id, id.as_str(), &upload.rest.data_key)?;
                Ok((upload, BlobKey::new(&key)?))
            })
        };
        let (begun, _) = look()?;
        let path = path(desk, id);
        let mut options = OpenOptions::new();
        // A file that ought to be there is not made: its bytes may be on their way elsewhere.
        options
            .read(true)
            .write(true)
            .create(begun.received == 0)
            .truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(Error::state(
                    "another request is sending this upload: wait for it, then look where to go on",
                ));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
        }
        // Only now is what the database says the last word.
        let (upload, key) = look()?;
        let mut writing = Writing {
            received: upload.received,
            stored: upload.rest.stored,
            chunks: upload.rest.chunks,
            upload,
            file,
            key,
            hash: Sha256::new(),
        };
        writing.settle(desk, &path)?;
        Ok(writing)
    }

    /// Cuts off what a crash left beyond the safe end, and finds the hash so far.
    fn settle(&mut self, desk: &Desk, path: &Path) -> Result<()> {
        let length = self.file.metadata().map_err(Error::io(path))?.len() as i64;
        if length < self.stored {
            return Err(Error::Damaged {
                what: format!("upload {}", self.upload.id),
                why: "its file is shorter than what was acknowledged: abort it and begin a new one".into(),
            });
        }
        self.file.set_len(self.stored as u64).map_err(Error::io(path))?;
        let known = desk
            .hashes()
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.upload.id);
        match known {
            Some((received, hash)) if received == self.received => self.hash = hash,
            _ => self.hash = self.hash_anew(path)?,
        }
        self.file.seek(SeekFrom::End(0)).map_err(Error::io(path))?;
        Ok(())
    }

    fn hash_anew(&mut self, path: &Path) -> Result<Sha256> {
        let mut hash = Sha256::new();
        self.file.seek(SeekFrom::Start(0)).map_err(Error::io(path))?;
        let mut input = std::io::BufReader::with_capacity(1 << 17, &self.file);
        for number in 0..self.chunks {
            let chunk = self.key.read(&mut input, number as u64)?;
            hash.update(chunk.ok_or_else(|| Error::Damaged {
                what: format!("upload {}", self.upload.id),
                why: "chunks are missing: abort it and begin a new one".into(),
            })?);
        }
        Ok(hash)
    }

    fn take(&mut self, desk: &Desk, input: &mut dyn Read) -> Result<()> {
        let path = path(desk, &self.upload.id);
        let mut buffer = vec![0; CHUNK];
        let mut unsafe_since = self.received;
        loop {
            let (filled, broke) = fill_or_break(input, &mut buffer);
            if filled > 0 {
                self.expect_room(filled as i64)?;
                let chunk = self
                    .key
                    .seal(desk.entropy(), self.chunks as u64, &buffer[..filled])?;
                if let Err(error) = self.file.write_all(&chunk) {
                    // Half a chunk may be there: cut it off, so that the rest is whole.
                    let _ = self.file.set_len(self.stored as u64);
                    let _ = self.file.seek(SeekFrom::End(0));
                    return Err(Error::io(&path)(error));
                }
                self.hash.update(&buffer[..filled]);
                self.received += filled as i64;
                self.stored += chunk.len() as i64;
                self.chunks += 1;
            }
            if let Some(error) = broke {
                return Err(Error::Unavailable(format!("the upload broke off: {error}")));
            }
            if filled < buffer.len() {
                return Ok(());
            }
            if self.received - unsafe_since >= SAFE {
                self.make_safe(desk)?;
                unsafe_since = self.received;
            }
        }
    }

    fn expect_room(&self, more: i64) -> Result<()> {
        let most = self.upload.size.unwrap_or(1 << 40);
        match self.received + more > most {
            true => Err(Error::invalid(
                "size",
                format!("more comes than the {most} bytes that were announced"),
            )),
            false => Ok(()),
        }
    }

    /// Makes what came safe: on the disk first, then in the database.
    fn make_safe(&mut self, desk: &Desk) -> Result<Upload> {
        let path = path(desk, &self.upload.id);
        if self.received != self.upload.received {
            self.file.sync_data().map_err(Error::io(&path))?;
            if self.upload.received == 0 {
                sync_folder(&path)?;
            }
        }
        let upload = desk.write(|tx| {
            let kept = tx.execute(
                "UPDATE upload SET received = $2, stored = $3, chunks = $4, touched_at = $5 \
                 WHERE id = $1 AND state = 'open' AND received = $6",
                params![
                    &self.upload.id,
                    self.received,
                    self.stored,
                    self.chunks,
                    tx.now,
                    self.upload.received,
                ],
            )?;
            if kept == 0 {
                return Err(Error::state(
                    "the upload was given up, or somebody else sent a piece of it",
                ));
            }
            find(tx, &Access::system("uploads"), &self.upload.id)
        })?;
        self.upload = upload;
        let mut hashes = desk.hashes().lock().unwrap_or_else(PoisonError::into_inner);
        if hashes.len() >= KEPT_HASHES {
            hashes.clear();
        }
        hashes.insert(self.upload.id.clone(), (self.received, self.hash.clone()));
        Ok(self.upload.clone())
    }
}

/// Fills a buffer as far as the input goes; what came before it broke is not lost.
fn fill_or_break(input: &mut dyn Read, buffer: &mut [u8]) -> (usize, Option<std::io::Error>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

/// Ends an upload: it becomes evidence. Bytes that the tenant has already are not kept twice. Asked again, it says the same.
///
/// # Errors
/// When bytes are missing, or they are not those that were announced: then the upload stays open, to be aborted.
pub fn finish(desk: &Desk, access: &Access, id: &UploadId) -> Result<Evidence> {
    finish_as(desk, access, id, None)
}

/// The same, for somebody who hashed what they sent while they sent it and knows the hash only now.
///
/// # Errors
/// Those of [`finish`]; also when the hash is another.
pub fn finish_as(desk: &Desk, access: &Access, id: &UploadId, sent: Option<&str>) -> Result<Evidence> {
    let sent = sent.map(str::to_lowercase);
    if sent.as_ref().is_some_and(|text| !store::is_hash(text)) {
        return Err(Error::invalid("sha256", "it is not 64 hexadecimal digits"));
    }
    let ended = desk.read(|tx| {
        let upload = find(tx, access, id)?;
        access.require(Verb::Evidence)?;
        match (upload.state, &upload.evidence_id) {
            (UploadState::Done, Some(evidence)) => evidence::find(tx, access, evidence).map(Some),
            _ => Ok(None),
        }
    })?;
    if let Some(evidence) = ended {
        return match sent.filter(|sent| *sent != evidence.sha256) {
            Some(_) => Err(Error::state("the upload is finished, with another hash")),
            None => Ok(evidence),
        };
    }
    if moved_by_a_crash(desk, access, id)? {
        // It was on its way to its place when the power went: back, and again.
        let blob = evidence::blob_path(desk, id.as_str());
        let upload = path(desk, id);
        std::fs::rename(&blob, &upload).map_err(Error::io(&upload))?;
    }
    let writing = Writing::open(desk, access, id)?;
    let upload = &writing.upload;
    if let Some(size) = upload.size.filter(|size| *size != upload.received) {
        let why = format!(
            "{} of {size} bytes are here: send the rest first",
            upload.received
        );
        return Err(Error::invalid("size", why));
    }
    let sha256 = hex(&writing.hash.clone().finalize());
    let announced = upload.rest.sha256.iter().chain(&sent);
    if let Some(announced) = announced.into_iter().find(|announced| **announced != sha256) {
        let why =
            format!("what came has {sha256}, announced was {announced}: abort the upload and send it again");
        return Err(Error::invalid("sha256", why));
    }
    let from = path(desk, id);
    let to = evidence::blob_path(desk, id.as_str());
    if let Some(folder) = to.parent() {
        make_private_folder(folder)?;
        sync_folder(folder)?;
    }
    writing.file.sync_all().map_err(Error::io(&from))?;
    std::fs::rename(&from, &to).map_err(Error::io(&to))?;
    sync_folder(&to)?;
    let kept = desk.write(|tx| become_evidence(tx, access, &writing, &sha256));
    let evidence = match kept {
        Ok(evidence) => evidence,
        Err(error) => {
            // Nothing was kept: the bytes go back to where the upload looks for them.
            if !matches!(error, Error::Uncertain) {
                let _ = std::fs::rename(&to, &from);
            }
            return Err(error);
        }
    };
    desk.hashes()
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(id);
    let is_used = desk.read(|tx| {
        Ok(tx
            .one("SELECT id FROM blob WHERE id = $1", params![id.as_str()])?
            .is_some())
    })?;
    if !is_used {
        std::fs::remove_file(&to).map_err(Error::io(&to))?;
    }
    Ok(evidence)
}

fn moved_by_a_crash(desk: &Desk, access: &Access, id: &UploadId) -> Result<bool> {
    desk.read(|tx| find(tx, access, id)?.expect_open())?;
    Ok(!path(desk, id).exists() && evidence::blob_path(desk, id.as_str()).exists())
}

fn become_evidence(tx: &mut Tx<'_>, access: &Access, writing: &Writing, sha256: &str) -> Result<Evidence> {
    let upload = &writing.upload;
    let rest = &upload.rest;
    tx.execute(
        "INSERT INTO blob (id, tenant_id, sha256, size, stored, chunks, data_key, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, sha256) WHERE deleted_at IS NULL DO NOTHING",
        params![
            upload.id.as_str(),
            &upload.tenant_id,
            sha256,
            upload.received,
            rest.stored,
            rest.chunks,
            rest.data_key.as_slice(),
            tx.now,
        ],
    )?;
    let row = tx.one(
        "SELECT id FROM blob WHERE tenant_id = $1 AND sha256 = $2 AND deleted_at IS NULL",
        params![&upload.tenant_id, sha256],
    )?;
    let blob: String = row
        .ok_or_else(|| Error::Unavailable("the same bytes were just deleted".into()))?
        .reader()
        .get()?;
    let new = evidence::NewEvidence {
        tenant: &upload.tenant_id,
        server: upload.server_id.as_ref(),
        campaign: upload.campaign_id.as_ref(),
        name: &upload.name,
        note: &rest.note,
        blob: &blob,
        sha256,
        size: upload.received,
        acquired_at: rest.acquired_at,
        retention_until: rest.retention_days.map(|days| tx.now.plus_days(days)),
        received_by: &access.actor().name,
    };
    let id = evidence::insert(tx, &new)?;
    tx.execute(
        "UPDATE upload SET state = 'done', evidence_id = $2, touched_at = $3 WHERE id = $1",
        params![&upload.id, &id, tx.now],
    )?;
    let details =
        json!({"name": upload.name, "sha256": sha256, "size": upload.received, "upload": upload.id});
    audit::recorded(
        tx,
        access,
        Some(&upload.tenant_id),
        ("evidence", id.as_str()),
        "evidence.receive",
        details,
    )?;
    say_received(tx, access, upload, &id)?;
    evidence::find(tx, access, &id)
}

/// The cell *evidence* of the server says so.
fn say_received(tx: &mut Tx<'_>, access: &Access, upload: &Upload, id: &EvidenceId) -> Result<()> {
    let (Some(campaign), Some(server)) = (&upload.campaign_id, &upload.server_id) else {
        return Ok(());
    };
    let Ok(open) = campaigns::find_open(tx, access, campaign) else {
        return Ok(());
    };
    let put = Put {
        campaign,
        tenant: &upload.tenant_id,
        server,
        stage: Stage::Evidence,
        detail: "received",
        basis: "evidence",
        as_of: tx.now,
        proof: json!({"evidence_id": id, "name": upload.name}),
    };
    match cells::put(tx, access, &open, &put) {
        // A server whose tenant is not in the campaign has no cell there.
        Err(Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

/// Brings a file of this machine in: a drop folder's, or one that lies on the server already.
///
/// # Errors
/// When it cannot be read. What came until then is an open upload, which [`store::sweep`] removes in time.
pub fn receive_file(desk: &Desk, access: &Access, new: &NewUpload, file: &Path) -> Result<Evidence> {
    let mut input = File::open(file).map_err(Error::io(file))?;
    let size = input.metadata().map_err(Error::io(file))?.len() as i64;
    let new = NewUpload {
        size: Some(size),
        ..new.clone()
    };
    let upload = begin(desk, access, &new)?;
    let done = append(desk, access, &upload.id, 0, &mut input).and_then(|_| finish(desk, access, &upload.id));
    if done.is_err() {
        let _ = store::abort(desk, access, &upload.id);
    }
    done
}
