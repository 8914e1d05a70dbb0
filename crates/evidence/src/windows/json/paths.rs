//! The paths of one file's values as small numbers: what follows from a name is worked out once, not for each event.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::windows::flat_names::{FlatName, TimeName, flat_name, time_name};

/// Paths kept from one object to the next; files with names without end start afresh.
const MAX_PATHS: usize = 16_384;
/// Bytes of paths kept.
const MAX_PATH_BYTES: usize = 4 << 20;

/// How many paths that may come next are remembered for each: logs mix several kinds of events.
const FOLLOWERS: usize = 4;

/// A path of one file, as spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PathId(u32);

impl PathId {
    /// The path of the object itself.
    pub(super) const ROOT: PathId = PathId(0);

    /// Where the path stands in a table indexed by path.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a path says, whatever its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A field beside the others.
    Field(FlatName),
    /// An item of a list, or part of a section.
    Other,
}

#[derive(Debug)]
pub(super) struct Path {
    pub(super) text: Box<str>,
    pub(super) role: Role,
    pub(super) time: Option<TimeName>,
    /// Elasticsearch's wrapping.
    pub(super) is_wrapped: bool,
    parent: PathId,
    key_at: usize,
    /// The paths that came after this one, the last one first.
    next: [PathId; FOLLOWERS],
}

/// All paths of one file.
#[derive(Debug)]
pub(super) struct Paths {
    paths: Vec<Path>,
    by_text: HashMap<Box<str>, PathId, RandomState>,
    bytes: usize,
    last: PathId,
    scratch: String,
    age: u64,
}

impl Default for Paths {
    fn default() -> Paths {
        let mut paths = Paths {
            paths: Vec::new(),
            by_text: HashMap::default(),
            bytes: 0,
            last: PathId::ROOT,
            scratch: String::new(),
            age: 0,
        };
        paths.start();
        paths
    }
}

impl Paths {
    /// Begins an object. Numbers given out before hold until [`Paths::age`] changes.
    pub(super) fn start(&mut self) {
        if self.paths.len() > MAX_PATHS || self.bytes > MAX_PATH_BYTES {
            self.paths.clear();
            self.by_text.clear();
            self.bytes = 0;
            self.age += 1;
        }
        if self.paths.is_empty() {
            self.intern("", PathId::ROOT, 0);
        }
        self.last = PathId::ROOT;
    }

    /// Changes when all numbers were forgotten.
    pub(super) fn age(&self) -> u64 {
        self.age
    }

    pub(super) fn get(&self, id: PathId) -> Option<&Path> {
        self.paths.get(id.index())
    }

    /// The path of this name alone.
    pub(super) fn named(&mut self, name: &str) -> PathId {
        self.member(PathId::ROOT, name)
    }

    /// The path of a member of the object at `parent`. Events of one kind have the same members in the same order, so
    /// those that came next before are looked at first.
    pub(super) fn member(&mut self, parent: PathId, key: &str) -> PathId {
        let last = self.last;
        let id = match self.follower(last, parent, key) {
            Some((0, id)) => {
                self.last = id;
                return id;
            }
            Some((_, id)) => id,
            None => self.new_member(parent, key),
        };
        if let Some(path) = self.paths.get_mut(last.index()) {
            let place = path.next.iter().position(|next| *next == id);
            let place = place.unwrap_or(FOLLOWERS - 1);
            if let Some(before) = path.next.get_mut(..=place) {
                before.rotate_right(1);
            }
            path.next[0] = id;
        }
        self.last = id;
        id
    }

    /// The path of this member among those that came after `last` before, and the how manieth of them it is.
    #[inline]
    fn follower(&self, last: PathId, parent: PathId, key: &str) -> Option<(usize, PathId)> {
        let followers = self.get(last)?.next.iter().enumerate();
        followers
            .take_while(|(_, id)| **id != PathId::ROOT)
            .find(|(_, id)| {
                self.get(**id).is_some_and(|path| {
                    path.parent == parent
                        && path
                            .text
                            .as_bytes()
                            .get(path.key_at..)
                            .is_some_and(|text| same(text, key.as_bytes()))
                })
            })
            .map(|(place, id)| (place, *id))
    }

    fn new_member(&mut self, parent: PathId, key: &str) -> PathId {
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        text.push_str(self.get(parent).map_or("", |path| &path.text));
        if !text.is_empty() {
            text.push('.');
        }
        let key_at = text.len();
        text.push_str(key);
        let id = self.intern(&text, parent, key_at);
        self.scratch = text;
        id
    }

    /// The path of an item of the list at `list`: a plain value without a number, anything else with its own.
    pub(super) fn item(&mut self, list: PathId, number: Option<u32>) -> PathId {
        use std::fmt::Write;
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        text.push_str(self.get(list).map_or("", |path| &path.text));
        let _ = match number {
            None => write!(text, "[]"),
            Some(number) => write!(text, "[{number}]"),
        };
        // No member has this parent and the key after it.
        let id = self.intern(&text, PathId::ROOT, text.len());
        self.scratch = text;
        id
    }

    /// The path without the wrapping before it.
    pub(super) fn unwrapped(&mut self, id: PathId, wrapper: &str) -> PathId {
        let inner = self.get(id).and_then(|path| path.text.strip_prefix(wrapper));
        match inner.map(str::to_owned) {
            Some(inner) => self.intern(&inner, PathId::ROOT, 0),
            None => id,
        }
    }

    fn intern(&mut self, text: &str, parent: PathId, key_at: usize) -> PathId {
        if let Some(&id) = self.by_text.get(text) {
            return id;
        }
        let id = PathId(u32::try_from(self.paths.len()).unwrap_or(u32::MAX));
        self.bytes += text.len();
        self.by_text.insert(text.into(), id);
        self.paths.push(Path {
            text: text.into(),
            role: role(text),
            time: time_of(text),
            is_wrapped: text.starts_with(super::flat::WRAPPER),
            parent,
            key_at,
            next: [PathId::ROOT; FOLLOWERS],
        });
        id
    }
}

/// Whether two names are the same. They are short: a call to compare them costs more than comparing them.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(one: &[u8], other: &[u8]) -> bool {
        one.first_chunk::<N>() == other.first_chunk::<N>() && one.last_chunk::<N>() == other.last_chunk::<N>()
    }
    one.len() == other.len()
        && match one.len() {
            4..8 => ends::<4>(one, other),
            8..=16 => ends::<8>(one, other),
            17..=32 => ends::<16>(one, other),
            _ => one == other,
        }
}

fn role(path: &str) -> Role {
    let is_other = path.ends_with("[]")
        || path.starts_with("System.")
        || path.starts_with("Properties[")
        || path == "_Source"
        || super::event::is_section(path);
    if is_other {
        Role::Other
    } else {
        Role::Field(flat_name(path))
    }
}

fn time_of(path: &str) -> Option<TimeName> {
    if path.contains("System.TimeCreated") {
        return Some(TimeName::System);
    }
    time_name(if path == "winlog.event_data.UtcTime" {
        "UtcTime"
    } else {
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_wherever_one_byte_does() {
        for len in 0..70 {
            let one: Vec<u8> = (0..len).collect();
            assert!(same(&one, &one.clone()));
            assert!(!same(&one, &[&one[..], b"x"].concat()));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 0x80;
                assert!(!same(&one, &other), "{len} {at}");
            }
        }
    }
}
