//! The scope: who signed for which addresses being asked, why and until when. `docs/probe.md` describes the file.

mod address;
mod parse;

pub use address::{Cidr, CidrError};
pub use parse::ScopeError;

use std::time::Duration;

use vigie_event::Timestamp;

/// Bytes a scope file may have.
pub const LARGEST_SCOPE: u64 = 1 << 20;
/// Addresses one block may stand for: a `/24` of IPv4, a `/120` of IPv6.
pub const LARGEST_BLOCK: u64 = 256;
/// Addresses a scope may have, its blocks counted out.
pub const MAX_ADDRESSES: usize = 4_096;

/// A scope that was signed off and holds now.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Who is responsible for the check.
    pub owner: String,
    /// Who signed it off.
    pub signed_by: String,
    /// How the owner can be reached: a mail address or a page. Sent to the servers.
    pub contact: Option<String>,
    /// The day it was signed, as written.
    pub date: String,
    /// Why servers are asked.
    pub reason: String,
    /// The last day it holds, or the instant at which it ends, as written.
    pub expires: Option<String>,
    /// The instant (UTC) from which on it does not hold.
    pub ends: Option<Timestamp>,
    /// What may be asked.
    pub entries: Vec<Entry>,
    /// How fast.
    pub rate: Rate,
    /// How long one request may take in all, from the connection to the last byte.
    pub timeout: Duration,
    /// How many servers are asked at the same time.
    pub concurrency: usize,
}

/// One entry of the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it names.
    pub place: Place,
    /// TCP port.
    pub port: u16,
    /// Whose server it is.
    pub tenant: String,
    /// The server's name inside.
    pub server: Option<String>,
    /// The blocks that the addresses of a name must lie in; any when empty.
    pub only: Vec<Cidr>,
}

/// What an entry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A name in DNS, lower case, without final dot.
    Name(String),
    /// An address, or a small block of them.
    Block(Cidr),
}

/// How fast servers may be asked. A request is one connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Requests a second to one address.
    pub per_host: f64,
    /// Requests a second to all of them.
    pub total: f64,
}

impl Default for Rate {
    fn default() -> Rate {
        Rate {
            per_host: 1.0,
            total: 10.0,
        }
    }
}

impl Scope {
    /// How the program names itself to the servers: `Vigie/0.1.0 (version check; +soc@msp.example)`.
    pub fn user_agent(&self) -> String {
        let contact = self.contact.as_deref().unwrap_or(&self.owner);
        let shown: String = contact
            .chars()
            .map(|c| match c {
                '(' | ')' | '\\' => ' ',
                ' '..='~' => c,
                _ => '?',
            })
            .collect();
        format!(
            "Vigie/{} (version check; +{})",
            env!("CARGO_PKG_VERSION"),
            shown.trim()
        )
    }

    /// The names in DNS that stand in the scope with a port.
    pub(crate) fn has_name(&self, name: &str, port: u16) -> bool {
        self.entries.iter().any(|entry| {
            entry.port == port
                && matches!(&entry.place, Place::Name(known) if known.eq_ignore_ascii_case(name))
        })
    }
}
