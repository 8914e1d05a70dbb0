//! Where values are looked up: one hash lookup per value and kind, whatever the number of indicators.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{RegexBuilder, RegexSet, RegexSetBuilder};

use super::columns::Reading;
use super::{Indicator, IndicatorKind, normal};

/// What one path expression may cost once compiled, in bytes.
const REGEX_BYTES: usize = 1 << 20;
/// What all path expressions together may cost once compiled, in bytes.
const REGEX_SET_BYTES: usize = 64 << 20;
/// Networks shorter than this many bits match too much of the Internet to mean anything.
const SHORTEST_IPV4_PREFIX: u8 = 8;
const SHORTEST_IPV6_PREFIX: u8 = 16;

type Positions = Vec<u32>;

/// The compiled indicators.
#[derive(Debug, Default)]
pub(super) struct Index {
    sha256: HashMap<[u8; 32], Positions>,
    sha1: HashMap<[u8; 20], Positions>,
    md5: HashMap<[u8; 16], Positions>,
    addresses: HashMap<IpAddr, Positions>,
    networks: HashMap<(IpAddr, u8), Positions>,
    network_prefixes: BTreeSet<(bool, u8)>,
    domains: HashMap<String, Positions>,
    urls: HashMap<String, Positions>,
    url_paths: HashMap<String, Positions>,
    user_agents: HashMap<String, Positions>,
    user_agent_prefixes: Vec<(String, u32)>,
    /// Path endings by their last part.
    files: HashMap<String, Vec<FileEnding>>,
    folder_needles: Vec<(String, FolderNeedle)>,
    folders: Option<AhoCorasick>,
    path_regex_texts: Vec<(String, u32)>,
    path_regexes: Option<RegexSet>,
}

/// A path that a file's path must end with, or be.
#[derive(Debug)]
struct FileEnding {
    ending: String,
    whole: bool,
    position: u32,
}

#[derive(Debug)]
struct FolderNeedle {
    from_root: bool,
    position: u32,
}

impl Index {
    /// Takes an indicator in, or says why not.
    pub(super) fn add(&mut self, position: u32, indicator: &Indicator) -> Result<(), String> {
        let value = indicator.value.trim();
        if value.is_empty() {
            return Err("the value is empty".to_owned());
        }
        match indicator.kind {
            IndicatorKind::Sha256 => add_hash(&mut self.sha256, value, EMPTY_SHA256, position),
            IndicatorKind::Sha1 => add_hash(&mut self.sha1, value, EMPTY_SHA1, position),
            IndicatorKind::Md5 => add_hash(&mut self.md5, value, EMPTY_MD5, position),
            IndicatorKind::Ip => self.add_address(value, position),
            IndicatorKind::Cidr => self.add_network(value, position),
            IndicatorKind::Domain => {
                let name = normal::host(value).ok_or("not a domain name of at least two labels")?;
                push(&mut self.domains, name, position);
                Ok(())
            }
            IndicatorKind::Url => {
                let parts = normal::url_parts(value);
                if parts.path.len() < 2 && !parts.whole.contains('?') {
                    return Err("a URL without a path is a domain or an address: use that kind".to_owned());
                }
                push(&mut self.urls, parts.whole.to_lowercase(), position);
                Ok(())
            }
            IndicatorKind::UrlPath => {
                if value.len() < 2 || !value.starts_with('/') {
                    return Err("a URL path starts with / and names something".to_owned());
                }
                push(&mut self.url_paths, normal::url_path(value), position);
                Ok(())
            }
            IndicatorKind::UserAgent => self.add_user_agent(value, position),
            IndicatorKind::FilePath => self.add_file(value, position),
            IndicatorKind::FileName => {
                if value.contains(['\\', '/']) {
                    return Err("a file name has no folder: use file_path".to_owned());
                }
                self.add_file(&format!("\\{value}"), position)
            }
            IndicatorKind::Folder => self.add_folder(value, position),
            IndicatorKind::FilePathRegex => self.add_path_regex(value, position),
        }
    }

    fn add_address(&mut self, value: &str, position: u32) -> Result<(), String> {
        let address = normal::address(value).ok_or("not an IPv4 or IPv6 address")?;
        if address.is_loopback() || address.is_unspecified() {
            return Err("loopback and unspecified addresses are in every log".to_owned());
        }
        push(&mut self.addresses, address, position);
        Ok(())
    }

    fn add_network(&mut self, value: &str, position: u32) -> Result<(), String> {
        let (first, prefix) = normal::network(value).ok_or("not a network such as 203.0.113.0/24")?;
        let shortest = if first.is_ipv4() {
            SHORTEST_IPV4_PREFIX
        } else {
            SHORTEST_IPV6_PREFIX
        };
        if prefix < shortest {
            return Err(format!(
                "networks larger than /{shortest} match too much to mean anything"
            ));
        }
        push(
            &mut self.networks,
            (normal::masked(first, prefix), prefix),
            position,
        );
        self.network_prefixes.insert((first.is_ipv4(), prefix));
        Ok(())
    }

