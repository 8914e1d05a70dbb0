//! The simulated world: true to format, consistent with its ground truth, the same on every run.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod formats;
mod support;
mod truth;
