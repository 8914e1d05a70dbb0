//! One server, however many sources name it.
//!
//! Rules, in order, for what a source says of its server: the same name in DNS; the same short name; the first label of
//! the name in DNS is the short name; the same address. They hold within a tenant, and none holds against names that
//! contradict each other: two short names behind one published name are two servers, and so are `ex01.north.example` and
//! `ex01.south.example`. A source that names both of two servers joins them. Where a name fits several servers it is
//! kept as a server of its own, with a warning.
//!
//! A source that names no tenant (a scan, a hunt) is matched with the one server anywhere that fits: by its name in DNS, a
//! public address, or, unless it is a scan, its short name. Where there is one tenant only it is that tenant's. What
//! only measurements from outside know is kept apart: found outside, unknown inside.
//!
//! Decisions of people go before all rules. What is declared is read before what was measured, so that the order of files
//! does not matter to scans.

mod decisions;
mod index;
mod judged;
mod merging;
mod names;

use std::sync::Arc;

pub use decisions::{Decision, DecisionKind, DecisionUse, Decisions, NameRef};

use crate::{Estate, Fact, Observation, Said, Server, Subject};
use merging::Merging;

/// Brings observations together under the servers they are about, by rules alone.
pub fn merge(observations: Vec<Observation>) -> Estate {
    merge_with(observations, &Decisions::default())
}

/// Brings observations together under the servers they are about. Each server has its observations in the order in which
/// they were read, and none is lost: each is one server's, found outside, or another machine's.
pub fn merge_with(observations: Vec<Observation>, decisions: &Decisions) -> Estate {
    // Observations of one row share their subject.
    let mut subjects: Vec<usize> = Vec::new();
    let mut subject_of: Vec<u32> = Vec::with_capacity(observations.len());
    let mut last: Option<&Arc<Subject>> = None;
    for (index, observation) in observations.iter().enumerate() {
        if !last.is_some_and(|last| Arc::ptr_eq(last, &observation.subject)) {
            subjects.push(index);
        }
        subject_of.push(subjects.len() as u32 - 1);
        last = Some(&observation.subject);
    }
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    order.sort_by_key(|index| {
        let observation = &observations[subjects[*index]];
        (
            observation.subject.tenant.is_none(),
            observation.origin.is_measured(),
        )
    });
    let mut merging = Merging::new(decisions);
    let mut server_of = vec![0_usize; subjects.len()];
    let mut loose = false;
    for index in order {
        let observation = &observations[subjects[index]];
        if !loose && observation.subject.tenant.is_none() {
            loose = true;
            merging.index_everywhere();
        }
        server_of[index] = merging.place(&observation.subject, &observation.origin);
    }
    let mut drafted = merging.finish();
    for (observation, subject) in observations.into_iter().zip(subject_of) {
        let server = drafted.root(server_of[subject as usize]);
        drafted.servers[server].observations.push(observation);
    }
    let servers = drafted
        .servers
        .into_iter()
        .filter(|server| !server.observations.is_empty());
    sorted(servers, drafted.estate)
}

/// Servers, what was only found from outside, and other machines.
fn sorted(all: impl Iterator<Item = Server>, mut estate: Estate) -> Estate {
    for server in all {
        let says_nothing = |by: &Observation| {
            matches!(by.fact, Fact::Machine)
                || matches!(by.fact, Fact::Published(_)) && by.origin.is_measured()
        };
        let is_open = |by: &Observation| by.fact == Fact::Published(true);
        let measured = server.observations.iter().all(|by| by.origin.is_measured());
        // An open port of a machine that a list of machines names shows no server; one that no list names may be one.
        let nothing = server.observations.iter().all(says_nothing);
        match (nothing, measured) {
            (true, true) if server.observations.iter().any(is_open) => estate.outside.push(server),
            (true, _) => estate.others.push(server),
            (false, true) => estate.outside.push(server),
            (false, false) => estate.servers.push(server),
        }
    }
    let order = |server: &Server| (server.tenant.clone(), server.name.to_lowercase());
    estate.servers.sort_by_cached_key(order);
    estate.outside.sort_by_cached_key(order);
    estate.others.sort_by_cached_key(order);
    if !estate.others.is_empty() {
        let others = estate.others.len();
        estate.warnings.push(Said::new(
            format!("machines of lists of all kinds of machines that show nothing of what is looked for, and that no other source knows as servers: {others}; they are not assessed"),
            format!("machines de listes de parc qui ne montrent rien de ce qui est cherché, et qu’aucune autre source ne connaît comme serveurs : {others} ; elles ne sont pas évaluées"),
        ));
    }
    estate
}
