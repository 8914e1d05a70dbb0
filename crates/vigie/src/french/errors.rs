//! What cannot be understood of a command line, said in French from what clap knows of it.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::phrases;

/// The whole message: what is wrong, hints, how to use it.
pub(super) fn explain(error: &clap::Error) -> String {
    let mut said = format!("erreur\u{a0}: {}", what(error));
    let hints = hints(error);
    if !hints.is_empty() {
        said.push('\n');
    }
    for hint in hints {
        said.push_str("\n  conseil\u{a0}: ");
        said.push_str(&hint);
    }
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    said + &close(&usage)
}

/// A message of our own, as clap would put it.
pub(super) fn raw(what: &str, usage: &str) -> String {
    format!("erreur\u{a0}: {what}{}", close(usage))
}

fn close(usage: &str) -> String {
    let usage = match usage.strip_prefix("Usage:") {
        Some(usage) => format!("\n\nUtilisation\u{a0}:{}", usage.trim_end()),
        None => String::new(),
    };
    format!("{usage}\n\nPour en savoir plus, essayez «\u{a0}--help\u{a0}».\n")
}

fn what(error: &clap::Error) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    let value = text(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::ArgumentConflict => conflict(error),
        ErrorKind::NoEquals => {
            format!(
                "un signe égal est nécessaire pour donner une valeur à {}",
                quoted(&argument)
            )
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!(
                "{} veut une valeur, et il n’y en a pas{}",
                quoted(&argument),
                possible(error)
            )
        }
        ErrorKind::InvalidValue => {
            let possible = possible(error);
            format!(
                "{} n’est pas une valeur de {}{possible}",
                quoted(&value),
                quoted(&argument)
            )
        }
        ErrorKind::InvalidSubcommand => {
            format!(
                "commande inconnue\u{a0}: {}",
                quoted(&text(error, ContextKind::InvalidSubcommand))
            )
        }
        ErrorKind::MissingRequiredArgument => {
            let missing: String = list(error, ContextKind::InvalidArg)
                .iter()
                .map(|argument| format!("\n  {argument}"))
                .collect();
            format!("il manque des arguments nécessaires\u{a0}:{missing}")
        }
        ErrorKind::MissingSubcommand => {
            let command = text(error, ContextKind::InvalidSubcommand);
            let commands = list(error, ContextKind::ValidSubcommand).join(", ");
            format!(
                "{} veut une commande, et il n’y en a pas\n  [commandes\u{a0}: {commands}]",
                quoted(&command)
            )
        }
        ErrorKind::TooManyValues => {
            format!(
                "{} est une valeur de trop pour {}",
                quoted(&value),
                quoted(&argument)
            )
        }
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            let wanted =
                number(error, ContextKind::MinValues).or(number(error, ContextKind::ExpectedNumValues));
            format!(
                "{} veut {} valeurs\u{202f}; nombre reçu\u{a0}: {}",
                quoted(&argument),
                wanted.unwrap_or_default(),
                number(error, ContextKind::ActualNumValues).unwrap_or_default()
            )
        }
        ErrorKind::ValueValidation => {
            let cause = error.source().map(|cause| phrases::say(&cause.to_string()));
            let cause = cause.map(|cause| format!("\u{a0}: {cause}")).unwrap_or_default();
            format!(
                "{} n’est pas une valeur de {}{cause}",
                quoted(&value),
                quoted(&argument)
            )
        }
        ErrorKind::UnknownArgument => format!("argument inconnu\u{a0}: {}", quoted(&argument)),
        ErrorKind::InvalidUtf8 => "un argument n’est pas écrit en UTF-8".to_owned(),
        // Nothing else comes of parsing; what does is said as it is.
        _ => error.to_string(),
    }
}

fn conflict(error: &clap::Error) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    let prior = match error.get(ContextKind::PriorArg) {
        Some(ContextValue::String(prior)) => vec![prior.clone()],
        Some(ContextValue::Strings(prior)) => prior.clone(),
        _ => Vec::new(),
    };
    if prior == [argument.clone()] {
        return format!("{} ne peut être donné qu’une fois", quoted(&argument));
    }
    let others: Vec<String> = prior.iter().map(|other| quoted(other)).collect();
    format!("{} ne va pas avec {}", quoted(&argument), others.join(", "))
}

fn possible(error: &clap::Error) -> String {
    let values = list(error, ContextKind::ValidValue);
    if values.is_empty() {
        return String::new();
    }
    format!("\n  [valeurs possibles\u{a0}: {}]", values.join(", "))
}

fn hints(error: &clap::Error) -> Vec<String> {
    let mut hints = Vec::new();
    let alike = [
        (ContextKind::SuggestedSubcommand, "commande voisine"),
        (ContextKind::SuggestedArg, "argument voisin"),
        (ContextKind::SuggestedValue, "valeur voisine"),
    ];
    for (kind, what) in alike {
        let names: Vec<String> = match error.get(kind) {
            Some(ContextValue::String(name)) => vec![quoted(name)],
            Some(ContextValue::Strings(names)) => names.iter().map(|name| quoted(name)).collect(),
            _ => continue,
        };
        hints.push(format!("{what}\u{a0}: {}", names.join(", ")));
    }
    if let Some(ContextValue::StyledStrs(others)) = error.get(ContextKind::Suggested) {
        hints.extend(others.iter().map(|hint| phrases::say(&hint.to_string())));
    }
    hints
}

fn quoted(text: &str) -> String {
    format!("«\u{a0}{text}\u{a0}»")
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    }
}

fn list(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

fn number(error: &clap::Error, kind: ContextKind) -> Option<isize> {
    match error.get(kind) {
        Some(ContextValue::Number(number)) => Some(*number),
        _ => None,
    }
}
