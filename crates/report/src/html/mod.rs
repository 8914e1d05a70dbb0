//! The page: one self-contained HTML file that prints, works without scripts and loads nothing.
//!
//! The page is well-formed XML too, which keeps every element closed whatever the evidence holds. Its content
//! security policy allows the one style sheet and the one script below by their hashes, and nothing else.

mod axis;
mod chain;
mod coverage;
mod exposure;
mod findings;
mod icons;
mod manifest;
mod server;
mod storylines;
mod summary;
mod suppressions;
mod timeline;

use std::io::{self, BufWriter, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use vigie_hunt::{HuntResult, Outcome, Severity, Verdict};

use crate::i18n::fill;
use crate::lang::Lang;
use crate::text::{Esc, clip};
use crate::view::View;

pub use exposure::{ExposurePage, exposure_html};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Findings shown on the whole page, and per machine at least and at most.
const FINDINGS: (usize, usize, usize) = (10_000, 25, 400);
/// Characters shown of a name, of a sentence and of an evidence line.
const NAME: usize = 160;
const SENTENCE: usize = 800;
const EXCERPT: usize = 1_500;

/// Writes the page: a first page for whoever decides, one section per machine, and the list of the evidence.
///
/// UTF-8. All times UTC. Long lists are cut with their count said; the JSON holds everything.
///
/// # Errors
/// Only those of `out`.
pub fn html(result: &HuntResult, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let mut buffered = BufWriter::new(out);
    let page = Page {
        view: View::new(result, lang),
    };
    page.write(&mut buffered)?;
    buffered.flush()
}

struct Page<'a> {
    view: View<'a>,
}

impl Page<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        self.head(out)?;
        writeln!(out, "<body>\n{}", icons::SPRITE)?;
        writeln!(
            out,
            "<a class=\"skip\" href=\"#summary\">{}</a>",
            Esc(t.skip_link)
        )?;
        writeln!(
            out,
            "<header class=\"top\"><p class=\"brand\">{}<span>Vigie</span></p><p>{}</p></header>\n<main>",
            icons::BRAND,
            Esc(t.page_kind)
        )?;
        self.summary(out)?;
        for (index, host) in self.view.hosts.iter().enumerate() {
            self.server(out, index, host)?;
        }
        self.suppressions(out)?;
        self.manifest(out)?;
        writeln!(
            out,
            "</main>\n<footer><p>{}</p><p>{}</p></footer>",
            Esc(t.footer_window),
            Esc(t.footer_json)
        )?;
        writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
    }

    fn head(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles: Vec<String> = self
            .view
            .result
            .pack
            .iter()
            .map(|pack| self.view.text(&pack.title))
            .collect();
        let (lang, kind) = (self.view.lang, self.view.t.page_kind);
        head(out, lang, kind, &titles.join(", "), STYLE, Some(SCRIPT))
    }

    /// Foreign text, escaped, at most `max` characters, with what is cut off counted.
    fn cut(&self, text: &str, max: usize) -> String {
        cut(self.view.lang, text, max)
    }

    /// Text for a place of fixed width, with the whole of it in a tool tip elsewhere.
    fn short(&self, text: &str, max: usize) -> String {
        short(text, max)
    }

    fn badge(&self, verdict: Verdict) -> String {
        format!(
            "<span class=\"badge v-{}\">{}{}</span>",
            verdict.id(),
            icons::verdict(verdict),
            Esc(self.view.verdict(verdict))
        )
    }

    fn outcome_mark(&self, outcome: Outcome) -> String {
        format!(
            "<span class=\"mark {}\">{}{}</span>",
            icons::outcome_class(outcome),
            icons::outcome(outcome),
            Esc(self.view.outcome(outcome))
        )
    }

    fn severity_mark(&self, severity: Severity) -> String {
        let class = match severity {
            Severity::Critical | Severity::High => "sev sev-high",
            Severity::Medium | Severity::Low | Severity::Informational => "sev",
        };
        format!(
            "<span class=\"{class}\">{}</span>",
            Esc(self.view.severity(severity))
        )
    }

    /// A time in two lines for a table cell.
    fn stamp(&self, time: Option<&str>) -> String {
        match time {
            Some(time) => {
                let (date, clock) = self.view.lang.stamp(time);
                format!("<time>{} <b>{}</b></time>", Esc(date), Esc(clock))
            }
            None => format!("<span class=\"muted\">{}</span>", Esc(self.view.t.no_time)),
        }
    }

    /// `what` with its placeholders filled, escaped.
    fn say(&self, what: &str, values: &[(&str, &str)]) -> String {
        Esc(fill(what, values)).to_string()
    }

    /// Findings shown per machine.
    fn findings_per_host(&self) -> usize {
        let (all, least, most) = FINDINGS;
        (all / self.view.hosts.len().max(1)).clamp(least, most)
    }
}

/// Everything before the body: the one style sheet and the one script, if any, are allowed by their hashes.
fn head(
    out: &mut dyn Write,
    lang: Lang,
    kind: &str,
    title: &str,
    style: &str,
    script: Option<&str>,
) -> io::Result<()> {
    let script = match script {
        Some(script) => format!("script-src &#39;{}&#39;; ", hash(script)),
        None => String::new(),
    };
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src &#39;{}&#39;; \
         {script}base-uri &#39;none&#39;; form-action &#39;none&#39;\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>Vigie – {} – {}</title>\n<style>{style}</style>\n</head>",
        lang.code(),
        hash(style),
        Esc(kind),
        cut(lang, title, NAME),
    )
}

/// Foreign text, escaped, at most `max` characters, with what is cut off counted.
fn cut(lang: Lang, text: &str, max: usize) -> String {
    let (shown, hidden) = clip(text, max);
    if hidden == 0 {
        return Esc(shown).to_string();
    }
    let more = lang.plural(hidden as u64, lang.texts().n_more_characters);
    format!("{}… {}", Esc(shown), Esc(more))
}

/// Text for a place of fixed width, escaped.
fn short(text: &str, max: usize) -> String {
    let (shown, hidden) = clip(text, max);
    format!("{}{}", Esc(shown), if hidden > 0 { "…" } else { "" })
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_are_plain_xml_text_and_load_nothing() {
        for text in [STYLE, SCRIPT, exposure::STYLE] {
            assert!(!text.contains(['<', '&']));
            for word in ["http:", "https:", "//", "@import", "eval(", "innerHTML", "fetch"] {
                assert!(!text.contains(word), "{word}");
            }
        }
        assert!(!exposure::STYLE.contains("url("));
    }
}
