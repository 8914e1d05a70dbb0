//! What `vigie exposure inventory` shows.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use vigie_event::format_utc;
use vigie_exposure::inventory::{Column, ColumnView, InventoryError, Problem, Reading, TableView};
use vigie_exposure::{DecisionUse, Estate, Merge, MergeRule, Observation, Said, Server};
use vigie_report::{Lang, visible};

use super::sources::{Source, said};
use crate::tell;

/// Version of the JSON form.
const SCHEMA_VERSION: &str = "1.0";
/// Problems of one file, merges and servers that the page for people shows; the JSON has all of them.
const SHOWN: usize = 50;

/// Observations of one row, host or machine, in the order in which they were read.
fn rows(observations: &[Observation]) -> impl Iterator<Item = &[Observation]> {
    observations.chunk_by(|one, other| std::sync::Arc::ptr_eq(&one.subject, &other.subject))
}

/// For people.
pub(super) fn table(sources: &[Source], estate: &Estate, shown_rows: usize, lang: Lang) -> String {
    let mut page = Page {
        out: String::new(),
        lang,
    };
    for source in sources {
        page.source(source, shown_rows);
    }
    page.servers(estate);
    page.merges(&estate.merges);
    page.decisions(&estate.decisions);
    for warning in &estate.warnings {
        let text = format!(
            "{} {}",
            page.say("warning:", "attention\u{a0}:"),
            said(warning, lang)
        );
        page.line(0, &text);
    }
    page.out
}

struct Page {
    out: String,
    lang: Lang,
}

