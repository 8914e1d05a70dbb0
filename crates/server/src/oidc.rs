//! Signing in at an identity provider: OpenID Connect, authorization code with PKCE.
//!
//! The provider is the operator's choice and the only host this talks to besides those its discovery document names.
//! Whom it recognised is told by an identity token that is verified in full (`token`); nothing else it says is asked for.
//! Who that is here, and whether they may come in, the desk decides (`vigie_desk::accounts::oidc`).

mod client;
mod discovery;
mod signatures;
mod token;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use tokio::sync::Semaphore;
use vigie_desk::accounts::oidc::{Flow, Identity};

use client::Client;
use discovery::Discovery;

/// How long what the provider says of itself is believed.
const FRESH: Duration = Duration::from_secs(3_600);
/// How long its keys are kept at least, whatever key a token names.
const KEYS_KEPT: Duration = Duration::from_secs(30);
/// Conversations with the provider at once: each holds a thread.
const CONVERSATIONS: usize = 16;

/// An identity provider, as its operator names it.
#[derive(Clone)]
pub struct Oidc {
    /// Its issuer: what its tokens say, and where its discovery document is.
    pub issuer: String,
    /// What it knows this server as.
    pub client_id: String,
    /// What this server proves itself with; without, it is a public client that has PKCE alone.
    pub client_secret: Option<String>,
    /// What the button says.
    pub name: String,
    /// Values of `acr` that mean that the provider asked for a second factor.
    pub second_factor_acr: Vec<String>,
    /// Where signing out here leads.
    pub sign_out: SignOut,
    /// The authority of its certificate, when the public ones do not know it (PEM).
    pub authority: Option<PathBuf>,
}

/// Where whoever came in at the provider is led when they sign out here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignOut {
    /// To the provider, to sign out there too.
    #[default]
    Provider,
    /// Nowhere: they stay signed in at the provider.
    Local,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Oidc({} at {})", self.client_id, self.issuer)
    }
}

/// Why a sign-in at the provider did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// It cannot be talked to, or does not say what a provider must.
    #[error("the identity provider cannot be used: {0}")]
    Provider(String),
    /// It did not take the code.
    #[error("the identity provider refused the code: {0}")]
    Code(String),
    /// The identity token is not one to believe.
    #[error("the identity token is refused: {0}")]
    Token(&'static str),
    /// Too many sign-ins at once.
    #[error("too many sign-ins are on their way")]
    Busy,
}

/// Why the provider cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
#[error("{option}: {why}")]
pub struct ConfigError {
    option: &'static str,
    why: String,
}

/// A provider that can be talked to. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct IdentityProvider(Arc<Inner>);

struct Inner {
    config: Oidc,
    redirect_uri: String,
    /// Where the provider sends a browser that signed out there.
    signed_out_uri: String,
    client: Client,
    conversations: Semaphore,
    known: Mutex<Option<Known>>,
}

/// What is known of the provider.
#[derive(Clone)]
struct Known {
    discovery: Arc<Discovery>,
    keys: Arc<JwkSet>,
    fresh_until: Instant,
    keys_learnt: Instant,
}

impl IdentityProvider {
    /// Checks what the operator says. The provider itself is asked when somebody signs in: it may be down now.
    ///
    /// # Errors
    /// When an address or the certificate cannot be.
    pub fn new(config: Oidc, public_url: &str) -> Result<IdentityProvider, ConfigError> {
        discovery::check_address(&config.issuer, &config.issuer).map_err(|why| ConfigError {
            option: "--oidc-issuer",
            why,
        })?;
        if config.client_id.is_empty() {
            return Err(ConfigError {
                option: "--oidc-client-id",
                why: "it is empty".into(),
            });
        }
        let client = Client::new(config.authority.as_deref()).map_err(|why| ConfigError {
            option: "--oidc-ca",
            why,
        })?;
        signatures::install();
        Ok(IdentityProvider(Arc::new(Inner {
            redirect_uri: format!("{public_url}/api/v1/oidc/callback"),
            signed_out_uri: format!("{public_url}/sign-in"),
            config,
            client,
            conversations: Semaphore::new(CONVERSATIONS),
            known: Mutex::new(None),
        })))
    }

    /// What the button says.
    pub(crate) fn name(&self) -> &str {
        &self.0.config.name
    }

    /// The issuer that identities are linked under.
    pub(crate) fn issuer(&self) -> &str {
        &self.0.config.issuer
    }

    /// Where to send a browser. Blocks.
    pub(crate) fn authorization_url(&self, state: &str, flow: &Flow) -> Result<String, OidcError> {
        let known = self.known()?;
        let config = &self.0.config;
        let challenge = token::challenge(&flow.verifier);
        let query = serde_html_form::to_string([
            ("response_type", "code"),
            ("client_id", config.client_id.as_str()),
            ("redirect_uri", self.0.redirect_uri.as_str()),
            ("scope", "openid"),
            ("state", state),
            ("nonce", flow.nonce.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ])
        .map_err(|error| OidcError::Provider(error.to_string()))?;
        let endpoint = &known.discovery.authorization_endpoint;
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joint}{query}"))
    }

