//! A JSON value that keeps the order of keys and refuses what two readers could understand differently.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Bytes of one document: the largest public CSAF documents have some 30 MB.
pub const LARGEST: usize = 64 << 20;

/// Why bytes are no document.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Too large to be read.
    #[error("{size} bytes: a document may have {} MiB", LARGEST >> 20)]
    Large {
        /// What it has.
        size: usize,
    },
    /// Not JSON, nested more than 127 deep, or a key that comes twice.
    #[error("line {}, column {}: {source}", source.line(), source.column())]
    Syntax {
        /// Where and why.
        #[from]
        source: serde_json::Error,
    },
}

/// A JSON value; keys of objects in the order of the document.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// Any number.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object; every key once.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a document: UTF-8, with or without a byte order mark.
    ///
    /// # Errors
    /// When it is too large, no JSON, nested too deep, or has a key twice; with line and column.
    pub fn parse(bytes: &[u8]) -> Result<Json, JsonError> {
        if bytes.len() > LARGEST {
            return Err(JsonError::Large { size: bytes.len() });
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        Ok(serde_json::from_slice(bytes)?)
    }

    /// What stands under a key of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, when it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, when it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Json::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// What an array holds; nothing for everything else.
    pub fn items(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            _ => &[],
        }
    }

    /// The fields of an object; none for everything else.
    pub fn fields(&self) -> &[(String, Json)] {
        match self {
            Json::Object(fields) => fields,
            _ => &[],
        }
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a truth value",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            if !seen.insert(key.clone()) {
                return Err(de::Error::custom(format!("the key {key:?} comes twice")));
            }
            fields.push((key, value));
        }
        Ok(Json::Object(fields))
    }
}

/// A value and where it stands, as a JSON pointer.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Json,
    pub(crate) path: String,
}

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Json) -> Node<'a> {
        Node {
            value,
            path: String::new(),
        }
    }

    /// What stands under a key.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        self.value.get(key).map(|value| Node {
            value,
            path: pointer(&self.path, key),
        })
    }

    /// What stands under keys of keys.
    pub(crate) fn at(&self, keys: &[&str]) -> Option<Node<'a>> {
        let mut node = self.clone();
        for key in keys {
            node = node.get(key)?;
        }
        Some(node)
    }

    /// The text under a key.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.value.get(key)?.as_text()
    }

    /// The items of the list under a key.
    pub(crate) fn list(&self, key: &str) -> Vec<Node<'a>> {
        self.get(key).map_or_else(Vec::new, |list| list.items())
    }

    /// The items of this list.
    pub(crate) fn items(&self) -> Vec<Node<'a>> {
        let items = self.value.items().iter().enumerate();
        items
            .map(|(index, value)| Node {
                value,
                path: format!("{}/{index}", self.path),
            })
            .collect()
    }
}

/// The pointer of a key below another pointer.
pub(crate) fn pointer(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_a_key_comes_once() {
        let json = Json::parse(b"\xef\xbb\xbf{\"b\":1,\"a\":[null,true,\"x\"]}").unwrap();
        assert_eq!(json.fields()[0].0, "b");
        assert_eq!(json.get("a").unwrap().items().len(), 3);
        let error = Json::parse(b"{\"a\":1,\n\"a\":2}").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("twice"), "{error}");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        assert!(Json::parse(deep.as_bytes()).is_err());
    }
}
