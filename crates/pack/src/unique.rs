//! A YAML mapping in which a key may stand once. Plain maps keep the last of two and say nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Values by key; a key given twice is an error. Texts are taken as they are written.
#[derive(Debug, Default)]
pub(crate) struct UniqueMap<V = String>(pub(crate) BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for UniqueMap<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UniqueMap<V>, D::Error> {
        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

struct UniqueVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueVisitor<V> {
    type Value = UniqueMap<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<UniqueMap<V>, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = access.next_entry::<String, V>()? {
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
