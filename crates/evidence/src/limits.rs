//! What hostile evidence may cost.

use std::fmt;

/// A cap: its name and what it caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitName {
    /// `archive_bytes`.
    pub name: &'static str,
    /// The value used unless told otherwise.
    pub default: u64,
    /// Whether the value is a number of bytes.
    pub is_bytes: bool,
}

/// A cap that does not exist, or a value it cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// There is no cap of this name.
    #[error("there is no limit {name:?}; there are {}", known())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The value is no number of things.
    #[error("{name}={value}: write a whole number above 0{}", units(.name))]
    Value {
        /// The cap.
        name: String,
        /// What was given.
        value: String,
    },
}

fn known() -> String {
    let names: Vec<&str> = Limits::names().iter().map(|limit| limit.name).collect();
    names.join(", ")
}

fn units(name: &str) -> &'static str {
    match Limits::names().iter().find(|limit| limit.name == name) {
        Some(limit) if limit.is_bytes => ", bytes, with K, M, G or T for 1024 and its powers",
        _ => "",
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr),+ $(,)?) => {
        /// Caps on what one run reads. Whatever is cut off by a cap is counted and shown, never dropped silently.
        #[derive(Debug, Clone)]
        pub struct Limits {
            $($(#[$doc])* pub $name: $type),+
        }

        impl Default for Limits {
            fn default() -> Limits {
                Limits { $($name: $default),+ }
            }
        }

        impl Limits {
            /// All caps, in the order in which they are documented.
            pub fn names() -> &'static [LimitName] {
                const NAMES: &[LimitName] = &[$(LimitName {
                    name: stringify!($name),
                    default: {
                        let default: $type = $default;
                        default as u64
                    },
                    is_bytes: is_bytes(stringify!($name)),
                }),+];
                NAMES
            }

            /// Sets a cap by its name. `10M` and the like are understood for numbers of bytes.
            ///
            /// # Errors
            /// When there is no such cap, or the value is none.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), LimitError> {
                let wrong = || LimitError::Value {
                    name: name.to_owned(),
                    value: value.to_owned(),
                };
                match name {
                    $(stringify!($name) => {
                        let number = number(value, is_bytes(name)).filter(|number| *number > 0);
                        self.$name = number.and_then(|number| number.try_into().ok()).ok_or_else(wrong)?;
                    })+
                    _ => return Err(LimitError::Unknown { name: name.to_owned() }),
                }
                Ok(())
            }
        }
    };
}

limits! {
    /// Entries read from one archive.
    archive_entries: u64 = 1_000_000,
    /// Uncompressed bytes read from one archive, nested ones included.
    archive_bytes: u64 = 256 << 30,
    /// How many times larger than its compressed form an entry may become, once it is larger than 16 MiB.
    archive_ratio: u64 = 1_000,
    /// How deep archives may be nested.
    archive_depth: u32 = 4,
    /// Bytes of one nested archive that is unpacked to a temporary file, to be read like a file.
    spool_bytes: u64 = 64 << 30,
    /// Bytes of an entry's name that are shown; a longer name is cut.
    name_bytes: usize = 4_096,
    /// How deep folders may be nested.
    folder_depth: u32 = 64,
    /// Files read below one given path.
    files: u64 = 2_000_000,
    /// Warnings kept in the manifest; the rest is counted.
    warnings: usize = 10_000,
    /// Bytes of one text line; a longer line is skipped and counted.
    line_bytes: usize = 1 << 20,
    /// Bytes of one JSON or XML document that must be held whole.
    document_bytes: u64 = 64 << 20,
    /// Bytes of a file handed to content rules (YARA).
    content_bytes: u64 = 8 << 20,
    /// Seconds that content rules may take for one file.
    content_seconds: u64 = 10,
    /// Bytes of rows collected before a batch is handed over, per open file.
    batch_bytes: usize = 2 << 20,
    /// Rows collected before a batch is handed over.
    batch_rows: usize = 2_048,
}

const fn is_bytes(name: &str) -> bool {
    let name = name.as_bytes();
    let end = b"_bytes";
    let mut at = 0;
    while at < end.len() {
        if name.len() < end.len() || name[name.len() - end.len() + at] != end[at] {
            return false;
        }
        at += 1;
    }
    true
}

fn number(text: &str, bytes: bool) -> Option<u64> {
    let text = text.trim();
    let powers = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let unit = powers
        .iter()
        .find(|(letter, _)| bytes && text.to_ascii_uppercase().ends_with(*letter));
    match unit {
        Some((_, power)) => {
            let number: u64 = text[..text.len() - 1].trim().parse().ok()?;
            number.checked_mul(1 << power)
        }
        None => text.parse().ok(),
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_what_holds_unless_told() {
        let listed = |name: &str| {
            let limit = Limits::names().iter().find(|limit| limit.name == name);
            limit.unwrap().default
        };
        let limits = Limits::default();
        assert_eq!(listed("archive_bytes"), limits.archive_bytes);
        assert_eq!(listed("spool_bytes"), limits.spool_bytes);
        assert_eq!(listed("files"), limits.files);
    }

    #[test]
    fn a_cap_is_set_by_its_name() {
        let mut limits = Limits::default();
        limits.set("archive_depth", "2").unwrap();
        limits.set("content_bytes", "32M").unwrap();
        limits.set("line_bytes", "4096").unwrap();
        assert_eq!(
            (limits.archive_depth, limits.content_bytes, limits.line_bytes),
            (2, 32 << 20, 4_096)
        );
    }

    #[test]
    fn what_is_no_cap_or_no_value_is_refused_with_what_there_is() {
        let mut limits = Limits::default();
        let said = limits.set("archive_size", "1").unwrap_err().to_string();
        assert!(said.contains("archive_bytes"), "{said}");
        for (name, value) in [
            ("archive_depth", "0"),
            ("archive_depth", "many"),
            ("archive_depth", "2K"),
            ("archive_depth", "99999999999"),
            ("content_bytes", "K"),
            ("content_bytes", "99999999999T"),
            ("content_bytes", "-1"),
            ("content_bytes", ""),
            ("content_bytes", "é"),
        ] {
            let said = limits.set(name, value).unwrap_err().to_string();
            assert!(said.starts_with(name), "{said}");
        }
    }
}
