//! Every server in the order of work, and every vulnerability with how many servers are open to it.

use std::io::{self, Write};

use vigie_exposure::result::ServerExposure;
use vigie_exposure::{Answer, Status};

use super::first::SHOWN;
use super::{LISTED, NAME, Page, SENTENCE};
use crate::i18n::fill;
use crate::text::Esc;

impl Page<'_> {
    pub(super) fn vulnerabilities(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        let Some(first) = self.result.servers.first() else {
            return Ok(());
        };
        writeln!(
            out,
            "<section aria-labelledby=\"cves\"><h2 id=\"cves\">{}</h2>\n<table class=\"labelled cves\"><thead><tr>\
             <th scope=\"col\">{}</th>",
            Esc(t.head_cves),
            Esc(t.col_cve)
        )?;
        for status in SHOWN {
            write!(
                out,
                "<th scope=\"col\" class=\"num\">{}</th>",
                Esc(self.status_word(status))
            )?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for (index, cve) in first.cves.iter().enumerate() {
            let mut counts = [0; SHOWN.len()];
            for server in &self.result.servers {
                let status = server.cves.get(index).map_or(server.status, |cve| cve.status);
                if let Some(at) = SHOWN.iter().position(|shown| *shown == status) {
                    counts[at] += 1;
                }
            }
            let known = self.cves.get(&*cve.cve);
            let alias = known.and_then(|cve| cve.alias.as_deref());
            let name = match alias {
                Some(alias) => format!("{} ({alias})", cve.cve),
                None => cve.cve.to_string(),
            };
            let text = |text: &vigie_pack::Text| self.lang.typeset(text.get(self.lang.code())).into_owned();
            let allows = known.map(|cve| text(&cve.allows)).unwrap_or_default();
            write!(
                out,
                "<tr><th scope=\"row\">{}<span class=\"tenant\">{}</span></th>",
                self.cut(&name, NAME),
                self.cut(&allows, SENTENCE)
            )?;
            for (n, status) in counts.into_iter().zip(SHOWN) {
                let shown = match n {
                    0 => "<span class=\"muted\">0</span>".to_owned(),
                    n => format!(
                        "<b class=\"e-{}\">{}</b>",
                        status.id(),
                        Esc(self.lang.number(n as u64))
                    ),
                };
                write!(
                    out,
                    "<td class=\"num\" data-label=\"{}\">{shown}</td>",
                    Esc(self.status_word(status))
                )?;
            }
            writeln!(out, "</tr>")?;
        }
        let servers = self.lang.plural(self.result.servers.len() as u64, t.n_servers);
        writeln!(
            out,
            "</tbody></table>\n<p class=\"muted\">{}</p></section>",
            self.say(t.cves_note, &[("servers", &servers)])
        )
    }

    /// One row a server.
    pub(super) fn list(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        let servers = &self.result.servers;
        if servers.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<section aria-labelledby=\"servers\"><h2 id=\"servers\">{}</h2>\n<p class=\"muted\">{}</p>\n\
             <table class=\"labelled order\"><thead><tr>",
            Esc(t.head_order),
            Esc(t.order_note)
        )?;
        for head in [
            t.col_rank,
            t.col_server,
            t.col_decision,
            t.col_status,
            t.col_build,
            t.col_window,
            t.col_way,
        ] {
            write!(out, "<th scope=\"col\">{}</th>", Esc(head))?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for (index, server) in servers.iter().take(LISTED).enumerate() {
            let rank = index + 1;
            let published = match server.published {
                Answer::Yes => t.published_yes,
                Answer::No => t.published_no,
                Answer::Unknown => t.published_unknown,
            };
            let stale = match server.stale {
                true => format!(" <span class=\"flag\">{}</span>", Esc(t.flag_stale)),
                false => String::new(),
            };
            let verdict = self.verdicts.of(server);
            let verdict = verdict.map(|verdict| format!(" {}", self.verdict_badge(verdict)));
            writeln!(
                out,
                "<tr><td class=\"num\" data-label=\"{}\">{}</td><th scope=\"row\">{}{}</th><td>{}</td><td>{}{}</td>\
                 <td class=\"built\" data-label=\"{}\">{}{stale}<span class=\"tenant\">{}</span></td>\
                 <td class=\"when\" data-label=\"{}\">{}</td><td class=\"wide\" data-label=\"{}\">{}</td></tr>",
                Esc(t.col_rank),
                Esc(self.lang.number(rank as u64)),
                self.link(rank, server),
                self.tenant_line(server),
                self.decision_badge(server.ssvc.decision),
                self.status_badge(server.status),
                verdict.unwrap_or_default(),
                Esc(t.col_build),
                self.cut(&self.build_short(server), NAME),
                Esc(published),
                Esc(t.col_window),
                self.window_short(server),
                Esc(t.col_way),
                self.way_short(server)
            )?;
        }
        writeln!(out, "</tbody></table>")?;
        if servers.len() > LISTED {
            let hidden = servers.len() - LISTED;
            writeln!(
                out,
                "<p class=\"note\">{}</p>",
                Esc(self.lang.plural(hidden as u64, t.n_not_listed))
            )?;
        }
        writeln!(out, "</section>")
    }

    /// `15.1.2176.2 (exsetup)`, or why there is none.
    pub(super) fn build_short(&self, server: &ServerExposure) -> String {
        match (&server.build.value, server.build.source) {
            (Some(value), Some(source)) => format!("{value} ({source})"),
            _ if !server.build.conflicts.is_empty() => self.t.build_torn.to_owned(),
            _ => self.t.build_unknown.to_owned(),
        }
    }

    /// Both ends of the window in two lines, escaped.
    fn window_short(&self, server: &ServerExposure) -> String {
        let Some(window) = server.window else {
            return format!("<span class=\"muted\">{}</span>", Esc(self.t.no_window));
        };
        let to = match window.to {
            Some(to) => self.lang.short_date(to),
            None => self.t.window_open.to_owned(),
        };
        format!("{} →<br/> {}", Esc(self.lang.short_date(window.from)), Esc(to))
    }

    fn way_short(&self, server: &ServerExposure) -> String {
        let Some((number, told)) = self.way(server) else {
            return format!("<span class=\"muted\">{}</span>", Esc(self.t.no_way));
        };
        let name = Esc(fill(self.t.way_n, &[("n", &self.lang.number(number as u64))]));
        let times = self.times(&server.path);
        match told {
            true => format!("<a href=\"#w{number}\">{name}</a> <span class=\"tenant\">{times}</span>"),
            false => format!("{name} <span class=\"tenant\">{times}</span>"),
        }
    }

    /// What is not told in full, and where it is.
    pub(super) fn left_out(&self, out: &mut dyn Write) -> io::Result<()> {
        let hidden = self.result.servers.len() - self.detailed();
        if hidden == 0 {
            return Ok(());
        }
        let open = self.result.servers[self.detailed()..]
            .iter()
            .filter(|server| matches!(server.status, Status::Vulnerable | Status::Unknown))
            .count();
        let said = self.lang.plural(hidden as u64, self.t.n_not_detailed);
        let mut said = fill(&said, &[("open", &self.lang.number(open as u64))]);
        if self.tenant.is_none() {
            said.push_str(self.t.and_client_pages);
        }
        writeln!(
            out,
            "<section id=\"left-out\"><p class=\"note\">{}</p></section>",
            Esc(said)
        )
    }
}
