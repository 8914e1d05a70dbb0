//! What can go wrong, in the words of the desk.

use std::path::PathBuf;

use crate::{Time, Verb};

/// The result of everything a desk does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or not for whoever asked.
    #[error("there is no such {what}")]
    NotFound {
        /// `tenant`, `server`, ...
        what: &'static str,
    },
    /// Whoever asked may see it and not do this.
    #[error("this needs the right {verb:?}, which {role} does not have")]
    Forbidden {
        /// What is missing.
        verb: Verb,
        /// The role of whoever asked.
        role: crate::Role,
    },
    /// Somebody changed it since it was read.
    #[error(
        "somebody changed it meanwhile: it is at revision {current}; read it again, then repeat the change"
    )]
    Conflict {
        /// Its revision.
        current: i64,
    },
    /// Another one has that name.
    #[error("there is already a {what} named {name:?}")]
    Taken {
        /// `tenant`, `server`, ...
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A value that cannot be.
    #[error("{field}: {why}")]
    Invalid {
        /// Which one.
        field: &'static str,
        /// What is wrong and what to give instead.
        why: String,
    },
    /// It cannot be done as things stand.
    #[error("{why}")]
    State {
        /// Why, and what would have to be done first.
        why: String,
    },
    /// Nobody knows who asks: the sign-in failed, or what it gave holds no longer.
    #[error("{0}")]
    Unauthenticated(Unrecognised),
    /// The password is right, and a second factor is needed.
    #[error("a code of the second factor is needed")]
    CodeNeeded,
    /// Too many attempts.
    #[error("too many attempts: try again after {until}")]
    Locked {
        /// When it is open again.
        until: Time,
    },
    /// The database cannot be reached, or is busy with something long.
    #[error("the database cannot be reached: {0}; try again")]
    Unavailable(String),
    /// The connection went while a change was being committed.
    #[error(
        "the connection to the database was lost while committing: look whether the change is there, or repeat it with its idempotency key"
    )]
    Uncertain,
    /// A request with a key of its own changed something, and whoever did it was gone before it answered.
    #[error(
        "the request changed something and its answer was lost: look at what it made, then take a new key"
    )]
    AnswerLost,
    /// Whoever did a request with a key of its own was silent for too long, and another process does it.
    #[error("another process does the request now: send the same again for its answer")]
    TakenOver,
    /// No space is left.
    #[error("no space is left on the disk: {0}; nothing of this was kept, free some and repeat")]
    DiskFull(String),
    /// What is stored is not what was written.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// What.
        what: String,
        /// How it was noticed, and what to do.
        why: String,
    },
    /// The database was written by a newer version of Vigie.
    #[error("the database is at version {found}, this program knows up to {known}: use a newer one")]
    TooNew {
        /// Its version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// A file or folder.
    #[error("{path}: {source}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A query failed: a mistake of ours.
    #[error("the database refused a query: {0}")]
    Database(String),
}

/// Why nobody knows who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// It is not told which of them it was.
    #[error("wrong login, password or code")]
    Wrong,
    /// The code of the second factor, after the provider recognised somebody.
    #[error("wrong code")]
    WrongCode,
    /// An administrator closed it.
    #[error("the account is closed")]
    Closed,
    /// It ended, or never was.
    #[error("the session has ended: sign in again")]
    SessionOver,
    /// It is no key of ours, or not any more.
    #[error("the key is unknown, expired or revoked")]
    Key,
    /// An invitation, or the link of the first start.
    #[error("the link was used already, or is too old: ask for a new one")]
    LinkUsedUp,
    /// A sign-in at the identity provider.
    #[error("the sign-in took too long, or was begun elsewhere: begin again")]
    TooLate,
    /// The provider knows them, and the desk does not.
    #[error("no account is linked to this identity: ask an administrator")]
    NotLinked,
}

impl Error {
    pub(crate) fn invalid(field: &'static str, why: impl Into<String>) -> Error {
        Error::Invalid {
            field,
            why: why.into(),
        }
    }

    pub(crate) fn state(why: impl Into<String>) -> Error {
        Error::State { why: why.into() }
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Error::DiskFull(path.display().to_string())
            }
            _ => Error::Io { path, source },
        }
    }
}
