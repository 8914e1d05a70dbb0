//! A JSON object as a flat list of paths and values, read without building a tree.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Deeper values are kept as JSON text.
const MAX_DEPTH: usize = 12;
/// Values one object may have.
const MAX_VALUES: usize = 8_192;

/// What a value was in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    /// An object or list kept as JSON text.
    Json,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    path: (u32, u32),
    value: (u32, u32),
    kind: Kind,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'f> {
    /// `winlog.event_data.Image`; the items of a list of plain values all have `path[]`, objects in a list `path[3].key`.
    pub(super) path: &'f str,
    pub(super) value: &'f str,
    pub(super) kind: Kind,
}

/// The values of one object. Nulls are left out.
#[derive(Debug, Default)]
pub(in crate::windows) struct Flat {
    entries: Vec<Entry>,
    paths: String,
    values: String,
    path: String,
}

impl Flat {
    /// Reads one object. What was read before an error stays readable.
    pub(super) fn read(&mut self, object: &[u8]) -> Result<(), serde_json::Error> {
        self.read_to_depth(object, MAX_DEPTH)
    }

    /// Reads one object; its own values only, anything deeper is kept as JSON text.
    pub(super) fn read_shallow(&mut self, object: &[u8]) -> Result<(), serde_json::Error> {
        self.read_to_depth(object, 1)
    }

    fn read_to_depth(&mut self, object: &[u8], depth: usize) -> Result<(), serde_json::Error> {
        self.entries.clear();
        self.paths.clear();
        self.values.clear();
        self.path.clear();
        let mut input = serde_json::Deserializer::from_slice(object);
        let result = At { flat: self, depth }.deserialize(&mut input);
        self.unwrap_document();
        result?;
        input.end()
    }

    /// Elasticsearch hands a document over as `{"_index": ..., "_source": {...}}`.
    fn unwrap_document(&mut self) {
        const WRAPPER: &str = "_source.";
        let is_wrapped = |flat: &Flat, entry: &Entry| slice(&flat.paths, entry.path).starts_with(WRAPPER);
        let mut entries = std::mem::take(&mut self.entries);
        if entries.iter().any(|entry| is_wrapped(self, entry)) {
            entries.retain(|entry| is_wrapped(self, entry));
            for entry in &mut entries {
                entry.path.0 += WRAPPER.len() as u32;
            }
        }
        self.entries = entries;
    }

    /// Takes columns and values that come from elsewhere. Empty values are left out unless `keep_empty`.
    pub(in crate::windows) fn set<'v>(
        &mut self,
        pairs: impl Iterator<Item = (&'v str, &'v str)>,
        keep_empty: bool,
    ) {
        self.entries.clear();
        self.paths.clear();
        self.values.clear();
        for (name, value) in pairs.filter(|(_, value)| keep_empty || !value.is_empty()) {
            self.path.clear();
            self.path.push_str(name);
            let is_number = value.parse::<i64>().is_ok() || value.parse::<u64>().is_ok();
            let kind = if is_number { Kind::Number } else { Kind::Text };
            self.push(kind, |text| text.push_str(value));
        }
    }

    /// Adds a text under a name that is not there yet.
    pub(in crate::windows) fn add(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.path.clear();
            self.path.push_str(name);
            self.push(Kind::Text, |text| text.push_str(value));
        }
    }

    /// All values in their order.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'_>> + Clone {
        self.entries.iter().map(|entry| Item {
            path: slice(&self.paths, entry.path),
            value: slice(&self.values, entry.value),
            kind: entry.kind,
        })
    }

    /// The value at a path; ASCII case does not matter.
    pub(super) fn get(&self, path: &str) -> Option<&str> {
        self.items()
            .find(|item| item.path.eq_ignore_ascii_case(path))
            .map(|item| item.value)
    }

    /// Whether any path begins so.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.items().any(|item| item.path.starts_with(prefix))
    }

    fn push(&mut self, kind: Kind, write: impl FnOnce(&mut String)) {
        let path = append(&mut self.paths, |paths| paths.push_str(&self.path));
        let value = append(&mut self.values, write);
        self.entries.push(Entry { path, value, kind });
    }
}

fn append(text: &mut String, write: impl FnOnce(&mut String)) -> (u32, u32) {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let start = place(text.len());
    write(text);
    (start, place(text.len()))
}

