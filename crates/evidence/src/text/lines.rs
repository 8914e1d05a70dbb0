//! Bytes to lines: bounded, with exact line numbers and byte offsets.
//!
//! A line ends at LF, or at a NUL byte: text logs hold none, and the block of them that a crash or a snapshot leaves
//! behind must not swallow the text before and after it. CR before the end is dropped. A byte-order mark says UTF-8
//! or UTF-16; UTF-16 is decoded, and offsets still count the file's own bytes.

use std::io::Read;

use encoding_rs::{UTF_16BE, UTF_16LE};
use memchr::{memchr, memchr2};
use vigie_event::Text;

use super::blocks::Blocks;
use super::csv;
use super::ledger::{Ledger, Reason};
use crate::format::Outcome;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One line, without its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its bytes: UTF-8 unless the file lies about it.
    pub(super) bytes: &'a [u8],
    /// The same as text, and the block it is a piece of, where the whole block is UTF-8.
    pub(super) text: Option<(&'a str, &'a Text)>,
    /// Its number, from 1. Of a record over several lines, the first one's.
    pub(super) number: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
}

/// Gives lines one by one out of blocks of them.
pub(super) struct Lines<'r> {
    blocks: Blocks<'r>,
    /// Where the rest of the block begins.
    start: usize,
    offset: u64,
    number: u64,
    cap: usize,
    /// Whether a quoted CSV field may hold line ends.
    quotes: bool,
    /// A look for the end of an open quote reached this offset in vain; until there, no other look is taken.
    no_join_before: u64,
    begun: bool,
}

/// Where a line ends, counted from where it starts.
enum End {
    /// At a LF or NUL.
    At(usize),
    /// At the end of the input.
    Input(usize),
    /// Beyond the cap.
    Beyond,
}

impl<'r> Lines<'r> {
    /// Lines of at most `cap` bytes.
    pub(super) fn new(input: &'r mut dyn Read, cap: usize) -> Lines<'r> {
        // Fields are addressed with 31 bits.
        let cap = cap.min(i32::MAX as usize);
        Lines {
            blocks: Blocks::new(input, cap),
            start: 0,
            offset: 0,
            number: 1,
            cap,
            quotes: false,
            no_join_before: 0,
            begun: false,
        }
    }

    /// The same, where a quoted CSV field may go on over line ends.
    pub(super) fn quoted(self) -> Lines<'r> {
        Lines { quotes: true, ..self }
    }

