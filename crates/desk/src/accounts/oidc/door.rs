//! Letting in whom the provider recognised.

use serde_json::{Value as Json, json};

use super::super::sessions::{self, NewSession, SignedIn};
use super::super::{links, store, throttle, totp};
use super::flow::{self, Flow, TOO_LATE};
use crate::audit;
use crate::db::params;
use crate::secrets::{new_token, token_hash};
use crate::tenants::name_key;
use crate::{AccountId, Desk, Error, Result, Time, Unrecognised};

/// What a verified identity token says.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who says it.
    pub issuer: String,
    /// Of whom.
    pub subject: String,
    /// Whether they proved themselves with more than one factor there.
    pub second_factor: bool,
    /// How, in the provider's words (`acr`, `amr`): for the log.
    pub said: Json,
    /// The token itself: what the provider is shown when they sign out.
    pub id_token: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({} of {})", self.subject, self.issuer)
    }
}

/// Where somebody stands who wants in.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    /// Where they come from.
    pub address: &'a str,
    /// What their browser says it is.
    pub user_agent: &'a str,
}

/// What became of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// They are in.
    In(SignedIn),
    /// The account has a second factor of ours, and the provider did not ask for one: the token to bring the code with.
    CodeNeeded(String),
}

/// Signs in whom the provider recognised; with an invitation, their account is linked first.
///
/// # Errors
/// When no account is linked, it is closed, the identity is another account's, or the invitation was used meanwhile.
pub fn sign_in(desk: &Desk, flow: &Flow, identity: &Identity, door: Door<'_>) -> Result<Outcome> {
    let account = match &flow.invited {
        Some(account) => link_invited(desk, account, identity)?,
        None => super::account_of(desk, &identity.issuer, &identity.subject)?,
    };
    let found = desk.read(|tx| store::find(tx, &account))?;
    if found.disabled_at.is_some() {
        return Err(Error::Unauthenticated(Unrecognised::Closed));
    }
    if found.has_second_factor() && !identity.second_factor {
        let token = new_token(desk.entropy());
        let waiting = Flow {
            // What the provider said waits where the nonce was, and is written to the log with the session.
            nonce: identity.said.to_string(),
            verifier: String::new(),
            return_to: flow.return_to.clone(),
            invited: Some(account),
        };
        let sealed = sessions::seal_id_token(desk, &token_hash(&token), Some(&identity.id_token))?;
        desk.write(|tx| {
            flow::remember(tx, &token, &waiting)?;
            tx.execute(
                "UPDATE oidc_flow SET id_token = $2 WHERE hash = $1",
                params![token_hash(&token), sealed.as_deref()],
            )
        })?;
        return Ok(Outcome::CodeNeeded(token));
    }
    let method = if identity.second_factor {
        "oidc+mfa"
    } else {
        "oidc"
    };
    let id_token = Some(identity.id_token.as_str());
    open(desk, &account, method, &identity.said, id_token, door).map(Outcome::In)
}

/// Goes on with the code of the telephone, or a recovery code.
///
/// # Errors
/// [`Error::Locked`] after too many attempts; when the code is wrong or it took too long.
pub fn sign_in_with_code(desk: &Desk, token: &str, code: &str, door: Door<'_>) -> Result<SignedIn> {
    let hash = token_hash(token);
    let (account, said, sealed) = desk.read(|tx| {
        let row = tx.one(
            "SELECT account_id, nonce, expires_at, id_token FROM oidc_flow WHERE hash = $1 AND verifier = ''",
            params![hash.as_str()],
        )?;
        let mut row = row.ok_or(TOO_LATE)?.reader();
        let (id, said): (AccountId, String) = (row.get()?, row.get()?);
        let expires_at: Time = row.get()?;
        if expires_at <= tx.now {
            return Err(TOO_LATE);
        }
        let sealed: Option<Vec<u8>> = row.get()?;
        Ok((store::find(tx, &id)?, said, sealed))
    })?;
    let login_key = name_key(&account.fields.login);
    let counted = throttle::Door {
        login_key: &login_key,
        address: door.address,
    };
    counted.knock(desk)?;
    desk.write(|tx| {
        if !totp::takes_second_factor(desk, tx, &account.id, code)? {
            return Ok(Err(Error::Unauthenticated(Unrecognised::WrongCode)));
        }
        let first = tx.execute("DELETE FROM oidc_flow WHERE hash = $1", params![hash.as_str()])?;
        Ok(if first > 0 { Ok(()) } else { Err(TOO_LATE) })
    })??;
    let said = serde_json::from_str(&said).unwrap_or_default();
    let id_token = sessions::open_id_token(desk, &hash, sealed)?;
    let signed_in = open(desk, &account.id, "oidc+code", &said, id_token.as_deref(), door)?;
    desk.write(|tx| counted.open(tx))?;
    Ok(signed_in)
}

fn open(
    desk: &Desk,
    account: &AccountId,
    method: &str,
    said: &Json,
    id_token: Option<&str>,
    door: Door<'_>,
) -> Result<SignedIn> {
    let new = NewSession {
        method,
        address: door.address,
        user_agent: door.user_agent,
        provider: Some(said),
        id_token,
    };
    sessions::open(desk, account, &new)
}

fn link_invited(desk: &Desk, account: &AccountId, identity: &Identity) -> Result<AccountId> {
    desk.write(|tx| {
        let found = store::find(tx, account)?;
        if found.disabled_at.is_some() {
            return Err(Error::Unauthenticated(Unrecognised::Closed));
        }
        links::use_invitation(tx, account)?;
        if super::owner(tx, &identity.issuer, &identity.subject)?.as_ref() == Some(account) {
            return Ok(account.clone());
        }
        super::insert(tx, account, &identity.issuer, &identity.subject)?;
        let details = json!({"issuer": identity.issuer, "subject": identity.subject, "invitation": true});
        audit::recorded(
            tx,
            &found.access(),
            None,
            ("account", account.as_str()),
            "account.link",
            details,
        )?;
        Ok(account.clone())
    })
}