fn slice(text: &str, (start, end): (u32, u32)) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// Reads the value at the current path.
struct At<'f> {
    flat: &'f mut Flat,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl At<'_> {
    fn text(self, kind: Kind, value: impl fmt::Display) {
        self.flat.push(kind, |text| {
            use fmt::Write;
            let _ = write!(text, "{value}");
        });
    }

    fn check<E: Error>(&self) -> Result<(), E> {
        if self.flat.entries.len() >= MAX_VALUES || self.flat.paths.len() > 4 << 20 {
            return Err(E::custom("too many values in one object"));
        }
        Ok(())
    }
}

/// Keeps a value as JSON text.
struct Whole;

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.text(Kind::Bool, value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.text(Kind::Number, value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.text(Kind::Number, value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.text(Kind::Number, value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.flat.push(Kind::Text, |text| text.push_str(value));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.check()?;
        if self.depth == 0 {
            return self.keep(Whole.visit_map(map)?);
        }
        let end = self.flat.path.len();
        while map
            .next_key_seed(Key {
                flat: self.flat,
                is_nested: end > 0,
            })?
            .is_some()
        {
            map.next_value_seed(At {
                flat: self.flat,
                depth: self.depth - 1,
            })?;
            self.flat.path.truncate(end);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.check()?;
        if self.depth == 0 {
            return self.keep(Whole.visit_seq(list)?);
        }
        let end = self.flat.path.len();
        for index in 0u32.. {
            let seed = ListItem {
                flat: self.flat,
                depth: self.depth - 1,
                index,
            };
            if list.next_element_seed(seed)?.is_none() {
                break;
            }
            self.flat.path.truncate(end);
        }
        Ok(())
    }
}

impl At<'_> {
    fn keep<E: Error>(self, value: Value) -> Result<(), E> {
        let empty = value.as_object().is_some_and(serde_json::Map::is_empty)
            || value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            self.text(Kind::Json, value);
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Whole {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Value>()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
}

/// Appends a key to the path.
struct Key<'f> {
    flat: &'f mut Flat,
    is_nested: bool,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        if self.is_nested {
            self.flat.path.push('.');
        }
        self.flat.path.push_str(key);
        Ok(())
    }
}

/// Reads an item of a list: objects get their number into the path, plain values share one.
struct ListItem<'f> {
    flat: &'f mut Flat,
    depth: usize,
    index: u32,
}

impl<'de> DeserializeSeed<'de> for ListItem<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'f> ListItem<'f> {
    fn at(self, is_object: bool) -> At<'f> {
        use fmt::Write;
        if is_object {
            let _ = write!(self.flat.path, "[{}]", self.index);
        } else {
            self.flat.path.push_str("[]");
        }
        At {
            flat: self.flat,
            depth: self.depth,
        }
    }
}

impl<'de> Visitor<'de> for ListItem<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    // A null keeps its place among unnamed values.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.at(false).visit_str("")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.at(false).visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.at(false).visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.at(false).visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.at(false).visit_f64(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let at = self.at(false);
        at.check()?;
        at.visit_str(value)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.at(true).visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.at(true).visit_seq(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(flat: &Flat) -> Vec<(&str, &str)> {
        flat.items().map(|item| (item.path, item.value)).collect()
    }

    #[test]
    fn nested_and_dotted_keys_read_alike() {
        let mut flat = Flat::default();
        flat.read(br#"{"a":{"b":"x","c.d":1},"e":[true,null,"y"],"f":[{"g":-2}],"h":null,"i":{}}"#)
            .unwrap();
        assert_eq!(
            pairs(&flat),
            [
                ("a.b", "x"),
                ("a.c.d", "1"),
                ("e[]", "true"),
                ("e[]", ""),
                ("e[]", "y"),
                ("f[0].g", "-2")
            ]
        );
        flat.read(br#"{"_index":"logs","_source":{"a":1}}"#).unwrap();
        assert_eq!(pairs(&flat), [("a", "1")]);
        flat.read_shallow(br#"{"a":{"b":[1,{"c":null}]},"d":[],"e":1.5}"#)
            .unwrap();
        assert_eq!(pairs(&flat), [("a", r#"{"b":[1,{"c":null}]}"#), ("e", "1.5")]);
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let deep = format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40));
        let mut flat = Flat::default();
        flat.read(deep.as_bytes()).unwrap();
        let items: Vec<_> = flat.items().collect();
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].kind, Kind::Json);
        let deeper = "[".repeat(100_000);
        assert!(flat.read(format!("{{\"a\":{deeper}").as_bytes()).is_err());
        let many: Vec<_> = (0..MAX_VALUES + 10).map(|n| n.to_string()).collect();
        assert!(
            flat.read(format!("{{\"a\":[\"{}\"]}}", many.join("\",\"")).as_bytes())
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Flat::default().read(&bytes);
        }
    }
}
