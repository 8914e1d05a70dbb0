//! Connections: how many, and how long a client may take to say what it wants.
//!
//! A head that does not arrive in time, a connection that is kept and not used, and more connections than one address needs cost
//! the server nothing but a moment. What a request takes after that is bounded by its handler.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tower::ServiceExt;

use crate::address::{self, ProxyNetwork};
use crate::listen::Peer;
use crate::places::Places;

/// Time for the head of a request, and for a connection that waits for its next.
const HEAD: Duration = Duration::from_secs(30);
/// Connections of one address (one network of 64 bits with IPv6) and in all. Trusted proxies have as many as they want.
const CONNECTIONS: (usize, usize) = (256, 8_192);

/// Serves what a listener accepts until `stop`, and lets what is being done then end.
pub(crate) async fn serve<L>(
    mut listener: L,
    router: Router,
    proxies: Vec<ProxyNetwork>,
    stop: impl Future<Output = ()>,
) where
    L: Listener<Addr = SocketAddr>,
{
    let places = Places::new(CONNECTIONS.0, CONNECTIONS.1);
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let place = match address::is_trusted(peer.ip().to_canonical(), &proxies) {
            true => None,
            false => match places.take(&address::network_of(peer.ip().to_canonical())) {
                Some(place) => Some(place),
                // To say so would take what it is to be kept from.
                None => continue,
            },
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
    drop(listener);
    graceful.shutdown().await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;

    use super::*;

    async fn listening() -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let router = Router::new().route(
            "/",
            axum::routing::get(|ConnectInfo(Peer(peer)): ConnectInfo<Peer>| async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                peer.ip().to_string()
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, router, Vec::new(), async {
            let _ = stopped.await;
        }));
        (address, stop, serving)
    }

    async fn answer(mut stream: TcpStream) -> String {
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
}
