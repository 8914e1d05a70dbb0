//! One host of a scan.

use std::net::IpAddr;
use std::sync::Arc;

use vigie_event::Timestamp;

use super::super::{Format, Vantage};
use super::{MAX_PIECES, Run};
use crate::{BuildSource, Fact, Observation, Origin, Place, ProductLine, Subject, Version, is_public};

/// Other names of a host that are kept.
const MAX_ALIASES: usize = 16;

/// What a scan says of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortState {
    /// Something answers there.
    Open,
    /// The host refuses.
    Closed,
    /// Nobody knows.
    Unknown,
}

impl PortState {
    pub(super) fn of(state: &str) -> PortState {
        match state {
            "open" => PortState::Open,
            "closed" => PortState::Closed,
            _ => PortState::Unknown,
        }
    }
}

/// Where a name of the host comes from, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// The host itself says it: NTLM, the greeting of its mail service, `X-FEServer`.
    Own,
    /// Whoever scanned gave it.
    Given,
    /// The subject of its certificate.
    Certificate,
    /// The reverse lookup of its address: often the provider's.
    Reverse,
}

/// A host that is being read.
pub(super) struct Host {
    at: Option<Timestamp>,
    pub(super) is_up: bool,
    pub(super) addresses: Vec<IpAddr>,
    /// States that several ports share.
    pub(super) extra: Vec<PortState>,
    /// What is said of 443/tcp.
    pub(super) port_443: Option<PortState>,
    short: Option<String>,
    full: Vec<(Name, String)>,
    /// What shows Exchange: the fact, and the port.
    facts: Vec<(Fact, Option<u32>)>,
    /// Builds that a script offers, and at which port; of several, only what they have in common is known.
    pub(super) offered: Vec<(Version, Option<u32>)>,
}

impl Host {
    pub(super) fn new(at: Option<Timestamp>) -> Host {
        Host {
            at,
            is_up: true,
            addresses: Vec::new(),
            extra: Vec::new(),
            port_443: None,
            short: None,
            full: Vec::new(),
            facts: Vec::new(),
            offered: Vec::new(),
        }
    }

    /// A name of the host. What is no name in DNS, or a pattern, is none.
    pub(super) fn name(&mut self, kind: Name, name: &str) {
        let name = name.trim().trim_end_matches('.');
        let is_name = !name.is_empty()
            && name.len() <= 253
            && name.parse::<IpAddr>().is_err()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if !is_name {
            return;
        }
        match (name.contains('.'), kind) {
            (true, _) if self.full.len() < MAX_PIECES => self.full.push((kind, name.to_owned())),
            (false, Name::Own) => {
                self.short.get_or_insert_with(|| name.to_owned());
            }
            _ => {}
        }
    }

    /// The names that others gave the host, in lower case.
    pub(super) fn borrowed_names(&self) -> impl Iterator<Item = String> {
        let borrowed = self.full.iter().filter(|(kind, _)| *kind > Name::Given);
        borrowed.map(|(_, name)| name.to_lowercase())
    }

    /// Keeps of the names that others gave the host those of which `is_its_own` is true.
    pub(super) fn keep_names(&mut self, is_its_own: impl Fn(&str) -> bool) {
        self.full
            .retain(|(kind, name)| *kind <= Name::Given || is_its_own(&name.to_lowercase()));
    }

    /// What a service was recognised as.
    pub(super) fn service(&mut self, product: &str, extra: &str, name: Option<&str>, port: Option<u32>) {
        let is_exchange = product.starts_with("Microsoft Exchange")
            || extra.contains("Microsoft Exchange")
            || [product, extra].iter().any(|text| text.contains("Outlook Web A"));
        if is_exchange {
            self.exchange(port);
            // A mail service of Exchange greets with the server's own name.
            if let Some(name) = name {
                self.name(Name::Own, name);
            }
        }
    }

    /// Exchange answers.
    pub(super) fn exchange(&mut self, port: Option<u32>) {
        let product = ProductLine {
            product: "exchange".to_owned(),
            line: None,
        };
        self.fact(Fact::Product(product), port);
    }

