//! The elements of a page.

use quick_xml::events::Event;

/// An element with its attributes, in document order.
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Element {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// All elements; fails when the page is not well-formed.
pub(crate) fn elements(page: &str) -> Vec<Element> {
    let mut reader = quick_xml::Reader::from_str(page);
    let mut elements = Vec::new();
    let mut open: Vec<String> = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(start) => {
                let element = element(&start);
                open.push(element.name.clone());
                elements.push(element);
            }
            Event::Empty(start) => elements.push(element(&start)),
            Event::End(_) => assert!(open.pop().is_some()),
            _ => {}
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    elements
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Element {
    let text = |text: &str| text.to_owned();
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        (text(attribute.key.as_ref()), text(&attribute.value))
    });
    Element {
        name: text(start.name().as_ref()),
        attributes: attributes.collect(),
    }
}
