//! The first page: what to know first, how many stand how, and what comes first.

use std::io::{self, Write};

use vigie_exposure::result::{ServerExposure, Summary};
use vigie_exposure::{Answer, Status};

use super::server::capital;
use super::{NAME, Page, SENTENCE, icons};
use crate::i18n::fill;
use crate::text::Esc;

/// Servers on the first page.
const FIRST: usize = 10;
/// Names in a sentence.
const NAMES: usize = 6;
/// Tenants with a row of their own.
const TENANTS: usize = 300;
/// The statuses in the order in which they are shown, worst first.
pub(super) const SHOWN: [Status; 5] = [
    Status::Vulnerable,
    Status::Unknown,
    Status::Mitigated,
    Status::Fixed,
    Status::NotAffected,
];

pub(super) fn count(summary: &Summary, status: Status) -> usize {
    match status {
        Status::Vulnerable => summary.vulnerable,
        Status::Unknown => summary.unknown,
        Status::Mitigated => summary.mitigated,
        Status::Fixed => summary.fixed,
        Status::NotAffected => summary.not_affected,
    }
}

impl Page<'_> {
    pub(super) fn first(&self, out: &mut dyn Write) -> io::Result<()> {
        let title = self.said(&self.result.pack.title);
        writeln!(out, "<section id=\"summary\" aria-labelledby=\"title\">")?;
        writeln!(out, "<h1 id=\"title\">{}</h1>", self.cut(&title, SENTENCE))?;
        writeln!(out, "<p class=\"scope\">{}</p>", self.scope())?;
        self.answer(out)?;
        self.tally(out)?;
        self.first_servers(out)?;
        writeln!(out, "</section>")
    }

    /// How many servers of whom, and the moment it is about.
    fn scope(&self) -> String {
        let all = self.all();
        let mut parts = vec![self.lang.plural(all.servers as u64, self.t.n_servers)];
        match self.tenant {
            Some(tenant) => parts.push(tenant.to_owned()),
            None => parts.push(
                self.lang
                    .plural(self.tenant_summaries().len() as u64, self.t.n_tenants),
            ),
        }
        parts.push(fill(
            self.t.as_of,
            &[("time", &self.moment(Some(self.result.as_of)))],
        ));
        parts.push(fill(
            self.t.exploited_from,
            &[("time", &self.day(Some(self.result.pack.exploited_from)))],
        ));
        self.cut(&parts.join(" · "), SENTENCE)
    }

    /// The sum over all servers: the last entry of the summary.
    pub(super) fn all(&self) -> Summary {
        self.result.summary.last().cloned().unwrap_or_default()
    }

    fn tenant_summaries(&self) -> &[Summary] {
        let last = self.result.summary.len().saturating_sub(1);
        &self.result.summary[..last]
    }

    fn answer(&self, out: &mut dyn Write) -> io::Result<()> {
        let (tone, headline) = self.headline();
        writeln!(
            out,
            "<div class=\"answer e-{}\"><p class=\"headline\">{}</p>",
            tone.id(),
            Esc(headline)
        )?;
        let rest = self.paragraph();
        if !rest.is_empty() {
            writeln!(out, "<p>{}</p>", rest.join(" "))?;
        }
        writeln!(out, "</div>")
    }

    /// The worst that is to be said, with its denominator.
    fn headline(&self) -> (Status, String) {
        let (t, all) = (self.t, self.all());
        let say = |n: usize, forms: &str| {
            let said = self.lang.plural(n as u64, forms);
            fill(&said, &[("all", &self.lang.number(all.servers as u64))])
        };
        if all.servers == 0 {
            return (Status::Unknown, t.no_server.to_owned());
        }
        if all.vulnerable > 0 {
            let said = say(all.vulnerable, t.say_vulnerable);
            let published = self.lang.plural(all.vulnerable_published as u64, t.say_published);
            return (Status::Vulnerable, format!("{said}{published}"));
        }
        if all.unknown > 0 {
            return (Status::Unknown, say(all.unknown, t.say_unknown));
        }
        if all.mitigated > 0 {
            return (Status::Mitigated, say(all.mitigated, t.say_mitigated));
        }
        (Status::Fixed, t.say_none_open.to_owned())
    }

    /// What else must be known first, sentence by sentence, escaped.
    fn paragraph(&self) -> Vec<String> {
        let (t, all) = (self.t, self.all());
        let mut said = Vec::new();
        let mut add = |n: usize, forms: &str| {
            if n > 0 {
                said.push(Esc(self.lang.plural(n as u64, forms)).to_string());
            }
        };
        if all.vulnerable > 0 {
            add(all.unknown, t.also_unknown);
            add(all.mitigated, t.also_mitigated);
        } else if all.unknown > 0 {
            add(all.mitigated, t.also_mitigated);
        }
        add(all.stale, t.also_stale);
        add(self.result.unknown.len(), t.also_outside);
        if let Some(matrix) = &self.matrix {
            let both = matrix.updated_and_compromised();
            if !both.is_empty() {
                let names = self.names(both);
                let sentence = self.lang.plural(both.len() as u64, t.also_compromised);
                said.push(format!(
                    "<strong>{}</strong>",
                    Esc(sentence).to_string().replace("{names}", &names)
                ));
            }
        }
        if let Some(server) = self
            .result
            .servers
            .first()
            .filter(|server| !server.path.is_empty())
        {
            let step = self.said(&server.path[0].title);
            said.push(
                self.say(t.first_of_all, &[])
                    .replace("{server}", &self.short_name(server))
                    .replace("{step}", &self.cut(&lower_first(&step), NAME)),
            );
        }
        said
    }

    /// A few names, and how many more there are, escaped.
    pub(super) fn names(&self, servers: &[&ServerExposure]) -> String {
        let mut names: Vec<String> = servers
            .iter()
            .take(NAMES)
            .map(|server| self.short_name(server))
            .collect();
        let more = servers.len().saturating_sub(NAMES);
        if more > 0 {
            names.push(Esc(self.lang.plural(more as u64, self.t.n_others)).to_string());
        }
        names.join(", ")
    }

    fn tally(&self, out: &mut dyn Write) -> io::Result<()> {
        let (t, all) = (self.t, self.all());
        writeln!(out, "<ul class=\"tally\" aria-label=\"{}\">", Esc(t.tally_label))?;
        for status in SHOWN {
            let meaning = match status {
                Status::Vulnerable => t.means_vulnerable,
                Status::Unknown => t.means_unknown,
                Status::Mitigated => t.means_mitigated,
                Status::Fixed => t.means_fixed,
                Status::NotAffected => t.means_not_affected,
            };
            let n = count(&all, status);
            writeln!(
                out,
                "<li class=\"e-{} {}\"><span class=\"count\">{}{}<small>{}</small></span><strong>{}</strong>\
                 <span class=\"means\">{}</span></li>",
                status.id(),
                if n == 0 { "none" } else { "some" },
                icons::status(status),
                Esc(self.lang.number(n as u64)),
                self.say(t.of_n, &[("all", &self.lang.number(all.servers as u64))]),
                Esc(self.status_word(status)),
                Esc(meaning)
            )?;
        }
        writeln!(out, "</ul>")
    }

    fn first_servers(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        let servers = &self.result.servers;
        if servers.is_empty() {
            return Ok(());
        }
        let heading = if servers.len() > FIRST {
            t.head_first
        } else {
            t.head_all
        };
        writeln!(
            out,
            "<h2>{}</h2>\n<table class=\"servers\"><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
             <th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead><tbody>",
            Esc(heading),
            Esc(t.col_decision),
            Esc(t.col_server),
            Esc(t.col_status),
            Esc(t.col_why)
        )?;
        for (index, server) in servers.iter().take(FIRST).enumerate() {
            let verdict = self
                .verdicts
                .of(server)
                .map(|verdict| self.verdict_badge(verdict));
            writeln!(
                out,
                "<tr><td>{}</td><th scope=\"row\">{}{}</th><td>{} {}</td><td>{}</td></tr>",
                self.decision_badge(server.ssvc.decision),
                self.link(index + 1, server),
                self.tenant_line(server),
                self.status_badge(server.status),
                verdict.unwrap_or_default(),
                self.cut(&self.why(server), 320)
            )?;
        }
        writeln!(out, "</tbody></table>")?;
        if servers.len() > FIRST {
            writeln!(
                out,
                "<p class=\"muted\"><a href=\"#servers\">{}</a></p>",
                Esc(self.lang.plural((servers.len() - FIRST) as u64, t.n_more_below))
            )?;
        }
        Ok(())
    }

    pub(super) fn tenant_line(&self, server: &ServerExposure) -> String {
        match (&server.tenant, self.tenant) {
            (Some(tenant), None) => format!("<span class=\"tenant\">{}</span>", self.cut(tenant, NAME)),
            _ => String::new(),
        }
    }

    /// The reason that decides, with whether it is published where it is open.
    pub(super) fn why(&self, server: &ServerExposure) -> String {
        let deciding = server.ssvc.cve.as_deref();
        let cve = server.cves.iter().find(|cve| Some(&*cve.cve) == deciding);
        let worst = server.cves.iter().find(|cve| cve.status == server.status);
        let Some(cve) = cve.or(worst) else {
            return String::new();
        };
        let published = match (cve.status, server.published) {
            (Status::Fixed | Status::NotAffected, _) => "",
            (_, Answer::Yes) => self.t.is_published,
            (_, Answer::No) => self.t.is_not_published,
            (_, Answer::Unknown) => self.t.is_perhaps_published,
        };
        format!("{}{published}", capital(&self.said(&cve.reason)))
    }

    /// How many servers of each tenant stand how.
    pub(super) fn tenants(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        let mut tenants: Vec<&Summary> = self.tenant_summaries().iter().collect();
        if self.tenant.is_some() || tenants.len() < 2 {
            return Ok(());
        }
        // Those with most to do first.
        tenants.sort_by_key(|summary| {
            std::cmp::Reverse((summary.vulnerable_published, summary.vulnerable, summary.unknown))
        });
        writeln!(
            out,
            "<section aria-labelledby=\"tenants\"><h2 id=\"tenants\">{}</h2>\n<p class=\"muted\">{}</p>\n\
             <table class=\"labelled tenants\"><thead><tr><th scope=\"col\">{}</th>",
            Esc(t.head_tenants),
            Esc(t.tenants_note),
            Esc(t.col_tenant)
        )?;
        let heads = self.tenant_heads();
        for head in heads {
            writeln!(out, "<th scope=\"col\" class=\"num\">{}</th>", Esc(head))?;
        }
        writeln!(out, "</tr></thead><tbody>")?;
        for summary in tenants.iter().take(TENANTS) {
            let name = summary.tenant.as_deref().unwrap_or(t.no_tenant);
            self.tenant_row(out, &self.cut(name, NAME), summary)?;
        }
        if tenants.len() > TENANTS {
            let mut rest = Summary::default();
            for summary in &tenants[TENANTS..] {
                add(&mut rest, summary);
            }
            let name = self
                .lang
                .plural((tenants.len() - TENANTS) as u64, t.n_more_tenants);
            self.tenant_row(out, &Esc(name).to_string(), &rest)?;
        }
        self.tenant_row(
            out,
            &format!("<strong>{}</strong>", Esc(t.all_tenants)),
            &self.all(),
        )?;
        writeln!(out, "</tbody></table></section>")
    }

    fn tenant_heads(&self) -> [&'static str; 8] {
        let t = self.t;
        [
            t.col_servers,
            t.status_vulnerable,
            t.col_published,
            t.status_unknown,
            t.status_mitigated,
            t.status_fixed,
            t.status_not_affected,
            t.col_stale,
        ]
    }

    fn tenant_row(&self, out: &mut dyn Write, name: &str, summary: &Summary) -> io::Result<()> {
        write!(out, "<tr><th scope=\"row\">{name}</th>")?;
        let numbers = [
            (summary.servers, ""),
            (summary.vulnerable, "e-vulnerable"),
            (summary.vulnerable_published, "e-vulnerable"),
            (summary.unknown, "e-unknown"),
            (summary.mitigated, "e-mitigated"),
            (summary.fixed, "e-fixed"),
            (summary.not_affected, "e-not_affected"),
            (summary.stale, "e-unknown"),
        ];
        for ((n, class), head) in numbers.into_iter().zip(self.tenant_heads()) {
            let shown = match n {
                0 => "<span class=\"muted\">0</span>".to_owned(),
                n if class.is_empty() => Esc(self.lang.number(n as u64)).to_string(),
                n => format!("<b class=\"{class}\">{}</b>", Esc(self.lang.number(n as u64))),
            };
            write!(out, "<td class=\"num\" data-label=\"{}\">{shown}</td>", Esc(head))?;
        }
        writeln!(out, "</tr>")
    }
}

fn add(sum: &mut Summary, other: &Summary) {
    sum.servers += other.servers;
    sum.unknown += other.unknown;
    sum.vulnerable += other.vulnerable;
    sum.vulnerable_published += other.vulnerable_published;
    sum.mitigated += other.mitigated;
    sum.not_affected += other.not_affected;
    sum.fixed += other.fixed;
    sum.stale += other.stale;
}

/// A title inside a sentence: without its capital, unless it begins with a name or an abbreviation.
pub(super) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}
