//! Who comes from an identity provider: known by issuer and subject. The conversation with the provider is the server's.
//!
//! Nobody is let in because of what a provider says alone: an account must have been linked to the identity before, by an
//! administrator who knows its subject, or by its owner, who comes with an invitation and signs in at the provider. Names
//! and e-mail addresses are not looked at: providers let people choose them.

mod door;
mod flow;
#[cfg(test)]
mod tests;

pub use door::{Door, Identity, Outcome, sign_in, sign_in_with_code};
pub use flow::{Flow, begin, finish};

use serde::Serialize;
use serde_json::json;

use super::store;
use crate::audit;
use crate::db::params;
use crate::desk::Tx;
use crate::{Access, AccountId, Desk, Error, Result, Time, Unrecognised, Verb};

/// Bytes of an issuer and a subject together.
const LONGEST: usize = 2_000;
/// Identities of one account.
const MOST: i64 = 20;

/// Somebody a provider names, linked to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Linked {
    /// The provider.
    pub issuer: String,
    /// Whom it means by that.
    pub subject: String,
    /// Since when.
    pub linked_at: Time,
}

/// The account of somebody the provider names.
///
/// # Errors
/// When nobody linked one.
pub fn account_of(desk: &Desk, issuer: &str, subject: &str) -> Result<AccountId> {
    let found = desk.read(|tx| owner(tx, issuer, subject))?;
    found.ok_or(Error::Unauthenticated(Unrecognised::NotLinked))
}

fn owner(tx: &mut Tx<'_>, issuer: &str, subject: &str) -> Result<Option<AccountId>> {
    let row = tx.one(
        "SELECT account_id FROM oidc_identity WHERE issuer = $1 AND subject = $2",
        params![issuer, subject],
    )?;
    row.map(|row| row.reader().get()).transpose()
}

/// The identities of an account: one's own, or anybody's as an administrator.
///
/// # Errors
/// When there is no such account.
pub fn identities(desk: &Desk, access: &Access, account: &AccountId) -> Result<Vec<Linked>> {
    store::get(desk, access, account)?;
    let rows = desk.read(|tx| {
        tx.query(
            "SELECT issuer, subject, linked_at FROM oidc_identity WHERE account_id = $1 ORDER BY linked_at, subject",
            params![account],
        )
    })?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.reader();
            Ok(Linked {
                issuer: row.get()?,
                subject: row.get()?,
                linked_at: row.get()?,
            })
        })
        .collect()
}

/// Links an account to somebody the provider names, when there is a provider.
///
/// # Errors
/// When the identity is another account's, or there is none.
pub fn link(
    desk: &Desk,
    access: &Access,
    account: &AccountId,
    issuer: Option<&str>,
    subject: &str,
) -> Result<()> {
    access.require_everywhere(Verb::Administer)?;
    let issuer = issuer.ok_or_else(|| {
        Error::state("no identity provider is configured: start the server with --oidc-issuer")
    })?;
    desk.write(|tx| {
        store::find(tx, account)?;
        insert(tx, account, issuer, subject)?;
        let details = json!({"issuer": issuer, "subject": subject});
        audit::recorded(
            tx,
            access,
            None,
            ("account", account.as_str()),
            "account.link",
            details,
        )
    })
}

fn insert(tx: &mut Tx<'_>, account: &AccountId, issuer: &str, subject: &str) -> Result<()> {
    if issuer.is_empty() || subject.is_empty() || issuer.len() + subject.len() > LONGEST {
        let why = format!("issuer and subject must be given, and be shorter than {LONGEST} bytes");
        return Err(Error::invalid("subject", why));
    }
    if subject.chars().any(char::is_control) {
        return Err(Error::invalid("subject", "it holds control characters"));
    }
    let row = tx.one(
        "SELECT COUNT(*) FROM oidc_identity WHERE account_id = $1",
        params![account],
    )?;
    let present: i64 = row.map_or(Ok(0), |row| row.reader().get())?;
    if present >= MOST {
        return Err(Error::state(format!(
            "the account has {MOST} identities already: take them away first"
        )));
    }
    tx.insert_named(
        "INSERT INTO oidc_identity (issuer, subject, account_id, linked_at) VALUES ($1, $2, $3, $4)",
        params![issuer, subject, account, tx.now],
        "identity",
        subject,
    )
}

/// Takes all identities of an account away. Sessions that came by them end.
pub fn unlink(desk: &Desk, access: &Access, account: &AccountId) -> Result<()> {
    access.require_everywhere(Verb::Administer)?;
    desk.write(|tx| {
        store::find(tx, account)?;
        tx.execute(
            "DELETE FROM oidc_identity WHERE account_id = $1",
            params![account],
        )?;
        tx.execute(
            "DELETE FROM session WHERE account_id = $1 AND method <> 'password'",
            params![account],
        )?;
        tx.execute("DELETE FROM oidc_flow WHERE account_id = $1", params![account])?;
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
