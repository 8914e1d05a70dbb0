//! `vigie finding`: what hunts found, and what people make of it.

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value, json};
use vigie_report::{Lang, visible};

use super::Remote;
use super::address::encoded;
use super::session::{Format, Of, Paging, Session, print_json};
use super::show::{Column, Shown, column, told};
use super::words::Words;
use crate::tell;

/// Arguments of `vigie finding`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Findings, worst first
    List {
        #[command(flatten)]
        of: Of,
        /// new, accepted, dismissed, escalated
        #[arg(long)]
        state: Option<String>,
        /// At least so severe: informational, low, medium, high, critical
        #[arg(long)]
        severity: Option<String>,
        /// Part of what it says
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// One finding, with its lines of evidence
    Show {
        /// Its identifier
        finding: String,
    },
    /// Accept, dismiss or escalate findings
    Decide(Decide),
}

/// What to make of findings.
#[derive(Args)]
#[command(group = ArgGroup::new("decision").required(true))]
struct Decide {
    /// Their identifiers
    #[arg(required = true)]
    findings: Vec<String>,
    /// They are what they say
    #[arg(long, group = "decision")]
    accept: bool,
    /// They are harmless: hunts leave such events aside until --expires, and say so
    #[arg(long, group = "decision", requires_all = ["reason", "expires"])]
    dismiss: bool,
    /// They become a case, or part of --case
    #[arg(long, group = "decision")]
    escalate: bool,
    /// Take back what was decided
    #[arg(long, group = "decision", requires = "reason")]
    take_back: bool,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// Where they are harmless: server, tenant, all
    #[arg(long, default_value = "server", requires = "dismiss")]
    scope: String,
    /// Until when they are harmless (RFC 3339), within two years
    #[arg(long, value_name = "T", requires = "dismiss")]
    expires: Option<String>,
    /// Which events are harmless, beyond one server: FIELD=VALUE, with Sigma's modifiers; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", requires = "dismiss")]
    field: Vec<String>,
    /// The case they become part of, by identifier
    #[arg(long, value_name = "CASE", requires = "escalate")]
    case: Option<String>,
}

const FINDINGS: &[Column] = &[
    column("id", "identifiant", "/id", Shown::Text),
    column("severity", "gravité", "/severity", Shown::Word(Words::Severity)),
    column("state", "état", "/state", Shown::Word(Words::Finding)),
    column("tenant", "client", "/tenant", Shown::Text),
    column("server", "serveur", "/server", Shown::Text),
    column("events", "événements", "/count", Shown::Text),
    column("last", "dernier", "/last_at", Shown::Time),
    told("statement", "constat", "/statement_en", "/statement_fr"),
];

const MORE: &[Column] = &[
    column("rule", "règle", "/title", Shown::Text),
    column("first", "premier", "/first_at", Shown::Time),
    column("decided by", "décidé par", "/decided_by", Shown::Text),
    column("reason", "raison", "/reason", Shown::Text),
];

const LINES: &[Column] = &[
    column("when (UTC)", "quand (UTC)", "/at", Shown::Time),
    column("file", "fichier", "/path", Shown::Text),
    column("line", "ligne", "/line", Shown::Text),
    column("record", "enregistrement", "/record", Shown::Text),
    column("excerpt", "extrait", "/excerpt", Shown::Text),
];

