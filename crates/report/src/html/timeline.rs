//! When things happened: findings on one lane per stage, zoomed on the intrusion, above the whole threat window.

use std::collections::BTreeMap;
use std::io::{self, Write};

use vigie_event::{MICROS_PER_SECOND, Timestamp, parse_utc};
use vigie_hunt::{Finding, HostResult, Outcome};

use super::axis::Axis;
use super::{NAME, Page, icons};
use crate::i18n::fill;
use crate::text::Esc;

/// The drawing's measures, in its own units.
const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 252.0;
const PLOT: f64 = 683.0;
const TOP: f64 = 46.0;
const LANE: f64 = 30.0;
/// Findings closer than this are drawn as one mark: at first, and at most when there are too many marks.
const BIN: (f64, f64) = (13.0, 104.0);
/// Marks on the whole page, and per machine at least.
const MARKS: (usize, usize) = (20_000, 100);
/// Characters of a lane's label.
const LABEL: usize = 36;

/// Findings of one lane and outcome that fall on one place.
struct Mark<'a> {
    x: f64,
    end: f64,
    findings: u64,
    events: u64,
    first: &'a Finding,
}

/// Findings of one stage.
struct Lane<'a> {
    id: &'a str,
    marks: BTreeMap<(Outcome, i64), Mark<'a>>,
    before: u64,
    after: u64,
    total: u64,
}

