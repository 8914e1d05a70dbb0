//! Problems in the language of whoever reads them: that of their account, else the one their browser prefers. Programs look at
//! `type`, which is the same in all.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value as Json;
use vigie_desk::tenants::Locale;

use super::french::{DETAILS, SENTENCES};
use super::{PROBLEM_JSON, Problem};

/// Bytes of a problem that is translated.
const LONGEST: usize = 256 << 10;

/// The language of whoever was recognised, left on the answer by whoever recognised them.
#[derive(Clone, Copy)]
pub(crate) struct SpokenBy(pub(crate) Locale);

/// Puts problems into the reader's language.
pub(crate) async fn in_language(request: Request, next: Next) -> Response {
    let preferred = preferred(request.headers());
    let response = next.run(request).await;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|media| media == PROBLEM_JSON);
    if !is_problem {
        return response;
    }
    let spoken = response
        .extensions()
        .get::<SpokenBy>()
        .map_or(preferred, |SpokenBy(locale)| *locale);
    let (mut head, body) = response.into_parts();
    head.headers
        .append(header::VARY, HeaderValue::from_static("Accept-Language"));
    let language = HeaderValue::from_static(spoken.id());
    head.headers.insert(header::CONTENT_LANGUAGE, language);
    if spoken != Locale::Fr {
        return Response::from_parts(head, body);
    }
    // It is one of ours, and small.
    let bytes = to_bytes(body, LONGEST).await.unwrap_or_default();
    let body = match serde_json::from_slice(&bytes) {
        Ok(mut problem) => {
            translate(&mut problem);
            Body::from(problem.to_string())
        }
        Err(_) => Body::from(bytes),
    };
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, body)
}

/// The language a browser prefers, of those there are.
fn preferred(headers: &HeaderMap) -> Locale {
    let said = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let mut best = (0.0, Locale::En);
    for range in said.unwrap_or_default().split(',').take(20) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
        let quality = match weight.trim().strip_prefix("q=") {
            Some(quality) => quality.trim().parse().unwrap_or(0.0),
            None => 1.0,
        };
        let locale = match tag.trim().split('-').next() {
            Some(tag) if tag.eq_ignore_ascii_case("fr") => Locale::Fr,
            Some(tag) if tag.eq_ignore_ascii_case("en") => Locale::En,
            _ => continue,
        };
        if quality > best.0 {
            best = (quality, locale);
        }
    }
    best.1
}

impl Problem {
    /// A problem that is a part of an answer, in the language of whoever gets it.
    pub(crate) fn spoken(mut self, locale: Option<Locale>) -> Problem {
        if locale == Some(Locale::Fr) {
            self.title = exact(self.title, SENTENCES).unwrap_or(self.title);
            self.what_to_do = exact(self.what_to_do, SENTENCES).unwrap_or(self.what_to_do);
            self.detail = detail(&self.detail, self.field.as_deref()).into();
        }
        self
    }
}

/// Puts a problem into French.
fn translate(problem: &mut Json) {
    let field = problem["field"].as_str().map(str::to_owned);
    for name in ["title", "what_to_do"] {
        let known = problem[name].as_str().and_then(|text| exact(text, SENTENCES));
        if let Some(french) = known {
            problem[name] = french.into();
        }
    }
    if let Some(text) = problem["detail"].as_str() {
        problem["detail"] = detail(text, field.as_deref()).into();
    }
}

/// What happened, in French; as it is when nobody knows how to say it.
fn detail(text: &str, field: Option<&str>) -> String {
    let of_field = field.and_then(|field| Some((field, text.strip_prefix(field)?.strip_prefix(": ")?)));
    match of_field {
        Some((field, why)) => format!("{field}\u{a0}: {}", phrase(why)),
        None => phrase(text),
    }
}

fn phrase(text: &str) -> String {
    if let Some(french) = exact(text, DETAILS) {
        return french.to_owned();
    }
    let filled = DETAILS
        .iter()
        .filter(|(english, _)| english.contains("{}"))
        .find_map(|(english, french)| Some((french, fillings(text, english)?)));
    let Some((french, fillings)) = filled else {
        return text.to_owned();
    };
    let mut said = (*french).to_owned();
    for (number, filling) in fillings.iter().enumerate().rev() {
        // What is filled in is not looked at again: it may hold braces of its own.
        said = said.replacen(
            &format!("{{{number}}}"),
            &filling.replace('{', "\u{1}").replace('}', "\u{2}"),
            1,
        );
    }
    said.replace('\u{1}', "{").replace('\u{2}', "}")
}

fn exact<'a>(text: &str, among: &[(&str, &'a str)]) -> Option<&'a str> {
    among
        .iter()
        .find(|(english, _)| *english == text)
        .map(|(_, french)| *french)
}

