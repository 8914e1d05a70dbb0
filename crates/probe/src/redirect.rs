//! Which redirects are followed: those of a server to its own pages.

use std::net::IpAddr;

use vigie_exposure::Said;

use crate::answer::shown;
use crate::{Place, Scope, Target};

/// The path that a redirect leads to, when it is one of the same server's pages; else why it is not followed.
pub(crate) fn follow(scope: &Scope, target: &Target, from: &str, location: &str) -> Result<String, Said> {
    let to = shown(location, 300);
    let refuse = |en: &str, fr: &str| {
        Err(Said::new(
            format!("{from} leads to {to}: not followed, {en}"),
            format!("{from} mène à {to} : non suivi, {fr}"),
        ))
    };
    if location.len() > 2_048 || !location.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse("that is no address", "ce n’est pas une adresse");
    }
    let Some((place, path)) = split(location, from) else {
        return refuse("it is not encrypted", "sans chiffrement");
    };
    if let Some((host, port)) = place {
        let same_host = target
            .host
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(host));
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        if port != Some(target.port) || !(same_host || ip == Some(target.address)) {
            let known = port.is_some_and(|port| allows(scope, host, ip, port));
            return if known {
                refuse(
                    "it is another server of the scope and is asked for itself",
                    "autre serveur du périmètre, interrogé pour lui-même",
                )
            } else {
                refuse("it is out of scope", "hors périmètre")
            };
        }
    }
    let path = path.split('#').next().unwrap_or_default();
    let folder = path.get(..5).unwrap_or_default().to_ascii_lowercase();
    if path.contains("..") || !matches!(folder.as_str(), "/owa/" | "/ecp/") {
        return refuse(
            "it is not a page that is asked for",
            "cette page n’est pas de celles demandées",
        );
    }
    Ok(path.to_owned())
}

fn allows(scope: &Scope, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    match ip {
        Some(ip) => scope.entries.iter().any(|entry| {
            entry.port == port && matches!(&entry.place, Place::Block(block) if block.contains(ip))
        }),
        None => scope.has_name(host, port),
    }
}

/// Host and port of an address; the port is missing when it cannot be read.
type HostAndPort<'a> = (&'a str, Option<u16>);

/// Host and port, when a redirect names them, and the path; `None` when it leads away from HTTPS.
fn split<'a>(location: &'a str, from: &str) -> Option<(Option<HostAndPort<'a>>, String)> {
    let scheme = |scheme: &str| {
        let head = location.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme)
            .then(|| &location[scheme.len()..])
    };
    let Some(rest) = scheme("https://").or_else(|| scheme("//")) else {
        let first = location.split(['/', '?', '#']).next().unwrap_or_default();
        if first.contains(':') {
            return None;
        }
        if location.starts_with('/') {
            return Some((None, location.to_owned()));
        }
        let path = from.split('?').next().unwrap_or_default();
        let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
        return Some((None, format!("{folder}{location}")));
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // Behind an `@` or a backslash, programs disagree on which host is meant: no host of ours has either.
    let place = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, Some(443)),
    };
    Some((Some(place), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_taken_apart() {
        let at = |location| {
            split(location, "/owa/auth/logon.aspx?a=/b").map(|(place, path)| {
                let place = place.map(|(host, port): HostAndPort<'_>| format!("{host} {port:?}"));
                (place.unwrap_or_default(), path)
            })
        };
        let is = |place: &str, path: &str| Some((place.to_owned(), path.to_owned()));
        assert_eq!(at("/owa/x"), is("", "/owa/x"));
        assert_eq!(at("x.aspx?u=https://a"), is("", "/owa/auth/x.aspx?u=https://a"));
        assert_eq!(at("HTTPS://A.example/owa/"), is("A.example Some(443)", "/owa/"));
        assert_eq!(at("//a.example:8443/owa/"), is("a.example Some(8443)", "/owa/"));
        assert_eq!(at("https://[::1]/owa/"), is("[::1] Some(443)", "/owa/"));
        assert_eq!(at("https://a.example:x/"), is("a.example None", "/"));
        assert_eq!(
            at("https://a.example@b.example/"),
            is("a.example@b.example Some(443)", "/")
        );
        assert_eq!(
            at("https://b.example\\a.example/"),
            is("b.example Some(443)", "\\a.example/")
        );
        assert_eq!(at("http://a.example/owa/"), None);
        assert_eq!(at("file:///etc/passwd"), None);
    }
}
