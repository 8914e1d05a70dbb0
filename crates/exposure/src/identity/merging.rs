//! The rules by which names come together.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::decisions::{DecisionKind, DecisionUse, Decisions, NameId};
use super::names::{Draft, Keys, lower};
use crate::{Estate, Merge, MergeRule, Origin, Said, Server, Subject, is_public};

type Map<K, V> = HashMap<K, V, RandomState>;

/// Servers that one name may lead to; of more, nobody can tell which is meant.
const MAX_CANDIDATES: usize = 16;
/// Warnings about names that fit several servers.
const MAX_WARNINGS: usize = 100;

/// A tenant, as a number; no tenant is one of its own.
type Scope = u32;
const NO_TENANT: Scope = 0;

/// The servers that names lead to.
#[derive(Default)]
struct Index {
    by_fqdn: Map<(Scope, String), Vec<usize>>,
    by_name: Map<(Scope, String), Vec<usize>>,
    /// By the first labels of names in DNS.
    by_label: Map<(Scope, String), Vec<usize>>,
    by_address: Map<(Scope, IpAddr), Vec<usize>>,
}

impl Index {
    fn add(&mut self, scope: Scope, keys: &Keys, server: usize) {
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
}

/// What the rules make of a subject.
enum Found {
    /// The server, the rule, and others that the subject names too.
    One(usize, MergeRule, Vec<(usize, MergeRule)>),
    /// Several fit.
    Several(Vec<usize>),
    /// None does.
    None,
}

pub(super) struct Merging<'d> {
    decisions: &'d Decisions,
    drafts: Vec<Draft>,
    scopes: Map<String, Scope>,
    index: Index,
    /// Over all tenants, once they are known.
    everywhere: Option<Index>,
    /// Subjects that fit several servers, or have no name that tells machines apart: kept under what they are called.
    unsure: Map<(Scope, String), usize>,
    merges: Vec<(usize, Merge)>,
    /// Per decision: the server of its names that are one, how often it changed something, and which names were seen.
    groups: Vec<Option<usize>>,
    changed: Vec<u64>,
    seen: Vec<Vec<bool>>,
    warnings: Vec<Said>,
    more_warnings: usize,
}

/// What came of it.
pub(super) struct Drafted {
    /// One per draft; those that were found to be another one stay without observations.
    pub(super) servers: Vec<Server>,
    pub(super) estate: Estate,
    parents: Vec<Option<usize>>,
}

impl Drafted {
    pub(super) fn root(&self, mut server: usize) -> usize {
        while let Some(parent) = self.parents[server] {
            server = parent;
        }
        server
    }
}

