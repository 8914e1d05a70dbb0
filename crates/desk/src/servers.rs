//! Servers: the machines of tenants.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit;
use crate::cells;
use crate::db::{Order, Reader, Sql, anywhere, params};
use crate::desk::{Tx, expect_changed};
use crate::tenants::{self, check_length, check_name, name_key};
use crate::{Access, Desk, Error, Page, PageRequest, Result, ServerId, TenantId, Time, Verb};

/// What is said of a server when it is made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ServerFields {
    /// Its short name, its tenant's only one whatever the case.
    pub name: String,
    /// Its name in DNS.
    #[serde(default)]
    pub fqdn: Option<String>,
    /// Its addresses, at most 64.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub addresses: Vec<IpAddr>,
    /// `exchange 2016`, as far as anybody said.
    #[serde(default)]
    pub product: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub note: String,
}

impl ServerFields {
    /// A server of which only the name is known.
    pub fn named(name: &str) -> ServerFields {
        ServerFields {
            name: name.to_owned(),
            fqdn: None,
            addresses: Vec::new(),
            product: None,
            note: String::new(),
        }
    }

    fn check(&self) -> Result<()> {
        check_name("name", &self.name)?;
        if let Some(fqdn) = &self.fqdn {
            check_name("fqdn", fqdn)?;
        }
        if self.addresses.len() > 64 {
            return Err(Error::invalid("addresses", "more than 64"));
        }
        if let Some(product) = &self.product {
            check_name("product", product)?;
        }
        check_length("note", &self.note, 20_000)
    }
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Server {
    /// Its identifier.
    pub id: ServerId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What is said of it.
    #[serde(flatten)]
    pub fields: ServerFields,
    /// When it was entered.
    pub created_at: Time,
    /// When it ceased to be there.
    pub archived_at: Option<Time>,
    /// Its revision.
    pub revision: i64,
}

impl Server {
    const COLUMNS: &str = "s.id, s.tenant_id, s.name, s.fqdn, s.addresses, s.product, s.note, s.created_at, \
         s.archived_at, s.revision";

    fn read(row: &mut Reader) -> Result<Server> {
        Ok(Server {
            id: row.get()?,
            tenant_id: row.get()?,
            fields: ServerFields {
                name: row.get()?,
                fqdn: row.get()?,
                addresses: row.json()?,
                product: row.get()?,
                note: row.get()?,
            },
            created_at: row.get()?,
            archived_at: row.get()?,
            revision: row.get()?,
        })
    }

    /// What a client's own person may see of it.
    fn shown_to(mut self, access: &Access) -> Server {
        if !access.may(Verb::ReadInternal) {
            self.fields.note.clear();
        }
        self
    }
}

/// Which servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default)]
pub struct ServerFilter {
    /// Of this tenant.
    #[serde(rename = "tenant")]
    pub tenant_id: Option<TenantId>,
    /// Part of the name, or of the name in DNS.
    #[serde(rename = "q")]
    pub search: Option<String>,
    /// Also those that ceased to be there.
    pub archived: bool,
}

impl ServerFilter {
    fn push(&self, sql: &mut Sql) {
        if let Some(tenant) = &self.tenant_id {
            sql.push(" AND s.tenant_id = ").bind(tenant);
        }
        if !self.archived {
            sql.push(" AND s.archived_at IS NULL");
        }
        if let Some(search) = &self.search {
            let pattern = anywhere(search);
            sql.push(" AND (s.name_key LIKE ")
                .bind(pattern.as_str())
                .push(" ESCAPE '!' OR fold(s.fqdn) LIKE ");
            sql.bind(pattern).push(" ESCAPE '!')");
        }
    }
}

/// Enters a server of a tenant. It joins the open campaigns of its tenant.
///
/// # Errors
/// [`Error::Taken`] when the tenant has one of that name.
pub fn create(desk: &Desk, access: &Access, tenant: &TenantId, fields: &ServerFields) -> Result<Server> {
    access.require_in(Verb::Inventory, tenant, "tenant")?;
    fields.check()?;
    desk.write(|tx| {
        tenants::find(tx, access, tenant)?;
        let id = insert(tx, tenant, fields)?;
        audit::recorded(
            tx,
            access,
            Some(tenant),
            ("server", id.as_str()),
            "server.create",
            json!({"fields": fields}),
        )?;
        find(tx, access, &id)
    })
}

/// Puts a server into the tables, and its cells into its tenant's open campaigns.
pub(crate) fn insert(tx: &mut Tx<'_>, tenant: &TenantId, fields: &ServerFields) -> Result<ServerId> {
    let id = ServerId::new(tx.now, tx.entropy);
    tx.insert_named(
        "INSERT INTO server (id, tenant_id, name, name_key, fqdn, addresses, product, note, created_at, revision) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
        params![
            &id,
            tenant,
            fields.name.trim(),
            name_key(&fields.name),
            fields.fqdn.as_ref(),
            json!(fields.addresses).to_string(),
            fields.product.as_ref(),
            &fields.note,
            tx.now,
        ],
        "server",
        &fields.name,
    )?;
    cells::enter_server(tx, tenant, &id)?;
    Ok(id)
}

/// One server.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn get(desk: &Desk, access: &Access, id: &ServerId) -> Result<Server> {
    access.require(Verb::Read)?;
    Ok(desk.read(|tx| find(tx, access, id))?.shown_to(access))
}

