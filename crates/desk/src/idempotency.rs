//! Requests that carry a key of their own are done once, however often they are sent.
//!
//! A request that is being done holds a lease for seconds, which whoever does it renews. That it changed something is written
//! down in the transaction of the change. So when the lease ends without an answer (the process died, or the database was
//! away) it is known whether anything happened: if nothing did the request is done anew, by whichever process is asked, and
//! what the first one may still be about to do is refused.

use crate::db::params;
use crate::desk::Tx;
use crate::secrets::{new_token, token_hash};
use crate::{Access, Desk, Error, Result, Time};

/// Hours an answer is kept.
const HOURS: i64 = 24;
/// Seconds a lease lasts from each time it is renewed.
pub const LEASE: i64 = 15;
/// Bytes of an answer that are kept.
const MOST: usize = 1 << 20;

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Do it with [`Desk::asked_by`], [`renew`] it meanwhile, then [`finish`] it; [`refuse`] it when it was refused,
    /// [`forget`] it when its answer is not one to keep, and [`settle`] it when nobody knows.
    Do(Running),
    /// It was done: this was the answer.
    Done(Answer),
    /// It is being done.
    Running,
}

/// A request that is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    actor: String,
    name: String,
    /// Who does it: another each time it is begun.
    holder: String,
}

/// An answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
    /// The ETag of what it holds.
    pub etag: Option<String>,
    /// Its body; `None` when it was too large to keep: then only [`Answer::digest`] tells what it was.
    pub body: Option<Vec<u8>>,
    /// SHA-256 of the body, lower-case hexadecimal.
    pub digest: String,
}

/// An answer to keep.
#[derive(Debug, Clone, Copy, Default)]
pub struct New<'a> {
    /// The status.
    pub status: u16,
    /// Its content type; empty when it has none.
    pub content_type: &'a str,
    /// The ETag of what it holds.
    pub etag: Option<&'a str>,
    /// Its body.
    pub body: &'a [u8],
}

/// Begins a request with the key `name`. `digest` names the request: method, path, condition and body.
///
/// # Errors
/// When another request was sent with that key; [`Error::AnswerLost`] when this one changed something and its answer is gone.
pub fn begin(desk: &Desk, access: &Access, name: &str, digest: &str) -> Result<Begin> {
    if name.is_empty() || name.len() > 255 {
        return Err(Error::invalid(
            "Idempotency-Key",
            "it must have 1 to 255 characters",
        ));
    }
    let running = Running {
        actor: access.actor().id.clone(),
        name: name.to_owned(),
        holder: new_token(desk.entropy()),
    };
    let actor = running.actor.as_str();
    desk.write(|tx| {
        tx.execute("DELETE FROM idempotency WHERE expires_at <= $1", params![tx.now])?;
        let lease = tx.now.plus_seconds(LEASE);
        let begun = tx.execute(
            "INSERT INTO idempotency (actor_id, name, request_digest, created_at, expires_at, holder, lease_until) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (actor_id, name) DO NOTHING",
            params![actor, name, digest, tx.now, tx.now.plus_hours(HOURS), &running.holder, lease],
        )?;
        if begun > 0 {
            return Ok(Begin::Do(running.clone()));
        }
        let row = tx.one(
            "SELECT request_digest, status, response, content_type, response_digest, etag, holder, lease_until \
             FROM idempotency WHERE actor_id = $1 AND name = $2",
            params![actor, name],
        )?;
        let Some(row) = row else {
            return Ok(Begin::Running);
        };
        let mut row = row.reader();
        let (known, status, response): (String, Option<i64>, Option<Vec<u8>>) = (row.get()?, row.get()?, row.get()?);
        let (content_type, digest_of): (Option<String>, Option<String>) = (row.get()?, row.get()?);
        let etag: Option<String> = row.get()?;
        let (holder, until): (String, Time) = (row.get()?, row.get()?);
        if known != digest {
            return Err(Error::invalid("Idempotency-Key", "it was used for another request: take a new one"));
        }
        match status {
            Some(status) => Ok(Begin::Done(Answer {
                status: u16::try_from(status).unwrap_or(500),
                content_type: content_type.unwrap_or_default(),
                etag,
                body: response
                    .map(|sealed| desk.master().open(&context(actor, name), &sealed))
                    .transpose()?,
                digest: digest_of.unwrap_or_default(),
            })),
            None if until > tx.now => Ok(Begin::Running),
            // A server of an older version began it: it writes down neither who holds it nor whether anything changed.
            None if holder.is_empty() => Err(Error::AnswerLost),
            None if has_acted(tx, &holder)? => Err(Error::AnswerLost),
            None => {
                let taken = tx.execute(
                    "UPDATE idempotency SET holder = $4, lease_until = $5 WHERE actor_id = $1 AND name = $2 AND holder = $3",
                    params![actor, name, &holder, &running.holder, lease],
                )?;
                // Somebody else was asked at the same moment, and was faster.
                Ok(if taken > 0 { Begin::Do(running.clone()) } else { Begin::Running })
            }
        }
    })
}

