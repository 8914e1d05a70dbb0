//! The reading of JSON by `serde_json` that the reader of our own is checked against.

use std::fmt;

use proptest::prelude::*;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::flat::{Flat, Kind, WRAPPER};
use super::reader::ReadError;

const MAX_DEPTH: usize = 12;
const MAX_VALUES: usize = 8_192;

/// Path, value and kind of each value of an object.
#[derive(Default)]
struct Listed {
    entries: Vec<(String, String, Kind)>,
    path: String,
    path_bytes: usize,
}

impl Listed {
    fn push(&mut self, kind: Kind, value: String) {
        self.path_bytes += self.path.len();
        self.entries.push((self.path.clone(), value, kind));
    }
}

/// The values of an object, and how reading it ended.
type Seen = (Vec<(String, String, Kind)>, Result<(), ReadError>);

/// What `serde_json` makes of a text.
fn reference(object: &[u8]) -> Seen {
    let mut flat = Listed::default();
    let mut input = serde_json::Deserializer::from_slice(object);
    let read = At {
        flat: &mut flat,
        depth: MAX_DEPTH,
    }
    .deserialize(&mut input)
    .and_then(|()| input.end());
    let mut entries = flat.entries;
    if entries.iter().any(|(path, _, _)| path.starts_with(WRAPPER)) {
        entries.retain(|(path, _, _)| path.starts_with(WRAPPER));
        for (path, _, _) in &mut entries {
            path.drain(..WRAPPER.len());
        }
    }
    let why = |error: serde_json::Error| {
        if error.is_eof() {
            ReadError::End
        } else {
            ReadError::NoJson
        }
    };
    (entries, read.map_err(why))
}

fn ours(flat: &mut Flat, object: &[u8]) -> Seen {
    let read = flat.read(object);
    let entries = flat
        .items()
        .map(|item| (item.path.to_owned(), item.value.to_owned(), item.kind));
    (entries.collect(), read)
}

fn agree(flat: &mut Flat, object: &[u8]) {
    let shown = String::from_utf8_lossy(object);
    assert_eq!(ours(flat, object), reference(object), "{shown}");
}

#[test]
fn odd_texts_are_read_as_serde_json_reads_them() {
    let deep =
        |open: &str, close: &str, n: usize| format!("{{\"a\":{}1{}}}", open.repeat(n), close.repeat(n));
    let mut texts: Vec<String> = [
        "",
        " ",
        "{",
        "{}",
        "{ }",
        "{,}",
        "[]",
        "[1,]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1}x",
        "{\"a\":1} ",
        "5",
        "\"x\"",
        "null",
        "nul",
        "nulx",
        "{\"\":{\"\":1}}",
        "{\"a\":{\"\":{\"b\":1}}}",
        "{\"a\":-}",
        "{\"a\":-",
        "{\"a\":1.",
        "{\"a\":1.}",
        "{\"a\":01}",
        "{\"a\":-0}",
        "{\"a\":0}",
        "{\"a\":-07}",
        "{\"a\":1e5,\"b\":1.50,\"c\":1e400}",
        "{\"a\":1E-7,\"b\":-1.5e+3}",
        "{\"a\":12-3}",
        "{\"a\":1.4-9e+1}",
        "{\"a\":1.4.5}",
        "{\"a\":1e5e5}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":18446744073709551615,\"b\":-9223372036854775808,\"c\":18446744073709551616}",
        "{\"a\":123456789012345678,\"b\":1234567890123456789,\"c\":-123456789012345678}",
        "{\"a\":\"\\u00e9\\ud83d\\ude00\\n\\/\"}",
        "{\"a\":\"\\ud83d\"}",
        "{\"a\":\"\\ude00\"}",
        "{\"a\":\"\\ud83d\\u0041\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12",
        "{\"a\":\"\\u12zz\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\",
        "{\"a\":\"b",
        "{\"a\":\"\t\"}",
        "{\"a\":\"12345678\\\"9012345678\\\\\"}",
        "{\"a\":\"long long long long \u{1f} control\"}",
        "{\"k\\u0065y\":1,\"key\":2,\"a.b\":3,\"a\":{\"b\":4}}",
        "{\"a\":[[1,[2]],{\"b\":null},null,true,\"x\"],\"b\":[]}",
        "{\"_index\":\"x\",\"_source\":{\"UtcTime\":\"y\",\"l\":[1]}}",
        "{\"a\":1,\"a\":2}",
    ]
    .map(str::to_owned)
    .to_vec();
    for n in [10, 11, 12, 13, 40, 125, 126, 127, 128, 129, 500] {
        texts.push(deep("{\"b\":", "}", n));
        texts.push(deep("[", "]", n));
        texts.push(deep("[", "", n));
    }
    texts.push(format!("{{\"a\":[{}]}}", vec!["\"x\""; MAX_VALUES + 3].join(",")));
    let mut flat = Flat::default();
    for text in &texts {
        agree(&mut flat, text.as_bytes());
        // As cut off everywhere.
        for end in (0..text.len().min(200)).filter(|end| text.is_char_boundary(*end)) {
            agree(&mut flat, &text.as_bytes()[..end]);
        }
    }
}

#[test]
fn bytes_that_are_no_text_make_no_object() {
    let mut flat = Flat::default();
    for object in [
        &b"{\"a\":\"\xff\"}"[..],
        b"{\"a\":1}\xff",
        b"\xff",
        b"{\"a\":1,\xc3",
    ] {
        assert_eq!(flat.read(object), Err(ReadError::NoJson));
        agree(&mut flat, object);
    }
}

#[test]
fn names_without_end_are_forgotten_between_objects() {
    let mut flat = Flat::default();
    for number in 0..40 {
        let members: Vec<_> = (0..1_000)
            .map(|member| format!("\"k{number}_{member}\":1"))
            .collect();
        agree(&mut flat, format!("{{{}}}", members.join(",")).as_bytes());
    }
    assert!(flat.age() > 0);
}

/// JSON of every form, its keys out of few so that they repeat.
fn json() -> impl Strategy<Value = Value> {
    let text = || {
        prop_oneof![
            "[a-c.@#]{0,3}",
            "\\PC{0,20}",
            Just("EventID".to_owned()),
            Just("_source".to_owned())
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(16, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map(text(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Flat::default().read(&bytes);
    }

    #[test]
    fn any_json_is_read_as_serde_json_reads_it(objects in proptest::collection::vec(json(), 1..4)) {
        let mut flat = Flat::default();
        for object in objects {
            agree(&mut flat, object.to_string().as_bytes());
            agree(&mut flat, serde_json::to_string_pretty(&object).unwrap().as_bytes());
        }
    }

    #[test]
    fn damaged_json_is_read_as_serde_json_reads_it(object in json(), at in any::<prop::sample::Index>(), byte in 0u8..0x80) {
        let mut text = object.to_string().into_bytes();
        let at = at.index(text.len());
        // Only what stays text: where both stop at other bytes is told apart above.
        if text[at] < 0x80 {
            text[at] = byte;
        }
        agree(&mut Flat::default(), &text);
    }
}

/// Reads the value at the current path.
struct At<'f> {
    flat: &'f mut Listed,
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
        self.flat.push(kind, value.to_string());
    }

    fn check<E: Error>(&self) -> Result<(), E> {
        if self.flat.entries.len() >= MAX_VALUES || self.flat.path_bytes > 4 << 20 {
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
        self.flat.push(Kind::Text, value.to_owned());
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
    flat: &'f mut Listed,
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
    flat: &'f mut Listed,
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
