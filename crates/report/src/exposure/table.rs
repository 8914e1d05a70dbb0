//! For the terminal: the order of work, one short paragraph a server.

use std::fmt::Write;

use vigie_event::format_utc;
use vigie_exposure::result::{Assessment, ServerExposure, Summary};
use vigie_exposure::{Decision, Said, Status};

use super::{age, build, decision, pick, published, status, window};
use crate::lang::Lang;
use crate::text::{visible, wrap};

/// An assessment as text of at most `columns` cells a line: what stands how, then the servers in the order in which
/// they should be worked on, then what nobody's inventory names.
pub fn exposure_table(result: &Assessment, lang: Lang, columns: usize, colour: bool) -> String {
    let mut page = Page {
        out: String::new(),
        lang,
        columns: columns.clamp(40, 200),
        colour,
    };
    page.head(result);
    for (number, server) in result.servers.iter().enumerate() {
        page.server(number + 1, server);
    }
    page.outside(result);
    page.warnings(&result.warnings);
    page.out
}

struct Page {
    out: String,
    lang: Lang,
    columns: usize,
    colour: bool,
}

impl Page {
    fn say(&self, en: &str, fr: &str) -> String {
        self.lang.typeset(pick(self.lang, en, fr)).into_owned()
    }

    fn said(&self, said: &Said) -> String {
        self.lang.typeset(said.get(self.lang.code())).into_owned()
    }

    fn paragraph(&mut self, indent: usize, text: &str) {
        let text = visible(text).into_owned();
        for line in wrap(&text, self.columns.saturating_sub(indent)) {
            let _ = writeln!(self.out, "{:indent$}{line}", "");
        }
    }

    fn paint(&self, text: &str, ink: &str) -> String {
        if self.colour {
            format!("\u{1b}[{ink}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn head(&mut self, result: &Assessment) {
        let day = format_utc(result.as_of);
        let title = self.said(&result.pack.title);
        let heading = format!("{title} — {} {day}", pick(self.lang, "as of", "au"));
        let heading = self.paint(&heading, "1");
        let _ = writeln!(self.out, "{heading}\n");
        for summary in &result.summary {
            let line = self.summary(summary);
            self.paragraph(0, &line);
        }
        self.out.push('\n');
    }

    /// `contoso, 4 servers: vulnerable 2 (published or perhaps published: 1), unknown 1, fixed 1`.
    fn summary(&self, summary: &Summary) -> String {
        let lang = self.lang;
        let whose = match &summary.tenant {
            Some(tenant) => tenant.clone(),
            None => pick(lang, "all", "tous").to_owned(),
        };
        let forms = pick(lang, "{n} server|{n} servers", "{n} serveur|{n} serveurs");
        let servers = lang.plural(summary.servers as u64, forms);
        let mut vulnerable = format!("{} {}", status(Status::Vulnerable, lang), summary.vulnerable);
        if summary.vulnerable > 0 {
            let what = self.say(
                "published or perhaps published: ",
                "publiés ou peut-être publiés : ",
            );
            vulnerable += &format!(" ({what}{})", summary.vulnerable_published);
        }
        let mut parts = vec![(summary.vulnerable, vulnerable)];
        for (number, known) in [
            (summary.unknown, Status::Unknown),
            (summary.mitigated, Status::Mitigated),
            (summary.fixed, Status::Fixed),
            (summary.not_affected, Status::NotAffected),
        ] {
            parts.push((number, format!("{} {number}", status(known, lang))));
        }
        let old = self.say(
            "last looked at over 30 days before: ",
            "relevé de plus de 30 jours : ",
        );
        parts.push((summary.stale, format!("{old}{}", summary.stale)));
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(_, part)| part)
            .collect();
        let colon = self.say(": ", " : ");
        format!("{whose}, {servers}{colon}{}", parts.join(", "))
    }

    fn server(&mut self, number: usize, server: &ServerExposure) {
        let lang = self.lang;
        let ink = match server.ssvc.decision {
            Decision::Immediate => "1;31",
            Decision::OutOfCycle => "31",
            Decision::Scheduled => "33",
            Decision::Defer => "32",
        };
        let tenant = server
            .tenant
            .as_deref()
            .map(|tenant| format!("{tenant} / "))
            .unwrap_or_default();
        let what = format!(
            "{} — {}",
            decision(server.ssvc.decision, lang),
            status(server.status, lang)
        );
        let name = visible(&format!("{tenant}{}", server.server)).into_owned();
        let line = format!(
            "{number:>3}. {}  {}",
            self.paint(&name, "1"),
            self.paint(&what, ink)
        );
        let _ = writeln!(self.out, "{line}");
        let topology = server
            .topology
            .map(|topology| format!(", {topology}"))
            .unwrap_or_default();
        let facts = format!(
            "{}, {}, {}{topology}",
            server.product,
            build(server, lang),
            published(server.published, lang)
        );
        self.paragraph(5, &facts);
        if let Some(age) = age(server, lang) {
            let text = self.say("old: ", "ancien : ") + &age;
            self.paragraph(5, &text);
        }
        if let Some(doubt) = &server.build.doubt {
            let doubt = self.said(doubt);
            self.paragraph(5, &doubt);
        }
        if let Some(window) = window(server, lang) {
            let text = self.say("window of exposure: ", "fenêtre d’exposition : ") + &window;
            self.paragraph(5, &text);
        }
        let because = self.said(&server.ssvc.because);
        self.paragraph(5, &because);
        let deciding = server.ssvc.cve.as_deref();
        let shown = server
            .cves
            .iter()
            .find(|cve| Some(&*cve.cve) == deciding)
            .or(server.cves.first());
        if let Some(cve) = shown {
            let reason = self.said(&cve.reason);
            let colon = self.say(": ", " : ");
            self.paragraph(5, &format!("{}{colon}{reason}", cve.cve));
        }
        // Where sources contradict each other, the reason has named them.
        let conflicts = server
            .build
            .conflicts
            .iter()
            .filter(|_| server.build.value.is_some());
        for conflict in conflicts {
            let text = format!(
                "{} {} ({}, {})",
                self.say("also said:", "on lit aussi :"),
                conflict.value,
                conflict.source,
                conflict.origin
            );
            self.paragraph(5, &text);
        }
        for conflict in &server.published_conflicts {
            let text = format!(
                "{} {} ({})",
                self.say("also said:", "on lit aussi :"),
                published(conflict.value, lang),
                conflict.origin
            );
            self.paragraph(5, &text);
        }
        if !server.path.is_empty() {
            let steps: Vec<String> = server.path.iter().map(|step| self.said(&step.title)).collect();
            let text = self.say("way out: ", "chemin : ") + &steps.join(" → ");
            self.paragraph(5, &text);
        }
        self.out.push('\n');
    }

    fn outside(&mut self, result: &Assessment) {
        if result.unknown.is_empty() {
            return;
        }
        let heading = self.say(
            "Found outside, unknown inside",
            "Vus de l’extérieur, inconnus des inventaires",
        );
        let heading = self.paint(&heading, "1");
        let _ = writeln!(self.out, "{heading}");
        for server in &result.unknown {
            let build = server.build.value.as_deref().unwrap_or("?");
            let text = format!(
                "{} {} {build} — {} ({})",
                server.server,
                server.addresses.join(", "),
                status(server.status, self.lang),
                server.origins.join("; ")
            );
            self.paragraph(2, &text);
        }
        self.out.push('\n');
    }

    fn warnings(&mut self, warnings: &[Said]) {
        for warning in warnings {
            let text = self.say("note: ", "remarque : ") + &self.said(warning);
            self.paragraph(0, &text);
        }
    }
}
