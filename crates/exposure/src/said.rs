//! A sentence in the languages Vigie speaks.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A sentence in English and French.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

macro_rules! beside {
    ($(#[$doc:meta])* $name:ident, $key:literal, $key_fr:literal) => {
        $(#[$doc])*
        pub(crate) mod $name {
            use super::{Said, SerializeMap, Serializer};

            pub(crate) fn serialize<T: AsRef<Said>, S: Serializer>(
                said: &T,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                let said = said.as_ref();
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry($key, &said.en)?;
                map.serialize_entry($key_fr, &said.fr)?;
                map.end()
            }
        }
    };
}

beside!(
    /// Writes `reason` (English) and `reason_fr` beside the other fields, for `#[serde(flatten)]`.
    reason,
    "reason",
    "reason_fr"
);
beside!(
    /// Writes `because` and `because_fr`.
    because,
    "because",
    "because_fr"
);
