//! TLS as it is spoken to a server that is known by its address: its certificate is noted, whatever it is worth.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use serde::Serialize;

use crate::certificate::{Certificate, Trust};
use crate::http::Bounded;
use crate::trouble::Trouble;

/// What TLS showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsDetails {
    /// `TLSv1_2`, `TLSv1_3`.
    pub version: Option<String>,
    /// `TLS13_AES_256_GCM_SHA384`.
    pub cipher: Option<String>,
    /// The server's certificate; `None` when it cannot be read.
    pub certificate: Option<Certificate>,
    /// Whether a browser would believe it.
    pub trust: Trust,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    judge: Arc<WebPkiServerVerifier>,
}

/// A connection over which requests can be sent.
pub(crate) type Stream<'a> = rustls::StreamOwned<ClientConnection, Bounded<'a>>;

impl Tls {
    pub(crate) fn new() -> Result<Tls, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let judge = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Tls { provider, judge })
    }

    /// Agrees on TLS with whatever certificate comes, and says what was agreed on.
    pub(crate) fn connect<'a>(
        &self,
        mut socket: Bounded<'a>,
        host: Option<&str>,
        address: IpAddr,
    ) -> Result<(Stream<'a>, TlsDetails), Trouble> {
        let unusable = |error: &dyn std::fmt::Display| Trouble::Tls(error.to_string());
        let recorder = Arc::new(Recorder {
            judge: Arc::clone(&self.judge),
            seen: Mutex::default(),
        });
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        let name = match host {
            Some(host) => ServerName::try_from(host.to_owned()).map_err(|error| unusable(&error))?,
            None => ServerName::IpAddress(address.into()),
        };
        let mut connection =
            ClientConnection::new(Arc::new(config), name).map_err(|error| unusable(&error))?;
        while connection.is_handshaking() {
            connection
                .complete_io(&mut socket)
                .map_err(|error| Trouble::talking(&error))?;
        }
        let (certificate, trust) = recorder.seen();
        let details = TlsDetails {
            version: connection
                .protocol_version()
                .map(|version| format!("{version:?}")),
            cipher: connection
                .negotiated_cipher_suite()
                .map(|suite| format!("{:?}", suite.suite())),
            certificate: certificate.as_deref().and_then(Certificate::read),
            trust,
        };
        Ok((rustls::StreamOwned::new(connection, socket), details))
    }
}

/// Takes every certificate and notes what it is worth. Nothing secret is sent over such a connection: the check reads
/// two public pages, and servers with expired or own certificates are the ones that most need it.
#[derive(Debug)]
struct Recorder {
    judge: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<(Vec<u8>, Trust)>>,
}

impl Recorder {
    fn seen(&self) -> (Option<Vec<u8>>, Trust) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.take() {
            Some((der, trust)) => (Some(der), trust),
            None => (None, Trust::Invalid("no certificate".to_owned())),
        }
    }

    /// The server could not prove that the certificate is its own: noted, like every other fault.
    fn unproven(&self, error: &Error) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, trust)) = seen.as_mut()
            && *trust == Trust::Valid
        {
            *trust = Trust::of(error);
        }
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged =
            self.judge
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let trust = match judged {
            Ok(_) => Trust::Valid,
            Err(error) => Trust::of(&error),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((end_entity.to_vec(), trust));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let Err(error) = self.judge.verify_tls12_signature(message, certificate, signature) {
            self.unproven(&error);
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if let Err(error) = self.judge.verify_tls13_signature(message, certificate, signature) {
            self.unproven(&error);
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
