//! Many indicators in little memory: values one behind the other, digests as bytes, and what lists say of all their
//! entries (grades, sentences, source) once.

use std::collections::HashMap;
use std::sync::Arc;

use vigie_event::Timestamp;

use super::keys::{self, Form};
use super::{Confidence, Indicator, IndicatorKind, Outcome, Severity, normal};

/// Indicators, only ever added to. About 40 bytes each when a list says the same of all its entries.
#[derive(Debug, Clone, Default)]
pub struct IndicatorList {
    kinds: Vec<IndicatorKind>,
    bytes: Vec<u8>,
    /// Where each value ends in `bytes`.
    ends: Vec<u32>,
    abouts: Vec<u32>,
    lines: Vec<u32>,
    /// From and until; empty as long as nothing says when it is valid.
    validity: Vec<(Timestamp, Timestamp)>,
    said: Vec<About>,
    texts: Vec<Arc<str>>,
    known_said: HashMap<About, u32>,
    known_texts: HashMap<Arc<str>, u32>,
}

/// What is said of an indicator, with texts as positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct About {
    severity: Severity,
    confidence: Confidence,
    outcome: Outcome,
    stage: u32,
    context: u32,
    context_fr: u32,
    source: u32,
    pack: u32,
}

/// The validity of what does not say any.
const ALWAYS: (Timestamp, Timestamp) = (Timestamp::MIN, Timestamp::MAX);
/// No text.
const NONE: u32 = u32::MAX;

