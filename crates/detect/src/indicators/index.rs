//! Where values are looked up: one hash and one look into a bitmap for nearly every value, whatever the number of
//! indicators.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::{RegexSet, RegexSetBuilder};

use super::columns::Reading;
use super::keys::{self, Form, TABLES, TableId};
use super::list::{IndicatorList, Kept};
use super::networks::{Network, Networks};
use super::paths::{Folders, PathEnds};
use super::table::{Keyed, Table};
use super::{Indicator, IndicatorKind, normal};

/// What all path expressions together may cost once compiled, in bytes.
const REGEX_SET_BYTES: usize = 64 << 20;
/// Path expressions beyond this many are left out: each is tried on every path.
const MOST_EXPRESSIONS: usize = 2_000;

/// The compiled indicators.
#[derive(Debug, Default)]
pub(super) struct Index {
    lists: Lists,
    keyed: Keyed,
    tables: [Table; TABLES],
    networks: Networks,
    /// In bytes, ascending.
    user_agent_starts: Vec<usize>,
    path_ends: PathEnds,
    folders: Folders,
    expressions: Vec<u32>,
    expression_set: Option<RegexSet>,
}

/// Lists one behind the other: a position counts through all of them.
#[derive(Debug, Default)]
pub(super) struct Lists {
    lists: Vec<Arc<IndicatorList>>,
    /// The position of each list's first indicator.
    firsts: Vec<u32>,
    len: u32,
}

impl Lists {
    fn add(&mut self, list: Arc<IndicatorList>) -> Result<(), String> {
        let len = u32::try_from(list.len())
            .ok()
            .and_then(|len| self.len.checked_add(len))
            .filter(|&len| len < u32::MAX)
            .ok_or("too many indicators")?;
        self.firsts.push(self.len);
        self.lists.push(list);
        self.len = len;
        Ok(())
    }

    /// The list a position is in, and where in it.
    pub(super) fn at(&self, position: u32) -> Option<(&IndicatorList, usize)> {
        let list = self
            .firsts
            .partition_point(|&first| first <= position)
            .checked_sub(1)?;
        let index = position - self.firsts.get(list)?;
        Some((self.lists.get(list)?, index as usize))
    }

    fn kept(&self, position: u32) -> Option<(IndicatorKind, Kept<'_>)> {
        let (list, index) = self.at(position)?;
        list.kept(index)
    }

    fn value(&self, position: u32) -> &str {
        match self.kept(position) {
            Some((_, Kept::Text(text))) => text,
            _ => "",
        }
    }

    /// Whether two indicators of one value say the same of it.
    fn are_one(&self, one: u32, other: u32) -> bool {
        let (Some((list, at)), Some((others, other_at))) = (self.at(one), self.at(other)) else {
            return false;
        };
        if std::ptr::eq(list, others) {
            return list.say_the_same(at, other_at);
        }
        // The spelling and the line do not make another indicator of it.
        match (list.get(at), others.get(other_at)) {
            (Some(one), Some(other)) => {
                one == Indicator {
                    value: one.value.clone(),
                    line: one.line,
                    ..other
                }
            }
            _ => false,
        }
    }
}

/// What came of building an index.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub(super) index: Index,
    /// Positions that cannot be looked for, and why.
    pub(super) refused: Vec<(u32, String)>,
    /// Indicators that say what another says.
    pub(super) repeated: u64,
}

/// Everything that goes into tables, before they are built.
#[derive(Default)]
struct Collected {
    tables: [Vec<(u64, u32)>; TABLES],
    networks: Vec<Network>,
    user_agent_starts: BTreeSet<usize>,
    expressions: Vec<u32>,
}

impl Index {
    /// Builds the index over all indicators of the lists.
    pub(super) fn build(lists: Vec<Arc<IndicatorList>>) -> Built {
        let mut built = Built::default();
        let mut all = Lists::default();
        for list in lists {
            let first = all.len;
            if let Err(reason) = all.add(list) {
                built.refused.push((first, reason));
            }
        }
        let index = &mut built.index;
        let mut collected = Collected::default();
        for position in 0..all.len {
            if let Err(reason) = index.collect(&all, position, &mut collected) {
                built.refused.push((position, reason));
            }
        }
        for (table, pairs) in index.tables.iter_mut().zip(&mut collected.tables) {
            let (finished, repeated) =
                Table::build(std::mem::take(pairs), |one, other| all.are_one(one, other));
            *table = finished;
            built.repeated += repeated;
        }
        let (networks, repeated) = Networks::build(collected.networks, |one, other| all.are_one(one, other));
        index.networks = networks;
        built.repeated += repeated;
        index.user_agent_starts = collected.user_agent_starts.into_iter().collect();
        index.path_ends.finish();
        index.folders.finish();
        index.lists = all;
        built
            .refused
            .extend(index.build_expressions(collected.expressions));
        built
    }

