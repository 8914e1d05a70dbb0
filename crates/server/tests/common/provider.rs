//! A small identity provider of a test's own, over real HTTP: it signs with a real key, and says in its tokens whatever the
//! test wants it to. The well-behaved journey is tested with a real one, in `ui/tests/access.mjs`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use axum::http::Uri;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

pub(crate) const CLIENT: &str = "vigie-test";
pub(crate) const SECRET: &str = "a secret of the test";

/// The provider.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) said: Arc<Mutex<Said>>,
}

/// What it says, for the test to change.
pub(crate) struct Said {
    /// The discovery document.
    pub(crate) discovery: Value,
    /// The next identity token.
    pub(crate) id_token: String,
    /// What it answers at the token endpoint.
    pub(crate) status: u16,
    /// Forms it got there.
    pub(crate) forms: Vec<String>,
    /// Requests it got, of any kind.
    pub(crate) requests: Vec<String>,
    /// The key it shows.
    jwks: Value,
    signer: EcdsaKeyPair,
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap()
}

fn jwks(signer: &EcdsaKeyPair, kid: &str) -> Value {
    let point = signer.public_key().as_ref();
    let (x, y) = (
        URL_SAFE_NO_PAD.encode(&point[1..33]),
        URL_SAFE_NO_PAD.encode(&point[33..]),
    );
    json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256", "x": x, "y": y}]})
}

pub(crate) fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64
}

impl Provider {
    pub(crate) fn start() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let signer = key();
        let said = Arc::new(Mutex::new(Said {
            discovery: json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
                "id_token_signing_alg_values_supported": ["ES256"],
            }),
            id_token: String::new(),
            status: 200,
            forms: Vec::new(),
            requests: Vec::new(),
            jwks: jwks(&signer, "1"),
            signer,
        }));
        let shared = Arc::clone(&said);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &shared);
            }
        });
        Provider { issuer, said }
    }

    /// The claims of a token nothing is wrong with.
    pub(crate) fn claims(&self, nonce: &str) -> Value {
        json!({"iss": self.issuer, "sub": "42", "aud": CLIENT, "nonce": nonce, "iat": now(), "exp": now() + 300})
    }

    /// The next token.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) {
        let mut said = self.said.lock().unwrap();
        let body = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part.to_string()))
            .join(".");
        let signature = said.signer.sign(&SystemRandom::new(), body.as_bytes()).unwrap();
        said.id_token = format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
    }

    /// Signs with another key from now on, which it does or does not show.
    pub(crate) fn change_key(&self, kid: Option<&str>) {
        let mut said = self.said.lock().unwrap();
        said.signer = key();
        if let Some(kid) = kid {
            said.jwks = jwks(&said.signer, kid);
        }
    }
}

fn answer(mut stream: TcpStream, said: &Mutex<Said>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let target: Uri = line.split(' ').nth(1).unwrap().parse().unwrap();
    let (mut length, mut header) = (0, String::new());
    while reader.read_line(&mut header).unwrap() > 2 {
        let lower = header.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        header.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut said = said.lock().unwrap();
    said.requests.push(line.trim().to_owned());
    let (status, content) = match target.path() {
        "/.well-known/openid-configuration" => (200, said.discovery.to_string()),
        "/keys" => (200, said.jwks.to_string()),
        "/token" => {
            said.forms.push(String::from_utf8(body).unwrap());
            let token = json!({"access_token": "x", "token_type": "Bearer", "id_token": said.id_token});
            (said.status, token.to_string())
        }
        "/large" => (200, " ".repeat(2 << 20)),
        _ => (404, String::new()),
    };
    let location = if status == 302 {
        "Location: /elsewhere\r\n"
    } else {
        ""
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\n{location}Content-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    );
    // A client that had enough hangs up.
    let _ = stream.write_all((head + &content).as_bytes());
}
