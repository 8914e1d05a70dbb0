//! Who comes from an identity provider: known by issuer and subject. The conversation with the provider is the server's.

use serde_json::json;

use super::store;
use crate::audit;
use crate::db::params;
use crate::secrets::{new_token, token_hash};
use crate::{Access, AccountId, Desk, Error, Result, Verb};

/// Minutes a sign-in may take.
const MINUTES: i64 = 10;

/// A sign-in on its way through the provider's pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// What the identity token must carry.
    pub nonce: String,
    /// What the code is exchanged with (PKCE).
    pub verifier: String,
    /// Where to go afterwards, a path of ours.
    pub return_to: String,
}

/// Begins a sign-in: what to send along as `state`, and what to remember.
///
/// # Errors
/// When `return_to` is not a path of ours.
pub fn begin(desk: &Desk, return_to: &str) -> Result<(String, Flow)> {
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
    let flow = Flow {
        nonce: new_token(desk.entropy()),
        verifier: new_token(desk.entropy()),
        return_to: return_to.to_owned(),
    };
    desk.write(|tx| {
        tx.execute("DELETE FROM oidc_flow WHERE expires_at <= $1", params![tx.now])?;
        tx.execute(
            "INSERT INTO oidc_flow (hash, nonce, verifier, return_to, expires_at) VALUES ($1, $2, $3, $4, $5)",
            params![
                token_hash(&state),
                &flow.nonce,
                &flow.verifier,
                &flow.return_to,
                tx.now.plus_seconds(MINUTES * 60),
            ],
        )
    })?;
    Ok((state, flow))
}

/// Ends it: what was remembered under `state`, once.
///
/// # Errors
/// When nothing was, it was asked for already, or it took too long.
pub fn finish(desk: &Desk, state: &str) -> Result<Flow> {
    desk.write(|tx| {
        let row = tx.one(
            "DELETE FROM oidc_flow WHERE hash = $1 RETURNING nonce, verifier, return_to, expires_at",
            params![token_hash(state)],
        )?;
        let unknown =
            Error::Unauthenticated("the sign-in took too long, or was begun elsewhere: begin again");
        let Some(row) = row else {
            return Err(unknown);
        };
        let mut row = row.reader();
        let flow = Flow {
            nonce: row.get()?,
            verifier: row.get()?,
            return_to: row.get()?,
        };
        let expires_at: crate::Time = row.get()?;
        if expires_at <= tx.now {
            Err(unknown)
        } else {
            Ok(flow)
        }
    })
}

/// The account of somebody the provider names.
///
/// # Errors
/// When nobody linked one.
pub fn account_of(desk: &Desk, issuer: &str, subject: &str) -> Result<AccountId> {
    desk.read(|tx| {
        let row = tx.one(
            "SELECT account_id FROM oidc_identity WHERE issuer = $1 AND subject = $2",
            params![issuer, subject],
        )?;
        let unknown = Error::Unauthenticated("no account is linked to this identity: ask an administrator");
        row.ok_or(unknown)?.reader().get()
    })
}

/// Links an account to somebody the provider names.
///
/// # Errors
/// When the identity is another account's.
pub fn link(desk: &Desk, access: &Access, account: &AccountId, issuer: &str, subject: &str) -> Result<()> {
    access.require_everywhere(Verb::Administer)?;
    if issuer.is_empty() || subject.is_empty() || issuer.len() + subject.len() > 2_000 {
        return Err(Error::invalid(
            "subject",
            "issuer and subject must be given, and be shorter than 2000 bytes",
        ));
    }
    desk.write(|tx| {
        store::find(tx, account)?;
        tx.insert_named(
            "INSERT INTO oidc_identity (issuer, subject, account_id, linked_at) VALUES ($1, $2, $3, $4)",
            params![issuer, subject, account, tx.now],
            "identity",
            subject,
        )?;
        audit::recorded(
            tx,
            access,
            None,
            ("account", account.as_str()),
            "account.link",
            json!({"issuer": issuer, "subject": subject}),
        )
    })
}

/// Takes all identities of an account away.
pub fn unlink(desk: &Desk, access: &Access, account: &AccountId) -> Result<()> {
    access.require_everywhere(Verb::Administer)?;
    desk.write(|tx| {
        store::find(tx, account)?;
        tx.execute(
            "DELETE FROM oidc_identity WHERE account_id = $1",
            params![account],
        )?;
        audit::recorded(
            tx,
            access,
            None,
            ("account", account.as_str()),
            "account.unlink",
            json!({}),
        )
    })
}
