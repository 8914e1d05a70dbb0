//! Names become machines: what rows and units call a host is brought together under one name per tenant.

use std::collections::BTreeMap;

use vigie_event::Source;
use vigie_evidence::{Manifest, UnitId};

use crate::collect::{HostKey, Seen, short_name};
use crate::finding::HostIndex;
use crate::storyline::Machine;
use vigie_evidence::message::{Code, Message};

/// A name that owns less than this part of its unit's records, and no finding, is a former name or a stray record.
const STRAY_PART: f64 = 0.01;

/// Where the name of a machine comes from when its records say it.
const OWN_RECORDS: &str = "its own records";

/// The machines of a run.
pub(crate) struct Hosts {
    /// For each collected index, the index of its machine.
    pub(crate) of_index: Vec<HostIndex>,
    /// The machines by that index.
    pub(crate) machines: BTreeMap<HostIndex, Host>,
    /// Names that were folded into another machine, to be said.
    pub(crate) folded: Vec<Message>,
}

/// One machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) name_source: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) seen: Seen,
}

impl Host {
    pub(crate) fn machine(&self) -> Machine {
        Machine {
            tenant: self.tenant.clone(),
            name: short_name(&self.name),
            addresses: self.seen.addresses.clone(),
        }
    }

    fn records(&self) -> u64 {
        self.seen
            .hours
            .values()
            .map(crate::coverage::Hours::records)
            .sum()
    }
}

/// Brings names together. `has_findings` says whether anything was found under a collected index.
pub(crate) fn resolve(
    keys: &[HostKey],
    seen: &[Seen],
    manifest: &Manifest,
    has_findings: &dyn Fn(HostIndex) -> bool,
) -> Hosts {
    let mut by_name: BTreeMap<(Option<String>, String), HostIndex> = BTreeMap::new();
    let mut hosts = Hosts {
        of_index: Vec::new(),
        machines: BTreeMap::new(),
        folded: Vec::new(),
    };
    for (index, key) in keys.iter().enumerate() {
        let described = describe(key, seen.get(index), manifest);
        let id = (described.tenant.clone(), short_name(&described.name));
        let target = *by_name.entry(id).or_insert(index as HostIndex);
        hosts.of_index.push(target);
        let host = hosts.machines.entry(target).or_insert_with(|| described.clone());
        // Threads come upon names in any order: what is told of a machine must not depend on it.
        let longer = |name: &str| (std::cmp::Reverse(name.len()), name.to_owned());
        if longer(&described.name) < longer(&host.name) {
            host.name = described.name;
        }
        let sources = [host.name_source.take(), described.name_source];
        let surest = sources
            .into_iter()
            .flatten()
            .min_by_key(|source| (source != OWN_RECORDS, source.clone()));
        host.name_source = surest;
        if let Some(seen) = seen.get(index) {
            merge_seen(&mut host.seen, seen);
        }
    }
    add_silent_units(keys, manifest, &mut hosts, &by_name);
    fold_strays(keys, manifest, has_findings, &mut hosts, &by_name);
    drop_loose_files(keys, manifest, has_findings, &mut hosts);
    hosts
}

/// A note beside the servers is no server: files of no machine that are no log and led to nothing.
fn drop_loose_files(
    keys: &[HostKey],
    manifest: &Manifest,
    has_findings: &dyn Fn(HostIndex) -> bool,
    hosts: &mut Hosts,
) {
    let inventory = Source::FileInventory.id();
    let of_index = &hosts.of_index;
    hosts.machines.retain(|&target, host| {
        let mut members = (0..keys.len())
            .filter(|&index| of_index.get(index) == Some(&target))
            .peekable();
        let silent = members.peek().is_some()
            && members.all(|index| is_loose(keys[index].unit, manifest) && !has_findings(index as HostIndex));
        !(silent && host.seen.hours.keys().all(|source| source == inventory))
    });
}

fn is_loose(unit: UnitId, manifest: &Manifest) -> bool {
    let unit = manifest.units.get(unit.0 as usize);
    unit.is_some_and(|unit| unit.container == "loose")
}

