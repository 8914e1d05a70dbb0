//! Passwords.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::hmac;

use crate::world::Entropy;
use crate::{Error, Result};

/// Characters of a password, at least and at most.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=256;
/// Different characters in it, at least.
const DIFFERENT: usize = 5;

/// Refuses passwords that are easily guessed.
pub(super) fn check(password: &str, login: &str) -> Result<()> {
    let length = password.chars().count();
    if !LENGTH.contains(&length) {
        let why = format!(
            "{length} characters; between {} and {} are needed",
            LENGTH.start(),
            LENGTH.end()
        );
        return Err(Error::invalid("password", why));
    }
    let mut characters: Vec<char> = password.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    if characters.len() < DIFFERENT {
        return Err(Error::invalid(
            "password",
            format!("fewer than {DIFFERENT} different characters"),
        ));
    }
    if password.to_lowercase().contains(&login.to_lowercase()) {
        return Err(Error::invalid("password", "it holds the login"));
    }
    Ok(())
}

/// A password as it is kept: argon2id in the PHC string format.
pub(super) fn hash(password: &str, entropy: &dyn Entropy) -> Result<String> {
    let mut salt = [0_u8; 16];
    entropy.fill(&mut salt);
    let params = Params::DEFAULT;
    let digest = digest(password, &salt, &params)?;
    Ok(format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(digest)
    ))
}

/// Whether a password is the one that was kept. Without one it takes as long, so that nobody learns which logins exist.
pub(super) fn verify(password: &str, kept: Option<&str>) -> Result<bool> {
    let Some(kept) = kept else {
        digest(password, &[0; 16], &Params::DEFAULT)?;
        return Ok(false);
    };
    let (salt, expected, params) = parse(kept).ok_or_else(|| Error::Damaged {
        what: "a password of the database".into(),
        why: "it is no argon2id hash; set a new one".into(),
    })?;
    let found = digest(password, &salt, &params)?;
    Ok(expected.len() == found.len() && is_same(&expected, &found))
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"comparison");
    hmac::verify(&key, one, hmac::sign(&key, other).as_ref()).is_ok()
}

fn digest(password: &str, salt: &[u8], params: &Params) -> Result<[u8; 32]> {
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into(password.as_bytes(), salt, &mut out)
        .map_err(|error| Error::state(format!("the password cannot be hashed: {error}")))?;
    Ok(out)
}

fn parse(kept: &str) -> Option<(Vec<u8>, Vec<u8>, Params)> {
    let mut parts = kept.strip_prefix("$argon2id$v=19$")?.split('$');
    let (costs, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
    let mut numbers = costs
        .split(',')
        .map(|part| part.split_once('=')?.1.parse::<u32>().ok());
    let (memory, time, lanes) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let params = Params::new(memory, time, lanes, Some(32)).ok()?;
    Some((
        STANDARD_NO_PAD.decode(salt).ok()?,
        STANDARD_NO_PAD.decode(digest).ok()?,
        params,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Seeded;

    #[test]
    fn a_password_is_known_again_and_another_is_not() {
        let kept = hash("correct horse battery", &Seeded::new(1)).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify("correct horse battery", Some(&kept)).unwrap());
        assert!(!verify("correct horse batterz", Some(&kept)).unwrap());
        assert!(!verify("correct horse battery", None).unwrap());
        assert!(verify("x", Some("plain text")).is_err());
    }

    #[test]
    fn weak_passwords_are_refused() {
        for password in [
            "short",
            "aaaaaaaaaaaaaaa",
            "abababababab",
            "xx-Camille-2021",
            &"x1y2z".repeat(60),
        ] {
            assert!(check(password, "camille").is_err(), "{password}");
        }
        check("le phare dans la nuit", "camille").unwrap();
    }
}
