//! An assessment of exposure in every output: a table for the terminal, CSV for spreadsheets, VEX for others' tools.
//! Its JSON is the model itself ([`vigie_exposure::result`]).

mod csv;
mod matrix;
mod table;
mod vex;

use std::io::{self, BufWriter, Write};

use vigie_event::format_utc;
use vigie_exposure::result::{Assessment, ServerExposure};
use vigie_exposure::{Answer, Decision, Status};

use crate::lang::Lang;

pub use csv::exposure_csv;
pub(crate) use matrix::{
    COLUMNS as MATRIX_COLUMNS, Matrix, ROWS as MATRIX_ROWS, Verdicts, word as verdict_word,
};
pub use matrix::{HuntVerdict, exposure_matrix};
pub use table::exposure_table;
pub use vex::{Provider, exposure_vex};

/// Writes the JSON contract, `docs/exposure.md`, on one line.
///
/// # Errors
/// Only those of `out`.
pub fn exposure_json(result: &Assessment, out: &mut dyn Write) -> io::Result<()> {
    // Straight into a buffer: the writer behind it is called once for many small pieces.
    let mut buffered = BufWriter::with_capacity(1 << 16, out);
    serde_json::to_writer(&mut buffered, result)?;
    writeln!(buffered)?;
    buffered.flush()
}

fn status(status: Status, lang: Lang) -> &'static str {
    let (en, fr) = match status {
        Status::Unknown => ("unknown", "inconnu"),
        Status::Vulnerable => ("vulnerable", "vulnérable"),
        Status::Mitigated => ("mitigated", "atténué"),
        Status::NotAffected => ("not affected", "non concerné"),
        Status::Fixed => ("fixed", "corrigé"),
    };
    pick(lang, en, fr)
}

fn decision(decision: Decision, lang: Lang) -> &'static str {
    let (en, fr) = match decision {
        Decision::Defer => ("defer", "différer"),
        Decision::Scheduled => ("scheduled", "planifier"),
        Decision::OutOfCycle => ("out of cycle", "hors cycle"),
        Decision::Immediate => ("immediate", "immédiat"),
    };
    pick(lang, en, fr)
}

fn published(answer: Answer, lang: Lang) -> &'static str {
    let (en, fr) = match answer {
        Answer::Yes => ("published", "publié"),
        Answer::No => ("not published", "non publié"),
        Answer::Unknown => ("publication unknown", "publication inconnue"),
    };
    pick(lang, en, fr)
}

fn pick<'t>(lang: Lang, en: &'t str, fr: &'t str) -> &'t str {
    if lang == Lang::Fr { fr } else { en }
}

/// `15.1.2176.2 (exsetup, 2021-03-02)`, or why there is none.
fn build(server: &ServerExposure, lang: Lang) -> String {
    let build = &server.build;
    match (&build.value, build.source) {
        (Some(value), Some(source)) => {
            let day = build.observed_at.map(|at| format_utc(at)[..10].to_owned());
            let undated = || pick(lang, "undated", "sans date").to_owned();
            format!("{value} ({source}, {})", day.unwrap_or_else(undated))
        }
        _ if !build.conflicts.is_empty() => pick(lang, "contradictory", "contradictoire").to_owned(),
        _ => pick(lang, "build unknown", "build inconnu").to_owned(),
    }
}

/// What makes a build old: `42 days old`, `no date`; `None` where it is recent or not known.
fn age(server: &ServerExposure, lang: Lang) -> Option<String> {
    if !server.stale {
        return None;
    }
    Some(match server.age_days.and_then(|days| u64::try_from(days).ok()) {
        Some(days) => {
            let forms = pick(lang, "{n} day old|{n} days old", "{n} jour|{n} jours");
            lang.plural(days, forms)
        }
        None => pick(lang, "no date", "sans date").to_owned(),
    })
}

/// `2021-01-03 – 2021-03-05`; still open without an end.
fn window(server: &ServerExposure, lang: Lang) -> Option<String> {
    let window = server.window?;
    let day = |at: i64| format_utc(at)[..10].to_owned();
    let to = window
        .to
        .map_or_else(|| pick(lang, "open", "ouverte").to_owned(), day);
    Some(format!("{} – {to}", day(window.from)))
}
