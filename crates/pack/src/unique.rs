//! A YAML mapping in which a key may stand once. Plain maps keep the last of two and say nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Texts by key; a key given twice is an error. Scalars are taken as they are written.
#[derive(Debug, Default)]
pub(crate) struct UniqueMap(pub(crate) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for UniqueMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UniqueMap, D::Error> {
        deserializer.deserialize_map(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = UniqueMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<UniqueMap, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = access.next_entry::<String, String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("{key:?} is given twice")));
            }
            map.insert(key, value);
        }
        Ok(UniqueMap(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_as_written_and_keys_once() {
        let map: UniqueMap =
            yaml_serde::from_str("{ EventID: 0x10, HttpStatus: 0241, Empty: '', Flag: true }").unwrap();
        let values: Vec<&str> = map.0.values().map(String::as_str).collect();
        assert_eq!(values, ["", "0x10", "true", "0241"]);
        let error = yaml_serde::from_str::<UniqueMap>("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert!(error.to_string().contains("\"a\" is given twice"), "{error}");
    }
}
