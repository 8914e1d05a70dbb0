//! A sentence in the languages Vigie speaks.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A sentence in English and French.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

impl Said {
    /// Makes one.
    pub fn new(en: impl Into<String>, fr: impl Into<String>) -> Said {
        Said {
            en: en.into(),
            fr: fr.into(),
        }
    }

    /// The sentence in `lang` (`fr`, otherwise English).
    pub fn get(&self, lang: &str) -> &str {
        if lang == "fr" { &self.fr } else { &self.en }
    }
}

impl Serialize for Said {
    /// `{"en": ..., "fr": ...}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("en", &self.en)?;
        map.serialize_entry("fr", &self.fr)?;
        map.end()
    }
}