impl Running {
    /// Writes down that it changes something.
    ///
    /// # Errors
    /// When it was given up meanwhile: nothing of it may be kept.
    pub(crate) fn acted(&self, tx: &mut Tx<'_>) -> Result<()> {
        match first_said(tx, &self.holder, true)? {
            true => Ok(()),
            false => Err(Error::TakenOver),
        }
    }

    fn context(&self) -> String {
        context(&self.actor, &self.name)
    }
}

/// Whether whoever did a request changed something. From now on they do not, if they did not until now.
fn has_acted(tx: &mut Tx<'_>, holder: &str) -> Result<bool> {
    first_said(tx, holder, false)
}

/// Says whether a request changed something, unless that was said before; and what holds.
fn first_said(tx: &mut Tx<'_>, holder: &str, acted: bool) -> Result<bool> {
    let first = tx.execute(
        "INSERT INTO idempotency_act (holder, acted, expires_at) VALUES ($1, $2, $3) ON CONFLICT (holder) DO NOTHING",
        params![holder, acted, tx.now.plus_hours(2 * HOURS)],
    )?;
    if first > 0 {
        return Ok(acted);
    }
    Ok(told_of(tx, holder)?.unwrap_or(acted))
}

/// What was said of a request until now.
fn told_of(tx: &mut Tx<'_>, holder: &str) -> Result<Option<bool>> {
    let row = tx.one(
        "SELECT acted FROM idempotency_act WHERE holder = $1",
        params![holder],
    )?;
    row.map(|row| row.reader().get()).transpose()
}

/// Says that a request is still being done. A lease that ended stays ended.
///
/// # Errors
/// When the database is away.
pub fn renew(desk: &Desk, running: &Running) -> Result<()> {
    desk.write(|tx| {
        let until = tx.now.plus_seconds(LEASE);
        tx.execute(
            "UPDATE idempotency SET lease_until = $4 WHERE actor_id = $1 AND name = $2 AND holder = $3 \
             AND lease_until > $5",
            params![&running.actor, &running.name, &running.holder, until, tx.now],
        )
    })?;
    Ok(())
}

/// Keeps the answer to a request that was begun. It is sealed: answers may hold what is shown once.
pub fn finish(desk: &Desk, running: &Running, answer: &New<'_>) -> Result<()> {
    let kept = Kept::of(desk, running, answer)?;
    desk.write(|tx| kept.keep(tx, running))
}

/// Ends a request that was refused. When it changed nothing it is forgotten, so that it can be sent again; when it had changed
/// something before, the refusal is its answer from now on.
///
/// # Errors
/// [`Error::TakenOver`] when another process does it since: then it may have been refused for what that one did.
pub fn refuse(desk: &Desk, running: &Running, answer: &New<'_>) -> Result<()> {
    let kept = Kept::of(desk, running, answer)?;
    desk.write(|tx| match told_of(tx, &running.holder)? {
        None => forget_in(tx, running),
        Some(true) => kept.keep(tx, running),
        Some(false) => Err(Error::TakenOver),
    })
}

/// An answer as it is kept.
struct Kept<'a> {
    answer: &'a New<'a>,
    sealed: Option<Vec<u8>>,
    digest: String,
}

impl<'a> Kept<'a> {
    fn of(desk: &Desk, running: &Running, answer: &'a New<'a>) -> Result<Kept<'a>> {
        let sealed = match answer.body.len() <= MOST {
            true => Some(
                desk.master()
                    .seal(desk.entropy(), &running.context(), answer.body)?,
            ),
            false => None,
        };
        Ok(Kept {
            answer,
            sealed,
            digest: crate::ids::hex(&<sha2::Sha256 as sha2::Digest>::digest(answer.body)),
        })
    }

    fn keep(&self, tx: &mut Tx<'_>, running: &Running) -> Result<()> {
        tx.execute(
            "UPDATE idempotency SET status = $4, response = $5, content_type = $6, response_digest = $7, etag = $8 \
             WHERE actor_id = $1 AND name = $2 AND holder = $3",
            params![
                &running.actor,
                &running.name,
                &running.holder,
                i64::from(self.answer.status),
                self.sealed.as_deref(),
                self.answer.content_type,
                &self.digest,
                self.answer.etag
            ],
        )?;
        Ok(())
    }
}

