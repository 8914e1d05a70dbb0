//! Networks by their first address. Networks nest or stand apart, they never overlap in part: the innermost one around
//! an address is found by one binary search, the others are its parents.

use std::net::IpAddr;

use super::normal;

/// No parent.
const NONE: u32 = u32::MAX;
/// How often one network may be described differently; what comes later adds nothing.
const SAME_NETWORK: usize = 64;

/// All networks of the indicators.
#[derive(Debug, Default)]
pub(super) struct Networks {
    v4: Nested,
    v6: Nested,
}

/// The networks of one family, in order of first address and size, larger ones first.
#[derive(Debug, Default)]
struct Nested {
    firsts: Vec<IpAddr>,
    rest: Vec<Rest>,
}

#[derive(Debug)]
struct Rest {
    prefix: u8,
    /// The smallest network around this one.
    parent: u32,
    position: u32,
}

/// One network: its first address, prefix length and indicator.
pub(super) type Network = (IpAddr, u8, u32);

impl Networks {
    /// Builds the networks; gives how many `same` takes for one that is there already.
    pub(super) fn build(networks: Vec<Network>, same: impl Fn(u32, u32) -> bool) -> (Networks, u64) {
        let (v4, v6): (Vec<_>, Vec<_>) = networks.into_iter().partition(|(first, ..)| first.is_ipv4());
        let (v4, repeated_v4) = Nested::build(v4, &same);
        let (v6, repeated_v6) = Nested::build(v6, &same);
        (Networks { v4, v6 }, repeated_v4 + repeated_v6)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.v4.firsts.is_empty() && self.v6.firsts.is_empty()
    }

    /// The indicators of all networks the address is in.
    pub(super) fn around(&self, address: IpAddr, found: &mut Vec<u32>) {
        if address.is_ipv4() {
            self.v4.around(address, found);
        } else {
            self.v6.around(address, found);
        }
    }
}

impl Nested {
    fn build(mut networks: Vec<Network>, same: impl Fn(u32, u32) -> bool) -> (Nested, u64) {
        networks.sort_unstable();
        let before = networks.len();
        let mut kept: Vec<u32> = Vec::new();
        let mut last = None;
        networks.retain(|&(first, prefix, position)| {
            if last != Some((first, prefix)) {
                last = Some((first, prefix));
                kept.clear();
            } else if kept.len() >= SAME_NETWORK || kept.iter().any(|&other| same(other, position)) {
                return false;
            }
            kept.push(position);
            true
        });
        let repeated = before - networks.len();
        let mut nested = Nested::default();
        let mut around: Vec<u32> = Vec::new();
        for (index, (first, prefix, position)) in networks.into_iter().enumerate() {
            while around.last().is_some_and(|&outer| !nested.holds(outer, first)) {
                around.pop();
            }
            let parent = around.last().copied().unwrap_or(NONE);
            nested.firsts.push(first);
            nested.rest.push(Rest {
                prefix,
                parent,
                position,
            });
            around.push(index as u32);
        }
        (nested, repeated as u64)
    }

    fn holds(&self, index: u32, address: IpAddr) -> bool {
        match (self.firsts.get(index as usize), self.rest.get(index as usize)) {
            (Some(&first), Some(rest)) => normal::masked(address, rest.prefix) == first,
            _ => false,
        }
    }

    fn around(&self, address: IpAddr, found: &mut Vec<u32>) {
        let after = self.firsts.partition_point(|&first| first <= address);
        let mut index = (after as u32).wrapping_sub(1);
        while let Some(rest) = self.rest.get(index as usize) {
            if self.holds(index, address) {
                found.push(rest.position);
            }
            index = rest.parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_by_one_says_the_same(
            networks in prop::collection::vec((0u32..1 << 12, 20u8..=32), 0..40),
            address in 0u32..1 << 12,
        ) {
            let networks: Vec<Network> = networks
                .into_iter()
                .enumerate()
                .map(|(position, (first, prefix))| {
                    (normal::masked(IpAddr::V4(first.into()), prefix), prefix, position as u32)
                })
                .collect();
            let address = IpAddr::V4(address.into());
            let mut expected: Vec<u32> = networks
                .iter()
                .filter(|(first, prefix, _)| normal::masked(address, *prefix) == *first)
                .map(|&(.., position)| position)
                .collect();
            expected.sort_unstable();
            let (built, repeated) = Networks::build(networks, |_, _| false);
            prop_assert_eq!(repeated, 0);
            let mut found = Vec::new();
            built.around(address, &mut found);
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
