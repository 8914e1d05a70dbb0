//! The log of requests: JSON lines, one before a request is sent and one when it is over.

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use vigie_event::format_utc;

use crate::{Scope, Target, now};

/// Where requests are logged. A request that cannot be logged is not sent.
pub struct Journal {
    inner: Mutex<Inner>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    requests: u64,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Scope {
        time: String,
        owner: &'a str,
        signed_by: &'a str,
        date: &'a str,
        reason: &'a str,
        expires: Option<&'a str>,
        user_agent: String,
    },
    Resolved {
        time: String,
        host: &'a str,
        addresses: &'a [IpAddr],
        left_out: &'a [IpAddr],
        error: Option<&'a str>,
    },
    Request {
        id: u64,
        time: String,
        address: IpAddr,
        port: u16,
        host: Option<&'a str>,
        tenant: &'a str,
        server: Option<&'a str>,
        method: &'a str,
        path: &'a str,
    },
    Answer {
        id: u64,
        time: String,
        address: IpAddr,
        port: u16,
        path: &'a str,
        #[serde(flatten)]
        ended: &'a Ended,
    },
}

/// How a request ended.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Ended {
    /// HTTP status.
    pub(crate) status: Option<u16>,
    /// Bytes of the answer, head and body, without TLS.
    pub(crate) bytes: u64,
    /// Milliseconds from the connection's begin.
    pub(crate) ms: u64,
    /// Build seen in the answer, and where: `x_owa_version 15.1.2176.9`.
    pub(crate) build: Option<String>,
    /// Why there is no whole answer.
    pub(crate) error: Option<&'static str>,
}

impl Journal {
    /// A log that goes to `out`; every line is flushed.
    pub fn new(out: impl Write + Send + 'static) -> Journal {
        Journal {
            inner: Mutex::new(Inner {
                out: Box::new(out),
                requests: 0,
            }),
        }
    }

    /// How many requests were logged.
    pub fn requests(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).requests
    }

    pub(crate) fn scope(&self, scope: &Scope) -> io::Result<()> {
        self.write(|_| Line::Scope {
            time: format_utc(now()),
            owner: &scope.owner,
            signed_by: &scope.signed_by,
            date: &scope.date,
            reason: &scope.reason,
            expires: scope.expires.as_deref(),
            user_agent: scope.user_agent(),
        })
        .map(|_| ())
    }

    pub(crate) fn resolved(
        &self,
        host: &str,
        addresses: &[IpAddr],
        left_out: &[IpAddr],
        error: Option<&str>,
    ) -> io::Result<()> {
        self.write(|_| Line::Resolved {
            time: format_utc(now()),
            host,
            addresses,
            left_out,
            error,
        })
        .map(|_| ())
    }

    /// Notes a request that is about to be sent; gives its number.
    pub(crate) fn begin(&self, target: &Target, path: &str) -> io::Result<u64> {
        self.write(|requests| {
            *requests += 1;
            Line::Request {
                id: *requests,
                time: format_utc(now()),
                address: target.address,
                port: target.port,
                host: target.host.as_deref(),
                tenant: &target.tenant,
                server: target.server.as_deref(),
                method: "GET",
                path,
            }
        })
    }

    pub(crate) fn end(&self, id: u64, target: &Target, path: &str, ended: &Ended) -> io::Result<()> {
        self.write(|_| Line::Answer {
            id,
            time: format_utc(now()),
            address: target.address,
            port: target.port,
            path,
            ended,
        })
        .map(|_| ())
    }

    fn write<'b>(&self, line: impl FnOnce(&mut u64) -> Line<'b>) -> io::Result<u64> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = serde_json::to_vec(&line(&mut inner.requests))?;
        text.push(b'\n');
        inner.out.write_all(&text)?;
        inner.out.flush()?;
        Ok(inner.requests)
    }
}
