//! Events as XML: `wevtutil qe`, `Get-WinEvent` with `ToXml`, forwarders, and the XML inside exported columns.

use std::io::{self, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use vigie_event::{EventBatch, Source, parse_utc};

use super::collector::Collector;
use super::section::system_value;
use super::text::{Utf8, head_text};
use crate::format::{Confidence, Context, Format, Head, Outcome};
use crate::message::{Code, Message, Parameter};

/// `<Event xmlns=...>` elements, one after another or in one `<Events>`.
pub(super) static FORMAT: Format = Format {
    name: "event_xml",
    source: Source::WindowsEvent,
    recognise,
    parse,
};

/// How deep elements may be nested.
const MAX_DEPTH: usize = 64;
const NAMESPACE: &[u8] = b"schemas.microsoft.com/win/2004/08/events/event";

fn recognise(head: &Head<'_>) -> Option<Confidence> {
    let text = head_text(head.bytes);
    let start = text.trim_ascii_start();
    let start = start.strip_prefix(b"-").unwrap_or(start).trim_ascii_start();
    let is_xml = start.starts_with(b"<");
    let has_event =
        memchr::memmem::find(&text, b"<Event").is_some() && memchr::memmem::find(&text, NAMESPACE).is_some();
    (is_xml && has_event).then_some(Confidence::Certain)
}

fn parse(input: &mut dyn Read, context: &Context<'_>, sink: &mut dyn FnMut(EventBatch)) -> Outcome {
    let mut out = Collector::new(context, sink);
    if let Err(error) = parse_events(input, context.limits.line_bytes, &mut out) {
        out.outcome
            .input_failed(&error, || "somewhere before the end".to_owned());
    }
    out.finish()
}

/// Cuts the stream after each `</Event>` and reads what lies before.
fn parse_events(input: &mut dyn Read, cap: usize, out: &mut Collector<'_>) -> io::Result<()> {
    let mut input = Utf8::open(input)?;
    let (mut buffer, mut line, mut offset) = (Vec::new(), 1u64, input.mark_bytes());
    let mut searched = 0usize;
    let mut dropped = 0u64;
    let end_tag = memchr::memmem::Finder::new(b"</Event>");
    loop {
        if let Some(found) = buffer.get(searched..).and_then(|rest| end_tag.find(rest)) {
            let len = searched + found + b"</Event>".len();
            let event: Vec<u8> = buffer.drain(..len).collect();
            searched = 0;
            if dropped == 0 {
                read_event(&event, line, offset, out);
            } else {
                let why = Message::new(Code::EventTooLong, [("bytes", cap.into())]);
                out.outcome
                    .skip(why, 1, dropped + len as u64, || format!("line {line}"));
                dropped = 0;
            }
            line += memchr::memchr_iter(b'\n', &event).count() as u64;
            offset += input.file_bytes(&event);
            continue;
        }
        searched = buffer.len().saturating_sub(b"</Event>".len());
        if buffer.len() > cap {
            let passed: Vec<u8> = buffer.drain(..searched).collect();
            line += memchr::memchr_iter(b'\n', &passed).count() as u64;
            offset += input.file_bytes(&passed);
            dropped += passed.len() as u64;
            searched = 0;
        }
        if !input.read_more(&mut buffer)? {
            break;
        }
    }
    if memchr::memmem::find(&buffer, b"<Event ").is_some() || dropped > 0 {
        let bytes = dropped + buffer.len() as u64;
        out.outcome
            .skip(Code::EventCutOff, 1, bytes, || format!("line {line}"));
    }
    Ok(())
}

fn read_event(bytes: &[u8], line: u64, offset: u64, out: &mut Collector<'_>) {
    let start = memchr::memmem::find(bytes, b"<Event ").or_else(|| memchr::memmem::find(bytes, b"<Event>"));
    let start = start.unwrap_or(0);
    let before = bytes.get(..start).unwrap_or_default();
    let line = line + memchr::memchr_iter(b'\n', before).count() as u64;
    out.row.start(line, offset + start as u64);
    let text = String::from_utf8_lossy(bytes.get(start..).unwrap_or_default());
    if let Err(why) = event_columns(&text, out) {
        let why = Message::new(Code::EventBadXml, [("cause", why)]);
        out.outcome
            .skip(why, 1, bytes.len() as u64, || format!("line {line}"));
        return;
    }
    out.commit();
}

/// One open element.
struct Open {
    name: String,
    /// The column of a `Data` element with a name.
    data: Option<String>,
    text: String,
    has_child: bool,
}

/// Puts the values of `<Event>`, or of a part of it such as `<EventData>`, into the row.
///
/// # Errors
/// Says why the XML could not be read to its end. What came before is in the row.
pub(super) fn event_columns(xml: &str, out: &mut Collector<'_>) -> Result<(), Parameter> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut open: Vec<Open> = Vec::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                if open.len() >= MAX_DEPTH {
                    return Err(Message::from(Code::ElementsTooDeep).into());
                }
                let element = opened(&tag, &mut open, out);
                open.push(element);
            }
            Event::Empty(tag) => {
                let element = opened(&tag, &mut open, out);
                open.push(element);
                close(&mut open, out);
            }
            Event::End(_) => close(&mut open, out),
            Event::Text(text) => {
                if let Some(last) = open.last_mut() {
                    last.text.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some(last) = open.last_mut() {
                    last.text.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(last) = open.last_mut() {
                    push_reference(&reference, &mut last.text);
                }
            }
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err(Message::from(Code::EndsEarly).into()),
            _ => {}
        }
    }
}

