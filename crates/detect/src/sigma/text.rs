//! Literals and wildcards, compared as Sigma does: without case unless `cased` says otherwise.
//!
//! ASCII letters stand for their two cases and nothing else, so an ASCII literal is compared byte by byte. A literal
//! with other letters that have case (`é`) is compared with the value after both are folded, letter by letter.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use rsigma_parser::{SigmaString, SpecialChar, StringPart};

/// What Windows programs take for the dash before an option.
pub(super) const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// One piece of a text test.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// These characters; folded, unless the test minds case.
    Literal(Box<str>),
    /// One character.
    One,
    /// Any characters, or none.
    Many,
    /// One of [`DASHES`].
    Dash,
}

/// A literal, or several with wildcards between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TextTest {
    parts: Box<[Part]>,
    cased: bool,
    /// The value must be folded before it is compared.
    folds: bool,
    /// By part: in a literal, the position of the byte that is rarest in text.
    probes: Box<[usize]>,
}

/// The forms of a test that need no pattern matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    Equals(&'a str),
    StartsWith(&'a str),
    EndsWith(&'a str),
    Contains(&'a str),
    /// Any value.
    Anything,
    Pattern,
}

/// Where a value may go on before and after what the rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Open {
    pub(super) start: bool,
    pub(super) end: bool,
}

/// The parts of a Sigma string.
pub(super) fn parts_of(text: &SigmaString) -> Vec<Part> {
    text.parts
        .iter()
        .map(|part| match part {
            StringPart::Plain(plain) => Part::Literal(plain.as_str().into()),
            StringPart::Special(SpecialChar::WildcardMulti) => Part::Many,
            StringPart::Special(SpecialChar::WildcardSingle) => Part::One,
        })
        .collect()
}

impl fmt::Display for TextTest {
    /// The test with its wildcards, as a rule would say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::One => f.write_str("?")?,
                Part::Many => f.write_str("*")?,
                Part::Dash => f.write_str("-")?,
            }
        }
        Ok(())
    }
}

impl TextTest {
    pub(super) fn new(parts: Vec<Part>, open: Open, cased: bool) -> TextTest {
        let open_end = open.end.then_some(Part::Many);
        let all = open
            .start
            .then_some(Part::Many)
            .into_iter()
            .chain(parts)
            .chain(open_end);
        let mut merged: Vec<Part> = Vec::new();
        let mut folds = false;
        for part in all {
            match (merged.last_mut(), part) {
                (_, Part::Literal(text)) if text.is_empty() => {}
                (Some(Part::Many), Part::Many) => {}
                (Some(Part::Literal(before)), Part::Literal(text)) => {
                    let text = if cased { text } else { folded(&text).into() };
                    *before = format!("{before}{text}").into();
                }
                (_, Part::Literal(text)) => {
                    folds |= !cased && text.chars().any(has_case_beyond_ascii);
                    merged.push(Part::Literal(if cased { text } else { folded(&text).into() }));
                }
                (_, part) => merged.push(part),
            }
        }
        folds |= !cased && literals(&merged).any(|text| text.chars().any(has_case_beyond_ascii));
        let probe = |part: &Part| match part {
            Part::Literal(text) => rarest(text),
            _ => 0,
        };
        TextTest {
            probes: merged.iter().map(probe).collect(),
            parts: merged.into(),
            cased,
            folds,
        }
    }