impl Page {
    fn say<'t>(&self, english: &'t str, french: &'t str) -> &'t str {
        tell(self.lang, english, french)
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.out, "{:indent$}{text}", "");
    }

    fn count(&self, number: u64, one: (&str, &str), many: (&str, &str)) -> String {
        let singular = match self.lang {
            Lang::En => number == 1,
            Lang::Fr => number < 2,
        };
        let (en, fr) = if singular { one } else { many };
        format!("{number} {}", self.say(en, fr))
    }

    fn source(&mut self, source: &Source, shown_rows: usize) {
        let colon = self.say(":", "\u{a0}:");
        match &source.read {
            Err(error) => {
                let text = format!("{}{colon} {}", source.shown, said(&error.said(), self.lang));
                self.line(0, &text);
                if let InventoryError::NoServers { tables, .. } = error {
                    tables.iter().for_each(|table| self.table(table));
                }
            }
            Ok(reading) => {
                let title = said(&reading.format.title(), self.lang);
                let details: String = reading
                    .details
                    .iter()
                    .map(|detail| format!(", {}", said(detail, self.lang)))
                    .collect();
                let counts = self.counts(reading);
                let text = format!("{}{colon} {title}{details}{colon} {counts}", source.shown);
                self.line(0, &text);
                reading.tables.iter().for_each(|table| self.table(table));
                self.first_rows(reading, shown_rows);
                self.problems(reading);
            }
        }
        self.out.push('\n');
    }

    fn counts(&self, reading: &Reading) -> String {
        let mut counts = vec![
            self.count(reading.rows, ("row", "ligne"), ("rows", "lignes")),
            self.count(
                reading.observations.len() as u64,
                ("observation", "observation"),
                ("observations", "observations"),
            ),
            self.count(
                reading.problem_count(),
                ("problem", "problème"),
                ("problems", "problèmes"),
            ),
        ];
        if reading.other_rows > 0 {
            counts.push(self.count(
                reading.other_rows,
                ("row about something else", "ligne sur autre chose"),
                ("rows about something else", "lignes sur autre chose"),
            ));
        }
        if reading.empty_rows > 0 {
            counts.push(self.count(reading.empty_rows, ("empty", "vide"), ("empty", "vides")));
        }
        counts.join(", ")
    }

    fn table(&mut self, table: &TableView) {
        let (place, kind) = (
            said(&table.header.said(), self.lang),
            said(&table.kind.title(), self.lang),
        );
        let mapped = table.mapped_by.as_ref().map(|origin| format!(", {origin}"));
        let colon = self.say(":", "\u{a0}:");
        let text = format!(
            "{} ({place}){colon} {kind}{}",
            self.say("columns", "colonnes"),
            mapped.unwrap_or_default()
        );
        self.line(2, &text);
        let named = |column: &&ColumnView| !column.header.is_empty();
        let width = table
            .columns
            .iter()
            .filter(named)
            .map(|column| column.header.chars().count());
        let width = width.max().unwrap_or_default().min(40);
        let (known, ignored): (Vec<&ColumnView>, Vec<&ColumnView>) = table
            .columns
            .iter()
            .filter(named)
            .partition(|column| column.meaning != Some(Column::Ignore));
        for column in known {
            let meaning = match column.meaning {
                Some(column) => column.id(),
                None => self.say("not understood", "non comprise"),
            };
            let samples = column
                .samples
                .iter()
                .map(|value| format!("\"{}\"", visible(value)));
            let samples: Vec<String> = samples.collect();
            let header: String = visible(&column.header).chars().take(40).collect();
            let text = format!(
                "{header:<width$}  {meaning:<16}  {}",
                visible(&samples.join(", "))
            );
            self.line(4, text.trim_end());
        }
        if !ignored.is_empty() {
            let names: Vec<&str> = ignored.iter().map(|column| column.header.as_str()).collect();
            let colon = self.say(":", "\u{a0}:");
            let words = self.say("of no use here", "sans utilité ici");
            let text = format!("{words}{colon} {}", visible(&names.join(", ")));
            self.line(4, &text);
        }
    }

    fn first_rows(&mut self, reading: &Reading, shown_rows: usize) {
        let all = rows(&reading.observations).count();
        for row in rows(&reading.observations).take(shown_rows) {
            let Some(first) = row.first() else {
                continue;
            };
            let place = first
                .origin
                .place
                .as_ref()
                .map(|place| said(&place.said(), self.lang));
            let facts: Vec<String> = row.iter().map(|by| said(&by.fact.said(), self.lang)).collect();
            let at = first.at.map(|at| format!(" — {}", format_utc(at)));
            let colon = self.say(":", "\u{a0}:");
            let text = format!(
                "{}  {}{colon} {}{}",
                place.unwrap_or_default(),
                subject(first),
                facts.join(", "),
                at.unwrap_or_default()
            );
            self.line(2, text.trim_start());
        }
        if all > shown_rows {
            let text = format!("… {} {}", all - shown_rows, self.say("more", "de plus"));
            self.line(2, &text);
        }
    }

    fn problems(&mut self, reading: &Reading) {
        let colon = self.say(":", "\u{a0}:");
        for problem in reading.problems.iter().take(SHOWN) {
            let text = format!(
                "! {}{colon} {}",
                said(&problem.place, self.lang),
                said(&problem.why, self.lang)
            );
            self.line(2, &text);
        }
        let more = reading.problem_count().saturating_sub(SHOWN as u64);
        if more > 0 {
            let text = format!("! {more} {}", self.say("more problems", "autres problèmes"));
            self.line(2, &text);
        }
        for note in &reading.notes {
            let text = format!(
                "{} {}",
                self.say("note:", "remarque\u{a0}:"),
                said(note, self.lang)
            );
            self.line(2, &text);
        }
    }

    fn servers(&mut self, estate: &Estate) {
        let counts = [
            self.count(
                estate.servers.len() as u64,
                ("server", "serveur"),
                ("servers", "serveurs"),
            ),
            self.count(
                estate.outside.len() as u64,
                (
                    "found outside, unknown inside",
                    "vu de l’extérieur, inconnu des inventaires",
                ),
                (
                    "found outside, unknown inside",
                    "vus de l’extérieur, inconnus des inventaires",
                ),
            ),
            self.count(
                estate.others.len() as u64,
                ("other machine", "autre machine"),
                ("other machines", "autres machines"),
            ),
        ];
        self.line(0, &counts.join(", "));
        for server in estate.servers.iter().take(SHOWN) {
            self.server(server, "");
        }
        let mark = self.say(" (outside)", " (extérieur)").to_owned();
        for server in estate.outside.iter().take(SHOWN) {
            self.server(server, &mark);
        }
        let more = [estate.servers.len(), estate.outside.len()];
        let more: usize = more.iter().map(|all| all.saturating_sub(SHOWN)).sum();
        if more > 0 {
            let text = format!("… {more} {}", self.say("more", "de plus"));
            self.line(2, &text);
        }
        self.out.push('\n');
    }

    fn server(&mut self, server: &Server, mark: &str) {
        let mut names: Vec<String> = server.fqdn.iter().cloned().collect();
        names.extend(server.addresses.iter().map(ToString::to_string));
        let names = if names.is_empty() {
            String::new()
        } else {
            format!(" [{}]", names.join(", "))
        };
        let tenant = server.tenant.as_ref().map(|tenant| format!("{tenant} / "));
        let text = format!(
            "{}{}{names}{mark}  {}",
            tenant.unwrap_or_default(),
            server.name,
            files(server).join(", ")
        );
        self.line(2, &visible(&text));
    }

    fn merges(&mut self, merges: &[Merge]) {
        if merges.is_empty() {
            return;
        }
        let heading = self.say("Brought together", "Rapprochés");
        let text = heading.to_owned();
        self.line(0, &text);
        for merge in merges.iter().take(SHOWN) {
            let tenant = merge.tenant.as_ref().map(|tenant| format!("{tenant} / "));
            let decision = merge.decision.as_ref().map(|origin| format!(", {origin}"));
            let text = format!(
                "{}{} = {}  {} ({}{})",
                tenant.unwrap_or_default(),
                merge.server,
                merge.joined,
                rule(merge.rule, self.lang),
                merge.by,
                decision.unwrap_or_default()
            );
            self.line(2, &visible(&text));
        }
        if merges.len() > SHOWN {
            let text = format!("… {} {}", merges.len() - SHOWN, self.say("more", "de plus"));
            self.line(2, &text);
        }
        self.out.push('\n');
    }

    fn decisions(&mut self, decisions: &[DecisionUse]) {
        if decisions.is_empty() {
            return;
        }
        let text = self.say("Decisions", "Décisions").to_owned();
        self.line(0, &text);
        for used in decisions {
            let decision = &used.decision;
            let names: Vec<String> = decision.names.iter().map(ToString::to_string).collect();
            let changed = self.count(used.changed, ("change", "changement"), ("changes", "changements"));
            let colon = self.say(":", "\u{a0}:");
            let text = format!(
                "{} {} {}{colon} {changed} ({}, {}{colon} {})",
                decision.origin,
                decision.kind,
                names.join(", "),
                decision.who,
                decision.when,
                decision.why
            );
            self.line(2, &visible(&text));
        }
        self.out.push('\n');
    }
}