    /// Exchanges a code for an identity token and verifies it. `issuer` is what came back beside the code (RFC 9207).
    /// Blocks.
    pub(crate) fn identify(
        &self,
        flow: &Flow,
        code: &str,
        issuer: Option<&str>,
    ) -> Result<Identity, OidcError> {
        let known = self.known()?;
        let config = &self.0.config;
        match issuer {
            Some(issuer) if issuer != config.issuer => {
                return Err(OidcError::Token("another provider answered"));
            }
            None if known.discovery.authorization_response_iss_parameter_supported => {
                return Err(OidcError::Token(
                    "the answer does not say which provider it is from",
                ));
            }
            _ => {}
        }
        let _turn = self.turn()?;
        let id_token = self.0.client.exchange(
            &known.discovery,
            config,
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.0.redirect_uri),
                ("code_verifier", &flow.verifier),
            ],
        )?;
        let mut keys = known.keys;
        if token::needs_newer_keys(&id_token, &keys) && known.keys_learnt.elapsed() >= KEYS_KEPT {
            keys = Arc::new(self.0.client.keys(&known.discovery)?);
            if let Some(known) = &mut *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) {
                known.keys = Arc::clone(&keys);
                known.keys_learnt = Instant::now();
            }
        }
        let expected = token::Expected {
            issuer: &config.issuer,
            client_id: &config.client_id,
            nonce: &flow.nonce,
            second_factor_acr: &config.second_factor_acr,
        };
        token::verify(&id_token, &keys, &known.discovery, &expected)
    }

    /// Where to send a browser that is to sign out at the provider too, with the identity token it came in with. `None` when
    /// the provider says of no such place, or of one to which nobody should be sent; when the token is another provider's; and
    /// when it was never heard what the provider says, and it does not answer. Blocks.
    pub(crate) fn end_session_url(&self, id_token: &str) -> Option<String> {
        let config = &self.0.config;
        if config.sign_out == SignOut::Local {
            return None;
        }
        if token::issuer_of(id_token).as_deref() != Some(config.issuer.as_str()) {
            return None;
        }
        // However old it is: nobody who signs out waits for a provider that does not answer.
        let known = match self.kept().map_or_else(|| self.known(), Ok) {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(why = %error, "somebody signed out here, and could not be sent to the provider for it");
                return None;
            }
        };
        let endpoint = known.discovery.end_session_endpoint.as_ref()?;
        if let Err(why) = discovery::check_address(endpoint, &config.issuer) {
            tracing::warn!(why, "nobody is sent to the provider to sign out");
            return None;
        }
        let query = serde_html_form::to_string([
            ("id_token_hint", id_token),
            ("client_id", config.client_id.as_str()),
            ("post_logout_redirect_uri", self.0.signed_out_uri.as_str()),
        ]);
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Some(format!("{endpoint}{joint}{}", query.ok()?))
    }

    /// What is known of the provider, however old.
    fn kept(&self) -> Option<Known> {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// What is known of the provider, asked for when it is not or is old.
    fn known(&self) -> Result<Known, OidcError> {
        if let Some(known) = self.kept().filter(|known| Instant::now() < known.fresh_until) {
            return Ok(known);
        }
        let _turn = self.turn()?;
        let discovery = self.0.client.discover(&self.0.config.issuer)?;
        let keys = self.0.client.keys(&discovery)?;
        let now = Instant::now();
        let known = Known {
            discovery: Arc::new(discovery),
            keys: Arc::new(keys),
            fresh_until: now + FRESH,
            keys_learnt: now,
        };
        *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, OidcError> {
        self.0.conversations.try_acquire().map_err(|_| OidcError::Busy)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    /// A provider that is down.
    fn down(sign_out: SignOut) -> IdentityProvider {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = Oidc {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            client_id: "vigie".into(),
            client_secret: None,
            name: "Portail".into(),
            second_factor_acr: Vec::new(),
            sign_out,
            authority: None,
        };
        IdentityProvider::new(config, "http://127.0.0.1:8443").unwrap()
    }

    fn discovery_of(issuer: &str) -> Discovery {
        serde_json::from_value(json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"), "end_session_endpoint": format!("{issuer}/end"),
        }))
        .unwrap()
    }

    #[test]
    fn signing_out_asks_no_provider_that_was_heard_before() {
        for (sign_out, leads) in [(SignOut::Provider, true), (SignOut::Local, false)] {
            let provider = down(sign_out);
            let issuer = provider.issuer().to_owned();
            let claims = URL_SAFE_NO_PAD.encode(json!({"iss": issuer}).to_string());
            let token = format!("e30.{claims}.x");
            assert_eq!(provider.end_session_url(&token), None, "nothing is known of it");
            let now = Instant::now();
            *provider.0.known.lock().unwrap() = Some(Known {
                discovery: Arc::new(discovery_of(&issuer)),
                keys: Arc::new(JwkSet { keys: Vec::new() }),
                // It is old.
                fresh_until: now,
                keys_learnt: now,
            });
            assert!(provider.known().is_err(), "to sign in it is asked");
            let url = provider.end_session_url(&token);
            assert_eq!(
                url.is_some_and(|url| url.starts_with(&format!("{issuer}/end?"))),
                leads
            );
        }
    }
}
