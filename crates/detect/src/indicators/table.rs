//! From the hash of a value to the indicators that have it, without the values themselves: an indicator's own value is
//! compared once its hash agrees, which is nearly never.

use std::hash::{BuildHasher, Hasher};

/// Bits of the filter for each entry, before rounding up to a power of two. With 16 at most one absent value in 16
/// gets past it.
const FILTER_BITS: usize = 16;
/// How often one value may be described differently; what comes later adds nothing.
const SAME_VALUE: usize = 64;

/// Hashes keys. Seeded by chance, for evidence and feeds are written by others.
#[derive(Debug, Clone, Default)]
pub(super) struct Keyed(foldhash::quality::RandomState);

impl Keyed {
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(key);
        hasher.finish()
    }
}

/// A bitmap that knows most absent values for absent at the price of one look.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Empty, or a power of two.
    words: Vec<u64>,
}

impl Filter {
    pub(super) fn of(hashes: impl ExactSizeIterator<Item = u64>) -> Filter {
        if hashes.len() == 0 {
            return Filter::default();
        }
        let words = (hashes.len().saturating_mul(FILTER_BITS) / 64)
            .max(1)
            .next_power_of_two();
        let mut filter = Filter {
            words: vec![0; words],
        };
        for hash in hashes {
            let (word, bit) = filter.place(hash);
            if let Some(word) = filter.words.get_mut(word) {
                *word |= bit;
            }
        }
        filter
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let word = (hash >> 6) as usize & self.words.len().wrapping_sub(1);
        (word, 1 << (hash & 63))
    }

    pub(super) fn may_have(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// The finished table: entries in order of their hashes, and where those that begin with the same bits start.
#[derive(Debug, Default)]
pub(super) struct Table {
    filter: Filter,
    /// The high bits of a hash choose among these; one more than there are buckets.
    starts: Vec<u32>,
    shift: u32,
    /// The low half of the hash, and the indicator.
    entries: Vec<(u32, u32)>,
}

impl Table {
    /// Builds the table of hashes and positions. Of those `same` takes for one indicator the first is kept; gives the
    /// number of the others.
    pub(super) fn build(mut pairs: Vec<(u64, u32)>, same: impl Fn(u32, u32) -> bool) -> (Table, u64) {
        if pairs.is_empty() {
            return (Table::default(), 0);
        }
        pairs.sort_unstable();
        let before = pairs.len();
        drop_repeated(&mut pairs, same);
        let repeated = before - pairs.len();
        let buckets = pairs.len().max(2).next_power_of_two();
        let shift = 64 - buckets.trailing_zeros();
        let mut starts = vec![0u32; buckets + 1];
        for (hash, _) in &pairs {
            if let Some(count) = starts.get_mut((hash >> shift) as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let table = Table {
            filter: Filter::of(pairs.iter().map(|&(hash, _)| hash)),
            starts,
            shift,
            entries: pairs
                .iter()
                .map(|&(hash, position)| (hash as u32, position))
                .collect(),
        };
        (table, repeated as u64)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The indicators whose hash is this one as far as the table can tell; the caller compares the values.
    pub(super) fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> {
        let entries = if self.filter.may_have(hash) {
            self.bucket(hash)
        } else {
            &[]
        };
        entries
            .iter()
            .filter(move |(tag, _)| *tag == hash as u32)
            .map(|&(_, position)| position)
    }

    fn bucket(&self, hash: u64) -> &[(u32, u32)] {
        let bucket = (hash >> self.shift) as usize;
        match (self.starts.get(bucket), self.starts.get(bucket + 1)) {
            (Some(&from), Some(&to)) => self.entries.get(from as usize..to as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// Keeps the first of what is the same, and at most [`SAME_VALUE`] with one hash.
fn drop_repeated(pairs: &mut Vec<(u64, u32)>, same: impl Fn(u32, u32) -> bool) {
    let mut kept: Vec<u32> = Vec::new();
    let mut last = None;
    pairs.retain(|&(hash, position)| {
        if last != Some(hash) {
            last = Some(hash);
            kept.clear();
        } else if kept.len() >= SAME_VALUE || kept.iter().any(|&other| same(other, position)) {
            return false;
        }
        kept.push(position);
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_is_found_and_little_else() {
        let keyed = Keyed::default();
        let hash = |number: u32| keyed.hash(&number.to_le_bytes());
        for count in [1u32, 2, 3, 1_000, 65_536] {
            let (table, repeated) = Table::build((0..count).map(|n| (hash(n), n)).collect(), |_, _| true);
            assert_eq!(repeated, 0);
            assert!((0..count).all(|n| table.candidates(hash(n)).any(|found| found == n)));
            let past: usize = (count..count + 10_000)
                .filter(|&n| table.filter.may_have(hash(n)))
                .count();
            assert!(past < 1_000, "{past} of 10,000 with {count}");
            let wrong: usize = (count..count + 10_000)
                .map(|n| table.candidates(hash(n)).count())
                .sum();
            assert!(wrong < 3, "{wrong}");
        }
        assert_eq!(Table::default().candidates(7).count(), 0);
    }

    #[test]
    fn one_value_a_hundred_thousand_times_is_kept_a_few_times() {
        let (table, repeated) = Table::build((0..100_000).map(|n| (7, n)).collect(), |a, b| a % 3 == b % 3);
        assert_eq!((table.candidates(7).count(), repeated), (3, 99_997));
        let (table, repeated) = Table::build((0..100_000).map(|n| (7, n)).collect(), |_, _| false);
        assert_eq!((table.candidates(7).count(), repeated), (64, 99_936));
    }
}