impl<'d> Merging<'d> {
    pub(super) fn new(decisions: &'d Decisions) -> Merging<'d> {
        let count = decisions.list.len();
        Merging {
            decisions,
            drafts: Vec::new(),
            scopes: Map::default(),
            index: Index::default(),
            everywhere: None,
            unsure: Map::default(),
            merges: Vec::new(),
            groups: vec![None; count],
            changed: vec![0; count],
            seen: decisions
                .list
                .iter()
                .map(|decision| vec![false; decision.names.len()])
                .collect(),
            warnings: Vec::new(),
            more_warnings: 0,
        }
    }

    fn scope(&mut self, tenant: Option<&str>) -> Scope {
        let Some(tenant) = tenant else {
            return NO_TENANT;
        };
        let next = self.scopes.len() as Scope + 1;
        *self.scopes.entry(lower(tenant)).or_insert(next)
    }

    /// The server that this one was found to be.
    fn root(&mut self, mut server: usize) -> usize {
        while let Some(parent) = self.drafts[server].parent {
            if let Some(above) = self.drafts[parent].parent {
                self.drafts[server].parent = Some(above);
            }
            server = parent;
        }
        server
    }

    /// Makes servers of all tenants findable for sources that name none.
    pub(super) fn index_everywhere(&mut self) {
        let mut all = Index::default();
        fn copy<T: Clone + Eq + Hash>(
            from: &Map<(Scope, T), Vec<usize>>,
            to: &mut Map<(Scope, T), Vec<usize>>,
        ) {
            for ((_, key), servers) in from {
                let held = to.entry((NO_TENANT, key.clone())).or_default();
                let room = MAX_CANDIDATES.saturating_sub(held.len());
                held.extend(servers.iter().take(room));
            }
        }
        copy(&self.index.by_fqdn, &mut all.by_fqdn);
        copy(&self.index.by_name, &mut all.by_name);
        copy(&self.index.by_label, &mut all.by_label);
        copy(&self.index.by_address, &mut all.by_address);
        self.everywhere = Some(all);
    }

    /// The server that a source speaks of; a new one where it fits none.
    pub(super) fn place(&mut self, subject: &Subject, origin: &Origin) -> usize {
        let scope = self.scope(subject.tenant.as_deref());
        let keys = Keys::of(subject);
        let decided = self.decided(subject, origin);
        let found = self.find(scope, subject, &keys, &decided, origin.is_measured());
        let (found, by_decision) = self.decide(found, &decided, origin);
        let server = match found {
            Found::One(server, rule, others) => {
                self.note(server, rule, by_decision, subject, &keys, origin);
                for (other, rule) in others {
                    self.join(server, other, rule, &keys, origin);
                }
                let server = self.root(server);
                self.register(scope, server, subject, &keys, decided, origin);
                server
            }
            Found::None if !keys.is_empty() => {
                let server = self.new_draft(subject);
                self.register(scope, server, subject, &keys, decided, origin);
                server
            }
            Found::None => self.unsure(scope, subject, &keys, origin, &[]),
            Found::Several(candidates) => self.unsure(scope, subject, &keys, origin, &candidates),
        };
        self.group(server, subject, origin);
        server
    }

    fn new_draft(&mut self, subject: &Subject) -> usize {
        self.drafts.push(Draft::new(subject.tenant.clone()));
        self.drafts.len() - 1
    }

    fn register(
        &mut self,
        scope: Scope,
        server: usize,
        subject: &Subject,
        keys: &Keys,
        decided: Vec<NameId>,
        origin: &Origin,
    ) {
        // A source that names no tenant tells of a tenant's server; others find it by what it says.
        let scope = match &self.drafts[server].tenant {
            Some(tenant) if scope == NO_TENANT => self.scopes.get(&lower(tenant)).copied().unwrap_or(scope),
            _ => scope,
        };
        self.index.add(scope, keys, server);
        if let Some(everywhere) = self.everywhere.as_mut().filter(|_| scope != NO_TENANT) {
            everywhere.add(NO_TENANT, keys, server);
        }
        let draft = &mut self.drafts[server];
        draft.learn(subject, keys, &origin.file);
        for id in decided {
            if !draft.decided.contains(&id) {
                draft.decided.push(id);
            }
        }
    }

    /// Where a name fits several servers, or no name tells machines apart: a server of its own, one for each such name.
    fn unsure(
        &mut self,
        scope: Scope,
        subject: &Subject,
        keys: &Keys,
        origin: &Origin,
        candidates: &[usize],
    ) -> usize {
        let shown = best_name(subject);
        let key = (scope, lower(&shown));
        if let Some(known) = self.unsure.get(&key) {
            return *known;
        }
        let server = self.new_draft(subject);
        self.drafts[server].learn(subject, keys, &origin.file);
        self.unsure.insert(key, server);
        if !candidates.is_empty() {
            self.warn_of_several(&shown, origin, candidates);
        }
        server
    }

    fn warn_of_several(&mut self, shown: &str, origin: &Origin, candidates: &[usize]) {
        if self.warnings.len() >= MAX_WARNINGS {
            self.more_warnings += 1;
            return;
        }
        let names: Vec<String> = candidates
            .iter()
            .map(|server| {
                let draft = &self.drafts[*server];
                let tenant = draft.tenant.as_ref().map(|tenant| format!("{tenant} / "));
                let mark = draft.mark().map(|mark| format!(" ({mark})"));
                format!(
                    "{}{}{}",
                    tenant.unwrap_or_default(),
                    draft.name(),
                    mark.unwrap_or_default()
                )
            })
            .collect();
        self.warnings.push(Said::new(
            format!(
                "{origin}: {shown} may be {}: it is kept as a server of its own; name its tenant, or decide with `same`",
                names.join(" or ")
            ),
            format!(
                "{origin} : {shown} peut être {} : gardé comme un serveur à part ; nommer son client, ou décider avec `same`",
                names.join(" ou ")
            ),
        ));
    }

    /// Which decisions speak of a subject. One that keeps apart two names of one row cannot be followed.
    fn decided(&mut self, subject: &Subject, origin: &Origin) -> Vec<NameId> {
        let mut decided = self.decisions.about(subject, &origin.file);
        for id in &decided {
            self.seen[id.decision][id.name] = true;
        }
        let torn: Vec<usize> = decided
            .iter()
            .filter(|id| self.decisions.list[id.decision].kind == DecisionKind::Apart)
            .filter(|id| {
                let mut others = decided.iter();
                others.any(|other| other.decision == id.decision && other.name != id.name)
            })
            .map(|id| id.decision)
            .collect();
        // Two names that are one text, once for a file and once for all, are no contradiction: the file's goes before.
        for decision in torn {
            let names = &self.decisions.list[decision].names;
            let narrow = |id: &NameId| names[id.name].file.is_some();
            let has_narrow = decided.iter().any(|id| id.decision == decision && narrow(id));
            decided.retain(|id| id.decision != decision || has_narrow && narrow(id));
            let left = decided.iter().filter(|id| id.decision == decision).count();
            if left != 1 {
                decided.retain(|id| id.decision != decision);
                let at = &self.decisions.list[decision].origin;
                let said = Said::new(
                    format!("{at}: {origin} says of one server that it has both names: it stays one"),
                    format!(
                        "{at} : {origin} donne les deux noms à un même serveur : il reste un seul serveur"
                    ),
                );
                if !self.warnings.contains(&said) && self.warnings.len() < MAX_WARNINGS {
                    self.warnings.push(said);
                }
            }
        }
        decided
    }

    /// Whether somebody decided that a subject is not a server.
    fn is_apart(&self, server: usize, decided: &[NameId]) -> Option<usize> {
        let held = &self.drafts[server].decided;
        let apart = decided.iter().find(|id| {
            self.decisions.list[id.decision].kind == DecisionKind::Apart
                && held
                    .iter()
                    .any(|other| other.decision == id.decision && other.name != id.name)
        });
        apart.map(|id| id.decision)
    }

    /// What the rules say.
    fn find(
        &mut self,
        scope: Scope,
        subject: &Subject,
        keys: &Keys,
        decided: &[NameId],
        measured: bool,
    ) -> Found {
        if subject.tenant.is_some() {
            return self.find_in(scope, keys, decided, Reach::Own);
        }
        // With one tenant only, it is that tenant's.
        let (place, reach) = match self.scopes.len() {
            1 => (1, Reach::Own),
            _ if measured => (NO_TENANT, Reach::Measured),
            _ => (NO_TENANT, Reach::Everywhere),
        };
        match self.find_in(place, keys, decided, reach) {
            Found::None => self.find_in(NO_TENANT, keys, decided, Reach::Own),
            found => found,
        }
    }

    fn find_in(&mut self, scope: Scope, keys: &Keys, decided: &[NameId], reach: Reach) -> Found {
        let mut matches: Vec<(usize, MergeRule)> = Vec::new();
        let mut refused: Vec<usize> = Vec::new();
        let mut several: Vec<Vec<usize>> = Vec::new();
        for (by, listed) in self.candidates(scope, keys, reach) {
            let mut fitting: Vec<(usize, MergeRule)> = Vec::new();
            for (server, rule) in listed {
                let server = self.root(server);
                let draft = &self.drafts[server];
                let contradicts = match rule {
                    MergeRule::Fqdn => draft.contradicts_by_fqdn(keys, &by),
                    MergeRule::Address => draft.contradicts_by_address(keys),
                    _ => draft.contradicts_by_name(keys),
                };
                if contradicts || fitting.iter().any(|(known, _)| *known == server) {
                    continue;
                }
                match self.is_apart(server, decided) {
                    Some(decision) if refused.contains(&decision) => {}
                    Some(decision) => refused.push(decision),
                    None => fitting.push((server, rule)),
                }
            }
            match fitting.as_slice() {
                [] => {}
                [one] if matches.iter().any(|(known, _)| *known == one.0) => {}
                [one] => matches.push(*one),
                many => several.push(many.iter().map(|(server, _)| *server).collect()),
            }
        }
        for decision in refused {
            self.changed[decision] += 1;
        }
        // What one name leaves open another one may decide, among the same servers.
        let fits_all = |server: usize| several.iter().all(|servers| servers.contains(&server));
        let mut matches = matches.into_iter();
        match matches.next() {
            // An address alone joins no two servers.
            Some((server, rule)) if fits_all(server) => {
                let others = matches.filter(|(_, rule)| *rule != MergeRule::Address);
                Found::One(server, rule, others.collect())
            }
            None if several.is_empty() => Found::None,
            first => {
                let mut all = several.concat();
                all.extend(first.map(|(server, _)| server));
                all.sort_unstable();
                all.dedup();
                Found::Several(all)
            }
        }
    }

    /// The names of a subject, and which servers each offers by which rule, in the order of the rules.
    fn candidates(&self, scope: Scope, keys: &Keys, reach: Reach) -> Vec<Offer> {
        let index = match reach {
            Reach::Own => &self.index,
            Reach::Everywhere | Reach::Measured => match &self.everywhere {
                Some(everywhere) => everywhere,
                None => return Vec::new(),
            },
        };
        let text = |map: &Map<(Scope, String), Vec<usize>>, key: Option<&str>, rule| {
            let held = key.and_then(|key| map.get(&(scope, key.to_owned())));
            let servers = held.into_iter().flatten();
            servers.map(|server| (*server, rule)).collect::<Vec<_>>()
        };
        let mut all: Vec<Offer> = keys
            .fqdns()
            .map(|fqdn| (fqdn.clone(), text(&index.by_fqdn, Some(fqdn), MergeRule::Fqdn)))
            .collect();
        // A scan may have found another tenant's server of that name.
        if !matches!(reach, Reach::Measured) {
            let name = keys.name.as_deref();
            let mut by_name = text(&index.by_name, name, MergeRule::Name);
            by_name.extend(text(&index.by_label, name, MergeRule::FirstLabel));
            if name.is_none() && matches!(reach, Reach::Own) {
                by_name.extend(text(&index.by_name, keys.label(), MergeRule::FirstLabel));
            }
            all.push((name.unwrap_or_default().to_owned(), by_name));
        }
        // Addresses inside are used by every tenant.
        for address in &keys.addresses {
            if matches!(reach, Reach::Own) || is_public(*address) {
                let servers = index.by_address.get(&(scope, *address)).into_iter().flatten();
                let servers = servers.map(|server| (*server, MergeRule::Address));
                all.push((address.to_string(), servers.collect()));
            }
        }
        all
    }

    /// What decisions make of what the rules found.
    fn decide(&mut self, found: Found, decided: &[NameId], origin: &Origin) -> (Found, Option<usize>) {
        let same = decided
            .iter()
            .find(|id| self.decisions.list[id.decision].kind == DecisionKind::Same);
        let Some((decision, group)) = same.and_then(|id| Some((id.decision, self.groups[id.decision]?)))
        else {
            return (found, None);
        };
        let group = self.root(group);
        if let Some(apart) = self.is_apart(group, decided) {
            let (one, other) = (
                &self.decisions.list[decision].origin,
                &self.decisions.list[apart].origin,
            );
            let said = Said::new(
                format!("{one} and {other} contradict each other ({origin}): what is kept apart stays apart"),
                format!("{one} et {other} se contredisent ({origin}) : ce qui est séparé le reste"),
            );
            if !self.warnings.contains(&said) && self.warnings.len() < MAX_WARNINGS {
                self.warnings.push(said);
            }
            return (found, None);
        }
        match found {
            Found::One(server, rule, others) if server == group => (Found::One(server, rule, others), None),
            Found::One(server, _, mut others) => {
                self.changed[decision] += 1;
                others.insert(0, (server, MergeRule::Decision));
                (Found::One(group, MergeRule::Decision, others), Some(decision))
            }
            Found::Several(_) | Found::None => {
                self.changed[decision] += 1;
                (Found::One(group, MergeRule::Decision, Vec::new()), Some(decision))
            }
        }
    }

    /// Remembers the server of names that were decided to be one.
    fn group(&mut self, server: usize, subject: &Subject, origin: &Origin) {
        for id in self.decisions.about(subject, &origin.file) {
            if self.decisions.list[id.decision].kind == DecisionKind::Same {
                self.groups[id.decision].get_or_insert(server);
            }
        }
    }

    /// Joins two servers that one source names both, unless their names contradict each other.
    fn join(&mut self, one: usize, other: usize, rule: MergeRule, keys: &Keys, origin: &Origin) {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return;
        }
        let apart = self.is_apart(one, &self.drafts[other].decided);
        let contradicts =
            rule != MergeRule::Decision && self.drafts[one].contradicts(&self.drafts[other], keys);
        let other_tenant = match (&self.drafts[one].tenant, &self.drafts[other].tenant) {
            (Some(one), Some(other)) => lower(one) != lower(other),
            _ => false,
        };
        if let Some(decision) = apart {
            self.changed[decision] += 1;
        }
        if apart.is_some() || contradicts || other_tenant {
            return;
        }
        let joined = self.drafts[other].name();
        self.merged(one, joined, rule, None, origin);
        let mut absorbed = std::mem::take(&mut self.drafts[other]);
        self.drafts[one].absorb(&mut absorbed);
        if self.drafts[one].tenant.is_none() {
            self.drafts[one].tenant = absorbed.tenant.take();
        }
        absorbed.parent = Some(one);
        self.drafts[other] = absorbed;
    }