/// Forgets a request whose answer is not kept: sent again, it is done again.
pub fn forget(desk: &Desk, running: &Running) -> Result<()> {
    desk.write(|tx| forget_in(tx, running))
}

fn forget_in(tx: &mut Tx<'_>, running: &Running) -> Result<()> {
    tx.execute(
        "DELETE FROM idempotency WHERE actor_id = $1 AND name = $2 AND holder = $3 AND status IS NULL",
        params![&running.actor, &running.name, &running.holder],
    )?;
    Ok(())
}

/// Ends a request that failed so that nobody knows what became of it: forgets it when it changed nothing, and lets it be known
/// at once when it did.
pub fn settle(desk: &Desk, running: &Running) -> Result<()> {
    desk.write(|tx| {
        if !has_acted(tx, &running.holder)? {
            return forget_in(tx, running);
        }
        tx.execute(
            "UPDATE idempotency SET lease_until = $4 WHERE actor_id = $1 AND name = $2 AND holder = $3",
            params![&running.actor, &running.name, &running.holder, tx.now],
        )?;
        Ok(())
    })
}

fn context(actor: &str, name: &str) -> String {
    format!("answer {actor} {}", token_hash(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenants::{self, TenantFields};
    use crate::testing::{analyst, director, on_each_database};

    #[track_caller]
    fn begun(desk: &Desk, access: &Access, name: &str, digest: &str) -> Running {
        match begin(desk, access, name, digest).unwrap() {
            Begin::Do(running) => running,
            other => panic!("it is to be done: {other:?}"),
        }
    }

    fn make(desk: &Desk, running: &Running, name: &str) -> Result<()> {
        tenants::create(&desk.asked_by(running), &director(), &TenantFields::named(name)).map(|_| ())
    }

    fn said(status: u16, body: &[u8]) -> New<'_> {
        New {
            status,
            body,
            ..New::default()
        }
    }

    fn tenants_of(desk: &Desk) -> i64 {
        tenants::count(desk, &director(), &Default::default()).unwrap()
    }

    #[test]
    fn a_request_is_done_once_and_answered_again() {
        on_each_database(|bench| {
            let desk = &bench.desk;
            let who = director();
            let running = begun(desk, &who, "k1", "POST /x 1");
            assert_eq!(begin(desk, &who, "k1", "POST /x 1").unwrap(), Begin::Running);
            let answer = New {
                status: 201,
                content_type: "application/json",
                etag: Some("\"1\""),
                body: b"{\"id\":1}",
            };
            finish(desk, &running, &answer).unwrap();
            let Begin::Done(answer) = begin(desk, &who, "k1", "POST /x 1").unwrap() else {
                panic!("it was done");
            };
            assert_eq!(
                (answer.status, answer.etag.as_deref(), answer.body.as_deref()),
                (201, Some("\"1\""), Some(&b"{\"id\":1}"[..]))
            );
            // Another request, another person, another day.
            assert!(begin(desk, &who, "k1", "POST /x 2").is_err());
            begun(desk, &analyst(), "k1", "POST /x 2");
            bench.clock.advance_seconds(25 * 3_600);
            begun(desk, &who, "k1", "POST /x 2");
        });
    }

    #[test]
    fn what_failed_can_be_sent_again_at_once_and_what_changed_something_is_not_repeated() {
        on_each_database(|bench| {
            let desk = &bench.desk;
            let who = director();
            refuse(desk, &begun(desk, &who, "k", "d"), &said(409, b"no")).unwrap();
            let running = begun(desk, &who, "k", "d");
            settle(desk, &running).unwrap();
            assert!(make(desk, &running, "late").is_err(), "it was given up");

            let running = begun(desk, &who, "k", "d");
            make(desk, &running, "first").unwrap();
            make(desk, &running, "second").unwrap();
            assert!(make(desk, &running, "first").is_err(), "the name is taken");
            settle(desk, &running).unwrap();
            let again = begin(desk, &who, "k", "d");
            assert!(matches!(again, Err(Error::AnswerLost)), "{again:?}");
            assert_eq!(tenants_of(desk), 2);
        });
    }

    #[test]
    fn what_another_server_left_is_taken_over_when_its_lease_ends_and_only_then() {
        on_each_database(|bench| {
            let (one, other) = (&bench.desk, &bench.again());
            let who = director();
            let first = begun(one, &who, "k", "d");
            bench.clock.advance_seconds(LEASE - 1);
            renew(one, &first).unwrap();
            bench.clock.advance_seconds(LEASE - 1);
            assert_eq!(begin(other, &who, "k", "d").unwrap(), Begin::Running, "it lives");

            bench.clock.advance_seconds(2);
            let second = begun(other, &who, "k", "d");
            // It was only slow. What it does now is refused, and it does not end what the other one does.
            assert!(matches!(make(one, &first, "twice"), Err(Error::TakenOver)));
            let refused = refuse(one, &first, &said(404, b"it is gone"));
            assert!(matches!(refused, Err(Error::TakenOver)), "{refused:?}");
            renew(one, &first).unwrap();
            settle(one, &first).unwrap();
            finish(one, &first, &said(201, b"of the first")).unwrap();
            assert_eq!(begin(one, &who, "k", "d").unwrap(), Begin::Running);
            make(other, &second, "once").unwrap();
            assert_eq!(tenants_of(one), 1);

            // It dies before it answers: what it did is not done again.
            bench.clock.advance_seconds(LEASE + 1);
            let lost = begin(one, &who, "k", "d");
            assert!(matches!(lost, Err(Error::AnswerLost)), "{lost:?}");
        });
    }

    #[test]
    fn of_many_that_send_the_same_one_does_it() {
        on_each_database(|bench| {
            let first = begun(&bench.desk, &director(), "k", "d");
            bench.clock.advance_seconds(LEASE + 1);
            let together = &std::sync::Barrier::new(8);
            let begun: Vec<Begin> = std::thread::scope(|scope| {
                let each = |index| {
                    let desk = bench.again();
                    scope.spawn(move || {
                        together.wait();
                        let begun = begin(&desk, &director(), "k", "d").unwrap();
                        if let Begin::Do(running) = &begun {
                            // No name keeps another one from being made.
                            make(&desk, running, &format!("tenant {index}")).unwrap();
                        }
                        begun
                    })
                };
                let all: Vec<_> = (0..8).map(each).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            let doing = begun.iter().filter(|begun| matches!(begun, Begin::Do(_)));
            assert_eq!(doing.count(), 1, "{begun:?}");
            assert!(make(&bench.desk, &first, "of the first").is_err());
            assert_eq!(tenants_of(&bench.desk), 1);
        });
    }

    #[test]
    fn a_refusal_after_a_change_is_the_answer() {
        on_each_database(|bench| {
            let (desk, who) = (&bench.desk, director());
            let running = begun(desk, &who, "k", "d");
            make(desk, &running, "first").unwrap();
            refuse(desk, &running, &said(422, b"the second part is wrong")).unwrap();
            let Begin::Done(answer) = begin(desk, &who, "k", "d").unwrap() else {
                panic!("it is not to be done again");
            };
            assert_eq!(
                (answer.status, answer.body.as_deref()),
                (422, Some(&b"the second part is wrong"[..]))
            );
        });
    }

    #[test]
    fn what_a_server_of_an_older_version_began_is_not_done_twice() {
        on_each_database(|bench| {
            let (desk, who) = (&bench.desk, director());
            for name in ["k1", "k2"] {
                // As it writes it: it knows nothing of leases.
                desk.write(|tx| {
                    tx.execute(
                        "INSERT INTO idempotency (actor_id, name, request_digest, created_at, expires_at) \
                         VALUES ($1, $2, 'd', $3, $4)",
                        params![&who.actor().id, name, tx.now, tx.now.plus_hours(HOURS)],
                    )
                })
                .unwrap();
                for _ in 0..2 {
                    let again = begin(desk, &who, name, "d");
                    assert!(matches!(again, Err(Error::AnswerLost)), "{again:?}");
                }
            }
        });
    }

    #[test]
    fn a_lease_that_was_ended_is_not_renewed() {
        on_each_database(|bench| {
            let (desk, who) = (&bench.desk, director());
            let running = begun(desk, &who, "k", "d");
            make(desk, &running, "first").unwrap();
            settle(desk, &running).unwrap();
            // It was on its way when the request was settled.
            renew(desk, &running).unwrap();
            let again = begin(desk, &who, "k", "d");
            assert!(matches!(again, Err(Error::AnswerLost)), "{again:?}");
        });
    }
}
