//! Building log lines quickly: every byte of a world goes through here.

use vigie_event::{MICROS_PER_DAY, Timestamp, format_date};

use crate::evtx::Guid;

/// Line text being built.
#[derive(Debug, Default)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    day: Option<i64>,
    date: [u8; 10],
}

impl Text {
    /// Appends text as it is.
    pub(crate) fn s(&mut self, text: &str) -> &mut Text {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Appends one byte.
    pub(crate) fn b(&mut self, byte: u8) -> &mut Text {
        self.bytes.push(byte);
        self
    }

    /// Appends a decimal number.
    pub(crate) fn n(&mut self, number: u64) -> &mut Text {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.bytes.extend_from_slice(&digits[at..]);
        self
    }

    fn padded(&mut self, number: u64, width: usize) -> &mut Text {
        let mut divisor = 10u64.pow(width as u32 - 1);
        while divisor > 0 {
            self.bytes.push(b'0' + (number / divisor % 10) as u8);
            divisor /= 10;
        }
        self
    }

    /// Appends an identifier in lower case.
    pub(crate) fn guid(&mut self, guid: Guid) -> &mut Text {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        for (index, byte) in guid.0.to_be_bytes().into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                self.bytes.push(b'-');
            }
            self.bytes.push(HEX[usize::from(byte >> 4)]);
            self.bytes.push(HEX[usize::from(byte & 15)]);
        }
        self
    }

    /// Appends `2021-03-03`.
    pub(crate) fn date(&mut self, time: Timestamp) -> &mut Text {
        let day = time.div_euclid(MICROS_PER_DAY);
        if self.day != Some(day) {
            self.date.copy_from_slice(&format_date(time).as_bytes()[..10]);
            self.day = Some(day);
        }
        self.bytes.extend_from_slice(&self.date);
        self
    }

    fn time_of_day(&mut self, time: Timestamp) -> &mut Text {
        let second = (time.rem_euclid(MICROS_PER_DAY) / 1_000_000) as u64;
        self.padded(second / 3_600, 2).b(b':');
        self.padded(second / 60 % 60, 2).b(b':').padded(second % 60, 2)
    }

    /// Appends `2021-03-03T06:49:46.210Z`, the form of all Exchange logs.
    pub(crate) fn iso(&mut self, time: Timestamp) -> &mut Text {
        let millis = (time.rem_euclid(1_000_000) / 1_000) as u64;
        self.date(time)
            .b(b'T')
            .time_of_day(time)
            .b(b'.')
            .padded(millis, 3)
            .b(b'Z')
    }

    /// Appends `2021-03-03 06:49:46`, the form of IIS logs.
    pub(crate) fn iis(&mut self, time: Timestamp) -> &mut Text {
        self.date(time).b(b' ').time_of_day(time)
    }

    /// Appends `2021-03-03 06:49:46.210`, the form of Sysmon.
    pub(crate) fn sysmon(&mut self, time: Timestamp) -> &mut Text {
        let millis = (time.rem_euclid(1_000_000) / 1_000) as u64;
        self.iis(time).b(b'.').padded(millis, 3)
    }

    /// Appends a CSV cell, quoted only where it must be.
    pub(crate) fn cell(&mut self, value: &str) -> &mut Text {
        if !value.bytes().any(|b| matches!(b, b',' | b'"' | b'\r' | b'\n')) {
            return self.s(value);
        }
        self.b(b'"');
        for (index, part) in value.split('"').enumerate() {
            if index > 0 {
                self.s("\"\"");
            }
            self.s(part);
        }
        self.b(b'"')
    }

    /// Appends a field of a W3C log: `-` when empty, spaces as `+`.
    pub(crate) fn w3c(&mut self, value: &str) -> &mut Text {
        if value.is_empty() {
            return self.b(b'-');
        }
        self.bytes
            .extend(value.bytes().map(|b| if b == b' ' { b'+' } else { b }));
        self
    }

    /// Appends text with commas as spaces, as HttpProxy logs user agents.
    pub(crate) fn without_commas(&mut self, value: &str) -> &mut Text {
        self.bytes
            .extend(value.bytes().map(|b| if b == b',' { b' ' } else { b }));
        self
    }
}

/// `2021-03-03 06:49:46.210` on its own, for event data.
pub(crate) fn sysmon_time(time: Timestamp) -> String {
    let mut text = Text::default();
    text.sysmon(time);
    String::from_utf8_lossy(&text.bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(build: impl FnOnce(&mut Text)) -> String {
        let mut text = Text::default();
        build(&mut text);
        String::from_utf8(text.bytes).unwrap()
    }

    #[test]
    fn times_have_the_forms_of_their_logs() {
        let time = 1_614_754_186_210_999;
        assert_eq!(
            built(|t| {
                t.iso(time);
            }),
            "2021-03-03T06:49:46.210Z"
        );
        assert_eq!(
            built(|t| {
                t.iis(time);
            }),
            "2021-03-03 06:49:46"
        );
        assert_eq!(sysmon_time(time), "2021-03-03 06:49:46.210");
        assert_eq!(
            built(|t| {
                t.date(time).b(b' ').date(time + MICROS_PER_DAY);
            }),
            "2021-03-03 2021-03-04"
        );
    }

    #[test]
    fn cells_are_quoted_only_where_needed() {
        assert_eq!(
            built(|t| {
                t.cell("a b").b(b',').cell("a,\"b\"");
            }),
            "a b,\"a,\"\"b\"\"\""
        );
        assert_eq!(
            built(|t| {
                t.w3c("a b").w3c("");
            }),
            "a+b-"
        );
        assert_eq!(
            built(|t| {
                t.n(0).b(b' ').n(u64::MAX);
            }),
            "0 18446744073709551615"
        );
    }
}
