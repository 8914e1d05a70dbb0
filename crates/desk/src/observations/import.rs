//! Inventories, scans and hunts brought in: each observation under the server it is about.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vigie_exposure::{Fact, Observation, Origin, Place, Subject};

use super::store::{put_all, text_of};
use crate::audit::{self, Act};
use crate::db::{Sql, params};
use crate::desk::Tx;
use crate::servers::{self, ServerFields};
use crate::tenants::{self, TenantFields, name_key};
use crate::{Access, Desk, Error, Result, ServerId, TenantId, Verb};

/// Names listed of what could not be placed; the rest is counted.
const LISTED: usize = 1_000;
/// What marks servers the desk knows already.
const KNOWN: &str = "desk";

/// How to bring them in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ImportOptions {
    /// Whose everything is, whatever the source says.
    pub tenant_id: Option<TenantId>,
    /// Whether tenants that are named and unknown are entered. Only whoever is there for all tenants can.
    pub new_tenants: bool,
    /// Whether servers that are named and unknown are entered.
    pub new_servers: bool,
}

/// What became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportReport {
    /// Observations that were given.
    pub observations: u64,
    /// Those that were new.
    pub kept: u64,
    /// Those that were there already.
    pub known: u64,
    /// Those whose server is unknown; nothing of them was kept.
    pub unplaced: u64,
    /// Tenants that were entered.
    pub new_tenants: u64,
    /// Servers that were entered.
    pub new_servers: u64,
    /// Servers something was observed of.
    pub servers: u64,
    /// Whose server is unknown, at most the first thousand.
    pub unplaced_names: Vec<Unplaced>,
}

/// A server nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unplaced {
    /// Whose it is, as the source writes it.
    pub tenant: Option<String>,
    /// Its best name.
    pub name: String,
    /// Where it is named.
    pub origin: String,
}

/// Brings observations in: those an inventory's reader gave (`vigie_exposure::inventory`), a probe's, a hunt's.
///
/// # Errors
/// When a named tenant would have to be entered by somebody who is not there for all tenants.
pub fn import(
    desk: &Desk,
    access: &Access,
    observations: &[Observation],
    options: &ImportOptions,
) -> Result<ImportReport> {
    match &options.tenant_id {
        Some(tenant) => access.require_in(Verb::Inventory, tenant, "tenant")?,
        None => access.require(Verb::Inventory)?,
    }
    if options.new_tenants {
        access.require_everywhere(Verb::Inventory)?;
    }
    desk.write(|tx| {
        let mut import = Import {
            options,
            access,
            report: ImportReport {
                observations: observations.len() as u64,
                ..ImportReport::default()
            },
            tenants: HashMap::new(),
        };
        import.learn_tenants(tx, observations)?;
        import.place(tx, observations)?;
        Ok(import.report)
    })
}

struct Import<'a> {
    options: &'a ImportOptions,
    access: &'a Access,
    report: ImportReport,
    /// By the key of the name.
    tenants: HashMap<String, TenantId>,
}

