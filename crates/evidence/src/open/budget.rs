//! What one archive of the evidence may cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one archive of the evidence may still give, nested ones included, and how much of it is done.
pub(super) struct Budget {
    left: AtomicU64,
    told: Arc<AtomicU64>,
    most: u64,
}

impl Budget {
    pub(super) fn new(bytes: u64, told: Arc<AtomicU64>, most: u64) -> Budget {
        Budget {
            left: AtomicU64::new(bytes),
            told,
            most,
        }
    }

    /// Takes so many bytes, all or nothing.
    pub(super) fn take(&self, bytes: u64) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .is_ok()
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How many of these bytes of the file may be told as done: in all no more than it has.
    pub(super) fn tell(&self, bytes: u64) -> u64 {
        let before = self.told.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes).min(self.most) - before.min(self.most)
    }
}
