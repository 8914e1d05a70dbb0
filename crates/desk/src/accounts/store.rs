//! Accounts in the database.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::password;
use super::totp::own;
use crate::audit;
use crate::db::{Reader, Sql, params};
use crate::desk::{Tx, expect_changed};
use crate::tenants::{Locale, check_name, name_key};
use crate::views;
use crate::{
    Access, AccountId, Actor, ActorKind, Desk, Error, Page, PageRequest, Result, Role, TenantSet, Time, Verb,
};

/// Bytes of somebody's preferences: saved views, colours.
const MOST_PREFERENCES: usize = 64 * 1024;

/// What is said of an account when it is made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountFields {
    /// What one signs in with, unique whatever the case.
    pub login: String,
    /// The name to show.
    pub name: String,
    /// As what.
    pub role: Role,
    /// For which tenants.
    pub tenants: TenantSet,
    /// In which language.
    pub locale: Locale,
}

impl AccountFields {
    pub(super) fn check(&self) -> Result<()> {
        check_name("login", &self.login)?;
        check_name("name", &self.name)?;
        let is_everywhere = self.tenants == TenantSet::All;
        match self.role {
            Role::ClientContact if is_everywhere => Err(Error::invalid(
                "tenants",
                "a client's contact belongs to his own tenants, never to all",
            )),
            Role::Administrator if !is_everywhere => Err(Error::invalid(
                "tenants",
                "an administrator is there for all tenants",
            )),
            _ => Ok(()),
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// Its identifier.
    pub id: AccountId,
    /// What is said of it.
    #[serde(flatten)]
    pub fields: AccountFields,
    /// Its own settings: saved views, colours.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub preferences: Json,
    /// Whether it has a password.
    pub has_password: bool,
    /// Since when it has a second factor.
    pub totp_confirmed_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
    /// When it was closed.
    pub disabled_at: Option<Time>,
    /// When it last signed in.
    pub last_sign_in_at: Option<Time>,
    /// Its revision.
    pub revision: i64,
}

impl Account {
    pub(super) const COLUMNS: &str = "a.id, a.login, a.name, a.role, a.tenants, a.locale, a.preferences, \
         CASE WHEN a.password IS NULL THEN 0 ELSE 1 END, a.totp_confirmed_at, a.created_at, a.disabled_at, \
         a.last_sign_in_at, a.revision";

    pub(super) fn read(row: &mut Reader) -> Result<Account> {
        Ok(Account {
            id: row.get()?,
            fields: AccountFields {
                login: row.get()?,
                name: row.get()?,
                role: row.get()?,
                tenants: row.json()?,
                locale: row.get()?,
            },
            preferences: row.json()?,
            has_password: row.get()?,
            totp_confirmed_at: row.get()?,
            created_at: row.get()?,
            disabled_at: row.get()?,
            last_sign_in_at: row.get()?,
            revision: row.get()?,
        })
    }

    /// What its owner may see and do.
    pub fn access(&self) -> Access {
        let actor = Actor {
            kind: ActorKind::User,
            id: self.id.to_string(),
            name: self.fields.name.clone(),
        };
        Access::new(actor, self.fields.role, self.fields.tenants.clone())
    }
}

/// Somebody of the provider, for lists to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    /// The account.
    pub id: AccountId,
    /// The name.
    pub name: String,
    /// As what.
    pub role: Role,
}

/// Makes an account, without a password: [`super::invite`] gives a link to set one.
///
/// # Errors
/// [`Error::Taken`] when there is one with that login.
pub fn create(desk: &Desk, access: &Access, fields: &AccountFields) -> Result<Account> {
    access.require_everywhere(Verb::Administer)?;
    fields.check()?;
    desk.write(|tx| {
        let id = insert(tx, fields)?;
        audit::recorded(
            tx,
            access,
            None,
            ("account", id.as_str()),
            "account.create",
            json!({"fields": fields}),
        )?;
        find(tx, &id)
    })
}

pub(super) fn insert(tx: &mut Tx<'_>, fields: &AccountFields) -> Result<AccountId> {
    let id = AccountId::new(tx.now, tx.entropy);
    tx.insert_named(
        "INSERT INTO account (id, login, login_key, name, role, tenants, locale, preferences, totp_last_step, \
         created_at, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', 0, $8, 1)",
        params![
            &id,
            fields.login.trim(),
            name_key(&fields.login),
            fields.name.trim(),
            fields.role,
            json!(fields.tenants).to_string(),
            fields.locale,
            tx.now,
        ],
        "account",
        &fields.login,
    )?;
    Ok(id)
}

/// One account: one's own, or any as an administrator.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub fn get(desk: &Desk, access: &Access, id: &AccountId) -> Result<Account> {
    if own(access).ok().as_ref() != Some(id) {
        access.require_everywhere(Verb::Administer)?;
    }
    desk.read(|tx| find(tx, id))
}

