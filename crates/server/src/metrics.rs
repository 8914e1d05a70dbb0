//! What is counted, for Prometheus. No name and no identifier of a tenant is in it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of durations, in seconds.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Counters.
#[derive(Default)]
pub(crate) struct Metrics {
    routes: Mutex<BTreeMap<Route, Times>>,
}

/// A method, the route's pattern (not its path) and the status.
type Route = (String, String, u16);

#[derive(Default, Clone)]
struct Times {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    seconds: f64,
}

impl Metrics {
    /// Counts a request.
    pub(crate) fn count(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let times = routes
            .entry((method.to_owned(), route.to_owned(), status))
            .or_default();
        let seconds = took.as_secs_f64();
        for (bound, bucket) in BOUNDS.iter().zip(&mut times.buckets) {
            *bucket += u64::from(seconds <= *bound);
        }
        times.count += 1;
        times.seconds += seconds;
    }

    /// As the text format of Prometheus.
    pub(crate) fn text(&self) -> String {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::from(
            "# HELP vigie_http_request_duration_seconds How long requests took.\n\
             # TYPE vigie_http_request_duration_seconds histogram\n",
        );
        let name = "vigie_http_request_duration_seconds";
        for ((method, route, status), times) in routes {
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            for (bound, count) in BOUNDS.iter().zip(times.buckets) {
                // Writing into a string cannot fail.
                let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
            }
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", times.count);
            let _ = writeln!(text, "{name}_sum{{{labels}}} {}", times.seconds);
            let _ = writeln!(text, "{name}_count{{{labels}}} {}", times.count);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_in_all_buckets_above_them() {
        let metrics = Metrics::default();
        metrics.count("GET", "/api/v1/tenants", 200, Duration::from_millis(30));
        let text = metrics.text();
        assert!(text.contains("status=\"200\",le=\"0.025\"} 0"), "{text}");
        assert!(text.contains("status=\"200\",le=\"0.05\"} 1"), "{text}");
        assert!(
            text.contains("_count{method=\"GET\",route=\"/api/v1/tenants\",status=\"200\"} 1"),
            "{text}"
        );
    }
}
