//! Saved views of lists: filters under a name, one's own or the team's.
//!
//! What somebody filters for may hold a client's name. A view that is shared is therefore there for those only who see
//! every tenant that its owner sees, and never for clients' own people.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::accounts::own_account;
use crate::audit;
use crate::db::{Reader, Sql, params};
use crate::desk::{Tx, expect_changed};
use crate::tenants::{check_length, check_name, name_key};
use crate::words::words;
use crate::{Access, AccountId, Desk, Error, Result, TenantSet, Time, Verb, ViewId};

/// Views of one account for one page.
const MOST: i64 = 100;
/// Characters of a query.
const LONGEST_QUERY: usize = 4_000;

words!(
    /// The list a view is of.
    ViewPage {
        /// The board of a campaign.
        Board = "board",
        /// The queue of findings.
        Findings = "findings",
    }
);

/// What is said of a view when it is saved or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ViewFields {
    /// Its name, its owner's only one for that list whatever the case.
    pub name: String,
    /// The filters, as they stand in the address behind `?`.
    pub query: String,
    /// Whether the team sees it.
    #[serde(default)]
    pub shared: bool,
}

impl ViewFields {
    fn check(&self, access: &Access) -> Result<()> {
        check_name("name", &self.name)?;
        check_length("query", &self.query, LONGEST_QUERY)?;
        match self.shared {
            // A client's own people share with nobody.
            true => access.require(Verb::ReadInternal),
            false => Ok(()),
        }
    }
}

/// A view to be saved.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// The list it is of.
    pub page: ViewPage,
    /// What is said of it.
    pub fields: ViewFields,
}

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SavedView {
    /// Its identifier.
    pub id: ViewId,
    /// The list it is of.
    pub page: ViewPage,
    /// What is said of it.
    #[serde(flatten)]
    pub fields: ViewFields,
    /// Whose it is.
    pub owner: String,
    /// Whether it is of whoever asks.
    pub own: bool,
    /// When it last changed.
    pub changed_at: Time,
    /// Its revision.
    pub revision: i64,
}

/// A view, with what decides who sees it.
struct Found {
    view: SavedView,
    tenants: TenantSet,
}

/// The views of an account are its own alone from now on.
pub(crate) fn unshare(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    tx.execute(
        "UPDATE saved_view SET shared = 0, changed_at = $2, revision = revision + 1 WHERE account_id = $1 AND shared = 1",
        params![account, tx.now],
    )?;
    Ok(())
}

impl Found {
    const COLUMNS: &str =
        "v.id, v.page, v.name, v.query, v.shared, a.name, v.account_id, v.changed_at, v.revision, a.tenants";

    fn read(row: &mut Reader, me: &AccountId) -> Result<Found> {
        let (id, page) = (row.get()?, row.get()?);
        let fields = ViewFields {
            name: row.get()?,
            query: row.get()?,
            shared: row.get()?,
        };
        let (owner, account): (String, AccountId) = (row.get()?, row.get()?);
        Ok(Found {
            view: SavedView {
                id,
                page,
                fields,
                owner,
                own: account == *me,
                changed_at: row.get()?,
                revision: row.get()?,
            },
            tenants: row.json()?,
        })
    }

    fn is_seen_by(&self, access: &Access) -> bool {
        let all_of_them = self.tenants.and(access.tenants()) == self.tenants;
        self.view.own || (self.view.fields.shared && access.may(Verb::ReadInternal) && all_of_them)
    }
}

/// One's own views of a list and the team's, by name.
pub fn list(desk: &Desk, access: &Access, page: ViewPage) -> Result<Vec<SavedView>> {
    access.require(Verb::Read)?;
    let me = own_account(access)?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Found::COLUMNS)
        .push(" FROM saved_view v JOIN account a ON a.id = v.account_id WHERE v.page = ")
        .bind(page);
    sql.push(" AND (v.shared = 1 OR v.account_id = ")
        .bind(&me)
        .push(") ORDER BY v.name_key, v.id");
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let mut seen = Vec::new();
    for row in rows {
        let found = Found::read(&mut row.reader(), &me)?;
        if found.is_seen_by(access) {
            seen.push(found.view);
        }
    }
    Ok(seen)
}

