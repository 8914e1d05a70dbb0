//! Two axes: whether a server is open, and whether somebody came in. Patched is not clean.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use serde::Deserialize;
use vigie_exposure::Status;
use vigie_exposure::result::{Assessment, ServerExposure};
use vigie_hunt::{HuntResult, Verdict};

use super::{pick, status};
use crate::lang::Lang;

/// What a hunt said of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HuntVerdict {
    /// Whose it is.
    pub tenant: Option<String>,
    /// Its name, short or in DNS.
    pub host: String,
    /// What was found.
    pub verdict: Verdict,
}

impl HuntVerdict {
    /// The verdicts of a hunt.
    pub fn all(hunt: &HuntResult) -> Vec<HuntVerdict> {
        let of = |host: &vigie_hunt::HostResult| HuntVerdict {
            tenant: host.tenant.clone(),
            host: host.host.clone(),
            verdict: host.verdict,
        };
        hunt.hosts.iter().map(of).collect()
    }

    /// The verdicts in the JSON of a hunt; none where the bytes are something else.
    pub fn read(json: &[u8]) -> Vec<HuntVerdict> {
        let read: Result<Hunted, _> = serde_json::from_slice(json);
        let hosts = read.map(|hunted| hunted.hosts).unwrap_or_default();
        let of = |host: Host| {
            Some(HuntVerdict {
                verdict: Verdict::from_id(&host.verdict)?,
                tenant: host.tenant,
                host: host.host,
            })
        };
        hosts.into_iter().filter_map(of).collect()
    }
}

/// The parts of `docs/hunt.schema.json` that a verdict needs.
#[derive(Deserialize)]
struct Hunted {
    hosts: Vec<Host>,
}

#[derive(Deserialize)]
struct Host {
    host: String,
    tenant: Option<String>,
    verdict: String,
}

/// The rows.
pub(crate) const ROWS: [Status; 5] = [
    Status::Vulnerable,
    Status::Unknown,
    Status::Mitigated,
    Status::Fixed,
    Status::NotAffected,
];
/// The columns; the last one is for servers that no hunt looked at.
pub(crate) const COLUMNS: [Option<Verdict>; 6] = [
    Some(Verdict::Compromised),
    Some(Verdict::Suspected),
    Some(Verdict::Attempted),
    Some(Verdict::Unknown),
    Some(Verdict::NoEvidence),
    None,
];
/// Cells a column takes.
const WIDTH: usize = 14;

/// Which servers stand where, by the first vulnerability of the pack: the way in.
pub(crate) struct Matrix<'a> {
    /// The vulnerability.
    pub(crate) way_in: Option<&'a str>,
    /// By row and column; only those with servers.
    cells: BTreeMap<(usize, usize), Vec<&'a ServerExposure>>,
}

impl<'a> Matrix<'a> {
    pub(crate) fn new(result: &'a Assessment, hunted: &[HuntVerdict]) -> Matrix<'a> {
        let verdicts = Verdicts::new(hunted);
        let mut cells: BTreeMap<(usize, usize), Vec<&ServerExposure>> = BTreeMap::new();
        for server in &result.servers {
            let verdict = verdicts.of(server);
            let first = server.cves.first().map_or(server.status, |cve| cve.status);
            let row = ROWS.iter().position(|row| *row == first);
            let column = COLUMNS.iter().position(|column| *column == verdict);
            if let (Some(row), Some(column)) = (row, column) {
                cells.entry((row, column)).or_default().push(server);
            }
        }
        let first = result.servers.first().and_then(|server| server.cves.first());
        Matrix {
            way_in: first.map(|cve| &*cve.cve),
            cells,
        }
    }

    /// The servers of one cell.
    pub(crate) fn cell(&self, row: usize, column: usize) -> &[&'a ServerExposure] {
        self.cells.get(&(row, column)).map_or(&[], Vec::as_slice)
    }

    /// Those that are updated, and broken into all the same.
    pub(crate) fn updated_and_compromised(&self) -> &[&'a ServerExposure] {
        self.cell(3, 0)
    }

    /// The columns that are shown: that of servers nobody hunted only where there are any.
    pub(crate) fn columns(&self) -> usize {
        let last = COLUMNS.len() - 1;
        let hunted = (0..ROWS.len()).all(|row| self.cell(row, last).is_empty());
        if hunted { last } else { COLUMNS.len() }
    }
}

/// A tenant and a short name, in lower case.
type Key = (Option<String>, String);

/// Verdicts by server, the worst where several hunts looked at one.
pub(crate) struct Verdicts(HashMap<Key, Verdict>);

impl Verdicts {
    pub(crate) fn new(hunted: &[HuntVerdict]) -> Verdicts {
        let mut verdicts: HashMap<Key, Verdict> = HashMap::new();
        for one in hunted {
            let held = verdicts
                .entry(key(one.tenant.as_deref(), &one.host))
                .or_insert(one.verdict);
            *held = one.verdict.max(*held);
        }
        Verdicts(verdicts)
    }

