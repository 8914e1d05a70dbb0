//! One server, however many sources name it.
//!
//! Rules, in order, for what an observation says of its server: the same name in DNS; the same short name; the first
//! label of the name in DNS is the short name; the same address. They hold within a tenant. A source that names no
//! tenant (a scan, a hunt) is matched with the one server anywhere that fits; when several fit, none is taken. What
//! only measurements from outside know is kept apart: found outside, unknown inside.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::{Estate, Merge, MergeRule, Observation, Said, Server, Subject};

type Map<K, V> = HashMap<K, V, RandomState>;

/// Brings observations together under the servers they are about, in the order in which they were read.
pub fn merge(observations: Vec<Observation>) -> Estate {
    let (named, loose): (Vec<Observation>, Vec<Observation>) = observations
        .into_iter()
        .partition(|observation| observation.subject.tenant.is_some());
    let mut merging = Merging::default();
    for observation in named {
        merging.add(observation, true);
    }
    merging.index_everywhere();
    for observation in loose {
        merging.add_loose(observation);
    }
    merging.finish()
}

/// A name within a tenant; no tenant is a tenant of its own.
type Key = (String, String);

#[derive(Default)]
struct Merging {
    servers: Vec<Server>,
    by_fqdn: Map<Key, usize>,
    by_name: Map<Key, usize>,
    by_address: Map<(String, IpAddr), usize>,
    /// Over all tenants: the one server, or `None` when there are several.
    everywhere: Map<String, Option<usize>>,
    everywhere_by_address: Map<IpAddr, Option<usize>>,
    merges: Vec<Merge>,
    warnings: Vec<Said>,
}

fn lower(text: &str) -> String {
    text.trim().trim_end_matches('.').to_lowercase()
}

fn first_label(fqdn: &str) -> &str {
    fqdn.split('.').next().unwrap_or(fqdn)
}

impl Merging {
    /// The server within the subject's tenant, and the rule that found it.
    fn find(&self, subject: &Subject) -> Option<(usize, MergeRule)> {
        let tenant = subject.tenant.as_deref().map(lower).unwrap_or_default();
        let key = |text: &str| (tenant.clone(), lower(text));
        if let Some(fqdn) = &subject.fqdn
            && let Some(&found) = self.by_fqdn.get(&key(fqdn))
        {
            return Some((found, MergeRule::Fqdn));
        }
        let label = subject.fqdn.as_deref().map(first_label);
        let compatible = |found: usize| match (&self.servers[found].fqdn, &subject.fqdn) {
            (Some(one), Some(other)) => {
                lower(one) == lower(other) || lower(first_label(one)) == lower(first_label(other))
            }
            _ => true,
        };
        if let Some(name) = &subject.name
            && let Some(&found) = self.by_name.get(&key(name))
            && compatible(found)
        {
            return Some((found, MergeRule::Name));
        }
        if let Some(label) = label
            && subject.name.is_none()
            && let Some(&found) = self.by_name.get(&key(label))
            && compatible(found)
        {
            return Some((found, MergeRule::FirstLabel));
        }
        let by_address = |address: &IpAddr| self.by_address.get(&(tenant.clone(), *address)).copied();
        let found = subject.addresses.iter().find_map(by_address)?;
        let names_differ = subject
            .name
            .as_ref()
            .is_some_and(|name| lower(name) != lower(&self.servers[found].name));
        (!names_differ).then_some((found, MergeRule::Address))
    }

    fn add(&mut self, observation: Observation, may_be_new: bool) -> Option<usize> {
        let subject = &observation.subject;
        let found = self.find(subject);
        let index = match found {
            Some((index, rule)) => {
                self.note(index, rule, &observation);
                index
            }
            None if may_be_new => {
                self.servers.push(Server {
                    tenant: subject.tenant.clone(),
                    name: best_name(subject),
                    ..Server::default()
                });
                self.servers.len() - 1
            }
            None => return None,
        };
        self.learn(index, observation);
        Some(index)
    }

    /// Writes down that a rule brought two names together, once for each pair of names.
    fn note(&mut self, index: usize, rule: MergeRule, observation: &Observation) {
        let subject = &observation.subject;
        let server = &self.servers[index];
        let known = |text: &Option<String>, held: Option<&str>| {
            text.as_deref()
                .is_none_or(|text| held.is_some_and(|held| lower(held) == lower(text)))
        };
        let is_same =
            known(&subject.name, Some(&server.name)) && known(&subject.fqdn, server.fqdn.as_deref());
        if is_same && !matches!(rule, MergeRule::Address | MergeRule::FirstLabel) {
            return;
        }
        self.merges.push(Merge {
            tenant: server.tenant.clone(),
            server: server.name.clone(),
            joined: best_name(subject),
            rule,
            by: observation.origin.clone(),
        });
    }

