//! Help, and what is said of arguments that cannot be used, of the real binary in both languages.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn vigie(locale: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(arguments)
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LANG", locale)
        .env("COLUMNS", "100")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The commands that the help of `path` lists, and theirs.
fn commands(path: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = stdout(&vigie("C", &arguments));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names: Vec<String> = listed
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    for name in names {
        path.push(name);
        all.push(path.clone());
        commands(path, all);
        path.pop();
    }
}

#[test]
fn every_command_explains_itself_in_both_languages() {
    let mut all = vec![Vec::new()];
    commands(&mut Vec::new(), &mut all);
    assert!(all.len() > 60, "{}", all.len());
    let english = [
        "Usage:",
        "Options:",
        "Arguments:",
        "Commands:",
        "Print ",
        "[default:",
        "[possible values:",
        "Possible values:",
        "[env:",
        "<FILE>",
        " the ",
    ];
    let french = [
        "Utilisation",
        "Affiche",
        "[par défaut",
        "aleurs possibles",
        "[environnement",
        "<FICHIER>",
        "Commandes",
    ];
    for path in &all {
        for flag in ["-h", "--help"] {
            let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
            arguments.push(flag);
            let said = stdout(&vigie("fr_FR.UTF-8", &arguments));
            assert!(said.contains("Utilisation\u{a0}: vigie"), "{path:?}: {said}");
            assert!(said.contains("\nOptions\u{a0}:\n"), "{path:?}: {said}");
            for word in english {
                assert!(!said.contains(word), "{path:?}: {word}: {said}");
            }
            let said = stdout(&vigie("en_GB.UTF-8", &arguments));
            assert!(said.contains("Usage: vigie"), "{path:?}: {said}");
            for word in french {
                assert!(!said.contains(word), "{path:?}: {word}: {said}");
            }
        }
    }
}

#[test]
fn the_language_asked_for_is_that_of_help_and_of_mistakes() {
    let said = |locale: &str, arguments: &[&str]| {
        let output = vigie(locale, arguments);
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    let (code, help) = said("C", &["hunt", "-h", "--lang=fr"]);
    assert_eq!(code, Some(0));
    assert!(help.starts_with("Chasse dans des preuves"), "{help}");
    let (_, help) = said("fr_FR.UTF-8", &["--lang", "en", "hunt", "--help"]);
    assert!(help.starts_with("Hunt evidence"), "{help}");
    let (code, help) = said("fr_FR.UTF-8", &["exposure"]);
    assert_eq!(code, Some(2));
    assert!(
        help.contains("Utilisation\u{a0}: vigie exposure [OPTIONS] <COMMANDE>"),
        "{help}"
    );

    for (arguments, french) in [
        (
            &["hunt"][..],
            "il manque des arguments nécessaires\u{a0}:\n  <CHEMINS>...",
        ),
        (
            &["hunte"],
            "commande inconnue\u{a0}: «\u{a0}hunte\u{a0}»\n\n  conseil\u{a0}: commande voisine\u{a0}: «\u{a0}hunt\u{a0}»",
        ),
        (
            &["hunt", "x", "--thread", "3"],
            "argument inconnu\u{a0}: «\u{a0}--thread\u{a0}»",
        ),
        (
            &["hunt", "x", "--threads", "0"],
            "«\u{a0}0\u{a0}» n’est pas une valeur de «\u{a0}--threads <N>\u{a0}»\u{a0}: 0 n’est pas entre 1 et 512",
        ),
        (&["hunt", "x", "--threads", "a"], "\u{a0}: ce n’est pas un nombre"),
        (
            &["hunt", "x", "--format", "xml"],
            "[valeurs possibles\u{a0}: table, json",
        ),
        (
            &["hunt", "x", "--no-pack", "--pack", "a"],
            "--no-pack\u{a0}» ne va pas avec «\u{a0}--pack <NOM|RÉPERTOIRE>",
        ),
        (
            &["hunt", "x", "--quiet", "--quiet"],
            "«\u{a0}--quiet\u{a0}» ne peut être donné qu’une fois",
        ),
        (
            &["hunt", "x", "--quiet=1"],
            "est une valeur de trop pour «\u{a0}--quiet\u{a0}»",
        ),
        (
            &["hunt", "x", "--since", "hier"],
            "écrivez-le 2021-03-03 ou 2021-03-03T06:49:46Z (UTC)",
        ),
        (
            &["hunt", "x", "--level", "haut"],
            "au choix\u{a0}: informational, low, medium, high, critical",
        ),
        (
            &["hunt", "x", "--level", "high"],
            "--level choisit parmi les règles de --rules",
        ),
        (
            &["hunt", "x", "--since", "2021-03-03", "--until", "2021-03-01"],
            "--since doit précéder --until",
        ),
        (&["hunt", "x", "--limit", "files"], "écrivez-le NOM=VALEUR"),
        (
            &["simulate", "--out", "x", "--size", "gros"],
            "écrivez-le 1500, 500K, 20M ou 5G",
        ),
        (
            &["serve", "--data", "x", "--listen", "ici"],
            "écrivez-le ADRESSE:PORT",
        ),
    ] {
        let (code, text) = said("fr_FR.UTF-8", arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(
            text.starts_with("erreur\u{a0}: ") && text.contains(french),
            "{arguments:?}: {text}"
        );
        assert!(!text.contains("Usage") && !text.contains("error"), "{text}");
        let (code, text) = said("C", arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(text.starts_with("error: "), "{text}");
    }
}
