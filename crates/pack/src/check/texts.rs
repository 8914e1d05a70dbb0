//! Texts for people: both languages, known placeholders.

use std::collections::BTreeSet;

use crate::Problem;
use crate::model::{Pack, Text};

/// The languages a pack speaks.
const LANGUAGES: [&str; 2] = ["en", "fr"];
/// What a message may leave open.
const PLACEHOLDERS: [&str; 4] = ["tenant", "server", "from", "to"];

/// Reports a text that lacks a language.
pub(super) fn both_languages(file: &str, what: &str, text: &Text, problems: &mut Vec<Problem>) {
    for (lang, sentence) in [("en", &text.en), ("fr", &text.fr)] {
        if sentence.trim().is_empty() {
            problems.push(Problem::new(file, format!("{what}: the {lang} text is empty")));
        }
    }
}

/// Reports a statement whose languages do not fill in the same fields, or whose braces do not match.
pub(super) fn same_fields(file: &str, what: &str, text: &Text, problems: &mut Vec<Problem>) {
    match (fields(&text.en), fields(&text.fr)) {
        (Some(en), Some(fr)) if en == fr => {}
        (Some(en), Some(fr)) => {
            let odd: Vec<&str> = en.symmetric_difference(&fr).copied().collect();
            let why = format!("{what}: only one language fills in {{{}}}", odd.join("}, {"));
            problems.push(Problem::new(file, why));
        }
        _ => problems.push(Problem::new(
            file,
            format!("{what}: a brace is opened and not closed"),
        )),
    }
}

/// The names between braces; `None` when a brace is not closed.
fn fields(text: &str) -> Option<BTreeSet<&str>> {
    text.split('{')
        .skip(1)
        .map(|opened| opened.split_once('}').map(|(name, _)| name))
        .collect()
}

/// Checks the runbook and the messages.
pub(super) fn check(pack: &Pack, problems: &mut Vec<Problem>) {
    check_runbook(pack, problems);
    check_messages(pack, problems);
}

fn check_runbook(pack: &Pack, problems: &mut Vec<Problem>) {
    const FILE: &str = "runbook.yaml";
    if pack.runbook.steps.is_empty() {
        problems.push(Problem::new(FILE, "missing or without steps"));
    }
    let mut seen = BTreeSet::new();
    for step in &pack.runbook.steps {
        if !super::is_identifier(&step.id, '_') {
            let why = format!(
                "step {:?}: use lower-case letters, digits and underscores",
                step.id
            );
            problems.push(Problem::new(FILE, why));
        }
        if !seen.insert(&step.id) {
            problems.push(Problem::new(FILE, format!("step {} is there twice", step.id)));
        }
        let avoid = step.avoid.iter().map(|text| ("avoid", text));
        for (what, text) in [("title", &step.title), ("do", &step.do_), ("gate", &step.gate)]
            .into_iter()
            .chain(avoid)
        {
            both_languages(FILE, &format!("step {} {what}", step.id), text, problems);
        }
    }
}

fn check_messages(pack: &Pack, problems: &mut Vec<Problem>) {
    for lang in pack
        .messages
        .keys()
        .filter(|lang| !LANGUAGES.contains(&lang.as_str()))
    {
        let why = "not a language of Vigie: use en and fr";
        problems.push(Problem::new(format!("messages/{lang}"), why));
    }
    let names: BTreeSet<&String> = pack
        .messages
        .values()
        .flat_map(|messages| messages.keys())
        .collect();
    if names.is_empty() {
        problems.push(Problem::new("messages", "there are no messages"));
    }
    for name in names {
        for lang in LANGUAGES {
            let file = format!("messages/{lang}/{name}.md");
            match pack.messages.get(lang).and_then(|messages| messages.get(name)) {
                Some(text) => check_message(&file, text, problems),
                None => problems.push(Problem::new(file, "missing: the other language has it")),
            }
        }
    }
}

/// A message is a subject and a text, and leaves open only what Vigie can fill in.
fn check_message(file: &str, text: &str, problems: &mut Vec<Problem>) {
    let subject = text.lines().next().and_then(|line| line.strip_prefix("# "));
    if subject.is_none_or(|subject| subject.trim().is_empty()) {
        problems.push(Problem::new(file, "the first line is the subject: # ...").at(1));
    }
    if text.lines().skip(1).all(|line| line.trim().is_empty()) {
        problems.push(Problem::new(file, "there is a subject but no text"));
    }
    for (index, line) in text.lines().enumerate() {
        let line_number = index as u64 + 1;
        for opened in line.split('{').skip(1) {
            let why = match opened.split_once('}') {
                Some((name, _)) if PLACEHOLDERS.contains(&name) => continue,
                Some((name, _)) => format!(
                    "unknown placeholder {{{name}}}: use one of {}",
                    PLACEHOLDERS.join(", ")
                ),
                None => "a brace is opened and not closed".to_owned(),
            };
            problems.push(Problem::new(file, why).at(line_number));
        }
    }
}
