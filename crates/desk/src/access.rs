//! Who asks, and what of whom they may see and do.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::words::words;
use crate::{Error, Result, TenantId};

words!(
    /// What somebody is to the provider.
    Role {
        /// Keeps accounts and settings, and may do everything else. Cannot delete what is recorded.
        Administrator = "administrator",
        /// Leads the crisis.
        Director = "director",
        /// Judges evidence.
        SocAnalyst = "soc_analyst",
        /// Works on clients' servers.
        Engineer = "engineer",
        /// Reads everything, the audit included, and changes nothing.
        Auditor = "auditor",
        /// A client's own person: reads what concerns his tenant, without what the provider notes for itself.
        ClientContact = "client_contact",
    }
);

words!(
    /// What one may do.
    Verb {
        /// See what the tenants themselves may see.
        Read = "read",
        /// See what the provider notes for itself: findings, notes, entities, who works on what.
        ReadInternal = "read_internal",
        /// Change tenants, servers and what was observed of them.
        Inventory = "inventory",
        /// Open, change and close campaigns.
        Campaign = "campaign",
        /// Bring evidence in.
        Evidence = "evidence",
        /// Read evidence itself, and take it out.
        EvidenceRead = "evidence_read",
        /// Set holds and retention on evidence.
        Hold = "hold",
        /// Start, cancel and repeat hunts.
        Hunt = "hunt",
        /// Accept, dismiss and escalate findings; say verdicts.
        Judge = "judge",
        /// Open cases and work on them.
        Case = "case",
        /// Write into the main courante.
        Say = "say",
        /// Read, verify and export the audit.
        Audit = "audit",
        /// Keep accounts, keys and settings.
        Administer = "administer",
    }
);

impl Role {
    /// What this role may do.
    pub fn verbs(self) -> &'static [Verb] {
        use Verb::*;
        match self {
            Role::Administrator => Verb::ALL,
            Role::Director => &[
                Read,
                ReadInternal,
                Inventory,
                Campaign,
                Evidence,
                EvidenceRead,
                Hold,
                Hunt,
                Judge,
                Case,
                Say,
                Audit,
            ],
            Role::SocAnalyst => &[Read, ReadInternal, Evidence, EvidenceRead, Hunt, Judge, Case, Say],
            Role::Engineer => &[Read, ReadInternal, Inventory, Evidence, Say],
            Role::Auditor => &[Read, ReadInternal, Audit],
            Role::ClientContact => &[Read],
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// The identifier of the account or key; `system` for the desk itself.
    pub id: String,
    /// The name to show.
    pub name: String,
}

words!(
    /// What kind of somebody.
    ActorKind {
        /// A person with an account.
        User = "user",
        /// A program with an API key.
        Key = "key",
        /// The desk itself: a job, a sweep.
        System = "system",
    }
);

/// Which tenants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TenantSet {
    /// All, those to come included.
    All,
    /// These.
    Only(BTreeSet<TenantId>),
}

impl TenantSet {
    /// Whether a tenant is among them.
    pub fn contains(&self, tenant: &TenantId) -> bool {
        match self {
            TenantSet::All => true,
            TenantSet::Only(these) => these.contains(tenant),
        }
    }

    /// The tenants that are in both.
    #[must_use]
    pub fn and(&self, other: &TenantSet) -> TenantSet {
        match (self, other) {
            (TenantSet::All, set) | (set, TenantSet::All) => set.clone(),
            (TenantSet::Only(one), TenantSet::Only(two)) => TenantSet::Only(one & two),
        }
    }
}

/// Who asks, as what, for which tenants, to do what. Nothing of a tenant is read or written without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    actor: Actor,
    role: Role,
    tenants: TenantSet,
    verbs: BTreeSet<Verb>,
}

impl Access {
    /// Somebody with all the rights of a role.
    pub fn new(actor: Actor, role: Role, tenants: TenantSet) -> Access {
        let verbs = role.verbs().iter().copied().collect();
        Access {
            actor,
            role,
            tenants,
            verbs,
        }
    }

    /// The desk itself, doing what it was told to earlier.
    pub fn system(name: &str) -> Access {
        let actor = Actor {
            kind: ActorKind::System,
            id: "system".into(),
            name: name.into(),
        };
        Access::new(actor, Role::Administrator, TenantSet::All)
    }

    /// The same with no more than these rights.
    #[must_use]
    pub fn limited_to(mut self, verbs: &BTreeSet<Verb>) -> Access {
        self.verbs = &self.verbs & verbs;
        self
    }

    /// The same with no more than these tenants: somebody who works on one client only for now.
    #[must_use]
    pub fn within(mut self, tenants: &TenantSet) -> Access {
        self.tenants = self.tenants.and(tenants);
        self
    }

    /// Who asks.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// As what.
    pub fn role(&self) -> Role {
        self.role
    }

    /// For which tenants.
    pub fn tenants(&self) -> &TenantSet {
        &self.tenants
    }

    /// Whether they may do this.
    pub fn may(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// All they may do.
    pub fn verbs(&self) -> &BTreeSet<Verb> {
        &self.verbs
    }

    /// Whether they are for all tenants.
    pub fn is_everywhere(&self) -> bool {
        self.tenants == TenantSet::All
    }

    /// Needs a right, of whatever tenant.
    pub(crate) fn require(&self, verb: Verb) -> Result<()> {
        match self.may(verb) {
            true => Ok(()),
            false => Err(Error::Forbidden {
                verb,
                role: self.role,
            }),
        }
    }

    /// Needs a right on one tenant's things. A foreign tenant's `what` does not exist, whatever the right.
    pub(crate) fn require_in(&self, verb: Verb, tenant: &TenantId, what: &'static str) -> Result<()> {
        match self.tenants.contains(tenant) {
            true => self.require(verb),
            false => Err(Error::NotFound { what }),
        }
    }

    /// Needs a right that is about all tenants together.
    pub(crate) fn require_everywhere(&self, verb: Verb) -> Result<()> {
        match self.is_everywhere() {
            true => self.require(verb),
            false => Err(Error::Forbidden {
                verb,
                role: self.role,
            }),
        }
    }
}
