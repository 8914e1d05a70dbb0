//! What a provider says of itself.

use axum::http::Uri;
use serde::Deserialize;

/// The parts of a discovery document that are needed.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Discovery {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    #[serde(default)]
    pub(super) id_token_signing_alg_values_supported: Vec<String>,
    /// `client_secret_basic` when it does not say.
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
    /// Where people sign out, when they can.
    pub(super) end_session_endpoint: Option<String>,
}

impl Discovery {
    /// Whether it is that of `issuer` and leads nowhere it must not.
    pub(super) fn check(&self, issuer: &str) -> Result<(), String> {
        if self.issuer != issuer {
            return Err(format!(
                "its discovery document is of {:?}, not of {issuer:?}: name the issuer as it does",
                self.issuer
            ));
        }
        let endpoints = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        for endpoint in endpoints {
            check_address(endpoint, issuer)?;
        }
        Ok(())
    }
}

/// Whether an address is one to talk to: HTTPS, or plain HTTP to this machine when the issuer is on it too.
pub(super) fn check_address(address: &str, issuer: &str) -> Result<(), String> {
    let bad = |why: &str| Err(format!("{address:?} {why}"));
    if address.len() > 2_000 || address.contains(['#', '@', '\\']) || address.chars().any(char::is_whitespace)
    {
        return bad("is not a plain address: no user name, no fragment");
    }
    let Ok(uri) = address.parse::<Uri>() else {
        return bad("is not an address");
    };
    match uri.scheme_str() {
        Some("https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(()),
        Some("http") if is_here(&uri) && issuer.parse().is_ok_and(|issuer| is_here(&issuer)) => Ok(()),
        _ => bad("must begin with https://"),
    }
}

/// Whether an address is this machine, by number.
fn is_here(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<std::net::IpAddr>()
        .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let id = "https://id.example";
        for good in [
            "https://id.example/auth?x=1",
            "https://login.other.example:8443/a",
        ] {
            assert_eq!(check_address(good, id), Ok(()));
        }
        for bad in [
            "http://id.example/auth",
            "http://127.0.0.1/auth",
            "https://",
            "ftp://id.example",
            "https://user@id.example/",
            "https://id.example/#a",
            "javascript:alert(1)",
            "/auth",
            "",
        ] {
            assert!(check_address(bad, id).is_err(), "{bad}");
        }
        let here = "http://127.0.0.1:3000";
        assert_eq!(check_address("http://[::1]:3000/a", here), Ok(()));
        assert!(check_address("http://localhost/a", here).is_err());
    }
}
