//! Places that each may have so many of: streams of events of one account, connections of one address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Streams of events of one account or key.
pub(crate) const EACH: usize = 32;
/// Streams of events in all.
const ALL: usize = 2_000;

/// Who holds how many.
#[derive(Clone)]
pub(crate) struct Places {
    held: Arc<Mutex<Held>>,
    each: usize,
    all: usize,
}

#[derive(Default)]
struct Held {
    by: HashMap<String, usize>,
    all: usize,
}

impl Default for Places {
    fn default() -> Places {
        Places::new(EACH, ALL)
    }
}

impl Places {
    pub(crate) fn new(each: usize, all: usize) -> Places {
        Places {
            held: Arc::default(),
            each,
            all,
        }
    }

    /// Takes a place for somebody; `None` when they, or all together, have too many.
    pub(crate) fn take(&self, whose: &str) -> Option<Place> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.by.get(whose).copied().unwrap_or_default();
        if own >= self.each || held.all >= self.all {
            return None;
        }
        held.by.insert(whose.to_owned(), own + 1);
        held.all += 1;
        Some(Place {
            places: self.clone(),
            whose: whose.to_owned(),
        })
    }
}

/// A place. It is free again when this is dropped.
pub(crate) struct Place {
    places: Places,
    whose: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(1);
        let own = held.by.get(&self.whose).copied().unwrap_or_default();
        if own <= 1 {
            held.by.remove(&self.whose);
        } else {
            held.by.insert(self.whose.clone(), own - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_each_and_for_all_and_given_back() {
        let places = Places::new(2, 3);
        let one = places.take("a").unwrap();
        let _two = places.take("a").unwrap();
        assert!(places.take("a").is_none());
        let three = places.take("b").unwrap();
        assert!(places.take("c").is_none(), "all are taken");
        drop(one);
        let again = places.take("a");
        assert!(again.is_some());
        drop((again, three));
        assert_eq!(places.held.lock().unwrap().by.len(), 1);
    }
}
