//! Taking a JSON document apart without reading it: where the members and elements of what is large begin and end.
//! Each element is then read by itself, so that one that is broken, too deep or cut off is lost alone. Nothing here
//! recurses or copies.

/// A value's place in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether its end was found; else it ends with the document.
    pub(super) whole: bool,
}

/// Where something other than JSON stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
}

/// A document and where its lines are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) bytes: &'a [u8],
}

impl<'a> Document<'a> {
    fn byte(self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn skip_space(self, mut at: usize) -> usize {
        while self.byte(at).is_some_and(|byte| byte.is_ascii_whitespace()) {
            at += 1;
        }
        at
    }

    /// The bytes of a part.
    pub(super) fn text(self, part: Part) -> &'a [u8] {
        self.bytes.get(part.from..part.to).unwrap_or_default()
    }

    /// What the part begins with.
    pub(super) fn opens_with(self, part: Part) -> Option<u8> {
        self.byte(part.from)
    }

    /// The value that begins here.
    fn value(self, from: usize) -> Result<Part, Broken> {
        let cut = Part {
            from,
            to: self.bytes.len(),
            whole: false,
        };
        let end = match self.byte(from) {
            Some(b'"') => self.end_of_string(from),
            Some(b'{' | b'[') => self.end_of_nest(from),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
                let rest = self.bytes.get(from..).unwrap_or_default();
                let ends =
                    |byte: &u8| matches!(byte, b',' | b']' | b'}' | b':') || byte.is_ascii_whitespace();
                Some(from + rest.iter().position(ends).unwrap_or(rest.len()))
            }
            _ => return Err(Broken { at: from }),
        };
        Ok(end.map_or(cut, |to| Part {
            from,
            to,
            whole: true,
        }))
    }

    fn end_of_string(self, from: usize) -> Option<usize> {
        let mut at = from + 1;
        loop {
            let rest = self.bytes.get(at..)?;
            at += memchr::memchr2(b'"', b'\\', rest)?;
            if self.byte(at) == Some(b'"') {
                return Some(at + 1);
            }
            at += 2;
        }
    }

    /// Brackets of both kinds are counted together: what mixes them up is refused when it is read.
    fn end_of_nest(self, from: usize) -> Option<usize> {
        let mut depth = 0usize;
        let mut at = from;
        loop {
            match self.byte(at)? {
                b'"' => {
                    at = self.end_of_string(at)?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// The values one after the other: one document, or one for each line.
    pub(super) fn values(self) -> Parts<'a> {
        Parts {
            document: self,
            at: 0,
            close: None,
            ended: false,
        }
    }

    /// The elements of an array; none of anything else.
    pub(super) fn elements(self, part: Part) -> Parts<'a> {
        Parts {
            document: self,
            at: part.from + 1,
            close: Some(b']'),
            ended: self.opens_with(part) != Some(b'['),
        }
    }

    /// The members of an object, as key without quotes and value; none of anything else.
    pub(super) fn members(self, part: Part) -> impl Iterator<Item = Result<(&'a [u8], Part), Broken>> {
        let mut parts = Parts {
            document: self,
            at: part.from + 1,
            close: Some(b'}'),
            ended: self.opens_with(part) != Some(b'{'),
        };
        std::iter::from_fn(move || parts.member())
    }
}

/// Walks over values between commas.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    document: Document<'a>,
    at: usize,
    /// The bracket that ends it; without one, the document does, and no commas are needed.
    close: Option<u8>,
    ended: bool,
}

impl<'a> Parts<'a> {
    fn broken(&mut self, at: usize) -> Broken {
        self.ended = true;
        Broken { at }
    }

    /// Stands at the next value, or ends.
    fn begin(&mut self) -> bool {
        self.at = self.document.skip_space(self.at);
        let here = self.document.byte(self.at);
        if self.ended || here.is_none() || here == self.close {
            self.ended = true;
        }
        !self.ended
    }

    /// Steps over the value and the comma behind it.
    fn step(&mut self, value: Part) {
        let after = self.document.skip_space(value.to);
        self.at = after;
        if !value.whole {
            self.ended = true;
        } else if self.document.byte(after) == Some(b',') {
            self.at = after + 1;
        } else if self.close.is_some() && self.document.byte(after) == self.close {
            self.ended = true;
        }
    }

