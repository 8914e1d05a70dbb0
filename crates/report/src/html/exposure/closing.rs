//! What stands outside of the order of work: servers nobody lists, what the page was made from, and what was not
//! understood.

use std::io::{self, Write};

use vigie_exposure::result::{Input, Outsider};

use super::{NAME, Page, SENTENCE};
use crate::text::Esc;

/// Servers found outside that are shown.
const OUTSIDE: usize = 500;
/// Problems shown of all files.
const PROBLEMS: usize = 200;
/// Files, notes and warnings shown.
const FILES: usize = 100;
const NOTES: usize = 100;

impl Page<'_> {
    /// Found outside, unknown inside.
    pub(super) fn outside(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        let found = &self.result.unknown;
        writeln!(
            out,
            "<section aria-labelledby=\"outside\"><h2 id=\"outside\">{}</h2>",
            Esc(t.head_outside)
        )?;
        if found.is_empty() {
            return writeln!(out, "<p>{}</p></section>", Esc(t.outside_none));
        }
        writeln!(
            out,
            "<p class=\"muted\">{}</p>\n<table class=\"labelled\"><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
             <th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead><tbody>",
            Esc(t.outside_note),
            Esc(t.col_server),
            Esc(t.col_status),
            Esc(t.col_build),
            Esc(t.col_seen_by)
        )?;
        for one in found.iter().take(OUTSIDE) {
            self.outsider(out, one)?;
        }
        writeln!(out, "</tbody></table>")?;
        self.more(out, found.len(), OUTSIDE)?;
        writeln!(out, "</section>")
    }

    fn outsider(&self, out: &mut dyn Write, one: &Outsider) -> io::Result<()> {
        let t = self.t;
        let more: Vec<&str> = one
            .fqdn
            .iter()
            .chain(&one.addresses)
            .map(String::as_str)
            .filter(|name| *name != one.server)
            .collect();
        let build = match (&one.build.value, one.build.source) {
            (Some(value), Some(source)) => format!("{value} ({source})"),
            _ => t.build_unknown.to_owned(),
        };
        writeln!(
            out,
            "<tr><th scope=\"row\">{}<span class=\"tenant\">{}</span></th><td>{}</td><td data-label=\"{}\">{}</td>\
             <td class=\"path\" data-label=\"{}\">{}</td></tr>",
            self.cut(&one.server, NAME),
            self.cut(&more.join(", "), SENTENCE),
            self.status_badge(one.status),
            Esc(t.col_build),
            self.cut(&build, NAME),
            Esc(t.col_seen_by),
            self.cut(&one.origins.join("; "), SENTENCE)
        )
    }

    /// What the page was made from, what was not understood, and what must be known before it is trusted.
    pub(super) fn sources(&self, out: &mut dyn Write) -> io::Result<()> {
        let (t, result) = (self.t, self.result);
        writeln!(
            out,
            "<section aria-labelledby=\"sources\"><h2 id=\"sources\">{}</h2>",
            Esc(t.head_sources)
        )?;
        if !result.warnings.is_empty() {
            writeln!(out, "<h3>{}</h3>\n<ul class=\"plain\">", Esc(t.head_warnings))?;
            for warning in result.warnings.iter().take(NOTES) {
                writeln!(out, "<li>{}</li>", self.cut(&self.said(warning), SENTENCE))?;
            }
            writeln!(out, "</ul>")?;
            self.more(out, result.warnings.len(), NOTES)?;
        }
        writeln!(out, "<h3>{}</h3>\n<dl class=\"facts\">", Esc(t.head_made_from))?;
        let pack = format!("{} {}", result.pack.name, result.pack.version);
        writeln!(
            out,
            "<div><dt>{}</dt><dd>{}</dd></div>",
            Esc(t.label_pack),
            self.cut(&pack, NAME)
        )?;
        for input in result.inputs.iter().take(FILES) {
            let rows = input.rows.map(|rows| self.lang.plural(rows, t.n_rows));
            let rows = rows.map(|rows| format!(", {rows}")).unwrap_or_default();
            writeln!(
                out,
                "<div><dt>{}</dt><dd>{}{}</dd></div>",
                Esc(&input.format),
                self.cut(&input.file, SENTENCE),
                Esc(rows)
            )?;
        }
        writeln!(out, "</dl>")?;
        self.more(out, result.inputs.len(), FILES)?;
        self.notes(out)?;
        self.problems(out)?;
        writeln!(out, "</section>")
    }

    fn notes(&self, out: &mut dyn Write) -> io::Result<()> {
        let notes: Vec<(&Input, String)> = self
            .result
            .inputs
            .iter()
            .flat_map(|input| input.notes.iter().map(move |note| (input, self.said(note))))
            .collect();
        if notes.is_empty() {
            return Ok(());
        }
        writeln!(out, "<h3>{}</h3>\n<ul class=\"plain\">", Esc(self.t.head_notes))?;
        for (input, note) in notes.iter().take(NOTES) {
            writeln!(
                out,
                "<li><span class=\"path\">{}</span>{}{}</li>",
                self.cut(&input.file, NAME),
                Esc(self.t.colon),
                self.cut(note, SENTENCE)
            )?;
        }
        writeln!(out, "</ul>")?;
        self.more(out, notes.len(), NOTES)
    }

    fn problems(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        let inputs = &self.result.inputs;
        let counted: u64 = inputs.iter().map(|input| input.more_problems).sum();
        let all: usize = inputs.iter().map(|input| input.problems.len()).sum();
        // Files of several tenants: what is wrong in them is not for one of these to read.
        if self.tenant.is_some() || inputs.is_empty() {
            return Ok(());
        }
        writeln!(out, "<h3>{}</h3>", Esc(t.head_problems))?;
        if all == 0 && counted == 0 {
            return writeln!(out, "<p>{}</p>", Esc(t.problems_none));
        }
        writeln!(
            out,
            "<table class=\"labelled\"><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead><tbody>",
            Esc(t.col_where),
            Esc(t.col_what)
        )?;
        let each = inputs
            .iter()
            .flat_map(|input| input.problems.iter().map(move |problem| (input, problem)));
        for (input, problem) in each.take(PROBLEMS) {
            let place = format!("{}, {}", input.file, self.said(&problem.place));
            writeln!(
                out,
                "<tr><th scope=\"row\" class=\"path\">{}</th><td>{}</td></tr>",
                self.cut(&place, NAME),
                self.cut(&self.said(&problem.why), SENTENCE)
            )?;
        }
        writeln!(out, "</tbody></table>")?;
        let hidden = all.saturating_sub(PROBLEMS) as u64 + counted;
        if hidden > 0 {
            writeln!(
                out,
                "<p class=\"muted\">{}</p>",
                Esc(self.lang.plural(hidden, t.n_more))
            )?;
        }
        Ok(())
    }

    /// A paragraph that says how many were left out above.
    fn more(&self, out: &mut dyn Write, all: usize, shown: usize) -> io::Result<()> {
        match all.saturating_sub(shown) {
            0 => Ok(()),
            hidden => writeln!(
                out,
                "<p class=\"muted\">{}</p>",
                Esc(self.lang.plural(hidden as u64, self.t.n_more))
            ),
        }
    }
}
