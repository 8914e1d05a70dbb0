//! Once every machine has its name: which of the events set aside are hidden, and by which entries.

use std::collections::{BTreeMap, BTreeSet};

use vigie_event::{Timestamp, format_utc};

use super::Suppressor;
use crate::finding::{HostIndex, Statement, Statements};
use crate::hosts::{Host, Hosts};
use crate::{SuppressedOn, SuppressionEntry, SuppressionState};
use vigie_evidence::message::{Code, Message};

/// What was hidden.
#[derive(Default)]
pub(crate) struct Hidden {
    /// The statements that nobody is told, under their machines.
    pub(crate) statements: Vec<Statement>,
    /// Every entry, with what it hid.
    pub(crate) entries: Vec<SuppressionEntry>,
}

/// What one entry hid on one machine.
#[derive(Default)]
struct Tally {
    events: u64,
    /// Rule and identity.
    findings: BTreeSet<(u32, String)>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// Gives back to `statements` what no entry takes on its machine; the rest is hidden and counted for each entry that
/// takes it.
pub(crate) fn settle(
    statements: &mut Statements,
    set_aside: BTreeMap<Vec<u32>, Statements>,
    suppressor: &Suppressor,
    hosts: &Hosts,
) -> Hidden {
    let nobody = Host::default();
    let final_host = |index: HostIndex| hosts.of_index.get(index as usize).copied().unwrap_or(index);
    let takes = |entry: u32, machine: HostIndex| {
        let host = hosts.machines.get(&machine).unwrap_or(&nobody);
        let entry = suppressor.known.entries.get(entry as usize);
        entry.is_some_and(|entry| entry.is_on(&host.name, host.tenant.as_deref()))
    };
    let mut tallies: BTreeMap<(u32, HostIndex), Tally> = BTreeMap::new();
    let mut hidden = Hidden::default();
    for (entries, aside) in set_aside {
        let (taken, given_back) = aside.split(|index| {
            let machine = final_host(index);
            entries.iter().any(|&entry| takes(entry, machine))
        });
        statements.absorb(given_back);
        for statement in taken.resolve(final_host) {
            for &entry in entries.iter().filter(|&&entry| takes(entry, statement.host)) {
                tallies
                    .entry((entry, statement.host))
                    .or_default()
                    .add(&statement);
            }
            hidden.statements.push(statement);
        }
    }
    let known = suppressor.known.entries.iter().enumerate();
    hidden.entries = known
        .map(|(index, entry)| {
            let on: Vec<SuppressedOn> = tallies
                .range((index as u32, 0)..=(index as u32, HostIndex::MAX))
                .map(|((_, machine), tally)| tally.on(hosts.machines.get(machine).unwrap_or(&nobody)))
                .collect();
            let state = if suppressor.is_expired(entry) {
                SuppressionState::Expired
            } else if on.is_empty() {
                SuppressionState::Idle
            } else {
                SuppressionState::Applied
            };
            SuppressionEntry {
                path: entry.path.clone(),
                line: entry.line.map(|line| line as u64),
                rule: entry.rule.clone(),
                host: entry.host.clone(),
                tenant: entry.tenant.clone(),
                fields: entry.fields.iter().cloned().collect(),
                reason: entry.reason.clone(),
                author: entry.author.clone(),
                expires: entry.expires.clone(),
                state,
                events: on.iter().map(|on| on.events).sum(),
                findings: on.iter().map(|on| on.findings).sum(),
                hosts: on,
            }
        })
        .collect();
    hidden
}

impl Tally {
    fn add(&mut self, statement: &Statement) {
        self.events += statement.count;
        self.findings
            .insert((statement.detector, statement.identity.clone()));
        self.first = [self.first, statement.first].into_iter().flatten().min();
        self.last = [self.last, statement.last].into_iter().flatten().max();
    }

    fn on(&self, host: &Host) -> SuppressedOn {
        SuppressedOn {
            host: host.name.clone(),
            tenant: host.tenant.clone(),
            events: self.events,
            findings: self.findings.len() as u64,
            from: self.first.map(format_utc),
            to: self.last.map(format_utc),
        }
    }
}

impl Hidden {
    /// What the reader must know of entries in force.
    pub(crate) fn warnings(&self) -> Vec<Message> {
        let idle = self
            .entries
            .iter()
            .filter(|entry| entry.state == SuppressionState::Idle);
        let mut warnings: Vec<Message> = idle
            .map(|entry| {
                let line = entry.line.map(|line| format!(":{line}")).unwrap_or_default();
                let parameters = [
                    ("path", format!("{}{line}", entry.path).into()),
                    ("rule", (&entry.rule).into()),
                ];
                Message::new(Code::SuppressionIdle, parameters)
            })
            .collect();
        let events: u64 = self.statements.iter().map(|statement| statement.count).sum();
        if events > 0 {
            warnings.insert(
                0,
                Message::new(Code::EventsSuppressed, [("count", events.into())]),
            );
        }
        warnings
    }
}