/// All accounts by login, for administrators and auditors.
pub fn list(desk: &Desk, access: &Access, page: &PageRequest) -> Result<Page<Account>> {
    if !access.may(Verb::Audit) {
        access.require(Verb::Administer)?;
    }
    access.require_everywhere(Verb::Read)?;
    let limit = page.limit()?;
    let after: Option<String> = page.after()?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Account::COLUMNS).push(" FROM account a");
    if let Some(login) = after {
        sql.push(" WHERE a.login_key > ").bind(login);
    }
    sql.push(" ORDER BY a.login_key LIMIT ").bind(limit as i64 + 1);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let accounts: Result<Vec<Account>> = rows
        .into_iter()
        .map(|row| Account::read(&mut row.reader()))
        .collect();
    Page::of(accounts?, limit, |account| name_key(&account.fields.login))
}

/// The provider's own people who can work on a tenant of whoever asks. Clients' contacts are not among them.
pub fn people(desk: &Desk, access: &Access) -> Result<Vec<Person>> {
    access.require(Verb::ReadInternal)?;
    let sql = format!(
        "SELECT {} FROM account a WHERE a.disabled_at IS NULL AND a.role <> $1 ORDER BY a.name, a.id",
        Account::COLUMNS
    );
    let rows = desk.read(|tx| tx.query(&sql, params![Role::ClientContact]))?;
    let mut people = Vec::new();
    for row in rows {
        let account = Account::read(&mut row.reader())?;
        if account.fields.tenants.and(access.tenants()) != TenantSet::Only(Default::default()) {
            people.push(Person {
                id: account.id,
                name: account.fields.name,
                role: account.fields.role,
            });
        }
    }
    Ok(people)
}

/// Says something else of an account. What it may do changes at once, in its open sessions too.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more; when no administrator would be left.
pub fn change(
    desk: &Desk,
    access: &Access,
    id: &AccountId,
    revision: i64,
    fields: &AccountFields,
) -> Result<Account> {
    access.require_everywhere(Verb::Administer)?;
    fields.check()?;
    desk.write(|tx| {
        let before = find(tx, id)?;
        let other = tx.one(
            "SELECT id FROM account WHERE login_key = $1 AND id <> $2",
            params![name_key(&fields.login), id],
        )?;
        if other.is_some() {
            return Err(Error::Taken {
                what: "account",
                name: fields.login.clone(),
            });
        }
        let changed = tx.execute(
            "UPDATE account SET login = $3, login_key = $4, name = $5, role = $6, tenants = $7, locale = $8, \
             revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![
                id,
                revision,
                fields.login.trim(),
                name_key(&fields.login),
                fields.name.trim(),
                fields.role,
                json!(fields.tenants).to_string(),
                fields.locale,
            ],
        )?;
        expect_changed(changed, Some(before.revision), "account")?;
        if before.fields.tenants != fields.tenants {
            // They may name clients whom those who would see them now may not know.
            views::unshare(tx, id)?;
        }
        let details = json!({"before": before.fields, "after": fields});
        audit::recorded(
            tx,
            access,
            None,
            ("account", id.as_str()),
            "account.change",
            details,
        )?;
        expect_administrator(tx)?;
        find(tx, id)
    })
}

