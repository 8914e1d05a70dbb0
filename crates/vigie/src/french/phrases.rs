//! What errors say, in French.
//!
//! Errors are made where things go wrong, by rooms that know no languages, and end as English sentences. `errors.txt` has the
//! French of each, with `{}` in the English for what is filled in and `{0}`, `{1}` in the French for where it goes. What
//! libraries and the system say stays as it is.

use vigie_report::Lang;

const ERRORS: &str = include_str!("errors.txt");

/// Patterns and their French, in the order in which they are tried.
fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut lines = ERRORS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    std::iter::from_fn(move || Some((lines.next()?, lines.next()?)))
}

/// A sentence in French; as it is when nobody knows how to say it.
pub(crate) fn say(english: &str) -> String {
    let fitting = pairs().find_map(|(pattern, french)| Some((french, fillings(english, pattern)?)));
    match fitting {
        Some((french, fillings)) => fill(&Lang::Fr.typeset(french), &fillings),
        None => english.to_owned(),
    }
}

/// An error and its causes, in French.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        // Some errors name their cause themselves.
        if !causes.last().is_some_and(|before| before.ends_with(&cause)) {
            causes.push(cause);
        }
    }
    let said: Vec<String> = causes.iter().map(|cause| say(cause)).collect();
    said.join("\u{a0}: ")
}

fn fill(french: &str, fillings: &[&str]) -> String {
    let mut said = String::with_capacity(french.len());
    let mut rest = french;
    while let Some((before, after)) = rest.split_once('{') {
        said.push_str(before);
        let (number, after) = after.split_once('}').unwrap_or(("", after));
        let filling = number.parse().ok().and_then(|number: usize| fillings.get(number));
        // A filling is often the sentence of another error.
        said.push_str(&filling.map(|filling| say(filling)).unwrap_or_default());
        rest = after;
    }
    said.push_str(rest);
    said
}

/// What stands in the places of a pattern, when a text fits it.
fn fillings<'a>(text: &'a str, pattern: &str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split("{}");
    let first = parts.next()?;
    let mut rest = text.strip_prefix(first)?;
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else {
        return rest.is_empty().then(Vec::new);
    };
    let mut found = Vec::new();
    for part in between {
        let (filling, after) = rest.split_once(part)?;
        found.push(filling);
        rest = after;
    }
    found.push(rest.strip_suffix(last)?);
    found.iter().all(|filling| !filling.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Made in the language of whoever reads them where they stand, or no sentences.
    const IN_BOTH: [&str; 10] = [
        "mapping written, to be completed where it says ?:",
        "X: it has more than X KiB",
        "X\\uX: il dépasse X Kio",
        "X X; vigie pack list",
        "--root X: X",
        "X fit X (X): give the identifier of one: X",
        "X résultats pour «\\uXX\\uX» (X)\\uX: donnez l’identifiant de l’un d’eux\\uX: X",
        "X: X, SHA-256 X",
        "--field X: X",
        "--exported-at X: X",
    ];

    /// Looks in this program's code for errors whose sentence has no French.
    #[test]
    fn every_error_of_the_command_line_has_its_french() {
        let (mut seen, mut missing) = (0, Vec::new());
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|kind| kind == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    let code = text.split("#[cfg(test)]").next().unwrap();
                    for sentence in sentences(code) {
                        seen += 1;
                        if say(&sentence) == sentence && !IN_BOTH.contains(&sentence.as_str()) {
                            missing.push(format!("{}: {sentence}", path.display()));
                        }
                    }
                }
            }
        }
        assert!(seen > 50, "{seen}");
        assert!(
            missing.is_empty(),
            "add the French to french/errors.txt: {missing:#?}"
        );
    }

    /// The first pattern that fits is taken, so a wider one stands behind those it would fit.
    #[test]
    fn no_pattern_hides_a_later_one() {
        let all: Vec<&str> = pairs().map(|(english, _)| english).collect();
        for (at, wide) in all.iter().enumerate() {
            for narrow in &all[at + 1..] {
                let text = narrow.replace("{}", "X");
                assert!(fillings(&text, wide).is_none(), "{wide} hides {narrow}");
            }
        }
    }

    /// The first literal of each call that makes an error, unless it is made in both languages, with X for what is filled in.
    fn sentences(code: &str) -> Vec<String> {
        let mut all = Vec::new();
        for call in [
            "bail!(",
            "anyhow!(",
            ".context(",
            "with_context(",
            "let cannot = ||",
            "Err(format!(",
        ] {
            for piece in code.split(call).skip(1) {
                let end = piece.find(';').unwrap_or(piece.len());
                let before = piece.split('"').next().unwrap_or_default();
                let two =
                    piece[..end].contains("tell(") || before.contains("Lang::") || before.contains("\n}");
                let Some(literal) = piece.split('"').nth(1).filter(|_| !two && before.len() < 400) else {
                    continue;
                };
                let mut sentence = String::new();
                let mut rest = literal;
                while let Some((text, after)) = rest.split_once('{') {
                    sentence.push_str(text);
                    sentence.push('X');
                    rest = after.split_once('}').map_or("", |(_, after)| after);
                }
                sentence.push_str(rest);
                if sentence.replace("X", "").contains(char::is_alphabetic) && sentence.contains(' ') {
                    all.push(sentence);
                }
            }
        }
        all
    }

    #[test]
    fn what_is_filled_in_goes_where_french_wants_it() {
        assert_eq!(say("7 is not in 1..=5"), "7 n’est pas entre 1 et 5");
        assert_eq!(
            say("CVE-1 is not in the pack p; it has a, b"),
            "CVE-1 n’est pas dans le pack p\u{202f}; il contient a, b"
        );
        assert_eq!(say("sql: {0} it is"), "sql: {0} it is");
        let french: Vec<&str> = ERRORS
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        assert_eq!(french.len() % 2, 0, "a line of English without its French");
        for pair in french.chunks(2) {
            for number in 0..pair[0].matches("{}").count() {
                assert!(pair[1].contains(&format!("{{{number}}}")), "{}", pair[0]);
            }
        }
    }
}
