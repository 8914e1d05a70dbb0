//! How fast servers are asked, all threads together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Rate;

/// A clock that can be waited on.
pub trait Clock: Sync {
    /// Time since some beginning.
    fn now(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// How long a waiting thread sleeps before it looks again, so that a stopped run stops.
const LOOK: Duration = Duration::from_millis(200);

/// Keeps requests apart: those to one address, and all of them. No bursts: what was not used is lost.
pub struct Throttle<'a> {
    clock: &'a dyn Clock,
    per_host: Duration,
    total: Duration,
    free: Mutex<Free>,
}

#[derive(Default)]
struct Free {
    /// When the next request to anybody may go.
    all: Duration,
    hosts: HashMap<IpAddr, Duration>,
}

impl<'a> Throttle<'a> {
    /// A throttle that holds `rate`.
    pub fn new(rate: Rate, clock: &'a dyn Clock) -> Throttle<'a> {
        let apart = |rate: f64| Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::from_secs(100));
        Throttle {
            clock,
            per_host: apart(rate.per_host),
            total: apart(rate.total),
            free: Mutex::default(),
        }
    }

    /// Waits until a request to `address` may go, and counts it. `false` when `stop` says so first.
    pub fn wait(&self, address: IpAddr, stop: &dyn Fn() -> bool) -> bool {
        loop {
            if stop() {
                return false;
            }
            let Some(left) = self.take(address) else {
                return true;
            };
            self.clock.sleep(left.min(LOOK));
        }
    }

    /// Takes the turn when it is free, else says how long it is not.
    fn take(&self, address: IpAddr) -> Option<Duration> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let own = free.hosts.get(&address).copied().unwrap_or_default();
        let at = own.max(free.all);
        if at > now {
            return Some(at - now);
        }
        free.all = now + self.total;
        free.hosts.insert(address, now + self.per_host);
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A clock that only sleeping moves.
    #[derive(Default)]
    struct Told(AtomicU64);

    impl Clock for Told {
        fn now(&self) -> Duration {
            Duration::from_micros(self.0.load(Ordering::SeqCst))
        }

        fn sleep(&self, time: Duration) {
            let micros = u64::try_from(time.as_micros()).unwrap() + 1;
            self.0.fetch_add(micros, Ordering::SeqCst);
        }
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    #[test]
    fn requests_stay_apart() {
        let clock = Told::default();
        let rate = Rate {
            per_host: 2.0,
            total: 5.0,
        };
        let throttle = Throttle::new(rate, &clock);
        let mut sent: Vec<(u8, Duration)> = Vec::new();
        for round in 0..40_u8 {
            let host = round % 7 % 4;
            assert!(throttle.wait(address(host), &|| false));
            sent.push((host, clock.now()));
        }
        for pair in sent.windows(2) {
            assert!(pair[1].1 - pair[0].1 >= Duration::from_millis(200), "{pair:?}");
        }
        for host in 0..4 {
            let own: Vec<Duration> = sent.iter().filter(|one| one.0 == host).map(|one| one.1).collect();
            assert!(
                own.windows(2)
                    .all(|pair| pair[1] - pair[0] >= Duration::from_millis(500))
            );
        }
    }

    #[test]
    fn threads_share_the_rate() {
        let clock = SystemClock::default();
        let throttle = Throttle::new(
            Rate {
                per_host: 1_000.0,
                total: 50.0,
            },
            &clock,
        );
        let sent = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (throttle, sent, clock) = (&throttle, &sent, &clock);
                scope.spawn(move || {
                    for _ in 0..5 {
                        assert!(throttle.wait(address(thread), &|| false));
                        sent.lock().unwrap().push(clock.now());
                    }
                });
            }
        });
        let sent = sent.into_inner().unwrap();
        let (first, last) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
        assert_eq!(sent.len(), 20);
        // 19 gaps of 20 ms, less what a thread loses between its turn and its note.
        assert!(
            *last - *first >= Duration::from_millis(340),
            "{:?}",
            *last - *first
        );
    }

    #[test]
    fn a_stopped_run_does_not_wait() {
        let clock = SystemClock::default();
        let throttle = Throttle::new(
            Rate {
                per_host: 0.01,
                total: 0.01,
            },
            &clock,
        );
        assert!(throttle.wait(address(1), &|| false));
        assert!(!throttle.wait(address(1), &|| true));
    }
}
