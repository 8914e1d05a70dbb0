//! Servers on loopback that answer as real ones do, and as they should not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server that runs until the tests end.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Server {
    /// A server that speaks TLS with a certificate of its own; `answer` gets the head of a request.
    pub(crate) fn tls(answer: impl Fn(&str, &mut dyn Write) + Send + Sync + 'static) -> Server {
        let config = Arc::new(config());
        let requests: Arc<Mutex<Vec<(Instant, String)>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let address = listen(move |socket| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, socket);
            let Some(head) = read_head(&mut stream) else {
                return;
            };
            seen.lock().unwrap().push((Instant::now(), head.clone()));
            answer(&head, &mut stream);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        });
        Server { address, requests }
    }

    /// A server that does with its sockets what it likes.
    pub(crate) fn raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
        Server {
            address: listen(serve),
            requests: Arc::default(),
        }
    }

    /// A server with fixed pages: a path, and the whole answer. Anything else is 404.
    pub(crate) fn pages(pages: &[(&str, String)]) -> Server {
        let pages: Vec<(String, String)> = pages
            .iter()
            .map(|(path, page)| ((*path).to_owned(), page.clone()))
            .collect();
        Server::tls(move |head, out| {
            let asked = head.split(' ').nth(1).unwrap_or_default();
            let missing = reply(404, "Server: Microsoft-IIS/10.0", "");
            let page = pages.iter().find(|(path, _)| path == asked);
            let _ = out.write_all(page.map_or(&missing, |(_, page)| page).as_bytes());
        })
    }

    /// The requests so far: when each came, and its head.
    pub(crate) fn requests(&self) -> Vec<(Instant, String)> {
        self.requests.lock().unwrap().clone()
    }

    /// The request lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let first = |head: &String| head.lines().next().unwrap_or_default().to_owned();
        self.requests().iter().map(|(_, head)| first(head)).collect()
    }
}

/// An answer: status, header lines, body.
pub(crate) fn reply(status: u16, headers: &str, body: &str) -> String {
    let line = if headers.is_empty() {
        String::new()
    } else {
        format!("{headers}\r\n")
    };
    format!(
        "HTTP/1.1 {status} Some\r\n{line}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The manifest of the export tool of a build.
pub(crate) fn export_tool(build: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<asmv1:assembly manifestVersion=\"1.0\" \
         xmlns:asmv1=\"urn:schemas-microsoft-com:asm.v1\"><assemblyIdentity \
         name=\"microsoft.exchange.ediscovery.exporttool.application\" version=\"{build}\" \
         publicKeyToken=\"31bf3856ad364e35\" language=\"neutral\" /></asmv1:assembly>"
    )
}

/// A log-on page of a build.
pub(crate) fn page(build: &str) -> String {
    format!(
        "<html><link rel=\"shortcut icon\" href=\"/owa/auth/{build}/themes/resources/favicon.ico\"></html>"
    )
}

fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(socket));
        }
    });
    address
}

fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 || head.len() > 8_192 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn config() -> ServerConfig {
    let names = vec!["mail.client.example".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap()
}