    /// Writes down that a rule brought two names together: once for each name, and once for each file.
    fn note(
        &mut self,
        server: usize,
        rule: MergeRule,
        decision: Option<usize>,
        subject: &Subject,
        keys: &Keys,
        origin: &Origin,
    ) {
        let draft = &self.drafts[server];
        let is_known = draft.knows(keys) && draft.has_file(&origin.file);
        let by_name = matches!(rule, MergeRule::Fqdn | MergeRule::Name);
        if !(is_known && by_name) {
            let joined = match rule {
                MergeRule::Fqdn => subject.fqdn.clone().or_else(|| subject.aliases.first().cloned()),
                MergeRule::Address => subject.addresses.first().map(ToString::to_string),
                _ => None,
            };
            let joined = joined.unwrap_or_else(|| best_name(subject));
            self.merged(server, joined, rule, decision, origin);
        }
    }

    fn merged(
        &mut self,
        server: usize,
        joined: String,
        rule: MergeRule,
        decision: Option<usize>,
        origin: &Origin,
    ) {
        let merge = Merge {
            tenant: None,
            server: String::new(),
            joined,
            rule,
            by: origin.clone(),
            decision: decision.map(|index| self.decisions.list[index].origin.clone()),
        };
        self.merges.push((server, merge));
    }

