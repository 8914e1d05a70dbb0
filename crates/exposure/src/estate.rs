//! The servers of a provider's tenants, each with everything that was ever observed about it.

use std::net::IpAddr;

use crate::{Observation, Said};

/// A server: one identity, however many sources name it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Server {
    /// Whose it is.
    pub tenant: Option<String>,
    /// Its short name, or the best that is known: its name in DNS, its address.
    pub name: String,
    /// Its name in DNS.
    pub fqdn: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Everything observed about it, in the order in which it was read.
    pub observations: Vec<Observation>,
}

/// All servers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estate {
    /// Servers that an inventory names, by tenant and name.
    pub servers: Vec<Server>,
    /// Found from outside, unknown inside: nobody's inventory names them.
    pub outside: Vec<Server>,
    /// What the reader must know before trusting the list.
    pub warnings: Vec<Said>,
}
