//! A chart of how many servers stood how over time: areas on top of each other, stepped, because nothing is known
//! between two points.

use std::fmt::Write as _;
use std::io::{self, Write};

use vigie_event::Timestamp;

use crate::html::axis::Axis;
use crate::lang::Lang;
use crate::text::Esc;

/// The drawing's measures, in its own units.
const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 58.0;
const PLOT: f64 = 742.0;
const TOP: f64 = 30.0;
const TALL: f64 = 216.0;
/// Between two labels on the right.
const LINE: f64 = 17.0;

/// One of the areas, from the ground up.
pub(super) struct Series {
    /// What it is called.
    pub(super) label: &'static str,
    /// Its name in the style sheet and among the patterns.
    pub(super) class: &'static str,
    /// A value per moment.
    pub(super) values: Vec<usize>,
}

/// What is drawn.
pub(super) struct Chart<'a> {
    /// For identifiers.
    pub(super) id: &'static str,
    pub(super) title: &'a str,
    /// The chart in words.
    pub(super) described: &'a str,
    /// What is counted.
    pub(super) unit: &'a str,
    /// The moments, oldest first; at least two.
    pub(super) moments: &'a [Timestamp],
    pub(super) series: &'a [Series],
    /// All servers: the top of the chart.
    pub(super) all: usize,
}

impl Chart<'_> {
    pub(super) fn write(&self, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
        let (Some(first), Some(last)) = (self.moments.first(), self.moments.last()) else {
            return Ok(());
        };
        let axis = Axis::new(*first, *last, LEFT, PLOT);
        let bottom = TOP + TALL;
        let id = self.id;
        writeln!(
            out,
            "<figure class=\"chart\" tabindex=\"0\"><svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" \
             aria-labelledby=\"c{id} d{id}\"><title id=\"c{id}\">{}</title><desc id=\"d{id}\">{}</desc>",
            bottom + 26.0,
            Esc(self.title),
            Esc(self.described)
        )?;
        self.ground(lang, &axis, out)?;
        let mut below = vec![0; self.moments.len()];
        for series in self.series {
            let top: Vec<usize> = below.iter().zip(&series.values).map(|(low, n)| low + n).collect();
            if series.values.iter().any(|n| *n > 0) {
                let shape = self.area(&axis, &below, &top);
                writeln!(out, "<path class=\"area {}\" d=\"{shape}\"/>", series.class)?;
                if let Some(pattern) = pattern(series.class) {
                    writeln!(out, "<path fill=\"url(#{pattern})\" d=\"{shape}\"/>")?;
                }
            }
            below = top;
        }
        self.labels(lang, out)?;
        writeln!(out, "</svg>\n<figcaption>{}</figcaption></figure>", self.legend())
    }

    fn y(&self, n: usize) -> f64 {
        TOP + TALL * (1.0 - n as f64 / self.all.max(1) as f64)
    }

    /// Both axes with their units, behind the areas.
    fn ground(&self, lang: Lang, axis: &Axis, out: &mut dyn Write) -> io::Result<()> {
        let (bottom, right) = (TOP + TALL, LEFT + PLOT);
        writeln!(
            out,
            "<text class=\"axis\" x=\"0\" y=\"14\">{}</text>",
            Esc(self.unit)
        )?;
        for n in ticks(self.all) {
            let y = self.y(n);
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/><text class=\"tick end\" x=\"{:.0}\" y=\"{:.1}\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                Esc(lang.number(n as u64))
            )?;
        }
        for tick in axis.ticks(lang, 7) {
            let label = tick.day.unwrap_or(tick.label);
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{0:.1} {bottom}v5\"/><text class=\"tick\" x=\"{0:.1}\" y=\"{1:.0}\">{2}</text>",
                tick.x,
                bottom + 20.0,
                Esc(label)
            )?;
        }
        Ok(())
    }

    /// A stepped area between two lines.
    fn area(&self, axis: &Axis, low: &[usize], high: &[usize]) -> String {
        let x = |index: usize| axis.x(self.moments[index]);
        let last = self.moments.len() - 1;
        let mut shape = format!("M{:.1} {:.1}", x(0), self.y(high[0]));
        for (index, n) in high.iter().enumerate().skip(1) {
            let _ = write!(shape, "H{:.1}V{:.1}", x(index), self.y(*n));
        }
        let _ = write!(shape, "V{:.1}", self.y(low[last]));
        for index in (1..=last).rev() {
            let _ = write!(shape, "H{:.1}V{:.1}", x(index), self.y(low[index - 1]));
        }
        let _ = write!(shape, "H{:.1}Z", x(0));
        shape
    }

    /// What each area is, and how many it is in the end, beside its right edge.
    fn labels(&self, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
        let mut below = 0;
        let mut labels = Vec::new();
        for series in self.series {
            let n = series.values.last().copied().unwrap_or_default();
            if n > 0 {
                let middle = (self.y(below) + self.y(below + n)) / 2.0;
                labels.push((middle + 4.5, series, n));
            }
            below += n;
        }
        // From the ground up; none may cover the one below it, nor leave the drawing.
        let mut limit = TOP + TALL + 6.0;
        for (y, series, n) in labels {
            let y = y.min(limit).max(12.0);
            limit = y - LINE;
            writeln!(
                out,
                "<text class=\"value {}\" x=\"{:.0}\" y=\"{y:.1}\">{} <tspan>{}</tspan></text>",
                series.class,
                LEFT + PLOT + 10.0,
                Esc(series.label),
                Esc(lang.number(n as u64))
            )?;
        }
        Ok(())
    }

    fn legend(&self) -> String {
        let key = |series: &Series| {
            let over = pattern(series.class)
                .map(|pattern| format!("<rect fill=\"url(#{pattern})\" width=\"26\" height=\"12\"/>"));
            format!(
                "<span class=\"key\"><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\"><rect class=\"area {}\" width=\"26\" \
                 height=\"12\"/>{}</svg>{}</span>",
                series.class,
                over.unwrap_or_default(),
                Esc(series.label)
            )
        };
        self.series.iter().map(key).collect::<Vec<_>>().join(" ")
    }
}

