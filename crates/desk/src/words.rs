//! Enumerations whose variants are words: in the database, in JSON and in the API.

/// An enumeration of words, with `id`, `from_id`, `ALL`, and the conversions that the store and JSON need.
// `$id` is a token: what reads attributes for the API's document does not see through a literal fragment, and would name
// the variants instead of the words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $id:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $id)] $variant),+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The word used in the database, in JSON and in the API.
            pub fn id(self) -> &'static str {
                match self {
                    $($name::$variant => $id),+
                }
            }

            /// The one with this word.
            pub fn from_id(id: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|known| known.id() == id)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.id())
            }
        }

        impl From<$name> for $crate::db::Value {
            fn from(word: $name) -> Self {
                word.id().into()
            }
        }

        impl $crate::db::FromValue for $name {
            fn from_value(value: $crate::db::Value) -> Result<Self, $crate::db::Mismatch> {
                let text = String::from_value(value)?;
                $name::from_id(&text).ok_or($crate::db::Mismatch {
                    wanted: stringify!($name),
                    found: text,
                })
            }
        }
    };
}
pub(crate) use words;
