//! The answer in a terminal.

use vigie_hunt::{Finding, HostResult, HuntResult, Outcome, Storyline, Verdict};

use crate::i18n::fill;
use crate::lang::{Lang, iso};
use crate::text::{clip, visible, width, wrap};
use crate::view::{View, is_missing, steps};

/// Reasons shown per machine.
const MAX_REASONS: usize = 4;
/// Storylines shown per machine.
const MAX_STORYLINES: usize = 8;
/// Steps and links shown per storyline.
const MAX_STEPS: usize = 16;
const MAX_LINKS: usize = 6;
/// Reasons of skipping and warnings shown.
const MAX_NOTES: usize = 12;
/// Characters shown of one foreign text.
const MAX_TEXT: usize = 600;
/// Columns below which text no longer hangs under its mark.
const MIN_ROOM: usize = 20;
/// Machines named in the last line.
const MAX_NAMES: usize = 5;

/// The answer for people at a terminal: one block per machine, worst verdict first, then the storylines in the order
/// of time, what could not be seen, and a last line that says what to do next.
///
/// `columns` is the width of the terminal (at least 40 are used); `colour` adds ANSI colours, which never carry
/// meaning alone. Times are UTC.
pub fn table(result: &HuntResult, lang: Lang, columns: usize, colour: bool) -> String {
    let mut page = Page::new(result, lang, columns, colour);
    page.head();
    page.servers();
    page.storylines();
    page.suppressed();
    page.unseen();
    page.warnings();
    page.next();
    page.out
}

/// The same without the storylines: every verdict with its reasons, for who will open the page for the rest.
pub fn verdicts(result: &HuntResult, lang: Lang, columns: usize, colour: bool) -> String {
    let mut page = Page::new(result, lang, columns, colour);
    page.head();
    page.servers();
    page.suppressed();
    page.unseen();
    page.warnings();
    page.next();
    page.out
}

/// The ANSI colours used.
#[derive(Clone, Copy)]
enum Ink {
    Bold,
    Dim,
    Verdict(Verdict),
}

struct Page<'a> {
    view: View<'a>,
    columns: usize,
    colour: bool,
    out: String,
}

impl<'a> Page<'a> {
    fn new(result: &'a HuntResult, lang: Lang, columns: usize, colour: bool) -> Page<'a> {
        Page {
            view: View::new(result, lang),
            columns: columns.max(40),
            colour,
            out: String::new(),
        }
    }
}

impl Page<'_> {
    fn head(&mut self) {
        for pack in self.view.packs() {
            self.paragraph(0, "", &pack, Some(Ink::Bold));
        }
        let t = self.view.t;
        let mut facts = Vec::new();
        for pack in &self.view.result.pack {
            let window = format!("{} → {} UTC", iso(&pack.from), iso(&pack.to));
            if !facts.iter().any(|(_, value)| *value == window) {
                facts.push((t.label_window, window));
            }
        }
        facts.push((t.label_evidence, self.view.evidence()));
        facts.push((
            t.label_fingerprint,
            visible(&self.view.result.manifest_sha256).into_owned(),
        ));
        let labels = facts.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
        for (label, value) in facts {
            let label = pad(label, labels + 2);
            self.paragraph(0, &label, &value, None);
        }
        self.blank();
        let sentences = self.view.headline().join(" ");
        self.paragraph(0, "", &sentences, Some(Ink::Bold));
        if self.view.result.stats.interrupted {
            self.paragraph(0, "", t.interrupted, Some(Ink::Bold));
        }
    }

    fn servers(&mut self) {
        for index in 0..self.view.hosts.len() {
            let Some(&host) = self.view.hosts.get(index) else {
                continue;
            };
            self.blank();
            self.server(host);
        }
    }

    fn server(&mut self, host: &HostResult) {
        let t = self.view.t;
        let verdict = self.view.verdict(host.verdict).to_uppercase();
        let badge = self.paint(
            &format!("{} {verdict}", sign(host.verdict)),
            Ink::Verdict(host.verdict),
        );
        let name = self.view.name(host);
        let room = self.columns.saturating_sub(width(&verdict) + 4).max(1);
        let mut lines = wrap(&name, room).into_iter();
        let name = self.paint(&lines.next().unwrap_or_default(), Ink::Bold);
        self.out.push_str(&format!("{badge}  {name}\n"));
        let rest = lines.collect::<Vec<_>>().join("");
        if !rest.is_empty() {
            self.paragraph(4, "", &rest, Some(Ink::Bold));
        }
        let reasons = host.reasons.iter().take(MAX_REASONS);
        let mut reasons: Vec<String> = reasons
            .map(|reason| match self.view.reason(reason) {
                (Some(time), sentence) => format!("{} UTC{}{sentence}", iso(&time), t.colon),
                (None, sentence) => sentence,
            })
            .collect();
        if reasons.is_empty() {
            reasons.push(t.no_reason.to_owned());
        }
        for reason in reasons {
            self.paragraph(4, "- ", &reason, None);
        }
        let hidden = host.reasons.len().saturating_sub(MAX_REASONS) as u64;
        if hidden > 0 {
            let more = self.view.lang.plural(hidden, t.n_more);
            self.paragraph(4, "- ", &more, Some(Ink::Dim));
        }
        let mut facts = vec![
            (t.label_seen, self.seen(host)),
            (t.label_found, self.view.counts(host)),
        ];
        let needed: Vec<String> = host
            .coverage
            .iter()
            .filter(|coverage| coverage.required)
            .map(|coverage| {
                format!(
                    "{} {}",
                    self.view.text(&coverage.title),
                    self.view.covered(coverage)
                )
            })
            .collect();
        if !needed.is_empty() {
            facts.push((t.label_needed, needed.join(", ")));
        }
        let others: Vec<_> = host
            .coverage
            .iter()
            .filter(|coverage| !coverage.required)
            .collect();
        if !others.is_empty() {
            let present = others.iter().filter(|coverage| !is_missing(coverage)).count() as u64;
            let present = self.view.lang.number(present);
            let total = self.view.lang.number(others.len() as u64);
            let said = fill(t.other_logs, &[("present", &present), ("total", &total)]);
            facts.push((t.label_other_logs, said));
        }
        for (label, value) in facts {
            self.paragraph(4, &format!("{label}{}", t.colon), &value, Some(Ink::Dim));
        }
    }

