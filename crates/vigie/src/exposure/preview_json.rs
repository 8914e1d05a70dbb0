//! What `vigie exposure inventory` shows to programs; `docs/inventory.md` describes it.

use std::io::{self, Write};

use serde::Serialize;
use vigie_event::format_utc;
use vigie_exposure::inventory::{InventoryError, Problem, TableView};
use vigie_exposure::{DecisionKind, DecisionUse, Estate, Merge, MergeRule, Observation, Said, Server};

use super::preview::{files, rows};
use super::sources::Source;

/// Version of the JSON form.
const SCHEMA_VERSION: &str = "1.0";

/// Writes everything.
pub(super) fn json(
    sources: &[Source],
    estate: &Estate,
    shown_rows: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let found = [
        (&estate.servers, "inside"),
        (&estate.outside, "outside"),
        (&estate.others, "other"),
    ];
    let preview = PreviewJson {
        schema_version: SCHEMA_VERSION,
        files: sources
            .iter()
            .map(|source| FileJson::of(source, shown_rows))
            .collect(),
        servers: found
            .into_iter()
            .flat_map(|(servers, found)| servers.iter().map(move |server| ServerJson::of(server, found)))
            .collect(),
        merges: estate.merges.iter().map(MergeJson::of).collect(),
        decisions: estate.decisions.iter().map(DecisionJson::of).collect(),
        warnings: &estate.warnings,
    };
    serde_json::to_writer_pretty(&mut *out, &preview)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct PreviewJson<'a> {
    schema_version: &'static str,
    files: Vec<FileJson<'a>>,
    servers: Vec<ServerJson<'a>>,
    merges: Vec<MergeJson<'a>>,
    decisions: Vec<DecisionJson<'a>>,
    warnings: &'a [Said],
}

#[derive(Serialize)]
struct FileJson<'a> {
    file: &'a str,
    error: Option<Said>,
    format: Option<&'static str>,
    details: &'a [Said],
    rows: u64,
    observations: usize,
    empty_rows: u64,
    other_rows: u64,
    problems: Vec<ProblemJson<'a>>,
    more_problems: u64,
    notes: &'a [Said],
    tables: Vec<TableJson<'a>>,
    first_rows: Vec<RowJson<'a>>,
}