/// Closes an account, or opens it again. Its sessions end and its keys stop working.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more; when no administrator would be left.
pub fn set_disabled(
    desk: &Desk,
    access: &Access,
    id: &AccountId,
    revision: i64,
    disabled: bool,
) -> Result<Account> {
    access.require_everywhere(Verb::Administer)?;
    desk.write(|tx| {
        let before = find(tx, id)?;
        let changed = tx.execute(
            "UPDATE account SET disabled_at = $3, revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![id, revision, disabled.then_some(tx.now)],
        )?;
        expect_changed(changed, Some(before.revision), "account")?;
        tx.execute("DELETE FROM session WHERE account_id = $1", params![id])?;
        if disabled {
            // Nobody else could change or remove them.
            views::unshare(tx, id)?;
        }
        let action = if disabled {
            "account.disable"
        } else {
            "account.enable"
        };
        audit::recorded(tx, access, None, ("account", id.as_str()), action, json!({}))?;
        expect_administrator(tx)?;
        find(tx, id)
    })
}

/// To be asked after recording: the chain's lock makes two who close each other's account wait for one another.
fn expect_administrator(tx: &mut Tx<'_>) -> Result<()> {
    let left = tx.one(
        "SELECT id FROM account WHERE role = $1 AND disabled_at IS NULL LIMIT 1",
        params![Role::Administrator],
    )?;
    match left {
        Some(_) => Ok(()),
        None => Err(Error::state(
            "no administrator would be left: make another one first",
        )),
    }
}

/// Keeps one's own settings.
///
/// # Errors
/// When they are larger than 64 KiB.
pub fn set_preferences(desk: &Desk, access: &Access, locale: Locale, preferences: &Json) -> Result<Account> {
    let id = own(access)?;
    let text = preferences.to_string();
    if text.len() > MOST_PREFERENCES || !preferences.is_object() {
        let why = format!("they must be an object of at most {MOST_PREFERENCES} bytes");
        return Err(Error::invalid("preferences", why));
    }
    desk.write(|tx| {
        tx.execute(
            "UPDATE account SET preferences = $2, locale = $3 WHERE id = $1",
            params![&id, text.as_str(), locale],
        )?;
        find(tx, &id)
    })
}

/// Changes one's own password. All other sessions end.
///
/// # Errors
/// When the old one is wrong, or the new one easily guessed.
pub fn change_password(desk: &Desk, access: &Access, session: &str, old: &str, new: &str) -> Result<()> {
    let id = own(access)?;
    let (account, kept) = desk.read(|tx| Ok((find(tx, &id)?, password_of(tx, &id)?)))?;
    let door = super::throttle::Door {
        login_key: &name_key(&account.fields.login),
        address: "",
    };
    door.knock(desk)?;
    if !password::verify(old, kept.as_deref())? {
        return Err(Error::invalid("old", "it is not the present password"));
    }
    password::check(new, &account.fields.login)?;
    let hashed = password::hash(new, desk.entropy())?;
    desk.write(|tx| {
        door.open(tx)?;
        set_password(tx, &id, &hashed, Some(session))?;
        audit::recorded(
            tx,
            access,
            None,
            ("account", id.as_str()),
            "account.password",
            json!({}),
        )
    })
}

/// Keeps a password, and ends all sessions but one.
pub(super) fn set_password(tx: &mut Tx<'_>, id: &AccountId, hashed: &str, but: Option<&str>) -> Result<()> {
    tx.execute(
        "UPDATE account SET password = $2 WHERE id = $1",
        params![id, hashed],
    )?;
    let kept = but.map(crate::secrets::token_hash).unwrap_or_default();
    tx.execute(
        "DELETE FROM session WHERE account_id = $1 AND hash <> $2",
        params![id, kept],
    )?;
    Ok(())
}

pub(super) fn password_of(tx: &mut Tx<'_>, id: &AccountId) -> Result<Option<String>> {
    let row = tx.one("SELECT password FROM account WHERE id = $1", params![id])?;
    row.ok_or(Error::NotFound { what: "account" })?.reader().get()
}

pub(crate) fn find(tx: &mut Tx<'_>, id: &AccountId) -> Result<Account> {
    let sql = format!("SELECT {} FROM account a WHERE a.id = $1", Account::COLUMNS);
    let row = tx.one(&sql, params![id])?;
    Account::read(&mut row.ok_or(Error::NotFound { what: "account" })?.reader())
}