    fn add_user_agent(&mut self, value: &str, position: u32) -> Result<(), String> {
        let mut key = String::new();
        let prefix = value.strip_suffix('*');
        normal::user_agent(prefix.unwrap_or(value), &mut key);
        if key.len() < 3 {
            return Err("a user agent of fewer than three characters matches too much".to_owned());
        }
        match prefix {
            Some(_) => self.user_agent_prefixes.push((key, position)),
            None => push(&mut self.user_agents, key, position),
        }
        Ok(())
    }

    fn add_file(&mut self, value: &str, position: u32) -> Result<(), String> {
        let (ending, whole) = anchored(value);
        let name = last_part(&ending).to_owned();
        if name.is_empty() {
            return Err("the path names no file: use folder".to_owned());
        }
        self.files.entry(name).or_default().push(FileEnding {
            ending,
            whole,
            position,
        });
        Ok(())
    }

    fn add_folder(&mut self, value: &str, position: u32) -> Result<(), String> {
        let (mut needle, from_root) = anchored(value);
        if !needle.ends_with('\\') {
            needle.push('\\');
        }
        if needle.len() < 3 {
            return Err("the root folder holds every file".to_owned());
        }
        self.folder_needles
            .push((needle, FolderNeedle { from_root, position }));
        Ok(())
    }

    fn add_path_regex(&mut self, value: &str, position: u32) -> Result<(), String> {
        let compiled = RegexBuilder::new(value)
            .case_insensitive(true)
            .size_limit(REGEX_BYTES)
            .build()
            .map_err(|error| one_line(&error.to_string()))?;
        if compiled.is_match("") {
            return Err("the expression matches every path".to_owned());
        }
        self.path_regex_texts.push((value.to_owned(), position));
        Ok(())
    }

    /// Builds what can only be built once everything is known. Hands back positions that had to be left out.
    pub(super) fn finish(&mut self) -> Vec<(u32, String)> {
        let mut left_out = Vec::new();
        if !self.folder_needles.is_empty() {
            match AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .build(self.folder_needles.iter().map(|(needle, _)| needle))
            {
                Ok(folders) => self.folders = Some(folders),
                Err(error) => left_out.extend(
                    self.folder_needles
                        .iter()
                        .map(|(_, needle)| (needle.position, error.to_string())),
                ),
            }
        }
        if !self.path_regex_texts.is_empty() {
            match RegexSetBuilder::new(self.path_regex_texts.iter().map(|(text, _)| text))
                .case_insensitive(true)
                .size_limit(REGEX_SET_BYTES)
                .build()
            {
                Ok(set) => self.path_regexes = Some(set),
                Err(_) => left_out.extend(self.path_regex_texts.iter().map(|&(_, position)| {
                    let why = "the path expressions together take too much memory: use fewer or simpler ones";
                    (position, why.to_owned())
                })),
            }
        }
        left_out
    }

    /// Whether any indicator could match a column read this way.
    pub(super) fn wants(&self, reading: Reading) -> bool {
        let addresses = !self.addresses.is_empty() || !self.networks.is_empty();
        let paths = !self.files.is_empty() || self.folders.is_some() || self.path_regexes.is_some();
        match reading {
            Reading::Address | Reading::AddressList => addresses,
            Reading::Hash | Reading::HashList => {
                !(self.sha256.is_empty() && self.sha1.is_empty() && self.md5.is_empty())
            }
            Reading::Path | Reading::PathList => paths,
            Reading::FileName => !self.files.is_empty(),
            Reading::Host => addresses || !self.domains.is_empty(),
            Reading::Url => {
                addresses || !(self.domains.is_empty() && self.urls.is_empty() && self.url_paths.is_empty())
            }
            Reading::UrlPath => !self.url_paths.is_empty(),
            Reading::UserAgent => !self.user_agents.is_empty() || !self.user_agent_prefixes.is_empty(),
        }
    }

    /// The positions of all indicators that match a value.
    pub(super) fn look_up(&self, reading: Reading, value: &str, key: &mut String, found: &mut Positions) {
        match reading {
            Reading::Address => self.look_up_address(value, found),
            Reading::AddressList => {
                for part in value.split([',', ';', '+', ' ']) {
                    self.look_up_address(part, found);
                }
            }
            Reading::Hash => self.look_up_hash(value, found),
            Reading::HashList => {
                for part in value.split([',', ';', ' ']) {
                    self.look_up_hash(part.split_once('=').map_or(part, |(_, hash)| hash), found);
                }
            }
            Reading::Path => self.look_up_path(value, key, found),
            Reading::PathList => {
                for part in value.split(';') {
                    let part = part.split_once(":_").map_or(part, |(_kind, path)| path);
                    self.look_up_path(part, key, found);
                }
            }
            Reading::FileName => {
                normal::path(value, key);
                self.look_up_file(key, found);
            }
            Reading::Host => {
                for part in value.split(';') {
                    self.look_up_host(part, found);
                }
            }
            Reading::Url => self.look_up_url(value, found),
            Reading::UrlPath => get(&self.url_paths, normal::url_path(value).as_str(), found),
            Reading::UserAgent => self.look_up_user_agent(value, key, found),
        }
    }

