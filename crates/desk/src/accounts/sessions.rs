//! Sessions: what signing in gives. The browser holds a token; the database only its hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::store::{self, Account};
use super::totp::own;
use crate::audit;
use crate::db::params;
use crate::secrets::{new_token, token_hash};
use crate::{Access, AccountId, Desk, Error, Result, SessionId, Time, Unrecognised, Verb};

/// Hours after which a session ends, whatever happens.
pub const LONGEST_HOURS: i64 = 12;
/// Hours without a request after which it ends.
pub const IDLE_HOURS: i64 = 2;
/// Seconds within which a session's last sight is not written down again.
const TOUCH: i64 = 60;
/// Sessions of one account, at most; the oldest makes room.
const MOST: i64 = 20;
/// Bytes of an identity token that are kept: it travels in an address.
const LONGEST_TOKEN: usize = 6_000;
/// Characters kept of what a browser says it is.
const AGENT: usize = 300;

/// What a new session is to remember.
#[derive(Clone, Copy)]
pub struct NewSession<'a> {
    /// How its owner signed in: `password`; at the identity provider with `oidc`, `oidc+mfa` (which asked for a second
    /// factor) or `oidc+code` (ours).
    pub method: &'a str,
    /// From where.
    pub address: &'a str,
    /// With what.
    pub user_agent: &'a str,
    /// How the identity provider says it recognised them: for the log.
    pub provider: Option<&'a serde_json::Value>,
    /// The identity token they came in with: it is shown to the provider when they sign out there.
    pub id_token: Option<&'a str>,
}

/// Somebody who just signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// What goes into the cookie, and is kept nowhere else.
    pub token: String,
    /// What each changing request must carry besides ([`csrf_token`]).
    pub csrf: String,
    /// The account.
    pub account: Account,
}

/// Somebody who comes with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What they may see and do.
    pub access: Access,
    /// The account.
    pub account: Account,
    /// The session.
    pub session: SessionId,
    /// When it ends.
    pub expires_at: Time,
}

/// A session, for its owner to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// How its owner signed in: `password`, `oidc`, `oidc+mfa` (a second factor at the provider), `oidc+code` (ours).
    pub method: String,
    /// When.
    pub created_at: Time,
    /// When it was last used, to the minute.
    pub last_seen_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// From where.
    pub address: String,
    /// With what.
    pub user_agent: String,
}

/// The token against forged requests that belongs to a session's token. It follows from it, and does not give it away.
pub fn csrf_token(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("vigie csrf {token}")))
}

/// Whether a request's token against forgery is the one of its session.
pub fn is_csrf_token(token: &str, given: &str) -> bool {
    super::password::is_same(csrf_token(token).as_bytes(), given.as_bytes())
}

/// Opens a session for an account whose owner was recognised.
///
/// # Errors
/// When the account is closed.
pub fn open(desk: &Desk, account: &AccountId, new: &NewSession<'_>) -> Result<SignedIn> {
    let token = new_token(desk.entropy());
    let hash = token_hash(&token);
    let id_token = seal_id_token(desk, &hash, new.id_token)?;
    desk.write(|tx| {
        let account = store::find(tx, account)?;
        if account.disabled_at.is_some() {
            return Err(Error::Unauthenticated(Unrecognised::Closed));
        }
        tx.execute(
            "DELETE FROM session WHERE account_id = $1 AND (expires_at <= $2 OR last_seen_at <= $3 OR hash NOT IN \
             (SELECT hash FROM session WHERE account_id = $1 ORDER BY created_at DESC, hash LIMIT $4))",
            params![&account.id, tx.now, tx.now.plus_hours(-IDLE_HOURS), MOST - 1],
        )?;
        tx.execute(
            "INSERT INTO session (hash, id, account_id, method, created_at, last_seen_at, expires_at, address, user_agent, \
             id_token) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9)",
            params![
                hash.as_str(),
                &SessionId::new(tx.now, tx.entropy),
                &account.id,
                new.method,
                tx.now,
                tx.now.plus_hours(LONGEST_HOURS),
                new.address,
                new.user_agent.chars().take(AGENT).collect::<String>(),
                id_token.as_deref(),
            ],
        )?;
        tx.execute(
            "UPDATE account SET last_sign_in_at = $2 WHERE id = $1",
            params![&account.id, tx.now],
        )?;
        let mut details = json!({"method": new.method, "address": new.address});
        if let Some(provider) = new.provider {
            details["provider"] = provider.clone();
        }
        audit::recorded(tx, &account.access(), None, ("account", account.id.as_str()), "account.sign_in", details)?;
        Ok(SignedIn {
            csrf: csrf_token(&token),
            token: token.clone(),
            account,
        })
    })
}

