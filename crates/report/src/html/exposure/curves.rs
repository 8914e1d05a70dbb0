//! What was known over time, and how it stood.

use std::io::{self, Write};

use vigie_event::{Timestamp, format_utc};
use vigie_exposure::result::Point;

use super::Page;
use super::chart::{Chart, Series};
use crate::i18n::fill;
use crate::text::Esc;

/// Rows of the tables beside the charts.
const ROWS: usize = 13;

/// A figure of a point, and what it is called.
type Figure = (&'static str, &'static str, fn(&Point) -> usize);

impl Page<'_> {
    pub(super) fn curves(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        let points = &self.result.curve;
        writeln!(
            out,
            "<section aria-labelledby=\"curves\"><h2 id=\"curves\">{}</h2>",
            Esc(t.head_curves)
        )?;
        if points.len() < 2 || self.all().servers == 0 {
            return writeln!(out, "<p>{}</p></section>", Esc(t.no_curve));
        }
        writeln!(out, "<p class=\"muted\">{}</p>", Esc(t.curves_note))?;
        let knowledge: [Figure; 3] = [
            (t.curve_known, "k-known", |point| point.known),
            (t.curve_stale, "k-stale", |point| point.stale),
            (t.curve_unknown_build, "k-unknown", |point| point.unknown_build),
        ];
        self.curve(out, ("know", t.head_knowledge, t.knowledge_note), &knowledge)?;
        let exposure: [Figure; 5] = [
            (t.status_vulnerable, "e-vulnerable", |point| point.vulnerable),
            (t.status_unknown, "e-unknown", |point| point.unknown),
            (t.status_mitigated, "e-mitigated", |point| point.mitigated),
            (t.status_fixed, "e-fixed", |point| point.fixed),
            (t.status_not_affected, "e-not_affected", |point| {
                point.not_affected
            }),
        ];
        self.curve(out, ("stand", t.head_exposure, t.exposure_note), &exposure)?;
        writeln!(out, "</section>")
    }

    fn curve(
        &self,
        out: &mut dyn Write,
        (id, title, note): (&'static str, &str, &str),
        figures: &[Figure],
    ) -> io::Result<()> {
        let points = &self.result.curve;
        let moments: Vec<Timestamp> = points.iter().map(|point| point.at).collect();
        let series: Vec<Series> = figures
            .iter()
            .map(|(label, class, value)| Series {
                label,
                class,
                values: points.iter().map(value).collect(),
            })
            .collect();
        let (first, last) = (&points[0], &points[points.len() - 1]);
        let described = format!(
            "{} {}",
            self.in_words(first, figures),
            self.in_words(last, figures)
        );
        writeln!(
            out,
            "<h3>{}</h3>\n<p class=\"muted\">{}</p>",
            Esc(title),
            Esc(note)
        )?;
        let chart = Chart {
            id,
            title,
            described: &described,
            unit: self.t.unit_servers,
            moments: &moments,
            series: &series,
            all: self.all().servers,
        };
        chart.write(self.lang, out)?;
        self.figures(out, title, figures)
    }

    /// `On 8 March 2021, of 12 servers: known 9, stale 1, unknown 2.`
    fn in_words(&self, point: &Point, figures: &[Figure]) -> String {
        let each: Vec<String> = figures
            .iter()
            .map(|(label, _, value)| format!("{label} {}", self.lang.number(value(point) as u64)))
            .collect();
        fill(
            self.t.curve_words,
            &[
                ("day", &self.day(Some(point.at))),
                (
                    "servers",
                    &self.lang.plural(self.all().servers as u64, self.t.n_servers),
                ),
                ("each", &each.join(", ")),
            ],
        )
    }

    /// The same in figures: some moments, evenly, with the first and the last.
    fn figures(&self, out: &mut dyn Write, title: &str, figures: &[Figure]) -> io::Result<()> {
        let points = &self.result.curve;
        let shown = points.len().min(ROWS);
        let at = |row: usize| row * (points.len() - 1) / (shown - 1).max(1);
        writeln!(
            out,
            "<details class=\"proof\"><summary>{}</summary>\n<table class=\"labelled\"><thead><tr><th scope=\"col\">{}</th>",
            self.say(self.t.in_figures, &[("what", title)]),
            Esc(self.t.col_day)
        )?;
        for (label, _, _) in figures {
            write!(out, "<th scope=\"col\" class=\"num\">{}</th>", Esc(*label))?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for row in 0..shown {
            let point = &points[at(row)];
            let day = self.lang.stamp(&format_utc(point.at)).0;
            write!(out, "<tr><th scope=\"row\">{}</th>", Esc(day))?;
            for (label, _, value) in figures {
                let n = self.lang.number(value(point) as u64);
                write!(
                    out,
                    "<td class=\"num\" data-label=\"{}\">{}</td>",
                    Esc(*label),
                    Esc(n)
                )?;
            }
            writeln!(out, "</tr>")?;
        }
        writeln!(out, "</tbody></table></details>")
    }
}
