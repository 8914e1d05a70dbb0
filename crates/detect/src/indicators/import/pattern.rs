//! STIX patterns: read, and turned into what single-value indicators can express.
//!
//! The grammar is that of STIX 2.1, section 9 (docs.oasis-open.org/cti/stix/v2.1). A pattern is brought into
//! alternatives, each a list of tests that must hold together; what an alternative means as an indicator is said by
//! [`super::observable`].

/// How deep brackets may be nested.
const DEEPEST: usize = 32;
/// Alternatives that `AND` over `OR` may multiply into.
const MOST_COMBINATIONS: usize = 1_000;

/// One comparison: `file:hashes.'SHA-256' = 'aa..'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Test {
    /// `file`.
    pub(super) object: String,
    /// `hashes.SHA-256`: without quotes, steps between dots.
    pub(super) path: String,
    pub(super) operator: Operator,
    pub(super) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    IsSubset,
    Like,
    Matches,
    /// Anything else: a comparison no indicator makes.
    Other,
}

/// Tests that must hold of one object at once.
pub(super) type Together = Vec<Test>;

/// The alternatives of a pattern; those that cannot be told by single values carry the reason.
pub(super) fn alternatives(pattern: &str) -> Result<Vec<Result<Together, String>>, String> {
    let tokens = tokens(pattern)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        depth: 0,
    };
    let found = parser.observations()?;
    match parser.peek() {
        None => Ok(found),
        Some(token) => Err(format!("unexpected {} in the pattern", token.shown())),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `[`, `]`, `(`, `)`, `,`, `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Sign(&'static str),
    /// A word, with all that belongs to an object path: `file:hashes.SHA-256`.
    Word(String),
    /// A constant, whatever its type.
    Constant(String),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Token::Sign(sign) => format!("\"{sign}\""),
            Token::Word(text) | Token::Constant(text) => {
                format!("{:?}", text.chars().take(40).collect::<String>())
            }
        }
    }
}

const SIGNS: [&str; 12] = ["!=", "<>", "<=", ">=", "=", "<", ">", "[", "]", "(", ")", ","];

fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = pattern.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(&sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or("");
        } else if first == '\'' {
            let (text, after) = string(rest)?;
            tokens.push(Token::Constant(text));
            rest = after;
        } else if matches!(first, 't' | 'h' | 'b') && rest.get(1..).is_some_and(|rest| rest.starts_with('\''))
        {
            let (text, after) = string(rest.get(1..).unwrap_or(""))?;
            tokens.push(Token::Constant(text));
            rest = after;
        } else if first.is_ascii_digit() || matches!(first, '-' | '+') {
            let len = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')))
                .unwrap_or(rest.len());
            let (number, after) = rest.split_at(len);
            tokens.push(Token::Constant(number.to_owned()));
            rest = after;
        } else if first.is_alphabetic() || first == '_' {
            let (word, after) = word(rest)?;
            tokens.push(Token::Word(word));
            rest = after;
        } else {
            return Err(format!("unexpected {first:?} in the pattern"));
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A string from its quote on; gives it without escapes, and what follows.
fn string(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Ok((value, text.get(at + 1..).unwrap_or(""))),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            _ => value.push(letter),
        }
    }
    Err("a string in the pattern has no end".to_owned())
}

/// A keyword or an object path; quotes around steps are left out, `[*]` and the like too.
fn word(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let len = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '.')))
            .unwrap_or(rest.len());
        let (plain, after) = rest.split_at(len);
        value.push_str(plain);
        rest = after;
        if rest.starts_with('\'') && value.ends_with('.') {
            let (step, after) = string(rest)?;
            value.push_str(&step);
            rest = after;
        } else if rest.starts_with('"') && value.ends_with('.') {
            let quoted = rest.get(1..).unwrap_or("");
            let (step, after) = quoted.split_once('"').ok_or("a name in the pattern has no end")?;
            value.push_str(step);
            rest = after;
        } else if rest.starts_with('[') && value.contains(':') {
            rest = rest.split_once(']').ok_or("a [ in an object path has no ]")?.1;
        } else {
            return Ok((value, rest));
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

type Alternatives = Vec<Result<Together, String>>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is_next = self
            .peek()
            .is_some_and(|token| matches!(token, Token::Sign(other) if *other == sign));
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = self
            .peek()
            .is_some_and(|token| matches!(token, Token::Word(other) if other.eq_ignore_ascii_case(word)));
        self.at += usize::from(is_next);
        is_next
    }

    fn expects(&mut self, sign: &str) -> Result<(), String> {
        if self.takes_sign(sign) {
            return Ok(());
        }
        Err(match self.peek() {
            Some(token) => format!("expected \"{sign}\" before {} in the pattern", token.shown()),
            None => format!("the pattern ends before \"{sign}\""),
        })
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("the pattern is nested more than {DEEPEST} deep"));
        }
        Ok(())
    }

    /// Observations joined by `OR`, `AND` and `FOLLOWEDBY`, each with qualifiers.
    fn observations(&mut self) -> Result<Alternatives, String> {
        let mut found = self.observations_together()?;
        while self.takes_word("OR") {
            found.extend(self.observations_together()?);
        }
        Ok(found)
    }

    fn observations_together(&mut self) -> Result<Alternatives, String> {
        let first = self.observation()?;
        let mut count = 1;
        while self.takes_word("AND") || self.takes_word("FOLLOWEDBY") {
            self.observation()?;
            count += 1;
        }
        if count == 1 {
            return Ok(first);
        }
        Ok(vec![Err(format!(
            "{count} observations that must occur together, which one value cannot express"
        ))])
    }

    fn observation(&mut self) -> Result<Alternatives, String> {
        self.deeper()?;
        let mut found = if self.takes_sign("(") {
            let inner = self.observations()?;
            self.expects(")")?;
            inner
        } else {
            self.expects("[")?;
            let inner = self.any()?;
            self.expects("]")?;
            inner
        };
        self.depth -= 1;
        if let Some(qualifier) = self.qualifiers() {
            found = vec![Err(format!(
                "the qualifier {qualifier}, which counts or times observations"
            ))];
        }
        Ok(found)
    }

    /// The first of the qualifiers that stand here.
    fn qualifiers(&mut self) -> Option<&'static str> {
        let mut first = None;
        loop {
            let (name, len) = if self.takes_word("REPEATS") {
                ("REPEATS", 2)
            } else if self.takes_word("WITHIN") {
                ("WITHIN", 2)
            } else if self.takes_word("START") {
                ("START", 3)
            } else {
                return first;
            };
            self.at += len;
            first = first.or(Some(name));
        }
    }

    /// Comparisons joined by `OR`.
    fn any(&mut self) -> Result<Alternatives, String> {
        let mut found = self.all()?;
        while self.takes_word("OR") {
            found.extend(self.all()?);
        }
        Ok(found)
    }

    /// Comparisons joined by `AND`, which binds tighter.
    fn all(&mut self) -> Result<Alternatives, String> {
        let mut found = self.comparison()?;
        while self.takes_word("AND") {
            found = product(found, self.comparison()?)?;
        }
        Ok(found)
    }

    fn comparison(&mut self) -> Result<Alternatives, String> {
        if self.takes_sign("(") {
            self.deeper()?;
            let inner = self.any()?;
            self.expects(")")?;
            self.depth -= 1;
            return Ok(inner);
        }
        let exists = self.takes_word("EXISTS");
        let Some(Token::Word(path)) = self.next() else {
            return Err("a comparison in the pattern begins with an object path".to_owned());
        };
        let (object, path) = path
            .split_once(':')
            .ok_or_else(|| format!("{path:?} is no object path"))?;
        let test = |operator, value: &str| Test {
            object: object.to_owned(),
            path: path.to_owned(),
            operator,
            value: value.to_owned(),
        };
        if exists {
            return Ok(vec![Ok(vec![test(Operator::Other, "")])]);
        }
        let negated = self.takes_word("NOT");
        let (operator, is_set) = self.operator()?;
        let values = if is_set {
            self.set()?
        } else {
            vec![self.constant()?]
        };
        if negated || operator == Operator::Other {
            return Ok(vec![Ok(vec![test(Operator::Other, "")])]);
        }
        Ok(values
            .iter()
            .map(|value| Ok(vec![test(operator, value)]))
            .collect())
    }

    fn operator(&mut self) -> Result<(Operator, bool), String> {
        let token = self.next().ok_or("the pattern ends after an object path")?;
        Ok(match token {
            Token::Sign("=") => (Operator::Equal, false),
            Token::Sign("!=" | "<>" | "<" | "<=" | ">" | ">=") => (Operator::Other, false),
            Token::Word(word) => match word.to_ascii_uppercase().as_str() {
                "IN" => (Operator::Equal, true),
                "ISSUBSET" => (Operator::IsSubset, false),
                "LIKE" => (Operator::Like, false),
                "MATCHES" => (Operator::Matches, false),
                "ISSUPERSET" => (Operator::Other, false),
                _ => return Err(format!("unknown operator {word:?} in the pattern")),
            },
            other => {
                return Err(format!(
                    "expected an operator before {} in the pattern",
                    other.shown()
                ));
            }
        })
    }

    fn constant(&mut self) -> Result<&'a str, String> {
        match self.next() {
            Some(Token::Constant(value) | Token::Word(value)) => Ok(value),
            Some(other) => Err(format!(
                "expected a value before {} in the pattern",
                other.shown()
            )),
            None => Err("the pattern ends before a value".to_owned()),
        }
    }

    fn set(&mut self) -> Result<Vec<&'a str>, String> {
        self.expects("(")?;
        let mut values = vec![self.constant()?];
        while self.takes_sign(",") {
            values.push(self.constant()?);
        }
        self.expects(")")?;
        Ok(values)
    }
}

/// Every alternative of one with every alternative of the other.
fn product(one: Alternatives, other: Alternatives) -> Result<Alternatives, String> {
    if one.len().saturating_mul(other.len()) > MOST_COMBINATIONS {
        return Err(format!(
            "the pattern combines into more than {MOST_COMBINATIONS} alternatives"
        ));
    }
    let mut found = Vec::with_capacity(one.len() * other.len());
    for left in &one {
        for right in &other {
            found.push(match (left, right) {
                (Ok(left), Ok(right)) => Ok(left.iter().chain(right).cloned().collect()),
                (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(pattern: &str) -> Vec<String> {
        let test = |test: &Test| format!("{}:{} {:?} {}", test.object, test.path, test.operator, test.value);
        match alternatives(pattern) {
            Ok(found) => found
                .iter()
                .map(|one| match one {
                    Ok(tests) => tests.iter().map(test).collect::<Vec<_>>().join(" & "),
                    Err(reason) => format!("! {reason}"),
                })
                .collect(),
            Err(reason) => vec![format!("!! {reason}")],
        }
    }

    #[test]
    fn patterns_become_alternatives() {
        assert_eq!(
            shown("[file:hashes.'SHA-256' = 'ab' OR file:name IN ('a.exe', 'b\\\\c\\'d')]"),
            [
                "file:hashes.SHA-256 Equal ab",
                "file:name Equal a.exe",
                r"file:name Equal b\c'd"
            ]
        );
        assert_eq!(
            shown("[ipv4-addr:value ISSUBSET '198.51.100.0/24'] OR [url:value LIKE 'http://x/%']"),
            [
                "ipv4-addr:value IsSubset 198.51.100.0/24",
                "url:value Like http://x/%"
            ]
        );
        assert_eq!(
            shown("[file:size = 3 AND (file:name = 'a' OR file:name MATCHES '^b')]"),
            [
                "file:size Equal 3 & file:name Equal a",
                "file:size Equal 3 & file:name Matches ^b"
            ]
        );
        assert_eq!(
            shown("[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'x']"),
            ["network-traffic:extensions.http-request-ext.request_header.User-Agent Equal x"]
        );
        assert_eq!(
            shown("[domain-name:resolves_to_refs[*].value = '203.0.113.7']"),
            ["domain-name:resolves_to_refs.value Equal 203.0.113.7"]
        );
        assert_eq!(
            shown("[file:created > t'2021-03-03T00:00:00Z']"),
            ["file:created Other "]
        );
    }

    #[test]
    fn what_one_value_cannot_express_is_said() {
        assert!(shown("[a:b = 'c'] AND [d:e = 'f']")[0].starts_with("! 2 observations"));
        assert!(shown("[a:b = 'c'] FOLLOWEDBY [d:e = 'f'] WITHIN 5 SECONDS")[0].starts_with("! 2 "));
        assert!(shown("[a:b = 'c'] REPEATS 5 TIMES WITHIN 60 SECONDS")[0].contains("REPEATS"));
        assert_eq!(shown("([a:b = 'c'] AND [d:e = 'f']) OR [g:h = 'i']").len(), 2);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "",
            "file:name = 'a'",
            "[file:name = 'a'",
            "[file:name = 'a]",
            "[file:name]",
            "[name = 'a']",
            "[file:name ~ 'a']",
            "[file:name SOUNDSLIKE 'a']",
            "[file:name IN 'a']",
            "[file:name = 'a'] nonsense",
        ] {
            assert!(shown(pattern)[0].starts_with("!!"), "{pattern}");
        }
        let deep = format!("{}[a:b = 'c']{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(shown(&deep)[0].contains("deep"));
        let set = format!("({})", vec!["'v'"; 100].join(","));
        assert!(shown(&format!("[a:b IN {set} AND c:d IN {set}]"))[0].contains("1000 alternatives"));
        assert_eq!(shown(&format!("[a:b IN {set}]")).len(), 100);
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in "(\\[|\\]|\\(|\\)|'|a:b| = | AND | OR | IN |,|\\\\|é){0,30}") {
            let _ = alternatives(&pattern);
        }
    }
}
