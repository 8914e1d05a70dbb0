//! Splitting a line into fields, fast: RFC 4180 with its quotes, and plain lists without.

use memchr::{memchr, memmem};

/// Where the fields of a line are. Used again for every line.
#[derive(Debug, Default)]
pub(super) struct Fields {
    spans: Vec<Span>,
    /// Text of fields that had to be unescaped.
    scratch: String,
    /// The line ended inside a quoted field.
    open: bool,
}

/// A piece of the line, or of the scratch text.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    /// The length; the top bit says that the scratch text is meant.
    length: u32,
}

const IN_SCRATCH: u32 = 1 << 31;

/// A split line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// The whole line.
    pub(super) line: &'a str,
    fields: &'a Fields,
}

impl<'a> Row<'a> {
    /// How many fields there are.
    pub(super) fn len(&self) -> usize {
        self.fields.spans.len()
    }

    /// A field; empty when there is none at that position.
    pub(super) fn get(&self, position: usize) -> &'a str {
        self.fields
            .spans
            .get(position)
            .map_or("", |&span| self.text(span))
    }

    /// Whether the line ends inside a quoted field.
    pub(super) fn open(&self) -> bool {
        self.fields.open
    }

    /// Whether every field stands in the line as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.fields.scratch.is_empty() && !self.fields.open
    }

    /// All fields.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a str> + Clone {
        self.fields.spans.iter().map(move |&span| self.text(span))
    }

    fn text(&self, span: Span) -> &'a str {
        let start = span.start as usize;
        let end = start + (span.length & !IN_SCRATCH) as usize;
        let text = if span.length & IN_SCRATCH == 0 {
            self.line
        } else {
            &self.fields.scratch
        };
        text.get(start..end).unwrap_or_default()
    }
}

impl Fields {
    /// Splits at every separator. No quotes.
    pub(super) fn split_plain<'a>(&'a mut self, line: &'a str, separator: u8) -> Row<'a> {
        self.clear();
        let mut start = 0;
        each(line.as_bytes(), separator, |at| {
            self.push(start, at);
            start = at + 1;
        });
        self.push(start, line.len());
        Row { line, fields: self }
    }

    /// Splits at commas, with quotes.
    pub(super) fn split_csv<'a>(&'a mut self, line: &'a str) -> Row<'a> {
        if memchr(b'"', line.as_bytes()).is_none() {
            return self.split_plain(line, b',');
        }
        self.clear();
        let bytes = line.as_bytes();
        let mut at = 0;
        loop {
            let end = if bytes.get(at) == Some(&b'"') {
                self.quoted(line, at + 1)
            } else {
                let end = find(b',', bytes, at);
                self.push(at, end);
                end
            };
            if end >= bytes.len() {
                return Row { line, fields: self };
            }
            at = end + 1;
        }
    }

    /// One quoted field whose text begins at `start`; tells where its separator is.
    fn quoted(&mut self, line: &str, start: usize) -> usize {
        let bytes = line.as_bytes();
        let scratch = self.scratch.len();
        let mut from = start;
        loop {
            let quote = find(b'"', bytes, from);
            if quote == bytes.len() {
                self.open = true;
                return self.unescaped(line, scratch, (start, from), quote, quote);
            }
            if bytes.get(quote + 1) == Some(&b'"') {
                // One of the two quotes is part of the value.
                self.scratch.push_str(line.get(from..=quote).unwrap_or_default());
                from = quote + 2;
                continue;
            }
            // What follows the closing quote by mistake is kept.
            let end = find(b',', bytes, quote + 1);
            return self.unescaped(line, scratch, (start, from), quote, end);
        }
    }

    /// Ends a quoted field: a piece of the line when nothing had to be changed in it.
    fn unescaped(
        &mut self,
        line: &str,
        scratch: usize,
        (start, from): (usize, usize),
        quote: usize,
        end: usize,
    ) -> usize {
        if from == start && end <= quote + 1 {
            self.push(start, quote);
            return end;
        }
        self.scratch.push_str(line.get(from..quote).unwrap_or_default());
        self.scratch
            .push_str(line.get(quote + 1..end).unwrap_or_default());
        self.spans.push(Span {
            start: scratch as u32,
            length: (self.scratch.len() - scratch) as u32 | IN_SCRATCH,
        });
        end
    }

    fn push(&mut self, start: usize, end: usize) {
        self.spans.push(Span {
            start: start as u32,
            length: (end - start) as u32,
        });
    }

    fn clear(&mut self) {
        self.spans.clear();
        self.scratch.clear();
        self.open = false;
    }
}

/// The next place of a byte, or the end.
fn find(byte: u8, bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    memchr(byte, rest).map_or(bytes.len(), |at| from + at)
}

