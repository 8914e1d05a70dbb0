//! Tasks, notes, entities and moments of a case.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::store::{find, recorded_of};
use crate::db::{Reader, Sql, params};
use crate::desk::{Tx, expect_changed};
use crate::tenants::{check_length, check_name};
use crate::words::words;
use crate::{Access, AccountId, CaseId, Desk, Error, ItemId, Result, Time, Verb};

/// Items of one case.
const MOST: i64 = 5_000;
/// Characters of a note.
const LONGEST_NOTE: usize = 100_000;

words!(
    /// Where a task stands.
    TaskState {
        /// To be done.
        Todo = "todo",
        /// Somebody is on it.
        Doing = "doing",
        /// Done.
        Done = "done",
        /// Not to be done after all.
        Dropped = "dropped",
    }
);

words!(
    /// What an entity is.
    EntityKind {
        /// An IP address.
        Address = "address",
        /// A machine.
        Host = "host",
        /// An account.
        Account = "account",
        /// A mailbox.
        Mailbox = "mailbox",
        /// A file.
        File = "file",
        /// A hash.
        Hash = "hash",
        /// A domain.
        Domain = "domain",
        /// A URL.
        Url = "url",
        /// Anything else.
        Other = "other",
    }
);

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = CaseItemBody))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Body {
    /// Something to do.
    Task {
        /// What.
        title: String,
        /// Where it stands.
        state: TaskState,
        /// Who does it.
        #[serde(default)]
        assigned_to: Option<AccountId>,
        /// When it is due.
        #[serde(default)]
        due_at: Option<Time>,
    },
    /// Something written down, in Markdown, kept as it was written: whoever shows it must make it harmless.
    Note {
        /// The text.
        text: String,
        /// Whether the client's own people see it, where the case is shared.
        #[serde(default)]
        shared: bool,
    },
    /// An address, an account, a file: what plays a part.
    Entity {
        /// What it is.
        entity: EntityKind,
        /// Its name.
        value: String,
        /// What part it plays.
        #[serde(default)]
        note: String,
    },
    /// Something that happened, for the timeline.
    Moment {
        /// When.
        at: Time,
        /// What.
        text: String,
    },
}

impl Body {
    fn kind(&self) -> &'static str {
        match self {
            Body::Task { .. } => "task",
            Body::Note { .. } => "note",
            Body::Entity { .. } => "entity",
            Body::Moment { .. } => "moment",
        }
    }

    fn at(&self) -> Option<Time> {
        match self {
            Body::Moment { at, .. } => Some(*at),
            _ => None,
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            Body::Task { title, .. } => check_name("title", title),
            Body::Note { text, .. } if text.trim().is_empty() => Err(Error::invalid("text", "it is empty")),
            Body::Note { text, .. } => check_length("text", text, LONGEST_NOTE),
            Body::Entity { value, note, .. } => {
                check_length("value", value, 2_000)?;
                check_length("note", note, 4_000)?;
                match value.trim().is_empty() {
                    true => Err(Error::invalid("value", "it is empty")),
                    false => Ok(()),
                }
            }
            Body::Moment { text, .. } if text.trim().is_empty() => Err(Error::invalid("text", "it is empty")),
            Body::Moment { text, .. } => check_length("text", text, 4_000),
        }
    }

    fn is_shown_to(&self, access: &Access) -> bool {
        access.may(Verb::ReadInternal) || matches!(self, Body::Note { shared: true, .. })
    }
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = CaseItem))]
pub struct Item {
    /// Its identifier.
    pub id: ItemId,
    /// What it is.
    pub body: Body,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When it last changed.
    pub changed_at: Time,
    /// Its revision.
    pub revision: i64,
}

impl Item {
    const COLUMNS: &str = "i.id, i.body, i.created_by, i.created_at, i.changed_at, i.revision";

    fn read(row: &mut Reader) -> Result<Item> {
        Ok(Item {
            id: row.get()?,
            body: row.json()?,
            created_by: row.get()?,
            created_at: row.get()?,
            changed_at: row.get()?,
            revision: row.get()?,
        })
    }
}