/// Saves a view under a name.
///
/// # Errors
/// [`Error::Taken`] when one has another of that name, and when one has too many.
pub fn save(desk: &Desk, access: &Access, new: &NewView) -> Result<SavedView> {
    access.require(Verb::Read)?;
    new.fields.check(access)?;
    let me = own_account(access)?;
    desk.write(|tx| {
        expect_free(tx, &me, new.page, &new.fields.name, None)?;
        let mut count = Sql::new("SELECT COUNT(*) FROM saved_view WHERE account_id = ");
        count.bind(&me).push(" AND page = ").bind(new.page);
        if tx.count(&count)? >= MOST {
            return Err(Error::state(format!("you have {MOST} views of this list: remove some first")));
        }
        let id = ViewId::new(tx.now, tx.entropy);
        tx.execute(
            "INSERT INTO saved_view (id, account_id, page, name, name_key, query, shared, created_at, changed_at, revision) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 1)",
            params![
                &id,
                &me,
                new.page,
                new.fields.name.trim(),
                name_key(&new.fields.name),
                new.fields.query.as_str(),
                new.fields.shared,
                tx.now,
            ],
        )?;
        recorded(tx, access, &id, "view.save", new.page, new.fields.shared)?;
        find(tx, access, &me, &id)
    })
}

/// Changes one's own view.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more; [`Error::NotFound`] when it is not one's own.
pub fn change(
    desk: &Desk,
    access: &Access,
    id: &ViewId,
    revision: i64,
    fields: &ViewFields,
) -> Result<SavedView> {
    access.require(Verb::Read)?;
    fields.check(access)?;
    let me = own_account(access)?;
    desk.write(|tx| {
        let before = find_own(tx, access, &me, id)?;
        expect_free(tx, &me, before.page, &fields.name, Some(id))?;
        let changed = tx.execute(
            "UPDATE saved_view SET name = $3, name_key = $4, query = $5, shared = $6, changed_at = $7, \
             revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![
                id,
                revision,
                fields.name.trim(),
                name_key(&fields.name),
                fields.query.as_str(),
                fields.shared,
                tx.now,
            ],
        )?;
        expect_changed(changed, Some(before.revision), "view")?;
        recorded(tx, access, id, "view.change", before.page, fields.shared)?;
        find(tx, access, &me, id)
    })
}

/// Removes one's own view.
///
/// # Errors
/// [`Error::NotFound`] when it is not one's own.
pub fn remove(desk: &Desk, access: &Access, id: &ViewId) -> Result<()> {
    access.require(Verb::Read)?;
    let me = own_account(access)?;
    desk.write(|tx| {
        let before = find_own(tx, access, &me, id)?;
        tx.execute("DELETE FROM saved_view WHERE id = $1", params![id])?;
        recorded(tx, access, id, "view.remove", before.page, before.fields.shared)
    })
}

fn expect_free(
    tx: &mut Tx<'_>,
    me: &AccountId,
    page: ViewPage,
    name: &str,
    but: Option<&ViewId>,
) -> Result<()> {
    let other = tx.one(
        "SELECT id FROM saved_view WHERE account_id = $1 AND page = $2 AND name_key = $3",
        params![me, page, name_key(name)],
    )?;
    let other: Option<ViewId> = other.map(|row| row.reader().get()).transpose()?;
    match other {
        Some(other) if Some(&other) != but => Err(Error::Taken {
            what: "view",
            name: name.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn find(tx: &mut Tx<'_>, access: &Access, me: &AccountId, id: &ViewId) -> Result<SavedView> {
    let sql = format!(
        "SELECT {} FROM saved_view v JOIN account a ON a.id = v.account_id WHERE v.id = $1",
        Found::COLUMNS
    );
    let missing = || Error::NotFound { what: "view" };
    let row = tx.one(&sql, params![id])?.ok_or_else(missing)?;
    let found = Found::read(&mut row.reader(), me)?;
    match found.is_seen_by(access) {
        true => Ok(found.view),
        false => Err(missing()),
    }
}

fn find_own(tx: &mut Tx<'_>, access: &Access, me: &AccountId, id: &ViewId) -> Result<SavedView> {
    let found = find(tx, access, me, id)?;
    match found.own {
        true => Ok(found),
        false => Err(Error::NotFound { what: "view" }),
    }
}

/// Names and filters stay one's own: the log says only that there was a view.
fn recorded(
    tx: &mut Tx<'_>,
    access: &Access,
    id: &ViewId,
    action: &str,
    page: ViewPage,
    shared: bool,
) -> Result<()> {
    let details = json!({"page": page, "shared": shared});
    audit::recorded(tx, access, None, ("view", id.as_str()), action, details)
}

#[cfg(test)]
mod tests;
