//! `vigie rules`: which rules load, and how one judges an event.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use vigie_detect::sigma::{Loaded, Rule, RuleSet, Trace, batch_of};
use vigie_hunt::RuleSelection;
use vigie_report::Lang;

use crate::choose::Chosen;
use crate::knowledge::{read_placeholders, read_rules};
use crate::tell;

/// Arguments of `vigie rules`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Subcommand)]
enum RulesCommand {
    /// Which rules load, which are refused and why
    Check {
        /// Folders or files of Sigma rules
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// A YAML file that gives the placeholders of `|expand` their values
        #[arg(long, value_name = "FILE")]
        placeholders: Option<PathBuf>,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// How the rules of a file judge one event, test by test, matched or not
    Explain {
        /// A file or folder of Sigma rules
        rule: PathBuf,
        /// A JSON file with one event: an object of fields and values
        event: PathBuf,
        /// A YAML file that gives the placeholders of `|expand` their values
        #[arg(long, value_name = "FILE")]
        placeholders: Option<PathBuf>,
    },
}

/// Runs `vigie rules`.
pub(crate) fn run(arguments: &Arguments, lang: Lang) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match &arguments.command {
        RulesCommand::Check {
            paths,
            placeholders,
            chosen,
        } => {
            let selection = chosen.selection();
            let loaded = load(paths, placeholders.as_deref(), &selection)?;
            check(&loaded, &selection, lang, &mut out)
        }
        RulesCommand::Explain {
            rule,
            event,
            placeholders,
        } => {
            let loaded = load(
                std::slice::from_ref(rule),
                placeholders.as_deref(),
                &RuleSelection::default(),
            )?;
            let event = read_event(event)?;
            explain(&loaded, &event, lang, &mut out)
        }
    }
}

fn load(paths: &[PathBuf], placeholders: Option<&Path>, selection: &RuleSelection) -> Result<Loaded> {
    let placeholders = read_placeholders(placeholders)?;
    let rules = read_rules(paths)?;
    let mut loaded = RuleSet::compile_chosen(&rules.sources, &placeholders, &|rule| selection.wants(rule));
    loaded.refused.splice(..0, rules.unread);
    Ok(loaded)
}

fn check(loaded: &Loaded, selection: &RuleSelection, lang: Lang, out: &mut dyn Write) -> Result<ExitCode> {
    refusals(loaded, out)?;
    for warning in &loaded.warnings {
        let line = warning.line.map(|line| format!(":{line}")).unwrap_or_default();
        let said = tell(lang, "warning: ", "avertissement\u{a0}: ");
        writeln!(out, "{}{line}: {said}{}", warning.path, warning.why)?;
    }
    for rule in loaded.rules.rules() {
        for note in &rule.notes {
            let said = tell(lang, "note: ", "remarque\u{a0}: ");
            writeln!(out, "{}: {said}{note}", rule.path)?;
        }
    }
    let all: Vec<&Rule> = loaded.rules.rules().iter().chain(&loaded.left_out).collect();
    for pick in selection.idle(&all) {
        let said = tell(lang, "picks no rule", "ne désigne aucune règle");
        writeln!(out, "{} {said}", pick.text())?;
    }
    let mut sums = vec![
        format!(
            "{} {}",
            loaded.rules.rules().len(),
            tell(lang, "rule(s) loaded", "règle(s) chargée(s)")
        ),
        format!("{} {}", loaded.refused.len(), tell(lang, "refused", "refusée(s)")),
    ];
    if !selection.is_all() {
        let left_out = tell(lang, "left out on request", "écartée(s) à la demande");
        sums.push(format!("{} {left_out}", loaded.left_out.len()));
    }
    writeln!(out, "{}", sums.join(", "))?;
    Ok(if loaded.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn refusals(loaded: &Loaded, out: &mut dyn Write) -> Result<()> {
    for refused in &loaded.refused {
        let line = refused.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "{}{line}: {}", refused.path, refused.why)?;
    }
    Ok(())
}

/// One event as fields and values; numbers and truth values as they are written.
fn read_event(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let Some(object) = value.as_object() else {
        bail!(
            "{} does not hold one event: an object of fields and values",
            path.display()
        );
    };
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), text(value)))
        .collect())
}

/// The event is put into the table that each rule is about.
fn explain(
    loaded: &Loaded,
    event: &BTreeMap<String, String>,
    lang: Lang,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    refusals(loaded, out)?;
    for (index, rule) in loaded.rules.rules().iter().enumerate() {
        let batch = batch_of(rule, event);
        match loaded.rules.trace(index as u32, batch.row(0)) {
            Some(trace) => write_trace(rule, &trace, lang, out)?,
            None => writeln!(
                out,
                "- {}{}",
                rule.title,
                tell(
                    lang,
                    ": a correlation judges several events, not one",
                    "\u{a0}: une corrélation juge plusieurs événements, pas un seul"
                )
            )?,
        }
    }
    Ok(if loaded.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn mark(holds: bool) -> &'static str {
    if holds { "✓" } else { "✗" }
}

fn write_trace(rule: &Rule, trace: &Trace, lang: Lang, out: &mut dyn Write) -> Result<()> {
    let verdict = if !trace.in_scope {
        tell(
            lang,
            "is not about events of this kind",
            "ne porte pas sur les événements de ce genre",
        )
    } else if trace.matched {
        tell(lang, "matches", "reconnaît l’événement")
    } else {
        tell(lang, "does not match", "ne reconnaît pas l’événement")
    };
    writeln!(out, "{} {} {verdict}", mark(trace.matched), rule.title)?;
    for selection in &trace.selections {
        writeln!(out, "  {} {}", mark(selection.matched), selection.name)?;
        for item in &selection.items {
            let field = item
                .field
                .as_deref()
                .unwrap_or_else(|| tell(lang, "any field", "un champ quelconque"));
            let absent = tell(lang, "absent", "absent");
            let value = item.value.as_deref().unwrap_or(absent);
            let not = if item.negated {
                tell(lang, " (must not hold)", " (ne doit pas tenir)")
            } else {
                ""
            };
            writeln!(out, "    {field} = {value}{not}")?;
            for (test, holds) in &item.tests {
                writeln!(out, "      {} {test}", mark(*holds))?;
            }
        }
    }
    Ok(())
}
