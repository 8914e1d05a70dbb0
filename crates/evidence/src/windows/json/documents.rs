//! JSON objects out of a stream, however they are strung together: one a line, in one array, pretty-printed one
//! after another, or wrapped in `{"value": [...]}` and the like. Bounded: one object in memory at a time.

use std::io::{self, Read};

use super::layout::{HEAD_BYTES, Layout, Scan, layout};
use crate::format::Outcome;
use crate::message::{Code, Message};
use crate::windows::text::Utf8;

/// Where an object stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// 1-based line of its first byte.
    pub(crate) line: u64,
    /// Byte offset of its first byte.
    pub(crate) offset: u64,
}

/// The objects of one file.
pub(crate) struct Documents<'a> {
    input: Utf8<'a>,
    buffer: Vec<u8>,
    at: usize,
    is_ended: bool,
    layout: Layout,
    line: u64,
    offset: u64,
    cap: usize,
}

impl<'a> Documents<'a> {
    pub(crate) fn open(input: &'a mut dyn Read, cap: usize) -> io::Result<Documents<'a>> {
        let input = Utf8::open(input)?;
        let offset = input.mark_bytes();
        let mut documents = Documents {
            input,
            buffer: Vec::new(),
            at: 0,
            is_ended: false,
            layout: Layout::Lines,
            line: 1,
            offset,
            cap,
        };
        while documents.buffer.len() < HEAD_BYTES && !documents.is_ended {
            documents.fill()?;
        }
        let head = documents.buffer.get(..HEAD_BYTES).unwrap_or(&documents.buffer);
        let (layout, start) = layout(head);
        documents.layout = layout;
        documents.advance(start);
        Ok(documents)
    }

    /// Puts the next object's bytes into `object`. What lies between objects and is none is counted.
    pub(crate) fn next(&mut self, object: &mut Vec<u8>, outcome: &mut Outcome) -> Option<Place> {
        let result = match self.layout {
            Layout::Lines => self.next_line(object, outcome),
            Layout::Indented(_) | Layout::Joined => self.next_object(object, outcome),
        };
        match result {
            Ok(place) => place,
            Err(error) => {
                let line = self.line;
                outcome.input_failed(&error, || format!("line {line}"));
                self.is_ended = true;
                self.at = self.buffer.len();
                None
            }
        }
    }

    fn next_line(&mut self, object: &mut Vec<u8>, outcome: &mut Outcome) -> io::Result<Option<Place>> {
        loop {
            if self.at >= self.buffer.len() && !self.fill()? {
                return Ok(None);
            }
            let place = self.place();
            let too_long = self.take_line(object)?;
            if let Some(bytes) = too_long {
                let why = Message::new(Code::LineTooLong, [("bytes", self.cap.into())]);
                outcome.skip(why, 1, bytes, || format!("line {}", place.line));
                continue;
            }
            let line = object.trim_ascii();
            let line = line.strip_suffix(b",").unwrap_or(line);
            if line.is_empty()
                || matches!(line, b"[" | b"]" | b"]}" | b"}" | b"{")
                || line.iter().all(|b| *b == 0)
            {
                continue;
            }
            let (start, len) = (object.len() - object.trim_ascii_start().len(), line.len());
            // The first and last line may carry the brackets of the array too.
            let opening =
                object.get(start) == Some(&b'[') && object.get(start + 1..).is_some_and(starts_object);
            let start = start + usize::from(opening);
            object.truncate(start + len - usize::from(opening));
            object.drain(..start);
            if object.ends_with(b"}]") {
                object.pop();
            }
            return Ok(Some(place));
        }
    }

    /// Takes the bytes up to the end of the line. A line beyond the cap is passed over; its length is given back.
    fn take_line(&mut self, line: &mut Vec<u8>) -> io::Result<Option<u64>> {
        line.clear();
        let mut passed = 0u64;
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest);
            let len = end.map_or(rest.len(), |end| end + 1);
            passed += len as u64;
            if passed <= self.cap as u64 {
                line.extend_from_slice(rest.get(..len).unwrap_or_default());
            }
            self.advance(len);
            if end.is_some() || !self.fill()? {
                break;
            }
        }
        Ok((passed > self.cap as u64).then_some(passed))
    }

    fn next_object(&mut self, object: &mut Vec<u8>, outcome: &mut Outcome) -> io::Result<Option<Place>> {
        if !self.skip_to_object(outcome)? {
            return Ok(None);
        }
        object.clear();
        let mut place = self.place();
        let mut scan = Scan::default();
        let mut passed = 0usize;
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let end = rest.iter().position(|byte| scan.ends_at(*byte) || *byte == b'\n');
            let len = end.map_or(rest.len(), |end| end + 1);
            let is_done = end.is_some() && scan.depth == 0 && !scan.in_string;
            passed += len;
            if passed <= self.cap {
                object.extend_from_slice(rest.get(..len).unwrap_or_default());
            }
            self.advance(len);
            if is_done {
                if passed <= self.cap {
                    return Ok(Some(place));
                }
                let why = Message::new(Code::ObjectTooLong, [("bytes", self.cap.into())]);
                outcome.skip(why, 1, passed as u64, || format!("line {}", place.line));
                if !self.skip_to_object(outcome)? {
                    return Ok(None);
                }
            } else if end.is_some() && self.at_next_object()? {
                outcome.skip(Code::ObjectNoEnd, 1, passed as u64, || {
                    format!("line {}", place.line)
                });
            } else if self.at >= self.buffer.len() && !self.fill()? {
                outcome.skip(Code::ObjectCutOff, 1, passed as u64, || {
                    format!("line {}", place.line)
                });
                return Ok(None);
            } else {
                continue;
            }
            object.clear();
            place = self.place();
            scan = Scan::default();
            passed = 0;
        }
    }

    /// Whether the line that begins here opens a new top-level object though the one before has not ended.
    fn at_next_object(&mut self) -> io::Result<bool> {
        let Layout::Indented(indent) = self.layout else {
            return Ok(false);
        };
        while self.buffer.len() < self.at + indent + 3 && self.fill()? {}
        let line = self.buffer.get(self.at..).unwrap_or_default();
        let blanks = line
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        Ok(blanks == indent && matches!(line.get(indent..), Some([b'{', b'\n' | b'\r', ..])))
    }

    /// Goes to the next opening brace. Anything before it that is neither blank nor a bracket is counted.
    fn skip_to_object(&mut self, outcome: &mut Outcome) -> io::Result<bool> {
        let mut junk = Vec::new();
        loop {
            let Some(&byte) = self.buffer.get(self.at) else {
                if self.fill()? {
                    continue;
                }
                self.count_junk(&mut junk, outcome);
                return Ok(false);
            };
            let blank = byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']' | b'}' | 0);
            if byte == b'{' || byte == b'\n' {
                self.count_junk(&mut junk, outcome);
            } else if (!blank || !junk.is_empty()) && junk.len() < 4_096 {
                junk.push(byte);
            }
            if byte == b'{' {
                return Ok(true);
            }
            self.advance(1);
        }
    }

    fn count_junk(&self, junk: &mut Vec<u8>, outcome: &mut Outcome) {
        if !junk.is_empty() && !is_record_line(junk) && !is_trailer(junk) {
            let line = self.line;
            outcome.skip(Code::TextNoObject, 1, junk.len() as u64, || {
                format!("line {line}")
            });
        }
        junk.clear();
    }

    fn place(&self) -> Place {
        Place {
            line: self.line,
            offset: self.offset,
        }
    }

    fn advance(&mut self, len: usize) {
        let bytes = self.buffer.get(self.at..self.at + len).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.offset += self.input.file_bytes(bytes);
        self.at += len;
    }

    fn fill(&mut self) -> io::Result<bool> {
        if self.is_ended {
            return Ok(false);
        }
        if self.at > 0 {
            self.buffer.drain(..self.at.min(self.buffer.len()));
            self.at = 0;
        }
        if !self.input.read_more(&mut self.buffer)? {
            self.is_ended = true;
            return Ok(false);
        }
        Ok(true)
    }
}

