//! Reading evidence, and verifying that it is what was received.

use std::fs::File;
use std::io::{BufReader, Read};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::chunks::BlobKey;
use super::store::{blob_path, data_key, find};
use crate::audit;
use crate::db::params;
use crate::desk::Tx;
use crate::ids::hex;
use crate::words::words;
use crate::{Access, Desk, Error, EvidenceId, Result, TenantId, Verb};

words!(
    /// Why evidence is opened; it is part of its custody.
    Purpose {
        /// To be looked at here: a hunt, a page.
        Read = "read",
        /// To be taken out.
        Export = "export",
    }
);

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verified {
    /// Whether the bytes are those that were received.
    pub sound: bool,
    /// Bytes read.
    pub bytes: u64,
    /// What is wrong.
    pub problem: Option<String>,
}

/// The bytes of a piece of evidence, in a stream. At the end its length and hash are compared with what was received: a
/// reader that reads to the end without an error has read what was sent.
pub struct EvidenceReader {
    file: BufReader<File>,
    key: BlobKey,
    number: u64,
    chunk: Vec<u8>,
    at: usize,
    hash: Sha256,
    read: u64,
    expected: Expected,
    ended: bool,
}

struct Expected {
    size: u64,
    sha256: String,
    chunks: u64,
}

/// Opens evidence to be read. That it was opened, by whom and why, is recorded first.
///
/// # Errors
/// When it was deleted, or its bytes are gone.
pub fn open(
    desk: &Desk,
    access: &Access,
    id: &EvidenceId,
    purpose: Purpose,
    why: &str,
) -> Result<EvidenceReader> {
    crate::tenants::check_length("why", why, 2_000)?;
    desk.write(|tx| {
        let found = find(tx, access, id)?;
        access.require(Verb::EvidenceRead)?;
        let action = match purpose {
            Purpose::Read => "evidence.read",
            Purpose::Export => "evidence.export",
        };
        audit::recorded(
            tx,
            access,
            Some(&found.tenant_id),
            ("evidence", id.as_str()),
            action,
            json!({"why": why, "sha256": found.sha256}),
        )?;
        open_blob(desk, tx, id)
    })
}

/// The bytes of a piece of evidence, without a word about who reads them: for what is recorded otherwise.
pub(crate) fn open_blob(desk: &Desk, tx: &mut Tx<'_>, id: &EvidenceId) -> Result<EvidenceReader> {
    let row = tx.one(
        "SELECT b.id, b.tenant_id, b.sha256, b.size, b.chunks, b.data_key FROM evidence e JOIN blob b ON b.id = e.blob_id \
         WHERE e.id = $1 AND e.deleted_at IS NULL",
        params![id],
    )?;
    let mut row = row
        .ok_or_else(|| Error::state("the evidence was deleted when its retention ended"))?
        .reader();
    let (blob, tenant): (String, TenantId) = (row.get()?, row.get()?);
    let (sha256, size, chunks): (String, i64, i64) = (row.get()?, row.get()?, row.get()?);
    let sealed: Option<Vec<u8>> = row.get()?;
    let sealed = sealed.ok_or_else(|| Error::state("the evidence was deleted when its retention ended"))?;
    let key = data_key(desk, tx, &tenant, &blob, &sealed)?;
    let path = blob_path(desk, &blob);
    let file = File::open(&path).map_err(Error::io(&path))?;
    Ok(EvidenceReader {
        file: BufReader::with_capacity(1 << 17, file),
        key: BlobKey::new(&key)?,
        number: 0,
        chunk: Vec::new(),
        at: 0,
        hash: Sha256::new(),
        read: 0,
        expected: Expected {
            size: size as u64,
            sha256,
            chunks: chunks as u64,
        },
        ended: false,
    })
}

impl EvidenceReader {
    /// Bytes in all.
    pub fn size(&self) -> u64 {
        self.expected.size
    }

    /// The next chunk; `None` at the end, when all is as it was received.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        match self.key.read(&mut self.file, self.number)? {
            Some(chunk) => {
                self.number += 1;
                self.read += chunk.len() as u64;
                self.hash.update(&chunk);
                Ok(Some(chunk))
            }
            None => {
                self.ended = true;
                let whole = (self.read, self.number) == (self.expected.size, self.expected.chunks);
                let hash = hex(&std::mem::take(&mut self.hash).finalize());
                match whole && hash == self.expected.sha256 {
                    true => Ok(None),
                    false => Err(Error::Damaged {
                        what: "the evidence".into(),
                        why: format!(
                            "{} bytes in {} chunks are left of {} in {}; restore it from a backup",
                            self.read, self.number, self.expected.size, self.expected.chunks
                        ),
                    }),
                }
            }
        }
    }
}

impl Read for EvidenceReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.next_chunk().map_err(std::io::Error::other)? {
                Some(chunk) => {
                    self.chunk = chunk;
                    self.at = 0;
                }
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len() - self.at);
        buffer[..length].copy_from_slice(&self.chunk[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// Reads all of a piece of evidence and says whether it is what was received. Recorded too.
///
/// # Errors
/// When it was deleted. Damage is no error, it is the answer.
pub fn verify(desk: &Desk, access: &Access, id: &EvidenceId) -> Result<Verified> {
    let opened = desk.read(|tx| {
        find(tx, access, id)?;
        access.require(Verb::ReadInternal)?;
        open_blob(desk, tx, id)
    });
    let verified = match opened {
        Ok(reader) => read_to_end(reader),
        Err(error @ (Error::Io { .. } | Error::Damaged { .. })) => Verified {
            sound: false,
            bytes: 0,
            problem: Some(error.to_string()),
        },
        Err(other) => return Err(other),
    };
    desk.write(|tx| {
        let found = find(tx, access, id)?;
        audit::recorded(
            tx,
            access,
            Some(&found.tenant_id),
            ("evidence", id.as_str()),
            "evidence.verify",
            json!(verified),
        )
    })?;
    Ok(verified)
}

fn read_to_end(mut reader: EvidenceReader) -> Verified {
    loop {
        match reader.next_chunk() {
            Ok(Some(_)) => {}
            Ok(None) => {
                return Verified {
                    sound: true,
                    bytes: reader.read,
                    problem: None,
                };
            }
            Err(error) => {
                return Verified {
                    sound: false,
                    bytes: reader.read,
                    problem: Some(error.to_string()),
                };
            }
        }
    }
}