    fn seen(&self, host: &HostResult) -> String {
        match &host.window {
            Some(span) => format!("{} → {} UTC", iso(&span.from), iso(&span.to)),
            None => self.view.no_window(host).to_owned(),
        }
    }

    fn storylines(&mut self) {
        let hosts: Vec<&HostResult> = self.view.hosts.clone();
        if hosts.iter().all(|host| host.findings.is_empty()) {
            return;
        }
        self.heading(self.view.t.head_storylines);
        for host in hosts.into_iter().filter(|host| !host.findings.is_empty()) {
            let name = self.view.name(host);
            self.paragraph(0, "", &name, Some(Ink::Bold));
            // Somebody always probes: that is counted, and told in full by the page and the JSON.
            let told = || {
                host.storylines
                    .iter()
                    .filter(|story| story.outcome != Outcome::Scan)
            };
            for storyline in told().take(MAX_STORYLINES) {
                self.storyline(host, storyline);
            }
            let scans = (host.storylines.len() - told().count()) as u64;
            if scans > 0 {
                let scans = self.view.lang.plural(scans, self.view.t.scans_folded);
                self.paragraph(2, "", &scans, Some(Ink::Dim));
            }
            let hidden = told().count().saturating_sub(MAX_STORYLINES) as u64;
            if hidden > 0 {
                let more = self.view.lang.plural(hidden, self.view.t.n_more_storylines);
                self.paragraph(2, "", &more, Some(Ink::Dim));
            }
            let alone = host
                .findings
                .iter()
                .filter(|finding| finding.storyline.is_none())
                .count() as u64;
            if alone > 0 {
                let alone = self.view.lang.plural(alone, self.view.t.findings_alone);
                self.paragraph(2, "", &alone, Some(Ink::Dim));
            }
            self.blank();
        }
        self.out.pop();
    }

    fn storyline(&mut self, host: &HostResult, storyline: &Storyline) {
        let t = self.view.t;
        let title = self.view.text(&storyline.title);
        let id = format!("{}  ", visible(&storyline.id));
        self.paragraph(2, &id, &title, None);
        let when = format!(
            "{} → {} UTC, {}, {}",
            iso(&storyline.from),
            iso(&storyline.to),
            self.view.outcome(storyline.outcome),
            self.view.severity(storyline.severity)
        );
        let indent = 2 + width(&id);
        self.paragraph(indent, "", &when, Some(Ink::Dim));
        if !storyline.links.is_empty() {
            let mut links: Vec<String> = storyline
                .links
                .iter()
                .take(MAX_LINKS)
                .map(|link| self.view.link(link))
                .collect();
            if storyline.links.len() > MAX_LINKS {
                let hidden = (storyline.links.len() - MAX_LINKS) as u64;
                links.push(self.view.lang.plural(hidden, t.n_more));
            }
            let links = fill(t.linked_by, &[("links", &links.join(", "))]);
            self.paragraph(indent, "", &links, Some(Ink::Dim));
        }
        if !storyline.hosts.is_empty() {
            let hosts = fill(t.and_hosts, &[("hosts", &visible(&storyline.hosts.join(", ")))]);
            self.paragraph(indent, "", &hosts, Some(Ink::Dim));
        }
        let mut shown = 0;
        for finding in steps(host, &storyline.findings, MAX_STEPS) {
            self.step(indent, finding);
            shown += 1;
        }
        let hidden = storyline.findings.len().saturating_sub(shown) as u64;
        if hidden > 0 {
            let more = self.view.lang.plural(hidden, t.n_more_findings);
            self.paragraph(indent, "", &more, Some(Ink::Dim));
        }
    }