    /// The next line that has text.
    pub(super) fn next(&mut self, ledger: &mut Ledger) -> Option<Line<'_>> {
        if !self.begun {
            self.begun = true;
            self.begin();
        }
        loop {
            self.skip_nuls(ledger);
            let (mut length, at_line_feed) = match self.find_end(0) {
                End::Input(0) => return None,
                End::Input(length) => (length, false),
                End::At(length) => (length, self.byte(length) == Some(b'\n')),
                End::Beyond => {
                    self.discard(ledger);
                    continue;
                }
            };
            let mut feeds = 0;
            if self.quotes && at_line_feed {
                (length, feeds) = self.joined(length).unwrap_or((length, 0));
                ledger.continued += feeds;
            }
            let (number, mut offset, start) = (self.number, self.offset, self.start);
            self.consume(length, feeds);
            if self.byte(0) == Some(b'\n') {
                self.consume(1, 1);
            }
            let mut bytes_at = start..start + length;
            let bytes = self.blocks.bytes().get(bytes_at.clone()).unwrap_or_default();
            if bytes.starts_with(UTF8_MARK) {
                offset += if self.blocks.is_utf16() { 2 } else { 3 };
                bytes_at.start += UTF8_MARK.len();
            }
            if bytes.ends_with(b"\r") {
                bytes_at.end -= 1;
            }
            if bytes_at.is_empty() {
                ledger.blanks += 1;
                continue;
            }
            return Some(Line {
                bytes: self.blocks.bytes().get(bytes_at.clone()).unwrap_or_default(),
                text: self
                    .blocks
                    .text()
                    .and_then(|block| Some((block.as_str().get(bytes_at)?, block))),
                number,
                offset,
            });
        }
    }

    /// Says what only the reader knows.
    pub(super) fn report(self, outcome: &mut Outcome, ledger: &mut Ledger) {
        if self.blocks.is_malformed() {
            ledger.count(Reason::BadUtf16, 1, 0);
        }
        if let Some(error) = self.blocks.failure() {
            outcome.input_failed(&error, || format!("line {}", self.number));
        }
    }

    fn pending(&self) -> &[u8] {
        self.blocks.bytes().get(self.start..).unwrap_or_default()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.pending().get(at).copied()
    }

    /// Looks at the byte-order mark.
    fn begin(&mut self) {
        self.fill();
        match self.pending() {
            [0xEF, 0xBB, 0xBF, ..] => {
                self.start = UTF8_MARK.len();
                self.offset = UTF8_MARK.len() as u64;
            }
            [0xFF, 0xFE, ..] => {
                self.blocks.decode(UTF_16LE, 2);
                self.offset = 2;
            }
            [0xFE, 0xFF, ..] => {
                self.blocks.decode(UTF_16BE, 2);
                self.offset = 2;
            }
            _ => {}
        }
    }

    /// Skips the NULs where a line should begin, with the line feed that closes them: it ends no line of text.
    fn skip_nuls(&mut self, ledger: &mut Ledger) {
        let (number, mut padding) = (self.number, 0);
        while !self.pending().is_empty() || self.fill() {
            let nuls = self.pending().iter().take_while(|&&byte| byte == 0).count();
            if nuls == 0 {
                break;
            }
            let before = self.offset;
            self.consume(nuls, 0);
            padding += self.offset - before;
            if self.pending().is_empty() {
                self.fill();
            }
            if self.byte(0) == Some(b'\n') {
                self.consume(1, 1);
            }
        }
        if padding > 0 {
            ledger.count(Reason::NulPadding, number, padding);
        }
    }

    /// Finds the end of the line, looking from `from` on.
    fn find_end(&mut self, mut from: usize) -> End {
        loop {
            let pending = self.pending();
            if let Some(at) = memchr2(b'\n', 0, pending.get(from..).unwrap_or_default()) {
                return if from + at > self.cap {
                    End::Beyond
                } else {
                    End::At(from + at)
                };
            }
            from = from.max(pending.len());
            if from > self.cap {
                return End::Beyond;
            }
            if !self.fill() {
                return End::Input(from);
            }
        }
    }

    /// When the line ends inside a quoted field that a later line closes: where that one ends, and how many line
    /// feeds are inside. A line that starts like a record is taken for one: then a crash cut the quoted field off.
    fn joined(&mut self, first: usize) -> Option<(usize, u64)> {
        let line = self.pending().get(..first)?;
        memchr(b'"', line)?;
        if self.offset < self.no_join_before || !csv::open_after(line, false) {
            return None;
        }
        let (mut at, mut feeds) = (first, 0);
        loop {
            let from = at + 1;
            let (end, goes_on) = match self.find_end(from) {
                End::At(end) => (end, self.byte(end) == Some(b'\n')),
                End::Input(end) => (end, false),
                End::Beyond => {
                    self.no_join_before = self.offset + self.cap as u64;
                    return None;
                }
            };
            feeds += 1;
            let line = self.pending().get(from..end).unwrap_or_default();
            let cut_off = csv::starts_record(line);
            if !cut_off && !csv::open_after(line, true) {
                return Some((end, feeds));
            }
            if cut_off || !goes_on {
                self.no_join_before = self.offset + end as u64;
                return None;
            }
            at = end;
        }
    }

    /// Drops a line that is too long.
    fn discard(&mut self, ledger: &mut Ledger) {
        let (number, before) = (self.number, self.offset);
        loop {
            let pending = self.pending();
            let end = memchr2(b'\n', 0, pending);
            self.consume(end.unwrap_or(pending.len()), 0);
            if end.is_some() || !self.fill() {
                break;
            }
        }
        ledger.count(Reason::TooLong, number, self.offset - before);
        if self.byte(0) == Some(b'\n') {
            self.consume(1, 1);
        }
    }

    /// Steps over bytes that hold `feeds` line feeds, counting them as the file does.
    fn consume(&mut self, length: usize, feeds: u64) {
        self.offset += if self.blocks.is_utf16() {
            let bytes = self.pending().get(..length).unwrap_or_default();
            2 * bytes.iter().map(|&byte| utf16_units(byte)).sum::<u64>()
        } else {
            length as u64
        };
        self.number += feeds;
        self.start += length;
    }

    /// Reads more; `false` at the end of the input.
    fn fill(&mut self) -> bool {
        self.blocks.fill(&mut self.start)
    }
}

