//! Attempts to sign in, counted by login and by address.
//!
//! An attempt is counted before the password is looked at, so that many at once gain nothing. Past the free ones each
//! further attempt closes the door for twice as long as the one before, up to a quarter of an hour: long enough to make
//! guessing hopeless, short enough that nobody can shut somebody else out for a night.

use std::net::Ipv6Addr;

use crate::db::params;
use crate::desk::Tx;
use crate::{Desk, Error, Result, Time};

/// Attempts with one login, and from one address, before the door closes.
const FREE: [i64; 2] = [5, 50];
/// Seconds the door is closed at first, and at most.
const CLOSED: [i64; 2] = [15, 900];
/// Seconds without an attempt after which all is forgotten.
const FORGET: i64 = 3_600;

/// What attempts are counted by.
pub(super) struct Door<'a> {
    pub(super) login_key: &'a str,
    pub(super) address: &'a str,
}

impl Door<'_> {
    /// The names it is counted by, with the free attempts of each. Who is signed in already is counted by login alone: an
    /// address that nobody gave would be everybody's.
    fn names(&self) -> Vec<(String, i64)> {
        let mut names = vec![(format!("login:{}", self.login_key), FREE[0])];
        if !self.address.is_empty() {
            names.push((format!("address:{}", network(self.address)), FREE[1]));
        }
        names
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// [`Error::Locked`] while the door is closed.
    pub(super) fn knock(&self, desk: &Desk) -> Result<()> {
        desk.write(|tx| {
            for (name, free) in &self.names() {
                if let Some(until) = locked_until(tx, name)? {
                    return Ok(Err(Error::Locked { until }));
                }
                count(tx, name, *free)?;
            }
            Ok(Ok(()))
        })?
    }

    /// The attempt was right: what was counted against the login is forgotten. What was counted against the address is
    /// not: one good login does not excuse guessing others.
    pub(super) fn open(&self, tx: &mut Tx<'_>) -> Result<()> {
        let mut names = self.names().into_iter().map(|(name, _)| name);
        tx.execute("DELETE FROM throttle WHERE name = $1", params![names.next()])?;
        for address in names {
            tx.execute(
                "UPDATE throttle SET failures = failures - 1 WHERE name = $1 AND failures > 0",
                params![address],
            )?;
        }
        Ok(())
    }
}

/// What addresses are counted by: themselves, or the network of 64 bits that one customer has with IPv6 and may choose
/// from at will.
fn network(address: &str) -> String {
    match address.parse::<Ipv6Addr>() {
        Ok(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => address.to_owned(),
    }
}

fn locked_until(tx: &mut Tx<'_>, name: &str) -> Result<Option<Time>> {
    let row = tx.one("SELECT locked_until FROM throttle WHERE name = $1", params![name])?;
    let until: Option<Time> = row.map(|row| row.reader().get()).transpose()?;
    Ok(until.filter(|until| *until > tx.now))
}

fn count(tx: &mut Tx<'_>, name: &str, free: i64) -> Result<()> {
    let forgotten = tx.now.plus_seconds(-FORGET);
    let row = tx.one(
        "INSERT INTO throttle (name, failures, since, locked_until) VALUES ($1, 1, $2, 0) \
         ON CONFLICT (name) DO UPDATE SET \
         failures = CASE WHEN throttle.since < $3 THEN 1 ELSE throttle.failures + 1 END, since = excluded.since \
         RETURNING failures",
        params![name, tx.now, forgotten],
    )?;
    let failures: i64 = row.map_or(Ok(1), |row| row.reader().get())?;
    if failures >= free {
        let doublings = (failures - free).min(16) as u32;
        let seconds = CLOSED[0].saturating_mul(1 << doublings).min(CLOSED[1]);
        tx.execute(
            "UPDATE throttle SET locked_until = $2 WHERE name = $1",
            params![name, tx.now.plus_seconds(seconds)],
        )?;
    }
    Ok(())
}