    fn learn(&mut self, index: usize, observation: Observation) {
        let subject = std::sync::Arc::clone(&observation.subject);
        let tenant = self.servers[index]
            .tenant
            .as_deref()
            .map(lower)
            .unwrap_or_default();
        if let Some(name) = &subject.name {
            self.by_name.entry((tenant.clone(), lower(name))).or_insert(index);
        }
        if let Some(fqdn) = &subject.fqdn {
            self.by_fqdn.entry((tenant.clone(), lower(fqdn))).or_insert(index);
            let label = lower(first_label(fqdn));
            self.by_name.entry((tenant.clone(), label)).or_insert(index);
        }
        let server = &mut self.servers[index];
        if server.fqdn.is_none() {
            server.fqdn.clone_from(&subject.fqdn);
        }
        for address in &subject.addresses {
            if !server.addresses.contains(address) {
                server.addresses.push(*address);
            }
            self.by_address.entry((tenant.clone(), *address)).or_insert(index);
        }
        server.observations.push(observation);
    }

    /// Makes servers findable for sources that name no tenant.
    fn index_everywhere(&mut self) {
        let several = |held: &mut Option<usize>, index: usize| {
            if *held != Some(index) {
                *held = None;
            }
        };
        let names = self.by_fqdn.iter().chain(&self.by_name);
        for ((_, name), &index) in names {
            let held = self.everywhere.entry(name.clone()).or_insert(Some(index));
            several(held, index);
        }
        for ((_, address), &index) in &self.by_address {
            let held = self.everywhere_by_address.entry(*address).or_insert(Some(index));
            several(held, index);
        }
    }

    /// A source that names no tenant.
    fn add_loose(&mut self, observation: Observation) {
        let subject = &observation.subject;
        let by_fqdn = subject
            .fqdn
            .as_deref()
            .and_then(|fqdn| self.everywhere.get(&lower(fqdn)));
        let by_name = || {
            subject
                .name
                .as_deref()
                .and_then(|name| self.everywhere.get(&lower(name)))
        };
        let by_address = || {
            subject
                .addresses
                .iter()
                .find_map(|address| self.everywhere_by_address.get(address))
        };
        let (found, rule) = match (by_fqdn, by_name()) {
            (Some(found), _) => (Some(*found), MergeRule::Fqdn),
            (None, Some(found)) => (Some(*found), MergeRule::Name),
            (None, None) => (by_address().copied(), MergeRule::Address),
        };
        match found {
            Some(Some(index)) => {
                self.note(index, rule, &observation);
                self.learn(index, observation);
            }
            // Several servers of this name: which one is meant, nobody can tell.
            Some(None) => {
                let name = best_name(subject);
                let by = observation.origin.to_string();
                let said = Said::new(
                    format!(
                        "{by}: several tenants have a server {name}; name the tenant, nothing of this is used"
                    ),
                    format!(
                        "{by} : plusieurs clients ont un serveur {name} ; nommer le client, rien de ceci n’est utilisé"
                    ),
                );
                if self.warnings.last() != Some(&said) {
                    self.warnings.push(said);
                }
            }
            None => {
                self.add(observation, true);
            }
        }
    }

    fn finish(self) -> Estate {
        let is_outside = |server: &Server| server.observations.iter().all(|by| by.origin.is_measured());
        let (mut outside, mut servers): (Vec<Server>, Vec<Server>) =
            self.servers.into_iter().partition(is_outside);
        let order = |server: &Server| (server.tenant.clone(), server.name.to_lowercase());
        servers.sort_by_cached_key(order);
        outside.sort_by_cached_key(order);
        Estate {
            servers,
            outside,
            merges: self.merges,
            warnings: self.warnings,
        }
    }
}

fn best_name(subject: &Subject) -> String {
    let by_fqdn = || subject.fqdn.as_deref().map(|fqdn| first_label(fqdn).to_owned());
    let by_address = || subject.addresses.first().map(ToString::to_string);
    subject
        .name
        .clone()
        .or_else(by_fqdn)
        .or_else(by_address)
        .unwrap_or_default()
}
