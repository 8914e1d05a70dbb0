//! A blob's bytes: chunks, each sealed by itself.
//!
//! ```text
//! chunk := kind u8 (0 plain, 1 deflated) | length of the bytes u32 LE | length of what is stored u32 LE
//!        | nonce 12 bytes | stored bytes, sealed, with their tag of 16 bytes
//! ```
//!
//! The number of the chunk, its kind and its length are sealed along, so that chunks cannot be swapped, dropped or
//! shortened unnoticed. Nonces are random: a chunk that was torn by a crash is written again with another one.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::secrets::KEY_LEN;
use crate::world::Entropy;
use crate::{Error, Result};

/// Bytes of a chunk before it is deflated.
pub(crate) const CHUNK: usize = 1 << 20;
/// Bytes before the sealed ones.
const HEAD: usize = 1 + 4 + 4 + NONCE_LEN;
/// Bytes of a seal.
const TAG: usize = 16;

/// The key of one blob.
pub(crate) struct BlobKey(LessSafeKey);

impl BlobKey {
    pub(crate) fn new(bytes: &[u8]) -> Result<BlobKey> {
        let bytes: &[u8; KEY_LEN] = bytes
            .try_into()
            .map_err(|_| damaged(0, "its key has the wrong length"))?;
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| damaged(0, "its key cannot be used"))?;
        Ok(BlobKey(LessSafeKey::new(key)))
    }

    /// A chunk as it is stored.
    pub(crate) fn seal(&self, entropy: &dyn Entropy, number: u64, bytes: &[u8]) -> Result<Vec<u8>> {
        debug_assert!(bytes.len() <= CHUNK);
        let deflated = deflate(bytes)?;
        // Evidence is often archives: what does not get smaller is not inflated for nothing.
        let (kind, mut stored) = match deflated.len() < bytes.len() / 20 * 19 {
            true => (1, deflated),
            false => (0, bytes.to_vec()),
        };
        let mut nonce = [0_u8; NONCE_LEN];
        entropy.fill(&mut nonce);
        let aad = aad(number, kind, bytes.len() as u32);
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut stored)
            .map_err(|_| Error::state("a chunk cannot be sealed"))?;
        let mut chunk = Vec::with_capacity(HEAD + stored.len());
        chunk.push(kind);
        chunk.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        chunk.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        chunk.extend_from_slice(&nonce);
        chunk.append(&mut stored);
        Ok(chunk)
    }

    /// Reads the next chunk; `None` at the end.
    pub(crate) fn read(&self, input: &mut impl Read, number: u64) -> Result<Option<Vec<u8>>> {
        let mut head = [0_u8; HEAD];
        match fill(input, &mut head).map_err(|error| damaged(number, &error.to_string()))? {
            0 => return Ok(None),
            HEAD => {}
            _ => return Err(damaged(number, "it is cut off")),
        }
        let length_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (kind, length, stored_length) = (head[0], length_at(1), length_at(5) as usize);
        if kind > 1 || length as usize > CHUNK || !(TAG..=CHUNK + TAG).contains(&stored_length) {
            return Err(damaged(number, "its head cannot be"));
        }
        let mut stored = vec![0; stored_length];
        if fill(input, &mut stored).map_err(|error| damaged(number, &error.to_string()))? != stored_length {
            return Err(damaged(number, "it is cut off"));
        }
        let nonce = Nonce::try_assume_unique_for_key(&head[9..])
            .map_err(|_| damaged(number, "its nonce cannot be"))?;
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(aad(number, kind, length)), &mut stored)
            .map_err(|_| damaged(number, "it is not what was written"))?;
        let bytes = match kind {
            1 => inflate(opened, length as usize).map_err(|error| damaged(number, &error.to_string()))?,
            _ => opened.to_vec(),
        };
        match bytes.len() == length as usize {
            true => Ok(Some(bytes)),
            false => Err(damaged(number, "its length is not what was written")),
        }
    }
}

fn damaged(number: u64, why: &str) -> Error {
    Error::Damaged {
        what: format!("chunk {number} of the evidence"),
        why: format!("{why}; restore it from a backup"),
    }
}

fn aad(number: u64, kind: u8, length: u32) -> [u8; 13] {
    let mut aad = [0; 13];
    aad[..8].copy_from_slice(&number.to_le_bytes());
    aad[8] = kind;
    aad[9..].copy_from_slice(&length.to_le_bytes());
    aad
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
    let done = encoder.write_all(bytes).and_then(|()| encoder.finish());
    done.map_err(|error| Error::state(format!("a chunk cannot be deflated: {error}")))
}

fn inflate(bytes: &[u8], length: usize) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(length);
    ZlibDecoder::new(bytes)
        .take(length as u64 + 1)
        .read_to_end(&mut out)?;
    Ok(out)
}

/// Reads until the buffer is full or the input ends.
pub(crate) fn fill(input: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Seeded;

    fn sealed(parts: &[&[u8]]) -> (BlobKey, Vec<u8>) {
        let key = BlobKey::new(&[7; KEY_LEN]).unwrap();
        let entropy = Seeded::new(1);
        let mut all = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            all.extend(key.seal(&entropy, number as u64, part).unwrap());
        }
        (key, all)
    }

    fn read_all(key: &BlobKey, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        while let Some(chunk) = key.read(&mut bytes, all.len() as u64)? {
            all.push(chunk);
        }
        Ok(all)
    }

    #[test]
    fn chunks_come_back_as_they_were() {
        let text = "the same line again and again\n".repeat(1000);
        let noise: Vec<u8> = (0..5000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let (key, all) = sealed(&[text.as_bytes(), &noise, b"", &vec![0; CHUNK]]);
        assert!(
            all.len() < text.len() + noise.len(),
            "what gets smaller is deflated"
        );
        let back = read_all(&key, &all).unwrap();
        assert_eq!(back, [text.as_bytes(), &noise, b"", &vec![0; CHUNK]]);
        assert!(!all.windows(9).any(|window| window == b"same line"));
    }

    #[test]
    fn no_bit_can_be_changed_and_no_chunk_moved_or_cut() {
        let (key, all) = sealed(&[b"first chunk", b"second one!"]);
        for index in 0..all.len() {
            let mut broken = all.clone();
            broken[index] ^= 1;
            assert!(read_all(&key, &broken).is_err(), "{index}");
        }
        let half = all.len() / 2;
        let swapped = [&all[half..], &all[..half]].concat();
        assert!(read_all(&key, &swapped).is_err());
        assert!(read_all(&key, &all[half..]).is_err());
        assert!(read_all(&key, &all[..all.len() - 1]).is_err());
        // Cut between chunks it reads well: that is noticed by the number and the hash in the database.
        assert_eq!(read_all(&key, &all[..half]).unwrap().len(), 1);
        assert!(read_all(&BlobKey::new(&[8; KEY_LEN]).unwrap(), &all).is_err());
    }
}