    /// Exchange answers, and shows its build.
    pub(super) fn build(&mut self, version: Version, source: BuildSource, port: Option<u32>) {
        self.exchange(port);
        self.fact(Fact::Build { version, source }, port);
    }

    fn fact(&mut self, fact: Fact, port: Option<u32>) {
        let is_known = self.facts.iter().any(|(known, _)| *known == fact);
        if !is_known && self.facts.len() < MAX_PIECES {
            self.facts.push((fact, port));
        }
    }

    /// Turns what was found into observations.
    pub(super) fn tell(mut self, run: &mut Run) {
        if !self.is_up || self.addresses.is_empty() && self.full.is_empty() {
            run.reading.empty_rows += 1;
            return;
        }
        run.reading.rows += 1;
        self.offer();
        let published = self.publication(run);
        if self.facts.is_empty() {
            run.others += 1;
            self.facts.push((Fact::Machine, None));
        }
        self.facts
            .extend(published.map(|published| (Fact::Published(published), Some(443))));
        let shown = match (self.addresses.first(), self.full.first()) {
            (Some(address), _) => address.to_string(),
            (None, Some((_, name))) => name.clone(),
            (None, None) => String::new(),
        };
        let subject = Arc::new(self.subject());
        for (fact, port) in self.facts {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let shown = if shown.contains(':') && !port.is_empty() {
                format!("[{shown}]{port}")
            } else {
                format!("{shown}{port}")
            };
            run.reading.observations.push(Observation {
                subject: Arc::clone(&subject),
                fact,
                at: self.at,
                origin: Origin {
                    reader: Format::Nmap.id(),
                    file: Arc::clone(&run.file),
                    place: Some(Place::Path(shown.into())),
                },
            });
        }
    }

    /// One offered build is the host's; of several, as the script offers for a build of three parts, the revision is open.
    fn offer(&mut self) {
        let Some((first, port)) = self.offered.first().copied() else {
            return;
        };
        if self.offered.len() == 1 && first.revision.is_some() {
            return self.build(first, BuildSource::XOwaVersion, port);
        }
        match self.offered.iter().all(|(version, _)| version.base == first.base) {
            true => self.build(first.without_revision(), BuildSource::Path, port),
            false => self.exchange(port),
        }
    }

    /// Whether TCP/443 is published, as far as this scan can say.
    fn publication(&self, run: &mut Run) -> Option<bool> {
        // What all ports have that are not listed, 443 has too.
        let rest = (self.extra.len() == 1 && run.scanned_443).then(|| self.extra[0]);
        let state = self.port_443.or(rest);
        run.open += u64::from(state == Some(PortState::Open));
        if run.vantage != Some(Vantage::Outside) {
            run.unsaid += u64::from(run.vantage.is_none() && state == Some(PortState::Open));
            return None;
        }
        if !self.addresses.iter().copied().any(is_public) {
            run.inside += 1;
            return None;
        }
        match state {
            Some(PortState::Open) => Some(true),
            Some(PortState::Closed) => Some(false),
            _ => {
                run.quiet += 1;
                None
            }
        }
    }

    fn subject(&mut self) -> Subject {
        self.full.sort_by_key(|(kind, _)| *kind);
        let is_own = self.full.first().is_some_and(|(kind, _)| *kind == Name::Own);
        let mut names = std::mem::take(&mut self.full).into_iter().map(|(_, name)| name);
        let fqdn = names.next();
        let label = || Some(fqdn.as_ref()?.split('.').next()?.to_owned());
        let name = self.short.take().or_else(|| label().filter(|_| is_own));
        let mut aliases: Vec<String> = Vec::new();
        for name in names {
            let is_known = fqdn
                .iter()
                .chain(&aliases)
                .any(|known| known.eq_ignore_ascii_case(&name));
            if !is_known && aliases.len() < MAX_ALIASES {
                aliases.push(name);
            }
        }
        Subject {
            tenant: None,
            name,
            fqdn,
            aliases,
            addresses: std::mem::take(&mut self.addresses),
        }
    }
}
