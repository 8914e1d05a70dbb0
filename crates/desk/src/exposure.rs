//! Who is concerned: a campaign's servers assessed by `vigie-exposure`, and the cells that follow.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::json;
use vigie_exposure::result::{Assessment, CveExposure, ServerExposure};
use vigie_exposure::{Estate, Status};
use vigie_pack::Pack;

use crate::audit::{self, Act};
use crate::campaigns::{self, Campaign};
use crate::cells::{self, Put, Stage};
use crate::db::{Sql, params};
use crate::desk::Tx;
use crate::{Access, CampaignId, Desk, Error, Result, ServerId, TenantId, Time, Verb, observations, servers};

/// Servers assessed in one transaction.
const AT_ONCE: usize = 200;
/// What its statements rest on.
const BASIS: &str = "observations";

/// What an assessment said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Assessed {
    /// Servers assessed.
    pub servers: usize,
    /// Cells that say something else now.
    pub changed: usize,
    /// Servers that are open.
    pub vulnerable: usize,
    /// Servers of which nobody can tell.
    pub unknown: usize,
}

/// Assesses the servers of a campaign that `access` sees, and says so in their cells *inventory* and *exposure*.
///
/// # Errors
/// When the campaign is closed, or `pack` is not its pack.
pub fn assess(desk: &Desk, access: &Access, campaign: &CampaignId, pack: &Pack) -> Result<Assessed> {
    let servers: Vec<(ServerId, TenantId)> = desk.read(|tx| {
        let open = campaigns::find_open(tx, access, campaign)?;
        access.require(Verb::Inventory)?;
        expect_pack(&open, pack)?;
        let mut sql = Sql::new("SELECT c.server_id, c.tenant_id FROM cell c WHERE c.campaign_id = ");
        sql.bind(campaign)
            .push(" AND c.stage = ")
            .bind(Stage::Exposure)
            .push(" AND ");
        sql.tenants("c.tenant_id", access)
            .push(" ORDER BY c.tenant_id, c.server_id");
        let rows = tx.rows(&sql)?;
        rows.into_iter()
            .map(|row| {
                let mut row = row.reader();
                Ok((row.get()?, row.get()?))
            })
            .collect()
    })?;
    let mut assessed = Assessed::default();
    for some in servers.chunks(AT_ONCE) {
        let part = desk.write(|tx| assess_some(tx, access, campaign, pack, some))?;
        assessed.servers += part.servers;
        assessed.changed += part.changed;
        assessed.vulnerable += part.vulnerable;
        assessed.unknown += part.unknown;
    }
    Ok(assessed)
}

fn expect_pack(campaign: &Campaign, pack: &Pack) -> Result<()> {
    match campaign.pack == pack.name {
        true => Ok(()),
        false => Err(Error::state(format!(
            "the campaign is about {}, not about {}",
            campaign.pack, pack.name
        ))),
    }
}

/// Assesses some servers of a campaign; those without cells there are passed over.
pub(crate) fn assess_some(
    tx: &mut Tx<'_>,
    access: &Access,
    campaign: &CampaignId,
    pack: &Pack,
    some: &[(ServerId, TenantId)],
) -> Result<Assessed> {
    let open = campaigns::find_open(tx, access, campaign)?;
    let ids: Vec<ServerId> = some.iter().map(|(id, _)| id.clone()).collect();
    let mut seen = observations::of_servers(tx, &ids)?;
    let estate = Estate {
        servers: some
            .iter()
            .map(|(id, tenant)| vigie_exposure::Server {
                tenant: Some(tenant.to_string()),
                // The identifier goes in for a name, and comes out with the answer.
                name: id.to_string(),
                observations: seen.remove(id).unwrap_or_default(),
                ..vigie_exposure::Server::default()
            })
            .collect(),
        ..Estate::default()
    };
    let answer = vigie_exposure::assess(
        &estate,
        pack,
        tx.now.micros(),
        &vigie_exposure::Options::default(),
    );
    let present = Present::read(tx, campaign, &ids)?;
    let mut assessed = Assessed::default();
    let mut by_tenant: HashMap<&TenantId, usize> = HashMap::new();
    let tenants: HashMap<&str, &TenantId> = some.iter().map(|(id, tenant)| (id.as_str(), tenant)).collect();
    for server in &answer.servers {
        let Some(tenant) = tenants.get(server.server.as_str()) else {
            continue;
        };
        let id: ServerId = server
            .server
            .parse()
            .map_err(|error: crate::IdError| Error::invalid("server", error.to_string()))?;
        assessed.servers += 1;
        let status = of_campaign(server, pack);
        assessed.vulnerable += usize::from(status == Status::Vulnerable);
        assessed.unknown += usize::from(status == Status::Unknown);
        for (stage, detail, proof) in said(server, pack) {
            let as_of = as_of(server, tx.now);
            let key = (id.clone(), stage);
            let before = present.words.get(&key).map(String::as_str);
            let last = present.last.get(&key);
            let is_said =
                last.is_some_and(|(word, at)| word == detail && (detail == "unknown" || *at == as_of));
            if before.is_none() || (is_said && present.spoken_of.contains(&key)) {
                continue;
            }
            let put = Put {
                campaign,
                tenant,
                server: &id,
                stage,
                detail,
                basis: BASIS,
                as_of,
                proof,
            };
            cells::put(tx, access, &open, &put)?;
            if before != Some(detail) {
                assessed.changed += 1;
                *by_tenant.entry(tenant).or_default() += 1;
            }
        }
    }
    let mut by_tenant: Vec<(&TenantId, usize)> = by_tenant.into_iter().collect();
    by_tenant.sort();
    for (tenant, changed) in by_tenant {
        let act = Act {
            tenant: Some(tenant),
            action: "campaign.assess",
            subject: ("campaign", campaign.as_str()),
            campaign: Some(campaign),
            text: "",
            details: json!({"changed": changed, "pack_version": pack.version}),
        };
        audit::record(tx, access, &act)?;
    }
    Ok(assessed)
}

