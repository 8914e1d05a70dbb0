//! Where connections come from: TCP, with a place for each, and TLS over it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::address::{self, ProxyNetwork};
use crate::places::{Place, Places};

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Time for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections that may wait for the server once their hands are shaken.
const WAITING: usize = 256;
/// Connections of one address (one network of 64 bits with IPv6) and in all. Trusted proxies have as many as they want.
pub(crate) const CONNECTIONS: (usize, usize) = (256, 8_192);

/// A connection that was let in.
pub(crate) struct Admitted<S> {
    pub(crate) stream: S,
    pub(crate) peer: SocketAddr,
    /// Held as long as the connection is. Trusted proxies need none.
    pub(crate) place: Option<Place>,
}

/// Where connections that may be served come from.
pub(crate) trait Admit {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection.
    async fn admit(&mut self) -> Admitted<Self::Stream>;
}

/// A TCP listener that lets each address have so many connections, counted before a byte of them is read.
pub(crate) struct Gate {
    listener: TcpListener,
    proxies: Vec<ProxyNetwork>,
    places: Places,
}

impl Gate {
    /// Lets in what `listener` accepts.
    pub(crate) fn new(listener: TcpListener, proxies: Vec<ProxyNetwork>) -> Gate {
        Gate {
            listener,
            proxies,
            places: Places::new(CONNECTIONS.0, CONNECTIONS.1),
        }
    }
}

impl Admit for Gate {
    type Stream = TcpStream;

    async fn admit(&mut self) -> Admitted<TcpStream> {
        loop {
            let (stream, peer) = Listener::accept(&mut self.listener).await;
            let from = peer.ip().to_canonical();
            let place = match address::is_trusted(from, &self.proxies) {
                true => None,
                false => match self.places.take(&address::network_of(from)) {
                    Some(place) => Some(place),
                    // To say so would take what it is to be kept from.
                    None => continue,
                },
            };
            return Admitted { stream, peer, place };
        }
    }
}

/// A gate whose connections speak TLS. Handshakes run beside each other: one that stalls holds no other up, and those of one
/// address are no more than its places.
pub(crate) struct TlsGate(mpsc::Receiver<Admitted<TlsStream<TcpStream>>>);

impl TlsGate {
    /// Shakes hands with those that `gate` lets in, with the certificate of `config`.
    pub(crate) fn new(gate: Gate, config: Arc<rustls::ServerConfig>) -> TlsGate {
        let (sender, ready) = mpsc::channel(WAITING);
        tokio::spawn(shake_hands(gate, TlsAcceptor::from(config), sender));
        TlsGate(ready)
    }
}

async fn shake_hands(
    mut gate: Gate,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<Admitted<TlsStream<TcpStream>>>,
) {
    loop {
        let Admitted { stream, peer, place } = tokio::select! {
            admitted = gate.admit() => admitted,
            () = ready.closed() => return,
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else {
                return;
            };
            let admitted = Admitted { stream, peer, place };
            // Nobody waits any more when the server is stopping.
            let _ = ready.send(admitted).await;
        });
    }
}

impl Admit for TlsGate {
    type Stream = TlsStream<TcpStream>;

    async fn admit(&mut self) -> Admitted<Self::Stream> {
        match self.0.recv().await {
            Some(admitted) => admitted,
            // The acceptor ends only when nobody listens.
            None => std::future::pending().await,
        }
    }
}