impl Page<'_> {
    pub(super) fn timeline(&self, out: &mut dyn Write, number: usize, host: &HostResult) -> io::Result<()> {
        let t = self.view.t;
        writeln!(out, "<h3>{}</h3>", Esc(t.head_timeline))?;
        let timed: Vec<(Timestamp, &Finding)> = host
            .findings
            .iter()
            .filter_map(|finding| Some((parse_utc(finding.time.as_deref()?)?, finding)))
            .collect();
        let untimed = (host.findings.len() - timed.len()) as u64;
        if let Some(axis) = zoom(&timed) {
            let lanes = self.lanes(&timed, &axis);
            let whole = self.window_axis(timed.iter().map(|(time, _)| *time));
            self.figure(out, number, &timed, &axis, &whole, &lanes)?;
        }
        if untimed > 0 {
            writeln!(
                out,
                "<p class=\"muted\">{}</p>",
                Esc(self.view.lang.plural(untimed, t.n_untimed))
            )?;
        }
        Ok(())
    }

    /// The threat window, widened to hold `times`.
    pub(super) fn window_axis(&self, times: impl Iterator<Item = Timestamp>) -> Axis {
        let packs = &self.view.result.pack;
        let ends = packs
            .iter()
            .flat_map(|pack| [parse_utc(&pack.from), parse_utc(&pack.to)])
            .flatten();
        let (from, to) = ends.chain(times).fold((i64::MAX, i64::MIN), |(from, to), time| {
            (from.min(time), to.max(time))
        });
        let (from, to) = if from > to { (0, 0) } else { (from, to) };
        Axis::new(from, to, LEFT, PLOT)
    }

    /// One lane per stage that has findings, in the order of the attack chain, with a bounded number of marks.
    fn lanes<'f>(&self, timed: &[(Timestamp, &'f Finding)], axis: &Axis) -> Vec<Lane<'f>> {
        let (all, least) = MARKS;
        let most = (all / self.view.hosts.len().max(1)).max(least);
        let mut bin = BIN.0;
        loop {
            let lanes = self.lanes_of(timed, axis, bin);
            let marks: usize = lanes.iter().map(|lane| lane.marks.len()).sum();
            if marks <= most || bin >= BIN.1 {
                return lanes;
            }
            bin *= 2.0;
        }
    }

    fn lanes_of<'f>(&self, timed: &[(Timestamp, &'f Finding)], axis: &Axis, bin: f64) -> Vec<Lane<'f>> {
        let stages = self.view.result.pack.iter().flat_map(|pack| &pack.stages);
        let order: BTreeMap<&str, usize> = stages
            .enumerate()
            .map(|(at, stage)| (stage.id.as_str(), at))
            .collect();
        let mut lanes: BTreeMap<(usize, &str), Lane<'f>> = BTreeMap::new();
        for (time, finding) in timed {
            let at = order.get(finding.stage.as_str()).copied().unwrap_or(usize::MAX);
            let lane = lanes.entry((at, &finding.stage)).or_insert(Lane {
                id: &finding.stage,
                marks: BTreeMap::new(),
                before: 0,
                after: 0,
                total: 0,
            });
            lane.add(*time, finding, axis, bin);
        }
        lanes.into_values().collect()
    }

    fn figure(
        &self,
        out: &mut dyn Write,
        number: usize,
        timed: &[(Timestamp, &Finding)],
        axis: &Axis,
        whole: &Axis,
        lanes: &[Lane<'_>],
    ) -> io::Result<()> {
        let t = self.view.t;
        let bottom = TOP + LANE * lanes.len() as f64;
        let strip = bottom + 22.0;
        let height = strip + 42.0;
        writeln!(
            out,
            "<figure class=\"chart\" tabindex=\"0\"><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"c{number} d{number}\">\
             <title id=\"c{number}\">{}</title><desc id=\"d{number}\">{}</desc>",
            Esc(t.head_timeline),
            self.describe(timed, lanes)
        )?;
        self.time_axis(out, axis, bottom)?;
        for (index, lane) in lanes.iter().enumerate() {
            self.lane(out, lane, TOP + LANE * index as f64)?;
        }
        self.context(out, timed, axis, whole, bottom, strip)?;
        writeln!(out, "</svg>\n<figcaption>{}</figcaption></figure>", self.legend())
    }

    fn describe(&self, timed: &[(Timestamp, &Finding)], lanes: &[Lane<'_>]) -> String {
        let stages: Vec<String> = lanes.iter().map(|lane| self.view.stage(lane.id)).collect();
        let times = timed.iter().filter_map(|(_, finding)| finding.time.as_deref());
        let (first, last) = (
            times.clone().min().unwrap_or_default(),
            times.max().unwrap_or_default(),
        );
        let said = fill(
            self.view.t.timeline_desc,
            &[
                (
                    "findings",
                    &self.view.lang.plural(timed.len() as u64, self.view.t.n_findings),
                ),
                ("between", &self.between(first, last)),
                ("stages", &stages.join(", ")),
            ],
        );
        self.cut(&said, 2_000)
    }

    /// Ticks and their labels above the lanes, with lines through them.
    fn time_axis(&self, out: &mut dyn Write, axis: &Axis, bottom: f64) -> io::Result<()> {
        for tick in axis.ticks(self.view.lang, 7) {
            let x = tick.x;
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{x:.1} {:.1}V{bottom:.1}\"/>",
                TOP - 6.0
            )?;
            writeln!(
                out,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"34\">{}</text>",
                Esc(tick.label)
            )?;
            if let Some(day) = tick.day {
                writeln!(
                    out,
                    "<text class=\"tick day\" x=\"{x:.1}\" y=\"15\">{}</text>",
                    Esc(day)
                )?;
            }
        }
        writeln!(out, "<text class=\"axis\" x=\"0\" y=\"34\">UTC</text>")
    }

    fn lane(&self, out: &mut dyn Write, lane: &Lane<'_>, top: f64) -> io::Result<()> {
        let middle = top + LANE / 2.0;
        let title = self.view.stage(lane.id);
        writeln!(
            out,
            "<path class=\"rule\" d=\"M0 {:.1}H{WIDTH}\"/><text class=\"label\" x=\"0\" y=\"{:.1}\">{}</text>\
             <text class=\"total\" x=\"{WIDTH}\" y=\"{:.1}\">{}</text>",
            top + LANE,
            middle + 5.0,
            self.short(&title, LABEL),
            middle + 5.0,
            Esc(self.view.lang.number(lane.total))
        )?;
        for (count, x, class) in [(lane.before, LEFT, "before"), (lane.after, LEFT + PLOT, "after")] {
            if count > 0 {
                let count = self.view.lang.number(count);
                let said = if class == "before" {
                    format!("‹ {count}")
                } else {
                    format!("{count} ›")
                };
                writeln!(
                    out,
                    "<text class=\"{class}\" x=\"{x}\" y=\"{:.1}\">{}</text>",
                    middle + 5.0,
                    Esc(said)
                )?;
            }
        }
        let outcomes: Vec<Outcome> = {
            let mut all: Vec<Outcome> = lane.marks.keys().map(|(outcome, _)| *outcome).collect();
            all.dedup();
            all
        };
        for ((outcome, _), mark) in &lane.marks {
            let row = outcomes.iter().position(|other| other == outcome).unwrap_or(0) as f64;
            let shift = (row - (outcomes.len() as f64 - 1.0) / 2.0) * 6.0;
            self.mark(out, *outcome, mark, middle + shift)?;
        }
        Ok(())
    }

    fn mark(&self, out: &mut dyn Write, outcome: Outcome, mark: &Mark<'_>, y: f64) -> io::Result<()> {
        let class = icons::outcome_class(outcome);
        let size = 13.0 + ((mark.findings as f64).log10() * 3.0).clamp(0.0, 8.0);
        let when = mark
            .first
            .time
            .as_deref()
            .map(|time| self.between(time, time))
            .unwrap_or_default();
        let counts = format!(
            "{}, {}",
            self.view.lang.plural(mark.findings, self.view.t.n_findings),
            self.view.lang.plural(mark.events, self.view.t.n_events)
        );
        writeln!(
            out,
            "<g class=\"{class}\"><title>{} · {} · {} · {}</title>",
            Esc(when),
            Esc(self.view.outcome(outcome)),
            Esc(counts),
            self.short(&self.view.text(&mark.first.statement), NAME)
        )?;
        if mark.end - mark.x > 4.0 {
            writeln!(
                out,
                "<path class=\"span\" d=\"M{:.1} {y:.1}H{:.1}\"/>",
                mark.x, mark.end
            )?;
        }
        writeln!(
            out,
            "<use href=\"#{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{size:.1}\" height=\"{size:.1}\"/></g>",
            mark.x - size / 2.0,
            y - size / 2.0
        )
    }

    /// The threat window with all findings, and the part of it that is drawn above.
    fn context(
        &self,
        out: &mut dyn Write,
        timed: &[(Timestamp, &Finding)],
        axis: &Axis,
        whole: &Axis,
        bottom: f64,
        strip: f64,
    ) -> io::Result<()> {
        let (left, right) = (whole.x(axis.from), whole.x(axis.to).max(whole.x(axis.from) + 2.0));
        let (end, low) = (LEFT + PLOT, strip + 16.0);
        writeln!(
            out,
            "<path class=\"lens\" d=\"M{LEFT} {bottom:.1}H{end}L{right:.1} {strip:.1}V{low:.1}H{left:.1}V{strip:.1}z\"/>\
             <rect class=\"window\" x=\"{LEFT}\" y=\"{strip:.1}\" width=\"{PLOT}\" height=\"16\"/>\
             <text class=\"label\" x=\"0\" y=\"{:.1}\">{}</text>",
            strip + 13.0,
            self.short(self.view.t.label_window_long, LABEL)
        )?;
        let mut bins: BTreeMap<i64, Outcome> = BTreeMap::new();
        for (time, finding) in timed {
            let outcome = bins
                .entry((whole.x(*time) / 3.0) as i64)
                .or_insert(finding.outcome);
            *outcome = (*outcome).max(finding.outcome);
        }
        for (bin, outcome) in bins {
            let x = bin as f64 * 3.0;
            let class = icons::outcome_class(outcome);
            writeln!(
                out,
                "<rect class=\"dot {class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"3\" height=\"10\"/>",
                strip + 3.0
            )?;
        }
        for tick in whole.ticks(self.view.lang, 7) {
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{0:.1} {1:.1}v4\"/><text class=\"tick\" x=\"{0:.1}\" y=\"{2:.1}\">{3}</text>",
                tick.x,
                low,
                low + 18.0,
                Esc(tick.day.unwrap_or(tick.label))
            )?;
        }
        Ok(())
    }

    fn legend(&self) -> String {
        let outcomes = [
            Outcome::Scan,
            Outcome::Attempt,
            Outcome::Success,
            Outcome::PostExploitation,
        ];
        let marks: Vec<String> = outcomes
            .into_iter()
            .map(|outcome| self.outcome_mark(outcome))
            .collect();
        format!(
            "{} <span>{}</span>",
            marks.join(" "),
            Esc(self.view.t.timeline_legend)
        )
    }
}

