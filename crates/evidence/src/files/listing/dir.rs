//! `dir /s` of the command interpreter, in any language.
//!
//! A heading names the folder (` Directory of C:\inetpub\wwwroot`), then one line for each entry: date, time, size or
//! `<DIR>`, name, each at its own column. Times are the machine's own in the notation of its region: they are kept as
//! they are and not read. Accents come in the code page of the console and may be lost.

use std::io::Read;

use vigie_event::{EventBatch, Source};

use super::Listed;
use crate::files::rows::Rows;
use crate::files::table::Place;
use crate::files::text::{Line, Text, head_text};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message};

/// Listings of the command interpreter.
pub(crate) static FORMAT: Format = Format {
    name: "dir_listing",
    source: Source::FileInventory,
    recognise,
    parse,
};

/// Characters of the column that holds the size.
const SIZE_COLUMN: usize = 18;

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let mut lines = text.lines().take(200);
    lines.find(|line| folder(line).is_some())?;
    lines
        .any(|line| entry(line).is_some())
        .then_some(Confidence::Content)
}

/// The folder a heading names.
fn folder(line: &str) -> Option<&str> {
    let text = line.strip_prefix(' ')?.trim_end();
    if text.starts_with(' ') || text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let drive = text.find(":\\").and_then(|at| at.checked_sub(1));
    let at = drive.or_else(|| text.find("\\\\"))?;
    let before = text.get(..at)?;
    // One to three words, such as `Directory of` or `Verzeichnis von`.
    let words = before.split_whitespace().count();
    (before.ends_with(' ') && (1..=3).contains(&words)).then(|| text.get(at..))?
}

/// One entry: its time as written, its size (`None` for a folder), its name.
fn entry(line: &str) -> Option<(String, Option<u64>, String)> {
    let chars: Vec<char> = line.trim_end().chars().collect();
    // 24-hour clocks take 17 characters, `AM` and `PM` three more.
    [17, 20].into_iter().find_map(|end_of_time| {
        let time: String = chars.get(..end_of_time)?.iter().collect();
        let size: String = chars
            .get(end_of_time..end_of_time + SIZE_COLUMN)?
            .iter()
            .collect();
        let name: String = chars.get(end_of_time + SIZE_COLUMN + 1..)?.iter().collect();
        let is_apart = chars.get(end_of_time + SIZE_COLUMN) == Some(&' ');
        let is_time = time.starts_with(|c: char| c.is_ascii_digit())
            && time.contains(':')
            && time.trim_end() == time
            && time.chars().filter(char::is_ascii_digit).count() >= 8;
        let size = size.trim();
        if !is_apart || !is_time || name.is_empty() || name.starts_with(' ') {
            return None;
        }
        if size.starts_with('<') && size.ends_with('>') {
            return Some((time, None, name));
        }
        let digits: String = size.chars().filter(char::is_ascii_digit).collect();
        let is_number = size.chars().all(|c| {
            c.is_ascii_digit() || matches!(c, ',' | '.' | '\'' | ' ' | '\u{a0}' | '\u{202f}' | '\u{fffd}')
        });
        is_number.then_some(())?;
        Some((time, Some(digits.parse().ok()?), name))
    })
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::FileInventory, context, sink);
    let mut text = Text::new(input, context.limits.line_bytes);
    let (mut line, mut here) = (String::new(), String::new());
    loop {
        match text.next_line(&mut line) {
            Ok(Line::Text(number, offset)) => {
                if let Some(path) = folder(&line) {
                    path.clone_into(&mut here);
                } else if let Some((local_time, size, name)) = entry(&line) {
                    if size.is_some() {
                        let listed = Listed {
                            path: format!("{}\\{name}", here.trim_end_matches('\\')),
                            size,
                            local_time,
                            ..Listed::default()
                        };
                        let place = Place { line: number, offset };
                        listed.emit("dir", place, &mut rows);
                    }
                } else if line.starts_with(|c: char| c.is_ascii_digit()) {
                    let why = Code::NoListingEntry;
                    let at = || format!("line {number}");
                    rows.outcome.skip(why, 1, line.len() as u64, at);
                }
            }
            Ok(Line::TooLong(number, bytes)) => {
                let why = Message::new(Code::LineTooLong, [("bytes", context.limits.line_bytes.into())]);
                rows.outcome.skip(why, 1, bytes, || format!("line {number}"));
            }
            Ok(Line::End) => break,
            Err(error) => {
                rows.outcome
                    .input_failed(&error, || format!("line {}", text.line()));
                break;
            }
        }
    }
    rows.decoded(&text);
    rows.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn headings_and_entries_are_told_in_any_language() {
        assert_eq!(
            folder(r" Directory of C:\inetpub\wwwroot"),
            Some(r"C:\inetpub\wwwroot")
        );
        assert_eq!(folder(r" Répertoire de D:\x y"), Some(r"D:\x y"));
        assert_eq!(
            folder(r" Verzeichnis von \\files01\share"),
            Some(r"\\files01\share")
        );
        assert_eq!(folder(r"C:\inetpub"), None);
        assert_eq!(folder(r"               2 File(s)          2,214 bytes"), None);
        let (time, size, name) = entry("03/03/2021  07:01 AM             2,214 sample page.aspx").unwrap();
        assert_eq!(
            (time.as_str(), size, name.as_str()),
            ("03/03/2021  07:01 AM", Some(2_214), "sample page.aspx")
        );
        let (_, size, name) = entry("03.03.2021  07:01             2.214 214 x.aspx").unwrap();
        assert_eq!((size, name.as_str()), (Some(2_214), "214 x.aspx"));
        let (_, size, _) = entry("03/03/2021  07:01    <DIR>          aspnet_client").unwrap();
        assert_eq!(size, None);
        assert!(entry("               2 File(s)          2,214 bytes").is_none());
        assert!(entry("2021-03-03 07:01:00 10.0.0.21 POST /aspnet_client/sample.aspx - 443").is_none());
    }
}
