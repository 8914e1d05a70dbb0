//! What the evidence covers of each log source over the threat window.

use std::io::{self, Write};

use vigie_event::parse_utc;
use vigie_hunt::{Coverage, HostResult};

use super::axis::Axis;
use super::{NAME, Page};
use crate::i18n::fill;
use crate::text::Esc;
use crate::view::is_missing;

const WIDTH: f64 = 1_000.0;
const TOP: f64 = 24.0;
const ROW: f64 = 26.0;
const BAND: f64 = 14.0;
/// Characters of a source's label.
const LABEL: usize = 36;
/// Intervals and gaps drawn per source.
const MAX_BANDS: usize = 400;

impl Page<'_> {
    pub(super) fn coverage(&self, out: &mut dyn Write, number: usize, host: &HostResult) -> io::Result<()> {
        let t = self.view.t;
        if host.coverage.is_empty() {
            return Ok(());
        }
        let axis = self.window_axis(std::iter::empty());
        let bottom = TOP + ROW * host.coverage.len() as f64;
        writeln!(
            out,
            "<h3>{}</h3>\n<figure class=\"chart\" tabindex=\"0\"><svg viewBox=\"0 0 {WIDTH} {:.1}\" role=\"img\" \
             aria-labelledby=\"k{number} l{number}\"><title id=\"k{number}\">{}</title><desc id=\"l{number}\">{}</desc>",
            Esc(t.head_coverage),
            bottom + 4.0,
            Esc(t.head_coverage),
            self.coverage_desc(host)
        )?;
        for tick in axis.ticks(self.view.lang, 7) {
            let label = tick.day.unwrap_or(tick.label);
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{0:.1} {1:.1}V{bottom:.1}\"/><text class=\"tick\" x=\"{0:.1}\" y=\"14\">{2}</text>",
                tick.x,
                TOP - 5.0,
                Esc(label)
            )?;
        }
        for (index, coverage) in host.coverage.iter().enumerate() {
            self.source(out, coverage, &axis, TOP + ROW * index as f64)?;
        }
        writeln!(
            out,
            "</svg>\n<figcaption><span class=\"key\"><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\"><rect class=\"covered\" width=\"26\" height=\"12\"/></svg>{}</span> \
             <span class=\"key\"><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\"><rect class=\"gap\" fill=\"url(#gap)\" width=\"26\" height=\"12\"/></svg>{}</span> \
             <span>{}</span></figcaption></figure>",
            Esc(t.legend_covered),
            Esc(t.legend_gap),
            Esc(t.legend_needed)
        )?;
        self.coverage_table(out, host)
    }

    fn coverage_desc(&self, host: &HostResult) -> String {
        let sources: Vec<String> = host
            .coverage
            .iter()
            .map(|coverage| {
                format!(
                    "{}{}{}",
                    self.view.text(&coverage.title),
                    self.view.t.colon,
                    self.view.covered(coverage)
                )
            })
            .collect();
        self.cut(&sources.join("; "), 4_000)
    }

    fn source(&self, out: &mut dyn Write, coverage: &Coverage, axis: &Axis, top: f64) -> io::Result<()> {
        let class = if coverage.required {
            "label needed"
        } else {
            "label"
        };
        let mark = if coverage.required { "● " } else { "" };
        let title = self.view.text(&coverage.title);
        let (start, end) = (axis.x(axis.from), axis.x(axis.to));
        let band = top + (ROW - BAND) / 2.0;
        writeln!(
            out,
            "<text class=\"{class}\" x=\"0\" y=\"{:.1}\">{mark}{}</text>\
             <rect class=\"track\" x=\"{start:.1}\" y=\"{band:.1}\" width=\"{:.1}\" height=\"{BAND}\"/>",
            top + ROW / 2.0 + 5.0,
            self.short(&title, if coverage.required { LABEL - 4 } else { LABEL }),
            end - start
        )?;
        if is_missing(coverage) && coverage.gaps.is_empty() {
            self.band(out, "gap", (start, end), band, self.view.t.log_missing)?;
        }
        // What is no log has no hours: it is there for the whole window or not at all.
        if !is_missing(coverage) && coverage.covered.is_empty() && coverage.gaps.is_empty() {
            self.band(out, "covered", (start, end), band, &self.view.covered(coverage))?;
        }
        for gap in coverage.gaps.iter().take(MAX_BANDS) {
            if let Some(ends) = ends(axis, &gap.from, &gap.to) {
                let said = format!(
                    "{} – {}",
                    self.between(&gap.from, &gap.to),
                    self.view.text(&gap.why)
                );
                self.band(out, "gap", ends, band, &said)?;
            }
        }
        for span in coverage.covered.iter().take(MAX_BANDS) {
            if let Some(ends) = ends(axis, &span.from, &span.to) {
                self.band(out, "covered", ends, band, &self.between(&span.from, &span.to))?;
            }
        }
        writeln!(
            out,
            "<text class=\"total\" x=\"{WIDTH}\" y=\"{:.1}\">{}</text>",
            top + ROW / 2.0 + 5.0,
            Esc(self.view.covered(coverage))
        )
    }

    fn band(&self, out: &mut dyn Write, class: &str, ends: (f64, f64), y: f64, said: &str) -> io::Result<()> {
        let fill = if class == "gap" { " fill=\"url(#gap)\"" } else { "" };
        writeln!(
            out,
            "<rect class=\"{class}\"{fill} x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAND}\"><title>{}</title></rect>",
            ends.0,
            (ends.1 - ends.0).max(1.0),
            self.short(said, NAME)
        )
    }

    /// The same in figures.
    fn coverage_table(&self, out: &mut dyn Write, host: &HostResult) -> io::Result<()> {
        let t = self.view.t;
        writeln!(
            out,
            "<details><summary>{}</summary>\n<table class=\"labelled\"><thead><tr>",
            Esc(t.coverage_in_figures)
        )?;
        for head in [
            t.col_source,
            t.col_needed,
            t.col_covered,
            t.col_records,
            t.col_first,
            t.col_last,
        ] {
            writeln!(out, "<th scope=\"col\">{}</th>", Esc(head))?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for coverage in &host.coverage {
            writeln!(
                out,
                "<tr><th scope=\"row\">{} <code>{}</code></th><td data-label=\"{}\">{}</td><td class=\"num\" data-label=\"{}\">{}</td>\
                 <td class=\"num\" data-label=\"{}\">{}</td><td class=\"when\" data-label=\"{}\">{}</td>\
                 <td class=\"when\" data-label=\"{}\">{}</td></tr>",
                self.cut(&self.view.text(&coverage.title), NAME),
                self.cut(&coverage.source, NAME),
                Esc(t.col_needed),
                Esc(if coverage.required { t.yes } else { t.no }),
                Esc(t.col_covered),
                Esc(self.view.covered(coverage)),
                Esc(t.col_records),
                Esc(self.view.lang.number(coverage.records)),
                Esc(t.col_first),
                self.stamp(coverage.from.as_deref()),
                Esc(t.col_last),
                self.stamp(coverage.to.as_deref())
            )?;
        }
        writeln!(out, "</tbody></table>")?;
        let events: Vec<String> = host
            .events
            .iter()
            .map(|(source, n)| format!("{source} {}", self.view.lang.number(*n)))
            .collect();
        if !events.is_empty() {
            let said = fill(t.events_by_source, &[("events", &events.join(", "))]);
            writeln!(out, "<p class=\"muted\">{}</p>", self.cut(&said, 2_000))?;
        }
        writeln!(out, "</details>")
    }
}

/// Both ends of a stretch on the axis; `None` when its times cannot be read or it lies outside.
fn ends(axis: &Axis, from: &str, to: &str) -> Option<(f64, f64)> {
    let (from, to) = (parse_utc(from)?, parse_utc(to)?);
    (from <= to && to >= axis.from && from <= axis.to).then(|| (axis.x(from), axis.x(to)))
}