impl<'a> FileJson<'a> {
    fn of(source: &'a Source, shown_rows: usize) -> FileJson<'a> {
        let (reading, error) = match &source.read {
            Ok(reading) => (Some(reading), None),
            Err(error) => (None, Some(error)),
        };
        let tables: &[TableView] = match (reading, error) {
            (Some(reading), _) => &reading.tables,
            (None, Some(InventoryError::NoServers { tables, .. })) => tables,
            _ => &[],
        };
        let observations = reading.map_or(&[][..], |reading| &reading.observations);
        let problems = reading.map_or(&[][..], |reading| &reading.problems);
        FileJson {
            file: &source.shown,
            error: error.map(InventoryError::said),
            format: reading.map(|reading| reading.format.id()),
            details: reading.map_or(&[], |reading| &reading.details),
            rows: reading.map_or(0, |reading| reading.rows),
            observations: observations.len(),
            empty_rows: reading.map_or(0, |reading| reading.empty_rows),
            other_rows: reading.map_or(0, |reading| reading.other_rows),
            problems: problems.iter().map(ProblemJson::of).collect(),
            more_problems: reading.map_or(0, |reading| reading.more_problems),
            notes: reading.map_or(&[], |reading| &reading.notes),
            tables: tables.iter().map(TableJson::of).collect(),
            first_rows: rows(observations)
                .take(shown_rows)
                .filter_map(RowJson::of)
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    place: &'a Said,
    why: &'a Said,
}

impl<'a> ProblemJson<'a> {
    fn of(problem: &'a Problem) -> ProblemJson<'a> {
        ProblemJson {
            place: &problem.place,
            why: &problem.why,
        }
    }
}

#[derive(Serialize)]
struct TableJson<'a> {
    sheet: Option<&'a str>,
    kind: &'static str,
    header: Said,
    mapped_by: Option<&'a str>,
    columns: Vec<ColumnJson<'a>>,
}

impl<'a> TableJson<'a> {
    fn of(table: &'a TableView) -> TableJson<'a> {
        let columns = table.columns.iter().map(|column| ColumnJson {
            header: &column.header,
            meaning: column.meaning.map(|column| column.id()),
            samples: &column.samples,
        });
        TableJson {
            sheet: table.sheet.as_deref(),
            kind: table.kind.id(),
            header: table.header.said(),
            mapped_by: table.mapped_by.as_deref(),
            columns: columns.collect(),
        }
    }
}

#[derive(Serialize)]
struct ColumnJson<'a> {
    header: &'a str,
    meaning: Option<&'static str>,
    samples: &'a [String],
}

#[derive(Serialize)]
struct RowJson<'a> {
    place: Option<Said>,
    tenant: Option<&'a str>,
    server: Option<&'a str>,
    fqdn: Option<&'a str>,
    addresses: Vec<String>,
    at: Option<String>,
    facts: Vec<FactJson>,
}

impl<'a> RowJson<'a> {
    fn of(row: &'a [Observation]) -> Option<RowJson<'a>> {
        let first = row.first()?;
        let facts = row.iter().map(|by| FactJson {
            kind: by.fact.kind(),
            said: by.fact.said(),
        });
        Some(RowJson {
            place: first.origin.place.as_ref().map(|place| place.said()),
            tenant: first.subject.tenant.as_deref(),
            server: first.subject.name.as_deref(),
            fqdn: first.subject.fqdn.as_deref(),
            addresses: first.subject.addresses.iter().map(ToString::to_string).collect(),
            at: first.at.map(format_utc),
            facts: facts.collect(),
        })
    }
}

#[derive(Serialize)]
struct FactJson {
    kind: &'static str,
    said: Said,
}

#[derive(Serialize)]
struct ServerJson<'a> {
    tenant: Option<&'a str>,
    server: &'a str,
    fqdn: Option<&'a str>,
    addresses: Vec<String>,
    found: &'static str,
    observations: usize,
    files: Vec<&'a str>,
}

impl<'a> ServerJson<'a> {
    fn of(server: &'a Server, found: &'static str) -> ServerJson<'a> {
        ServerJson {
            tenant: server.tenant.as_deref(),
            server: &server.name,
            fqdn: server.fqdn.as_deref(),
            addresses: server.addresses.iter().map(ToString::to_string).collect(),
            found,
            observations: server.observations.len(),
            files: files(server),
        }
    }
}

#[derive(Serialize)]
struct MergeJson<'a> {
    tenant: Option<&'a str>,
    server: &'a str,
    joined: &'a str,
    rule: MergeRule,
    by: String,
    decision: Option<&'a str>,
}

impl<'a> MergeJson<'a> {
    fn of(merge: &'a Merge) -> MergeJson<'a> {
        MergeJson {
            tenant: merge.tenant.as_deref(),
            server: &merge.server,
            joined: &merge.joined,
            rule: merge.rule,
            by: merge.by.to_string(),
            decision: merge.decision.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct DecisionJson<'a> {
    origin: &'a str,
    kind: DecisionKind,
    names: Vec<String>,
    tenant: Option<&'a str>,
    who: &'a str,
    when: &'a str,
    why: &'a str,
    changed: u64,
    unmatched: Vec<String>,
}

impl<'a> DecisionJson<'a> {
    fn of(used: &'a DecisionUse) -> DecisionJson<'a> {
        let decision = &used.decision;
        DecisionJson {
            origin: &decision.origin,
            kind: decision.kind,
            names: decision.names.iter().map(ToString::to_string).collect(),
            tenant: decision.tenant.as_deref(),
            who: &decision.who,
            when: &decision.when,
            why: &decision.why,
            changed: used.changed,
            unmatched: used.unmatched.iter().map(ToString::to_string).collect(),
        }
    }
}
