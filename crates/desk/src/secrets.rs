//! Secrets at rest: the master key, and what is sealed with it.
//!
//! The master key is a file of the data folder that only its owner may read. Whoever has the database without it has
//! no second factors, no keys of tenants, and so no evidence. It must be backed up apart from the rest.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

use crate::db::{Database, params};
use crate::ids::hex;
use crate::world::Entropy;
use crate::{Error, Result};

/// The name of the file.
pub(crate) const FILE: &str = "master.key";
/// Bytes of a key.
pub(crate) const KEY_LEN: usize = 32;
/// What the key is recognised by.
const CHECK: &str = "key_check";

/// A key that seals small things: AES-256-GCM with a random nonce.
pub(crate) struct MasterKey(LessSafeKey);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey")
    }
}

fn damaged(why: &str) -> Error {
    Error::Damaged {
        what: "the master key".into(),
        why: why.into(),
    }
}

impl MasterKey {
    pub(crate) fn new(bytes: &[u8; KEY_LEN]) -> Result<MasterKey> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| damaged("it has the wrong length"))?;
        Ok(MasterKey(LessSafeKey::new(key)))
    }

    /// The key of a desk. It is made when the database never had one.
    pub(crate) fn of_desk(data: &Path, database: &Database, entropy: &dyn Entropy) -> Result<MasterKey> {
        let path = data.join(FILE);
        let check: Option<String> = database.read(|connection| {
            let rows = connection.query("SELECT value FROM setting WHERE name = $1", params![CHECK])?;
            rows.into_iter().next().map(|row| row.reader().get()).transpose()
        })?;
        let bytes = match read_file(&path)? {
            Some(bytes) => bytes,
            None if check.is_some() => {
                return Err(damaged(&format!(
                    "{} is gone; put it back from your backup, without it evidence cannot be read",
                    path.display()
                )));
            }
            None => make_file(&path, entropy)?,
        };
        let key = MasterKey::new(&bytes)?;
        match check {
            Some(check) => {
                let sealed = URL_SAFE_NO_PAD.decode(check).unwrap_or_default();
                key.open(CHECK, &sealed).map_err(|_| {
                    damaged("it is not the one this database was made with; put the right one back")
                })?;
            }
            None => {
                let sealed = URL_SAFE_NO_PAD.encode(key.seal(entropy, CHECK, b"vigie")?);
                database.write(|connection| {
                    Ok(connection.execute(
                        "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                        params![CHECK, &sealed],
                    )?)
                })?;
            }
        }
        Ok(key)
    }

    /// Seals bytes; only with the same `context` can they be opened.
    pub(crate) fn seal(&self, entropy: &dyn Entropy, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut sealed = plain.to_vec();
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut sealed,
            )
            .map_err(|_| Error::state("it is too large to be sealed"))?;
        let mut all = nonce.to_vec();
        all.append(&mut sealed);
        all.extend_from_slice(tag.as_ref());
        Ok(all)
    }

    /// Opens what was sealed.
    pub(crate) fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let broken = || Error::Damaged {
            what: context.to_owned(),
            why: "it cannot be opened with the master key".into(),
        };
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut rest = rest.to_vec();
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(context), &mut rest)
            .map_err(|_| broken())?;
        Ok(plain.to_vec())
    }
}

fn read_file(path: &Path) -> Result<Option<[u8; KEY_LEN]>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(path)(error)),
    };
    #[cfg(unix)]
    {
        let metadata = std::fs::metadata(path).map_err(Error::io(path))?;
        if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
            return Err(damaged(&format!(
                "others may read {0}; say `chmod 600 {0}`",
                path.display()
            )));
        }
    }
    let text = text.trim();
    let digits = text.len() == 2 * KEY_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        return Err(damaged(&format!(
            "{} does not hold 64 hexadecimal digits",
            path.display()
        )));
    }
    let mut bytes = [0; KEY_LEN];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap_or_default();
    }
    Ok(Some(bytes))
}

/// Makes the file, or reads the one that another process made meanwhile.
fn make_file(path: &Path, entropy: &dyn Entropy) -> Result<[u8; KEY_LEN]> {
    let mut bytes = [0; KEY_LEN];
    entropy.fill(&mut bytes);
    // Written whole under another name and then linked: nobody ever sees half a key.
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft).map_err(Error::io(&draft))?;
    file.write_all(format!("{}\n", hex(&bytes)).as_bytes())
        .map_err(Error::io(&draft))?;
    file.sync_all().map_err(Error::io(&draft))?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(Error::io(&draft))?;
    match linked {
        Ok(()) => {
            sync_folder(path)?;
            Ok(bytes)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read_file(path)?.ok_or_else(|| damaged("it came and went while the desk was opened; try again"))
        }
        Err(error) => Err(Error::io(path)(error)),
    }
}

/// Makes sure that a name in a folder survives a power cut.
pub(crate) fn sync_folder(of: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Some(folder) = of.parent() {
        // A bare name is one of where we stand.
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let file = std::fs::File::open(folder).map_err(Error::io(folder))?;
        file.sync_all().map_err(Error::io(folder))?;
    }
    Ok(())
}

/// 256 bits nobody can guess, as text.
pub(crate) fn new_token(entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 32];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a token. It has 256 bits of chance, so a plain hash gives nothing away.
pub(crate) fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;
    use crate::world::Seeded;
    use crate::{Desk, Error};

    #[test]
    fn what_is_sealed_opens_only_whole_and_in_its_context() {
        let key = MasterKey::new(&[7; KEY_LEN]).unwrap();
        let entropy = Seeded::new(1);
        let sealed = key.seal(&entropy, "totp alice", b"secret").unwrap();
        assert_eq!(key.open("totp alice", &sealed).unwrap(), b"secret");
        assert!(key.open("totp bob", &sealed).is_err());
        assert_ne!(sealed, key.seal(&entropy, "totp alice", b"secret").unwrap());
        for index in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[index] ^= 1;
            assert!(key.open("totp alice", &broken).is_err(), "{index}");
            assert!(key.open("totp alice", &sealed[..index]).is_err(), "{index}");
        }
    }

    #[test]
    fn a_desk_opens_only_with_its_own_key() {
        let bench = Bench::sqlite();
        let path = bench.options.data.join(FILE);
        let key = std::fs::read_to_string(&path).unwrap();
        bench.again();

        std::fs::write(&path, format!("{}\n", "0".repeat(64))).unwrap();
        assert!(matches!(Desk::open(&bench.options), Err(Error::Damaged { .. })));
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(Desk::open(&bench.options), Err(Error::Damaged { .. })));
        std::fs::remove_file(&path).unwrap();
        let gone = Desk::open(&bench.options);
        assert!(
            matches!(&gone, Err(Error::Damaged { why, .. }) if why.contains("backup")),
            "{gone:?}"
        );
        assert!(!path.exists(), "a new key must not take the place of a lost one");

        std::fs::write(&path, &key).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            let open = Desk::open(&bench.options);
            assert!(
                matches!(&open, Err(Error::Damaged { why, .. }) if why.contains("chmod")),
                "{open:?}"
            );
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        bench.again();
    }
}
