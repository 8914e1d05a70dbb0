//! The body file of The Sleuth Kit 3 (`fls -m`), which Autopsy and many triage tools write too.
//!
//! `MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime`, times in seconds since 1970 UTC, 0 for
//! unknown. A name that ends in `($FILE_NAME)` carries the times only the system writes; one that ends in `(deleted)`
//! is of a deleted file. Source: wiki.sleuthkit.org, "Body file".

use std::io::Read;

use vigie_event::{EventBatch, MICROS_PER_SECOND, Source, Timestamp};

use super::{Listed, absolute, hash};
use crate::files::rows::Rows;
use crate::files::table::Place;
use crate::files::text::{Line, Text, head_text};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message};

/// Body files.
pub(crate) static FORMAT: Format = Format {
    name: "bodyfile",
    source: Source::FileInventory,
    recognise,
    parse,
};

const FILE_NAME_TIMES: &str = " ($FILE_NAME)";

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let mut lines = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let first = lines.next()?;
    (first.len() <= 64 << 10 && Body::of(first).is_some()).then_some(Confidence::Content)
}

/// One line, taken apart from both ends: a name may hold `|`.
struct Body<'l> {
    md5: &'l str,
    name: &'l str,
    mode: &'l str,
    size: &'l str,
    modified: &'l str,
    created: &'l str,
}

impl<'l> Body<'l> {
    fn of(line: &'l str) -> Option<Body<'l>> {
        let (md5, rest) = line.trim_end().split_once('|')?;
        let mut from_end = rest.rsplitn(10, '|');
        let mut next = || from_end.next();
        let (created, changed, modified, accessed) = (next()?, next()?, next()?, next()?);
        let (size, _group, _user, mode, _inode, name) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        let is_number = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || b".-".contains(&byte))
        };
        let are_times = [created, changed, modified, accessed, size]
            .into_iter()
            .all(is_number);
        let is_mode = mode.len() == 10 || (mode.len() >= 3 && mode.contains('/'));
        (are_times && is_mode && !name.is_empty()).then_some(Body {
            md5,
            name,
            mode,
            size,
            modified,
            created,
        })
    }
}

fn seconds(text: &str) -> Option<Timestamp> {
    let whole: i64 = text.split('.').next()?.parse().ok()?;
    (whole > 0)
        .then(|| whole.checked_mul(MICROS_PER_SECOND))
        .flatten()
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut rows = Rows::new(Source::FileInventory, context, sink);
    let mut text = Text::new(input, context.limits.line_bytes);
    let mut line = String::new();
    // A file waits for the line with its other times, which follows it at once.
    let mut waiting: Option<(Listed, Place)> = None;
    loop {
        match text.next_line(&mut line) {
            Ok(Line::Text(number, offset)) => {
                if line.trim().is_empty() || line.starts_with('#') {
                    continue;
                }
                let place = Place { line: number, offset };
                match Body::of(&line) {
                    Some(body) => take(&body, place, &mut waiting, &mut rows),
                    None => {
                        let why = Code::NoBodyFileEntry;
                        let at = || format!("line {number}");
                        rows.outcome.skip(why, 1, line.len() as u64, at);
                    }
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
    emit(&mut waiting, &mut rows);
    rows.decoded(&text);
    rows.finish()
}

fn emit(waiting: &mut Option<(Listed, Place)>, rows: &mut Rows<'_>) {
    if let Some((listed, place)) = waiting.take() {
        listed.emit("body file", place, rows);
    }
}

fn take(body: &Body<'_>, place: Place, waiting: &mut Option<(Listed, Place)>, rows: &mut Rows<'_>) {
    let deleted = [" (deleted)", " (deleted-realloc)"];
    let (mut name, mut is_deleted, mut is_fn) = (body.name, false, false);
    // Both marks may stand there, in either order.
    for _ in 0..2 {
        for mark in deleted {
            if let Some(rest) = name.strip_suffix(mark) {
                (name, is_deleted) = (rest, true);
            }
        }
        if let Some(rest) = name.strip_suffix(FILE_NAME_TIMES) {
            (name, is_fn) = (rest, true);
        }
    }
    if body.mode.starts_with('d') {
        return;
    }
    let path = absolute(name);
    if is_fn
        && let Some((listed, _)) = waiting
        && listed.path == path
    {
        listed.fn_created = seconds(body.created);
        return;
    }
    emit(waiting, rows);
    let created = seconds(body.created);
    let listed = Listed {
        path,
        size: body.size.parse().ok(),
        created: created.filter(|_| !is_fn),
        fn_created: created.filter(|_| is_fn),
        modified: seconds(body.modified).filter(|_| !is_fn),
        md5: hash(body.md5, 32),
        in_use: if is_deleted { "false" } else { "" }.to_owned(),
        ..Listed::default()
    };
    *waiting = Some((listed, place));
}
