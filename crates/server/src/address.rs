//! Where a request comes from, when there may be proxies in front.
//!
//! What a request says of its way is believed only as far as a trusted proxy wrote it: read from the right, the first
//! address that is no trusted proxy's is the client's. What stands left of it the client may have made up.

use std::net::IpAddr;

use axum::extract::{ConnectInfo, Request};
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

use crate::listen::Peer;

/// Hops that are looked at.
const MOST_HOPS: usize = 32;

/// A network that proxies stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyNetwork(IpNet);

impl std::str::FromStr for ProxyNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<ProxyNetwork, String> {
        let single = text.parse::<IpAddr>().map(IpNet::from);
        single
            .or_else(|_| text.parse::<IpNet>())
            .map(|network| ProxyNetwork(network.trunc()))
            .map_err(|_| format!("{text:?} is neither an address nor a network such as 10.0.0.0/24"))
    }
}

/// The client's address, found once for each request.
#[derive(Debug, Clone, Copy)]
struct ClientAddress {
    ip: IpAddr,
    through_proxy: bool,
}

/// Finds out where a request comes from, for all who ask later.
pub(crate) fn note(request: &mut Request, trusted: &[ProxyNetwork]) {
    let Some(ConnectInfo(Peer(peer))) = request.extensions().get::<ConnectInfo<Peer>>() else {
        return;
    };
    let client = ClientAddress {
        ip: client(peer.ip(), request.headers(), trusted),
        through_proxy: is_trusted(peer.ip().to_canonical(), trusted),
    };
    request.extensions_mut().insert(client);
}

/// Where a request comes from, in words.
pub(crate) fn of(extensions: &Extensions) -> String {
    extensions
        .get::<ClientAddress>()
        .map_or_else(|| "unknown".to_owned(), |client| client.ip.to_string())
}

/// Whether a trusted proxy passed it on.
pub(crate) fn is_through_proxy(extensions: &Extensions) -> bool {
    extensions
        .get::<ClientAddress>()
        .is_some_and(|client| client.through_proxy)
}

/// Whether a request says that somebody passed it on.
pub(crate) fn passed_on(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// What requests from an address are counted by: itself, or the network of 64 bits that one customer has with IPv6.
pub(crate) fn counted_by(extensions: &Extensions) -> String {
    extensions
        .get::<ClientAddress>()
        .map_or_else(|| of(extensions), |client| network_of(client.ip))
}

/// The same of an address.
pub(crate) fn network_of(ip: IpAddr) -> String {
    match ip {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        IpAddr::V4(ip) => ip.to_string(),
    }
}

fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[ProxyNetwork]) -> IpAddr {
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let found: Vec<IpAddr> = [
        hops(headers, "x-forwarded-for", |hop| Some(hop)),
        hops(headers, "forwarded", forwarded_for),
    ]
    .into_iter()
    .flatten()
    .map(|hops| rightmost(peer, &hops, trusted))
    .collect();
    match found[..] {
        [one] => one,
        // A proxy that writes one header may pass on the other as the client sent it. Whoever sends both is counted with
        // the proxy, so that nothing is gained by it.
        [one, other] if one == other => one,
        _ => peer,
    }
}

/// From the right, the first that is no trusted proxy's; where something stands that is no address, the one before.
fn rightmost(peer: IpAddr, hops: &[Option<IpAddr>], trusted: &[ProxyNetwork]) -> IpAddr {
    let mut last = peer;
    for hop in hops.iter().rev().take(MOST_HOPS) {
        match hop {
            Some(ip) if is_trusted(*ip, trusted) => last = *ip,
            Some(ip) => return *ip,
            None => return last,
        }
    }
    last
}

/// Whether an address is a trusted proxy's.
pub(crate) fn is_trusted(ip: IpAddr, trusted: &[ProxyNetwork]) -> bool {
    trusted.iter().any(|ProxyNetwork(network)| network.contains(&ip))
}

/// The hops of a header's lines, in order; `None` without the header.
fn hops(headers: &HeaderMap, name: &str, part: impl Fn(&str) -> Option<&str>) -> Option<Vec<Option<IpAddr>>> {
    if !headers.contains_key(name) {
        return None;
    }
    let lines = headers.get_all(name).iter();
    let hops = lines.flat_map(|line| {
        // A line that is no text ends what can be believed, as any other nonsense does.
        let text = line.to_str().unwrap_or("?");
        text.split(',')
            .map(|hop| part(hop.trim()).and_then(ip_of))
            .collect::<Vec<_>>()
    });
    Some(hops.collect())
}

/// The `for` of one element of `Forwarded` (RFC 7239).
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .map(|(_, value)| value.trim().trim_matches('"'))
}