    fn member(&mut self) -> Option<Result<(&'a [u8], Part), Broken>> {
        if !self.begin() {
            return None;
        }
        let document = self.document;
        let read = || {
            let key = document.value(self.at)?;
            let colon = document.skip_space(key.to);
            if document.byte(key.from) != Some(b'"') || document.byte(colon) != Some(b':') {
                return Err(Broken { at: colon });
            }
            let value = document.value(document.skip_space(colon + 1))?;
            let inner = document.bytes.get(key.from + 1..key.to - 1).unwrap_or_default();
            Ok((inner, value))
        };
        match read() {
            Ok((key, value)) => {
                self.step(value);
                Some(Ok((key, value)))
            }
            Err(Broken { at }) => Some(Err(self.broken(at))),
        }
    }
}

impl Iterator for Parts<'_> {
    type Item = Result<Part, Broken>;

    fn next(&mut self) -> Option<Result<Part, Broken>> {
        if !self.begin() {
            return None;
        }
        match self.document.value(self.at) {
            Ok(value) => {
                self.step(value);
                Some(Ok(value))
            }
            Err(Broken { at }) => Some(Err(self.broken(at))),
        }
    }
}

/// An error without the place, which counts from the element and not from the document.
pub(super) fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _place)) => what.to_owned(),
        None => text,
    }
}

/// Counts lines up to places that mostly come in order.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Lines<'a> {
        Lines {
            bytes,
            at: 0,
            line: 1,
        }
    }

    /// The 1-based line of a place.
    pub(super) fn at(&mut self, place: usize) -> u64 {
        let place = place.min(self.bytes.len());
        if place < self.at {
            (self.at, self.line) = (0, 1);
        }
        let between = self.bytes.get(self.at..place).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', between).count() as u64;
        self.at = place;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(document: &str) -> Vec<String> {
        let document = Document {
            bytes: document.as_bytes(),
        };
        let top = document.values().next().unwrap().unwrap();
        let shown = |part: Part| {
            let text = String::from_utf8_lossy(document.text(part)).into_owned();
            if part.whole { text } else { format!("{text}…") }
        };
        match document.opens_with(top) {
            Some(b'[') => document
                .elements(top)
                .map(|part| part.map_or_else(|broken| format!("!{}", broken.at), shown))
                .collect(),
            _ => document
                .members(top)
                .map(|member| {
                    member.map_or_else(
                        |broken| format!("!{}", broken.at),
                        |(key, value)| format!("{}={}", String::from_utf8_lossy(key), shown(value)),
                    )
                })
                .collect(),
        }
    }

    #[test]
    fn documents_are_taken_apart() {
        assert_eq!(
            texts(r#"[1, "a,]\"", {"b": [2]} , null]"#),
            ["1", r#""a,]\"""#, r#"{"b": [2]}"#, "null"]
        );
        assert_eq!(
            texts(r#"{"a": {"b": "}"}, "c":[1,2]}"#),
            [r#"a={"b": "}"}"#, "c=[1,2]"]
        );
        assert_eq!(texts(r#"[{"a":1},{"b":"#), [r#"{"a":1}"#, r#"{"b":…"#]);
        assert_eq!(texts(r#"{"objects": [1, 2"#), ["objects=[1, 2…"]);
        assert_eq!(texts("[1, ;]"), ["1", "!4"]);
        assert_eq!(texts("[]"), Vec::<String>::new());
        let lines = Document {
            bytes: b"{\"a\":1}\n{\"b\":2}\n",
        };
        assert_eq!(lines.values().count(), 2);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_all_ends(text in "[\\[\\]{}\",:\\\\a1 \n]{0,60}") {
            let document = Document { bytes: text.as_bytes() };
            for top in document.values().flatten() {
                prop_assert!(top.from < top.to);
                prop_assert!(document.elements(top).count() <= text.len());
                prop_assert!(document.members(top).count() <= text.len());
            }
            prop_assert!(document.values().count() <= text.len() + 1);
            let _ = Lines::of(text.as_bytes()).at(text.len() + 5);
        }
    }
}
