//! Why a server gave no answer.

use std::io::{self, ErrorKind};

use crate::answer::shown;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing listens there, or something says so.
    Refused,
    /// No connection within the time.
    Silent,
    /// No way there: no route, or the network refuses.
    Unreachable(String),
    /// Connected, then no whole answer within the time.
    TimedOut,
    /// Connected, then closed without an answer.
    Closed,
    /// What listens does not speak TLS.
    NotTls,
    /// TLS was not agreed on.
    Tls(String),
    /// Speaks TLS, then something that is not HTTP/1.1.
    NotHttp(String),
    /// Anything else the system says.
    Other(String),
    /// The run was stopped.
    Stopped,
    /// The scope expired in the meantime.
    Expired,
}

/// What a stopped run's sockets say.
pub(crate) const STOPPED: ErrorKind = ErrorKind::ConnectionAborted;

impl Trouble {
    /// Trouble on the way to a connection.
    pub(crate) fn connecting(error: &io::Error) -> Trouble {
        match error.kind() {
            ErrorKind::ConnectionRefused => Trouble::Refused,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::Silent,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable => {
                Trouble::Unreachable(error.to_string())
            }
            _ => Trouble::Unreachable(error.to_string()),
        }
    }

    /// Trouble once connected.
    pub(crate) fn talking(error: &io::Error) -> Trouble {
        if let Some(tls) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        {
            return match tls {
                rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => Trouble::NotTls,
                other => Trouble::Tls(shown(&other.to_string(), 200)),
            };
        }
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Trouble::TimedOut,
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Trouble::Closed,
            STOPPED => Trouble::Stopped,
            _ => Trouble::Other(error.to_string()),
        }
    }

    /// One word, for the log.
    pub(crate) fn id(&self) -> &'static str {
        match self {
            Trouble::Refused => "refused",
            Trouble::Silent => "no_answer",
            Trouble::Unreachable(_) => "unreachable",
            Trouble::TimedOut => "timed_out",
            Trouble::Closed => "closed",
            Trouble::NotTls => "not_tls",
            Trouble::Tls(_) => "tls_failed",
            Trouble::NotHttp(_) => "not_http",
            Trouble::Other(_) => "failed",
            Trouble::Stopped => "stopped",
            Trouble::Expired => "scope_expired",
        }
    }
}
