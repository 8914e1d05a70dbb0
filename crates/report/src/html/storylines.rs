//! What happened, told as stories.

use std::io::{self, Write};

use vigie_hunt::{HostResult, Outcome, Storyline};

use super::{NAME, Page, SENTENCE};
use crate::i18n::fill;
use crate::text::Esc;
use crate::view::steps;

/// Storylines shown per machine, and steps and links shown per storyline.
const MAX_STORYLINES: usize = 25;
const MAX_STEPS: usize = 25;
const MAX_LINKS: usize = 12;

impl Page<'_> {
    pub(super) fn storylines(&self, out: &mut dyn Write, number: usize, host: &HostResult) -> io::Result<()> {
        if host.storylines.is_empty() {
            return Ok(());
        }
        writeln!(out, "<h3>{}</h3>", Esc(self.view.t.head_storylines))?;
        let shown = || host.storylines.iter().enumerate().take(MAX_STORYLINES);
        let told = |story: &Storyline| story.outcome != Outcome::Scan;
        for (index, story) in shown().filter(|(_, story)| told(story)) {
            self.storyline(out, &format!("h{number}-s{}", index + 1), host, story)?;
        }
        // Somebody always probes: that is kept, but out of the way of what matters.
        let scans = shown().filter(|(_, story)| !told(story)).count() as u64;
        if scans > 0 {
            let said = self.view.lang.plural(scans, self.view.t.scans_folded);
            writeln!(out, "<details class=\"scans\"><summary>{}</summary>", Esc(said))?;
            for (index, story) in shown().filter(|(_, story)| !told(story)) {
                self.storyline(out, &format!("h{number}-s{}", index + 1), host, story)?;
            }
            writeln!(out, "</details>")?;
        }
        self.more_after(out, host.storylines.len(), MAX_STORYLINES)
    }

    fn storyline(
        &self,
        out: &mut dyn Write,
        id: &str,
        host: &HostResult,
        story: &Storyline,
    ) -> io::Result<()> {
        let t = self.view.t;
        let class = super::icons::outcome_class(story.outcome);
        writeln!(
            out,
            "<article class=\"story {class}\" aria-labelledby=\"{id}\"><h4 id=\"{id}\"><span class=\"id\">{}</span> {}</h4>\
             <p class=\"muted\">{} {} <span>{}</span></p>",
            self.cut(&story.id, NAME),
            self.cut(&self.view.text(&story.title), SENTENCE),
            self.outcome_mark(story.outcome),
            self.severity_mark(story.severity),
            self.cut(&self.between(&story.from, &story.to), NAME)
        )?;
        if !story.stages.is_empty() {
            let stages: Vec<String> = story.stages.iter().map(|stage| self.view.stage(stage)).collect();
            writeln!(
                out,
                "<p class=\"path-of\">{}</p>",
                self.cut(&stages.join(" → "), SENTENCE)
            )?;
        }
        let mut links: Vec<String> = story
            .links
            .iter()
            .take(MAX_LINKS)
            .map(|link| self.view.link(link))
            .collect();
        if story.links.len() > MAX_LINKS {
            links.push(
                self.view
                    .lang
                    .plural((story.links.len() - MAX_LINKS) as u64, t.n_more),
            );
        }
        if !links.is_empty() {
            let said = fill(t.linked_by, &[("links", &links.join(", "))]);
            writeln!(out, "<p class=\"muted free\">{}</p>", self.cut(&said, SENTENCE))?;
        }
        if !story.hosts.is_empty() {
            let said = fill(t.and_hosts, &[("hosts", &story.hosts.join(", "))]);
            writeln!(out, "<p class=\"onward\">{}</p>", self.cut(&said, SENTENCE))?;
        }
        self.story_steps(out, host, story)?;
        writeln!(out, "</article>")
    }

    fn story_steps(&self, out: &mut dyn Write, host: &HostResult, story: &Storyline) -> io::Result<()> {
        writeln!(out, "<ol class=\"steps\">")?;
        let mut shown = 0;
        for finding in steps(host, &story.findings, MAX_STEPS) {
            writeln!(
                out,
                "<li>{} <span class=\"stage\">{}</span> <span>{}</span></li>",
                self.stamp(finding.time.as_deref()),
                self.short(&self.view.stage(&finding.stage), 60),
                self.cut(&self.view.text(&finding.statement), SENTENCE)
            )?;
            shown += 1;
        }
        self.more(out, story.findings.len(), shown)?;
        writeln!(out, "</ol>")
    }
}
