//! Tenants: the provider's clients.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit;
use crate::db::{Order, Reader, Sql, anywhere, params};
use crate::desk::{Tx, expect_changed};
use crate::words::words;
use crate::{Access, Desk, Error, Page, PageRequest, Result, TenantId, Time, Verb};

words!(
    /// What the provider owes a tenant.
    Contract {
        /// The SOC watches over it.
        Soc = "soc",
        /// Its servers are maintained.
        Managed = "managed",
        /// Nothing standing.
        None = "none",
    }
);

words!(
    /// The language a tenant is spoken to in.
    Locale {
        /// French.
        Fr = "fr",
        /// English.
        En = "en",
    }
);

/// Somebody to call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Contact {
    /// Who.
    pub name: String,
    /// What they are there: `DSI`, `owner`.
    pub role: String,
    /// Mail address.
    pub email: String,
    /// Telephone number.
    pub phone: String,
}

/// What is said of a tenant when it is made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TenantFields {
    /// Its name, 1 to 200 characters, its own whatever the case.
    pub name: String,
    /// What the provider owes it.
    pub contract: Contract,
    /// Its language.
    pub locale: Locale,
    /// The provider's agency that looks after it.
    #[serde(default)]
    pub agency: Option<String>,
    /// Whom to call, at most 50.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    /// Anything else.
    #[serde(default)]
    pub note: String,
}

impl TenantFields {
    /// A tenant of whom only the name is known: no contract, French.
    pub fn named(name: &str) -> TenantFields {
        TenantFields {
            name: name.to_owned(),
            contract: Contract::None,
            locale: Locale::Fr,
            agency: None,
            contacts: Vec::new(),
            note: String::new(),
        }
    }

    fn check(&self) -> Result<()> {
        check_name("name", &self.name)?;
        if self.contacts.len() > 50 {
            return Err(Error::invalid("contacts", "more than 50"));
        }
        let texts = self
            .contacts
            .iter()
            .flat_map(|who| [&who.name, &who.role, &who.email, &who.phone]);
        for text in texts.chain(&self.agency) {
            check_length("contacts", text, 200)?;
        }
        check_length("note", &self.note, 20_000)
    }

    fn contacts_json(&self) -> String {
        json!(self.contacts).to_string()
    }
}

/// Refuses names that are empty, long, or hold control characters.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid(field, "it is empty"));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(field, "it holds control characters"));
    }
    check_length(field, name, 200)
}

/// Refuses texts that are too long.
pub(crate) fn check_length(field: &'static str, text: &str, most: usize) -> Result<()> {
    match text.chars().count() {
        length if length > most => Err(Error::invalid(
            field,
            format!("{length} characters; at most {most}"),
        )),
        _ => Ok(()),
    }
}

/// Names that differ only in case or surrounding spaces are one.
pub(crate) fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tenant {
    /// Its identifier.
    pub id: TenantId,
    /// What is said of it.
    #[serde(flatten)]
    pub fields: TenantFields,
    /// When it was entered.
    pub created_at: Time,
    /// When it ceased to be a client.
    pub archived_at: Option<Time>,
    /// Its revision.
    pub revision: i64,
}

impl Tenant {
    const COLUMNS: &str = "t.id, t.name, t.contract, t.locale, t.agency, t.contacts, t.note, t.created_at, t.archived_at, t.revision";

    fn read(row: &mut Reader) -> Result<Tenant> {
        Ok(Tenant {
            id: row.get()?,
            fields: TenantFields {
                name: row.get()?,
                contract: row.get()?,
                locale: row.get()?,
                agency: row.get()?,
                contacts: row.json()?,
                note: row.get()?,
            },
            created_at: row.get()?,
            archived_at: row.get()?,
            revision: row.get()?,
        })
    }

    /// What a client's own person may see of it.
    fn shown_to(mut self, access: &Access) -> Tenant {
        if !access.may(Verb::ReadInternal) {
            self.fields.note.clear();
        }
        self
    }
}

/// Which tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct TenantFilter {
    /// Part of the name.
    #[serde(rename = "q")]
    pub search: Option<String>,
    /// This contract.
    pub contract: Option<Contract>,
    /// This agency.
    pub agency: Option<String>,
    /// Also those that ceased to be clients.
    pub archived: bool,
}

impl TenantFilter {
    fn push(&self, sql: &mut Sql) {
        if !self.archived {
            sql.push(" AND t.archived_at IS NULL");
        }
        if let Some(search) = &self.search {
            sql.push(" AND t.name_key LIKE ")
                .bind(anywhere(search))
                .push(" ESCAPE '!'");
        }
        if let Some(contract) = self.contract {
            sql.push(" AND t.contract = ").bind(contract);
        }
        if let Some(agency) = &self.agency {
            sql.push(" AND t.agency = ").bind(agency);
        }
    }
}