/// Adds an item to a case.
///
/// # Errors
/// When the case is full, or the item says nothing.
pub fn add(desk: &Desk, access: &Access, case: &CaseId, body: &Body) -> Result<Item> {
    body.check()?;
    desk.write(|tx| {
        let found = find(tx, access, case)?;
        access.require(Verb::Case)?;
        let mut count = Sql::new("SELECT COUNT(*) FROM case_item WHERE removed_at IS NULL AND case_id = ");
        count.bind(case);
        if tx.count(&count)? >= MOST {
            return Err(Error::state(format!("the case has {MOST} items already")));
        }
        let id = ItemId::new(tx.now, tx.entropy);
        tx.execute(
            "INSERT INTO case_item (id, case_id, tenant_id, kind, body, at, created_by, created_at, changed_at, revision) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 1)",
            params![
                &id,
                case,
                &found.tenant_id,
                body.kind(),
                json!(body).to_string(),
                body.at(),
                &access.actor().name,
                tx.now,
            ],
        )?;
        let action = format!("case.{}", body.kind());
        recorded_of(tx, access, &found, &action, "", json!({"item_id": id, "body": body}))?;
        get_item(tx, case, &id)
    })
}

/// Changes an item.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more; when it would become something else.
pub fn change(
    desk: &Desk,
    access: &Access,
    case: &CaseId,
    id: &ItemId,
    revision: i64,
    body: &Body,
) -> Result<Item> {
    body.check()?;
    desk.write(|tx| {
        let found = find(tx, access, case)?;
        access.require(Verb::Case)?;
        let before = get_item(tx, case, id)?;
        if before.body.kind() != body.kind() {
            return Err(Error::invalid(
                "kind",
                format!("a {} stays one", before.body.kind()),
            ));
        }
        let changed = tx.execute(
            "UPDATE case_item SET body = $3, at = $4, changed_at = $5, revision = revision + 1 \
             WHERE id = $1 AND revision = $2",
            params![id, revision, json!(body).to_string(), body.at(), tx.now],
        )?;
        expect_changed(changed, Some(before.revision), "item")?;
        let action = format!("case.{}_change", body.kind());
        let details = json!({"item_id": id, "before": before.body, "after": body});
        recorded_of(tx, access, &found, &action, "", details)?;
        get_item(tx, case, id)
    })
}

/// Takes an item out of a case. What it said stays in the audit.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more.
pub fn remove(desk: &Desk, access: &Access, case: &CaseId, id: &ItemId, revision: i64) -> Result<()> {
    desk.write(|tx| {
        let found = find(tx, access, case)?;
        access.require(Verb::Case)?;
        let before = get_item(tx, case, id)?;
        let changed = tx.execute(
            "UPDATE case_item SET removed_at = $3, revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![id, revision, tx.now],
        )?;
        expect_changed(changed, Some(before.revision), "item")?;
        let action = format!("case.{}_remove", before.body.kind());
        recorded_of(
            tx,
            access,
            &found,
            &action,
            "",
            json!({"item_id": id, "body": before.body}),
        )
    })
}

/// The items of a case, oldest first. A client's own person sees the notes that are shared.
pub fn list(desk: &Desk, access: &Access, case: &CaseId) -> Result<Vec<Item>> {
    access.require(Verb::Read)?;
    let rows = desk.read(|tx| {
        find(tx, access, case)?;
        let sql = format!(
            "SELECT {} FROM case_item i WHERE i.case_id = $1 AND i.removed_at IS NULL ORDER BY i.created_at, i.id",
            Item::COLUMNS
        );
        tx.query(&sql, params![case])
    })?;
    let mut items = Vec::new();
    for row in rows {
        let item = Item::read(&mut row.reader())?;
        if item.body.is_shown_to(access) {
            items.push(item);
        }
    }
    Ok(items)
}

fn get_item(tx: &mut Tx<'_>, case: &CaseId, id: &ItemId) -> Result<Item> {
    let sql = format!(
        "SELECT {} FROM case_item i WHERE i.id = $1 AND i.case_id = $2 AND i.removed_at IS NULL",
        Item::COLUMNS
    );
    let row = tx.one(&sql, params![id, case])?;
    Item::read(&mut row.ok_or(Error::NotFound { what: "item" })?.reader())
}
