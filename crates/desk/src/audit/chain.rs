//! Records and their chain.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::canonical::canonical;
use crate::db::{Reader, params};
use crate::desk::Tx;
use crate::ids::hex;
use crate::{Access, Actor, CampaignId, Result, TenantId, Time};

/// The chain of what concerns no single tenant.
pub const PROVIDER: &str = "provider";
/// What stands before the first record.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subject {
    /// `server`, `case`, ...
    pub kind: String,
    /// Its identifier.
    pub id: String,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// The tenant's identifier, or `provider`.
    pub chain: String,
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When, microseconds UTC.
    pub at: Time,
    /// Who.
    pub actor: Actor,
    /// `tenant.create`, `campaign.open`, `say`, ...
    pub action: String,
    /// What it is about.
    pub subject: Subject,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// What was said; empty for acts that need no words.
    pub text: String,
    /// What exactly was done.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub details: Json,
    /// The hash of the record before.
    pub previous: String,
    /// The hash of this one: SHA-256 over the canonical JSON of all fields but this, lower-case hexadecimal.
    pub hash: String,
}

impl Entry {
    pub(crate) const COLUMNS: &str = "chain, seq, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, \
         campaign_id, text, details, previous, hash";

    pub(super) fn read(row: &mut Reader) -> Result<Entry> {
        Ok(Entry {
            chain: row.get()?,
            seq: row.get()?,
            at: row.get()?,
            actor: Actor {
                kind: row.get()?,
                id: row.get()?,
                name: row.get()?,
            },
            action: row.get()?,
            subject: Subject {
                kind: row.get()?,
                id: row.get()?,
            },
            campaign_id: row.get()?,
            text: row.get()?,
            details: row.json()?,
            previous: row.get()?,
            hash: row.get()?,
        })
    }

    /// The hash its fields have.
    pub(super) fn digest(&self) -> String {
        let fields = json!({
            "chain": self.chain,
            "seq": self.seq,
            "at": self.at.micros(),
            "actor": {"kind": self.actor.kind.id(), "id": self.actor.id, "name": self.actor.name},
            "action": self.action,
            "subject": {"kind": self.subject.kind, "id": self.subject.id},
            "campaign_id": self.campaign_id,
            "text": self.text,
            "details": self.details,
            "previous": self.previous,
        });
        hex(&Sha256::digest(canonical(&fields)))
    }
}

/// What is to be recorded.
pub(crate) struct Act<'a> {
    /// `None`: it concerns no single tenant.
    pub(crate) tenant: Option<&'a TenantId>,
    pub(crate) action: &'a str,
    /// Kind and identifier.
    pub(crate) subject: (&'a str, &'a str),
    pub(crate) campaign: Option<&'a CampaignId>,
    pub(crate) text: &'a str,
    pub(crate) details: Json,
}

/// Records an act that needs no words and belongs to no campaign.
pub(crate) fn recorded(
    tx: &mut Tx<'_>,
    access: &Access,
    tenant: Option<&TenantId>,
    subject: (&str, &str),
    action: &str,
    details: Json,
) -> Result<()> {
    let act = Act {
        tenant,
        action,
        subject,
        campaign: None,
        text: "",
        details,
    };
    record(tx, access, &act).map(|_| ())
}

/// Records what `access` does, at the end of its chain. Others who record into the same chain wait until the transaction
/// ends.
pub(crate) fn record(tx: &mut Tx<'_>, access: &Access, act: &Act<'_>) -> Result<Entry> {
    let chain = act.tenant.map_or(PROVIDER, TenantId::as_str);
    tx.execute(
        "INSERT INTO audit_head (chain, seq, hash) VALUES ($1, 0, $2) ON CONFLICT (chain) DO NOTHING",
        params![chain, GENESIS],
    )?;
    let head = tx.one(
        "UPDATE audit_head SET seq = seq + 1 WHERE chain = $1 RETURNING seq, hash",
        params![chain],
    )?;
    let mut head = head
        .ok_or_else(|| crate::Error::Damaged {
            what: format!("the audit of {chain}"),
            why: "its head is gone; run the verification".into(),
        })?
        .reader();
    let mut entry = Entry {
        chain: chain.to_owned(),
        seq: head.get()?,
        at: tx.now,
        actor: access.actor().clone(),
        action: act.action.to_owned(),
        subject: Subject {
            kind: act.subject.0.to_owned(),
            id: act.subject.1.to_owned(),
        },
        campaign_id: act.campaign.cloned(),
        text: act.text.replace('\0', "\u{fffd}"),
        details: act.details.clone(),
        previous: head.get()?,
        hash: String::new(),
    };
    entry.hash = entry.digest();
    tx.execute(
        &format!(
            "INSERT INTO audit ({}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            Entry::COLUMNS
        ),
        params![
            &entry.chain,
            entry.seq,
            entry.at,
            entry.actor.kind,
            &entry.actor.id,
            &entry.actor.name,
            &entry.action,
            &entry.subject.kind,
            &entry.subject.id,
            entry.campaign_id.as_ref(),
            &entry.text,
            canonical(&entry.details),
            &entry.previous,
            &entry.hash,
        ],
    )?;
    tx.execute(
        "UPDATE audit_head SET hash = $2 WHERE chain = $1",
        params![chain, &entry.hash],
    )?;
    Ok(entry)
}
