//! The identity token: what must hold before anything in it is believed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use vigie_desk::accounts::oidc::Identity;

use super::OidcError;
use super::discovery::Discovery;
use super::signatures::ALGORITHMS;

/// Seconds clocks may differ.
const LEEWAY: u64 = 60;
/// Seconds after which a token is no longer of this sign-in, whatever it says itself.
const OLDEST: u64 = 600;
/// Methods of a token that are written down, and characters of each.
const METHODS: (usize, usize) = (10, 60);

/// What the token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) second_factor_acr: &'a [String],
}

/// The claims that are looked at.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    iat: f64,
    nonce: Option<String>,
    azp: Option<String>,
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What goes along with the request instead of the verifier (PKCE, S256).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// Whether a token names a key that is not among these.
pub(super) fn needs_newer_keys(token: &str, keys: &JwkSet) -> bool {
    let named = decode_header(token).ok().and_then(|header| header.kid);
    named.is_none_or(|kid| keys.find(&kid).is_none())
}

/// Verifies a token.
pub(super) fn verify(
    token: &str,
    keys: &JwkSet,
    discovery: &Discovery,
    expected: &Expected<'_>,
) -> Result<Identity, OidcError> {
    // An algorithm that is not known, `none` above all, is no header at all.
    let header =
        decode_header(token).map_err(|_| OidcError::Token("its header or algorithm cannot be accepted"))?;
    if !accepted(discovery).contains(&header.alg) {
        return Err(OidcError::Token(
            "its algorithm is not one the provider signs with",
        ));
    }
    let key = key_of(header.kid.as_deref(), header.alg, keys)?;
    let mut validation = Validation::new(header.alg);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    let claims = decode::<Claims>(token, &key, &validation)
        .map_err(|error| OidcError::Token(reason(&error)))?
        .claims;
    let now = jsonwebtoken::get_current_timestamp();
    check(claims, token, expected, now)
}

/// Who issued a token that was verified before.
pub(super) fn issuer_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let issued: Issued = serde_json::from_slice(&claims).ok()?;
    Some(issued.iss)
}

/// What the library does not ask.
fn check(claims: Claims, token: &str, expected: &Expected<'_>, now: u64) -> Result<Identity, OidcError> {
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(OidcError::Token("it is of another sign-in (nonce)"));
    }
    let several = matches!(&claims.aud, Audience::Several(all) if all.len() > 1);
    let named = match &claims.aud {
        Audience::One(one) => one == expected.client_id,
        Audience::Several(all) => all.iter().any(|one| one == expected.client_id),
    };
    let party = claims.azp.as_deref();
    if !named
        || (several && party.is_none())
        || party.is_some_and(|party| party != expected.client_id)
        || claims.iss != expected.issuer
    {
        return Err(OidcError::Token("it is for another client"));
    }
    if claims.iat > (now + LEEWAY) as f64 || claims.iat < now.saturating_sub(OLDEST) as f64 {
        return Err(OidcError::Token("it was not issued just now"));
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err(OidcError::Token("its subject cannot be"));
    }
    let by_method = claims.amr.iter().any(|method| method == "mfa");
    let by_class = claims
        .acr
        .as_ref()
        .is_some_and(|class| expected.second_factor_acr.contains(class));
    let short = |text: &String| text.chars().take(METHODS.1).collect::<String>();
    let methods: Vec<String> = claims.amr.iter().take(METHODS.0).map(short).collect();
    Ok(Identity {
        issuer: claims.iss,
        subject: claims.sub,
        second_factor: by_method || by_class,
        said: json!({"acr": claims.acr.as_ref().map(short), "amr": methods}),
        id_token: token.to_owned(),
    })
}

/// The algorithms that the provider says it signs with and that are taken here; RS256 when it does not say.
fn accepted(discovery: &Discovery) -> Vec<Algorithm> {
    let said = &discovery.id_token_signing_alg_values_supported;
    ALGORITHMS
        .iter()
        .filter(|(name, _)| said.iter().any(|said| said == name) || (said.is_empty() && *name == "RS256"))
        .map(|(_, algorithm)| *algorithm)
        .collect()
}

/// The key a token names, or the only one it can be.
fn key_of(kid: Option<&str>, algorithm: Algorithm, keys: &JwkSet) -> Result<DecodingKey, OidcError> {
    let fits = |key: &&Jwk| {
        let signs = key
            .common
            .public_key_use
            .as_ref()
            .is_none_or(|used| *used == PublicKeyUse::Signature);
        let same = key
            .common
            .key_algorithm
            .is_none_or(|said| said.to_string() == format!("{algorithm:?}"));
        let family = DecodingKey::from_jwk(key).is_ok_and(|decoded| decoded.family() == algorithm.family());
        signs && same && family
    };
    let named = |key: &&Jwk| kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid));
    let mut candidates = keys.keys.iter().filter(named).filter(fits);
    let key = match (candidates.next(), candidates.next()) {
        (Some(key), None) => key,
        (None, _) => return Err(OidcError::Token("the provider has no such key")),
        (Some(_), Some(_)) => return Err(OidcError::Token("it does not say with which key it is signed")),
    };
    DecodingKey::from_jwk(key).map_err(|_| OidcError::Token("the provider's key cannot be used"))
}

fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "it is not valid yet",
        ErrorKind::InvalidIssuer => "it is of another provider",
        ErrorKind::InvalidAudience => "it is for another client",
        ErrorKind::MissingRequiredClaim(_) => "a claim is missing",
        _ => "it cannot be understood",
    }
}