/// Enters a tenant. Only whoever is there for all tenants can.
///
/// # Errors
/// [`Error::Taken`] when there is one of that name.
pub fn create(desk: &Desk, access: &Access, fields: &TenantFields) -> Result<Tenant> {
    access.require_everywhere(Verb::Inventory)?;
    desk.write(|tx| {
        let id = insert(tx, access, fields)?;
        find(tx, access, &id)
    })
}

/// Puts a tenant into the tables.
pub(crate) fn insert(tx: &mut Tx<'_>, access: &Access, fields: &TenantFields) -> Result<TenantId> {
    fields.check()?;
    let id = TenantId::new(tx.now, tx.entropy);
    tx.insert_named(
        "INSERT INTO tenant (id, name, name_key, contract, locale, agency, contacts, note, created_at, revision) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
        params![
            &id,
            fields.name.trim(),
            name_key(&fields.name),
            fields.contract,
            fields.locale,
            fields.agency.as_ref(),
            fields.contacts_json(),
            &fields.note,
            tx.now,
        ],
        "tenant",
        &fields.name,
    )?;
    audit::recorded(
        tx,
        access,
        Some(&id),
        ("tenant", id.as_str()),
        "tenant.create",
        json!({"fields": fields}),
    )?;
    Ok(id)
}

/// One tenant.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &TenantId) -> Result<Tenant> {
    access.require_in(Verb::Read, id, "tenant")?;
    desk.read(|tx| find(tx, access, id))
}

/// Tenants by name.
pub fn list(desk: &Desk, access: &Access, filter: &TenantFilter, page: &PageRequest) -> Result<Page<Tenant>> {
    access.require(Verb::Read)?;
    let limit = page.limit()?;
    let after: Option<(String, String)> = page.after()?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Tenant::COLUMNS)
        .push(" FROM tenant t WHERE ")
        .tenants("t.id", access);
    filter.push(&mut sql);
    sql.page(["t.name_key", "t.id"], Order::Rising, after, limit);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let tenants: Result<Vec<Tenant>> = rows
        .into_iter()
        .map(|row| Ok(Tenant::read(&mut row.reader())?.shown_to(access)))
        .collect();
    Page::of(tenants?, limit, |tenant| {
        (name_key(&tenant.fields.name), tenant.id.clone())
    })
}

/// How many tenants there are.
pub fn count(desk: &Desk, access: &Access, filter: &TenantFilter) -> Result<i64> {
    access.require(Verb::Read)?;
    let mut sql = Sql::new("SELECT COUNT(*) FROM tenant t WHERE ");
    sql.tenants("t.id", access);
    filter.push(&mut sql);
    desk.read(|tx| tx.count(&sql))
}

/// Says something else of a tenant.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more, [`Error::Taken`] when another has the name.
pub fn change(
    desk: &Desk,
    access: &Access,
    id: &TenantId,
    revision: i64,
    fields: &TenantFields,
) -> Result<Tenant> {
    access.require_in(Verb::Inventory, id, "tenant")?;
    fields.check()?;
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        if name_key(&before.fields.name) != name_key(&fields.name) {
            // Whoever does not see all names must not learn which are taken.
            access.require_everywhere(Verb::Inventory)?;
        }
        let other = tx.one(
            "SELECT id FROM tenant WHERE name_key = $1 AND id <> $2",
            params![name_key(&fields.name), id],
        )?;
        if other.is_some() {
            return Err(Error::Taken {
                what: "tenant",
                name: fields.name.clone(),
            });
        }
        let changed = tx.execute(
            "UPDATE tenant SET name = $3, name_key = $4, contract = $5, locale = $6, agency = $7, contacts = $8, \
             note = $9, revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![
                id,
                revision,
                fields.name.trim(),
                name_key(&fields.name),
                fields.contract,
                fields.locale,
                fields.agency.as_ref(),
                fields.contacts_json(),
                &fields.note,
            ],
        )?;
        expect_changed(changed, Some(before.revision), "tenant")?;
        audit::recorded(tx, access, Some(id), ("tenant", id.as_str()), "tenant.change", json!({"before": before.fields, "after": fields}))?;
        find(tx, access, id)
    })
}

/// Archives a tenant that ceased to be a client, or takes it back. Nothing of it is deleted.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more.
pub fn set_archived(
    desk: &Desk,
    access: &Access,
    id: &TenantId,
    revision: i64,
    archived: bool,
) -> Result<Tenant> {
    access.require_in(Verb::Inventory, id, "tenant")?;
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        let at = archived.then_some(tx.now);
        let changed = tx.execute(
            "UPDATE tenant SET archived_at = $3, revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![id, revision, at],
        )?;
        expect_changed(changed, Some(before.revision), "tenant")?;
        let action = if archived {
            "tenant.archive"
        } else {
            "tenant.restore"
        };
        audit::recorded(tx, access, Some(id), ("tenant", id.as_str()), action, json!({}))?;
        find(tx, access, id)
    })
}

