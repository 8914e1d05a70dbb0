//! The second factor: codes of a telephone (TOTP, RFC 6238: SHA-1, six digits, thirty seconds).

use ring::hmac;
use serde::Serialize;
use serde_json::json;

use super::password::is_same;
use super::store::{self, Account};
use super::throttle::Door;
use crate::audit;
use crate::db::params;
use crate::desk::{Desk, Tx};
use crate::secrets::token_hash;
use crate::tenants::name_key;
use crate::{Access, AccountId, ActorKind, Error, Result, Verb};

/// Seconds a code is shown.
const STEP: i64 = 30;
/// Codes one step to either side are taken too: telephones' clocks are off.
const DRIFT: i64 = 1;
/// Recovery codes given out at once.
const RECOVERY_CODES: usize = 10;

/// What somebody needs to set up their telephone. Shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolment {
    /// The secret in base 32, to type.
    pub secret: String,
    /// The same as an address, to draw as a QR code.
    pub uri: String,
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(BASE32[(bits >> count) as usize & 31]));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        text.push(char::from(BASE32[(bits << (5 - count)) as usize & 31]));
    }
    text
}

/// The code of a step.
pub(super) fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 15);
    let number = tag[offset..offset + 4]
        .iter()
        .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The step whose code this is, among those now taken and not used before.
fn step_of(secret: &[u8], given: &str, now: i64, last: i64) -> Option<i64> {
    let present = now.div_euclid(STEP * 1_000_000);
    // All are looked at, whichever fits: the time it takes tells nothing.
    let mut found = None;
    for step in present - DRIFT..=present + DRIFT {
        if is_same(code(secret, step).as_bytes(), given.as_bytes()) && step > last {
            found = Some(step);
        }
    }
    found
}

pub(super) fn context(account: &AccountId) -> String {
    format!("totp {account}")
}

/// Begins to set up a second factor for whoever asks; it counts once [`confirm_totp`] has seen a code of it.
///
/// # Errors
/// When there is one already.
pub fn enrol_totp(desk: &Desk, access: &Access) -> Result<Enrolment> {
    let id = own(access)?;
    let mut secret = [0_u8; 20];
    desk.entropy().fill(&mut secret);
    let sealed = desk.master().seal(desk.entropy(), &context(&id), &secret)?;
    desk.write(|tx| {
        let account = store::find(tx, &id)?;
        let changed = tx.execute(
            "UPDATE account SET totp = $2, totp_last_step = 0 WHERE id = $1 AND totp_confirmed_at IS NULL",
            params![&id, sealed.as_slice()],
        )?;
        if changed == 0 {
            return Err(Error::state(
                "there is a second factor already: take it away first",
            ));
        }
        let secret = base32(&secret);
        let label: String = account
            .fields
            .login
            .bytes()
            .fold(String::new(), |mut label, byte| {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                        label.push(char::from(byte))
                    }
                    other => label.push_str(&format!("%{other:02X}")),
                }
                label
            });
        Ok(Enrolment {
            uri: format!(
                "otpauth://totp/Vigie:{label}?secret={secret}&issuer=Vigie&algorithm=SHA1&digits=6&period=30"
            ),
            secret,
        })
    })
}

/// Ends setting up a second factor, and gives the recovery codes, each of which works once. They are shown once.
///
/// # Errors
/// When the code is not the telephone's.
pub fn confirm_totp(desk: &Desk, access: &Access, given: &str) -> Result<Vec<String>> {
    let id = own(access)?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| new_recovery_code(desk)).collect();
    desk.write(|tx| {
        if !takes_code(desk, tx, &id, given)? {
            return Err(Error::invalid(
                "code",
                "it is not the one the telephone shows now",
            ));
        }
        let changed = tx.execute(
            "UPDATE account SET totp_confirmed_at = $2 WHERE id = $1 AND totp_confirmed_at IS NULL",
            params![&id, tx.now],
        )?;
        if changed == 0 {
            return Err(Error::state("there is a second factor already"));
        }
        tx.execute("DELETE FROM recovery_code WHERE account_id = $1", params![&id])?;
        let rows = codes.iter().map(|code| params![&id, token_hash(code)].to_vec());
        tx.insert_all("recovery_code (account_id, hash)", "", rows)?;
        audit::recorded(
            tx,
            access,
            None,
            ("account", id.as_str()),
            "account.totp_on",
            json!({}),
        )?;
        Ok(codes.clone())
    })
}

