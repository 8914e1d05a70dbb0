//! One machine's section.

use std::io::{self, Write};

use vigie_hunt::{Coverage, Gap, HostResult, Verdict};

use super::{NAME, Page, SENTENCE};
use crate::i18n::fill;
use crate::text::Esc;
use crate::view::is_missing;

/// Reasons, gaps, observations and skip reasons shown per machine.
const MAX_REASONS: usize = 12;
const MAX_GAPS: usize = 40;
const MAX_OBSERVATIONS: usize = 100;
const MAX_SKIPPED: usize = 20;

impl Page<'_> {
    pub(super) fn server(&self, out: &mut dyn Write, index: usize, host: &HostResult) -> io::Result<()> {
        let number = index + 1;
        writeln!(
            out,
            "<section class=\"server\" id=\"h{number}\" aria-labelledby=\"t{number}\">"
        )?;
        self.server_head(out, number, host)?;
        self.reasons(out, host)?;
        if !host.findings.is_empty() {
            self.chain(out, host)?;
            self.timeline(out, number, host)?;
        }
        self.coverage(out, number, host)?;
        self.storylines(out, number, host)?;
        self.findings(out, number, host)?;
        self.observations(out, host)?;
        self.unseen(out, host)?;
        writeln!(out, "</section>")
    }

    fn server_head(&self, out: &mut dyn Write, number: usize, host: &HostResult) -> io::Result<()> {
        let t = self.view.t;
        writeln!(
            out,
            "<div class=\"server-head v-{}\"><h2 id=\"t{number}\">{}</h2>{}</div>",
            host.verdict.id(),
            self.cut(&self.view.name(host), NAME),
            self.badge(host.verdict)
        )?;
        let seen = match host.verdict {
            Verdict::NoEvidence => t.seen_no_evidence,
            _ => t.seen_other,
        };
        let mut line = self.say(seen, &[("window", &self.view.seen(host))]);
        line.push_str(&format!(" {}.", Esc(self.view.counts(host))));
        if let Some(source) = &host.host_source {
            let source = match source.as_str() {
                "folder name" => t.source_folder,
                "its own records" => t.source_records,
                field => field,
            };
            let named = fill(t.named_by, &[("source", source)]);
            line.push_str(&format!(" {}", self.cut(&named, NAME)));
        }
        writeln!(out, "<p class=\"muted\">{line}</p>")
    }

    fn reasons(&self, out: &mut dyn Write, host: &HostResult) -> io::Result<()> {
        let t = self.view.t;
        writeln!(out, "<h3>{}</h3>\n<ul class=\"reasons\">", Esc(t.head_reasons))?;
        if host.reasons.is_empty() {
            writeln!(out, "<li>{}</li>", Esc(t.no_reason))?;
        }
        for reason in host.reasons.iter().take(MAX_REASONS) {
            writeln!(
                out,
                "<li>{}</li>",
                self.reason(self.view.reason(reason), SENTENCE)
            )?;
        }
        self.more(out, host.reasons.len(), MAX_REASONS)?;
        writeln!(
            out,
            "</ul>\n<p class=\"do\"><strong>{}</strong> {}</p>",
            Esc(t.do_next),
            Esc(self.view.next(host.verdict))
        )
    }

    fn observations(&self, out: &mut dyn Write, host: &HostResult) -> io::Result<()> {
        if host.observations.is_empty() {
            return Ok(());
        }
        let t = self.view.t;
        writeln!(
            out,
            "<h3>{}</h3>\n<table class=\"labelled\"><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
             <th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead><tbody>",
            Esc(t.head_observations),
            Esc(t.col_kind),
            Esc(t.col_value),
            Esc(t.col_first),
            Esc(t.col_last),
            Esc(t.col_file)
        )?;
        for fact in host.observations.iter().take(MAX_OBSERVATIONS) {
            let kind = match fact.kind.as_str() {
                "exchange_build" => t.kind_exchange_build,
                "check_run" => t.kind_check_run,
                "check_result" => t.kind_check_result,
                "mitigation" => t.kind_mitigation,
                "iis_module" => t.kind_iis_module,
                other => other,
            };
            writeln!(
                out,
                "<tr><th scope=\"row\">{}</th><td class=\"free\">{}</td><td class=\"when\" data-label=\"{}\">{}</td><td class=\"when\" data-label=\"{}\">{}</td><td class=\"path\" data-label=\"{}\">{}</td></tr>",
                self.cut(kind, NAME),
                self.cut(&fact.value, SENTENCE),
                Esc(t.col_first),
                self.stamp(fact.from.as_deref()),
                Esc(t.col_last),
                self.stamp(fact.to.as_deref()),
                Esc(t.col_file),
                self.cut(&fact.path, NAME)
            )?;
        }
        writeln!(out, "</tbody></table>")?;
        self.more_after(out, host.observations.len(), MAX_OBSERVATIONS)
    }

    /// What this machine's evidence does not show.
    fn unseen(&self, out: &mut dyn Write, host: &HostResult) -> io::Result<()> {
        let t = self.view.t;
        let mut lines: Vec<String> = Vec::new();
        let missing = host.coverage.iter().filter(|coverage| is_missing(coverage));
        let (needed, other): (Vec<&Coverage>, Vec<&Coverage>) =
            missing.partition(|coverage| coverage.required);
        for (sources, label) in [(needed, t.missing_needed), (other, t.missing_other)] {
            if !sources.is_empty() {
                let names: Vec<String> = sources
                    .iter()
                    .map(|coverage| self.view.text(&coverage.title))
                    .collect();
                lines.push(self.cut(&fill(label, &[("logs", &names.join(", "))]), SENTENCE));
            }
        }
        let gaps: Vec<(&Coverage, &Gap)> = host
            .coverage
            .iter()
            .filter(|coverage| !is_missing(coverage))
            .flat_map(|coverage| coverage.gaps.iter().map(move |gap| (coverage, gap)))
            .collect();
        lines.extend(
            gaps.iter()
                .take(MAX_GAPS)
                .map(|(coverage, gap)| self.gap(coverage, gap)),
        );
        if gaps.len() > MAX_GAPS {
            let hidden = (gaps.len() - MAX_GAPS) as u64;
            lines.push(Esc(self.view.lang.plural(hidden, t.n_more)).to_string());
        }
        lines.extend(self.skipped_of(host));
        writeln!(out, "<h3>{}</h3>", Esc(t.head_unseen))?;
        if lines.is_empty() {
            let said = if host.coverage.is_empty() {
                t.unseen_unmeasured
            } else {
                t.unseen_none_here
            };
            return writeln!(out, "<p>{}</p>", Esc(said));
        }
        writeln!(out, "<ul class=\"plain\">")?;
        for line in lines {
            writeln!(out, "<li>{line}</li>")?;
        }
        writeln!(out, "</ul>")
    }

    /// `IIS access logs: 2 Feb 2021 00:00:00 → 9 Feb 2021 06:00:00 UTC, no record for 7 days`.
    fn gap(&self, coverage: &Coverage, gap: &Gap) -> String {
        let t = self.view.t;
        let kind = match gap.kind.as_str() {
            "before_first_record" => t.gap_before,
            "inside" => t.gap_inside,
            "after_last_record" => t.gap_after,
            other => other,
        };
        format!(
            "<strong>{}</strong>{}{}, {} ({})",
            self.cut(&self.view.text(&coverage.title), NAME),
            Esc(t.colon),
            self.cut(&self.between(&gap.from, &gap.to), NAME),
            self.cut(kind, NAME),
            self.cut(&self.view.text(&gap.why), SENTENCE)
        )
    }

    /// What was skipped in this machine's files. Files carry the machine's name only: where two tenants use one name,
    /// the list of all evidence tells, not this section.
    fn skipped_of(&self, host: &HostResult) -> Vec<String> {
        let namesakes = self
            .view
            .hosts
            .iter()
            .filter(|other| other.host == host.host)
            .count();
        if namesakes > 1 {
            return vec![format!(
                "<a href=\"#skipped\">{}</a>",
                Esc(self.view.t.see_skipped)
            )]
            .into_iter()
            .filter(|_| self.view.result.stats.skipped > 0)
            .collect();
        }
        let skipped = self.view.skipped(Some(&host.host));
        let lines = skipped.iter().take(MAX_SKIPPED).map(|reason| {
            let place = self.view.skipped_where(reason);
            format!(
                "{}{}{}",
                self.cut(&reason.why, NAME),
                Esc(self.view.t.colon),
                self.cut(&place, SENTENCE)
            )
        });
        lines.collect()
    }

    /// `2 Feb 2021 00:00:00 → 9 Feb 2021 06:00:00 UTC`; an end of the same day is given by its time alone.
    pub(super) fn between(&self, from: &str, to: &str) -> String {
        let (from_date, from_clock) = self.view.lang.stamp(from);
        let (to_date, to_clock) = self.view.lang.stamp(to);
        if (&from_date, &from_clock) == (&to_date, &to_clock) {
            return format!("{from_date} {from_clock} UTC");
        }
        let day = if from_date == to_date {
            String::new()
        } else {
            format!("{to_date} ")
        };
        format!("{from_date} {from_clock} → {day}{to_clock} UTC")
    }

    /// A list item that says how many were left out.
    pub(super) fn more(&self, out: &mut dyn Write, all: usize, shown: usize) -> io::Result<()> {
        if all <= shown {
            return Ok(());
        }
        let more = self.view.lang.plural((all - shown) as u64, self.view.t.n_more);
        writeln!(out, "<li class=\"muted\">{}</li>", Esc(more))
    }

    /// A paragraph that says how many were left out of the table above.
    pub(super) fn more_after(&self, out: &mut dyn Write, all: usize, shown: usize) -> io::Result<()> {
        if all <= shown {
            return Ok(());
        }
        let more = self.view.lang.plural((all - shown) as u64, self.view.t.n_more);
        writeln!(out, "<p class=\"muted\">{}</p>", Esc(more))
    }
}