fn describe(key: &HostKey, seen: Option<&Seen>, manifest: &Manifest) -> Host {
    let unit = manifest.units.get(key.unit.0 as usize);
    let unit_name = || unit.and_then(|unit| unit.host.clone());
    let spelled = key.name.as_ref().map(|name| {
        seen.and_then(|seen| seen.spelled.clone())
            .unwrap_or_else(|| name.clone())
    });
    let by_row = spelled.is_some();
    Host {
        name: spelled
            .or_else(unit_name)
            .or_else(|| unit.map(|unit| unit.path.clone()))
            .unwrap_or_else(|| "unknown".to_owned()),
        name_source: if by_row {
            Some(OWN_RECORDS.to_owned())
        } else {
            unit.and_then(|unit| unit.host_source.clone())
        },
        tenant: unit.and_then(|unit| unit.tenant.clone()),
        seen: Seen::default(),
    }
}

fn merge_seen(into: &mut Seen, from: &Seen) {
    for (key, hours) in &from.hours {
        into.hours.entry(key.clone()).or_default().merge(hours);
    }
    into.addresses.extend(from.addresses.iter().cloned());
}

/// A unit none of whose files gave a row still stands in the answer: its verdict is `unknown`, not nothing.
fn add_silent_units(
    keys: &[HostKey],
    manifest: &Manifest,
    hosts: &mut Hosts,
    by_name: &BTreeMap<(Option<String>, String), HostIndex>,
) {
    let mut next = keys.len() as HostIndex;
    for unit in &manifest.units {
        if keys.iter().any(|key| key.unit == unit.id) || is_loose(unit.id, manifest) {
            continue;
        }
        let name = unit.host.clone().unwrap_or_else(|| unit.path.clone());
        if by_name.contains_key(&(unit.tenant.clone(), short_name(&name))) {
            continue;
        }
        let host = Host {
            name,
            name_source: unit.host_source.clone(),
            tenant: unit.tenant.clone(),
            seen: Seen::default(),
        };
        hosts.machines.insert(next, host);
        next += 1;
    }
}

/// A server renamed years ago left its old name in a few records; that is not another server.
fn fold_strays(
    keys: &[HostKey],
    manifest: &Manifest,
    has_findings: &dyn Fn(HostIndex) -> bool,
    hosts: &mut Hosts,
    by_name: &BTreeMap<(Option<String>, String), HostIndex>,
) {
    let mut moves: Vec<(HostIndex, HostIndex)> = Vec::new();
    for (&target, host) in &hosts.machines {
        let Some(key) = keys.get(target as usize) else {
            continue;
        };
        let Some(unit) = manifest.units.get(key.unit.0 as usize) else {
            continue;
        };
        let Some(unit_name) = &unit.host else { continue };
        let Some(&main) = by_name.get(&(unit.tenant.clone(), short_name(unit_name))) else {
            continue;
        };
        let main_records = hosts.machines.get(&main).map_or(0, Host::records);
        let members = || (0..keys.len()).filter(|&index| hosts.of_index.get(index) == Some(&target));
        let one_unit = members().all(|index| keys[index].unit == key.unit);
        let silent = members().all(|index| !has_findings(index as HostIndex));
        let small = (host.records() as f64) < main_records as f64 * STRAY_PART;
        if main != target && one_unit && silent && small {
            moves.push((target, main));
        }
    }
    let mut folded = Vec::new();
    for (from, to) in moves {
        let Some(stray) = hosts.machines.remove(&from) else {
            continue;
        };
        for target in &mut hosts.of_index {
            if *target == from {
                *target = to;
            }
        }
        if let Some(main) = hosts.machines.get_mut(&to) {
            let parameters = [
                ("count", stray.records().into()),
                ("stray", (&stray.name).into()),
                ("host", (&main.name).into()),
            ];
            folded.push(Message::new(Code::HostFolded, parameters));
            merge_seen(&mut main.seen, &stray.seen);
        }
    }
    // Which machine was seen first depends on the workers; the answer must not.
    folded.sort();
    hosts.folded = folded;
}
