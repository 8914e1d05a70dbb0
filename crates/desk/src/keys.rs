//! API keys: for programs, which act for an account with no more than part of its rights.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::accounts::{self, Account};
use crate::audit;
use crate::db::{Reader, Sql, params};
use crate::desk::Tx;
use crate::secrets::{new_token, token_hash};
use crate::tenants::check_name;
use crate::{
    Access, AccountId, Actor, ActorKind, Desk, Error, KeyId, Result, TenantSet, Time, Unrecognised, Verb,
};

/// What keys begin with, so that they are recognised where they should not be.
const PREFIX: &str = "vigie_";
/// Days a key works, at most.
const MOST_DAYS: i64 = 366;
/// Working keys of one account, at most.
const MOST: i64 = 50;
/// Seconds within which a key's last use is not written down again.
const TOUCH: i64 = 60;

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// For which of one's tenants.
    pub tenants: TenantSet,
    /// With which of one's rights.
    pub verbs: BTreeSet<Verb>,
    /// When it stops working, within a year.
    pub expires_at: Time,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    /// Its identifier.
    pub id: KeyId,
    /// What it is for.
    pub name: String,
    /// For whom it acts.
    pub account_id: AccountId,
    /// For which tenants, as far as its account is there for them.
    pub tenants: TenantSet,
    /// With which rights, as far as its account has them.
    pub verbs: BTreeSet<Verb>,
    /// When it was made.
    pub created_at: Time,
    /// When it stops working.
    pub expires_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Time>,
}

impl ApiKey {
    const COLUMNS: &str = "k.id, k.name, k.account_id, k.tenants, k.verbs, k.created_at, k.expires_at, k.revoked_at, k.last_used_at";

    fn read(row: &mut Reader) -> Result<ApiKey> {
        Ok(ApiKey {
            id: row.get()?,
            name: row.get()?,
            account_id: row.get()?,
            tenants: row.json()?,
            verbs: row.json()?,
            created_at: row.get()?,
            expires_at: row.get()?,
            revoked_at: row.get()?,
            last_used_at: row.get()?,
        })
    }
}

/// Makes a key for whoever asks, and gives its secret, which is shown once.
///
/// # Errors
/// When it would have a right its owner lacks, or work for more than a year; when a key asks.
pub fn create(desk: &Desk, access: &Access, new: &NewKey) -> Result<(ApiKey, String)> {
    check_name("name", &new.name)?;
    let owner = owner(access)?;
    if let Some(missing) = new.verbs.iter().find(|verb| !access.may(**verb)) {
        access.require(*missing)?;
    }
    if new.verbs.is_empty() {
        return Err(Error::invalid("verbs", "a key without rights is of no use"));
    }
    match &new.tenants {
        TenantSet::All if !access.is_everywhere() => {
            return Err(Error::invalid(
                "tenants",
                "you are not there for all tenants: name yours",
            ));
        }
        TenantSet::Only(these) if !these.iter().all(|tenant| access.tenants().contains(tenant)) => {
            return Err(Error::NotFound { what: "tenant" });
        }
        _ => {}
    }
    let secret = format!("{PREFIX}{}", new_token(desk.entropy()));
    desk.write(|tx| {
        if new.expires_at <= tx.now || new.expires_at > tx.now.plus_days(MOST_DAYS) {
            return Err(Error::invalid(
                "expires_at",
                format!("it must lie within the next {MOST_DAYS} days"),
            ));
        }
        let mut working = Sql::new("SELECT COUNT(*) FROM api_key WHERE revoked_at IS NULL AND account_id = ");
        working.bind(&owner).push(" AND expires_at > ").bind(tx.now);
        if tx.count(&working)? >= MOST {
            return Err(Error::state(format!(
                "there are {MOST} keys already: revoke one first"
            )));
        }
        let id = KeyId::new(tx.now, tx.entropy);
        tx.execute(
            "INSERT INTO api_key (id, hash, name, account_id, tenants, verbs, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                &id,
                token_hash(&secret),
                new.name.trim(),
                &owner,
                json!(new.tenants).to_string(),
                json!(new.verbs).to_string(),
                tx.now,
                new.expires_at,
            ],
        )?;
        let details = json!({
            "name": new.name.trim(), "tenants": new.tenants, "verbs": new.verbs, "expires_at": new.expires_at,
        });
        audit::recorded(tx, access, None, ("key", id.as_str()), "key.create", details)?;
        Ok((find(tx, &id)?, secret.clone()))
    })
}

