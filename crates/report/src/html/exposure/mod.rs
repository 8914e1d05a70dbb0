//! The page of an assessment of exposure: who is concerned, how sure that is, what comes first and how it is done.
//!
//! Like the page of a hunt it is one file that loads nothing, and it has no script. What is long is bounded: the most
//! urgent servers are told in full, others have one row, the rest is counted, and each way out stands once for all
//! servers that share it.

mod chart;
mod closing;
mod curves;
mod first;
mod list;
mod matrix;
mod server;
mod strip;
mod ways;

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use vigie_event::{Timestamp, format_utc};
use vigie_exposure::result::{Assessment, ServerExposure};
use vigie_exposure::{Decision, Path, Said, Status};
use vigie_hunt::Verdict;
use vigie_pack::{Cve, Pack};

use self::server::capital;
use super::{NAME, cut, head, icons, short};
use crate::exposure::{HuntVerdict, Matrix, Verdicts, verdict_word};
use crate::i18n::{ExposureTexts, fill};
use crate::lang::Lang;
use crate::text::Esc;

pub(super) const STYLE: &str = concat!(include_str!("../style.css"), include_str!("style.css"));

/// Servers that are told in full.
const DETAILED: usize = 150;
/// Servers that have a row of their own.
const LISTED: usize = 2_000;
/// Ways out that are told.
const WAYS: usize = 60;
/// Characters of a sentence, and of a command.
const SENTENCE: usize = 1_200;

/// What the page is made from.
pub struct ExposurePage<'a> {
    /// The assessment.
    pub result: &'a Assessment,
    /// The pack it is about.
    pub pack: &'a Pack,
    /// What hunts said of the servers; none where no hunt was among the inventories.
    pub hunted: &'a [HuntVerdict],
    /// The tenant it is for; `None` for all. The assessment must hold no other tenant's servers then.
    pub tenant: Option<&'a str>,
}

/// Writes the page. UTF-8, all times UTC. Long lists are cut with their count said; the JSON holds everything.
///
/// # Errors
/// Only those of `out`.
pub fn exposure_html(page: &ExposurePage<'_>, lang: Lang, out: &mut dyn Write) -> io::Result<()> {
    let mut buffered = BufWriter::new(out);
    Page::new(page, lang).write(&mut buffered)?;
    buffered.flush()
}

/// A page with what is looked up again and again.
struct Page<'a> {
    lang: Lang,
    t: &'static ExposureTexts,
    result: &'a Assessment,
    tenant: Option<&'a str>,
    matrix: Option<Matrix<'a>>,
    verdicts: Verdicts,
    /// The pack's vulnerabilities, by identifier.
    cves: HashMap<&'a str, &'a Cve>,
    /// The ways out that servers of the page take, most urgent first, each with its servers.
    ways: Vec<Way<'a>>,
    /// Number of a way by the address of its steps.
    way_of: HashMap<*const Arc<vigie_exposure::Step>, usize>,
}

/// A way out, and who takes it.
struct Way<'a> {
    path: &'a Path,
    servers: Vec<&'a ServerExposure>,
}

