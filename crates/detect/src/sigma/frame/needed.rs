//! Literals a regular expression cannot match without.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Alternatives looked for at most.
const MOST: usize = 64;
/// Shorter literals are everywhere.
const SHORTEST: usize = 3;

/// Literals in lower case, one of which (ASCII case aside) is in every text the expression matches; none when there
/// is no such set.
pub(in crate::sigma) fn needed(pattern: &str) -> Vec<Box<str>> {
    let Ok(hir) = regex_syntax::parse(pattern) else {
        return Vec::new();
    };
    let found = of(&hir).unwrap_or_default();
    found.into_iter().map(String::into_boxed_str).collect()
}

fn of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => good(vec![letters(hir)?]),
        HirKind::Repetition(repetition) => (repetition.min > 0).then(|| of(&repetition.sub)).flatten(),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Alternation(parts) => {
            let parts: Option<Vec<Vec<String>>> = parts.iter().map(of).collect();
            good(parts?.concat())
        }
        HirKind::Concat(parts) => {
            let mut best: Option<Vec<String>> = None;
            let mut run = String::new();
            for part in parts {
                match letters(part) {
                    Some(text) => run.push_str(&text),
                    None => {
                        best = better(best, good(vec![std::mem::take(&mut run)]));
                        best = better(best, of(part));
                    }
                }
            }
            better(best, good(vec![run]))
        }
    }
}

/// The ASCII text an expression stands for, when it stands for one, case aside.
fn letters(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            text.is_ascii().then(|| text.to_ascii_lowercase())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            let [upper, lower] = ranges else { return None };
            let (upper, lower) = (
                (upper.start() == upper.end()).then(|| upper.start())?,
                (lower.start() == lower.end()).then(|| lower.start())?,
            );
            let is_pair = upper.is_ascii_uppercase() && upper.to_ascii_lowercase() == lower;
            is_pair.then(|| lower.to_string())
        }
        HirKind::Capture(capture) => letters(&capture.sub),
        _ => None,
    }
}

fn good(texts: Vec<String>) -> Option<Vec<String>> {
    let long_enough = texts.iter().all(|text| text.len() >= SHORTEST);
    (long_enough && !texts.is_empty() && texts.len() <= MOST).then_some(texts)
}

fn better(a: Option<Vec<String>>, b: Option<Vec<String>>) -> Option<Vec<String>> {
    let worth = |texts: &Vec<String>| {
        let shortest = texts.iter().map(String::len).min().unwrap_or(0);
        shortest as isize - texts.len().ilog2() as isize
    };
    match (a, b) {
        (Some(a), Some(b)) => Some(if worth(&b) > worth(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_every_match_has() {
        for (pattern, expected) in [
            ("^H.l+ello wor", &["ello wor"][..]),
            ("(?i)ABC\\d+x", &["abc"]),
            ("a|bcd", &[]),
            ("(abc|defg)[0-9]", &["abc", "defg"]),
            ("(?:longer)?abc", &["abc"]),
            ("(?:longer)+abc", &["longer"]),
            ("[a-z]*", &[]),
            ("\\\\.*\\.exe", &[".exe"]),
            ("(?i)kelvin", &["elvin"]),
        ] {
            let found = needed(pattern);
            assert_eq!(
                found.iter().map(|text| &**text).collect::<Vec<_>>(),
                expected,
                "{pattern}"
            );
        }
    }
}
