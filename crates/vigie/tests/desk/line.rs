//! A line between the command line and the server that is slow, or breaks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
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

    /// To a port of this machine; the first answer to each of these methods never arrives: the connection breaks after the
    /// server gave it.
    pub(crate) fn that_loses_answers(port: u16, methods: &[&'static str]) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let left = Arc::new(Mutex::new(methods.to_vec()));
        let carried = Arc::new(AtomicU64::new(0));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (mut client, left) = (client.unwrap(), Arc::clone(&left));
                let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                std::thread::spawn(move || {
                    let (mut back, mut forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                    let loses = Arc::new(AtomicBool::new(false));
                    let lost = Arc::clone(&loses);
                    std::thread::spawn(move || {
                        let mut buffer = vec![0; 1 << 16];
                        while let Ok(read @ 1..) = back.read(&mut buffer) {
                            if lost.load(Ordering::SeqCst) || forth.write_all(&buffer[..read]).is_err() {
                                break;
                            }
                        }
                        let _ = forth.shutdown(Shutdown::Both);
                        let _ = back.shutdown(Shutdown::Both);
                    });
                    let mut buffer = vec![0; 1 << 16];
                    while let Ok(read @ 1..) = client.read(&mut buffer) {
                        let mut left = left.lock().unwrap();
                        let is_one =
                            |method: &&str| buffer[..read].starts_with(format!("{method} ").as_bytes());
                        if let Some(index) = left.iter().position(is_one) {
                            left.remove(index);
                            loses.store(true, Ordering::SeqCst);
                        }
                        drop(left);
                        if server.write_all(&buffer[..read]).is_err() {
                            break;
                        }
                    }
                });
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
