//! The appendix: every file the answer rests on, and what was not read of it.

use std::io::{self, Write};

use vigie_hunt::ManifestEntry;

use super::{NAME, Page, SENTENCE};
use crate::text::Esc;

/// Files shown; lists longer than `OPEN` are folded.
const MAX_FILES: usize = 1_000;
const OPEN: usize = 40;
/// Reasons of skipping and warnings shown.
const MAX_REASONS: usize = 200;

impl Page<'_> {
    pub(super) fn manifest(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        writeln!(
            out,
            "<section class=\"appendix\" aria-labelledby=\"manifest\"><h2 id=\"manifest\">{}</h2>",
            Esc(t.head_manifest)
        )?;
        writeln!(
            out,
            "<p>{} <code>{}</code></p>",
            self.say(t.manifest_intro, &[("evidence", &self.view.evidence())]),
            self.cut(&self.view.result.manifest_sha256, NAME)
        )?;
        self.warnings(out)?;
        self.skipped(out)?;
        self.files(out)?;
        writeln!(out, "</section>")
    }

    fn warnings(&self, out: &mut dyn Write) -> io::Result<()> {
        let warnings = &self.view.result.warnings;
        if warnings.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h3 id=\"warnings\">{}</h3>\n<ul class=\"plain\">",
            Esc(self.view.t.head_warnings)
        )?;
        for warning in warnings.iter().take(MAX_REASONS) {
            writeln!(
                out,
                "<li>{}</li>",
                self.cut(&self.view.lang.message(warning), SENTENCE)
            )?;
        }
        self.more(out, warnings.len(), MAX_REASONS)?;
        writeln!(out, "</ul>")
    }

    fn skipped(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        let skipped = self.view.skipped(None);
        writeln!(out, "<h3 id=\"skipped\">{}</h3>", Esc(t.head_skipped))?;
        if skipped.is_empty() {
            let said = match self.view.result.stats.skipped {
                0 => t.skipped_nothing.to_owned(),
                n => format!("{}{}{}", t.label_skipped, t.colon, self.view.lang.number(n)),
            };
            return writeln!(out, "<p>{}</p>", Esc(said));
        }
        writeln!(out, "<ul class=\"plain\">")?;
        for reason in skipped.iter().take(MAX_REASONS) {
            writeln!(
                out,
                "<li><strong>{}</strong>{}{}</li>",
                self.cut(&reason.why, NAME),
                Esc(t.colon),
                self.cut(&self.view.skipped_where(reason), SENTENCE)
            )?;
        }
        self.more(out, skipped.len(), MAX_REASONS)?;
        writeln!(out, "</ul>")
    }

    fn files(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        let files = &self.view.result.manifest;
        if files.is_empty() {
            return writeln!(out, "<p>{}</p>", Esc(t.no_file));
        }
        let said = self.view.lang.plural(files.len() as u64, t.n_files);
        if files.len() > OPEN {
            writeln!(out, "<details><summary>{}</summary>", Esc(said))?;
        }
        writeln!(out, "<table class=\"files labelled\"><thead><tr>")?;
        for head in [
            t.col_file,
            t.col_source,
            t.col_size,
            t.col_records,
            t.col_first,
            t.col_last,
            t.col_skipped,
        ] {
            writeln!(out, "<th scope=\"col\">{}</th>", Esc(head))?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for file in files.iter().take(MAX_FILES) {
            self.file(out, file)?;
        }
        writeln!(out, "</tbody></table>")?;
        self.more_after(out, files.len(), MAX_FILES)?;
        if files.len() > OPEN {
            writeln!(out, "</details>")?;
        }
        Ok(())
    }

    fn file(&self, out: &mut dyn Write, file: &ManifestEntry) -> io::Result<()> {
        let t = self.view.t;
        let source = match (&file.source, &file.format) {
            (Some(source), Some(format)) if source != format => format!("{source} ({format})"),
            (Some(source), _) => source.clone(),
            (None, _) => t.not_recognised.to_owned(),
        };
        let mut notes: Vec<String> = file
            .skipped
            .iter()
            .take(3)
            .map(|skip| match skip.records {
                0 => self.cut(&self.view.lang.message(&skip.why), NAME),
                n => format!(
                    "{} ({})",
                    self.cut(&self.view.lang.message(&skip.why), NAME),
                    Esc(self.view.lang.plural(n, t.n_records))
                ),
            })
            .collect();
        if file.skipped.len() > 3 {
            notes.push(Esc(self.view.lang.plural((file.skipped.len() - 3) as u64, t.n_more)).to_string());
        }
        if let Some(offset) = file.clock_offset_s {
            let seconds = self.view.lang.decimal(offset);
            notes.push(self.say(t.clock_corrected, &[("seconds", &seconds)]));
        }
        writeln!(
            out,
            "<tr><th scope=\"row\" class=\"path\">{}<code>{}</code></th><td data-label=\"{}\">{}</td><td class=\"num\" data-label=\"{}\">{}</td>\
             <td class=\"num\" data-label=\"{}\">{}</td><td class=\"when\" data-label=\"{}\">{}</td>\
             <td class=\"when\" data-label=\"{}\">{}</td><td data-label=\"{}\">{}</td></tr>",
            self.cut(&file.path, 2 * NAME),
            self.cut(&file.sha256, NAME),
            Esc(t.col_source),
            self.cut(&source, NAME),
            Esc(t.col_size),
            Esc(self.view.lang.bytes(file.size)),
            Esc(t.col_records),
            Esc(self.view.lang.number(file.records)),
            Esc(t.col_first),
            self.stamp_or_nothing(file.first.as_deref()),
            Esc(t.col_last),
            self.stamp_or_nothing(file.last.as_deref()),
            Esc(t.col_skipped),
            notes.join("; ")
        )
    }

    fn stamp_or_nothing(&self, time: Option<&str>) -> String {
        time.map_or_else(|| "–".to_owned(), |time| self.stamp(Some(time)))
    }
}
