//! Reads the text of one JSON object straight into a [`Flat`]: no tree, no allocation per value. What is JSON and what
//! is not is decided as `serde_json` decides it, which the tests check.

use serde_json::Value;

use super::flat::{Flat, Kind};
use super::paths::PathId;

/// Objects and lists inside each other, as many as `serde_json` takes.
const MAX_NESTING: usize = 127;

/// Why an object cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::windows) enum ReadError {
    /// The text ends before the object does.
    End,
    /// It is no JSON, or has more values than one object may have.
    NoJson,
}

/// Goes over the text of one object. `flat` has a copy of the text to point into.
pub(super) struct Reader<'r> {
    text: &'r str,
    at: usize,
    flat: &'r mut Flat,
    /// Objects and lists that are read as such; deeper ones are kept as text.
    depth: usize,
}

type Read<T> = Result<T, ReadError>;

impl<'r> Reader<'r> {
    pub(super) fn new(text: &'r str, flat: &'r mut Flat, depth: usize) -> Reader<'r> {
        Reader {
            text,
            at: 0,
            flat,
            depth,
        }
    }

    /// Reads the one value the text has.
    pub(super) fn document(mut self) -> Read<()> {
        let depth = self.depth;
        self.value(PathId::ROOT, depth)?;
        match self.after_blanks() {
            Ok(_) => Err(ReadError::NoJson),
            Err(_) => Ok(()),
        }
    }

    fn peek(&self) -> Read<u8> {
        self.text.as_bytes().get(self.at).copied().ok_or(ReadError::End)
    }

    /// The next byte that is no blank.
    fn after_blanks(&mut self) -> Read<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Ok(byte),
            }
        }
    }

    fn value(&mut self, path: PathId, depth: usize) -> Read<()> {
        match self.after_blanks()? {
            b'"' => {
                let value = self.string()?;
                self.flat.push(path, value, Kind::Text);
                Ok(())
            }
            b'{' => self.object(path, depth),
            b'[' => self.list(path, depth),
            _ => self.plain(path),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn plain(&mut self, path: PathId) -> Read<()> {
        match self.peek()? {
            b'n' => self.word("null"),
            b't' => self.truth(path, "true"),
            b'f' => self.truth(path, "false"),
            b'-' | b'0'..=b'9' => self.number(path),
            _ => Err(ReadError::NoJson),
        }
    }

    fn truth(&mut self, path: PathId, word: &str) -> Read<()> {
        let start = self.at;
        self.word(word)?;
        self.flat.push(path, (start, self.at), Kind::Bool);
        Ok(())
    }

    fn word(&mut self, word: &str) -> Read<()> {
        for wanted in word.bytes() {
            if self.peek()? != wanted {
                return Err(ReadError::NoJson);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn object(&mut self, path: PathId, depth: usize) -> Read<()> {
        self.flat.check()?;
        if depth == 0 {
            return self.whole(path);
        }
        self.at += 1;
        let mut is_first = true;
        loop {
            match self.after_blanks()? {
                b'}' => break,
                b',' if !is_first => {
                    self.at += 1;
                    self.after_blanks()?;
                }
                _ if !is_first => return Err(ReadError::NoJson),
                _ => {}
            }
            is_first = false;
            if self.peek()? != b'"' {
                return Err(ReadError::NoJson);
            }
            let key = self.string()?;
            let member = self.flat.member(path, key);
            if self.after_blanks()? != b':' {
                return Err(ReadError::NoJson);
            }
            self.at += 1;
            self.value(member, depth - 1)?;
        }
        self.at += 1;
        Ok(())
    }

    fn list(&mut self, path: PathId, depth: usize) -> Read<()> {
        self.flat.check()?;
        if depth == 0 {
            return self.whole(path);
        }
        self.at += 1;
        for number in 0u32.. {
            match self.after_blanks()? {
                b']' => break,
                b',' if number > 0 => {
                    self.at += 1;
                    if self.after_blanks()? == b']' {
                        return Err(ReadError::NoJson);
                    }
                }
                _ if number > 0 => return Err(ReadError::NoJson),
                _ => {}
            }
            self.item(path, depth - 1, number)?;
        }
        self.at += 1;
        Ok(())
    }

    /// An item of a list: objects and lists get their number into the path, plain values share one.
    fn item(&mut self, list: PathId, depth: usize, number: u32) -> Read<()> {
        let byte = self.peek()?;
        if matches!(byte, b'{' | b'[') {
            let path = self.flat.paths.item(list, Some(number));
            return self.value(path, depth);
        }
        let path = self.flat.paths.item(list, None);
        match byte {
            // A null keeps its place among unnamed values.
            b'n' => {
                self.word("null")?;
                self.flat.push(path, (self.at, self.at), Kind::Text);
                Ok(())
            }
            b'"' => {
                let value = self.string()?;
                self.flat.check()?;
                self.flat.push(path, value, Kind::Text);
                Ok(())
            }
            _ => self.plain(path),
        }
    }

    /// The place of a string's text. What is escaped is written out behind the object's own text.
    fn string(&mut self) -> Read<(usize, usize)> {
        self.at += 1;
        let start = self.at;
        self.at = plain_end(self.text.as_bytes(), start);
        match self.peek()? {
            b'"' => {
                self.at += 1;
                Ok((start, self.at - 1))
            }
            b'\\' => self.escaped_string(start),
            _ => Err(ReadError::NoJson),
        }
    }

    fn escaped_string(&mut self, start: usize) -> Read<(usize, usize)> {
        let written = self.flat.values.len();
        let mut from = start;
        loop {
            let plain = self.text.get(from..self.at).unwrap_or_default();
            self.flat.values.push_str(plain);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok((written, self.flat.values.len()));
                }
                b'\\' => {
                    self.at += 1;
                    let escaped = self.escape()?;
                    self.flat.values.push(escaped);
                }
                _ => return Err(ReadError::NoJson),
            }
            from = self.at;
            self.at = plain_end(self.text.as_bytes(), from);
        }
    }

    fn escape(&mut self) -> Read<char> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(ReadError::NoJson),
        })
    }

    fn unicode(&mut self) -> Read<char> {
        let first = self.hex()?;
        if !(0xd800..=0xdbff).contains(&first) {
            // A second half without a first is refused here.
            return char::from_u32(first).ok_or(ReadError::NoJson);
        }
        for wanted in [b'\\', b'u'] {
            if self.peek()? != wanted {
                return Err(ReadError::NoJson);
            }
            self.at += 1;
        }
        let second = self.hex()?;
        if !(0xdc00..=0xdfff).contains(&second) {
            return Err(ReadError::NoJson);
        }
        let both = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        char::from_u32(both).ok_or(ReadError::NoJson)
    }

    fn hex(&mut self) -> Read<u32> {
        let digits = self
            .text
            .as_bytes()
            .get(self.at..self.at + 4)
            .ok_or(ReadError::End)?;
        let mut number = 0;
        for digit in digits {
            let digit = char::from(*digit).to_digit(16).ok_or(ReadError::NoJson)?;
            number = number << 4 | digit;
        }
        self.at += 4;
        Ok(number)
    }

    /// A whole number is kept as it is written; anything else as Rust writes it.
    fn number(&mut self, path: PathId) -> Read<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let digits = rest.strip_prefix(b"-").unwrap_or(rest);
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let follows = digits.get(count);
        let is_whole = !matches!(follows, Some(b'.' | b'e' | b'E'));
        let is_plain = count == 1 || digits.first() != Some(&b'0');
        let is_zero = digits.first() == Some(&b'0');
        if is_whole && is_plain && (1..=18).contains(&count) && !(is_zero && digits.len() < rest.len()) {
            let start = self.at;
            self.at += rest.len() - digits.len() + count;
            self.flat.push(path, (start, self.at), Kind::Number);
            return Ok(());
        }
        let len = number_len(rest);
        let token = self.text.get(self.at..self.at + len).unwrap_or_default();
        let is_last = len == rest.len();
        match serde_json::from_str::<Value>(token) {
            Ok(Value::Number(number)) => {
                self.at += len;
                let written = match (number.as_u64(), number.as_i64(), number.as_f64()) {
                    (Some(number), _, _) => number.to_string(),
                    (_, Some(number), _) => number.to_string(),
                    (_, _, number) => number.unwrap_or_default().to_string(),
                };
                self.flat.push_text(path, &written, Kind::Number);
                Ok(())
            }
            Err(error) if error.is_eof() && is_last => Err(ReadError::End),
            _ => Err(ReadError::NoJson),
        }
    }

    /// Keeps an object or list as JSON text; an empty one is no value.
    fn whole(&mut self, path: PathId) -> Read<()> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if nesting(rest.as_bytes()) > MAX_NESTING - self.depth {
            return Err(ReadError::NoJson);
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) if error.is_eof() => return Err(ReadError::End),
            _ => return Err(ReadError::NoJson),
        };
        self.at += values.byte_offset();
        let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty)
            || value.as_array().is_some_and(Vec::is_empty);
        if !is_empty {
            self.flat.push_text(path, &value.to_string(), Kind::Json);
        }
        Ok(())
    }
}

/// The length of the number that the text begins with, or of what was to become one.
fn number_len(text: &[u8]) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut at = digits(usize::from(text.first() == Some(&b'-')));
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        at = digits(at + usize::from(matches!(text.get(at), Some(b'+' | b'-'))));
    }
    at
}

/// Where the text from `at` on has a quote, a backslash or a control character first; its end without one.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = ONES << 7;
    // Bytes that are zero get their high bit, and perhaps bytes after one that is: the first is always right.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quotes = zeros(word ^ (ONES * b'"' as u64));
        let backslashes = zeros(word ^ (ONES * b'\\' as u64));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = quotes | backslashes | controls;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// How many objects and lists stand inside each other in the value the text begins with, itself included.
fn nesting(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    deepest
}