/// Servers by name.
pub fn list(desk: &Desk, access: &Access, filter: &ServerFilter, page: &PageRequest) -> Result<Page<Server>> {
    access.require(Verb::Read)?;
    let limit = page.limit()?;
    let after: Option<(String, String)> = page.after()?;
    let mut sql = Sql::new("SELECT ");
    sql.push(Server::COLUMNS)
        .push(" FROM server s WHERE ")
        .tenants("s.tenant_id", access);
    filter.push(&mut sql);
    sql.page(["s.name_key", "s.id"], Order::Rising, after, limit);
    let rows = desk.read(|tx| tx.rows(&sql))?;
    let servers: Result<Vec<Server>> = rows
        .into_iter()
        .map(|row| Ok(Server::read(&mut row.reader())?.shown_to(access)))
        .collect();
    Page::of(servers?, limit, |server| {
        (name_key(&server.fields.name), server.id.clone())
    })
}

/// How many servers there are.
pub fn count(desk: &Desk, access: &Access, filter: &ServerFilter) -> Result<i64> {
    access.require(Verb::Read)?;
    let mut sql = Sql::new("SELECT COUNT(*) FROM server s WHERE ");
    sql.tenants("s.tenant_id", access);
    filter.push(&mut sql);
    desk.read(|tx| tx.count(&sql))
}

/// Says something else of a server.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more, [`Error::Taken`] when another has the name.
pub fn change(
    desk: &Desk,
    access: &Access,
    id: &ServerId,
    revision: i64,
    fields: &ServerFields,
) -> Result<Server> {
    fields.check()?;
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Inventory)?;
        let other = tx.one(
            "SELECT id FROM server WHERE tenant_id = $1 AND name_key = $2 AND id <> $3",
            params![&before.tenant_id, name_key(&fields.name), id],
        )?;
        if other.is_some() {
            return Err(Error::Taken {
                what: "server",
                name: fields.name.clone(),
            });
        }
        let changed = tx.execute(
            "UPDATE server SET name = $3, name_key = $4, fqdn = $5, addresses = $6, product = $7, note = $8, \
             revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![
                id,
                revision,
                fields.name.trim(),
                name_key(&fields.name),
                fields.fqdn.as_ref(),
                json!(fields.addresses).to_string(),
                fields.product.as_ref(),
                &fields.note,
            ],
        )?;
        expect_changed(changed, Some(before.revision), "server")?;
        let details = json!({"before": before.fields, "after": fields});
        audit::recorded(
            tx,
            access,
            Some(&before.tenant_id),
            ("server", id.as_str()),
            "server.change",
            details,
        )?;
        find(tx, access, id)
    })
}

