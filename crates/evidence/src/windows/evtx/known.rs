//! Templates of earlier chunks of the same log. Every chunk repeats the definitions of its templates, at places and
//! with references of its own; that it is the same one again is checked byte by byte, which is a fraction of the work
//! of compiling and planning it.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use foldhash::fast::RandomState;

use super::cursor::Cursor;
use super::plan::{Plan, Root};
use super::template::{Compiled, DEFINITION_HEADER_BYTES};

/// Definitions with the same identifier and size that are kept: names stand in or outside of them.
const VARIANTS: usize = 4;
/// Bytes of definitions that are kept; those of all providers of a machine are some hundred kilobytes.
const MOST_BYTES: usize = 4 << 20;

/// The definition's own identifier, its size, and where it stands in the event.
type Key = ([u8; 16], u32, Root);

/// The templates met so far that could be planned.
#[derive(Default)]
pub(super) struct Known {
    by_key: HashMap<Key, Vec<Template>, RandomState>,
    bytes: usize,
}

struct Template {
    /// Where the definition stood.
    at: u32,
    /// What was read of it, from its identifier on.
    bytes: Box<[u8]>,
    names: Box<[Name]>,
    steps: usize,
    plan: Rc<Plan>,
}

/// A reference to a name.
struct Name {
    /// Where it is in the definition.
    at: usize,
    /// The length and the text of the name, when it does not stand right behind the reference.
    elsewhere: Option<Box<[u8]>>,
}

/// The bytes of a reference, and those of the link to another name that comes before a name.
const REFERENCE_BYTES: usize = 4;
const LINK_BYTES: usize = 4;
/// The link and the hash before a name's length.
const BEFORE_LENGTH: usize = 6;

impl Known {
    /// The plan of the definition at `at` and how many steps it had, when it is one of those known.
    pub(super) fn plan(&self, chunk: &[u8], at: u32, root: Root) -> Option<(Rc<Plan>, usize)> {
        let variants = self.by_key.get(&key(chunk, at, root)?)?;
        let template = variants
            .iter()
            .find(|template| template.is_at(chunk, at as usize))?;
        let by = i64::from(at) - i64::from(template.at);
        let plan = match template.plan.moved(by) {
            Some(plan) => Rc::new(plan),
            None => Rc::clone(&template.plan),
        };
        Some((plan, template.steps))
    }

    /// Keeps a template for the chunks to come.
    pub(super) fn keep(&mut self, chunk: &[u8], at: u32, root: Root, compiled: &Compiled, plan: &Rc<Plan>) {
        let Some((key, template)) =
            key(chunk, at, root).zip(Template::new(chunk, at, compiled, Rc::clone(plan)))
        else {
            return;
        };
        self.bytes += template.bytes.len();
        if self.bytes > MOST_BYTES {
            self.by_key.clear();
            self.bytes = template.bytes.len();
        }
        let variants = self.by_key.entry(key).or_default();
        if variants.len() >= VARIANTS {
            variants.remove(0);
        }
        variants.push(template);
    }
}

fn key(chunk: &[u8], at: u32, root: Root) -> Option<Key> {
    // The definition starts with the place of another one.
    let mut cursor = Cursor::new(chunk, at as usize);
    cursor.take(LINK_BYTES, "").ok()?;
    let identifier = cursor.take(16, "").ok()?.try_into().ok()?;
    Some((identifier, cursor.u32("").ok()?, root))
}

impl Template {
    /// `None` when what was read reaches beyond the definition.
    fn new(chunk: &[u8], at: u32, compiled: &Compiled, plan: Rc<Plan>) -> Option<Template> {
        let start = at as usize + LINK_BYTES;
        if compiled.read_to > compiled.end {
            return None;
        }
        let bytes = chunk.get(start..compiled.read_to)?;
        let name = |&(place, reference): &(usize, u32)| {
            let is_here = place + REFERENCE_BYTES == reference as usize;
            let elsewhere = match is_here {
                true => None,
                false => Some(chunk.get(name_at(chunk, reference)?)?.into()),
            };
            Some(Name {
                at: place.checked_sub(start)?,
                elsewhere,
            })
        };
        Some(Template {
            at,
            bytes: bytes.into(),
            names: compiled.names.iter().map(name).collect::<Option<_>>()?,
            steps: compiled.steps.len(),
            plan,
        })
    }

    /// Whether the definition at a place of another chunk says the same.
    fn is_at(&self, chunk: &[u8], at: usize) -> bool {
        let start = at + LINK_BYTES;
        let Some(bytes) = chunk.get(start..start + self.bytes.len()) else {
            return false;
        };
        let mut from = 0;
        for name in &self.names {
            let Some(reference) = bytes.get(name.at..).and_then(<[u8]>::first_chunk) else {
                return false;
            };
            let reference = u32::from_le_bytes(*reference);
            let behind = name.at + REFERENCE_BYTES;
            let is_here = start + behind == reference as usize;
            let is_same = match &name.elsewhere {
                None => is_here,
                Some(name) => {
                    let there = (reference as usize).saturating_add(BEFORE_LENGTH);
                    let text = chunk.get(there..there.saturating_add(name.len()));
                    !is_here && text == Some(&**name)
                }
            };
            if !is_same || bytes.get(from..name.at) != self.bytes.get(from..name.at) {
                return false;
            }
            from = behind + if is_here { LINK_BYTES } else { 0 };
        }
        bytes.get(from..) == self.bytes.get(from..)
    }
}

/// Where the length and the text of the name at a place are.
fn name_at(chunk: &[u8], reference: u32) -> Option<Range<usize>> {
    let mut cursor = Cursor::new(chunk, (reference as usize).saturating_add(BEFORE_LENGTH));
    let from = cursor.pos();
    let len = cursor.u16("").ok()?;
    cursor.take(usize::from(len) * 2, "").ok()?;
    Some(from..cursor.pos())
}

const _: () = assert!(DEFINITION_HEADER_BYTES == LINK_BYTES + 16);