    pub(super) fn finish(mut self) -> Drafted {
        self.tell_decisions();
        if self.more_warnings > 0 {
            let more = self.more_warnings;
            self.warnings.push(Said::new(
                format!("{more} more names fit several servers and are kept as servers of their own"),
                format!("{more} autres noms conviennent à plusieurs serveurs et sont gardés comme des serveurs à part"),
            ));
        }
        let merges = std::mem::take(&mut self.merges);
        let mut told = Vec::with_capacity(merges.len());
        for (server, merge) in merges {
            let root = self.root(server);
            let draft = &self.drafts[root];
            told.push(Merge {
                tenant: draft.tenant.clone(),
                server: draft.name(),
                ..merge
            });
        }
        let uses = self.decisions.list.iter().enumerate().map(|(index, decision)| {
            let names = decision.names.iter().zip(&self.seen[index]);
            DecisionUse {
                decision: decision.clone(),
                changed: self.changed[index],
                unmatched: names
                    .filter(|(_, seen)| !**seen)
                    .map(|(name, _)| name.clone())
                    .collect(),
            }
        });
        let estate = Estate {
            decisions: uses.collect(),
            merges: told,
            warnings: std::mem::take(&mut self.warnings),
            ..Estate::default()
        };
        let servers = self.drafts.iter().map(|draft| Server {
            tenant: draft.tenant.clone(),
            name: draft.name(),
            fqdn: draft.fqdn(),
            addresses: draft.addresses.clone(),
            observations: Vec::new(),
        });
        Drafted {
            servers: servers.collect(),
            estate,
            parents: self.drafts.iter().map(|draft| draft.parent).collect(),
        }
    }

