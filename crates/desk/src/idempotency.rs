//! Requests that carry a key of their own are done once, however often they are sent.

use crate::db::params;
use crate::secrets::token_hash;
use crate::{Access, Desk, Error, Result, Time};

/// Hours an answer is kept.
const HOURS: i64 = 24;
/// Seconds after which a request that began and never ended is taken to have died.
const DIED: i64 = 600;
/// Bytes of an answer that are kept.
const MOST: usize = 1 << 20;

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Do it, then [`finish`] it, or [`forget`] it when it failed without having changed anything.
    Do,
    /// It was done: this was the answer.
    Done(Answer),
    /// It is being done.
    Running,
}

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
    /// Its body; `None` when it was too large to keep: then only [`Answer::digest`] tells what it was.
    pub body: Option<Vec<u8>>,
    /// SHA-256 of the body, lower-case hexadecimal.
    pub digest: String,
}

/// Begins a request with the key `name`. `digest` names the request: method, path and body.
///
/// # Errors
/// When another request was sent with that key, or this one began and died: nobody knows whether it was done.
pub fn begin(desk: &Desk, access: &Access, name: &str, digest: &str) -> Result<Begin> {
    if name.is_empty() || name.len() > 255 {
        return Err(Error::invalid(
            "Idempotency-Key",
            "it must have 1 to 255 characters",
        ));
    }
    let actor = &access.actor().id;
    desk.write(|tx| {
        tx.execute("DELETE FROM idempotency WHERE expires_at <= $1", params![tx.now])?;
        let begun = tx.execute(
            "INSERT INTO idempotency (actor_id, name, request_digest, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (actor_id, name) DO NOTHING",
            params![actor, name, digest, tx.now, tx.now.plus_hours(HOURS)],
        )?;
        if begun > 0 {
            return Ok(Begin::Do);
        }
        let row = tx.one(
            "SELECT request_digest, status, response, content_type, response_digest, created_at FROM idempotency \
             WHERE actor_id = $1 AND name = $2",
            params![actor, name],
        )?;
        let Some(row) = row else {
            return Ok(Begin::Running);
        };
        let mut row = row.reader();
        let (known, status, response): (String, Option<i64>, Option<Vec<u8>>) = (row.get()?, row.get()?, row.get()?);
        let (content_type, digest_of): (Option<String>, Option<String>) = (row.get()?, row.get()?);
        let created_at: Time = row.get()?;
        if known != digest {
            return Err(Error::invalid("Idempotency-Key", "it was used for another request: take a new one"));
        }
        match status {
            Some(status) => Ok(Begin::Done(Answer {
                status: u16::try_from(status).unwrap_or(500),
                content_type: content_type.unwrap_or_default(),
                body: response
                    .map(|sealed| desk.master().open(&context(actor, name), &sealed))
                    .transpose()?,
                digest: digest_of.unwrap_or_default(),
            })),
            None if tx.now.seconds_since(created_at) > DIED => Err(Error::state(
                "the request began and never ended: look whether it was done, then take a new key",
            )),
            None => Ok(Begin::Running),
        }
    })
}

/// Keeps the answer to a request that was begun. It is sealed: answers may hold what is shown once.
pub fn finish(
    desk: &Desk,
    access: &Access,
    name: &str,
    status: u16,
    content_type: &str,
    body: &[u8],
) -> Result<()> {
    let actor = &access.actor().id;
    let sealed = match body.len() <= MOST {
        true => Some(desk.master().seal(desk.entropy(), &context(actor, name), body)?),
        false => None,
    };
    let digest = crate::ids::hex(&<sha2::Sha256 as sha2::Digest>::digest(body));
    desk.write(|tx| {
        tx.execute(
            "UPDATE idempotency SET status = $3, response = $4, content_type = $5, response_digest = $6 \
             WHERE actor_id = $1 AND name = $2",
            params![
                actor,
                name,
                i64::from(status),
                sealed.as_deref(),
                content_type,
                &digest
            ],
        )
    })?;
    Ok(())
}

/// Forgets a request that changed nothing, so that it can be sent again.
pub fn forget(desk: &Desk, access: &Access, name: &str) -> Result<()> {
    let actor = &access.actor().id;
    desk.write(|tx| {
        tx.execute(
            "DELETE FROM idempotency WHERE actor_id = $1 AND name = $2 AND status IS NULL",
            params![actor, name],
        )
    })?;
    Ok(())
}

fn context(actor: &str, name: &str) -> String {
    format!("answer {actor} {}", token_hash(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyst, director, on_each_database};

    #[test]
    fn a_request_is_done_once_and_answered_again() {
        on_each_database(|bench| {
            let desk = &bench.desk;
            let who = director();
            assert_eq!(begin(desk, &who, "k1", "POST /x 1").unwrap(), Begin::Do);
            assert_eq!(begin(desk, &who, "k1", "POST /x 1").unwrap(), Begin::Running);
            finish(desk, &who, "k1", 201, "application/json", b"{\"id\":1}").unwrap();
            let Begin::Done(answer) = begin(desk, &who, "k1", "POST /x 1").unwrap() else {
                panic!("it was done");
            };
            assert_eq!(
                (answer.status, answer.body.as_deref()),
                (201, Some(&b"{\"id\":1}"[..]))
            );
            // Another request, another person, another day.
            assert!(begin(desk, &who, "k1", "POST /x 2").is_err());
            assert_eq!(begin(desk, &analyst(), "k1", "POST /x 2").unwrap(), Begin::Do);
            bench.clock.advance_seconds(25 * 3_600);
            assert_eq!(begin(desk, &who, "k1", "POST /x 2").unwrap(), Begin::Do);
        });
    }

    #[test]
    fn what_failed_can_be_sent_again_and_what_died_is_not_repeated_blindly() {
        on_each_database(|bench| {
            let desk = &bench.desk;
            let who = director();
            begin(desk, &who, "k", "d").unwrap();
            forget(desk, &who, "k").unwrap();
            assert_eq!(begin(desk, &who, "k", "d").unwrap(), Begin::Do);
            bench.clock.advance_seconds(DIED + 1);
            let died = begin(desk, &who, "k", "d");
            assert!(matches!(died, Err(Error::State { .. })), "{died:?}");
        });
    }
}
