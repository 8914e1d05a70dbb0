//! Readers that watch what passes through them.

use std::io::{self, Read};

use super::budget::Budget;
use super::run::Run;
use crate::message::{Code, Message};

/// Tells progress as a file is read.
pub(super) struct Told<'r, R> {
    pub(super) inner: R,
    pub(super) tell: Option<(&'r Run<'r>, &'r Budget)>,
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some((run, budget)) = self.tell {
            run.advance(budget.tell(read as u64));
        }
        Ok(read)
    }
}

/// Gives the error that stopped a look at the first bytes where it happened.
pub(super) struct Failed(pub(super) Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Counts what was written.
pub(super) struct Counted<'a, W>(pub(super) &'a mut W, pub(super) &'a mut u64);

impl<W: io::Write> io::Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        *self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Gives no more than is allowed, and takes what goes beyond the reserved bytes from the budget.
pub(super) struct Bounded<'a> {
    pub(super) inner: &'a mut dyn Read,
    pub(super) given: u64,
    pub(super) reserved: u64,
    pub(super) budget: &'a Budget,
    pub(super) left: u64,
    pub(super) over: bool,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.over || buffer.is_empty() {
            return Ok(0);
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            self.over = self.inner.read(&mut [0; 1])? > 0;
            return if self.over { Err(too_much()) } else { Ok(0) };
        }
        let read = self.inner.read(&mut buffer[..most])? as u64;
        let beyond = (self.given + read).saturating_sub(self.reserved.max(self.given));
        if beyond > 0 && !self.budget.take(beyond) {
            self.over = true;
            return Err(too_much());
        }
        self.given += read;
        self.left -= read;
        usize::try_from(read).map_err(io::Error::other)
    }
}

fn too_much() -> io::Error {
    io::Error::other(Message::from(Code::EntryOverCaps))
}

impl Drop for Bounded<'_> {
    /// What an entry claimed and did not give is there for others.
    fn drop(&mut self) {
        self.budget.give_back(self.reserved.saturating_sub(self.given));
    }
}