    fn collect(&mut self, all: &Lists, position: u32, into: &mut Collected) -> Result<(), String> {
        let Some((list, at)) = all.at(position) else {
            return Ok(());
        };
        let (mut key, mut text) = (Vec::new(), String::new());
        let form = list.checked_form(at, &mut key, &mut text)?;
        let table = match form {
            Form::Exact(table) => table,
            Form::Network(first, prefix) => {
                into.networks.push((first, prefix, position));
                return Ok(());
            }
            Form::Expression if into.expressions.len() < MOST_EXPRESSIONS => {
                into.expressions.push(position);
                return Ok(());
            }
            Form::Expression => {
                return Err(format!(
                    "more than {MOST_EXPRESSIONS} path expressions: use file_path or folder where that does"
                ));
            }
        };
        match table {
            TableId::PathEnd => self.path_ends.add(&text, &self.keyed),
            TableId::Folder => self.folders.add(&text, &self.keyed),
            TableId::RootFolder => self.folders.add_root(&text),
            TableId::UserAgentStart => {
                into.user_agent_starts.insert(key.len());
            }
            _ => {}
        }
        if let Some(pairs) = into.tables.get_mut(table as usize) {
            pairs.push((self.keyed.hash(&key), position));
        }
        Ok(())
    }

    /// Hands back positions that had to be left out.
    fn build_expressions(&mut self, positions: Vec<u32>) -> Vec<(u32, String)> {
        if positions.is_empty() {
            return Vec::new();
        }
        let built = RegexSetBuilder::new(positions.iter().map(|&position| self.lists.value(position)))
            .case_insensitive(true)
            .size_limit(REGEX_SET_BYTES)
            .build();
        match built {
            Ok(set) => {
                self.expressions = positions;
                self.expression_set = Some(set);
                Vec::new()
            }
            Err(_) => positions
                .into_iter()
                .map(|position| {
                    let why = "the path expressions together take too much memory: use fewer or simpler ones";
                    (position, why.to_owned())
                })
                .collect(),
        }
    }

    /// The lists positions count through.
    pub(super) fn lists(&self) -> &Lists {
        &self.lists
    }

    fn has(&self, table: TableId) -> bool {
        self.tables
            .get(table as usize)
            .is_some_and(|table| !table.is_empty())
    }

    /// Whether any indicator could match a column read this way.
    pub(super) fn wants(&self, reading: Reading) -> bool {
        use TableId::*;
        let addresses = self.has(Address) || !self.networks.is_empty();
        let files = self.has(PathEnd) || self.has(Path);
        let folders = self.has(Folder) || self.has(RootFolder);
        match reading {
            Reading::Address | Reading::AddressList => addresses,
            Reading::Hash | Reading::HashList => self.has(Sha256) || self.has(Sha1) || self.has(Md5),
            Reading::Path | Reading::PathList => files || folders || self.expression_set.is_some(),
            Reading::FileName => self.has(PathEnd),
            Reading::Host => addresses || self.has(Domain),
            Reading::Url => addresses || self.has(Domain) || self.has(Url) || self.has(UrlPath),
            Reading::UrlPath => self.has(UrlPath),
            Reading::UserAgent => self.has(UserAgent) || self.has(UserAgentStart),
        }
    }

    /// The positions of all indicators that match a value.
    pub(super) fn look_up(&self, reading: Reading, value: &str, room: &mut Room, found: &mut Vec<u32>) {
        match reading {
            Reading::Address => self.look_up_address(value, room, found),
            Reading::AddressList => {
                for part in value.split([',', ';', '+', ' ']) {
                    self.look_up_address(part, room, found);
                }
            }
            Reading::Hash => self.look_up_hash(value, room, found),
            Reading::HashList => {
                for part in value.split([',', ';', ' ']) {
                    let hash = part.split_once('=').map_or(part, |(_, hash)| hash);
                    self.look_up_hash(hash, room, found);
                }
            }
            Reading::Path => self.look_up_path(value, room, found),
            Reading::PathList => {
                for part in value.split(';') {
                    let part = part.split_once(":_").map_or(part, |(_kind, path)| path);
                    self.look_up_path(part, room, found);
                }
            }
            Reading::FileName => {
                normal::path(value, &mut room.text);
                self.look_up_path_end(&room.text, found);
            }
            Reading::Host if !value.contains(';') => self.look_up_host(value, room, found),
            Reading::Host => {
                for part in value.split(';') {
                    self.look_up_host(part, room, found);
                }
            }
            Reading::Url => self.look_up_url(value, room, found),
            Reading::UrlPath => {
                normal::url_path(value, &mut room.text);
                self.probe(TableId::UrlPath, room.text.as_bytes(), found);
            }
            Reading::UserAgent => self.look_up_user_agent(value, room, found),
        }
    }