    /// A decision about names that no source says is out of date, or misspelt.
    fn tell_decisions(&mut self) {
        for (decision, seen) in self.decisions.list.iter().zip(&self.seen) {
            let missing = decision.names.iter().zip(seen).filter(|(_, seen)| !**seen);
            let missing: Vec<String> = missing.map(|(name, _)| name.to_string()).collect();
            if missing.is_empty() {
                continue;
            }
            let (of, of_fr) = match &decision.tenant {
                Some(tenant) => (format!(" of {tenant}"), format!(" de {tenant}")),
                None => (" without a tenant".to_owned(), " sans client".to_owned()),
            };
            let (at, names) = (&decision.origin, missing.join(", "));
            self.warnings.push(Said::new(
                format!("{at}: no source names {names}{of}: the decision is out of date, or misspelt"),
                format!(
                    "{at} : aucune source ne nomme {names}{of_fr} : la décision est périmée, ou mal écrite"
                ),
            ));
        }
    }
}

/// A name, and the servers it offers by which rule.
type Offer = (String, Vec<(usize, MergeRule)>);

/// How far a source is looked for.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// Among one tenant's servers.
    Own,
    /// Among all tenants'.
    Everywhere,
    /// Among all tenants', for a scan.
    Measured,
}

fn best_name(subject: &Subject) -> String {
    let by_fqdn = || subject.fqdn.clone().or_else(|| subject.aliases.first().cloned());
    let by_address = || subject.addresses.first().map(ToString::to_string);
    let name = subject.name.clone().or_else(by_fqdn).or_else(by_address);
    name.unwrap_or_default()
}
