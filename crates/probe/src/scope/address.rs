//! Blocks of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block of addresses, `198.51.100.0/29`; one address is a block of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    first: IpAddr,
    prefix: u8,
}

/// A text that is no block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// Not an address at all.
    #[error("{0:?} is not an address such as 203.0.113.5, nor a block such as 198.51.100.0/29")]
    NoAddress(String),
    /// The part behind the slash.
    #[error("{0:?}: behind the slash stands a number from 0 to {1}")]
    Prefix(String, u8),
    /// The address is not the first one of the block.
    #[error("{0:?} is inside a block, not its first address: write {1}")]
    NotFirst(String, Cidr),
}

impl Cidr {
    /// Whether an address lies in the block.
    pub fn contains(&self, address: IpAddr) -> bool {
        same_family(self.first, address) && masked(address, self.prefix) == self.first
    }

    /// The address, when the block is only one.
    pub fn single(&self) -> Option<IpAddr> {
        (self.prefix == width(self.first)).then_some(self.first)
    }

    /// How many addresses it has; the largest number when they are more than that.
    pub fn len(&self) -> u64 {
        let free = u32::from(width(self.first) - self.prefix);
        1_u64.checked_shl(free).unwrap_or(u64::MAX)
    }

    /// Never: a block has at least one address.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Its addresses in order. Those of an IPv4 network that mean the network and everybody in it are left out.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let (first, count) = (self.first, self.len());
        let edges = first.is_ipv4() && count > 2;
        let (skip, keep) = if edges { (1, count - 2) } else { (0, count) };
        (skip..skip + keep).map(move |offset| match first {
            IpAddr::V4(address) => {
                let offset = u32::try_from(offset).unwrap_or(u32::MAX);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits().saturating_add(offset)))
            }
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
                address.to_bits().saturating_add(u128::from(offset)),
            )),
        })
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        let shown = || text.chars().take(60).collect::<String>();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| CidrError::NoAddress(shown()))?;
        let width = width(address);
        let prefix = match prefix {
            None => width,
            Some(digits) => Some(digits)
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .filter(|prefix| *prefix <= width)
                .ok_or_else(|| CidrError::Prefix(shown(), width))?,
        };
        let block = Cidr {
            first: masked(address, prefix),
            prefix,
        };
        if block.first == address {
            Ok(block)
        } else {
            Err(CidrError::NotFirst(shown(), block))
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(address) => write!(f, "{address}"),
            None => write!(f, "{}/{}", self.first, self.prefix),
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn same_family(one: IpAddr, two: IpAddr) -> bool {
    one.is_ipv4() == two.is_ipv4()
}

fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn blocks_know_their_addresses() {
        let small = block("198.51.100.8/30");
        let all: Vec<String> = small.addresses().map(|address| address.to_string()).collect();
        assert_eq!(all, ["198.51.100.9", "198.51.100.10"]);
        assert_eq!(block("198.51.100.8/31").addresses().count(), 2);
        assert_eq!(block("2001:db8::/126").addresses().count(), 4);
        assert_eq!(
            block("203.0.113.5").single(),
            Some("203.0.113.5".parse().unwrap())
        );
        assert!(block("10.0.0.0/8").contains("10.9.8.7".parse().unwrap()));
        assert!(!block("10.0.0.0/8").contains("11.0.0.0".parse().unwrap()));
        assert!(!block("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert_eq!(block("::/0").len(), u64::MAX);
    }

    #[test]
    fn what_is_no_block_says_why() {
        let said = |text: &str| text.parse::<Cidr>().unwrap_err().to_string();
        assert!(said("203.0.113").contains("not an address"));
        assert!(said("203.0.113.5/33").contains("from 0 to 32"));
        assert!(said("203.0.113.5/+8").contains("from 0 to 32"));
        assert!(said("203.0.113.5/24").contains("write 203.0.113.0/24"));
    }
}