    /// Adds the indicators of a table that have this key.
    fn probe(&self, table: TableId, key: &[u8], found: &mut Vec<u32>) {
        let Some(entries) = self
            .tables
            .get(table as usize)
            .filter(|entries| !entries.is_empty())
        else {
            return;
        };
        for position in entries.candidates(self.keyed.hash(key)) {
            if self.has_key(position, table, key) {
                found.push(position);
            }
        }
    }

    /// Whether this is the key of the indicator: made anew, for it is not kept.
    fn has_key(&self, position: u32, table: TableId, key: &[u8]) -> bool {
        let (mut own, mut text) = (Vec::new(), String::new());
        self.lists.kept(position).is_some_and(|(kind, kept)| {
            keys::form(kind, kept, &mut own, &mut text) == Ok(Form::Exact(table)) && own == key
        })
    }

    fn look_up_address(&self, value: &str, room: &mut Room, found: &mut Vec<u32>) {
        let Some(address) = normal::address(value) else {
            return;
        };
        keys::address_key(address, &mut room.bytes);
        self.probe(TableId::Address, &room.bytes, found);
        self.networks.around(address, found);
    }

    fn look_up_hash(&self, value: &str, room: &mut Room, found: &mut Vec<u32>) {
        let value = value.trim();
        let table = match value.len() {
            64 => TableId::Sha256,
            40 => TableId::Sha1,
            32 => TableId::Md5,
            _ => return,
        };
        room.bytes.clear();
        if self.has(table) && normal::hex_key(value, &mut room.bytes) {
            self.probe(table, &room.bytes, found);
        }
    }

    fn look_up_path(&self, value: &str, room: &mut Room, found: &mut Vec<u32>) {
        if let Some(set) = &self.expression_set {
            let matched = set.matches(&normal::backslashed(value));
            found.extend(matched.iter().filter_map(|regex| self.expressions.get(regex)));
        }
        normal::path(value, &mut room.text);
        self.probe(TableId::Path, room.text.as_bytes(), found);
        self.look_up_path_end(&room.text, found);
        if self.has(TableId::Folder) || self.has(TableId::RootFolder) {
            room.text.push('\\');
            self.folders.each_in(&room.text, &self.keyed, |table, folder| {
                self.probe(table, folder.as_bytes(), found);
            });
        }
    }

    fn look_up_path_end(&self, path: &str, found: &mut Vec<u32>) {
        self.path_ends.each_of(path, &self.keyed, |end| {
            self.probe(TableId::PathEnd, end.as_bytes(), found);
        });
    }

    fn look_up_host(&self, value: &str, room: &mut Room, found: &mut Vec<u32>) {
        if !normal::host_key(value, &mut room.text) {
            return self.look_up_address(value, room, found);
        }
        if !self.has(TableId::Domain) {
            return;
        }
        // The last label alone is never an indicator.
        let mut rest = room.text.as_str();
        while let Some((_label, parent)) = rest.split_once('.') {
            self.probe(TableId::Domain, rest.as_bytes(), found);
            rest = parent;
        }
    }

    fn look_up_url(&self, value: &str, room: &mut Room, found: &mut Vec<u32>) {
        let parts = normal::url_parts(value);
        if parts.authority.starts_with('[') {
            self.look_up_address(parts.authority, room, found);
        } else {
            self.look_up_host(parts.authority, room, found);
        }
        if self.has(TableId::Url) {
            room.text.clear();
            normal::lower(parts.whole, &mut room.text);
            self.probe(TableId::Url, room.text.as_bytes(), found);
        }
        if self.has(TableId::UrlPath) && !parts.path.is_empty() {
            normal::url_path(parts.path, &mut room.text);
            self.probe(TableId::UrlPath, room.text.as_bytes(), found);
        }
    }

    fn look_up_user_agent(&self, value: &str, room: &mut Room, found: &mut Vec<u32>) {
        normal::user_agent(value, &mut room.text);
        let key = room.text.as_bytes();
        self.probe(TableId::UserAgent, key, found);
        for &len in &self.user_agent_starts {
            match key.get(..len) {
                Some(start) => self.probe(TableId::UserAgentStart, start, found),
                None => break,
            }
        }
    }
}

/// Room to write keys in, used again and again.
#[derive(Debug, Default)]
pub(super) struct Room {
    text: String,
    bytes: Vec<u8>,
}
