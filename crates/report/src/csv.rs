//! One row per finding, for spreadsheets.

use std::io::{self, Write};

use ::csv::{Terminator, WriterBuilder};
use vigie_hunt::{Finding, HostResult, HuntResult, SuppressedOn, SuppressionEntry};

use crate::lang::Lang;
use crate::text::visible;
use crate::view::View;

/// The columns, the same in both languages so that scripts can rely on them.
const HEADER: [&str; 18] = [
    "host",
    "tenant",
    "verdict",
    "time",
    "end_time",
    "severity",
    "outcome",
    "stage",
    "rule",
    "title",
    "statement",
    "count",
    "attack",
    "path",
    "line",
    "record",
    "finding",
    "storyline",
];

/// Writes one row per finding with the place of its first evidence line; a machine without findings gets one row
/// with its main reason as the statement. Last come the suppressions, one row per machine where they hid events: they
/// have no severity and no finding.
///
/// UTF-8 without a byte order mark, comma-separated, lines end in CR LF (RFC 4180). Times are RFC 3339 UTC;
/// `verdict`, `severity`, `outcome` and `stage` are the identifiers of the JSON contract. Only `statement` follows
/// `lang`. A cell that a spreadsheet would take for a formula starts with an apostrophe, and control characters are
/// made visible.
///
/// # Errors
/// Only those of `out`.
pub fn csv(result: &HuntResult, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    writer.write_record(HEADER)?;
    for host in &result.hosts {
        if host.findings.is_empty() {
            writer.write_record(host_row(host, lang).map(|cell| defuse(&cell)))?;
        }
        for finding in &host.findings {
            writer.write_record(finding_row(host, finding, lang).map(|cell| defuse(&cell)))?;
        }
    }
    let view = View::new(result, lang);
    for entry in &result.suppressions {
        for on in &entry.hosts {
            let row = suppressed_row(&view, entry, on);
            writer.write_record(row.map(|cell| defuse(&cell)))?;
        }
    }
    writer.flush()
}

/// What was suppressed on one machine: no severity, no finding, the sentence says by whom and why.
fn suppressed_row(view: &View<'_>, entry: &SuppressionEntry, on: &SuppressedOn) -> [String; 18] {
    let mut row: [String; 18] = Default::default();
    let is_it = |host: &&&HostResult| host.host == on.host && host.tenant == on.tenant;
    let verdict = view.hosts.iter().find(is_it).map(|host| host.verdict.id());
    let [
        name,
        tenant,
        verdict_cell,
        time,
        end,
        ..,
        rule,
        title,
        statement,
        count,
        _,
        _,
        _,
        _,
        _,
        _,
    ] = &mut row;
    *name = on.host.clone();
    *tenant = on.tenant.clone().unwrap_or_default();
    *verdict_cell = verdict.unwrap_or_default().to_owned();
    *time = on.from.clone().unwrap_or_default();
    *end = on.to.clone().unwrap_or_default();
    *rule = entry.rule.clone();
    *title = view.t.head_suppressed.to_owned();
    *statement = view.suppression(entry);
    *count = on.events.to_string();
    row
}

fn host_row(host: &HostResult, lang: Lang) -> [String; 18] {
    let mut row: [String; 18] = Default::default();
    let reason = host
        .reasons
        .first()
        .map(|reason| reason.get(lang.code()).to_owned());
    let [name, tenant, verdict, .., statement, count, _, _, _, _, _, _] = &mut row;
    *name = host.host.clone();
    *tenant = host.tenant.clone().unwrap_or_default();
    *verdict = host.verdict.id().to_owned();
    *statement = reason.unwrap_or_default();
    *count = "0".to_owned();
    row
}

fn finding_row(host: &HostResult, finding: &Finding, lang: Lang) -> [String; 18] {
    let proof = finding.evidence.first();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    [
        host.host.clone(),
        host.tenant.clone().unwrap_or_default(),
        host.verdict.id().to_owned(),
        finding.time.clone().unwrap_or_default(),
        finding.end_time.clone().unwrap_or_default(),
        id(&finding.severity),
        id(&finding.outcome),
        finding.stage.clone(),
        finding.rule_id.clone(),
        finding.title.clone(),
        finding.statement.get(lang.code()).to_owned(),
        finding.count.to_string(),
        finding.attack.join(" "),
        proof.map(|proof| proof.path.clone()).unwrap_or_default(),
        number(proof.and_then(|proof| proof.line)),
        number(proof.and_then(|proof| proof.record)),
        finding.id.clone(),
        finding.storyline.clone().unwrap_or_default(),
    ]
}

/// The identifier of an enumeration's value in the JSON contract.
fn id(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(id)) => id,
        _ => String::new(),
    }
}

/// A cell no spreadsheet runs. A French spreadsheet splits at semicolons, even inside what a comma-separated file
/// quotes, so what follows one counts as the start of a cell too.
pub(crate) fn defuse(cell: &str) -> String {
    const RUN: [char; 10] = [
        '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    let mut out = String::with_capacity(cell.len() + 1);
    for (index, part) in cell.split(';').enumerate() {
        if index > 0 {
            out.push(';');
        }
        let lead = part.len() - part.trim_start_matches([' ', '"', '\n', '\u{a0}']).len();
        let (lead, rest) = part.split_at(lead);
        out.push_str(lead);
        if rest.starts_with(RUN) {
            out.push('\'');
        }
        out.push_str(rest);
    }
    visible(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_are_defused() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'␉=1"),
            ("\r=1", "'␍=1"),
            ("  =1", "  '=1"),
            ("a; =1", "a; '=1"),
            ("1-1=0", "1-1=0"),
            ("Mozilla/5.0 (x; y)", "Mozilla/5.0 (x; y)"),
        ] {
            assert_eq!(defuse(cell), safe);
        }
    }

    proptest! {
        #[test]
        fn no_cell_starts_a_formula(cell in "[=+@\\t\\r\\n; \"a-]{0,12}") {
            let safe = defuse(&cell);
            for part in safe.split(';') {
                prop_assert!(!part.trim_start_matches([' ', '"']).starts_with(['=', '+', '-', '@', '\t', '\r']));
            }
        }
    }
}
