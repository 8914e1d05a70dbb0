//! How the objects of a JSON file are strung together, told by its first bytes.

/// How many bytes decide how a file is laid out.
pub(super) const HEAD_BYTES: usize = 64 << 10;
/// Keys of an object that only wraps a list of events.
const WRAPPERS: [&str; 6] = ["value", "results", "rows", "records", "events", "items"];
/// Keys that say an object is an event itself.
const EVENT_KEYS: [&str; 8] = [
    "eventid",
    "event",
    "event_id",
    "system",
    "winlog",
    "channel",
    "timegenerated",
    "deviceid",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Lines,
    /// Objects of several lines; each starts on a line of its own with this many blanks before it.
    Indented(usize),
    /// Objects that follow each other on one line.
    Joined,
}

/// The layout of a file and where its first object may begin.
pub(super) fn layout(head: &[u8]) -> (Layout, usize) {
    let start = wrapped_list(head).unwrap_or(0);
    let rest = head.get(start..).unwrap_or_default();
    let (mut whole, mut all) = (0, 0);
    for line in rest.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        let line = line.strip_suffix(b",").unwrap_or(line);
        all += usize::from(line.len() > 2);
        whole += usize::from(line.len() > 2 && line.starts_with(b"{") && line.ends_with(b"}"));
    }
    let has_lines = rest.contains(&b'\n');
    if has_lines && whole * 2 >= all && whole > 0 {
        return (Layout::Lines, start);
    }
    let indent = rest
        .split(|byte| *byte == b'\n')
        .map(|line| (line.len() - line.trim_ascii_start().len(), line.trim_ascii()))
        .find(|(_, line)| line.starts_with(b"{"));
    match indent {
        Some((indent, b"{")) if has_lines => (Layout::Indented(indent), start),
        _ => (Layout::Joined, start),
    }
}

/// Where the list inside a wrapping object begins.
fn wrapped_list(head: &[u8]) -> Option<usize> {
    let mut at = head.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if head.get(at) != Some(&b'{') {
        return None;
    }
    at += 1;
    for _ in 0..16 {
        at = skip_blanks(head, at);
        let end = string_end(head, at)?;
        let key = std::str::from_utf8(head.get(at + 1..end - 1)?)
            .ok()?
            .to_ascii_lowercase();
        at = skip_blanks(head, end);
        if head.get(at) != Some(&b':') || EVENT_KEYS.contains(&key.as_str()) {
            return None;
        }
        at = skip_blanks(head, at + 1);
        if WRAPPERS.contains(&key.as_str()) && head.get(at) == Some(&b'[') {
            let first = skip_blanks(head, at + 1);
            return matches!(head.get(first), Some(b'{' | b']')).then_some(at + 1);
        }
        at = skip_blanks(head, value_end(head, at)?);
        if head.get(at) != Some(&b',') {
            return None;
        }
        at += 1;
    }
    None
}

fn skip_blanks(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The end of the string that begins at `from`.
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.get(from) != Some(&b'"') {
        return None;
    }
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate().skip(from + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// The end of the value that begins at `from`.
fn value_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut depth = 0u32;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' | b',' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// The first bytes of the first object of a file's head, and whether it is whole.
pub(super) fn first_object(head: &[u8]) -> Option<(&[u8], bool)> {
    let mut start = wrapped_list(head).unwrap_or(0);
    // `evtx_dump` puts a line before each record.
    if let Some(rest) = head.get(start..)
        && rest.trim_ascii_start().starts_with(b"Record ")
    {
        start += rest.iter().position(|byte| *byte == b'{')?;
    }
    let start = skip_blanks(head, start);
    let start = match head.get(start) {
        Some(b'[') => skip_blanks(head, start + 1),
        _ => start,
    };
    if head.get(start) != Some(&b'{') {
        return None;
    }
    let mut scan = Scan::default();
    for (index, byte) in head.iter().enumerate().skip(start) {
        if scan.ends_at(*byte) {
            return Some((head.get(start..=index)?, true));
        }
    }
    Some((head.get(start..)?, false))
}

/// Follows braces and strings to the end of an object.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Scan {
    pub(super) depth: u32,
    pub(super) in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Takes one byte; says whether the object ends with it.
    pub(super) fn ends_at(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}
