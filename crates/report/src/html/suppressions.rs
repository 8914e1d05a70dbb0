//! What was suppressed: every entry of the benign catalogue, with who answers for it.

use std::io::{self, Write};

use vigie_hunt::SuppressionEntry;

use super::{NAME, Page, SENTENCE};
use crate::text::Esc;

/// Entries shown.
const MAX_ENTRIES: usize = 500;

impl Page<'_> {
    pub(super) fn suppressions(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        let entries = &self.view.result.suppressions;
        if entries.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<section class=\"appendix\" aria-labelledby=\"suppressed\"><h2 id=\"suppressed\">{}</h2>\n<p>{}</p>",
            Esc(t.head_suppressed),
            Esc(t.suppressed_intro)
        )?;
        writeln!(out, "<table class=\"files labelled\"><thead><tr>")?;
        for head in [t.col_hidden, t.col_effect, t.col_why, t.col_author, t.col_until] {
            writeln!(out, "<th scope=\"col\">{}</th>", Esc(head))?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for entry in entries.iter().take(MAX_ENTRIES) {
            self.suppression(out, entry)?;
        }
        writeln!(out, "</tbody></table>")?;
        self.more_after(out, entries.len(), MAX_ENTRIES)?;
        writeln!(out, "</section>")
    }

    fn suppression(&self, out: &mut dyn Write, entry: &SuppressionEntry) -> io::Result<()> {
        let t = self.view.t;
        writeln!(
            out,
            "<tr><th scope=\"row\" class=\"path\">{}<code>{}</code></th><td data-label=\"{}\">{}</td><td data-label=\"{}\">{}</td>\
             <td data-label=\"{}\">{}</td><td data-label=\"{}\">{}</td></tr>",
            self.cut(&self.view.suppressed_what(entry), SENTENCE),
            self.cut(&self.view.suppressed_place(entry), NAME),
            Esc(t.col_effect),
            self.cut(&self.view.suppressed_effect(entry), SENTENCE),
            Esc(t.col_why),
            self.cut(&entry.reason, SENTENCE),
            Esc(t.col_author),
            self.cut(&entry.author, NAME),
            Esc(t.col_until),
            self.cut(&entry.expires, NAME),
        )
    }
}
