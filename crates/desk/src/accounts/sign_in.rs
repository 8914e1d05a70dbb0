//! Signing in with a password.

use super::sessions::{self, NewSession, SignedIn};
use super::store::Account;
use super::throttle::Door;
use super::{password, totp};
use crate::db::params;
use crate::tenants::name_key;
use crate::{Desk, Error, Result, Unrecognised};

/// Somebody who wants in.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    /// The login.
    pub login: &'a str,
    /// The password.
    pub password: &'a str,
    /// A code of the telephone, or a recovery code.
    pub code: Option<&'a str>,
    /// Where they come from.
    pub address: &'a str,
    /// What their browser says it is.
    pub user_agent: &'a str,
}

/// One answer for all that can be wrong: who guesses learns nothing from it.
const WRONG: Error = Error::Unauthenticated(Unrecognised::Wrong);
/// Characters of a login or password that are looked at.
const LONGEST: usize = 1_000;

/// Signs somebody in.
///
/// # Errors
/// [`Error::Locked`] after too many attempts, [`Error::CodeNeeded`] when the password is right and a code is missing,
/// [`Error::Unauthenticated`] otherwise.
pub fn sign_in(desk: &Desk, attempt: &Attempt<'_>) -> Result<SignedIn> {
    if attempt.login.len() > LONGEST || attempt.password.len() > LONGEST {
        return Err(WRONG);
    }
    let login_key = name_key(attempt.login);
    let door = Door {
        login_key: &login_key,
        address: attempt.address,
    };
    door.knock(desk)?;
    let found = desk.read(|tx| {
        let sql = format!(
            "SELECT {}, a.password FROM account a WHERE a.login_key = $1 AND a.disabled_at IS NULL",
            Account::COLUMNS
        );
        let row = tx.one(&sql, params![login_key.as_str()])?;
        let mut row = match row {
            Some(row) => row.reader(),
            None => return Ok(None),
        };
        let account = Account::read(&mut row)?;
        let kept: Option<String> = row.get()?;
        Ok(Some((account, kept)))
    })?;
    let (account, kept) = found.map_or((None, None), |(account, kept)| (Some(account), kept));
    if !password::verify(attempt.password, kept.as_deref())? {
        return Err(WRONG);
    }
    let account = account.ok_or(WRONG)?;
    if account.has_second_factor() && attempt.code.is_none() {
        // Right so far: asking for the code is no failure, or two honest sign-ins would count as four.
        desk.write(|tx| door.open(tx))?;
        return Err(Error::CodeNeeded);
    }
    let code = attempt.code.unwrap_or_default();
    if account.has_second_factor()
        && !desk.write(|tx| totp::takes_second_factor(desk, tx, &account.id, code))?
    {
        return Err(WRONG);
    }
    let new = NewSession {
        method: "password",
        address: attempt.address,
        user_agent: attempt.user_agent,
        provider: None,
        id_token: None,
    };
    let signed_in = sessions::open(desk, &account.id, &new)?;
    desk.write(|tx| door.open(tx))?;
    Ok(signed_in)
}