/// What the bearer of a secret may see and do.
///
/// # Errors
/// [`Error::Unauthenticated`] when there is no such key, it stopped working, or its account is closed.
pub fn authenticate(desk: &Desk, secret: &str) -> Result<Access> {
    const REFUSED: Error = Error::Unauthenticated(Unrecognised::Key);
    if !secret.starts_with(PREFIX) {
        return Err(REFUSED);
    }
    let (key, account, now) = desk.read(|tx| {
        let sql = format!("SELECT {} FROM api_key k WHERE k.hash = $1", ApiKey::COLUMNS);
        let row = tx.one(&sql, params![token_hash(secret)])?;
        let key = ApiKey::read(&mut row.ok_or(REFUSED)?.reader())?;
        let account: Account = accounts::find(tx, &key.account_id)?;
        Ok((key, account, tx.now))
    })?;
    if key.revoked_at.is_some() || key.expires_at <= now || account.disabled_at.is_some() {
        return Err(REFUSED);
    }
    if key
        .last_used_at
        .is_none_or(|last| now.seconds_since(last) >= TOUCH)
    {
        desk.write(|tx| {
            tx.execute(
                "UPDATE api_key SET last_used_at = $2 WHERE id = $1",
                params![&key.id, tx.now],
            )
        })?;
    }
    let actor = Actor {
        kind: ActorKind::Key,
        id: key.id.to_string(),
        name: format!("{} ({})", key.name, account.fields.name),
    };
    let tenants = account.fields.tenants.and(&key.tenants);
    Ok(Access::new(actor, account.fields.role, tenants).limited_to(&key.verbs))
}

/// One's own keys, or all of them as an administrator; newest first, at most a thousand.
pub fn list(desk: &Desk, access: &Access) -> Result<Vec<ApiKey>> {
    let mut sql = Sql::new("SELECT ");
    sql.push(ApiKey::COLUMNS).push(" FROM api_key k WHERE ");
    match access.require_everywhere(Verb::Administer) {
        Ok(()) => sql.push("1 = 1"),
        Err(_) => sql.push("k.account_id = ").bind(&owner(access)?),
    };
    sql.push(" ORDER BY k.created_at DESC, k.id DESC LIMIT 1000");
    let rows = desk.read(|tx| tx.rows(&sql))?;
    rows.into_iter()
        .map(|row| ApiKey::read(&mut row.reader()))
        .collect()
}

/// Revokes a key: one's own, or anybody's as an administrator.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub fn revoke(desk: &Desk, access: &Access, id: &KeyId) -> Result<ApiKey> {
    desk.write(|tx| {
        let key = find(tx, id)?;
        if access.require_everywhere(Verb::Administer).is_err() && owner(access)? != key.account_id {
            return Err(Error::NotFound { what: "key" });
        }
        tx.execute(
            "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
            params![id, tx.now],
        )?;
        audit::recorded(tx, access, None, ("key", id.as_str()), "key.revoke", json!({}))?;
        find(tx, id)
    })
}

/// The account of a person who asks. A key does not keep keys.
/// The account somebody works for: a person's own, or that of whoever made the key.
pub(crate) fn works_for(tx: &mut Tx<'_>, access: &Access) -> Result<AccountId> {
    match access.actor().kind {
        ActorKind::Key => {
            let id = access
                .actor()
                .id
                .parse()
                .map_err(|_| Error::NotFound { what: "key" })?;
            Ok(find(tx, &id)?.account_id)
        }
        _ => accounts::own_account(access),
    }
}

fn owner(access: &Access) -> Result<AccountId> {
    match access.actor().kind {
        ActorKind::User => access
            .actor()
            .id
            .parse()
            .map_err(|_| Error::NotFound { what: "account" }),
        _ => Err(Error::state("only a person, signed in, keeps keys")),
    }
}

fn find(tx: &mut Tx<'_>, id: &KeyId) -> Result<ApiKey> {
    let sql = format!("SELECT {} FROM api_key k WHERE k.id = $1", ApiKey::COLUMNS);
    let row = tx.one(&sql, params![id])?;
    ApiKey::read(&mut row.ok_or(Error::NotFound { what: "key" })?.reader())
}