/// Runs `vigie finding`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let desk = arguments.remote.open(lang)?;
    match &arguments.verb {
        Verb::List {
            of,
            state,
            severity,
            search,
            paging,
        } => {
            let query = of
                .query(&desk)?
                .and("state", state)
                .and("severity", severity)
                .and("q", search);
            desk.list(&query.on("/findings"), paging, FINDINGS)?;
        }
        Verb::Show { finding } => {
            let path = format!("/findings/{}", encoded(finding));
            let mut found = desk.client.get(&path)?;
            let lines = desk.client.get(&format!("{path}/lines"))?;
            if desk.format == Format::Json {
                found["lines"] = lines;
                print_json(&found)?;
            } else {
                tell_why(&mut found, desk.lang);
                desk.item(&found, FINDINGS)?;
                desk.item(&found, MORE)?;
                desk.items(lines.as_array().map_or(&[][..], Vec::as_slice), LINES)?;
            }
        }
        Verb::Decide(decide) => return decide.run(&desk),
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts a sentence where an entry that came of another tenant's finding covers one: the desk tells no more than which.
fn tell_why(finding: &mut Value, lang: Lang) {
    let is_silent = finding["reason"].as_str().is_none_or(str::is_empty);
    if let Some(entry) = finding["covered_by"].as_str().filter(|_| is_silent) {
        finding["reason"] = json!(match lang {
            Lang::En => format!("Known to be harmless: entry {entry} of the catalogue"),
            Lang::Fr => format!("Réputé inoffensif\u{a0}: entrée {entry} du catalogue"),
        });
    }
}

impl Decide {
    fn run(&self, desk: &Session) -> Result<ExitCode> {
        let items: Result<Vec<Value>> = self
            .findings
            .iter()
            .map(|id| {
                let now = desk.client.get(&format!("/findings/{}", encoded(id)))?;
                Ok(json!({"id": now["id"], "revision": now["revision"]}))
            })
            .collect();
        let body = json!({"items": items?, "decision": self.decision(desk.lang)?});
        let answer = desk.client.post("/findings/decide", &body)?;
        let results = answer["results"].as_array().map_or(&[][..], Vec::as_slice);
        let (done, refused): (Vec<&Value>, Vec<&Value>) =
            results.iter().partition(|result| result["problem"].is_null());
        match desk.format {
            Format::Json => print_json(&answer)?,
            Format::Table => {
                let done: Vec<Value> = done.iter().map(|result| result["finding"].clone()).collect();
                desk.items(&done, FINDINGS)?;
            }
        }
        for result in &refused {
            let problem = &result["problem"];
            let text = |field: &str| visible(problem[field].as_str().unwrap_or_default()).into_owned();
            eprintln!(
                "vigie: {}: {}\n{}",
                result["id"],
                text("detail"),
                text("what_to_do")
            );
        }
        if refused.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        bail!(match desk.lang {
            Lang::En => format!("{} of {} could not be decided", refused.len(), results.len()),
            Lang::Fr => format!(
                "{} sur {} n’ont pas pu être traités",
                refused.len(),
                results.len()
            ),
        })
    }

    fn decision(&self, lang: Lang) -> Result<Value> {
        let reason = self.reason.as_deref().unwrap_or_default();
        if self.accept {
            return Ok(json!({"decision": "accept", "reason": reason}));
        }
        if self.escalate {
            return Ok(json!({"decision": "escalate", "reason": reason, "case_id": self.case}));
        }
        if self.take_back {
            return Ok(json!({"decision": "take_back", "reason": reason}));
        }
        let mut fields = Map::new();
        for field in &self.field {
            let (name, value) = field.split_once('=').ok_or_else(|| {
                let why = tell(lang, "write it as FIELD=VALUE", "écrivez CHAMP=VALEUR");
                anyhow!("--field {}: {why}", visible(field))
            })?;
            fields.insert(name.to_owned(), json!(value));
        }
        Ok(json!({
            "decision": "dismiss", "reason": reason, "scope": self.scope, "expires_at": self.expires, "fields": fields,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_entry_of_others_covers_says_so_in_the_reader_s_language() {
        let said = |mut finding: Value, lang| {
            tell_why(&mut finding, lang);
            finding["reason"].as_str().unwrap().to_owned()
        };
        let covered = json!({"reason": "", "covered_by": "e1"});
        let french = said(covered.clone(), Lang::Fr);
        assert_eq!(french, "Réputé inoffensif\u{a0}: entrée e1 du catalogue");
        let english = said(covered, Lang::En);
        assert_eq!(english, "Known to be harmless: entry e1 of the catalogue");
        let own = json!({"reason": "our scanner", "covered_by": "e1"});
        assert_eq!(said(own, Lang::Fr), "our scanner");
        assert_eq!(said(json!({"reason": "", "covered_by": null}), Lang::Fr), "");
    }
}
