//! How often one may ask. What signing in is counted by is the desk's own, and lasts longer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Requests at once, and each second, of somebody who is recognised.
const KNOWN: (f64, f64) = (600.0, 100.0);
/// The same of anybody at one address, on what is open to all.
const ANYBODY: (f64, f64) = (60.0, 5.0);
/// Names remembered. When there are more, those that may ask freely are forgotten.
const REMEMBERED: usize = 10_000;

/// Who asked how often.
#[derive(Default)]
pub(crate) struct Rates(Mutex<HashMap<String, Bucket>>);

struct Bucket {
    left: f64,
    seen: Instant,
    limits: (f64, f64),
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.seen).as_secs_f64();
        self.left = (self.left + passed * self.limits.1).min(self.limits.0);
        self.seen = now;
    }
}

impl Rates {
    /// Takes one request of `name`; the seconds to wait when there were too many.
    pub(crate) fn take(&self, name: &str, anybody: bool) -> Option<u32> {
        self.take_at(name, anybody, Instant::now())
    }

    fn take_at(&self, name: &str, anybody: bool, now: Instant) -> Option<u32> {
        let limits = if anybody { ANYBODY } else { KNOWN };
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED && !buckets.contains_key(name) {
            buckets.retain(|_, bucket| {
                bucket.fill(now);
                bucket.left < bucket.limits.0
            });
            if buckets.len() >= REMEMBERED {
                // So many are over their rate at once that there is no telling them apart.
                return Some(1);
            }
        }
        let bucket = buckets.entry(name.to_owned()).or_insert(Bucket {
            left: limits.0,
            seen: now,
            limits,
        });
        bucket.fill(now);
        if bucket.left < 1.0 {
            return Some(((1.0 - bucket.left) / limits.1).ceil() as u32);
        }
        bucket.left -= 1.0;
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_asks_too_often_waits_and_nobody_else_does() {
        let rates = Rates::default();
        let now = Instant::now();
        for _ in 0..60 {
            assert_eq!(rates.take_at("a", true, now), None);
        }
        assert_eq!(rates.take_at("a", true, now), Some(1));
        assert_eq!(rates.take_at("b", true, now), None);
        assert_eq!(rates.take_at("a", true, now + Duration::from_secs(1)), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let rates = Rates::default();
        let now = Instant::now();
        for index in 0..REMEMBERED + 10 {
            rates.take_at(&index.to_string(), true, now);
        }
        assert_eq!(rates.0.lock().unwrap().len(), REMEMBERED);
        // A moment later they may ask freely again, and are forgotten.
        assert_eq!(rates.take_at("late", true, now + Duration::from_secs(1)), None);
        assert_eq!(rates.0.lock().unwrap().len(), 1);
    }
}
