//! Events as text: `Key=Value` lines below a date and `Message=` at the end, as Splunk keeps the classic event log
//! ("WinEventLog") and hands it out again.

use std::io::{self, BufRead, BufReader, Read};

use vigie_event::{EventBatch, Source};

use super::collector::Collector;
use super::flat_names::parse_time;
use super::json::{Events, Place, Shape};
use super::text::{Utf8, head_text};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::Code;

/// The first key of every event.
const FIRST: &str = "LogName=";

/// Events as Splunk keeps them.
pub(super) static FORMAT: Format = Format {
    name: "event_text",
    source: Source::WindowsEvent,
    recognise,
    parse,
};

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .take(200)
        .map(<[u8]>::trim_ascii)
        .skip_while(|line| !line.starts_with(FIRST.as_bytes()))
        .skip(1);
    lines
        .find(|line| line.starts_with(b"EventCode=") || line.starts_with(FIRST.as_bytes()))
        .filter(|line| line.starts_with(b"EventCode="))
        .map(|_| Confidence::Content)
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut out = Collector::new(context, sink);
    let name = context.file.path.rsplit('/').next().unwrap_or_default();
    let mut events = Events::new(name);
    if let Err(error) = read(input, context.limits.line_bytes, &mut events, &mut out) {
        out.outcome
            .input_failed(&error, || "somewhere before the end".to_owned());
    }
    events.finish(out)
}

/// An event being read.
#[derive(Default)]
struct Pending {
    place: Option<Place>,
    pairs: Vec<(String, String)>,
    message: Option<String>,
    bytes: u64,
}

fn read(
    input: &mut dyn Read,
    cap: usize,
    events: &mut Events<'_>,
    out: &mut Collector<'_>,
) -> io::Result<()> {
    let input = Utf8::open(input)?;
    let mut offset = input.mark_bytes();
    let mut input = BufReader::new(input);
    let mut pending = Pending::default();
    // The line before: an event's date comes before its first key.
    let mut before = (String::new(), Place { line: 0, offset: 0 });
    let (mut raw, mut number) = (Vec::new(), 0);
    loop {
        raw.clear();
        let most = u64::try_from(cap).unwrap_or(u64::MAX);
        if (&mut input).take(most).read_until(b'\n', &mut raw)? == 0 {
            break;
        }
        number += 1;
        let place = Place { line: number, offset };
        offset += input.get_ref().file_bytes(&raw);
        let line = String::from_utf8_lossy(&raw);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.starts_with(FIRST) {
            let dated = parse_time(&before.0).is_some();
            pending.give(dated.then_some(before.0.as_str()), events, out);
            pending.place = Some(if dated { before.1 } else { place });
            if dated {
                pending.pairs.push(("EventTime".to_owned(), before.0.clone()));
            }
        }
        pending.line(line, cap, raw.len() as u64);
        if pending.place.is_none() && !line.trim().is_empty() && parse_time(line).is_none() {
            out.outcome.skip(Code::LineBeforeEvent, 1, raw.len() as u64, || {
                format!("line {number}")
            });
        }
        before = (line.to_owned(), place);
    }
    pending.give(None, events, out);
    Ok(())
}

impl Pending {
    fn line(&mut self, line: &str, cap: usize, bytes: u64) {
        if self.place.is_none() {
            return;
        }
        self.bytes += bytes;
        if let Some(message) = &mut self.message {
            if message.len() < cap {
                message.push('\n');
                message.push_str(line);
            }
            return;
        }
        match line.split_once('=') {
            Some(("Message", value)) => self.message = Some(value.to_owned()),
            Some((key, value)) if self.pairs.len() < 64 => {
                let name = match key {
                    "EventCode" => "EventID",
                    "ComputerName" => "Computer",
                    "SourceName" => "ProviderName",
                    // These are the envelope's; events have their own under the same names.
                    "EventType" => "EventTypeCode",
                    "User" => "System_User",
                    "Sid" => "UserID",
                    other => other,
                };
                self.pairs.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }

    /// Hands over the event read so far. `next` is the date of the one that follows, which was taken for a line of
    /// this one's text.
    fn give(&mut self, next: Option<&str>, events: &mut Events<'_>, out: &mut Collector<'_>) {
        let event = std::mem::take(self);
        let Some(place) = event.place else { return };
        let message = event.message.unwrap_or_default();
        let message = next
            .and_then(|date| message.strip_suffix(date))
            .unwrap_or(&message)
            .trim_end();
        let pairs = event.pairs.iter().map(|(name, value)| {
            let value = match (name.as_str(), value.as_str()) {
                // The classic log shows the provider's display name.
                ("ProviderName", "Microsoft Windows security auditing.") => {
                    "Microsoft-Windows-Security-Auditing"
                }
                (_, value) => value,
            };
            (name.as_str(), value)
        });
        events
            .flat
            .set(pairs.chain(std::iter::once(("Message", message))), false);
        events.take(Shape::Flat, place, event.bytes, out);
    }
}