/// An indicator's value as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept<'a> {
    Digest(&'a [u8]),
    Text(&'a str),
}

impl IndicatorList {
    /// An empty list.
    pub fn new() -> IndicatorList {
        IndicatorList::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// How many are of a kind.
    pub fn count(&self, kind: IndicatorKind) -> usize {
        self.kinds.iter().filter(|of| **of == kind).count()
    }

    /// How many are valid no longer at an instant.
    pub fn expired(&self, now: Timestamp) -> usize {
        self.validity.iter().filter(|(_, until)| *until <= now).count()
    }

    /// Adds an indicator. `false`, and nothing is added, when the list is full: it takes 4 GiB of values.
    pub fn push(&mut self, indicator: &Indicator) -> bool {
        let before = self.bytes.len();
        // What is no digest stays text, and is refused when it is compiled.
        let value = indicator.value.trim();
        if digits(indicator.kind) != Some(value.len()) || !normal::hex_key(value, &mut self.bytes) {
            self.bytes.extend_from_slice(indicator.value.as_bytes());
        }
        let (Ok(end), Ok(_)) = (u32::try_from(self.bytes.len()), u32::try_from(self.len() + 1)) else {
            self.bytes.truncate(before);
            return false;
        };
        self.ends.push(end);
        let about = self.say(indicator);
        self.abouts.push(about);
        self.lines.push(u32::try_from(indicator.line).unwrap_or(u32::MAX));
        let validity = indicator.validity();
        if validity != ALWAYS || !self.validity.is_empty() {
            self.validity.resize(self.kinds.len(), ALWAYS);
            self.validity.push(validity);
        }
        self.kinds.push(indicator.kind);
        true
    }

    /// Lets go of what only adding needs. More may be added afterwards, a little less compactly.
    pub fn shrink(&mut self) {
        self.known_said = HashMap::new();
        self.known_texts = HashMap::new();
        self.kinds.shrink_to_fit();
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.abouts.shrink_to_fit();
        self.lines.shrink_to_fit();
        self.validity.shrink_to_fit();
        self.said.shrink_to_fit();
        self.texts.shrink_to_fit();
    }

    fn say(&mut self, indicator: &Indicator) -> u32 {
        let about = About {
            severity: indicator.severity,
            confidence: indicator.confidence,
            outcome: indicator.outcome,
            stage: self.text(indicator.stage.as_deref()),
            context: self.text(Some(&indicator.context)),
            context_fr: self.text(Some(&indicator.context_fr)),
            source: self.text(Some(&indicator.source)),
            pack: self.text(indicator.pack.as_deref()),
        };
        let next = self.said.len() as u32;
        let index = *self.known_said.entry(about).or_insert(next);
        if index == next {
            self.said.push(about);
        }
        index
    }

    fn text(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return NONE };
        if let Some(&index) = self.known_texts.get(text) {
            return index;
        }
        let index = self.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.known_texts.insert(text, index);
        index
    }

    /// The indicator at a position, in full.
    pub fn get(&self, index: usize) -> Option<Indicator> {
        let (kind, kept) = self.kept(index)?;
        let about = self.said.get(*self.abouts.get(index)? as usize)?;
        let (from, until) = self.validity(index);
        let text = |index: u32| self.texts.get(index as usize).map(|text| text.to_string());
        Some(Indicator {
            kind,
            value: match kept {
                Kept::Digest(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                Kept::Text(text) => text.to_owned(),
            },
            severity: about.severity,
            confidence: about.confidence,
            outcome: about.outcome,
            stage: text(about.stage),
            context: text(about.context).unwrap_or_default(),
            context_fr: text(about.context_fr).unwrap_or_default(),
            source: text(about.source).unwrap_or_default(),
            pack: text(about.pack),
            valid_from: (from > Timestamp::MIN).then_some(from),
            valid_until: (until < Timestamp::MAX).then_some(until),
            line: self.lines.get(index).copied().map_or(0, u64::from),
        })
    }

    /// All indicators in order, each made when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = Indicator> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Kind and value, without making anything.
    pub(super) fn kept(&self, index: usize) -> Option<(IndicatorKind, Kept<'_>)> {
        let kind = *self.kinds.get(index)?;
        let from = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        let bytes = self.bytes.get(from..*self.ends.get(index)? as usize)?;
        let is_digest = digits(kind).is_some_and(|digits| bytes.len() == digits / 2);
        Some((
            kind,
            match std::str::from_utf8(bytes) {
                Ok(text) if !is_digest => Kept::Text(text),
                _ => Kept::Digest(bytes),
            },
        ))
    }

    /// From when until when it is valid: `from <= time < until`.
    pub(super) fn validity(&self, index: usize) -> (Timestamp, Timestamp) {
        self.validity.get(index).copied().unwrap_or(ALWAYS)
    }

    /// Whether two entries say the same of what they name, whatever they name.
    pub(super) fn say_the_same(&self, one: usize, other: usize) -> bool {
        self.kinds.get(one) == self.kinds.get(other)
            && self.abouts.get(one) == self.abouts.get(other)
            && self.validity(one) == self.validity(other)
    }

    /// The form and key of an entry that can be looked for, else why not.
    pub(super) fn checked_form(
        &self,
        index: usize,
        key: &mut Vec<u8>,
        text: &mut String,
    ) -> Result<Form, String> {
        let about = self
            .abouts
            .get(index)
            .and_then(|&about| self.said.get(about as usize));
        match (self.kept(index), about) {
            (Some((kind, kept)), Some(about)) => {
                keys::checked_form(kind, kept, about.confidence, self.validity(index), key, text)
            }
            _ => Err("not in the list".to_owned()),
        }
    }
}

impl FromIterator<Indicator> for IndicatorList {
    fn from_iter<I: IntoIterator<Item = Indicator>>(indicators: I) -> IndicatorList {
        let mut list = IndicatorList::new();
        for indicator in indicators {
            list.push(&indicator);
        }
        list.shrink();
        list
    }
}

/// Hexadecimal digits of a kind that is a digest.
fn digits(kind: IndicatorKind) -> Option<usize> {
    match kind {
        IndicatorKind::Sha256 => Some(64),
        IndicatorKind::Sha1 => Some(40),
        IndicatorKind::Md5 => Some(32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut plain = Indicator::new(IndicatorKind::Sha1, "C73DD3076EC9ABB13C15053234C436406B88FB2B");
        plain.line = 3;
        let mut described = Indicator::new(IndicatorKind::Domain, "evil[.]example");
        described.stage = Some("web_shell".to_owned());
        described.context = "seen in March".to_owned();
        described.valid_until = Some(5);
        // Sixteen characters, as many as an MD5 digest has bytes.
        let wrong = Indicator::new(IndicatorKind::Md5, "not a hash at al");
        let list: IndicatorList = [&plain, &described, &wrong, &plain]
            .into_iter()
            .cloned()
            .collect();
        plain.value = plain.value.to_lowercase();
        assert_eq!(list.get(0), Some(plain.clone()));
        assert_eq!(list.get(1), Some(described));
        assert_eq!(list.get(3), Some(plain));
        assert_eq!(list.get(4), None);
        assert_eq!(list.len(), 4);
        assert!(list.say_the_same(0, 3) && !list.say_the_same(0, 1));
    }
}