/// A cell.
type Key = (ServerId, Stage);

/// What the cells say now, and what assessments last said of them.
#[derive(Default)]
struct Present {
    words: HashMap<Key, String>,
    /// Those of which anything was ever said.
    spoken_of: HashSet<Key>,
    last: HashMap<Key, (String, Time)>,
}

impl Present {
    fn read(tx: &mut Tx<'_>, campaign: &CampaignId, ids: &[ServerId]) -> Result<Present> {
        let mut present = Present::default();
        let mut sql = Sql::new("SELECT server_id, stage, detail, said_at FROM cell WHERE campaign_id = ");
        sql.bind(campaign)
            .push(" AND stage IN ('inventory', 'exposure') AND ")
            .one_of("server_id", ids);
        for row in tx.rows(&sql)? {
            let mut row = row.reader();
            let key: Key = (row.get()?, row.get()?);
            let (word, said_at): (String, Option<Time>) = (row.get()?, row.get()?);
            if said_at.is_some() {
                present.spoken_of.insert(key.clone());
            }
            present.words.insert(key, word);
        }
        let mut sql = Sql::new("SELECT server_id, stage, detail, as_of FROM statement WHERE campaign_id = ");
        sql.bind(campaign)
            .push(" AND basis = ")
            .bind(BASIS)
            .push(" AND ")
            .one_of("server_id", ids);
        sql.push(" ORDER BY seq");
        for row in tx.rows(&sql)? {
            let mut row = row.reader();
            present
                .last
                .insert((row.get()?, row.get()?), (row.get()?, row.get()?));
        }
        Ok(present)
    }
}

/// The worst status of what the campaign is about: who closed that door is not open because of later ones.
fn of_campaign(server: &ServerExposure, pack: &Pack) -> Status {
    Status::worst(about(server, pack).map(|cve| cve.status))
}

fn about<'a>(server: &'a ServerExposure, pack: &'a Pack) -> impl Iterator<Item = &'a CveExposure> {
    server.cves.iter().filter(|cve| pack.is_about(&cve.cve))
}

/// The two cells that follow from an answer.
fn said(server: &ServerExposure, pack: &Pack) -> [(Stage, &'static str, serde_json::Value); 2] {
    let status = of_campaign(server, pack);
    let worst = about(server, pack).find(|cve| cve.status == status);
    let reason = worst.map(|cve| json!({"en": cve.reason.en, "fr": cve.reason.fr}));
    let build = json!({
        "value": server.build.value,
        "source": server.build.source,
        "observed_at": server.build.observed_at.map(Time),
        "origin": server.build.origin,
        "conflicts": server.build.conflicts.len(),
    });
    let inventory = if server.build.value.is_some() {
        "known"
    } else {
        "unknown"
    };
    let exposure = json!({
        "cve": worst.map(|cve| &*cve.cve),
        "reason": reason,
        "published": server.published,
        "decision": server.ssvc.decision,
        "build": server.build.value,
    });
    [
        (
            Stage::Inventory,
            inventory,
            json!({"product": server.product, "build": build}),
        ),
        (Stage::Exposure, status.id(), exposure),
    ]
}

/// The moment an answer is true of: when the build was seen. What nobody ever saw, nobody knows now.
fn as_of(server: &ServerExposure, now: Time) -> Time {
    server.build.observed_at.map_or(now, Time)
}

/// Everything `vigie-exposure` says of one server for a pack: builds and who contradicts, the window, the way out.
///
/// # Errors
/// [`Error::NotFound`] also for those outside `access`.
pub fn of_server(desk: &Desk, access: &Access, server: &ServerId, pack: &Pack) -> Result<Assessment> {
    access.require(Verb::Read)?;
    desk.read(|tx| {
        let found = servers::find(tx, access, server)?;
        let row = tx.one("SELECT name FROM tenant WHERE id = $1", params![&found.tenant_id])?;
        let tenant = row.map(|row| row.reader().get()).transpose()?;
        let seen = observations::of_servers(tx, std::slice::from_ref(server))?;
        let estate = Estate {
            servers: vec![vigie_exposure::Server {
                tenant,
                name: found.fields.name,
                fqdn: found.fields.fqdn,
                addresses: found.fields.addresses,
                observations: seen.into_values().next().unwrap_or_default(),
            }],
            ..Estate::default()
        };
        let options = vigie_exposure::Options::default();
        Ok(vigie_exposure::assess(&estate, pack, tx.now.micros(), &options))
    })
}
