//! Talking to the provider: few requests, bounded answers, no redirects.

use std::path::Path;
use std::time::Duration;

use axum::http::{StatusCode, header};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::discovery::Discovery;
use super::{Oidc, OidcError};

/// Bytes of an answer.
const LONGEST: u64 = 1 << 20;
/// Time for a whole request.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Client(Agent);

/// What the token endpoint answers. The access token is not wanted, and not kept.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

/// What it answers when it refuses.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Client {
    /// A client that believes the public authorities, or the one of a file.
    pub(super) fn new(authority: Option<&Path>) -> Result<Client, String> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = authority {
            tls = tls.root_certs(RootCerts::new_with_certs(&authorities(path)?));
        }
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("vigie/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Client(config.into()))
    }

    /// Asks the provider what it is.
    pub(super) fn discover(&self, issuer: &str) -> Result<Discovery, OidcError> {
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let discovery: Discovery = self.get(&address)?;
        discovery.check(issuer).map_err(OidcError::Provider)?;
        Ok(discovery)
    }

    /// Asks the provider for its keys.
    pub(super) fn keys(&self, discovery: &Discovery) -> Result<JwkSet, OidcError> {
        self.get(&discovery.jwks_uri)
    }

    /// Exchanges a code for an identity token.
    pub(super) fn exchange(
        &self,
        discovery: &Discovery,
        config: &Oidc,
        form: &[(&str, &str)],
    ) -> Result<String, OidcError> {
        let provider = |why: String| OidcError::Provider(format!("{}: {why}", discovery.token_endpoint));
        let mut form = form.to_vec();
        let mut request = self
            .0
            .post(&discovery.token_endpoint)
            .header(header::ACCEPT, "application/json");
        let methods = discovery.token_endpoint_auth_methods_supported.as_deref();
        let basic =
            methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
        match &config.client_secret {
            Some(secret) if basic => {
                request = request.header(header::AUTHORIZATION, authorization(&config.client_id, secret));
            }
            Some(secret) => {
                form.extend([
                    ("client_id", config.client_id.as_str()),
                    ("client_secret", secret),
                ]);
            }
            None => form.push(("client_id", &config.client_id)),
        }
        let body = serde_html_form::to_string(&form).map_err(|error| provider(error.to_string()))?;
        let mut response = request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .send(body)
            .map_err(|error| provider(error.to_string()))?;
        let status = response.status();
        let text = response
            .body_mut()
            .with_config()
            .limit(LONGEST)
            .read_to_string()
            .map_err(|error| provider(error.to_string()))?;
        if status != StatusCode::OK {
            let refusal = serde_json::from_str(&text)
                .map_or_else(|_| status.to_string(), |refusal: Refusal| words(&refusal.error));
            return Err(OidcError::Code(refusal));
        }
        let tokens: Tokens =
            serde_json::from_str(&text).map_err(|_| provider("there is no identity token in it".into()))?;
        Ok(tokens.id_token)
    }

    fn get<T: DeserializeOwned>(&self, address: &str) -> Result<T, OidcError> {
        let provider = |why: String| OidcError::Provider(format!("{address}: {why}"));
        let mut response = self
            .0
            .get(address)
            .header(header::ACCEPT, "application/json")
            .call()
            .map_err(|error| provider(error.to_string()))?;
        if response.status() != StatusCode::OK {
            return Err(provider(format!("it answers {}", response.status())));
        }
        let text = response
            .body_mut()
            .with_config()
            .limit(LONGEST)
            .read_to_string()
            .map_err(|error| provider(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| provider(error.to_string()))
    }
}

/// `Basic`, of an identifier and a secret in form encoding, as RFC 6749 has it.
fn authorization(id: &str, secret: &str) -> String {
    use base64::Engine;
    let encode = |text: &str| {
        serde_html_form::to_string([("", text)])
            .unwrap_or_default()
            .trim_start_matches('=')
            .to_owned()
    };
    let pair = format!("{}:{}", encode(id), encode(secret));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// A provider's error code, short and harmless in a log.
fn words(error: &str) -> String {
    error
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .take(60)
        .collect()
}

fn authorities(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
    let certificates: Vec<_> = parse_pem(&bytes)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(format!(
            "{shown}: there is no certificate in it; it must be a PEM file"
        ));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_encoded_before_it_is_joined() {
        use base64::Engine;
        let header = authorization("vigie:1", "a b=&é");
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(header.strip_prefix("Basic ").unwrap())
            .unwrap();
        assert_eq!(String::from_utf8(decoded).unwrap(), "vigie%3A1:a+b%3D%26%C3%A9");
        assert_eq!(words("invalid_grant\r\nx: <b>"), "invalid_grantxb");
    }
}
