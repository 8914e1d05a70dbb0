//! The command line in French: its help, and what is said of arguments that cannot be used.
//!
//! The English of help stands beside the arguments, in the code; `help.txt` has the French of each sentence. The tree of commands is
//! walked once, only when French is read. A test walks it too and says what has no French and what nobody says any more.

mod errors;
pub(crate) mod phrases;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write;

use clap::builder::{PossibleValue, Str, StyledStr};
use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, FromArgMatches};
use vigie_report::Lang;

use crate::Cli;
use crate::hunt::Language;

/// English and French, line after line.
const HELP: &str = include_str!("help.txt");

/// What the user typed, and the language they read. Ends the program when it cannot be used, or asks for help.
pub(crate) fn parse() -> (Cli, Lang) {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let lang = Language::choose(asked(&arguments));
    let command = match lang {
        Lang::En => Cli::command(),
        Lang::Fr => command(),
    };
    let parsed = command
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => {
            let lang = Language::choose(cli.lang);
            (cli, lang)
        }
        Err(error) => end(&error, lang),
    }
}

/// Ends the program because of arguments that do not go together.
pub(crate) fn refuse(lang: Lang, kind: ErrorKind, english: &str, french: &str) -> ! {
    match lang {
        Lang::En => Cli::command().error(kind, english).exit(),
        Lang::Fr => {
            let mut command = command();
            let usage = command.render_usage();
            let said = errors::raw(&Lang::Fr.typeset(french), &usage.to_string());
            // Nobody may be there to read it.
            let _ = std::io::stderr().write_all(said.as_bytes());
            std::process::exit(command.error(kind, "").exit_code())
        }
    }
}

/// The language asked for, before the rest is understood: what cannot be understood is said in it, too.
fn asked(arguments: &[OsString]) -> Option<Language> {
    let mut texts = arguments
        .iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy());
    while let Some(text) = texts.next() {
        let value = match text.strip_prefix("--lang") {
            _ if text == "--" => return None,
            Some("") => texts.next()?.into_owned(),
            Some(value) => value.trim_start_matches('=').to_owned(),
            None => continue,
        };
        return match value.as_str() {
            "fr" => Some(Language::Fr),
            "en" => Some(Language::En),
            _ => None,
        };
    }
    None
}

fn end(error: &clap::Error, lang: Lang) -> ! {
    if lang == Lang::En {
        error.exit();
    }
    let text = match error.kind() {
        ErrorKind::DisplayVersion => error.render().to_string(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            headings(&error.render().to_string())
        }
        _ => errors::explain(error),
    };
    // Whoever stopped reading has seen enough.
    let _ = if error.use_stderr() {
        std::io::stderr().write_all(text.as_bytes())
    } else {
        std::io::stdout().write_all(text.as_bytes())
    };
    std::process::exit(error.exit_code())
}

/// What clap has no setting for: the word before the usage, and the space before the colon of a heading.
fn headings(help: &str) -> String {
    let mut said = String::with_capacity(help.len());
    for line in help.split_inclusive('\n') {
        let heading = line
            .trim_end()
            .strip_suffix(':')
            .filter(|text| !text.starts_with(' ') && !text.ends_with('\u{a0}'));
        if let Some(usage) = line.strip_prefix("Usage:") {
            said.push_str("Utilisation\u{a0}:");
            said.push_str(usage);
        } else if let Some(heading) = heading {
            said.push_str(heading);
            said.push_str("\u{a0}:\n");
        } else {
            said.push_str(line);
        }
    }
    said
}

/// The tree of commands, in French.
pub(crate) fn command() -> Command {
    let french = Sentences::new();
    let mut command = Cli::command();
    command.build();
    french.command(command)
}

/// The French of each English sentence.
struct Sentences(HashMap<&'static str, &'static str>);

impl Sentences {
    fn new() -> Sentences {
        Sentences(pairs().collect())
    }

    /// The French of a text, as it is typeset; the English where there is none.
    fn say(&self, english: &str) -> String {
        let key = english.replace('\n', "\\n");
        match self.0.get(key.as_str()) {
            Some(french) => Lang::Fr.typeset(&french.replace("\\n", "\n")).into_owned(),
            None => english.to_owned(),
        }
    }

    fn styled(&self, english: &StyledStr) -> String {
        self.say(&english.to_string())
    }

