//! One server: how it stands and why, who says so and who contradicts, since when, how urgent it is, and the way out.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use vigie_exposure::result::{CveExposure, ServerExposure};
use vigie_exposure::{Answer, Said, Status, Topology};

use super::first::SHOWN;
use super::{NAME, Page, SENTENCE};
use crate::i18n::fill;
use crate::text::Esc;

/// Contradictions shown of one server.
const CONFLICTS: usize = 8;

impl Page<'_> {
    pub(super) fn server(&self, out: &mut dyn Write, rank: usize, server: &ServerExposure) -> io::Result<()> {
        let verdict = self
            .verdicts
            .of(server)
            .map(|verdict| self.verdict_badge(verdict));
        writeln!(
            out,
            "<section class=\"asset e-{}\" id=\"s{rank}\" aria-labelledby=\"n{rank}\">\n\
             <div class=\"server-head\"><h2 id=\"n{rank}\"><span class=\"no\">{}</span> {}</h2>{}{}{}</div>",
            server.status.id(),
            Esc(self.lang.number(rank as u64)),
            self.cut(&self.name(server), NAME),
            self.decision_badge(server.ssvc.decision),
            self.status_badge(server.status),
            verdict.unwrap_or_default()
        )?;
        let because = self.said(&server.ssvc.because);
        writeln!(out, "<p class=\"do\">{}.</p>", self.cut(&because, SENTENCE))?;
        writeln!(out, "<div class=\"pair\"><div>")?;
        self.statuses(out, server)?;
        writeln!(out, "</div><div>")?;
        self.facts(out, server)?;
        writeln!(out, "</div></div>")?;
        self.strip(out, rank, server)?;
        self.way_out(out, server)?;
        writeln!(out, "</section>")
    }

    /// Vulnerabilities that stand the same way for the same reason, together.
    fn statuses(&self, out: &mut dyn Write, server: &ServerExposure) -> io::Result<()> {
        let mut groups: Vec<Vec<&CveExposure>> = Vec::new();
        let mut found: HashMap<(Status, *const Said, Option<i64>), usize> = HashMap::new();
        for cve in &server.cves {
            let key = (cve.status, Arc::as_ptr(&cve.reason), cve.since);
            let number = *found.entry(key).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[number].push(cve);
        }
        let mut groups = self.alike(groups);
        groups.sort_by_key(|group| SHOWN.iter().position(|shown| *shown == group[0].status));
        writeln!(out, "<h3>{}</h3>\n<ul class=\"reasons\">", Esc(self.t.head_why))?;
        for group in groups {
            let first = group[0];
            let since = first
                .since
                .map(|since| fill(self.t.since, &[("time", &self.moment(Some(since)))]));
            let ids: Vec<&str> = group.iter().map(|cve| &*cve.cve).collect();
            writeln!(
                out,
                "<li><strong class=\"e-{}\">{}</strong>{}{}{} <span class=\"tenant\">{}</span></li>",
                first.status.id(),
                Esc(self.status_word(first.status)),
                Esc(since.unwrap_or_default()),
                Esc(self.t.colon),
                self.cut(&self.said(&first.reason), SENTENCE),
                self.cut(&ids.join(", "), SENTENCE)
            )?;
        }
        writeln!(out, "</ul>")
    }

    /// Joins groups whose sentences read the same.
    fn alike<'c>(&self, groups: Vec<Vec<&'c CveExposure>>) -> Vec<Vec<&'c CveExposure>> {
        let mut joined: Vec<Vec<&CveExposure>> = Vec::new();
        for group in groups {
            let first = group[0];
            let same = joined.iter_mut().find(|known| {
                let known = known[0];
                known.status == first.status && known.since == first.since && known.reason == first.reason
            });
            match same {
                Some(known) => known.extend(group),
                None => joined.push(group),
            }
        }
        joined
    }

    fn facts(&self, out: &mut dyn Write, server: &ServerExposure) -> io::Result<()> {
        let t = self.t;
        writeln!(out, "<h3>{}</h3>\n<dl class=\"facts\">", Esc(t.head_known))?;
        let mut fact =
            |label: &str, value: String| writeln!(out, "<div><dt>{}</dt><dd>{value}</dd></div>", Esc(label));
        fact(t.label_product, self.cut(&server.product, NAME))?;
        if let Some(fqdn) = &server.fqdn {
            fact(t.label_fqdn, self.cut(fqdn, NAME))?;
        }
        fact(t.label_build, self.build(server))?;
        fact(t.label_published, self.published(server))?;
        if let Some(topology) = server.topology {
            let word = match topology {
                Topology::OnPrem => t.topology_on_prem,
                Topology::Hybrid => t.topology_hybrid,
                Topology::HybridManagementOnly => t.topology_management,
                Topology::Online => t.topology_online,
            };
            fact(t.label_topology, Esc(word).to_string())?;
        }
        for mitigation in &server.mitigations {
            let seen = fill(
                t.said_by,
                &[
                    ("origin", &mitigation.origin),
                    ("time", &self.moment(mitigation.observed_at)),
                ],
            );
            fact(
                t.label_mitigation,
                format!(
                    "{} <span class=\"by\">{}</span>",
                    self.cut(&mitigation.id, NAME),
                    self.cut(&seen, SENTENCE)
                ),
            )?;
        }
        writeln!(out, "</dl>")
    }

    /// The build that stands, who says so, how that is known to mislead, and who says something else.
    fn build(&self, server: &ServerExposure) -> String {
        let (t, build) = (self.t, &server.build);
        let mut text = format!("<b>{}</b>", self.cut(&self.build_short(server), NAME));
        if let Some(origin) = &build.origin {
            let by = fill(
                t.said_by,
                &[("origin", origin), ("time", &self.moment(build.observed_at))],
            );
            text.push_str(&format!(" <span class=\"by\">{}</span>", self.cut(&by, SENTENCE)));
        }
        if server.stale {
            let said = match server.age_days {
                Some(days) => self.lang.plural(u64::try_from(days).unwrap_or(0), t.n_days_old),
                None => t.no_date.to_owned(),
            };
            text.push_str(&format!(" <span class=\"flag\">{}</span>", Esc(said)));
        }
        for said in build.doubt.iter().chain(&build.trap) {
            text.push_str(&format!(
                "<span class=\"by\">{}</span>",
                self.cut(&capital(&self.said(said)), SENTENCE)
            ));
        }
        let against = match build.value {
            Some(_) => t.contradicted,
            None => t.one_says,
        };
        for conflict in build.conflicts.iter().take(CONFLICTS) {
            let said = fill(
                against,
                &[
                    ("value", &format!("{} ({})", conflict.value, conflict.source)),
                    ("origin", &conflict.origin),
                    ("time", &self.moment(conflict.observed_at)),
                ],
            );
            text.push_str(&format!(
                "<span class=\"against\">{}</span>",
                self.cut(&said, SENTENCE)
            ));
        }
        text + &self.more_conflicts(build.conflicts.len())
    }

    fn published(&self, server: &ServerExposure) -> String {
        let t = self.t;
        let word = |answer: Answer| match answer {
            Answer::Yes => t.published_yes,
            Answer::No => t.published_no,
            Answer::Unknown => t.published_unknown,
        };
        let mut text = format!("<b>{}</b>", Esc(word(server.published)));
        if let Some(by) = &server.published_by {
            text.push_str(&format!(" <span class=\"by\">{}</span>", self.cut(by, SENTENCE)));
        }
        let against = match server.published {
            Answer::Unknown => t.one_says,
            Answer::Yes | Answer::No => t.contradicted,
        };
        for conflict in server.published_conflicts.iter().take(CONFLICTS) {
            let said = fill(
                against,
                &[
                    ("value", word(conflict.value)),
                    ("origin", &conflict.origin),
                    ("time", &self.moment(conflict.observed_at)),
                ],
            );
            text.push_str(&format!(
                "<span class=\"against\">{}</span>",
                self.cut(&said, SENTENCE)
            ));
        }
        text + &self.more_conflicts(server.published_conflicts.len())
    }

    fn more_conflicts(&self, all: usize) -> String {
        match all.saturating_sub(CONFLICTS) {
            0 => String::new(),
            more => format!(
                "<span class=\"by\">{}</span>",
                Esc(self.lang.plural(more as u64, self.t.n_more))
            ),
        }
    }
}

/// A sentence with a capital.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