/// Appends what `&name;` stands for; an unknown reference stays as it is.
fn push_reference(name: &str, out: &mut String) {
    if let Some(text) = resolve_predefined_entity(name) {
        out.push_str(text);
        return;
    }
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        },
        None => None,
    };
    match code.and_then(char::from_u32) {
        Some(character) => out.push(character),
        None => {
            out.push('&');
            out.push_str(name);
            out.push(';');
        }
    }
}

fn opened(tag: &BytesStart<'_>, open: &mut [Open], out: &mut Collector<'_>) -> Open {
    let name = tag.local_name().as_ref().to_owned();
    if let Some(parent) = open.last_mut() {
        parent.has_child = true;
    }
    let mut element = Open {
        name,
        data: None,
        text: String::new(),
        has_child: false,
    };
    let in_system = open.last().is_some_and(|parent| parent.name == "System");
    let is_top = matches!(
        element.name.as_str(),
        "Event" | "DataItem" | "RenderingInfo" | "System"
    );
    for attribute in tag.attributes().with_checks(false).flatten() {
        let key = attribute.key.local_name().as_ref().to_owned();
        if attribute.key.as_ref().starts_with("xmlns") || is_top {
            continue;
        }
        let value = unescaped(&attribute.value);
        if element.name == "Data" && key == "Name" {
            element.data = Some(value);
        } else if in_system && element.name == "TimeCreated" {
            out.row.time = out.row.time.or_else(|| parse_utc(&value));
        } else if in_system {
            system_value(out, &element.name, Some(&key), &value);
        } else if !value.is_empty() {
            out.set_data(&format!("{}_{key}", element.name), &value);
        }
    }
    element
}

/// An attribute's value with its references resolved.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        match after.split_once(';').filter(|(name, _)| name.len() <= 10) {
            Some((name, after)) => {
                push_reference(name, &mut text);
                rest = after;
            }
            None => {
                text.push('&');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

fn close(open: &mut Vec<Open>, out: &mut Collector<'_>) {
    let Some(element) = open.pop() else {
        return;
    };
    let text = element.text.as_str();
    let parent = open.last().map(|parent| parent.name.as_str());
    if element.has_child && text.trim().is_empty() {
        return;
    }
    match (parent, &element.data) {
        (_, Some(name)) => out.set_data(name, text),
        (Some("System"), None) if element.name == "TimeCreated" => {}
        (Some("System"), None) => system_value(out, &element.name, None, text.trim()),
        (Some("RenderingInfo"), None) if element.name != "Message" => {
            if !text.is_empty() {
                out.set_data(&format!("RenderingInfo_{}", element.name), text);
            }
        }
        (_, None) if matches!(element.name.as_str(), "Data" | "Param") => out.row.set_unnamed(text),
        (None | Some("Event"), None) if text.trim().is_empty() => {}
        (_, None) if text.is_empty() => {}
        (_, None) => out.set_data(&element.name, text),
    }
}
