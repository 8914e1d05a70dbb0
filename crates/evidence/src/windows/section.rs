//! The sections of an event as text formats write them: element paths and values to columns.

use super::collector::Collector;
use super::fields::FieldId;

/// Sets a field of the system section from its element and attribute: `Provider`, `Name`. `TimeCreated` is not for
/// this: times go through the clocks.
pub(super) fn system_value(out: &mut Collector<'_>, element: &str, attribute: Option<&str>, value: &str) {
    let element_field = out.fields.intern(element);
    let known = match attribute {
        None => element_field.system().map(|_| element_field),
        Some(attribute) => {
            let attribute = out.fields.intern(attribute);
            FieldId::of_system_attribute(element_field, attribute)
        }
    };
    match (known, attribute) {
        (Some(field), _) => out.row.set_system(field, value),
        (None, _) if value.is_empty() => {}
        (None, Some(attribute)) => out.set_data(&format!("{element}_{attribute}"), value),
        (None, None) => out.set_data(element, value),
    }
}

/// Collects the `Data` elements and leaves of `EventData`, `UserData` and their like from paths whose objects in lists
/// are numbered: `Data[0].@Name` and `Data[0].#text` belong together.
#[derive(Debug, Default)]
pub(super) struct Section {
    list: Option<String>,
    name: Option<String>,
    text: Option<String>,
}

impl Section {
    /// Takes one value. `path` is relative to the section: `Data[0].#text`, `SubjectUserName`,
    /// `LogFileCleared.Channel`. `is_user_data` says that only the last part of a path is a name.
    pub(super) fn value(&mut self, out: &mut Collector<'_>, path: &str, is_user_data: bool, value: &str) {
        if path.ends_with("xmlns") || path.ends_with("xml_name") || path.contains("xmlns:") {
            return;
        }
        if let Some((list, rest)) = split_item(path) {
            if self.list.as_deref() != Some(list) {
                self.end(out);
                self.list = Some(list.to_owned());
            }
            match rest {
                "@Name" | "#attributes.Name" | "Name" | "_Name" | "name" => {
                    self.name = Some(value.to_owned())
                }
                "#text" | "$" | "_" | "Text" | "text" | "content" | "Value" | "value" => {
                    self.text = Some(value.to_owned());
                }
                other => {
                    let name = last_part(other);
                    out.set_data(name, value);
                }
            }
            return;
        }
        self.end(out);
        let path = path.strip_suffix("[]").unwrap_or(path);
        let path = path.strip_suffix(".#text").unwrap_or(path);
        if let Some((element, attribute)) = attribute_of(path) {
            let element = if element.is_empty() {
                "EventData"
            } else {
                last_part(element)
            };
            if !value.is_empty() {
                out.set_data(&format!("{element}_{attribute}"), value);
            }
            return;
        }
        let name = if is_user_data { last_part(path) } else { path };
        match name {
            "Data" | "#text" => out.row.set_unnamed(value),
            // An empty element that is no `Data` is no value.
            _ if (is_user_data || name == "Binary") && value.is_empty() => {}
            _ => out.set_data(name, value),
        }
    }

    /// Ends the `Data` element that is open.
    pub(super) fn end(&mut self, out: &mut Collector<'_>) {
        self.list = None;
        match (self.name.take(), self.text.take()) {
            (Some(name), text) => out.set_data(&name, &text.unwrap_or_default()),
            (None, Some(text)) => out.row.set_unnamed(&text),
            (None, None) => {}
        }
    }
}

/// `Data[3].#text` as (`Data[3]`, `#text`), when the list is one of `Data` elements.
fn split_item(path: &str) -> Option<(&str, &str)> {
    let at = path.find("].")?;
    let (list, rest) = (path.get(..=at)?, path.get(at + 2..)?);
    let element = list.split('[').next()?;
    (last_part(element) == "Data" || element == "Data").then_some((list, rest))
}

/// `Binary.#attributes.Type`, `Binary.@Type` or `Binary_attributes.Type` as (`Binary`, `Type`).
fn attribute_of(path: &str) -> Option<(&str, &str)> {
    for mark in ["#attributes.", "_attributes.", "@"] {
        if let Some((element, attribute)) = path.split_once(mark) {
            return Some((element.trim_end_matches('.'), attribute));
        }
    }
    None
}

fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// The number Windows gives a level, from its name in English or as tools shorten it.
pub(super) fn level_number(level: &str) -> &str {
    match level.to_ascii_lowercase().as_str() {
        "logalways" | "log always" => "0",
        "critical" => "1",
        "error" => "2",
        "warning" | "warn" => "3",
        "information" | "info" | "informational" => "4",
        "verbose" => "5",
        _ => level,
    }
}

/// Keywords as Windows writes them, from the number some tools turn them into.
pub(super) fn keywords(value: &str) -> Option<String> {
    if let Ok(number) = value.parse::<u64>() {
        return Some(format!("{number:#x}"));
    }
    let number = value.parse::<i64>().ok()?;
    Some(format!("{:#x}", number.cast_unsigned()))
}
