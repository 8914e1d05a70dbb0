//! Inventories as XML: one walk for all of them, with the bounds that hostile documents need.
//!
//! Entities are those of XML itself and characters by their number; others would have to be declared, and no
//! declaration is read: the only document type that is let through is `<!DOCTYPE nmaprun>`, which nmap writes.

use std::borrow::Cow;

use quick_xml::Reader as Xml;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{Format, InventoryError, Options, Reading, Vantage, agent, healthchecker, nmap};
use crate::Said;

/// How deep elements may be nested.
const MAX_DEPTH: usize = 200;

/// Reads XML, whatever wrote it.
pub(super) fn read(
    file_name: &str,
    text: &str,
    options: &Options,
    vantage: Option<Vantage>,
) -> Result<Reading, InventoryError> {
    match root(text) {
        Some("Objs") => healthchecker::read(file_name, text, options),
        Some("nmaprun") => nmap::read(file_name, text, vantage),
        Some("REQUEST") => agent::read_xml(file_name, text, options),
        other => {
            let begins = other.unwrap_or_else(|| text.trim_start());
            let begins: String = begins.trim_start_matches('<').chars().take(40).collect();
            Err(InventoryError::Unknown(format!("<{begins}")))
        }
    }
}

/// The name of the first element.
fn root(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let at = rest.find('<')? + 1;
        rest = &rest[at..];
        match rest.chars().next()? {
            // A declaration, a comment or a document type.
            '?' => rest = &rest[rest.find("?>")? + 2..],
            '!' if rest.starts_with("!--") => rest = &rest[rest.find("-->")? + 3..],
            '!' => {
                let ends = rest.find(['[', '>'])?;
                let ends = match rest[ends..].starts_with('[') {
                    true => rest.find("]>").map_or(rest.len(), |at| at + 2),
                    false => ends + 1,
                };
                rest = &rest[ends..];
            }
            _ => {
                let name = &rest[..rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?];
                return Some(name.rsplit(':').next().unwrap_or(name));
            }
        }
    }
}

/// What sees the elements of a document.
pub(super) trait Visitor {
    /// An element begins.
    fn start(&mut self, name: &str, element: &BytesStart<'_>);
    /// Text inside the innermost open element; it may come in pieces.
    fn text(&mut self, text: &str);
    /// The innermost open element ends.
    fn end(&mut self, name: &str);
}

/// What ended a walk before the document did.
pub(super) enum Stop {
    /// The document breaks off or is not well formed; what came before it stands.
    Broken(Said),
    /// It does what only a hostile document does.
    Refused(Said),
}

impl Stop {
    /// For formats that are all or nothing.
    pub(super) fn into_error(self, format: Format) -> InventoryError {
        let (Stop::Broken(why) | Stop::Refused(why)) = self;
        InventoryError::broken(format, why)
    }
}

/// Shows a document's elements to a visitor. `doctype` is the one document type that its tool writes.
pub(super) fn walk(text: &str, doctype: Option<&str>, visitor: &mut dyn Visitor) -> Result<(), Stop> {
    let mut xml = Xml::from_str(text);
    xml.config_mut().expand_empty_elements = true;
    let mut depth = 0;
    loop {
        let event = xml.read_event().map_err(|error| {
            let line = line(text, xml.error_position());
            Stop::Broken(Said::new(
                format!("line {line}: {error}"),
                format!("ligne {line} : {error}"),
            ))
        })?;
        let here = |xml: &Xml<&[u8]>| line(text, xml.buffer_position());
        match event {
            Event::Start(element) => {
                if depth >= MAX_DEPTH {
                    let line = here(&xml);
                    return Err(Stop::Refused(Said::new(
                        format!("line {line}: its elements are nested more than {MAX_DEPTH} deep"),
                        format!("ligne {line} : ses éléments sont imbriqués sur plus de {MAX_DEPTH} niveaux"),
                    )));
                }
                depth += 1;
                visitor.start(element.local_name().as_ref(), &element);
            }
            Event::End(element) => {
                depth -= 1;
                visitor.end(element.local_name().as_ref());
            }
            Event::Text(piece) => visitor.text(&piece),
            Event::CData(piece) => visitor.text(&piece),
            Event::GeneralRef(entity) => match character(&entity) {
                Some(piece) => visitor.text(&piece),
                None => {
                    let name: String = entity.chars().take(40).collect();
                    let line = here(&xml);
                    return Err(Stop::Refused(Said::new(
                        format!("line {line}: it has the entity &{name};, which XML does not know"),
                        format!("ligne {line} : il contient l’entité &{name};, que XML ne connaît pas"),
                    )));
                }
            },
            Event::DocType(kind) if doctype != Some(kind.trim()) => {
                return Err(Stop::Refused(Said::new(
                    "it has a document type declaration (DTD) that its tool never writes",
                    "il contient une déclaration de type de document (DTD) que son outil n’écrit jamais",
                )));
            }
            Event::Eof if depth > 0 => {
                let line = here(&xml);
                return Err(Stop::Broken(Said::new(
                    format!("line {line}: it is cut short"),
                    format!("ligne {line} : il est tronqué"),
                )));
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// One of the five entities of XML, or a character by its number.
fn character(entity: &BytesRef<'_>) -> Option<String> {
    let number = entity.resolve_char_ref().ok().flatten().map(String::from);
    number.or_else(|| resolve_predefined_entity(entity).map(str::to_owned))
}

/// The line of a position, from 1.
fn line(text: &str, position: u64) -> u64 {
    let until = usize::try_from(position).unwrap_or(usize::MAX).min(text.len());
    memchr::memchr_iter(b'\n', &text.as_bytes()[..until]).count() as u64 + 1
}

/// The value of an attribute. Names that come twice are not looked for: that would take the square of their number.
pub(super) fn attribute<'e>(element: &'e BytesStart<'_>, name: &str) -> Option<Cow<'e, str>> {
    let mut attributes = element.attributes();
    let found = attributes
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(match found.value {
        Cow::Borrowed(raw) => unescape(raw).unwrap_or(Cow::Borrowed(raw)),
        Cow::Owned(raw) => match unescape(&raw) {
            Ok(text) => Cow::Owned(text.into_owned()),
            Err(_) => Cow::Owned(raw),
        },
    })
}

/// Adds a piece of text as far as there is room for it.
pub(super) fn append(to: &mut String, piece: &str, most: usize) {
    let room = most.saturating_sub(to.len());
    to.push_str(&piece[..piece.floor_char_boundary(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_is_found_behind_what_may_stand_before_it() {
        for (text, expected) in [
            (
                "<?xml version=\"1.0\"?>\n<!DOCTYPE nmaprun>\n<!-- a > b -->\n<nmaprun a=\"b\">",
                Some("nmaprun"),
            ),
            ("<!DOCTYPE x [<!ENTITY a \"<y>\">]><Objs/>", Some("Objs")),
            ("<n:REQUEST>", Some("REQUEST")),
            ("<", None),
            ("<!-- ", None),
        ] {
            assert_eq!(root(text), expected, "{text}");
        }
    }
}
