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
/// Bytes of memory for all that are kept.
const MOST_BYTES: usize = 8 << 20;
/// Bytes of memory for one; one that refers to long names over and over is compiled anew each time.
const MOST_BYTES_OF_ONE: usize = 64 << 10;

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
    /// Bytes of memory it takes, about.
    memory: usize,
}

/// A reference to a name.
struct Name {
    /// Where it is in the definition.
    at: usize,
    /// The length and the text of the name, when it does not stand right behind the reference.
    elsewhere: Option<Box<[u8]>>,
}

/// What a template takes besides what it says: its place in the table, its plan, room for more.
const FIXED_BYTES: usize = 1 << 10;
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
        self.bytes += template.memory;
        if self.bytes > MOST_BYTES {
            self.by_key.clear();
            self.bytes = template.memory;
        }
        let variants = self.by_key.entry(key).or_default();
        if variants.len() >= VARIANTS {
            self.bytes = self.bytes.saturating_sub(variants.remove(0).memory);
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
    /// `None` when what was read reaches beyond the definition, or would take too much memory.
    fn new(chunk: &[u8], at: u32, compiled: &Compiled, plan: Rc<Plan>) -> Option<Template> {
        let start = at as usize + LINK_BYTES;
        if compiled.read_to > compiled.end {
            return None;
        }
        let bytes = chunk.get(start..compiled.read_to)?;
        let mut memory = FIXED_BYTES + bytes.len() + plan.bytes();
        let mut names = Vec::new();
        for &(place, reference) in &compiled.names {
            let is_here = place + REFERENCE_BYTES == reference as usize;
            let elsewhere = match is_here {
                true => None,
                false => Some(chunk.get(name_at(chunk, reference)?)?),
            };
            memory += size_of::<Name>() + elsewhere.map_or(0, <[u8]>::len);
            if memory > MOST_BYTES_OF_ONE {
                return None;
            }
            names.push(Name {
                at: place.checked_sub(start)?,
                elsewhere: elsewhere.map(Box::from),
            });
        }
        Some(Template {
            at,
            bytes: bytes.into(),
            names: names.into(),
            steps: compiled.steps.len(),
            plan,
            memory,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A definition of some references to one long name that stands elsewhere.
    fn hostile(identifier: u8, references: usize) -> (Vec<u8>, Compiled) {
        let mut chunk = vec![0; 64 << 10];
        chunk[LINK_BYTES..DEFINITION_HEADER_BYTES].fill(identifier);
        let start = DEFINITION_HEADER_BYTES + 4;
        let name = 40_000;
        chunk[name + BEFORE_LENGTH..name + BEFORE_LENGTH + 2].copy_from_slice(&10_000u16.to_le_bytes());
        let names: Vec<_> = (0..references)
            .map(|number| {
                let place = start + 5 * number + 1;
                chunk[place..place + 4].copy_from_slice(&(name as u32).to_le_bytes());
                (place, name as u32)
            })
            .collect();
        let end = start + 5 * references;
        let compiled = Compiled {
            steps: Vec::new(),
            names,
            read_to: end,
            end,
        };
        (chunk, compiled)
    }

    #[test]
    fn names_without_end_are_not_kept() {
        let mut known = Known::default();
        let plan = Rc::new(Plan::default());
        let (chunk, compiled) = hostile(0, 6_000);
        known.keep(&chunk, 0, Root::Record, &compiled, &plan);
        assert_eq!(known.bytes, 0);
        for identifier in 0..=255 {
            let (chunk, compiled) = hostile(identifier, 2);
            known.keep(&chunk, 0, Root::Record, &compiled, &plan);
            assert!((40_000..=MOST_BYTES).contains(&known.bytes), "{}", known.bytes);
            assert!(known.plan(&chunk, 0, Root::Record).is_some());
        }
        let kept: usize = known
            .by_key
            .values()
            .flatten()
            .map(|template| template.memory)
            .sum();
        assert_eq!(kept, known.bytes);
    }

    #[test]
    fn templates_that_say_nothing_cost_their_place() {
        let mut known = Known::default();
        let plan = Rc::new(Plan::default());
        for number in 0..20_000u32 {
            let mut chunk = vec![0; 64];
            chunk[LINK_BYTES..LINK_BYTES + 4].copy_from_slice(&number.to_le_bytes());
            let compiled = Compiled {
                read_to: 24,
                end: 24,
                ..Compiled::default()
            };
            known.keep(&chunk, 0, Root::Record, &compiled, &plan);
        }
        assert!(
            known.by_key.len() <= MOST_BYTES / FIXED_BYTES,
            "{}",
            known.by_key.len()
        );
    }
}
