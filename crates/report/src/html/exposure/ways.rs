//! The ways out: step by step, each once for all servers that take it.

use std::io::{self, Write};
use std::sync::Arc;

use vigie_exposure::result::ServerExposure;
use vigie_exposure::{Said, Step};

use super::{NAME, Page, SENTENCE, WAYS};
use crate::i18n::fill;
use crate::text::Esc;

impl Page<'_> {
    /// A server's way in short, with a link to it.
    pub(super) fn way_out(&self, out: &mut dyn Write, server: &ServerExposure) -> io::Result<()> {
        let t = self.t;
        writeln!(out, "<h3>{}</h3>", Esc(t.head_way))?;
        let Some((number, told)) = self.way(server) else {
            return writeln!(out, "<p>{}</p>", Esc(t.nothing_to_do));
        };
        writeln!(out, "<ol class=\"way\">")?;
        for step in server.path.iter() {
            writeln!(
                out,
                "<li>{} <span class=\"tenant\">{}</span></li>",
                self.cut(&self.said(&step.title), NAME),
                Esc(self.hours(step.p50.0))
            )?;
        }
        let name = self.say(t.way_n, &[("n", &self.lang.number(number as u64))]);
        let link = match told {
            true => format!("<a href=\"#w{number}\">{name}</a>"),
            false => name,
        };
        writeln!(
            out,
            "</ol>\n<p class=\"muted\">{}</p>",
            self.say(t.way_link, &[])
                .replace("{way}", &link)
                .replace("{times}", &self.times(&server.path))
        )
    }

    pub(super) fn ways(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        if self.ways.is_empty() {
            return Ok(());
        }
        let own = self
            .ways
            .iter()
            .flat_map(|way| way.path.iter())
            .any(|step| step.own_times);
        writeln!(
            out,
            "<section class=\"appendix\" aria-labelledby=\"ways\"><h2 id=\"ways\">{}</h2>\n<p class=\"muted\">{} {}</p>",
            Esc(t.head_ways),
            Esc(t.ways_note),
            Esc(if own { t.times_own } else { t.times_estimates })
        )?;
        for (index, way) in self.ways.iter().take(WAYS).enumerate() {
            let number = index + 1;
            let servers = self.lang.plural(way.servers.len() as u64, t.n_servers);
            writeln!(
                out,
                "<h3 id=\"w{number}\">{}{}</h3>\n<p><strong>{}</strong>{}{}. {}.</p>\n<ol class=\"steps-out\">",
                self.say(t.way_n, &[("n", &self.lang.number(number as u64))]),
                self.goal(way.path),
                Esc(servers),
                Esc(t.colon),
                self.names(&way.servers),
                self.times(way.path)
            )?;
            for step in way.path.iter() {
                self.step(out, step)?;
            }
            writeln!(out, "</ol>")?;
        }
        if self.ways.len() > WAYS {
            let hidden = self.ways.len() - WAYS;
            writeln!(
                out,
                "<p class=\"note\">{}</p>",
                Esc(self.lang.plural(hidden as u64, t.n_more_ways))
            )?;
        }
        writeln!(out, "</section>")
    }

    /// `: install Exchange Server 2016 CU23 Nov22SU`, the last thing that is installed; else the first step.
    fn goal(&self, path: &[Arc<Step>]) -> String {
        let installs = |step: &&Arc<Step>| {
            matches!(
                step.step.as_str(),
                "cumulative_update" | "rollup" | "security_update" | "retire"
            )
        };
        let step = path.iter().rev().find(installs).or(path.first());
        let title = step.map(|step| self.said(&step.title)).unwrap_or_default();
        format!(
            "{}{}",
            Esc(self.t.colon),
            self.cut(&super::first::lower_first(&title), NAME)
        )
    }

    fn step(&self, out: &mut dyn Write, step: &Step) -> io::Result<()> {
        let t = self.t;
        writeln!(
            out,
            "<li><details class=\"proof\"><summary><b>{}</b> <span class=\"tenant\">{}</span></summary>\n<p>{}</p>\n<dl class=\"facts\">",
            self.cut(&self.said(&step.title), NAME),
            self.say(
                t.p50_p90,
                &[("p50", &self.hours(step.p50.0)), ("p90", &self.hours(step.p90.0))]
            ),
            self.cut(&self.said(&step.why), SENTENCE)
        )?;
        let list = |all: &[Said]| {
            let items: Vec<String> = all
                .iter()
                .map(|said| format!("<li>{}</li>", self.cut(&self.said(said), SENTENCE)))
                .collect();
            format!("<ul class=\"plain\">{}</ul>", items.concat())
        };
        let mut fact =
            |label: &str, value: String| writeln!(out, "<div><dt>{}</dt><dd>{value}</dd></div>", Esc(label));
        if !step.requires.is_empty() {
            fact(t.label_requires, list(&step.requires))?;
        }
        if !step.commands.is_empty() {
            let lines: Vec<String> = step
                .commands
                .iter()
                .map(|command| format!("<code>{}</code>", self.cut(command, SENTENCE)))
                .collect();
            fact(
                t.label_commands,
                format!("<span class=\"commands\">{}</span>", lines.concat()),
            )?;
        }
        fact(
            t.label_gate,
            format!("<b>{}</b>", self.cut(&self.said(&step.gate), SENTENCE)),
        )?;
        if !step.stop_conditions.is_empty() {
            fact(t.label_stop, list(&step.stop_conditions))?;
        }
        fact(t.label_rollback, self.cut(&self.said(&step.rollback), SENTENCE))?;
        fact(t.label_rights, self.cut(&self.said(&step.rights), SENTENCE))?;
        writeln!(out, "</dl></details></li>")
    }

    /// How long a path takes: the sums of both figures, escaped.
    pub(super) fn times(&self, path: &[Arc<Step>]) -> String {
        let sum = |of: fn(&Step) -> u32| path.iter().map(|step| of(step)).sum();
        let (p50, p90): (u32, u32) = (sum(|step| step.p50.0), sum(|step| step.p90.0));
        let steps = self.lang.plural(path.len() as u64, self.t.n_steps);
        let said = fill(
            self.t.way_times,
            &[
                ("steps", &steps),
                ("p50", &self.hours(p50)),
                ("p90", &self.hours(p90)),
            ],
        );
        Esc(said).to_string()
    }

    /// `20 min`, `4 h`, `1.5 h`.
    fn hours(&self, minutes: u32) -> String {
        if minutes < 60 {
            return format!("{minutes}\u{a0}min");
        }
        let text = match minutes % 60 {
            0 => self.lang.number(u64::from(minutes / 60)),
            _ => self.lang.decimal(f64::from(minutes) / 60.0),
        };
        format!("{text}\u{a0}h")
    }
}
