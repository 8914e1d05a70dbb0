//! What a desk needs of the world around it: the time and chance. Tests bring their own.

use std::fmt::Debug;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};

use crate::Time;

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time(vigie_hunt::now())
    }
}

/// A clock that is set by hand: for tests, and for playing a crisis of the past.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Time) -> ManualClock {
        ManualClock(AtomicI64::new(now.0))
    }

    /// Sets it.
    pub fn set(&self, now: Time) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves it on.
    pub fn advance_seconds(&self, seconds: i64) {
        self.set(self.now().plus_seconds(seconds));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

/// Gives random bytes.
pub trait Entropy: Debug + Send + Sync {
    /// Fills `bytes` with bytes nobody can foretell.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Debug)]
pub struct SystemEntropy(SystemRandom);

impl Default for SystemEntropy {
    fn default() -> SystemEntropy {
        SystemEntropy(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // The system call fails only where there is no randomness at all; going on would make keys that are no secret.
        if self.0.fill(bytes).is_err() {
            std::process::abort();
        }
    }
}

/// Bytes that follow from a number: for tests only, since everybody can foretell them.
#[derive(Debug)]
pub struct Seeded {
    seed: u64,
    blocks: AtomicU64,
    left: Mutex<Vec<u8>>,
}

impl Seeded {
    /// The bytes that follow from `seed`.
    pub fn new(seed: u64) -> Seeded {
        Seeded {
            seed,
            blocks: AtomicU64::new(0),
            left: Mutex::new(Vec::new()),
        }
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        let mut left = self
            .left
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for byte in bytes {
            if left.is_empty() {
                let block = self.blocks.fetch_add(1, Ordering::SeqCst);
                let mut hash = Sha256::new();
                hash.update(self.seed.to_be_bytes());
                hash.update(block.to_be_bytes());
                left.extend_from_slice(&hash.finalize());
            }
            *byte = left.pop().unwrap_or_default();
        }
    }
}