pub(crate) fn find(tx: &mut Tx<'_>, access: &Access, id: &TenantId) -> Result<Tenant> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Tenant::COLUMNS)
        .push(" FROM tenant t WHERE t.id = ")
        .bind(id);
    sql.push(" AND ").tenants("t.id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    let row = row.ok_or(Error::NotFound { what: "tenant" })?;
    Ok(Tenant::read(&mut row.reader())?.shown_to(access))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyst, assert_hidden, director, on_each_database, strangers};

    #[test]
    fn a_tenant_is_entered_found_and_changed() {
        on_each_database(|bench| {
            let desk = &bench.desk;
            let mut fields = TenantFields::named("Clinique Saint-Roch");
            fields.contract = Contract::Soc;
            fields.agency = Some("Lyon".into());
            let tenant = create(desk, &director(), &fields).unwrap();
            assert_eq!(tenant.revision, 1);
            assert_eq!(get(desk, &director(), &tenant.id).unwrap(), tenant);

            fields.name = "Clinique St-Roch".into();
            let changed = change(desk, &director(), &tenant.id, 1, &fields).unwrap();
            assert_eq!((changed.revision, changed.fields), (2, fields.clone()));

            // Somebody else still has the first revision before them.
            let late = change(desk, &director(), &tenant.id, 1, &fields);
            assert!(matches!(late, Err(Error::Conflict { current: 2 })), "{late:?}");
        });
    }

    #[test]
    fn a_name_is_one_tenant_s_whatever_its_case() {
        on_each_database(|bench| {
            bench.tenant("Énergie du Nord");
            let again = create(
                &bench.desk,
                &director(),
                &TenantFields::named(" énergie DU nord "),
            );
            assert!(matches!(again, Err(Error::Taken { .. })), "{again:?}");
            let other = bench.tenant("Other");
            let renamed = change(
                &bench.desk,
                &director(),
                &other,
                1,
                &TenantFields::named("ÉNERGIE du Nord"),
            );
            assert!(matches!(renamed, Err(Error::Taken { .. })), "{renamed:?}");
        });
    }

    #[test]
    fn lists_come_in_pages_and_can_be_searched() {
        on_each_database(|bench| {
            for name in ["beta", "Alpha", "gamma_1", "Gamma 2", "delta"] {
                bench.tenant(name);
            }
            let mut names = Vec::new();
            let mut page = PageRequest::first(2);
            loop {
                let got = list(&bench.desk, &director(), &TenantFilter::default(), &page).unwrap();
                names.extend(got.items.into_iter().map(|tenant| tenant.fields.name));
                page.cursor = got.next;
                if page.cursor.is_none() {
                    break;
                }
            }
            assert_eq!(names, ["Alpha", "beta", "delta", "Gamma 2", "gamma_1"]);
            let search = TenantFilter {
                search: Some("A_".into()),
                ..TenantFilter::default()
            };
            assert_eq!(count(&bench.desk, &director(), &search).unwrap(), 1);
            page.cursor = Some("nonsense".into());
            assert!(list(&bench.desk, &director(), &search, &page).is_err());
        });
    }

    #[test]
    fn bad_names_are_refused() {
        let bench = crate::testing::Bench::sqlite();
        for name in ["", "  ", "a\nb", &"x".repeat(201)] {
            let refused = create(&bench.desk, &director(), &TenantFields::named(name));
            assert!(
                matches!(refused, Err(Error::Invalid { field: "name", .. })),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_foreign_tenant_does_not_exist() {
        on_each_database(|bench| {
            let secret = bench.tenant("Secret client");
            let other = bench.tenant("Other");
            for access in strangers(&other) {
                assert_hidden(get(&bench.desk, &access, &secret));
                assert_hidden(change(
                    &bench.desk,
                    &access,
                    &secret,
                    1,
                    &TenantFields::named("x"),
                ));
                assert_hidden(set_archived(&bench.desk, &access, &secret, 1, true));
                let seen = list(
                    &bench.desk,
                    &access,
                    &TenantFilter::default(),
                    &PageRequest::default(),
                )
                .unwrap();
                assert!(seen.items.iter().all(|tenant| tenant.id == other));
                let filter = TenantFilter {
                    search: Some("secret".into()),
                    ..TenantFilter::default()
                };
                assert_eq!(count(&bench.desk, &access, &filter).unwrap(), 0);
                assert!(create(&bench.desk, &access, &TenantFields::named("y")).is_err());
            }
        });
    }

    #[test]
    fn an_analyst_reads_and_does_not_change() {
        on_each_database(|bench| {
            let id = bench.tenant("Client");
            assert!(get(&bench.desk, &analyst(), &id).is_ok());
            let refused = change(&bench.desk, &analyst(), &id, 1, &TenantFields::named("x"));
            assert!(matches!(refused, Err(Error::Forbidden { .. })), "{refused:?}");
        });
    }
}
