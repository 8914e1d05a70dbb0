//! Inventories as JSON: which of them one is, by the keys it begins with.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Format, InventoryError, Options, Reading, agent, healthchecker_report, hunt, probe};
use crate::Said;

/// Reads JSON, whatever wrote it.
pub(super) fn read(file_name: &str, text: &str, options: &Options) -> Result<Reading, InventoryError> {
    let keys = keys(text);
    let has = |key: &str| keys.iter().any(|known| known == key);
    match () {
        () if has("hosts") => hunt::read(file_name, text),
        () if has("targets") && has("scope") => probe::read(file_name, text),
        () if has("VersionReport") || has("Servers") && has("ReportDate") => {
            healthchecker_report::read(file_name, text, options)
        }
        () if has("content") => agent::read_json(file_name, text, options),
        () => {
            let shown = keys.iter().take(5).map(|key| format!("{key:?}"));
            let shown: Vec<String> = shown.collect();
            let begins = if shown.is_empty() {
                text.trim_start().chars().take(40).collect()
            } else {
                shown.join(", ")
            };
            Err(InventoryError::Unknown(begins))
        }
    }
}

/// Reads the whole of it; the error says the line.
pub(super) fn parse<T: DeserializeOwned>(format: Format, text: &str) -> Result<T, InventoryError> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let why = error.to_string();
        // The reader says the place a second time, behind its message.
        let why = why.rfind(" at line ").map_or(why.as_str(), |at| &why[..at]);
        let said = Said::new(
            format!("line {line}, column {column}: {why}"),
            format!("ligne {line}, colonne {column} : {why}"),
        );
        InventoryError::broken(format, said)
    })
}

/// The keys of the outermost object, as far as they can be read.
fn keys(text: &str) -> Vec<String> {
    struct Keys<'k>(&'k mut Vec<String>);

    impl<'de> Visitor<'de> for Keys<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while self.0.len() < MOST_KEYS {
                let Some(key) = map.next_key::<String>()? else {
                    break;
                };
                self.0.push(key.chars().take(60).collect());
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    let mut keys = Vec::new();
    // Where it is broken, what was read until there is enough to know what it was to be.
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(Keys(&mut keys));
    keys
}

/// Keys that are looked at.
const MOST_KEYS: usize = 64;

/// A value that some write as text, some as a number, some not at all.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Text(match value {
            serde_json::Value::String(text) => text.trim().to_owned(),
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(is_true) => is_true.to_string(),
            _ => String::new(),
        }))
    }
}

impl Text {
    /// The text, where there is any.
    pub(super) fn some(self) -> Option<String> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

/// A list, or what stands alone where there is only one.
#[derive(Debug)]
pub(super) struct Several<T>(Vec<(usize, T)>);

impl<T> Default for Several<T> {
    fn default() -> Several<T> {
        Several(Vec::new())
    }
}

impl<T> Several<T> {
    pub(super) fn list(self) -> impl Iterator<Item = T> {
        self.0.into_iter().map(|(_, one)| one)
    }

    /// What was kept, with its number in the list.
    pub(super) fn numbered(self) -> Vec<(usize, T)> {
        self.0
    }
}

/// What is kept of a list while it is read: lists may be long, and little of them may matter.
pub(super) trait Kept: Sized {
    /// Whether this one is kept.
    fn is_kept(&self) -> bool {
        true
    }
}

impl<'de, T: Deserialize<'de> + Kept> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Several<T>, D::Error> {
        struct Any<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de> + Kept> Visitor<'de> for Any<T> {
            type Value = Several<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list, or one object")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Several<T>, A::Error> {
                let mut kept = Vec::new();
                let mut number = 0;
                while let Some(one) = list.next_element::<T>()? {
                    if one.is_kept() {
                        kept.push((number, one));
                    }
                    number += 1;
                }
                Ok(Several(kept))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Several<T>, A::Error> {
                let one = T::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Several(vec![(0, one)]))
            }

            fn visit_unit<E: Error>(self) -> Result<Several<T>, E> {
                Ok(Several::default())
            }
        }

        deserializer.deserialize_any(Any(PhantomData))
    }
}
