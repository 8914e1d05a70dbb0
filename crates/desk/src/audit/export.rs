//! A chain as a file, and its verification without the desk.
//!
//! JSON lines: `{"export": ..}` first, then `{"entry": ..}` for each record, `{"root": ..}` for each root that names the
//! chain, and `{"end": ..}`. A tenant's export names no other tenant; the provider's holds the leaves of each root.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use super::chain::{Entry, GENESIS, PROVIDER};
use super::roots::{Head, each_root, head_at, heads_at, leaf_of, root_of};
use super::verify::{ChainReport, Follower, Problem, each};
use crate::ids::unhex;
use crate::{Access, Desk, Error, Result, TenantId, Time, Verb};

/// Bytes of one line of an export that are read, at most.
const LONGEST_LINE: u64 = 16 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Export(Start),
    Entry(Entry),
    Root(RootLine),
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
struct Start {
    format: String,
    version: u32,
    chain: String,
    exported_at: Time,
}

/// What a root says of the chain.
#[derive(Debug, Serialize, Deserialize)]
struct RootLine {
    /// The record of the provider's chain.
    seq: i64,
    root: String,
    /// The head of the exported chain.
    head_seq: i64,
    head_hash: String,
    /// All leaves; only in the provider's export.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    leaves: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    entries: i64,
    head: String,
}

/// The name of the format.
const FORMAT: &str = "vigie-audit";

/// What an export says, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportReport {
    /// Whether everything is as it was written.
    pub sound: bool,
    /// The chain.
    pub chain: ChainReport,
    /// The roots that it names: compare them with those that were published.
    pub roots: Vec<(i64, String)>,
    /// When it was made, as it says: nothing proves it, and whoever changed the export may have changed this.
    pub exported_at: Time,
    /// What binds the chain to each of the roots.
    #[serde(skip)]
    pub bindings: Vec<Binding>,
}

/// What binds a chain to a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The record of the provider's chain that holds the root.
    pub seq: i64,
    /// The root.
    pub root: String,
    /// The last record of the chain that it is over, as the export says.
    pub head_seq: i64,
    /// The chain's own leaf: it must be among those of the root.
    pub leaf: String,
    /// All leaves of the root; only the provider's export has them. Empty when they do not give the root: whoever wrote the
    /// export can write any.
    pub leaves: Leaves,
}

/// The leaves of a root, in as many bytes as they have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaves(Vec<[u8; 32]>);

impl Leaves {
    /// Those that a root binds; `None` when these do not give it.
    fn of(root: &str, leaves: Vec<String>) -> Option<Leaves> {
        let bytes: Option<Vec<[u8; 32]>> = leaves.iter().map(|leaf| unhex(leaf)).collect();
        let mut bytes = bytes.filter(|_| root_of(leaves) == root)?;
        bytes.sort_unstable();
        Some(Leaves(bytes))
    }

    /// Whether this leaf, as hexadecimal digits, is among them.
    pub fn contains(&self, leaf: &str) -> bool {
        unhex(leaf).is_some_and(|leaf| self.0.binary_search(&leaf).is_ok())
    }
}

/// Writes a chain as a file: a tenant's, or the provider's own. The export itself is recorded.
///
/// # Errors
/// When whoever asks may not audit it, or writing fails.
pub fn export(desk: &Desk, access: &Access, tenant: Option<&TenantId>, out: &mut dyn Write) -> Result<()> {
    match tenant {
        Some(tenant) => access.require_in(Verb::Audit, tenant, "tenant")?,
        None => access.require_everywhere(Verb::Audit)?,
    }
    let chain = tenant.map_or(PROVIDER, TenantId::as_str);
    desk.write(|tx| {
        if let Some(tenant) = tenant {
            crate::tenants::find(tx, access, tenant)?;
        }
        let act = super::Act {
            tenant,
            action: "audit.export",
            subject: ("audit", chain),
            campaign: None,
            text: "",
            details: serde_json::json!({}),
        };
        super::record(tx, access, &act)
    })?;
    let mut failed = None;
    let written = desk.read(|tx| {
        if failed.is_some() {
            // A broken pipe is not mended by trying again.
            return Err(Error::state("the export could not be written"));
        }
        let mut write = |line: &Line| {
            let done = serde_json::to_writer(&mut *out, line)
                .map_err(std::io::Error::from)
                .and_then(|()| out.write_all(b"\n"));
            done.map_err(|error| {
                failed = Some(error);
                Error::state("the export could not be written")
            })
        };
        write(&Line::Export(Start {
            format: FORMAT.into(),
            version: 1,
            chain: chain.to_owned(),
            exported_at: tx.now,
        }))?;
        let mut end = End {
            entries: 0,
            head: GENESIS.into(),
        };
        each(tx, chain, |entry| {
            end.entries += 1;
            end.head.clone_from(&entry.hash);
            write(&Line::Entry(entry.clone()))
        })?;
        each_root(tx, |tx, root| {
            let Some(head) = head_at(tx, root.seq, chain)? else {
                return Ok(());
            };
            let leaves = match tenant {
                Some(_) => Vec::new(),
                None => heads_at(tx, root.seq)?.iter().map(Head::leaf).collect(),
            };
            write(&Line::Root(RootLine {
                seq: root.seq,
                root: root.root,
                head_seq: head.seq,
                head_hash: head.hash,
                leaves,
            }))
        })?;
        write(&Line::End(end))
    });
    match failed {
        Some(source) => Err(Error::Io {
            path: "the export".into(),
            source,
        }),
        None => written,
    }
}

