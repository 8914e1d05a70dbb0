//! Literals that begin or end a value, found by walking in from that side: most values leave after a few bytes.

use std::collections::BTreeMap;

use super::atom::Place;

/// A set of literals as a tree of bytes, laid out flat.
#[derive(Debug, Default)]
pub(super) struct Trie {
    /// By node: where its edges begin; one more at the end.
    edges: Vec<u32>,
    bytes: Vec<u8>,
    targets: Vec<u32>,
    /// By node: where the literals that end there begin; one more at the end.
    ends: Vec<u32>,
    /// The number of a literal, and whether it must be the whole value.
    found: Vec<(u32, bool)>,
    /// By first byte, in either case: the node it leads to; 0 where it leads nowhere.
    roots: Vec<u32>,
}

#[derive(Default)]
struct Growing {
    children: BTreeMap<u8, usize>,
    ends: Vec<(u32, bool)>,
}

impl Trie {
    /// A tree of literals given with their numbers. Those with [`Place::End`] are laid down backwards.
    pub(super) fn new<'a>(literals: impl Iterator<Item = (Place, &'a str, u32)>) -> Option<Trie> {
        let mut nodes = vec![Growing::default()];
        let mut is_empty = true;
        for (place, text, number) in literals {
            is_empty = false;
            let mut at = 0;
            let forwards = text.bytes();
            let bytes: Vec<u8> = if place == Place::End {
                forwards.rev().collect()
            } else {
                forwards.collect()
            };
            for byte in bytes {
                let next = nodes.len();
                let child = *nodes[at].children.entry(byte).or_insert(next);
                if child == next {
                    nodes.push(Growing::default());
                }
                at = child;
            }
            nodes[at].ends.push((number, place == Place::Whole));
        }
        (!is_empty).then(|| Trie::lay_out(&nodes))
    }

    fn lay_out(nodes: &[Growing]) -> Trie {
        let mut trie = Trie::default();
        for node in nodes {
            trie.edges.push(trie.bytes.len() as u32);
            trie.ends.push(trie.found.len() as u32);
            for (byte, target) in &node.children {
                trie.bytes.push(*byte);
                trie.targets.push(*target as u32);
            }
            trie.found.extend(&node.ends);
        }
        trie.edges.push(trie.bytes.len() as u32);
        trie.ends.push(trie.found.len() as u32);
        trie.roots = (0..=u8::MAX)
            .map(|byte| trie.child(0, byte.to_ascii_lowercase()).unwrap_or(0) as u32)
            .collect();
        trie
    }

    /// Gives the numbers of the literals found on the way through `bytes`.
    pub(super) fn walk(&self, mut bytes: impl Iterator<Item = u8>, mut found: impl FnMut(u32)) {
        self.ends_of(0, false, &mut found);
        let Some(first) = bytes.next() else {
            return self.ends_of(0, true, &mut found);
        };
        let mut node = match self.roots.get(usize::from(first)) {
            None | Some(0) => return,
            Some(node) => *node as usize,
        };
        for byte in bytes {
            self.ends_of(node, false, &mut found);
            let Some(next) = self.child(node, byte.to_ascii_lowercase()) else {
                return;
            };
            node = next;
        }
        self.ends_of(node, false, &mut found);
        self.ends_of(node, true, &mut found);
    }

    fn child(&self, node: usize, byte: u8) -> Option<usize> {
        let from = *self.edges.get(node)? as usize;
        let to = *self.edges.get(node + 1)? as usize;
        let place = self.bytes.get(from..to)?.iter().position(|edge| *edge == byte)?;
        self.targets.get(from + place).map(|target| *target as usize)
    }

    fn ends_of(&self, node: usize, whole: bool, found: &mut impl FnMut(u32)) {
        let range = self.ends.get(node).zip(self.ends.get(node + 1));
        let ends = range.and_then(|(from, to)| self.found.get(*from as usize..*to as usize));
        for (number, is_whole) in ends.unwrap_or_default() {
            if *is_whole == whole {
                found(*number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_at_either_end() {
        let start = [
            (Place::Start, "c:\\", 0),
            (Place::Whole, "c:\\x", 1),
            (Place::Whole, "c", 2),
        ];
        let trie = Trie::new(start.into_iter()).unwrap();
        let found = |value: &str| {
            let mut found = Vec::new();
            trie.walk(value.bytes(), |number| found.push(number));
            found
        };
        assert_eq!(found("C:\\X"), [0, 1]);
        assert_eq!(
            (found("C:\\Xy"), found("C"), found("")),
            (vec![0], vec![2], vec![])
        );
        let end = Trie::new([(Place::End, "\\x.exe", 7), (Place::End, ".exe", 8)].into_iter()).unwrap();
        let mut found = Vec::new();
        end.walk("c:\\X.EXE".bytes().rev(), |number| found.push(number));
        assert_eq!(found, [8, 7]);
        assert!(Trie::new(std::iter::empty()).is_none());
    }
}