    fn command(&self, command: Command) -> Command {
        let long = command
            .get_arguments()
            .any(|argument| argument.get_id() == "help" && argument.get_long_help().is_some());
        let mut french = command;
        if let Some(about) = french.get_about().map(|text| self.styled(text)) {
            french = french.about(about);
        }
        if let Some(about) = french.get_long_about().map(|text| self.styled(text)) {
            french = french.long_about(about);
        }
        if let Some(after) = french.get_after_help().map(|text| self.styled(text)) {
            french = french.after_help(after);
        }
        french
            .subcommand_help_heading("Commandes")
            .subcommand_value_name("COMMANDE")
            .mut_args(|argument| self.argument(argument, long))
            .mut_subcommands(|command| self.command(command))
    }

    /// An argument whose default, environment variable and possible values stand in its help, in French.
    fn argument(&self, argument: Arg, long: bool) -> Arg {
        let short = argument
            .get_help()
            .map(|text| self.styled(text))
            .unwrap_or_default();
        let longer = argument.get_long_help().map(|text| self.styled(text));
        let facts = facts(&argument);
        let values = values(&argument);
        let told = values.iter().any(|value| value.get_help().is_some());
        let mut brief = facts.clone();
        if !values.is_empty() {
            let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
            brief.push(format!("[valeurs possibles\u{a0}: {}]", names.join(", ")));
        }
        let mut full = vec![longer.unwrap_or_else(|| short.clone())];
        if told {
            full.push(self.list(&values));
            full.extend((!facts.is_empty()).then(|| facts.join("\n")));
        } else {
            full.extend((!brief.is_empty()).then(|| brief.join("\n")));
        }
        let mut said = vec![short];
        said.append(&mut brief);
        let heading = argument
            .get_help_heading()
            .and_then(|text| self.0.get(text).copied());
        let names = argument.get_value_names().map(|names| {
            let names = names.iter().map(|name| match self.0.get(name.as_str()) {
                Some(french) => Str::from(*french),
                None => name.clone(),
            });
            names.collect::<Vec<_>>()
        });
        let mut french = argument
            .help(said.join(" "))
            .hide_default_value(true)
            .hide_possible_values(true)
            .hide_env(true);
        if long {
            french = french.long_help(full.join("\n\n"));
        }
        if let Some(heading) = heading {
            french = french.help_heading(heading);
        }
        match names {
            // A flag has none, and must not get one.
            Some(names) if french.get_action().takes_values() => french.value_names(names),
            _ => french,
        }
    }

    fn list(&self, values: &[PossibleValue]) -> String {
        let mut said = String::from("Valeurs possibles\u{a0}:");
        for value in values {
            said.push_str("\n- ");
            said.push_str(value.get_name());
            if let Some(help) = value.get_help() {
                said.push_str("\u{a0}: ");
                said.push_str(&self.styled(help));
            }
        }
        said
    }
}

/// `[par défaut : table]` and the like.
fn facts(argument: &Arg) -> Vec<String> {
    let mut facts = Vec::new();
    if !argument.get_action().takes_values() {
        return facts;
    }
    if let Some(name) = argument.get_env().filter(|_| !argument.is_hide_env_set()) {
        let value = std::env::var_os(name).filter(|_| !argument.is_hide_env_values_set());
        let value = value.unwrap_or_default();
        let equals = if argument.is_hide_env_values_set() {
            ""
        } else {
            "="
        };
        facts.push(format!(
            "[environnement\u{a0}: {}{equals}{}]",
            name.to_string_lossy(),
            value.to_string_lossy()
        ));
    }
    let defaults: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if !defaults.is_empty() && !argument.is_hide_default_value_set() {
        facts.push(format!("[par défaut\u{a0}: {}]", defaults.join(" ")));
    }
    facts
}

fn values(argument: &Arg) -> Vec<PossibleValue> {
    if !argument.get_action().takes_values() || argument.is_hide_possible_values_set() {
        return Vec::new();
    }
    argument
        .get_possible_values()
        .into_iter()
        .filter(|value| !value.is_hide_set())
        .collect()
}

/// The sentences of `help.txt`.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut lines = HELP
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    std::iter::from_fn(move || Some((lines.next()?, lines.next()?)))
}

#[cfg(test)]
mod tests;
