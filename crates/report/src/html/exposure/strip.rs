//! One server along time: how it stood, what ran, and when it could be attacked.

use std::io::{self, Write};

use vigie_event::Timestamp;
use vigie_exposure::result::ServerExposure;

use super::{NAME, Page, SENTENCE};
use crate::html::axis::Axis;
use crate::html::short;
use crate::i18n::fill;
use crate::text::Esc;

const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 150.0;
const PLOT: f64 = 838.0;
const TOP: f64 = 24.0;
const LANE: f64 = 30.0;
const BAND: f64 = 18.0;
/// Width of a character of a label, about.
const CHARACTER: f64 = 7.0;
/// Changes drawn of one server.
const CHANGES: usize = 40;

impl Page<'_> {
    pub(super) fn strip(&self, out: &mut dyn Write, rank: usize, server: &ServerExposure) -> io::Result<()> {
        let t = self.t;
        let to = self.result.as_of;
        let begun = self.result.pack.exploited_from;
        let from = server.window.map_or(begun, |window| window.from.min(begun));
        if from >= to {
            return Ok(());
        }
        let axis = Axis::new(from - (to - from) / 40, to, LEFT, PLOT);
        let bottom = TOP + 3.0 * LANE;
        writeln!(
            out,
            "<h3>{}</h3>\n<figure class=\"chart\" tabindex=\"0\"><svg viewBox=\"0 0 {WIDTH} {bottom:.0}\" role=\"img\" \
             aria-labelledby=\"c{rank} d{rank}\"><title id=\"c{rank}\">{}</title><desc id=\"d{rank}\">{}</desc>",
            Esc(t.head_window),
            Esc(t.head_window),
            self.cut(&self.strip_words(server), 2_000)
        )?;
        for tick in axis.ticks(self.lang, 7) {
            let label = tick.day.unwrap_or(tick.label);
            writeln!(
                out,
                "<path class=\"grid\" d=\"M{0:.1} {1:.1}V{bottom:.1}\"/><text class=\"tick\" x=\"{0:.1}\" y=\"14\">{2}</text>",
                tick.x,
                TOP - 5.0,
                Esc(label)
            )?;
        }
        self.standing(out, &axis, server)?;
        self.builds(out, &axis, server)?;
        self.window(out, &axis, server)?;
        writeln!(
            out,
            "</svg>\n<figcaption><span>{}</span></figcaption></figure>",
            Esc(self.window_words(server))
        )
    }

    fn lane(&self, out: &mut dyn Write, number: f64, label: &str) -> io::Result<f64> {
        let middle = TOP + LANE * number + LANE / 2.0;
        writeln!(
            out,
            "<text class=\"label\" x=\"0\" y=\"{:.1}\">{}</text>",
            middle + 5.0,
            Esc(label)
        )?;
        Ok(middle - BAND / 2.0)
    }

    /// Stretches of the worst status; before anybody looked there is a track without colour.
    fn standing(&self, out: &mut dyn Write, axis: &Axis, server: &ServerExposure) -> io::Result<()> {
        let top = self.lane(out, 0.0, self.t.lane_status)?;
        let (start, end) = (axis.x(axis.from), axis.x(axis.to));
        writeln!(
            out,
            "<rect class=\"track\" x=\"{start:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAND}\"/>",
            end - start
        )?;
        let skipped = server.history.len().saturating_sub(CHANGES);
        let changes = &server.history[skipped..];
        for (index, one) in changes.iter().enumerate() {
            let from = one.from.map_or(start, |from| axis.x(from));
            let until = changes.get(index + 1).and_then(|next| next.from);
            let to = until.map_or(end, |until| axis.x(until));
            let width = (to - from).max(1.5);
            let word = self.status_word(one.status);
            let said = format!("{word}, {}", self.moment(one.from));
            writeln!(
                out,
                "<rect class=\"area e-{0}\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAND}\">\
                 <title>{1}</title></rect>",
                one.status.id(),
                short(&said, NAME)
            )?;
            if width > word.chars().count() as f64 * CHARACTER + 12.0 {
                writeln!(
                    out,
                    "<text class=\"on e-{}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                    one.status.id(),
                    from + 6.0,
                    top + BAND - 5.0,
                    Esc(word)
                )?;
            }
        }
        Ok(())
    }

    /// A mark where each build was first seen, with its number where there is room.
    fn builds(&self, out: &mut dyn Write, axis: &Axis, server: &ServerExposure) -> io::Result<()> {
        let top = self.lane(out, 1.0, self.t.lane_build)?;
        let skipped = server.builds.len().saturating_sub(CHANGES);
        let builds = &server.builds[skipped..];
        let mut taken = axis.x(axis.from);
        for (index, build) in builds.iter().enumerate() {
            let x = build.from.map_or(axis.x(axis.from), |from| axis.x(from));
            let value = build.value.as_deref().unwrap_or(self.t.build_torn);
            let said = format!(
                "{value} ({}, {}), {}",
                build.source,
                build.origin,
                self.moment(build.from)
            );
            writeln!(
                out,
                "<path class=\"mark-at\" d=\"M{x:.1} {top:.1}v{BAND}\"><title>{}</title></path>",
                short(&said, NAME)
            )?;
            let next = builds.get(index + 1).and_then(|next| next.from);
            let room = next.map_or(axis.x(axis.to), |next| axis.x(next)) - x;
            let needed = value.chars().count() as f64 * CHARACTER + 10.0;
            // After its mark; the last one before it, where there is more room.
            let (at, anchor) = if room >= needed {
                (x + 5.0, "")
            } else if index + 1 == builds.len() && x - taken >= needed {
                (x - 5.0, " end")
            } else {
                taken = x;
                continue;
            };
            taken = if anchor.is_empty() { x + needed } else { x };
            writeln!(
                out,
                "<text class=\"tick start{anchor}\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
                top + BAND - 4.0,
                short(value, 40)
            )?;
        }
        Ok(())
    }

    /// When it could be attacked: surely, and perhaps.
    fn window(&self, out: &mut dyn Write, axis: &Axis, server: &ServerExposure) -> io::Result<()> {
        let top = self.lane(out, 2.0, self.t.lane_window)?;
        let Some(window) = server.window else {
            return Ok(());
        };
        let end = window.to.unwrap_or(axis.to);
        let sure = window.to_earliest.filter(|_| window.to.is_some()).unwrap_or(end);
        let (from, sure, end) = (axis.x(window.from), axis.x(sure), axis.x(end));
        writeln!(
            out,
            "<rect class=\"area e-vulnerable\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAND}\"><title>{}</title></rect>",
            (sure - from).max(1.5),
            self.cut(&self.window_words(server), SENTENCE)
        )?;
        if end > sure {
            writeln!(
                out,
                "<rect class=\"gap\" fill=\"url(#gap)\" x=\"{sure:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAND}\"/>",
                end - sure
            )?;
        }
        Ok(())
    }

    /// `From 3 January 2021 to 5 March 2021; it may have been over from 2 March 2021 on.`
    pub(super) fn window_words(&self, server: &ServerExposure) -> String {
        let t = self.t;
        let Some(window) = server.window else {
            return t.window_none.to_owned();
        };
        let from = self.day(Some(window.from));
        match window.to {
            None => fill(t.window_still, &[("from", &from)]),
            Some(to) => {
                let mut said = fill(
                    t.window_from_to,
                    &[("from", &from), ("to", &self.moment(Some(to)))],
                );
                if let Some(earliest) = window.to_earliest.filter(|earliest| *earliest < to) {
                    said += &fill(t.window_earliest, &[("time", &self.moment(Some(earliest)))]);
                }
                said + "."
            }
        }
    }

    /// The whole drawing in words.
    fn strip_words(&self, server: &ServerExposure) -> String {
        let each = |(from, word): (Option<Timestamp>, &str)| format!("{word} ({})", self.moment(from));
        let standing = server.history.iter().take(CHANGES);
        let standing: Vec<String> = standing
            .map(|one| each((one.from, self.status_word(one.status))))
            .collect();
        let builds = server.builds.iter().take(CHANGES);
        let builds: Vec<String> = builds
            .map(|build| each((build.from, build.value.as_deref().unwrap_or(self.t.build_torn))))
            .collect();
        let colon = self.t.colon;
        let mut said = format!("{}{colon}{}. ", self.t.lane_status, standing.join(", "));
        if !builds.is_empty() {
            said += &format!("{}{colon}{}. ", self.t.lane_build, builds.join(", "));
        }
        said + &self.window_words(server)
    }
}

#[cfg(test)]
mod tests {
    use vigie_exposure::Status;

    #[test]
    fn every_status_has_a_class() {
        let style = include_str!("style.css");
        for status in Status::ALL {
            assert!(style.contains(&format!(".e-{} ", status.id())), "{status}");
        }
    }
}