    pub(super) fn shape(&self) -> Shape<'_> {
        match &*self.parts {
            [] => Shape::Equals(""),
            [Part::Many] => Shape::Anything,
            [Part::Literal(text)] => Shape::Equals(text),
            [Part::Literal(text), Part::Many] => Shape::StartsWith(text),
            [Part::Many, Part::Literal(text)] => Shape::EndsWith(text),
            [Part::Many, Part::Literal(text), Part::Many] => Shape::Contains(text),
            _ => Shape::Pattern,
        }
    }

    /// Whether comparing bytes without ASCII case decides the test.
    pub(super) fn is_bytewise(&self) -> bool {
        !self.cased && !self.folds
    }

    /// Whether a value without characters beyond ASCII cannot match, because the test names a letter beyond it.
    pub(super) fn folds(&self) -> bool {
        self.folds
    }

    /// The longest ASCII stretch that every matching value contains, ASCII case aside.
    pub(super) fn longest_literal(&self) -> Option<&str> {
        literals(&self.parts)
            .flat_map(|text| text.split(|c: char| !c.is_ascii()))
            .filter(|text| !text.is_empty())
            .max_by_key(|text| text.len())
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        if self.folds {
            !value.is_ascii() && self.matches_bytes(folded(value).as_bytes())
        } else {
            self.matches_bytes(value.as_bytes())
        }
    }

    fn matches_bytes(&self, value: &[u8]) -> bool {
        match self.shape() {
            Shape::Anything => true,
            Shape::Equals(text) => self.same(value, text.as_bytes()),
            Shape::StartsWith(text) => value
                .get(..text.len())
                .is_some_and(|head| self.same(head, text.as_bytes())),
            Shape::EndsWith(text) => value
                .len()
                .checked_sub(text.len())
                .and_then(|at| value.get(at..))
                .is_some_and(|tail| self.same(tail, text.as_bytes())),
            Shape::Contains(text) => self.find(1, text.as_bytes(), value, 0).next().is_some(),
            Shape::Pattern => self.matches_pattern(value),
        }
    }

    fn same(&self, value: &[u8], text: &[u8]) -> bool {
        if self.cased {
            value == text
        } else {
            value.eq_ignore_ascii_case(text)
        }
    }

    /// Where the literal that is a part stands in the value, from `from` on.
    fn find<'v>(
        &'v self,
        part: usize,
        text: &'v [u8],
        value: &'v [u8],
        from: usize,
    ) -> impl Iterator<Item = usize> + 'v {
        let probe = self.probes.get(part).copied().unwrap_or_default();
        let byte = text.get(probe).copied().unwrap_or_default();
        let (low, high) = if self.cased {
            (byte, byte)
        } else {
            (byte.to_ascii_lowercase(), byte.to_ascii_uppercase())
        };
        // Where the rarest byte may be: the whole literal must have room around it.
        let first = from + probe;
        let end = (value.len() + 1).saturating_sub(text.len()) + probe;
        let places = value.get(first..end).unwrap_or_default();
        memchr::memchr2_iter(low, high, places)
            .map(move |at| from + at)
            .filter(move |at| self.same(&value[*at..*at + text.len()], text))
    }

    /// Stretches between `*` are looked for from left to right, each at its first place: never exponential.
    fn matches_pattern(&self, value: &[u8]) -> bool {
        let Some(first) = self.next_many(0) else {
            return self.stretch(&self.parts, value, 0) == Some(value.len());
        };
        let Some(mut at) = self.stretch(&self.parts[..first], value, 0) else {
            return false;
        };
        let mut from = first + 1;
        while let Some(many) = self.next_many(from) {
            let Some(end) = self.find_stretch(from..many, value, at) else {
                return false;
            };
            at = end;
            from = many + 1;
        }
        self.ends_with(&self.parts[from..], value, at)
    }

    /// The next `*` from a part on.
    fn next_many(&self, from: usize) -> Option<usize> {
        let parts = self.parts.get(from..)?;
        Some(from + parts.iter().position(|part| *part == Part::Many)?)
    }

    /// Where the first place of a stretch ends, from `at` on.
    fn find_stretch(&self, parts: Range<usize>, value: &[u8], at: usize) -> Option<usize> {
        let stretch = &self.parts[parts.clone()];
        match stretch {
            [Part::Literal(text), rest @ ..] => self
                .find(parts.start, text.as_bytes(), value, at)
                .find_map(|start| self.stretch(rest, value, start + text.len())),
            _ => (at..=value.len()).find_map(|start| self.stretch(stretch, value, start)),
        }
    }

    /// Whether a stretch stands at the end of the value, not before `at`.
    fn ends_with(&self, stretch: &[Part], value: &[u8], at: usize) -> bool {
        match stretch {
            [] => true,
            [Part::Literal(text)] => value
                .get(at..)
                .and_then(|rest| rest.len().checked_sub(text.len()).map(|skip| &rest[skip..]))
                .is_some_and(|tail| self.same(tail, text.as_bytes())),
            _ => (at..=value.len()).any(|start| self.stretch(stretch, value, start) == Some(value.len())),
        }
    }

    /// Where a stretch without `*` ends when it starts at `at`.
    fn stretch(&self, parts: &[Part], value: &[u8], mut at: usize) -> Option<usize> {
        for part in parts {
            at += match part {
                Part::Many => 0,
                Part::Literal(text) => {
                    let piece = value.get(at..at + text.len())?;
                    if !self.same(piece, text.as_bytes()) {
                        return None;
                    }
                    text.len()
                }
                Part::One => char_len(value, at)?,
                Part::Dash => DASHES.iter().find_map(|dash| {
                    let mut buffer = [0; 4];
                    let dash = dash.encode_utf8(&mut buffer).as_bytes();
                    value.get(at..)?.starts_with(dash).then_some(dash.len())
                })?,
            };
        }
        Some(at)
    }
}

fn literals(parts: &[Part]) -> impl Iterator<Item = &str> {
    parts.iter().filter_map(|part| match part {
        Part::Literal(text) => Some(&**text),
        _ => None,
    })
}

