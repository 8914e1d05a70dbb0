//! The servers of a provider's tenants, each with everything that was ever observed about it.

use std::net::IpAddr;

use crate::observation::identifiers;
use crate::{DecisionUse, Observation, Origin, Said};

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
    /// Machines that only lists of all kinds of machines name ([`Fact::Machine`](crate::Fact::Machine)): none of the
    /// servers, as far as anybody says.
    pub others: Vec<Server>,
    /// Names that were brought together, with the rule and the source that did.
    pub merges: Vec<Merge>,
    /// What people decided about names, and what came of it.
    pub decisions: Vec<DecisionUse>,
    /// What the reader must know before trusting the list.
    pub warnings: Vec<Said>,
}

/// A name that was brought under a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Whose the server is.
    pub tenant: Option<String>,
    /// Its name.
    pub server: String,
    /// The other name.
    pub joined: String,
    /// Why the two are one.
    pub rule: MergeRule,
    /// The source of the other name.
    pub by: Origin,
    /// The decision that made it so: `decisions.yaml:3`.
    pub decision: Option<String>,
}

identifiers!(
    /// Why two names are one server, surest first.
    MergeRule {
        /// Somebody decided it.
        Decision = "decision",
        /// The same name in DNS.
        Fqdn = "fqdn",
        /// The same short name.
        Name = "name",
        /// The short name is the first label of the name in DNS.
        FirstLabel = "first_label",
        /// The same address.
        Address = "address",
    }
);