    pub(crate) fn of(&self, server: &ServerExposure) -> Option<Verdict> {
        let tenant = server.tenant.as_deref();
        let by_name = |name: &str| self.0.get(&key(tenant, name)).copied();
        by_name(&server.server).or_else(|| by_name(server.fqdn.as_deref()?))
    }
}

fn key(tenant: Option<&str>, name: &str) -> Key {
    let short = name.split('.').next().unwrap_or(name).to_lowercase();
    (tenant.map(str::to_lowercase), short)
}

/// How many servers stand where, then their names; those that are updated and broken into come with a word of their own.
pub fn exposure_matrix(result: &Assessment, hunted: &[HuntVerdict], lang: Lang, colour: bool) -> String {
    let matrix = Matrix::new(result, hunted);
    let columns = matrix.columns();
    let mut out = String::new();
    let heading = pick(lang, "Exposure × verdict", "Exposition × verdict");
    let _ = writeln!(out, "{heading} ({})", matrix.way_in.unwrap_or_default());
    let _ = write!(out, "{:WIDTH$}", "");
    for column in &COLUMNS[..columns] {
        let _ = write!(out, "{:>WIDTH$}", word(*column, lang));
    }
    out.push('\n');
    for (row, known) in ROWS.iter().enumerate() {
        let _ = write!(out, "{:WIDTH$}", status(*known, lang));
        for column in 0..columns {
            let count = matrix.cell(row, column).len();
            let shown = if count == 0 {
                "·".to_owned()
            } else {
                count.to_string()
            };
            let ink = if colour && count > 0 && column == 0 {
                ("\u{1b}[1;31m", "\u{1b}[0m")
            } else {
                ("", "")
            };
            let _ = write!(out, "{}{shown:>WIDTH$}{}", ink.0, ink.1);
        }
        out.push('\n');
    }
    out.push('\n');
    for ((row, column), servers) in &matrix.cells {
        let patched = (ROWS[*row], COLUMNS[*column]) == (Status::Fixed, Some(Verdict::Compromised));
        let note = if patched {
            pick(
                lang,
                "  ← updated, and broken into all the same",
                "  ← à jour, et compromis malgré tout",
            )
        } else {
            ""
        };
        let names: Vec<String> = servers.iter().map(|server| name(server)).collect();
        let cross = format!("{} × {}", status(ROWS[*row], lang), word(COLUMNS[*column], lang));
        let colon = lang.typeset(pick(lang, ":", " :")).into_owned();
        let _ = writeln!(out, "  {cross}{colon} {}{note}", names.join(", "));
    }
    out
}

/// `contoso/EX01`.
fn name(server: &ServerExposure) -> String {
    match &server.tenant {
        Some(tenant) => format!("{tenant}/{}", server.server),
        None => server.server.clone(),
    }
}

/// What a column is called.
pub(crate) fn word(verdict: Option<Verdict>, lang: Lang) -> &'static str {
    let (en, fr) = match verdict {
        Some(Verdict::Compromised) => ("compromised", "compromis"),
        Some(Verdict::Suspected) => ("suspected", "suspect"),
        Some(Verdict::Attempted) => ("attempted", "attaqué"),
        Some(Verdict::Unknown) => ("unknown", "indéterminé"),
        Some(Verdict::NoEvidence) => ("no evidence", "sans trace"),
        None => ("not hunted", "sans recherche"),
    };
    pick(lang, en, fr)
}
