//! What an address says of the machine that has it.

use std::net::IpAddr;

/// Whether an address is one of the Internet. What answers at another one is reached from inside.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => {
                let local = v6.is_loopback() || v6.is_unspecified();
                !(local || v6.is_unique_local() || v6.is_unicast_link_local())
            }
        },
    }
}

/// Whether an address can be one machine's alone: every machine is its own `127.0.0.1`.
pub(crate) fn identifies(address: IpAddr) -> bool {
    let own = match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local(),
    };
    !(own || address.is_unspecified() || address.is_multicast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_not_the_internet() {
        for inside in [
            "10.1.2.3",
            "127.0.0.1",
            "100.64.0.1",
            "169.254.0.1",
            "::1",
            "fd00::1",
            "::ffff:192.168.0.1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        assert!(is_public("8.8.8.8".parse().unwrap()));
        assert!(is_public("2a00::1".parse().unwrap()));
    }

    #[test]
    fn an_address_that_every_machine_has_tells_none_from_another() {
        for own in [
            "127.0.0.1",
            "169.254.7.7",
            "::1",
            "fe80::1",
            "0.0.0.0",
            "224.0.0.1",
        ] {
            assert!(!identifies(own.parse().unwrap()), "{own}");
        }
        assert!(identifies("192.168.1.10".parse().unwrap()));
    }
}