/// An address, with or without a port and brackets.
fn ip_of(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let trusted = ["10.0.0.0/24", "127.0.0.1", "fd00::/8"].map(|text| text.parse().unwrap());
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_s_is_the_client_s() {
        let xff = |peer: &str, value: &str| asked(peer, &[("x-forwarded-for", value)]);
        assert_eq!(xff("10.0.0.5", "203.0.113.7"), "203.0.113.7");
        assert_eq!(xff("10.0.0.5", "203.0.113.7:4711"), "203.0.113.7");
        assert_eq!(xff("10.0.0.5", "203.0.113.7, 10.0.0.9"), "203.0.113.7");
        assert_eq!(xff("::ffff:10.0.0.5", "203.0.113.7"), "203.0.113.7");
        assert_eq!(
            xff("10.0.0.5", "10.0.0.8, 10.0.0.9"),
            "10.0.0.8",
            "all are proxies"
        );
        let forwarded = |value: &str| asked("127.0.0.1", &[("forwarded", value)]);
        assert_eq!(
            forwarded("for=192.0.2.60;proto=http;by=203.0.113.43"),
            "192.0.2.60"
        );
        assert_eq!(forwarded("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(
            asked(
                "10.0.0.5",
                &[("forwarded", "for=192.0.2.60"), ("x-forwarded-for", "192.0.2.60")]
            ),
            "192.0.2.60"
        );
    }

    #[test]
    fn what_a_client_makes_up_is_not_believed() {
        let xff = |peer: &str, value: &str| asked(peer, &[("x-forwarded-for", value)]);
        // From anywhere else the header means nothing.
        assert_eq!(xff("203.0.113.7", "198.51.100.1"), "203.0.113.7");
        assert_eq!(xff("10.0.1.5", "198.51.100.1"), "10.0.1.5");
        // The proxy adds the real one at the right.
        assert_eq!(xff("10.0.0.5", "198.51.100.1, 203.0.113.7"), "203.0.113.7");
        // In front of the client's own address nothing counts, trusted-looking or not.
        assert_eq!(xff("10.0.0.5", "10.0.0.1, 203.0.113.7, 10.0.0.9"), "203.0.113.7");
        // Two lines are one list.
        assert_eq!(
            asked(
                "10.0.0.5",
                &[
                    ("x-forwarded-for", "198.51.100.1"),
                    ("x-forwarded-for", "203.0.113.7")
                ]
            ),
            "203.0.113.7"
        );
        // The header this proxy does not write, sent by the client.
        assert_eq!(
            asked(
                "10.0.0.5",
                &[
                    ("forwarded", "for=198.51.100.1"),
                    ("x-forwarded-for", "203.0.113.7")
                ]
            ),
            "10.0.0.5"
        );
        for nonsense in ["unknown", "_hidden", "", "203.0.113.7, ", "x, y", "[::1", "1.2.3"] {
            assert_eq!(xff("10.0.0.5", nonsense), "10.0.0.5", "{nonsense}");
        }
        let long = "10.0.0.1,".repeat(10_000) + "10.0.0.1";
        assert_eq!(xff("10.0.0.5", &long), "10.0.0.1");
    }

    #[tokio::test]
    async fn rates_follow_the_client_and_not_what_it_makes_up() {
        use axum::body::Body;
        use tower::ServiceExt;

        let folder = tempfile::TempDir::new().unwrap();
        let options = vigie_desk::Options::in_folder(folder.path().join("data"));
        let desk = vigie_desk::Desk::open(&options).unwrap();
        let settings = crate::Settings {
            trusted_proxies: vec!["10.0.0.0/24".parse().unwrap()],
            ..crate::Settings::default()
        };
        let (_stop, stopping) = tokio::sync::watch::channel(false);
        let router = crate::router(desk, settings, stopping);
        let refused = async |peer: &str, line: &dyn Fn(usize) -> String| {
            let mut refused = 0;
            for number in 0..80 {
                let peer = Peer(std::net::SocketAddr::new(peer.parse().unwrap(), 4711));
                let request = Request::get("/api/v1/oidc")
                    .header("x-forwarded-for", line(number))
                    .extension(ConnectInfo(peer))
                    .body(Body::empty())
                    .unwrap();
                let response = router.clone().oneshot(request).await.unwrap();
                refused += usize::from(response.status() == 429);
            }
            refused
        };
        let made_up = |number: usize| format!("198.51.100.{number}");
        assert!(
            refused("203.0.113.7", &made_up).await > 0,
            "a stranger's header means nothing"
        );
        assert_eq!(
            refused("10.0.0.5", &made_up).await,
            0,
            "the proxy's clients are told apart"
        );
        let prefixed = |number: usize| format!("192.0.2.{number}, 203.0.113.99");
        assert!(
            refused("10.0.0.5", &prefixed).await > 0,
            "what the client wrote before the proxy"
        );
        let roaming = |number: usize| format!("2001:db8:1:2::{number:x}");
        assert!(
            refused("10.0.0.5", &roaming).await > 0,
            "one customer's IPv6 network"
        );
    }

    #[test]
    fn networks_are_read_or_refused() {
        for good in ["10.0.0.0/8", "10.1.2.3/8", "::1", "fd00::/8", "192.0.2.1"] {
            assert!(good.parse::<ProxyNetwork>().is_ok(), "{good}");
        }
        for bad in ["", "10.0.0.0/33", "proxy.example", "10.0.0/8"] {
            assert!(bad.parse::<ProxyNetwork>().is_err(), "{bad}");
        }
    }
}
