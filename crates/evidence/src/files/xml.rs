//! XML documents element by element. Entities other than the five of XML itself are never expanded.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

use super::text::Text;
use crate::message::{Code, Message};

/// How deep elements may be nested.
const MAX_DEPTH: usize = 128;
/// How many attributes of one element are read.
const MAX_ATTRIBUTES: usize = 128;

/// An element's start.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// The line it begins on, from 1.
    pub(super) line: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
}

impl Element {
    /// An attribute's value, empty when it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.attributes
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    /// All attributes in their order.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What a document is made of.
#[derive(Debug)]
pub(super) enum Node {
    /// An element begins. An empty one ends at once.
    Start(Element),
    /// The element begun last ends.
    End,
    /// Text or CDATA; one text may come in several pieces.
    Text(String),
    /// A comment, and the line it begins on.
    Comment(String, u64),
    /// A document type declaration, which is not followed.
    DocType,
}

/// Reads one document from its beginning to its end.
pub(super) struct Document<'a> {
    reader: Reader<Text<'a>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<'a> Document<'a> {
    /// A document whose elements and texts have at most `cap` bytes each.
    pub(super) fn new(input: &'a mut dyn Read, cap: usize) -> Document<'a> {
        let mut reader = Reader::from_reader(Text::new(input, cap));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        Document {
            reader,
            buffer: Vec::new(),
            depth: 0,
        }
    }

    /// The decoder below.
    pub(super) fn text(&self) -> &Text<'a> {
        self.reader.get_ref()
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// Says why the rest cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Node>, Message> {
        loop {
            let text = self.reader.get_mut();
            text.begin_piece();
            // The very first look at the input passes over its mark.
            text.fill_buf()
                .map_err(|error| Message::new(Code::RestUnread, [("cause", (&error).into())]))?;
            self.buffer.clear();
            let (line, offset) = (self.text().line(), self.text().offset());
            let event = self.reader.read_event_into(&mut self.buffer);
            let node = match event.map_err(|error| unformed(&error))? {
                Event::Start(tag) | Event::Empty(tag) => {
                    if self.depth >= MAX_DEPTH {
                        return Err(Message::new(Code::ElementsDeeper, [("most", MAX_DEPTH.into())]));
                    }
                    self.depth += 1;
                    Node::Start(element(&tag, line, offset))
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::End
                }
                Event::Text(text) => Node::Text(text.into_inner().into_owned()),
                Event::CData(text) => Node::Text(text.into_inner().into_owned()),
                Event::GeneralRef(reference) => Node::Text(resolve(&reference)),
                Event::Comment(text) => Node::Comment(text.into_inner().into_owned(), line),
                Event::DocType(_) => Node::DocType,
                Event::Eof if self.depth > 0 => return Err(Code::DocumentEndsEarly.into()),
                Event::Eof => return Ok(None),
                Event::Decl(_) | Event::PI(_) => continue,
            };
            return Ok(Some(node));
        }
    }
}

fn unformed(error: &quick_xml::Error) -> Message {
    Message::new(Code::BadXml, [("cause", error.to_string().into())])
}

fn element(tag: &BytesStart<'_>, line: u64, offset: u64) -> Element {
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).flatten();
    let attributes = attributes.take(MAX_ATTRIBUTES).map(|attribute| {
        // A value with a reference that means nothing stays as it is written.
        let value = unescape(&attribute.value).unwrap_or(Cow::Borrowed(&attribute.value));
        let name = attribute.key.local_name().as_ref().to_owned();
        (name, value.into_owned())
    });
    Element {
        name: tag.local_name().as_ref().to_owned(),
        attributes: attributes.collect(),
        line,
        offset,
    }
}

/// What `&name;` stands for; an unknown reference stays as it is written.
fn resolve(name: &str) -> String {
    if let Some(text) = resolve_predefined_entity(name) {
        return text.to_owned();
    }
    let number = name.strip_prefix('#');
    let code = number.and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    code.and_then(char::from_u32)
        .map_or_else(|| format!("&{name};"), String::from)
}

/// The name of the root element, when the document begins in `head`.
pub(super) fn root(head: &str) -> Option<&str> {
    let mut rest = head.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!") {
            let subset = rest.find('[') < rest.find('>') && rest.contains('[');
            if subset { "]>" } else { ">" }
        } else {
            break;
        };
        rest = rest.get(rest.find(end)? + end.len()..)?.trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
    let name = name.get(..end)?;
    name.rsplit(':').next()
}
