//! Two axes: whether a server is open, and whether somebody came in.

use std::io::{self, Write};

use vigie_exposure::Status;
use vigie_hunt::Verdict;

use super::{NAME, Page};
use crate::exposure::{MATRIX_COLUMNS, MATRIX_ROWS, verdict_word};
use crate::i18n::fill;
use crate::text::Esc;

impl Page<'_> {
    pub(super) fn matrix(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(matrix) = &self.matrix else { return Ok(()) };
        let t = self.t;
        let columns = matrix.columns();
        let way_in = fill(t.matrix_note, &[("cve", matrix.way_in.unwrap_or_default())]);
        writeln!(
            out,
            "<section aria-labelledby=\"matrix\"><h2 id=\"matrix\">{}</h2>\n<p class=\"muted\">{}</p>\n\
             <table class=\"labelled matrix\"><thead><tr><th scope=\"col\">{}</th>",
            Esc(t.head_matrix),
            self.cut(&way_in, 600),
            Esc(t.col_matrix)
        )?;
        for column in &MATRIX_COLUMNS[..columns] {
            write!(
                out,
                "<th scope=\"col\" class=\"num\">{}</th>",
                Esc(verdict_word(*column, self.lang))
            )?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for (row, status) in MATRIX_ROWS.iter().enumerate() {
            write!(out, "<tr><th scope=\"row\">{}</th>", self.status_badge(*status))?;
            for (column, verdict) in MATRIX_COLUMNS[..columns].iter().enumerate() {
                let n = matrix.cell(row, column).len();
                let label = verdict_word(*verdict, self.lang);
                let class = tone(*status, *verdict);
                let shown = match n {
                    0 => "<span class=\"muted\">·</span>".to_owned(),
                    n => format!("<b class=\"{class}\">{}</b>", Esc(self.lang.number(n as u64))),
                };
                write!(
                    out,
                    "<td class=\"num\" data-label=\"{}\">{shown}</td>",
                    Esc(label)
                )?;
            }
            writeln!(out, "</tr>")?;
        }
        writeln!(out, "</tbody></table>\n<ul class=\"plain\">")?;
        for (row, status) in MATRIX_ROWS.iter().enumerate() {
            for (column, verdict) in MATRIX_COLUMNS[..columns].iter().enumerate() {
                let servers = matrix.cell(row, column);
                if servers.is_empty() {
                    continue;
                }
                let cross = format!(
                    "{} × {}",
                    self.status_word(*status),
                    verdict_word(*verdict, self.lang)
                );
                let note = match (status, verdict) {
                    (Status::Fixed, Some(Verdict::Compromised)) => {
                        format!(" <em>{}</em>", Esc(t.updated_and_compromised))
                    }
                    _ => String::new(),
                };
                writeln!(
                    out,
                    "<li><strong class=\"{}\">{}</strong>{}{}{note}</li>",
                    tone(*status, *verdict),
                    self.cut(&cross, NAME),
                    Esc(t.colon),
                    self.names(servers)
                )?;
            }
        }
        writeln!(out, "</ul></section>")
    }
}

/// What was broken into is worst whatever was updated since.
fn tone(status: Status, verdict: Option<Verdict>) -> &'static str {
    match (verdict, status) {
        (Some(Verdict::Compromised), _) => "v-compromised",
        (Some(Verdict::Suspected), _) => "v-suspected",
        (_, Status::Vulnerable) => "e-vulnerable",
        (_, Status::Unknown) => "e-unknown",
        (_, Status::Mitigated) => "e-mitigated",
        (_, Status::Fixed) => "e-fixed",
        (_, Status::NotAffected) => "e-not_affected",
    }
}
