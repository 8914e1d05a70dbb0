use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Every text of help there is, with a place it stands at.
fn texts() -> BTreeMap<String, String> {
    let mut command = Cli::command();
    command.build();
    let mut all = BTreeMap::new();
    walk(&command, "vigie", &mut all);
    all
}

fn walk(command: &Command, path: &str, all: &mut BTreeMap<String, String>) {
    let mut add = |text: String| {
        all.entry(text.replace('\n', "\\n"))
            .or_insert_with(|| path.to_owned());
    };
    let about = [
        command.get_about(),
        command.get_long_about(),
        command.get_after_help(),
    ];
    about.into_iter().flatten().for_each(|text| add(text.to_string()));
    for unused in [
        command.get_before_help(),
        command.get_before_long_help(),
        command.get_after_long_help(),
    ] {
        assert!(unused.is_none(), "{path}: this text is not put into French yet");
    }
    for argument in command.get_arguments() {
        assert!(
            argument.get_help().is_some(),
            "{path}: {} has no help",
            argument.get_id()
        );
        let help = [argument.get_help(), argument.get_long_help()];
        help.into_iter().flatten().for_each(|text| add(text.to_string()));
        argument
            .get_help_heading()
            .into_iter()
            .for_each(|text| add(text.to_owned()));
        if argument.get_action().takes_values() {
            let names = argument.get_value_names().unwrap_or_default();
            names.iter().for_each(|name| add(name.to_string()));
            for value in argument.get_possible_values() {
                value
                    .get_help()
                    .into_iter()
                    .for_each(|text| add(text.to_string()));
            }
        }
    }
    for sub in command.get_subcommands() {
        walk(sub, &format!("{path} {}", sub.get_name()), all);
    }
}

#[test]
fn every_text_of_help_has_its_french_and_no_french_is_left_over() {
    let texts = texts();
    let french: BTreeMap<&str, &str> = pairs().collect();
    assert_eq!(
        french.len(),
        pairs().count(),
        "an English sentence stands twice in help.txt"
    );
    let missing: Vec<_> = texts
        .iter()
        .filter(|(text, _)| !french.contains_key(text.as_str()))
        .collect();
    if let Ok(path) = std::env::var("VIGIE_MISSING_FRENCH") {
        let lines: Vec<String> = missing
            .iter()
            .map(|(text, place)| format!("{place}\t{text}"))
            .collect();
        std::fs::write(path, lines.join("\n")).unwrap();
    }
    assert!(
        missing.is_empty(),
        "add the French to french/help.txt: {missing:#?}"
    );
    let known: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
    let unused: Vec<_> = french.keys().filter(|text| !known.contains(*text)).collect();
    assert!(unused.is_empty(), "nobody says this any more: {unused:#?}");
}

/// `--lang`, `--pack`: what is typed is the same in both languages, and so are files and words of the API.
#[test]
fn french_names_the_options_that_english_names() {
    let typed = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c)));
        let words = words.map(|word| word.trim_end_matches('.').trim_start_matches("\\n"));
        let typed = words.filter(|word| {
            word.starts_with("--")
                || word.starts_with("VIGIE_")
                || word.starts_with("docs/")
                || word.contains('_')
        });
        typed.map(str::to_owned).collect()
    };
    for (english, french) in pairs() {
        assert_eq!(typed(english), typed(french), "{english}");
        let broken = french.replace("\\n", "\n");
        let set = Lang::Fr.typeset(&broken);
        assert!(
            !set.contains(" :") && !set.contains(" ;") && !set.contains("« "),
            "{french}"
        );
        assert_eq!(english.ends_with('.'), french.ends_with('.'), "{english}");
    }
}

#[test]
fn the_examples_of_the_help_can_be_typed() {
    let french: BTreeMap<&str, &str> = pairs().collect();
    let mut tried = 0;
    let mut try_it = |example: &str| {
        let arguments: Vec<&str> = example.split_whitespace().collect();
        let tree = Cli::command().try_get_matches_from(&arguments);
        // A sentence names a command without all it needs; what it names must be there.
        let known = match tree {
            Ok(_) => true,
            Err(error) => matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument | ErrorKind::InvalidValue | ErrorKind::MissingSubcommand
            ),
        };
        assert!(known, "{example}");
        tried += 1;
    };
    for text in texts().keys().map(String::as_str).chain(french.values().copied()) {
        for line in text.split("\\n").filter_map(|line| line.strip_prefix("  vigie ")) {
            let example = line.split("  ").next().unwrap_or_default();
            assert!(
                Cli::command()
                    .try_get_matches_from(format!("vigie {example}").split(' '))
                    .is_ok(),
                "{line}"
            );
            try_it(&format!("vigie {example}"));
        }
        for quoted in text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|quoted| quoted.starts_with("vigie "))
        {
            try_it(quoted);
        }
    }
    assert!(tried >= 12, "{tried}");
}

/// Every command that README and the pages show can be typed as it is shown.
#[test]
fn the_commands_of_the_documentation_can_be_typed() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    let mut pages: Vec<_> = docs.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|kind| kind == "md"));
    pages.push(root.join("README.md"));
    let (mut tried, mut wrong) = (0, Vec::new());
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for block in text.split("\n```").skip(1).step_by(2) {
            let mut block = block.replace("\\\n", " ");
            while block.contains("  --") {
                block = block.replace("  --", " --");
            }
            for line in block.lines() {
                let line = line.trim().trim_start_matches("$ ");
                let command = line.split(" #").next().unwrap_or_default();
                let command = command.split("   ").next().unwrap_or_default();
                let mut words = words(command);
                // A synopsis is no command.
                let dots = |word: &String| word.len() > 3 && word.ends_with("...");
                let is_synopsis = command.contains(['[', '|', '<', '>', '('])
                    || words.iter().any(dots)
                    || command.contains(" F ");
                if words.first().is_none_or(|word| word != "vigie") || is_synopsis {
                    continue;
                }
                // Three dots stand for what was said before.
                let all = words.len();
                words.retain(|word| word != "...");
                tried += 1;
                if let Err(error) = Cli::command().try_get_matches_from(&words)
                    && !(words.len() < all && error.kind() == ErrorKind::MissingRequiredArgument)
                {
                    wrong.push(format!("{}: {command}: {error}", page.display()));
                }
            }
        }
    }
    assert!(tried > 60, "{tried}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Splits a command as a shell does, as far as the pages need it.
fn words(command: &str) -> Vec<String> {
    let (mut all, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in command.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (None, ' ') => {
                if begun {
                    all.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    all.extend(begun.then_some(word));
    all
}
