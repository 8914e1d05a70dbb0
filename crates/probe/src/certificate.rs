//! What a server's certificate says. Noted, never a reason to stop: no secret is sent.

use serde::Serialize;
use sha2::{Digest, Sha256};
use vigie_event::{MICROS_PER_SECOND, Timestamp, format_utc};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::answer::shown;

/// Names a certificate may have for us.
const MAX_NAMES: usize = 100;

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// The other names it is for: DNS names and addresses.
    pub names: Vec<String>,
    /// Who issued it.
    pub issuer: String,
    /// From when on it holds, RFC 3339, UTC.
    pub not_before: String,
    /// Until when it holds, RFC 3339, UTC.
    pub not_after: String,
    /// SHA-256 of its DER form, hexadecimal.
    pub sha256: String,
}

/// Whether a browser of today would believe the certificate. Its authorities are Mozilla's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", content = "detail", rename_all = "snake_case")]
pub enum Trust {
    /// It would.
    Valid,
    /// It is over.
    Expired,
    /// It does not hold yet.
    NotYetValid,
    /// Nobody known signed it: its own, or an authority inside.
    UnknownIssuer,
    /// It is for other names.
    WrongName,
    /// Anything else.
    Invalid(String),
}

impl Certificate {
    /// Reads a certificate in DER form; `None` when it is none.
    pub(crate) fn read(der: &[u8]) -> Option<Certificate> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = match certificate.subject_alternative_name() {
            Ok(Some(extension)) => extension
                .value
                .general_names
                .iter()
                .filter_map(name)
                .take(MAX_NAMES)
                .collect(),
            _ => Vec::new(),
        };
        let validity = certificate.validity();
        Some(Certificate {
            subject: shown(&certificate.subject().to_string(), 300),
            names,
            issuer: shown(&certificate.issuer().to_string(), 300),
            not_before: instant(validity.not_before.timestamp()),
            not_after: instant(validity.not_after.timestamp()),
            sha256: Sha256::digest(der)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(shown(name, 253)),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => {
                let bytes: [u8; 16] = (*bytes).try_into().ok()?;
                Some(std::net::Ipv6Addr::from(bytes).to_string())
            }
        },
        _ => None,
    }
}

fn instant(seconds: i64) -> String {
    let micros: Timestamp = seconds.saturating_mul(MICROS_PER_SECOND);
    format_utc(micros)
}

impl Trust {
    pub(crate) fn of(error: &rustls::Error) -> Trust {
        use rustls::CertificateError as Wrong;
        match error {
            rustls::Error::InvalidCertificate(wrong) => match wrong {
                Wrong::Expired | Wrong::ExpiredContext { .. } => Trust::Expired,
                Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => Trust::NotYetValid,
                Wrong::UnknownIssuer => Trust::UnknownIssuer,
                Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => Trust::WrongName,
                other => Trust::Invalid(shown(&other.to_string(), 200)),
            },
            other => Trust::Invalid(shown(&other.to_string(), 200)),
        }
    }
}
