//! Connections: how many, and how long a client may take to say what it wants.
//!
//! A head that does not arrive in time, a connection that is kept and not used, and more connections than one address needs cost
//! the server nothing but a moment. What a request takes after that is bounded by its handler.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tower::ServiceExt;

use crate::listen::{Admit, Admitted, Peer};

/// Time for the head of a request, and for a connection that waits for its next.
const HEAD: Duration = Duration::from_secs(30);

/// Serves what a gate lets in until `stop`, and lets what is being done then end.
pub(crate) async fn serve(mut gate: impl Admit, router: Router, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let Admitted { stream, peer, place } = tokio::select! {
            admitted = gate.admit() => admitted,
            () = &mut stop => break,
        };
        let service = router.clone().map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(Peer(peer)));
            request
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // What breaks a connection is the client's or the network's.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(gate);
    graceful.shutdown().await;
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::sync::oneshot;
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::listen::{CONNECTIONS, Gate, TlsGate};

    fn router() -> Router {
        Router::new().route(
            "/",
            axum::routing::get(|ConnectInfo(Peer(peer)): ConnectInfo<Peer>| async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                peer.ip().to_string()
            }),
        )
    }

    async fn listening() -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(Gate::new(listener, Vec::new()), router(), async {
            let _ = stopped.await;
        }));
        (address, stop, serving)
    }

    async fn answer(mut stream: impl AsyncRead + Unpin) -> String {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text).await;
        text
    }

    #[tokio::test]
    async fn a_request_that_is_being_done_ends_when_the_server_stops() {
        let (address, stop, serving) = listening().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.send(()).unwrap();
        assert!(answer(stream).await.ends_with("127.0.0.1"));
        serving.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn one_address_has_so_many_connections_and_no_more() {
        let (address, _stop, _serving) = listening().await;
        let mut open = Vec::new();
        for _ in 0..CONNECTIONS.0 {
            open.push(TcpStream::connect(address).await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(
            answer(TcpStream::connect(address).await.unwrap()).await,
            "",
            "it is shut"
        );
        open.truncate(10);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        assert!(answer(stream).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_is_waited_for_a_while() {
        let (address, _stop, _serving) = listening().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
        let begun = tokio::time::Instant::now();
        answer(stream).await;
        assert!(
            begun.elapsed() >= HEAD && begun.elapsed() < 2 * HEAD,
            "{:?}",
            begun.elapsed()
        );
    }

    #[tokio::test]
    async fn one_address_that_never_shakes_hands_keeps_nobody_else_out() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let ring = || Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(ring())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = TlsGate::new(Gate::new(listener, Vec::new()), Arc::new(config));
        tokio::spawn(serve(gate, router(), std::future::pending()));

        let mut silent = Vec::new();
        for _ in 0..2 * CONNECTIONS.0 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;

        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(ring())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        let other = TcpSocket::new_v4().unwrap();
        other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let other = other.connect(address).await.unwrap();
        // Well before the silent ones are given up.
        let shaken = tokio::time::timeout(Duration::from_secs(5), connector.connect(name.clone(), other));
        let mut stream = shaken.await.expect("it is let in").unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        assert!(answer(stream).await.ends_with("127.0.0.2"));

        let one_more = TcpStream::connect(address).await.unwrap();
        assert!(connector.connect(name, one_more).await.is_err(), "it is shut");
    }
}
