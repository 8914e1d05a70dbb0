//! What must be done now and then, whoever is there: to be called every minute or so.

use serde::Serialize;

use crate::audit::{self, Root};
use crate::db::params;
use crate::{Access, Desk, Error, Result, Time, catalogue, cells, evidence, hunts, uploads};

/// Hours after which the next root is published.
const ROOT_HOURS: i64 = 24;
/// Cells that turn unknown in one go.
const CELLS: u32 = 2_000;
/// Days that events of jobs that ended are kept.
const JOB_EVENT_DAYS: i64 = 30;

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Cells whose answers were too old.
    pub stale_cells: usize,
    /// Uploads that nobody touched.
    pub forgotten_uploads: usize,
    /// Pieces of evidence whose retention was over.
    pub expired_evidence: usize,
    /// Folders that dead hunts left.
    pub dead_hunts: usize,
    /// Cells that said a hunt ran which had failed.
    pub failed_hunts: usize,
    /// Entries of the benign catalogue that expired, or by which nothing was judged yet.
    pub dismissals: usize,
    /// Rows that say nothing any more: ended sessions, used links, forgotten attempts.
    pub rows: u64,
    /// The root that was published, when it was time.
    pub root: Option<Root>,
}

/// Does it: all of it, whatever fails.
///
/// # Errors
/// With the first thing that failed, once the others are done; the next call tries it again.
pub fn run(desk: &Desk) -> Result<Done> {
    let mut failed = None;
    let done = Done {
        stale_cells: or_later(cells::sweep(desk, CELLS), &mut failed),
        forgotten_uploads: or_later(uploads::sweep(desk), &mut failed),
        expired_evidence: or_later(evidence::expire(desk), &mut failed),
        dead_hunts: or_later(hunts::clean(desk), &mut failed),
        failed_hunts: or_later(hunts::settle(desk), &mut failed),
        dismissals: or_later(catalogue::sweep(desk), &mut failed),
        rows: or_later(clean_rows(desk), &mut failed),
        root: or_later(publish_root(desk), &mut failed),
    };
    failed.map_or(Ok(done), Err)
}

/// What was done, or nothing and the reason, to be told at the end.
fn or_later<T: Default>(outcome: Result<T>, failed: &mut Option<Error>) -> T {
    outcome.unwrap_or_else(|error| {
        failed.get_or_insert(error);
        T::default()
    })
}

fn clean_rows(desk: &Desk) -> Result<u64> {
    use crate::accounts::sessions::IDLE_HOURS;
    desk.write(|tx| {
        let (now, yesterday) = (tx.now, tx.now.plus_days(-1));
        let mut gone = 0;
        for (sql, before) in [
            ("DELETE FROM session WHERE expires_at <= $1", now),
            ("DELETE FROM session WHERE last_seen_at <= $1", now.plus_hours(-IDLE_HOURS)),
            ("DELETE FROM oidc_flow WHERE expires_at <= $1", now),
            ("DELETE FROM one_time_link WHERE expires_at <= $1", yesterday),
            ("DELETE FROM idempotency WHERE expires_at <= $1", now),
            ("DELETE FROM idempotency_act WHERE expires_at <= $1", now),
            ("DELETE FROM throttle WHERE locked_until <= $1 AND since <= $1", yesterday),
            (
                "DELETE FROM job_event WHERE at <= $1 AND job_id IN (SELECT id FROM job WHERE finished_at <= $1)",
                now.plus_days(-JOB_EVENT_DAYS),
            ),
        ] {
            gone += tx.execute(sql, params![before])?;
        }
        Ok(gone)
    })
}

/// Publishes a root once a day, when something was recorded since.
fn publish_root(desk: &Desk) -> Result<Option<Root>> {
    let is_time = desk.read(|tx| {
        let row = tx.one("SELECT MAX(at) FROM audit WHERE action = 'audit.root'", &[])?;
        let last: Option<Time> = row.map_or(Ok(None), |row| row.reader().get())?;
        let sql = "SELECT at FROM audit WHERE action <> 'audit.root' ORDER BY at DESC LIMIT 1";
        let newest: Option<Time> = tx.one(sql, &[])?.map(|row| row.reader().get()).transpose()?;
        Ok(match (last, newest) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(last), Some(newest)) => newest > last && tx.now >= last.plus_hours(ROOT_HOURS),
        })
    })?;
    match is_time {
        true => audit::publish_root(desk, &Access::system("maintenance")).map(Some),
        false => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::on_each_database;

    #[test]
    fn a_root_is_published_once_a_day_when_something_was_recorded() {
        on_each_database(|bench| {
            assert_eq!(run(&bench.desk).unwrap(), Done::default());
            bench.tenant("Client");
            assert!(run(&bench.desk).unwrap().root.is_some());
            bench.clock.advance_seconds(23 * 3_600);
            bench.tenant("Other");
            assert!(run(&bench.desk).unwrap().root.is_none());
            bench.clock.advance_seconds(3_600);
            assert!(run(&bench.desk).unwrap().root.is_some());
            bench.clock.advance_seconds(30 * 3_600);
            assert!(run(&bench.desk).unwrap().root.is_none(), "nothing happened");
        });
    }

    #[test]
    fn what_fails_holds_up_nothing_else() {
        on_each_database(|bench| {
            bench.tenant("Client");
            let work = bench.desk.data().join("work");
            std::fs::create_dir_all(&work).unwrap();
            // A file where a folder ought to be.
            let wrong = work.join("01780000-0000-7000-8000-000000000000-1");
            std::fs::write(&wrong, "").unwrap();
            assert!(run(&bench.desk).is_err());

            let roots = audit::roots(&bench.desk, &crate::testing::director(), None).unwrap();
            assert_eq!(roots.len(), 1, "the root was published all the same");
            std::fs::remove_file(wrong).unwrap();
            assert!(run(&bench.desk).is_ok());
        });
    }

    #[test]
    fn forgotten_attempts_do_not_pile_up() {
        on_each_database(|bench| {
            for number in 0..20 {
                let login = format!("guess {number}");
                let attempt = crate::accounts::Attempt {
                    login: &login,
                    password: "x",
                    code: None,
                    address: "192.0.2.1",
                    user_agent: "",
                };
                assert!(crate::accounts::sign_in(&bench.desk, &attempt).is_err());
            }
            assert_eq!(run(&bench.desk).unwrap().rows, 0);
            bench.clock.advance_seconds(25 * 3_600);
            assert_eq!(run(&bench.desk).unwrap().rows, 21);
        });
    }
}
