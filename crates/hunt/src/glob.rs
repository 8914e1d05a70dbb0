//! Names with wildcards: `*` for anything, `?` for one character, case of ASCII letters does not matter.

/// Whether the whole of `text` is what `pattern` says. Takes at most their lengths multiplied.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star turns out not to fit.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&have) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&want) if want == '?' || want.eq_ignore_ascii_case(&have) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks_stand_for_what_they_do_everywhere() {
        for (pattern, text) in [
            ("attack.t1505*", "attack.T1505.003"),
            ("*", ""),
            ("a*b*c", "aXbbYc"),
            ("EX0?", "ex01"),
            ("é?", "éa"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a?", "a"), ("a*b", "abc"), ("abc", "ab"), ("*a", "b")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(200), &"a".repeat(150)));
    }
}
