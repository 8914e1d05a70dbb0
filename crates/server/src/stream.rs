//! Bytes between threads that block and connections that do not.

use std::io::{self, Read, Write};
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Pieces that may wait between the two.
const WAITING: usize = 4;
/// How long the other side may be silent before it is given up: a thread waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a thread puts the bytes of an answer.
pub(crate) struct Out(mpsc::Sender<io::Result<Bytes>>);

impl Out {
    /// Sends a piece; waits while the other side is slow.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub(crate) fn send(&self, bytes: Bytes) -> io::Result<()> {
        match Handle::current().block_on(timeout(PATIENCE, self.0.send(Ok(bytes)))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(Bytes::copy_from_slice(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes that a thread of its own makes. An error cuts the answer off, so that nobody takes a part for the whole.
pub(crate) fn of_thread(
    work: impl FnOnce(&mut Out) -> io::Result<()> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut out = Out(sender);
        if let Err(error) = work(&mut out) {
            // Nobody may be listening any more.
            let _ = out.0.try_send(Err(error));
        }
    });
    stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    })
}

/// The body of a request, for a thread that reads.
pub(crate) struct BodyReader {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl BodyReader {
    /// Reads `body` while it arrives; at most a few pieces wait.
    pub(crate) fn new(body: Body) -> BodyReader {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut pieces = body.into_data_stream();
            loop {
                let piece = match timeout(PATIENCE, pieces.next()).await {
                    Ok(Some(piece)) => piece.map_err(io::Error::other),
                    Ok(None) => return,
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                };
                let broken = piece.is_err();
                let sent = sender.send(piece).await;
                if broken || sent.is_err() {
                    return;
                }
            }
        });
        BodyReader {
            receiver,
            piece: Bytes::new(),
        }
    }
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = out.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut out[..length]);
        Ok(length)
    }
}
