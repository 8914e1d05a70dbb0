//! Whether the log is what was written.

use std::collections::BTreeMap;

use serde::Serialize;

use super::chain::{Entry, GENESIS};
use super::journal::entries;
use super::roots::{Head, each_root, heads_at, heads_of, root_of};
use crate::db::{Sql, params};
use crate::desk::Tx;
use crate::{Access, Desk, Result, Verb};

/// Records read at once.
const BATCH: i64 = 2_000;
/// Problems shown of one chain; the rest is counted.
const SHOWN: usize = 100;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AuditReport))]
pub struct Report {
    /// Whether everything is as it was written.
    pub sound: bool,
    /// The chains looked at.
    pub chains: Vec<ChainReport>,
    /// Roots looked at.
    pub roots: usize,
    /// What is wrong with them.
    pub root_problems: Vec<Problem>,
}

/// What was found in one chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChainReport {
    /// Its name.
    pub chain: String,
    /// Its records.
    pub entries: i64,
    /// The hash of its last record.
    pub head: String,
    /// What is wrong, at most the first hundred.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub more_problems: usize,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = AuditProblem))]
pub struct Problem {
    /// The record.
    pub seq: i64,
    /// What is wrong with it.
    pub why: String,
}

/// Follows one chain, record by record.
#[derive(Debug)]
pub(super) struct Follower {
    report: ChainReport,
    seq: i64,
    /// What heads are known to have been, by number.
    known: BTreeMap<i64, String>,
}

impl Follower {
    pub(super) fn new(chain: &str, known: impl IntoIterator<Item = (i64, String)>) -> Follower {
        Follower {
            report: ChainReport {
                chain: chain.to_owned(),
                head: GENESIS.to_owned(),
                ..ChainReport::default()
            },
            seq: 0,
            known: known.into_iter().collect(),
        }
    }

    fn problem(&mut self, seq: i64, why: impl Into<String>) {
        match self.report.problems.len() < SHOWN {
            true => self.report.problems.push(Problem { seq, why: why.into() }),
            false => self.report.more_problems += 1,
        }
    }

    pub(super) fn follow(&mut self, entry: &Entry) {
        let seq = entry.seq;
        if entry.chain != self.report.chain {
            self.problem(seq, format!("it is of the chain {}", entry.chain));
        }
        if seq != self.seq + 1 {
            self.problem(
                seq,
                format!("it follows on {}: records between are gone", self.seq),
            );
        }
        if entry.previous != self.report.head {
            self.problem(seq, "it does not name the record before it");
        }
        if entry.digest() != entry.hash {
            self.problem(seq, "it was changed: its hash is not that of its words");
        }
        if self.known.remove(&seq).is_some_and(|known| known != entry.hash) {
            self.problem(seq, "it is not the record that a published root names");
        }
        self.seq = seq;
        self.report.entries += 1;
        self.report.head.clone_from(&entry.hash);
    }

    pub(super) fn finish(mut self) -> ChainReport {
        let missing: Vec<i64> = self.known.keys().copied().collect();
        for seq in missing {
            self.problem(seq, "it is gone, and a published root names it");
        }
        self.report
    }
}

impl ChainReport {
    pub(super) fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Follows every chain that `access` may read, and every root when that is all of them.
pub fn verify(desk: &Desk, access: &Access) -> Result<Report> {
    access.require(Verb::Audit)?;
    let names: Vec<String> = desk.read(|tx| {
        let mut sql = Sql::new("SELECT chain FROM audit_head WHERE ");
        sql.tenants("chain", access)
            .push(" UNION SELECT DISTINCT chain FROM audit WHERE ");
        sql.tenants("chain", access).push(" ORDER BY 1");
        tx.rows(&sql)?.into_iter().map(|row| row.reader().get()).collect()
    })?;
    // Each chain from a snapshot of its own, so that a long verification keeps nobody from cleaning up.
    let chains: Result<Vec<ChainReport>> = names
        .iter()
        .map(|chain| desk.read(|tx| verify_chain(tx, chain)))
        .collect();
    let mut report = Report {
        sound: true,
        chains: chains?,
        roots: 0,
        root_problems: Vec::new(),
    };
    if access.is_everywhere() {
        desk.read(|tx| verify_roots(tx, &mut report))?;
    }
    report.sound = report.root_problems.is_empty() && report.chains.iter().all(ChainReport::is_sound);
    Ok(report)
}

fn verify_chain(tx: &mut Tx<'_>, chain: &str) -> Result<ChainReport> {
    let known = heads_of(tx, chain)?;
    let mut follower = Follower::new(chain, known.into_iter().map(|(_, head)| (head.seq, head.hash)));
    each(tx, chain, |entry| {
        follower.follow(entry);
        Ok(())
    })?;
    let mut report = follower.finish();
    let head = tx.one(
        "SELECT seq, hash FROM audit_head WHERE chain = $1",
        params![chain],
    )?;
    let (seq, hash): (i64, String) = match head {
        Some(row) => {
            let mut row = row.reader();
            (row.get()?, row.get()?)
        }
        None => (0, GENESIS.to_owned()),
    };
    if seq != report.entries || hash != report.head {
        report.problems.push(Problem {
            seq: report.entries,
            why: format!("the chain ends here, its head says record {seq}"),
        });
    }
    Ok(report)
}

/// Hands out the records of a chain in order.
pub(super) fn each(tx: &mut Tx<'_>, chain: &str, mut give: impl FnMut(&Entry) -> Result<()>) -> Result<()> {
    let mut last = 0;
    loop {
        let mut sql = Sql::new("SELECT ");
        sql.push(Entry::COLUMNS)
            .push(" FROM audit WHERE chain = ")
            .bind(chain);
        sql.push(" AND seq > ")
            .bind(last)
            .push(" ORDER BY seq LIMIT ")
            .bind(BATCH);
        let batch = entries(tx, &sql)?;
        let Some(end) = batch.last() else {
            return Ok(());
        };
        last = end.seq;
        for entry in &batch {
            give(entry)?;
        }
    }
}

fn verify_roots(tx: &mut Tx<'_>, report: &mut Report) -> Result<()> {
    each_root(tx, |tx, root| {
        report.roots += 1;
        let heads = heads_at(tx, root.seq)?;
        let bound = root_of(heads.iter().map(Head::leaf).collect());
        if bound != root.root || heads.len() as i64 != root.chains {
            report.root_problems.push(Problem {
                seq: root.seq,
                why: "the heads kept for this root do not give it".into(),
            });
        }
        Ok(())
    })
}
