//! Addresses of servers.

/// The address of a server, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Without a slash at its end.
    pub(super) url: String,
    /// Whether it is this machine.
    pub(super) is_here: bool,
    /// Whether what is sent can be read on the way.
    pub(super) is_clear: bool,
}

impl Address {
    /// Reads `https://vigie.example:8443`; `None` when it is no such thing.
    pub(super) fn read(text: &str) -> Option<Address> {
        let url = text.trim().trim_end_matches('/');
        let uri: ureq::http::Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?;
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
        let authority = uri.authority()?.as_str();
        if !matches!(scheme, "http" | "https")
            || authority.contains('@')
            || uri.query().is_some()
            || url.contains('#')
        {
            return None;
        }
        let is_here = host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        Some(Address {
            url: url.to_owned(),
            is_here,
            is_clear: scheme == "http",
        })
    }
}

/// A text as part of a path or query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        let read = |text| Address::read(text).map(|one| (one.url, one.is_here, one.is_clear));
        assert_eq!(
            read("https://vigie.example/"),
            Some(("https://vigie.example".into(), false, false))
        );
        assert_eq!(
            read("http://[::1]:8443"),
            Some(("http://[::1]:8443".into(), true, true))
        );
        assert_eq!(
            read("http://127.0.0.1:1/desk"),
            Some(("http://127.0.0.1:1/desk".into(), true, true))
        );
        // An address that only looks like this machine's.
        assert_eq!(read("http://127.0.0.1.example").map(|one| one.1), Some(false));
        for no in [
            "",
            "vigie.example",
            "ftp://a",
            "https://me:secret@a",
            "https://a?key=1",
            "https://a#b",
            "http://",
        ] {
            assert_eq!(read(no), None, "{no}");
        }
    }

    #[test]
    fn what_is_no_plain_letter_is_encoded() {
        assert_eq!(encoded("a/b ?é"), "a%2Fb%20%3F%C3%A9");
    }
}