/// Who comes with a token.
///
/// # Errors
/// [`Error::Unauthenticated`] when the session ended or never was.
pub fn authenticate(desk: &Desk, token: &str) -> Result<Signed> {
    let hash = token_hash(token);
    let (signed, seen, now) = desk.read(|tx| {
        let sql = format!(
            "SELECT s.id, s.last_seen_at, s.expires_at, {} FROM session s JOIN account a ON a.id = s.account_id \
             WHERE s.hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND a.disabled_at IS NULL",
            Account::COLUMNS
        );
        let row = tx.one(&sql, params![hash.as_str(), tx.now, tx.now.plus_hours(-IDLE_HOURS)])?;
        let mut row = row
            .ok_or(Error::Unauthenticated(Unrecognised::SessionOver))?
            .reader();
        let (session, seen, expires_at): (SessionId, Time, Time) = (row.get()?, row.get()?, row.get()?);
        let account = Account::read(&mut row)?;
        let signed = Signed {
            access: account.access(),
            account,
            session,
            expires_at,
        };
        Ok((signed, seen, tx.now))
    })?;
    if now.seconds_since(seen) >= TOUCH {
        desk.write(|tx| {
            tx.execute(
                "UPDATE session SET last_seen_at = $2 WHERE hash = $1",
                params![hash.as_str(), tx.now],
            )
        })?;
    }
    Ok(signed)
}

/// Signs out: the session of a token ends. Gives the identity token of whoever came in by the identity provider.
pub fn close(desk: &Desk, token: &str) -> Result<Option<String>> {
    let hash = token_hash(token);
    let row = desk.write(|tx| {
        let sql = "DELETE FROM session WHERE hash = $1 RETURNING id_token";
        tx.one(sql, params![hash.as_str()])
    })?;
    let sealed: Option<Vec<u8>> = row.map_or(Ok(None), |row| row.reader().get())?;
    // The session has ended: a token that cannot be opened any more does not undo that.
    Ok(open_id_token(desk, &hash, sealed).unwrap_or_default())
}

/// An identity token as it is kept, under the hash of the token it belongs to. One that is too long is not.
pub(super) fn seal_id_token(desk: &Desk, hash: &str, id_token: Option<&str>) -> Result<Option<Vec<u8>>> {
    id_token
        .filter(|id_token| id_token.len() <= LONGEST_TOKEN)
        .map(|id_token| {
            desk.master()
                .seal(desk.entropy(), &id_token_context(hash), id_token.as_bytes())
        })
        .transpose()
}

pub(super) fn open_id_token(desk: &Desk, hash: &str, sealed: Option<Vec<u8>>) -> Result<Option<String>> {
    let opened = sealed.map(|sealed| desk.master().open(&id_token_context(hash), &sealed));
    Ok(opened
        .transpose()?
        .and_then(|bytes| String::from_utf8(bytes).ok()))
}

fn id_token_context(hash: &str) -> String {
    format!("identity token {hash}")
}

/// One's own sessions, newest first.
pub fn list(desk: &Desk, access: &Access) -> Result<Vec<Session>> {
    let id = own(access)?;
    let rows = desk.read(|tx| {
        tx.query(
            "SELECT id, method, created_at, last_seen_at, expires_at, address, user_agent FROM session \
             WHERE account_id = $1 AND expires_at > $2 AND last_seen_at > $3 ORDER BY created_at DESC, id",
            params![&id, tx.now, tx.now.plus_hours(-IDLE_HOURS)],
        )
    })?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.reader();
            Ok(Session {
                id: row.get()?,
                method: row.get()?,
                created_at: row.get()?,
                last_seen_at: row.get()?,
                expires_at: row.get()?,
                address: row.get()?,
                user_agent: row.get()?,
            })
        })
        .collect()
}

/// Ends a session: one's own, or anybody's as an administrator.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub fn end(desk: &Desk, access: &Access, session: &SessionId) -> Result<()> {
    let of = match access.require_everywhere(Verb::Administer) {
        Ok(()) => None,
        Err(_) => Some(own(access)?),
    };
    desk.write(|tx| {
        let ended = tx.one(
            "DELETE FROM session WHERE id = $1 AND account_id = COALESCE($2, account_id) RETURNING account_id",
            params![session, of.as_ref()],
        )?;
        let account: AccountId = ended.ok_or(Error::NotFound { what: "session" })?.reader().get()?;
        audit::recorded(tx, access, None, ("account", account.as_str()), "account.end_session", json!({}))
    })
}