fn starts_object(rest: &[u8]) -> bool {
    rest.trim_ascii_start().starts_with(b"{")
}

/// `Record 17`, the line `evtx_dump` puts before each record.
fn is_record_line(junk: &[u8]) -> bool {
    let Some(number) = junk.trim_ascii().strip_prefix(b"Record ") else {
        return false;
    };
    !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

/// Keys of a wrapping object after its list: `"@odata.count": 3`.
fn is_trailer(junk: &[u8]) -> bool {
    let junk = junk.trim_ascii();
    junk.starts_with(b"\"") && junk.contains(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &[u8], cap: usize) -> (Vec<(u64, u64, String)>, Outcome) {
        let mut input = text;
        let mut outcome = Outcome::default();
        let mut documents = Documents::open(&mut input, cap).unwrap();
        let (mut found, mut object) = (Vec::new(), Vec::new());
        while let Some(place) = documents.next(&mut object, &mut outcome) {
            let text: String = String::from_utf8_lossy(&object).split_whitespace().collect();
            found.push((place.line, place.offset, text));
        }
        (found, outcome)
    }

    fn texts(text: &str) -> Vec<String> {
        split(text.as_bytes(), 1_000)
            .0
            .into_iter()
            .map(|(_, _, text)| text)
            .collect()
    }

    #[test]
    fn every_way_to_string_objects_together_is_read() {
        let expected = [r#"{"a":1}"#, r#"{"a":{"b":"}"}}"#];
        for text in [
            "{\"a\":1}\n{\"a\":{\"b\":\"}\"}}\n",
            "{\"a\":1}\r\n\r\n{\"a\":{\"b\":\"}\"}}",
            "[{\"a\":1},{\"a\":{\"b\":\"}\"}}]",
            "[{\"a\":1},\n{\"a\":{\"b\":\"}\"}}]\n",
            "[\n  {\"a\":1},\n  {\"a\":{\"b\":\"}\"}}\n]\n",
            "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": {\n \"b\": \"}\"\n }\n  }\n]\n",
            "{\n  \"a\": 1\n}\n{\n  \"a\": {\"b\": \"}\"}\n}\n",
            "Record 1\n{\n  \"a\": 1\n}\nRecord 2\n{\n  \"a\": {\"b\": \"}\"}\n}\n",
            "{\"a\":1}{\"a\":{\"b\":\"}\"}}",
            "{\"@odata.context\":\"x\",\"value\":[{\"a\":1},{\"a\":{\"b\":\"}\"}}],\"@odata.count\":2}",
            "{\n \"Schema\": [{\"Name\": \"a\"}],\n \"Results\": [\n  {\n  \"a\": 1\n  },\n  {\n  \"a\": {\"b\": \"}\"}\n  }\n ]\n}\n",
            "{\"rows\": [\n{\"a\":1},\n{\"a\":{\"b\":\"}\"}}\n]}\n",
        ] {
            let (found, outcome) = split(text.as_bytes(), 1_000);
            let found: Vec<_> = found.into_iter().map(|(_, _, text)| text).collect();
            assert_eq!(found, expected, "{text}");
            assert_eq!(outcome.skipped, [], "{text}");
        }
        let utf16: Vec<u8> = "\u{feff}{\"a\":1}\n{\"a\":\"é\"}\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let (found, _) = split(&utf16, 1_000);
        assert_eq!(
            found,
            [
                (1, 2, r#"{"a":1}"#.to_owned()),
                (2, 18, r#"{"a":"é"}"#.to_owned())
            ]
        );
    }

    #[test]
    fn broken_objects_do_not_swallow_their_neighbours() {
        let text = "{\n  \"a\": 1\n}\n{\n  \"a\": [\n{\n  \"a\": 2\n}\n";
        let (found, outcome) = split(text.as_bytes(), 1_000);
        assert_eq!(
            found,
            [(1, 0, "{\"a\":1}".to_owned()), (6, 24, "{\"a\":2}".to_owned())]
        );
        assert_eq!(outcome.skipped[0].why, "JSON object that does not end");
        assert_eq!(outcome.skipped[0].first_at.as_deref(), Some("line 4"));

        let (found, outcome) = split(
            b"{\n  \"a\": 1\n}\nnonsense\n{\n  \"a\": 2\n}\n{\n \"b\": ",
            1_000,
        );
        assert_eq!(found.len(), 2);
        let why: Vec<_> = outcome.skipped.iter().map(|skip| skip.why.as_str()).collect();
        assert_eq!(
            why,
            [
                "text that is not a JSON object",
                "JSON object cut off at the end of the file"
            ]
        );
    }

    #[test]
    fn what_is_too_long_is_counted_and_passed_over() {
        let long = format!("{{\"a\":1}}\n{{\"a\":\"{}\"}}\n{{\"a\":2}}\n", "x".repeat(100));
        let (found, outcome) = split(long.as_bytes(), 50);
        assert_eq!(found.len(), 2);
        assert_eq!((outcome.skipped[0].records, outcome.skipped[0].bytes), (1, 109));
        assert_eq!(outcome.skipped[0].first_at.as_deref(), Some("line 2"));

        let joined = format!("[{{\"a\":1}},{{\"a\":\"{}\"}},{{\"a\":2}}]", "x".repeat(100));
        let (found, outcome) = split(joined.as_bytes(), 50);
        assert_eq!(found.len(), 2);
        assert_eq!(outcome.skipped[0].why, "JSON object longer than 50 bytes");
        assert_eq!(texts("").len(), 0);
    }
}
