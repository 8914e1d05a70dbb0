//! A line between the command line and the server that is slow, or breaks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Such a line. What it carried is counted.
pub(crate) struct Line {
    pub(crate) url: String,
    carried: Arc<AtomicU64>,
}

impl Line {
    /// To a port of this machine; each connection breaks after so many bytes, and carries 64 KiB in each pause.
    pub(crate) fn to(port: u16, breaks_after: u64, pause: Duration) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let carried = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&carried);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, counter) = (client.unwrap(), Arc::clone(&counter));
                // Nobody listens there while the server is away.
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || carry(back, forth, u64::MAX, Duration::ZERO, &AtomicU64::new(0)));
                std::thread::spawn(move || carry(client, server, breaks_after, pause, &counter));
            }
        });
        Line { url, carried }
    }

    /// Bytes carried to the server.
    pub(crate) fn carried(&self) -> u64 {
        self.carried.load(Ordering::SeqCst)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, most: u64, pause: Duration, carried: &AtomicU64) {
    let mut buffer = vec![0; 1 << 16];
    let mut left = most;
    while left > 0 {
        let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Ok(read @ 1..) = from.read(&mut buffer[..length]) else {
            break;
        };
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
        left -= read as u64;
        carried.fetch_add(read as u64, Ordering::SeqCst);
        std::thread::sleep(pause);
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