/// Calls back for every place of a byte. Eight bytes at a time: in these logs most fields are empty or short, and a
/// search that starts anew for each field would cost more than the fields.
fn each(bytes: &[u8], byte: u8, mut found: impl FnMut(usize)) {
    const LOW: u64 = u64::from_le_bytes([0x7F; 8]);
    let pattern = u64::from_le_bytes([byte; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let difference = u64::from_le_bytes(*word) ^ pattern;
        // The top bit of each byte that is zero, exactly.
        let mut hits = !(((difference & LOW) + LOW) | difference | LOW);
        while hits != 0 {
            found(index * 8 + hits.trailing_zeros() as usize / 8);
            hits &= hits - 1;
        }
    }
    let start = bytes.len() - rest.len();
    for (index, &other) in rest.iter().enumerate() {
        if other == byte {
            found(start + index);
        }
    }
}

/// Whether a quoted field is open after these bytes, when one was (`inside`) or was not before them.
pub(super) fn open_after(bytes: &[u8], inside: bool) -> bool {
    let mut at = 0;
    let mut inside = inside;
    loop {
        if inside {
            let quote = find(b'"', bytes, at);
            if quote == bytes.len() {
                return true;
            }
            at = quote + 1;
            if bytes.get(at) == Some(&b'"') {
                at += 1;
                continue;
            }
            inside = false;
            at = find(b',', bytes, at);
        } else if bytes.get(at) == Some(&b'"') {
            inside = true;
            at += 1;
            continue;
        } else {
            at = find(b',', bytes, at);
        }
        if at >= bytes.len() {
            return false;
        }
        at += 1;
    }
}

/// Whether a line starts like a record or a directive of an Exchange log: `2021-03-03T06:49`, `#Fields:`.
pub(super) fn starts_record(line: &[u8]) -> bool {
    if let Some(directive) = line.strip_prefix(b"#") {
        let known: [&[u8]; 5] = [b"Software:", b"Version:", b"Log-type:", b"Date:", b"Fields:"];
        return known.iter().any(|name| directive.starts_with(name));
    }
    const SHAPE: &[u8] = b"0000-00-00T00:00";
    line.len() >= SHAPE.len()
        && SHAPE.iter().zip(line).all(|(&shape, &byte)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => shape == byte,
        })
}

/// The text after `marker`, up to the first byte for which `ends` holds.
pub(super) fn after<'a>(text: &'a str, marker: &memmem::Finder<'_>, ends: fn(u8) -> bool) -> Option<&'a str> {
    let start = marker.find(text.as_bytes())? + marker.needle().len();
    let rest = text.get(start..)?;
    let end = rest.bytes().position(ends).unwrap_or(rest.len());
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(line: &str) -> (Vec<String>, bool) {
        let mut fields = Fields::default();
        let row: Vec<String> = fields.split_csv(line).iter().map(str::to_owned).collect();
        (row, fields.open)
    }

    #[test]
    fn quotes_follow_rfc_4180_and_mistakes_lose_no_text() {
        for (line, expected, open) in [
            ("", vec![""], false),
            ("a,,b,", vec!["a", "", "b", ""], false),
            (r#""a,b",c"#, vec!["a,b", "c"], false),
            (r#"x,"say ""hi""",y"#, vec!["x", r#"say "hi""#, "y"], false),
            (r#""","""""#, vec!["", "\""], false),
            (r#"a"b,c"#, vec![r#"a"b"#, "c"], false),
            (r#""a"b,c"#, vec!["ab", "c"], false),
            (r#"1,"cut, off"#, vec!["1", "cut, off"], true),
            (r#"1,"cut "" off"#, vec!["1", "cut \" off"], true),
            ("1,\"two\r\nlines\",3", vec!["1", "two\r\nlines", "3"], false),
            ("é,\"ü,\"\"ß\"", vec!["é", "ü,\"ß"], false),
        ] {
            let (row, is_open) = split(line);
            assert_eq!(
                (row, is_open),
                (expected.into_iter().map(str::to_owned).collect(), open),
                "{line}"
            );
            assert_eq!(open_after(line.as_bytes(), false), open, "{line}");
        }
    }

    #[test]
    fn record_starts_are_told_from_text() {
        assert!(starts_record(b"2021-03-03T06:49:46.210Z,x"));
        assert!(starts_record(b"#Fields: a,b"));
        assert!(!starts_record(b"2021-03-03 06:49:46"));
        assert!(!starts_record(b"#comment"));
        assert!(!starts_record(b""));
    }

    proptest! {
        #[test]
        fn splitting_undoes_quoting(values in prop::collection::vec("[a-z,\"\n é]{0,9}", 1..20)) {
            let quote = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
            let line = values.iter().map(quote).collect::<Vec<_>>().join(",");
            prop_assert_eq!(split(&line), (values, false));
        }

        #[test]
        fn plain_splitting_is_what_the_standard_library_does(line in "[ ,a-zé\u{80}-\u{2ff}]{0,60}") {
            let mut fields = Fields::default();
            let row: Vec<_> = fields.split_plain(&line, b' ').iter().map(str::to_owned).collect();
            prop_assert_eq!(row, line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        }

        #[test]
        fn an_open_quote_is_one_for_both(line in "[a,\"]{0,30}") {
            prop_assert_eq!(split(&line).1, open_after(line.as_bytes(), false));
        }
    }
}