    fn step(&mut self, indent: usize, finding: &Finding) {
        let time = finding
            .time
            .as_deref()
            .map_or(self.view.t.no_time.to_owned(), iso);
        let statement = self.view.text(&finding.statement);
        let mut said = format!(
            "{}{}{statement}",
            self.view.stage(&finding.stage),
            self.view.t.colon
        );
        if finding.count > 1 {
            said.push_str(&format!(
                " ({})",
                self.view.lang.plural(finding.count, self.view.t.n_events)
            ));
        }
        self.paragraph(indent, &pad(&time, 21), &said, None);
    }

    fn unseen(&mut self) {
        let t = self.view.t;
        let mut lines = Vec::new();
        for host in self.view.hosts.iter().rev() {
            let missing: Vec<String> = host
                .coverage
                .iter()
                .filter(|coverage| coverage.required && is_missing(coverage))
                .map(|coverage| self.view.text(&coverage.title))
                .collect();
            if !missing.is_empty() {
                let name = self.view.name(host);
                lines.push(fill(
                    t.missing_on,
                    &[("host", &name), ("logs", &missing.join(", "))],
                ));
            }
        }
        for skipped in self.view.skipped(None) {
            let why = visible(&skipped.why);
            lines.push(format!(
                "{}{}{}",
                &why,
                t.colon,
                self.view.skipped_where(&skipped)
            ));
        }
        self.notes(t.head_unseen, lines);
    }

    fn suppressed(&mut self) {
        let entries = self.view.result.suppressions.iter();
        let lines = entries.map(|entry| self.view.suppression(entry)).collect();
        self.notes(self.view.t.head_suppressed, lines);
    }

    fn warnings(&mut self) {
        let mut lines = Vec::new();
        lines.extend(
            self.view
                .result
                .warnings
                .iter()
                .map(|warning| visible(&self.view.lang.message(warning)).into_owned()),
        );
        self.notes(self.view.t.head_warnings, lines);
    }

    fn notes(&mut self, heading: &str, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        self.heading(heading);
        for line in lines.iter().take(MAX_NOTES) {
            self.paragraph(2, "- ", line, None);
        }
        let hidden = lines.len().saturating_sub(MAX_NOTES) as u64;
        if hidden > 0 {
            let more = self.view.lang.plural(hidden, self.view.t.n_more);
            self.paragraph(2, "- ", &more, Some(Ink::Dim));
        }
    }

    fn next(&mut self) {
        self.blank();
        let Some(worst) = self.view.hosts.first().map(|host| host.verdict) else {
            let nothing = self.view.t.next_nothing;
            self.paragraph(0, "", nothing, Some(Ink::Bold));
            return;
        };
        let names: Vec<String> = self
            .view
            .hosts
            .iter()
            .filter(|host| host.verdict == worst)
            .map(|host| self.view.name(host))
            .collect();
        let mut said = names
            .iter()
            .take(MAX_NAMES)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        if names.len() > MAX_NAMES {
            said.push('…');
        }
        let line = fill(
            self.view.t.next_line,
            &[
                ("verdict", &self.view.verdict(worst).to_lowercase()),
                ("hosts", &said),
                ("action", self.view.next(worst)),
            ],
        );
        self.paragraph(0, "", &line, Some(Ink::Bold));
    }

    fn heading(&mut self, text: &str) {
        self.blank();
        let line = self.paint(text, Ink::Bold);
        self.out.push_str(&format!("{line}\n"));
        self.out.push_str(&format!("{}\n", "─".repeat(width(text))));
    }

    /// A paragraph after `indent` spaces; lines after the first hang under the text that follows `mark`.
    fn paragraph(&mut self, indent: usize, mark: &str, text: &str, ink: Option<Ink>) {
        let (shown, cut) = clip(text, MAX_TEXT);
        let mut text = if cut > 0 {
            format!("{shown}…")
        } else {
            shown.to_owned()
        };
        let mut mark = mark;
        if indent + width(mark) + MIN_ROOM > self.columns {
            text.insert_str(0, mark);
            mark = "";
        }
        let hang = width(mark);
        let room = self.columns.saturating_sub(indent + hang).max(16);
        for (index, line) in wrap(&text, room).into_iter().enumerate() {
            let lead = if index == 0 {
                mark.to_owned()
            } else {
                " ".repeat(hang)
            };
            let line = match ink {
                Some(ink) => self.paint(&format!("{lead}{line}"), ink),
                None => format!("{lead}{line}"),
            };
            self.out.push_str(&" ".repeat(indent));
            self.out.push_str(&line);
            self.out.push('\n');
        }
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn paint(&self, text: &str, ink: Ink) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Verdict(Verdict::Compromised) => "1;31",
            Ink::Verdict(Verdict::Suspected) => "1;33",
            Ink::Verdict(Verdict::Attempted) => "1;36",
            Ink::Verdict(Verdict::Unknown) => "1;35",
            Ink::Verdict(Verdict::NoEvidence) => "1;34",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A sign per verdict, so that colour never stands alone.
fn sign(verdict: Verdict) -> char {
    match verdict {
        Verdict::Compromised => '■',
        Verdict::Suspected => '▲',
        Verdict::Attempted => '◆',
        Verdict::Unknown => '?',
        Verdict::NoEvidence => '○',
    }
}

fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}