impl Import<'_> {
    /// The tenants that are named, entered if need be.
    fn learn_tenants(&mut self, tx: &mut Tx<'_>, observations: &[Observation]) -> Result<()> {
        if let Some(tenant) = &self.options.tenant_id {
            tenants::find(tx, self.access, tenant)?;
            return Ok(());
        }
        let mut named: BTreeMap<String, &str> = BTreeMap::new();
        for tenant in observations
            .iter()
            .filter_map(|one| one.subject.tenant.as_deref())
        {
            named.entry(name_key(tenant)).or_insert(tenant);
        }
        let keys: Vec<&String> = named.keys().collect();
        for some in keys.chunks(5_000) {
            let mut sql = Sql::new("SELECT t.name_key, t.id FROM tenant t WHERE ");
            sql.tenants("t.id", self.access)
                .push(" AND ")
                .one_of("t.name_key", some.iter().copied());
            for row in tx.rows(&sql)? {
                let mut row = row.reader();
                self.tenants.insert(row.get()?, row.get()?);
            }
        }
        if !self.options.new_tenants {
            return Ok(());
        }
        for (key, name) in named {
            if self.tenants.contains_key(&key) {
                continue;
            }
            let id = tenants::insert(tx, self.access, &TenantFields::named(name))?;
            self.tenants.insert(key, id);
            self.report.new_tenants += 1;
        }
        Ok(())
    }

    fn place(&mut self, tx: &mut Tx<'_>, observations: &[Observation]) -> Result<()> {
        let mut all = self.known_servers(tx)?;
        for one in observations {
            match self.subject(one) {
                Some(subject) => all.push(Observation {
                    subject: Arc::new(subject),
                    ..one.clone()
                }),
                None => self.unplaced(one),
            }
        }
        let estate = vigie_exposure::merge(all);
        let mut by_tenant: BTreeMap<TenantId, (u64, u64, u64)> = BTreeMap::new();
        for server in estate.servers.iter().chain(&estate.outside) {
            let (known, seen): (Vec<&Observation>, Vec<&Observation>) = server
                .observations
                .iter()
                .partition(|one| one.origin.reader == KNOWN);
            if seen.is_empty() {
                continue;
            }
            let known = known
                .first()
                .and_then(|one| text_of(one.origin.place.as_ref()?).parse::<ServerId>().ok());
            let tenant: Option<TenantId> = server.tenant.as_deref().and_then(|tenant| tenant.parse().ok());
            let (Some(tenant), true) = (tenant, known.is_some() || self.options.new_servers) else {
                seen.into_iter().for_each(|one| self.unplaced(one));
                continue;
            };
            let id = match known {
                Some(known) => known,
                None => {
                    let Some(id) = self.enter(tx, &tenant, server)? else {
                        seen.into_iter().for_each(|one| self.unplaced(one));
                        continue;
                    };
                    by_tenant.entry(tenant.clone()).or_default().2 += 1;
                    id
                }
            };
            let kept = put_all(tx, self.access, &tenant, &id, seen.iter().copied())?;
            self.report.kept += kept;
            self.report.known += seen.len() as u64 - kept;
            self.report.servers += 1;
            let counts = by_tenant.entry(tenant).or_default();
            counts.0 += 1;
            counts.1 += kept;
        }
        let others = estate.others.iter().flat_map(|server| &server.observations);
        others.for_each(|one| self.unplaced(one));
        for (tenant, (servers, kept, new)) in by_tenant {
            let act = Act {
                tenant: Some(&tenant),
                action: "observation.import",
                subject: ("tenant", tenant.as_str()),
                campaign: None,
                text: "",
                details: json!({"servers": servers, "kept": kept, "new_servers": new}),
            };
            audit::record(tx, self.access, &act)?;
        }
        Ok(())
    }

    /// A server of the desk as an observation that says only that it is there.
    fn known_servers(&self, tx: &mut Tx<'_>) -> Result<Vec<Observation>> {
        let mut sql = Sql::new("SELECT s.id, s.tenant_id, s.name, s.fqdn, s.addresses FROM server s WHERE ");
        sql.tenants("s.tenant_id", self.access);
        if let Some(tenant) = &self.options.tenant_id {
            sql.push(" AND s.tenant_id = ").bind(tenant);
        }
        sql.push(" ORDER BY s.id");
        let mut known = Vec::new();
        for row in tx.rows(&sql)? {
            let mut row = row.reader();
            let id: String = row.get()?;
            let (tenant, name): (String, String) = (row.get()?, row.get()?);
            known.push(Observation {
                subject: Arc::new(Subject {
                    tenant: Some(tenant),
                    name: Some(name),
                    fqdn: row.get()?,
                    addresses: row.json()?,
                    ..Subject::default()
                }),
                fact: Fact::Listed,
                at: None,
                origin: Origin {
                    reader: KNOWN,
                    file: KNOWN.into(),
                    place: Some(Place::Path(id.into())),
                },
            });
        }
        Ok(known)
    }

    /// The subject with the identifier of its tenant for a name; `None` when its tenant is unknown.
    fn subject(&self, one: &Observation) -> Option<Subject> {
        let tenant = match (&self.options.tenant_id, &one.subject.tenant) {
            (Some(tenant), _) => Some(tenant.to_string()),
            (None, Some(name)) => Some(self.tenants.get(&name_key(name))?.to_string()),
            (None, None) => None,
        };
        Some(Subject {
            tenant,
            ..(*one.subject).clone()
        })
    }

    fn enter(
        &mut self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        server: &vigie_exposure::Server,
    ) -> Result<Option<ServerId>> {
        let name: String = server
            .name
            .chars()
            .filter(|character| !character.is_control())
            .take(200)
            .collect();
        let fields = ServerFields {
            fqdn: server.fqdn.clone().filter(|fqdn| fqdn.chars().count() <= 200),
            addresses: server.addresses.iter().copied().take(64).collect(),
            ..ServerFields::named(&name)
        };
        if name.trim().is_empty() {
            return Ok(None);
        }
        // Two servers of one short name: the second goes by its whole one.
        let taken = tx.one(
            "SELECT id FROM server WHERE tenant_id = $1 AND name_key = $2",
            params![tenant, name_key(&name)],
        )?;
        let fields = match (taken, &server.fqdn) {
            (Some(_), Some(fqdn)) => ServerFields {
                name: fqdn.chars().take(200).collect(),
                ..fields
            },
            _ => fields,
        };
        match servers::insert(tx, tenant, &fields) {
            Ok(id) => {
                self.report.new_servers += 1;
                Ok(Some(id))
            }
            Err(Error::Taken { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn unplaced(&mut self, one: &Observation) {
        self.report.unplaced += 1;
        let subject = &one.subject;
        let address = || subject.addresses.first().map(ToString::to_string);
        let name = subject
            .name
            .clone()
            .or_else(|| subject.fqdn.clone())
            .or_else(address)
            .unwrap_or_default();
        // What was matched carries its tenant's identifier for a name.
        let tenant = subject
            .tenant
            .clone()
            .filter(|tenant| tenant.parse::<TenantId>().is_err());
        let listed = &mut self.report.unplaced_names;
        let repeats = listed
            .last()
            .is_some_and(|last| last.name == name && last.tenant == tenant);
        if !repeats && listed.len() < LISTED {
            listed.push(Unplaced {
                tenant,
                name,
                origin: one.origin.to_string(),
            });
        }
    }
}
