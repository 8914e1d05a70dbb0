//! Roots: the heads of all chains bound into one number.

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::chain::{Act, PROVIDER, record};
use crate::db::{Reader, params};
use crate::desk::Tx;
use crate::ids::hex;
use crate::{Access, Desk, Error, Result, Time, Verb};

/// Roots read at once.
const AT_ONCE: i64 = 1_000;

/// A published root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Root {
    /// The record of the chain `provider` that holds it.
    pub seq: i64,
    /// When it was published.
    pub at: Time,
    /// SHA-256 over the sorted leaves, each SHA-256 of `CHAIN:SEQ:HASH`; lower-case hexadecimal.
    pub root: String,
    /// How many chains it binds.
    pub chains: i64,
}

/// What a chain's head was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) chain: String,
    pub(super) seq: i64,
    pub(super) hash: String,
}

impl Head {
    fn read(row: &mut Reader) -> Result<Head> {
        Ok(Head {
            chain: row.get()?,
            seq: row.get()?,
            hash: row.get()?,
        })
    }

    pub(super) fn leaf(&self) -> String {
        leaf_of(&self.chain, self.seq, &self.hash)
    }
}

/// The leaf of a chain whose head was this.
pub(super) fn leaf_of(chain: &str, seq: i64, hash: &str) -> String {
    hex(&Sha256::digest(format!("{chain}:{seq}:{hash}")))
}

/// The number that binds leaves.
pub(super) fn root_of(mut leaves: Vec<String>) -> String {
    leaves.sort_unstable();
    let mut hash = Sha256::new();
    for leaf in &leaves {
        hash.update(leaf);
    }
    hex(&hash.finalize())
}

/// Binds the heads of all chains into a root, and records it.
///
/// # Errors
/// Only whoever may audit all tenants can.
pub fn publish_root(desk: &Desk, access: &Access) -> Result<Root> {
    access.require_everywhere(Verb::Audit)?;
    desk.write(|tx| {
        let heads = heads(tx)?;
        let root = root_of(heads.iter().map(Head::leaf).collect());
        let chains = heads.len() as i64;
        let act = Act {
            tenant: None,
            action: "audit.root",
            subject: ("audit", PROVIDER),
            campaign: None,
            text: "",
            details: json!({"root": root, "chains": chains}),
        };
        let entry = record(tx, access, &act)?;
        let rows = heads
            .iter()
            .map(|head| params![entry.seq, &head.chain, head.seq, &head.hash].to_vec());
        tx.insert_all("audit_root (seq, chain, chain_seq, chain_hash)", "", rows)?;
        Ok(Root {
            seq: entry.seq,
            at: entry.at,
            root,
            chains,
        })
    })
}

/// Published roots, newest first, at most a thousand; those before a record when one is named.
pub fn roots(desk: &Desk, access: &Access, before: Option<i64>) -> Result<Vec<Root>> {
    access.require_everywhere(Verb::Audit)?;
    desk.read(|tx| {
        let rows = tx.query(
            "SELECT seq, at, details FROM audit WHERE chain = $1 AND action = 'audit.root' AND seq < $2 \
             ORDER BY seq DESC LIMIT $3",
            params![PROVIDER, before.unwrap_or(i64::MAX), AT_ONCE],
        )?;
        rows.into_iter()
            .map(|row| Root::read(&mut row.reader()))
            .collect()
    })
}

impl Root {
    fn read(row: &mut Reader) -> Result<Root> {
        let (seq, at) = (row.get()?, row.get()?);
        let details: serde_json::Value = row.json()?;
        let damaged = || Error::Damaged {
            what: format!("record {seq} of the audit"),
            why: "it names no root; run the verification".into(),
        };
        Ok(Root {
            seq,
            at,
            root: details["root"].as_str().ok_or_else(damaged)?.to_owned(),
            chains: details["chains"].as_i64().ok_or_else(damaged)?,
        })
    }
}

/// Hands out the published roots in order, however many there are.
pub(super) fn each_root(
    tx: &mut Tx<'_>,
    mut give: impl FnMut(&mut Tx<'_>, Root) -> Result<()>,
) -> Result<()> {
    let mut last = 0;
    loop {
        let rows = tx.query(
            "SELECT seq, at, details FROM audit WHERE chain = $1 AND action = 'audit.root' AND seq > $2 \
             ORDER BY seq LIMIT $3",
            params![PROVIDER, last, AT_ONCE],
        )?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let root = Root::read(&mut row.reader())?;
            last = root.seq;
            give(tx, root)?;
        }
    }
}

fn heads(tx: &mut Tx<'_>) -> Result<Vec<Head>> {
    let rows = tx.query(
        "SELECT chain, seq, hash FROM audit_head WHERE seq > 0 ORDER BY chain",
        &[],
    )?;
    rows.into_iter()
        .map(|row| Head::read(&mut row.reader()))
        .collect()
}

/// What the heads were when a root was published.
pub(super) fn heads_at(tx: &mut Tx<'_>, seq: i64) -> Result<Vec<Head>> {
    let rows = tx.query(
        "SELECT chain, chain_seq, chain_hash FROM audit_root WHERE seq = $1 ORDER BY chain",
        params![seq],
    )?;
    rows.into_iter()
        .map(|row| Head::read(&mut row.reader()))
        .collect()
}

/// What the head of one chain was when a root was published; `None` when the root is not over it.
pub(super) fn head_at(tx: &mut Tx<'_>, seq: i64, chain: &str) -> Result<Option<Head>> {
    let row = tx.one(
        "SELECT chain, chain_seq, chain_hash FROM audit_root WHERE seq = $1 AND chain = $2",
        params![seq, chain],
    )?;
    row.map(|row| Head::read(&mut row.reader())).transpose()
}

/// What the head of one chain was when roots were published: the root's record, then the head.
pub(super) fn heads_of(tx: &mut Tx<'_>, chain: &str) -> Result<Vec<(i64, Head)>> {
    let rows = tx.query(
        "SELECT seq, chain, chain_seq, chain_hash FROM audit_root WHERE chain = $1 ORDER BY seq",
        params![chain],
    )?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.reader();
            Ok((row.get()?, Head::read(&mut row)?))
        })
        .collect()
}
