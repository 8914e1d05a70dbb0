//! What `vigie exposure inventory` shows to people.

use std::fmt::Write as _;
use std::sync::Arc;

use vigie_event::format_utc;
use vigie_exposure::inventory::{Column, ColumnView, InventoryError, Reading, TableView};
use vigie_exposure::{DecisionUse, Estate, Merge, MergeRule, Observation, Server};
use vigie_report::{Lang, visible};

use super::sources::{Source, said};
use crate::tell;

/// Problems of one file, merges and servers that the page for people shows; the JSON has all of them.
const SHOWN: usize = 50;

/// Observations of one row, host or machine, in the order in which they were read.
pub(super) fn rows(observations: &[Observation]) -> impl Iterator<Item = &[Observation]> {
    observations.chunk_by(|one, other| Arc::ptr_eq(&one.subject, &other.subject))
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
pub(super) fn files(server: &Server) -> Vec<&str> {
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