/// Archives a server that ceased to be there, or takes it back. Its cells leave the board; what was said of it stays.
///
/// # Errors
/// [`Error::Conflict`] when it is not at `revision` any more.
pub fn set_archived(
    desk: &Desk,
    access: &Access,
    id: &ServerId,
    revision: i64,
    archived: bool,
) -> Result<Server> {
    desk.write(|tx| {
        let before = find(tx, access, id)?;
        access.require(Verb::Inventory)?;
        let at = archived.then_some(tx.now);
        let changed = tx.execute(
            "UPDATE server SET archived_at = $3, revision = revision + 1 WHERE id = $1 AND revision = $2",
            params![id, revision, at],
        )?;
        expect_changed(changed, Some(before.revision), "server")?;
        match archived {
            true => cells::leave_server(tx, id)?,
            false => cells::enter_server(tx, &before.tenant_id, id)?,
        }
        let action = if archived {
            "server.archive"
        } else {
            "server.restore"
        };
        audit::recorded(
            tx,
            access,
            Some(&before.tenant_id),
            ("server", id.as_str()),
            action,
            json!({}),
        )?;
        find(tx, access, id)
    })
}

pub(crate) fn find(tx: &mut Tx<'_>, access: &Access, id: &ServerId) -> Result<Server> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Server::COLUMNS)
        .push(" FROM server s WHERE s.id = ")
        .bind(id);
    sql.push(" AND ").tenants("s.tenant_id", access);
    let row = tx.rows(&sql)?.into_iter().next();
    Server::read(&mut row.ok_or(Error::NotFound { what: "server" })?.reader())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_hidden, director, on_each_database, strangers};

    #[test]
    fn a_server_is_entered_found_and_changed() {
        on_each_database(|bench| {
            let desk = &bench.desk;
            let tenant = bench.tenant("Client");
            let mut fields = ServerFields::named("EX01");
            fields.fqdn = Some("ex01.client.example".into());
            fields.addresses = vec!["192.0.2.7".parse().unwrap()];
            let server = create(desk, &director(), &tenant, &fields).unwrap();
            assert_eq!(get(desk, &director(), &server.id).unwrap(), server);
            let again = create(desk, &director(), &tenant, &ServerFields::named("ex01"));
            assert!(matches!(again, Err(Error::Taken { .. })), "{again:?}");
            // Another tenant may have one of that name.
            create(
                desk,
                &director(),
                &bench.tenant("Other"),
                &ServerFields::named("ex01"),
            )
            .unwrap();
            fields.name = "EX02".into();
            assert_eq!(
                change(desk, &director(), &server.id, 1, &fields)
                    .unwrap()
                    .revision,
                2
            );
            let late = change(desk, &director(), &server.id, 1, &fields);
            assert!(matches!(late, Err(Error::Conflict { current: 2 })), "{late:?}");
            let filter = ServerFilter {
                search: Some("CLIENT.example".into()),
                ..ServerFilter::default()
            };
            assert_eq!(count(desk, &director(), &filter).unwrap(), 1);
            set_archived(desk, &director(), &server.id, 2, true).unwrap();
            assert_eq!(count(desk, &director(), &filter).unwrap(), 0);
        });
    }

    #[test]
    fn a_foreign_server_does_not_exist() {
        on_each_database(|bench| {
            let desk = &bench.desk;
            let tenant = bench.tenant("Secret");
            let other = bench.tenant("Other");
            let server = create(desk, &director(), &tenant, &ServerFields::named("EX01")).unwrap();
            for access in strangers(&other) {
                assert_hidden(get(desk, &access, &server.id));
                assert_hidden(create(desk, &access, &tenant, &ServerFields::named("EX02")));
                assert_hidden(change(desk, &access, &server.id, 1, &ServerFields::named("EX02")));
                assert_hidden(set_archived(desk, &access, &server.id, 1, true));
                let filter = ServerFilter {
                    tenant_id: Some(tenant.clone()),
                    ..ServerFilter::default()
                };
                assert_eq!(count(desk, &access, &filter).unwrap(), 0);
                assert!(
                    list(desk, &access, &filter, &PageRequest::default())
                        .unwrap()
                        .items
                        .is_empty()
                );
            }
        });
    }
}
