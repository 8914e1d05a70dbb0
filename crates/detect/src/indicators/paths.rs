//! Which parts of a path are worth a look: its ends, and the folders it goes through.

use super::keys::TableId;
use super::normal::last_part;
use super::table::{Filter, Keyed};

/// The endings indicators know. Most paths end in a name that none of them has, and are done with one look.
#[derive(Debug, Default)]
pub(super) struct PathEnds {
    names: Filter,
    adding: Vec<u64>,
    longest: usize,
}

impl PathEnds {
    /// Takes in an ending that begins with a backslash.
    pub(super) fn add(&mut self, end: &str, keyed: &Keyed) {
        self.adding.push(keyed.hash(last_part(end).as_bytes()));
        self.longest = self.longest.max(end.len());
    }

    pub(super) fn finish(&mut self) {
        self.names = Filter::of(std::mem::take(&mut self.adding).into_iter());
    }

    /// Every end of a path that may be known, the shortest first, each from its backslash on.
    pub(super) fn each_of<'a>(&self, path: &'a str, keyed: &Keyed, mut look: impl FnMut(&'a str)) {
        if !self.names.may_have(keyed.hash(last_part(path).as_bytes())) {
            return;
        }
        for at in memchr::memrchr_iter(b'\\', path.as_bytes()) {
            match path.get(at..) {
                Some(end) if end.len() <= self.longest => look(end),
                _ => return,
            }
        }
    }
}

/// The folders indicators know.
#[derive(Debug, Default)]
pub(super) struct Folders {
    /// First parts, `\name\`, of folders that may be anywhere.
    parts: Filter,
    adding: Vec<u64>,
    longest: usize,
    longest_root: usize,
}

impl Folders {
    /// Takes in a folder that may be anywhere; it begins and ends with a backslash.
    pub(super) fn add(&mut self, folder: &str, keyed: &Keyed) {
        let first = folder
            .get(1..)
            .and_then(|rest| rest.find('\\'))
            .and_then(|at| folder.get(..at + 2));
        self.adding.push(keyed.hash(first.unwrap_or(folder).as_bytes()));
        self.longest = self.longest.max(folder.len());
    }

    /// Takes in a folder paths begin with.
    pub(super) fn add_root(&mut self, folder: &str) {
        self.longest_root = self.longest_root.max(folder.len());
    }

    pub(super) fn finish(&mut self) {
        self.parts = Filter::of(std::mem::take(&mut self.adding).into_iter());
    }

    /// Every folder a path goes through that may be known; the path ends with a backslash.
    pub(super) fn each_in<'a>(&self, path: &'a str, keyed: &Keyed, mut look: impl FnMut(TableId, &'a str)) {
        let bytes = path.as_bytes();
        for end in memchr::memchr_iter(b'\\', bytes) {
            match path.get(..=end) {
                Some(folder) if folder.len() <= self.longest_root => look(TableId::RootFolder, folder),
                _ => break,
            }
        }
        if self.longest == 0 {
            return;
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\\', bytes).skip(1) {
            let part = path.get(start..=end).unwrap_or("");
            if self.parts.may_have(keyed.hash(part.as_bytes())) {
                let rest = path.get(start..).unwrap_or("");
                let ends = memchr::memchr_iter(b'\\', rest.as_bytes()).skip(1);
                for end in ends.take_while(|end| *end < self.longest) {
                    look(TableId::Folder, rest.get(..=end).unwrap_or(""));
                }
            }
            start = end;
        }
    }
}
