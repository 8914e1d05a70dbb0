//! The rules by which names come together.

use super::decisions::{DecisionUse, Decisions, NameId};
use super::index::{Index, Map, NO_TENANT, Reach, Scope};
use super::names::{Draft, Keys, lower};
use crate::{Estate, Merge, MergeRule, Origin, Said, Server, Subject};

/// Warnings about names that fit several servers.
pub(super) const MAX_WARNINGS: usize = 100;
/// Servers that such a warning names.
const NAMED: usize = 4;

/// What the rules make of a subject.
pub(super) enum Found {
    /// The server, the rule, and others that the subject names too.
    One(usize, MergeRule, Vec<(usize, MergeRule)>),
    /// Several fit.
    Several(Vec<usize>),
    /// None does.
    None,
}

pub(super) struct Merging<'d> {
    pub(super) decisions: &'d Decisions,
    pub(super) drafts: Vec<Draft>,
    scopes: Map<String, Scope>,
    index: Index,
    /// Over all tenants, once they are known.
    everywhere: Option<Index>,
    /// Subjects that fit several servers, or have no name that tells machines apart: kept under what they are called.
    unsure: Map<(Scope, String), usize>,
    merges: Vec<(usize, Merge)>,
    /// Per decision: the server of its names that are one, how often it changed something, and which names were seen.
    pub(super) groups: Vec<Option<usize>>,
    pub(super) changed: Vec<u64>,
    pub(super) seen: Vec<Vec<bool>>,
    pub(super) warnings: Vec<Said>,
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
    pub(super) fn root(&mut self, mut server: usize) -> usize {
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
        self.everywhere = Some(Index::of_all(&self.drafts));
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
        draft.is_unsure = false;
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
        self.drafts[server].is_unsure = true;
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
        let mut names: Vec<String> = candidates
            .iter()
            .take(NAMED)
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
        if candidates.len() > NAMED {
            names.push("…".to_owned());
        }
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
        let index = match reach {
            Reach::Own => Some(&self.index),
            Reach::Everywhere | Reach::Measured => self.everywhere.as_ref(),
        };
        let offers = index.map_or_else(Vec::new, |index| index.offers(scope, keys, reach));
        let mut matches: Vec<(usize, MergeRule)> = Vec::new();
        let mut several: Vec<Vec<usize>> = Vec::new();
        let mut crowd: Vec<usize> = Vec::new();
        let mut refused: Vec<usize> = Vec::new();
        for offer in offers {
            let mut fitting: Vec<(usize, MergeRule)> = Vec::new();
            for (server, rule) in offer.servers {
                let server = self.root(server);
                let draft = &self.drafts[server];
                let contradicts = match rule {
                    MergeRule::Fqdn => draft.contradicts_by_fqdn(keys, &offer.name),
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
            // A short name that somebody gave goes before the first label of another server's published name.
            if fitting.iter().any(|(_, rule)| *rule == MergeRule::Name) {
                fitting.retain(|(server, rule)| {
                    *rule == MergeRule::Name || !self.drafts[*server].has_given_name()
                });
            }
            match fitting.as_slice() {
                // It leads to more servers than are kept, any of which may be meant.
                some if offer.is_crowded => crowd.extend(some.iter().map(|(server, _)| *server)),
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
            None if several.is_empty() && crowd.is_empty() => Found::None,
            first => {
                let mut all = several.concat();
                all.extend(crowd);
                all.extend(first.map(|(server, _)| server));
                all.sort_unstable();
                all.dedup();
                Found::Several(all)
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
}

fn best_name(subject: &Subject) -> String {
    let by_fqdn = || subject.fqdn.clone().or_else(|| subject.aliases.first().cloned());
    let by_address = || subject.addresses.first().map(ToString::to_string);
    let name = subject.name.clone().or_else(by_fqdn).or_else(by_address);
    name.unwrap_or_default()
}