/// What lies over the colour of an area, so that colour never stands alone.
fn pattern(class: &str) -> Option<&'static str> {
    match class {
        "e-unknown" | "k-unknown" => Some("p-hatch"),
        "e-mitigated" | "k-stale" => Some("p-dots"),
        "e-not_affected" => Some("p-lines"),
        _ => None,
    }
}

/// Round numbers up to `all`, at most six, and `all` itself.
fn ticks(all: usize) -> Vec<usize> {
    let mut step = 1;
    let mut factors = [2, 5, 10].into_iter().cycle();
    let mut decade = 1;
    while all / step > 5 {
        let factor = factors.next().unwrap_or(10);
        step = decade * factor;
        if factor == 10 {
            decade *= 10;
        }
    }
    let mut ticks: Vec<usize> = (0..=all).step_by(step).collect();
    // All of them too, where its label covers no other.
    if ticks.last().is_some_and(|last| (all - last) * 10 > all) {
        ticks.push(all);
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(0), [0]);
        assert_eq!(ticks(3), [0, 1, 2, 3]);
        assert_eq!(ticks(12), [0, 5, 10, 12]);
        assert_eq!(ticks(41), [0, 10, 20, 30, 40]);
        assert_eq!(ticks(40), [0, 10, 20, 30, 40]);
        assert_eq!(ticks(10_000), [0, 2_000, 4_000, 6_000, 8_000, 10_000]);
        for all in [1, 7, 99, 101, 6_543, 123_456, 1_000_000] {
            assert!((1..=7).contains(&ticks(all).len()), "{all}");
        }
    }

    #[test]
    fn areas_lie_on_top_of_each_other_and_end_at_the_edge() {
        let day = 86_400_000_000;
        let series = [
            Series {
                label: "low",
                class: "one",
                values: vec![1, 2, 2],
            },
            Series {
                label: "high",
                class: "two",
                values: vec![3, 2, 2],
            },
        ];
        let chart = Chart {
            id: "x",
            title: "t",
            described: "d",
            unit: "servers",
            moments: &[0, day, 2 * day],
            series: &series,
            all: 4,
        };
        let mut out = Vec::new();
        chart.write(Lang::En, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("class=\"area one\" d=\"M58.0 192.0H429.0V138.0H800.0V138.0V246.0H800.0V246.0H429.0V246.0H58.0Z\""),
            "{text}"
        );
        assert!(
            text.contains("class=\"area two\" d=\"M58.0 30.0H429.0V30.0H800.0V30.0V138.0H800.0V138.0H429.0V192.0H58.0Z\""),
            "{text}"
        );
        assert_eq!(text.matches("class=\"value").count(), 2);
    }
}