    fn look_up_address(&self, value: &str, found: &mut Positions) {
        let Some(address) = normal::address(value) else {
            return;
        };
        get(&self.addresses, &address, found);
        for &(is_ipv4, prefix) in &self.network_prefixes {
            if is_ipv4 == address.is_ipv4() {
                get(&self.networks, &(normal::masked(address, prefix), prefix), found);
            }
        }
    }

    fn look_up_hash(&self, value: &str, found: &mut Positions) {
        let value = value.trim();
        match value.len() {
            64 => look_up_digest(&self.sha256, value, found),
            40 => look_up_digest(&self.sha1, value, found),
            32 => look_up_digest(&self.md5, value, found),
            _ => {}
        }
    }

    fn look_up_path(&self, value: &str, key: &mut String, found: &mut Positions) {
        normal::path(value, key);
        self.look_up_file(key, found);
        if let Some(set) = &self.path_regexes {
            let matched = set.matches(&normal::backslashed(value));
            found.extend(
                matched
                    .iter()
                    .filter_map(|regex| self.path_regex_texts.get(regex))
                    .map(|&(_, position)| position),
            );
        }
        if let Some(folders) = &self.folders {
            key.push('\\');
            for matched in folders.find_overlapping_iter(key.as_str()) {
                if let Some((_, needle)) = self.folder_needles.get(matched.pattern().as_usize())
                    && (matched.start() == 0 || !needle.from_root)
                {
                    found.push(needle.position);
                }
            }
        }
    }

    fn look_up_file(&self, key: &str, found: &mut Positions) {
        for file in self.files.get(last_part(key)).into_iter().flatten() {
            if key.ends_with(&file.ending) && (!file.whole || key.len() == file.ending.len()) {
                found.push(file.position);
            }
        }
    }

    fn look_up_host(&self, value: &str, found: &mut Positions) {
        let Some(name) = normal::host(value) else {
            return self.look_up_address(value, found);
        };
        let mut rest = name.as_str();
        loop {
            get(&self.domains, rest, found);
            match rest.split_once('.') {
                Some((_label, parent)) => rest = parent,
                None => return,
            }
        }
    }

    fn look_up_url(&self, value: &str, found: &mut Positions) {
        let parts = normal::url_parts(value);
        if parts.authority.starts_with('[') {
            self.look_up_address(parts.authority, found);
        } else {
            self.look_up_host(parts.authority, found);
        }
        if !self.urls.is_empty() {
            get(&self.urls, parts.whole.to_lowercase().as_str(), found);
        }
        if !self.url_paths.is_empty() && !parts.path.is_empty() {
            get(&self.url_paths, normal::url_path(parts.path).as_str(), found);
        }
    }

    fn look_up_user_agent(&self, value: &str, key: &mut String, found: &mut Positions) {
        normal::user_agent(value, key);
        get(&self.user_agents, key.as_str(), found);
        for (prefix, position) in &self.user_agent_prefixes {
            if key.starts_with(prefix.as_str()) {
                found.push(*position);
            }
        }
    }
}

/// Digests of nothing: every empty file has them.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const EMPTY_SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
const EMPTY_MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

fn add_hash<const N: usize>(
    map: &mut HashMap<[u8; N], Positions>,
    value: &str,
    of_nothing: &str,
    position: u32,
) -> Result<(), String> {
    let digest = normal::hex(value).ok_or_else(|| format!("not {} hexadecimal digits", 2 * N))?;
    if value.eq_ignore_ascii_case(of_nothing) {
        return Err("every empty file has this hash".to_owned());
    }
    push(map, digest, position);
    Ok(())
}

fn look_up_digest<const N: usize>(map: &HashMap<[u8; N], Positions>, value: &str, found: &mut Positions) {
    if !map.is_empty()
        && let Some(digest) = normal::hex::<N>(value)
    {
        get(map, &digest, found);
    }
}

/// A path's normal form, and whether it says where on the drive it starts.
fn anchored(value: &str) -> (String, bool) {
    let mut key = String::new();
    let lower = value.to_ascii_lowercase();
    let is_windows = lower.starts_with("%windir%\\") || lower.starts_with("%systemroot%\\");
    let (text, from_root) = match value.strip_prefix('%') {
        // `%ProgramFiles%` may be anywhere; `%WinDir%` has one place.
        Some(rest) if !is_windows => (rest.split_once('%').map_or(value, |(_, after)| after), false),
        _ => (value, !value.starts_with(['\\', '/'])),
    };
    if from_root {
        normal::path(text, &mut key);
    } else {
        normal::path_ending(text, &mut key);
    }
    (key, from_root)
}

fn last_part(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or("")
}

fn push<K: Hash + Eq>(map: &mut HashMap<K, Positions>, key: K, position: u32) {
    map.entry(key).or_default().push(position);
}

fn get<K, Q>(map: &HashMap<K, Positions>, key: &Q, found: &mut Positions)
where
    K: Hash + Eq + std::borrow::Borrow<Q>,
    Q: Hash + Eq + ?Sized,
{
    if let Some(positions) = map.get(key) {
        found.extend_from_slice(positions);
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
