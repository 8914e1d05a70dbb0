//! Where every line went: a row, a header, or a counted reason.

use crate::format::Outcome;
use crate::message::{Code, Message};

/// Something that happened to lines of a file and must be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The line is longer than the cap; it is not a row.
    TooLong,
    /// A row came before any header, in no layout that is known; it is not a row.
    NoHeader,
    /// The line is neither a row, a header nor a directive.
    NotARow,
    /// A header has more fields than a table may have columns.
    WideHeader,
    /// NUL bytes: padding that a crash or a snapshot leaves behind.
    NulPadding,
    /// The row has fewer fields than its header. Kept.
    Short,
    /// The row has more fields than its header. Kept.
    Long,
    /// The row has doubled separators or spaces inside a value and was aligned by the shape of its values. Kept.
    Realigned,
    /// The row could not be aligned with its header; its text is in the column `_Line`. Kept.
    Unaligned,
    /// The row's time could not be read. Kept.
    NoTime,
    /// The row ends inside a quoted field. Kept.
    OpenQuote,
    /// The line is not UTF-8 and was read as Windows-1252. Kept.
    Windows1252,
    /// Characters that are not valid UTF-16 were replaced. Kept.
    BadUtf16,
    /// The JSON of an audit row could not be read; its text is in its column. Kept.
    BadJson,
    /// Keys beyond the column cap stay in the text they came from. Kept.
    ManyKeys,
}

/// How many reasons there are.
const REASONS: usize = 15;

impl Reason {
    const ALL: [Reason; REASONS] = [
        Reason::TooLong,
        Reason::NoHeader,
        Reason::NotARow,
        Reason::WideHeader,
        Reason::NulPadding,
        Reason::Short,
        Reason::Long,
        Reason::Realigned,
        Reason::Unaligned,
        Reason::NoTime,
        Reason::OpenQuote,
        Reason::Windows1252,
        Reason::BadUtf16,
        Reason::BadJson,
        Reason::ManyKeys,
    ];

    /// Whether the line was kept as a row in spite of it.
    fn kept(self) -> bool {
        !matches!(
            self,
            Reason::TooLong | Reason::NoHeader | Reason::NotARow | Reason::WideHeader | Reason::NulPadding
        )
    }

    fn why(self, count: u64, line_cap: usize) -> Message {
        let counted = |code| Message::new(code, [("count", count.into())]);
        match self {
            Reason::TooLong => Message::new(Code::LineTooLong, [("bytes", line_cap.into())]),
            Reason::NoHeader => Code::NoHeader.into(),
            Reason::NotARow => Code::NotARow.into(),
            Reason::WideHeader => Code::WideHeader.into(),
            Reason::NulPadding => Code::NulPadding.into(),
            Reason::Short => counted(Code::KeptShort),
            Reason::Long => counted(Code::KeptLong),
            Reason::Realigned => counted(Code::KeptRealigned),
            Reason::Unaligned => counted(Code::KeptUnaligned),
            Reason::NoTime => counted(Code::KeptNoTime),
            Reason::OpenQuote => counted(Code::KeptOpenQuote),
            Reason::Windows1252 => counted(Code::KeptWindows1252),
            Reason::BadUtf16 => Code::KeptBadUtf16.into(),
            Reason::BadJson => counted(Code::KeptBadJson),
            Reason::ManyKeys => counted(Code::KeptManyKeys),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    bytes: u64,
    first_line: u64,
}

/// Counts by reason, and of the lines that are rightly no rows.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    tallies: [Tally; REASONS],
    /// Header lines and directives.
    pub(super) directives: u64,
    /// Lines without any text.
    pub(super) blanks: u64,
    /// Lines that continue a quoted field of the line before.
    pub(super) continued: u64,
}

impl Ledger {
    /// Counts one line and the bytes concerned.
    pub(super) fn count(&mut self, reason: Reason, line: u64, bytes: u64) {
        let Some(tally) = self.tallies.get_mut(reason as usize) else {
            return;
        };
        if tally.count == 0 {
            tally.first_line = line;
        }
        tally.count += 1;
        tally.bytes += bytes;
    }

    /// Writes what was counted where people read it.
    pub(super) fn report(&self, outcome: &mut Outcome, line_cap: usize) {
        for (reason, tally) in Reason::ALL.into_iter().zip(&self.tallies) {
            if tally.count == 0 {
                continue;
            }
            let (records, bytes) = match reason {
                Reason::NulPadding => (0, tally.bytes),
                _ if reason.kept() => (0, 0),
                _ => (tally.count, tally.bytes),
            };
            outcome.skip(reason.why(tally.count, line_cap), records, bytes, || {
                format!("line {}", tally.first_line)
            });
        }
    }
}

#[cfg(test)]
impl Ledger {
    /// Lines that became neither a row nor a header.
    pub(super) fn lost(&self) -> u64 {
        let lost = |reason: &Reason| !reason.kept() && *reason != Reason::NulPadding;
        let count = |reason: Reason| self.tallies[reason as usize].count;
        Reason::ALL.into_iter().filter(lost).map(count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_in_their_own_order() {
        for (position, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position);
        }
    }

    #[test]
    fn kept_rows_are_never_reported_as_lost_records() {
        let mut ledger = Ledger::default();
        ledger.count(Reason::Short, 7, 90);
        ledger.count(Reason::NotARow, 9, 12);
        ledger.count(Reason::NotARow, 11, 3);
        let mut outcome = Outcome::default();
        ledger.report(&mut outcome, 100);
        let told: Vec<_> = outcome
            .skipped
            .iter()
            .map(|skip| {
                (
                    skip.why.as_str(),
                    skip.records,
                    skip.bytes,
                    skip.first_at.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (
                    "line that is neither a row, a header nor a directive",
                    2,
                    15,
                    Some("line 9")
                ),
                (
                    "kept: 1 row with fewer fields than the header",
                    0,
                    0,
                    Some("line 7")
                ),
            ]
        );
        assert_eq!(ledger.lost(), 2);
    }
}
