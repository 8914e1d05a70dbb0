//! Two axes: whether a server is open, and whether somebody came in. Patched is not clean.

use std::collections::BTreeMap;
use std::fmt::Write;

use vigie_exposure::Status;
use vigie_exposure::result::Assessment;
use vigie_hunt::{HuntResult, Verdict};

use super::{pick, status};
use crate::lang::Lang;

const ROWS: [Status; 5] = [
    Status::Vulnerable,
    Status::Unknown,
    Status::Mitigated,
    Status::Fixed,
    Status::NotAffected,
];
const COLUMNS: [Verdict; 5] = [
    Verdict::Compromised,
    Verdict::Suspected,
    Verdict::Attempted,
    Verdict::Unknown,
    Verdict::NoEvidence,
];
/// Cells a column takes.
const WIDTH: usize = 14;

/// How many servers stand where, by the first vulnerability of the pack (the way in), then their names; those that are
/// updated and broken into come with a word of their own.
pub fn exposure_matrix(result: &Assessment, hunt: &HuntResult, lang: Lang, colour: bool) -> String {
    let key = |tenant: Option<&str>, name: &str| {
        let short = name.split('.').next().unwrap_or(name).to_lowercase();
        (tenant.map(str::to_lowercase), short)
    };
    let verdicts: BTreeMap<_, Verdict> = hunt
        .hosts
        .iter()
        .map(|host| (key(host.tenant.as_deref(), &host.host), host.verdict))
        .collect();
    let mut cells: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for server in &result.servers {
        let verdict = verdicts
            .get(&key(server.tenant.as_deref(), &server.server))
            .copied();
        let first = server.cves.first().map_or(server.status, |cve| cve.status);
        let row = ROWS.iter().position(|row| *row == first).unwrap_or(1);
        let column = COLUMNS
            .iter()
            .position(|column| Some(*column) == verdict)
            .unwrap_or(3);
        let tenant = server
            .tenant
            .as_deref()
            .map(|tenant| format!("{tenant}/"))
            .unwrap_or_default();
        cells
            .entry((row, column))
            .or_default()
            .push(format!("{tenant}{}", server.server));
    }
    let mut out = String::new();
    let heading = pick(lang, "Exposure × verdict", "Exposition × verdict");
    let way_in = result
        .servers
        .first()
        .and_then(|server| server.cves.first())
        .map(|cve| cve.cve.to_string());
    let _ = writeln!(out, "{heading} ({})", way_in.unwrap_or_default());
    let _ = write!(out, "{:WIDTH$}", "");
    for column in COLUMNS {
        let _ = write!(out, "{:>WIDTH$}", word(column, lang));
    }
    out.push('\n');
    for (row, known) in ROWS.iter().enumerate() {
        let _ = write!(out, "{:WIDTH$}", status(*known, lang));
        for column in 0..COLUMNS.len() {
            let count = cells.get(&(row, column)).map_or(0, Vec::len);
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
    for ((row, column), names) in &cells {
        let patched = COLUMNS[*column] == Verdict::Compromised && ROWS[*row] == Status::Fixed;
        let note = if patched {
            pick(
                lang,
                "  ← updated, and broken into all the same",
                "  ← à jour, et compromis malgré tout",
            )
        } else {
            ""
        };
        let cross = format!("{} × {}", status(ROWS[*row], lang), word(COLUMNS[*column], lang));
        let colon = lang.typeset(pick(lang, ":", " :")).into_owned();
        let _ = writeln!(out, "  {cross}{colon} {}{note}", names.join(", "));
    }
    out
}

fn word(verdict: Verdict, lang: Lang) -> &'static str {
    let (en, fr) = match verdict {
        Verdict::Compromised => ("compromised", "compromis"),
        Verdict::Suspected => ("suspected", "suspect"),
        Verdict::Attempted => ("attempted", "attaqué"),
        Verdict::Unknown => ("unknown", "indéterminé"),
        Verdict::NoEvidence => ("no evidence", "sans trace"),
    };
    pick(lang, en, fr)
}
