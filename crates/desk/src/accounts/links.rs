//! Links that work once: for the first administrator, and to set a password.

use serde_json::json;

use super::password;
use super::store::{self, Account, AccountFields};
use crate::audit;
use crate::db::params;
use crate::desk::Tx;
use crate::secrets::{new_token, token_hash};
use crate::tenants::Locale;
use crate::words::words;
use crate::{Access, AccountId, Desk, Error, Result, Role, TenantSet, Unrecognised, Verb};

/// Hours a link works.
const HOURS: i64 = 24;

words!(
    /// What a link is for.
    LinkPurpose {
        /// To make the first administrator.
        FirstAdmin = "first_admin",
        /// To set a password.
        Password = "password",
    }
);

const USED_UP: Error = Error::Unauthenticated(Unrecognised::LinkUsedUp);

/// The token of a link that makes the first administrator; `None` when there are accounts already. Earlier links stop
/// working.
pub fn first_admin_link(desk: &Desk) -> Result<Option<String>> {
    let token = new_token(desk.entropy());
    desk.write(|tx| {
        if has_accounts(tx)? {
            return Ok(None);
        }
        tx.execute(
            "DELETE FROM one_time_link WHERE purpose = $1",
            params![LinkPurpose::FirstAdmin],
        )?;
        insert(tx, LinkPurpose::FirstAdmin, None, &token)?;
        Ok(Some(token.clone()))
    })
}

/// Makes the first administrator with the token of [`first_admin_link`].
///
/// # Errors
/// When the link was used or is too old, somebody was faster, or the password is easily guessed.
pub fn create_first_admin(
    desk: &Desk,
    token: &str,
    login: &str,
    name: &str,
    password: &str,
    locale: Locale,
) -> Result<Account> {
    let fields = AccountFields {
        login: login.to_owned(),
        name: name.to_owned(),
        role: Role::Administrator,
        tenants: TenantSet::All,
        locale,
    };
    fields.check()?;
    password::check(password, login)?;
    desk.read(|tx| look(tx, token).map(|_| ()))?;
    let hashed = password::hash(password, desk.entropy())?;
    desk.write(|tx| {
        let (purpose, _) = take(tx, token)?;
        if purpose != LinkPurpose::FirstAdmin || has_accounts(tx)? {
            return Err(USED_UP);
        }
        let id = store::insert(tx, &fields)?;
        store::set_password(tx, &id, &hashed, None)?;
        let account = store::find(tx, &id)?;
        audit::recorded(
            tx,
            &account.access(),
            None,
            ("account", id.as_str()),
            "account.first_admin",
            json!({"fields": fields}),
        )?;
        Ok(account)
    })
}

/// A link with which the owner of an account sets a password; the present one works until then.
///
/// # Errors
/// When whoever asks is no administrator.
pub fn invite(desk: &Desk, access: &Access, account: &AccountId) -> Result<String> {
    access.require_everywhere(Verb::Administer)?;
    let token = new_token(desk.entropy());
    desk.write(|tx| {
        store::find(tx, account)?;
        tx.execute(
            "DELETE FROM one_time_link WHERE account_id = $1",
            params![account],
        )?;
        // A sign-in at the provider that was begun with an earlier link is no better than that link.
        tx.execute("DELETE FROM oidc_flow WHERE account_id = $1", params![account])?;
        insert(tx, LinkPurpose::Password, Some(account), &token)?;
        audit::recorded(
            tx,
            access,
            None,
            ("account", account.as_str()),
            "account.invite",
            json!({}),
        )?;
        Ok(token.clone())
    })
}

/// Sets a password with the token of [`invite`]. All sessions end.
///
/// # Errors
/// When the link was used or is too old, or the password is easily guessed.
pub fn use_link(desk: &Desk, token: &str, password: &str) -> Result<Account> {
    let account = desk.read(|tx| match look(tx, token)? {
        (LinkPurpose::Password, Some(account)) => store::find(tx, &account),
        _ => Err(USED_UP),
    })?;
    password::check(password, &account.fields.login)?;
    let hashed = password::hash(password, desk.entropy())?;
    desk.write(|tx| {
        let (_, id) = take(tx, token)?;
        let id = id.ok_or(USED_UP)?;
        store::set_password(tx, &id, &hashed, None)?;
        let account = store::find(tx, &id)?;
        audit::recorded(
            tx,
            &account.access(),
            None,
            ("account", id.as_str()),
            "account.password",
            json!({"link": true}),
        )?;
        Ok(account)
    })
}

/// Whose invitation a token is, without using it up.
pub(super) fn invited_account(tx: &mut Tx<'_>, token: &str) -> Result<AccountId> {
    match look(tx, token)? {
        (LinkPurpose::Password, Some(account)) => Ok(account),
        _ => Err(USED_UP),
    }
}

/// Uses up the invitation of an account. Of two who come with it at once, one gets it.
pub(super) fn use_invitation(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    let used = tx.execute(
        "UPDATE one_time_link SET used_at = $2 WHERE account_id = $1 AND purpose = $3 AND used_at IS NULL \
         AND expires_at > $2",
        params![account, tx.now, LinkPurpose::Password],
    )?;
    if used == 0 { Err(USED_UP) } else { Ok(()) }
}

fn insert(tx: &mut Tx<'_>, purpose: LinkPurpose, account: Option<&AccountId>, token: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO one_time_link (hash, purpose, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        params![token_hash(token), purpose, account, tx.now, tx.now.plus_hours(HOURS)],
    )?;
    Ok(())
}

fn look(tx: &mut Tx<'_>, token: &str) -> Result<(LinkPurpose, Option<AccountId>)> {
    let row = tx.one(
        "SELECT purpose, account_id FROM one_time_link WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
        params![token_hash(token), tx.now],
    )?;
    let mut row = row.ok_or(USED_UP)?.reader();
    Ok((row.get()?, row.get()?))
}

/// Uses a link up. Of two who use it at once, one gets it.
fn take(tx: &mut Tx<'_>, token: &str) -> Result<(LinkPurpose, Option<AccountId>)> {
    let row = tx.one(
        "UPDATE one_time_link SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 \
         RETURNING purpose, account_id",
        params![token_hash(token), tx.now],
    )?;
    let mut row = row.ok_or(USED_UP)?.reader();
    Ok((row.get()?, row.get()?))
}

fn has_accounts(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx.one("SELECT id FROM account LIMIT 1", &[])?.is_some())
}
