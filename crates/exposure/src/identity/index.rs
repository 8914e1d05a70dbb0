//! Which servers a name leads to.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::names::{Draft, Keys};
use crate::{MergeRule, is_public};

pub(super) type Map<K, V> = HashMap<K, V, RandomState>;

/// Servers that one name may lead to; where there are as many, nobody can tell which is meant.
pub(super) const MAX_CANDIDATES: usize = 16;

/// A tenant, as a number; no tenant is one of its own.
pub(super) type Scope = u32;
pub(super) const NO_TENANT: Scope = 0;

/// A name, and the servers it offers by which rule.
pub(super) struct Offer {
    pub(super) name: String,
    pub(super) servers: Vec<(usize, MergeRule)>,
    /// Whether there are more than are kept.
    pub(super) is_crowded: bool,
}

/// How far a source is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Among one tenant's servers.
    Own,
    /// Among all tenants'.
    Everywhere,
    /// Among all tenants', for a scan.
    Measured,
}

/// The servers that names lead to.
#[derive(Default)]
pub(super) struct Index {
    by_fqdn: Map<(Scope, String), Vec<usize>>,
    by_name: Map<(Scope, String), Vec<usize>>,
    /// By the first labels of names in DNS.
    by_label: Map<(Scope, String), Vec<usize>>,
    by_address: Map<(Scope, IpAddr), Vec<usize>>,
}

impl Index {
    /// Over all tenants, of all servers there are.
    pub(super) fn of_all(drafts: &[Draft]) -> Index {
        let mut all = Index::default();
        for (server, draft) in drafts.iter().enumerate() {
            if draft.parent.is_none() && !draft.is_unsure {
                for keys in draft.keys() {
                    all.add(NO_TENANT, &keys, server);
                }
            }
        }
        all
    }

    pub(super) fn add(&mut self, scope: Scope, keys: &Keys, server: usize) {
        fn push<K: Eq + Hash>(map: &mut Map<K, Vec<usize>>, key: K, server: usize) {
            let held = map.entry(key).or_default();
            if !held.contains(&server) && held.len() < MAX_CANDIDATES {
                held.push(server);
            }
        }
        if let Some(name) = &keys.name {
            push(&mut self.by_name, (scope, name.clone()), server);
        }
        for fqdn in keys.fqdns() {
            push(&mut self.by_fqdn, (scope, fqdn.clone()), server);
        }
        if let Some(label) = keys.label() {
            push(&mut self.by_label, (scope, label.to_owned()), server);
        }
        for address in &keys.addresses {
            push(&mut self.by_address, (scope, *address), server);
        }
    }

    /// What each name of a subject offers, in the order of the rules.
    pub(super) fn offers(&self, scope: Scope, keys: &Keys, reach: Reach) -> Vec<Offer> {
        let text = |map: &Map<(Scope, String), Vec<usize>>, key: Option<&str>, rule, offer: &mut Offer| {
            let held = key.and_then(|key| map.get(&(scope, key.to_owned())));
            for server in held.into_iter().flatten() {
                offer.servers.push((*server, rule));
            }
            offer.is_crowded |= held.is_some_and(|held| held.len() >= MAX_CANDIDATES);
        };
        let new = |name: &str| Offer {
            name: name.to_owned(),
            servers: Vec::new(),
            is_crowded: false,
        };
        let mut all = Vec::new();
        for fqdn in keys.fqdns() {
            let mut offer = new(fqdn);
            text(&self.by_fqdn, Some(fqdn), MergeRule::Fqdn, &mut offer);
            all.push(offer);
        }
        // A scan may have found another tenant's server of that name.
        if reach != Reach::Measured {
            let name = keys.name.as_deref();
            let mut offer = new(name.unwrap_or_default());
            text(&self.by_name, name, MergeRule::Name, &mut offer);
            text(&self.by_label, name, MergeRule::FirstLabel, &mut offer);
            if name.is_none() && reach == Reach::Own {
                text(&self.by_name, keys.label(), MergeRule::FirstLabel, &mut offer);
            }
            all.push(offer);
        }
        // Addresses inside are used by every tenant.
        for address in keys
            .addresses
            .iter()
            .filter(|address| reach == Reach::Own || is_public(**address))
        {
            let held = self.by_address.get(&(scope, *address));
            let servers = held.into_iter().flatten();
            all.push(Offer {
                servers: servers.map(|server| (*server, MergeRule::Address)).collect(),
                is_crowded: held.is_some_and(|held| held.len() >= MAX_CANDIDATES),
                ..new(&address.to_string())
            });
        }
        all
    }
}