/// Takes the second factor away: one's own with a code, anybody's as an administrator. Other sessions end.
///
/// # Errors
/// When the code is not right.
pub fn drop_totp(desk: &Desk, access: &Access, account: &AccountId, given: Option<&str>) -> Result<()> {
    let is_own = own(access).is_ok_and(|id| id == *account);
    if !is_own {
        access.require_everywhere(Verb::Administer)?;
    }
    let login_key = name_key(&desk.read(|tx| store::find(tx, account))?.fields.login);
    let door = Door {
        login_key: &login_key,
        address: "",
    };
    if is_own {
        // Whoever sits at somebody else's open session must not find the code by trying.
        door.knock(desk)?;
    }
    desk.write(|tx| {
        if is_own && !takes_second_factor(desk, tx, account, given.unwrap_or_default())? {
            return Err(Error::invalid(
                "code",
                "it is not the one the telephone shows now",
            ));
        }
        tx.execute(
            "UPDATE account SET totp = NULL, totp_confirmed_at = NULL WHERE id = $1",
            params![account],
        )?;
        tx.execute(
            "DELETE FROM recovery_code WHERE account_id = $1",
            params![account],
        )?;
        if is_own {
            door.open(tx)?;
        } else {
            tx.execute("DELETE FROM session WHERE account_id = $1", params![account])?;
        }
        audit::recorded(
            tx,
            access,
            None,
            ("account", account.as_str()),
            "account.totp_off",
            json!({}),
        )
    })
}

/// Whether a code is the telephone's, or a recovery code. Either works once.
pub(super) fn takes_second_factor(
    desk: &Desk,
    tx: &mut Tx<'_>,
    account: &AccountId,
    given: &str,
) -> Result<bool> {
    let given: String = given
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    if takes_code(desk, tx, account, &given)? {
        return Ok(true);
    }
    let used = tx.execute(
        "UPDATE recovery_code SET used_at = $3 WHERE account_id = $1 AND hash = $2 AND used_at IS NULL",
        params![account, token_hash(&given.to_uppercase()), tx.now],
    )?;
    Ok(used > 0)
}

fn takes_code(desk: &Desk, tx: &mut Tx<'_>, account: &AccountId, given: &str) -> Result<bool> {
    let row = tx.one(
        "SELECT totp, totp_last_step FROM account WHERE id = $1",
        params![account],
    )?;
    let mut row = row.ok_or(Error::NotFound { what: "account" })?.reader();
    let (sealed, last): (Option<Vec<u8>>, i64) = (row.get()?, row.get()?);
    let Some(sealed) = sealed else {
        return Ok(false);
    };
    let secret = desk.master().open(&context(account), &sealed)?;
    let Some(step) = step_of(&secret, given, tx.now.micros(), last) else {
        return Ok(false);
    };
    // Of two who come with the same code at once, one is let in.
    let first = tx.execute(
        "UPDATE account SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2",
        params![account, step],
    )?;
    Ok(first > 0)
}

/// `XXXX-XXXX-XXXX-XXXX`: 80 bits.
fn new_recovery_code(desk: &Desk) -> String {
    let mut bytes = [0_u8; 10];
    desk.entropy().fill(&mut bytes);
    let text = base32(&bytes);
    [&text[..4], &text[4..8], &text[8..12], &text[12..]].join("-")
}

/// The account of whoever asks.
pub(crate) fn own(access: &Access) -> Result<AccountId> {
    match access.actor().kind {
        ActorKind::User => access
            .actor()
            .id
            .parse()
            .map_err(|_| Error::NotFound { what: "account" }),
        _ => Err(Error::state("only a person has an account of their own")),
    }
}

impl Account {
    /// Whether signing in takes a code.
    pub fn has_second_factor(&self) -> bool {
        self.totp_confirmed_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, of which the last six digits are ours.
        let secret = b"12345678901234567890";
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000_i64, "353130"),
        ] {
            assert_eq!(code(secret, seconds / STEP), expected, "{seconds}");
        }
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), expected);
        }
    }

    #[test]
    fn a_code_is_taken_once_and_one_step_to_either_side() {
        let secret = b"12345678901234567890";
        let now = 1_000_000 * STEP * 1_000_000;
        for (step, taken) in [
            (999_998, false),
            (999_999, true),
            (1_000_000, true),
            (1_000_001, true),
            (1_000_002, false),
        ] {
            assert_eq!(
                step_of(secret, &code(secret, step), now, 0).is_some(),
                taken,
                "{step}"
            );
        }
        assert_eq!(step_of(secret, &code(secret, 1_000_000), now, 1_000_000), None);
        assert_eq!(step_of(secret, "", now, 0), None);
    }
}