/// How many UTF-16 code units the character has whose UTF-8 form this byte starts; none for the bytes that follow.
fn utf16_units(byte: u8) -> u64 {
    match byte {
        0x80..=0xBF => 0,
        0xF0.. => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn read_all(bytes: &[u8], cap: usize, quotes: bool) -> (Vec<(String, u64, u64)>, Outcome, Ledger) {
        let mut input = bytes;
        let mut lines = Lines::new(&mut input, cap);
        if quotes {
            lines = lines.quoted();
        }
        let (mut all, mut ledger, mut outcome) = (Vec::new(), Ledger::default(), Outcome::default());
        while let Some(line) = lines.next(&mut ledger) {
            let text = String::from_utf8_lossy(line.bytes).into_owned();
            all.push((text, line.number, line.offset));
        }
        lines.report(&mut outcome, &mut ledger);
        ledger.report(&mut outcome, cap);
        (all, outcome, ledger)
    }

    fn line(text: &str, number: u64, offset: u64) -> (String, u64, u64) {
        (text.to_owned(), number, offset)
    }

    #[test]
    fn numbers_and_offsets_are_exact_over_both_line_ends_and_blank_lines() {
        let (lines, _, ledger) = read_all(b"\xEF\xBB\xBFa\r\nbc\n\r\n\nd", 100, false);
        assert_eq!(lines, [line("a", 1, 3), line("bc", 2, 6), line("d", 5, 12)]);
        assert_eq!(ledger.blanks, 2);
    }

    #[test]
    fn a_long_line_is_counted_and_the_next_one_read() {
        let text = format!("ok\n{}\nlast", "x".repeat(500_000));
        let (lines, outcome, _) = read_all(text.as_bytes(), 64, false);
        assert_eq!(lines, [line("ok", 1, 0), line("last", 3, 500_004)]);
        let skip = &outcome.skipped[0];
        assert_eq!(
            (
                skip.why.as_str(),
                skip.records,
                skip.bytes,
                skip.first_at.as_deref()
            ),
            ("line longer than 64 bytes", 1, 500_000, Some("line 2"))
        );
    }

    #[test]
    fn nul_padding_hides_no_text() {
        let mut bytes = b"cut of".to_vec();
        bytes.resize(400_000, 0);
        bytes.extend(b"\nnext\r\n");
        bytes.extend([0; 10]);
        let (lines, outcome, _) = read_all(&bytes, 64, false);
        assert_eq!(lines, [line("cut of", 1, 0), line("next", 2, 400_001)]);
        assert_eq!(outcome.skipped.len(), 1);
        assert_eq!(
            (outcome.skipped[0].records, outcome.skipped[0].bytes),
            (0, 400_004)
        );
    }

    #[test]
    fn utf_16_is_decoded_and_offsets_count_the_files_bytes() {
        for big_endian in [false, true] {
            let unit = |unit: u16| {
                if big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            };
            let text = "\u{feff}Système\r\n\u{1F600}x\r\nend";
            let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
            let (lines, outcome, _) = read_all(&bytes, 100, false);
            assert_eq!(
                lines,
                [
                    line("Système", 1, 2),
                    line("\u{1F600}x", 2, 20),
                    line("end", 3, 30)
                ]
            );
            assert!(outcome.skipped.is_empty());
        }
        let (lines, outcome, _) = read_all(b"\xFF\xFEa\0b", 100, false);
        assert_eq!(lines, [line("a\u{fffd}", 1, 2)]);
        assert!(outcome.skipped[0].why.contains("UTF-16"));
    }

    #[test]
    fn quoted_line_ends_belong_to_the_record() {
        let (lines, _, ledger) = read_all(b"1,\"a\r\nb\",c\n2,d\n", 100, true);
        assert_eq!(lines, [line("1,\"a\r\nb\",c", 1, 0), line("2,d", 3, 11)]);
        assert_eq!(ledger.continued, 1);
    }

    #[test]
    fn a_quote_that_never_closes_swallows_nothing() {
        let cut = b"1,\"cut\n2021-03-03T06:49:46.210Z,x\n\"\n";
        let (lines, _, _) = read_all(cut, 100, true);
        let texts: Vec<_> = lines.iter().map(|line| line.0.as_str()).collect();
        assert_eq!(texts, ["1,\"cut", "2021-03-03T06:49:46.210Z,x", "\""]);

        // Each of these lines opens a quote, and none closes one: looking for the end must not start anew on each.
        let endless = "x\",\"\"\"b\n".repeat(100_000);
        let (lines, _, _) = read_all(endless.as_bytes(), 1 << 20, true);
        assert_eq!(lines.len(), 100_000);
    }

    /// Gives one byte at a time, then fails.
    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("disk gone"));
            }
            self.0 -= 1;
            room[0] = if self.0.is_multiple_of(4) { b'\n' } else { b'a' };
            Ok(1)
        }
    }

    #[test]
    fn input_that_fails_is_read_up_to_there_and_said() {
        let (mut outcome, mut ledger) = (Outcome::default(), Ledger::default());
        let mut input = Failing(10);
        let mut lines = Lines::new(&mut input, 100);
        let mut read = 0;
        while lines.next(&mut ledger).is_some() {
            read += 1;
        }
        lines.report(&mut outcome, &mut ledger);
        assert_eq!(read, 3);
        assert_eq!(outcome.skipped[0].why, "the rest could not be read: disk gone");
    }
}
