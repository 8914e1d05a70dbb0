//! The names of one server, and when two servers' names contradict each other.

use std::net::IpAddr;
use std::sync::Arc;

use super::decisions::NameId;
use crate::Subject;

/// How names are compared.
pub(super) fn lower(text: &str) -> String {
    text.trim().trim_end_matches('.').to_lowercase()
}

pub(super) fn first_label(fqdn: &str) -> &str {
    fqdn.split('.').next().unwrap_or(fqdn)
}

/// A subject, its names as they are compared.
pub(super) struct Keys {
    pub(super) name: Option<String>,
    pub(super) fqdn: Option<String>,
    /// Other names in DNS.
    pub(super) aliases: Vec<String>,
    /// Those that can be one machine's alone.
    pub(super) addresses: Vec<IpAddr>,
}

impl Keys {
    pub(super) fn of(subject: &Subject) -> Keys {
        let some = |text: &Option<String>| text.as_deref().map(lower).filter(|text| !text.is_empty());
        let addresses = subject.addresses.iter().copied();
        Keys {
            name: some(&subject.name),
            fqdn: some(&subject.fqdn),
            aliases: subject.aliases.iter().map(|alias| lower(alias)).collect(),
            addresses: addresses
                .filter(|address| crate::address::identifies(*address))
                .collect(),
        }
    }

    pub(super) fn label(&self) -> Option<&str> {
        self.fqdn.as_deref().map(first_label)
    }

    /// All names in DNS, its own first.
    pub(super) fn fqdns(&self) -> impl Iterator<Item = &String> {
        self.fqdn.iter().chain(&self.aliases)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.name.is_none() && self.fqdns().next().is_none() && self.addresses.is_empty()
    }
}

/// A server that is being put together.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) tenant: Option<String>,
    /// Short names that sources gave it, as compared.
    given: Vec<String>,
    /// Names in DNS, as compared.
    fqdns: Vec<String>,
    /// The first of each as written.
    shown_name: Option<String>,
    shown_fqdns: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    /// Names of decisions that its sources say.
    pub(super) decided: Vec<NameId>,
    /// The files that speak of it.
    files: Vec<Arc<str>>,
    /// The server it was found to be.
    pub(super) parent: Option<usize>,
    /// Whether its name fits several servers: nobody else is to be taken for it.
    pub(super) is_unsure: bool,
}

/// The names in DNS of one server that are kept; of more, the first stand.
const MAX_FQDNS: usize = 64;

impl Draft {
    pub(super) fn new(tenant: Option<String>) -> Draft {
        Draft {
            tenant,
            ..Draft::default()
        }
    }

    pub(super) fn learn(&mut self, subject: &Subject, keys: &Keys, file: &Arc<str>) {
        if let Some(name) = &keys.name {
            if !self.given.contains(name) && self.given.len() < MAX_FQDNS {
                self.given.push(name.clone());
            }
            if self.shown_name.is_none() {
                self.shown_name.clone_from(&subject.name);
            }
        }
        for (fqdn, shown) in keys.fqdns().zip(subject.fqdn.iter().chain(&subject.aliases)) {
            if !self.fqdns.contains(fqdn) && self.fqdns.len() < MAX_FQDNS {
                self.fqdns.push(fqdn.clone());
                self.shown_fqdns.push(shown.clone());
            }
        }
        for address in &subject.addresses {
            if !self.addresses.contains(address) && self.addresses.len() < MAX_FQDNS * 16 {
                self.addresses.push(*address);
            }
        }
        if !self.has_file(file) && self.files.len() < MAX_FQDNS {
            self.files.push(Arc::clone(file));
        }
    }

    /// Whether sources gave it a short name.
    pub(super) fn has_given_name(&self) -> bool {
        !self.given.is_empty()
    }

    /// Its names, one after the other.
    pub(super) fn keys(&self) -> impl Iterator<Item = Keys> {
        let none = || Keys {
            name: None,
            fqdn: None,
            aliases: Vec::new(),
            addresses: Vec::new(),
        };
        let names = self.given.iter().map(move |name| Keys {
            name: Some(name.clone()),
            ..none()
        });
        let fqdns = self.fqdns.iter().map(move |fqdn| Keys {
            fqdn: Some(fqdn.clone()),
            ..none()
        });
        let addresses = self
            .addresses
            .iter()
            .filter(|address| crate::address::identifies(**address));
        let addresses = Keys {
            addresses: addresses.copied().collect(),
            ..none()
        };
        names.chain(fqdns).chain([addresses])
    }

    pub(super) fn has_file(&self, file: &Arc<str>) -> bool {
        self.files
            .iter()
            .any(|known| Arc::ptr_eq(known, file) || known == file)
    }

