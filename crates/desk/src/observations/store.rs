//! Observations in the database.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use vigie_exposure::{Origin, Subject};

use super::FactJson;
use crate::audit::{self, Act};
use crate::db::{Sql, Value, params};
use crate::desk::Tx;
use crate::ids::hex;
use crate::tenants::check_length;
use crate::{Access, Desk, Error, ObservationId, Result, ServerId, TenantId, Time, Verb, servers};

/// Observations shown of one server, newest first.
const SHOWN: i64 = 2_000;

/// An observation, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Observation {
    /// Its identifier.
    pub id: ObservationId,
    /// The fact.
    pub fact: FactJson,
    /// When it was true; `null` when the source does not say.
    pub at: Option<Time>,
    /// What read it: `csv`, `probe`, `person`, ...
    pub reader: String,
    /// The file or address.
    pub file: String,
    /// Where in it.
    pub place: Option<String>,
    /// Who brought it.
    pub said_by: String,
    /// When it came.
    pub received_at: Time,
}

/// Something somebody saw.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewObservation {
    /// The fact.
    pub fact: FactJson,
    /// When it was true; now, unless said.
    #[serde(default)]
    pub at: Option<Time>,
    /// Where they saw it: `on the telephone`, `RDP`.
    pub place: String,
}

/// Keeps what a person saw of a server.
///
/// # Errors
/// When a word in it is not one, or it lies in the future.
pub fn add(desk: &Desk, access: &Access, server: &ServerId, new: &NewObservation) -> Result<()> {
    check_length("place", &new.place, 500)?;
    let fact = new.fact.fact()?;
    desk.write(|tx| {
        let server = servers::find(tx, access, server)?;
        access.require(Verb::Inventory)?;
        let at = new.at.unwrap_or(tx.now);
        if at > tx.now {
            return Err(Error::invalid("at", "it lies in the future"));
        }
        let seen = vigie_exposure::Observation {
            subject: Arc::default(),
            fact: fact.clone(),
            at: Some(at.micros()),
            origin: Origin {
                reader: "person",
                file: access.actor().name.as_str().into(),
                place: Some(new.place.as_str().into()),
            },
        };
        put_all(tx, access, &server.tenant_id, &server.id, [&seen])?;
        let act = Act {
            tenant: Some(&server.tenant_id),
            action: "observation.add",
            subject: ("server", server.id.as_str()),
            campaign: None,
            text: "",
            details: json!({"fact": new.fact, "at": at, "place": new.place}),
        };
        audit::record(tx, access, &act).map(|_| ())
    })
}

/// Keeps observations of one server; those that are there already are not kept twice. Says how many were new.
pub(crate) fn put_all<'a>(
    tx: &mut Tx<'_>,
    access: &Access,
    tenant: &TenantId,
    server: &ServerId,
    seen: impl IntoIterator<Item = &'a vigie_exposure::Observation>,
) -> Result<u64> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    for one in seen {
        let fact = FactJson::of(&one.fact);
        let text = json!(fact).to_string();
        let place = one.origin.place.as_deref();
        let digest = hex(&Sha256::digest(
            json!([text, one.at, one.origin.reader, &*one.origin.file, place]).to_string(),
        ));
        let id = ObservationId::new(tx.now, tx.entropy);
        rows.push(
            params![
                &id,
                tenant,
                server,
                fact.kind(),
                text,
                one.at,
                one.origin.reader,
                &*one.origin.file,
                place,
                digest,
                &access.actor().name,
                tx.now,
            ]
            .to_vec(),
        );
    }
    tx.insert_all(
        "observation (id, tenant_id, server_id, kind, fact, at, reader, file, place, digest, said_by, received_at)",
        "ON CONFLICT (server_id, digest) DO NOTHING",
        rows,
    )
}

/// What was observed of a server, newest first, at most two thousand.
pub fn list(desk: &Desk, access: &Access, server: &ServerId) -> Result<Vec<Observation>> {
    access.require(Verb::Read)?;
    let rows = desk.read(|tx| {
        servers::find(tx, access, server)?;
        tx.query(
            "SELECT id, fact, at, reader, file, place, said_by, received_at FROM observation WHERE server_id = $1 \
             ORDER BY received_at DESC, id DESC LIMIT $2",
            params![server, SHOWN],
        )
    })?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.reader();
            Ok(Observation {
                id: row.get()?,
                fact: row.json()?,
                at: row.get()?,
                reader: row.get()?,
                file: row.get()?,
                place: row.get()?,
                said_by: row.get()?,
                received_at: row.get()?,
            })
        })
        .collect()
}

/// Different readers that are told apart; there are about a dozen.
const MOST_READERS: usize = 100;

/// A reader's name for as long as the program runs, as `vigie-exposure` wants it.
fn reader_name(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    match names.get(name) {
        Some(known) => known,
        None if names.len() >= MOST_READERS => "other",
        None => {
            let kept: &'static str = name.to_owned().leak();
            names.insert(kept);
            kept
        }
    }
}

/// Everything observed of some servers, in the order in which it came, for `vigie-exposure`.
pub(crate) fn of_servers(
    tx: &mut Tx<'_>,
    ids: &[ServerId],
) -> Result<HashMap<ServerId, Vec<vigie_exposure::Observation>>> {
    let mut sql = Sql::new("SELECT server_id, fact, at, reader, file, place FROM observation WHERE ");
    sql.one_of("server_id", ids).push(" ORDER BY received_at, id");
    let mut by_server: HashMap<ServerId, Vec<vigie_exposure::Observation>> = HashMap::new();
    let mut files: HashMap<String, Arc<str>> = HashMap::new();
    let nobody: Arc<Subject> = Arc::default();
    for row in tx.rows(&sql)? {
        let mut row = row.reader();
        let server: ServerId = row.get()?;
        let fact: FactJson = row.json()?;
        let (at, reader): (Option<i64>, String) = (row.get()?, row.get()?);
        let (file, place): (String, Option<String>) = (row.get()?, row.get()?);
        let file = files.entry(file).or_insert_with_key(|name| name.as_str().into());
        by_server
            .entry(server)
            .or_default()
            .push(vigie_exposure::Observation {
                subject: Arc::clone(&nobody),
                fact: fact.fact()?,
                at,
                origin: Origin {
                    reader: reader_name(&reader),
                    file: Arc::clone(file),
                    place: place.map(Into::into),
                },
            });
    }
    Ok(by_server)
}