impl<'f> Lane<'f> {
    fn add(&mut self, time: Timestamp, finding: &'f Finding, axis: &Axis, bin: f64) {
        self.total += 1;
        let end = finding
            .end_time
            .as_deref()
            .and_then(parse_utc)
            .unwrap_or(time)
            .max(time);
        if end < axis.from {
            self.before += 1;
            return;
        }
        if time > axis.to {
            self.after += 1;
            return;
        }
        let (x, end) = (axis.x(time), axis.x(end));
        let mark = self
            .marks
            .entry((finding.outcome, (x / bin) as i64))
            .or_insert(Mark {
                x,
                end,
                findings: 0,
                events: 0,
                first: finding,
            });
        mark.findings += 1;
        mark.events = mark.events.saturating_add(finding.count);
        mark.end = mark.end.max(end);
    }
}

/// The stretch worth looking at closely: that of what worked, if anything did, otherwise that of everything.
fn zoom(timed: &[(Timestamp, &Finding)]) -> Option<Axis> {
    let worked = timed
        .iter()
        .filter(|(_, finding)| finding.outcome >= Outcome::Success);
    let all = timed.iter();
    let bounds = |times: &mut dyn Iterator<Item = &(Timestamp, &Finding)>| {
        times.fold(None, |bounds: Option<(i64, i64)>, (time, finding)| {
            let end = finding.end_time.as_deref().and_then(parse_utc).unwrap_or(*time);
            let end = if finding.outcome >= Outcome::Success {
                end.max(*time)
            } else {
                *time
            };
            let (from, to) = bounds.unwrap_or((*time, end));
            Some((from.min(*time), to.max(end)))
        })
    };
    let (from, to) = bounds(&mut worked.into_iter()).or_else(|| bounds(&mut all.into_iter()))?;
    let half_hour = 1_800 * MICROS_PER_SECOND;
    let room = if from == to {
        half_hour
    } else {
        (to.saturating_sub(from) / 25).max(MICROS_PER_SECOND)
    };
    Some(Axis::new(
        from.saturating_sub(room),
        to.saturating_add(room),
        LEFT,
        PLOT,
    ))
}
