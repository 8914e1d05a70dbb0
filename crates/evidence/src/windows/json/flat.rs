//! A JSON object as a flat list of paths and values, read without building a tree.

use super::paths::{PathId, Paths, Role};
use super::reader::{ReadError, Reader};
use crate::windows::flat_names::TimeName;

/// Deeper values are kept as JSON text.
const MAX_DEPTH: usize = 12;
/// Values one object may have.
const MAX_VALUES: usize = 8_192;
/// Bytes the paths of one object's values may have.
const MAX_PATH_BYTES: usize = 4 << 20;
/// Elasticsearch hands a document over as `{"_index": ..., "_source": {...}}`.
pub(super) const WRAPPER: &str = "_source.";

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
    path: PathId,
    value: (u32, u32),
    kind: Kind,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item<'f> {
    pub(super) id: PathId,
    /// `winlog.event_data.Image`; the items of a list of plain values all have `path[]`, objects in a list `path[3].key`.
    pub(super) path: &'f str,
    pub(super) role: Role,
    pub(super) value: &'f str,
    pub(super) kind: Kind,
}

/// The values of one object. Nulls are left out.
#[derive(Debug, Default)]
pub(in crate::windows) struct Flat {
    entries: Vec<Entry>,
    pub(super) paths: Paths,
    /// The object's own text, and what is not in it as it is meant.
    pub(super) values: String,
    /// Bytes of the paths of all values.
    path_bytes: usize,
    /// Whether all values are fields beside each other.
    is_plain: bool,
    is_wrapped: bool,
    /// Which values are times.
    times: Vec<u32>,
}

impl Flat {
    /// Reads one object. What was read before an error stays readable.
    pub(super) fn read(&mut self, object: &[u8]) -> Result<(), ReadError> {
        self.read_to_depth(object, MAX_DEPTH)
    }

    /// Reads one object; its own values only, anything deeper is kept as JSON text.
    pub(super) fn read_shallow(&mut self, object: &[u8]) -> Result<(), ReadError> {
        self.read_to_depth(object, 1)
    }

    fn read_to_depth(&mut self, object: &[u8], depth: usize) -> Result<(), ReadError> {
        self.start();
        let (text, is_utf8) = match std::str::from_utf8(object) {
            Ok(text) => (text, true),
            Err(error) => {
                let valid = object.get(..error.valid_up_to()).unwrap_or_default();
                (std::str::from_utf8(valid).unwrap_or_default(), false)
            }
        };
        self.values.push_str(text);
        let result = Reader::new(text, self, depth).document();
        self.unwrap_document();
        // What ends at a byte that is no text does not end there.
        if is_utf8 { result } else { Err(ReadError::NoJson) }
    }

    fn start(&mut self) {
        self.entries.clear();
        self.values.clear();
        self.times.clear();
        self.path_bytes = 0;
        self.is_plain = true;
        self.is_wrapped = false;
        self.paths.start();
    }

    fn unwrap_document(&mut self) {
        if !self.is_wrapped {
            return;
        }
        let entries = std::mem::take(&mut self.entries);
        self.times.clear();
        self.is_plain = true;
        for entry in entries {
            if self.paths.get(entry.path).is_some_and(|path| path.is_wrapped) {
                let path = self.paths.unwrapped(entry.path, WRAPPER);
                self.keep(Entry { path, ..entry });
            }
        }
    }

    /// Takes columns and values that come from elsewhere. Empty values are left out unless `keep_empty`.
    pub(in crate::windows) fn set<'v>(
        &mut self,
        pairs: impl Iterator<Item = (&'v str, &'v str)>,
        keep_empty: bool,
    ) {
        self.start();
        for (name, value) in pairs.filter(|(_, value)| keep_empty || !value.is_empty()) {
            let path = self.paths.named(name);
            let is_number = value.parse::<i64>().is_ok() || value.parse::<u64>().is_ok();
            let kind = if is_number { Kind::Number } else { Kind::Text };
            self.push_text(path, value, kind);
        }
    }

    /// Adds a text under a name that is not there yet.
    pub(in crate::windows) fn add(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            let path = self.paths.named(name);
            self.push_text(path, value, Kind::Text);
        }
    }

    /// All values in their order.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'_>> + Clone {
        self.entries.iter().map(|entry| self.item(entry))
    }

    /// One value by its number.
    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<Item<'_>> {
        self.entries.get(index).map(|entry| self.item(entry))
    }

    /// Bytes of text.
    pub(super) fn bytes(&self) -> usize {
        self.values.len()
    }

    /// The values that are times, and what time.
    pub(super) fn times(&self) -> impl Iterator<Item = (TimeName, Item<'_>)> {
        self.times.iter().filter_map(|&index| {
            let entry = self.entries.get(index as usize)?;
            Some((self.paths.get(entry.path)?.time?, self.item(entry)))
        })
    }

    /// The paths of all values, in their order.
    pub(super) fn ids(&self) -> impl ExactSizeIterator<Item = PathId> + '_ {
        self.entries.iter().map(|entry| entry.path)
    }

    /// Whether all values are fields beside each other.
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Changes when the numbers of paths mean something else.
    pub(super) fn age(&self) -> u64 {
        self.paths.age()
    }

    #[inline]
    fn item(&self, entry: &Entry) -> Item<'_> {
        let path = self.paths.get(entry.path);
        Item {
            id: entry.path,
            path: path.map_or("", |path| &path.text),
            role: path.map_or(Role::Other, |path| path.role),
            value: slice(&self.values, entry.value),
            kind: entry.kind,
        }
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

    /// The path of a member whose key stands there in the text.
    pub(super) fn member(&mut self, parent: PathId, key: (usize, usize)) -> PathId {
        let key = self.values.get(key.0..key.1).unwrap_or_default();
        self.paths.member(parent, key)
    }

    /// Takes a value that stands there in the text.
    pub(super) fn push(&mut self, path: PathId, value: (usize, usize), kind: Kind) {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let value = (place(value.0), place(value.1));
        self.keep(Entry { path, value, kind });
    }

    /// Takes a value that does not stand in the text.
    pub(super) fn push_text(&mut self, path: PathId, value: &str, kind: Kind) {
        let start = self.values.len();
        self.values.push_str(value);
        self.push(path, (start, self.values.len()), kind);
    }

    fn keep(&mut self, entry: Entry) {
        if let Some(path) = self.paths.get(entry.path) {
            self.path_bytes += path.text.len();
            self.is_plain &= path.role != Role::Other;
            self.is_wrapped |= path.is_wrapped;
            if path.time.is_some() {
                self.times
                    .push(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
            }
        }
        self.entries.push(entry);
    }

    /// Whether there is room for more values.
    pub(super) fn check(&self) -> Result<(), ReadError> {
        if self.entries.len() >= MAX_VALUES || self.path_bytes > MAX_PATH_BYTES {
            return Err(ReadError::NoJson);
        }
        Ok(())
    }
}

fn slice(text: &str, (start, end): (u32, u32)) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