    /// Whether all names of a subject are known already.
    pub(super) fn knows(&self, keys: &Keys) -> bool {
        keys.name.as_ref().is_none_or(|name| self.given.contains(name))
            && keys.fqdns().all(|fqdn| self.fqdns.contains(fqdn))
    }

    /// Takes over what is known of another one that it was found to be.
    pub(super) fn absorb(&mut self, other: &mut Draft) {
        let add = |to: &mut Vec<String>, from: &mut Vec<String>| {
            for text in std::mem::take(from) {
                if !to.contains(&text) && to.len() < MAX_FQDNS {
                    to.push(text);
                }
            }
        };
        add(&mut self.given, &mut other.given);
        add(&mut self.fqdns, &mut other.fqdns);
        add(&mut self.shown_fqdns, &mut other.shown_fqdns);
        self.shown_name = self.shown_name.take().or_else(|| other.shown_name.take());
        for address in std::mem::take(&mut other.addresses) {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
        self.decided.append(&mut other.decided);
        for file in std::mem::take(&mut other.files) {
            if !self.has_file(&file) && self.files.len() < MAX_FQDNS {
                self.files.push(file);
            }
        }
    }

    /// Its short name, or the best that is known: of its name in DNS, its address.
    pub(super) fn name(&self) -> String {
        let by_fqdn = || self.shown_fqdns.first().map(|fqdn| first_label(fqdn).to_owned());
        let by_address = || self.addresses.first().map(ToString::to_string);
        let name = self.shown_name.clone().or_else(by_fqdn).or_else(by_address);
        name.unwrap_or_default()
    }

    /// Its name in DNS: the one that begins with its short name, else the first.
    pub(super) fn fqdn(&self) -> Option<String> {
        let own = self
            .shown_fqdns
            .iter()
            .find(|fqdn| self.given.iter().any(|name| *name == lower(first_label(fqdn))));
        own.or(self.shown_fqdns.first()).cloned()
    }

    /// What tells it from others of its short name: its name in DNS, an address, the file that speaks of it.
    pub(super) fn mark(&self) -> Option<String> {
        let by_address = || self.addresses.first().map(ToString::to_string);
        let by_file = || self.files.first().map(ToString::to_string);
        self.fqdn().or_else(by_address).or_else(by_file)
    }

    /// Names in DNS that begin with the same label and differ: two machines of two domains.
    fn other_domain(&self, fqdn: &str) -> bool {
        let mut same_label = self
            .fqdns
            .iter()
            .filter(|known| first_label(known) == first_label(fqdn));
        let Some(first) = same_label.next() else {
            return false;
        };
        first != fqdn && !same_label.any(|known| known == fqdn)
    }

    /// Whether a subject with one of its names in DNS is another server: it has a short name of its own, and so has this
    /// one. A short name that is the first label of that name in DNS is none of its own.
    pub(super) fn contradicts_by_fqdn(&self, keys: &Keys, fqdn: &str) -> bool {
        let label = first_label(fqdn);
        let Some(name) = keys.name.as_deref() else {
            return false;
        };
        name != label
            && self.given.iter().any(|given| given != label)
            && !self.given.iter().any(|given| given == name)
    }

    /// Whether a subject with the same short name is another server: their names in DNS begin with it and differ.
    pub(super) fn contradicts_by_name(&self, keys: &Keys) -> bool {
        keys.fqdn.as_deref().is_some_and(|fqdn| self.other_domain(fqdn))
    }

    /// Whether a subject with the same address is another server: both have short names, and they differ.
    pub(super) fn contradicts_by_address(&self, keys: &Keys) -> bool {
        let by_name = keys
            .name
            .as_ref()
            .is_some_and(|name| !self.given.is_empty() && !self.given.contains(name));
        by_name || self.contradicts_by_name(keys)
    }

    /// Whether this one and another, both of which a subject names, are two servers all the same.
    pub(super) fn contradicts(&self, other: &Draft, keys: &Keys) -> bool {
        let labels: Vec<&str> = keys.fqdns().map(|fqdn| first_label(fqdn)).collect();
        let own = |draft: &Draft| {
            let given = draft
                .given
                .iter()
                .filter(|given| !labels.contains(&given.as_str()));
            given.cloned().collect::<Vec<String>>()
        };
        let (mine, theirs) = (own(self), own(other));
        let disjoint =
            !mine.is_empty() && !theirs.is_empty() && !mine.iter().any(|name| theirs.contains(name));
        disjoint || other.fqdns.iter().any(|fqdn| self.other_domain(fqdn))
    }
}
