//! From a scope to the addresses that will be asked. Names are resolved here, once, and never again.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};

use vigie_exposure::Said;

use crate::run::{ProbeError, in_parallel};
use crate::{Entry, Journal, MAX_ADDRESSES, Place, Scope};

/// Addresses of one name that are asked.
const MAX_PER_NAME: usize = 16;

/// What is asked of a server, in this order.
pub const PAGES: [&str; 2] = [
    "/owa/",
    "/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application",
];

/// Looks the addresses of a name up.
pub type Resolve = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Sync;

/// Looks the addresses of a name up as the system does.
///
/// # Errors
/// When the system knows no address.
pub fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    // The final dot keeps search lists out of it: the name in the scope is meant, not one like it.
    let found = (format!("{name}."), 443_u16)
        .to_socket_addrs()
        .or_else(|_| (name, 443_u16).to_socket_addrs())?;
    Ok(found.map(|address| address.ip()).collect())
}

/// One address to ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// TCP port.
    pub port: u16,
    /// The name it was found by; sent as `Host` and in TLS.
    pub host: Option<String>,
    /// Whose server it is.
    pub tenant: String,
    /// The server's name inside.
    pub server: Option<String>,
}

impl Target {
    /// `https://mail.client.example:8443`, as requests name it.
    pub fn url(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// What goes into `Host`: the port only where it is not the usual one.
    pub(crate) fn authority(&self) -> String {
        let host = match (&self.host, self.address) {
            (Some(host), _) => host.clone(),
            (None, IpAddr::V4(address)) => address.to_string(),
            (None, IpAddr::V6(address)) => format!("[{address}]"),
        };
        if self.port == 443 {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

/// An entry that stands for no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The entry's name.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whose server it is.
    pub tenant: String,
    /// The server's name inside.
    pub server: Option<String>,
    /// Whether the name has addresses, but none that the scope allows.
    pub only_others: bool,
    /// Why.
    pub why: Said,
}

/// Who will be asked.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The addresses, in the order of the scope.
    pub targets: Vec<Target>,
    /// Names that lead to no address that may be asked.
    pub left: Vec<Left>,
    /// What the reader must know.
    pub warnings: Vec<Said>,
}

impl Plan {
    /// Resolves the names of a scope and counts out its blocks. The answers of DNS go to the journal, when there is one.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn of(
        scope: &Scope,
        resolve: &Resolve,
        journal: Option<&Journal>,
        stop: &AtomicBool,
    ) -> Result<Plan, ProbeError> {
        if let Some(journal) = journal {
            journal.scope(scope)?;
        }
        let found = in_parallel(&scope.entries, scope.concurrency, |entry| match &entry.place {
            Place::Name(name) if stop.load(Ordering::SeqCst) => Err(format!("{name}: stopped")),
            Place::Name(name) => resolve(name).map_err(|error| error.to_string()),
            Place::Block(block) => Ok(block.addresses().collect()),
        });
        let mut plan = Plan::default();
        let mut known = HashSet::new();
        for (entry, found) in scope.entries.iter().zip(found) {
            plan.add(entry, found, journal, &mut known)?;
        }
        Ok(plan)
    }

    fn add(
        &mut self,
        entry: &Entry,
        found: Result<Vec<IpAddr>, String>,
        journal: Option<&Journal>,
        known: &mut HashSet<(IpAddr, u16, Option<String>)>,
    ) -> Result<(), ProbeError> {
        let name = match &entry.place {
            Place::Name(name) => Some(name.clone()),
            Place::Block(_) => None,
        };
        let error = found.as_ref().err().cloned();
        let mut found = found.unwrap_or_default();
        let mut seen = HashSet::new();
        found.retain(|address| seen.insert(*address));
        let allowed = |address: &IpAddr| {
            let usable = !address.is_unspecified() && !address.is_multicast();
            usable && (entry.only.is_empty() || entry.only.iter().any(|block| block.contains(*address)))
        };
        let (mut addresses, mut left_out): (Vec<IpAddr>, Vec<IpAddr>) = found.into_iter().partition(allowed);
        if let Some(name) = &name {
            if addresses.len() > MAX_PER_NAME {
                left_out.extend(addresses.split_off(MAX_PER_NAME));
            }
            if let Some(journal) = journal {
                journal.resolved(name, &addresses, &left_out, error.as_deref())?;
            }
            self.tell_resolved(entry, name, &addresses, &left_out, error.as_deref());
        }
        for address in addresses {
            if !known.insert((address, entry.port, name.clone())) {
                let shown = name
                    .as_deref()
                    .map_or_else(|| address.to_string(), |name| format!("{name} ({address})"));
                self.warnings.push(Said::new(
                    format!("{shown}, port {}: named twice in the scope, asked once, as the first entry says", entry.port),
                    format!("{shown}, port {} : nommé deux fois dans le périmètre, interrogé une fois, selon la première entrée", entry.port),
                ));
                continue;
            }
            if self.targets.len() >= MAX_ADDRESSES {
                let said = Said::new(
                    format!("{address}: not asked, {MAX_ADDRESSES} addresses are the most"),
                    format!("{address} : non interrogée, {MAX_ADDRESSES} adresses au plus"),
                );
                self.warnings.push(said);
                continue;
            }
            self.targets.push(Target {
                address,
                port: entry.port,
                host: name.clone(),
                tenant: entry.tenant.clone(),
                server: entry.server.clone(),
            });
        }
        Ok(())
    }

    fn tell_resolved(
        &mut self,
        entry: &Entry,
        name: &str,
        addresses: &[IpAddr],
        left_out: &[IpAddr],
        error: Option<&str>,
    ) {
        let list = |addresses: &[IpAddr]| {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            shown.join(", ")
        };
        if addresses.is_empty() {
            let why = if left_out.is_empty() {
                let why = error.unwrap_or("-");
                Said::new(
                    format!("the name has no address ({why})"),
                    format!("le nom n’a pas d’adresse ({why})"),
                )
            } else {
                Said::new(
                    format!("the scope allows none of its addresses: {}", list(left_out)),
                    format!(
                        "le périmètre n’autorise aucune de ses adresses : {}",
                        list(left_out)
                    ),
                )
            };
            self.left.push(Left {
                host: name.to_owned(),
                port: entry.port,
                tenant: entry.tenant.clone(),
                server: entry.server.clone(),
                only_others: !left_out.is_empty(),
                why,
            });
        } else if !left_out.is_empty() {
            self.warnings.push(Said::new(
                format!("{name}: not asked, the scope does not allow {}", list(left_out)),
                format!(
                    "{name} : non interrogées, le périmètre ne les autorise pas : {}",
                    list(left_out)
                ),
            ));
        }
    }
}