fn subject(by: &Observation) -> String {
    let subject = &by.subject;
    let tenant = subject.tenant.as_ref().map(|tenant| format!("{tenant} / "));
    let mut names: Vec<String> = subject.name.iter().chain(&subject.fqdn).cloned().collect();
    names.extend(subject.addresses.iter().take(4).map(ToString::to_string));
    visible(&format!("{}{}", tenant.unwrap_or_default(), names.join(" "))).into_owned()
}

/// The files that speak of a server.
fn files(server: &Server) -> Vec<&str> {
    let mut files: Vec<&str> = Vec::new();
    for observation in &server.observations {
        if !files.contains(&&*observation.origin.file) {
            files.push(&observation.origin.file);
        }
    }
    files
}

fn rule(rule: MergeRule, lang: Lang) -> &'static str {
    match rule {
        MergeRule::Decision => tell(lang, "decision", "décision"),
        MergeRule::Fqdn => tell(lang, "same name in DNS", "même nom DNS"),
        MergeRule::Name => tell(lang, "same short name", "même nom court"),
        MergeRule::FirstLabel => tell(
            lang,
            "the name in DNS begins with the short name",
            "le nom DNS commence par le nom court",
        ),
        MergeRule::Address => tell(lang, "same address", "même adresse"),
    }
}

/// For programs; `docs/inventory.md` describes it.
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
    kind: vigie_exposure::DecisionKind,
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