/// What stands in the places of a pattern, when a text fits it.
fn fillings<'a>(text: &'a str, pattern: &str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let parts: Vec<&str> = parts.collect();
    let (last, between) = parts.split_last()?;
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
    use super::*;

    #[test]
    fn what_is_filled_in_goes_where_french_wants_it() {
        assert_eq!(
            detail("limit: 0 is not between 1 and 1000", Some("limit")),
            "limit\u{a0}: 0 n’est pas entre 1 et 1000"
        );
        assert_eq!(
            detail(r#"there is already a tenant named "a {0} b""#, None),
            r#"un client s’appelle déjà "a {0} b""#
        );
        assert_eq!(
            phrase("200 characters; at most 100"),
            "200 caractères\u{202f}; au plus 100"
        );
        assert_eq!(
            phrase("3 characters; between 12 and 256 are needed"),
            "3 caractères\u{202f}; il en faut entre 12 et 256"
        );
        assert_eq!(
            phrase("expected `,` or `}` at line 1"),
            "expected `,` or `}` at line 1"
        );
    }

    #[test]
    fn the_browser_s_wish_is_weighed() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, value.parse().unwrap());
            preferred(&headers)
        };
        assert_eq!(of("fr-CA, en;q=0.8"), Locale::Fr);
        assert_eq!(of("de, en;q=0.9, fr;q=0.8"), Locale::En);
        assert_eq!(of("en;q=0.1, fr;q=0.5"), Locale::Fr);
        assert_eq!(of("fr;q=0, *"), Locale::En);
        assert_eq!(of("en; q=0.8, fr; q=0.9"), Locale::Fr);
        assert_eq!(preferred(&HeaderMap::new()), Locale::En);
    }

    /// Looks for sentences in the code, of the desk's errors and of the server's problems, that have no French.
    #[test]
    fn every_sentence_has_its_french() {
        let mut missing = Vec::new();
        let mut seen = 0;
        for folder in ["src", "../desk/src"] {
            for text in sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
                for sentence in sentences(&text) {
                    seen += 1;
                    let known = exact(&sentence, SENTENCES).is_some() || phrase(&sentence) != sentence;
                    if !known && !NOT_SHOWN.contains(&sentence.as_str()) {
                        missing.push(sentence);
                    }
                }
            }
        }
        assert!(seen > 120, "{seen}");
        assert!(missing.is_empty(), "add the French to french.rs: {missing:#?}");
        for (english, french) in SENTENCES.iter().chain(DETAILS) {
            let places = english.matches("{}").count();
            for number in 0..places {
                assert!(french.contains(&format!("{{{number}}}")), "{english}");
            }
            assert!(
                !french.contains(" :") && !french.contains(" ;") && !french.contains('\''),
                "{french}"
            );
        }
    }

    /// Of the command line, of code that no request reaches, or no sentences.
    const NOT_SHOWN: &[&str] = &[
        ", ",
        "{}: {}",
        "there is no such {}",
        "rows of {} are never changed or deleted",
        "column {} has the type {}: cast it",
        "its path is no UTF-8",
        "{} failed: {}",
        "{} exists: name a new folder",
        "pg_dump is not installed: install the client programs of PostgreSQL",
        "pg_restore is not installed: install the client programs of PostgreSQL",
        "the backup is of {}, and {} was asked for",
        "{} is not empty: name another folder",
        "the backup does not hold the master key: name its file",
        "the database is not empty: name an empty one",
        "it does not begin with postgres://",
    ];

    fn sources(folder: &std::path::Path) -> Vec<String> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                all.extend(sources(&path));
            } else if name.ends_with(".rs")
                && ![
                    "tests.rs",
                    "testing.rs",
                    "measure.rs",
                    "crashes.rs",
                    "language.rs",
                ]
                .contains(&name.as_str())
            {
                let text = std::fs::read_to_string(&path).unwrap();
                all.push(text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned());
            }
        }
        all
    }

    /// The literals of calls that make errors and problems, with `{}` for what they fill in.
    fn sentences(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        for (call, skipped) in [
            ("Error::invalid(", 1),
            ("Error::state(", 0),
            ("Problem::bad_request(", 0),
            ("Problem::unauthenticated(", 0),
            ("Problem::invalid(", 1),
            // Its kind is for programs.
            ("Problem::new(", 1),
        ] {
            for piece in text.split(call).skip(1) {
                all.extend(literals(piece).into_iter().skip(skipped));
            }
        }
        for words in text.split("pub enum Unrecognised {").skip(1) {
            let variants = words.split("\n}\n").next().unwrap_or_default();
            for piece in variants.split("#[error(").skip(1) {
                all.extend(literals(piece));
            }
        }
        for piece in text.split("let why = format!(").skip(1) {
            all.extend(literals(piece));
        }
        all.retain(|sentence| sentence.contains(' '));
        all
    }

    /// The string literals up to the parenthesis that ends a call.
    fn literals(text: &str) -> Vec<String> {
        let (mut found, mut depth, mut characters) = (Vec::new(), 1, text.chars().peekable());
        while let Some(character) = characters.next() {
            match character {
                '(' => depth += 1,
                ')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                '"' => {
                    let mut literal = String::new();
                    let mut placed = false;
                    while let Some(inside) = characters.next() {
                        match inside {
                            '"' => break,
                            '\\' => match characters.next() {
                                Some('\n') => {
                                    while characters.peek().is_some_and(|next| next.is_whitespace()) {
                                        characters.next();
                                    }
                                }
                                Some(escaped) => literal.push(escaped),
                                None => {}
                            },
                            '{' => {
                                placed = true;
                                literal.push_str("{}");
                            }
                            '}' => placed = false,
                            _ if placed => {}
                            other => literal.push(other),
                        }
                    }
                    found.push(literal);
                }
                _ => {}
            }
        }
        found
    }
}