impl<'a> Page<'a> {
    fn new(page: &ExposurePage<'a>, lang: Lang) -> Page<'a> {
        let mut ways: Vec<Way<'_>> = Vec::new();
        let mut way_of = HashMap::new();
        for server in page
            .result
            .servers
            .iter()
            .filter(|server| !server.path.is_empty())
        {
            let number = *way_of.entry(server.path.as_ptr()).or_insert_with(|| {
                ways.push(Way {
                    path: &server.path,
                    servers: Vec::new(),
                });
                ways.len() - 1
            });
            ways[number].servers.push(server);
        }
        Page {
            lang,
            t: lang.exposure_texts(),
            result: page.result,
            tenant: page.tenant,
            matrix: (!page.hunted.is_empty()).then(|| Matrix::new(page.result, page.hunted)),
            verdicts: Verdicts::new(page.hunted),
            cves: page.pack.cves.iter().map(|cve| (cve.id.as_str(), cve)).collect(),
            ways,
            way_of,
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let t = self.t;
        let title = self.said(&self.result.pack.title);
        head(out, self.lang, t.page_kind, &title, STYLE, None)?;
        writeln!(out, "<body>\n{}\n{}", icons::SPRITE, icons::EXPOSURE_SPRITE)?;
        writeln!(
            out,
            "<a class=\"skip\" href=\"#summary\">{}</a>",
            Esc(t.skip_link)
        )?;
        writeln!(
            out,
            "<header class=\"top\"><p class=\"brand\">{}<span>Vigie</span></p><p>{}</p></header>\n<main>",
            icons::BRAND,
            Esc(t.page_kind)
        )?;
        self.first(out)?;
        self.tenants(out)?;
        self.curves(out)?;
        self.matrix(out)?;
        self.vulnerabilities(out)?;
        self.list(out)?;
        for (index, server) in self.result.servers.iter().take(self.detailed()).enumerate() {
            self.server(out, index + 1, server)?;
        }
        self.left_out(out)?;
        self.ways(out)?;
        self.outside(out)?;
        self.sources(out)?;
        writeln!(
            out,
            "</main>\n<footer><p>{}</p><p>{}</p></footer>\n</body>\n</html>",
            Esc(t.footer_knowledge),
            Esc(t.footer_json)
        )
    }

    /// How many servers are told in full.
    fn detailed(&self) -> usize {
        self.result.servers.len().min(DETAILED)
    }

    fn said(&self, said: &Said) -> String {
        self.lang.typeset(said.get(self.lang.code())).into_owned()
    }

    fn cut(&self, text: &str, max: usize) -> String {
        cut(self.lang, text, max)
    }

    /// `what` with its places filled, escaped.
    fn say(&self, what: &str, values: &[(&str, &str)]) -> String {
        Esc(fill(what, values)).to_string()
    }

    /// `5 March 2021`; a word where nobody knows.
    fn day(&self, time: Option<Timestamp>) -> String {
        match time {
            Some(time) => self.lang.date(&format_utc(time)),
            None => self.t.undated.to_owned(),
        }
    }

    /// `5 Mar 2021 06:30 UTC`, without a time of day where it is midnight: then nobody knew better.
    fn moment(&self, time: Option<Timestamp>) -> String {
        let Some(time) = time else {
            return self.t.undated.to_owned();
        };
        let (day, clock) = self.lang.stamp(&format_utc(time));
        match clock.as_str() {
            "00:00:00" => day,
            clock => format!("{day} {} UTC", clock.get(..5).unwrap_or(clock)),
        }
    }

    /// `contoso / EX01`.
    fn name(&self, server: &ServerExposure) -> String {
        match (&server.tenant, self.tenant) {
            (Some(tenant), None) => format!("{tenant} / {}", server.server),
            _ => server.server.clone(),
        }
    }

    /// A short name for lists of names, escaped.
    fn short_name(&self, server: &ServerExposure) -> String {
        short(&self.name(server), 60)
    }

    /// A link to where a server is told in full; its name alone where it is not.
    fn link(&self, rank: usize, server: &ServerExposure) -> String {
        let name = self.cut(&server.server, NAME);
        if rank <= self.detailed() {
            format!("<a href=\"#s{rank}\">{name}</a>")
        } else {
            name
        }
    }

    fn status_word(&self, status: Status) -> &'static str {
        let t = self.t;
        match status {
            Status::Vulnerable => t.status_vulnerable,
            Status::Unknown => t.status_unknown,
            Status::Mitigated => t.status_mitigated,
            Status::Fixed => t.status_fixed,
            Status::NotAffected => t.status_not_affected,
        }
    }

    fn status_badge(&self, status: Status) -> String {
        format!(
            "<span class=\"badge e-{0}\">{1}{2}</span>",
            status.id(),
            icons::status(status),
            Esc(self.status_word(status))
        )
    }

    fn decision_badge(&self, decision: Decision) -> String {
        let t = self.t;
        let word = match decision {
            Decision::Immediate => t.decision_immediate,
            Decision::OutOfCycle => t.decision_out_of_cycle,
            Decision::Scheduled => t.decision_scheduled,
            Decision::Defer => t.decision_defer,
        };
        format!("<span class=\"rank d-{}\">{}</span>", decision.id(), Esc(word))
    }

    fn verdict_badge(&self, verdict: Verdict) -> String {
        format!(
            "<span class=\"badge v-{}\">{}{}</span>",
            verdict.id(),
            icons::verdict(verdict),
            Esc(capital(verdict_word(Some(verdict), self.lang)))
        )
    }

    /// The number of a server's way out, from 1, and whether it is told on the page.
    fn way(&self, server: &ServerExposure) -> Option<(usize, bool)> {
        let number = *self.way_of.get(&server.path.as_ptr())?;
        Some((number + 1, number < WAYS))
    }
}
