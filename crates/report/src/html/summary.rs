//! The first page: the answer, server by server, what could not be seen, and what to do.

use std::io::{self, Write};

use vigie_hunt::{HostResult, Outcome, Storyline, Verdict};

use super::{NAME, Page, SENTENCE, icons};
use crate::i18n::fill;
use crate::text::Esc;
use crate::view::is_missing;

/// Machines named in one list of the first page.
const MAX_NAMES: usize = 8;
/// Characters of a reason on the first page.
const REASON: usize = 240;
/// Lines about what could not be seen.
const MAX_UNSEEN: usize = 10;
/// Reasons of skipping, and warnings, shown on the first page.
const MAX_NOTES: usize = 4;

impl Page<'_> {
    pub(super) fn summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        let titles: Vec<String> = self
            .view
            .result
            .pack
            .iter()
            .map(|pack| self.view.text(&pack.title))
            .collect();
        let title = if titles.is_empty() {
            t.page_kind.to_owned()
        } else {
            titles.join(" · ")
        };
        writeln!(out, "<section id=\"summary\" aria-labelledby=\"title\">")?;
        writeln!(out, "<h1 id=\"title\">{}</h1>", self.cut(&title, SENTENCE))?;
        writeln!(out, "<p class=\"scope\">{}</p>", self.scope())?;
        self.answer(out)?;
        self.tally(out)?;
        self.servers(out)?;
        self.in_short(out)?;
        writeln!(out, "<div class=\"pair\">")?;
        self.next_steps(out)?;
        writeln!(out, "<div>")?;
        self.unseen_overall(out)?;
        self.facts(out)?;
        writeln!(out, "</div>\n</div>\n</section>")
    }

    /// The tenants and the window, in one line.
    fn scope(&self) -> String {
        let servers = self
            .view
            .lang
            .plural(self.view.hosts.len() as u64, self.view.t.n_servers);
        let mut tenants: Vec<&str> = self
            .view
            .hosts
            .iter()
            .filter_map(|host| host.tenant.as_deref())
            .collect();
        tenants.sort_unstable();
        tenants.dedup();
        let mut parts = vec![Esc(servers).to_string()];
        match tenants.as_slice() {
            [] => {}
            [tenant] => parts.push(self.cut(tenant, NAME)),
            _ => parts
                .push(Esc(self.view.lang.plural(tenants.len() as u64, self.view.t.n_tenants)).to_string()),
        }
        for window in self.windows() {
            parts.push(Esc(window).to_string());
        }
        parts.join(" · ")
    }

    /// The packs' windows, each once.
    fn windows(&self) -> Vec<String> {
        let mut windows: Vec<String> = Vec::new();
        for pack in &self.view.result.pack {
            let window = self.view.lang.days(&pack.from, &pack.to);
            if !windows.contains(&window) {
                windows.push(window);
            }
        }
        windows
    }

    fn answer(&self, out: &mut dyn Write) -> io::Result<()> {
        let worst = self
            .view
            .hosts
            .first()
            .map_or(Verdict::Unknown, |host| host.verdict);
        let sentences = self.view.headline();
        let (first, rest) = sentences
            .split_first()
            .map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        writeln!(
            out,
            "<div class=\"answer v-{}\"><p class=\"headline\">{}</p>",
            worst.id(),
            Esc(first)
        )?;
        if !rest.is_empty() {
            writeln!(out, "<p>{}</p>", Esc(rest.join(" ")))?;
        }
        if self.view.result.stats.interrupted {
            writeln!(out, "<p><strong>{}</strong></p>", Esc(self.view.t.interrupted))?;
        }
        writeln!(out, "</div>")
    }

    fn tally(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        writeln!(out, "<ul class=\"tally\" aria-label=\"{}\">", Esc(t.tally_label))?;
        for (verdict, n) in self.view.tally() {
            let meaning = match verdict {
                Verdict::Compromised => t.means_compromised,
                Verdict::Suspected => t.means_suspected,
                Verdict::Attempted => t.means_attempted,
                Verdict::Unknown => t.means_unknown,
                Verdict::NoEvidence => t.means_no_evidence,
            };
            writeln!(
                out,
                "<li class=\"v-{} {}\"><span class=\"count\">{}{}</span><strong>{}</strong><span class=\"means\">{}</span></li>",
                verdict.id(),
                if n == 0 { "none" } else { "some" },
                icons::verdict(verdict),
                Esc(self.view.lang.number(n)),
                Esc(self.view.verdict(verdict)),
                Esc(meaning)
            )?;
        }
        writeln!(out, "</ul>")
    }

    fn servers(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        if self.view.hosts.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h2>{}</h2>\n<table class=\"servers\"><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
             <th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead><tbody>",
            Esc(t.head_servers),
            Esc(t.col_verdict),
            Esc(t.col_server),
            Esc(t.col_reason),
            Esc(t.col_seen)
        )?;
        for (index, host) in self.view.hosts.iter().enumerate() {
            writeln!(
                out,
                "<tr><td>{}</td><th scope=\"row\"><a href=\"#h{}\">{}</a>{}</th><td>{}</td><td class=\"when\" data-label=\"{}\">{}</td></tr>",
                self.badge(host.verdict),
                index + 1,
                self.cut(&host.host, NAME),
                self.tenant_line(host),
                self.reason(self.view.main_reason(host), REASON),
                Esc(t.col_seen),
                self.seen_cell(host)
            )?;
        }
        writeln!(out, "</tbody></table>")
    }

    /// A reason with the time it gives before it.
    pub(super) fn reason(&self, (time, sentence): (Option<String>, String), max: usize) -> String {
        let sentence = self.cut(&sentence, max);
        match time {
            Some(time) => {
                let (date, clock) = self.view.lang.stamp(&time);
                format!(
                    "<time class=\"ago\">{} {} UTC</time> {sentence}",
                    Esc(date),
                    Esc(clock)
                )
            }
            None => sentence,
        }
    }

    fn tenant_line(&self, host: &HostResult) -> String {
        match &host.tenant {
            Some(tenant) => format!("<span class=\"tenant\">{}</span>", self.cut(tenant, NAME)),
            None => String::new(),
        }
    }

    fn seen_cell(&self, host: &HostResult) -> String {
        match &host.window {
            Some(span) => {
                let (from, to) = (
                    self.view.lang.stamp(&span.from).0,
                    self.view.lang.stamp(&span.to).0,
                );
                format!("{}<br/> → {}", self.short(&from, 40), self.short(&to, 40))
            }
            None => format!("<span class=\"wrap\">{}</span>", Esc(self.view.no_window(host))),
        }
    }

    /// Where somebody got in: when, and how far, in the words of the attack chain.
    fn in_short(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        let told: Vec<(&HostResult, &Storyline)> = self
            .view
            .hosts
            .iter()
            .filter(|host| host.verdict >= Verdict::Suspected)
            .filter_map(|host| Some((*host, worst_story(host)?)))
            .collect();
        if told.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<section aria-labelledby=\"short\"><h2 id=\"short\">{}</h2>\n<ul class=\"plain short\">",
            Esc(t.head_storylines)
        )?;
        for (host, story) in told.iter().take(MAX_NAMES) {
            let stages: Vec<String> = story.stages.iter().map(|id| self.view.stage(id)).collect();
            let onward = if story.hosts.is_empty() {
                String::new()
            } else {
                let said = fill(t.and_hosts, &[("hosts", &story.hosts.join(", "))]);
                format!(". {}", self.cut(&said, NAME))
            };
            writeln!(
                out,
                "<li><strong class=\"v-{}\">{}</strong>, {}{}{}{onward}.</li>",
                host.verdict.id(),
                self.short(&self.view.short_name(host), 80),
                self.cut(&self.between(&story.from, &story.to), NAME),
                Esc(t.colon),
                self.cut(&stages.join(" → "), SENTENCE),
            )?;
        }
        self.more_servers(out, told.len())?;
        writeln!(out, "</ul></section>")
    }

    fn more_servers(&self, out: &mut dyn Write, all: usize) -> io::Result<()> {
        let hidden = all.saturating_sub(MAX_NAMES) as u64;
        if hidden == 0 {
            return Ok(());
        }
        let said = self.view.lang.plural(hidden, self.view.t.n_more_servers);
        writeln!(out, "<li class=\"muted\">{}</li>", Esc(said))
    }

    fn next_steps(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        writeln!(
            out,
            "<section aria-labelledby=\"next\"><h2 id=\"next\">{}</h2>\n<ol class=\"next\">",
            Esc(t.head_next)
        )?;
        for (verdict, n) in self.view.tally().into_iter().filter(|(_, n)| *n > 0) {
            let mut names: Vec<String> = self
                .view
                .hosts
                .iter()
                .filter(|host| host.verdict == verdict)
                .take(MAX_NAMES)
                .map(|host| self.short(&self.view.short_name(host), 60))
                .collect();
            let hidden = n.saturating_sub(names.len() as u64);
            if hidden > 0 {
                names.push(Esc(self.view.lang.plural(hidden, t.n_others)).to_string());
            }
            writeln!(
                out,
                "<li>{} <span class=\"names\">{}</span><p>{}</p></li>",
                self.badge(verdict),
                names.join(", "),
                Esc(self.view.next(verdict))
            )?;
        }
        writeln!(out, "</ol></section>")
    }

    /// What could not be seen anywhere: machines nobody can judge first.
    fn unseen_overall(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        writeln!(
            out,
            "<section aria-labelledby=\"unseen\"><h2 id=\"unseen\">{}</h2>",
            Esc(t.head_unseen)
        )?;
        let stats = &self.view.result.stats;
        let mut lines: Vec<String> = Vec::new();
        if stats.interrupted {
            lines.push(format!("<strong>{}</strong>", Esc(t.interrupted)));
        }
        let unknown_first = self
            .view
            .hosts
            .iter()
            .filter(|host| host.verdict == Verdict::Unknown);
        let then = self
            .view
            .hosts
            .iter()
            .filter(|host| host.verdict != Verdict::Unknown);
        for host in unknown_first.chain(then) {
            lines.extend(self.unseen_line(host));
        }
        let hidden = lines.len().saturating_sub(MAX_UNSEEN) as u64;
        lines.truncate(MAX_UNSEEN);
        if hidden > 0 {
            lines.push(Esc(self.view.lang.plural(hidden, t.n_more_servers)).to_string());
        }
        let skipped = self.view.skipped(None);
        for reason in skipped.iter().take(MAX_NOTES) {
            let place = self.view.lang.plural(reason.files, t.in_n_files);
            lines.push(format!("{} ({})", self.cut(&reason.why, NAME), Esc(place)));
        }
        if skipped.len() > MAX_NOTES || (skipped.is_empty() && stats.skipped > 0) {
            lines.push(format!("<a href=\"#skipped\">{}</a>", Esc(t.see_skipped)));
        }
        for warning in self.view.result.warnings.iter().take(MAX_NOTES) {
            lines.push(self.cut(&self.view.lang.message(warning), SENTENCE));
        }
        if self.view.result.warnings.len() > MAX_NOTES {
            lines.push(format!("<a href=\"#warnings\">{}</a>", Esc(t.see_warnings)));
        }
        if lines.is_empty() {
            let measured = |host: &&HostResult| host.coverage.iter().any(|coverage| coverage.required);
            let said = if self.view.hosts.is_empty() {
                t.unseen_all
            } else if self.view.hosts.iter().all(measured) {
                t.unseen_nothing
            } else {
                t.unseen_unmeasured
            };
            return writeln!(out, "<p>{}</p></section>", Esc(said));
        }
        writeln!(out, "<ul class=\"plain\">")?;
        for line in lines {
            writeln!(out, "<li>{line}</li>")?;
        }
        writeln!(out, "</ul></section>")
    }

    /// One machine's needed logs that do not cover the window.
    fn unseen_line(&self, host: &HostResult) -> Option<String> {
        let t = self.view.t;
        let needed = || {
            host.coverage
                .iter()
                .filter(|coverage| coverage.required && (is_missing(coverage) || !coverage.gaps.is_empty()))
        };
        let all_missing = needed().all(is_missing);
        let short: Vec<String> = needed()
            .map(|coverage| {
                let title = self.view.text(&coverage.title);
                if all_missing {
                    return title;
                }
                format!("{title} {}", self.view.covered(coverage))
            })
            .collect();
        if short.is_empty() && host.verdict != Verdict::Unknown {
            return None;
        }
        let said = if short.is_empty() {
            self.view.main_reason(host).1
        } else {
            let label = if all_missing {
                t.unseen_missing
            } else {
                t.unseen_partly
            };
            fill(label, &[("logs", &short.join(", "))])
        };
        let unknown = if host.verdict == Verdict::Unknown {
            icons::verdict(host.verdict)
        } else {
            String::new()
        };
        Some(format!(
            "<strong class=\"v-{}\">{unknown}{}</strong>{}{}",
            host.verdict.id(),
            self.short(&self.view.short_name(host), 80),
            Esc(t.colon),
            self.cut(&said, SENTENCE)
        ))
    }

    /// What this answer was made from.
    fn facts(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.view.t;
        let stats = &self.view.result.stats;
        let mut facts = vec![
            (t.label_packs, self.view.packs().join("; ")),
            (t.label_window, self.windows().join("; ")),
            (t.label_evidence, self.view.evidence()),
            (t.label_rules, self.view.rules()),
        ];
        if stats.skipped > 0 {
            facts.push((t.label_skipped, self.view.lang.number(stats.skipped)));
        }
        writeln!(out, "<h2>{}</h2>\n<dl class=\"facts\">", Esc(t.head_basis))?;
        for (label, value) in facts {
            writeln!(
                out,
                "<div><dt>{}</dt><dd>{}</dd></div>",
                Esc(label),
                self.cut(&value, SENTENCE)
            )?;
        }
        writeln!(
            out,
            "<div class=\"wide\"><dt>{}</dt><dd><code>{}</code></dd></div></dl>",
            Esc(t.label_fingerprint_long),
            self.cut(&self.view.result.manifest_sha256, NAME)
        )
    }
}

/// The storyline that says most about an intrusion, if something worked.
fn worst_story(host: &HostResult) -> Option<&Storyline> {
    host.storylines
        .iter()
        .filter(|story| story.outcome >= Outcome::Success)
        .max_by_key(|story| (story.severity, story.stages.len(), story.findings.len()))
}