/// Length of the UTF-8 character that starts at `at`; `None` inside one or at the end.
fn char_len(value: &[u8], at: usize) -> Option<usize> {
    Some(match value.get(at)? {
        0x00..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
        _ => return None,
    })
}

fn has_case_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && (!c.to_lowercase().eq([c]) || !c.to_uppercase().eq([c]))
}

/// Lower case, letter by letter. Letters outside ASCII stay outside, so that ASCII text means the same everywhere.
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) if !one.is_ascii() => one,
        _ => c,
    }
}

/// The text in the form in which it is compared.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().map(fold).collect())
    }
}

/// Whether two values are the same to Sigma.
pub(super) fn same_text(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && folded(a) == folded(b))
}

/// Bytes by how often they are in command lines, paths and addresses: the commonest first.
const COMMON_FIRST: &[u8] = b"e \\./aitnrsoclmdpuwf-:=hgyxbv0123k4\"56789j_%,;&?z()'+q<>|";

/// By byte: its place among them. Both cases of a letter are as common, and all others are rare.
const RANKS: [u8; 256] = {
    let mut ranks = [COMMON_FIRST.len() as u8; 256];
    let mut at = 0;
    while at < COMMON_FIRST.len() {
        let byte = COMMON_FIRST[at];
        ranks[byte as usize] = at as u8;
        ranks[byte.to_ascii_uppercase() as usize] = at as u8;
        at += 1;
    }
    ranks
};

/// The position of the byte that is rarest.
fn rarest(text: &str) -> usize {
    text.bytes()
        .enumerate()
        .max_by_key(|(at, byte)| (RANKS[usize::from(*byte)], usize::MAX - at))
        .map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(text: &str) -> TextTest {
        TextTest::new(parts_of(&SigmaString::new(text)), Open::default(), false)
    }

    #[test]
    fn wildcards_and_escapes() {
        for (pattern, value, expected) in [
            ("a*c", "ac", true),
            ("a*c", "aXbYc", true),
            ("a*c", "acb", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("?", "", false),
            ("*a*b*", "xxAyyBzz", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            (r"a\*c", "a*c", true),
            (r"a\*c", "abc", false),
            (r"C:\Windows\\*", r"c:\windows\x", true),
            (r"C:\Windows\\*", r"c:\windows", false),
            (r"a\\\*", r"a\*", true),
            (r"\\\\srv", r"\\srv", true),
            ("a*", "A\nB", true),
            ("*", "", true),
        ] {
            assert_eq!(test(pattern).matches(value), expected, "{pattern} on {value}");
        }
    }

    #[test]
    fn case_is_folded_within_and_beyond_ascii() {
        assert!(test("été").matches("ÉTÉ") && test("*é*").matches("CAFÉS"));
        assert!(test("k").matches("K") && !test("k").matches("\u{212a}"));
        assert!(test("*–enc*").matches("powershell –ENC AAA"));
        let cased = TextTest::new(vec![Part::Literal("Ab".into())], Open::default(), true);
        assert!(cased.matches("Ab") && !cased.matches("ab"));
    }

    #[test]
    fn a_pattern_of_many_stars_is_not_exponential() {
        let pattern = "*a".repeat(60) + "*b";
        assert!(!test(&pattern).matches(&"a".repeat(20_000)));
    }

    /// Tries every place for every part.
    fn plainly(parts: &[Part], value: &[u8], test: &TextTest) -> bool {
        match parts {
            [] => value.is_empty(),
            [Part::Many, rest @ ..] => (0..=value.len()).any(|at| plainly(rest, &value[at..], test)),
            [part, rest @ ..] => test
                .stretch(std::slice::from_ref(part), value, 0)
                .is_some_and(|end| plainly(rest, &value[end..], test)),
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4_000))]

        #[test]
        fn patterns_match_what_trying_every_place_matches(
            pattern in "[aAb\u{e9}\u{2013}*?-]{0,9}",
            value in "[aAb\u{e9}\u{2013}-]{0,12}",
            cased in proptest::bool::ANY,
            start in proptest::bool::ANY,
            end in proptest::bool::ANY,
        ) {
            let test = TextTest::new(parts_of(&SigmaString::new(&pattern)), Open { start, end }, cased);
            let folded = if test.folds { folded(&value).into_owned() } else { value.clone() };
            // A letter beyond ASCII that the test names must be in the value.
            let may = !test.folds || !value.is_ascii();
            proptest::prop_assert_eq!(
                test.matches(&value),
                may && plainly(&test.parts, folded.as_bytes(), &test),
                "{} on {}", pattern, value
            );
        }
    }
}
