//! Every finding with its proof.

use std::cmp::Reverse;
use std::io::{self, Write};

use vigie_hunt::{EvidenceLine, Finding, HostResult, Severity};

use super::{EXCERPT, NAME, Page, SENTENCE, icons};
use crate::text::Esc;

/// Evidence lines shown at once; further ones are folded.
const OPEN_LINES: usize = 2;
/// Evidence lines shown at all.
const MAX_LINES: usize = 8;
/// Machines with fewer findings need no filter.
const FILTER_FROM: usize = 8;

impl Page<'_> {
    pub(super) fn findings(&self, out: &mut dyn Write, number: usize, host: &HostResult) -> io::Result<()> {
        if host.findings.is_empty() {
            return Ok(());
        }
        let t = self.view.t;
        let shown = most_serious(&host.findings, self.findings_per_host());
        writeln!(out, "<h3 id=\"f{number}\">{}</h3>", Esc(t.head_findings))?;
        if shown.len() < host.findings.len() {
            let (few, all) = (
                self.view.lang.number(shown.len() as u64),
                self.view.lang.number(host.findings.len() as u64),
            );
            writeln!(
                out,
                "<p class=\"note\">{}</p>",
                self.say(t.findings_cut, &[("shown", &few), ("all", &all)])
            )?;
        }
        if shown.len() >= FILTER_FROM {
            self.filter(out)?;
        }
        writeln!(
            out,
            "<table class=\"findings\" aria-labelledby=\"f{number}\"><thead><tr>"
        )?;
        for head in [t.col_time, t.col_outcome, t.col_stage, t.col_what] {
            writeln!(out, "<th scope=\"col\">{}</th>", Esc(head))?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for finding in shown {
            self.finding(out, finding)?;
        }
        writeln!(out, "</tbody></table>")
    }

    /// Shown by the script alone: without it there is nothing to filter with.
    fn filter(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        let outcomes = [
            ("o-scan", t.outcome_scan),
            ("o-attempt", t.outcome_attempt),
            ("o-success", t.outcome_success),
            ("o-post", t.outcome_post_exploitation),
        ];
        writeln!(
            out,
            "<p class=\"filter\" hidden=\"hidden\"><label>{} <input type=\"search\" autocomplete=\"off\"/></label> \
             <label>{} <select><option value=\"\">{}</option>",
            Esc(t.filter_text),
            Esc(t.col_outcome),
            Esc(t.filter_all)
        )?;
        for (value, name) in outcomes {
            writeln!(out, "<option value=\"{value}\">{}</option>", Esc(name))?;
        }
        writeln!(
            out,
            "</select></label> <output aria-live=\"polite\"></output></p>"
        )
    }

    fn finding(&self, out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
        let class = icons::outcome_class(finding.outcome);
        let serious = if finding.severity >= Severity::High {
            " serious"
        } else {
            ""
        };
        writeln!(
            out,
            "<tr data-o=\"{class}\" class=\"{class}{serious}\"><td class=\"when\">{}",
            self.stamp(finding.time.as_deref())
        )?;
        if let Some(end) = finding.end_time.as_deref().filter(|end| {
            let start = finding.time.as_deref().map(|time| self.view.lang.stamp(time));
            Some(self.view.lang.stamp(end)) != start
        }) {
            writeln!(out, "<span class=\"end\">→ {}</span>", self.stamp(Some(end)))?;
        }
        writeln!(
            out,
            "</td><td>{}{}</td><td>{}</td><td>",
            self.outcome_mark(finding.outcome),
            self.severity_mark(finding.severity),
            self.short(&self.view.stage(&finding.stage), 60)
        )?;
        self.what(out, finding)?;
        self.proof(out, finding)?;
        writeln!(out, "</td></tr>")
    }

    fn what(&self, out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
        let t = self.view.t;
        let mut facts = vec![
            format!("<span class=\"id\">{}</span>", self.cut(&finding.id, NAME)),
            Esc(self.view.lang.plural(finding.count, t.n_events)).to_string(),
        ];
        if let Some(story) = &finding.storyline {
            facts.push(self.cut(story, NAME));
        }
        if !finding.attack.is_empty() {
            facts.push(format!(
                "ATT&amp;CK {}",
                self.cut(&finding.attack.join(", "), NAME)
            ));
        }
        facts.push(format!(
            "{} <code>{}</code>",
            self.cut(&finding.title, NAME),
            self.cut(&finding.rule_id, NAME)
        ));
        writeln!(
            out,
            "<p class=\"statement\">{}</p><p class=\"rule-line\">{}</p>",
            self.cut(&self.view.text(&finding.statement), SENTENCE),
            facts.join(" · ")
        )
    }

    fn proof(&self, out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
        let lines = &finding.evidence;
        let (open, folded) = lines.split_at(lines.len().min(OPEN_LINES));
        self.lines(out, open)?;
        if folded.is_empty() {
            return Ok(());
        }
        let folded = folded.get(..MAX_LINES).unwrap_or(folded);
        let said = self
            .view
            .lang
            .plural(folded.len() as u64, self.view.t.n_more_lines);
        writeln!(out, "<details class=\"proof\"><summary>{}</summary>", Esc(said))?;
        self.lines(out, folded)?;
        writeln!(out, "</details>")
    }

    fn lines(&self, out: &mut dyn Write, lines: &[EvidenceLine]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        writeln!(out, "<ul class=\"lines\">")?;
        for line in lines {
            let place = match (line.line, line.record) {
                (Some(number), _) => format!(":{number}"),
                (None, Some(record)) => {
                    let record = self.view.lang.number(record);
                    format!(", {}", crate::i18n::fill(self.view.t.record, &[("n", &record)]))
                }
                (None, None) => String::new(),
            };
            writeln!(
                out,
                "<li><span class=\"path\">{}{}</span><code dir=\"ltr\" translate=\"no\">{}</code></li>",
                self.cut(&line.path, 2 * NAME),
                Esc(place),
                self.cut(&line.excerpt, EXCERPT)
            )?;
        }
        writeln!(out, "</ul>")
    }
}

/// The `most` most serious findings, in the order given.
fn most_serious(findings: &[Finding], most: usize) -> Vec<&Finding> {
    let mut order: Vec<(usize, &Finding)> = findings.iter().enumerate().collect();
    order.sort_by_key(|(_, finding)| Reverse((finding.outcome, finding.severity)));
    order.truncate(most);
    order.sort_by_key(|(at, _)| *at);
    order.into_iter().map(|(_, finding)| finding).collect()
}