/// Verifies an export, without a desk.
///
/// # Errors
/// When it is no export, cannot be read, or is cut off.
pub fn verify_export(mut input: impl BufRead) -> Result<ExportReport> {
    let not_one = |line: u64, why: &str| Error::invalid("export", format!("line {line}: {why}"));
    let mut lines: Vec<(RootLine, Option<Leaves>)> = Vec::new();
    let mut entries = HashMap::new();
    let mut follower: Option<Follower> = None;
    let mut exported_at = Time(0);
    let mut number = 0;
    let end = loop {
        number += 1;
        let mut line = String::new();
        let read = std::io::Read::take(&mut input, LONGEST_LINE)
            .read_line(&mut line)
            .map_err(|error| not_one(number, &error.to_string()))?;
        if read == 0 {
            return Err(not_one(
                number,
                "it ends before its end line: the file was cut off",
            ));
        }
        let line: Line = serde_json::from_str(&line)
            .map_err(|error| not_one(number, &format!("it is no line of an audit export: {error}")))?;
        match (line, &mut follower) {
            (Line::Export(start), None) if start.format == FORMAT && start.version == 1 => {
                follower = Some(Follower::new(&start.chain, []));
                exported_at = start.exported_at;
            }
            (Line::Export(_), _) | (_, None) => {
                return Err(not_one(number, "it is no audit export of version 1"));
            }
            (Line::Entry(entry), Some(follower)) => {
                follower.follow(&entry);
                entries.insert(entry.seq, entry.hash);
            }
            (Line::Root(mut root), Some(_)) => {
                let given = std::mem::take(&mut root.leaves);
                let leaves = match given.is_empty() {
                    true => Some(Leaves::default()),
                    false => Leaves::of(&root.root, given),
                };
                lines.push((root, leaves));
            }
            (Line::End(end), Some(_)) => break end,
        }
    };
    let mut chain = follower.ok_or_else(|| not_one(1, "it is empty"))?.finish();
    if end.entries != chain.entries || end.head != chain.head {
        chain.problems.push(Problem {
            seq: chain.entries,
            why: format!("the export ends here, its last line says record {}", end.entries),
        });
    }
    for (root, leaves) in &lines {
        if entries.get(&root.head_seq) != Some(&root.head_hash) {
            chain.problems.push(Problem {
                seq: root.head_seq,
                why: format!("root {} names another record here", root.seq),
            });
        }
        if leaves.is_none() {
            chain.problems.push(Problem {
                seq: root.seq,
                why: "the leaves of this root do not give it".into(),
            });
        }
    }
    let bindings: Vec<Binding> = lines
        .into_iter()
        .map(|(line, leaves)| Binding {
            seq: line.seq,
            root: line.root,
            head_seq: line.head_seq,
            leaf: leaf_of(&chain.chain, line.head_seq, &line.head_hash),
            leaves: leaves.unwrap_or_default(),
        })
        .collect();
    Ok(ExportReport {
        sound: chain.is_sound(),
        chain,
        roots: bindings.iter().map(|one| (one.seq, one.root.clone())).collect(),
        exported_at,
        bindings,
    })
}
