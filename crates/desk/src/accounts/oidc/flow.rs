//! Sign-ins on their way through the provider's pages.

use super::super::links;
use crate::db::params;
use crate::desk::Tx;
use crate::secrets::{new_token, token_hash};
use crate::{AccountId, Desk, Error, Result, Time, Unrecognised};

/// Minutes a sign-in may take.
pub(super) const MINUTES: i64 = 10;
/// Sign-ins on their way at once. Anybody can begin one: when there are more, the oldest make room.
const MOST: i64 = 10_000;

pub(super) const TOO_LATE: Error = Error::Unauthenticated(Unrecognised::TooLate);

/// A sign-in on its way through the provider's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// What the identity token must carry.
    pub nonce: String,
    /// What the code is exchanged with (PKCE).
    pub verifier: String,
    /// Where to go afterwards, a path of ours.
    pub return_to: String,
    /// Whose invitation it was begun with: that account is linked when it ends.
    pub invited: Option<AccountId>,
}

/// Begins a sign-in: what to send along as `state`, and what to remember.
///
/// # Errors
/// When `return_to` is not a path of ours, or the invitation was used or is too old.
pub fn begin(desk: &Desk, return_to: &str, invitation: Option<&str>) -> Result<(String, Flow)> {
    let bytes = return_to.as_bytes();
    let is_path = bytes.first() == Some(&b'/')
        && !matches!(bytes.get(1), Some(b'/' | b'\\'))
        && !return_to
            .chars()
            .any(|character| character.is_control() || character == '\\');
    if !is_path || return_to.len() > 2_000 {
        return Err(Error::invalid("return_to", "it is not a path of this site"));
    }
    let state = new_token(desk.entropy());
    let (nonce, verifier) = (new_token(desk.entropy()), new_token(desk.entropy()));
    desk.write(|tx| {
        let invited = invitation
            .map(|token| links::invited_account(tx, token))
            .transpose()?;
        let flow = Flow {
            nonce: nonce.clone(),
            verifier: verifier.clone(),
            return_to: return_to.to_owned(),
            invited,
        };
        remember(tx, &state, &flow)?;
        Ok((state.clone(), flow))
    })
}

/// Keeps a flow under the hash of a token.
pub(super) fn remember(tx: &mut Tx<'_>, token: &str, flow: &Flow) -> Result<()> {
    tx.execute("DELETE FROM oidc_flow WHERE expires_at <= $1", params![tx.now])?;
    let row = tx.one("SELECT COUNT(*) FROM oidc_flow", &[])?;
    let present: i64 = row.map_or(Ok(0), |row| row.reader().get())?;
    if present >= MOST {
        tx.execute(
            "DELETE FROM oidc_flow WHERE hash IN (SELECT hash FROM oidc_flow ORDER BY expires_at, hash LIMIT $1)",
            params![present - MOST + MOST / 10],
        )?;
    }
    tx.execute(
        "INSERT INTO oidc_flow (hash, nonce, verifier, return_to, account_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            token_hash(token),
            &flow.nonce,
            &flow.verifier,
            &flow.return_to,
            flow.invited.as_ref(),
            tx.now.plus_seconds(MINUTES * 60),
        ],
    )?;
    Ok(())
}

/// Ends it: what was remembered under `state`, once.
///
/// # Errors
/// When nothing was, it was asked for already, or it took too long.
pub fn finish(desk: &Desk, state: &str) -> Result<Flow> {
    desk.write(|tx| {
        // Without a verifier it is somebody whose code is awaited.
        let row = tx.one(
            "DELETE FROM oidc_flow WHERE hash = $1 AND verifier <> '' \
             RETURNING nonce, verifier, return_to, account_id, expires_at",
            params![token_hash(state)],
        )?;
        let mut row = row.ok_or(TOO_LATE)?.reader();
        let flow = Flow {
            nonce: row.get()?,
            verifier: row.get()?,
            return_to: row.get()?,
            invited: row.get()?,
        };
        let expires_at: Time = row.get()?;
        if expires_at <= tx.now {
            Err(TOO_LATE)
        } else {
            Ok(flow)
        }
    })
}
