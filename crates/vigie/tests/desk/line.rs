//! A line between the command line and the server that is slow, or breaks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
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

    /// To a port of this machine; it stops carrying at the request after so many whose first line ends like this, and is gone
    /// when it is cut.
    pub(crate) fn that_stops(port: u16, at: &'static str, after: usize) -> StoppedLine {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Stop::default());
        let line = StoppedLine {
            url,
            state: Arc::clone(&state),
        };
        listener.set_nonblocking(true).unwrap();
        std::thread::spawn(move || {
            while !state.is_cut.load(Ordering::SeqCst) {
                let Ok((mut client, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                };
                client.set_nonblocking(false).unwrap();
                let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                std::thread::spawn(move || carry(back, forth, u64::MAX, Duration::ZERO, &AtomicU64::new(0)));
                let state = Arc::clone(&state);
                std::thread::spawn(move || {
                    let mut buffer = vec![0; 1 << 16];
                    while let Ok(read @ 1..) = client.read(&mut buffer) {
                        let first = buffer[..read].split(|byte| *byte == b'\r').next().unwrap();
                        let is_one = first.ends_with(format!("{at} HTTP/1.1").as_bytes());
                        if is_one && state.passed.fetch_add(1, Ordering::SeqCst) >= after {
                            state.is_stopped.store(true, Ordering::SeqCst);
                            while !state.is_cut.load(Ordering::SeqCst) {
                                std::thread::sleep(Duration::from_millis(5));
                            }
                            break;
                        }
                        server.write_all(&buffer[..read]).unwrap();
                    }
                    let _ = client.shutdown(Shutdown::Both);
                    let _ = server.shutdown(Shutdown::Both);
                });
            }
        });
        line
    }

    /// Bytes carried to the server.
    pub(crate) fn carried(&self) -> u64 {
        self.carried.load(Ordering::SeqCst)
    }
}

/// A line that stops, and is cut.
pub(crate) struct StoppedLine {
    pub(crate) url: String,
    state: Arc<Stop>,
}

#[derive(Default)]
struct Stop {
    passed: AtomicUsize,
    is_stopped: AtomicBool,
    is_cut: AtomicBool,
}

impl StoppedLine {
    pub(crate) fn is_stopped(&self) -> bool {
        self.state.is_stopped.load(Ordering::SeqCst)
    }

    pub(crate) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
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
